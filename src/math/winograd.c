/* SPDX-License-Identifier: MIT
 * Each transform is one of six maps of a short line of channel vectors, applied to the rows of a
 * tile and then to its columns. */
#include "math/winograd.h"

#include <string.h>

typedef oikos_real real;

enum { WIDE = 6, CORE = 3 };

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

/* A tile half way, one at its end, and zeros. */
size_t oikos_winograd_scratch(size_t channels) {
  return (2 * WIDE * WIDE + 1) * channels;
}

/* A map of a line: `from` and `to` are its vectors of c numbers. */
typedef void map(size_t c, const real *const *from, real *const *to);

/* B^T: 6 -> 6 */
static void input_map(size_t c, const real *const *from, real *const *to) {
  const real *restrict a = from[0], *restrict b = from[1], *restrict d = from[2],
                       *restrict e = from[3], *restrict f = from[4], *restrict g = from[5];
  real *restrict p = to[0], *restrict q = to[1], *restrict r = to[2], *restrict s = to[3],
                 *restrict t = to[4], *restrict u = to[5];
#pragma omp simd
  for (size_t i = 0; i < c; i++) {
    real even = f[i] - 4 * d[i], odd = e[i] - 4 * b[i], near = f[i] - d[i],
         twice = 2 * (e[i] - b[i]);
    p[i] = 4 * a[i] - 5 * d[i] + f[i];
    q[i] = even + odd;
    r[i] = even - odd;
    s[i] = near + twice;
    t[i] = near - twice;
    u[i] = 4 * b[i] - 5 * e[i] + g[i];
  }
}

/* B: 6 -> 6 */
static void input_map_transposed(size_t c, const real *const *from, real *const *to) {
  const real *restrict a = from[0], *restrict b = from[1], *restrict d = from[2],
                       *restrict e = from[3], *restrict f = from[4], *restrict g = from[5];
  real *restrict p = to[0], *restrict q = to[1], *restrict r = to[2], *restrict s = to[3],
                 *restrict t = to[4], *restrict u = to[5];
#pragma omp simd
  for (size_t i = 0; i < c; i++) {
    real sum = b[i] + d[i], difference = b[i] - d[i], sum_2 = e[i] + f[i],
         difference_2 = 2 * (e[i] - f[i]);
    p[i] = 4 * a[i];
    q[i] = 4 * g[i] - 4 * difference - difference_2;
    r[i] = -5 * a[i] - 4 * sum - sum_2;
    s[i] = difference + difference_2 - 5 * g[i];
    t[i] = a[i] + sum + sum_2;
    u[i] = g[i];
  }
}

/* A^T: 6 -> 4 */
static void output_map(size_t c, const real *const *from, real *const *to) {
  const real *restrict a = from[0], *restrict b = from[1], *restrict d = from[2],
                       *restrict e = from[3], *restrict f = from[4], *restrict g = from[5];
  real *restrict p = to[0], *restrict q = to[1], *restrict r = to[2], *restrict s = to[3];
#pragma omp simd
  for (size_t i = 0; i < c; i++) {
    real sum = b[i] + d[i], difference = b[i] - d[i], sum_2 = e[i] + f[i],
         difference_2 = e[i] - f[i];
    p[i] = a[i] + sum + sum_2;
    q[i] = difference + 2 * difference_2;
    r[i] = sum + 4 * sum_2;
    s[i] = difference + 8 * difference_2 + g[i];
  }
}

/* A: 4 -> 6 */
static void output_map_transposed(size_t c, const real *const *from, real *const *to) {
  const real *restrict a = from[0], *restrict b = from[1], *restrict d = from[2],
                       *restrict e = from[3];
  real *restrict p = to[0], *restrict q = to[1], *restrict r = to[2], *restrict s = to[3],
                 *restrict t = to[4], *restrict u = to[5];
#pragma omp simd
  for (size_t i = 0; i < c; i++) {
    real even = a[i] + d[i], odd = b[i] + e[i], even_4 = a[i] + 4 * d[i],
         odd_4 = 2 * b[i] + 8 * e[i];
    p[i] = a[i];
    q[i] = even + odd;
    r[i] = even - odd;
    s[i] = even_4 + odd_4;
    t[i] = even_4 - odd_4;
    u[i] = e[i];
  }
}

/* G: 3 -> 6 */
static void filter_map(size_t c, const real *const *from, real *const *to) {
  const real *restrict a = from[0], *restrict b = from[1], *restrict d = from[2];
  real *restrict p = to[0], *restrict q = to[1], *restrict r = to[2], *restrict s = to[3],
                 *restrict t = to[4], *restrict u = to[5];
  const real sixth = (real)1 / 6, twelfth = (real)1 / 12, quarter = (real)1 / 4,
             small = (real)1 / 24;
#pragma omp simd
  for (size_t i = 0; i < c; i++) {
    real even = -sixth * (a[i] + d[i]), odd = -sixth * b[i], even_4 = small * a[i] + sixth * d[i],
         odd_4 = twelfth * b[i];
    p[i] = quarter * a[i];
    q[i] = even + odd;
    r[i] = even - odd;
    s[i] = even_4 + odd_4;
    t[i] = even_4 - odd_4;
    u[i] = d[i];
  }
}

