/* SPDX-License-Identifier: MIT */
#include "oikos/network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"
#include "net/build.h"
#include "net/graph.h"
#include "net/network_impl.h"

typedef oikos_real real;

/* Give the tensors of a layer their full names and places in theta. */
static void add_tensors(oikos_network *net, oikos_layer *l, const oikos_layer_spec *spec) {
  l->first = net->n_parameters;
  for (int k = 0; k < l->n_tensors; k++) {
    oikos_tensor *t = &net->tensor[net->n_tensors++];
    char number[OIKOS_NAME];
    snprintf(number, sizeof number, "%d", l->number);
    *t = l->tensor[k];
    snprintf(t->name, sizeof t->name, "%s.%s.%s", spec->name[0] ? spec->name : number,
             l->type->kind, l->tensor[k].name);
    t->offset += l->first;
    t->layer = net->n_parameterised;
  }
  if (l->n_tensors)
    net->last_layer = l->first;
  net->n_parameters += l->n_parameters;
  net->n_parameterised += l->n_tensors > 0;
}

/* The layer of the network that computes this one along, or NULL: nobody else may take what that
 * one gives without it. */
static oikos_layer *absorber(oikos_network *net, const oikos_graph *g, const int *node,
                             const oikos_layer *l) {
  int from = g->from[l->number][0];
  if (l->n_inputs > 1 || from < 0 || node[from] < 0 || g->takers[from] > 1)
    return NULL;
  oikos_layer *before = &net->layer[node[from]];
  return before->type->absorb && before->type->absorb(before, l) ? before : NULL;
}

/* The embedding layer says what the input is, and is not computed. */
static oikos_status set_embedding_rows(oikos_network *net, const oikos_layer *l, oikos_error *err) {
  if (l->number > 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: must be the first layer: the rows of users and items are the input",
                      l->where);
  net->row_width = (size_t)l->arg[0];
  net->row_deviation = l->arg[1];
  return OIKOS_OK;
}

/* Layer i of the list: its place in the network goes to node[i], -1 for the examples. */
static oikos_status add_layer(oikos_network *net, oikos_graph *g, int i, int *node,
                              oikos_error *err) {
  const oikos_blueprint *b = g->list;
  oikos_layer *l = &net->layer[net->n_layers];
  oikos_layer_place(b->file, b->key, b->layers, i, net->where[i], sizeof net->where[i]);
  OIKOS_TRY(oikos_graph_create(g, i, net->where[i], l, err));
  node[i] = -1;
  if (l->type == &oikos_layer_embedding)
    return set_embedding_rows(net, l, err);
  oikos_layer *before = absorber(net, g, node, l);
  if (before) {
    before->out_size = l->out_size;
    node[i] = (int)(before - net->layer);
    return OIKOS_OK;
  }
  for (int k = 0; k < l->n_inputs; k++)
    l->input[k].node = g->from[i][k] < 0 ? -1 : node[g->from[i][k]];
  add_tensors(net, l, &b->layers[i]);
  node[i] = net->n_layers++;
  return OIKOS_OK;
}

/* Of those that take the same, the last one writes its slope, and the others add theirs, from the
 * last to the first; theirs stand apart until then. The slope of examples is that of rows. */
static void order_slopes(oikos_network *net) {
  bool rows_written = net->row_width == 0, written[OIKOS_MAX_LAYERS] = {false};
  for (int i = net->n_layers - 1; i >= 0; i--) {
    oikos_layer *l = &net->layer[i];
    size_t apart = 0;
    for (int k = 0; k < l->n_inputs; k++) {
      oikos_input *in = &l->input[k];
      bool *done = in->node < 0 ? &rows_written : &written[in->node];
      in->adds = *done && (in->node >= 0 || net->row_width > 0);
      *done = true;
      in->apart = apart;
      apart += in->adds ? in->size : 0;
      l->adds |= in->adds;
    }
    net->apart = apart > net->apart ? apart : net->apart;
  }
}

/* How often layers take what layer i gives. */
static int takers(const oikos_network *net, int i) {
  int count = 0;
  for (int j = i + 1; j < net->n_layers; j++)
    for (int k = 0; k < net->layer[j].n_inputs; k++)
      count += net->layer[j].input[k].node == i;
  return count;
}

/* Whether the first layer's output need not be kept: the second layer alone takes it, and
 * recomputes it. */
