/* SPDX-License-Identifier: MIT */
#include "net/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "net/derivatives.h"
#include "net/network_impl.h"

typedef oikos_real real;

struct oikos_chunk {
  size_t n; /* examples of a learner */
  oikos_workspace *ws;
  real *x, *y; /* (OIKOS_CHUNK, n) inputs, targets */
  oikos_judgement judgement[OIKOS_CHUNK];
};

bool oikos_network_batches_learners(const oikos_network *net) {
  for (int i = 0; i < net->n_layers; i++)
    if (!net->layer[i].type->batches_learners)
      return false;
  return true;
}

oikos_status oikos_chunk_create(const oikos_network *net, size_t n, oikos_chunk **chunk,
                                oikos_error *err) {
  size_t all = oikos_mul(OIKOS_CHUNK, n);
  OIKOS_TRY(oikos_alloc(chunk, 1, sizeof **chunk, "a chunk of learners", err));
  oikos_chunk *c = *chunk;
  c->n = n;
  oikos_status status = oikos_workspace_create_keeping(net, all, &c->ws, err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&c->x, oikos_mul(all, oikos_network_input(net)), sizeof *c->x,
                         "a chunk of learners", err);
  if (status == OIKOS_OK)
    status = oikos_alloc(&c->y, oikos_mul(all, oikos_network_targets(net)), sizeof *c->y,
                         "a chunk of learners", err);
  if (status != OIKOS_OK) {
    oikos_chunk_destroy(c);
    *chunk = NULL;
  }
  return status;
}

void oikos_chunk_destroy(oikos_chunk *c) {
  if (c) {
    oikos_workspace_destroy(c->ws);
    free(c->x);
    free(c->y);
  }
  free(c);
}

oikos_workspace *oikos_chunk_workspace(oikos_chunk *c) {
  return c->ws;
}

/* One learner's part of the chunk; the workspace is turned to it. */
static oikos_batch member(const oikos_network *net, oikos_chunk *c, size_t i) {
  c->ws->first = i * c->n;
  return (oikos_batch){.n = c->n,
                       .x = c->x + i * c->n * oikos_network_input(net),
                       .y = c->y + i * c->n * oikos_network_targets(net)};
}

void oikos_chunk_set(const oikos_network *net, oikos_chunk *c, size_t i, const oikos_batch *batch) {
  size_t in = c->n * oikos_network_input(net), targets = c->n * oikos_network_targets(net);
  memcpy(c->x + i * in, batch->x, in * sizeof *c->x);
  memcpy(c->y + i * targets, batch->y, targets * sizeof *c->y);
}

void oikos_chunk_derive(const oikos_network *net, oikos_chunk *c, const real *theta) {
  oikos_batch all = {.n = OIKOS_CHUNK * c->n, .x = c->x};
  c->ws->first = 0;
  oikos_network_outputs(net, c->ws, theta, all.n, all.x);
  for (size_t i = 0; i < OIKOS_CHUNK; i++) {
    oikos_batch one = member(net, c, i);
    c->judgement[i] = oikos_network_judge(net, c->ws, &one);
  }
  c->ws->first = 0;
  oikos_network_go_back(net, c->ws, theta, &all);
}

oikos_judgement oikos_chunk_gradient(const oikos_network *net, oikos_chunk *c, size_t i,
                                     const real *theta, real *grad) {
  oikos_batch one = member(net, c, i);
  oikos_network_kept_gradient(net, c->ws, theta, &one, grad);
  return c->judgement[i];
}

void oikos_chunk_product(const oikos_network *net, oikos_chunk *c, size_t i, const real *theta,
                         const real *direction, real *product) {
  oikos_batch one = member(net, c, i);
  oikos_network_kept_product(net, c->ws, theta, direction, &one, product);
}
