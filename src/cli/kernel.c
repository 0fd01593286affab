/* SPDX-License-Identifier: MIT
 * What there is to say of level and BLAS kernel when a job begins. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "cli/launch.h"
#include "math/kernel.h"

/* Of this rank: the user's choice, by OPENBLAS_CORETYPE, is the user's, but OpenBLAS takes another
 * without a word for one that it does not have. */
static void say_of_choice(const char *mine, const oikos_launch *launch) {
  if (launch->kernel && strcasecmp(launch->kernel, mine) != 0)
    fprintf(stderr,
            "oikos: this OpenBLAS has no kernel %s and runs %s; OPENBLAS_CORETYPE sets another\n",
            launch->kernel, mine);
  else if (oikos_kernel_is_poor(mine))
    fprintf(stderr,
            "oikos: %s%s is a poor kernel for this CPU; unset %s to have the one that goes with "
            "level %s\n",
            launch->kernel ? "OPENBLAS_CORETYPE=" : "OpenBLAS's own choice ", mine,
            launch->kernel ? "it" : "OIKOS_KERNEL", oikos_version_level());
}

/* On rank 0, of the ranks whose processor is better than the level that all have. */
static void say_of_levels(int ranks, const oikos_launch *launch) {
  fprintf(stderr,
          "oikos: %d of %d ranks could run level %s, but %s has %s at most: all run that, for the "
          "same bits, which costs the better ones %s of their speed\n",
          launch->better, ranks, launch->best, launch->host, launch->level, launch->loss);
}

oikos_status oikos_kernel_check(const oikos_cli *cli, const oikos_launch *launch,
                                oikos_error *err) {
  const char *mine = oikos_kernel_name();
  oikos_status status = OIKOS_OK;
  if (cli->team.rank == 0)
    say_of_choice(mine, launch);
  if (cli->team.rank == 0 && launch->level)
    say_of_levels(cli->team.size, launch);
  if (!oikos_kernel_self_test())
    status = oikos_fail(err, OIKOS_ERROR,
                        "the products of OpenBLAS's kernel %s are wrong on this CPU; set "
                        "OIKOS_LEVEL to a lower level than %s, or OPENBLAS_CORETYPE to another",
                        mine, oikos_version_level());
  return oikos_agree(&cli->team, status, err);
}
