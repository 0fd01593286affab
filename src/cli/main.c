/* SPDX-License-Identifier: MIT
 * oikos: a distributed meta-learning trainer. This is the launcher: the program itself lies in the
 * library, which is compiled for each level of processors. It starts MPI, agrees with all ranks on
 * the best level that everyone runs, tells OpenBLAS by its environment which kernel goes with that,
 * and only then loads library and OpenBLAS. So nothing depends on which node a rank is on. */
#include <dlfcn.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mpi.h>

#include "cli/launch.h"
#include "cli/level.h"
#include "cli/stop.h"

#ifdef OIKOS_NATIVE
enum { NATIVE = 1 }; /* there is one library, compiled for the machine that it was compiled on */
#else
enum { NATIVE = 0 };
#endif

enum { ERROR = 1, USAGE = 2 };

/* What this rank found, and what is wrong with it. */
typedef struct found {
  int level;
  void *library;
  char problem[PATH_MAX + 512];
} found;

__attribute__((format(printf, 2, 3))) static void wrong(found *f, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(f->problem, sizeof f->problem, format, args);
  va_end(args);
}

/* gradcheck is for double, unless it is told otherwise. */
static const char *library_name(int argc, char **argv) {
  bool in_double = argc > 1 && strcmp(argv[1], "gradcheck") == 0;
  for (int i = 2; i < argc; i++)
    in_double = in_double && strcmp(argv[i], "--float") != 0 && strcmp(argv[i], "-f") != 0;
  return in_double ? "liboikos_f64.so." OIKOS_SOVERSION : "liboikos.so." OIKOS_SOVERSION;
}

/* The library of a level: below the program where it was built, or where it is installed. */
static bool find(int level, const char *name, char path[PATH_MAX]) {
  static const char *const places[] = {"lib", OIKOS_LIBRARY_DIR};
  const char *directory = NATIVE ? "" : oikos_level_at(level)->directory;
  char self[PATH_MAX] = "";
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  char *base = length > 0 ? strrchr(self, '/') : NULL;
  if (base)
    *base = 0;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    int n = snprintf(path, PATH_MAX, "%s/%s/%s%s", self, places[i], directory, name);
    if (n < PATH_MAX && access(path, R_OK) == 0)
      return true;
  }
  return false;
}

/* The level that the user asks for, or the best whose library is here. */
static void choose(const char *name, found *f) {
  char path[PATH_MAX], names[256] = "";
  int most = oikos_level_of_processor();
  const char *wish = getenv("OIKOS_LEVEL");
  f->level = most;
  if (most < 0) {
    wrong(f, "this processor is older than %s, the least that oikos is compiled for",
          oikos_level_at(0)->name);
  } else if (wish && *wish) {
    f->level = oikos_level_named(wish);
    for (int n = 0; oikos_level_at(n); n++)
      snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", n ? ", " : "",
               oikos_level_at(n)->name);
    if (f->level < 0)
      wrong(f, "OIKOS_LEVEL is %s: expected one of %s", wish, names);
    else if (f->level > most)
      wrong(f, "OIKOS_LEVEL is %s, but this processor runs %s at most", wish,
            oikos_level_at(most)->name);
    else if (NATIVE)
      wrong(f, "OIKOS_LEVEL is %s, but this build is for one machine (OIKOS_NATIVE); unset it",
            wish);
  } else {
    while (f->level > 0 && !find(f->level, name, path))
      f->level--;
  }
}

/* Load the library of the level, and OpenBLAS with it: its kernel is chosen at that moment. */
static void load(const char *name, found *f, oikos_launch *launch) {
  char path[PATH_MAX];
  const char *wish = getenv("OPENBLAS_CORETYPE"), *keep = getenv("OIKOS_KERNEL");
  launch->kernel = oikos_level_at(f->level)->kernel;
  if (wish && *wish)
    launch->kernel = wish;
  else if (keep && strcmp(keep, "keep") == 0)
    launch->kernel = NULL;
  if (launch->kernel)
    setenv("OPENBLAS_CORETYPE", launch->kernel, 1);
  else
    unsetenv("OPENBLAS_CORETYPE"); // an empty one would be a model that OpenBLAS does not know
  setenv("OPENBLAS_NUM_THREADS", "1", 0); // else it starts threads that nobody uses
  if (!find(f->level, name, path)) {
    wrong(f, "%s is missing: it belongs at %s; build or install oikos again", name, path);
    return;
  }
  f->library = dlopen(path, RTLD_NOW);
  if (!f->library)
    wrong(f, "the library cannot be loaded: %s", dlerror());
}

/* An error of MPI, which returns it. */
static bool say_failed(int code) {
  char text[MPI_MAX_ERROR_STRING] = "", host[256] = "";
  int length;
  MPI_Error_string(code, text, &length);
  gethostname(host, sizeof host - 1);
  fprintf(stderr, "oikos: MPI failed on %s as it began: %s\n", host, text);
  return false;
}

/* Whether all ranks are there, and messages come. */
static bool call_roll(oikos_stop *stop) {
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
  oikos_stop_call(stop);
  int code = MPI_Barrier(MPI_COMM_WORLD);
  oikos_stop_answered(stop);
  return code == MPI_SUCCESS || say_failed(code);
}

/* Whether no rank has a problem; the first one that has says it. */
static bool agree(const found *f) {
  struct {
    int good, rank;
  } mine = {!f->problem[0], 0}, first;
  char host[256] = "";
  MPI_Comm_rank(MPI_COMM_WORLD, &mine.rank);
  int code = MPI_Allreduce(&mine, &first, 1, MPI_2INT, MPI_MINLOC, MPI_COMM_WORLD);
  if (code != MPI_SUCCESS)
    return say_failed(code);
  if (!first.good && first.rank == mine.rank) {
    gethostname(host, sizeof host - 1);
    fprintf(stderr, "oikos: rank %d on %s: %s\n", mine.rank, host, f->problem);
  }
  return first.good;
}

