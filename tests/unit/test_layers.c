/* SPDX-License-Identifier: MIT
 * Every layer against the textbook formula, written here as direct loops in double:
 *   forward            is that formula;
 *   tangent            is its central difference along (x_t, theta_t);
 *   backward           is its central difference, coordinate by coordinate, through the functional
 * <dy, y>; tangent_backward   is the central difference of that along (x_t, theta_t, dy_t) and, in
 * double, more sharply that of the layer's own backward. Inputs of a layer with kinks or ties stay
 * away from them, on either side (reach_of). */
#include "check.h"

#include "base/random.h"
#include "layer_reference.h"
#include "net/layer.h"

typedef oikos_real real;

typedef struct rig {
  const layer_case *k;
  oikos_layer layer;
  size_t n_in, n_out, n_theta; /* of a whole batch; parameters */
  double *x, *x_t, *theta, *theta_t, *dy, *dy_t;
  oikos_pass pass;
} rig;

static void add_arg(oikos_layer_spec *spec, const char *key, double value) {
  snprintf(spec->arg[spec->n_args].key, OIKOS_NAME, "%s", key);
  spec->arg[spec->n_args++].value = value;
}

/* The specification as a user writes it: what has its default is left out. */
static oikos_layer_spec specification(const layer_case *k) {
  oikos_layer_spec spec = {0};
  snprintf(spec.kind, sizeof spec.kind, "%s", k->kind);
  if (strcmp(k->kind, "dense") == 0) {
    add_arg(&spec, "", (double)k->out.channels);
  } else if (strcmp(k->kind, "conv2d") == 0) {
    add_arg(&spec, "filters", (double)k->out.channels);
    add_arg(&spec, "kernel", (double)k->kernel_h);
    if (k->kernel_w != k->kernel_h)
      add_arg(&spec, "kernel_width", (double)k->kernel_w);
    if (k->stride != 1)
      add_arg(&spec, "stride", (double)k->stride);
    if (k->padding)
      add_arg(&spec, "padding", (double)k->padding);
  } else if (strcmp(k->kind, "max_pool") == 0) {
    add_arg(&spec, "size", (double)k->kernel_h);
    if (k->stride != k->kernel_h)
      add_arg(&spec, "stride", (double)k->stride);
  } else if (strcmp(k->kind, "set_mean") == 0 && k->out.channels > k->in.channels) {
    add_arg(&spec, "concat", 1);
  } else if (strcmp(k->kind, "outer_product") == 0) {
    bool keeps = k->out.channels > 1;
    double w = keeps ? sqrt((double)(k->out.channels - k->in.channels)) : (double)k->out.height;
    add_arg(&spec, "width", w);
    if (keeps)
      add_arg(&spec, "keep", 1);
  } else if (strcmp(k->kind, "batch_norm") == 0 && k->epsilon != 1e-5) {
    add_arg(&spec, "epsilon", k->epsilon);
  }
  return spec;
}