/* G^T: 6 -> 3 */
static void filter_map_transposed(size_t c, const real *const *from, real *const *to) {
  const real *restrict a = from[0], *restrict b = from[1], *restrict d = from[2],
                       *restrict e = from[3], *restrict f = from[4], *restrict g = from[5];
  real *restrict p = to[0], *restrict q = to[1], *restrict r = to[2];
  const real sixth = (real)1 / 6, twelfth = (real)1 / 12, quarter = (real)1 / 4,
             small = (real)1 / 24;
#pragma omp simd
  for (size_t i = 0; i < c; i++) {
    real sum = sixth * (b[i] + d[i]), sum_2 = e[i] + f[i];
    p[i] = quarter * a[i] - sum + small * sum_2;
    q[i] = twelfth * (e[i] - f[i]) - sixth * (b[i] - d[i]);
    r[i] = sixth * sum_2 - sum + g[i];
  }
}

/* to (n_out, n_out) = the map of from (n_in, n_in), first down its columns, then along its rows;
 * `middle` (n_out, n_in, c) is scratch. */
static inline void transform(map *f, size_t n_in, size_t n_out, size_t c, const real *const *from,
                             real *middle, real *const *to) {
  for (size_t j = 0; j < n_in; j++) {
    const real *line[WIDE];
    real *image[WIDE];
    for (size_t i = 0; i < n_in; i++)
      line[i] = from[i * n_in + j];
    for (size_t i = 0; i < n_out; i++)
      image[i] = middle + (i * n_in + j) * c;
    f(c, line, image);
  }
  for (size_t i = 0; i < n_out; i++) {
    const real *line[WIDE];
    for (size_t j = 0; j < n_in; j++)
      line[j] = middle + (i * n_in + j) * c;
    f(c, line, to + i * n_out);
  }
}

void oikos_winograd_filter(size_t rows, size_t columns, const real *w, real *u, real *scratch) {
  size_t stride = oikos_winograd_stride(rows, columns);
  for (size_t row = 0; row < rows; row++) {
    const real *from[CORE * CORE];
    real *to[OIKOS_PLACES];
    for (size_t k = 0; k < CORE * CORE; k++)
      from[k] = w + (row * CORE * CORE + k) * columns;
    for (size_t k = 0; k < OIKOS_PLACES; k++)
      to[k] = u + k * stride + row * columns;
    transform(filter_map, CORE, WIDE, columns, from, scratch, to);
  }
}

void oikos_winograd_filter_transposed(size_t rows, size_t columns, const real *du, real *dw,
                                      real *scratch) {
  size_t stride = oikos_winograd_stride(rows, columns);
  real *sum = scratch + (size_t)WIDE * WIDE / 2 * columns; // (9, columns), behind the middle (18)
  for (size_t row = 0; row < rows; row++) {
    const real *from[OIKOS_PLACES];
    real *to[CORE * CORE], *restrict out = dw + row * CORE * CORE * columns;
    for (size_t k = 0; k < OIKOS_PLACES; k++)
      from[k] = du + k * stride + row * columns;
    for (size_t k = 0; k < CORE * CORE; k++)
      to[k] = sum + k * columns;
    transform(filter_map_transposed, WIDE, CORE, columns, from, scratch, to);
    for (size_t k = 0; k < CORE * CORE * columns; k++)
      out[k] += sum[k];
  }
}

/* Where the pixels of a tile of `size` x `size` that begins at (top, left) stand in an image
 * (height, width, c): in numbers, -1 for those outside. */
static void place_pixels(int64_t height, int64_t width, size_t c, int64_t top, int64_t left,
                         int64_t size, int64_t *place) {
  for (int64_t i = 0; i < size; i++)
    for (int64_t j = 0; j < size; j++) {
      int64_t y = top + i, x = left + j;
      int inside = y >= 0 && y < height && x >= 0 && x < width;
      place[i * size + j] = inside ? (y * width + x) * (int64_t)c : -1;
    }
}

/* Tile number `tile` of some images: which image, and its first output. */
typedef struct corner {
  size_t image;
  int64_t y, x;
} corner;

static corner corner_of(const oikos_tiles *g, size_t tile) {
  size_t across = (size_t)g->tiles_x, each = (size_t)g->tiles_y * across;
  return (corner){tile / each, (int64_t)(tile % each / across) * OIKOS_TILE,
                  (int64_t)(tile % across) * OIKOS_TILE};
}

static size_t count_tiles(const oikos_tiles *g, size_t n) {
  return n * (size_t)(g->tiles_y * g->tiles_x);
}

