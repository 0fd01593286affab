/* SPDX-License-Identifier: MIT
 * One-dimensional regression: a function drawn from a family, points drawn uniformly from -5..5.
 * The sinusoid is that of Finn, Abbeel and Levine, "Model-agnostic meta-learning", ICML 2017,
 * section 5.1; the five modes are those of Vuorio et al., "Multimodal model-agnostic
 * meta-learning", NeurIPS 2019, appendix. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "math/sine.h"
#include "tasks/source.h"

typedef struct parameters {
  double a, b, c;
} parameters;

typedef struct family {
  const char *name;
  parameters (*draw)(oikos_random *r);
  void (*values)(parameters p, size_t n, const double *x, double *y); /* y (n) at x (n) */
} family;

typedef struct functions {
  int n_modes;
  const family *mode[OIKOS_MAX_LIST];
  double noise;
} functions;

enum { LOW = -5, HIGH = 5, BLOCK = 32 }; /* where the points are, and how many are at hand */

static const double pi = 3.14159265358979323846;

static parameters draw_sinusoid(oikos_random *r) {
  double a = oikos_random_uniform(r, 0.1, 5), b = oikos_random_uniform(r, 0, pi);
  return (parameters){a, b, 0};
}

static void sinusoid(parameters p, size_t n, const double *restrict x, double *restrict y) {
  for (size_t i = 0; i < n; i++)
    y[i] = p.a * oikos_sine(x[i] - p.b);
}

/* a, b, c in -3..3, as far as a family has them */
static parameters draw_cube(oikos_random *r) {
  double a = oikos_random_uniform(r, -3, 3), b = oikos_random_uniform(r, -3, 3),
         c = oikos_random_uniform(r, -3, 3);
  return (parameters){a, b, c};
}

static void linear(parameters p, size_t n, const double *restrict x, double *restrict y) {
  for (size_t i = 0; i < n; i++)
    y[i] = p.a * x[i] + p.b;
}

static parameters draw_quadratic(oikos_random *r) {
  double a = oikos_random_uniform(r, 0.02, 0.15),
         sign = oikos_random_uniform(r, -1, 1) < 0 ? -1 : 1;
  double b = oikos_random_uniform(r, -3, 3), c = oikos_random_uniform(r, -3, 3);
  return (parameters){sign * a, b, c};
}

static void quadratic(parameters p, size_t n, const double *restrict x, double *restrict y) {
  for (size_t i = 0; i < n; i++)
    y[i] = p.a * (x[i] - p.c) * (x[i] - p.c) + p.b;
}

static void hyperbolic(parameters p, size_t n, const double *restrict x, double *restrict y) {
  for (size_t i = 0; i < n; i++)
    y[i] = p.a * tanh(x[i] - p.c) + p.b;
}

static void absolute(parameters p, size_t n, const double *restrict x, double *restrict y) {
  for (size_t i = 0; i < n; i++)
    y[i] = p.a * fabs(x[i] - p.c) + p.b;
}

static const family *family_of(const char *name) {
  static const family table[] = {
      {"sinusoid", draw_sinusoid, sinusoid},    {"linear", draw_cube, linear},
      {"quadratic", draw_quadratic, quadratic}, {"tanh", draw_cube, hyperbolic},
      {"absolute", draw_cube, absolute},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].name, name) == 0)
      return &table[i];
  return NULL;
}

static oikos_status create(oikos_source *source, const oikos_config *config, const oikos_data *data,
                           oikos_error *err) {
  (void)data;
  OIKOS_TRY(oikos_alloc(&source->self, 1, sizeof(functions), "the task source", err));
  functions *f = source->self;
  f->noise = config->task.noise;
  for (int i = 0; i < config->task.modes.n; i++) {
    f->mode[f->n_modes] = family_of(config->task.modes.item[i]);
    if (!f->mode[f->n_modes++])
      return oikos_fail(err, OIKOS_USAGE, "task.modes: unknown family %s",
                        config->task.modes.item[i]);
  }
  if (f->n_modes == 0)
    return oikos_fail(err, OIKOS_USAGE, "task.modes: expected at least one family, found none");
  source->shape = (oikos_task_shape){.input = {1, 1, 1},
                                     .outputs = 1,
                                     .support = (size_t)config->task.support,
                                     .query = (size_t)config->task.query,
                                     .n_groups = f->n_modes};
  return OIKOS_OK;
}

static void draw(const oikos_source *source, oikos_split split, oikos_random *r, oikos_episode *e) {
  // every draw is a new function: there is no finite set to hold out
  const functions *f = source->self;
  if (split == OIKOS_TRAIN && source->bound)
    e->group = (int)oikos_source_bound(source, f->n_modes, e->step, e->learner);
  else
    e->group = (int)oikos_random_below(r, (uint64_t)f->n_modes);
  const family *mode = f->mode[e->group];
  parameters p = mode->draw(r);
  for (size_t begin = 0, n = source->shape.support + source->shape.query; begin < n;
       begin += BLOCK) {
    double x[BLOCK], y[BLOCK], noise[BLOCK];
    size_t count = n - begin < BLOCK ? n - begin : BLOCK;
    for (size_t i = 0; i < count; i++) {
      x[i] = oikos_random_uniform(r, LOW, HIGH);
      noise[i] = f->noise > 0 ? f->noise * oikos_random_normal(r) : 0;
    }
    mode->values(p, count, x, y);
    for (size_t i = 0; i < count; i++) {
      e->x[begin + i] = (oikos_real)x[i];
      e->y[begin + i] = (oikos_real)(y[i] + noise[i]);
    }
  }
}

static const char *group(const oikos_source *source, int index) {
  return ((const functions *)source->self)->mode[index]->name;
}

const oikos_source_type oikos_source_functions = {
    .word = {"built-in functions of one number.", "task.modes|task.noise|task.learners|"
                                                  "model.norm_statistics|eval.norm_statistics"},
    .losses = "mse",
    .hidden_groups = true,
    .low = LOW,
    .high = HIGH,
    .create = create,
    .draw = draw,
    .group = group};
