#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A request to stop is obeyed within 2 s wherever the program is, also in a read that never returns: exit status 75 and one
# line that says so. Training stops between two steps, with a checkpoint; a second SIGINT ends it at once. What was done is
# done: a finished training whose evaluation was stopped says so. Who stops reading its output stops training.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# A file server that went away: reads of the file HUNG never return. That one began shows in HUNG.on.
cat >hung.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
static void hang(int fd) {
  char link[64], path[4096] = "", on[4200];
  const char *hung = getenv("HUNG");
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (!hung || readlink(link, path, sizeof path - 1) < 0 || strcmp(path, hung) != 0)
    return;
  snprintf(on, sizeof on, "%s.on", hung);
  close(open(on, O_WRONLY | O_CREAT, 0600));
  for (;;)
    sleep(1000);
}
#define ORIGINAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
ssize_t read(int fd, void *at, size_t n) { hang(fd); return ORIGINAL(read)(fd, at, n); }
ssize_t pread(int fd, void *at, size_t n, off_t from) { hang(fd); return ORIGINAL(pread)(fd, at, n, from); }
ssize_t pread64(int fd, void *at, size_t n, off64_t from) { hang(fd); return ORIGINAL(pread64)(fd, at, n, from); }
ssize_t preadv(int fd, const struct iovec *v, int n, off_t from) { hang(fd); return ORIGINAL(preadv)(fd, v, n, from); }
ssize_t preadv64(int fd, const struct iovec *v, int n, off64_t from) { hang(fd); return ORIGINAL(preadv64)(fd, v, n, from); }
C
cc -shared -fPIC -o hung.so hung.c -ldl
preload=(env "LD_PRELOAD=$WORK/hung.so")

# obeys WHAT SIGNAL STATUS PATTERN: the job that runs ends within 2 s (here: of a busy machine) of the signal to its process
# `struck`, with this status and this one line.
obeys() {
  local begin
  begin=$(date +%s%N)
  kill -s "$2" ${struck:-$job} || fail "$1: it had ended before"
  while kill -0 ${struck:-$job} 2>/dev/null && (($(date +%s%N) - begin < 20000000000)); do sleep 0.02; done
  took=$((($(date +%s%N) - begin) / 1000000))
  end_of_job
  echo "$1: $took ms, exit status $status"
  ((took < 6000)) || fail "$1: it took $took ms"
  check_status "$1" "$3"
  check_one_line "$1" "$log.err"
  check_match "$1" "^oikos: $4" "$log.err"
}
alone() { # the program itself, under `timeout`
  struck=$(pgrep -P "$job" | head -1) || true
  [[ $struck ]] || fail "it has ended already: $(head -c 300 "$log.err")"
}
on() { [[ -e $1 ]]; }
says() { grep -q "$1" "$log.out"; }

write_mlp mlp.yaml
write_images images.h5
write_conv conv.yaml
printf 'group,x,y\na,1,2\n' >table.csv
run train mlp.yaml --out run --set steps=5 --set eval.episodes=0
check_status "a run" 0
"$OIKOS" import ratings-demo --users 3000 --items 1500 -o ratings.h5 >/dev/null
cat >ratings.yaml <<'YAML'
steps: 2
task: {source: ratings, file: ratings.h5, split: fraction, self_row: false, support: 8, support_least: 1, query: 5}
learners: {count: 10}
model: {init: glorot, layers: [embedding: 8, dense: 64, relu, dense: 64, relu, dense: 1]}
inner: {steps: 3, rate: 0.05}
eval: {episodes: 0}
YAML
run train ratings.yaml --out rated
check_status "a recommender" 0

# hung WHAT FILE PATTERN ARGS...: a command that hangs in a read of a file.
hung() {
  rm -f "$2.on"
  start "${preload[@]}" "HUNG=$WORK/$2" "$OIKOS" "${@:4}"
  wait_for "$1" on "$2.on"
  alone
  obeys "$1" TERM 75 "$3"
}
if [[ -n ${OIKOS_SANITIZED:-} ]]; then
  echo "not with sanitizers, which must be loaded first: reads that hang"