void oikos_winograd_input(const oikos_tiles *g, size_t n, const real *x, real *v, real *scratch) {
  size_t c = (size_t)g->channels, tiles = count_tiles(g, n),
         stride = oikos_winograd_stride(tiles, c), size = (size_t)(g->height * g->width) * c;
  real *zeros = scratch + (size_t)OIKOS_PLACES * c;
  memset(zeros, 0, c * sizeof *zeros);
  for (size_t tile = 0; tile < tiles; tile++) {
    corner at = corner_of(g, tile);
    const real *from[OIKOS_PLACES], *image = x + at.image * size;
    real *to[OIKOS_PLACES];
    int64_t place[OIKOS_PLACES];
    place_pixels(g->height, g->width, c, at.y - g->padding, at.x - g->padding, WIDE, place);
    for (size_t k = 0; k < OIKOS_PLACES; k++) {
      from[k] = place[k] < 0 ? zeros : image + place[k];
      to[k] = v + k * stride + tile * c;
    }
    transform(input_map, WIDE, WIDE, c, from, scratch, to);
  }
}

void oikos_winograd_input_transposed(const oikos_tiles *g, size_t n, const real *dv, real *dx,
                                     real *scratch) {
  size_t c = (size_t)g->channels, tiles = count_tiles(g, n),
         stride = oikos_winograd_stride(tiles, c), size = (size_t)(g->height * g->width) * c;
  memset(dx, 0, n * size * sizeof *dx);
  for (size_t tile = 0; tile < tiles; tile++) {
    corner at = corner_of(g, tile);
    const real *from[OIKOS_PLACES];
    real *to[OIKOS_PLACES], *image = dx + at.image * size;
    int64_t place[OIKOS_PLACES];
    place_pixels(g->height, g->width, c, at.y - g->padding, at.x - g->padding, WIDE, place);
    for (size_t k = 0; k < OIKOS_PLACES; k++) {
      from[k] = dv + k * stride + tile * c;
      to[k] = scratch + (size_t)(OIKOS_PLACES + k) * c;
    }
    transform(input_map_transposed, WIDE, WIDE, c, from, scratch, to);
    for (size_t k = 0; k < OIKOS_PLACES; k++) {
      real *restrict sum = image + (place[k] < 0 ? 0 : place[k]);
      for (size_t i = 0; place[k] >= 0 && i < c; i++)
        sum[i] += to[k][i];
    }
  }
}

void oikos_winograd_output(const oikos_tiles *g, size_t n, const real *m, const real *bias, real *y,
                           real *scratch) {
  size_t f = (size_t)g->filters, tiles = count_tiles(g, n),
         stride = oikos_winograd_stride(tiles, f), size = (size_t)(g->out_h * g->out_w) * f;
  for (size_t tile = 0; tile < tiles; tile++) {
    corner at = corner_of(g, tile);
    const real *from[OIKOS_PLACES];
    real *to[OIKOS_TILE * OIKOS_TILE], *image = y + at.image * size;
    int64_t place[OIKOS_TILE * OIKOS_TILE];
    place_pixels(g->out_h, g->out_w, f, at.y, at.x, OIKOS_TILE, place);
    for (size_t k = 0; k < OIKOS_PLACES; k++)
      from[k] = m + k * stride + tile * f;
    for (size_t k = 0; k < OIKOS_TILE * OIKOS_TILE; k++)
      to[k] = place[k] < 0 ? scratch + (OIKOS_PLACES + k) * f : image + place[k]; // or dropped
    transform(output_map, WIDE, OIKOS_TILE, f, from, scratch, to);
    for (size_t k = 0; k < OIKOS_TILE * OIKOS_TILE; k++)
      for (size_t i = 0; place[k] >= 0 && i < f; i++)
        to[k][i] += bias[i];
  }
}

void oikos_winograd_output_transposed(const oikos_tiles *g, size_t n, const real *dy, real *dm,
                                      real *scratch) {
  size_t f = (size_t)g->filters, tiles = count_tiles(g, n),
         stride = oikos_winograd_stride(tiles, f), size = (size_t)(g->out_h * g->out_w) * f;
  real *zeros = scratch + (size_t)OIKOS_PLACES * f;
  memset(zeros, 0, f * sizeof *zeros);
  for (size_t tile = 0; tile < tiles; tile++) {
    corner at = corner_of(g, tile);
    const real *from[OIKOS_TILE * OIKOS_TILE], *image = dy + at.image * size;
    real *to[OIKOS_PLACES];
    int64_t place[OIKOS_TILE * OIKOS_TILE];
    place_pixels(g->out_h, g->out_w, f, at.y, at.x, OIKOS_TILE, place);
    for (size_t k = 0; k < OIKOS_TILE * OIKOS_TILE; k++)
      from[k] = place[k] < 0 ? zeros : image + place[k];
    for (size_t k = 0; k < OIKOS_PLACES; k++)
      to[k] = dm + k * stride + tile * f;
    transform(output_map_transposed, OIKOS_TILE, WIDE, f, from, scratch, to);
  }
}
