/* SPDX-License-Identifier: MIT
 * What the damped biases leave of ratings. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "tasks/ratings_impl.h"

enum { DAMPING = 5, SWEEPS = 20, SPREAD = 2 }; // biases are spread about half as far as ratings

oikos_status oikos_ratings_fit_bias(const oikos_ratings *r, oikos_ratings_bias **model,
                                    oikos_error *err) {
  uint8_t *train;
  OIKOS_TRY(oikos_alloc(&train, (size_t)r->index.n, 1, "the baseline", err));
  for (int64_t k = 0; k < r->index.n; k++)
    train[k] = oikos_ratings_trains(r, k);
  oikos_status status = oikos_ratings_bias_create(&r->index, train, DAMPING, SWEEPS, model, err);
  free(train);
  return status;
}

double oikos_ratings_self_bias(const oikos_ratings *r, int side, int64_t n, const int64_t *rating) {
  double sum = 0;
  if (!r->bias)
    return 0;
  for (int64_t i = 0; i < n; i++)
    sum += oikos_ratings_bias_left(r->bias, (oikos_bias_side)side,
                                   oikos_ratings_other(r, side, rating[i]),
                                   (double)r->index.value[rating[i]]);
  return oikos_ratings_bias_damped(r->bias, sum, n);
}

double oikos_ratings_new_bias(const oikos_ratings *r, int side, int64_t n, const int64_t *other,
                              const float *value) {
  double sum = 0;
  if (!r->bias)
    return 0;
  for (int64_t i = 0; i < n; i++)
    sum += oikos_ratings_bias_left(r->bias, (oikos_bias_side)side, other[i], (double)value[i]);
  return oikos_ratings_bias_damped(r->bias, sum, n);
}

double oikos_ratings_baseline(const oikos_ratings *r, int side, int64_t other, double self,
                              oikos_real *x) {
  if (!r->bias)
    return 0;
  double of_other = oikos_ratings_bias_of(r->bias, (oikos_bias_side)!side, other),
         scale = SPREAD / r->deviation;
  x[r->bias_offset] = (oikos_real)(self * scale);
  x[r->bias_offset + 1] = (oikos_real)(of_other * scale);
  return self + of_other;
}

double oikos_ratings_truth(const oikos_ratings *r, const oikos_episode *e, size_t i) {
  double value = oikos_ratings_value(r, e->y[i]) + (e->baseline ? e->baseline[i] : 0);
  return oikos_ratings_level(r, value); // undoes the rounding of the target
}
