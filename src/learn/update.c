/* SPDX-License-Identifier: MIT */
#include "learn/update.h"

#include <string.h>

#include "learn/cohort.h"
#include "learn/privacy.h"
#include "learn/schedule.h"

typedef oikos_real real;

/* out, made of these tensors = scale * the sums of the segments from `segment` on */
static void get_parameters(const oikos_segments *s, const oikos_sum *sum, int segment,
                           oikos_tensors tensors, double scale, real *out) {
  for (int i = 0; i < tensors.n; i++)
    oikos_sum_get(s->grid, sum, segment++, scale, out + tensors.list[i].offset);
}

/* w = (1 - gamma) w + gamma mean; of a mean of ways from w: w + gamma mean. The mean itself becomes
 * the peers' model, if that teaches. */
static void mix(const oikos_config *config, double gamma, size_t n, const real *mean, real *w,
                real *peers) {
  bool ways = oikos_rule_clips(config);
  if (peers)
    memcpy(peers, mean, n * sizeof *peers);
  for (size_t i = 0; gamma > 0 && i < n; i++)
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
  return oikos_cohort_size(config) - sum->words[OIKOS_COUNT_REJECTED];
}

/* The learners that count, each by its weight: what shared sums are to be divided by. */
static double weight_of_all(const oikos_config *config, const oikos_segments *s,
                            const oikos_sum *sum, int which) {
  const int64_t *members = sum->words + OIKOS_COUNT_MEMBERS, *examples = sum->words + s->examples;
  double total = 0;
  if (oikos_privacy_on(config))
    return (double)oikos_cohort_size(config);
  if (!s->effort && !s->examples)
    return (double)oikos_update_counted(config, sum);
  for (int64_t t = 0; t < config->home.count; t++) // as rounded where they were added
    total += (s->effort ? (double)(real)s->effort[t] : 1) *
             (double)(s->examples ? examples[OIKOS_N_WEIGHTS * t + which] : members[t]);
  return total;
}

double oikos_update_share(const oikos_config *config, const oikos_segments *s,
                          const oikos_sum *sum) {
  return 1 / weight_of_all(config, s, sum, OIKOS_OF_GRADIENT);
}

/* gradient (M + A + E) as summed. */
static void get_gradient(const oikos_segments *s, const oikos_sum *sum, double share,
                         const oikos_weights *w, real *gradient) {
  get_parameters(s, sum, 0, s->shared, share, gradient);
  if (s->rates >= 0)
    oikos_sum_get(s->grid, sum, s->rates, share, gradient + w->m);
  get_parameters(s, sum, s->encoders, s->encoder, share, gradient + w->m + w->a);
}

double oikos_update_shared(const oikos_config *config, const oikos_segments *s,
                           const oikos_sum *sum, int64_t step, const oikos_robust *r,
                           oikos_weights *w, real *scratch) {
  bool summed = !oikos_rule_orders(config);
  double n = weight_of_all(config, s, sum, OIKOS_OF_GRADIENT), share = 1 / n,
         n_trained = weight_of_all(config, s, sum, OIKOS_OF_TRAINED);
  real *gradient = scratch, *trained = scratch + w->n;
  if ((config->shared.mixing > 0 || s->shared_trained >= 0) && n_trained > 0) {
    if (summed)
      get_parameters(s, sum, s->shared_trained, s->shared, 1 / n_trained, trained);
    apply_rule(config, w->m, r->trained, trained);
    oikos_privacy_add(config, w->noise_key, OIKOS_PART_TRAINED, -1, w->k > 0, n_trained, step, w->m,
                      trained);
    mix(config, config->shared.mixing, w->m, trained, w->shared, w->peers);
  }
  if (summed)
    get_gradient(s, sum, share, w, gradient);
  apply_rule(config, w->n, r->gradient, gradient);
  oikos_privacy_add(config, w->noise_key, OIKOS_PART_GRADIENT, -1, w->k > 0, n, step, w->n,
                    gradient);
  double norm = oikos_clip(config->outer.clip, w->n, gradient);
  oikos_optimizer_update(config, &w->shared_optimizer, 0,
                         config->shared.rate * oikos_schedule(config, step), gradient, w->m,
                         w->shared);
  return norm;
}

static void update_home(const oikos_config *config, const oikos_segments *s, const oikos_sum *sum,
                        int64_t step, int64_t t, const double *members, const oikos_robust *r,
                        oikos_weights *w, real *scratch) {
  int segment = s->homes + (int)t * s->home_size;
  size_t offset = (size_t)t * w->k;
  real *c = w->homes + offset, *gradient = scratch, *trained = scratch + w->k,
       *peers = w->peer_homes ? w->peer_homes + offset : NULL;
  double n = members[OIKOS_OF_GRADIENT], n_trained = members[OIKOS_OF_TRAINED];
  bool summed = !oikos_rule_orders(config);
  if ((config->home.mixing > 0 || s->home_trained) && n_trained > 0) {
    if (summed)
      get_parameters(s, sum, segment + s->home.n, s->home, 1 / n_trained, trained);
    apply_rule(config, w->k, r->home_trained ? r->home_trained + offset : NULL, trained);
    oikos_privacy_add(config, w->noise_key, OIKOS_PART_TRAINED, t, true, n_trained, step, w->k,
                      trained);
    mix(config, config->home.mixing, w->k, trained, c, peers);
  }
  if (summed)
    get_parameters(s, sum, segment, s->home, 1 / n, gradient);
  apply_rule(config, w->k, r->home_gradient ? r->home_gradient + offset : NULL, gradient);
  oikos_privacy_add(config, w->noise_key, OIKOS_PART_GRADIENT, t, true, n, step, w->k, gradient);
  oikos_clip(config->outer.clip, w->k, gradient);
  oikos_optimizer_update(config, &w->home_optimizer, (size_t)t,
                         config->home.rate * oikos_schedule(config, step), gradient, w->k, c);
}

void oikos_update_homes(const oikos_config *config, const oikos_segments *s, const oikos_sum *sum,
                        int64_t step, const oikos_robust *r, oikos_weights *w, real *scratch) {
  real members[OIKOS_N_WEIGHTS];
  if (w->k == 0)
    return;
  for (int64_t t = 0; t < w->n_homes; t++) {
    double n[OIKOS_N_WEIGHTS];
    oikos_sum_get(s->grid, sum, s->weights + (int)t, 1, members);
    for (int k = 0; k < OIKOS_N_WEIGHTS; k++)
      n[k] = oikos_privacy_on(config) // who lives here is not to be told
                 ? (double)oikos_cohort_size(config) / (double)w->n_homes
                 : (double)members[k];
    if (n[OIKOS_OF_GRADIENT] > 0) // else nobody lives here: the home stays as it is
      update_home(config, s, sum, step, t, n, r, w, scratch);
  }
}
