/* SPDX-License-Identifier: MIT
 * The OpenBLAS kernel trap: see math/kernel.h. OIKOS_KERNEL is "keep" to leave
 * the kernel alone, "auto" to choose even where OPENBLAS_CORETYPE is set, and otherwise remembers
 * across a restart what was tried: "<n> <first>", n candidates so far, after OpenBLAS chose <first>
 * by itself. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "math/kernel.h"

static void start_again(char **argv, int tried, const char *first, const char *kernel) {
  char memory[128];
  snprintf(memory, sizeof memory, "%d %.60s", tried, first);
  setenv("OIKOS_KERNEL", memory, 1);
  setenv("OPENBLAS_NUM_THREADS", "1", 1); // otherwise the library starts threads that nobody uses
  if (kernel)
    setenv("OPENBLAS_CORETYPE", kernel, 1);
  else
    unsetenv("OPENBLAS_CORETYPE");
  execv("/proc/self/exe", argv);
  perror("oikos: the program could not start itself again with a better BLAS kernel");
}

void oikos_kernel_prepare(char **argv) {
  const char *memory = getenv("OIKOS_KERNEL"), *chosen = getenv("OPENBLAS_CORETYPE");
  char first[64] = "";
  int tried = 0;
  if (memory && strcmp(memory, "keep") == 0)
    return;
  if (chosen && !*chosen) { // OpenBLAS takes an empty value for an unknown CPU
    start_again(argv, 0, oikos_kernel_name(), NULL);
    return;
  }
  if (memory && sscanf(memory, "%d %63s", &tried, first) == 2 && tried > 0) {
    if (chosen && !oikos_kernel_self_test())
      start_again(argv, tried + 1, first, oikos_kernel_candidate(tried));
    return;
  }
  if (chosen && !(memory && strcmp(memory, "auto") == 0))
    return; // the user's own choice
  snprintf(first, sizeof first, "%s", oikos_kernel_name());
  if ((oikos_kernel_is_poor(first) || !oikos_kernel_self_test()) && oikos_kernel_candidate(0))
    start_again(argv, 1, first, oikos_kernel_candidate(0));
}

void oikos_kernel_report(const oikos_cli *cli) {
  char mine[64] = "", others[64], first[64];
  int tried, differ;
  const char *memory = getenv("OIKOS_KERNEL");
  snprintf(mine, sizeof mine, "%s", oikos_kernel_name());
  if (memory && sscanf(memory, "%d %63s", &tried, first) == 2 && tried > 0 && cli->team.rank == 0)
    fprintf(stderr,
            "oikos: OpenBLAS chose its %s kernel, which is poor on this CPU; running with %s "
            "(override: "
            "OPENBLAS_CORETYPE)\n",
            first, mine);
  else if (getenv("OPENBLAS_CORETYPE") && oikos_kernel_is_poor(mine) && cli->team.rank == 0)
    fprintf(stderr,
            "oikos: OPENBLAS_CORETYPE=%s is a poor kernel for this CPU; unset it, or set "
            "OIKOS_KERNEL=auto\n",
            mine);
  if (!oikos_kernel_self_test() && cli->team.rank == 0)
    fprintf(stderr,
            "oikos: warning: the OpenBLAS kernel %s fails its self-test: its products are wrong; "
            "set OPENBLAS_CORETYPE "
            "to another\n",
            mine);
  memcpy(others, mine, sizeof others);
  oikos_broadcast(&cli->team, others, sizeof others);
  differ = strcmp(mine, others) != 0;
  MPI_Allreduce(MPI_IN_PLACE, &differ, 1, MPI_INT, MPI_SUM, cli->team.world);
  if (differ && cli->team.rank == 0)
    fprintf(stderr,
            "oikos: warning: %d of %d ranks run another OpenBLAS kernel than rank 0 (%s): the bits "
            "depend on it; set "
            "OPENBLAS_CORETYPE for all\n",
            differ, cli->team.size, mine);
}
