/* SPDX-License-Identifier: MIT */
#include "net/graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/try.h"

enum { EXAMPLES = -1 };

/* What `from` says; of the examples the embedding layer, if it is there, which gives them. */
static oikos_status find(oikos_graph *g, int i, const char *where, oikos_error *err) {
  const oikos_layer_spec *spec = &g->list->layers[i];
  bool rows = i > 0 && strcmp(g->list->layers[0].kind, oikos_layer_embedding.kind) == 0;
  for (int k = 0; k < spec->n_from; k++) {
    int from = spec->from[k];
    if (from < EXAMPLES || from >= i)
      return oikos_fail(err, OIKOS_USAGE, "%s: from: expected a layer before it, found %d", where,
                        from);
    g->from[i][k] = from == EXAMPLES && rows ? 0 : from;
  }
  return OIKOS_OK;
}

/* The older way of concat, {layer: 1}, takes the layer before and, behind it, layer 1. */
static oikos_status find_older(oikos_graph *g, int i, const char *where, oikos_error *err) {
  const oikos_layer_spec *spec = &g->list->layers[i];
  const char *key = oikos_layer_concat.args[0].key;
  if (strcmp(spec->kind, oikos_layer_concat.kind) != 0)
    return OIKOS_OK;
  for (int a = 0; a < spec->n_args; a++) {
    double layer = spec->arg[a].value;
    if (spec->arg[a].key[0] && strcmp(spec->arg[a].key, key) != 0)
      continue;
    if (spec->n_from)
      return oikos_fail(err, OIKOS_USAGE, "%s: %s and from: give one of them", where, key);
    if (layer >= i)
      return oikos_fail(err, OIKOS_USAGE,
                        "%s: %s: expected the number of a layer before this one, which is %d, "
                        "found %.17g",
                        where, key, i, layer);
    if (layer < 0 || layer != floor(layer))
      break; // the argument will be refused
    g->from[i][g->n_from[i]++] = (int)layer;
    break;
  }
  return OIKOS_OK;
}

static oikos_status connect(oikos_graph *g, int i, oikos_error *err) {
  const oikos_blueprint *b = g->list;
  const oikos_layer_spec *spec = &b->layers[i];
  char where[OIKOS_PATH / 2];
  oikos_layer_place(b->file, b->key, b->layers, i, where, sizeof where);
  g->n_from[i] = spec->n_from ? spec->n_from : 1;
  g->from[i][0] = i - 1;
  OIKOS_TRY(find(g, i, where, err));
  OIKOS_TRY(find_older(g, i, where, err));
  for (int k = 0; k < g->n_from[i]; k++)
    if (g->from[i][k] != EXAMPLES)
      g->takers[g->from[i][k]]++;
  return OIKOS_OK;
}

oikos_status oikos_graph_connect(oikos_graph *g, const oikos_blueprint *b, oikos_shape input,
                                 oikos_error *err) {
  *g = (oikos_graph){.list = b, .input = input};
  for (int i = 0; i < b->n_layers; i++)
    OIKOS_TRY(connect(g, i, err));
  for (int i = 0; i + 1 < b->n_layers; i++) {
    char where[OIKOS_PATH / 2];
    if (g->takers[i] > 0)
      continue;
    oikos_layer_place(b->file, b->key, b->layers, i, where, sizeof where);
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: no layer takes what it gives; name it in the `from` of a later layer, "
                      "or leave it out",
                      where);
  }
  return OIKOS_OK;
}

static void describe(const oikos_graph *g, int i, oikos_offer *in) {
  const oikos_layer_spec *spec = i == EXAMPLES ? NULL : &g->list->layers[i];
  *in = (oikos_offer){.shape = spec ? g->out[i] : g->input};
  if (!spec)
    snprintf(in->label, sizeof in->label, "the input");
  else if (spec->name[0])
    snprintf(in->label, sizeof in->label, "'%s' (%s)", spec->name, spec->kind);
  else
    snprintf(in->label, sizeof in->label, "layer %d (%s)", i, spec->kind);
}

oikos_status oikos_graph_create(oikos_graph *g, int i, const char *where, oikos_layer *layer,
                                oikos_error *err) {
  oikos_offer offers[OIKOS_MAX_INPUTS];
  for (int k = 0; k < g->n_from[i]; k++)
    describe(g, g->from[i][k], &offers[k]);
  OIKOS_TRY(
      oikos_layer_create_behind(layer, &g->list->layers[i], i, g->n_from[i], offers, where, err));
  g->out[i] = layer->out;
  return OIKOS_OK;
}
