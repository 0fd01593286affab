/* SPDX-License-Identifier: MIT
 * Opening a checkpoint: it is verified once, by all ranks together, then rank 0 reads for all what
 * it says of itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/try.h"
#include "store/checkpoint_impl.h"
#include "store/checkpoint_list.h"
#include "store/mpiio.h"

enum { TEXTS = 5 };

struct oikos_checkpoint {
  char path[OIKOS_LONG_PATH];
  oikos_checkpoint_info info;
  struct stat hashed; /* the file that was verified */
};

static void texts_of(oikos_checkpoint *c, char **text[TEXTS]) {
  text[0] = &c->info.config;
  text[1] = &c->info.version;
  text[2] = &c->info.libraries;
  text[3] = &c->info.numerics;
  text[4] = &c->info.created;
}

void oikos_checkpoint_close(oikos_checkpoint *c) {
  char **text[TEXTS];
  if (!c)
    return;
  texts_of(c, text);
  for (int i = 0; i < TEXTS; i++)
    free(*text[i]);
  free(c);
}

const char *oikos_checkpoint_file(const oikos_checkpoint *c) {
  return c->path;
}

const oikos_checkpoint_info *oikos_checkpoint_about(const oikos_checkpoint *c) {
  return &c->info;
}

oikos_status oikos_checkpoint_same(const oikos_checkpoint *c, oikos_error *err) {
  const struct stat *was = &c->hashed;
  struct stat is;
  bool same = stat(c->path, &is) == 0 && is.st_dev == was->st_dev && is.st_ino == was->st_ino &&
              is.st_size == was->st_size && is.st_mtim.tv_sec == was->st_mtim.tv_sec &&
              is.st_mtim.tv_nsec == was->st_mtim.tv_nsec;
  return same ? OIKOS_OK : oikos_fail(err, OIKOS_ERROR, "it was changed while it was read");
}

oikos_status oikos_checkpoint_hdf5(const oikos_checkpoint *c, hid_t *file, oikos_error *err) {
  OIKOS_TRY(oikos_mpiio_open_alone(c->path, file, err));
  oikos_status status = oikos_checkpoint_same(c, err);
  if (status == OIKOS_OK)
    return OIKOS_OK;
  H5Fclose(*file);
  *file = H5I_INVALID_HID;
  return status;
}

/* Every object must be in the file, and every dataset's bytes in one piece: then what is read is
 * what was hashed, and takes no more memory than the file does. */
static herr_t check_link(hid_t group, const char *name, const H5L_info_t *link, void *err) {
  (void)group;
  if (link->type == H5L_TYPE_HARD)
    return 0;
  oikos_fail(err, OIKOS_ERROR, "%s is not an object of this file, but a link", name);
  return 1;
}

static oikos_status check_dataset(void *user, hid_t dataset, const char *path, oikos_error *err) {
  const struct stat *hashed = user;
  hid_t creation = H5Dget_create_plist(dataset), space = H5Dget_space(dataset),
        type = H5Dget_type(dataset);
  size_t size = H5Tget_size(type), points = (size_t)H5Sget_simple_extent_npoints(space);
  hsize_t stored = H5Dget_storage_size(dataset);
  bool inside = H5Pget_layout(creation) == H5D_CONTIGUOUS && H5Pget_external_count(creation) == 0 &&
                stored <= (hsize_t)hashed->st_size && oikos_mul(points, size) == stored &&
                (H5Tget_class(type) == H5T_FLOAT || H5Tget_class(type) == H5T_INTEGER);
  H5Tclose(type);
  H5Sclose(space);
  H5Pclose(creation);
  return inside ? OIKOS_OK
                : oikos_fail(err, OIKOS_ERROR,
                             "dataset %s is not numbers that stand in the file as they are: a "
                             "checkpoint of oikos has no other",
                             path);
}

static oikos_status check_objects(oikos_checkpoint *c, hid_t file, oikos_error *err) {
  herr_t bad = H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, check_link, err);
  if (bad > 0)
    return OIKOS_ERROR;
  if (bad < 0)
    return oikos_hdf5_fail(err, "its objects cannot be listed");
  return oikos_visit_datasets(file, check_dataset, &c->hashed, err);
}

static oikos_status describe(hid_t file, oikos_checkpoint_info *info, oikos_error *err) {
  int32_t version;
  OIKOS_TRY(oikos_get_number(file, "format_version", H5T_NATIVE_INT32, &version, err));
  if (version < 1 || version > OIKOS_FORMAT_VERSION)
    return oikos_fail(err, OIKOS_ERROR, "it has format version %d, but this oikos reads 1 and %d",
                      version, OIKOS_FORMAT_VERSION);
  OIKOS_TRY(oikos_get_number(file, "step", H5T_NATIVE_INT64, &info->step, err));
  OIKOS_TRY(oikos_get_number(file, "records", H5T_NATIVE_INT64, &info->records, err));
  OIKOS_TRY(oikos_get_number(file, "ranks", H5T_NATIVE_INT64, &info->ranks, err));
  if (info->step < 0 || info->records < 0 || info->records > info->step || info->ranks < 1)
    return oikos_fail(err, OIKOS_ERROR,
                      "it says that it holds step %lld with %lld records of %lld "
                      "ranks, which cannot be",
                      (long long)info->step, (long long)info->records, (long long)info->ranks);
  OIKOS_TRY(oikos_get_text(file, "config", &info->config, err));
  OIKOS_TRY(oikos_get_text(file, "oikos_version", &info->version, err));
  OIKOS_TRY(oikos_get_text(file, "libraries", &info->libraries, err));
  OIKOS_TRY(oikos_get_text(file, H5Aexists(file, "numerics") > 0 ? "numerics" : "kernel",
                           &info->numerics, err)); // older ones name the BLAS kernel alone
  return oikos_get_text(file, "created", &info->created, err);
}

