/* SPDX-License-Identifier: MIT */
#include "math/unit_mean.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "math/student.h"

oikos_status oikos_unit_scratch_create(size_t most, size_t each, size_t units,
                                       oikos_unit_scratch *s, oikos_error *err) {
  size_t places = each ? oikos_mul(most, each) : most;
  *s = (oikos_unit_scratch){.most = most, .each = each};
  OIKOS_TRY(oikos_alloc(&s->place, units, sizeof *s->place, "the intervals", err));
  OIKOS_TRY(oikos_alloc(&s->sum, places, sizeof *s->sum, "the intervals", err));
  OIKOS_TRY(oikos_alloc(&s->last, places, sizeof *s->last, "the intervals", err));
  OIKOS_TRY(oikos_alloc(&s->count, places, sizeof *s->count, "the intervals", err));
  for (size_t u = 0; u < units; u++)
    s->place[u] = -1;
  return OIKOS_OK;
}

void oikos_unit_scratch_destroy(oikos_unit_scratch *s) {
  free(s->place);
  free(s->last);
  free(s->sum);
  free(s->count);
  *s = (oikos_unit_scratch){0};
}

static bool all_finite(size_t n, const double *y) {
  for (size_t e = 0; e < n; e++)
    if (!isfinite(y[e]))
      return false;
  return true;
}

/* sum of value - about and count of number (NULL: of values) over each unit's values; returns how
 * many units there are. */
static size_t add_up(size_t n, const double *value, double about, const double *number,
                     const int64_t *unit, oikos_unit_scratch *s) {
  size_t units = 0;
  for (size_t e = 0; e < n; e++)
    for (size_t j = 0; j < s->each; j++) {
      int64_t *place = &s->place[unit[e * s->each + j]];
      if (*place < 0) {
        s->sum[units] = s->count[units] = 0;
        s->last[units] = -1;
        *place = (int64_t)units++;
      }
      if (s->last[*place] == (int64_t)e) // named before in this value
        continue;
      s->last[*place] = (int64_t)e;
      s->sum[*place] += value[e] - about;
      s->count[*place] += number ? number[e] : 1;
    }
  for (size_t i = 0; i < n * s->each; i++)
    s->place[unit[i]] = -1;
  return units;
}

/* Of values with several units each, the variance of their mean, for `units` of them. */
static double variance(size_t n, const double *y, double mean, size_t units,
                       const oikos_unit_scratch *s) {
  double values = (double)n, c = (double)units, each = 0, noise = 0, squares = 0, alone = 0;
  for (size_t e = 0; e < n; e++)
    alone += (y[e] - mean) * (y[e] - mean);
  for (size_t u = 0; u < units; u++) {
    squares += s->sum[u] * s->sum[u];
    each += s->count[u] / values;
    noise += s->count[u] * (1 - s->count[u] / values);
  }
  double f = c * (c - 1) / ((c - each) * (c - each)), g = (f * noise - values) / (values - 1);
  return fmax((f * squares - g * alone) / (values * values), alone / (values * (values - 1)));
}

oikos_ratio oikos_unit_mean(size_t n, const double *y, const int64_t *unit, oikos_unit_scratch *s) {
  oikos_ratio alone = oikos_ratio_mean(n, 1, y);
  if (!all_finite(n, y))
    alone.value = alone.interval = NAN;
  if (s->each == 0 || n == 0)
    return alone;
  if (s->each == 1) {
    size_t units = add_up(n, y, 0, NULL, unit, s);
    return oikos_ratio_of(units, 1, s->sum, s->count);
  }
  size_t units = add_up(n, y, alone.value, NULL, unit, s);
  oikos_ratio mean = {alone.value, NAN, (int64_t)units};
  if (n > 1 && units > s->each)
    mean.interval = oikos_student_95((int64_t)(units < n ? units : n) - 1) *
                    sqrt(variance(n, y, alone.value, units, s));
  return mean;
}

oikos_ratio oikos_unit_root_mean(size_t n, const double *value, const double *number,
                                 const int64_t *unit, oikos_unit_scratch *s) {
  size_t units = n;
  if (s->each == 1)
    units = add_up(n, value, 0, number, unit, s);
  for (size_t u = 0; u < units; u++)
    s->sum[u] = s->each == 1 ? sqrt(s->sum[u] / s->count[u]) : sqrt(value[u] / number[u]);
  oikos_ratio mean = oikos_ratio_mean(units, 1, s->sum);
  if (!all_finite(units, s->sum))
    mean.value = mean.interval = NAN;
  return mean;
}
