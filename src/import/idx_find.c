/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/idx_file.h"

enum { MAX_FILES = 4096, MAX_SET = 256 };

/* Length of X in "Ximages-idx3-ubyte[.gz]" or "Ximages.idx3-ubyte[.gz]"; -1 for other names. */
static int images_prefix(const char *file) {
  static const char *const ends[] = {"images-idx3-ubyte", "images-idx3-ubyte.gz",
                                     "images.idx3-ubyte", "images.idx3-ubyte.gz"};
  size_t length = strlen(file);
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    size_t n = strlen(ends[i]);
    if (length >= n && !strcmp(file + length - n, ends[i]))
      return (int)(length - n);
  }
  return -1;
}

/* Whether file is the labels file "Xlabels-idx1-..." of the prefix X of images. */
static bool is_labels(const char *file, const char *images, int prefix) {
  const char *rest = file + prefix;
  return !strncmp(file, images, (size_t)prefix) &&
         (!strncmp(rest, "labels-idx1-", 12) || !strncmp(rest, "labels.idx1-", 12) ||
          !strncmp(rest, "labels-idx2-", 12));
}

/* The words of the part of a name before "images", with - _ . between: whether they tell a test
 * part; the others, which tell the data set, go to `set`. */
static bool read_words(const char *images, int prefix, char set[MAX_SET]) {
  static const char *const parts[] = {"train", "valid", "background"};
  bool test = false;
  char text[MAX_SET], *rest;
  snprintf(text, sizeof text, "%.*s", prefix, images);
  *set = 0;
  for (char *word = strtok_r(text, "-_.", &rest); word; word = strtok_r(NULL, "-_.", &rest)) {
    bool tests = !strncmp(word, "test", 4) || !strcmp(word, "t10k") || strstr(word, "evaluation");
    bool tells = tests;
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
      tells |= !strncmp(word, parts[k], strlen(parts[k]));
    test |= tests;
    size_t used = strlen(set);
    if (!tells)
      snprintf(set + used, MAX_SET - used, "%s%s", used ? "-" : "", word);
  }
  return test;
}

static oikos_status add(oikos_idx_pairs *pairs, const char *folder, const char *images,
                        const char *labels, bool test, oikos_error *err) {
  size_t size = oikos_mul((size_t)pairs->n + 1, sizeof *pairs->pair);
  oikos_idx_pair *grown = realloc(pairs->pair, size);
  if (grown) {
    oikos_idx_pair *p = &grown[pairs->n];
    pairs->pair = grown;
    *p = (oikos_idx_pair){NULL, NULL, test};
    if (asprintf(&p->images, "%s/%s", folder, images) < 0)
      p->images = NULL;
    if (asprintf(&p->labels, "%s/%s", folder, labels) < 0)
      p->labels = NULL;
    pairs->n++;
    if (p->images && p->labels)
      return OIKOS_OK;
  }
  return oikos_fail(err, OIKOS_ERROR, "out of memory for the names of the files");
}

/* The one labels file among the folder's n files that belongs to images. */
static oikos_status add_pair(oikos_idx_pairs *pairs, const char *folder, struct dirent **files,
                             int n, const char *images, oikos_error *err) {
  int prefix = images_prefix(images);
  const char *labels = NULL;
  for (int i = 0; i < n; i++) {
    const char *file = files[i]->d_name;
    if (strcmp(file, images) != 0 && images_prefix(file) == prefix &&
        !strncmp(file, images, (size_t)prefix))
      return oikos_fail(err, OIKOS_ERROR, "%s: both %s and %s are there; remove one", folder,
                        images, file);
    if (!is_labels(file, images, prefix))
      continue;
    if (labels)
      return oikos_fail(err, OIKOS_ERROR, "%s: both %s and %s are there; remove one", folder,
                        labels, file);
    labels = file;
  }
  if (!labels)
    return oikos_fail(err, OIKOS_ERROR,
                      "%s: no labels for %s: expected %.*slabels-idx1-ubyte or -int, with or "
                      "without .gz, beside it",
                      folder, images, prefix, images);
  char set[MAX_SET];
  return add(pairs, folder, images, labels, read_words(images, prefix, set), err);
}

