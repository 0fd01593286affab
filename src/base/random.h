/* SPDX-License-Identifier: MIT
 *
 * Counter-based randomness (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011):
 * Philox4x32-10 from Random123. Every draw is a function of (seed, purpose, step, learner, index);
 * there is no generator state to save and nothing that depends on which rank or thread draws.
 */
#ifndef OIKOS_BASE_RANDOM_H
#define OIKOS_BASE_RANDOM_H

#include <stdint.h>

/** What a number is drawn for: streams of different purposes never meet. */
typedef enum oikos_purpose {
  OIKOS_DRAW_WEIGHTS = 1,
  OIKOS_DRAW_HOMES = 2,
  OIKOS_DRAW_SPLIT = 3,
  OIKOS_DRAW_TRAIN = 4,
  OIKOS_DRAW_VALIDATION = 5,
  OIKOS_DRAW_TEST = 6,
  OIKOS_DRAW_CHECK = 7,
  OIKOS_DRAW_ATTACK = 16,
  OIKOS_DRAW_COHORT = 18,
  OIKOS_DRAW_EMBEDDING_ROWS = 19,
  OIKOS_DRAW_REVIVE = 20,
  OIKOS_DRAW_RATINGS = 21,
  OIKOS_DRAW_TIES = 22,
} oikos_purpose;

/** A stream of draws; a plain value on the caller's stack. */
typedef struct oikos_random {
  uint32_t key[2], counter[4], word[4];
  int used;
} oikos_random;

oikos_random oikos_random_at(uint64_t seed, oikos_purpose purpose, uint64_t step, uint64_t learner);

uint32_t oikos_random_word(oikos_random *r);

/** Uniform in [low, high), with 53 random bits. */
double oikos_random_uniform(oikos_random *r, double low, double high);

/** Normal with mean 0 and standard deviation 1 (Box-Muller). */
double oikos_random_normal(oikos_random *r);

/** Uniform integer in 0..n-1, n >= 1. */
uint64_t oikos_random_below(oikos_random *r, uint64_t n);

/** The first @p k of a random permutation of 0..n-1, in out[0..k-1]; @p scratch holds n elements.
 */
void oikos_random_choose(oikos_random *r, int64_t n, int64_t k, int64_t *out, int64_t *scratch);

#endif
