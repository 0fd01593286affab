/* SPDX-License-Identifier: MIT
 *
 * What the tests of the exact special cases share: a trainer beside the parts that a naive loop may
 * use (episodes, a network's loss, gradient and Hessian), and plain loops in double: inner steps
 * with the Jacobian carried forward as a whole matrix, the outer optimizers of their papers,
 * comparison. Nothing of src/learn is called here.
 */
#ifndef OIKOS_TESTS_SPECIAL_H
#define OIKOS_TESTS_SPECIAL_H

#include "check.h"

#include "oikos/trainer.h"

typedef oikos_real real;

/** A trainer alone on its communicator, and what the naive loop has. */
typedef struct bench {
  oikos_config *config;
  oikos_trainer *trainer;
  const oikos_network *net;
  const oikos_source *source;
  oikos_workspace *ws;
  oikos_episode episode;
  size_t m, n;                       /* M, N */
  real *theta, *direction, *product; /* (M) each: what the network takes and gives */
} bench;

/** The inner rule as the papers write it: a rate for each step and parameter. */
typedef struct inner_rule {
  int64_t steps;
  size_t learned;    /* A */
  bool second;       /* the derivative goes through the support gradients */
  double *alpha;     /* (steps, M) */
  const size_t *use; /* (steps, M) which learned rate alpha is; NULL if none is learned */
} inner_rule;

/** State of an outer optimizer over n numbers. */
typedef struct outer {
  const oikos_config *config;
  double *first, *second;
  int count;
} outer;

static inline double *numbers(size_t count) {
  return array(count, sizeof(double));
}

/** n numbers of the trainer in double. */
static inline double *copy_of(size_t n, const real *x) {
  double *copy = numbers(n);
  for (size_t i = 0; i < n; i++)
    copy[i] = (double)x[i];
  return copy;
}

