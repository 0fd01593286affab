/* SPDX-License-Identifier: MIT */
#include "learn/lockstep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/inner_impl.h"
#include "net/lockstep.h"

typedef oikos_real real;

enum { LANES = OIKOS_LOCKSTEP };

struct oikos_lockstep {
  const oikos_inner *inner;
  oikos_lane_chain chain;
  int first; /* inner steps change the stages from here on */
  int64_t steps;
  bool factors;             /* parameters after steps, and v, are not multiplied out */
  bool keeps;               /* somebody asks for trained parameters */
  real *memory;             /* one allocation, cut below */
  real *x, *y;              /* (inputs, support), (outputs, support) */
  real *query_x, *query_y;  /* (inputs, query), (outputs, query) */
  oikos_lane_pass *support; /* (S, at least 1) of each inner step */
  oikos_lane_pass *tangent; /* (S); without factors one for all */
  oikos_lane_pass query;
  oikos_lane_scratch scratch;
  oikos_lane_factor *step; /* (S) of theta: of the inner steps so far */
  oikos_lane_factor
      *back; /* (2 S + 1) of v: that of the query, then two for each Hessian product */
  int n_back;
  real *theta; /* (S, at least 1, M) theta_1 and so on; with factors only the last */
  real *v;     /* (M) comes down from theta_S to the start in place; with factors in the end */
  real *rate;  /* (LANES) -alpha */
  bool judges_start; /* somebody wants the query loss at the start */
  double at_start[LANES], before[LANES], after[LANES],
      norm[LANES]; /* support loss at the start, query loss after
     the steps, norm of the gradient */
};

/* The rule: learners that start from the same parameters and do the same with each example. */
static bool suits(const oikos_config *c, const oikos_inner *inner, const oikos_weights *weights,
                  oikos_task_shape shape, oikos_lane_chain *chain) {
  return oikos_lane_chain_of(inner->net, chain) && !shape.varies && weights->k == 0 &&
         !c->learners.persist && !c->inner.adapt_rate && c->inner.max_norm == 0 &&
         c->inner.learned_rates == OIKOS_RATES_FIXED;
}

static real *cut(real *memory, size_t *used, size_t count) {
  real *from = memory ? memory + *used : NULL;
  *used += (count + LANES - 1) / LANES * LANES;
  return from;
}

/* A pass, cut from the memory. */
static void cut_pass(const oikos_lane_chain *chain, size_t n, real *memory, size_t *used,
                     oikos_lane_pass *pass) {
  *used += oikos_lane_pass_lay_out(chain, n, memory ? memory + *used : NULL, pass);
}

/* Support sets have one at least: evaluation may adapt where training does not. */
static int64_t passes_of(const oikos_lockstep *l) {
  return l->steps > 0 ? l->steps : 1;
}

/* Lay the buffers out; returns how many numbers they take. */
static size_t lay_out(oikos_lockstep *l, oikos_task_shape shape, real *memory) {
  size_t used = 0, n = shape.support, m = l->chain.parameters * LANES;
  size_t most = n > shape.query ? n : shape.query;
  int factors = l->factors ? (int)(2 * l->steps) + 1 : 2;
  l->x = cut(memory, &used, l->chain.inputs * n * LANES);
  l->y = cut(memory, &used, l->chain.outputs * n * LANES);
  l->query_x = cut(memory, &used, l->chain.inputs * shape.query * LANES);
  l->query_y = cut(memory, &used, l->chain.outputs * shape.query * LANES);
  cut_pass(&l->chain, shape.query, memory, &used, &l->query);
  l->query.x = l->query_x;
  for (int64_t k = 0; k < passes_of(l); k++) {
    cut_pass(&l->chain, n, memory, &used, &l->support[k]);
    l->support[k].x = l->x;
    if (l->factors || k == 0)
      cut_pass(&l->chain, n, memory, &used, &l->tangent[k]);
    else
      l->tangent[k] = l->tangent[0];
  }
  used += oikos_lane_scratch_lay_out(&l->chain, most, factors, memory ? memory + used : NULL,
                                     &l->scratch);
  l->theta = cut(memory, &used, (l->factors ? 1 : (size_t)passes_of(l)) * m);
  l->v = cut(memory, &used, m);
  l->rate = cut(memory, &used, LANES);
  return used;
}

