/* SPDX-License-Identifier: MIT */
#include "run/gradcheck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"
#include "learn/homes.h"
#include "learn/teacher.h"
#include "math/vector.h"
#include "run/embedding_rows.h"
#include "run/gradcheck_impl.h"

typedef oikos_real real;
typedef oikos_check check;

static bool is_first_order(const check *c) {
  return c->t->config.inner.order == OIKOS_ORDER_FIRST;
}

/* Once the rows of the episode are at hand, since their number belongs to the point's size. */
static oikos_status allocate(check *c, oikos_error *err) {
  const oikos_weights *s = &c->t->weights;
  int64_t embedding_rows = 0;
  if (c->t->embedding_rows)
    oikos_embedding_fetched(c->t->embedding_rows->table, &embedding_rows);
  const size_t size[OIKOS_POINT_PARTS] = {
      s->m,
      s->a,
      s->e,
      s->m,
      oikos_mul((size_t)s->n_homes, s->k),
      oikos_mul((size_t)embedding_rows, oikos_network_row_width(c->t->net))};
  for (int p = 0; p < OIKOS_POINT_PARTS; p++)
    c->offset[p + 1] = c->offset[p] + size[p];
  size_t n = c->offset[OIKOS_POINT_PARTS];
  c->floor = s->m + s->a;
  OIKOS_TRY(oikos_arena_alloc(&c->memory, &c->x, n, sizeof(real), err));
  OIKOS_TRY(oikos_arena_alloc(&c->memory, &c->gradient, n, sizeof(real), err));
  OIKOS_TRY(oikos_arena_alloc(&c->memory, &c->direction, n, sizeof(real), err));
  OIKOS_TRY(oikos_arena_alloc(&c->memory, &c->moved, n, sizeof(real), err));
  OIKOS_TRY(oikos_arena_alloc(&c->memory, &c->log_p, oikos_mul(2, (size_t)s->n_homes),
                              sizeof(double), err));
  return oikos_arena_alloc(&c->memory, &c->trained, s->m, sizeof(real), err);
}

static double query_loss_at(const check *c, const real *theta) {
  return oikos_network_loss(c->t->net, oikos_path_workspace(c->w->path), theta, &c->query_batch)
      .loss;
}

static double query_loss(const check *c, int64_t k) {
  return query_loss_at(c, oikos_path_parameters(c->t->inner, c->w->path, k));
}

/* The homes' weights p (T) at an encoder; those that were found, where there is none: a choice has
 * no derivative. */
static void weigh_homes(const check *c, const real *encoder) {
  const oikos_trainer *t = c->t;
  size_t homes = (size_t)t->weights.n_homes;
  double *log_p = c->log_p + homes;
  if (!t->encoder)
    return;
  memcpy(log_p, c->log_p, homes * sizeof *log_p);
  oikos_encoder_score(t->encoder, c->w->encoder, encoder, &c->w->episode.support, c->w->score);
  oikos_home_choose(&t->config, c->w->score, log_p, c->w->p, c->home);
}

/* start (M) as the parts of x make it: start(w, c) of shared weights and homes, and as far from
 * that as x's own start is from that of the point. */
static void make_start(const check *c, const real *x, real *start) {
  const oikos_trainer *t = c->t;
  const oikos_weights *s = &t->weights;
  const real *home = x + c->offset[OIKOS_POINT_HOMES] + (size_t)c->home * s->k;
  weigh_homes(c, x + c->offset[OIKOS_POINT_ENCODER]);
  if (t->config.home.rule == OIKOS_HOME_WEIGHTED) {
    oikos_home_mean(&s->layout, s->n_homes, x + c->offset[OIKOS_POINT_HOMES], c->w->p, c->w->mean);
    home = c->w->mean;
  }
  oikos_home_start(&s->layout, x + c->offset[OIKOS_POINT_SHARED], home, start);
  for (size_t i = 0; i < s->m; i++)
    start[i] += x[i] - c->x[i];
}

static void place_embedding_rows(const check *c, const real *x) {
  oikos_row_view view = oikos_embedding_rows_view(c->t->embedding_rows, 0);
  if (view.row)
    view.row = x + c->offset[OIKOS_POINT_EMBEDDING_ROWS];
  oikos_learner_place_embedding_rows(&c->t->context, view, 0, &c->w->episode);
}

