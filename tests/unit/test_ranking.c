/* SPDX-License-Identifier: MIT
 * nDCG and recall against their definitions, averaged over every order of the list that the scores
 * allow, and against values worked out by hand. */
#include "check.h"

#include "base/random.h"
#include "math/ranking.h"

typedef oikos_real real;

enum { MOST = 7, TIES = 4 };

/* A list, and sums over its orders. */
typedef struct orders {
  size_t n, k;
  const real *relevance;
  const int *level; /* of the score: what is higher stands first */
  double count, dcg, hits;
} orders;

static double gain_of(double relevance) {
  return relevance > 0 ? pow(2, relevance) - 1 : 0;
}

static void judge_order(orders *o, const size_t *at) {
  for (size_t i = 1; i < o->n; i++)
    if (o->level[at[i]] > o->level[at[i - 1]])
      return;
  o->count++;
  for (size_t i = 0; i < o->n && i < o->k; i++) {
    o->dcg += gain_of((double)o->relevance[at[i]]) * log(2) / log((double)i + 2);
    o->hits += o->relevance[at[i]] >= 4;
  }
}

/* Every order of the items at[done ..] behind the first `done`. */
static void try_orders(orders *o, size_t *at, size_t done) {
  if (done == o->n)
    judge_order(o, at);
  for (size_t i = done; i < o->n; i++) {
    size_t mine = at[i];
    at[i] = at[done], at[done] = mine;
    try_orders(o, at, done + 1);
    at[done] = at[i], at[i] = mine;
  }
}

/* Means over all orders that levels allow. */
static orders mean_of_orders(size_t n, size_t k, const real *relevance, const int *level) {
  orders o = {.n = n, .k = k, .relevance = relevance, .level = level};
  size_t at[MOST];
  for (size_t i = 0; i < n; i++)
    at[i] = i;
  try_orders(&o, at, 0);
  assert_true(o.count > 0);
  o.dcg /= o.count;
  o.hits /= o.count;
  return o;
}

static void check_list(size_t n, const real *score, const real *relevance, const int *level) {
  oikos_ranked scratch[MOST];
  int ideal[MOST];
  double relevant = 0;
  for (size_t i = 0; i < n; i++) {
    ideal[i] = (int)(2 * relevance[i]);
    relevant += relevance[i] >= 4;
  }
  for (size_t k = 1; k <= n + 1; k++) {
    orders found = mean_of_orders(n, k, relevance, level),
           best = mean_of_orders(n, k, relevance, ideal);
    double ndcg = oikos_ndcg(n, score, relevance, k, scratch),
           recall = oikos_recall(n, score, relevance, 4, k, scratch);
    assert_true(isnan(ndcg) == !(best.dcg > 0) && isnan(recall) == !(relevant > 0));
    if (best.dcg > 0)
      check_near(ndcg, found.dcg / best.dcg, 1e-12, 0, k, "nDCG");
    if (relevant > 0)
      check_near(recall, found.hits / relevant, 1e-12, 0, k, "recall");
  }
}

/* Half stars from -0.5 to 5; scores of few levels, of which the lowest is no number at times. */
static void test_all_orders(void **state) {
  (void)state;
  for (uint64_t draw = 0; draw < 60; draw++) {
    oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, draw);
    size_t n = 1 + draw % 6;
    real score[MOST], relevance[MOST];
    int level[MOST];
    for (size_t i = 0; i < n; i++) {
      level[i] = (int)oikos_random_below(&r, draw % TIES + 1);
      score[i] = level[i] == 0 && draw % 3 == 0 ? (real)NAN : (real)level[i] / 8 - 1;
      relevance[i] = (real)oikos_random_below(&r, draw % 5 == 0 ? 2 : 12) / 2 - (real)0.5;
    }
    check_list(n, score, relevance, level);
  }
}

