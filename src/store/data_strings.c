/* SPDX-License-Identifier: MIT */
#include "store/data_strings.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/hdf5_util.h"

enum { ROWS = 256, ARENA = ROWS * OIKOS_DATA_TEXT, ALIGN = 16 };

/* Memory that HDF5 takes for the texts of a block: no more than so many of the longest can need,
 * whatever the file says. */
typedef struct arena {
  char *bytes; /* (ARENA) */
  size_t used;
} arena;

static void *take(size_t size, void *user) {
  arena *a = user;
  if (size > ARENA - a->used)
    return NULL;
  void *memory = a->bytes + a->used;
  size = (size + ALIGN - 1) / ALIGN * ALIGN;
  a->used = size < ARENA - a->used ? a->used + size : ARENA;
  return memory;
}

static void give_back(void *memory, void *user) {
  (void)memory, (void)user;
}

typedef struct string_reader {
  const char *name;
  hid_t dataset, type, space, transfer;
  arena arena;
  char *block[ROWS];
  char *text; /* (capacity): `used` bytes, of the texts so far */
  size_t used, capacity;
} string_reader;

static oikos_status begin(string_reader *r, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(&r->arena.bytes, ARENA, 1, r->name, err));
  hid_t stored = H5Dget_type(r->dataset);
  r->space = H5Dget_space(r->dataset);
  r->transfer = H5Pcreate(H5P_DATASET_XFER);
  r->type = H5Tcopy(H5T_C_S1);
  bool good = H5Tset_size(r->type, H5T_VARIABLE) >= 0 &&
              H5Tset_cset(r->type, H5Tget_cset(stored)) >= 0 &&
              H5Pset_vlen_mem_manager(r->transfer, take, &r->arena, give_back, &r->arena) >= 0;
  H5Tclose(stored);
  return good ? OIKOS_OK : oikos_hdf5_fail(err, "dataset /%s cannot be read", r->name);
}

static void end(string_reader *r) {
  if (r->space > 0)
    H5Sclose(r->space);
  if (r->transfer > 0)
    H5Pclose(r->transfer);
  if (r->type > 0)
    H5Tclose(r->type);
  free(r->arena.bytes);
}

static oikos_status read_block(string_reader *r, int64_t first, int64_t count, oikos_error *err) {
  hsize_t start[1] = {(hsize_t)first}, size[1] = {(hsize_t)count};
  hid_t memory = H5Screate_simple(1, size, NULL);
  r->arena.used = 0;
  memset(r->block, 0, sizeof r->block);
  H5Sselect_hyperslab(r->space, H5S_SELECT_SET, start, NULL, size, NULL);
  herr_t bad = H5Dread(r->dataset, r->type, memory, r->space, r->transfer, r->block);
  H5Sclose(memory);
  return bad < 0 ? oikos_hdf5_fail(err,
                                   "dataset /%s cannot be read: are its texts of at most %d bytes?",
                                   r->name, OIKOS_DATA_TEXT - 1)
                 : OIKOS_OK;
}

static oikos_status keep(string_reader *r, int64_t number, const char *text, oikos_error *err) {
  size_t n = text ? strlen(text) + 1 : 1; // HDF5 gives an empty one as NULL
  if (n > OIKOS_DATA_TEXT)
    return oikos_fail(err, OIKOS_ERROR, "dataset /%s: text %lld has %zu bytes, expected at most %d",
                      r->name, (long long)number, n - 1, OIKOS_DATA_TEXT - 1);
  if (n > r->capacity - r->used) {
    size_t capacity = 2 * r->capacity + OIKOS_DATA_TEXT;
    char *grown = realloc(r->text, capacity);
    if (!grown)
      return oikos_fail(err, OIKOS_ERROR, "out of memory for the texts of /%s", r->name);
    r->text = grown;
    r->capacity = capacity;
  }
  memcpy(r->text + r->used, text ? text : "", n);
  r->used += n;
  return OIKOS_OK;
}

static oikos_status read_all(string_reader *r, int64_t n, oikos_error *err) {
  OIKOS_TRY(begin(r, err));
  for (int64_t first = 0; first < n; first += ROWS) {
    int64_t count = n - first < ROWS ? n - first : ROWS;
    OIKOS_TRY(read_block(r, first, count, err));
    for (int64_t k = 0; k < count; k++)
      OIKOS_TRY(keep(r, first + k, r->block[k], err));
  }
  return OIKOS_OK;
}

oikos_status oikos_data_strings(hid_t dataset, const char *name, int64_t n, char **text,
                                char ***names, oikos_error *err) {
  string_reader r = {.name = name, .dataset = dataset};
  oikos_status status = read_all(&r, n, err);
  end(&r);
  *text = r.text;
  if (status == OIKOS_OK)
    status = oikos_alloc(names, (size_t)n, sizeof **names, name, err);
  char *at = r.text;
  for (int64_t k = 0; status == OIKOS_OK && k < n; k++, at += strlen(at) + 1)
    (*names)[k] = at;
  return status;
}