/** A trainer over this process alone; text is YAML over the defaults. */
static inline bench *bench_of(const char *text) {
  bench *b = array(1, sizeof *b);
  oikos_error err;
  b->config = array(1, sizeof *b->config);
  oikos_config_defaults(b->config);
  b->config->eval.episodes = 0;
  CHECK_OK(oikos_config_parse(b->config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_trainer_create(MPI_COMM_SELF, b->config, NULL, false, NULL, &b->trainer, &err));
  b->net = oikos_trainer_network(b->trainer);
  b->source = oikos_trainer_source(b->trainer);
  b->m = oikos_network_parameters(b->net);
  b->n = (size_t)b->config->learners.count;
  oikos_task_shape shape = oikos_source_shape(b->source);
  CHECK_OK(oikos_workspace_create(b->net, shape.support + shape.query, &b->ws, &err));
  CHECK_OK(oikos_episode_create(b->source, &b->episode, &err));
  b->theta = array(b->m, sizeof *b->theta);
  b->direction = array(b->m, sizeof *b->direction);
  b->product = array(b->m, sizeof *b->product);
  return b;
}

static inline void bench_free(bench *b) {
  oikos_episode_destroy(&b->episode);
  oikos_workspace_destroy(b->ws);
  oikos_trainer_destroy(b->trainer);
  free(b->theta);
  free(b->direction);
  free(b->product);
  free(b->config);
  free(b);
}

static inline void bench_step(bench *b) {
  oikos_error err;
  CHECK_OK(oikos_trainer_step(b->trainer, &err));
}

/** Draw the episode of a learner into b->episode. */
static inline void draw(bench *b, int64_t step, size_t learner) {
  oikos_source_draw(b->source, OIKOS_TRAIN, step, (int64_t)learner, &b->episode);
}

static inline void round_to(size_t n, const double *x, real *out) {
  for (size_t i = 0; i < n; i++)
    out[i] = (real)x[i];
}

static inline double loss_at(bench *b, const double *theta, const oikos_batch *batch) {
  round_to(b->m, theta, b->theta);
  return oikos_network_loss(b->net, b->ws, b->theta, batch).loss;
}

/** g (M) = d loss / d theta; returns the loss. */
static inline double gradient_at(bench *b, const double *theta, const oikos_batch *batch,
                                 double *g) {
  round_to(b->m, theta, b->theta);
  memset(b->product, 0, b->m * sizeof *b->product);
  double loss = oikos_network_gradient(b->net, b->ws, b->theta, batch, 1, b->product).loss;
  for (size_t i = 0; i < b->m; i++)
    g[i] = (double)b->product[i];
  return loss;
}

/** h (M, M): the Hessian, column by column. */
static inline void hessian_at(bench *b, const double *theta, const oikos_batch *batch, double *h) {
  real *ignored = array(b->m, sizeof *ignored);
  round_to(b->m, theta, b->theta);
  for (size_t j = 0; j < b->m; j++) {
    memset(b->direction, 0, b->m * sizeof *b->direction);
    memset(b->product, 0, b->m * sizeof *b->product);
    b->direction[j] = 1;
    oikos_network_hessian(b->net, b->ws, b->theta, b->direction, batch, 1, ignored, b->product);
    for (size_t i = 0; i < b->m; i++)
      h[i * b->m + j] = (double)b->product[i];
  }
  free(ignored);
}

/** jacobian (M, M + A) of one inner step from that of its start: (I - alpha H) J, and -g for the
 * rate itself. */
static inline void carry_jacobian(const bench *b, const inner_rule *r, int64_t k, const double *h,
                                  const double *g, double *jacobian) {
  size_t m = b->m, columns = m + r->learned, at = (size_t)k * m;
  double *before = numbers(m * columns);
  memcpy(before, jacobian, m * columns * sizeof *before);
  for (size_t i = 0; i < m; i++) {
    for (size_t l = 0; r->second && l < m; l++)
      for (size_t j = 0; j < columns; j++)
        jacobian[i * columns + j] -= r->alpha[at + i] * h[i * m + l] * before[l * columns + j];
    if (r->use && r->use[at + i] != SIZE_MAX)
      jacobian[i * columns + m + r->use[at + i]] -= g[i];
  }
  free(before);
}

/** Inner steps on the support set from theta (M), in place; jacobian (M, M + A) of the result by
 * the start and the learned rates, or NULL. Returns the support loss at the start. */
static inline double adapt(bench *b, const inner_rule *r, double *theta, double *jacobian) {
  size_t m = b->m, columns = m + r->learned;
  double *g = numbers(m), *h = numbers(m * m), first = 0;
  for (size_t i = 0; jacobian && i < m; i++)
    for (size_t j = 0; j < columns; j++)
      jacobian[i * columns + j] = i == j;
  for (int64_t k = 0; k < r->steps; k++) {
    double loss = gradient_at(b, theta, &b->episode.support, g);
    first = k == 0 ? loss : first;
    if (jacobian && r->second)
      hessian_at(b, theta, &b->episode.support, h);
    if (jacobian)
      carry_jacobian(b, r, k, h, g, jacobian);
    for (size_t i = 0; i < m; i++)
      theta[i] -= r->alpha[(size_t)k * m + i] * g[i];
  }
  free(g);
  free(h);
  return first;
}

/** meta (M + A) += weight * the query gradient through the inner steps; theta (M) becomes the
 * trained parameters. */
static inline void add_meta_gradient(bench *b, const inner_rule *r, double *theta, double weight,
                                     double *meta) {
  size_t columns = b->m + r->learned;
  double *jacobian = numbers(b->m * columns), *g = numbers(b->m);
  adapt(b, r, theta, jacobian);
  gradient_at(b, theta, &b->episode.query, g);
  for (size_t i = 0; i < b->m; i++)
    for (size_t j = 0; j < columns; j++)
      meta[j] += weight * g[i] * jacobian[i * columns + j];
  free(jacobian);
  free(g);
}

/** A rule with one rate for all parameters from `first` on; alpha is freed by the caller. */
static inline inner_rule fixed_rate(const bench *b, size_t first, bool second) {
  inner_rule r = {.steps = b->config->inner.steps, .second = second};
  r.alpha = numbers((size_t)r.steps * b->m);
  for (size_t i = 0; i < (size_t)r.steps * b->m; i++)
    r.alpha[i] = i % b->m >= first ? b->config->inner.rate : 0;
  return r;
}

static inline outer outer_of(const bench *b, size_t n) {
  return (outer){.config = b->config, .first = numbers(n), .second = numbers(n)};
}

static inline void outer_free(outer *o) {
  free(o->first);
  free(o->second);
}

/** Linear warm-up, then constant, half a cosine to the last step (Loshchilov and Hutter 2017), or
 * times a factor every so many steps, at once or little by little. */
static inline double scheduled(const oikos_config *c, int64_t step) {
  if (step < c->outer.warmup)
    return (double)(step + 1) / (double)c->outer.warmup;
  if (c->outer.schedule == OIKOS_SCHEDULE_CONSTANT)
    return 1;
  if (c->outer.schedule != OIKOS_SCHEDULE_COSINE) {
    double times = (double)(step - c->outer.warmup) / (double)c->outer.decay_every;
    return pow(c->outer.decay, c->outer.schedule == OIKOS_SCHEDULE_STEP ? floor(times) : times);
  }
  double x = (double)(step - c->outer.warmup) / (double)(c->steps - c->outer.warmup);
  return c->outer.final_rate + (1 - c->outer.final_rate) * (1 + cos(acos(-1) * x)) / 2;
}

/** Scale g (n) to norm <= outer.clip. */
static inline void clip(const oikos_config *c, size_t n, double *g) {
  double norm = 0;
  for (size_t i = 0; i < n; i++)
    norm += g[i] * g[i];
  norm = sqrt(norm);
  for (size_t i = 0; c->outer.clip > 0 && norm > c->outer.clip && i < n; i++)
    g[i] *= c->outer.clip / norm;
}

/** One update of w (n), as the optimizer's paper writes it. */
static inline void outer_update(outer *o, double rate, size_t n, const double *g, double *w) {
  const oikos_config *c = o->config;
  double b1 = c->outer.beta1, b2 = c->outer.beta2;
  o->count++;
  for (size_t i = 0; i < n; i++) {
    double before = w[i];
    switch (c->outer.optimizer) {
    case OIKOS_SGD:
      w[i] -= rate * g[i];
      break;
    case OIKOS_MOMENTUM:
      o->first[i] = c->outer.momentum * o->first[i] + g[i];
      w[i] -= rate * o->first[i];
      break;
    case OIKOS_ADAM:
    case OIKOS_ADAMW:
      o->first[i] = b1 * o->first[i] + (1 - b1) * g[i];
      o->second[i] = b2 * o->second[i] + (1 - b2) * g[i] * g[i];
      w[i] -= rate * (o->first[i] / (1 - pow(b1, o->count))) /
              (sqrt(o->second[i] / (1 - pow(b2, o->count))) + c->outer.epsilon);
      if (c->outer.optimizer == OIKOS_ADAMW)
        w[i] -= rate * c->outer.weight_decay * before;
      break;
    case OIKOS_ADAGRAD:
      o->second[i] += g[i] * g[i];
      w[i] -= rate * g[i] / (sqrt(o->second[i]) + c->outer.epsilon);
      break;
    case OIKOS_NESTEROV:
      o->first[i] = c->outer.momentum * o->first[i] + g[i];
      w[i] -= rate * (g[i] + c->outer.momentum * o->first[i]);
      break;
    case OIKOS_RMSPROP:
      o->second[i] = b2 * o->second[i] + (1 - b2) * g[i] * g[i];
      w[i] -= rate * g[i] / (sqrt(o->second[i]) + c->outer.epsilon);
      break;
    case OIKOS_LION: {
      double way = b1 * o->first[i] + (1 - b1) * g[i];
      w[i] -= rate * ((way > 0 ? 1 : way < 0 ? -1 : 0) + c->outer.weight_decay * before);
      o->first[i] = b2 * o->first[i] + (1 - b2) * g[i];
    }
    }
  }
}

static inline double largest_of(size_t n, const double *x) {
  double most = 0;
  for (size_t i = 0; i < n; i++)
    most = fabs(x[i]) > most ? fabs(x[i]) : most;
  return most;
}

/** The trainer's numbers are those of the naive loop, relative to themselves or to the largest. */
static inline void check_same(size_t n, const real *got, const double *expected, const char *what) {
  double allowed = tolerance(1e-5, 1e-10), most = largest_of(n, expected);
  for (size_t i = 0; i < n; i++)
    check_near((double)got[i], expected[i], allowed, allowed * most, i, what);
}

/** The test was about something: the numbers moved by more than 100 times what a comparison lets
 * pass. */
static inline void check_moved(size_t n, const double *before, const double *after,
                               const char *what) {
  double moved = 0;
  for (size_t i = 0; i < n; i++)
    moved = fabs(before[i] - after[i]) > moved ? fabs(before[i] - after[i]) : moved;
  if (!(moved > 1e-3 * largest_of(n, after)))
    fail_msg("%s: hardly moved (%g)", what, moved);
}

#endif
