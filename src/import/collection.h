/* SPDX-License-Identifier: MIT
 *
 * What an importer gathers before it writes: grey images in the order they were read, then classes
 * in the order they are to be stored.
 *
 *   oikos_collection_add()    for each image read: image 0, 1, 2 ...
 *   oikos_collection_class()  for each class in stored order, and after it
 *   oikos_collection_place()  for each of its images
 *   oikos_collection_write(), oikos_collection_free()
 */
#ifndef OIKOS_IMPORT_COLLECTION_H
#define OIKOS_IMPORT_COLLECTION_H

#include <stdint.h>

#include "import/import.h"
#include "oikos/error.h"

/** The most pixel bytes a collection holds, so that no source fills the memory. */
#define OIKOS_COLLECTION_MAX_BYTES (INT64_C(8) << 30)

/** Set height and width, the rest 0. Read n; leave the rest to the functions below. */
typedef struct oikos_collection {
  int64_t height, width;
  int64_t n, capacity;
  uint8_t *pixels; /* (n, height, width) as read */
  int64_t *order;  /* (placed): which image is stored at each place */
  int64_t placed, n_classes, class_capacity;
  int64_t *class_start; /* (n_classes + 1), the last set when written */
  char **class_name;
  int32_t *class_group;
  uint8_t *split;
  int64_t n_groups, group_capacity;
  char **group_name;
} oikos_collection;

/**
 * Room for one more image, number c->n - 1 from now on.
 * @param[out] pixels (height, width), valid until the next add
 * @return OIKOS_ERROR beyond OIKOS_COLLECTION_MAX_BYTES
 */
oikos_status oikos_collection_add(oikos_collection *c, uint8_t **pixels, oikos_error *err);

/** Begin the next class. The classes of a group follow each other; NULL is one group named "". */
oikos_status oikos_collection_class(oikos_collection *c, const char *name, const char *group,
                                    uint8_t split, oikos_error *err);

/** Store image @p image (0 .. n-1) next, in the class begun last; at most n can be placed. */
oikos_status oikos_collection_place(oikos_collection *c, int64_t image, oikos_error *err);

/** Write job->output, telling job->progress. The source attribute names @p kind and the sources. */
oikos_status oikos_collection_write(oikos_collection *c, const oikos_import_job *job,
                                    const char *kind, oikos_error *err);

void oikos_collection_free(oikos_collection *c);

#endif
