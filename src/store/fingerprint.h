/* SPDX-License-Identifier: MIT
 *
 * Fingerprints of what a data file calls by name, and in which order: XXH3-128, as text. What a
 * network has learnt belongs to places, the first feature, the seventh item; two files whose
 * fingerprints differ mean different things by them.
 */
#ifndef OIKOS_STORE_FINGERPRINT_H
#define OIKOS_STORE_FINGERPRINT_H

#include "store/block_hash.h"
#include "tasks/image_index.h"
#include "tasks/ratings_index.h"
#include "tasks/table_index.h"

typedef struct oikos_fingerprint {
  /** Of what weights belong to: of a table its features and targets, of ratings its users, items,
   * and what is told of them, of images height, width and channels. */
  char inputs[OIKOS_DIGEST];
  /** Of all names, with the groups of a table, the classes and groups of images, the splits. */
  char names[OIKOS_DIGEST];
} oikos_fingerprint;

oikos_status oikos_fingerprint_images(const oikos_image_index *x, oikos_fingerprint *print,
                                      oikos_error *err);
oikos_status oikos_fingerprint_table(const oikos_table_index *x, oikos_fingerprint *print,
                                     oikos_error *err);
oikos_status oikos_fingerprint_ratings(const oikos_ratings_index *x, oikos_fingerprint *print,
                                       oikos_error *err);

#endif
