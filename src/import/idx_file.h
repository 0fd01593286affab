/* SPDX-License-Identifier: MIT
 *
 * IDX, the format of MNIST: two zero bytes, a type byte, the number of dimensions, each dimension
 * as a big-endian 32-bit integer, then the elements. And how a data set's files are found by name.
 */
#ifndef OIKOS_IMPORT_IDX_FILE_H
#define OIKOS_IMPORT_IDX_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "import/stream.h"
#include "oikos/error.h"

enum { OIKOS_IDX_MAX_SIDE = 4096 }; /**< largest height and width of an image accepted */

/** An images file and the labels file that belongs to it. */
typedef struct oikos_idx_pair {
  char *images, *labels; /**< paths */
  bool test; /**< a word before "images" begins with test, contains evaluation, or is t10k */
} oikos_idx_pair;

typedef struct oikos_idx_pairs {
  oikos_idx_pair *pair; /**< (n): training pairs first, then by path */
  int64_t n;
} oikos_idx_pairs;

/** Add the pairs of @p source, a folder or one images file. On failure release @p pairs too.
 * @return OIKOS_USAGE for pairs of several data sets: whose names differ in other words than those
 * that tell train, test, background and so on */
oikos_status oikos_idx_find(oikos_idx_pairs *pairs, const char *source, oikos_error *err);

void oikos_idx_pairs_free(oikos_idx_pairs *pairs);

/** Read the header of an images file: unsigned bytes, dims[0] images of dims[1] x dims[2]. */
oikos_status oikos_idx_images(oikos_stream *stream, const char *path, int64_t dims[3],
                              oikos_error *err);

/**
 * Read a whole labels file: unsigned bytes or 32-bit integers, in one dimension, or in two, where
 * the first number of each row is the label (QMNIST).
 * @param[out] labels (*n), released by free(); not set on failure
 */
oikos_status oikos_idx_labels(const char *path, int32_t **labels, int64_t *n, oikos_error *err);

#endif
