/* SPDX-License-Identifier: MIT */
#include "math/im2col.h"

#include <stdbool.h>
#include <string.h>

typedef oikos_real real;

/* The kernel columns kx that fall inside the image for output column ox: [*first, *last). */
static void inside(const oikos_patches *g, int64_t ox, int64_t *first, int64_t *last) {
  int64_t left = ox * g->stride - g->padding;
  *first = left < 0 ? -left : 0;
  *last = left + g->kernel_w > g->width ? g->width - left : g->kernel_w;
  *first = *first > g->kernel_w ? g->kernel_w : *first;
  *last = *last < *first ? *first : *last;
}

/* One kernel row of one patch: kernel_w * channels numbers; source is NULL for a row outside the
 * image. */
static void copy_row(const oikos_patches *g, int64_t ox, const real *source, real *to) {
  size_t c = (size_t)g->channels;
  int64_t first = g->kernel_w, last = g->kernel_w;
  if (source)
    inside(g, ox, &first, &last);
  memset(to, 0, (size_t)first * c * sizeof *to);
  if (last > first)
    memcpy(to + (size_t)first * c, source + (ox * g->stride - g->padding + first) * g->channels,
           (size_t)(last - first) * c * sizeof *to);
  memset(to + (size_t)last * c, 0, (size_t)(g->kernel_w - last) * c * sizeof *to);
}

/* to (n) = from; the patches of a few channels are too short for a call each. */
static inline void copy(size_t n, const real *restrict from, real *restrict to) {
  if (n >= 16)
    memcpy(to, from, n * sizeof *to);
  else
    for (size_t i = 0; i < n; i++)
      to[i] = from[i];
}

/* Whether a patch lies in the image as a whole. */
static bool whole(const oikos_patches *g, int64_t top, int64_t left) {
  return top >= 0 && left >= 0 && top + g->kernel_h <= g->height && left + g->kernel_w <= g->width;
}

void oikos_im2col(const oikos_patches *g, size_t n, const real *x, real *rows) {
  int64_t image = g->height * g->width * g->channels, run = g->kernel_w * g->channels;
  for (size_t i = 0; i < n; i++, x += image)
    for (int64_t oy = 0; oy < g->out_h; oy++)
      for (int64_t ox = 0; ox < g->out_w; ox++) {
        int64_t top = oy * g->stride - g->padding, left = ox * g->stride - g->padding;
        bool inner = whole(g, top, left);
        for (int64_t y = top; y < top + g->kernel_h; y++, rows += run)
          if (inner)
            copy((size_t)run, x + (y * g->width + left) * g->channels, rows);
          else
            copy_row(g, ox, y >= 0 && y < g->height ? x + y * g->width * g->channels : NULL, rows);
      }
}

void oikos_col2im(const oikos_patches *g, size_t n, const real *rows, real *x) {
  int64_t image = g->height * g->width * g->channels, run = g->kernel_w * g->channels;
  memset(x, 0, n * (size_t)image * sizeof *x);
  for (size_t i = 0; i < n; i++, x += image)
    for (int64_t oy = 0; oy < g->out_h; oy++)
      for (int64_t ox = 0; ox < g->out_w; ox++)
        for (int64_t ky = 0; ky < g->kernel_h; ky++, rows += run) {
          int64_t y = oy * g->stride - g->padding + ky, first, last;
          if (y < 0 || y >= g->height)
            continue;
          inside(g, ox, &first, &last);
          real *restrict to =
              x + (y * g->width + ox * g->stride - g->padding + first) * g->channels;
          const real *restrict from = rows + first * g->channels;
          for (int64_t k = 0; k < (last - first) * g->channels; k++)
            to[k] += from[k];
        }
}
