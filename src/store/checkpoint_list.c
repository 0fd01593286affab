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

bool oikos_checkpoint_any(const char *run) {
  int n;
  struct dirent **entries = list(run, is_checkpoint, &n);
  free_list(entries, n);
  return n > 0;
}

/* Open the path that rank 0 has; "": there is none. */
static oikos_status open_next(const oikos_team *team, char *path, oikos_checkpoint **checkpoint,
                              oikos_error *err) {
  *checkpoint = NULL;
  if (team)
    oikos_broadcast(team, path, OIKOS_LONG_PATH);
  return path[0] ? oikos_checkpoint_open(team, path, checkpoint, err) : OIKOS_OK;
}

oikos_status oikos_checkpoint_newest(const oikos_team *team, const char *run,
                                     oikos_checkpoint **checkpoint,
                                     void (*skipped)(void *user, const char *text), void *user,
                                     oikos_error *err) {
  bool lists = !team || team->rank == 0;
  char path[OIKOS_LONG_PATH] = "";
  int n = 0, left, tried = 0;
  struct dirent **entries = lists ? list(run, is_checkpoint, &n) : NULL;
  oikos_status status;
  left = n;
  do {
    oikos_error why;
    path[0] = 0;
    if (left > 0)
      snprintf(path, OIKOS_LONG_PATH, "%.1023s/checkpoints/%.160s", run, entries[--left]->d_name);
    status = open_next(team, path, checkpoint, &why);
    tried += path[0] != 0;
    if (status == OIKOS_STOPPED && err)
      *err = why;
    else if (status != OIKOS_OK && lists && skipped)
      skipped(user, why.message);
  } while (status != OIKOS_OK && status != OIKOS_STOPPED);
  free_list(entries, n);
  if (status == OIKOS_OK && !*checkpoint && tried > 0)
    return oikos_fail(
        err, OIKOS_ERROR,
        "%s/checkpoints holds %d checkpoints, but none is whole; start a new run in another --out",
        run, tried);
  return status;
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
