/* SPDX-License-Identifier: MIT
 * Each transform is one of six maps of a short line of numbers, applied to the columns of a tile
 * and then to its rows; a vector of channels at a time, which stays in registers from the first to
 * the last. */
#include "math/winograd.h"

#include <stdbool.h>
#include <string.h>

#include "math/vectors.h"

typedef oikos_real real;
typedef oikos_vector vector;

enum { WIDE = 6, CORE = 3, TILE = OIKOS_TILE, LANES = OIKOS_LANES };

oikos_tiles oikos_tiles_of(int64_t height, int64_t width, int64_t channels, int64_t filters,
                           int64_t padding) {
  int64_t out_h = height + 2 * padding - 2, out_w = width + 2 * padding - 2;
  return (oikos_tiles){height,
                       width,
                       channels,
                       out_h,
                       out_w,
                       filters,
                       padding,
                       (out_h + OIKOS_TILE - 1) / OIKOS_TILE,
                       (out_w + OIKOS_TILE - 1) / OIKOS_TILE};
}

size_t oikos_winograd_stride(size_t rows, size_t columns) {
  return (rows * columns + 15) / 16 * 16 + 16;
}

/* A map of a line: its numbers stand `step` vectors apart, those of its image `next`. */
typedef void map(const vector *from, size_t step, vector *to, size_t next);

/* B^T: 6 -> 6 */
OIKOS_INLINE void input_map(const vector *from, size_t step, vector *to, size_t next) {
  vector a = from[0], b = from[step], d = from[2 * step], e = from[3 * step], f = from[4 * step],
         g = from[5 * step];
  vector even = f - 4 * d, odd = e - 4 * b, near = f - d, twice = 2 * (e - b);
  to[0] = 4 * a - 5 * d + f;
  to[next] = even + odd;
  to[2 * next] = even - odd;
  to[3 * next] = near + twice;
  to[4 * next] = near - twice;
  to[5 * next] = 4 * b - 5 * e + g;
}

/* B: 6 -> 6 */
OIKOS_INLINE void input_map_transposed(const vector *from, size_t step, vector *to, size_t next) {
  vector a = from[0], b = from[step], d = from[2 * step], e = from[3 * step], f = from[4 * step],
         g = from[5 * step];
  vector sum = b + d, difference = b - d, sum_2 = e + f, difference_2 = 2 * (e - f);
  to[0] = 4 * a;
  to[next] = 4 * g - 4 * difference - difference_2;
  to[2 * next] = -5 * a - 4 * sum - sum_2;
  to[3 * next] = difference + difference_2 - 5 * g;
  to[4 * next] = a + sum + sum_2;
  to[5 * next] = g;
}

/* A^T: 6 -> 4 */
OIKOS_INLINE void output_map(const vector *from, size_t step, vector *to, size_t next) {
  vector a = from[0], b = from[step], d = from[2 * step], e = from[3 * step], f = from[4 * step],
         g = from[5 * step];
  vector sum = b + d, difference = b - d, sum_2 = e + f, difference_2 = e - f;
  to[0] = a + sum + sum_2;
  to[next] = difference + 2 * difference_2;
  to[2 * next] = sum + 4 * sum_2;
  to[3 * next] = difference + 8 * difference_2 + g;
}

/* A: 4 -> 6 */
OIKOS_INLINE void output_map_transposed(const vector *from, size_t step, vector *to, size_t next) {
  vector a = from[0], b = from[step], d = from[2 * step], e = from[3 * step];
  vector even = a + d, odd = b + e, even_4 = a + 4 * d, odd_4 = 2 * b + 8 * e;
  to[0] = a;
  to[next] = even + odd;
  to[2 * next] = even - odd;
  to[3 * next] = even_4 + odd_4;
  to[4 * next] = even_4 - odd_4;
  to[5 * next] = e;
}

/* G: 3 -> 6 */
OIKOS_INLINE void filter_map(const vector *from, size_t step, vector *to, size_t next) {
  const real sixth = (real)1 / 6, twelfth = (real)1 / 12, quarter = (real)1 / 4,
             small = (real)1 / 24;
  vector a = from[0], b = from[step], d = from[2 * step];
  vector even = -sixth * (a + d), odd = -sixth * b, even_4 = small * a + sixth * d,
         odd_4 = twelfth * b;
  to[0] = quarter * a;
  to[next] = even + odd;
  to[2 * next] = even - odd;
  to[3 * next] = even_4 + odd_4;
  to[4 * next] = even_4 - odd_4;
  to[5 * next] = d;
}