/* Numbers that the library's type holds exactly, so that both precisions see the same point. */
static double *draw(oikos_random *r, size_t count) {
  double *x = array(count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    x[i] = (double)(float)oikos_random_uniform(r, -1, 1);
  return x;
}

/* How far the inputs of a layer with kinks or ties reach on either side of 0, so that they are
 * beyond each kink and near none; 0: it has none, and they are anywhere in -1..1. */
static double reach_of(const char *kind) {
  return strcmp(kind, "max_pool") == 0 || strcmp(kind, "relu") == 0 ? 1 : 0;
}

/* Numbers in -reach..reach, evenly apart in a shuffled order; if there is an even number of them,
 * none is 0. */
static double *draw_apart(oikos_random *r, size_t count, double reach) {
  double *x = array(count, sizeof *x);
  int64_t *order = array(2 * count, sizeof *order);
  oikos_random_choose(r, (int64_t)count, (int64_t)count, order, order + count);
  for (size_t i = 0; i < count; i++)
    x[i] = (double)(float)(reach * (2 * (double)order[i] + 1 - (double)count) / (double)count);
  free(order);
  return x;
}

static real *copy(size_t count, const double *from) {
  real *to = array(count, sizeof *to);
  for (size_t i = 0; i < count; i++)
    to[i] = (real)from[i];
  return to;
}

static void set_up(rig *g, const layer_case *k) {
  oikos_error err;
  oikos_layer_spec spec = specification(k);
  oikos_random r = oikos_random_at(11, OIKOS_DRAW_CHECK, 0, 0);
  *g = (rig){.k = k, .n_in = k->n * numbers(k->in), .n_out = k->n * numbers(k->out)};
  oikos_layer *l = &g->layer;
  CHECK_OK(oikos_layer_create(l, &spec, k->in, "test", &err));
  assert_memory_equal(&l->out, &k->out, sizeof l->out);
  g->n_theta = l->n_parameters;
  double reach = reach_of(k->kind);
  g->x = reach > 0 ? draw_apart(&r, g->n_in, reach) : draw(&r, g->n_in);
  g->x_t = draw(&r, g->n_in);
  g->theta = draw(&r, g->n_theta);
  g->theta_t = draw(&r, g->n_theta);
  g->dy = draw(&r, g->n_out);
  g->dy_t = draw(&r, g->n_out);
  size_t cache = k->n * l->cache_example + l->cache_batch;
  g->pass = (oikos_pass){.n = k->n,
                         .theta = copy(g->n_theta, g->theta),
                         .theta_t = copy(g->n_theta, g->theta_t),
                         .x = copy(g->n_in, g->x),
                         .x_t = copy(g->n_in, g->x_t),
                         .dy = copy(g->n_out, g->dy),
                         .dy_t = copy(g->n_out, g->dy_t),
                         .y = array(g->n_out, sizeof(real)),
                         .y_t = array(g->n_out, sizeof(real)),
                         .cache = array(cache, sizeof(real)),
                         .cache_t = array(cache, sizeof(real)),
                         .dx = copy(g->n_in, g->x), // anything: it is to be overwritten
                         .dx_t = copy(g->n_in, g->x),
                         .grad = array(g->n_theta, sizeof(real)),
                         .grad_t = array(g->n_theta, sizeof(real)),
                         .scratch = array(l->scratch, sizeof(real))};
}

static void tear_down(rig *g) {
  const void *owned[] = {
      g->x,          g->x_t,          g->theta,       g->theta_t,      g->dy,      g->dy_t,
      g->pass.theta, g->pass.theta_t, g->pass.x,      g->pass.x_t,     g->pass.dy, g->pass.dy_t,
      g->pass.y,     g->pass.y_t,     g->pass.cache,  g->pass.cache_t, g->pass.dx, g->pass.dx_t,
      g->pass.grad,  g->pass.grad_t,  g->pass.scratch};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    free((void *)(size_t)owned[i]);
}

static void compare(const layer_case *k, const char *what, size_t count, const real *found,
                    const double *truth, double relative) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < count; i++) {
    difference += pow((double)found[i] - truth[i], 2);
    size += pow(truth[i], 2);
  }
  if (!(sqrt(difference) <= relative * sqrt(size)))
    fail_msg("%s %lldx%lldx%lld: %s: relative error %.3g, allowed %.3g", k->kind,
             (long long)k->in.height, (long long)k->in.width, (long long)k->in.channels, what,
             sqrt(difference / size), relative);
}

/* to (count) = a + t * b */
static double *moved(size_t count, const double *a, double t, const double *b) {
  double *to = array(count, sizeof *to);
  for (size_t i = 0; i < count; i++)
    to[i] = a[i] + t * b[i];
  return to;
}

/* <dy, y> of the formula. */
static double functional(const rig *g, const double *x, const double *theta, const double *dy) {
  double *y = array(g->n_out, sizeof *y), sum = 0;
  reference(g->k, x, theta, y);
  for (size_t i = 0; i < g->n_out; i++)
    sum += dy[i] * y[i];
  free(y);
  return sum;
}

/* Gradient (n_in + n_theta) of the functional by central differences, t along the direction. */
static double *slope(const rig *g, double t, double h) {
  double *x = moved(g->n_in, g->x, t, g->x_t), *theta = moved(g->n_theta, g->theta, t, g->theta_t);
  double *dy = moved(g->n_out, g->dy, t, g->dy_t);
  double *gradient = array(g->n_in + g->n_theta, sizeof *gradient);
  for (size_t i = 0; i < g->n_in + g->n_theta; i++) {
    double *at = i < g->n_in ? &x[i] : &theta[i - g->n_in], old = *at;
    *at = old + h;
    gradient[i] = functional(g, x, theta, dy);
    *at = old - h;
    gradient[i] = (gradient[i] - functional(g, x, theta, dy)) / (2 * h);
    *at = old;
  }
  free(x);
  free(theta);
  free(dy);
  return gradient;
}

