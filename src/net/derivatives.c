/* SPDX-License-Identifier: MIT
 * Loss, gradient and Hessian-vector product of a network: the layers' functions in order. */
#include <string.h>

#include "net/derivatives.h"
#include "net/network_impl.h"

typedef oikos_real real;

/* Example ws->first of a buffer whose examples have `size` numbers. */
static real *at(const oikos_workspace *ws, real *buffer, size_t size) {
  return buffer + ws->first * size;
}

/* What layer i gives; -1: the examples. */
static const real *given(const oikos_network *net, const oikos_workspace *ws, int i,
                         const oikos_batch *batch) {
  return i < 0 ? batch->x : at(ws, ws->y[i], net->layer[i].out_size);
}

/* Its tangent; the examples do not move. */
static const real *given_tangent(const oikos_network *net, const oikos_workspace *ws, int i) {
  return i < 0 ? NULL : at(ws, ws->y_t[i], net->layer[i].out_size);
}

/* What a way through the layers is about. */
typedef struct network_pass {
  const real *theta, *direction; /* (M); direction NULL: without tangents */
  const oikos_batch *batch;
  bool replace;
  real *grad, *product; /* (M) each, or NULL */
  bool inference;       /* only forward */
  bool slopes_stand;    /* the slopes of what goes into the layers are at hand already */
} network_pass;

static void add_tangents(const oikos_network *net, oikos_workspace *ws, int i,
                         const network_pass *w, oikos_pass *p) {
  const oikos_layer *l = &net->layer[i];
  p->theta_t = w->direction + l->first;
  p->x_t = given_tangent(net, ws, l->input[0].node);
  p->y_t = at(ws, ws->y_t[i], l->out_size);
  p->cache_t = at(ws, ws->cache_t[i], l->cache_example);
}

/* Where layer l, of a batch of n, leaves the slope of one of its inputs: with dy or dy_t, and dx of
 * the examples. */
static real *slope_of(const oikos_network *net, const oikos_workspace *ws, const oikos_input *in,
                      size_t n, real *const *dy, real *dx) {
  if (in->adds)
    return ws->apart + n * in->apart;
  if (in->node >= 0)
    return at(ws, dy[in->node], in->size);
  return net->row_width > 0 ? at(ws, dx, in->size) : NULL;
}

/* The derivatives with respect to what comes out of layer i and goes into it. */
static void add_slopes(const oikos_network *net, oikos_workspace *ws, int i, const network_pass *w,
                       oikos_pass *p) {
  const oikos_layer *l = &net->layer[i];
  p->dy = at(ws, ws->dy[i], l->out_size);
  if (!w->slopes_stand)
    p->dx = slope_of(net, ws, &l->input[0], w->batch->n, ws->dy, ws->dx);
  p->grad = w->grad ? w->grad + l->first : NULL;
  p->replace = w->replace;
}

static void add_slope_tangents(const oikos_network *net, oikos_workspace *ws, int i,
                               const network_pass *w, oikos_pass *p) {
  const oikos_layer *l = &net->layer[i];
  p->dy_t = at(ws, ws->dy_t[i], l->out_size);
  p->dx_t = slope_of(net, ws, &l->input[0], w->batch->n, ws->dy_t, ws->dx_t);
  p->grad_t = w->product + l->first;
}

/* All inputs of a layer that takes several. */
static const oikos_strand *strands_of(const oikos_network *net, oikos_workspace *ws,
                                      const oikos_layer *l, oikos_function_kind which,
                                      const network_pass *w) {
  bool along = which == OIKOS_TANGENT || which == OIKOS_TANGENT_BACKWARD;
  size_t n = w->batch->n;
  for (int k = 0; k < l->n_inputs; k++) {
    const oikos_input *in = &l->input[k];
    ws->strands[k] = (oikos_strand){
        .x = given(net, ws, in->node, w->batch),
        .x_t = along ? given_tangent(net, ws, in->node) : NULL,
        .dx = which == OIKOS_BACKWARD && !w->slopes_stand ? slope_of(net, ws, in, n, ws->dy, ws->dx)
                                                          : NULL,
        .dx_t =
            which == OIKOS_TANGENT_BACKWARD ? slope_of(net, ws, in, n, ws->dy_t, ws->dx_t) : NULL};
  }
  return ws->strands;
}

