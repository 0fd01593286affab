/* SPDX-License-Identifier: MIT
 * What the launcher (main.c) hands to the program, which lies in the library that it has loaded. */
#ifndef OIKOS_CLI_LAUNCH_H
#define OIKOS_CLI_LAUNCH_H

#include <stdbool.h>

#include "cli/stop.h"

typedef struct oikos_launch {
  bool alone;         /* MPI is not up: this process is the one that speaks */
  const char *kernel; /* what OpenBLAS was asked for; NULL: nothing */
  const char *level;  /* what all ranks run, though some could run more; NULL: none could */
  const char *best;   /* the highest of theirs */
  const char *loss;   /* of the better ones' speed, in words */
  int better;         /* how many could */
  char host[256];     /* of a rank that could not */
  oikos_stop *stop;   /* requests to stop; NULL: alone */
} oikos_launch;

/** Run a command; the exit status. Collective, unless alone. */
typedef int oikos_program_function(int argc, char **argv, const oikos_launch *launch);
oikos_program_function oikos_program;

#endif
