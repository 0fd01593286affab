/* SPDX-License-Identifier: MIT */
#include "run/timing.h"

#include <unistd.h>

#include "base/clock.h"
#include "dist/reduce.h"
#include "math/interval.h"

/* Before it is known how long one takes. */
static const double first_interval = 30;

void oikos_timing_compare(const oikos_team *team, oikos_timing *p) {
  double busy = p->busy, most = busy, sum = busy;
  p->busy = 0;
  if (team->size == 1)
    return;
  oikos_largest(team, 1, &most);
  oikos_collect(team, 1, &sum);
  int64_t rank = busy == most ? team->rank : team->size;
  oikos_min_int64(team, 1, &rank);
  p->slowest_rank = (int)rank;
  p->slowest = sum > 0 ? most * team->size / sum : 0;
  gethostname(p->slowest_host, sizeof p->slowest_host - 1);
  oikos_broadcast_from(team, p->slowest_rank, p->slowest_host, sizeof p->slowest_host);
}

void oikos_timing_saved(oikos_timing *p, double seconds) {
  p->saved = oikos_wall_clock();
  p->write_seconds = p->write_seconds > 0 ? (p->write_seconds + seconds) / 2 : seconds;
}

bool oikos_timing_due(const oikos_timing *p, double mtbf) {
  double wait = p->write_seconds > 0 ? oikos_checkpoint_interval(p->write_seconds, 3600 * mtbf)
                                     : first_interval;
  return oikos_wall_clock() - p->saved >= wait;
}
