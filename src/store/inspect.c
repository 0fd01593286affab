/* SPDX-License-Identifier: MIT */
#include "store/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "store/checkpoint_impl.h"
#include "store/mpiio.h"

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
  fprintf(out, "  /%-44s %s", path, kind);
  if (class != H5T_STRING)
    fprintf(out, "%zu", 8 * H5Tget_size(type));
  fputs(" (", out);
  for (int d = 0; d < n; d++)
    fprintf(out, d ? ", %llu" : "%llu", (unsigned long long)dims[d]);
  oikos_status ignored = H5Aexists(dataset, "description") > 0
                             ? oikos_get_text(dataset, "description", &meaning, err)
                             : OIKOS_OK;
  fprintf(out, ")%s%s\n", ignored == OIKOS_OK && meaning ? "  " : "",
          ignored == OIKOS_OK && meaning ? meaning : "");
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

static oikos_status inspect(const char *path, FILE *out, oikos_error *err) {
  hid_t file;
  OIKOS_TRY(oikos_mpiio_open_alone(path, &file, err));
  char *format = NULL, digest[OIKOS_DIGEST];
  oikos_status status = OIKOS_OK;
  if (H5Aexists(file, "format") > 0)
    status = oikos_get_text(file, "format", &format, err);
  bool checkpoint = format && strcmp(format, OIKOS_CHECKPOINT_FORMAT) == 0;
  free(format);
  H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, NULL, print_attribute, out);
  fputs("datasets:\n", out);
  if (status == OIKOS_OK)
    status = oikos_visit_datasets(file, print_dataset, out, err);
  print_config(file, out);
  H5Fclose(file);
  if (status == OIKOS_OK && checkpoint) {
    status = oikos_checkpoint_digest(path, digest, err);
    if (status == OIKOS_OK)
      fprintf(out, "digest: %s\n", digest);
  }
  return status;
}

oikos_status oikos_inspect(const char *path, FILE *out, oikos_error *err) {
  oikos_hdf5_quiet was = oikos_hdf5_silence();
  oikos_status status = inspect(path, out, err);
  oikos_hdf5_restore(was);
  if (status != OIKOS_OK && !strstr(err->message, path))
    oikos_fail_prefix(err, "%s: ", path);
  return status;
}
