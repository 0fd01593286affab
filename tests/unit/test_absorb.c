/* SPDX-License-Identifier: MIT
 * A batch_norm computes the relu and max_pool that follow along, a dense layer the relu. A
 * network's layers against the single layers that its configuration lists, run one after the other;
 * and batch_norm on inputs far from zero against the formula in double. */
#include "check.h"

#include "base/random.h"
#include "layer_reference.h"
#include "net/derivatives.h"
#include "net/network_impl.h"

typedef oikos_real real;

enum { Y, Y_T, DX, GRAD, DX_T, GRAD_T, RESULTS };
static const char *const names[RESULTS] = {"y", "y_t", "dx", "grad", "dx_t", "grad_t"};

typedef struct stack {
  const char *layers, *loss;
  oikos_shape input;
  size_t n;
  int kept; /* layers that the network has */
} stack;

/* Layers to run one after the other; with a loss, dy is what it gives. */
typedef struct chain {
  int count;
  oikos_layer layer[OIKOS_MAX_LAYERS];
  size_t at[OIKOS_MAX_LAYERS]; /* first parameter */
  const oikos_loss_type *loss;
} chain;

/* What goes into a chain, and what comes out of it. */
typedef struct data {
  size_t n, m, in, out;
  real *x, *x_t, *theta, *theta_t, *dy, *dy_t, *target;
} data;

typedef struct results {
  size_t count[RESULTS];
  real *of[RESULTS];
} results;

/* A chain's activations and their derivatives: number i is what layer i gives. */
typedef struct tape {
  real *y, *y_t, *dy, *dy_t, *cache, *cache_t, *scratch;
} tape;