static oikos_status add_listed(oikos_idx_pairs *pairs, const char *folder, const char *only,
                               struct dirent **files, int n, oikos_error *err) {
  int64_t before = pairs->n;
  if (n > MAX_FILES)
    return oikos_fail(err, OIKOS_ERROR, "%s holds more than %d files; give the images file itself",
                      folder, MAX_FILES);
  for (int i = 0; i < n; i++)
    if (images_prefix(files[i]->d_name) >= 0 && (!only || !strcmp(only, files[i]->d_name)))
      OIKOS_TRY(add_pair(pairs, folder, files, n, files[i]->d_name, err));
  if (pairs->n == before)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s%s%s: no images: expected files named X-images-idx3-ubyte or "
                      "X-images-idx3-ubyte.gz, with X-labels-idx1-ubyte beside",
                      folder, only ? "/" : "", only ? only : "");
  return OIKOS_OK;
}

static oikos_status find_in(oikos_idx_pairs *pairs, const char *folder, const char *only,
                            oikos_error *err) {
  struct dirent **files;
  int n = scandir(folder, &files, NULL, NULL);
  if (n < 0)
    return oikos_fail(err, OIKOS_USAGE, "%s cannot be listed: %s", folder, strerror(errno));
  oikos_status status = add_listed(pairs, folder, only, files, n, err);
  while (n > 0)
    free(files[--n]);
  free(files);
  return status;
}

static int by_kind_and_path(const void *a, const void *b) {
  const oikos_idx_pair *x = a, *y = b;
  return x->test != y->test ? x->test - y->test : strcmp(x->images, y->images);
}

static oikos_status find(oikos_idx_pairs *pairs, char *path, oikos_error *err) {
  struct stat info;
  size_t end = strlen(path);
  if (stat(path, &info) != 0)
    return oikos_fail(err, OIKOS_USAGE, "%s cannot be opened: %s; give a folder or an images file",
                      path, strerror(errno));
  if (S_ISDIR(info.st_mode)) {
    while (end > 1 && path[end - 1] == '/')
      path[--end] = '\0';
    return find_in(pairs, path, NULL, err);
  }
  char *slash = strrchr(path, '/');
  if (!slash)
    return find_in(pairs, ".", path, err);
  *slash = '\0';
  return find_in(pairs, slash == path ? "/" : path, slash + 1, err);
}

static void set_of(const oikos_idx_pair *p, char set[MAX_SET]) {
  const char *slash = strrchr(p->images, '/'), *name = slash ? slash + 1 : p->images;
  read_words(name, images_prefix(name), set);
}

/* Labels of different data sets mean different things. */
static oikos_status check_sets(const oikos_idx_pairs *pairs, const char *source, oikos_error *err) {
  char set[MAX_SET], list[400] = "";
  int sets = 0;
  for (int64_t i = 0; i < pairs->n; i++) {
    bool seen = false;
    char other[MAX_SET];
    set_of(&pairs->pair[i], set);
    for (int64_t j = 0; j < i && !seen; j++) {
      set_of(&pairs->pair[j], other);
      seen = strcmp(set, other) == 0;
    }
    if (seen)
      continue;
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%.60s", sets ? ", " : "", *set ? set : "''");
    sets++;
  }
  if (sets < 2)
    return OIKOS_OK;
  return oikos_fail(
      err, OIKOS_USAGE,
      "%s: %d data sets by their names, %s, whose labels do not mean the same; give the "
      "images files of one of them",
      source, sets, list);
}

oikos_status oikos_idx_find(oikos_idx_pairs *pairs, const char *source, oikos_error *err) {
  char *path = strdup(source);
  if (!path)
    return oikos_fail(err, OIKOS_ERROR, "out of memory for a file name");
  oikos_status status = find(pairs, path, err);
  free(path);
  if (status != OIKOS_OK)
    return status;
  qsort(pairs->pair, (size_t)pairs->n, sizeof *pairs->pair, by_kind_and_path);
  for (int64_t i = 1; i < pairs->n; i++)
    if (!strcmp(pairs->pair[i - 1].images, pairs->pair[i].images))
      return oikos_fail(err, OIKOS_USAGE, "%s was given twice", pairs->pair[i].images);
  return check_sets(pairs, source, err);
}

void oikos_idx_pairs_free(oikos_idx_pairs *pairs) {
  for (int64_t i = 0; i < pairs->n; i++) {
    free(pairs->pair[i].images);
    free(pairs->pair[i].labels);
  }
  free(pairs->pair);
  *pairs = (oikos_idx_pairs){NULL, 0};
}