/* There must be as many records as it says, before memory is taken for them. */
static oikos_status check_records(const oikos_checkpoint *c, hid_t file, oikos_error *err) {
  static const char name[] = "history/records";
  hsize_t dims[H5S_MAX_RANK] = {0};
  if (H5Lexists(file, "history", H5P_DEFAULT) <= 0 || H5Lexists(file, name, H5P_DEFAULT) <= 0)
    return c->info.records == 0 ? OIKOS_OK
                                : oikos_fail(err, OIKOS_ERROR, "dataset %s is missing", name);
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (dataset < 0)
    return oikos_hdf5_fail(err, "dataset %s cannot be opened", name);
  hid_t space = H5Dget_space(dataset);
  H5Sget_simple_extent_dims(space, dims, NULL);
  H5Sclose(space);
  H5Dclose(dataset);
  if (dims[0] != (hsize_t)c->info.records)
    return oikos_fail(err, OIKOS_ERROR, "dataset %s has %llu rows, but there are %lld records",
                      name, (unsigned long long)dims[0], (long long)c->info.records);
  return OIKOS_OK;
}

static oikos_status read_about(oikos_checkpoint *c, oikos_error *err) {
  hid_t file = -1;
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  oikos_status status = oikos_checkpoint_hdf5(c, &file, err);
  if (status == OIKOS_OK)
    status = check_objects(c, file, err);
  if (status == OIKOS_OK)
    status = describe(file, &c->info, err);
  if (status == OIKOS_OK)
    status = check_records(c, file, err);
  if (file >= 0)
    H5Fclose(file);
  oikos_hdf5_restore(was);
  return status;
}

/* What rank 0 has read, to all. */
static oikos_status share(const oikos_team *team, oikos_checkpoint *c, oikos_error *err) {
  char **text[TEXTS];
  int64_t numbers[3 + TEXTS] = {c->info.step, c->info.ranks, c->info.records};
  oikos_status status = OIKOS_OK;
  texts_of(c, text);
  for (int i = 0; team->rank == 0 && i < TEXTS; i++)
    numbers[3 + i] = (int64_t)strlen(*text[i]) + 1;
  oikos_broadcast(team, numbers, sizeof numbers);
  c->info.step = numbers[0];
  c->info.ranks = numbers[1];
  c->info.records = numbers[2];
  for (int i = 0; team->rank != 0 && status == OIKOS_OK && i < TEXTS; i++)
    status = oikos_alloc(text[i], (size_t)numbers[3 + i], 1, "a text attribute", err);
  OIKOS_TRY(oikos_agree(team, status, err));
  for (int i = 0; i < TEXTS; i++)
    oikos_broadcast(team, *text[i], (size_t)numbers[3 + i]);
  return OIKOS_OK;
}

static oikos_status open_whole(const oikos_team *team, oikos_checkpoint *c, oikos_error *err) {
  bool reads = !team || team->rank == 0;
  oikos_status status = OIKOS_OK;
  if (stat(c->path, &c->hashed) != 0)
    status = oikos_fail(err, OIKOS_ERROR, "it cannot be read: %s", strerror(errno));
  if (team)
    OIKOS_TRY(oikos_agree(team, status, err));
  if (status == OIKOS_OK)
    status = oikos_checkpoint_verify(team, c->path, err);
  if (status == OIKOS_OK && reads)
    status = read_about(c, err);
  if (!team)
    return status;
  OIKOS_TRY(oikos_agree(team, status, err));
  return share(team, c, err);
}

static oikos_status create(const char *path, oikos_checkpoint **c, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(c, 1, sizeof **c, "a checkpoint", err));
  size_t n = strlen(path);
  if (n >= sizeof(*c)->path)
    return oikos_fail(err, OIKOS_USAGE, "its path is longer than %d bytes", OIKOS_LONG_PATH - 1);
  memcpy((*c)->path, path, n + 1);
  return OIKOS_OK;
}

oikos_status oikos_checkpoint_open(const oikos_team *team, const char *path,
                                   oikos_checkpoint **checkpoint, oikos_error *err) {
  *checkpoint = NULL;
  oikos_status status = create(path, checkpoint, err);
  if (team)
    status = oikos_agree(team, status, err);
  if (status == OIKOS_OK)
    status = open_whole(team, *checkpoint, err);
  if (status != OIKOS_OK) {
    oikos_checkpoint_close(*checkpoint);
    *checkpoint = NULL;
    oikos_fail_prefix(err, "%s: ", path);
  }
  return status;
}
