/* SPDX-License-Identifier: MIT
 * What a step needs of the machine by the algorithms that we know: operations and bytes, by the
 * network's shapes alone. Counted are, for each layer, its functions forward and backward, and for
 * the exact second order the two tangents; once for each inner step on the support set, once on the
 * query set. What an implementation computes again, since it did not keep it, is not counted.
 *
 * Operations: a multiply-add is two, any other addition, multiplication or comparison one, a tanh
 * twenty. Of a 3x3 convolution with stride 1 the fewer of two: products over patches, or
 * Winograd's F(4x4,3x3) with each filter, input and output transformed once. Of the layers without
 * products the table in needs.c; statistics of what a recomputed layer gives follow from those of
 * its patches and are none. Behind the layers two for each parameter that an inner step
 * moves, two that the gradient passes on the way back, one into the sums. Not counted: losses,
 * drawing, the all-reduce, the optimizer, an encoder, a teacher, max-norm, held-out scores.
 *
 * Bytes: each function reads and writes each of its numbers once, inputs, outputs, slopes,
 * parameters and their gradient; what lies between a layer that is recomputed and the next one is
 * not there. They live in the first level of memory that all parameters, outputs and slopes of the
 * pass fit into, those of the whole set.
 */
#ifndef OIKOS_BENCH_NEEDS_H
#define OIKOS_BENCH_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/bandwidth.h"
#include "oikos/config.h"
#include "oikos/network.h"

typedef struct oikos_needs {
  double operations;
  double bytes[OIKOS_MEMORY_LEVELS];
} oikos_needs;

/**
 * Of one learner's step, or of one episode's evaluation.
 * @param n_support, n_query  examples in the two sets
 */
oikos_needs oikos_needs_of(const oikos_config *config, const oikos_network *net, size_t n_support,
                           size_t n_query, bool evaluation);

#endif
