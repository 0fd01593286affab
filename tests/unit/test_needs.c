/* SPDX-License-Identifier: MIT
 * What a step needs of the machine, against numbers worked out by hand; and the levels of memory
 * that it is measured in. */
#include "check.h"

#include "bench/machine.h"
#include "net/network_impl.h"

typedef struct needs_case {
  oikos_config *config;
  oikos_network *net;
} needs_case;

static needs_case create(const char *text, oikos_shape input) {
  needs_case c = {.config = array(1, sizeof *c.config)};
  oikos_error err;
  oikos_config_defaults(c.config);
  CHECK_OK(oikos_config_parse(c.config, "test", text, strlen(text), &err));
  CHECK_OK(oikos_network_create(c.config, input, 0, &c.net, &err));
  return c;
}

static void destroy(needs_case *c) {
  oikos_network_destroy(c->net);
  free(c->config);
}

/* Of 5 support and 7 query examples; all numbers must lie in one level. */
static void check_needs(const char *text, oikos_shape input, bool evaluation, double operations,
                        double numbers) {
  needs_case c = create(text, input);
  oikos_needs needs = oikos_needs_of(c.config, c.net, 5, 7, evaluation);
  double bytes = 0;
  for (int i = 0; i < OIKOS_MEMORY_LEVELS; i++)
    bytes += needs.bytes[i];
  if (needs.operations != operations || bytes != numbers * sizeof(oikos_real))
    fail_msg("%s: %.0f operations and %.2f numbers, expected %.0f and %.2f", text, needs.operations,
             bytes / sizeof(oikos_real), operations, numbers);
  destroy(&c);
}

static const oikos_shape three = {1, 1, 3};
#define DENSE "model: {layers: [dense: 4, relu, dense: 2]}\n"

/* 3 - 4 - 2 units: 16 + 10 = 26 parameters. Of an example the products are 2*3*4 = 24 and 2*4*2 =
 * 16 operations, biases 4 and 2, the relu 4.
 *   forward           24+4+4 + 16+2                       = 50
 *   backward          24+4+4 + 2*16+2                     = 66   (weights; weights and input)
 *   tangent           24+4+4 + 2*16+2                     = 66   (by W_t; also of x_t)
 *   its backward      24+4+4 + 4*16+2                     = 98   (dy_t x; also dy x_t, dy_t W, dy
 * W_t) Numbers, of n examples (x, parameters, y): forward           3n+16+4n + 4n+10+2n = 13n+26
 *   backward          4n+3n+16 + 2n+2*4n+2*10             = 17n+36
 *   tangent           3n+16+4n + 2*4n+2*10+2n             = 17n+36
 *   its backward      2*4n+3n+16 + 2*2n+3*4n+3*10         = 27n+46 */
static void test_dense(void **state) {
  (void)state;
  double words = 2.0 * sizeof(int64_t) / sizeof(oikos_real), // in the sums, read and written
      query = 7 * (50 + 66), query_numbers = 13 * 7 + 26 + 17 * 7 + 36 + 26 * (1 + words);
  check_needs(DENSE "inner: {steps: 0}\n", three, false, query + 26, query_numbers);
  check_needs(DENSE "inner: {steps: 2}\n", three, false,
              2 * 5 * (50 + 66 + 66 + 98) + 2 * 2 * 2 * 26 + query + 26,
              2 * (74 * 5 + 144) + 2 * 2 * 3 * 26 + query_numbers);
  check_needs(DENSE "inner: {steps: 2, order: first}\n", three, false,
              2 * 5 * (50 + 66) + 2 * 2 * 26 + query + 26,
              2 * (30 * 5 + 62) + 2 * 3 * 26 + query_numbers);
  check_needs(DENSE "inner: {steps: 2}\n", three, true, 2 * 5 * (50 + 66) + 2 * 2 * 26 + 3 * 7 * 50,
              2 * (30 * 5 + 62) + 2 * 3 * 26 + 3 * (13 * 7 + 26));
}

/* Inner steps of the last layer alone, 10 parameters: nothing goes back to the first one but along
 * the direction, where neither its parameters nor its input move.
 *   backward          16+2 = 18                   2n+4n+10
 *   tangent           16+2 = 18                   4n+10+2n
 *   its backward      24+4+4 + 16+2*16+2 = 82     4n+3n+16 + 2*2n+4n+10 + 4n+2*10 */
static void test_last_layer(void **state) {
  (void)state;
  double words = 2.0 * sizeof(int64_t) / sizeof(oikos_real), query = 7 * (50 + 66),
         query_numbers = 13 * 7 + 26 + 17 * 7 + 36 + 26 * (1 + words);
  check_needs(DENSE "inner: {steps: 1, scope: last}\n", three, false,
              5 * (50 + 18 + 18 + 82) + 2 * 10 + 2 * 26 + query + 26,
              (13 * 5 + 26) + (6 * 5 + 10) + (6 * 5 + 10) + (19 * 5 + 46) + 3 * 10 + 3 * 26 +
                  query_numbers);
}

