/* SPDX-License-Identifier: MIT */
#include "store/inspect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/try.h"
#include "store/checkpoint_impl.h"
#include "store/file_bytes.h"
#include "store/image_load.h"
#include "store/mpiio.h"
#include "store/ratings_load.h"
#include "store/table_load.h"

static oikos_status print_dataset(void *user, hid_t dataset, const char *path, oikos_error *err) {
  FILE *out = user;
  hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  hsize_t dims[H5S_MAX_RANK];
  int n = H5Sget_simple_extent_dims(space, dims, NULL);
  H5T_class_t class = H5Tget_class(type);
  const char *kind = class == H5T_FLOAT     ? "float"
                     : class == H5T_INTEGER ? (H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int")
                     : class == H5T_STRING  ? "text"
                                            : "other";
  char *meaning = NULL;
  uint64_t checksum;
  fprintf(out, "  /%-44s %s", path, kind);
  if (class != H5T_STRING)
    fprintf(out, "%zu", 8 * H5Tget_size(type));
  fputs(" (", out);
  for (int d = 0; d < n; d++)
    fprintf(out, d ? ", %llu" : "%llu", (unsigned long long)dims[d]);
  oikos_status ignored = H5Aexists(dataset, "description") > 0
                             ? oikos_get_text(dataset, "description", &meaning, err)
                             : OIKOS_OK;
  fprintf(out, ")%s%s", ignored == OIKOS_OK && meaning ? "  " : "",
          ignored == OIKOS_OK && meaning ? meaning : "");
  if (H5Aexists(dataset, "checksum") > 0 &&
      oikos_get_number(dataset, "checksum", H5T_NATIVE_UINT64, &checksum, err) == OIKOS_OK)
    fprintf(out, "  checksum %016" PRIx64, checksum);
  fputc('\n', out);
  free(meaning);
  H5Tclose(type);
  H5Sclose(space);
  return OIKOS_OK;
}

/* Every attribute of the root, texts and whole numbers. */
static herr_t print_attribute(hid_t file, const char *name, const H5A_info_t *info, void *user) {
  FILE *out = user;
  oikos_error ignored;
  char *text = NULL;
  long long number;
  (void)info;
  if (oikos_get_text(file, name, &text, &ignored) == OIKOS_OK) {
    if (!strchr(text, '\n')) // the configuration comes last
      fprintf(out, "%s: %s\n", name, text);
  } else if (oikos_get_number(file, name, H5T_NATIVE_LLONG, &number, &ignored) == OIKOS_OK) {
    fprintf(out, "%s: %lld\n", name, number);
  }
  free(text);
  return 0;
}

static void print_config(hid_t file, FILE *out) {
  oikos_error ignored;
  char *text = NULL, *rest, *line;
  if (H5Aexists(file, "config") <= 0 || oikos_get_text(file, "config", &text, &ignored) != OIKOS_OK)
    return;
  fputs("config:\n", out);
  for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
    fprintf(out, "  %s\n", line);
  free(text);
}

/* Whether a run can read it as its task.file: it is loaded, as a run would. */
static oikos_status load(const oikos_team *team, const char *path, const char *format,
                         oikos_error *err) {
  oikos_status status;
  if (strcmp(format, "oikos images") == 0) {
    oikos_image_data data;
    status = oikos_image_load(team, path, &data, err);
    if (status == OIKOS_OK)
      oikos_image_unload(&data);
  } else if (strcmp(format, "oikos table") == 0) {
    oikos_table_data data;
    status = oikos_table_load(team, path, &data, err);
    if (status == OIKOS_OK)
      oikos_table_unload(&data);
  } else {
    oikos_ratings_data data;
    status = oikos_ratings_load(team, path, &data, err);
    if (status == OIKOS_OK)
      oikos_ratings_unload(&data);
  }
  return status;
}

/* The last line, or the error, about what is there to be a run's task.file. */
static oikos_status judge(const char *path, const char *format, const oikos_data_about *about,
                          FILE *out, oikos_error *err) {
  static const char *const formats[] = {"oikos images", "oikos table", "oikos ratings"};
  const char *found = NULL;
  oikos_team team;
  for (int k = 0; k < 3; k++)
    if (format && strcmp(format, formats[k]) == 0)
      found = formats[k];
  if (!found) {
    fprintf(out,
            "usable: no, not as task.file: its attribute format is %s, expected \"oikos images\", "
            "\"oikos table\" or \"oikos ratings\" (tools/README.md: Data files of your own)\n",
            format ? "another" : "missing");
    return OIKOS_OK;
  }
  OIKOS_TRY(oikos_team_create(MPI_COMM_SELF, &team, err));
  oikos_status status = load(&team, path, found, err);
  oikos_team_destroy(&team);
  if (status != OIKOS_OK)
    return oikos_fail_prefix(err, "not usable (tools/README.md: Data files of your own): ");
  fprintf(out, "digest: %s\n",
          *about->digest ? about->digest : "none: what is damaged in it would go unnoticed");
  fprintf(out, "usable: yes, with task.source: %s\n", found + strlen("oikos "));
  return OIKOS_OK;
}

/* What an open file says of itself. */
static oikos_status print(hid_t file, FILE *out, oikos_error *err) {
  H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, NULL, print_attribute, out);
  fputs("datasets:\n", out);
  OIKOS_TRY(oikos_visit_datasets(file, print_dataset, out, err));
  print_config(file, out);
  return OIKOS_OK;
}

