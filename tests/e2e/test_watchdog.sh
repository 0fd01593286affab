#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One run directory, one job: a second one is refused, a dead one's lock is taken over. A rank that stands still ends the
# job with a message that names it; a job that was suspended as a whole goes on. The clock may jump.
. "$(dirname "$0")/common.sh"

write_mlp mlp.yaml
endless=(train mlp.yaml --set steps=100000000 --set log.every=10 --set checkpoint.every=500 --set eval.episodes=0)
short=(train mlp.yaml --set steps=1000 --set log.every=10 --set checkpoint.every=500 --set eval.episodes=0)
host=$(hostname)

# A second job, by another name of the same folder; the first one goes on.
start_ranks 2 "${endless[@]}" --out run --set run.watchdog=4
first=$job log_first=$log
wait_for "a checkpoint" test -e run/checkpoints/step-000000000500.h5
log=$WORK/second
for again in "--out run" "--out $WORK/run --resume"; do
  # shellcheck disable=SC2086
  run "${endless[@]}" $again
  check_status "a second job, $again" 69
  check_match "a second job, $again" "oikos: .*run is in use by process [0-9]+ on $host \(user [^)]+\): wait until it ends" "$log.err"
done
job=$first log=$log_first
check_match "the slowest rank" '"tasks_per_second": [0-9.]+,.* "slowest": [1-2]\.[0-9]+, "slowest_rank": [01]' run/metrics.jsonl
check_match "RUN/ranks" "^rank 1 host $host pid [0-9]+ step [0-9]+ " run/ranks

# A rank that stands still, with the whole job well before.
sleep 1
stopped=$(ranks_with run 1)
kill -STOP "$stopped"
begin=$SECONDS
end_of_job
check_status "a rank that stands still" '[1-9]*'
((SECONDS - begin <= 12)) || fail "a rank that stands still: the job ended after $((SECONDS - begin)) s"
check_match "a rank that stands still" \
  "oikos: no progress for 4 s \(run.watchdog\): 1 of 2 ranks did not come to step [0-9]+, .*: rank 1 on $host \(process $stopped\), silent for [0-9.]+ s, last seen in step [0-9]+: " "$log.err"
check_match "a rank that stands still" 'continue with --resume' "$log.err"
check_equal "a rank that stands still: lines of oikos" 1 "$(grep -c '^oikos: ' "$log.err")"
check_equal "ranks left behind" "" "$(ranks_with run)"

# The lock that it left is no obstacle, and the end is as if nothing had happened.
[[ -e run/lock ]] || fail "the job that was killed left no lock"
at=$(step_of "$(newest run)")
run_ranks 2 "${short[@]}" --out run --resume --set steps=$((at + 500))
check_status "resumed after a dead job" 0
check_match "resumed after a dead job" 'run/lock was left by process [0-9]+ on .*, which is gone: taking it over' "$log.out"
[[ ! -e run/lock && ! -e run/ranks ]] || fail "the lock or the ranks' file is still there after the end"
run_ranks 2 "${short[@]}" --out undisturbed --set steps=$((at + 500))
check_same "resumed after a dead job" undisturbed run

# A whole job that is suspended for longer than the watchdog waits, as a scheduler does it.
start_ranks 2 "${endless[@]}" --out suspended --set run.watchdog=4
wait_for "a checkpoint" test -e suspended/checkpoints/step-000000000500.h5
kill -STOP $(ranks_with suspended)
sleep 7
before=$(last_step suspended)
kill -CONT $(ranks_with suspended)
wait_for "further steps" reached suspended $((before + 200))
kill -USR1 $(ranks_with suspended 0)
end_of_job
check_status "a job that was suspended" 75

# A clock that is set back by a day and forward again, several times a second.
cat >jump.c <<'C'
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static void jump(struct timespec *t) {
  static unsigned calls;
  if (calls++ / 16 % 2)
    t->tv_sec -= 86400;
}
int clock_gettime(clockid_t clock, struct timespec *t) {
  int bad = (int)syscall(SYS_clock_gettime, clock, t);
  if (clock == CLOCK_REALTIME)
    jump(t);
  return bad;
}
time_t time(time_t *out) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return out ? (*out = t.tv_sec) : t.tv_sec;
}
int gettimeofday(struct timeval *v, void *zone) {
  struct timespec t;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &t);
  *v = (struct timeval){t.tv_sec, t.tv_nsec / 1000};
  return 0;
}
C
cc -shared -fPIC -o jump.so jump.c
preload=(env "LD_PRELOAD=$WORK/jump.so")
if [[ -n ${OIKOS_SANITIZED:-} ]]; then
  echo "not with sanitizers, which must be loaded first: a clock that jumps"
  preload=()
