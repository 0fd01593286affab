/* SPDX-License-Identifier: MIT
 * The importer of MovieLens. The release is recognised by its files; each is opened by itself, so
 * that the order in an archive does not matter. */
#include "import/movielens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "import/entry_table.h"

enum { GENRES = OIKOS_MOVIELENS_GENRES, SPLIT_FILES = 14, FILES = 4 };

static const char *const split_names[SPLIT_FILES / 2] = {"u1", "u2", "u3", "u4", "u5", "ua", "ub"};
static const char *const split_files[SPLIT_FILES] = {
    "u1.base", "u1.test", "u2.base", "u2.test", "u3.base", "u3.test", "u4.base",
    "u4.test", "u5.base", "u5.test", "ua.base", "ua.test", "ub.base", "ub.test"};

typedef struct movielens_import {
  const char *source;
  oikos_rating_collection ratings;
  const oikos_movielens_release *release;
  char *file[FILES]; /* ratings, items, users, genres; NULL: not there */
  char *split[SPLIT_FILES];
} movielens_import;

/* The release whose ratings are here. */
static oikos_status recognise(movielens_import *m, oikos_error *err) {
  const char *wanted[OIKOS_MOVIELENS_RELEASES];
  char *found[OIKOS_MOVIELENS_RELEASES];
  int releases = 0;
  for (int k = 0; k < OIKOS_MOVIELENS_RELEASES; k++)
    wanted[k] = oikos_movielens_releases[k].ratings;
  oikos_status status = oikos_entry_find(m->source, OIKOS_MOVIELENS_RELEASES, wanted, found, err);
  for (int k = 0; k < OIKOS_MOVIELENS_RELEASES; k++) {
    releases += found[k] != NULL;
    m->release = found[k] ? &oikos_movielens_releases[k] : m->release;
    free(found[k]);
  }
  OIKOS_TRY(status);
  if (releases == 1)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_USAGE,
                    "%s: expected a release of MovieLens with u.data (100K), ratings.dat (1M, 10M) "
                    "or ratings.csv (20M and later), found %s; give its zip, or the folder it "
                    "extracts to",
                    m->source, releases ? "several of them" : "none of them");
}

static oikos_status find_files(movielens_import *m, oikos_error *err) {
  const oikos_movielens_release *l = m->release;
  const char *const wanted[FILES] = {l->ratings, l->items, l->users, l->genres};
  OIKOS_TRY(oikos_entry_find(m->source, FILES, wanted, m->file, err));
  if (!*l->genres) // splits are the 100K release's alone
    return OIKOS_OK;
  return oikos_entry_find(m->source, SPLIT_FILES, split_files, m->split, err);
}

/* A header that the release is known to have; the columns are taken by their places. */
static oikos_status check_header(const oikos_csv *csv, const char *file, const char *names,
                                 oikos_error *err) {
  int column = 0;
  for (const char *at = names; at; at = strchr(at, ','), at = at ? at + 1 : NULL, column++) {
    size_t length = strcspn(at, ",");
    const char *found = column < oikos_csv_columns(csv) ? oikos_csv_name(csv, column) : "nothing";
    if (strlen(found) != length || strncmp(found, at, length) != 0)
      return oikos_fail(
          err, OIKOS_ERROR,
          "%s: expected a header that begins with the columns %s, but column %d is %.60s; "
          "tables of other columns are read by `oikos import csv`",
          file, names, column + 1, found);
  }
  return OIKOS_OK;
}

/* Open one of the tables; `header` may be NULL. */
static oikos_status open_table(movielens_import *m, oikos_entry_table *table, const char *file,
                               const oikos_csv_format *format, const char *header,
                               oikos_error *err) {
  OIKOS_TRY(oikos_entry_table_open(table, m->source, file, format, err));
  oikos_status status = check_header(table->csv, file, header, err);
  if (status != OIKOS_OK)
    oikos_entry_table_close(table);
  return status;
}

