/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/archive.h"
#include "import/collection.h"
#include "import/png.h"
#include "import/resize.h"

enum { SIDE = 105, DRAWINGS = 20, DEFAULT_SIZE = 28, PROGRESS_EVERY = 64 };
enum { BACKGROUND = 0, EVALUATION = 2 }; /* splits */

typedef struct drawing {
  char *class_name; /* "Alphabet/characterNN", its 0, then the file name: one allocation */
  const char *file;
  int64_t image; /* in the collection */
  int source;
  uint8_t split;
} drawing;

typedef struct omniglot_import {
  const oikos_import_job *job;
  oikos_collection images;
  drawing *drawings; /* (images.n), sorted by class, then file */
  int64_t capacity;
} omniglot_import;

/* Where the last n parts of a path begin; NULL if there are fewer. */
static const char *last_parts(const char *path, int n) {
  for (const char *c = path + strlen(path); c > path; c--)
    if (c[-1] == '/' && --n == 0)
      return c;
  return n == 1 ? path : NULL;
}

/* Pictures, but not the hidden files that archivers add ("__MACOSX/._0709_01.png"). */
static bool is_drawing(const char *name) {
  size_t length = strlen(name);
  const char *file = last_parts(name, 1);
  return length > 4 && !strcasecmp(name + length - 4, ".png") && file && file[0] != '.' &&
         !strstr(name, "__MACOSX/");
}

static bool split_of(const char *top, uint8_t *split) {
  *split = !strncmp(top, "images_evaluation", 17) ? EVALUATION : BACKGROUND;
  return *split == EVALUATION || !strncmp(top, "images_background", 17);
}

/* The split from the folder above the alphabet, which may be the source itself. */
static oikos_status find_split(const char *name, const char *source, uint8_t *split,
                               oikos_error *err) {
  const char *top = last_parts(name, 4);
  if (top && split_of(top, split))
    return OIKOS_OK;
  if (last_parts(name, 3) == name) {
    char *full = realpath(source, NULL);
    bool good = full && split_of(last_parts(full, 1), split);
    free(full);
    if (good)
      return OIKOS_OK;
  }
  return oikos_fail(err, OIKOS_ERROR,
                    "expected images_background/Alphabet/characterNN/file.png or the same in "
                    "images_evaluation; give the published zips, or the folder they extract to");
}

/* Split ".../Alphabet/characterNN/file.png" into a new drawing. */
static oikos_status name_drawing(const char *name, const char *source, drawing *d,
                                 oikos_error *err) {
  OIKOS_TRY(find_split(name, source, &d->split, err));
  d->class_name = strdup(last_parts(name, 3));
  if (!d->class_name)
    return oikos_fail(err, OIKOS_ERROR, "out of memory for a file name");
  char *slash = strrchr(d->class_name, '/');
  *slash = '\0';
  d->file = slash + 1;
  return OIKOS_OK;
}

static oikos_status decode(omniglot_import *m, const uint8_t *bytes, size_t size,
                           oikos_error *err) {
  uint8_t *pixels, *out;
  int64_t height, width;
  OIKOS_TRY(oikos_png_decode(bytes, size, 16 * SIDE, &pixels, &height, &width, err));
  oikos_status status = OIKOS_OK;
  if (height != SIDE || width != SIDE)
    status = oikos_fail(err, OIKOS_ERROR, "%lldx%lld pixels, expected %dx%d", (long long)height,
                        (long long)width, SIDE, SIDE);
  for (int64_t i = 0; i < height * width; i++)
    pixels[i] = (uint8_t)(255 - pixels[i]); /* ink is 0 in the source */
  if (status == OIKOS_OK)
    status = oikos_collection_add(&m->images, &out, err);
  if (status == OIKOS_OK)
    status = oikos_resize_area(pixels, height, width, out, m->images.height, m->images.width, err);
  free(pixels);
  return status;
}

static oikos_status reserve(omniglot_import *m, oikos_error *err) {
  if (m->images.n < m->capacity)
    return OIKOS_OK;
  int64_t capacity = 2 * m->capacity + 1024;
  drawing *drawings = realloc(m->drawings, oikos_mul((size_t)capacity, sizeof *drawings));
  if (!drawings)
    return oikos_fail(err, OIKOS_ERROR, "out of memory for %lld drawings", (long long)capacity);
  m->drawings = drawings;
  m->capacity = capacity;
  return OIKOS_OK;
}

static oikos_status read_drawing(omniglot_import *m, oikos_archive *archive, const char *name,
                                 int source, oikos_error *err) {
  const uint8_t *bytes;
  size_t size;
  drawing d = {.source = source, .image = m->images.n};
  OIKOS_TRY(oikos_archive_read(archive, &bytes, &size, err));
  oikos_status status = reserve(m, err);
  if (status == OIKOS_OK)
    status = name_drawing(name, m->job->sources[source], &d, err);
  if (status == OIKOS_OK)
    status = decode(m, bytes, size, err);
  if (status != OIKOS_OK) {
    if (m->images.n > d.image)
      m->images.n = d.image;
    free(d.class_name);
    oikos_fail_prefix(err, "%s, entry %s: ", m->job->sources[source], name);
    return status;
  }
  m->drawings[d.image] = d;
  return oikos_pulse_check(m->job->pulse, err);
}

static void tell(const omniglot_import *m, oikos_archive *archive, const char *what, bool end) {
  int64_t done, total;
  if (!m->job->progress)
    return;
  oikos_archive_position(archive, &done, &total);
  m->job->progress(m->job->user, what, end && total ? total : done, total);
}