/* F at x: the query loss after the inner steps, with its multi-step share at the start. Of first
 * order: the query loss at theta_S, moved as far as the start is. */
static double value(const check *c, const real *x) {
  const oikos_trainer *t = c->t;
  int64_t steps = t->config.inner.steps;
  real *start = oikos_path_start(c->w->path);
  place_embedding_rows(c, x);
  make_start(c, x, start);
  if (is_first_order(c)) {
    for (size_t i = 0; i < t->weights.m; i++)
      start[i] += c->trained[i] - c->x[i];
    return query_loss_at(c, start);
  }
  oikos_adapt(t->inner, c->w->path, x + c->offset[OIKOS_POINT_RATES], &c->support, steps);
  double share = steps > 0 ? t->config.inner.multi_step : 0;
  double at_start = share > 0 ? query_loss(c, 0) : 0;
  return share * at_start + (1 - share) * query_loss(c, steps);
}

/* A unit direction inside the block first .. first+n-1: half along the gradient, half random. */
static void choose_direction(const check *c, size_t first, size_t n, uint64_t number) {
  oikos_random r = oikos_random_at((uint64_t)c->t->config.seed, OIKOS_DRAW_CHECK, 0, number);
  real *u = c->direction + first;
  memset(c->direction, 0, c->offset[OIKOS_POINT_PARTS] * sizeof *c->direction);
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

static double difference(const check *c, double h) {
  double side[2];
  for (int s = 0; s < 2; s++) {
    for (size_t i = 0; i < c->offset[OIKOS_POINT_PARTS]; i++)
      c->moved[i] = (real)((double)c->x[i] + (s ? -h : h) * (double)c->direction[i]);
    side[s] = value(c, c->moved);
  }
  return (side[0] - side[1]) / (2 * h);
}

/* A slope along a direction, by the gradient and by differences. */
typedef struct slope {
  double error, analytic, numeric;
} slope;

/* The best of some step widths. A kink of relu or max_pool nearer than h is no error of the
 * derivative; in the support set it even makes F jump, since the inner step is taken along a
 * gradient. The narrowest widths avoid all but exact ties. */
static slope compare(const check *c, size_t first, size_t n) {
  double floor = 1e-4 * oikos_norm(c->floor, c->gradient), width = oikos_norm(n, c->x + first);
  slope best = {INFINITY, oikos_dot(n, c->gradient + first, c->direction + first), NAN};
  for (int width_exponent = 3; width_exponent <= 8; width_exponent++) {
    double h = pow(10, -width_exponent);
    double now = difference(c, h * (width > 1 ? width : 1));
    double size = fmax(fmax(fabs(now), fabs(best.analytic)), floor),
           error = size == 0 ? 0 : fabs(now - best.analytic) / size;
    if (error < best.error || isnan(best.numeric)) {
      best.error = isnan(error) ? INFINITY : error;
      best.numeric = now;
    }
  }
  return best;
}

/* The best of three directions, for the same reason: a wrong gradient is wrong along each. */
static void check_block(const check *c, const char *name, size_t first, size_t n, uint64_t number,
                        FILE *out, double *worst) {
  slope best = {INFINITY, NAN, NAN};
  for (uint64_t k = 0; k < 3 && !(best.error < 1e-7); k++) {
    choose_direction(c, first, n, 3 * number + k);
    slope now = compare(c, first, n);
    best = now.error < best.error || k == 0 ? now : best;
  }
  fprintf(out, "  %-32s %10zu  %14.7e  %14.7e  %9.2e\n", name, n, best.analytic, best.numeric,
          best.error);
  if (!(best.error <= *worst))
    *worst = best.error;
}

static uint64_t check_tensors(const check *c, const char *before, oikos_tensors tensors,
                              size_t offset, uint64_t number, FILE *out, double *worst) {
  for (int i = 0; i < tensors.n; i++) {
    char name[2 * OIKOS_NAME + 64];
    snprintf(name, sizeof name, "%s%s", before, tensors.list[i].name);
    check_block(c, name, offset + tensors.list[i].offset, tensors.list[i].size, number++, out,
                worst);
  }
  return number;
}

static void check_all(const check *c, FILE *out, double *worst) {
  const oikos_segments *s = &c->t->segments;
  *worst = 0;
  fprintf(out, "  %-32s %10s  %14s  %14s  %9s\n", "tensor", "numbers", "gradient . u",
          "differences", "error");
  uint64_t number = check_tensors(c, "", s->shared, 0, 0, out, worst);
  static const struct {
    int part;
    const char *name;
  } blocks[] = {{OIKOS_POINT_RATES, "learned rates"},
                {OIKOS_POINT_SHARED, "shared weights, modulated"},
                {OIKOS_POINT_HOMES, "homes"},
                {OIKOS_POINT_EMBEDDING_ROWS, "embedding rows"}};
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
    size_t n = oikos_check_size(c, blocks[i].part);
    if (n == 0 || (blocks[i].part == OIKOS_POINT_SHARED && !c->t->weights.layout.modulates))
      continue; // unmodulated shared weights are the start, or replaced by the home's
    if (blocks[i].part == OIKOS_POINT_RATES && is_first_order(c))
      fprintf(out, "  %-32s %10zu  not checked: first order is no gradient with respect to them\n",
              blocks[i].name, n);
    else
      check_block(c, blocks[i].name, c->offset[blocks[i].part], n, number++, out, worst);
  }
  check_tensors(c, "encoder ", s->encoder, c->offset[OIKOS_POINT_ENCODER], number, out, worst);
}

