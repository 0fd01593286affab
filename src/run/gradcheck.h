/* SPDX-License-Identifier: MIT
 *
 * The meta-gradient of a configuration against central differences of the whole computation
 *
 *   F(x) = L_query(theta_S(start, rates, rows)),   start = start(w, sum_t p_t(encoder) c_t),
 *   g . u  against  (F(x + h u) - F(x - h u)) / 2h
 *
 * along unit directions u, in all that training changes: each tensor of the start, the learned
 * rates, the shared weights where homes modulate them, the homes, the encoder's tensors, the
 * episode's embedding rows. A direction is half along the gradient, half random, so that a wrong
 * gradient shows in small and in large tensors. Homes are weighed as they were found; p moves with
 * the encoder alone, since a choice has no derivative. The weights are
 * moved a little at random, off the exact zeros where relu and max_pool have no derivative; of
 * three directions and six widths h the best counts, since a kink nearer than h says nothing of the
 * derivative. First order, which is not the gradient of F, is checked for what it is without a
 * projection: the gradient of L_query at theta_S, which moves as the start does; learned rates then
 * have no such function, which is said. With distillation the teacher's outputs are those
 * of the unmoved point in every difference, since they are constants.
 */
#ifndef OIKOS_RUN_GRADCHECK_H
#define OIKOS_RUN_GRADCHECK_H

#include <stdio.h>

#include "oikos/trainer.h"

/**
 * Check on the first episode of the first learner, in the precision of this build. Not collective:
 * @p trainer is one of a single process.
 * @param dump    HDF5 file to write what was compared, or NULL; see store/dump.h
 * @param out     the table
 * @param[out] worst  largest error, relative to the larger of the two and of 1e-4 times the whole
 * gradient's norm
 */
oikos_status oikos_gradcheck(oikos_trainer *trainer, const char *dump, FILE *out, double *worst,
                             oikos_error *err);

#endif
