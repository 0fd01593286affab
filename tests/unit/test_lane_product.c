/* SPDX-License-Identifier: MIT
 * Products by lanes to the bit: each number is a chain of fused multiply-adds in a fixed order, in
 * tiles of every shape. And functions of one number against those of long double. */
#include "check.h"

#include "base/random.h"
#include "math/fused.h"
#include "math/lane_product.h"

typedef oikos_real real;

enum { LANES = OIKOS_LOCKSTEP, MOST = 14, TERMS = 2 };

static void draw(size_t n, uint64_t which, real *x) {
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, which);
  for (size_t i = 0; i < n; i++)
    x[i] = (real)oikos_random_normal(&r);
}

/* Memory as aligned as that of the library. */
static real *lanes(size_t n) {
  void *memory = NULL;
  assert_int_equal(posix_memalign(&memory, 64, (n * LANES + LANES) * sizeof(real)), 0);
  memset(memory, 0, (n * LANES + LANES) * sizeof(real));
  return memory;
}

typedef struct shape {
  size_t rows, columns, depth;
  int terms;
  bool shared, starts, start_shared, start_repeats, scaled;
} shape;

/* A number of C, by hand. */
static real naive(const oikos_lane_product *p, size_t i, size_t j, size_t lane) {
  real from = 0, sum = 0;
  if (p->start) {
    size_t column = p->start_repeats ? 0 : j;
    from = p->start_shared ? p->start[i * p->start_row + column]
                           : p->start[i * p->start_row + column * LANES + lane];
  }
  if (!p->scale)
    sum = from;
  for (int k = 0; k < p->n_terms; k++) {
    const oikos_lane_term *t = &p->term[k];
    for (size_t d = 0; d < t->depth; d++)
      sum = oikos_fused(t->x[i * t->x_row + d * t->x_step + (t->shared ? 0 : lane)],
                        t->y[d * t->y_step + j * LANES + lane], sum);
  }
  if (!p->scale)
    return sum;
  return p->start ? oikos_fused(p->scale[lane], sum, from) : p->scale[lane] * sum;
}

static void check_shape(const shape *s) {
  size_t each = s->shared ? 1 : LANES, n = s->columns;
  real *x = lanes(TERMS * MOST * MOST), *y = lanes(TERMS * MOST * MOST),
       *start = lanes(MOST * MOST), *scale = lanes(1), *c = lanes(MOST * MOST + 1);
  draw(TERMS * MOST * MOST * LANES, 1, x);
  draw(TERMS * MOST * MOST * LANES, 2, y);
  draw(MOST * MOST * LANES, 3, start);
  draw(LANES, 4, scale);
  draw((MOST * MOST + 1) * LANES, 5, c);
  real behind = c[s->rows * n * LANES];
  oikos_lane_term term[TERMS];
  for (size_t k = 0; k < TERMS; k++)
    term[k] = (oikos_lane_term){.depth = s->depth,
                                .shared = s->shared,
                                .x = x + k * MOST * MOST * LANES,
                                .x_row = k ? each : s->depth * each, // as it stands, or turned
                                .x_step = k ? s->rows * each : each,
                                .y = y + k * MOST * MOST * LANES,
                                .y_step = n * LANES};
  oikos_lane_product p = {.rows = s->rows,
                          .columns = n,
                          .n_terms = s->terms,
                          .term = term,
                          .start = s->starts ? start : NULL,
                          .start_row = (s->start_repeats ? 1 : n) * (s->start_shared ? 1 : LANES),
                          .start_shared = s->start_shared,
                          .start_repeats = s->start_repeats,
                          .scale = s->scaled ? scale : NULL,
                          .c = c,
                          .c_row = n * LANES};
  oikos_lane_multiply(&p);
  for (size_t i = 0; i < s->rows; i++)
    for (size_t j = 0; j < n; j++)
      for (size_t lane = 0; lane < LANES; lane++)
        if (c[(i * n + j) * LANES + lane] != naive(&p, i, j, lane))
          fail_msg("%zu x %zu, depth %zu, %d terms, shared %d, start %d (shared %d, repeats %d), "
                   "scaled %d: number (%zu,%zu), lane %zu is %.9g, not %.9g",
                   s->rows, n, s->depth, s->terms, s->shared, s->starts, s->start_shared,
                   s->start_repeats, s->scaled, i, j, lane, (double)c[(i * n + j) * LANES + lane],
                   (double)naive(&p, i, j, lane));
  assert_true(c[s->rows * n * LANES] == behind);
  free(x), free(y), free(start), free(scale), free(c);
}

static void test_shapes(void **state) {
  (void)state;
  for (size_t rows = 1; rows <= MOST; rows++)
    for (size_t columns = 1; columns <= MOST; columns++)
      for (int kind = 0; kind < 64; kind++) {
        shape s = {.rows = rows,
                   .columns = columns,
                   .depth = (rows + columns) % 5,
                   .terms = 1 + (kind & 1),
                   .shared = kind & 2,
                   .starts = kind & 4,
                   .start_shared = kind & 8,
                   .start_repeats = kind & 16,
                   .scaled = kind & 32};
        check_shape(&s);
      }
}

/* The stated error. */
static void test_tanh(void **state) {
  (void)state;
  oikos_random r = oikos_random_at(1, OIKOS_DRAW_CHECK, 0, 0);
  double unit = sizeof(real) == sizeof(float) ? 0x1p-23 : 0x1p-52;
  for (int k = 0; k < 200000; k++) {
    double size = pow(10, oikos_random_uniform(&r, -6, 1.5));
    real x = (real)(k % 2 ? size : -size), y = oikos_fused_tanh(x);
    long double truth = tanhl((long double)x);
    if (!(fabsl((long double)y - truth) <= 2 * unit * fabsl(truth)))
      fail_msg("tanh %.17g is %.17g, not %.17Lg", (double)x, (double)y, truth);
  }
  assert_true(oikos_fused_tanh(0) == 0 && oikos_fused_tanh((real)INFINITY) == 1 &&
              oikos_fused_tanh((real)-INFINITY) == -1);
  assert_true(isnan(oikos_fused_tanh((real)NAN)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shapes),
      cmocka_unit_test(test_tanh),
  };
  if (!oikos_lanes_are_fused()) {
    puts("skipped: this level has no fused multiply-adds, so that nothing goes in lockstep");
    return 77;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