/* Move a list of tensors off the points where relu and max_pool have no derivative: zero biases
 * under black pixels are exactly there. */
static void move_off_kinks(const check *c, oikos_tensors tensors, uint64_t stream, real *x) {
  for (int i = 0; i < tensors.n; i++) {
    const oikos_tensor *t = &tensors.list[i];
    oikos_random r =
        oikos_random_at((uint64_t)c->t->config.seed, OIKOS_DRAW_CHECK, stream, (uint64_t)i);
    double size = 0.01 * oikos_norm(t->size, x + t->offset) / sqrt((double)t->size);
    for (size_t j = t->offset; j < t->offset + t->size; j++)
      x[j] += (real)((size > 0 ? size : 0.01) * oikos_random_normal(&r));
  }
}

static void move_off_all_kinks(const check *c) {
  const oikos_segments *s = &c->t->segments;
  oikos_weights *w = &c->t->weights;
  move_off_kinks(c, s->shared, 1, w->shared);
  move_off_kinks(c, s->encoder, 2, w->shared + w->m + w->a);
  for (int64_t h = 0; w->k > 0 && h < w->n_homes; h++)
    move_off_kinks(c, s->home, 3 + (uint64_t)h, w->homes + (size_t)h * w->k);
}

static void draw_first(const void *source, int64_t i, oikos_episode *episode) {
  oikos_source_draw(source, OIKOS_TRAIN, 0, i, episode);
}

/* Gradient of the homes (T, K): each by its share of the start. */
static void take_homes(const check *c, real *gradient) {
  const oikos_weights *s = &c->t->weights;
  for (int64_t h = 0; h < s->n_homes; h++)
    for (size_t j = 0; j < s->k; j++)
      gradient[(size_t)h * s->k + j] = c->w->p[h] * c->w->home_gradient[j];
}

/* Gradient of the rows at hand (U, d), as training adds them up. */
static void take_embedding_rows(const check *c, real *gradient) {
  const oikos_trainer *t = c->t;
  const oikos_episode *e = &c->w->episode;
  size_t d = oikos_network_row_width(t->net), in = oikos_network_input(t->net),
         n = e->support.n + e->query.n;
  const real *dx = oikos_path_dx(c->w->path);
  bool has_self = e->embedding_rows.self >= 0;
  if (oikos_check_size(c, OIKOS_POINT_EMBEDDING_ROWS) == 0)
    return;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < d; j++) {
      if (has_self)
        gradient[(size_t)t->embedding_rows->place[0] * d + j] +=
            dx[i * in + e->embedding_rows.self_offset + j];
      gradient[(size_t)t->embedding_rows->place[has_self + i] * d + j] +=
          dx[i * in + e->embedding_rows.other_offset + j];
    }
}