static double *difference(size_t count, double *plus, double *minus, double h) {
  for (size_t i = 0; i < count; i++)
    plus[i] = (plus[i] - minus[i]) / (2 * h);
  free(minus);
  return plus;
}

static double *reference_at(const rig *g, double t) {
  double *x = moved(g->n_in, g->x, t, g->x_t), *theta = moved(g->n_theta, g->theta, t, g->theta_t);
  double *y = array(g->n_out, sizeof *y);
  reference(g->k, x, theta, y);
  free(x);
  free(theta);
  return y;
}

/* The layer's own backward at t along the direction: (n_in + n_theta), as double. */
static double *own_backward(const rig *g, double t) {
  rig there;
  set_up(&there, g->k);
  double *result = array(g->n_in + g->n_theta, sizeof *result);
  real *x = (real *)(size_t)there.pass.x, *theta = (real *)(size_t)there.pass.theta,
       *dy = (real *)(size_t)there.pass.dy;
  for (size_t i = 0; i < g->n_in; i++)
    x[i] = (real)(g->x[i] + t * g->x_t[i]);
  for (size_t i = 0; i < g->n_theta; i++)
    theta[i] = (real)(g->theta[i] + t * g->theta_t[i]);
  for (size_t i = 0; i < g->n_out; i++)
    dy[i] = (real)(g->dy[i] + t * g->dy_t[i]);
  there.layer.type->forward(&there.layer, &there.pass);
  there.layer.type->backward(&there.layer, &there.pass);
  for (size_t i = 0; i < g->n_in + g->n_theta; i++)
    result[i] = (double)(i < g->n_in ? there.pass.dx[i] : there.pass.grad[i - g->n_in]);
  tear_down(&there);
  return result;
}

static void run(rig *g) {
  const oikos_layer_type *type = g->layer.type;
  type->forward(&g->layer, &g->pass);
  type->tangent(&g->layer, &g->pass);
  type->backward(&g->layer, &g->pass);
  type->tangent_backward(&g->layer, &g->pass);
}

static void check_all(rig *g) {
  const double h = 1e-4, wide = 3e-4;
  size_t all = g->n_in + g->n_theta;
  run(g);
  double *y = reference_at(g, 0);
  compare(g->k, "forward", g->n_out, g->pass.y, y, tolerance(1e-5, 1e-13));
  double *y_t = difference(g->n_out, reference_at(g, h), reference_at(g, -h), h);
  compare(g->k, "tangent", g->n_out, g->pass.y_t, y_t, tolerance(1e-5, 1e-6));
  double *d = slope(g, 0, h);
  compare(g->k, "backward dx", g->n_in, g->pass.dx, d, tolerance(1e-5, 1e-6));
  compare(g->k, "backward grad", g->n_theta, g->pass.grad, d + g->n_in, tolerance(1e-5, 1e-6));
  double *d_t = difference(all, slope(g, wide, wide), slope(g, -wide, wide), wide);
  compare(g->k, "tangent_backward dx_t", g->n_in, g->pass.dx_t, d_t, tolerance(1e-4, 1e-5));
  compare(g->k, "tangent_backward grad_t", g->n_theta, g->pass.grad_t, d_t + g->n_in,
          tolerance(1e-4, 1e-5));
  if (sizeof(real) == sizeof(double)) {
    double *own = difference(all, own_backward(g, h), own_backward(g, -h), h);
    compare(g->k, "tangent_backward dx_t of backward", g->n_in, g->pass.dx_t, own, 1e-6);
    compare(g->k, "tangent_backward grad_t of backward", g->n_theta, g->pass.grad_t, own + g->n_in,
            1e-6);
    free(own);
  }
  free(y);
  free(y_t);
  free(d);
  free(d_t);
}

