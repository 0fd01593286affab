/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/checkpoint_impl.h"
#include "store/hdf5_old.h"
#include "store/mpiio.h"

enum { HASH_BLOCK = 1 << 20 };

void oikos_checkpoint_info_clear(oikos_checkpoint_info *info) {
  free(info->config);
  free(info->version);
  free(info->libraries);
  free(info->numerics);
  free(info->created);
  *info = (oikos_checkpoint_info){0};
}

static void to_hex(XXH128_hash_t hash, char digest[OIKOS_DIGEST]) {
  snprintf(digest, OIKOS_DIGEST, "%016llx%016llx", (unsigned long long)hash.high64,
           (unsigned long long)hash.low64);
}

static oikos_status hash_stream(FILE *in, XXH3_state_t *state, char *block, oikos_error *err) {
  size_t n;
  if (fseek(in, OIKOS_USER_BLOCK, SEEK_SET) != 0)
    return oikos_fail(err, OIKOS_ERROR, "it cannot be read: %s", strerror(errno));
  XXH3_128bits_reset(state);
  while ((n = fread(block, 1, HASH_BLOCK, in)) > 0)
    XXH3_128bits_update(state, block, n);
  return ferror(in) ? oikos_fail(err, OIKOS_ERROR, "it cannot be read: %s", strerror(errno))
                    : OIKOS_OK;
}

oikos_status oikos_file_hash(const char *path, char hash[OIKOS_DIGEST], oikos_error *err) {
  FILE *in = fopen(path, "rb");
  if (!in)
    return oikos_fail(err, OIKOS_ERROR, "it cannot be read: %s", strerror(errno));
  XXH3_state_t *state = XXH3_createState();
  char *block = NULL;
  oikos_status status = state ? oikos_alloc(&block, HASH_BLOCK, 1, "a read buffer", err)
                              : oikos_fail(err, OIKOS_ERROR, "out of memory");
  if (status == OIKOS_OK)
    status = hash_stream(in, state, block, err);
  if (status == OIKOS_OK)
    to_hex(XXH3_128bits_digest(state), hash);
  free(block);
  XXH3_freeState(state);
  fclose(in);
  return status;
}

/* What a file is instead, as far as its first bytes tell. */
static oikos_status not_a_checkpoint(const char *block, size_t n, oikos_error *err) {
  if (n >= 8 && memcmp(block, "\x89HDF\r\n\x1a\n", 8) == 0)
    return oikos_fail(
        err, OIKOS_ERROR,
        "it is not a checkpoint, but an HDF5 file of another kind: if it is a data file of "
        "`oikos import`, `oikos inspect` tells what it holds");
  return oikos_fail(err, OIKOS_ERROR,
                    "it is not a checkpoint of this oikos: it does not begin with \"%.*s\"",
                    (int)strlen(OIKOS_CHECKPOINT_MAGIC) - 1, OIKOS_CHECKPOINT_MAGIC);
}

static oikos_status verify(const char *path, oikos_error *err) {
  char block[OIKOS_USER_BLOCK + 1] = "", stored[OIKOS_DIGEST] = "", hash[OIKOS_DIGEST];
  FILE *in = fopen(path, "rb");
  if (!in)
    return oikos_fail(err, OIKOS_ERROR, "it cannot be read: %s", strerror(errno));
  size_t n = fread(block, 1, OIKOS_USER_BLOCK, in);
  bool folder = ferror(in) && errno == EISDIR;
  fclose(in);
  if (folder)
    return oikos_fail(err, OIKOS_ERROR,
                      "it is a folder: give one of the files in its checkpoints/");
  if (n < OIKOS_USER_BLOCK ||
      strncmp(block, OIKOS_CHECKPOINT_MAGIC, strlen(OIKOS_CHECKPOINT_MAGIC)) != 0)
    return not_a_checkpoint(block, n, err);
  if (sscanf(block + strlen(OIKOS_CHECKPOINT_MAGIC), "xxh3-128 %32[0-9a-f]", stored) != 1)
    return oikos_fail(err, OIKOS_ERROR, "its user block is damaged: no hash");
  OIKOS_TRY(oikos_file_hash(path, hash, err));
  if (strcmp(hash, stored) != 0)
    return oikos_fail(err, OIKOS_ERROR,
                      "it is damaged: its bytes have the hash %s, but %s was written", hash,
                      stored);
  return OIKOS_OK;
}

oikos_status oikos_checkpoint_verify(const char *path, oikos_error *err) {
  oikos_status status = verify(path, err);
  if (status != OIKOS_OK)
    oikos_fail_prefix(err, "%s: ", path);
  return status;
}

typedef struct visit {
  oikos_dataset_visitor *function;
  void *user;
  oikos_error *err;
  oikos_status status;
} visit;

