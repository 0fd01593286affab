/* SPDX-License-Identifier: MIT */
#include "store/ratings_load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/data_read.h"
#include "store/hdf5_util.h"
#include "store/mpiio.h"
#include "store/ratings_side.h"

enum { MAX_SPLITS = 16, MAX_NAME = 64 };

/* Everything outside the shared memory. */
typedef struct ratings_tables {
  oikos_side_memory users, items;
  char *split_text, **split_name;
  const uint8_t *split[MAX_SPLITS];
} ratings_tables;

/* The shared memory, in this order: the largest elements first, so that all are aligned. */
typedef struct arrays {
  int64_t *time, *user_first, *item_first;
  float *value;
  int32_t *user, *item, *item_rating;
  uint8_t *split; /* (splits, ratings) */
} arrays;

static oikos_status read_split_names(const oikos_data_in *in, oikos_ratings_index *x,
                                     ratings_tables *t, oikos_error *err) {
  if (H5Lexists(in->file, "split_name", H5P_DEFAULT) <= 0)
    return OIKOS_OK;
  OIKOS_TRY(oikos_data_count(in, "split_name", H5T_STRING, &x->n_splits, err));
  if (x->n_splits > MAX_SPLITS)
    return oikos_fail(err, OIKOS_ERROR, "%lld splits, expected at most %d", (long long)x->n_splits,
                      MAX_SPLITS);
  OIKOS_TRY(oikos_data_texts(in, "split_name", x->n_splits, &t->split_text, &t->split_name, err));
  x->split_name = (const char *const *)t->split_name;
  for (int64_t k = 0; k < x->n_splits; k++)
    if (!*x->split_name[k] || strlen(x->split_name[k]) > MAX_NAME - 8 ||
        strchr(x->split_name[k], '/'))
      return oikos_fail(err, OIKOS_ERROR, "split %lld has no name that can be", (long long)k);
  return OIKOS_OK;
}

/* What there is of each, before anything of it is read. */
static oikos_status read_counts(const oikos_data_in *in, oikos_ratings_index *x, oikos_error *err) {
  static const char *const whole[] = {"time", "user", "item", "item_rating"};
  OIKOS_TRY(oikos_data_count(in, "value", H5T_FLOAT, &x->n, err));
  if (x->n > INT32_MAX)
    return oikos_fail(err, OIKOS_ERROR, "/value has more than %d entries", INT32_MAX);
  for (size_t k = 0; k < sizeof whole / sizeof *whole; k++)
    OIKOS_TRY(oikos_data_expect_count(in, whole[k], H5T_INTEGER, x->n, err));
  OIKOS_TRY(oikos_side_count(in, "user", &x->users, err));
  return oikos_side_count(in, "item", &x->items, err);
}

static oikos_status read_index(const oikos_data_in *in, oikos_ratings_index *x, ratings_tables *t,
                               oikos_error *err) {
  OIKOS_TRY(oikos_data_expect(in, "oikos ratings", 1, err));
  OIKOS_TRY(read_counts(in, x, err));
  OIKOS_TRY(oikos_side_read(in, "user", &x->users, &t->users, err));
  OIKOS_TRY(oikos_side_read(in, "item", &x->items, &t->items, err));
  return read_split_names(in, x, t, err);
}

/* This rank's share of one array of the memory. */
static oikos_status read_array(const oikos_data_in *in, const oikos_data_memory *m,
                               const char *name, hid_t type, size_t size, int64_t n, void *to,
                               oikos_error *err) {
  int64_t first, count;
  hid_t dataset;
  hsize_t dims[1];
  H5T_class_t class = type == H5T_NATIVE_FLOAT ? H5T_FLOAT : H5T_INTEGER;
  oikos_share(n, m->part, m->parts, &first, &count);
  OIKOS_TRY(oikos_data_expect_count(in, name, class, n, err));
  OIKOS_TRY(oikos_data_open(in, name, 1, class, &dataset, dims, err));
  oikos_status status = oikos_data_rows(in, dataset, name, type, first, count, size,
                                        (char *)to + (size_t)first * size, err);
  H5Dclose(dataset);
  return status;
}

