/* SPDX-License-Identifier: MIT */
#include "run/pace.h"

#include <unistd.h>

#include "base/clock.h"
#include "run/interval.h"

/* Before it is known how long one takes. */
static const double first_interval = 30;

void oikos_pace_compare(const oikos_team *team, oikos_pace *p) {
  struct {
    double seconds;
    int rank;
  } most = {p->busy, team->rank};
  double sum = p->busy;
  p->busy = 0;
  if (team->size == 1)
    return;
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE_INT, MPI_MAXLOC, team->world);
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, team->world);
  p->slowest_rank = most.rank;
  p->slowest = sum > 0 ? most.seconds * team->size / sum : 0;
  gethostname(p->slowest_host, sizeof p->slowest_host - 1);
  MPI_Bcast(p->slowest_host, sizeof p->slowest_host, MPI_CHAR, most.rank, team->world);
}

void oikos_pace_saved(oikos_pace *p, double seconds) {
  p->saved = oikos_wall_clock();
  p->write_seconds = p->write_seconds > 0 ? (p->write_seconds + seconds) / 2 : seconds;
}

bool oikos_pace_due(const oikos_pace *p, double mtbf) {
  double wait = p->write_seconds > 0 ? oikos_checkpoint_interval(p->write_seconds, 3600 * mtbf)
                                     : first_interval;
  return oikos_wall_clock() - p->saved >= wait;
}
