/* SPDX-License-Identifier: MIT */
#include "learn/privacy.h"

#include <math.h>

#include "base/secret.h"
#include "learn/robust.h"

enum { MOST_ORDER = 1 << 20, MOST_SAMPLED = 1024 }; // a sampled order costs as many terms

static double log_add(double a, double b) {
  double most = a > b ? a : b, least = a > b ? b : a;
  return isinf(most) ? most : most + log1p(exp(least - most));
}

/* log of the sum over k of binomial(order, k) (1-q)^(order-k) q^k exp((k^2 - k) / (2 sigma^2)) */
static double log_moment(double q, double sigma, double order) {
  double sum = -INFINITY;
  for (int64_t i = 0; i <= (int64_t)order; i++) {
    double k = (double)i;
    double choose = lgamma(order + 1) - lgamma(k + 1) - lgamma(order - k + 1);
    sum = log_add(sum, choose + k * log(q) + (order - k) * log1p(-q) +
                           (k * k - k) / (2 * sigma * sigma));
  }
  return sum;
}

double oikos_privacy_renyi(double q, double sigma, double order) {
  if (q == 0)
    return 0;
  if (q == 1)
    return order / (2 * sigma * sigma);
  return log_moment(q, sigma, order) / (order - 1);
}

static double convert(double renyi, double order, double delta) {
  double epsilon = renyi - (log(delta) + log(order)) / (order - 1) + log1p(-1 / order);
  return epsilon > 0 ? epsilon : 0;
}

double oikos_privacy_epsilon(double q, double sigma, int64_t steps, double delta) {
  double least = INFINITY;
  if (steps == 0 || q == 0)
    return 0;
  double most = q == 1 ? MOST_ORDER : MOST_SAMPLED;
  double order = 2;
  while (order <= most) {
    double whole = floor(order); // a bound at any order is one: those in between make it tighter
    double epsilon = convert((double)steps * oikos_privacy_renyi(q, sigma, whole), whole, delta);
    least = epsilon < least ? epsilon : least;
    order += order < 128 ? 1 : order / 16;
  }
  double excess = 1.0 / 64;
  while (q == 1 && excess < 10) {
    order = 1 + excess;
    double epsilon = convert((double)steps * oikos_privacy_renyi(q, sigma, order), order, delta);
    least = epsilon < least ? epsilon : least;
    excess += excess < 1 ? 1.0 / 64 : 0.1;
  }
  return least;
}

bool oikos_privacy_on(const oikos_config *c) {
  return c->privacy.noise > 0;
}

/* Four normal numbers of as many random words, by Box and Muller. */
static void make_normal(const uint64_t *word, double *normal) {
  const double two_pi = 6.283185307179586476925;
  for (int i = 0; i < OIKOS_SECRET; i += 2) {
    double radius = sqrt(-2 * log(1 - (double)(word[i] >> 11) * 0x1p-53)), // 1 - u is never 0
        angle = two_pi * (double)(word[i + 1] >> 11) * 0x1p-53;
    normal[i] = radius * cos(angle);
    normal[i + 1] = radius * sin(angle);
  }
}

void oikos_privacy_add(const oikos_config *c, const uint64_t *key, oikos_privacy_part part,
                       int64_t home, bool owned, double divisor, int64_t step, size_t n,
                       oikos_real *x) {
  double parts = 1 + (c->shared.mixing > 0) + (owned ? 1 + (c->home.mixing > 0) : 0);
  double radius = part == OIKOS_PART_TRAINED ? oikos_trained_radius(c) : c->aggregation.radius;
  double deviation = c->privacy.noise * sqrt(parts) * radius / divisor;
  uint64_t counter[OIKOS_SECRET] = {0, (uint64_t)step, (uint64_t)(home + 1), (uint64_t)part};
  if (!oikos_privacy_on(c))
    return;
  for (size_t i = 0; i < n; i += OIKOS_SECRET, counter[0]++) {
    uint64_t word[OIKOS_SECRET];
    double normal[OIKOS_SECRET];
    oikos_secret_draw(key, counter, word);
    make_normal(word, normal);
    for (size_t j = i; j < n && j < i + OIKOS_SECRET; j++)
      x[j] += (oikos_real)(deviation * normal[j - i]);
  }
}
