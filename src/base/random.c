/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include <math.h>

#include <Random123/philox.h>

__extension__ typedef unsigned __int128 wide;

oikos_random oikos_random_at(uint64_t seed, oikos_purpose purpose, uint64_t step,
                             uint64_t learner) {
  oikos_random r = {
      .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
      // counter: index, learner, step (56 bits), purpose (8 bits)
      .counter = {0, (uint32_t)learner, (uint32_t)step,
                  (uint32_t)purpose << 24 | (uint32_t)(step >> 32 & 0xffffff)},
      .used = 4,
  };
  return r;
}

uint32_t oikos_random_word(oikos_random *r) {
  if (r->used == 4) {
    philox4x32_key_t key = {{r->key[0], r->key[1]}};
    philox4x32_ctr_t counter = {{r->counter[0], r->counter[1], r->counter[2], r->counter[3]}};
    philox4x32_ctr_t out = philox4x32(counter, key);
    for (int i = 0; i < 4; i++)
      r->word[i] = out.v[i];
    r->counter[0]++;
    r->used = 0;
  }
  return r->word[r->used++];
}

double oikos_random_uniform(oikos_random *r, double low, double high) {
  uint64_t high_bits = oikos_random_word(r), low_bits = oikos_random_word(r);
  double unit = (double)((high_bits << 32 | low_bits) >> 11) * 0x1p-53;
  return low + (high - low) * unit;
}

double oikos_random_normal(oikos_random *r) {
  const double two_pi = 6.283185307179586476925;
  double radius = sqrt(-2 * log(1 - oikos_random_uniform(r, 0, 1))); // 1 - u is never 0
  return radius * cos(two_pi * oikos_random_uniform(r, 0, 1));
}

uint64_t oikos_random_below(oikos_random *r, uint64_t n) {
  uint64_t high_bits = oikos_random_word(r), low_bits = oikos_random_word(r);
  // the product's high half: the bias is below n / 2^64
  return (uint64_t)((wide)(high_bits << 32 | low_bits) * n >> 64);
}

void oikos_random_choose(oikos_random *r, int64_t n, int64_t k, int64_t *out, int64_t *scratch) {
  for (int64_t i = 0; i < n; i++)
    scratch[i] = i;
  for (int64_t i = 0; i < k; i++) {
    int64_t j = i + (int64_t)oikos_random_below(r, (uint64_t)(n - i));
    out[i] = scratch[j];
    scratch[j] = scratch[i];
  }
}