static oikos_status read_entries(omniglot_import *m, oikos_archive *archive, int source,
                                 oikos_error *err) {
  char what[256];
  const char *name;
  int64_t before = m->images.n;
  snprintf(what, sizeof what, "reading %s", m->job->sources[source]);
  for (;;) {
    OIKOS_TRY(oikos_archive_next(archive, &name, err));
    if (!name)
      break;
    if (is_drawing(name))
      OIKOS_TRY(read_drawing(m, archive, name, source, err));
    if (m->images.n % PROGRESS_EVERY == 0)
      tell(m, archive, what, false);
  }
  tell(m, archive, what, true);
  if (m->images.n == before)
    return oikos_fail(err, OIKOS_ERROR,
                      "%s holds no PNG drawings; give the published zips (images_background.zip, "
                      "images_evaluation.zip) or the folder they extract to",
                      m->job->sources[source]);
  return OIKOS_OK;
}

static int by_class_and_file(const void *a, const void *b) {
  const drawing *x = a, *y = b;
  int order = strcmp(x->class_name, y->class_name);
  if (order == 0)
    order = strcmp(x->file, y->file);
  return order ? order : (x->image > y->image) - (x->image < y->image);
}

static oikos_status check_duplicates(const omniglot_import *m, oikos_error *err) {
  for (int64_t i = 1; i < m->images.n; i++) {
    const drawing *a = &m->drawings[i - 1], *b = &m->drawings[i];
    if (strcmp(a->class_name, b->class_name) != 0)
      continue;
    if (!strcmp(a->file, b->file))
      return oikos_fail(
          err, OIKOS_ERROR, "%s/%s occurs twice: in %s and in %s; each drawing may be given once",
          a->class_name, a->file, m->job->sources[a->source], m->job->sources[b->source]);
    if (a->split != b->split)
      return oikos_fail(err, OIKOS_ERROR,
                        "the character %s is in images_background and in images_evaluation (%s "
                        "and %s); it must be in one",
                        a->class_name, m->job->sources[a->source], m->job->sources[b->source]);
  }
  return OIKOS_OK;
}

/* List the numbers 1..20 for which no file ends in _NN.png. */
static void list_missing(const drawing *d, int64_t n, char *text, size_t size) {
  bool seen[DRAWINGS + 1] = {false};
  size_t used = 0;
  for (int64_t i = 0; i < n; i++) {
    const char *number = strrchr(d[i].file, '_');
    long value = number ? strtol(number + 1, NULL, 10) : 0;
    if (value >= 1 && value <= DRAWINGS)
      seen[value] = true;
  }
  text[0] = '\0';
  for (int k = 1; k <= DRAWINGS && used < size; k++)
    if (!seen[k])
      used +=
          (size_t)snprintf(text + used, size - used, "%s_%02d.png", used ? " " : "; missing: ", k);
}

static oikos_status check_count(const omniglot_import *m, const drawing *d, int64_t n,
                                oikos_error *err) {
  char missing[256];
  if (n == DRAWINGS)
    return OIKOS_OK;
  list_missing(d, n, missing, sizeof missing);
  return oikos_fail(err, OIKOS_ERROR,
                    "%s: the character %s has %lld drawings, expected %d%s; fetch the archive "
                    "again",
                    m->job->sources[d->source], d->class_name, (long long)n, DRAWINGS, missing);
}

static oikos_status place_class(omniglot_import *m, const drawing *d, int64_t n, oikos_error *err) {
  OIKOS_TRY(check_count(m, d, n, err));
  size_t length = strcspn(d->class_name, "/");
  char *group = strndup(d->class_name, length);
  if (!group)
    return oikos_fail(err, OIKOS_ERROR, "out of memory for an alphabet");
  oikos_status status = oikos_collection_class(&m->images, d->class_name, group, d->split, err);
  free(group);
  for (int64_t i = 0; i < n && status == OIKOS_OK; i++)
    status = oikos_collection_place(&m->images, d[i].image, err);
  return status;
}

static oikos_status place_all(omniglot_import *m, oikos_error *err) {
  if (m->images.n == 0)
    return OIKOS_OK; // the writer says that there is nothing
  qsort(m->drawings, (size_t)m->images.n, sizeof *m->drawings, by_class_and_file);
  OIKOS_TRY(check_duplicates(m, err));
  for (int64_t i = 0, n; i < m->images.n; i += n) {
    const drawing *d = &m->drawings[i];
    for (n = 1; i + n < m->images.n && !strcmp(d[n].class_name, d->class_name); n++)
      ;
    OIKOS_TRY(place_class(m, d, n, err));
  }
  return OIKOS_OK;
}

static oikos_status read_source(omniglot_import *m, int source, oikos_error *err) {
  oikos_archive *archive;
  OIKOS_TRY(
      oikos_archive_open(&archive, m->job->sources[source], &oikos_archive_image_limits, err));
  oikos_status status = read_entries(m, archive, source, err);
  oikos_archive_close(archive);
  return status;
}

oikos_status oikos_import_omniglot(const oikos_import_job *job, oikos_error *err) {
  int64_t size = job->options.size ? job->options.size : DEFAULT_SIZE;
  omniglot_import m = {.job = job, .images = {.height = size, .width = size}};
  oikos_status status = OIKOS_OK;
  if (size > SIDE)
    return oikos_fail(err, OIKOS_USAGE, "size %lld: Omniglot drawings are %dx%d; give at most %d",
                      (long long)size, SIDE, SIDE, SIDE);
  for (int i = 0; i < job->n_sources && status == OIKOS_OK; i++)
    status = read_source(&m, i, err);
  if (status == OIKOS_OK)
    status = place_all(&m, err);
  if (status == OIKOS_OK)
    status = oikos_collection_write(&m.images, job, "omniglot", err);
  for (int64_t i = 0; i < m.images.n; i++)
    free(m.drawings[i].class_name);
  free(m.drawings);
  oikos_collection_free(&m.images);
  return status;
}
