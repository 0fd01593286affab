/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_NET_CHUNK_H
#define OIKOS_NET_CHUNK_H

#include <stdbool.h>

#include "oikos/network.h"

/**
 * A chunk: the first step of OIKOS_CHUNK learners that start from the same parameters, each with n
 * examples. What does not depend on the direction is one batch, so that its matrix products are
 * larger, and is computed once for the gradient and the Hessian product. Products have the shape of
 * a whole chunk even if some of its places stand empty, so a learner's bits depend on its place
 * alone. Only for networks that join.
 */
typedef struct oikos_chunk oikos_chunk;
enum { OIKOS_CHUNK = 4 };

/** Whether the network may be trained by chunks: its layers treat every example by itself. */
bool oikos_network_batches_learners(const oikos_network *net);

oikos_status oikos_chunk_create(const oikos_network *net, size_t n, oikos_chunk **chunk,
                                oikos_error *err);
void oikos_chunk_destroy(oikos_chunk *chunk);
oikos_workspace *oikos_chunk_workspace(oikos_chunk *chunk);

/** Copy learner @p i's batch, of n examples, in. */
void oikos_chunk_set(const oikos_network *net, oikos_chunk *chunk, size_t i,
                     const oikos_batch *batch);

/** Forward and backward of all at theta (M); the functions below want the same theta. */
void oikos_chunk_derive(const oikos_network *net, oikos_chunk *chunk, const oikos_real *theta);

/** Learner @p i's loss, and grad (M), overwritten. */
oikos_judgement oikos_chunk_gradient(const oikos_network *net, oikos_chunk *chunk, size_t i,
                                     const oikos_real *theta, oikos_real *grad);

/** product (M), overwritten = learner @p i's Hessian * direction (M). After its gradient. */
void oikos_chunk_product(const oikos_network *net, oikos_chunk *chunk, size_t i,
                         const oikos_real *theta, const oikos_real *direction, oikos_real *product);

#endif