fi
launch "${mpirun[@]}" 2 "${preload[@]}" "$OIKOS" "${short[@]}" --out jumped --set checkpoint.every=-1 --set steps=$((at + 500))
check_status "a clock that jumps" 0
check_same "a clock that jumps" undisturbed jumped
! grep -E '"(seconds|tasks_per_second)": -' jumped/metrics.jsonl || fail "a clock that jumps: negative times"

# A file server that takes its time: what is read block by block is progress, from before set-up on.
cat >slow.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void wait_for(int fd, size_t n) {
  char link[64], path[4096] = "";
  const char *slow = getenv("SLOW");
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (slow && n >= 1 << 18 && readlink(link, path, sizeof path - 1) > 0 && strncmp(path, slow, strlen(slow)) == 0)
    usleep(500000);
}
#define ORIGINAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
ssize_t read(int fd, void *at, size_t n) { wait_for(fd, n); return ORIGINAL(read)(fd, at, n); }
ssize_t pread(int fd, void *at, size_t n, off_t from) { wait_for(fd, n); return ORIGINAL(pread)(fd, at, n, from); }
ssize_t pread64(int fd, void *at, size_t n, off64_t from) { wait_for(fd, n); return ORIGINAL(pread64)(fd, at, n, from); }
C
cc -shared -fPIC -o slow.so slow.c -ldl
awk 'BEGIN {
  printf "g"; for (k = 0; k < 20; k++) printf ",x%d", k; print ",y"
  for (i = 0; i < 100000; i++) { printf "%d", i % 50; for (k = 0; k < 20; k++) printf ",%d", (i * k) % 17; print "," i % 7 }
}' >wide.csv
"$OIKOS" import csv wide.csv -o wide.h5 --group g --target y >import.out # 8 blocks of 1 MiB
cat >wide.yaml <<YAML
steps: 3
task: {source: table, file: $WORK/wide.h5, support: 5, query: 5, split: fraction}
learners: {count: 4}
model: {layers: [dense: 5, relu, dense: 1]}
inner: {rate: 0.001}
eval: {episodes: 0}
YAML
if [[ -z ${OIKOS_SANITIZED:-} ]]; then
  begin=$SECONDS
  launch env "LD_PRELOAD=$WORK/slow.so" "SLOW=$WORK/wide.h5" "$OIKOS" train wide.yaml --out wide --set run.watchdog=2
  check_status "reading that takes longer than the watchdog waits" 0
  ((SECONDS - begin >= 3)) || fail "reading that takes longer than the watchdog waits: it took $((SECONDS - begin)) s"
fi

# Ranks between which no message comes from the start on: all but one are in a barrier which that one never reaches.
if [[ -z ${OIKOS_SANITIZED:-} ]]; then
  echo 'void pause(void); int MPI_Barrier(void *ranks); int MPI_Barrier(void *ranks) { for (;;) pause(); }' >silent.c
  cc -w -shared -fPIC -o silent.so silent.c
  on_rank 1 "export LD_PRELOAD=$WORK/silent.so"
  begin=$SECONDS
  start "${mpirun[@]}" 3 ./rank "$OIKOS" "${short[@]}" --out silent
  end_of_job
  check_status "no message at all" '[1-9]*'
  ((SECONDS - begin <= 25)) || fail "no message at all: the job ended after $((SECONDS - begin)) s"
  check_match "no message at all" "oikos: .*the ranks do not reach each other: 8 s after MPI began not all had answered; see that" "$log.err"
  check_equal "no message at all: ranks left behind" "" "$(ranks_with "$WORK/silent")"
fi

# The interval by time: the first checkpoint after 30 s is the last one of a short run.
check_equal "checkpoints of a short run" 1 "$(find jumped/checkpoints -name '*.h5' | wc -l)"

# Hints for MPI-IO change nothing of what is written; a wrong list of them is refused.
run_ranks 2 "${short[@]}" --out hinted --set 'checkpoint.hints=striping_factor=2 cb_nodes=1' --set steps=$((at + 500))
check_status "checkpoint.hints" 0
check_same "checkpoint.hints" undisturbed hinted
run "${short[@]}" --out wrong --set checkpoint.hints=striping_factor
check_status "wrong checkpoint.hints" 2
check_match "wrong checkpoint.hints" 'checkpoint.hints: expected KEY=VALUE KEY=VALUE \.\.\., .*found striping_factor$' "$log.err"
finish
