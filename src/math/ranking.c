/* SPDX-License-Identifier: MIT */
#include "math/ranking.h"

#include <math.h>
#include <stdbool.h>

typedef oikos_real real;

/* Of equal scores the larger gain first, so that a sum over ties has one order. */
static bool before(const oikos_ranked *a, const oikos_ranked *b) {
  return a->score != b->score ? a->score > b->score : a->gain > b->gain;
}

/* Let x[at] sink to its place among the first n, below which there is a heap already: the last
 * item is on top. */
static void sift(size_t n, size_t at, oikos_ranked *x) {
  oikos_ranked sinking = x[at];
  for (size_t child; (child = 2 * at + 1) < n; at = child) {
    child += child + 1 < n && before(&x[child], &x[child + 1]);
    if (!before(&sinking, &x[child]))
      break;
    x[at] = x[child];
  }
  x[at] = sinking;
}

/* Heap sort, which needs no memory. */
static void sort(size_t n, oikos_ranked *x) {
  for (size_t i = n / 2; i-- > 0;)
    sift(n, i, x);
  for (size_t last = n; last-- > 1;) {
    oikos_ranked least = x[0];
    x[0] = x[last];
    x[last] = least;
    sift(last, 0, x);
  }
}

static double discount(size_t place) {
  return 1 / log2((double)place + 2); // ranks count from 1
}

/* The gain of the first k places of a sorted list, as expected where places are shared. */
static double expected_gain(size_t n, const oikos_ranked *x, size_t k, bool discounted) {
  double sum = 0;
  for (size_t first = 0, end; first < n && first < k; first = end) {
    double gain = 0, weight = 0;
    for (end = first; end < n && x[end].score == x[first].score; end++) {
      gain += x[end].gain;
      if (end < k)
        weight += discounted ? discount(end) : 1;
    }
    sum += gain * weight / (double)(end - first);
  }
  return sum;
}

static double rank_score(real score) {
  return isnan(score) ? -INFINITY : (double)score;
}

double oikos_ndcg(size_t n, const real *score, const real *relevance, size_t k,
                  oikos_ranked *scratch) {
  double top = 0;
  for (size_t i = 0; i < n; i++)
    top = fmax(top, (double)relevance[i]);
  for (size_t i = 0; i < n; i++) {
    double r = fmax(0, (double)relevance[i]);
    // (2^r - 1) / 2^top: the quotient of two DCGs is the same, and nothing can overflow
    scratch[i] = (oikos_ranked){rank_score(score[i]), -exp2(r - top) * expm1(-r * M_LN2)};
  }
  sort(n, scratch);
  double found = expected_gain(n, scratch, k, true);
  for (size_t i = 0; i < n; i++)
    scratch[i].score = scratch[i].gain;
  sort(n, scratch);
  double ideal = expected_gain(n, scratch, k, true);
  return ideal > 0 ? fmin(found / ideal, 1) : NAN; // rounding could take it above 1
}

double oikos_recall(size_t n, const real *score, const real *relevance, double threshold, size_t k,
                    oikos_ranked *scratch) {
  double relevant = 0;
  for (size_t i = 0; i < n; i++) {
    scratch[i] = (oikos_ranked){rank_score(score[i]), (double)relevance[i] >= threshold};
    relevant += scratch[i].gain;
  }
  sort(n, scratch);
  return relevant > 0 ? expected_gain(n, scratch, k, false) / relevant : NAN;
}