/* What one of the four functions of layer i takes; inline, since `which` is known where it is
 * called, and small networks are called often. */
static inline oikos_pass pass_of(const oikos_network *net, oikos_workspace *ws, int i,
                                 oikos_function_kind which, const network_pass *w) {
  const oikos_layer *l = &net->layer[i];
  oikos_pass p = {.n = w->batch->n,
                  .n_norm = w->batch->n_norm,
                  .theta = w->theta + l->first,
                  .x = given(net, ws, l->input[0].node, w->batch),
                  .y = at(ws, ws->y[i], l->out_size),
                  .cache = at(ws, ws->cache[i], l->cache_example),
                  .inference = w->inference,
                  .scratch = ws->scratch};
  if (which == OIKOS_TANGENT || which == OIKOS_TANGENT_BACKWARD)
    add_tangents(net, ws, i, w, &p);
  if (which == OIKOS_BACKWARD || which == OIKOS_TANGENT_BACKWARD)
    add_slopes(net, ws, i, w, &p);
  if (which == OIKOS_TANGENT_BACKWARD)
    add_slope_tangents(net, ws, i, w, &p);
  if (l->n_inputs > 1)
    p.strands = strands_of(net, ws, l, which, w);
  if (i == 1 && net->recomputes) {
    p.x = p.x_t = NULL;
    p.dx = p.dx_t = NULL;
  }
  return p;
}

/* Examples before those that the loss takes: prototypes take all. */
static size_t unjudged(const oikos_network *net, const oikos_batch *batch) {
  return net->loss_kind == OIKOS_LOSS_PROTOTYPES ? 0 : batch->n_support;
}

static oikos_loss_pass loss_pass(const oikos_network *net, oikos_workspace *ws,
                                 const oikos_batch *batch, real weight) {
  int last = net->n_layers - 1;
  size_t passed = unjudged(net, batch), first = passed * net->outputs;
  return (oikos_loss_pass){.n = batch->n - passed,
                           .size = net->outputs,
                           .n_support = batch->n_support - passed,
                           .y = at(ws, ws->y[last], net->outputs) + first,
                           .y_t = at(ws, ws->y_t[last], net->outputs) + first,
                           .target = batch->y + passed * oikos_network_targets(net),
                           .cache = at(ws, ws->loss_cache, 2 * net->outputs),
                           .weight = weight,
                           .dy = at(ws, ws->dy[last], net->outputs) + first,
                           .dy_t = at(ws, ws->dy_t[last], net->outputs) + first,
                           .teacher = net->lambda > 0 ? batch->teacher : NULL,
                           .lambda = net->lambda,
                           .temperature = net->temperature,
                           .soft = at(ws, ws->soft, 2 * net->outputs)};
}

/* The pass over the judged examples of a batch; of the others the slopes at the outputs are zero.
 */
static oikos_loss_pass judge(const oikos_network *net, oikos_workspace *ws,
                             const oikos_batch *batch, real weight, real *slopes) {
  memset(at(ws, slopes, net->outputs), 0, unjudged(net, batch) * net->outputs * sizeof(real));
  return loss_pass(net, ws, batch, weight);
}

static void slope(const oikos_network *net, oikos_workspace *ws, const oikos_batch *batch,
                  real weight) {
  oikos_loss_pass loss = judge(net, ws, batch, weight, ws->dy[net->n_layers - 1]);
  oikos_loss_backward(net->loss, &loss);
}

static void slope_tangent(const oikos_network *net, oikos_workspace *ws, const oikos_batch *batch,
                          real weight) {
  oikos_loss_pass loss = judge(net, ws, batch, weight, ws->dy_t[net->n_layers - 1]);
  oikos_loss_tangent_backward(net->loss, &loss);
}

const oikos_real *oikos_workspace_outputs(const oikos_network *net, const oikos_workspace *ws) {
  return ws->y[net->n_layers - 1];
}

const oikos_real *oikos_workspace_dx(const oikos_network *net, const oikos_workspace *ws) {
  return net->row_width > 0 ? at(ws, ws->dx, oikos_network_input(net)) : NULL;
}

