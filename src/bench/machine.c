/* SPDX-License-Identifier: MIT */
#include "bench/machine.h"

#include "bench/peak.h"
#include "dist/reduce.h"

static oikos_status measure(const oikos_needs *needs, oikos_machine *machine, oikos_error *err) {
  oikos_status status = OIKOS_OK;
  *machine = (oikos_machine){.peak = oikos_bench_peak()};
  for (int i = 0; i < OIKOS_MEMORY_LEVELS && status == OIKOS_OK; i++)
    if (needs->bytes[i] > 0)
      status = oikos_bench_bandwidth((oikos_memory_level)i, &machine->bandwidth[i], err);
  return status;
}

/* The smaller of two rates, for slowness is what the ranks compare. */
static void slow_down(const oikos_machine *m, double slowness[OIKOS_MEMORY_LEVELS + 1]) {
  for (int i = 0; i <= OIKOS_MEMORY_LEVELS; i++) {
    double rate = i < OIKOS_MEMORY_LEVELS ? m->bandwidth[i] : m->peak;
    if (rate > 0 && 1 / rate > slowness[i])
      slowness[i] = 1 / rate;
  }
}

oikos_status oikos_machine_measure(const oikos_team *team, int n_threads, const oikos_needs *needs,
                                   oikos_machine *machine, oikos_error *err) {
  double slowness[OIKOS_MEMORY_LEVELS + 1] = {0};
  oikos_status status = OIKOS_OK;
#pragma omp parallel for schedule(static, 1) num_threads(n_threads)
  for (int k = 0; k < n_threads; k++) {
    oikos_machine one;
    oikos_error failure;
    oikos_status ended = measure(needs, &one, &failure);
#pragma omp critical
    if (ended == OIKOS_OK) {
      slow_down(&one, slowness);
    } else {
      status = ended;
      *err = failure;
    }
  }
  status = oikos_agree(team, status, err);
  oikos_largest(team, OIKOS_MEMORY_LEVELS + 1, slowness);
  *machine = (oikos_machine){0};
  for (int i = 0; i <= OIKOS_MEMORY_LEVELS; i++) {
    double *rate = i < OIKOS_MEMORY_LEVELS ? &machine->bandwidth[i] : &machine->peak;
    *rate = slowness[i] > 0 ? 1 / slowness[i] : 0;
  }
  return status;
}

double oikos_machine_operations(const oikos_machine *machine, const oikos_needs *needs) {
  return machine->peak > 0 ? needs->operations / machine->peak / 1e9 : 0;
}

double oikos_machine_bytes(const oikos_machine *machine, const oikos_needs *needs) {
  double seconds = 0;
  for (int i = 0; i < OIKOS_MEMORY_LEVELS; i++)
    if (machine->bandwidth[i] > 0)
      seconds += needs->bytes[i] / machine->bandwidth[i] / 1e9;
  return seconds;
}

double oikos_machine_bound(const oikos_machine *machine, const oikos_needs *needs) {
  double operations = oikos_machine_operations(machine, needs),
         bytes = oikos_machine_bytes(machine, needs);
  return operations > bytes ? operations : bytes;
}
