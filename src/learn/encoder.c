/* SPDX-License-Identifier: MIT */
#include "learn/encoder.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "net/build.h"
#include "net/derivatives.h"

typedef oikos_real real;

struct oikos_encoder {
  oikos_network *net;
  size_t support, homes;  /* examples, T */
  size_t inputs, targets; /* numbers of an example and of what is known of it */
  bool classes;           /* a target is a class index, read as one-hot */
};

struct oikos_encoder_pass {
  oikos_workspace *ws;
  size_t n;     /* examples at hand */
  real *x, *dy; /* (support, inputs + targets), (support, T) */
};

/* The network: the configured layers, and the last one. */
static oikos_status build(const oikos_config *config, oikos_encoder *e, oikos_error *err) {
  oikos_layer_list layers = config->home.encoder;
  if (layers.n_layers == OIKOS_MAX_LAYERS)
    return oikos_fail(err, OIKOS_USAGE, "home.encoder: expected at most %d layers, found %d",
                      OIKOS_MAX_LAYERS - 1, layers.n_layers);
  layers.layers[layers.n_layers++] = (oikos_layer_spec){
      .kind = "dense", .n_args = 1, .arg = {{.value = (double)config->home.count}}};
  oikos_blueprint b = {.file = config->file,
                       .key = "home.encoder",
                       .n_layers = layers.n_layers,
                       .layers = layers.layers,
                       .loss = OIKOS_LOSS_MSE};
  oikos_shape input = {1, 1, (int64_t)(e->inputs + e->targets)};
  return oikos_network_build(&b, input, config->home.count, &e->net, err);
}

oikos_status oikos_encoder_create(const oikos_config *config, oikos_task_shape shape,
                                  oikos_encoder **encoder, oikos_error *err) {
  *encoder = NULL;
  if (config->home.score != OIKOS_SCORE_ENCODER)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(encoder, 1, sizeof **encoder, "the encoder", err));
  oikos_encoder *e = *encoder;
  e->support = shape.support;
  e->homes = (size_t)config->home.count;
  e->inputs = (size_t)(shape.input.height * shape.input.width * shape.input.channels);
  e->targets = (size_t)shape.outputs;
  e->classes = config->model.loss != OIKOS_LOSS_MSE;
  oikos_status status = build(config, e, err);
  if (status != OIKOS_OK) {
    oikos_encoder_destroy(e);
    *encoder = NULL;
  }
  return status;
}

void oikos_encoder_destroy(oikos_encoder *e) {
  if (e)
    oikos_network_destroy(e->net);
  free(e);
}

const oikos_network *oikos_encoder_network(const oikos_encoder *e) {
  return e ? e->net : NULL;
}

size_t oikos_encoder_parameters(const oikos_encoder *e) {
  return e ? oikos_network_parameters(e->net) : 0;
}

static oikos_status allocate(const oikos_encoder *e, oikos_encoder_pass *p, oikos_error *err) {
  OIKOS_TRY(oikos_workspace_create(e->net, e->support, &p->ws, err));
  OIKOS_TRY(oikos_alloc(&p->x, oikos_mul(e->support, e->inputs + e->targets), sizeof *p->x,
                        "the encoder", err));
  return oikos_alloc(&p->dy, oikos_mul(e->support, e->homes), sizeof *p->dy, "the encoder", err);
}

oikos_status oikos_encoder_pass_create(const oikos_encoder *e, oikos_encoder_pass **pass,
                                       oikos_error *err) {
  *pass = NULL;
  if (!e)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(pass, 1, sizeof **pass, "the encoder", err));
  oikos_status status = allocate(e, *pass, err);
  if (status != OIKOS_OK) {
    oikos_encoder_pass_destroy(*pass);
    *pass = NULL;
  }
  return status;
}

void oikos_encoder_pass_destroy(oikos_encoder_pass *p) {
  if (p) {
    oikos_workspace_destroy(p->ws);
    free(p->x);
    free(p->dy);
  }
  free(p);
}

/* x (n, inputs + targets): each example beside its target */
static void join(const oikos_encoder *e, const oikos_batch *support, real *x) {
  size_t width = e->inputs + e->targets;
  for (size_t i = 0; i < support->n; i++) {
    real *row = x + i * width, *target = row + e->inputs;
    memcpy(row, support->x + i * e->inputs, e->inputs * sizeof *row);
    for (size_t j = 0; j < e->targets; j++)
      target[j] = e->classes ? (size_t)support->y[i] == j : support->y[i * e->targets + j];
  }
}

void oikos_encoder_score(const oikos_encoder *e, oikos_encoder_pass *p, const real *theta,
                         const oikos_batch *support, real *score) {
  p->n = support->n;
  join(e, support, p->x);
  const real *y = oikos_network_outputs(e->net, p->ws, theta, p->n, p->x);
  for (size_t t = 0; t < e->homes; t++) {
    double sum = 0;
    for (size_t i = 0; i < p->n; i++)
      sum += (double)y[i * e->homes + t];
    score[t] = (real)(-sum / (double)p->n);
  }
}

void oikos_encoder_gradient(const oikos_encoder *e, oikos_encoder_pass *p, const real *theta,
                            const real *dscore, real *grad) {
  for (size_t i = 0; i < p->n; i++)
    for (size_t t = 0; t < e->homes; t++)
      p->dy[i * e->homes + t] = -dscore[t] / (real)p->n;
  oikos_network_pull_back(e->net, p->ws, theta, p->n, p->x, p->dy, grad);
}
