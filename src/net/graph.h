/* SPDX-License-Identifier: MIT
 * Who takes what in a list of layers: names become numbers, and shapes follow. */
#ifndef OIKOS_NET_GRAPH_H
#define OIKOS_NET_GRAPH_H

#include "net/build.h"
#include "net/layer.h"

/** The layers of a list by their numbers; -1: the examples. */
typedef struct oikos_graph {
  const oikos_blueprint *list;
  oikos_shape input, out[OIKOS_MAX_LAYERS]; /* what each gives, once it is created */
  int n_from[OIKOS_MAX_LAYERS], from[OIKOS_MAX_LAYERS][OIKOS_MAX_INPUTS];
  int takers[OIKOS_MAX_LAYERS]; /* how often it is taken */
} oikos_graph;

/** Find what each layer takes. @return OIKOS_USAGE naming the layer whose `from` is no earlier
 * layer, or that none takes */
oikos_status oikos_graph_connect(oikos_graph *graph, const oikos_blueprint *list, oikos_shape input,
                                 oikos_error *err);

/** Create layer @p i behind those before it, which have been created; @p where must outlive it. Its
 * inputs' nodes are left to the network. */
oikos_status oikos_graph_create(oikos_graph *graph, int i, const char *where, oikos_layer *layer,
                                oikos_error *err);

#endif
