/* SPDX-License-Identifier: MIT
 * The formulas of the layers as direct loops in double, written without a look at src/net: the
 * truth of test_layers. */
#ifndef OIKOS_TESTS_LAYER_REFERENCE_H
#define OIKOS_TESTS_LAYER_REFERENCE_H

#include <math.h>
#include <string.h>

#include "oikos/network.h"

/* A layer and its geometry, stated here and not taken from the library. */
typedef struct layer_case {
  const char *kind;
  size_t n;
  oikos_shape in, out;
  int64_t kernel_h, kernel_w, stride, padding; /* conv2d, max_pool */
  double epsilon;                              /* batch_norm */
} layer_case;

static inline size_t numbers(oikos_shape s) {
  return (size_t)(s.height * s.width * s.channels);
}

static inline void reference_dense(const layer_case *k, const double *x, const double *theta,
                                   double *y) {
  size_t in = numbers(k->in), out = numbers(k->out);
  for (size_t i = 0; i < k->n; i++)
    for (size_t o = 0; o < out; o++) {
      y[i * out + o] = theta[out * in + o];
      for (size_t j = 0; j < in; j++)
        y[i * out + o] += theta[o * in + j] * x[i * in + j];
    }
}

/* The input of example i at a position that may lie in the padding. */
static inline double pixel(const layer_case *k, const double *x, size_t i, int64_t row,
                           int64_t column, int64_t c) {
  if (row < 0 || row >= k->in.height || column < 0 || column >= k->in.width)
    return 0;
  return x[(size_t)((((int64_t)i * k->in.height + row) * k->in.width + column) * k->in.channels +
                    c)];
}

static inline double convolve(const layer_case *k, const double *x, const double *theta, size_t i,
                              int64_t oy, int64_t ox, int64_t f) {
  double sum = theta[k->out.channels * k->kernel_h * k->kernel_w * k->in.channels + f];
  for (int64_t ky = 0; ky < k->kernel_h; ky++)
    for (int64_t kx = 0; kx < k->kernel_w; kx++)
      for (int64_t c = 0; c < k->in.channels; c++)
        sum +=
            theta[((f * k->kernel_h + ky) * k->kernel_w + kx) * k->in.channels + c] *
            pixel(k, x, i, oy * k->stride + ky - k->padding, ox * k->stride + kx - k->padding, c);
  return sum;
}

static inline double pool(const layer_case *k, const double *x, size_t i, int64_t oy, int64_t ox,
                          int64_t c) {
  double most = -INFINITY;
  for (int64_t ky = 0; ky < k->kernel_h; ky++)
    for (int64_t kx = 0; kx < k->kernel_w; kx++)
      most = fmax(most, pixel(k, x, i, oy * k->stride + ky, ox * k->stride + kx, c));
  return most;
}

static inline void reference_batch_norm(const layer_case *k, const double *x, const double *theta,
                                        double *y) {
  size_t channels = (size_t)k->in.channels, rows = k->n * numbers(k->in) / channels;
  for (size_t c = 0; c < channels; c++) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < rows; i++)
      mean += x[i * channels + c] / (double)rows;
    for (size_t i = 0; i < rows; i++)
      variance += pow(x[i * channels + c] - mean, 2) / (double)rows;
    for (size_t i = 0; i < rows; i++)
      y[i * channels + c] = theta[c] * (x[i * channels + c] - mean) / sqrt(variance + k->epsilon) +
                            theta[channels + c];
  }
}

/* out = in: the mean alone; out = 2 in: behind the example's own numbers. */
static inline void reference_set_mean(const layer_case *k, const double *x, double *y) {
  size_t in = numbers(k->in), out = numbers(k->out);
  for (size_t i = 0; i < k->n; i++)
    for (size_t c = 0; c < out; c++) {
      y[i * out + c] = out > in && c < in ? x[i * in + c] : 0;
      for (size_t j = 0; c >= out - in && j < k->n; j++)
        y[i * out + c] += x[j * in + c - (out - in)] / (double)k->n;
    }
}

/* Of the first 2 w numbers: a of the rows, b of the columns; a vector holds x behind the map. */
static inline void reference_outer_product(const layer_case *k, const double *x, double *y) {
  size_t in = numbers(k->in), out = numbers(k->out), kept = out > in && k->out.height == 1 ? in : 0,
         w = (size_t)lround(sqrt((double)(out - kept)));
  for (size_t i = 0; i < k->n; i++)
    for (size_t o = 0; o < out; o++)
      y[i * out + o] =
          o < w * w ? x[i * in + o / w] * x[i * in + w + o % w] : x[i * in + o - w * w];
}

/* Of the layers that treat each number by itself. */
static inline double reference_of_one(const char *kind, double x) {
  if (strcmp(kind, "relu") == 0)
    return fmax(x, 0);
  if (strcmp(kind, "tanh") == 0)
    return tanh(x);
  return x;
}

static inline void reference(const layer_case *k, const double *x, const double *theta, double *y) {
  size_t count = k->n * numbers(k->out), at = 0;
  if (strcmp(k->kind, "dense") == 0) {
    reference_dense(k, x, theta, y);
  } else if (strcmp(k->kind, "batch_norm") == 0) {
    reference_batch_norm(k, x, theta, y);
  } else if (strcmp(k->kind, "set_mean") == 0) {
    reference_set_mean(k, x, y);
  } else if (strcmp(k->kind, "outer_product") == 0) {
    reference_outer_product(k, x, y);
  } else if (k->kernel_h) {
    for (size_t i = 0; i < k->n; i++)
      for (int64_t oy = 0; oy < k->out.height; oy++)
        for (int64_t ox = 0; ox < k->out.width; ox++)
          for (int64_t c = 0; c < k->out.channels; c++, at++)
            y[at] =
                k->kind[0] == 'c' ? convolve(k, x, theta, i, oy, ox, c) : pool(k, x, i, oy, ox, c);
  } else {
    for (size_t i = 0; i < count; i++)
      y[i] = reference_of_one(k->kind, x[i]);
  }
}

#endif
