/* SPDX-License-Identifier: MIT */
#include "run/gradcheck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"
#include "learn/teacher.h"
#include "math/vector.h"
#include "run/trainer_impl.h"
#include "store/dump.h"

typedef oikos_real real;

/* One check: the point x = (start, rates), its gradient, and a direction. */
typedef struct check {
  oikos_trainer *t;
  oikos_worker *w;
  oikos_batch support, judged;
  size_t m, n;                            /* M, M + A */
  real *x, *gradient, *direction, *moved; /* (M + A) */
  real *trained;                          /* (M) theta_S */
  double loss;
} check;

static oikos_status allocate(check *c, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(&c->x, c->n, sizeof(real), "the check", err));
  OIKOS_TRY(oikos_alloc(&c->gradient, c->n, sizeof(real), "the check", err));
  OIKOS_TRY(oikos_alloc(&c->direction, c->n, sizeof(real), "the check", err));
  OIKOS_TRY(oikos_alloc(&c->moved, c->n, sizeof(real), "the check", err));
  return oikos_alloc(&c->trained, c->m, sizeof(real), "the check", err);
}

static void release(check *c) {
  free(c->x);
  free(c->gradient);
  free(c->direction);
  free(c->moved);
  free(c->trained);
}

static double query_loss(const check *c, int64_t k) {
  const real *theta = oikos_path_parameters(c->t->inner, c->w->path, k);
  return oikos_network_loss(c->t->net, oikos_path_workspace(c->w->path), theta, &c->judged).loss;
}

/* F at x: the query loss after the inner steps, with its multi-step share at the start; for first
 * order, the query loss where x is theta_S itself. */
static double value(const check *c, const real *x) {
  const oikos_trainer *t = c->t;
  int64_t steps = t->config.inner.order == OIKOS_ORDER_FIRST ? 0 : t->config.inner.steps;
  memcpy(oikos_path_start(c->w->path), x, c->m * sizeof *x);
  oikos_adapt(t->inner, c->w->path, x + c->m, &c->support, steps);
  double share = steps > 0 ? t->config.inner.multi_step : 0;
  double start = share > 0 ? query_loss(c, 0) : 0;
  return share * start + (1 - share) * query_loss(c, steps);
}

/* A unit direction inside the block first .. first+n-1: half along the gradient, half random. */
static void choose_direction(const check *c, size_t first, size_t n, uint64_t number) {
  oikos_random r = oikos_random_at((uint64_t)c->t->config.seed, OIKOS_DRAW_CHECK, 0, number);
  real *u = c->direction + first;
  memset(c->direction, 0, c->n * sizeof *c->direction);
  for (size_t i = 0; i < n; i++)
    u[i] = (real)oikos_random_normal(&r);
  double size = oikos_norm(n, u), along = oikos_norm(n, c->gradient + first);
  if (oikos_dot(n, u, c->gradient + first) < 0) // the two halves must not cancel
    size = -size;
  for (size_t i = 0; i < n; i++)
    u[i] = (real)((double)u[i] / size + (along > 0 ? (double)c->gradient[first + i] / along : 0));
  size = oikos_norm(n, u);
  for (size_t i = 0; i < n; i++)
    u[i] = (real)((double)u[i] / size);
}

static double difference(const check *c, const real *at, double h) {
  double side[2];
  for (int s = 0; s < 2; s++) {
    for (size_t i = 0; i < c->n; i++)
      c->moved[i] = (real)((double)at[i] + (s ? -h : h) * (double)c->direction[i]);
    side[s] = value(c, c->moved);
  }
  return (side[0] - side[1]) / (2 * h);
}

/* The best of some step widths. A kink of relu or max_pool nearer than h is no error of the
 * derivative; in the support set it even makes F jump, since the inner step is taken along a
 * gradient. The narrowest widths avoid all but exact ties. */
static double block_error(const check *c, size_t first, size_t n, double *analytic,
                          double *numeric) {
  const real *at = c->t->config.inner.order == OIKOS_ORDER_FIRST ? c->trained : c->x;
  double floor = 1e-4 * oikos_norm(c->n, c->gradient), best = INFINITY;
  double width = oikos_norm(n, c->x + first);
  *analytic = oikos_dot(n, c->gradient + first, c->direction + first);
  *numeric = NAN;
  for (int width_exponent = 3; width_exponent <= 8; width_exponent++) {
    double h = pow(10, -width_exponent);
    double now = difference(c, at, h * (width > 1 ? width : 1));
    double size = fmax(fmax(fabs(now), fabs(*analytic)), floor),
           error = size == 0 ? 0 : fabs(now - *analytic) / size;
    if (error < best || isnan(*numeric)) {
      best = isnan(error) ? INFINITY : error;
      *numeric = now;
    }
  }
  return best;
}

