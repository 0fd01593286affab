/* SPDX-License-Identifier: MIT
 *
 * Importers: published data sets in, one image file (store/image_file.h) out.
 *
 * **omniglot**: SOURCES are the published images_background.zip, images_evaluation.zip,
 * images_background_small1.zip or _small2.zip, or folders they were extracted to (that hold
 * images_background/ or are it). A class is a character, named "Alphabet/characterNN"; a group is
 * an alphabet. Split 0 for images_background*, 2 for images_evaluation*. Images are in the order of
 * class name, then file name, with ink 255, of size 28 unless asked otherwise. Each class must have
 * 20 drawings of 105x105, each file once: small1 and small2 share alphabets with each other and
 * with images_background, so they do not go together.
 *
 * **idx**: SOURCES are folders with pairs X-images-idx3-ubyte[.gz] and X-labels-idx1-*[.gz], or
 * single images files whose labels file is beside them. A class is a label, named by its number and
 * in the order of numbers, all in one group named "". All pairs together make the classes; the
 * images of a class keep their order, training pairs first, then pairs by name. A pair is a test
 * pair if X is `t10k` or `test` or contains `evaluation`. A class that occurs in test pairs only
 * has split 2, every other class 0. The size is kept unless one is asked for.
 *
 * Sources are not trusted: nothing is allocated because a header says so, and limits bound what a
 * source can make us hold (import/archive.h, import/stream.h, import/collection.h).
 */
#ifndef OIKOS_IMPORT_IMPORT_H
#define OIKOS_IMPORT_IMPORT_H

#include <stdint.h>

#include "oikos/error.h"

typedef struct oikos_import_options {
  int64_t size; /**< height and width of the stored images; 0 for the importer's default */
} oikos_import_options;

/**
 * Told how far an import got.
 * @param what  the step: "reading x.zip", "writing y.h5"
 * @param done  of @p total, equal to it at the end of a step; bytes, entries or images
 * @param total 0 if unknown
 * Called often: the receiver drops what it does not show.
 */
typedef void oikos_import_progress(void *user, const char *what, int64_t done, int64_t total);

/** What an importer is given. Everything belongs to the caller. */
typedef struct oikos_import_job {
  int n_sources;
  const char *const *sources;
  oikos_import_options options;
  const char *output;
  oikos_import_progress *progress; /**< NULL for none */
  void *user;                      /**< passed to progress */
} oikos_import_job;

typedef struct oikos_importer {
  const char *name;
  const char *help; /**< one line */
  oikos_status (*run)(const oikos_import_job *job, oikos_error *err);
} oikos_importer;

/** The importers there are, (*n). */
const oikos_importer *oikos_importers(int *n);

/**
 * Import @p job's sources by the importer named @p kind. Not collective: called by one process. The
 * output is replaced if it exists, and only when all is done: a failed import leaves it as it was.
 * @return OIKOS_USAGE for an unknown kind, no source, a bad size, a source that is missing, an
 *         output without a folder or that is a source; OIKOS_ERROR for damaged or unexpected
 *         content, naming the source and the entry, and for a failed write
 */
oikos_status oikos_import(const char *kind, const oikos_import_job *job, oikos_error *err);

/** The importers themselves; called through oikos_import(). */
oikos_status oikos_import_omniglot(const oikos_import_job *job, oikos_error *err);
oikos_status oikos_import_idx(const oikos_import_job *job, oikos_error *err);

#endif