static oikos_status allocate(oikos_lockstep *l, oikos_task_shape shape, oikos_error *err) {
  static const char *const what = "learners in lockstep";
  size_t steps = (size_t)passes_of(l);
  OIKOS_TRY(oikos_alloc(&l->support, steps, sizeof *l->support, what, err));
  OIKOS_TRY(oikos_alloc(&l->tangent, steps, sizeof *l->tangent, what, err));
  OIKOS_TRY(oikos_alloc(&l->step, steps, sizeof *l->step, what, err));
  OIKOS_TRY(oikos_alloc(&l->back, 2 * steps + 1, sizeof *l->back, what, err));
  OIKOS_TRY(oikos_alloc(&l->memory, lay_out(l, shape, NULL), sizeof(real), what, err));
  lay_out(l, shape, l->memory);
  for (int64_t k = 0; k < passes_of(l); k++)
    l->step[k] = (oikos_lane_factor){&l->support[k], &l->support[k]};
  for (int lane = 0; lane < LANES; lane++)
    l->rate[lane] = -(real)l->inner->rate;
  return OIKOS_OK;
}

/* The rule: S steps of n examples are S n outer products. As long as that is less than half of the
 * units of the widest layer, applying them costs less than multiplying them out, and all lanes
 * share the weights that they are added to. */
static bool suits_factors(const oikos_lockstep *l, size_t support) {
  return l->first == 0 && 2 * l->steps < OIKOS_LANE_FACTORS &&
         2 * (size_t)l->steps * support <= l->chain.widest;
}

/* The rule: parameters of all lanes, or the shared ones, are to stay in the second-level cache. */
static bool is_small(const oikos_lockstep *l) {
  enum { MOST_SHARED = 65536, MOST_OF_LANES = MOST_SHARED / LANES * 2 };
  return l->chain.parameters <= (l->factors ? MOST_SHARED : MOST_OF_LANES);
}

oikos_status oikos_lockstep_create(const oikos_config *config, const oikos_inner *inner,
                                   const oikos_weights *weights, oikos_task_shape shape,
                                   oikos_lockstep **lockstep, oikos_error *err) {
  oikos_lockstep l = {.inner = inner, .steps = inner->steps};
  *lockstep = NULL;
  if (!suits(config, inner, weights, shape, &l.chain))
    return OIKOS_OK;
  l.keeps = config->shared.mixing > 0 || weights->peers;
  l.judges_start = config->learners.rollback > 0;
  while (l.first < l.chain.n && l.chain.stage[l.first].weight < inner->first)
    l.first++;
  l.factors = suits_factors(&l, shape.support);
  if (!is_small(&l))
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(lockstep, 1, sizeof **lockstep, "learners in lockstep", err));
  **lockstep = l;
  oikos_status status = allocate(*lockstep, shape, err);
  if (status != OIKOS_OK) {
    oikos_lockstep_destroy(*lockstep);
    *lockstep = NULL;
  }
  return status;
}

void oikos_lockstep_destroy(oikos_lockstep *l) {
  if (l) {
    free(l->memory);
    free(l->support);
    free(l->tangent);
    free(l->step);
    free(l->back);
  }
  free(l);
}

void oikos_lockstep_measure(oikos_lockstep *l, oikos_profile *profile) {
  l->scratch.profile = profile;
}

/* A lane of to (size, n) = from (n, size) */
static void put(size_t n, size_t size, const real *restrict from, size_t lane, real *restrict to) {
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < size; j++)
      to[(j * n + i) * LANES + lane] = from[i * size + j];
}

void oikos_lockstep_set(oikos_lockstep *l, size_t lane, const oikos_episode *e) {
  put(e->support.n, l->chain.inputs, e->support.x, lane, l->x);
  put(e->support.n, l->chain.outputs, e->support.y, lane, l->y);
  put(e->query.n, l->chain.inputs, e->query.x, lane, l->query_x);
  put(e->query.n, l->chain.outputs, e->query.y, lane, l->query_y);
}

/* theta_k */
static oikos_lane_matrix weights(const oikos_lockstep *l, const real *start, int64_t k) {
  if (k == 0)
    return (oikos_lane_matrix){.theta = start, .shared = true};
  if (l->factors)
    return (oikos_lane_matrix){
        .theta = start, .shared = true, .n_factors = (int)k, .factor = l->step, .scale = l->rate};
  return (oikos_lane_matrix){.theta = l->theta + (size_t)(k - 1) * l->chain.parameters * LANES};
}

/* What inner steps do not change, for all lanes. */
static void spread_start(const oikos_lockstep *l, const real *start, real *theta) {
  for (size_t i = 0; i < l->inner->first; i++)
    for (size_t lane = 0; lane < LANES; lane++)
      theta[i * LANES + lane] = start[i];
}

