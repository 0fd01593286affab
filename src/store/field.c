/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "base/memory.h"
#include "base/xxh3.h"
#include "oikos/real.h"
#include "store/checkpoint_impl.h"

#ifdef OIKOS_DOUBLE
#define REAL H5T_NATIVE_DOUBLE
#else
#define REAL H5T_NATIVE_FLOAT
#endif

hid_t oikos_field_hdf5(const oikos_field *f) {
  switch (f->type) {
  case OIKOS_FIELD_DOUBLE:
    return H5T_NATIVE_DOUBLE;
  case OIKOS_FIELD_INT32:
    return H5T_NATIVE_INT32;
  case OIKOS_FIELD_INT64:
    return H5T_NATIVE_INT64;
  case OIKOS_FIELD_REAL:
    break;
  }
  return REAL;
}

size_t oikos_field_element(const oikos_field *f) {
  switch (f->type) {
  case OIKOS_FIELD_INT32:
    return sizeof(int32_t);
  case OIKOS_FIELD_REAL:
    return sizeof(oikos_real);
  case OIKOS_FIELD_DOUBLE:
  case OIKOS_FIELD_INT64:
    break;
  }
  return sizeof(int64_t);
}

size_t oikos_field_row(const oikos_field *f) {
  size_t n = 1;
  for (int i = 1; i < f->n_dims; i++)
    n = oikos_mul(n, (size_t)f->dims[i]);
  return n;
}

double oikos_field_bytes(const oikos_field *f) {
  return (double)oikos_field_row(f) * (double)oikos_field_element(f) * (double)f->dims[0];
}

bool oikos_field_empty(const oikos_field *f) {
  return f->dims[0] == 0 || oikos_field_row(f) == 0;
}

void oikos_field_rows(const oikos_field *f, const oikos_team *team, int64_t *first,
                      int64_t *count) {
  if (f->owned) {
    *first = f->first;
    *count = f->count;
  } else {
    oikos_share(f->dims[0], team->rank, team->size, first, count);
  }
}

char *oikos_field_at(const oikos_field *f, int64_t row) {
  int64_t in_memory = f->owned ? row - f->first : row;
  return (char *)f->data + (size_t)in_memory * f->stride * oikos_field_element(f);
}

uint64_t oikos_rows_checksum(const char *rows, int64_t first, int64_t count, size_t bytes) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < count; i++)
    sum += XXH3_64bits_withSeed(rows + (size_t)i * bytes, bytes, (XXH64_hash_t)(first + i));
  return sum;
}

static double number_at(const oikos_field *f, const char *numbers, size_t i) {
  switch (f->type) {
  case OIKOS_FIELD_INT32:
    return (double)((const int32_t *)numbers)[i];
  case OIKOS_FIELD_INT64:
    return (double)((const int64_t *)numbers)[i];
  case OIKOS_FIELD_DOUBLE:
    return ((const double *)numbers)[i];
  case OIKOS_FIELD_REAL:
    break;
  }
  return (double)((const oikos_real *)numbers)[i];
}

static bool is_possible(const oikos_range *r, double x) {
  return (x >= r->least && x <= r->most) || (r->unknown && isnan(x));
}

/* All of n numbers, if they are reals: without a branch, since there may be many. */
static bool reals_possible(const oikos_range *r, const oikos_real *x, size_t n) {
  oikos_real least = (oikos_real)r->least, most = (oikos_real)r->most;
  int wrong = 0;
  for (size_t i = 0; i < n; i++)
    wrong |= !((x[i] >= least) & (x[i] <= most));
  return !wrong;
}

oikos_status oikos_field_check(const oikos_field *f, const char *rows, int64_t first, int64_t count,
                               oikos_error *err) {
  size_t row = oikos_field_row(f), n = (size_t)count * row;
  const oikos_range *r = &f->range;
  if (!f->checked || (f->type == OIKOS_FIELD_REAL && !r->unknown &&
                      reals_possible(r, (const oikos_real *)rows, n)))
    return OIKOS_OK;
  for (size_t i = 0; i < n; i++)
    if (!is_possible(r, number_at(f, rows, i)))
      return oikos_fail(err, OIKOS_ERROR,
                        "dataset %s: row %lld holds %.9g, where %.9g to %.9g are possible", f->name,
                        (long long)first + (long long)(i / row), number_at(f, rows, i), r->least,
                        r->most);
  return OIKOS_OK;
}