/* The best of three directions, for the same reason: a wrong gradient is wrong along each. */
static void check_block(const check *c, const char *name, size_t first, size_t n, uint64_t number,
                        FILE *out, double *worst) {
  double error = INFINITY, analytic = NAN, numeric = NAN;
  for (uint64_t k = 0; k < 3 && !(error < 1e-7); k++) {
    double a, d;
    choose_direction(c, first, n, 3 * number + k);
    double now = block_error(c, first, n, &a, &d);
    if (now < error || k == 0) {
      error = now;
      analytic = a;
      numeric = d;
    }
  }
  fprintf(out, "  %-32s %10zu  %14.7e  %14.7e  %9.2e\n", name, n, analytic, numeric, error);
  if (!(error <= *worst))
    *worst = error;
}

static void check_all(const check *c, FILE *out, double *worst) {
  const oikos_segments *s = &c->t->segments;
  uint64_t number = 0;
  *worst = 0;
  fprintf(out, "  %-32s %10s  %14s  %14s  %9s\n", "tensor", "numbers", "gradient . u",
          "differences", "error");
  for (int i = 0; i < s->shared.n; i++)
    check_block(c, s->shared.list[i].name, s->shared.list[i].offset, s->shared.list[i].size,
                number++, out, worst);
  if (c->n > c->m && c->t->config.inner.order == OIKOS_ORDER_SECOND)
    check_block(c, "learned rates", c->m, c->n - c->m, number++, out, worst);
}

static oikos_status dump_tensors(const check *c, oikos_dump *d, const char *group, const real *data,
                                 oikos_error *err) {
  const oikos_segments *s = &c->t->segments;
  for (int i = 0; i < s->shared.n; i++)
    OIKOS_TRY(oikos_dump_write(d, group, s->shared.list[i].name, s->shared.list[i].n_dims,
                               s->shared.list[i].dims, data + s->shared.list[i].offset, err));
  return OIKOS_OK;
}

static oikos_status dump_rates(const check *c, oikos_dump *d, const char *group, const real *data,
                               oikos_error *err) {
  int64_t dims[] = {c->t->config.inner.steps, oikos_network_layers(c->t->net)};
  if (c->n == c->m)
    return OIKOS_OK;
  if (c->t->config.inner.learned_rates == OIKOS_RATES_PARAMETER)
    return dump_tensors(c, d, group, data + c->m, err);
  return oikos_dump_write(d, group, "by_step_and_layer", 2, dims, data + c->m, err);
}

static oikos_status dump_set(const check *c, oikos_dump *d, const char *x, const char *y,
                             const oikos_batch *b, oikos_error *err) {
  oikos_shape in = oikos_source_shape(c->t->source).input;
  int64_t n = (int64_t)b->n, targets = (int64_t)oikos_network_targets(c->t->net);
  OIKOS_TRY(
      oikos_dump_write(d, "", x, 4, (int64_t[]){n, in.height, in.width, in.channels}, b->x, err));
  return oikos_dump_write(d, "", y, 2, (int64_t[]){n, targets}, b->y, err);
}

static oikos_status dump_all(const check *c, oikos_dump *d, oikos_error *err) {
  real loss = (real)c->loss;
  OIKOS_TRY(dump_tensors(c, d, "start", c->x, err));
  OIKOS_TRY(dump_tensors(c, d, "trained", c->trained, err));
  OIKOS_TRY(dump_tensors(c, d, "meta_gradient", c->gradient, err));
  OIKOS_TRY(dump_rates(c, d, "rate", c->x, err));
  OIKOS_TRY(dump_rates(c, d, "rate_gradient", c->gradient, err));
  OIKOS_TRY(dump_set(c, d, "support_x", "support_y", &c->w->episode.support, err));
  OIKOS_TRY(dump_set(c, d, "query_x", "query_y", &c->w->episode.query, err));
  return oikos_dump_write(d, "", "query_loss", 0, NULL, &loss, err);
}

static size_t size_of_sets(const check *c) {
  oikos_task_shape shape = oikos_source_shape(c->t->source);
  size_t each = oikos_network_input(c->t->net) + oikos_network_targets(c->t->net);
  return (shape.support + shape.query) * each;
}

