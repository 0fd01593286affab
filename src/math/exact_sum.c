/* SPDX-License-Identifier: MIT */
#include "math/exact_sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"

typedef oikos_real real;

enum { BLOCK = 256, LANES = OIKOS_LOCKSTEP };

#ifdef OIKOS_DOUBLE
typedef int64_t bits;
#define MAGNITUDE INT64_MAX
#else
typedef int32_t bits;
#define MAGNITUDE INT32_MAX
#endif

struct oikos_grid {
  int n_segments, n_counters, term_bits; /* term_bits = ceil(log2(max_terms)) */
  bool fast;
  size_t *offset;    /* (n_segments + 1) in the sums */
  int32_t *exponent; /* (n_segments) */
};

oikos_status oikos_grid_create(int n_segments, const size_t *sizes, int64_t max_terms,
                               int n_counters, bool fast, oikos_grid **grid, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(grid, 1, sizeof **grid, "the sum grid", err));
  oikos_grid *g = *grid;
  *g = (oikos_grid){.n_segments = n_segments, .n_counters = n_counters, .fast = fast};
  while (((int64_t)1 << g->term_bits) < max_terms)
    g->term_bits++;
  oikos_status status =
      oikos_alloc(&g->offset, (size_t)n_segments + 1, sizeof *g->offset, "the sum grid", err);
  if (status == OIKOS_OK)
    status =
        oikos_alloc(&g->exponent, (size_t)n_segments, sizeof *g->exponent, "the sum grid", err);
  if (status != OIKOS_OK) {
    oikos_grid_destroy(g);
    *grid = NULL;
    return status;
  }
  for (int s = 0; s < n_segments; s++) {
    g->offset[s + 1] = g->offset[s] + sizes[s];
    g->exponent[s] = OIKOS_BUCKET_BITS; // the first guess: numbers below 256
  }
  return OIKOS_OK;
}

void oikos_grid_destroy(oikos_grid *grid) {
  if (grid) {
    free(grid->offset);
    free(grid->exponent);
  }
  free(grid);
}

static size_t buckets_at(const oikos_grid *g, int segment) {
  return (size_t)g->n_counters + (size_t)segment * OIKOS_BUCKETS;
}

static size_t payload_at(const oikos_grid *g) {
  return buckets_at(g, g->n_segments);
}

size_t oikos_grid_words(const oikos_grid *g) {
  return payload_at(g) + (g->fast ? 0 : g->offset[g->n_segments]);
}

size_t oikos_grid_plain(const oikos_grid *g) {
  return g->fast ? g->offset[g->n_segments] : 0;
}

int oikos_grid_segments(const oikos_grid *g) {
  return g->n_segments;
}

int32_t *oikos_grid_exponents(oikos_grid *g) {
  return g->exponent;
}

oikos_status oikos_sum_create(const oikos_grid *g, oikos_sum *sum, oikos_error *err) {
  *sum = (oikos_sum){0};
  OIKOS_TRY(oikos_alloc(&sum->local, oikos_grid_words(g), sizeof *sum->local, "the sums", err));
  sum->words = sum->local;
  return oikos_alloc(&sum->plain, oikos_grid_plain(g), sizeof *sum->plain, "the sums", err);
}

void oikos_sum_destroy(oikos_sum *sum) {
  free(sum->local);
  free(sum->plain);
  *sum = (oikos_sum){0};
}

void oikos_sum_zero(const oikos_grid *g, oikos_sum *sum) {
  sum->words = sum->local;
  memset(sum->words, 0, oikos_grid_words(g) * sizeof *sum->words);
  if (sum->plain)
    memset(sum->plain, 0, oikos_grid_plain(g) * sizeof *sum->plain);
}

/* The largest |x|, or infinity if any is not finite. A NaN fails every comparison, so it is looked
 * for by itself. */
static double largest(size_t n, const real *x) {
  real most = 0;
  int bad = 0;
#pragma omp simd reduction(max : most) reduction(| : bad)
  for (size_t i = 0; i < n; i++) {
    real magnitude = x[i] < 0 ? -x[i] : x[i];
    most = magnitude > most ? magnitude : most;
    bad |= !(magnitude <= (real)0x1p126);
  }
  return bad ? (double)INFINITY : (double)most;
}

/* The upper exponent of the bucket of a magnitude: magnitude < 2^result, and result is a multiple
 * of 8. */