/* The lowest level of all ranks becomes everyone's. */
static void lower_level(found *f, oikos_launch *launch) {
  struct {
    int level, rank;
  } mine = {f->level, 0}, least;
  int most = f->level, better;
  MPI_Comm_rank(MPI_COMM_WORLD, &mine.rank);
  MPI_Allreduce(&mine, &least, 1, MPI_2INT, MPI_MINLOC, MPI_COMM_WORLD);
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  better = f->level > least.level;
  MPI_Allreduce(MPI_IN_PLACE, &better, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  if (better == 0)
    return;
  gethostname(launch->host, sizeof launch->host - 1);
  MPI_Bcast(launch->host, sizeof launch->host, MPI_CHAR, least.rank, MPI_COMM_WORLD);
  f->level = least.level;
  launch->level = oikos_level_at(f->level)->name;
  launch->loss = oikos_level_at(f->level)->loss;
  launch->best = oikos_level_at(most)->name;
  launch->better = better;
}

static int start(const found *f, int argc, char **argv, const oikos_launch *launch) {
  union {
    void *found;
    oikos_program_function *call;
  } program = {dlsym(f->library, "oikos_program")};
  return program.call(argc, argv, launch);
}

/* Before MPI is up: whether this is the one process that speaks. */
static bool speaks(void) {
  static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                      "SLURM_PROCID"};
  for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
    const char *rank = getenv(ranks[i]);
    if (rank)
      return strcmp(rank, "0") == 0;
  }
  return true;
}

/* Where ranks cannot begin for the same reason, the first one has said so before the others do. */
static int say_no_mpi(int error) {
  char host[HOST_NAME_MAX + 1] = "";
  gethostname(host, sizeof host - 1);
  if (!speaks())
    sleep(1);
  fprintf(stderr,
          "oikos: on %s: MPI could not begin (its error %d); expected room and the right to write "
          "in /dev/shm and in the folder for temporary files (TMPDIR, /tmp); see: df /dev/shm "
          "\"${TMPDIR:-/tmp}\"\n",
          host, error);
  return ERROR;
}

/* Help and the version need no MPI, which may not be there on a login node. */
static int run_alone(const char *name, int argc, char **argv) {
  found f = {0};
  oikos_launch launch = {.alone = true};
  choose(name, &f);
  if (!f.problem[0])
    load(name, &f, &launch);
  if (!f.problem[0])
    return start(&f, argc, argv, &launch);
  fprintf(stderr, "oikos: %s\n", f.problem);
  return ERROR;
}

/* The mpirun of another MPI starts ranks that do not find each other: each would be the only one.
 */
static bool is_lost(int *rank, int *ranks) {
  static const char *const names[][2] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
                                         {"PMI_SIZE", "PMI_RANK"}};
  int size;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *of = getenv(names[i][0]), *number = getenv(names[i][1]);
    *ranks = of ? (int)strtol(of, NULL, 10) : 1;
    *rank = number ? (int)strtol(number, NULL, 10) : 0;
    if (size == 1 && *ranks > 1)
      return true;
  }
  return false;
}

static int say_lost(int rank, int ranks) {
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
  int length;
  MPI_Get_library_version(mpi, &length);
  mpi[strcspn(mpi, ",\n")] = 0;
  if (rank == 0)
    fprintf(
        stderr,
        "oikos: mpirun started %d ranks that do not find each other: it belongs to another MPI "
        "than %s, which oikos was built with; use that one's mpirun (MPIEXEC for tools/ranks)\n",
        ranks, mpi);
  return USAGE;
}

static int run_ranks(const char *name, int argc, char **argv, oikos_stop *stop) {
  found f = {0};
  oikos_launch launch = {.stop = stop};
  if (!call_roll(stop))
    return ERROR;
  choose(name, &f);
  if (!agree(&f))
    return USAGE;
  lower_level(&f, &launch);
  load(name, &f, &launch);
  return agree(&f) ? start(&f, argc, argv, &launch) : ERROR;
}

int main(int argc, char **argv) {
  const char *command = argc > 1 ? argv[1] : "--help", *name = library_name(argc, argv);
  int provided, status, rank, ranks;
  oikos_stop stop;
  if (command[0] == '-' || strcmp(command, "help") == 0)
    return speaks() ? run_alone(name, argc, argv) : 0;
  if (!oikos_stop_begin(&stop, speaks() ? 0 : 1)) {
    fputs("oikos: no thread can be started\n", stderr);
    return ERROR;
  }
  // of Open MPI's shared file pointers, which oikos does not use, all but this kind end the program
  // on a long path, or leave semaphores behind that keep others from files of the same name
  setenv("OMPI_MCA_sharedfp", "individual", 0);
  signal(SIGXFSZ, SIG_IGN); // a file size limit is an error of the write, not of the process
  setenv("OMPI_MCA_mpi_initial_errhandler", "mpi_errors_return", 0); // else Open MPI 5 ends it here
  status = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  if (status != MPI_SUCCESS)
    return say_no_mpi(status);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  atomic_store(&stop.rank, rank);
  atomic_store(&stop.ranks, ranks);
  status = is_lost(&rank, &ranks) ? say_lost(rank, ranks) : run_ranks(name, argc, argv, &stop);
  oikos_stop_set_status(&stop, status);
  MPI_Finalize();
  return status;
}
