/* SPDX-License-Identifier: MIT
 *
 * Importers: published data sets in, one image file (store/image_file.h), table file
 * (store/table_file.h) or ratings file (store/ratings_file.h) out.
 *
 * **omniglot**: SOURCES are the published images_background.zip, images_evaluation.zip,
 * images_background_small1.zip or _small2.zip, or folders they were extracted to (that hold
 * images_background/ or are it). A class is a character, named "Alphabet/characterNN"; a group is
 * an alphabet. Split 0 for images_background*, 2 for images_evaluation*. Images are in the order of
 * class name, then file name, with ink 255, of size 28 unless asked otherwise. Each class must have
 * 20 drawings of 105x105, each file once: small1 and small2 share alphabets with each other and
 * with images_background, so they do not go together.
 *
 * **idx**: SOURCES are folders with pairs X-images-idx3-ubyte[.gz] and X-labels-idx1-*[.gz] (or
 * idx2, as QMNIST), or
 * single images files whose labels file is beside them. A class is a label, named by its number and
 * in the order of numbers, all in one group named "". All pairs together make the classes; the
 * images of a class keep their order, training pairs first, then pairs by name. A pair is a test
 * pair if a word of X begins with `test`, contains `evaluation`, or is `t10k`; pairs that differ in
 * other words are of different data sets (EMNIST's six), which are not imported together. A class
 * that occurs in test pairs only has split 2, every other class 0. The size is kept unless one is
 * asked for.
 *
 * **csv**: SOURCE is one table as text (import/csv.h) whose header names the columns, or, with
 * no_header, whose columns have numbers. The output is
 * a table file (store/table_file.h). A group is a value of the group column, whatever text it is;
 * the targets and features are numbers. A row with another number of fields than the header, an
 * empty group, or a target or feature that is no finite float32 number is an error, or left out and
 * counted with skip_bad. Columns that are not used may hold anything.
 *
 * **csv** with --user, --item and --rating: SOURCE is a table of ratings, further tables tell of
 * users and items. The output is a ratings file (store/ratings_file.h). In those tables the id is
 * the column of the same name as in SOURCE, or else the first. A column whose fields are all
 * numbers or empty is a number, unless it is listed as a category; any other is a category, of
 * which a field holds one or, with bars between, several. An empty field is unknown.
 *
 * **movielens**: SOURCE is a release of MovieLens, its zip or the folder it extracts to: 100K
 * (u.data, u.item, u.user, u.genre and the splits u1 to u5, ua, ub), 1M and 10M (ratings.dat,
 * movies.dat, users.dat) or 20M and later (ratings.csv, movies.csv); only the ratings must be
 * there. The output is a ratings file. Texts that are not UTF-8 are read as ISO-8859-1. Items: the
 * title, the year in it, genres. Users: age, gender, occupation and the first character of the zip
 * code.
 *
 * **ratings-demo**: no SOURCE; made-up ratings of known structure (import/ratings_demo.h).
 *
 * Of ratings of the same item by the same user the last by time is kept; of equal times the one
 * that comes last. Rows are streamed, 20 bytes are held for each rating.
 *
 * Sources are not trusted: nothing is allocated because a header says so, and limits bound what a
 * source can make us hold (import/archive.h, import/stream.h, import/collection.h).
 */
#ifndef OIKOS_IMPORT_IMPORT_H
#define OIKOS_IMPORT_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pulse.h"
#include "import/csv.h"
#include "oikos/error.h"

typedef struct oikos_import_options {
  int64_t size;         /**< height and width of the stored images; 0 for the importer's default */
  const char *group;    /**< csv: the column that tells groups apart */
  const char *targets;  /**< csv: names of columns, separated by commas */
  const char *features; /**< csv: the same; NULL for all that are not group, target or excluded */
  const char *exclude;  /**< csv: columns that are no features; NULL for none */
  bool skip_bad;        /**< csv, movielens: leave bad rows out instead of stopping at the first */
  const char *user, *item, *rating;    /**< csv of ratings: their columns; NULL for a table */
  const char *time;                    /**< csv of ratings: its column; NULL for none */
  const char *user_table, *item_table; /**< csv of ratings: further tables; NULL for none */
  const char *title;                   /**< csv of ratings: the item table's column of titles */
  const char *categories;              /**< csv of ratings: columns of numbers that are codes */
  oikos_csv_format format;             /**< csv: of its tables; `header` is not read */
  bool no_header;           /**< csv: SOURCE has none: columns are named by their numbers, from 1 */
  bool no_header_in_tables; /**< csv of ratings: the same for user_table and item_table */
  int64_t users, items;     /**< ratings-demo: how many; 0 for the default */
  int64_t seed;             /**< ratings-demo */
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
  oikos_import_progress *progress;               /**< NULL for none */
  void (*message)(void *user, const char *text); /**< told what was left out; NULL for none */
  void *user;                                    /**< passed to progress and message */
  oikos_pulse *pulse; /**< a request to stop ends the import with OIKOS_STOPPED; NULL for none */
} oikos_import_job;

typedef struct oikos_importer {
  const char *name;
  const char *help; /**< one line */
  bool sourceless;  /**< makes something up */
  int reads;        /**< which options: of the kinds that import.c lists */
  oikos_status (*run)(const oikos_import_job *job, oikos_error *err);
} oikos_importer;

/** The importers there are, (*n). */
const oikos_importer *oikos_importers(int *n);

/**
 * Import @p job's sources by the importer named @p kind. Not collective: called by one process. The
 * output is replaced if it exists, and only when all is done: a failed import leaves it as it was.
 * @return OIKOS_USAGE for an unknown kind, no source, a bad size, an option that the kind does not
 *         read, a source that is missing, an
 *         output without a folder or that is a source; OIKOS_ERROR for damaged or unexpected
 *         content, naming the source and the entry, and for a failed write
 */
oikos_status oikos_import(const char *kind, const oikos_import_job *job, oikos_error *err);

/** How a csv importer's tables are written. @param further  user_table and item_table */
oikos_csv_format oikos_import_format(const oikos_import_options *options, bool further);

/** The importers themselves; called through oikos_import(). */
oikos_status oikos_import_omniglot(const oikos_import_job *job, oikos_error *err);
oikos_status oikos_import_idx(const oikos_import_job *job, oikos_error *err);
oikos_status oikos_import_csv(const oikos_import_job *job, oikos_error *err);
oikos_status oikos_import_csv_ratings(const oikos_import_job *job, oikos_error *err);
oikos_status oikos_import_movielens(const oikos_import_job *job, oikos_error *err);
oikos_status oikos_import_ratings_demo(const oikos_import_job *job, oikos_error *err);

#endif
