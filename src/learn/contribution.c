/* SPDX-License-Identifier: MIT */
#include "learn/contribution.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/cohort.h"
#include "learn/rule.h"

typedef oikos_real real;

static int add_tensors(oikos_tensors tensors, size_t *sizes, int n) {
  for (int i = 0; i < tensors.n; i++)
    sizes[n++] = tensors.list[i].size;
  return n;
}

/* Number the segments of gradients and trained parameters. */
static int number_parameters(const oikos_config *config, const oikos_weights *w, oikos_segments *s,
                             size_t *sizes) {
  int n = add_tensors(s->shared, sizes, 0);
  if (config->shared.mixing > 0 || (w->peers && w->k < w->m)) {
    s->shared_trained = n;
    n = add_tensors(s->shared, sizes, n);
  }
  s->rates = w->a ? n : -1;
  if (w->a)
    sizes[n++] = w->a;
  s->encoders = n;
  n = add_tensors(s->encoder, sizes, n);
  s->homes = n;
  s->home_trained = config->home.mixing > 0 || w->peers;
  for (int64_t t = 0; t < w->n_homes; t++) {
    n = add_tensors(s->home, sizes, n);
    if (s->home_trained)
      n = add_tensors(s->home, sizes, n);
  }
  s->home_size = s->home.n * (1 + s->home_trained);
  return n;
}

/* Number the segments and write their sizes; returns how many there are. */
static int number_segments(const oikos_config *config, const oikos_weights *w, oikos_segments *s,
                           size_t *sizes) {
  s->shared_trained = s->rates = -1;
  int n = oikos_rule_orders(config) ? 0 : number_parameters(config, w, s, sizes);
  s->weights = n;
  for (int64_t t = 0; t < w->n_homes; t++)
    sizes[n++] = // each on a grid of its own: a home that hardly anybody counts at has a mean too
        OIKOS_N_WEIGHTS;
  s->scores = n;
  sizes[n++] = (size_t)w->n_homes;
  s->losses = n;
  sizes[n++] = OIKOS_N_LOSSES;
  s->embedding_rows = oikos_config_row_width(config) > 0 ? n : -1;
  if (s->embedding_rows >= 0)
    sizes[n++] = 0;
  s->by_home = config->home.priority == OIKOS_PRIORITY_NONE ? -1 : n;
  for (int64_t t = 0; s->by_home >= 0 && t < w->n_homes; t++)
    sizes[n++] = OIKOS_N_BY_HOME;
  return n;
}

static oikos_tensors tensors_of(const oikos_network *net) {
  return net ? (oikos_tensors){oikos_network_tensor_count(net), oikos_network_tensors(net)}
             : (oikos_tensors){0};
}

oikos_status oikos_segments_create(const oikos_config *config, const oikos_network *net,
                                   const oikos_network *encoder, const oikos_weights *w,
                                   oikos_segments *s, oikos_error *err) {
  size_t *sizes;
  *s = (oikos_segments){.shared = tensors_of(net),
                        .encoder = tensors_of(encoder),
                        .home = {w->layout.n_tensors, w->layout.tensor}};
  size_t most = oikos_mul((size_t)s->home.n + 2, 2 * (size_t)w->n_homes) + 2 * (size_t)s->shared.n +
                (size_t)s->encoder.n + 4;
  OIKOS_TRY(oikos_alloc(&sizes, most, sizeof *sizes, "the segments", err));
  int n = number_segments(config, w, s, sizes), homes = (int)w->n_homes,
      counters = OIKOS_COUNT_MEMBERS + homes;
  if (config->learners.weigh == OIKOS_WEIGH_EXAMPLES) {
    s->examples = counters;
    counters += OIKOS_N_WEIGHTS * homes;
  }
  oikos_status status = oikos_grid_create(n, sizes, oikos_cohort_size(config), counters,
                                          config->run.reduce == OIKOS_REDUCE_FAST, &s->grid, err);
  free(sizes);
  return status;
}

