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
#include "net/network_impl.h"

typedef oikos_real real;

/* Give the tensors of a layer, number i of the configuration, their full names and places in theta.
 */
static void adopt_tensors(oikos_network *net, oikos_layer *l, int i, int with_parameters) {
  l->first = net->n_parameters;
  for (int k = 0; k < l->n_tensors; k++) {
    oikos_tensor *t = &net->tensor[net->n_tensors++];
    *t = l->tensor[k];
    snprintf(t->name, sizeof t->name, "%d.%s.%s", i, l->type->kind, l->tensor[k].name);
    t->offset += l->first;
    t->layer = with_parameters;
  }
  if (l->n_tensors)
    net->last_layer = l->first;
  net->n_parameters += l->n_parameters;
}

/* Whether the layer before, if any, computes this one along. */
static bool absorbed(oikos_layer *l, int before) {
  if (before == 0 || !l[-1].type->absorb || !l[-1].type->absorb(&l[-1], l))
    return false;
  l[-1].out_size = l->out_size;
  return true;
}

/* The embedding layer says what the input is, and is not computed. */
static oikos_status adopt_rows(oikos_network *net, const oikos_layer *l, oikos_error *err) {
  if (l->number > 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: must be the first layer: the rows of users and items are the input",
                      l->where);
  net->row_width = (size_t)l->arg[0];
  net->row_deviation = l->arg[1];
  return OIKOS_OK;
}

/* Find the layer of the network that gives a second input: the last one of those that are computed
 * together. */
static oikos_status connect(const oikos_network *net, oikos_layer *l, oikos_error *err) {
  int from = l->second, end = -1, i = -1;
  if (net->row_width > 0)
    end = 0; // the embedding layer: the input itself
  while (end < from) {
    i++;
    end = (i + 1 < net->n_layers ? net->layer[i + 1].number : l->number) - 1;
  }
  char name[OIKOS_LAYER_NAME];
  if (end > from)
    return oikos_fail(
        err, OIKOS_USAGE, "%s: layer: %d is computed as part of %s, layers %d to %d: take layer %d",
        l->where, from, oikos_layer_name(&net->layer[i], name), net->layer[i].number, end, end);
  l->second = i;
  return OIKOS_OK;
}

/* Whether the first layer's output need not be kept: the second layer alone takes it, and asks. */
static bool recomputes(const oikos_network *net) {
  const oikos_layer *first = &net->layer[0];
  if (net->n_layers < 2 || net->row_width > 0 || !first->type->recompute ||
      !first->type->recompute->suits(first) || !first[1].type->asks)
    return false;
  for (int i = 1; i < net->n_layers; i++)
    if (net->layer[i].in2_size && net->layer[i].second == 0)
      return false;
  return true;
}

static oikos_status build(oikos_network *net, const oikos_blueprint *b, oikos_shape input,
                          int64_t outputs, oikos_error *err) {
  oikos_shape shape = input;
  size_t given[OIKOS_MAX_LAYERS];
  int last = b->n_layers - 1;
  for (int i = 0; i <= last; i++) {
    oikos_layer *l = &net->layer[net->n_layers];
    oikos_layer_place(b->file, b->key, b->layers, i, net->where[i], sizeof net->where[i]);
    OIKOS_TRY(oikos_layer_create_behind(l, &b->layers[i], i, given, shape, net->where[i], err));
    given[i] = l->out_size;
    shape = l->out;
    if (l->type == &oikos_layer_embedding) {
      OIKOS_TRY(adopt_rows(net, l, err));
      continue;
    }
    if (absorbed(l, net->n_layers))
      continue;
    if (l->in2_size)
      OIKOS_TRY(connect(net, l, err));
    adopt_tensors(net, l, i, net->n_parameterised);
    net->n_parameterised += l->n_tensors > 0;
    net->n_layers++;
  }
  if (net->n_layers > 0)
    net->outputs = net->layer[net->n_layers - 1].out_size;
  net->recomputes = recomputes(net);
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
                       .loss = (oikos_loss_kind)config->model.loss};
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
  return oikos_loss_targets((oikos_loss_kind)net->loss_kind, net->outputs);
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

void oikos_network_describe(const oikos_network *net, FILE *out) {
  if (net->row_width > 0)
    fprintf(out, "%4d %-28s -> the rows of user and item, %zu numbers each\n", 0, "embedding",
            net->row_width);
  for (int i = 0; i < net->n_layers; i++) {
    const oikos_layer *l = &net->layer[i];
    char name[OIKOS_LAYER_NAME];
    fprintf(out, "  %2d %-28s -> %lld x %lld x %lld, %zu parameters\n", l->number,
            oikos_layer_name(l, name), (long long)l->out.height, (long long)l->out.width,
            (long long)l->out.channels, l->n_parameters);
  }
}

void oikos_network_explain(FILE *out) {
  fputs("# The layers of model.layers and home.encoder, with their arguments (the first may stand "
        "alone, as in "
        "`dense: 40`):\n",
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