/* G^T: 6 -> 3 */
OIKOS_INLINE void filter_map_transposed(const vector *from, size_t step, vector *to, size_t next) {
  const real sixth = (real)1 / 6, twelfth = (real)1 / 12, quarter = (real)1 / 4,
             small = (real)1 / 24;
  vector a = from[0], b = from[step], d = from[2 * step], e = from[3 * step], f = from[4 * step],
         g = from[5 * step];
  vector sum = sixth * (b + d), sum_2 = e + f;
  to[0] = quarter * a - sum + small * sum_2;
  to[next] = twelfth * (e - f) - sixth * (b - d);
  to[2 * next] = sixth * sum_2 - sum + g;
}

/* What one transform takes and gives: of the two, one is an image, or filters, and the other the 36
 * places of a transformed array, `stride` numbers apart. */
typedef struct map_job {
  const real *from;
  real *to;
  const real *bias;
  size_t stride, taps;        /* from one number of a filter to the next */
  size_t pixel[OIKOS_PLACES]; /* of a tile: where it stands in the image, */
  bool inside[OIKOS_PLACES];  /* if it is inside, */
  bool adds[OIKOS_PLACES];    /* and if a tile before has it too */
} map_job;

/* A vector of channels from j on, `width` of them: of one of the numbers that a transform takes, or
 * to one of those that it gives. */
typedef vector get(const map_job *a, size_t k, size_t j, size_t width);
typedef void put(const map_job *a, size_t k, size_t j, size_t width, vector value);

OIKOS_INLINE vector get_tap(const map_job *a, size_t k, size_t j, size_t width) {
  return oikos_load_some(a->from + k * a->taps + j, width);
}

OIKOS_INLINE vector get_place(const map_job *a, size_t k, size_t j, size_t width) {
  return oikos_load_some(a->from + k * a->stride + j, width);
}

OIKOS_INLINE vector get_pixel(const map_job *a, size_t k, size_t j, size_t width) {
  static const real zeros[LANES] = {0};
  return oikos_load_some(a->inside[k] ? a->from + a->pixel[k] + j : zeros, width);
}

OIKOS_INLINE void put_place(const map_job *a, size_t k, size_t j, size_t width, vector value) {
  oikos_store_some(a->to + k * a->stride + j, value, width);
}

OIKOS_INLINE void add_tap(const map_job *a, size_t k, size_t j, size_t width, vector value) {
  real *sum = a->to + k * a->taps + j;
  oikos_store_some(sum, oikos_load_some(sum, width) + value, width);
}

OIKOS_INLINE void add_pixel(const map_job *a, size_t k, size_t j, size_t width, vector value) {
  real *sum = a->to + a->pixel[k] + j;
  if (a->inside[k])
    oikos_store_some(sum, a->adds[k] ? oikos_load_some(sum, width) + value : value, width);
}

OIKOS_INLINE void put_pixel(const map_job *a, size_t k, size_t j, size_t width, vector value) {
  if (a->inside[k])
    oikos_store_some(a->to + a->pixel[k] + j, value + oikos_load_some(a->bias + j, width), width);
}

/* What is put (n_out, n_out) is the map of what is got (n_in, n_in): down its columns first, then
 * along its rows. */
OIKOS_INLINE void transform(map *f, size_t n_in, size_t n_out, get *from, put *to, const map_job *a,
                            size_t j, size_t width) {
  vector middle[WIDE * WIDE], line[WIDE];
#pragma GCC unroll 8
  for (size_t x = 0; x < n_in; x++) {
#pragma GCC unroll 8
    for (size_t y = 0; y < n_in; y++)
      line[y] = from(a, y * n_in + x, j, width);
    f(line, 1, middle + x, n_in);
  }
#pragma GCC unroll 8
  for (size_t y = 0; y < n_out; y++) {
    f(middle + y * n_in, 1, line, 1);
#pragma GCC unroll 8
    for (size_t x = 0; x < n_out; x++)
      to(a, y * n_out + x, j, width, line[x]);
  }
}

/* All channels. */
OIKOS_INLINE void transform_all(map *f, size_t n_in, size_t n_out, get *from, put *to,
                                const map_job *a, size_t channels) {
  size_t j = 0;
  for (; j + LANES <= channels; j += LANES)
    transform(f, n_in, n_out, from, to, a, j, LANES);
  if (j < channels)
    transform(f, n_in, n_out, from, to, a, j, channels - j);
}

