/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/collection.h"
#include "import/idx_file.h"
#include "import/resize.h"

enum { PROGRESS_EVERY = 1024, TRAIN = 0, TEST = 2 };

typedef struct record {
  int32_t label;
  bool test;     /* from a test pair */
  int64_t image; /* in the collection */
} record;

typedef struct idx_import {
  const oikos_import_job *job;
  oikos_collection images;
  int64_t height, width; /* of the source's images; 0 before the first pair */
  uint8_t *scratch;      /* (height, width) */
  record *records;       /* (images.n) */
} idx_import;

/* The first pair sets the size of the images, the others must agree. */
static oikos_status check_size(idx_import *m, const char *path, const int64_t dims[3],
                               oikos_error *err) {
  int64_t size = m->job->options.size;
  if (m->height && (dims[1] != m->height || dims[2] != m->width))
    return oikos_fail(err, OIKOS_ERROR,
                      "%s: images of %lldx%lld, but those before are %lldx%lld; import them apart",
                      path, (long long)dims[1], (long long)dims[2], (long long)m->height,
                      (long long)m->width);
  if (m->height)
    return OIKOS_OK;
  if (size > dims[1] || size > dims[2])
    return oikos_fail(err, OIKOS_USAGE,
                      "size %lld: the images of %s are %lldx%lld and are only made smaller",
                      (long long)size, path, (long long)dims[1], (long long)dims[2]);
  m->height = dims[1];
  m->width = dims[2];
  m->images.height = size ? size : dims[1];
  m->images.width = size ? size : dims[2];
  return oikos_alloc(&m->scratch, (size_t)(dims[1] * dims[2]), 1, "an image", err);
}

static oikos_status read_image(idx_import *m, oikos_stream *stream, oikos_error *err) {
  uint8_t *pixels;
  OIKOS_TRY(
      oikos_stream_read(stream, m->scratch, (size_t)(m->height * m->width), "the images", err));
  OIKOS_TRY(oikos_collection_add(&m->images, &pixels, err));
  return oikos_resize_area(m->scratch, m->height, m->width, pixels, m->images.height,
                           m->images.width, err);
}

static oikos_status read_images(idx_import *m, oikos_stream *stream, const oikos_idx_pair *pair,
                                int64_t n_labels, oikos_error *err) {
  int64_t dims[3];
  char what[256];
  OIKOS_TRY(oikos_idx_images(stream, pair->images, dims, err));
  if (dims[0] != n_labels)
    return oikos_fail(err, OIKOS_ERROR,
                      "%lld images in %s, but %lld labels in %s; the two do not belong together",
                      (long long)dims[0], pair->images, (long long)n_labels, pair->labels);
  OIKOS_TRY(check_size(m, pair->images, dims, err));
  snprintf(what, sizeof what, "reading %s", pair->images);
  for (int64_t i = 0; i < dims[0]; i++) {
    OIKOS_TRY(read_image(m, stream, err));
    OIKOS_TRY(oikos_pulse_check(m->job->pulse, err));
    if (m->job->progress && ((i + 1) % PROGRESS_EVERY == 0 || i + 1 == dims[0]))
      m->job->progress(m->job->user, what, i + 1, dims[0]);
  }
  return oikos_stream_end(stream, err);
}

/* Called when both files are read: as many labels as images came. */
static oikos_status label_images(idx_import *m, const int32_t *labels, int64_t n, bool test,
                                 oikos_error *err) {
  int64_t before = m->images.n - n;
  record *grown = realloc(m->records, oikos_mul((size_t)m->images.n, sizeof *grown));
  if (!grown)
    return oikos_fail(err, OIKOS_ERROR, "out of memory for %lld labels", (long long)m->images.n);
  m->records = grown;
  for (int64_t i = 0; i < n; i++)
    grown[before + i] = (record){labels[i], test, before + i};
  return OIKOS_OK;
}

static oikos_status read_pair(idx_import *m, const oikos_idx_pair *pair, oikos_error *err) {
  int32_t *labels;
  int64_t n;
  oikos_stream *stream;
  OIKOS_TRY(oikos_idx_labels(pair->labels, &labels, &n, err));
  oikos_status status = oikos_stream_open(&stream, pair->images, err);
  if (status == OIKOS_OK) {
    status = read_images(m, stream, pair, n, err);
    oikos_stream_close(stream);
  }
  if (status == OIKOS_OK)
    status = label_images(m, labels, n, pair->test, err);
  free(labels);
  return status;
}

static int by_label_and_order(const void *a, const void *b) {
  const record *x = a, *y = b;
  if (x->label != y->label)
    return x->label < y->label ? -1 : 1;
  return (x->image > y->image) - (x->image < y->image);
}

static oikos_status place_class(idx_import *m, const record *r, int64_t n, oikos_error *err) {
  char name[16];
  uint8_t split = TEST;
  for (int64_t i = 0; i < n; i++)
    if (!r[i].test)
      split = TRAIN;
  snprintf(name, sizeof name, "%d", (int)r->label);
  OIKOS_TRY(oikos_collection_class(&m->images, name, NULL, split, err));
  for (int64_t i = 0; i < n; i++)
    OIKOS_TRY(oikos_collection_place(&m->images, r[i].image, err));
  return OIKOS_OK;
}

static oikos_status place_all(idx_import *m, oikos_error *err) {
  if (m->images.n == 0)
    return OIKOS_OK; // the writer says that there is nothing
  qsort(m->records, (size_t)m->images.n, sizeof *m->records, by_label_and_order);
  for (int64_t i = 0, n; i < m->images.n; i += n) {
    for (n = 1; i + n < m->images.n && m->records[i + n].label == m->records[i].label; n++)
      ;
    OIKOS_TRY(place_class(m, m->records + i, n, err));
  }
  return OIKOS_OK;
}

oikos_status oikos_import_idx(const oikos_import_job *job, oikos_error *err) {
  idx_import m = {.job = job};
  oikos_idx_pairs pairs = {NULL, 0};
  oikos_status status = OIKOS_OK;
  for (int i = 0; i < job->n_sources && status == OIKOS_OK; i++)
    status = oikos_idx_find(&pairs, job->sources[i], err);
  for (int64_t i = 0; i < pairs.n && status == OIKOS_OK; i++)
    status = read_pair(&m, &pairs.pair[i], err);
  if (status == OIKOS_OK)
    status = place_all(&m, err);
  if (status == OIKOS_OK)
    status = oikos_collection_write(&m.images, job, "idx", err);
  oikos_collection_free(&m.images);
  oikos_idx_pairs_free(&pairs);
  free(m.scratch);
  free(m.records);
  return status;
}