static bool recomputes(const oikos_network *net) {
  const oikos_layer *first = &net->layer[0];
  return net->n_layers >= 2 && net->row_width == 0 && first->type->recompute &&
         first->type->recompute->suits(first) && first[1].type->recomputes_input &&
         first[1].input[0].node == 0 && takers(net, 0) == 1;
}

static oikos_status build(oikos_network *net, const oikos_blueprint *b, oikos_shape input,
                          int64_t outputs, oikos_error *err) {
  oikos_graph g;
  int node[OIKOS_MAX_LAYERS], last = b->n_layers - 1;
  OIKOS_TRY(oikos_graph_connect(&g, b, input, err));
  for (int i = 0; i <= last; i++)
    OIKOS_TRY(add_layer(net, &g, i, node, err));
  oikos_shape shape = g.out[last];
  if (net->n_layers > 0)
    net->outputs = net->layer[net->n_layers - 1].out_size;
  if (net->n_parameters == 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: no layer of the network has parameters; add a dense or conv2d layer",
                      net->where[0]);
  if (outputs && (net->outputs != (size_t)outputs || shape.height != 1 || shape.width != 1))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: the last layer gives %lld x %lld x %lld numbers, but the task wants "
                      "%lld; end with `dense: %lld`",
                      net->where[last], (long long)shape.height, (long long)shape.width,
                      (long long)shape.channels, (long long)outputs, (long long)outputs);
  net->recomputes = recomputes(net);
  order_slopes(net);
  return OIKOS_OK;
}

oikos_status oikos_network_build(const oikos_blueprint *b, oikos_shape input, int64_t outputs,
                                 oikos_network **net, oikos_error *err) {
  *net = NULL;
  if (b->n_layers < 1) {
    oikos_fail(err, OIKOS_USAGE, "%s: expected a list of layers, found none", b->key);
    return OIKOS_USAGE;
  }
  OIKOS_TRY(oikos_alloc(net, 1, sizeof **net, "the network", err));
  (*net)->loss_kind = (int)b->loss;
  (*net)->loss = oikos_loss_of(b->loss);
  oikos_status status = build(*net, b, input, outputs, err);
  if (status != OIKOS_OK) {
    oikos_network_destroy(*net);
    *net = NULL;
  }
  return status;
}

oikos_status oikos_network_create(const oikos_config *config, oikos_shape input, int64_t outputs,
                                  oikos_network **net, oikos_error *err) {
  oikos_blueprint b = {.file = config->file,
                       .key = "model.layers",
                       .n_layers = config->model.n_layers,
                       .layers = config->model.layers,
                       .loss = config->model.loss};
  OIKOS_TRY(oikos_network_build(&b, input, outputs, net, err));
  (*net)->lambda = config->distill.weight;
  (*net)->temperature = config->distill.temperature;
  return OIKOS_OK;
}

void oikos_network_destroy(oikos_network *net) {
  free(net);
}

size_t oikos_network_parameters(const oikos_network *net) {
  return net->n_parameters;
}

size_t oikos_network_input(const oikos_network *net) {
  return net->layer[0].in_size;
}

bool oikos_network_normalises(const oikos_network *net) {
  for (int i = 0; i < net->n_layers; i++)
    if (net->layer[i].type == &oikos_layer_batch_norm)
      return true;
  return false;
}

size_t oikos_network_row_width(const oikos_network *net) {
  return net->row_width;
}

double oikos_network_row_deviation(const oikos_network *net) {
  return net->row_deviation;
}

size_t oikos_network_output_size(const oikos_network *net) {
  return net->outputs;
}

bool oikos_network_classifies(const oikos_network *net) {
  return net->loss_kind != OIKOS_LOSS_MSE;
}

size_t oikos_network_targets(const oikos_network *net) {
  return oikos_loss_targets(net->loss_kind, net->outputs);
}

int oikos_network_layers(const oikos_network *net) {
  return net->n_parameterised;
}

int oikos_network_tensor_count(const oikos_network *net) {
  return net->n_tensors;
}

const oikos_tensor *oikos_network_tensors(const oikos_network *net) {
  return net->tensor;
}

size_t oikos_network_last_layer(const oikos_network *net) {
  return net->last_layer;
}

