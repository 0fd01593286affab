/* SPDX-License-Identifier: MIT
 * The bound of a step and of an evaluation: its matrix products alone, over patches and one by one,
 * each by the fastest way that the BLAS in use has for its shape, with operands that are in the
 * cache. */
#ifndef OIKOS_BENCH_PRODUCTS_H
#define OIKOS_BENCH_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>

#include "oikos/config.h"
#include "oikos/error.h"
#include "oikos/network.h"

typedef struct oikos_products oikos_products;

/**
 * The products of one learner's step, or of one episode's evaluation; without those of `home.score:
 * held_out`.
 * @param n_support, n_query  examples in the two sets
 */
oikos_status oikos_products_create(const oikos_config *config, const oikos_network *net,
                                   size_t n_support, size_t n_query, bool evaluation,
                                   oikos_products **products, oikos_error *err);
void oikos_products_destroy(oikos_products *products);

/** Floating point operations of all products. */
double oikos_products_flops(const oikos_products *products);

/** Seconds that they take, measured now. The first call looks for the fastest way of each. */
double oikos_products_seconds(oikos_products *products);

#endif