const oikos_real *oikos_workspace_dx_t(const oikos_network *net, const oikos_workspace *ws) {
  return net->row_width > 0 ? at(ws, ws->dx_t, oikos_network_input(net)) : NULL;
}

void oikos_workspace_measure(oikos_workspace *ws, oikos_profile *profile) {
  ws->profile = profile;
}

oikos_profile *oikos_workspace_profile(const oikos_workspace *ws) {
  return ws->profile;
}

static inline void call_function(const oikos_layer *l, oikos_function_kind which,
                                 const oikos_pass *p) {
  const oikos_layer_type *t = l->type;
  oikos_layer_function *f = which == OIKOS_FORWARD    ? t->forward
                            : which == OIKOS_TANGENT  ? t->tangent
                            : which == OIKOS_BACKWARD ? t->backward
                                                      : t->tangent_backward;
  f(l, p);
}

/* Layer 1, where layer 0 is recomputed. */
static void call_both(const oikos_network *net, oikos_workspace *ws, oikos_function_kind which,
                      const network_pass *w, oikos_pass *p) {
  const oikos_layer *first = &net->layer[0];
  oikos_pass before = pass_of(net, ws, 0, which, w);
  before.scratch = ws->scratch_before;
  p->before_layer = first;
  p->before = &before;
  p->lines = ws->lines;
  first->type->recompute->begin(first, &before);
  call_function(&net->layer[1], which, p);
}

/* dy, or dx of the examples, += the slopes that stand apart. */
static void add_apart(const oikos_workspace *ws, const oikos_layer *l, size_t n, real *const *dy,
                      real *dx) {
  for (int k = 0; k < l->n_inputs; k++) {
    const oikos_input *in = &l->input[k];
    if (!in->adds)
      continue;
    const real *restrict from = ws->apart + n * in->apart;
    real *restrict to = at(ws, in->node < 0 ? dx : dy[in->node], in->size);
    for (size_t j = 0; j < n * in->size; j++)
      to[j] += from[j];
  }
}

/* Call one of the four functions of layer i; a layer that is recomputed is part of the next one. */
static inline void call(const oikos_network *net, oikos_workspace *ws, int i,
                        oikos_function_kind which, const network_pass *w) {
  const oikos_layer *l = &net->layer[i];
  if (i == 0 && net->recomputes)
    return;
  oikos_pass p = pass_of(net, ws, i, which, w);
  if (which == OIKOS_BACKWARD && !p.grad && !p.dx && !p.strands)
    return;
  double begin = oikos_profile_begin(ws->profile);
  if (i == 1 && net->recomputes)
    call_both(net, ws, which, w, &p);
  else
    call_function(l, which, &p);
  if (l->adds && which == OIKOS_BACKWARD && !w->slopes_stand)
    add_apart(ws, l, p.n, ws->dy, ws->dx);
  else if (l->adds && which == OIKOS_TANGENT_BACKWARD)
    add_apart(ws, l, p.n, ws->dy_t, ws->dx_t);
  if (ws->profile)
    ws->profile->layer[i][which] += oikos_wall_clock() - begin;
}

static void go_forward(const oikos_network *net, oikos_workspace *ws, const network_pass *w) {
  for (int i = 0; i < net->n_layers; i++)
    call(net, ws, i, OIKOS_FORWARD, w);
}

static oikos_judgement forward(const oikos_network *net, oikos_workspace *ws,
                               const network_pass *w) {
  go_forward(net, ws, w);
  oikos_loss_pass l = loss_pass(net, ws, w->batch, 1);
  return oikos_loss_forward(net->loss, &l);
}

void oikos_network_predict(const oikos_network *net, oikos_workspace *ws, const real *theta,
                           const oikos_batch *batch, real *outputs) {
  go_forward(net, ws, &(network_pass){.theta = theta, .batch = batch});
  memcpy(outputs, oikos_workspace_outputs(net, ws), batch->n * net->outputs * sizeof *outputs);
}

oikos_judgement oikos_network_loss(const oikos_network *net, oikos_workspace *ws, const real *theta,
                                   const oikos_batch *batch) {
  return forward(net, ws, &(network_pass){.theta = theta, .batch = batch, .inference = true});
}

