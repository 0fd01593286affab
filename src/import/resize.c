/* SPDX-License-Identifier: MIT */
#include "import/resize.h"

#include <string.h>

/* The source pixels under output pixel i of n, on an axis cut into from * to equal parts. */
typedef struct span {
  int64_t begin, end; /* in parts */
  int64_t first, last;
} span;

static span span_of(int64_t i, int64_t from, int64_t to) {
  span s = {i * from, (i + 1) * from, 0, 0};
  s.first = s.begin / to;
  s.last = (s.end - 1) / to;
  return s;
}

/* Parts of source pixel p (which is `to` parts wide) inside the span. */
static int64_t weight(const span *s, int64_t p, int64_t to) {
  int64_t begin = p * to, end = begin + to;
  return (end < s->end ? end : s->end) - (begin > s->begin ? begin : s->begin);
}

static int64_t row_sum(const uint8_t *row, const span *x, int64_t to) {
  int64_t sum = weight(x, x->first, to) * row[x->first], middle = 0;
  if (x->last == x->first)
    return sum;
  for (int64_t p = x->first + 1; p < x->last; p++)
    middle += row[p];
  return sum + middle * to + weight(x, x->last, to) * row[x->last];
}

oikos_status oikos_resize_area(const uint8_t *from, int64_t from_height, int64_t from_width,
                               uint8_t *to, int64_t to_height, int64_t to_width, oikos_error *err) {
  if (to_height < 1 || to_width < 1 || to_height > from_height || to_width > from_width ||
      from_height > OIKOS_RESIZE_MAX_SIDE || from_width > OIKOS_RESIZE_MAX_SIDE)
    return oikos_fail(err, OIKOS_USAGE,
                      "images of %lldx%lld cannot be made %lldx%lld: images are only made smaller; "
                      "give a size from 1 to that of the source",
                      (long long)from_height, (long long)from_width, (long long)to_height,
                      (long long)to_width);
  if (from_height == to_height && from_width == to_width) {
    memcpy(to, from, (size_t)(from_height * from_width));
    return OIKOS_OK;
  }
  int64_t area = from_height * from_width; /* parts of an output pixel, the same for all */
  for (int64_t i = 0; i < to_height; i++) {
    span y = span_of(i, from_height, to_height);
    for (int64_t j = 0; j < to_width; j++) {
      span x = span_of(j, from_width, to_width);
      int64_t sum = 0;
      for (int64_t p = y.first; p <= y.last; p++)
        sum += weight(&y, p, to_height) * row_sum(from + p * from_width, &x, to_width);
      to[i * to_width + j] = (uint8_t)((2 * sum + area) / (2 * area));
    }
  }
  return OIKOS_OK;
}
