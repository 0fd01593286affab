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

static bool is_there(const oikos_data_in *in, const char *name) {
  return H5Lexists(in->file, name, H5P_DEFAULT) > 0;
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

static oikos_status read_matrix(const oikos_data_in *in, const char *name, int64_t rows,
                                int64_t columns, float **out, oikos_error *err) {
  hid_t dataset;
  hsize_t dims[2];
  size_t n = oikos_mul((size_t)rows, (size_t)columns);
  OIKOS_TRY(oikos_data_open(in, name, 2, H5T_FLOAT, &dataset, dims, err));
  oikos_status status = oikos_alloc(out, n, sizeof **out, name, err);
  if (status == OIKOS_OK)
    status = oikos_data_rows(in, dataset, name, H5T_NATIVE_FLOAT, 0, rows,
                             (size_t)columns * sizeof **out, *out, err);
  H5Dclose(dataset);
  for (size_t k = 0; status == OIKOS_OK && k < n; k++)
    if (!isfinite((*out)[k]))
      status = oikos_fail(err, OIKOS_ERROR, "/%s, entry %zu is not a finite number", name, k);
  return status;
}

static oikos_status read_numbers(const oikos_data_in *in, const char *side, oikos_rating_side *s,
                                 oikos_side_memory *m, oikos_error *err) {
  char names[MAX_NAME], name[MAX_NAME];
  hsize_t dims[2] = {0};
  if (!is_there(in, name_of(names, side, "number_name")))
    return OIKOS_OK;
  OIKOS_TRY(oikos_data_count(in, names, H5T_STRING, &s->n_numbers, err));
  OIKOS_TRY(oikos_data_shape(in, name_of(name, side, "number"), 2, H5T_FLOAT, dims, err));
  if (dims[0] != (hsize_t)s->n || dims[1] != (hsize_t)s->n_numbers)
    return oikos_fail(err, OIKOS_ERROR, "/%s is %llu x %llu, expected %lld x %lld", name,
                      (unsigned long long)dims[0], (unsigned long long)dims[1], (long long)s->n,
                      (long long)s->n_numbers);
  OIKOS_TRY(oikos_data_texts(in, names, s->n_numbers, &m->number_text, &m->number_name, err));
  OIKOS_TRY(read_matrix(in, name, s->n, s->n_numbers, &m->number, err));
  s->number_name = (const char *const *)m->number_name;
  s->number = m->number;
  return OIKOS_OK;
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

static oikos_status read_lists(const oikos_data_in *in, const char *side, oikos_rating_side *s,
                               oikos_side_memory *m, oikos_error *err) {
  char name[MAX_NAME];
  int64_t n;
  OIKOS_TRY(oikos_data_count(in, name_of(name, side, "category"), H5T_INTEGER, &n, err));
  OIKOS_TRY(oikos_data_numbers(in, name, H5T_NATIVE_INT32, 4, n, &m->category, err));
  OIKOS_TRY(oikos_data_numbers(in, name_of(name, side, "category_first"), H5T_NATIVE_INT64, 8,
                               s->n + 1, &m->category_first, err));
  s->category = m->category;
  s->category_first = m->category_first;
  return oikos_check_offsets(name, s->category_first, s->n, n, err);
}

static oikos_status read_categories(const oikos_data_in *in, const char *side, oikos_rating_side *s,
                                    oikos_side_memory *m, oikos_error *err) {
  char name[MAX_NAME];
  int64_t values;
  if (!is_there(in, name_of(name, side, "field_name")))
    return OIKOS_OK;
  OIKOS_TRY(oikos_data_count(in, name, H5T_STRING, &s->n_fields, err));
  OIKOS_TRY(oikos_data_count(in, name_of(name, side, "value_name"), H5T_STRING, &values, err));
  OIKOS_TRY(oikos_data_expect_count(in, name_of(name, side, "field_first"), H5T_INTEGER,
                                    s->n_fields + 1, err));
  OIKOS_TRY(oikos_data_texts(in, name_of(name, side, "field_name"), s->n_fields, &m->field_text,
                             &m->field_name, err));
  OIKOS_TRY(oikos_data_texts(in, name_of(name, side, "value_name"), values, &m->value_text,
                             &m->value_name, err));
  OIKOS_TRY(oikos_data_numbers(in, name_of(name, side, "field_first"), H5T_NATIVE_INT64, 8,
                               s->n_fields + 1, &m->field_first, err));
  OIKOS_TRY(oikos_check_offsets(name, m->field_first, s->n_fields, values, err));
  s->field_name = (const char *const *)m->field_name;
  s->value_name = (const char *const *)m->value_name;
  s->field_first = m->field_first;
  OIKOS_TRY(read_lists(in, side, s, m, err));
  return check_categories(side, s, err);
}

oikos_status oikos_side_count(const oikos_data_in *in, const char *side, oikos_rating_side *s,
                              oikos_error *err) {
  char name[MAX_NAME];
  OIKOS_TRY(oikos_data_count(in, name_of(name, side, "id"), H5T_STRING, &s->n, err));
  if (s->n > INT32_MAX)
    return oikos_fail(err, OIKOS_ERROR, "/%s has more than %d entries", name, INT32_MAX);
  if (is_there(in, name_of(name, side, "title")))
    OIKOS_TRY(oikos_data_expect_count(in, name, H5T_STRING, s->n, err));
  return oikos_data_expect_count(in, name_of(name, side, "first"), H5T_INTEGER, s->n + 1, err);
}

oikos_status oikos_side_read(const oikos_data_in *in, const char *side, oikos_rating_side *s,
                             oikos_side_memory *memory, oikos_error *err) {
  char name[MAX_NAME];
  OIKOS_TRY(
      oikos_data_texts(in, name_of(name, side, "id"), s->n, &memory->id_text, &memory->id, err));
  s->id = (const char *const *)memory->id;
  if (is_there(in, name_of(name, side, "title"))) {
    OIKOS_TRY(oikos_data_texts(in, name, s->n, &memory->title_text, &memory->title, err));
    s->title = (const char *const *)memory->title;
  }
  OIKOS_TRY(read_numbers(in, side, s, memory, err));
  return read_categories(in, side, s, memory, err);
}

void oikos_side_free(oikos_side_memory *m) {
  void *const arrays[] = {m->id_text,        m->title_text, m->number_text, m->field_text,
                          m->value_text,     m->id,         m->title,       m->number_name,
                          m->field_name,     m->value_name, m->number,      m->field_first,
                          m->category_first, m->category};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
    free(arrays[k]);
}