/* The layers' backward functions, from the last to the first. */
static void go_back(const oikos_network *net, oikos_workspace *ws, const network_pass *w) {
  for (int i = net->n_layers - 1; i >= 0; i--) {
    call(net, ws, i, OIKOS_BACKWARD, w);
    if (w->direction)
      call(net, ws, i, OIKOS_TANGENT_BACKWARD, w);
  }
}

static void go_along(const oikos_network *net, oikos_workspace *ws, const network_pass *w) {
  for (int i = 0; i < net->n_layers; i++)
    call(net, ws, i, OIKOS_TANGENT, w);
}

oikos_judgement oikos_network_derive(const oikos_network *net, oikos_workspace *ws,
                                     const real *theta, const real *direction,
                                     const oikos_batch *batch, real weight, bool replace,
                                     real *grad, real *product) {
  network_pass w = {.theta = theta, .direction = direction, .batch = batch, .replace = replace};
  w.grad = grad;
  w.product = product;
  oikos_judgement judgement = forward(net, ws, &w);
  if (direction)
    go_along(net, ws, &w);
  slope(net, ws, batch, weight);
  if (direction)
    slope_tangent(net, ws, batch, weight);
  go_back(net, ws, &w);
  return judgement;
}

oikos_judgement oikos_network_gradient(const oikos_network *net, oikos_workspace *ws,
                                       const real *theta, const oikos_batch *batch, real weight,
                                       real *grad) {
  return oikos_network_derive(net, ws, theta, NULL, batch, weight, false, grad, NULL);
}

oikos_judgement oikos_network_hessian(const oikos_network *net, oikos_workspace *ws,
                                      const real *theta, const real *direction,
                                      const oikos_batch *batch, real weight, real *grad,
                                      real *product) {
  return oikos_network_derive(net, ws, theta, direction, batch, weight, false, grad, product);
}

oikos_judgement oikos_network_judge(const oikos_network *net, oikos_workspace *ws,
                                    const oikos_batch *batch) {
  oikos_loss_pass loss = loss_pass(net, ws, batch, 1);
  oikos_judgement judgement = oikos_loss_forward(net->loss, &loss);
  slope(net, ws, batch, 1);
  return judgement;
}

void oikos_network_go_back(const oikos_network *net, oikos_workspace *ws, const real *theta,
                           const oikos_batch *batch) {
  go_back(net, ws, &(network_pass){.theta = theta, .batch = batch});
}

const real *oikos_network_outputs(const oikos_network *net, oikos_workspace *ws, const real *theta,
                                  size_t n, const real *x) {
  go_forward(net, ws, &(network_pass){.theta = theta, .batch = &(oikos_batch){.n = n, .x = x}});
  return ws->y[net->n_layers - 1];
}

void oikos_network_pull_back(const oikos_network *net, oikos_workspace *ws, const real *theta,
                             size_t n, const real *x, const real *dy, real *grad) {
  memcpy(ws->dy[net->n_layers - 1], dy, n * net->outputs * sizeof *dy);
  go_back(
      net, ws,
      &(network_pass){
          .theta = theta, .batch = &(oikos_batch){.n = n, .x = x}, .replace = true, .grad = grad});
}

void oikos_network_kept_gradient(const oikos_network *net, oikos_workspace *ws, const real *theta,
                                 const oikos_batch *batch, real *grad) {
  network_pass w = {.theta = theta, .batch = batch, .replace = true, .slopes_stand = true};
  w.grad = grad;
  for (int i = 0; i < net->n_layers; i++)
    if (net->layer[i].n_parameters)
      call(net, ws, i, OIKOS_BACKWARD, &w);
}

void oikos_network_kept_product(const oikos_network *net, oikos_workspace *ws, const real *theta,
                                const real *direction, const oikos_batch *batch, real *product) {
  network_pass w = {.theta = theta, .direction = direction, .batch = batch, .replace = true};
  w.product = product;
  go_along(net, ws, &w);
  slope_tangent(net, ws, batch, 1);
  for (int i = net->n_layers - 1; i >= 0; i--)
    call(net, ws, i, OIKOS_TANGENT_BACKWARD, &w);
}
