/* SPDX-License-Identifier: MIT
 *
 * Differential privacy of learners (McMahan et al., "Learning differentially private recurrent
 * language models", ICLR 2018): under aggregation.rule clip each learner's vectors are bounded, and
 * normal noise is added once to each mean, drawn alike on all ranks.
 *
 * Sensitivity. What is released of a step is a list of parts: the mean gradient (with the rates'
 * and the encoder's); if gamma > 0 the mean way to the trained parameters; if homes own parameters,
 * the homes' mean gradients as one vector (T, K), and if gamma_H > 0 their ways. A learner's share
 * of part j has norm at most R_j (for a home: its p[i] are at most 1 and sum to 1). In units of R_j
 * all parts together have norm at most sqrt(parts), so that noise of standard deviation sigma
 * sqrt(parts) R_j / divisor on each number of part j makes the step one Gaussian mechanism of noise
 * multiplier sigma. The divisor is N, of a home N / T: constants, since the number of learners that
 * count, or that live somewhere, tells of them. With one part, the usual case, the noise is sigma R
 * / N.
 *
 * Two runs are neighbours if one learner sends nothing throughout in one of them (add or remove
 * one; for replacing one, sigma counts half). All learners take part in every step: sampling
 * rate 1.
 *
 * Accountant: Renyi divergence of the sampled Gaussian mechanism, at whole orders by Mironov,
 * Talwar and Zhang ("Renyi differential privacy of the sampled Gaussian mechanism", 2019,
 * section 3.3), at rate 1 at any order alpha / (2 sigma^2) (Mironov 2017, corollary 3); steps add
 * up; the conversion is that of Canonne, Kamath and Steinke (2020, proposition 12):
 *
 *   epsilon = rho - (log delta + log alpha) / (alpha - 1) + log((alpha - 1) / alpha)
 *
 * What (epsilon, delta) speaks of is the weights after every step. It does not cover: losses,
 * accuracy, norms of learners, moves, members, scores and learners left out (metrics.jsonl, the
 * progress line, history/ in checkpoints), each learner's home and log p (learners/), and the
 * exponents of the sums (sum/), which are functions of learners' data without noise; nor numbers
 * that are chosen by looking at data, as a radius may be. The noise is a function of a key, the
 * step, the mean and the place in it; whoever has the key can take it away, so it comes from the
 * operating system, stands in RUN/privacy.key for its owner alone, and is in no checkpoint
 * (run/privacy.c). Publish weights alone. Normal numbers in floating point are not exactly normal
 * (Mironov 2012); no defence is made against that.
 */
#ifndef OIKOS_LEARN_PRIVACY_H
#define OIKOS_LEARN_PRIVACY_H

#include <stdbool.h>

#include "oikos/config.h"
#include "oikos/real.h"

/** Renyi divergence of one step at an order above 1: sampling rate q in [0, 1], noise multiplier
 * sigma. At 0 < q < 1 the order must be whole. */
double oikos_privacy_renyi(double q, double sigma, double order);

/** The epsilon spent at delta by so many steps: the least over the orders. 0 for none. */
double oikos_privacy_epsilon(double q, double sigma, int64_t steps, double delta);

/** Whether noise is added. */
bool oikos_privacy_on(const oikos_config *config);

/** Which mean noise is for: a stream of its own, and a radius. */
typedef enum { OIKOS_PART_GRADIENT, OIKOS_PART_TRAINED } oikos_privacy_part;

/**
 * Add its noise to a mean x (n).
 * @param key      (OIKOS_SECRET) of base/secret.h
 * @param home     -1: the shared one
 * @param owned    whether homes own parameters
 * @param divisor  that the sum was divided by
 */
void oikos_privacy_add(const oikos_config *config, const uint64_t *key, oikos_privacy_part part,
                       int64_t home, bool owned, double divisor, int64_t step, size_t n,
                       oikos_real *x);

#endif