/* A first layer has no x_t and wants no dx: as if x_t were zero. And grad is added to, not set. */
static void check_first_layer(const layer_case *k) {
  rig moving, first;
  set_up(&moving, k);
  set_up(&first, k);
  memset((void *)(size_t)moving.pass.x_t, 0, moving.n_in * sizeof(real));
  free((void *)(size_t)first.pass.x_t);
  free(first.pass.dx);
  free(first.pass.dx_t);
  first.pass.x_t = first.pass.dx = first.pass.dx_t = NULL;
  for (size_t i = 0; i < first.n_theta; i++)
    first.pass.grad[i] = first.pass.grad_t[i] = 1;
  run(&moving);
  run(&first);
  for (size_t i = 0; i < first.n_theta; i++) {
    first.pass.grad[i] -= 1;
    first.pass.grad_t[i] -= 1;
  }
  double near = tolerance(1e-5, 1e-13);
  check_vectors(first.n_out, first.pass.y_t, moving.pass.y_t, 0, "y_t without x_t");
  check_vectors(first.n_theta, first.pass.grad, moving.pass.grad, near, "grad added");
  check_vectors(first.n_theta, first.pass.grad_t, moving.pass.grad_t, near,
                "grad_t added without x_t");
  tear_down(&moving);
  tear_down(&first);
}

static void check_case(const layer_case *k) {
  rig g;
  set_up(&g, k);
  check_all(&g);
  tear_down(&g);
  check_first_layer(k);
}

static void test_dense(void **state) {
  (void)state;
  check_case(&(layer_case){.kind = "dense", .n = 4, .in = {1, 1, 5}, .out = {1, 1, 3}});
  check_case(&(layer_case){.kind = "dense", .n = 1, .in = {1, 1, 1}, .out = {1, 1, 7}});
}

