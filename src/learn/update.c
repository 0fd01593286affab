/* SPDX-License-Identifier: MIT */
#include "learn/update.h"

#include <string.h>

#include "learn/privacy.h"

typedef oikos_real real;

/* out, laid out as theta from tensor `first` on = scale * the sums of the segments from `segment`
 * on */
static void get_parameters(const oikos_segments *s, const oikos_sum *sum, int segment, int first,
                           double scale, real *out) {
  for (int i = first; i < s->n_tensors; i++)
    oikos_sum_get(s->grid, sum, segment++, scale,
                  out + s->tensor[i].offset - s->tensor[first].offset);
}

/* w = (1 - gamma) w + gamma mean; of a mean of ways from w: w + gamma mean */
static void mix(const oikos_config *config, double gamma, size_t n, const real *mean, real *w) {
  bool ways = oikos_rule_clips(config);
  for (size_t i = 0; i < n; i++)
    w[i] = ways ? w[i] + (real)gamma * mean[i] : (real)(1 - gamma) * w[i] + (real)gamma * mean[i];
}

/* mean (n), as summed, becomes what the rule says: kept is its centre or its result (n), or NULL.
 */
static void apply_rule(const oikos_config *config, size_t n, real *kept, real *mean) {
  if (!kept)
    return;
  for (size_t i = 0; i < n && config->aggregation.rule == OIKOS_RULE_CENTRED_CLIP; i++)
    kept[i] += mean[i];
  memcpy(mean, kept, n * sizeof *mean);
}

int64_t oikos_update_counted(const oikos_config *config, const oikos_sum *sum) {
  return config->learners.count - sum->words[OIKOS_COUNT_REJECTED];
}

double oikos_update_shared(const oikos_config *config, const oikos_segments *s,
                           const oikos_sum *sum, int64_t step, const oikos_robust *r,
                           oikos_weights *w, real *scratch) {
  bool private = oikos_privacy_on(config);
  double n = (double)(private ? config->learners.count : oikos_update_counted(config, sum));
  double share = 1 / n; // a_i
  real *gradient = scratch, *trained = scratch + w->m + w->a;
  bool summed = !oikos_rule_orders(config);
  if (config->shared.mixing > 0) {
    if (summed)
      get_parameters(s, sum, s->shared_trained, 0, share, trained);
    apply_rule(config, w->m, r->trained, trained);
    oikos_privacy_add(config, OIKOS_PART_TRAINED, -1, w->k > 0, n, step, w->m, trained);
    mix(config, config->shared.mixing, w->m, trained, w->shared);
  }
  if (summed)
    get_parameters(s, sum, 0, 0, share, gradient);
  if (s->rates >= 0)
    oikos_sum_get(s->grid, sum, s->rates, share, gradient + w->m);
  apply_rule(config, w->m + w->a, r->gradient, gradient);
  oikos_privacy_add(config, OIKOS_PART_GRADIENT, -1, w->k > 0, n, step, w->m + w->a, gradient);
  double norm = oikos_clip(config->outer.clip, w->m + w->a, gradient);
  oikos_optimizer_update(config, &w->shared_optimizer, 0,
                         config->shared.rate * oikos_schedule(config, step), gradient, w->m,
                         w->shared);
  return norm;
}

static void update_home(const oikos_config *config, const oikos_segments *s, const oikos_sum *sum,
                        int64_t step, int64_t t, double members, const oikos_robust *r,
                        oikos_weights *w, real *scratch) {
  int segment = s->homes + (int)t * s->home_size;
  size_t at = (size_t)t * w->k;
  real *c = w->homes + at, *gradient = scratch, *trained = scratch + w->m;
  double share = 1 / members;
  bool summed = !oikos_rule_orders(config);
  if (config->home.mixing > 0) {
    if (summed)
      get_parameters(s, sum, segment + s->home_size / 2, s->first_owned, share, trained);
    apply_rule(config, w->k, r->home_trained ? r->home_trained + at : NULL, trained);
    oikos_privacy_add(config, OIKOS_PART_TRAINED, t, true, members, step, w->k, trained);
    mix(config, config->home.mixing, w->k, trained, c);
  }
  if (summed)
    get_parameters(s, sum, segment, s->first_owned, share, gradient);
  apply_rule(config, w->k, r->home_gradient ? r->home_gradient + at : NULL, gradient);
  oikos_privacy_add(config, OIKOS_PART_GRADIENT, t, true, members, step, w->k, gradient);
  oikos_clip(config->outer.clip, w->k, gradient);
  oikos_optimizer_update(config, &w->home_optimizer, (size_t)t,
                         config->home.rate * oikos_schedule(config, step), gradient, w->k, c);
}

void oikos_update_homes(const oikos_config *config, const oikos_segments *s, const oikos_sum *sum,
                        int64_t step, const oikos_robust *r, oikos_weights *w, real *scratch) {
  real members;
  if (w->k == 0)
    return;
  for (int64_t t = 0; t < w->n_homes; t++) {
    oikos_sum_get(s->grid, sum, s->weights + (int)t, 1, &members);
    double n = oikos_privacy_on(config) // who lives here is not to be told
                   ? (double)config->learners.count / (double)w->n_homes
                   : (double)members;
    if (n > 0) // else nobody lives here: the home stays as it is
      update_home(config, s, sum, step, t, n, r, w, scratch);
  }
}
