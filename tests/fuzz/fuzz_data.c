/* SPDX-License-Identifier: MIT
 * Data files of images, tables and ratings, by the first byte, loaded as a run loads them: what is
 * taken can be read from end to end. */
#include "fuzz_hdf5.h"

#include <math.h>

#include "import/import.h"
#include "store/image_file.h"
#include "store/image_load.h"
#include "store/ratings_load.h"
#include "store/table_load.h"

enum { KINDS = 3 };

static oikos_status draw(void *user, int64_t first, int64_t count, uint8_t *pixels,
                         oikos_error *err) {
  (void)user, (void)err;
  for (int64_t k = 0; k < count * 4; k++)
    pixels[k] = (uint8_t)(first + k);
  return OIKOS_OK;
}

static void make_images(const char *path) {
  static const int64_t start[] = {0, 3, 5};
  static const char *const names[] = {"a/1", "b/1"}, *const groups[] = {"a", "b"};
  static const int32_t group[] = {0, 1};
  static const uint8_t split[] = {0, 2};
  const oikos_image_index index = {.n_images = 5,
                                   .n_classes = 2,
                                   .n_groups = 2,
                                   .height = 2,
                                   .width = 2,
                                   .channels = 1,
                                   .class_start = start,
                                   .class_name = names,
                                   .class_group = group,
                                   .group_name = groups,
                                   .split = split,
                                   .source = "a harness"};
  oikos_error err = {.status = OIKOS_OK};
  fuzz_require(oikos_image_file_write(path, &index, draw, NULL, &err) == OIKOS_OK, "images",
               err.message);
}

static void make_imported(const char *path, const char *text, const oikos_import_options *options) {
  char source[FUZZ_PATH];
  const char *sources[] = {fuzz_path("source.csv", source)};
  oikos_error err = {.status = OIKOS_OK};
  oikos_import_job job = {.n_sources = 1, .sources = sources, .options = *options, .output = path};
  if (options->item_table)
    fuzz_put(options->item_table,
             (fuzz_input){(const uint8_t *)"i,year,kind\n1,1999,a|b\n2,2000,b\n", 32});
  fuzz_put(source, (fuzz_input){(const uint8_t *)text, strlen(text)});
  fuzz_require(oikos_import("csv", &job, &err) == OIKOS_OK, "an import", err.message);
}

/* The good files; each is made once. */
static fuzz_input good(int kind) {
  static fuzz_input files[KINDS];
  char path[FUZZ_PATH], items[FUZZ_PATH];
  if (files[kind].data)
    return files[kind];
  fuzz_path("good.h5", path);
  if (kind == 0)
    make_images(path);
  else if (kind == 1)
    make_imported(path, "g,t,x\na,1,2\na,2,3\nb,3,4\n",
                  &(oikos_import_options){.group = "g", .targets = "t"});
  else
    make_imported(path, "u,i,r,t\n1,1,5,1\n1,2,3,2\n2,1,4,3\n",
                  &(oikos_import_options){.user = "u",
                                          .item = "i",
                                          .rating = "r",
                                          .time = "t",
                                          .item_table = fuzz_path("items.csv", items)});
  return files[kind] = fuzz_get(path);
}

static int64_t lengths(int64_t n, const char *const *names) {
  int64_t sum = 0;
  for (int64_t k = 0; names && k < n; k++)
    sum += (int64_t)strlen(names[k]);
  return sum;
}

static void load_images(const char *path) {
  oikos_image_data data;
  oikos_error err;
  if (oikos_image_load(fuzz_team(), path, &data, &err) != OIKOS_OK)
    return;
  const oikos_image_index *x = &data.index;
  int64_t sum = lengths(x->n_classes, x->class_name) + lengths(x->n_groups, x->group_name);
  for (int64_t k = 0; k < x->n_images * x->height * x->width * x->channels; k++)
    sum += data.pixels[k];
  fuzz_require(sum >= 0, "pixels", "images");
  oikos_image_unload(&data);
}

static void load_table(const char *path) {
  oikos_table_data data;
  oikos_error err;
  if (oikos_table_load(fuzz_team(), path, &data, &err) != OIKOS_OK)
    return;
  const oikos_table_index *x = &data.index;
  int64_t sum = lengths(x->n_groups, x->group_name) + lengths(x->n_features, x->feature_name) +
                lengths(x->n_targets, x->target_name);
  for (int64_t k = 0; k < x->n_rows * x->n_features; k++)
    fuzz_require(isfinite(data.features[k]), "features are finite", "table");
  for (int64_t k = 0; k < x->n_rows * x->n_targets; k++)
    fuzz_require(isfinite(data.targets[k]), "targets are finite", "table");
  fuzz_require(sum >= 0, "names", "table");
  oikos_table_unload(&data);
}

static void load_ratings(const char *path) {
  oikos_ratings_data data;
  oikos_error err;
  if (oikos_ratings_load(fuzz_team(), path, &data, &err) != OIKOS_OK)
    return;
  const oikos_ratings_index *x = &data.index;
  int64_t sum = lengths(x->users.n, x->users.id) + lengths(x->items.n, x->items.id) +
                lengths(x->items.n, x->items.title);
  for (int64_t k = 0; k < x->n; k++)
    fuzz_require(x->user[k] >= 0 && x->user[k] < x->users.n && x->item[k] >= 0 &&
                     x->item[k] < x->items.n && isfinite(x->value[k]),
                 "ratings are of somebody, and finite", "ratings");
  fuzz_require(sum >= 0, "names", "ratings");
  oikos_ratings_unload(&data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[FUZZ_PATH];
  fuzz_input in = {data, size};
  int kind = fuzz_byte(&in) % KINDS;
  fuzz_team();
  if (!fuzz_make(fuzz_path("data.h5", path), good(kind), OIKOS_DATA_SEAL, &in))
    return 0;
  if (kind == 0)
    load_images(path);
  else if (kind == 1)
    load_table(path);
  else
    load_ratings(path);
  fuzz_nothing_open("loading");
  return 0;
}
