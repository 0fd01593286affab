/* SPDX-License-Identifier: MIT */
#include "net/choose.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"
#include "net/conv2d_impl.h"

typedef oikos_real real;

enum { RUNS = 3, ENOUGH_IMAGES = 16 };

/* How far a measurement must be from the expectation to overrule it. */
static const double clearly = 1.5;

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

static void settle(oikos_layer_spec *spec, double value) {
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
      settle(spec, 0);
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
  settle(&as, *place);
  if (equal(&as, &was))
    *spec = as;
}

void oikos_choose_as(const oikos_config *checkpoint, oikos_config *config) {
  for (int i = 0; i < config->model.n_layers && i < checkpoint->model.n_layers; i++)
    choose_as(&checkpoint->model.layers[i], &config->model.layers[i]);
}

/* Time of a batch of n over patches, relative to that by tiles, as the products let expect: a tile
 * costs 36 of them and its transforms, and all filters are transformed once. */
static double expected(const oikos_layer *l, double n) {
  const double transform = 16, filters = 12; // fitted to times on AVX-512
  double h = (double)l->out.height, w = (double)l->out.width, c = (double)l->in.channels,
         f = (double)l->out.channels;
  double tiles = n * ceil(h / OIKOS_TILE) * ceil(w / OIKOS_TILE);
  return n * h * w * 9 / (OIKOS_PLACES * (tiles * (1 + transform / c + transform / f) + filters));
}

/* Seconds of forward and backward: the best of some runs. The first layer has no dx. */
static double seconds(const oikos_layer *l, const oikos_pass *p) {
  double best = INFINITY;
  for (int run = 0; run < RUNS; run++) {
    double start = oikos_wall_clock();
    l->type->forward(l, p);
    l->type->backward(l, p);
    double time = oikos_wall_clock() - start;
    best = time < best ? time : best;
  }
  return best;
}

/* The same ratio as measured. */
static oikos_status measured(oikos_layer *l, bool first, size_t n, double *ratio,
                             oikos_error *err) {
  size_t in = oikos_mul(n, l->in_size), out = oikos_mul(n, l->out_size), m = l->n_parameters;
  size_t sizes[] = {m, in, out, m, in, out, oikos_conv2d_scratch(l, true)};
  real *memory, *at[7];
  size_t all = 0;
  for (int i = 0; i < 7; i++)
    all += sizes[i];
  OIKOS_TRY(oikos_alloc(&memory, all, sizeof *memory, "measuring a convolution", err));
  oikos_random r = oikos_random_at(0, OIKOS_DRAW_CHECK, 0, 0);
  for (size_t i = 0; i < m + in + out; i++)
    memory[i] = (real)oikos_random_uniform(&r, -1, 1);
  at[0] = memory;
  for (int i = 1; i < 7; i++)
    at[i] = at[i - 1] + sizes[i - 1];
  oikos_pass p = {.n = n,
                  .theta = at[0],
                  .x = at[1],
                  .dy = at[2],
                  .grad = at[3],
                  .dx = first ? NULL : at[4],
                  .y = at[5],
                  .scratch = at[6],
                  .replace = true};
  l->arg[CONV_WINOGRAD] = 0;
  double over_patches = seconds(l, &p);
  l->arg[CONV_WINOGRAD] = 1;
  *ratio = over_patches / seconds(l, &p);
  free(memory);
  return OIKOS_OK;
}

/* Whether tiles are the faster way for batches of n. */
static oikos_status faster(oikos_layer *l, bool first, size_t n, bool *tiles, oikos_error *err) {
  double found, guess = expected(l, (double)n);
  OIKOS_TRY(measured(l, first, n < ENOUGH_IMAGES ? n : ENOUGH_IMAGES, &found, err));
  *tiles = guess > 1 ? found > 1 / clearly : found > clearly;
  return OIKOS_OK;
}

static oikos_status choose(oikos_layer *l, oikos_layer_spec *spec, bool first, size_t small,
                           size_t large, oikos_error *err) {
  bool if_small, if_large;
  OIKOS_TRY(faster(l, first, small, &if_small, err));
  OIKOS_TRY(faster(l, first, large, &if_large, err));
  settle(spec, !if_large ? 0 : if_small ? 1 : (double)large);
  return OIKOS_OK;
}

oikos_status oikos_choose(oikos_config *config, oikos_shape input, size_t n_support, size_t n_query,
                          oikos_error *err) {
  size_t small = n_support < n_query ? n_support : n_query,
         large = n_support < n_query ? n_query : n_support;
  size_t given[OIKOS_MAX_LAYERS];
  for (int i = 0; i < config->model.n_layers; i++) {
    oikos_layer_spec *spec = &config->model.layers[i];
    oikos_layer l;
    char where[OIKOS_PATH / 2];
    oikos_layer_place(config->file, "model.layers", config->model.layers, i, where, sizeof where);
    OIKOS_TRY(oikos_layer_create_behind(&l, spec, i, given, input, where, err));
    input = l.out;
    given[i] = l.out_size;
    if (!is_open(spec) || !oikos_conv2d_has_tiles(&l))
      continue;
    if (oikos_conv2d_is_shallow(&l)) // tiles cannot win where so few products are
      settle(spec, 0);
    else
      OIKOS_TRY(choose(&l, spec, i == 0, small, large, err));
  }
  return OIKOS_OK;
}
