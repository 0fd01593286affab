/* SPDX-License-Identifier: MIT */
#include "tasks/ratings_bias.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"

struct oikos_ratings_bias {
  double mean, low, high, damping;
  double *bias[2]; /* (users), (items) by oikos_bias_side; one allocation, at bias[0] */
};

double oikos_ratings_bias_damped(const oikos_ratings_bias *m, double sum, int64_t n) {
  return n > 0 ? sum / ((double)n + m->damping) : 0;
}

double oikos_ratings_bias_left(const oikos_ratings_bias *m, oikos_bias_side side, int64_t other,
                               double value) {
  return value - m->mean - m->bias[!side][other];
}

/* The mean and the range of the training ratings. */
static oikos_status describe(const oikos_ratings_index *x, const uint8_t *train,
                             oikos_ratings_bias *m, oikos_error *err) {
  int64_t count = 0;
  for (int64_t k = 0; k < x->n; k++) {
    double value = (double)x->value[k];
    if (train[k] != 1)
      continue;
    m->low = count == 0 || value < m->low ? value : m->low;
    m->high = count == 0 || value > m->high ? value : m->high;
    m->mean += value;
    count++;
  }
  if (count == 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "the bias baseline: none of %lld ratings is for training; choose a split "
                      "that trains on some",
                      (long long)x->n);
  m->mean /= (double)count;
  return OIKOS_OK;
}

/* Count the training ratings of each user and each item. */
static void count_ratings(const oikos_ratings_index *x, const uint8_t *train,
                          int64_t *const count[2]) {
  for (int64_t k = 0; k < x->n; k++)
    if (train[k] == 1) {
      count[OIKOS_BIAS_USER][x->user[k]]++;
      count[OIKOS_BIAS_ITEM][x->item[k]]++;
    }
}

/* Every bias of one side, given the other's. */
static void fit_side(const oikos_ratings_index *x, const uint8_t *train, oikos_bias_side side,
                     const int64_t *count, oikos_ratings_bias *m) {
  const int32_t *self = side == OIKOS_BIAS_USER ? x->user : x->item,
                *other = side == OIKOS_BIAS_USER ? x->item : x->user;
  double *bias = m->bias[side];
  const double *other_bias = m->bias[!side];
  int64_t n = side == OIKOS_BIAS_USER ? x->users.n : x->items.n;
  for (int64_t i = 0; i < n; i++)
    bias[i] = 0;
  for (int64_t k = 0; k < x->n; k++)
    if (train[k] == 1)
      bias[self[k]] += (double)x->value[k] - m->mean - other_bias[other[k]];
  for (int64_t i = 0; i < n; i++)
    bias[i] = oikos_ratings_bias_damped(m, bias[i], count[i]);
}

static oikos_status fit(const oikos_ratings_index *x, const uint8_t *train, int sweeps,
                        oikos_ratings_bias *m, oikos_error *err) {
  static const char what[] = "the bias baseline";
  size_t both = (size_t)x->users.n + (size_t)x->items.n;
  int64_t *count;
  OIKOS_TRY(describe(x, train, m, err));
  OIKOS_TRY(oikos_alloc(&m->bias[OIKOS_BIAS_USER], both, sizeof **m->bias, what, err));
  m->bias[OIKOS_BIAS_ITEM] = m->bias[OIKOS_BIAS_USER] + x->users.n;
  OIKOS_TRY(oikos_alloc(&count, both, sizeof *count, what, err));
  int64_t *const counts[2] = {count, count + x->users.n};
  count_ratings(x, train, counts);
  for (int sweep = 0; sweep < sweeps; sweep++)
    for (int side = OIKOS_BIAS_ITEM; side >= OIKOS_BIAS_USER; side--)
      fit_side(x, train, (oikos_bias_side)side, counts[side], m);
  free(count);
  return OIKOS_OK;
}

oikos_status oikos_ratings_bias_create(const oikos_ratings_index *index, const uint8_t *train,
                                       double damping, int sweeps, oikos_ratings_bias **model,
                                       oikos_error *err) {
  *model = NULL;
  OIKOS_TRY(oikos_alloc(model, 1, sizeof **model, "the bias baseline", err));
  (*model)->damping = damping;
  oikos_status status = fit(index, train, sweeps, *model, err);
  if (status != OIKOS_OK) {
    oikos_ratings_bias_destroy(*model);
    *model = NULL;
  }
  return status;
}

void oikos_ratings_bias_destroy(oikos_ratings_bias *m) {
  if (!m)
    return;
  free(m->bias[OIKOS_BIAS_USER]);
  free(m);
}

double oikos_ratings_bias_of(const oikos_ratings_bias *m, oikos_bias_side side, int64_t number) {
  return m->bias[side][number];
}

double oikos_ratings_bias_adapt(const oikos_ratings_bias *m, oikos_bias_side side, int64_t n,
                                const int32_t *other, const float *value) {
  double sum = 0;
  for (int64_t k = 0; k < n; k++)
    sum += oikos_ratings_bias_left(m, side, other[k], (double)value[k]);
  return oikos_ratings_bias_damped(m, sum, n);
}

double oikos_ratings_bias_predict(const oikos_ratings_bias *m, oikos_bias_side side, double self,
                                  int64_t other) {
  double value = m->mean + self + m->bias[!side][other];
  value = value > m->high ? m->high : value;
  return value < m->low ? m->low : value;
}