/* A point, or its gradient, by its start (M) and what is laid out as the shared weights. */
static void take_weights(const check *c, const real *start, const real *shared, real *to) {
  const oikos_weights *s = &c->t->weights;
  memcpy(to, start, s->m * sizeof *to);
  memcpy(to + c->offset[OIKOS_POINT_RATES], shared + s->m, (s->a + s->e) * sizeof *to);
  memcpy(to + c->offset[OIKOS_POINT_SHARED], shared, s->m * sizeof *to);
}

/* The point that the learner is at. */
static void take_point(check *c) {
  const oikos_weights *s = &c->t->weights;
  size_t embedding_rows = oikos_check_size(c, OIKOS_POINT_EMBEDDING_ROWS);
  take_weights(c, oikos_path_start(c->w->path), s->shared, c->x);
  memcpy(c->x + c->offset[OIKOS_POINT_HOMES], s->homes, (size_t)s->n_homes * s->k * sizeof *c->x);
  if (embedding_rows)
    memcpy(c->x + c->offset[OIKOS_POINT_EMBEDDING_ROWS], c->t->embedding_rows->row,
           embedding_rows * sizeof *c->x);
}

/* Draw, find the home, and take the meta-gradient as training does, a little beside the first
 * weights; the point, its value and gradient are kept. */
static oikos_status prepare(check *c, oikos_error *err) {
  oikos_trainer *t = c->t;
  oikos_weights *s = &t->weights;
  int64_t steps = t->config.inner.steps;
  const real *rates = s->shared + s->m;
  OIKOS_TRY(
      oikos_embedding_rows_fetch(t->embedding_rows, 1, draw_first, t->source, &c->w->episode, err));
  OIKOS_TRY(allocate(c, err));
  draw_first(t->source, 0, &c->w->episode);
  oikos_learner_place_embedding_rows(&t->context, oikos_embedding_rows_view(t->embedding_rows, 0),
                                     0, &c->w->episode);
  move_off_all_kinks(c);
  memcpy(c->log_p, t->learners.log_p, (size_t)s->n_homes * sizeof *c->log_p);
  c->home = oikos_learner_find_home(&t->context, c->w, t->learners.log_p, 0);
  c->support = c->w->episode.support;
  c->query_batch =
      oikos_learner_query_batch(&t->context, oikos_train_norm_of(&t->config), &c->w->episode);
  oikos_teach(&t->context, c->w, c->home, &c->support, &c->query_batch);
  take_point(c);
  oikos_adapt(t->inner, c->w->path, rates, &c->support, steps);
  c->loss = oikos_meta_gradient(t->inner, c->w->path, rates, &c->support, &c->query_batch, steps,
                                c->w->gradient)
                .loss;
  memcpy(c->trained, oikos_path_parameters(t->inner, c->w->path, steps), s->m * sizeof *c->trained);
  memcpy(c->moved, c->w->gradient, s->m * sizeof *c->moved);
  oikos_learner_pull_back(&t->context, c->w);
  take_weights(c, c->moved, c->w->gradient, c->gradient);
  take_homes(c, c->gradient + c->offset[OIKOS_POINT_HOMES]);
  take_embedding_rows(c, c->gradient + c->offset[OIKOS_POINT_EMBEDDING_ROWS]);
  return OIKOS_OK;
}

oikos_status oikos_gradcheck(oikos_trainer *t, const char *dump, FILE *out, double *worst,
                             oikos_error *err) {
  check c = {.t = t, .w = &t->workers[0], .memory.what = "the check"};
  if (t->config.inner.order == OIKOS_ORDER_FIRST &&
      (t->config.inner.max_norm > 0 || t->config.inner.multi_step > 0))
    return oikos_fail(
        err, OIKOS_USAGE,
        "inner.order first with inner.max_norm or inner.multi_step is not the gradient "
        "of any one function, so there are "
        "no differences to check it against; check --set inner.order=second, or "
        "--set inner.max_norm=0 --set inner.multi_step=0");
  oikos_status status = prepare(&c, err);
  if (status == OIKOS_OK) {
    fprintf(out, "query loss %.9g after %lld inner steps, gradient norm %.9g\n", c.loss,
            (long long)t->config.inner.steps, oikos_norm(c.floor, c.gradient));
    if (dump)
      status = oikos_check_dump(&c, dump, err);
  }
  if (status == OIKOS_OK)
    check_all(&c, out, worst);
  oikos_arena_free(&c.memory);
  return status;
}
