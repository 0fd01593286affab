/* SPDX-License-Identifier: MIT
 * The file of a task source in memory, of whichever kind it is. */
#ifndef OIKOS_STORE_SOURCE_DATA_H
#define OIKOS_STORE_SOURCE_DATA_H

#include "store/image_load.h"
#include "store/ratings_load.h"
#include "store/table_load.h"

typedef struct oikos_source_data {
  oikos_image_data images; /* one of these, or none, is there */
  oikos_table_data table;
  oikos_ratings_data ratings;
  const oikos_data_about *about; /* that one's; NULL: none */
  const oikos_data_memory *memory;
} oikos_source_data;

/**
 * Read task.file, if the source has one. Collective.
 * @param s          to begin with empty; stays where it is until oikos_source_data_unload
 * @param[out] data  what the source is created from
 */
oikos_status oikos_source_data_load(const oikos_team *team, const oikos_config *config,
                                    oikos_source_data *s, oikos_data *data, oikos_error *err);

/** Also what is empty. Not collective. */
void oikos_source_data_unload(oikos_source_data *s);

#endif
