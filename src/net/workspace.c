/* SPDX-License-Identifier: MIT
 * A thread's buffers for one network, in one allocation. */
#include <stdlib.h>

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

/* Numbers of an example's output that are kept: none of a first layer that is recomputed. */
static size_t kept_size(const oikos_network *net, int i) {
  return i == 0 && net->recomputes ? 0 : net->layer[i].out_size;
}

/* Numbers of the lines that a row of windows takes. */
static size_t lines_size(const oikos_layer *l) {
  return oikos_mul((size_t)(l->pool * l->in.width), (size_t)l->in.channels);
}

/* Places that several layers' slopes take one after the other. */
typedef struct places {
  int n, of[OIKOS_MAX_LAYERS]; /* the place of each layer; -1: it has none yet */
  size_t size[OIKOS_MAX_LAYERS];
  bool taken[OIKOS_MAX_LAYERS];
} places;

/* The smallest free place that is large enough, or else the largest, which grows, or a new one. */
static int take_place(places *p, size_t size) {
  int best = -1;
  for (int k = 0; k < p->n; k++) {
    bool fits = p->size[k] >= size, best_fits = best >= 0 && p->size[best] >= size;
    if (!p->taken[k] && (best < 0 || (fits ? !best_fits || p->size[k] < p->size[best]
                                           : !best_fits && p->size[k] > p->size[best])))
      best = k;
  }
  if (best < 0)
    p->size[best = p->n++] = 0;
  p->size[best] = size > p->size[best] ? size : p->size[best];
  p->taken[best] = true;
  return best;
}

/* The slope of what a layer gives is there from the last layer that takes it until the layer
 * itself has gone back: of a chain two at a time. */
static void assign_places(const oikos_network *net, places *p) {
  *p = (places){0};
  for (int i = 0; i < net->n_layers; i++)
    p->of[i] = -1;
  p->of[net->n_layers - 1] = take_place(p, kept_size(net, net->n_layers - 1));
  for (int i = net->n_layers - 1; i >= 0; i--) {
    for (int k = 0; k < net->layer[i].n_inputs; k++) {
      int from = net->layer[i].input[k].node;
      if (from >= 0 && p->of[from] < 0)
        p->of[from] = take_place(p, kept_size(net, from));
    }
    p->taken[p->of[i]] = false;
  }
}

/* dy of each layer: a buffer of its own, or a place. */
static void lay_out_slopes(const oikos_network *net, const oikos_workspace *ws, bool keeps,
                           real *memory, size_t *used, real **dy) {
  places p;
  real *place[OIKOS_MAX_LAYERS];
  assign_places(net, &p);
  for (int k = 0; k < p.n && !keeps; k++)
    place[k] = cut(memory, used, oikos_mul(ws->max_n, p.size[k]));
  for (int i = 0; i < net->n_layers; i++)
    dy[i] = keeps ? cut(memory, used, oikos_mul(ws->max_n, kept_size(net, i))) : place[p.of[i]];
}

/* Lay the buffers out; returns how many numbers they take. */
static size_t lay_out(const oikos_network *net, oikos_workspace *ws, real *memory) {
  size_t used = 0, scratch = 0, n = ws->max_n;
  for (int i = 0; i < net->n_layers; i++) {
    const oikos_layer *l = &net->layer[i];
    size_t kept = oikos_mul(n, l->cache_example);
    kept = kept > SIZE_MAX / 2 ? kept : kept + l->cache_batch;
    ws->y[i] = cut(memory, &used, oikos_mul(n, kept_size(net, i)));
    ws->y_t[i] = cut(memory, &used, oikos_mul(n, kept_size(net, i)));
    ws->cache[i] = cut(memory, &used, kept);
    ws->cache_t[i] = cut(memory, &used, kept);
    scratch = l->scratch > scratch ? l->scratch : scratch;
  }
  lay_out_slopes(net, ws, ws->keeps, memory, &used, ws->dy);
  lay_out_slopes(net, ws, false, memory, &used, ws->dy_t);
  ws->apart = cut(memory, &used, oikos_mul(n, net->apart));
  size_t with_rows = net->row_width > 0 ? oikos_mul(n, oikos_network_input(net)) : 0;
  ws->dx = cut(memory, &used, with_rows);
  ws->dx_t = cut(memory, &used, with_rows);
  ws->loss_cache = cut(memory, &used, oikos_mul(2 * n, net->outputs > n ? net->outputs : n));
  ws->soft = cut(memory, &used, net->lambda > 0 ? oikos_mul(2 * n, net->outputs) : 0);
  ws->scratch = cut(memory, &used, scratch);
  ws->scratch_before = cut(memory, &used, net->recomputes ? net->layer[0].scratch : 0);
  ws->lines = cut(memory, &used, net->recomputes ? lines_size(&net->layer[1]) : 0);
  return used;
}

static oikos_status create(const oikos_network *net, size_t max_n, bool keeps, oikos_workspace **ws,
                           oikos_error *err) {
  OIKOS_TRY(oikos_alloc(ws, 1, sizeof **ws, "a workspace", err));
  (*ws)->max_n = max_n;
  (*ws)->keeps = keeps;
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

oikos_status oikos_workspace_create(const oikos_network *net, size_t max_n, oikos_workspace **ws,
                                    oikos_error *err) {
  return create(net, max_n, false, ws, err);
}

oikos_status oikos_workspace_create_keeping(const oikos_network *net, size_t max_n,
                                            oikos_workspace **ws, oikos_error *err) {
  return create(net, max_n, true, ws, err);
}

void oikos_workspace_destroy(oikos_workspace *ws) {
  if (ws)
    free(ws->memory);
  free(ws);
}