static oikos_status read_table(movielens_import *m, const char *file,
                               const oikos_csv_format *format, oikos_row_taker *take, void *user,
                               oikos_error *err) {
  oikos_entry_table table;
  const char *header = format->header ? m->release->header[1] : NULL;
  OIKOS_TRY(open_table(m, &table, file, format, header, err));
  oikos_status status = oikos_rating_collection_rows(&m->ratings, table.csv, file, take, user, err);
  oikos_entry_table_close(&table);
  return status;
}

/* The names of the genres, of u.genre or, without it, numbers; then what u.item tells. */
static oikos_status read_flagged_items(movielens_import *m, oikos_error *err) {
  static const char *const columns[] = {"genre", "number"};
  const oikos_csv_format format = {
      .separator = "|", .quotes = OIKOS_QUOTES_NONE, .n_names = 2, .names = columns};
  const char *genre[GENRES];
  char number[GENRES][16];
  oikos_movielens_genres genres = {0};
  for (int k = 0; k < GENRES; k++) {
    snprintf(number[k], sizeof number[k], "genre %d", k);
    genre[k] = number[k];
  }
  if (m->file[3])
    OIKOS_TRY(read_table(m, m->file[3], &format, oikos_movielens_take_genre, &genres, err));
  for (int k = 0; k < genres.n && k < GENRES; k++)
    genre[k] = genres.name[k];
  return read_table(m, m->file[1], &m->release->format[1], m->release->take_item, genre, err);
}

static oikos_status read_tables(movielens_import *m, oikos_error *err) {
  const oikos_movielens_release *l = m->release;
  if (m->file[1] && *l->genres)
    OIKOS_TRY(read_flagged_items(m, err));
  else if (m->file[1])
    OIKOS_TRY(read_table(m, m->file[1], &l->format[1], l->take_item, NULL, err));
  if (m->file[2])
    OIKOS_TRY(read_table(m, m->file[2], &l->format[2], l->take_user, NULL, err));
  return OIKOS_OK;
}

static oikos_status read_ratings(movielens_import *m, oikos_error *err) {
  const oikos_movielens_release *l = m->release;
  oikos_entry_table table;
  OIKOS_TRY(open_table(m, &table, m->file[0], &l->format[0], l->header[0], err));
  oikos_status status =
      oikos_rating_collection_read(&m->ratings, table.csv, m->file[0], &l->columns, err);
  oikos_entry_table_close(&table);
  return status;
}

static oikos_status read_split(movielens_import *m, int k, oikos_error *err) {
  const oikos_movielens_release *l = m->release;
  oikos_entry_table table;
  if (!m->split[k])
    return OIKOS_OK;
  OIKOS_TRY(oikos_entry_table_open(&table, m->source, m->split[k], &l->format[0], err));
  oikos_status status =
      oikos_rating_collection_split(&m->ratings, table.csv, m->split[k], &l->columns,
                                    split_names[k / 2], (uint8_t)(k % 2 + 1), err);
  oikos_entry_table_close(&table);
  return status;
}

static oikos_status run(movielens_import *m, oikos_error *err) {
  OIKOS_TRY(recognise(m, err));
  OIKOS_TRY(find_files(m, err));
  OIKOS_TRY(read_tables(m, err));
  OIKOS_TRY(read_ratings(m, err));
  OIKOS_TRY(oikos_rating_collection_order(&m->ratings, err));
  for (int k = 0; k < SPLIT_FILES; k++)
    OIKOS_TRY(read_split(m, k, err));
  return oikos_rating_collection_write(&m->ratings, "movielens", err);
}

oikos_status oikos_import_movielens(const oikos_import_job *job, oikos_error *err) {
  movielens_import m = {0};
  if (job->n_sources != 1)
    return oikos_fail(err, OIKOS_USAGE, "movielens wants one release, found %d sources",
                      job->n_sources);
  m.source = job->sources[0];
  oikos_status status = oikos_rating_collection_create(&m.ratings, job, err);
  if (status == OIKOS_OK)
    status = run(&m, err);
  oikos_rating_collection_destroy(&m.ratings);
  for (int k = 0; k < FILES; k++)
    free(m.file[k]);
  for (int k = 0; k < SPLIT_FILES; k++)
    free(m.split[k]);
  return status;
}
