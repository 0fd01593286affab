/* SPDX-License-Identifier: MIT
 *
 * A layer is four functions: forward, backward, and their directional derivatives tangent (of
 * forward) and tangent_backward (of backward); Pearlmutter, "Fast exact multiplication by the
 * Hessian", Neural Computation 1994. No graph is recorded: whoever calls them keeps the order
 * forward, tangent, backward, tangent_backward on one batch.
 *
 * A new layer is one file that defines an oikos_layer_type, and one line in the list at the end.
 */
#ifndef OIKOS_NET_LAYER_H
#define OIKOS_NET_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "oikos/config.h"
#include "oikos/network.h"
#include "oikos/real.h"

enum { OIKOS_MAX_TENSORS = 2, OIKOS_LAYER_NAME = 64, OIKOS_LABEL = 96 };

typedef struct oikos_layer oikos_layer;
typedef struct oikos_pass oikos_pass;

/** One of several inputs of a layer: each pointer as the one of the same name in oikos_pass. */
typedef struct oikos_strand {
  const oikos_real *x, *x_t;
  oikos_real *dx, *dx_t;
} oikos_strand;

/**
 * One batch as one layer sees it. n examples; `_t` marks the derivative along a direction of the
 * parameters. Which fields are set: forward reads x, theta and writes y, cache; tangent further
 * reads x_t, theta_t and writes y_t, cache_t; backward reads dy and writes dx, adds to grad (if
 * any); tangent_backward further reads dy_t and writes dx_t, adds to grad_t.
 */
struct oikos_pass {
  size_t n;
  size_t n_norm; /* the first so many are those whose statistics batch_norm takes; 0: all */
  const oikos_real *theta, *theta_t; /* this layer's parameters and their tangent */
  const oikos_real *x, *x_t;   /* (n, in); x_t is NULL of the examples: the data does not move */
  oikos_real *y, *y_t;         /* (n, out) */
  oikos_real *cache, *cache_t; /* (n * cache_example + cache_batch): what backward needs again */
  const oikos_real *dy, *dy_t; /* (n, out) */
  oikos_real *dx, *dx_t; /* (n, in); NULL where it takes the examples, but behind an embedding */
  const oikos_strand *strands; /* all inputs of a layer that takes several, whose first one the
                                  above are of; else NULL */
  oikos_real *grad, *grad_t;   /* this layer's parameters; grad NULL: only dx is wanted */
  bool replace;                /* grad and grad_t are overwritten, not added to */
  bool inference;              /* nobody goes back: forward may leave its cache undefined */
  oikos_real *scratch;         /* layer->scratch numbers, of no meaning between calls */
  /* If what the layer before gives is recomputed: x, x_t, dx and dx_t are NULL, and this layer asks
   * that one, by its pass, for some lines at a time. */
  const oikos_layer *before_layer;
  const oikos_pass *before;
  oikos_real *lines; /* (pool, in.width, in.channels): a place for some lines */
};

typedef void oikos_layer_function(const oikos_layer *layer, const oikos_pass *pass);

/** A slope at what a layer gives, that of position and channel being
 *
 *   constant + of_y (y - mean of y) + of_y_t (y_t - mean of y_t) + another
 *
 * where the first three are of the examples whose statistics are taken; over those and all of the
 * other the slope sums to zero in each channel. of_y_t NULL: there is no such term. */
typedef struct oikos_slope {
  const oikos_real *constant, *of_y, *of_y_t; /* (out.channels) */
} oikos_slope;

/**
 * How a first layer that is cheap gives its output some lines at a time instead of keeping it, and
 * its statistics without computing it: the output of a convolution of images with one channel is
 * many times as large as they are, and mean and variance of a linear map follow from those of what
 * it maps. `begin` comes first, `end` after gradients; the cache is the layer's own, and forward's
 * statistics fill it.
 */
typedef struct oikos_recompute {
  bool (*suits)(const oikos_layer *layer);
  void (*begin)(const oikos_layer *layer, const oikos_pass *pass);
  /* Per channel, of the examples whose statistics are taken: mean and variance of y; mean of y_t
   * and its covariance with y. */
  void (*statistics)(const oikos_layer *layer, const oikos_pass *pass, oikos_real *mean,
                     oikos_real *variance);
  void (*tangent_statistics)(const oikos_layer *layer, const oikos_pass *pass, oikos_real *mean_t,
                             oikos_real *covariance);
  /* Example i is the one that the next three are about. */
  void (*take)(const oikos_layer *layer, const oikos_pass *pass, size_t i);
  /* y or y_t (count, width, channels) of its lines from `first` on. */
  void (*lines)(const oikos_layer *layer, const oikos_pass *pass, size_t first, size_t count,
                oikos_real *y);
  void (*tangent_lines)(const oikos_layer *layer, const oikos_pass *pass, size_t first,
                        size_t count, oikos_real *y_t);
  /* `another` at these lines is taken into a sum. */
  void (*gradient)(const oikos_layer *layer, const oikos_pass *pass, size_t first, size_t count,
                   const oikos_real *dy);
  /* += the gradient of the whole slope. */
  void (*end)(const oikos_layer *layer, const oikos_pass *pass, const oikos_slope *slope,
              oikos_real *grad);
} oikos_recompute;

/** An argument of a layer in the configuration. */
typedef struct oikos_layer_arg {
  const char *key;
  double standard, low, high; /* standard NAN: must be given */
  bool whole;
  const char *meaning;
} oikos_layer_arg;

