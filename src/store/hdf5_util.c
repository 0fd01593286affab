/* SPDX-License-Identifier: MIT */
#include "store/hdf5_util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"

enum { MAX_TEXT = 16 << 20 };

oikos_hdf5_quiet oikos_hdf5_silence(void) {
  oikos_hdf5_quiet was = {0};
  H5Eget_auto2(H5E_DEFAULT, &was.function, &was.data);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return was;
}

void oikos_hdf5_restore(oikos_hdf5_quiet was) {
  H5Eset_auto2(H5E_DEFAULT, was.function, was.data);
}

/* The reason in HDF5's words for a failed call: "time = .., error message = 'No space left', buf =
 * .." of its own driver, "MPI error string is 'MPI_ERR_IO: input/output error'" of MPI-IO. */
static const char *reason(const char *words, int *length) {
  static const char *const before[] = {"error message = '", "MPI error string is '"};
  const char *found = NULL;
  for (size_t k = 0; k < sizeof before / sizeof *before && !found; k++)
    if ((found = strstr(words, before[k])))
      found += strlen(before[k]);
  *length = found ? (int)strcspn(found, "'") : 0;
  return found;
}

/* "file read failed: time = .., error message = 'No space left', buf = .." becomes "file read
 * failed: No space left": the rest names addresses. */
static herr_t keep_deepest(unsigned depth, const H5E_error2_t *error, void *text) {
  if (depth != 0 || !error->desc)
    return 0;
  int length;
  const char *why = reason(error->desc, &length);
  snprintf(text, 256, "%.*s%s%.*s", (int)strcspn(error->desc, ":\n"), error->desc, why ? ": " : "",
           length, why ? why : "");
  return 0;
}

hid_t oikos_hdf5_access(void) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
#if H5_VERSION_GE(1, 10, 7)
  H5Pset_file_locking(access, 0, 1);
#endif
  return access;
}

bool oikos_hdf5_holds_files(void) {
  return H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_FILE) > 0;
}

oikos_status oikos_hdf5_fail(oikos_error *err, const char *format, ...) {
  char what[512], why[256] = "no more is known";
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_deepest, why);
  return oikos_fail(err, OIKOS_ERROR, "%s: HDF5 says: %s", what, why);
}

static oikos_status put(hid_t object, const char *name, hid_t type, const void *value,
                        oikos_error *err) {
  hid_t space = H5Screate(H5S_SCALAR),
        attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t bad = attribute < 0 ? -1 : H5Awrite(attribute, type, value);
  if (attribute >= 0)
    H5Aclose(attribute);
  H5Sclose(space);
  return bad < 0 ? oikos_hdf5_fail(err, "attribute %s cannot be written", name) : OIKOS_OK;
}

oikos_status oikos_put_text(hid_t object, const char *name, const char *text, oikos_error *err) {
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, strlen(text) + 1);
  H5Tset_cset(type, H5T_CSET_UTF8);
  oikos_status status = put(object, name, type, text, err);
  H5Tclose(type);
  return status;
}

oikos_status oikos_put_number(hid_t object, const char *name, hid_t type, const void *value,
                              oikos_error *err) {
  return put(object, name, type, value, err);
}

/* A string attribute of either kind, as zero-terminated memory of its own. */
static oikos_status read_text(hid_t attribute, hid_t type, char **text, oikos_error *err) {
  if (H5Tget_class(type) != H5T_STRING)
    return oikos_fail(err, OIKOS_ERROR, "it is not a text");
  if (H5Tis_variable_str(type) > 0) {
    char *read = NULL;
    hid_t memory = H5Tcopy(H5T_C_S1);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    herr_t bad = H5Aread(attribute, memory, &read);
    H5Tclose(memory);
    if (bad < 0 || !read)
      return oikos_hdf5_fail(err, "it cannot be read");
    *text = strdup(read);
    H5free_memory(read);
    return *text ? OIKOS_OK : oikos_fail(err, OIKOS_ERROR, "out of memory");
  }
  size_t size = H5Tget_size(type);
  if (size > MAX_TEXT)
    return oikos_fail(err, OIKOS_ERROR, "it has %zu bytes, expected at most %d", size, MAX_TEXT);
  OIKOS_TRY(oikos_alloc(text, size + 1, 1, "a text attribute", err));
  return H5Aread(attribute, type, *text) < 0 ? oikos_hdf5_fail(err, "it cannot be read") : OIKOS_OK;
}

static oikos_status get_text(hid_t object, const char *name, char **text, oikos_error *err) {
  *text = NULL;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0)
    return oikos_fail(err, OIKOS_ERROR, "attribute %s is missing", name);
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  oikos_status status = H5Sget_simple_extent_npoints(space) == 1
                            ? read_text(attribute, type, text, err)
                            : oikos_fail(err, OIKOS_ERROR, "it is not one text");
  if (status != OIKOS_OK)
    oikos_fail_prefix(err, "attribute %s: ", name);
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(attribute);
  return status;
}

oikos_status oikos_get_text(hid_t object, const char *name, char **text, oikos_error *err) {
  oikos_status status = get_text(object, name, text, err);
  if (status != OIKOS_OK) {
    free(*text);
    *text = NULL;
  }
  return status;
}

oikos_status oikos_get_number(hid_t object, const char *name, hid_t type, void *value,
                              oikos_error *err) {
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0)
    return oikos_fail(err, OIKOS_ERROR, "attribute %s is missing", name);
  hid_t space = H5Aget_space(attribute), stored = H5Aget_type(attribute);
  bool fits =
      H5Sget_simple_extent_npoints(space) == 1 && H5Tget_class(stored) == H5Tget_class(type);
  herr_t bad = fits ? H5Aread(attribute, type, value) : -1;
  H5Tclose(stored);
  H5Sclose(space);
  H5Aclose(attribute);
  return bad < 0 ? oikos_fail(err, OIKOS_ERROR, "attribute %s is not one number", name) : OIKOS_OK;
}