static real *draw(oikos_random *r, size_t count) {
  real *x = array(count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    x[i] = (real)oikos_random_normal(r);
  return x;
}

/* What is to be overwritten holds no numbers before. */
static real *nothing(size_t count) {
  real *x = array(count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    x[i] = (real)NAN;
  return x;
}

static oikos_config *parse(const stack *k) {
  oikos_config *config = array(1, sizeof *config);
  oikos_error err;
  char text[1024];
  snprintf(text, sizeof text, "model: {loss: %s, layers: [%s]}", k->loss ? k->loss : "mse",
           k->layers);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  return config;
}

static oikos_network *network_of(const stack *k, const oikos_config *config) {
  oikos_network *net;
  oikos_error err;
  CHECK_OK(oikos_network_create(config, k->input, 0, &net, &err));
  if (net->n_layers != k->kept)
    fail_msg("%s: the network has %d layers, expected %d", k->layers, net->n_layers, k->kept);
  return net;
}

/* The network's own layers. */
static chain absorbed(const oikos_network *net) {
  chain c = {.count = net->n_layers, .loss = net->loss};
  for (int i = 0; i < c.count; i++) {
    c.layer[i] = net->layer[i];
    c.at[i] = net->layer[i].first;
  }
  return c;
}

/* Those of the configuration, each on its own. */
static chain single(const oikos_config *config, oikos_shape shape) {
  oikos_error err;
  size_t first = 0;
  chain c = {.count = config->model.n_layers, .loss = oikos_loss_of(config->model.loss)};
  for (int i = 0; i < c.count; i++) {
    CHECK_OK(oikos_layer_create(&c.layer[i], &config->model.layers[i], shape, "test", &err));
    shape = c.layer[i].out;
    c.at[i] = first;
    first += c.layer[i].n_parameters;
  }
  return c;
}

/* Scales of both signs and one that is zero; shifts so low that whole windows are closed, and so
 * high that all are open. */
static void set_scales(const oikos_network *net, real *theta) {
  for (int k = 0; k < net->n_tensors; k++) {
    const oikos_tensor *t = &net->tensor[k];
    bool norm = strstr(t->name, "batch_norm") != NULL;
    for (size_t i = 0; norm && i < t->size; i++) {
      real *at = &theta[t->offset + i], size = (real)0.5 + (real)fabs((double)*at);
      if (t->role == OIKOS_SCALE)
        *at = i == 6 ? 0 : i % 2 ? -size : size;
      else if (i == 3 || i == 4)
        *at = i == 3 ? (real)-1.5 : 4;
    }
  }
}

static data draw_data(const stack *k, const oikos_network *net) {
  oikos_random r = oikos_random_at(17, OIKOS_DRAW_CHECK, k->n, (uint64_t)k->input.height);
  data d = {.n = k->n, .m = net->n_parameters};
  d.in = k->n * net->layer[0].in_size;
  d.out = k->n * net->outputs;
  real **of_in[] = {&d.x, &d.x_t}, **of_m[] = {&d.theta, &d.theta_t},
       **of_out[] = {&d.dy, &d.dy_t, &d.target};
  for (int i = 0; i < 2; i++) {
    *of_in[i] = draw(&r, d.in);
    *of_m[i] = draw(&r, d.m);
  }
  for (int i = 0; i < 3; i++)
    *of_out[i] = draw(&r, d.out);
  for (size_t i = 0; k->loss && strcmp(k->loss, "cross_entropy") == 0 && i < k->n; i++)
    d.target[i] = (real)(i % net->outputs);
  set_scales(net, d.theta);
  return d;
}

static void free_data(data *d) {
  real *owned[] = {d->x, d->x_t, d->theta, d->theta_t, d->dy, d->dy_t, d->target};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    free(owned[i]);
}

static void free_results(results *r) {
  for (int i = 0; i < RESULTS; i++)
    free(r->of[i]);
}

static void make_tape(const chain *c, size_t n, tape *t) {
  for (int i = 0; i < c->count; i++) {
    const oikos_layer *l = &c->layer[i];
    size_t out = n * l->out_size, cache = n * l->cache_example + l->cache_batch;
    t[i] = (tape){nothing(out),   nothing(out),   nothing(out),       nothing(out),
                  nothing(cache), nothing(cache), nothing(l->scratch)};
  }
}

static void free_tape(const chain *c, tape *t) {
  for (int i = 0; i < c->count; i++) {
    real *owned[] = {t[i].y, t[i].y_t, t[i].dy, t[i].dy_t, t[i].cache, t[i].cache_t, t[i].scratch};
    for (size_t j = 0; j < sizeof owned / sizeof *owned; j++)
      free(owned[j]);
  }
}

/* As layer i sees the batch; without x_t and dx if the data does not move. */
static oikos_pass pass_of(const chain *c, const data *d, tape *t, int i, bool moves,
                          const results *r) {
  return (oikos_pass){.n = d->n,
                      .theta = d->theta + c->at[i],
                      .theta_t = d->theta_t + c->at[i],
                      .x = i ? t[i - 1].y : d->x,
                      .x_t = i       ? t[i - 1].y_t
                             : moves ? d->x_t
                                     : NULL,
                      .y = t[i].y,
                      .y_t = t[i].y_t,
                      .cache = t[i].cache,
                      .cache_t = t[i].cache_t,
                      .dy = t[i].dy,
                      .dy_t = t[i].dy_t,
                      .dx = i       ? t[i - 1].dy
                            : moves ? r->of[DX]
                                    : NULL,
                      .dx_t = i       ? t[i - 1].dy_t
                              : moves ? r->of[DX_T]
                                      : NULL,
                      .grad = r->of[GRAD] + c->at[i],
                      .grad_t = r->of[GRAD_T] + c->at[i],
                      .scratch = t[i].scratch};
}

/* dy and dy_t of the last layer. */
static void close_chain(const chain *c, const data *d, tape *last, bool with_loss) {
  size_t size = d->out / d->n;
  if (!with_loss) {
    memcpy(last->dy, d->dy, d->out * sizeof *last->dy);
    memcpy(last->dy_t, d->dy_t, d->out * sizeof *last->dy_t);
    return;
  }
  oikos_loss_pass p = {.n = d->n,
                       .size = size,
                       .y = last->y,
                       .y_t = last->y_t,
                       .target = d->target,
                       .cache = nothing(2 * d->n * (size > d->n ? size : d->n)),
                       .weight = 1,
                       .dy = last->dy,
                       .dy_t = last->dy_t};
  c->loss->forward(&p);
  c->loss->backward(&p);
  c->loss->tangent_backward(&p);
  free(p.cache);
}

/* The four functions of all layers, in the order that they are promised. */
static results run(const chain *c, const data *d, bool moves, bool with_loss) {
  tape t[OIKOS_MAX_LAYERS];
  results r = {.count = {d->out, d->out, d->in, d->m, d->in, d->m}};
  for (int i = 0; i < RESULTS; i++) // gradients are added to
    r.of[i] = i == GRAD || i == GRAD_T ? array(r.count[i], sizeof(real)) : nothing(r.count[i]);
  make_tape(c, d->n, t);
  for (int i = 0; i < 2 * c->count; i++) {
    const oikos_layer *l = &c->layer[i % c->count];
    oikos_pass p = pass_of(c, d, t, i % c->count, moves, &r);
    (i < c->count ? l->type->forward : l->type->tangent)(l, &p);
  }
  close_chain(c, d, &t[c->count - 1], with_loss);
  for (int i = c->count - 1; i >= 0; i--) {
    oikos_pass p = pass_of(c, d, t, i, moves, &r);
    c->layer[i].type->backward(&c->layer[i], &p);
    c->layer[i].type->tangent_backward(&c->layer[i], &p);
  }
  memcpy(r.of[Y], t[c->count - 1].y, d->out * sizeof(real));
  memcpy(r.of[Y_T], t[c->count - 1].y_t, d->out * sizeof(real));
  free_tape(c, t);
  return r;
}

static void compare(const stack *k, const results *found, const results *truth, bool moves) {
  for (int i = 0; i < RESULTS; i++) {
    char what[256];
    snprintf(what, sizeof what, "%s: %s", k->layers, names[i]);
    if (moves || (i != DX && i != DX_T))
      check_vectors(found->count[i], found->of[i], truth->of[i], tolerance(1e-5, 1e-12), what);
  }
}

static void check_stack(const stack *k) {
  oikos_config *config = parse(k);
  oikos_network *net = network_of(k, config);
  chain one = absorbed(net), other = single(config, k->input);
  data d = draw_data(k, net);
  for (int moves = 0; moves < 2; moves++) {
    results found = run(&one, &d, moves, false), truth = run(&other, &d, moves, false);
    compare(k, &found, &truth, moves);
    free_results(&found);
    free_results(&truth);
  }
  free_data(&d);
  oikos_network_destroy(net);
  free(config);
}

static void test_stacks(void **state) {
  (void)state;
  static const stack stacks[] = {
      {"batch_norm, relu", NULL, {5, 4, 7}, 3, 1},
      {"batch_norm, relu", NULL, {1, 1, 9}, 6, 1},
      {"batch_norm, max_pool: 2", NULL, {6, 8, 7}, 3, 1},
      {"batch_norm, relu, max_pool: 2", NULL, {6, 8, 7}, 3, 1},
      {"batch_norm, max_pool: 2, relu", NULL, {6, 8, 7}, 3, 1},
      {"batch_norm, relu, max_pool: 2", NULL, {7, 5, 17}, 4, 1}, // a row and a column left over
      {"batch_norm, max_pool: 3, relu", NULL, {8, 7, 7}, 4, 1},  // two rows
      {"batch_norm, max_pool: 3, relu", NULL, {4, 11, 7}, 1, 1},
      {"batch_norm, max_pool: 1, relu, max_pool: 2", NULL, {5, 6, 7}, 2, 1},
      {"batch_norm, max_pool: {size: 2, stride: 2}", NULL, {5, 6, 7}, 2, 1},
      {"dense: 7, relu", NULL, {1, 1, 5}, 4, 1},
      {"dense: 1, relu", NULL, {1, 1, 3}, 1, 1},
      {"dense: 6, relu, dense: 5, relu, dense: 3", NULL, {1, 1, 4}, 5, 3},
      {"dense: 6, relu, relu", NULL, {1, 1, 4}, 3, 2},
      {"dense: 6, tanh, relu", NULL, {1, 1, 4}, 3, 3},
      // What must stay on its own: windows that overlap or lie apart, a second max_pool, tanh.
      {"batch_norm, max_pool: {size: 3, stride: 2}", NULL, {7, 8, 7}, 3, 2},
      {"batch_norm, relu, max_pool: {size: 2, stride: 1}", NULL, {7, 8, 7}, 3, 2},
      {"batch_norm, max_pool: {size: 2, stride: 3}", NULL, {7, 8, 7}, 3, 2},
      {"batch_norm, relu, max_pool: 2, max_pool: 2", NULL, {9, 11, 7}, 3, 2},
      {"batch_norm, max_pool: {size: 3, stride: 2}, relu", NULL, {7, 8, 7}, 3, 3},
      {"batch_norm, tanh, relu", NULL, {5, 4, 7}, 3, 3},
      {"tanh, relu, max_pool: 2, batch_norm", NULL, {5, 4, 7}, 3, 4},
      {"conv2d: {filters: 7, padding: 1}, batch_norm, relu, max_pool: 2", NULL, {9, 7, 2}, 4, 2},
      {"conv2d: {filters: 8, padding: 1, winograd: 1}, batch_norm, max_pool: 3, relu, "
       "conv2d: {filters: 5, kernel: 2}, batch_norm, relu",
       NULL,
       {10, 11, 3},
       5,
       4},
  };
  for (size_t i = 0; i < sizeof stacks / sizeof *stacks; i++)
    check_stack(&stacks[i]);
}

/* oikos_network_derive overwrites where it is asked to, and gives the product alone if that is all
 * that is wanted: the same bits. */
static void check_derive(const oikos_network *net, oikos_workspace *ws, const data *d,
                         const oikos_batch *batch, const real *grad, const real *product) {
  real *own = nothing(d->m), *alone = nothing(d->m), *other = nothing(d->m);
  oikos_network_derive(net, ws, d->theta, d->theta_t, batch, 1, true, own, other);
  assert_memory_equal(own, grad, d->m * sizeof *grad);
  assert_memory_equal(other, product, d->m * sizeof *product);
  oikos_network_derive(net, ws, d->theta, d->theta_t, batch, 1, true, NULL, alone);
  assert_memory_equal(alone, product, d->m * sizeof *product);
  free(own);
  free(alone);
  free(other);
}

/* The functions of a whole network against its single layers. */
static void compare_network(const oikos_network *net, oikos_workspace *ws, const data *d,
                            const results *truth) {
  const double near = tolerance(1e-5, 1e-12);
  oikos_batch batch = {.n = d->n, .x = d->x, .y = d->target};
  real *grad = array(d->m, sizeof *grad), *product = array(d->m, sizeof *product);
  oikos_network_gradient(net, ws, d->theta, &batch, 1, grad);
  check_vectors(d->m, grad, truth->of[GRAD], near, "gradient");
  memset(grad, 0, d->m * sizeof *grad);
  oikos_network_hessian(net, ws, d->theta, d->theta_t, &batch, 1, grad, product);
  check_vectors(d->m, grad, truth->of[GRAD], near, "gradient beside the Hessian");
  check_vectors(d->m, product, truth->of[GRAD_T], near, "Hessian-vector product");
  check_derive(net, ws, d, &batch, grad, product);
  free(grad);
  free(product);
}

static void check_network(const stack *k) {
  oikos_config *config = parse(k);
  oikos_network *net = network_of(k, config);
  oikos_workspace *ws;
  oikos_error err;
  CHECK_OK(oikos_workspace_create(net, k->n, &ws, &err));
  chain other = single(config, k->input);
  data d = draw_data(k, net);
  results truth = run(&other, &d, false, true);
  compare_network(net, ws, &d, &truth);
  free_results(&truth);
  free_data(&d);
  oikos_workspace_destroy(ws);
  oikos_network_destroy(net);
  free(config);
}

static void test_networks(void **state) {
  (void)state;
  check_network(&(stack){"conv2d: {filters: 8, padding: 1, winograd: 1}, batch_norm, relu, "
                         "max_pool: 2, conv2d: {filters: 8, padding: 1, winograd: 0}, batch_norm, "
                         "max_pool: 2, relu, flatten, dense: 4",
                         "cross_entropy",
                         {9, 11, 1},
                         6,
                         6});
  check_network(&(stack){
      "batch_norm, relu, max_pool: 2, max_pool: 2, flatten, dense: 3", "mse", {9, 8, 3}, 5, 4});
}

/* ---- inputs far from zero ---- */

/* dx = r scale (dy - mean(dy) - xh mean(dy xh)) in double; also dscale and dshift (2, channels). */
static void formula_backward(size_t rows, size_t c, const double *x, const double *scale,
                             const real *dy, real *dx, real *grad) {
  for (size_t j = 0; j < c; j++) {
    double mean = 0, variance = 0, sum = 0, product = 0, n = (double)rows;
    for (size_t i = 0; i < rows; i++)
      mean += x[i * c + j] / n;
    for (size_t i = 0; i < rows; i++)
      variance += pow(x[i * c + j] - mean, 2) / n;
    double r = 1 / sqrt(variance + 1e-5);
    for (size_t i = 0; i < rows; i++) {
      sum += (double)dy[i * c + j];
      product += (double)dy[i * c + j] * (x[i * c + j] - mean) * r;
    }
    for (size_t i = 0; i < rows; i++)
      dx[i * c + j] =
          (real)(r * scale[j] *
                 ((double)dy[i * c + j] - sum / n - (x[i * c + j] - mean) * r * product / n));
    grad[j] = (real)product;
    grad[c + j] = (real)sum;
  }
}

static double *as_double(size_t count, const real *from) {
  double *to = array(count, sizeof *to);
  for (size_t i = 0; i < count; i++)
    to[i] = (double)from[i];
  return to;
}

/* y, dx and grad of the formula. */
static results formula(const layer_case *k, const data *d) {
  size_t c = (size_t)k->in.channels;
  results r = {.count = {d->out, 0, d->in, d->m}};
  for (int i = 0; i < RESULTS; i++)
    r.of[i] = array(r.count[i], sizeof(real));
  double *x = as_double(d->in, d->x), *theta = as_double(d->m, d->theta),
         *y = array(d->out, sizeof *y);
  reference_batch_norm(k, x, theta, y);
  for (size_t i = 0; i < d->out; i++)
    r.of[Y][i] = (real)y[i];
  formula_backward(d->in / c, c, x, theta, d->dy, r.of[DX], r.of[GRAD]);
  free(x);
  free(theta);
  free(y);
  return r;
}

/* With a mean of 1000 and a spread of 1 the squares' mean and the mean's square agree to six
 * digits: their difference would keep hardly one in float. */
static void check_far(const stack *k) {
  const layer_case reference_case = {.n = k->n, .in = k->input, .out = k->input, .epsilon = 1e-5};
  oikos_config *config = parse(k);
  oikos_network *net = network_of(k, config);
  chain one = absorbed(net);
  data d = draw_data(k, net);
  for (size_t i = 0; i < d.in; i++)
    d.x[i] += i % 2 ? 1000 : -1000;
  results found = run(&one, &d, true, false), truth = formula(&reference_case, &d);
  const int judged[] = {Y, DX, GRAD};
  for (int i = 0; i < 3; i++)
    check_vectors(truth.count[judged[i]], found.of[judged[i]], truth.of[judged[i]],
                  tolerance(2e-4, 2e-11), names[judged[i]]);
  free_results(&found);
  free_results(&truth);
  free_data(&d);
  oikos_network_destroy(net);
  free(config);
}

static void test_far_from_zero(void **state) {
  (void)state;
  check_far(&(stack){"batch_norm", NULL, {14, 14, 6}, 25, 1});
  check_far(&(stack){"batch_norm", NULL, {1, 1, 6}, 100, 1});
  check_far(&(stack){"batch_norm", NULL, {28, 28, 6}, 75, 1});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stacks),
      cmocka_unit_test(test_networks),
      cmocka_unit_test(test_far_from_zero),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
