/* SPDX-License-Identifier: MIT */
#include "learn/update.h"

#include <string.h>

typedef oikos_real real;

/* out, made of these tensors = scale * the sums of the segments from `segment` on */
static void get_parameters(const oikos_segments *s, const oikos_sum *sum, int segment,
                           oikos_tensors tensors, double scale, real *out) {
  for (int i = 0; i < tensors.n; i++)
    oikos_sum_get(s->grid, sum, segment++, scale, out + tensors.list[i].offset);
}

/* w = (1 - gamma) w + gamma mean; the mean itself becomes the peers' model, if that teaches */
static void adopt(double gamma, size_t n, const real *mean, real *w, real *peers) {
  if (peers)
    memcpy(peers, mean, n * sizeof *peers);
  for (size_t i = 0; gamma > 0 && i < n; i++)
    w[i] = (real)(1 - gamma) * w[i] + (real)gamma * mean[i];
}

double oikos_update_shared(const oikos_config *config, const oikos_segments *s,
                           const oikos_sum *sum, int64_t step, oikos_weights *w, real *scratch) {
  double share = 1 / (double)config->learners.count; // a_i
  real *gradient = scratch, *trained = scratch + w->n;
  if (s->shared_trained >= 0) {
    get_parameters(s, sum, s->shared_trained, s->shared, share, trained);
    adopt(config->shared.mixing, w->m, trained, w->shared, w->peers);
  }
  get_parameters(s, sum, 0, s->shared, share, gradient);
  if (s->rates >= 0)
    oikos_sum_get(s->grid, sum, s->rates, share, gradient + w->m);
  get_parameters(s, sum, s->encoders, s->encoder, share, gradient + w->m + w->a);
  double norm = oikos_clip(config->outer.clip, w->n, gradient);
  oikos_optimizer_update(config, &w->shared_optimizer, 0,
                         config->shared.rate * oikos_schedule(config, step), gradient, w->m,
                         w->shared);
  return norm;
}

void oikos_update_homes(const oikos_config *config, const oikos_segments *s, const oikos_sum *sum,
                        int64_t step, oikos_weights *w, real *scratch) {
  real *gradient = scratch, *trained = scratch + w->k, members;
  if (w->k == 0)
    return;
  for (int64_t t = 0; t < w->n_homes; t++) {
    int segment = s->homes + (int)t * s->home_size;
    real *c = w->homes + (size_t)t * w->k,
         *peers = w->peer_homes ? w->peer_homes + (size_t)t * w->k : NULL;
    oikos_sum_get(s->grid, sum, s->weights + (int)t, 1, &members);
    if (!(members > 0))
      continue; // nobody lives here: the home stays as it is
    double share = 1 / (double)members;
    if (s->home_trained) {
      get_parameters(s, sum, segment + s->home.n, s->home, share, trained);
      adopt(config->home.mixing, w->k, trained, c, peers);
    }
    get_parameters(s, sum, segment, s->home, share, gradient);
    oikos_clip(config->outer.clip, w->k, gradient);
    oikos_optimizer_update(config, &w->home_optimizer, (size_t)t,
                           config->home.rate * oikos_schedule(config, step), gradient, w->k, c);
  }
}