void oikos_segments_destroy(oikos_segments *s) {
  oikos_grid_destroy(s->grid);
  s->grid = NULL;
}

/* What a learner's gradient and trained parameters count in means of all learners. */
static real weight_in(const oikos_segments *s, const oikos_contribution *c, int which) {
  double effort = s->effort ? s->effort[c->home] : 1;
  return (real)(effort * (double)c->weight[which]);
}

real oikos_contribution_weight(const oikos_segments *s, const oikos_contribution *c) {
  return weight_in(s, c, OIKOS_OF_GRADIENT);
}

bool oikos_segments_add(const oikos_segments *s, int segment, oikos_tensors tensors, const real *x,
                        real weight, oikos_sum *sum) {
  bool finite = true;
  for (int i = 0; i < tensors.n; i++)
    finite &= oikos_sum_add(s->grid, sum, segment++, x + tensors.list[i].offset, weight);
  return finite;
}

static bool add_homes(const oikos_segments *s, const oikos_weights *w, const oikos_contribution *c,
                      oikos_sum *sum) {
  bool finite = true;
  for (int64_t t = 0; t < w->n_homes; t++) {
    int segment = s->homes + (int)t * s->home_size;
    if (c->p[t] == 0)
      continue;
    finite &= oikos_segments_add(s, segment, s->home, c->home_gradient,
                                 c->p[t] * c->weight[OIKOS_OF_GRADIENT], sum);
    if (s->home_trained)
      finite &= oikos_segments_add(s, segment + s->home.n, s->home, c->trained + w->m - w->k,
                                   c->p[t] * c->weight[OIKOS_OF_TRAINED], sum);
  }
  return finite;
}

bool oikos_contribution_count(const oikos_segments *s, const oikos_weights *w,
                              const oikos_contribution *c, oikos_sum *sum) {
  bool finite = true;
  for (int64_t t = 0; t < w->n_homes; t++)
    if (c->p[t] != 0)
      finite &= oikos_sum_add(s->grid, sum, s->weights + (int)t, c->weight, c->p[t]);
  finite &= oikos_sum_add(s->grid, sum, s->scores, c->score, 1);
  finite &= oikos_sum_add(s->grid, sum, s->losses, c->loss, 1);
  if (s->by_home >= 0) {
    real by_home[OIKOS_N_BY_HOME] = {c->loss[OIKOS_GRADIENT_NORM], c->loss[OIKOS_LOSS_AFTER]};
    finite &= oikos_sum_add(s->grid, sum, s->by_home + c->home, by_home, 1);
  }
  sum->words[OIKOS_COUNT_CORRECT] += c->correct;
  sum->words[OIKOS_COUNT_EVALUATED] += c->evaluated;
  sum->words[OIKOS_COUNT_MOVED] += c->moved;
  sum->words[OIKOS_COUNT_MEMBERS + c->home]++;
  for (int k = 0; s->examples && k < OIKOS_N_WEIGHTS; k++)
    sum->words[s->examples + OIKOS_N_WEIGHTS * c->home + k] += (int64_t)c->weight[k];
  return finite;
}

bool oikos_contribution_add(const oikos_segments *s, const oikos_weights *w,
                            const oikos_contribution *c, oikos_sum *sum) {
  if (c->summed)
    return oikos_contribution_count(s, w, c, sum) && c->finite;
  real weight = oikos_contribution_weight(s, c), of_trained = weight_in(s, c, OIKOS_OF_TRAINED);
  bool finite = oikos_segments_add(s, 0, s->shared, c->gradient, weight, sum);
  if (s->shared_trained >= 0)
    finite &= oikos_segments_add(s, s->shared_trained, s->shared, c->trained, of_trained, sum);
  if (s->rates >= 0)
    finite &= oikos_sum_add(s->grid, sum, s->rates, c->gradient + w->m, weight);
  finite &= oikos_segments_add(s, s->encoders, s->encoder, c->gradient + w->m + w->a, weight, sum);
  finite &= add_homes(s, w, c, sum);
  return oikos_contribution_count(s, w, c, sum) && finite;
}
