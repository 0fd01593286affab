/* SPDX-License-Identifier: MIT */
#include "net/choose.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/try.h"
#include "net/conv2d_impl.h"
#include "net/graph.h"

static const char *key(void) {
  return oikos_layer_conv2d.args[CONV_WINOGRAD].key;
}

/* The place of the argument in a specification, or NULL. */
static double *find(oikos_layer_spec *spec) {
  for (int i = 0; i < spec->n_args; i++)
    if (strcmp(spec->arg[i].key, key()) == 0)
      return &spec->arg[i].value;
  return NULL;
}

static void set_choice(oikos_layer_spec *spec, double value) {
  double *place = find(spec);
  if (!place && spec->n_args && !spec->arg[0].key[0]) // the short form holds one argument only
    snprintf(spec->arg[0].key, OIKOS_NAME, "%s", oikos_layer_conv2d.args[0].key);
  if (!place && spec->n_args < OIKOS_MAX_ARGS) {
    snprintf(spec->arg[spec->n_args].key, OIKOS_NAME, "%s", key());
    place = &spec->arg[spec->n_args++].value;
  }
  if (place)
    *place = value;
}

static bool is_open(oikos_layer_spec *spec) {
  double *place = find(spec);
  return strcmp(spec->kind, oikos_layer_conv2d.kind) == 0 && (!place || *place < 0);
}

/* An argument as given, or as it is when left out. */
static double argument(const oikos_layer_spec *spec, int which) {
  const oikos_layer_arg *arg = &oikos_layer_conv2d.args[which];
  for (int i = 0; i < spec->n_args; i++)
    if (strcmp(spec->arg[i].key, arg->key) == 0)
      return spec->arg[i].value;
  return arg->standard;
}

void oikos_choose_patches(oikos_config *config) {
  for (int i = 0; i < config->model.n_layers; i++) {
    oikos_layer_spec *spec = &config->model.layers[i];
    if (!is_open(spec))
      continue;
    double height = argument(spec, CONV_KERNEL), width = argument(spec, CONV_KERNEL_WIDTH);
    if (height == 3 && (width == 3 || width == 0) && argument(spec, CONV_STRIDE) == 1)
      set_choice(spec, 0);
  }
}

static bool equal(const oikos_layer_spec *a, const oikos_layer_spec *b) {
  bool same = strcmp(a->kind, b->kind) == 0 && a->n_args == b->n_args;
  for (int i = 0; same && i < a->n_args; i++)
    same = strcmp(a->arg[i].key, b->arg[i].key) == 0 && a->arg[i].value == b->arg[i].value;
  return same;
}

/* If that makes the two layers equal: another layer's choice may not be possible here. */
static void choose_as(const oikos_layer_spec *checkpoint, oikos_layer_spec *spec) {
  oikos_layer_spec was = *checkpoint, as = *spec;
  const double *place = find(&was);
  if (!place || !is_open(spec))
    return;
  set_choice(&as, *place);
  if (equal(&as, &was))
    *spec = as;
}

void oikos_choose_as(const oikos_config *checkpoint, oikos_config *config) {
  for (int i = 0; i < config->model.n_layers && i < checkpoint->model.n_layers; i++)
    choose_as(&checkpoint->model.layers[i], &config->model.layers[i]);
}

/* What tiles cost, in products of one place of one tile, and how fast products over tiles are
 * beside products over patches; fitted to times of all four functions on layers of 4 to 28 pixels,
 * 16 to 64 channels, 1 to 75 images. AVX2 and AVX-512 came out alike. */
typedef struct costs {
  double transform; /* of a tile's inputs and outputs, times the channels on the other side */
  double filters;   /* of all filters, once a batch */
  double speed;
} costs;

#if defined __AVX2__
static const costs fitted = {8, 12.5, 0.63};
#else
static const costs fitted = {2.5, 6, 0.67};
#endif

/* Time of a batch of n over patches, relative to that by tiles. */
static double ratio(const oikos_layer *l, double n) {
  double h = (double)l->out.height, w = (double)l->out.width, c = (double)l->in.channels,
         f = (double)l->out.channels;
  double tiles = n * ceil(h / OIKOS_TILE) * ceil(w / OIKOS_TILE);
  double cost = tiles * (1 + fitted.transform / c + fitted.transform / f) + fitted.filters;
  return fitted.speed * n * h * w * 9 / (OIKOS_PLACES * cost);
}

/* From how many images on tiles are the faster way: none, all, or the larger of two batches. */
static double choice(const oikos_layer *l, size_t small, size_t large) {
  if (oikos_conv2d_is_shallow(l)) // tiles cannot win where so few products are
    return 0;
  return ratio(l, (double)large) <= 1 ? 0 : ratio(l, (double)small) > 1 ? 1 : (double)large;
}

oikos_status oikos_choose(oikos_config *config, oikos_shape input, size_t n_support, size_t n_query,
                          oikos_error *err) {
  size_t small = n_support < n_query ? n_support : n_query,
         large = n_support < n_query ? n_query : n_support;
  oikos_graph g;
  oikos_blueprint b = {.file = config->file,
                       .key = "model.layers",
                       .n_layers = config->model.n_layers,
                       .layers = config->model.layers};
  OIKOS_TRY(oikos_graph_connect(&g, &b, input, err));
  for (int i = 0; i < config->model.n_layers; i++) {
    oikos_layer_spec *spec = &config->model.layers[i];
    oikos_layer l;
    char where[OIKOS_PATH / 2];
    oikos_layer_place(b.file, b.key, b.layers, i, where, sizeof where);
    OIKOS_TRY(oikos_graph_create(&g, i, where, &l, err));
    if (is_open(spec) && oikos_conv2d_has_tiles(&l))
      set_choice(spec, choice(&l, small, large));
  }
  return OIKOS_OK;
}
