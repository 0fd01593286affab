/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_RUN_GRADCHECK_IMPL_H
#define OIKOS_RUN_GRADCHECK_IMPL_H

#include "base/memory.h"
#include "run/trainer_impl.h"

/* Where the parts of a point and of its gradient begin: the start theta_0 itself, the learned
 * rates, the encoder; the shared weights that the start is made of, the homes, the embedding rows.
 */
enum {
  OIKOS_POINT_START,          /* (M) */
  OIKOS_POINT_RATES,          /* (A) */
  OIKOS_POINT_ENCODER,        /* (E) */
  OIKOS_POINT_SHARED,         /* (M) */
  OIKOS_POINT_HOMES,          /* (T, K) */
  OIKOS_POINT_EMBEDDING_ROWS, /* (U, d) of this episode */
  OIKOS_POINT_PARTS
};

/* One check: the point x, its gradient, and a direction. */
typedef struct oikos_check {
  oikos_trainer *t;
  oikos_worker *w;
  oikos_batch support, query_batch;
  int32_t home;
  size_t offset[OIKOS_POINT_PARTS + 1]; /* offsets of the parts; the last one is how many numbers */
  size_t floor;                         /* numbers of the gradient that errors are measured by */
  oikos_real *x, *gradient, *direction, *moved; /* (all parts) */
  oikos_real *trained;                          /* (M) theta_S */
  double *log_p;                                /* (2, T) before the home was found; scratch */
  double loss;
  oikos_arena memory;
} oikos_check;

static inline size_t oikos_check_size(const oikos_check *c, int part) {
  return c->offset[part + 1] - c->offset[part];
}

/** Write a file of what was compared. */
oikos_status oikos_check_dump(const oikos_check *check, const char *path, oikos_error *err);

#endif