else
  newest=$(newest run)
  hung "reading data" images.h5 'stopped on request .SIGTERM.' train conv.yaml --out none
  hung "looking for a checkpoint" "$newest" 'stopped on request .SIGTERM.' train mlp.yaml --out run --resume
  hung "eval: hashing" "$newest" 'stopped on request .SIGTERM.' eval run
  hung "inspect: hashing" "$newest" 'stopped on request .SIGTERM.' inspect "$newest"
  hung "recommend: reading" ratings.h5 'stopped on request .SIGTERM.' recommend rated --all users
  hung "import: reading" table.csv 'stopped on request .SIGTERM.' import csv table.csv --group group --target y -o table.h5
  check_equal "import left nothing" "" "$(find . -name 'table.h5*')"

  # One rank of two hangs, and the other waits for it; whoever of them is asked, both end.
  for rank in 0 1; do
    rm -f images.h5.on
    on_rank 1 "export LD_PRELOAD=$WORK/hung.so HUNG=$WORK/images.h5"
    start "${mpirun[@]}" 2 ./rank "$OIKOS" train conv.yaml --out "$WORK/none$rank"
    wait_for "a read that hangs" on images.h5.on
    struck=$(ranks_with "$WORK/none$rank" $rank)
    obeys "rank 1 hangs in a read, rank $rank is asked" TERM '[1-9]*' '(rank 1 on .*: )?stopped on request .SIGTERM.'
    check_equal "ranks left behind" "" "$(ranks_with "$WORK/none$rank")"
  done
fi

# The wait for a lock of another machine.
mkdir -p locked
echo "host far pid 7 user anna job 99 boot elsewhere space 1 start 5 beat 1" >locked/lock
start "$OIKOS" train mlp.yaml --out locked
wait_for "the wait for a lock" says 'looking for 15 s whether it lives'
alone
obeys "a lock" TERM 75 'stopped on request'
check_match "a lock stays" '^host far' locked/lock

# Work that takes its time. worker WHAT SECONDS ARGS...
worker() {
  start "$OIKOS" "${@:3}"
  sleep "$2"
  alone
  obeys "$1" TERM 75 'stopped on request'
}
slow=(--set inner.steps=10 --set task.support=500 --set 'model.layers=[dense: 3000, relu, dense: 3000, relu, dense: 1]')
worker gradcheck 2 gradcheck mlp.yaml "${slow[@]}"
worker "bench checkpoint" 1 bench checkpoint --mib 1000 --out .
check_equal "bench left nothing" "" "$(find . -maxdepth 1 -name 'oikos-bench*')"
worker "bench reduce" 1 bench reduce --elements 100000000
worker import 1 import ratings-demo --users 2000000 --items 100000 -o big.h5
check_equal "import left nothing" "" "$(find . -name 'big.h5*')"
worker recommend 1.5 recommend rated --all users --set inner.steps=10000
worker eval 1.5 eval run --episodes 100000000

# Training is waited for, until a second SIGINT; then it ends at once.
start "$OIKOS" train mlp.yaml --out slow "${slow[@]}" --set learners.count=60 --set steps=10
wait_for "a slow step" says 'learners, '
alone
sleep 1
kill -INT $struck
sleep 2
kill -0 $struck || fail "training did not wait for the end of its step"
obeys "a second SIGINT" INT 1 'ended at once on a second SIGINT'

# The evaluation after the last step: training is done.
start "$OIKOS" train mlp.yaml --out trained --set steps=20 --set eval.episodes=10000000
wait_for "the end of training" says '^trained on '
alone
obeys "the final evaluation" TERM 75 'stopped on request.* in the evaluation: training is done, with all 20 steps and a checkpoint'
check_equal "the last checkpoint" 20 "$(step_of "$(newest trained)")"
run train mlp.yaml --out trained --set steps=20 --set eval.episodes=10 --resume
check_status "the evaluation alone" 0

# A reader that leaves.
set +o pipefail
"$OIKOS" train mlp.yaml --out headed --set steps=100000000 --set eval.episodes=0 2>headed.err | head -2 >/dev/null
set -o pipefail
check_one_line "train | head" headed.err
check_match "train | head" '^oikos: nobody reads standard output any more: stopped on request after step [0-9]+ .*a checkpoint was written' headed.err
run inspect "$(newest headed)"
check_status "the checkpoint of train | head" 0
finish
