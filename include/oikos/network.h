/* SPDX-License-Identifier: MIT
 *
 * A feed-forward network with exact first and second derivatives, without a tape.
 *
 * It is a graph: a layer takes what the one before it gives, or what the earlier layers give that
 * its `from` names; a residual block in YAML is
 *
 *     - conv2d: {filters: 64, padding: 1, name: x}
 *     - batch_norm
 *     - relu
 *     - conv2d: {filters: 64, padding: 1, name: y}
 *     - add: {from: [x, y]}
 *
 * A layer without a `name` is called by its number in the list, from 0; `input` means the examples.
 * Every layer but the last is taken by at least one other. Slopes of a layer that several take are
 * added in a fixed order, from the last of these to the first. A chain is the plain case.
 *
 * Data is channels last: x is (n, height, width, channels); a vector of c features has height =
 * width = 1. All parameters of a network are one array theta of M numbers; oikos_network_tensors()
 * names its parts. Dense weights are (out, in), convolution weights (filters, kernel height, kernel
 * width, channels): a row is one unit's incoming weights.
 *
 * An oikos_network is immutable after creation and may be shared by threads; each thread uses its
 * own workspace. Nothing here allocates after creation, and nothing is collective.
 */
#ifndef OIKOS_NETWORK_H
#define OIKOS_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oikos/config.h"
#include "oikos/error.h"
#include "oikos/real.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct oikos_shape {
  int64_t height, width, channels;
} oikos_shape;

/** What a tensor is for: decides how it is initialised and whether max-norm applies (to weights
 * only). */
typedef enum oikos_tensor_role { OIKOS_WEIGHT, OIKOS_BIAS, OIKOS_SCALE } oikos_tensor_role;

/** A named part of theta. */
typedef struct oikos_tensor {
  char name[3 * OIKOS_NAME]; /**< "<layer>.<layer kind>.<tensor>", the layer by its name or number:
                                "stem.conv2d.weight", "0.conv2d.weight" */
  oikos_tensor_role role;
  int layer; /**< counts the layers that have parameters, from 0 */
  int n_dims;
  int64_t dims[4];
  size_t offset, size;  /**< in theta */
  size_t rows, columns; /**< units, and incoming weights of each */
} oikos_tensor;

/** A set of examples. */
typedef struct oikos_batch {
  size_t n;
  const oikos_real *x; /**< (n, height, width, channels) */
  const oikos_real *
      y; /**< (n, targets) for mse; (n) class indices as numbers for cross_entropy and prototypes */
  const oikos_real
      *teacher;     /**< (judged, outputs) what a teacher gives for x, or NULL: constants, no
                       derivative goes through them. With them a loss L becomes
                       (1 - distill.weight) L + distill.weight D; D is the squared
                       difference for mse, and distill.temperature^2 times the divergence
                       of the softened softmax for cross_entropy (Hinton, Vinyals and Dean
                       2015); prototypes has none */
  size_t n_support; /**< the first n_support examples are not judged: for prototypes they make the
                       class means */
  size_t n_norm;    /**< the first n_norm examples are those whose statistics batch_norm takes, for
                       all; 0: all are */
} oikos_batch;

/** What a loss says of a batch. */
typedef struct oikos_judgement {
  double loss;    /**< mean over examples (and targets, for mse) */
  double correct; /**< examples whose largest output is their class; 0 for mse */
} oikos_judgement;

typedef struct oikos_network oikos_network;
typedef struct oikos_workspace oikos_workspace;

/**
 * Build a network from the model section of a configuration. A convolution whose `winograd` is left
 * open is computed over patches; the trainer decides before.
 * @param input    shape of one example
 * @param outputs  size that the last layer must have (classes or targets); 0 for any (prototypes)
 * @param[out] net to be released by oikos_network_destroy
 * @return OIKOS_USAGE with file, line and layer if a layer is unknown, takes what there is not, is
 * taken by none, or the shapes do not fit
 */
oikos_status oikos_network_create(const oikos_config *config, oikos_shape input, int64_t outputs,
                                  oikos_network **net, oikos_error *err);
void oikos_network_destroy(oikos_network *net);

size_t oikos_network_parameters(const oikos_network *net);  /**< M */
size_t oikos_network_input(const oikos_network *net);       /**< numbers per example */
size_t oikos_network_output_size(const oikos_network *net); /**< numbers it gives per example */
bool oikos_network_classifies(const oikos_network *net); /**< its loss has classes: an accuracy */
size_t oikos_network_targets(const oikos_network *net); /**< numbers of oikos_batch.y per example */
int oikos_network_layers(const oikos_network *net);     /**< layers that have parameters */
int oikos_network_tensor_count(const oikos_network *net);
const oikos_tensor *oikos_network_tensors(const oikos_network *net);

/** First parameter of the last layer that has parameters (what ANIL adapts, and what `home.owns:
 * last` owns). */
size_t oikos_network_last_layer(const oikos_network *net);

/** d: numbers in an embedding row, where the first layer is `embedding`; else 0. */
size_t oikos_network_row_width(const oikos_network *net);

/** Standard deviation of the first rows. */
double oikos_network_row_deviation(const oikos_network *net);

/** First parameter of the layers from @p number in model.layers on; M if none of these has any. */
size_t oikos_network_first_of(const oikos_network *net, int number);

/** Number in model.layers of the last layer that has parameters. */
int oikos_network_last_number(const oikos_network *net);

/** Print one line per layer, with those that it computes along (batch_norm + relu + max_pool):
 * number in model.layers, kind, output shape, parameters, and what it takes if that is not the
 * layer before alone. */
void oikos_network_describe(const oikos_network *net, FILE *out);

/** Every layer kind with its arguments, for `config --explain`. */
void oikos_network_explain(FILE *out);

/** Seeded first weights (He et al. 2015; Glorot and Bengio 2010) into theta (M). */
void oikos_network_initialise(const oikos_network *net, oikos_init_kind kind, uint64_t seed,
                              oikos_real *theta);

/** A thread's buffers for batches of up to @p max_n examples. */
oikos_status oikos_workspace_create(const oikos_network *net, size_t max_n, oikos_workspace **ws,
                                    oikos_error *err);
void oikos_workspace_destroy(oikos_workspace *ws);

/** Loss of a batch at theta. */
oikos_judgement oikos_network_loss(const oikos_network *net, oikos_workspace *ws,
                                   const oikos_real *theta, const oikos_batch *batch);

/** Whether an example's output depends on the others of its batch: there is a batch_norm layer. */
bool oikos_network_normalises(const oikos_network *net);

/** What the network gives for a batch, into outputs (n, outputs). */
void oikos_network_predict(const oikos_network *net, oikos_workspace *ws, const oikos_real *theta,
                           const oikos_batch *batch, oikos_real *outputs);

/** Loss, and grad (M) += weight * dLoss/dtheta. */
oikos_judgement oikos_network_gradient(const oikos_network *net, oikos_workspace *ws,
                                       const oikos_real *theta, const oikos_batch *batch,
                                       oikos_real weight, oikos_real *grad);

/**
 * Hessian-vector product by Pearlmutter's R-operator: grad (M; NULL if not wanted) += weight *
 * dLoss/dtheta and product (M) += weight * Hessian * direction (M).
 */
oikos_judgement oikos_network_hessian(const oikos_network *net, oikos_workspace *ws,
                                      const oikos_real *theta, const oikos_real *direction,
                                      const oikos_batch *batch, oikos_real weight, oikos_real *grad,
                                      oikos_real *product);

#ifdef __cplusplus
}
#endif
#endif
