/* SPDX-License-Identifier: MIT
 * What all datasets of a checkpoint are visited for. */
#include <string.h>

#include "base/try.h"
#include "base/xxh3.h"
#include "store/checkpoint_impl.h"
#include "store/hdf5_old.h"

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

static oikos_status digest_of(const oikos_checkpoint *c, hid_t file, XXH3_state_t *state,
                              char digest[OIKOS_DIGEST], oikos_error *err) {
  XXH128_canonical_t canonical;
  int64_t step = oikos_checkpoint_about(c)->step;
  XXH3_128bits_reset(state);
  XXH3_128bits_update(state, &step, sizeof step);
  OIKOS_TRY(oikos_visit_datasets(file, add_to_digest, state, err));
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
  oikos_digest_text(canonical.digest, digest);
  return OIKOS_OK;
}

oikos_status oikos_checkpoint_digest(const oikos_checkpoint *c, char digest[OIKOS_DIGEST],
                                     oikos_error *err) {
  hid_t file = -1;
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  XXH3_state_t *state = XXH3_createState();
  oikos_status status =
      state ? oikos_checkpoint_hdf5(c, &file, err) : oikos_fail(err, OIKOS_ERROR, "out of memory");
  if (status == OIKOS_OK)
    status = digest_of(c, file, state, digest, err);
  if (status != OIKOS_OK)
    oikos_fail_prefix(err, "%s: ", oikos_checkpoint_file(c));
  if (file >= 0)
    H5Fclose(file);
  XXH3_freeState(state);
  oikos_hdf5_restore(was);
  return status;
}
