/* SPDX-License-Identifier: MIT
 * y = [x, x2, ...]: images by channel; behind a vector, what others give as numbers. Linear, so
 * every derivative is a copy of each part. */
#include <string.h>

#include "net/layer.h"

typedef oikos_real real;

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  bool vector = l->in.height == 1 && l->in.width == 1;
  int64_t channels = 0;
  for (int k = 0; k < l->n_inputs; k++) {
    oikos_shape s = l->offers[k].shape;
    if (!vector && (s.height != l->in.height || s.width != l->in.width))
      return oikos_layer_refuse(
          l, "inputs of equal height and width, or a vector before all else (put `flatten` there)",
          err);
    channels += vector ? (int64_t)l->input[k].size : s.channels;
  }
  l->out = (oikos_shape){l->in.height, l->in.width, channels};
  return OIKOS_OK;
}

/* How far the parts of input k are: of `blocks` in an example (one, or one a position), `part`
 * numbers each, `before` numbers behind the begin of a block of y. */
typedef struct cut {
  size_t blocks, part, whole, before;
} cut;

static cut first_cut(const oikos_layer *l, const oikos_pass *p) {
  size_t positions = (size_t)(l->in.height * l->in.width);
  return (cut){.blocks = p->n * positions, .whole = l->out_size / positions};
}

static void next_cut(const oikos_layer *l, int k, cut *c) {
  c->before += c->part;
  c->part = l->input[k].size / (size_t)(l->in.height * l->in.width);
}

/* Its part of y: that of x, or zero where it does not move. */
static void join(const cut *c, const real *x, real *y) {
  y += c->before;
  for (size_t i = 0; i < c->blocks; i++, y += c->whole)
    if (x)
      memcpy(y, x + i * c->part, c->part * sizeof *y);
    else
      memset(y, 0, c->part * sizeof *y);
}

/* Its part of dy, if it is wanted. */
static void part(const cut *c, const real *dy, real *dx) {
  dy += c->before;
  for (size_t i = 0; dx && i < c->blocks; i++, dy += c->whole)
    memcpy(dx + i * c->part, dy, c->part * sizeof *dy);
}

static void forward(const oikos_layer *l, const oikos_pass *p) {
  cut c = first_cut(l, p);
  for (int k = 0; k < l->n_inputs; k++) {
    next_cut(l, k, &c);
    join(&c, p->strands[k].x, p->y);
  }
}

static void tangent(const oikos_layer *l, const oikos_pass *p) {
  cut c = first_cut(l, p);
  for (int k = 0; k < l->n_inputs; k++) {
    next_cut(l, k, &c);
    join(&c, p->strands[k].x_t, p->y_t);
  }
}

static void backward(const oikos_layer *l, const oikos_pass *p) {
  cut c = first_cut(l, p);
  for (int k = 0; k < l->n_inputs; k++) {
    next_cut(l, k, &c);
    part(&c, p->dy, p->strands[k].dx);
  }
}

static void tangent_backward(const oikos_layer *l, const oikos_pass *p) {
  cut c = first_cut(l, p);
  for (int k = 0; k < l->n_inputs; k++) {
    next_cut(l, k, &c);
    part(&c, p->dy_t, p->strands[k].dx_t);
  }
}

const oikos_layer_type oikos_layer_concat = {
    .kind = "concat",
    .meaning = "What the layers that `from` names give, one behind the other: images of equal "
               "height and width by channel; behind a vector, what others give as numbers.",
    .args = {{"layer", -1, 0, OIKOS_MAX_LAYERS - 1, true,
              "the older way, in place of `from`: the number of one earlier layer, which comes "
              "behind the layer before"}},
    .configure = configure,
    .batches_learners = true,
    .several = true,
    .forward = forward,
    .tangent = tangent,
    .backward = backward,
    .tangent_backward = tangent_backward,
};
