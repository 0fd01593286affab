/* SPDX-License-Identifier: MIT
 *
 * cmocka on several ranks. All ranks run the same tests in the same order. A test notes what it
 * finds in a verdict and goes on, so that no rank waits for one that gave up; at its end the ranks
 * agree on the verdict, and rank 0 alone reports it. A hang ends by SIGALRM.
 */
#ifndef OIKOS_TESTS_RANKS_H
#define OIKOS_TESTS_RANKS_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mpi.h>

#include "check.h"

enum { RANKS_SECONDS = 60, RANKS_PATH = 256 };

/** What this rank found in a test: its first failure. */
typedef struct verdict {
  bool failed;
  char message[1500];
} verdict;

static inline int ranks_rank(void) {
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static inline int ranks_size(void) {
  int size;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

/** Note a failure unless the fact holds. Not collective. Returns the fact. */
static inline bool expect(verdict *v, bool fact, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool expect(verdict *v, bool fact, const char *format, ...) {
  if (fact || v->failed)
    return fact;
  va_list args;
  va_start(args, format);
  vsnprintf(v->message, sizeof v->message, format, args);
  va_end(args);
  v->failed = true;
  return fact;
}

/** Note a failure unless a call succeeded. Not collective. */
static inline bool expect_ok(verdict *v, oikos_status status, const oikos_error *err,
                             const char *what) {
  return expect(v, status == OIKOS_OK, "%s: %s", what, err->message);
}

/** Note a failure unless all ranks hold the same bytes. Collective. */
static inline void expect_same(verdict *v, const void *data, size_t bytes, const char *what) {
  char *first = malloc(bytes + 1);
  memcpy(first, data, bytes);
  MPI_Bcast(first, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
  expect(v, memcmp(first, data, bytes) == 0, "%s: not as on rank 0", what);
  free(first);
}

/** Note a failure unless a call failed with this status and these words in its message, the same
 * message on all ranks. Collective. */
static inline void expect_error(verdict *v, oikos_status got, oikos_status expected,
                                const oikos_error *err, const char *words) {
  char message[sizeof err->message] = "";
  if (expect(v, got == expected, "status %d, expected %d (%s)", got, expected, words)) {
    snprintf(message, sizeof message, "%s", err->message);
    expect(v, strstr(message, words) != NULL, "the message lacks \"%s\": %s", words, message);
  }
  expect_same(v, message, sizeof message, "error message");
}

/** The end of a test: all ranks agree; rank 0 reports the failure of the lowest. Collective. */
static inline void conclude(verdict *v) {
  int size = ranks_size(), mine = v->failed ? ranks_rank() : size, lowest;
  MPI_Allreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  if (lowest == size)
    return;
  MPI_Bcast(v->message, (int)sizeof v->message, MPI_CHAR, lowest, MPI_COMM_WORLD);
  if (ranks_rank() == 0)
    fail_msg("rank %d of %d: %s", lowest, size, v->message);
}

/** A fresh folder (RANKS_PATH), made by rank 0. Collective. */
static inline void folder_make(char *folder) {
  snprintf(folder, RANKS_PATH, "/tmp/oikos-test-XXXXXX");
  if (ranks_rank() == 0 && !mkdtemp(folder))
    folder[0] = 0;
  MPI_Bcast(folder, RANKS_PATH, MPI_CHAR, 0, MPI_COMM_WORLD);
  if (!folder[0])
    MPI_Abort(MPI_COMM_WORLD, 1);
}

static inline void remove_tree(const char *path) {
  DIR *dir = opendir(path);
  for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
    char inner[2 * RANKS_PATH];
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
      continue;
    if (snprintf(inner, sizeof inner, "%s/%s", path, e->d_name) < (int)sizeof inner)
      remove_tree(inner);
  }
  if (dir)
    closedir(dir);
  remove(path);
}

/** Remove the folder with all in it, when all ranks are done with it. Collective. */
static inline void folder_remove(const char *folder) {
  MPI_Barrier(MPI_COMM_WORLD);
  if (ranks_rank() == 0)
    remove_tree(folder);
  MPI_Barrier(MPI_COMM_WORLD);
}

/** Start MPI. What ranks other than 0 print goes nowhere, but file descriptor 2 stays theirs: what
 * a sanitizer says is seen. glibc's standard streams are variables. */
static inline void ranks_begin(int *argc, char ***argv) {
  int provided;
  MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
  alarm(RANKS_SECONDS);
  FILE *nowhere = ranks_rank() == 0 ? NULL : fopen("/dev/null", "w");
  if (nowhere)
    stdout = stderr = nowhere;
}

/** End MPI; the exit status of every rank. */
static inline int ranks_end(int failed) {
  int any;
  MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return any != 0;
}

#endif
