/* SPDX-License-Identifier: MIT */
#include "store/ratings_side.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/data_read.h"
#include "store/hdf5_util.h"

enum { MAX_NAME = 64 };

static const char *name_of(char name[MAX_NAME], const char *side, const char *what) {
  snprintf(name, MAX_NAME, "%s_%s", side, what);
  return name;
}

static bool is_there(hid_t file, const char *name) {
  return H5Lexists(file, name, H5P_DEFAULT) > 0;
}

oikos_status oikos_check_offsets(const char *name, const int64_t *first, int64_t n, int64_t total,
                                 oikos_error *err) {
  if (first[0] != 0 || first[n] != total)
    return oikos_fail(err, OIKOS_ERROR, "/%s does not run from 0 to %lld", name, (long long)total);
  for (int64_t k = 0; k < n; k++)
    if (first[k] > first[k + 1])
      return oikos_fail(err, OIKOS_ERROR, "/%s falls after entry %lld", name, (long long)k);
  return OIKOS_OK;
}

/* Texts of which there must be n. */
static oikos_status read_texts(hid_t file, const char *side, const char *what, int64_t n,
                               char **text, char ***names, oikos_error *err) {
  char name[MAX_NAME];
  int64_t found;
  OIKOS_TRY(oikos_data_texts(file, name_of(name, side, what), &found, text, names, err));
  return found == n ? OIKOS_OK
                    : oikos_fail(err, OIKOS_ERROR, "dataset /%s has %lld entries, expected %lld",
                                 name, (long long)found, (long long)n);
}

static oikos_status read_matrix(hid_t dataset, const char *name, size_t n, float **out,
                                oikos_error *err) {
  OIKOS_TRY(oikos_alloc(out, n, sizeof **out, name, err));
  if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) < 0)
    return oikos_hdf5_fail(err, "dataset /%s cannot be read", name);
  for (size_t k = 0; k < n; k++)
    if (!isfinite((*out)[k]))
      return oikos_fail(err, OIKOS_ERROR, "/%s, entry %zu is not a finite number", name, k);
  return OIKOS_OK;
}

static oikos_status read_numbers(hid_t file, const char *side, oikos_rating_side *s,
                                 oikos_side_memory *m, oikos_error *err) {
  char name[MAX_NAME];
  hid_t dataset;
  hsize_t dims[2] = {0};
  if (!is_there(file, name_of(name, side, "number_name")))
    return OIKOS_OK;
  OIKOS_TRY(oikos_data_texts(file, name, &s->n_numbers, &m->number_text, &m->number_name, err));
  OIKOS_TRY(
      oikos_data_open(file, name_of(name, side, "number"), 2, H5T_FLOAT, &dataset, dims, err));
  oikos_status status = OIKOS_OK;
  if (dims[0] != (hsize_t)s->n || dims[1] != (hsize_t)s->n_numbers)
    status = oikos_fail(err, OIKOS_ERROR, "/%s is %llu x %llu, expected %lld x %lld", name,
                        (unsigned long long)dims[0], (unsigned long long)dims[1], (long long)s->n,
                        (long long)s->n_numbers);
  if (status == OIKOS_OK)
    status =
        read_matrix(dataset, name, oikos_mul((size_t)s->n, (size_t)s->n_numbers), &m->number, err);
  H5Dclose(dataset);
  s->number_name = (const char *const *)m->number_name;
  s->number = m->number;
  return status;
}

static oikos_status check_categories(const char *side, const oikos_rating_side *s,
                                     oikos_error *err) {
  int64_t values = s->field_first[s->n_fields];
  for (int64_t k = 0; k < s->n; k++)
    for (int64_t i = s->category_first[k]; i < s->category_first[k + 1]; i++)
      if (s->category[i] < 0 || s->category[i] >= values ||
          (i > s->category_first[k] && s->category[i] <= s->category[i - 1]))
        return oikos_fail(err, OIKOS_ERROR,
                          "/%s_category, entry %lld: %ld is not one of %lld categories, or not "
                          "above the one before",
                          side, (long long)i, (long)s->category[i], (long long)values);
  return OIKOS_OK;
}

/* How many entries a dataset of whole numbers has. */
static oikos_status count_of(hid_t file, const char *name, int64_t *n, oikos_error *err) {
  hid_t dataset;
  hsize_t dims[1] = {0};
  OIKOS_TRY(oikos_data_open(file, name, 1, H5T_INTEGER, &dataset, dims, err));
  H5Dclose(dataset);
  *n = (int64_t)dims[0];
  return OIKOS_OK;
}

static oikos_status read_lists(hid_t file, const char *side, oikos_rating_side *s,
                               oikos_side_memory *m, oikos_error *err) {
  char name[MAX_NAME];
  int64_t n;
  OIKOS_TRY(count_of(file, name_of(name, side, "category"), &n, err));
  OIKOS_TRY(oikos_data_numbers(file, name, H5T_NATIVE_INT32, 4, n, &m->category, err));
  OIKOS_TRY(oikos_data_numbers(file, name_of(name, side, "category_first"), H5T_NATIVE_INT64, 8,
                               s->n + 1, &m->category_first, err));
  s->category = m->category;
  s->category_first = m->category_first;
  return oikos_check_offsets(name, s->category_first, s->n, n, err);
}

static oikos_status read_categories(hid_t file, const char *side, oikos_rating_side *s,
                                    oikos_side_memory *m, oikos_error *err) {
  char name[MAX_NAME];
  int64_t values;
  if (!is_there(file, name_of(name, side, "field_name")))
    return OIKOS_OK;
  OIKOS_TRY(oikos_data_texts(file, name, &s->n_fields, &m->field_text, &m->field_name, err));
  OIKOS_TRY(oikos_data_texts(file, name_of(name, side, "value_name"), &values, &m->value_text,
                             &m->value_name, err));
  OIKOS_TRY(oikos_data_numbers(file, name_of(name, side, "field_first"), H5T_NATIVE_INT64, 8,
                               s->n_fields + 1, &m->field_first, err));
  OIKOS_TRY(oikos_check_offsets(name, m->field_first, s->n_fields, values, err));
  s->field_name = (const char *const *)m->field_name;
  s->value_name = (const char *const *)m->value_name;
  s->field_first = m->field_first;
  OIKOS_TRY(read_lists(file, side, s, m, err));
  return check_categories(side, s, err);
}

oikos_status oikos_side_read(hid_t file, const char *side, oikos_rating_side *s,
                             oikos_side_memory *memory, oikos_error *err) {
  char name[MAX_NAME];
  OIKOS_TRY(
      oikos_data_texts(file, name_of(name, side, "id"), &s->n, &memory->id_text, &memory->id, err));
  if (s->n > INT32_MAX)
    return oikos_fail(err, OIKOS_ERROR, "/%s has more than %d entries", name, INT32_MAX);
  s->id = (const char *const *)memory->id;
  if (is_there(file, name_of(name, side, "title"))) {
    OIKOS_TRY(read_texts(file, side, "title", s->n, &memory->title_text, &memory->title, err));
    s->title = (const char *const *)memory->title;
  }
  OIKOS_TRY(read_numbers(file, side, s, memory, err));
  return read_categories(file, side, s, memory, err);
}

void oikos_side_free(oikos_side_memory *m) {
  void *const arrays[] = {m->id_text,        m->title_text, m->number_text, m->field_text,
                          m->value_text,     m->id,         m->title,       m->number_name,
                          m->field_name,     m->value_name, m->number,      m->field_first,
                          m->category_first, m->category};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
    free(arrays[k]);
}
