/* SPDX-License-Identifier: MIT
 * What a ratings file tells of users or of items. */
#ifndef OIKOS_STORE_RATINGS_SIDE_H
#define OIKOS_STORE_RATINGS_SIDE_H

#include "store/data_read.h"
#include "tasks/ratings_index.h"

/** What a side points into. */
typedef struct oikos_side_memory {
  char *id_text, *title_text, *number_text, *field_text, *value_text;
  char **id, **title, **number_name, **field_name, **value_name;
  float *number;
  int64_t *field_first, *category_first;
  int32_t *category;
} oikos_side_memory;

/** How many there are, and that all that is told of each has as many entries. */
oikos_status oikos_side_count(const oikos_data_in *in, const char *side, oikos_rating_side *s,
                              oikos_error *err);

/** Read and check the datasets SIDE_* of a side that was counted; @p memory is released by
 * oikos_side_free() even after an error. */
oikos_status oikos_side_read(const oikos_data_in *in, const char *side, oikos_rating_side *s,
                             oikos_side_memory *memory, oikos_error *err);
void oikos_side_free(oikos_side_memory *memory);

/** Check that offsets (n + 1) run from 0 to @p total and never fall. */
oikos_status oikos_check_offsets(const char *name, const int64_t *first, int64_t n, int64_t total,
                                 oikos_error *err);

#endif