static oikos_status read_arrays(const oikos_data_in *in, const oikos_ratings_data *data,
                                const arrays *a, oikos_error *err) {
  const oikos_ratings_index *x = &data->index;
  char name[MAX_NAME];
  const struct {
    const char *name;
    hid_t type;
    size_t size;
    int64_t n;
    void *to;
  } all[] = {
      {"value", H5T_NATIVE_FLOAT, 4, x->n, a->value},
      {"time", H5T_NATIVE_INT64, 8, x->n, a->time},
      {"user", H5T_NATIVE_INT32, 4, x->n, a->user},
      {"item", H5T_NATIVE_INT32, 4, x->n, a->item},
      {"item_rating", H5T_NATIVE_INT32, 4, x->n, a->item_rating},
      {"user_first", H5T_NATIVE_INT64, 8, x->users.n + 1, a->user_first},
      {"item_first", H5T_NATIVE_INT64, 8, x->items.n + 1, a->item_first},
  };
  for (size_t k = 0; k < sizeof all / sizeof *all; k++)
    OIKOS_TRY(read_array(in, &data->memory, all[k].name, all[k].type, all[k].size, all[k].n,
                         all[k].to, err));
  for (int64_t k = 0; k < x->n_splits; k++) {
    snprintf(name, sizeof name, "split_%s", x->split_name[k]);
    OIKOS_TRY(
        read_array(in, &data->memory, name, H5T_NATIVE_UINT8, 1, x->n, a->split + k * x->n, err));
  }
  return OIKOS_OK;
}

/* Ratings user by user, by time within one. `first` has been checked. */
static oikos_status check_ratings(const oikos_ratings_index *x, int64_t first, int64_t count,
                                  oikos_error *err) {
  for (int64_t k = first; k < first + count; k++) {
    int64_t u = x->user[k], i = x->item[k];
    if (u < 0 || u >= x->users.n || k < x->user_first[u] || k >= x->user_first[u + 1])
      return oikos_fail(err, OIKOS_ERROR, "/user, entry %lld: %lld does not fit /user_first",
                        (long long)k, (long long)u);
    if (i < 0 || i >= x->items.n)
      return oikos_fail(err, OIKOS_ERROR, "/item, entry %lld: %lld is not one of %lld items",
                        (long long)k, (long long)i, (long long)x->items.n);
    if (k > x->user_first[u] && x->time[k] < x->time[k - 1])
      return oikos_fail(err, OIKOS_ERROR, "/time, entry %lld: before the user's last",
                        (long long)k);
    if (!isfinite(x->value[k]))
      return oikos_fail(err, OIKOS_ERROR, "/value, entry %lld is not a finite number",
                        (long long)k);
    for (int64_t s = 0; s < x->n_splits; s++)
      if (x->split[s][k] > 2)
        return oikos_fail(err, OIKOS_ERROR, "/split_%s, entry %lld: %d, expected 0, 1 or 2",
                          x->split_name[s], (long long)k, x->split[s][k]);
  }
  return OIKOS_OK;
}

/* Rating b of an item stands after a: they rise by time, then number, so none is there twice. */
static bool rises(const oikos_ratings_index *x, int64_t a, int64_t b) {
  return x->time[a] < x->time[b] || (x->time[a] == x->time[b] && a < b);
}

/* The order by item, for items first .. */
static oikos_status check_items(const oikos_ratings_index *x, int64_t first, int64_t count,
                                oikos_error *err) {
  const int32_t *r = x->item_rating;
  for (int64_t i = first; i < first + count; i++)
    for (int64_t k = x->item_first[i]; k < x->item_first[i + 1]; k++)
      if (r[k] < 0 || r[k] >= x->n || x->item[r[k]] != i ||
          (k > x->item_first[i] && !rises(x, r[k - 1], r[k])))
        return oikos_fail(err, OIKOS_ERROR,
                          "/item_rating, entry %lld: %ld is not a rating of item %lld (%.60s), or "
                          "not behind the one before",
                          (long long)k, (long)r[k], (long long)i, x->items.id[i]);
  return OIKOS_OK;
}