void oikos_winograd_filter(size_t rows, size_t columns, const real *w, real *u) {
  map_job a = {.stride = oikos_winograd_stride(rows, columns), .taps = columns};
  for (size_t row = 0; row < rows; row++) {
    a.from = w + row * CORE * CORE * columns;
    a.to = u + row * columns;
    transform_all(filter_map, CORE, WIDE, get_tap, put_place, &a, columns);
  }
}

void oikos_winograd_filter_transposed(size_t rows, size_t columns, const real *du, real *dw) {
  map_job a = {.stride = oikos_winograd_stride(rows, columns), .taps = columns};
  for (size_t row = 0; row < rows; row++) {
    a.from = du + row * columns;
    a.to = dw + row * CORE * CORE * columns;
    transform_all(filter_map_transposed, WIDE, CORE, get_place, add_tap, &a, columns);
  }
}

/* Images, and the tiles of `size` x `size` pixels that begin `before` them. */
typedef struct pictures {
  int64_t height, width, channels, size, before;
} pictures;

static pictures inputs_of(const oikos_tiles *g) {
  return (pictures){g->height, g->width, g->channels, WIDE, g->padding};
}

static pictures outputs_of(const oikos_tiles *g) {
  return (pictures){g->out_h, g->out_w, g->filters, TILE, 0};
}

/* The pixels of the tile at (top, left). */
static void place_pixels(const pictures *s, int64_t top, int64_t left, map_job *a) {
  for (int64_t i = 0, k = 0; i < s->size; i++)
    for (int64_t j = 0; j < s->size; j++, k++) {
      int64_t y = top + i, x = left + j;
      a->inside[k] = y >= 0 && y < s->height && x >= 0 && x < s->width;
      a->adds[k] =
          (i < s->size - TILE && top > -s->before) || (j < s->size - TILE && left > -s->before);
      a->pixel[k] = a->inside[k] ? (size_t)((y * s->width + x) * s->channels) : 0;
    }
}

/* All tiles of n images: to the places, or from them. */
OIKOS_INLINE void all_tiles(map *f, size_t n_in, size_t n_out, get *get_one, put *put_one,
                            const oikos_tiles *g, const pictures *s, size_t n, const real *from,
                            const real *bias, real *to) {
  size_t each = (size_t)(g->tiles_y * g->tiles_x), c = (size_t)s->channels,
         image = (size_t)(s->height * s->width) * c;
  map_job a = {.stride = oikos_winograd_stride(n * each, c), .bias = bias};
  for (size_t tile = 0; tile < each; tile++) {
    int64_t top = (int64_t)tile / g->tiles_x * TILE, left = (int64_t)tile % g->tiles_x * TILE;
    place_pixels(s, top - s->before, left - s->before, &a);
    bool to_places = put_one == put_place;
    for (size_t i = 0; i < n; i++) {
      size_t in_image = i * image, in_places = (i * each + tile) * c;
      a.from = from + (to_places ? in_image : in_places);
      a.to = to + (to_places ? in_places : in_image);
      transform_all(f, n_in, n_out, get_one, put_one, &a, c);
    }
  }
}

void oikos_winograd_input(const oikos_tiles *g, size_t n, const real *x, real *v) {
  pictures s = inputs_of(g);
  all_tiles(input_map, WIDE, WIDE, get_pixel, put_place, g, &s, n, x, NULL, v);
}

void oikos_winograd_input_transposed(const oikos_tiles *g, size_t n, const real *dv, real *dx) {
  pictures s = inputs_of(g);
  all_tiles(input_map_transposed, WIDE, WIDE, get_place, add_pixel, g, &s, n, dv, NULL, dx);
}

void oikos_winograd_output(const oikos_tiles *g, size_t n, const real *m, const real *bias,
                           real *y) {
  pictures s = outputs_of(g);
  all_tiles(output_map, WIDE, TILE, get_place, put_pixel, g, &s, n, m, bias, y);
}

void oikos_winograd_output_transposed(const oikos_tiles *g, size_t n, const real *dy, real *dm) {
  pictures s = outputs_of(g);
  all_tiles(output_map_transposed, TILE, WIDE, get_pixel, put_place, g, &s, n, dy, NULL, dm);
}
