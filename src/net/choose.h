/* SPDX-License-Identifier: MIT
 * How a convolution is computed is part of the configuration, since the bits depend on it: what was
 * left open (`winograd: -1`) is chosen once, when a run begins. */
#ifndef OIKOS_NET_CHOOSE_H
#define OIKOS_NET_CHOOSE_H

#include "oikos/network.h"

/** What is open in a checkpoint of version 0.1.0, which had no choice, was computed over patches.
 */
void oikos_choose_patches(oikos_config *checkpoint);

/** Take over from the configuration of a checkpoint what is open in @p config. */
void oikos_choose_as(const oikos_config *checkpoint, oikos_config *config);

/**
 * Settle what is still open, by a rule of the shapes and of the level that the library is compiled
 * for; never by timing, so that a run has one result. Not collective: one rank chooses for all.
 * @param n_support, n_query  images in the batches of the two sets
 */
oikos_status oikos_choose(oikos_config *config, oikos_shape input, size_t n_support, size_t n_query,
                          oikos_error *err);

#endif
