/* SPDX-License-Identifier: MIT */
#include "store/checkpoint_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/try.h"
#include "store/checkpoint.h"

void oikos_checkpoint_path(const char *run, int64_t step, char *path) {
  snprintf(path, OIKOS_LONG_PATH, "%.1023s/checkpoints/step-%012lld.h5", run, (long long)step);
}

/* The step in a checkpoint's name, or -1. */
static int64_t step_of(const char *name) {
  long long step;
  int end = 0;
  return sscanf(name, "step-%12lld.h5%n", &step, &end) == 1 && end > 0 && name[end] == 0 ? step
                                                                                         : -1;
}

static int is_checkpoint(const struct dirent *entry) {
  return step_of(entry->d_name) >= 0;
}

/* Of a write that was cut short: the temporary file, and what MPI-IO puts beside it. */
static int is_left_over(const struct dirent *entry) {
  return strncmp(entry->d_name, "step-", 5) == 0 && strstr(entry->d_name, ".h5.tmp");
}

/* The entries of RUN/checkpoints that pass a filter, in ascending order; n < 0 if there is no such
 * folder. */
static struct dirent **list(const char *run, int (*filter)(const struct dirent *), int *n) {
  char folder[OIKOS_LONG_PATH];
  struct dirent **entries = NULL;
  snprintf(folder, sizeof folder, "%.1023s/checkpoints", run);
  *n = scandir(folder, &entries, filter, alphasort);
  return entries;
}

static void free_list(struct dirent **entries, int n) {
  for (int i = 0; i < n; i++)
    free(entries[i]);
  free(entries);
}

oikos_status oikos_checkpoint_newest(const char *run, char *path,
                                     void (*skipped)(void *user, const char *text), void *user,
                                     oikos_error *err) {
  int n, whole = -1;
  struct dirent **entries = list(run, is_checkpoint, &n);
  path[0] = 0;
  for (int i = n - 1; i >= 0 && whole < 0; i--) {
    oikos_error why;
    snprintf(path, OIKOS_LONG_PATH, "%.1023s/checkpoints/%.160s", run, entries[i]->d_name);
    if (oikos_checkpoint_verify(path, &why) == OIKOS_OK)
      whole = i;
    else if (skipped)
      skipped(user, why.message);
  }
  free_list(entries, n);
  if (n > 0 && whole < 0)
    return oikos_fail(
        err, OIKOS_ERROR,
        "%s/checkpoints holds %d checkpoints, but none is whole; start a new run in another --out",
        run, n);
  return OIKOS_OK;
}

static void remove_from(const char *run, struct dirent **entries, int n) {
  for (int i = 0; i < n; i++) {
    char path[OIKOS_LONG_PATH];
    snprintf(path, sizeof path, "%.1023s/checkpoints/%.160s", run, entries[i]->d_name);
    unlink(path);
  }
}

void oikos_checkpoint_prune(const char *run, int64_t step, int64_t keep) {
  int n, left;
  struct dirent **entries = list(run, is_checkpoint, &n),
                **left_over = list(run, is_left_over, &left);
  int counted = n;
  while (counted > 0 && step_of(entries[counted - 1]->d_name) > step)
    counted--;
  remove_from(run, entries, counted > keep ? (int)(counted - keep) : 0);
  remove_from(run, left_over, left);
  free_list(entries, n);
  free_list(left_over, left);
}