/* Two 3x3 convolutions on 4 x 4 pixels, 8 filters each; no inner step. Of an image over patches 2 *
 * 16
 * * 9 * 1 * 8 = 2304 operations and 2 * 16 * 9 * 8 * 8 = 18432. By one tile 2 * 36 * 8 = 576 and
 * 4608; its transforms 228 of each channel, 130 of each filter, 108 of each of both, the last once
 * a batch. Biases and relu 128 each. The first one's fewer operations for 7 images: forward 7 *
 * (576 + 228 + 8 * 130) + 108 * 8 = 13772 by tiles (over patches 16128); backward (weights alone) 7
 * * (576 + 8 * 130) + 864 = 12176. The second one's by tiles (over patches 129024): 7 * (4608 + 8 *
 * 228 + 8 * 130) + 108 * 64 = 59216 forward; backward 7 * (2 * 4608 + 8 * 228 + 8 * 130) + 108 * 64
 * = 91472. The relu, a layer of its own: one for each of 7 * 128 numbers. Behind them a flatten and
 * a dense layer of 128 inputs: 7 * 2 * 128 = 1792, 7 biases; backward twice that and the biases.
 * Parameters 80, 584, 129; numbers of an image 16, 128, 128, 128, 128, 1. */
static void test_convolution(void **state) {
  (void)state;
  double words = 2.0 * sizeof(int64_t) / sizeof(oikos_real);
  double forward = 13772 + 896 + 896 + 59216 + 896 + 1792 + 7,
         backward = 12176 + 896 + 896 + 91472 + 896 + 2 * 1792 + 7;
  double forward_numbers =
             (7 * 16 + 80 + 896) + (896 + 896) + (896 + 584 + 896) + (896 + 896) + (896 + 129 + 7),
         backward_numbers = (896 + 7 * 16 + 80) + (896 + 896) + (896 + 2 * 896 + 2 * 584) +
                            (896 + 896) + (7 + 2 * 896 + 2 * 129);
  check_needs("model: {loss: mse, layers: [conv2d: {filters: 8, padding: 1}, relu, conv2d: "
              "{filters: 8, padding: 1}, flatten, dense: 1]}\n"
              "inner: {steps: 0}\n",
              (oikos_shape){4, 4, 1}, false, forward + backward + 793,
              forward_numbers + backward_numbers + 793 * (1 + words));
}

/* A convolution of one channel, which is recomputed for the batch_norm behind it: 64 filters on 4 x
 * 4 pixels, 7 images, 7 * 1024 = 7168 numbers between and behind them, which are read and written
 * behind alone. By one tile 2 * 36 * 64 = 4608 operations, 228 of the input, 130 * 64 = 8320 of the
 * output, 108 * 64 = 6912 of the filters: forward 7 * 13156 + 6912 = 99004 (over patches 129024)
 * and a bias, backward 7 * 12928 + 6912 = 97408 and a bias. The batch_norm does without its means:
 * 4, 5 each. A dense layer of 1024 inputs. Parameters 640, 128, 1025. */
static void test_recomputed(void **state) {
  (void)state;
  double words = 2.0 * sizeof(int64_t) / sizeof(oikos_real), n = 7168;
  check_needs("model: {loss: mse, layers: [conv2d: {filters: 64, padding: 1, winograd: 0}, "
              "batch_norm, flatten, dense: 1]}\n"
              "inner: {steps: 0}\n",
              (oikos_shape){4, 4, 1}, false,
              (99004 + n + 4 * n + 2 * n + 7) + (97408 + n + 5 * n + 4 * n + 7) + 1793,
              (112 + 640) + (128 + n) + 2 * n + (n + 1025 + 7) + (112 + 640) + (n + 2 * 128) +
                  2 * n + (7 + 2 * n + 2 * 1025) + 1793 * (1 + words));
}

/* A level holds what fits into it, and what is copied within it is; the bound is the larger side.
 */
static void test_machine(void **state) {
  (void)state;
  double rate;
  oikos_error err;
  for (int i = 0; i < OIKOS_MEMORY_LEVELS; i++) {
    oikos_memory_level level = (oikos_memory_level)i;
    if (level < OIKOS_MEMORY_MAIN) {
      double size = (double)oikos_memory_size(level);
      assert_true(oikos_memory_of(size) <= level);
      assert_true(oikos_memory_of(size + 1) > level);
    }
    CHECK_OK(oikos_bench_bandwidth(level, &rate, &err));
    assert_true(rate > 0);
  }
  oikos_needs needs = {.operations = 6e9, .bytes = {1e9, 0, 8e9}};
  oikos_machine machine = {.peak = 2, .bandwidth = {1, 0, 4}};
  assert_true(oikos_machine_operations(&machine, &needs) == 3);
  assert_true(oikos_machine_bytes(&machine, &needs) == 3);
  machine.bandwidth[OIKOS_MEMORY_L3] = 2;
  assert_true(oikos_machine_bound(&machine, &needs) == 5);
  machine.bandwidth[OIKOS_MEMORY_L3] = 8;
  assert_true(oikos_machine_bound(&machine, &needs) == 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_dense),       cmocka_unit_test(test_last_layer),
      cmocka_unit_test(test_convolution), cmocka_unit_test(test_recomputed),
      cmocka_unit_test(test_machine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