/* The ratings first, then the orders: what is said of a file does not depend on the ranks. */
static oikos_status check_all(const oikos_team *team, const oikos_ratings_data *data,
                              oikos_error *err) {
  const oikos_ratings_index *x = &data->index;
  const oikos_data_memory *m = &data->memory;
  int64_t first, count;
  oikos_status status = oikos_check_offsets("user_first", x->user_first, x->users.n, x->n, err);
  if (status == OIKOS_OK)
    status = oikos_check_offsets("item_first", x->item_first, x->items.n, x->n, err);
  OIKOS_TRY(oikos_agree(team, status, err));
  oikos_share(x->n, m->part, m->parts, &first, &count);
  OIKOS_TRY(oikos_agree(team, check_ratings(x, first, count, err), err));
  oikos_share(x->items.n, m->part, m->parts, &first, &count);
  return oikos_agree(team, check_items(x, first, count, err), err);
}

/* Lay the shared memory out; the index points into it. */
static oikos_status lay_out(const oikos_team *team, oikos_ratings_data *data, arrays *a,
                            oikos_error *err) {
  oikos_ratings_index *x = &data->index;
  ratings_tables *t = data->tables;
  int64_t *whole;
  size_t n = (size_t)x->n, sides = (size_t)(x->users.n + x->items.n + 2);
  size_t bytes = (n + sides) * sizeof *whole + 4 * n * sizeof *a->item + (size_t)x->n_splits * n;
  OIKOS_TRY(
      oikos_data_take(team, bytes, &data->memory, &whole, err)); // below 2^38: n, sides < 2^33
  a->time = whole;
  a->user_first = a->time + x->n;
  a->item_first = a->user_first + x->users.n + 1;
  a->value = (float *)(void *)(a->item_first + x->items.n + 1);
  a->user = (int32_t *)(void *)(a->value + x->n);
  a->item = a->user + x->n;
  a->item_rating = a->item + x->n;
  a->split = (uint8_t *)(void *)(a->item_rating + x->n);
  for (int64_t k = 0; k < x->n_splits; k++)
    t->split[k] = a->split + k * x->n;
  x->time = a->time;
  x->user_first = a->user_first;
  x->item_first = a->item_first;
  x->value = a->value;
  x->user = a->user;
  x->item = a->item;
  x->item_rating = a->item_rating;
  x->split = t->split;
  return OIKOS_OK;
}

static oikos_status load(const oikos_team *team, const char *path, oikos_ratings_data *data,
                         oikos_error *err) {
  oikos_data_in in = {.team = team};
  arrays a = {0};
  OIKOS_TRY(oikos_data_check(team, path, &data->about, err));
  OIKOS_TRY(oikos_mpiio_open_each(team, path, &in.file, err));
  oikos_status status =
      oikos_alloc(&data->tables, 1, sizeof(ratings_tables), "a ratings file", err);
  if (status == OIKOS_OK)
    status = read_index(&in, &data->index, data->tables, err);
  if (status == OIKOS_OK)
    status = oikos_fingerprint_ratings(&data->index, &data->about.print, err);
  if (status == OIKOS_OK)
    status = oikos_fingerprint_check(in.file, &data->about.print, err);
  status = oikos_agree(team, status, err);
  if (status == OIKOS_OK)
    status = lay_out(team, data, &a, err);
  if (status == OIKOS_OK)
    status = oikos_data_filled(team, read_arrays(&in, data, &a, err), err);
  if (status == OIKOS_OK)
    status = check_all(team, data, err);
  H5Fclose(in.file);
  return status;
}

oikos_status oikos_ratings_load(const oikos_team *team, const char *path, oikos_ratings_data *data,
                                oikos_error *err) {
  *data = (oikos_ratings_data){0};
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  oikos_status status = load(team, path, data, err);
  oikos_hdf5_restore(was);
  if (status != OIKOS_OK) {
    oikos_ratings_unload(data);
    oikos_fail_prefix(err, "%s: ", path);
  }
  return status;
}

void oikos_ratings_unload(oikos_ratings_data *data) {
  ratings_tables *t = data->tables;
  oikos_data_release(&data->memory);
  if (t) {
    oikos_side_free(&t->users);
    oikos_side_free(&t->items);
    free(t->split_text);
    free(t->split_name);
  }
  free(t);
  *data = (oikos_ratings_data){0};
}