/* Gains 7 3 7 0 1 3 at discounts 1, 1/log2 3, 1/2, ..; the ideal order is 7 7 3 3 1 0. */
static void test_by_hand(void **state) {
  (void)state;
  const real falling[] = {6, 5, 4, 3, 2, 1}, relevance[] = {3, 2, 3, 0, 1, 2};
  oikos_ranked scratch[6];
  check_near(oikos_ndcg(6, falling, relevance, 6, scratch), 13.848263629 / 14.595390756, 1e-9, 0, 6,
             "nDCG");
  check_near(oikos_ndcg(6, falling, relevance, 1, scratch), 1, 1e-12, 0, 1, "nDCG");
  check_near(oikos_ndcg(6, falling, relevance, 2, scratch), 8.892789261 / 11.416508275, 1e-9, 0, 2,
             "nDCG");
  assert_true(oikos_ndcg(6, relevance, relevance, 4, scratch) == 1);
  assert_true(oikos_recall(6, falling, relevance, 2, 3, scratch) == 0.75);
  assert_true(oikos_recall(6, falling, relevance, 3, 1, scratch) ==
              0.5); // the most that 1 can hold
  assert_true(oikos_recall(6, falling, relevance, 3, 3, scratch) == 1);
}

/* A model that knows nothing: of m relevant items k / n are in the first k. */
static void test_constant(void **state) {
  (void)state;
  const real same[] = {2, 2, 2, 2, 2}, relevance[] = {5, 1, 1, 4, 1};
  oikos_ranked scratch[5];
  for (size_t k = 1; k < 8; k++)
    check_near(oikos_recall(5, same, relevance, 4, k, scratch), k < 5 ? (double)k / 5 : 1, 1e-15, 0,
               k, "recall");
  // the mean gain of 31 1 1 15 1 is 9.8; at k = 2 the ideal is 31 + 15 / log2 3
  double both = 1 + log(2) / log(3);
  check_near(oikos_ndcg(5, same, relevance, 2, scratch), 9.8 * both / (31 + 15 * log(2) / log(3)),
             1e-12, 0, 2, "nDCG");
}

static void test_corners(void **state) {
  (void)state;
  const real score[] = {2, 1}, none[] = {0, -3}, huge[] = {-5, 20000}, tiny[] = {0, (real)1e-30};
  oikos_ranked scratch[2];
  assert_true(isnan(oikos_ndcg(2, score, none, 2, scratch)));
  assert_true(isnan(oikos_ndcg(0, score, none, 2, scratch)));
  assert_true(isnan(oikos_ndcg(2, score, huge, 0, scratch)));
  assert_true(isnan(oikos_recall(2, score, none, 1, 2, scratch)));
  assert_true(isnan(oikos_recall(0, score, none, 1, 2, scratch)));
  assert_true(oikos_recall(2, score, none, 0, 0, scratch) == 0);
  check_near(oikos_ndcg(2, score, huge, 2, scratch), log(2) / log(3), 1e-12, 0, 0, "huge");
  check_near(oikos_ndcg(2, score, tiny, 2, scratch), log(2) / log(3), 1e-12, 0, 0, "tiny");
}

/* The same bits in every order of the list, ties and all; never above 1. */
static void test_same_bits(void **state) {
  (void)state;
  enum { N = 200 };
  real score[2][N], relevance[2][N];
  int64_t order[N], scratch[N];
  oikos_ranked ranked[N];
  for (uint64_t draw = 0; draw < 100; draw++) {
    oikos_random r = oikos_random_at(2, OIKOS_DRAW_CHECK, 0, draw);
    oikos_random_choose(&r, N, N, order, scratch);
    for (int i = 0; i < N; i++) {
      relevance[0][i] = (real)(0.1 * (double)oikos_random_below(&r, 50));
      // few levels; or the best order there is, without ties
      score[0][i] =
          draw % 2 ? (real)oikos_random_below(&r, 10) : relevance[0][i] + (real)(1e-4 * (double)i);
    }
    for (int i = 0; i < N; i++) {
      relevance[1][i] = relevance[0][order[i]];
      score[1][i] = score[0][order[i]];
    }
    size_t k = 1 + draw;
    double ndcg = oikos_ndcg(N, score[0], relevance[0], k, ranked);
    assert_true(ndcg > (draw % 2 ? 0 : 1 - 1e-12) && ndcg <= 1);
    assert_true(ndcg == oikos_ndcg(N, score[1], relevance[1], k, ranked));
    assert_true(oikos_recall(N, score[0], relevance[0], 2.5, k, ranked) ==
                oikos_recall(N, score[1], relevance[1], 2.5, k, ranked));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_orders), cmocka_unit_test(test_by_hand),
      cmocka_unit_test(test_constant),   cmocka_unit_test(test_corners),
      cmocka_unit_test(test_same_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
