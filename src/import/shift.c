/* SPDX-License-Identifier: MIT */
#include "import/shift.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"

/* A range below the first part of a number is rounding of double; float32 is to leave a group's
 * range to the second; and so many of the groups may lose more. */
static const double ROUNDING = 1e-12, TOLD_APART = 1.0 / 1024, MAY_LOSE = 0.1;

typedef struct range {
  double least, greatest, error; /* the most that float32 changes a number by */
} range;

static void widen(range *r, double x, double shift) {
  if (isnan(x))
    return;
  r->least = fmin(r->least, x);
  r->greatest = fmax(r->greatest, x);
  r->error = fmax(r->error, fabs(x - shift - (double)(float)(x - shift)));
}

static bool has_range(const range *r) {
  return r->greatest - r->least > ROUNDING * fmax(fabs(r->greatest), fabs(r->least));
}

static bool loses(const range *r) {
  return r->error > TOLD_APART * (r->greatest - r->least);
}

/* Measure the groups; whether too many of those that have a range lose it, or all together do. */
static bool is_lossy(const oikos_shift_column *c, double shift, range *group, range *all) {
  const range nothing = {INFINITY, -INFINITY, 0};
  int64_t ranged = 0, lossy = 0;
  *all = nothing;
  for (int64_t g = 0; g < c->n_groups; g++)
    group[g] = nothing;
  for (int64_t k = 0; k < c->n; k++) {
    widen(all, c->first[k * c->stride], shift);
    if (c->group)
      widen(&group[c->group[k]], c->first[k * c->stride], shift);
  }
  for (int64_t g = 0; g < c->n_groups; g++) {
    ranged += has_range(&group[g]);
    lossy += has_range(&group[g]) && loses(&group[g]);
  }
  return ranged > 0 ? (double)lossy > MAY_LOSE * (double)ranged : has_range(all) && loses(all);
}

/* The middle, as a short number: one that a tenth of the range may be off. */
static double middle(const range *all) {
  double unit = pow(10, floor(log10(all->greatest - all->least)) - 1);
  return round((all->least + all->greatest) / 2 / unit) * unit;
}

oikos_status oikos_shift_choose(const oikos_shift_column *c, double *shift, oikos_error *err) {
  range *group, all;
  oikos_status status = OIKOS_OK;
  *shift = 0;
  OIKOS_TRY(oikos_alloc(&group, (size_t)c->n_groups + 1, sizeof *group, "the groups", err));
  if (is_lossy(c, 0, group, &all)) {
    *shift = middle(&all);
    if (is_lossy(c, *shift, group, &all))
      status = oikos_fail(
          err, OIKOS_ERROR,
          "column %.200s: float32 does not tell its numbers, %.12g to %.12g, apart within a group; "
          "subtract from each what its group has in common (such as the first time), or leave the "
          "column out by --exclude",
          c->name, all.least, all.greatest);
  }
  free(group);
  return status;
}

void oikos_shift_text(double shift, char text[OIKOS_SHIFT_TEXT]) {
  snprintf(text, OIKOS_SHIFT_TEXT, " %c %.17g", shift < 0 ? '+' : '-', fabs(shift));
}