/* theta_{k+1} = theta_k - alpha * the gradient of step k */
static void descend(const oikos_lockstep *l, const real *start, int64_t k) {
  oikos_lane_matrix next = weights(l, start, k);
  real *theta = l->theta + (size_t)k * l->chain.parameters * LANES;
  next.n_factors = 1;
  next.factor = &l->step[k];
  next.scale = l->rate;
  spread_start(l, start, theta);
  oikos_lane_expand(&l->chain, &next, l->first, theta, OIKOS_BACKWARD, &l->scratch);
}

static void adapt(oikos_lockstep *l, const real *start) {
  for (int64_t k = 0; k < l->steps; k++) {
    const oikos_lane_pass *p = &l->support[k];
    oikos_lane_matrix w = weights(l, start, k);
    oikos_lane_forward(&l->chain, &w, p, &l->scratch);
    if (k == 0)
      oikos_lane_judge(&l->chain, p, l->y, l->before);
    oikos_lane_slope(&l->chain, p, l->y, 1);
    oikos_lane_backward(&l->chain, &w, p, &l->scratch);
    if (!l->factors)
      descend(l, start, k);
  }
  if (l->factors && l->keeps && l->steps > 0) {
    oikos_lane_matrix last = weights(l, start, l->steps);
    oikos_lane_expand(&l->chain, &last, 0, l->theta, OIKOS_BACKWARD, &l->scratch);
  }
}

/* The slopes of weight * the query loss at w. */
static void judge(oikos_lockstep *l, const oikos_lane_matrix *w, real weight) {
  oikos_lane_forward(&l->chain, w, &l->query, &l->scratch);
  oikos_lane_slope(&l->chain, &l->query, l->query_y, weight);
  oikos_lane_backward(&l->chain, w, &l->query, &l->scratch);
}

/* v (M) = v or zeros, + scale * the last n factors of it */
static void gather(oikos_lockstep *l, bool adds, int n, int first, const real *scale,
                   oikos_function_kind which) {
  oikos_lane_matrix sum = {.theta = adds ? l->v : NULL,
                           .n_factors = n,
                           .factor = l->back + l->n_back - n,
                           .scale = scale};
  oikos_lane_expand(&l->chain, &sum, first, l->v, which, &l->scratch);
}

/* v -= alpha * the Hessian of step k * v */
static void go_back(oikos_lockstep *l, const real *start, int64_t k) {
  const oikos_lane_pass *p = &l->support[k], *t = &l->tangent[k];
  oikos_lane_matrix w = weights(l, start, k), v = {.theta = l->v};
  if (l->factors)
    v = (oikos_lane_matrix){.n_factors = l->n_back, .factor = l->back};
  oikos_lane_tangents(&l->chain, &w, &v, l->first, p, t, &l->scratch);
  if (!l->factors)
    l->n_back = 0;
  l->back[l->n_back++] = (oikos_lane_factor){t, p};
  l->back[l->n_back++] = (oikos_lane_factor){p, t};
  if (l->factors)
    oikos_lane_scale(&l->chain, l->rate, t);
  else
    gather(l, true, 2, 0, l->rate, OIKOS_TANGENT_BACKWARD);
}

/* The norm of v in each lane. */
static void measure_gradient(oikos_lockstep *l) {
  enum { CHAINS = 4 }; // one add waits for the one before
  double sum[CHAINS][LANES] = {{0}};
  size_t m = l->chain.parameters, whole = m - m % CHAINS;
  for (size_t i = 0; i < whole; i += CHAINS)
    for (size_t k = 0; k < CHAINS; k++)
      for (size_t lane = 0; lane < LANES; lane++) {
        double x = (double)l->v[(i + k) * LANES + lane];
        sum[k][lane] += x * x;
      }
  for (size_t i = whole; i < m; i++)
    for (size_t lane = 0; lane < LANES; lane++)
      sum[i - whole][lane] += (double)l->v[i * LANES + lane] * (double)l->v[i * LANES + lane];
  for (size_t lane = 0; lane < LANES; lane++)
    l->norm[lane] = sqrt((sum[0][lane] + sum[1][lane]) + (sum[2][lane] + sum[3][lane]));
}

