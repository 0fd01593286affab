/* SPDX-License-Identifier: MIT
 * Loss, gradient and Hessian-vector product of a network: the layers' functions in order. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "net/derivatives.h"
#include "net/network_impl.h"

typedef oikos_real real;

/* Cut `count` numbers off the arena, kept aligned; with a NULL arena only the size is counted. */
static real *cut(real *memory, size_t *used, size_t count) {
  real *at = memory ? memory + *used : NULL;
  size_t rounded = count > SIZE_MAX / 2 ? SIZE_MAX / 2 : (count + 15) / 16 * 16;
  *used = *used > SIZE_MAX / 2 - rounded ? SIZE_MAX / 2 : *used + rounded;
  return at;
}

/* Lay the buffers out; returns how many numbers they take. */
static size_t lay_out(const oikos_network *net, oikos_workspace *ws, real *memory) {
  size_t used = 0, widest = 0, scratch = 0, n = ws->max_n;
  for (int i = 0; i < net->n_layers; i++) {
    const oikos_layer *l = &net->layer[i];
    size_t kept = oikos_mul(n, l->cache_example);
    kept = kept > SIZE_MAX / 2 ? kept : kept + l->cache_batch;
    ws->y[i] = cut(memory, &used, oikos_mul(n, l->out_size));
    ws->y_t[i] = cut(memory, &used, oikos_mul(n, l->out_size));
    ws->cache[i] = cut(memory, &used, kept);
    ws->cache_t[i] = cut(memory, &used, kept);
    widest = l->out_size > widest ? l->out_size : widest;
    scratch = l->scratch > scratch ? l->scratch : scratch;
  }
  for (int k = 0; k < 2; k++) {
    ws->dy[k] = cut(memory, &used, oikos_mul(n, widest));
    ws->dy_t[k] = cut(memory, &used, oikos_mul(n, widest));
  }
  ws->loss_cache = cut(memory, &used, oikos_mul(2 * n, net->outputs > n ? net->outputs : n));
  ws->scratch = cut(memory, &used, scratch);
  return used;
}

oikos_status oikos_workspace_create(const oikos_network *net, size_t max_n, oikos_workspace **ws,
                                    oikos_error *err) {
  OIKOS_TRY(oikos_alloc(ws, 1, sizeof **ws, "a workspace", err));
  (*ws)->max_n = max_n;
  oikos_status status = oikos_alloc(&(*ws)->memory, lay_out(net, *ws, NULL), sizeof(real),
                                    "the activations of a batch", err);
  if (status == OIKOS_OK) {
    lay_out(net, *ws, (*ws)->memory);
  } else {
    oikos_workspace_destroy(*ws);
    *ws = NULL;
  }
  return status;
}

void oikos_workspace_destroy(oikos_workspace *ws) {
  if (ws)
    free(ws->memory);
  free(ws);
}

static oikos_pass pass_of(const oikos_network *net, oikos_workspace *ws, int i, const real *theta,
                          const oikos_batch *batch) {
  return (oikos_pass){.n = batch->n,
                      .theta = theta + net->layer[i].first,
                      .x = i ? ws->y[i - 1] : batch->x,
                      .y = ws->y[i],
                      .cache = ws->cache[i],
                      .scratch = ws->scratch};
}

static void add_tangents(const oikos_network *net, oikos_workspace *ws, int i,
                         const real *direction, oikos_pass *p) {
  p->theta_t = direction + net->layer[i].first;
  p->x_t = i ? ws->y_t[i - 1] : NULL;
  p->y_t = ws->y_t[i];
  p->cache_t = ws->cache_t[i];
}

static oikos_loss_pass loss_pass(const oikos_network *net, oikos_workspace *ws,
                                 const oikos_batch *batch, real weight) {
  int last = net->n_layers - 1;
  return (oikos_loss_pass){.n = batch->n,
                           .size = net->outputs,
                           .n_support = batch->n_support,
                           .y = ws->y[last],
                           .y_t = ws->y_t[last],
                           .target = batch->y,
                           .cache = ws->loss_cache,
                           .weight = weight,
                           .dy = ws->dy[last % 2],
                           .dy_t = ws->dy_t[last % 2]};
}

const oikos_real *oikos_workspace_outputs(const oikos_network *net, const oikos_workspace *ws) {
  return ws->y[net->n_layers - 1];
}

void oikos_workspace_measure(oikos_workspace *ws, oikos_profile *profile) {
  ws->profile = profile;
}

oikos_profile *oikos_workspace_profile(const oikos_workspace *ws) {
  return ws->profile;
}

/* Call one of the four functions of layer i. */
static void call(const oikos_network *net, oikos_workspace *ws, int i, int which,
                 const oikos_pass *p) {
  const oikos_layer *l = &net->layer[i];
  oikos_layer_function *const functions[] = {l->type->forward, l->type->tangent, l->type->backward,
                                             l->type->tangent_backward};
  double begin = oikos_profile_begin(ws->profile);
  functions[which](l, p);
  if (ws->profile)
    ws->profile->layer[i][which] += oikos_wall_clock() - begin;
}

static oikos_judgement forward(const oikos_network *net, oikos_workspace *ws, const real *theta,
                               const oikos_batch *batch) {
  for (int i = 0; i < net->n_layers; i++) {
    oikos_pass p = pass_of(net, ws, i, theta, batch);
    call(net, ws, i, OIKOS_FORWARD, &p);
  }
  oikos_loss_pass l = loss_pass(net, ws, batch, 1);
  return net->loss->forward(&l);
}

oikos_judgement oikos_network_loss(const oikos_network *net, oikos_workspace *ws, const real *theta,
                                   const oikos_batch *batch) {
  return forward(net, ws, theta, batch);
}

/* The layers' backward functions, from the last to the first. */
static void go_back(const oikos_network *net, oikos_workspace *ws, const real *theta,
                    const real *direction, const oikos_batch *batch, bool replace, real *grad,
                    real *product) {
  for (int i = net->n_layers - 1; i >= 0; i--) {
    const oikos_layer *l = &net->layer[i];
    oikos_pass p = pass_of(net, ws, i, theta, batch);
    p.replace = replace;
    p.dy = ws->dy[i % 2];
    p.dx = i ? ws->dy[(i - 1) % 2] : NULL;
    p.grad = grad ? grad + l->first : NULL;
    if (direction) {
      add_tangents(net, ws, i, direction, &p);
      p.dy_t = ws->dy_t[i % 2];
      p.dx_t = i ? ws->dy_t[(i - 1) % 2] : NULL;
      p.grad_t = product + l->first;
    }
    if (p.grad || p.dx)
      call(net, ws, i, OIKOS_BACKWARD, &p);
    if (direction)
      call(net, ws, i, OIKOS_TANGENT_BACKWARD, &p);
  }
}

oikos_judgement oikos_network_derive(const oikos_network *net, oikos_workspace *ws,
                                     const real *theta, const real *direction,
                                     const oikos_batch *batch, real weight, bool replace,
                                     real *grad, real *product) {
  oikos_judgement judgement = forward(net, ws, theta, batch);
  for (int i = 0; direction && i < net->n_layers; i++) {
    oikos_pass p = pass_of(net, ws, i, theta, batch);
    add_tangents(net, ws, i, direction, &p);
    call(net, ws, i, OIKOS_TANGENT, &p);
  }
  oikos_loss_pass loss = loss_pass(net, ws, batch, weight);
  net->loss->backward(&loss);
  if (direction)
    net->loss->tangent_backward(&loss);
  go_back(net, ws, theta, direction, batch, replace, grad, product);
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
