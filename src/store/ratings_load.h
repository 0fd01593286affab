/* SPDX-License-Identifier: MIT
 * A ratings file in memory: the ratings and their orders once per node, in a window that its ranks
 * share; users and items once per rank. */
#ifndef OIKOS_STORE_RATINGS_LOAD_H
#define OIKOS_STORE_RATINGS_LOAD_H

#include "store/data_about.h"
#include "store/data_read.h"
#include "tasks/ratings_index.h"

typedef struct oikos_ratings_data {
  oikos_ratings_index index; /* all but source, skipped and duplicates */
  oikos_data_about about;
  oikos_data_memory memory;
  void *tables; /* what the index points into beside the memory */
} oikos_ratings_data;

/**
 * Read a ratings file (store/ratings_file.h). Bounds, both orders, that each holds every rating,
 * and that numbers are finite are checked. Collective: each rank of a node reads and checks its
 * share of the ratings.
 */
oikos_status oikos_ratings_load(const oikos_team *team, const char *path, oikos_ratings_data *data,
                                oikos_error *err);

/** Not collective. */
void oikos_ratings_unload(oikos_ratings_data *data);

#endif