static herr_t visit_object(hid_t file, const char *name, const H5O_info2_t *info, void *user) {
  visit *v = user;
  if (info->type != H5O_TYPE_DATASET)
    return 0;
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (dataset < 0) {
    v->status = oikos_hdf5_fail(v->err, "dataset %s cannot be opened", name);
    return 1;
  }
  v->status = v->function(v->user, dataset, name, v->err);
  H5Dclose(dataset);
  return v->status != OIKOS_OK;
}

oikos_status oikos_visit_datasets(hid_t file, oikos_dataset_visitor *function, void *user,
                                  oikos_error *err) {
  visit v = {function, user, err, OIKOS_OK};
  if (H5Ovisit3(file, H5_INDEX_NAME, H5_ITER_INC, visit_object, &v, H5O_INFO_BASIC) < 0 &&
      v.status == OIKOS_OK)
    return oikos_hdf5_fail(err, "its datasets cannot be listed");
  return v.status;
}

static oikos_status describe(hid_t file, oikos_checkpoint_info *info, oikos_error *err) {
  int32_t version;
  OIKOS_TRY(oikos_get_number(file, "format_version", H5T_NATIVE_INT32, &version, err));
  if (version != OIKOS_FORMAT_VERSION)
    return oikos_fail(err, OIKOS_ERROR, "it has format version %d, but this oikos reads %d",
                      version, OIKOS_FORMAT_VERSION);
  OIKOS_TRY(oikos_get_number(file, "step", H5T_NATIVE_INT64, &info->step, err));
  OIKOS_TRY(oikos_get_number(file, "records", H5T_NATIVE_INT64, &info->records, err));
  OIKOS_TRY(oikos_get_number(file, "ranks", H5T_NATIVE_INT64, &info->ranks, err));
  if (info->step < 0 || info->records < 0)
    return oikos_fail(err, OIKOS_ERROR, "its step or records are negative");
  OIKOS_TRY(oikos_get_text(file, "config", &info->config, err));
  OIKOS_TRY(oikos_get_text(file, "oikos_version", &info->version, err));
  OIKOS_TRY(oikos_get_text(file, "libraries", &info->libraries, err));
  OIKOS_TRY(oikos_get_text(file, H5Aexists(file, "numerics") > 0 ? "numerics" : "kernel",
                           &info->numerics, err)); // older ones name the BLAS kernel alone
  return oikos_get_text(file, "created", &info->created, err);
}

/* Open a whole checkpoint by this process alone. */
static oikos_status open_alone(const char *path, hid_t *file, oikos_error *err) {
  OIKOS_TRY(verify(path, err));
  return oikos_mpiio_open_alone(path, file, err);
}

oikos_status oikos_checkpoint_describe(const char *path, oikos_checkpoint_info *info,
                                       oikos_error *err) {
  hid_t file = -1;
  *info = (oikos_checkpoint_info){0};
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  oikos_status status = open_alone(path, &file, err);
  if (status == OIKOS_OK)
    status = describe(file, info, err);
  if (file >= 0)
    H5Fclose(file);
  oikos_hdf5_restore(was);
  if (status != OIKOS_OK) {
    oikos_checkpoint_info_clear(info);
    oikos_fail_prefix(err, "%s: ", path);
  }
  return status;
}

static oikos_status add_to_digest(void *user, hid_t dataset, const char *path, oikos_error *err) {
  int32_t state;
  uint64_t checksum;
  OIKOS_TRY(oikos_get_number(dataset, "state", H5T_NATIVE_INT32, &state, err));
  OIKOS_TRY(oikos_get_number(dataset, "checksum", H5T_NATIVE_UINT64, &checksum, err));
  if (state) {
    XXH3_128bits_update(user, path, strlen(path) + 1);
    XXH3_128bits_update(user, &checksum, sizeof checksum);
  }
  return OIKOS_OK;
}

oikos_status oikos_checkpoint_digest(const char *path, char digest[OIKOS_DIGEST],
                                     oikos_error *err) {
  hid_t file = -1;
  int64_t step = 0;
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  XXH3_state_t *state = XXH3_createState();
  oikos_status status =
      state ? open_alone(path, &file, err) : oikos_fail(err, OIKOS_ERROR, "out of memory");
  if (status == OIKOS_OK)
    status = oikos_get_number(file, "step", H5T_NATIVE_INT64, &step, err);
  if (status == OIKOS_OK) {
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, &step, sizeof step);
    status = oikos_visit_datasets(file, add_to_digest, state, err);
  }
  if (status == OIKOS_OK)
    to_hex(XXH3_128bits_digest(state), digest);
  else
    oikos_fail_prefix(err, "%s: ", path);
  if (file >= 0)
    H5Fclose(file);
  XXH3_freeState(state);
  oikos_hdf5_restore(was);
  return status;
}
