/* SPDX-License-Identifier: MIT
 * oikos: a distributed meta-learning trainer. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "base/try.h"
#include "cli/cli.h"

static const oikos_command commands[] = {
    {"train", "CONFIG [--out DIR] [--resume] [--set KEY=VALUE ...]",
     "train, with checkpoints; then evaluate", oikos_command_train},
    {"eval", "RUN|CHECKPOINT [--episodes N] [--steps S]", "evaluate on unseen tasks",
     oikos_command_eval},
    {"inspect", "FILE|RUN [--digest]", "show what a checkpoint or an image file holds",
     oikos_command_inspect},
    {"import", "KIND SOURCE ... -o FILE.h5", "make an HDF5 file of a data set",
     oikos_command_import},
    {"gradcheck", "CONFIG [--dump FILE.h5]", "check the meta-gradient against finite differences",
     oikos_command_gradcheck},
    {"config", "--explain | CONFIG", "explain every key, or show a configuration resolved",
     oikos_command_config},
    {"bench", "gemm", "measure this machine against its own bounds", oikos_command_bench},
    {NULL, NULL, NULL, NULL},
};

static void usage(FILE *out) {
  fputs("Usage: oikos COMMAND [ARGUMENTS]\n"
        "       mpirun -n RANKS oikos COMMAND [ARGUMENTS]\n\n"
        "Distributed meta-learning: learners find the task where they are at home, train there, "
        "and share what they "
        "learn.\n\n",
        out);
  for (const oikos_command *c = commands; c->name; c++)
    fprintf(out, "  oikos %s %s\n        %s\n", c->name, c->arguments, c->help);
  fputs("\n  oikos COMMAND --help      the options of a command\n"
        "  oikos --version           this build, its libraries and the BLAS kernel in use\n\n"
        "Exit status: 0 done, 1 error, 2 wrong use, 75 stopped on request after a checkpoint.\n",
        out);
}

static void version(void) {
  char libraries[512], kernel[64];
  oikos_version_libraries(libraries, sizeof libraries);
  oikos_version_kernel(kernel, sizeof kernel);
  printf("oikos %s (%s)\n%s\nBLAS kernel %s\n", oikos_version(),
         sizeof(oikos_real) == 4 ? "float" : "double", libraries, kernel);
}

void oikos_cli_print(const oikos_cli *cli, const char *format, ...) {
  va_list args;
  if (cli->team.rank != 0)
    return;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  fflush(stdout);
}

static const oikos_command *find(const char *name) {
  for (const oikos_command *c = commands; c->name; c++)
    if (strcmp(c->name, name) == 0)
      return c;
  return NULL;
}

/* Run a subcommand under MPI. Only rank 0 prints the error, which is the same on all. */
static int run(const oikos_command *command, int argc, char **argv) {
  oikos_cli cli = {0};
  oikos_error err = {0};
  int provided;
  if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
    fputs("oikos: MPI could not be initialised\n", stderr);
    return OIKOS_ERROR;
  }
  oikos_status status = oikos_team_create(MPI_COMM_WORLD, &cli.team, &err);
  if (status == OIKOS_OK) {
    oikos_kernel_report(&cli);
    status = oikos_agree(&cli.team, command->run(&cli, argc, argv, &err), &err);
  }
  if (status != OIKOS_OK && cli.team.rank == 0 && err.message[0])
    fprintf(stderr, "oikos: %s\n", err.message);
  oikos_team_destroy(&cli.team);
  MPI_Finalize();
  return (int)status;
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "--help";
  if (argc < 2 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
      strcmp(name, "help") == 0) {
    usage(argc < 2 ? stderr : stdout);
    return argc < 2 ? OIKOS_USAGE : OIKOS_OK;
  }
  const oikos_command *command = find(name);
  if (!command && strcmp(name, "--version") != 0) {
    fprintf(stderr, "oikos: unknown command %s; `oikos --help` lists them\n", name);
    return OIKOS_USAGE;
  }
  if (command && command->run == oikos_command_gradcheck)
    oikos_gradcheck_in_double(argc, argv);
  oikos_kernel_prepare(argv);
  openblas_set_num_threads(1);
  if (!command) {
    version();
    return OIKOS_OK;
  }
  oikos_signals_block();
  signal(SIGXFSZ,
         SIG_IGN); // a file size limit is an error of the write, not the end of the process
  return run(command, argc - 1, argv + 1);
}
