/* SPDX-License-Identifier: MIT
 * Layers run one after the other: a network's own, or the single ones that its configuration lists.
 */
#ifndef OIKOS_TESTS_LAYER_CHAIN_H
#define OIKOS_TESTS_LAYER_CHAIN_H

#include "check.h"

#include "base/random.h"
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

static inline real *draw(oikos_random *r, size_t count) {
  real *x = array(count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    x[i] = (real)oikos_random_normal(r);
  return x;
}

/* What is to be overwritten holds no numbers before. */
static inline real *nothing(size_t count) {
  real *x = array(count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    x[i] = (real)NAN;
  return x;
}

static inline oikos_config *parse(const stack *k) {
  oikos_config *config = array(1, sizeof *config);
  oikos_error err;
  char text[1024];
  snprintf(text, sizeof text, "model: {loss: %s, layers: [%s]}", k->loss ? k->loss : "mse",
           k->layers);
  oikos_config_defaults(config);
  CHECK_OK(oikos_config_parse(config, "test", text, strlen(text), &err));
  return config;
}

static inline oikos_network *network_of(const stack *k, const oikos_config *config) {
  oikos_network *net;
  oikos_error err;
  CHECK_OK(oikos_network_create(config, k->input, 0, &net, &err));
  if (net->n_layers != k->kept)
    fail_msg("%s: the network has %d layers, expected %d", k->layers, net->n_layers, k->kept);
  return net;
}

/* The network's own layers. */
static inline chain absorbed(const oikos_network *net) {
  chain c = {.count = net->n_layers, .loss = net->loss};
  for (int i = 0; i < c.count; i++) {
    c.layer[i] = net->layer[i];
    c.at[i] = net->layer[i].first;
  }
  return c;
}

/* Those of the configuration, each on its own. */
static inline chain single(const oikos_config *config, oikos_shape shape) {
  oikos_error err;
  size_t first = 0;
  chain c = {.count = config->model.n_layers,
             .loss = oikos_loss_of((oikos_loss_kind)config->model.loss)};
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
static inline void set_scales(const oikos_network *net, real *theta) {
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

static inline data draw_data(const stack *k, const oikos_network *net) {
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

static inline void free_data(data *d) {
  real *owned[] = {d->x, d->x_t, d->theta, d->theta_t, d->dy, d->dy_t, d->target};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    free(owned[i]);
}

static inline void free_results(results *r) {
  for (int i = 0; i < RESULTS; i++)
    free(r->of[i]);
}

static inline void make_tape(const chain *c, size_t n, tape *t) {
  for (int i = 0; i < c->count; i++) {
    const oikos_layer *l = &c->layer[i];
    size_t out = n * l->out_size, cache = n * l->cache_example + l->cache_batch;
    t[i] = (tape){nothing(out),   nothing(out),   nothing(out),       nothing(out),
                  nothing(cache), nothing(cache), nothing(l->scratch)};
  }
}

static inline void free_tape(const chain *c, tape *t) {
  for (int i = 0; i < c->count; i++) {
    real *owned[] = {t[i].y, t[i].y_t, t[i].dy, t[i].dy_t, t[i].cache, t[i].cache_t, t[i].scratch};
    for (size_t j = 0; j < sizeof owned / sizeof *owned; j++)
      free(owned[j]);
  }
}

/* As layer i sees the batch; without x_t and dx if the data does not move. */
static inline oikos_pass pass_of(const chain *c, const data *d, tape *t, int i, bool moves,
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
static inline void close_chain(const chain *c, const data *d, tape *last, bool with_loss) {
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
static inline results run(const chain *c, const data *d, bool moves, bool with_loss) {
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

#endif