static int bucket_exponent(double magnitude) {
  int e;
  frexp(magnitude, &e); // magnitude < 2^e
  int bucket = (e - OIKOS_MIN_EXPONENT + OIKOS_BUCKET_BITS - 1) / OIKOS_BUCKET_BITS;
  bucket = e <= OIKOS_MIN_EXPONENT ? 0 : bucket;
  return OIKOS_MIN_EXPONENT + bucket * OIKOS_BUCKET_BITS;
}

static int grid_exponent(const oikos_grid *g, int segment) {
  return g->exponent[segment] + g->term_bits - 62;
}

/* to (n) += x * scale, rounded to whole numbers. In two loops: GCC makes lrint, which it cannot
 * vectorise, of the one. */
static void add_rounded(size_t n, const real *restrict x, double scale, int64_t *restrict to) {
  double whole[BLOCK];
  for (size_t offset = 0; offset < n; offset += BLOCK) {
    size_t count = n - offset < BLOCK ? n - offset : BLOCK;
    for (size_t i = 0; i < count; i++)
      whole[i] = rint((double)x[offset + i] * scale);
    for (size_t i = 0; i < count; i++)
      to[offset + i] += (int64_t)whole[i];
  }
}

/* Count a term in the bucket of its size. Whether there is something to add that fits the grid. */
static bool count_size(const oikos_grid *g, oikos_sum *sum, int segment, double most) {
  if (most == 0)
    return false; // nothing to add, and nothing said of where the grid should be
  int exponent = bucket_exponent(most);
  sum->words[buckets_at(g, segment) +
             (size_t)((exponent - OIKOS_MIN_EXPONENT) / OIKOS_BUCKET_BITS)]++;
  // else left out: the buckets tell everybody that the step is to be computed again
  return exponent <= g->exponent[segment];
}

bool oikos_sum_add_to(const oikos_grid *g, oikos_sum *sum, int segment, size_t n, const real *x,
                      real weight, int64_t *words) {
  double most = largest(n, x) * fabs((double)weight);
  if (!(most < 0x1p126)) {
    sum->words[0]++;
    return false;
  }
  if (count_size(g, sum, segment, most))
    add_rounded(n, x, ldexp((double)weight, -grid_exponent(g, segment)), words);
  return true;
}

bool oikos_sum_add(const oikos_grid *g, oikos_sum *sum, int segment, const real *x, real weight) {
  size_t first = g->offset[segment], n = g->offset[segment + 1] - first;
  if (!g->fast)
    return oikos_sum_add_to(g, sum, segment, n, x, weight, sum->words + payload_at(g) + first);
  if (!(largest(n, x) * fabs((double)weight) < 0x1p126)) {
    sum->words[0]++;
    return false;
  }
  real *restrict to = sum->plain + first;
  for (size_t i = 0; i < n; i++)
    to[i] += weight * x[i];
  return true;
}

/* most (LANES) = the largest |x| of each lane, or infinity if any is not finite. Magnitudes are in
 * the order of their bits, and what is not finite comes last. */
static void largest_by_lane(size_t n, const real *restrict x, double *most) {
  bits top[LANES] = {0};
  for (size_t i = 0; i < n; i++)
    for (size_t lane = 0; lane < LANES; lane++) {
      bits magnitude;
      memcpy(&magnitude, &x[i * LANES + lane], sizeof magnitude);
      magnitude &= MAGNITUDE;
      top[lane] = magnitude > top[lane] ? magnitude : top[lane];
    }
  for (size_t lane = 0; lane < LANES; lane++) {
    real value;
    memcpy(&value, &top[lane], sizeof value);
    most[lane] = value <= (real)0x1p126 ? (double)value : (double)INFINITY;
  }
}

/* to (n) += the sum over lanes of x * scale, each rounded to a whole number, none of them above
 * 2^51: beside SHIFT a double has no room for fractions, and its bits count whole numbers. */
static void add_lanes_shifted(size_t n, const real *restrict x, const double *scale,
                              int64_t *restrict to) {
  const double shift = 0x1.8p52;
  int64_t none;
  memcpy(&none, &shift, sizeof none);
  for (size_t i = 0; i < n; i++) {
    int64_t sum = 0;
    for (size_t lane = 0; lane < LANES; lane++) {
      double shifted = (double)x[i * LANES + lane] * scale[lane] + shift;
      int64_t whole;
      memcpy(&whole, &shifted, sizeof whole);
      sum += whole - none;
    }
    to[i] += sum;
  }
}