size_t oikos_network_first_of(const oikos_network *net, int number) {
  for (int i = 0; i < net->n_layers; i++)
    if (net->layer[i].n_parameters > 0 && net->layer[i].number >= number)
      return net->layer[i].first;
  return net->n_parameters;
}

int oikos_network_last_number(const oikos_network *net) {
  int number = 0;
  for (int i = 0; i < net->n_layers; i++)
    if (net->layer[i].n_parameters > 0)
      number = net->layer[i].number;
  return number;
}

/* Whether it takes what the layer before it in the network gives, and nothing else. */
static bool is_link(const oikos_network *net, int i) {
  return net->layer[i].n_inputs == 1 && net->layer[i].input[0].node == i - 1;
}

static void describe_inputs(const oikos_network *net, const oikos_layer *l, FILE *out) {
  for (int k = 0; k < l->n_inputs; k++) {
    int node = l->input[k].node;
    fputs(k ? ", " : "; takes ", out);
    if (node < 0)
      fputs("the input", out);
    else
      fprintf(out, "%d", net->layer[node].number);
  }
}

void oikos_network_describe(const oikos_network *net, FILE *out) {
  if (net->row_width > 0)
    fprintf(out, "%4d %-28s -> the rows of user and item, %zu numbers each\n", 0, "embedding",
            net->row_width);
  for (int i = 0; i < net->n_layers; i++) {
    const oikos_layer *l = &net->layer[i];
    char name[OIKOS_LAYER_NAME];
    fprintf(out, "  %2d %-28s -> %lld x %lld x %lld, %zu parameters", l->number,
            oikos_layer_name(l, name), (long long)l->out.height, (long long)l->out.width,
            (long long)l->out.channels, l->n_parameters);
    if (!is_link(net, i))
      describe_inputs(net, l, out);
    fputc('\n', out);
  }
}

void oikos_network_explain(FILE *out) {
  fputs(
      "# The layers of model.layers and home.encoder, with their arguments (the first may stand "
      "alone, as in "
      "`dense: 40`). Every layer also has\n"
      "#     name: what other layers and its tensors in checkpoints call it (letters from a to z, "
      "digits, _; default: its number in the list)\n"
      "#     from: what it takes: the name or number of an earlier layer, `input`, or a list of "
      "these (default: the layer before)\n",
      out);
  for (const oikos_layer_type *const *t = oikos_layer_types(); *t; t++) {
    fprintf(out, "#   %s: %s\n", (*t)->kind, (*t)->meaning);
    for (int i = 0; i < OIKOS_MAX_ARGS && (*t)->args[i].key; i++) {
      const oikos_layer_arg *a = &(*t)->args[i];
      fprintf(out, "#     %s: %s (%s, %g to %g", a->key, a->meaning,
              a->whole ? "whole number" : "number", a->low, a->high);
      fprintf(out, isnan(a->standard) ? ", must be given)\n" : ", default %g)\n", a->standard);
    }
  }
}

static void initialise_weight(const oikos_tensor *t, oikos_init_kind kind, oikos_random *r,
                              real *w) {
  // fan-out counts the positions that a weight feeds, as for a dense layer of the same kernel
  double area = t->n_dims == 4 ? (double)(t->dims[1] * t->dims[2]) : 1;
  double fan_in = (double)t->columns, fan_out = (double)t->rows * area;
  for (size_t i = 0; i < t->size; i++) {
    if (kind == OIKOS_INIT_HE)
      w[i] = (real)(sqrt(2 / fan_in) * oikos_random_normal(r));
    else
      w[i] = (real)oikos_random_uniform(r, -sqrt(6 / (fan_in + fan_out)),
                                        sqrt(6 / (fan_in + fan_out)));
  }
}

void oikos_network_initialise(const oikos_network *net, oikos_init_kind kind, uint64_t seed,
                              real *theta) {
  memset(theta, 0, net->n_parameters * sizeof *theta);
  for (int k = 0; k < net->n_tensors; k++) {
    const oikos_tensor *t = &net->tensor[k];
    oikos_random r = oikos_random_at(seed, OIKOS_DRAW_WEIGHTS, 0, (uint64_t)k);
    if (t->role == OIKOS_WEIGHT && kind != OIKOS_INIT_ZEROS)
      initialise_weight(t, kind, &r, theta + t->offset);
    else
      for (size_t i = 0; i < t->size; i++)
        theta[t->offset + i] = t->role == OIKOS_SCALE;
  }
}