static void test_conv2d(void **state) {
  (void)state;
  static const layer_case cases[] = {
      {"conv2d", 3, {5, 4, 2}, {3, 2, 3}, 3, 3, 1, 0, 0},
      {"conv2d", 2, {5, 4, 2}, {5, 4, 3}, 3, 3, 1, 1, 0},
      {"conv2d", 2, {7, 6, 1}, {4, 3, 2}, 3, 3, 2, 1, 0},
      {"conv2d", 2, {6, 7, 2}, {3, 4, 2}, 3, 3, 2, 1, 0},
      {"conv2d", 3, {4, 3, 3}, {4, 3, 2}, 1, 1, 1, 0, 0},
      {"conv2d", 2, {5, 5, 2}, {3, 3, 2}, 1, 1, 2, 0, 0},
      {"conv2d", 2, {6, 5, 2}, {7, 5, 2}, 2, 3, 1, 1, 0},
      {"conv2d", 2, {4, 9, 1}, {2, 3, 3}, 2, 5, 2, 0, 0},
      {"conv2d", 2, {3, 3, 1}, {5, 5, 1}, 3, 3, 1, 2, 0},
      {"conv2d", 2, {2, 2, 1}, {1, 1, 2}, 5, 5, 3, 2, 0},
      // so many filters that the patches, which are small, are not copied
      {"conv2d", 2, {5, 4, 2}, {5, 4, 16}, 3, 3, 1, 1, 0},
      {"conv2d", 2, {7, 6, 1}, {4, 3, 19}, 3, 3, 2, 1, 0},
      {"conv2d", 1, {4, 9, 3}, {2, 3, 33}, 2, 5, 2, 0, 0},
      {"conv2d", 2, {3, 3, 1}, {5, 5, 64}, 3, 3, 1, 2, 0},
      {"conv2d", 1, {6, 7, 1}, {2, 3, 71}, 5, 5, 1, 0, 0},
      {"conv2d", 2, {5, 5, 2}, {3, 3, 17}, 1, 1, 2, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check_case(&cases[i]);
}

static double inner_product(size_t count, const real *a, const double *b) {
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += (double)a[i] * b[i];
  return sum;
}

/* So many images that they are computed in several blocks, the last one not full. To spare the
 * coordinates, backward is judged along the direction v = (x_t, theta_t) alone: <dx, x_t> + <grad,
 * theta_t> = d/dt <dy, y(t)>, and that of the tangents is d/dt <dy_t, y(t)> + d2/dt2 <dy, y(t)>. */
static void test_conv2d_blocks(void **state) {
  (void)state;
  const layer_case k = {"conv2d", 43, {28, 28, 1}, {14, 14, 4}, 3, 3, 2, 1, 0};
  const double h = 1e-4, near = tolerance(1e-4, 1e-6);
  rig g;
  set_up(&g, &k);
  run(&g);
  double *y = reference_at(&g, 0), *plus = reference_at(&g, h), *minus = reference_at(&g, -h),
         first = 0, second = 0;
  compare(&k, "forward", g.n_out, g.pass.y, y, tolerance(1e-5, 1e-13));
  for (size_t i = 0; i < g.n_out; i++) {
    double slope_i = (plus[i] - minus[i]) / (2 * h);
    first += g.dy[i] * slope_i;
    second += g.dy_t[i] * slope_i + g.dy[i] * (plus[i] - 2 * y[i] + minus[i]) / (h * h);
  }
  check_near(inner_product(g.n_in, g.pass.dx, g.x_t) +
                 inner_product(g.n_theta, g.pass.grad, g.theta_t),
             first, near, 0, 0, "backward of blocks");
  check_near(inner_product(g.n_in, g.pass.dx_t, g.x_t) +
                 inner_product(g.n_theta, g.pass.grad_t, g.theta_t),
             second, near, 0, 0, "tangent_backward of blocks");
  double *y_t = difference(g.n_out, plus, minus, h);
  compare(&k, "tangent", g.n_out, g.pass.y_t, y_t, tolerance(1e-5, 1e-6));
  free(y_t);
  free(y);
  tear_down(&g);
}

static void test_batch_norm(void **state) {
  (void)state;
  check_case(&(layer_case){
      .kind = "batch_norm", .n = 3, .in = {3, 2, 2}, .out = {3, 2, 2}, .epsilon = 1e-5});
  check_case(&(layer_case){
      .kind = "batch_norm", .n = 6, .in = {1, 1, 4}, .out = {1, 1, 4}, .epsilon = 0.1});
}

static void test_max_pool(void **state) {
  (void)state;
  static const layer_case cases[] = {
      {"max_pool", 2, {4, 6, 2}, {2, 3, 2}, 2, 2, 2, 0, 0},
      {"max_pool", 2, {5, 7, 2}, {2, 3, 2}, 3, 3, 2, 0, 0}, // windows overlap
      {"max_pool", 2, {5, 7, 1}, {2, 3, 1}, 2, 2, 2, 0, 0}, // the last row and column are left over
      {"max_pool", 2, {6, 6, 1}, {2, 2, 1}, 3, 3, 3, 0, 0},
      {"max_pool", 2, {3, 4, 2}, {3, 4, 2}, 1, 1, 1, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check_case(&cases[i]);
}

static void test_set_mean(void **state) {
  (void)state;
  check_case(&(layer_case){.kind = "set_mean", .n = 4, .in = {1, 1, 5}, .out = {1, 1, 5}});
  check_case(&(layer_case){.kind = "set_mean", .n = 3, .in = {1, 1, 2}, .out = {1, 1, 4}});
  check_case(&(layer_case){.kind = "set_mean", .n = 1, .in = {1, 1, 3}, .out = {1, 1, 6}});
}

static void test_outer_product(void **state) {
  (void)state;
  check_case(&(layer_case){.kind = "outer_product", .n = 3, .in = {1, 1, 8}, .out = {4, 4, 1}});
  check_case(&(layer_case){.kind = "outer_product", .n = 1, .in = {1, 1, 2}, .out = {1, 1, 1}});
  check_case(&(layer_case){.kind = "outer_product", .n = 2, .in = {1, 1, 6}, .out = {1, 1, 15}});
  check_case(&(layer_case){.kind = "outer_product", .n = 3, .in = {1, 1, 9}, .out = {1, 1, 18}});
}

static void test_elementwise(void **state) {
  (void)state;
  check_case(&(layer_case){.kind = "relu", .n = 3, .in = {2, 3, 2}, .out = {2, 3, 2}});
  check_case(&(layer_case){.kind = "tanh", .n = 3, .in = {2, 3, 2}, .out = {2, 3, 2}});
  check_case(&(layer_case){.kind = "flatten", .n = 3, .in = {2, 3, 2}, .out = {1, 1, 12}});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_dense),       cmocka_unit_test(test_set_mean),
      cmocka_unit_test(test_conv2d),      cmocka_unit_test(test_conv2d_blocks),
      cmocka_unit_test(test_batch_norm),  cmocka_unit_test(test_max_pool),
      cmocka_unit_test(test_elementwise), cmocka_unit_test(test_outer_product),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