typedef struct oikos_layer_type {
  const char *kind;
  const char *meaning;
  oikos_layer_arg
      args[OIKOS_MAX_ARGS]; /* ended by a NULL key; the first one is that of the short form */
  /* From layer->in and layer->arg fill out, tensors, cache and scratch sizes. */
  oikos_status (*configure)(oikos_layer *layer, oikos_error *err);
  /* Take over the layer that follows, to compute it along; false if that cannot be. May be NULL. */
  bool (*absorb)(oikos_layer *layer, const oikos_layer *next);
  /* The matrix product that forward is at heart: for each example (rows, depth) by (depth,
   * out.channels). NULL: there is none. */
  void (*product)(const oikos_layer *layer, size_t *rows, size_t *depth);
  /* Each example is computed by itself, in products that are small for one learner: learners with
   * the same parameters share a batch. */
  bool batches_learners;
  bool several;                     /* it takes two inputs or more; others take one */
  const oikos_recompute *recompute; /* NULL: its output is kept */
  bool recomputes_input;            /* it can stand behind a layer that is recomputed */
  oikos_layer_function *forward, *tangent, *backward, *tangent_backward;
} oikos_layer_type;

/** What is known of an input while a layer is configured. */
typedef struct oikos_offer {
  char label[OIKOS_LABEL]; /* who gives it, for messages: "'stem' (conv2d)" */
  oikos_shape shape;
} oikos_offer;

/** What a layer takes. */
typedef struct oikos_input {
  size_t size;  /* numbers per example */
  size_t apart; /* where its slope is until it is added: numbers per example before it */
  int node;     /* who gives it: an index in the network; -1: the examples */
  bool adds;    /* its slope is added to that of who takes the same and comes later */
} oikos_input;

struct oikos_layer {
  const oikos_layer_type *type;
  int number;        /* in its list */
  const char *where; /* "file:line: model.layers[2] conv2d 'stem'", for messages */
  double arg[OIKOS_MAX_ARGS];
  oikos_shape in, out;
  size_t in_size, out_size;  /* numbers per example */
  const oikos_offer *offers; /* while configuring: of its inputs */
  int n_inputs;              /* in: the first of them */
  bool adds;                 /* one of them does */
  oikos_input input[OIKOS_MAX_INPUTS];
  bool relu;    /* absorbed: a relu */
  int64_t pool; /* absorbed: a max_pool of this size without overlap; 1: none */
  int n_tensors;
  oikos_tensor tensor[OIKOS_MAX_TENSORS]; /* offsets relative to the layer's first parameter */
  size_t first, n_parameters;             /* in the network's parameters */
  size_t cache_example, cache_batch;      /* numbers kept per example and per batch */
  size_t scratch;                         /* numbers of scratch memory */
};

/** Zero a gradient of this layer, if it is wanted and to be overwritten. */
static inline void oikos_pass_begin(const oikos_layer *layer, const oikos_pass *pass,
                                    oikos_real *grad) {
  if (grad && pass->replace)
    memset(grad, 0, layer->n_parameters * sizeof *grad);
}

/** All layer types, ended by NULL. */
const oikos_layer_type *const *oikos_layer_types(void);

/** Fill @p layer from its specification: find the type, check the arguments, infer the shapes. @p
 * where must outlive it. */
oikos_status oikos_layer_create(oikos_layer *layer, const oikos_layer_spec *spec, oikos_shape in,
                                const char *where, oikos_error *err);

/** The same for layer @p number of its list, which is offered these inputs. */
oikos_status oikos_layer_create_behind(oikos_layer *layer, const oikos_layer_spec *spec, int number,
                                       int n_inputs, const oikos_offer *offers, const char *where,
                                       oikos_error *err);

/** While configuring: fail, since its inputs are not as @p expected, which says "inputs of ...". */
oikos_status oikos_layer_refuse(const oikos_layer *layer, const char *expected, oikos_error *err);

/** "file:line: model.layers[2] conv2d 'stem'", for messages; @p key is that of the list. */
void oikos_layer_place(const char *file, const char *key, const oikos_layer_spec *layers, int layer,
                       char *where, size_t size);

/** Its kind and what it absorbed into name (OIKOS_LAYER_NAME); returns it. */
const char *oikos_layer_name(const oikos_layer *layer, char *name);

/** Append a tensor of rows x columns (a bias or scale: one column) while configuring. */
void oikos_layer_add_tensor(oikos_layer *layer, const char *name, oikos_tensor_role role,
                            int n_dims, const int64_t *dims);

/** The layer types, in the order in which they are explained. */
#define OIKOS_LAYERS(ONE)                                                                          \
  ONE(dense)                                                                                       \
  ONE(conv2d)                                                                                      \
  ONE(batch_norm)                                                                                  \
  ONE(max_pool)                                                                                    \
  ONE(relu)                                                                                        \
  ONE(tanh)                                                                                        \
  ONE(flatten)                                                                                     \
  ONE(set_mean)                                                                                    \
  ONE(embedding)                                                                                   \
  ONE(outer_product)                                                                               \
  ONE(concat)                                                                                      \
  ONE(add)

#define OIKOS_DECLARE(kind) extern const oikos_layer_type oikos_layer_##kind;
OIKOS_LAYERS(OIKOS_DECLARE)
#undef OIKOS_DECLARE

#endif