static oikos_status inspect_checkpoint(const oikos_checkpoint *c, FILE *out, oikos_error *err) {
  hid_t file;
  char digest[OIKOS_DIGEST];
  OIKOS_TRY(oikos_checkpoint_digest(c, digest, err)); // first: a bad one is not printed
  OIKOS_TRY(oikos_checkpoint_hdf5(c, &file, err));
  oikos_status status = print(file, out, err);
  H5Fclose(file);
  if (status == OIKOS_OK)
    fprintf(out, "digest: %s\n", digest);
  return status;
}

oikos_status oikos_inspect_checkpoint(const oikos_checkpoint *c, FILE *out, oikos_error *err) {
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  oikos_status status = inspect_checkpoint(c, out, err);
  oikos_hdf5_restore(was);
  return status;
}

/* A file of another kind. What bears a digest is verified before HDF5 sees anything of it. */
static oikos_status inspect_data(const char *path, FILE *out, oikos_error *err) {
  char *format = NULL;
  oikos_data_about about = {0};
  oikos_error ignored;
  hid_t file;
  OIKOS_TRY(oikos_data_check(NULL, path, &about, err));
  OIKOS_TRY(oikos_mpiio_open_alone(path, &file, err));
  if (H5Aexists(file, "format") > 0)
    oikos_get_text(file, "format", &format, &ignored);
  oikos_status status = print(file, out, err);
  H5Fclose(file);
  if (status == OIKOS_OK)
    status = judge(path, format, &about, out, err);
  free(format);
  return status;
}

/* By its first bytes, whole or not. */
static oikos_status is_checkpoint(const char *path, bool *is, oikos_error *err) {
  char begin[sizeof "oikos ch"] = "";
  int64_t size;
  int fd;
  OIKOS_TRY(oikos_bytes_open(path, &fd, &size, err));
  oikos_status status = size < (int64_t)sizeof begin
                            ? OIKOS_OK
                            : oikos_bytes_read(fd, 0, begin, sizeof begin - 1, err);
  close(fd);
  *is = strncmp(begin, OIKOS_CHECKPOINT_FORMAT, sizeof begin - 1) == 0;
  return status;
}

oikos_status oikos_inspect(const char *path, FILE *out, oikos_error *err) {
  bool checkpoint = false;
  oikos_checkpoint *c;
  oikos_status status = is_checkpoint(path, &checkpoint, err);
  if (status == OIKOS_OK && checkpoint) {
    OIKOS_TRY(oikos_checkpoint_open(NULL, path, &c, err));
    status = oikos_inspect_checkpoint(c, out, err);
    oikos_checkpoint_close(c);
    return status;
  }
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  if (status == OIKOS_OK)
    status = inspect_data(path, out, err);
  oikos_hdf5_restore(was);
  if (status != OIKOS_OK && !strstr(err->message, path))
    oikos_fail_prefix(err, "%s: ", path);
  return status;
}
