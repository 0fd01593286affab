/* SPDX-License-Identifier: MIT */
#include "import/collection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/image_file.h"

/* Make an array of size-byte elements hold one more than n, doubling. */
static oikos_status extend(void *array, int64_t n, int64_t *capacity, size_t size,
                           oikos_error *err) {
  void *old, *grown;
  if (n < *capacity)
    return OIKOS_OK;
  int64_t wanted = *capacity ? 2 * *capacity : 64;
  size_t bytes = oikos_mul((size_t)wanted, size);
  memcpy(&old, array, sizeof old);
  grown = bytes < SIZE_MAX ? realloc(old, bytes) : NULL;
  if (!grown)
    return oikos_fail(err, OIKOS_ERROR, "out of memory: %zu bytes for the images", bytes);
  memcpy(array, &grown, sizeof grown);
  *capacity = wanted;
  return OIKOS_OK;
}

oikos_status oikos_collection_add(oikos_collection *c, uint8_t **pixels, oikos_error *err) {
  int64_t bytes = c->height * c->width; /* sides are at most 65,536 */
  if (c->n >= OIKOS_COLLECTION_MAX_BYTES / bytes)
    return oikos_fail(err, OIKOS_ERROR,
                      "more than %lld bytes of pixels, the most an import holds; ask for a smaller "
                      "size or import fewer sources",
                      (long long)OIKOS_COLLECTION_MAX_BYTES);
  OIKOS_TRY(extend(&c->pixels, c->n, &c->capacity, (size_t)bytes, err));
  *pixels = c->pixels + (size_t)c->n * (size_t)bytes;
  c->n++;
  return OIKOS_OK;
}

static oikos_status copy(char **out, const char *text, oikos_error *err) {
  *out = strdup(text);
  return *out ? OIKOS_OK : oikos_fail(err, OIKOS_ERROR, "out of memory for a class name");
}

static oikos_status begin_group(oikos_collection *c, const char *group, oikos_error *err) {
  if (c->n_groups && !strcmp(c->group_name[c->n_groups - 1], group))
    return OIKOS_OK;
  OIKOS_TRY(extend(&c->group_name, c->n_groups, &c->group_capacity, sizeof *c->group_name, err));
  OIKOS_TRY(copy(&c->group_name[c->n_groups], group, err));
  c->n_groups++;
  return OIKOS_OK;
}

/* Room for one more class and the end of class_start: the four arrays grow together. */
static oikos_status reserve_class(oikos_collection *c, oikos_error *err) {
  int64_t n = c->n_classes + 1, capacity[4];
  for (int i = 0; i < 4; i++)
    capacity[i] = c->class_capacity;
  OIKOS_TRY(extend(&c->class_name, n, &capacity[0], sizeof *c->class_name, err));
  OIKOS_TRY(extend(&c->class_group, n, &capacity[1], sizeof *c->class_group, err));
  OIKOS_TRY(extend(&c->split, n, &capacity[2], sizeof *c->split, err));
  OIKOS_TRY(extend(&c->class_start, n, &capacity[3], sizeof *c->class_start, err));
  c->class_capacity = capacity[0];
  return OIKOS_OK;
}

oikos_status oikos_collection_class(oikos_collection *c, const char *name, const char *group,
                                    uint8_t split, oikos_error *err) {
  int64_t k = c->n_classes;
  OIKOS_TRY(begin_group(c, group ? group : "", err));
  OIKOS_TRY(reserve_class(c, err));
  OIKOS_TRY(copy(&c->class_name[k], name, err));
  c->class_group[k] = (int32_t)(c->n_groups - 1);
  c->split[k] = split;
  c->class_start[k] = c->placed;
  c->n_classes++;
  return OIKOS_OK;
}

oikos_status oikos_collection_place(oikos_collection *c, int64_t image, oikos_error *err) {
  if (!c->order)
    OIKOS_TRY(oikos_alloc(&c->order, (size_t)c->n, sizeof *c->order, "the image order", err));
  if (c->placed >= c->n || image < 0 || image >= c->n)
    return oikos_fail(err, OIKOS_ERROR, "image %lld cannot be placed: there are %lld",
                      (long long)image, (long long)c->n);
  c->order[c->placed++] = image;
  return OIKOS_OK;
}

typedef struct writing {
  const oikos_collection *c;
  const oikos_import_job *job;
  const char *what;
} writing;

/* The oikos_image_reader: images in stored order. */
static oikos_status give(void *user, int64_t first, int64_t count, uint8_t *pixels,
                         oikos_error *err) {
  const writing *w = user;
  size_t bytes = (size_t)(w->c->height * w->c->width);
  for (int64_t i = 0; i < count; i++)
    memcpy(pixels + (size_t)i * bytes, w->c->pixels + (size_t)w->c->order[first + i] * bytes,
           bytes);
  if (w->job->progress)
    w->job->progress(w->job->user, w->what, first + count, w->c->placed);
  return oikos_pulse_check(w->job->pulse, err);
}

/* The last part of a path, without slashes after it; *length is its length. */
static const char *last_part(const char *path, int *length) {
  size_t end = strlen(path), begin;
  while (end > 1 && path[end - 1] == '/')
    end--;
  for (begin = end; begin > 0 && path[begin - 1] != '/';)
    begin--;
  *length = (int)(end - begin);
  return path + begin;
}

/* "omniglot from a.zip, b.zip": no folders, so that equal sources give equal files anywhere. */
static void describe(const oikos_import_job *job, const char *kind, char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "%s from", kind);
  for (int i = 0; i < job->n_sources && used < size; i++) {
    int length;
    const char *part = last_part(job->sources[i], &length);
    used += (size_t)snprintf(text + used, size - used, "%s %.*s", i ? "," : "", length, part);
  }
}

oikos_status oikos_collection_write(oikos_collection *c, const oikos_import_job *job,
                                    const char *kind, oikos_error *err) {
  char source[1024], what[256];
  if (!c->n_classes)
    return oikos_fail(err, OIKOS_ERROR, "no images were found in the sources");
  c->class_start[c->n_classes] = c->placed;
  describe(job, kind, source, sizeof source);
  snprintf(what, sizeof what, "writing %s", job->output);
  oikos_image_index index = {
      .n_images = c->placed,
      .n_classes = c->n_classes,
      .n_groups = c->n_groups,
      .height = c->height,
      .width = c->width,
      .channels = 1,
      .class_start = c->class_start,
      .class_name = (const char *const *)c->class_name,
      .class_group = c->class_group,
      .group_name = (const char *const *)c->group_name,
      .split = c->split,
      .source = source,
  };
  writing w = {c, job, what};
  return oikos_image_file_write(job->output, &index, give, &w, err);
}

void oikos_collection_free(oikos_collection *c) {
  for (int64_t k = 0; k < c->n_classes; k++)
    free(c->class_name[k]);
  for (int64_t g = 0; g < c->n_groups; g++)
    free(c->group_name[g]);
  free(c->class_name);
  free(c->class_group);
  free(c->class_start);
  free(c->split);
  free(c->group_name);
  free(c->order);
  free(c->pixels);
  *c = (oikos_collection){0};
}