void oikos_lockstep_train(oikos_lockstep *l, const real *start) {
  oikos_profile *profile = l->scratch.profile;
  double begin = oikos_profile_begin(profile);
  real early = l->steps > 0 ? (real)l->inner->multi_step : 0;
  oikos_lane_matrix w = weights(l, start, 0);
  if (l->judges_start) {
    oikos_lane_forward(&l->chain, &w, &l->query, &l->scratch);
    oikos_lane_judge(&l->chain, &l->query, l->query_y, l->at_start);
  }
  adapt(l, start);
  oikos_profile_add(profile, OIKOS_PROFILE_INNER, &begin);
  w = weights(l, start, l->steps);
  judge(l, &w, 1 - early);
  oikos_lane_judge(&l->chain, &l->query, l->query_y, l->after);
  l->back[0] = (oikos_lane_factor){&l->query, &l->query};
  l->n_back = 1;
  if (!l->factors)
    gather(l, false, 1, 0, NULL, OIKOS_BACKWARD);
  oikos_profile_add(profile, OIKOS_PROFILE_QUERY, &begin);
  for (int64_t k = l->steps - 1; k >= 0 && l->inner->order == OIKOS_ORDER_SECOND; k--)
    go_back(l, start, k);
  if (l->factors)
    gather(l, false, l->n_back, 0, NULL, OIKOS_TANGENT_BACKWARD);
  if (early > 0) {
    w = weights(l, start, 0);
    judge(l, &w, early);
    l->back[0] = (oikos_lane_factor){&l->query, &l->query};
    l->n_back = 1;
    gather(l, true, 1, 0, NULL, OIKOS_BACKWARD);
  }
  measure_gradient(l);
  oikos_profile_add(profile, OIKOS_PROFILE_BACK, &begin);
}

void oikos_lockstep_evaluate(oikos_lockstep *l, const real *start, int64_t steps, double *loss) {
  const oikos_lane_pass *p = &l->support[0];
  oikos_lane_matrix w = {.theta = start, .shared = true};
  for (int64_t k = 0; k <= steps; k++) {
    oikos_lane_forward(&l->chain, &w, &l->query, &l->scratch);
    oikos_lane_judge(&l->chain, &l->query, l->query_y, loss + k * LANES);
    if (k == steps)
      break;
    oikos_lane_forward(&l->chain, &w, p, &l->scratch);
    oikos_lane_slope(&l->chain, p, l->y, 1);
    oikos_lane_backward(&l->chain, &w, p, &l->scratch);
    w.n_factors = 1;
    w.factor = l->step;
    w.scale = l->rate;
    if (k == 0)
      spread_start(l, start, l->theta);
    oikos_lane_expand(&l->chain, &w, l->first, l->theta, OIKOS_BACKWARD, &l->scratch); // in place
    w = (oikos_lane_matrix){.theta = l->theta};
  }
}

oikos_judgement oikos_lockstep_before(const oikos_lockstep *l, size_t lane) {
  return (oikos_judgement){.loss = l->before[lane]};
}

oikos_judgement oikos_lockstep_after(const oikos_lockstep *l, size_t lane) {
  return (oikos_judgement){.loss = l->after[lane]};
}

double oikos_lockstep_at_start(const oikos_lockstep *l, size_t lane) {
  return l->judges_start ? l->at_start[lane] : 0;
}

double oikos_lockstep_norm(const oikos_lockstep *l, size_t lane) {
  return l->norm[lane];
}

void oikos_lockstep_add(const oikos_lockstep *l, const oikos_segments *segments, size_t count,
                        oikos_sum *sum, bool *finite) {
  double begin = oikos_profile_begin(l->scratch.profile);
  for (size_t lane = 0; lane < count; lane++)
    finite[lane] = true;
  for (int i = 0; i < segments->shared.n; i++)
    oikos_sum_add_lanes(segments->grid, sum, i, l->v + segments->shared.list[i].offset * LANES,
                        count, finite);
  oikos_profile_add(l->scratch.profile, OIKOS_PROFILE_ADD, &begin);
}

static void take(size_t n, const real *restrict from, size_t lane, real *restrict to) {
  for (size_t i = 0; i < n; i++)
    to[i] = from[i * LANES + lane];
}

void oikos_lockstep_gradient(const oikos_lockstep *l, size_t lane, real *gradient) {
  take(l->chain.parameters, l->v, lane, gradient);
}

void oikos_lockstep_keep(const oikos_lockstep *l, size_t lane, oikos_path *path) {
  size_t m = l->chain.parameters, last = l->factors ? 0 : (size_t)(l->steps - 1);
  if (l->keeps && l->steps > 0)
    take(m, l->theta + last * m * LANES, lane, path->z + (size_t)l->steps * m);
}
