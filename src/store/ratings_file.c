/* SPDX-License-Identifier: MIT */
#include "store/ratings_file.h"

#include <stdio.h>

#include "base/try.h"
#include "store/data_about.h"
#include "store/data_file.h"
#include "store/hdf5_util.h"

enum { FORMAT_VERSION = 1, MAX_NAME = 128 };

static oikos_status put_int64s(hid_t file, const char *name, int64_t n, const int64_t *data,
                               oikos_error *err) {
  return oikos_put_array(file, name, H5T_STD_I64LE, H5T_NATIVE_INT64, n, data, err);
}

static oikos_status put_int32s(hid_t file, const char *name, int64_t n, const int32_t *data,
                               oikos_error *err) {
  return oikos_put_array(file, name, H5T_STD_I32LE, H5T_NATIVE_INT32, n, data, err);
}

static const char *side_name(char name[MAX_NAME], const char *side, const char *what) {
  snprintf(name, MAX_NAME, "%s_%s", side, what);
  return name;
}

static oikos_status put_categories(hid_t file, const char *side, const oikos_rating_side *s,
                                   oikos_error *err) {
  char name[MAX_NAME];
  int64_t values = s->n_fields ? s->field_first[s->n_fields] : 0;
  if (values == 0 || s->category_first[s->n] == 0)
    return OIKOS_OK;
  OIKOS_TRY(oikos_put_strings(file, side_name(name, side, "field_name"), s->n_fields, s->field_name,
                              err));
  OIKOS_TRY(
      put_int64s(file, side_name(name, side, "field_first"), s->n_fields + 1, s->field_first, err));
  OIKOS_TRY(
      oikos_put_strings(file, side_name(name, side, "value_name"), values, s->value_name, err));
  OIKOS_TRY(
      put_int64s(file, side_name(name, side, "category_first"), s->n + 1, s->category_first, err));
  return put_int32s(file, side_name(name, side, "category"), s->category_first[s->n], s->category,
                    err);
}

static oikos_status put_side(hid_t file, const char *side, const oikos_rating_side *s,
                             oikos_error *err) {
  char name[MAX_NAME];
  OIKOS_TRY(oikos_put_strings(file, side_name(name, side, "id"), s->n, s->id, err));
  if (s->title)
    OIKOS_TRY(oikos_put_strings(file, side_name(name, side, "title"), s->n, s->title, err));
  if (s->n_numbers > 0) {
    OIKOS_TRY(oikos_put_strings(file, side_name(name, side, "number_name"), s->n_numbers,
                                s->number_name, err));
    OIKOS_TRY(oikos_put_matrix(file, side_name(name, side, "number"), s->n, s->n_numbers, s->number,
                               err));
  }
  return put_categories(file, side, s, err);
}

static oikos_status put_splits(hid_t file, const oikos_ratings_index *x, oikos_error *err) {
  char name[MAX_NAME];
  if (x->n_splits == 0)
    return OIKOS_OK;
  OIKOS_TRY(oikos_put_strings(file, "split_name", x->n_splits, x->split_name, err));
  for (int64_t k = 0; k < x->n_splits; k++)
    OIKOS_TRY(oikos_put_array(file, side_name(name, "split", x->split_name[k]), H5T_STD_U8LE,
                              H5T_NATIVE_UINT8, x->n, x->split[k], err));
  return OIKOS_OK;
}

static oikos_status put_all(void *user, hid_t file, oikos_error *err) {
  const oikos_ratings_index *x = user;
  oikos_fingerprint print;
  int32_t version = FORMAT_VERSION;
  OIKOS_TRY(oikos_put_text(file, "format", "oikos ratings", err));
  OIKOS_TRY(oikos_put_number(file, "format_version", H5T_NATIVE_INT32, &version, err));
  OIKOS_TRY(oikos_put_text(file, "source", x->source, err));
  OIKOS_TRY(oikos_fingerprint_ratings(x, &print, err));
  OIKOS_TRY(oikos_fingerprint_put(file, &print, err));
  OIKOS_TRY(oikos_put_number(file, "rows_skipped", H5T_NATIVE_INT64, &x->skipped, err));
  OIKOS_TRY(oikos_put_number(file, "duplicates", H5T_NATIVE_INT64, &x->duplicates, err));
  OIKOS_TRY(put_side(file, "user", &x->users, err));
  OIKOS_TRY(put_side(file, "item", &x->items, err));
  OIKOS_TRY(oikos_put_array(file, "value", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, x->n, x->value, err));
  OIKOS_TRY(put_int64s(file, "time", x->n, x->time, err));
  OIKOS_TRY(put_int32s(file, "user", x->n, x->user, err));
  OIKOS_TRY(put_int32s(file, "item", x->n, x->item, err));
  OIKOS_TRY(put_int64s(file, "user_first", x->users.n + 1, x->user_first, err));
  OIKOS_TRY(put_int64s(file, "item_first", x->items.n + 1, x->item_first, err));
  OIKOS_TRY(put_int32s(file, "item_rating", x->n, x->item_rating, err));
  return put_splits(file, x, err);
}

oikos_status oikos_ratings_file_write(const char *path, const oikos_ratings_index *index,
                                      oikos_error *err) {
  oikos_ratings_index copy = *index;
  if (index->n < 1 || index->n > INT32_MAX)
    return oikos_fail(err, OIKOS_ERROR,
                      "writing %s: a ratings file holds 1 to %d ratings, not %lld", path, INT32_MAX,
                      (long long)index->n);
  return oikos_data_file_write(path, put_all, &copy, err);
}
