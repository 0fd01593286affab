/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_NET_NETWORK_IMPL_H
#define OIKOS_NET_NETWORK_IMPL_H

#include "net/layer.h"
#include "net/loss.h"
#include "net/profile.h"

struct oikos_network {
  int n_layers, n_parameterised, n_tensors;
  oikos_loss_kind loss_kind;
  double lambda, temperature; /* of distillation */
  const oikos_loss_type *loss;
  size_t n_parameters, last_layer, outputs;
  size_t row_width; /* of the embedding layer, which is not among the layers below; 0: none */
  double row_deviation;
  bool recomputes; /* layer 0 is, for layer 1: its output and slopes are not kept */
  size_t apart;    /* numbers per example of slopes that wait to be added */
  oikos_layer layer[OIKOS_MAX_LAYERS];
  char where[OIKOS_MAX_LAYERS][OIKOS_PATH / 2];
  oikos_tensor tensor[OIKOS_MAX_LAYERS * OIKOS_MAX_TENSORS];
};

/* A thread's buffers; n is the largest batch. */
struct oikos_workspace {
  size_t max_n;
  size_t first;       /* the batch at hand begins at this example of the buffers */
  bool keeps;         /* dy of every layer stays */
  oikos_real *memory; /* one allocation, cut below */
  oikos_real *y[OIKOS_MAX_LAYERS], *y_t[OIKOS_MAX_LAYERS]; /* (n, out) of each layer */
  oikos_real *cache[OIKOS_MAX_LAYERS], *cache_t[OIKOS_MAX_LAYERS];
  oikos_real *dy[OIKOS_MAX_LAYERS],
      *dy_t[OIKOS_MAX_LAYERS]; /* (n, out); where they need not stay, a place is taken again */
  oikos_real *apart;           /* (n, apart): slopes of one layer, until they are added to dy */
  oikos_strand strands[OIKOS_MAX_INPUTS]; /* of the layer at hand */
  oikos_real *dx, *dx_t;                  /* (n, input), with an embedding layer alone */
  oikos_real *loss_cache;                 /* (2, n, outputs) */
  oikos_real *soft;                       /* (2, n, outputs), empty without distillation */
  oikos_real *scratch;
  oikos_real *scratch_before, *lines; /* of a first layer that is recomputed */
  oikos_profile *profile;             /* NULL: nothing is measured */
};

/** The loss of the outputs that stand in the workspace, and its slope at them. */
oikos_judgement oikos_network_judge(const oikos_network *net, oikos_workspace *ws,
                                    const oikos_batch *batch);

/** From the slope at the outputs to that of every layer, without a gradient. */
void oikos_network_go_back(const oikos_network *net, oikos_workspace *ws, const oikos_real *theta,
                           const oikos_batch *batch);

#endif
