/* SPDX-License-Identifier: MIT */
#include "store/data_layout.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/try.h"

enum {
  MAX_CHUNK = 16 << 20, /* bytes; larger only as one row */
  MOST_DEFLATED = 1100, /* deflate makes at most 1032 bytes of one */
  SLACK = 1 << 20
};

/* In how many chunks a dataset lies; false if they take more memory than reading it by rows. */
static bool count_chunks(hid_t list, int n_dims, const hsize_t *dims, size_t bytes,
                         size_t *expected) {
  hsize_t chunk[H5S_MAX_RANK];
  bool within = true;
  *expected = 1;
  if (H5Pget_chunk(list, n_dims, chunk) != n_dims)
    return false;
  for (int d = 0; d < n_dims; d++) {
    bytes = oikos_mul(bytes, (size_t)chunk[d]);
    within = within && chunk[d] <= dims[d];
    *expected = oikos_mul(*expected, (size_t)((dims[d] - 1) / chunk[d] + 1));
  }
  return bytes <= MAX_CHUNK || (within && chunk[0] == 1);
}

static oikos_status check_chunks(hid_t dataset, hid_t list, const char *name, int n_dims,
                                 const hsize_t *dims, size_t bytes, oikos_error *err) {
  size_t expected;
  hsize_t found = 0;
  hid_t space = H5Dget_space(dataset); // HDF5 1.10 does not take H5S_ALL here
  bool known = H5Dget_num_chunks(dataset, space, &found) >= 0;
  H5Sclose(space);
  if (!count_chunks(list, n_dims, dims, bytes, &expected))
    return oikos_fail(err, OIKOS_ERROR,
                      "dataset /%s lies in chunks of more than %d MiB and one row: lay it out anew "
                      "in smaller ones (h5repack -l)",
                      name, MAX_CHUNK >> 20);
  if (!known || found != expected)
    return oikos_fail(err, OIKOS_ERROR,
                      "dataset /%s was not written in full: %llu of its %zu chunks are there", name,
                      (unsigned long long)found, expected);
  return OIKOS_OK;
}

static oikos_status check_size(hid_t file, hid_t dataset, const char *name, bool chunked,
                               size_t whole, oikos_error *err) {
  hsize_t stored = H5Dget_storage_size(dataset), all = 0;
  bool there = chunked || stored >= whole;
  if (chunked) // filters make data smaller, but not by any factor
    there = whole / MOST_DEFLATED <= stored + SLACK;
  if (!there || H5Fget_filesize(file, &all) < 0 || stored > all)
    return oikos_fail(
        err, OIKOS_ERROR,
        "dataset /%s was not written in full: by its shape it has %zu bytes, but %llu "
        "are stored in a file of %llu",
        name, whole, (unsigned long long)stored, (unsigned long long)all);
  return OIKOS_OK;
}

static oikos_status check(hid_t file, hid_t dataset, hid_t list, const char *name, int n_dims,
                          const hsize_t *dims, size_t bytes, oikos_error *err) {
  H5D_layout_t layout = H5Pget_layout(list);
  size_t whole = bytes;
  for (int d = 0; d < n_dims; d++)
    whole = oikos_mul(whole, (size_t)dims[d]);
  if ((layout != H5D_CHUNKED && layout != H5D_CONTIGUOUS && layout != H5D_COMPACT) ||
      H5Pget_external_count(list) != 0)
    return oikos_fail(err, OIKOS_ERROR, "dataset /%s lies in other files, expected all in this one",
                      name);
  if (layout == H5D_CHUNKED)
    OIKOS_TRY(check_chunks(dataset, list, name, n_dims, dims, bytes, err));
  return check_size(file, dataset, name, layout == H5D_CHUNKED, whole, err);
}

oikos_status oikos_data_check_layout(hid_t file, hid_t dataset, const char *name, int n_dims,
                                     const hsize_t *dims, size_t bytes, oikos_error *err) {
  hid_t list = H5Dget_create_plist(dataset);
  oikos_status status = check(file, dataset, list, name, n_dims, dims, bytes, err);
  H5Pclose(list);
  return status;
}
