/* SPDX-License-Identifier: MIT
 *
 * Sums whose words the ranks of a node keep in memory that they share: each rank adds up a slice of
 * all of them, the slices cross the network once per node, and nobody copies anything. MPI's own
 * all-reduce moves every rank's words through messages; whole numbers add up to the same either
 * way.
 */
#ifndef OIKOS_DIST_SHARED_SUM_H
#define OIKOS_DIST_SHARED_SUM_H

#include "dist/team.h"
#include "math/exact_sum.h"

/**
 * An accumulator for oikos_reduce. Where ranks share a node, the sums are exact and /dev/shm has
 * room for one more than the ranks' words, they are shared; else each rank has its own. Collective.
 */
oikos_status oikos_shared_sum_create(const oikos_team *team, const oikos_grid *grid, oikos_sum *sum,
                                     oikos_error *err);

/** Collective. */
void oikos_shared_sum_destroy(oikos_sum *sum);

/** sum->words = the sum over all ranks, in memory of the node, to be read until oikos_sum_zero.
 * Collective. */
void oikos_shared_sum_reduce(oikos_sum *sum);

#endif
