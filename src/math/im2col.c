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

/* An output position: its image, and where its patch begins. */
typedef struct position {
  size_t image; /* in numbers from the first */
  int64_t ox, top, left;
} position;

static position position_of(const oikos_patches *g, size_t index) {
  size_t each = (size_t)(g->out_h * g->out_w), within = index % each;
  int64_t oy = (int64_t)(within / (size_t)g->out_w), ox = (int64_t)(within % (size_t)g->out_w);
  return (position){index / each * (size_t)(g->height * g->width * g->channels), ox,
                    oy * g->stride - g->padding, ox * g->stride - g->padding};
}

void oikos_im2col(const oikos_patches *g, size_t first, size_t count, const real *x, real *rows) {
  int64_t run = g->kernel_w * g->channels, line = g->width * g->channels;
  for (size_t i = first; i < first + count; i++) {
    position p = position_of(g, i);
    const real *image = x + p.image;
    bool inner = whole(g, p.top, p.left);
    for (int64_t y = p.top; y < p.top + g->kernel_h; y++, rows += run)
      if (inner)
        copy((size_t)run, image + y * line + p.left * g->channels, rows);
      else
        copy_row(g, p.ox, y >= 0 && y < g->height ? image + y * line : NULL, rows);
  }
}

void oikos_col2im(const oikos_patches *g, size_t first, size_t count, const real *rows, real *x) {
  int64_t run = g->kernel_w * g->channels, line = g->width * g->channels;
  for (size_t i = first; i < first + count; i++) {
    position p = position_of(g, i);
    int64_t from, to;
    inside(g, p.ox, &from, &to);
    for (int64_t y = p.top; y < p.top + g->kernel_h; y++, rows += run) {
      if (y < 0 || y >= g->height)
        continue;
      real *restrict sum = x + p.image + (size_t)(y * line + (p.left + from) * g->channels);
      const real *restrict add = rows + from * g->channels;
      for (int64_t k = 0; k < (to - from) * g->channels; k++)
        sum[k] += add[k];
    }
  }
}
