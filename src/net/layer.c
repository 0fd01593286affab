/* SPDX-License-Identifier: MIT */
#include "net/layer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"

const oikos_layer_type *const *oikos_layer_types(void) {
#define ENTRY(kind) &oikos_layer_##kind,
  static const oikos_layer_type *const table[] = {OIKOS_LAYERS(ENTRY) NULL};
#undef ENTRY
  return table;
}

static oikos_status find_type(oikos_layer *layer, const oikos_layer_spec *spec, oikos_error *err) {
  char known[512] = "";
  for (const oikos_layer_type *const *t = oikos_layer_types(); *t; t++) {
    if (strcmp((*t)->kind, spec->kind) == 0) {
      layer->type = *t;
      return OIKOS_OK;
    }
    size_t length = strlen(known);
    snprintf(known + length, sizeof known - length, "%s%s", length ? ", " : "", (*t)->kind);
  }
  return oikos_fail(err, OIKOS_USAGE, "%s: unknown layer; expected one of %s", layer->where, known);
}

/* The index of the argument that spec->arg[a] gives, or -1. */
static int find_arg(const oikos_layer_type *type, const oikos_layer_spec *spec, int a) {
  if (!spec->arg[a].key[0])
    return type->args[0].key ? 0 : -1;
  for (int i = 0; i < OIKOS_MAX_ARGS && type->args[i].key; i++)
    if (strcmp(type->args[i].key, spec->arg[a].key) == 0)
      return i;
  return -1;
}

static oikos_status read_args(oikos_layer *layer, const oikos_layer_spec *spec, oikos_error *err) {
  const oikos_layer_arg *args = layer->type->args;
  for (int i = 0; i < OIKOS_MAX_ARGS && args[i].key; i++)
    layer->arg[i] = args[i].standard;
  for (int a = 0; a < spec->n_args; a++) {
    int i = find_arg(layer->type, spec, a);
    double value = spec->arg[a].value;
    if (i < 0)
      return oikos_fail(err, OIKOS_USAGE, "%s: no argument %s (see `oikos config --explain`)",
                        layer->where, spec->arg[a].key[0] ? spec->arg[a].key : "is taken here");
    if (!(value >= args[i].low && value <= args[i].high) ||
        (args[i].whole && value != floor(value)))
      return oikos_fail(err, OIKOS_USAGE, "%s: %s: expected %s from %g to %g, found %g",
                        layer->where, args[i].key, args[i].whole ? "a whole number" : "a number",
                        args[i].low, args[i].high, value);
    layer->arg[i] = value;
  }
  for (int i = 0; i < OIKOS_MAX_ARGS && args[i].key; i++)
    if (isnan(layer->arg[i]))
      return oikos_fail(err, OIKOS_USAGE, "%s: %s must be given: %s", layer->where, args[i].key,
                        args[i].meaning);
  return OIKOS_OK;
}

static size_t shape_size(oikos_shape s) {
  return oikos_mul(oikos_mul((size_t)s.height, (size_t)s.width), (size_t)s.channels);
}

static oikos_status check_inputs(const oikos_layer *l, oikos_error *err) {
  if (l->type->several && l->n_inputs < 2)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: from must name two or more layers, such as `from: [a, b]`", l->where);
  if (!l->type->several && l->n_inputs > 1)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: from: expected one layer, found %d; `add` and `concat` take more",
                      l->where, l->n_inputs);
  return OIKOS_OK;
}

oikos_status oikos_layer_refuse(const oikos_layer *l, const char *expected, oikos_error *err) {
  char found[OIKOS_MAX_INPUTS * (OIKOS_LABEL + 80)] = "";
  for (int k = 0; k < l->n_inputs; k++) {
    const oikos_offer *in = &l->offers[k];
    size_t length = strlen(found);
    snprintf(found + length, sizeof found - length, "%s%lld x %lld x %lld of %s", k ? ", " : "",
             (long long)in->shape.height, (long long)in->shape.width, (long long)in->shape.channels,
             in->label);
  }
  return oikos_fail(err, OIKOS_USAGE, "%s: expected %s, found %s", l->where, expected, found);
}

oikos_status oikos_layer_create(oikos_layer *layer, const oikos_layer_spec *spec, oikos_shape in,
                                const char *where, oikos_error *err) {
  oikos_offer offer = {.label = "the input", .shape = in};
  return oikos_layer_create_behind(layer, spec, 0, 1, &offer, where, err);
}

oikos_status oikos_layer_create_behind(oikos_layer *layer, const oikos_layer_spec *spec, int number,
                                       int n_inputs, const oikos_offer *offers, const char *where,
                                       oikos_error *err) {
  *layer = (oikos_layer){.where = where,
                         .number = number,
                         .offers = offers,
                         .n_inputs = n_inputs,
                         .in = offers[0].shape,
                         .out = offers[0].shape,
                         .in_size = shape_size(offers[0].shape),
                         .pool = 1};
  for (int k = 0; k < n_inputs; k++)
    layer->input[k].size = shape_size(offers[k].shape);
  OIKOS_TRY(find_type(layer, spec, err));
  OIKOS_TRY(read_args(layer, spec, err));
  OIKOS_TRY(check_inputs(layer, err));
  OIKOS_TRY(layer->type->configure(layer, err));
  layer->offers = NULL;
  layer->out_size = shape_size(layer->out);
  if (layer->out_size > 0x7fffffff || layer->n_parameters > 0x7fffffff)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s: too large: %zu outputs and %zu parameters; at most 2^31-1 of each",
                      layer->where, layer->out_size, layer->n_parameters);
  return OIKOS_OK;
}

void oikos_layer_add_tensor(oikos_layer *layer, const char *name, oikos_tensor_role role,
                            int n_dims, const int64_t *dims) {
  oikos_tensor *t = &layer->tensor[layer->n_tensors++];
  snprintf(t->name, sizeof t->name, "%s", name);
  t->role = role;
  t->n_dims = n_dims;
  t->offset = layer->n_parameters;
  t->rows = (size_t)dims[0];
  t->columns = 1;
  for (int i = 0; i < n_dims; i++) {
    t->dims[i] = dims[i];
    if (i)
      t->columns = oikos_mul(t->columns, (size_t)dims[i]);
  }
  t->size = oikos_mul(t->rows, t->columns);
  layer->n_parameters =
      t->size > SIZE_MAX - layer->n_parameters ? SIZE_MAX : layer->n_parameters + t->size;
}

void oikos_layer_place(const char *file, const char *key, const oikos_layer_spec *layers, int i,
                       char *where, size_t size) {
  const char *name = layers[i].name;
  snprintf(where, size, "%.200s:%d: %s[%d] %s%s%s%s", file[0] ? file : "configuration",
           layers[i].line, key, i, layers[i].kind, name[0] ? " '" : "", name, name[0] ? "'" : "");
}

const char *oikos_layer_name(const oikos_layer *l, char *name) {
  snprintf(name, OIKOS_LAYER_NAME, "%s%s%s", l->type->kind, l->relu ? " + relu" : "",
           l->pool > 1 ? " + max_pool" : "");
  return name;
}
