/* SPDX-License-Identifier: MIT
 *
 * How well scores order one list of items, given what each item is worth: its relevance, here the
 * true rating, in the unit of the ratings (not standardised).
 *
 * Items of the same score share their places: each of these places gives the mean of what the tied
 * items give, which is the mean over all orders of them (McSherry and Najork, "Computing
 * information retrieval performance measures efficiently in the presence of tied scores", ECIR
 * 2008, section 3). So a model that scores everything alike gets what a random order gets on
 * average. A score that is not a number counts as the lowest. The result depends on the items
 * alone, not on their order in the list, to the last bit. Nothing is allocated.
 */
#ifndef OIKOS_MATH_RANKING_H
#define OIKOS_MATH_RANKING_H

#include <stddef.h>

#include "oikos/real.h"

/** Scratch for one item of a list. */
typedef struct oikos_ranked {
  double score, gain;
} oikos_ranked;

/**
 * Normalised discounted cumulative gain of the first k places (Järvelin and Kekäläinen, "Cumulated
 * gain-based evaluation of IR techniques", ACM TOIS 20(4), 2002, section 2.2): DCG of the list by
 * falling score over DCG of the same list by falling relevance,
 *
 *   DCG = sum over ranks r = 1 .. min(k, n) of (2^relevance - 1) / log2(1 + r)
 *
 * with the gain of Burges et al., "Learning to rank using gradient descent", ICML 2005, section 6.
 * Relevance below 0 counts as 0.
 * @param score, relevance  (n)
 * @param scratch           (n)
 * @return 0 .. 1; NaN if it says nothing: no item has a relevance above 0, or n or k is 0
 */
double oikos_ndcg(size_t n, const oikos_real *score, const oikos_real *relevance, size_t k,
                  oikos_ranked *scratch);

/**
 * Recall of the first k places: the share of the relevant items that is among them (Manning,
 * Raghavan and Schütze, "Introduction to information retrieval", 2008, sections 8.3 and 8.4). The
 * divisor is the number of relevant items even where this is above k; then k / that number is the
 * most that can be reached.
 * @param score, relevance  (n)
 * @param threshold         an item is relevant from this relevance on
 * @param scratch           (n)
 * @return 0 .. 1; NaN if it says nothing: no item is relevant
 */
double oikos_recall(size_t n, const oikos_real *score, const oikos_real *relevance,
                    double threshold, size_t k, oikos_ranked *scratch);

#endif