static oikos_status dump_file(const check *c, const char *path, oikos_error *err) {
  char *config = NULL;
  size_t size;
  FILE *text = open_memstream(&config, &size);
  if (!text)
    return oikos_fail(err, OIKOS_ERROR, "out of memory");
  oikos_config_write(&c->t->config, text);
  fclose(text);
  oikos_dump *d;
  oikos_status status = oikos_dump_create(path, config, 6 * c->n + size_of_sets(c), &d, err);
  free(config);
  OIKOS_TRY(status);
  status = dump_all(c, d, err);
  oikos_status closed = oikos_dump_close(d, status == OIKOS_OK ? err : NULL);
  return status == OIKOS_OK ? closed : status;
}

/* Move the start off the points where relu and max_pool have no derivative: zero biases under black
 * pixels are exactly there. */
static void leave_kinks(const check *c) {
  const oikos_segments *s = &c->t->segments;
  real *start = oikos_path_start(c->w->path);
  for (int i = 0; i < s->shared.n; i++) {
    const oikos_tensor *t = &s->shared.list[i];
    oikos_random r = oikos_random_at((uint64_t)c->t->config.seed, OIKOS_DRAW_CHECK, 1, (uint64_t)i);
    double size = 0.01 * oikos_norm(t->size, start + t->offset) / sqrt((double)t->size);
    for (size_t j = t->offset; j < t->offset + t->size; j++)
      start[j] += (real)((size > 0 ? size : 0.01) * oikos_random_normal(&r));
  }
}

static void draw_first(const void *source, int64_t i, oikos_episode *episode) {
  oikos_source_draw(source, OIKOS_TRAIN, 0, i, episode);
}

/* Draw, find the home, and take the meta-gradient as training does, a little beside the start; the
 * point, its value and gradient are kept. */
static oikos_status prepare(check *c, oikos_error *err) {
  oikos_trainer *t = c->t;
  int64_t steps = t->config.inner.steps;
  OIKOS_TRY(oikos_rows_fetch(&t->rows, 1, draw_first, t->source, &c->w->episode, err));
  draw_first(t->source, 0, &c->w->episode);
  oikos_learner_place_rows(&t->context, oikos_rows_view(&t->rows, 0), 0, &c->w->episode);
  int32_t home = oikos_learner_find_home(&t->context, c->w, t->learners.log_p, 0);
  leave_kinks(c);
  c->support = c->w->episode.support;
  c->judged = oikos_learner_judged(&t->context, &c->w->episode);
  oikos_teach(&t->context, c->w, home, &c->support, &c->judged);
  memcpy(c->x, oikos_path_start(c->w->path), c->m * sizeof *c->x);
  memcpy(c->x + c->m, t->weights.shared + c->m, (c->n - c->m) * sizeof *c->x);
  oikos_adapt(t->inner, c->w->path, c->x + c->m, &c->support, steps);
  c->loss = oikos_meta_gradient(t->inner, c->w->path, c->x + c->m, &c->support, &c->judged, steps,
                                c->gradient)
                .loss;
  memcpy(c->trained, oikos_path_parameters(t->inner, c->w->path, steps), c->m * sizeof *c->trained);
  return OIKOS_OK;
}

oikos_status oikos_gradcheck(oikos_trainer *t, const char *dump, FILE *out, double *worst,
                             oikos_error *err) {
  check c = {.t = t, .w = &t->workers[0], .m = t->weights.m, .n = t->weights.m + t->weights.a};
  if (t->config.inner.order == OIKOS_ORDER_FIRST &&
      (t->config.inner.max_norm > 0 || t->config.inner.multi_step > 0))
    return oikos_fail(
        err, OIKOS_USAGE,
        "inner.order first with inner.max_norm or inner.multi_step is not the gradient "
        "of any one function, so there are "
        "no differences to check it against; check --set inner.order=second, or "
        "--set inner.max_norm=0 --set inner.multi_step=0");
  oikos_status status = allocate(&c, err);
  if (status == OIKOS_OK)
    status = prepare(&c, err);
  if (status == OIKOS_OK) {
    fprintf(out, "query loss %.9g after %lld inner steps, gradient norm %.9g\n", c.loss,
            (long long)t->config.inner.steps, oikos_norm(c.n, c.gradient));
    if (dump)
      status = dump_file(&c, dump, err);
  }
  if (status == OIKOS_OK)
    check_all(&c, out, worst);
  release(&c);
  return status;
}
