/* SPDX-License-Identifier: MIT */
#include "learn/robust.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "math/vector.h"

typedef oikos_real real;

double oikos_trained_radius(const oikos_config *c) {
  return c->aggregation.trained_radius > 0 ? c->aggregation.trained_radius : c->aggregation.radius;
}

static oikos_status allocate(const oikos_config *c, const oikos_weights *w, oikos_robust *r,
                             oikos_error *err) {
  size_t homes = oikos_mul((size_t)w->n_homes, w->k), shared = w->n;
  bool trained = c->shared.mixing > 0;
  OIKOS_TRY(oikos_alloc(&r->gradient, shared + (trained ? w->m : 0), sizeof(real),
                        "the aggregation", err));
  r->trained = trained ? r->gradient + shared : NULL;
  if (w->k > 0)
    OIKOS_TRY(oikos_alloc(&r->home_gradient, homes, sizeof(real), "the aggregation", err));
  if (w->k > 0 && c->home.mixing > 0)
    OIKOS_TRY(oikos_alloc(&r->home_trained, homes, sizeof(real), "the aggregation", err));
  return OIKOS_OK;
}

oikos_status oikos_robust_create(const oikos_config *c, const oikos_weights *w, oikos_robust *r,
                                 oikos_error *err) {
  *r = (oikos_robust){0};
  if (c->aggregation.rule == OIKOS_RULE_MEAN || c->aggregation.rule == OIKOS_RULE_CLIP)
    return OIKOS_OK;
  oikos_status status = allocate(c, w, r, err);
  if (status != OIKOS_OK)
    oikos_robust_destroy(r);
  return status;
}

void oikos_robust_destroy(oikos_robust *r) {
  free(r->gradient);
  free(r->home_gradient);
  free(r->home_trained);
  *r = (oikos_robust){0};
}

static bool all_finite(size_t n, const real *x) {
  bool fine = true;
  for (size_t i = 0; i < n; i++)
    fine &= x[i] > (real)-0x1p120 && x[i] < (real)0x1p120;
  return fine;
}

bool oikos_contribution_finite(const oikos_config *config, const oikos_weights *w,
                               const oikos_contribution *c) {
  size_t homes = (size_t)w->n_homes;
  bool trained = config->shared.mixing > 0 || (w->k > 0 && config->home.mixing > 0);
  return all_finite(w->n, c->gradient) && all_finite(w->k, c->home_gradient) &&
         (!trained || all_finite(w->m, c->trained)) && all_finite(homes, c->p) &&
         all_finite(homes, c->score) && all_finite(OIKOS_N_LOSSES, c->loss);
}

double oikos_clip_scale(double radius, size_t n, const real *x) {
  double norm = oikos_norm(n, x);
  return norm > radius ? radius / norm * (1 - 0x1p-20) : 1;
}

/* A vector of parameters: its parts, and where they stand in the sum. */
typedef struct clipped_vector {
  int segment;
  oikos_tensors tensors;
  size_t n;
  bool whole; /* rates and encoder go along: it is a shared gradient (M + A + E) */
} clipped_vector;

/* Add weight * C_R(x - from - centre), all (n); from and centre may be NULL. */
static bool add_clipped(const oikos_segments *s, const oikos_weights *w, clipped_vector v,
                        const real *x, const real *from, const real *centre, double radius,
                        real weight, real *difference, oikos_sum *sum) {
  for (size_t i = 0; i < v.n; i++)
    difference[i] = x[i] - (from ? from[i] : 0) - (centre ? centre[i] : 0);
  real scaled = (real)((double)weight * oikos_clip_scale(radius, v.n, difference));
  bool fine = oikos_segments_add(s, v.segment, v.tensors, difference, scaled, sum);
  if (v.whole && s->rates >= 0)
    fine &= oikos_sum_add(s->grid, sum, s->rates, difference + w->m, scaled);
  if (v.whole)
    fine &= oikos_segments_add(s, s->encoders, s->encoder, difference + w->m + w->a, scaled, sum);
  return fine;
}

static bool add_home(const oikos_config *config, const oikos_robust *r, const oikos_segments *s,
                     const oikos_weights *w, const oikos_contribution *c, int64_t t, real *scratch,
                     oikos_sum *sum) {
  size_t offset = (size_t)t * w->k;
  clipped_vector v = {.segment = s->homes + (int)t * s->home_size, .tensors = s->home, .n = w->k};
  bool fine = add_clipped(s, w, v, c->home_gradient, NULL,
                          r->home_gradient ? r->home_gradient + offset : NULL,
                          config->aggregation.radius, c->p[t], scratch, sum);
  v.segment += s->home.n;
  if (s->home_trained)
    fine &= add_clipped(s, w, v, c->trained + w->m - w->k, w->homes + offset,
                        r->home_trained ? r->home_trained + offset : NULL,
                        oikos_trained_radius(config), c->p[t], scratch, sum);
  return fine;
}

bool oikos_robust_add(const oikos_config *config, const oikos_robust *r, const oikos_segments *s,
                      const oikos_weights *w, const oikos_contribution *c, real *scratch,
                      oikos_sum *sum) {
  bool fine = oikos_contribution_count(s, w, c, sum);
  if (oikos_rule_orders(config))
    return fine;
  clipped_vector gradient = {.tensors = s->shared, .n = w->n, .whole = true};
  fine &= add_clipped(s, w, gradient, c->gradient, NULL, r->gradient, config->aggregation.radius, 1,
                      scratch, sum);
  clipped_vector trained = {.segment = s->shared_trained, .tensors = s->shared, .n = w->m};
  if (s->shared_trained >= 0)
    fine &= add_clipped(s, w, trained, c->trained, w->shared, r->trained,
                        oikos_trained_radius(config), 1, scratch, sum);
  for (int64_t t = 0; w->k > 0 && t < w->n_homes; t++)
    if (c->p[t] != 0)
      fine &= add_home(config, r, s, w, c, t, scratch, sum);
  return fine;
}