/* The same of any size. */
static void add_lanes_rounded(size_t n, const real *restrict x, const double *scale,
                              int64_t *restrict to) {
  for (size_t i = 0; i < n; i++)
    for (size_t lane = 0; lane < LANES; lane++)
      to[i] += (int64_t)rint((double)x[i * LANES + lane] * scale[lane]);
}

void oikos_sum_add_lanes(const oikos_grid *g, oikos_sum *sum, int segment, const real *x,
                         size_t count, bool *finite) {
  size_t first = g->offset[segment], n = g->offset[segment + 1] - first;
  double most[LANES], scale[LANES] = {0}, unit = ldexp(1, -grid_exponent(g, segment)), top = 0;
  bool fits = true;
  largest_by_lane(n, x, most);
  for (size_t lane = 0; lane < count; lane++) {
    bool fine = most[lane] < 0x1p126;
    finite[lane] &= fine;
    sum->words[0] += !fine;
    if (!g->fast && fine && most[lane] > 0)
      fits &= count_size(g, sum, segment, most[lane]);
    fits &= fine;
    scale[lane] = unit;
    top = most[lane] > top ? most[lane] : top;
  }
  if (!fits) // nobody will read this segment: the step is to be computed again, or an error
    return;
  if (g->fast) {
    for (size_t i = 0; i < n; i++)
      for (size_t lane = 0; lane < count; lane++)
        sum->plain[first + i] += x[i * LANES + lane];
    return;
  }
  int64_t *to = sum->words + payload_at(g) + first;
  if (top * unit < 0x1p51)
    add_lanes_shifted(n, x, scale, to);
  else
    add_lanes_rounded(n, x, scale, to);
}

void oikos_sum_merge(const oikos_grid *g, oikos_sum *sum, const oikos_sum *other) {
  for (size_t i = 0, n = oikos_grid_words(g); i < n; i++)
    sum->words[i] += other->words[i];
  for (size_t i = 0, n = oikos_grid_plain(g); i < n; i++)
    sum->plain[i] += other->plain[i];
}

/* The upper exponent of the largest bucket that a segment's terms fell into; INT32_MIN if there
 * were none. */
static int32_t seen(const oikos_grid *g, const oikos_sum *sum, int segment) {
  const int64_t *bucket = sum->words + buckets_at(g, segment);
  int top = OIKOS_BUCKETS - 1;
  while (top >= 0 && bucket[top] == 0)
    top--;
  return top < 0 ? INT32_MIN : OIKOS_MIN_EXPONENT + top * OIKOS_BUCKET_BITS;
}

bool oikos_grid_misplaced(const oikos_grid *g, const oikos_sum *sum) {
  for (int s = 0; s < g->n_segments && !g->fast; s++) {
    int32_t most = seen(g, sum, s);
    if (most != INT32_MIN && (most > g->exponent[s] || most < g->exponent[s] - OIKOS_MAX_SLACK))
      return true;
  }
  return false;
}

bool oikos_grid_refit(oikos_grid *g, const oikos_sum *sum) {
  bool misplaced = oikos_grid_misplaced(g, sum);
  for (int s = 0; s < g->n_segments && !g->fast; s++) {
    int32_t most = seen(g, sum, s);
    if (most != INT32_MIN) // without terms in this step it stays where the data was last
      g->exponent[s] = most + OIKOS_BUCKET_BITS;
  }
  return misplaced;
}

void oikos_sum_read(const oikos_grid *g, int segment, size_t n, const int64_t *words, double scale,
                    real *out) {
  double unit = ldexp(scale, grid_exponent(g, segment));
  for (size_t i = 0; i < n; i++)
    out[i] = (real)((double)words[i] * unit);
}

void oikos_sum_get(const oikos_grid *g, const oikos_sum *sum, int segment, double scale,
                   real *out) {
  size_t first = g->offset[segment], n = g->offset[segment + 1] - first;
  if (!g->fast) {
    oikos_sum_read(g, segment, n, sum->words + payload_at(g) + first, scale, out);
    return;
  }
  for (size_t i = 0; i < n; i++)
    out[i] = (real)(scale * (double)sum->plain[first + i]);
}
