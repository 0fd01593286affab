/* SPDX-License-Identifier: MIT
 * The importer of ratings as text, with further tables about users and items. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/ratings.h"
#include "import/side_table.h"

static oikos_status find_column(const oikos_csv *csv, const char *option, const char *name,
                                int *column, oikos_error *err) {
  *column = oikos_csv_find(csv, name);
  return *column >= 0 ? OIKOS_OK : oikos_csv_missing(csv, option, name, err);
}

static oikos_status find_columns(const oikos_csv *csv, const oikos_import_options *o,
                                 oikos_rating_columns *c, oikos_error *err) {
  c->time = -1;
  OIKOS_TRY(find_column(csv, "user", o->user, &c->user, err));
  OIKOS_TRY(find_column(csv, "item", o->item, &c->item, err));
  OIKOS_TRY(find_column(csv, "rating", o->rating, &c->rating, err));
  if (o->time)
    OIKOS_TRY(find_column(csv, "time", o->time, &c->time, err));
  if (c->user == c->item || c->user == c->rating || c->item == c->rating || c->time == c->user ||
      c->time == c->item || c->time == c->rating)
    return oikos_fail(err, OIKOS_USAGE,
                      "--user, --item, --rating and --time name one column twice; a column has one "
                      "use");
  return OIKOS_OK;
}

static oikos_status read_ratings(oikos_rating_collection *r, oikos_error *err) {
  const char *path = r->job->sources[0];
  oikos_rating_columns columns;
  const oikos_csv_format format = oikos_import_format(&r->job->options, false);
  oikos_csv *csv;
  OIKOS_TRY(oikos_csv_open(&csv, path, &format, err));
  oikos_status status = find_columns(csv, &r->job->options, &columns, err);
  if (status != OIKOS_OK)
    oikos_fail_prefix(err, "%s: ", path);
  else
    status = oikos_rating_collection_read(r, csv, path, &columns, err);
  oikos_csv_close(csv);
  return status;
}

static oikos_status run(oikos_rating_collection *r, oikos_error *err) {
  const oikos_import_options *o = &r->job->options;
  if (o->user_table)
    OIKOS_TRY(oikos_side_table_read(r, r->users, o->user_table, o->user, NULL, err));
  if (o->item_table)
    OIKOS_TRY(oikos_side_table_read(r, r->items, o->item_table, o->item, o->title, err));
  OIKOS_TRY(read_ratings(r, err));
  OIKOS_TRY(oikos_rating_collection_order(r, err));
  return oikos_rating_collection_write(r, "csv", err);
}

static oikos_status check(const oikos_import_job *job, oikos_error *err) {
  const oikos_import_options *o = &job->options;
  if (job->n_sources != 1)
    return oikos_fail(err, OIKOS_USAGE, "csv wants one table, found %d", job->n_sources);
  if (!o->user || !o->item || !o->rating)
    return oikos_fail(err, OIKOS_USAGE,
                      "csv of ratings wants --user COLUMN, --item COLUMN and --rating COLUMN");
  if (o->title && !o->item_table)
    return oikos_fail(err, OIKOS_USAGE,
                      "--title names a column of --item-table FILE, which is "
                      "missing");
  return OIKOS_OK;
}

oikos_status oikos_import_csv_ratings(const oikos_import_job *job, oikos_error *err) {
  oikos_rating_collection r;
  OIKOS_TRY(check(job, err));
  oikos_status status = oikos_rating_collection_create(&r, job, err);
  if (status == OIKOS_OK)
    status = run(&r, err);
  oikos_rating_collection_destroy(&r);
  return status;
}
