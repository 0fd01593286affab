#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A short campaign of random kills loses nothing; a semaphore that a killed job left taken stops nobody; whoever reads
# checkpoints while they are written and removed gets them whole or a clear message, and does not disturb the training.
set -euo pipefail
source "$(dirname "$0")/common.sh"
export OMPI_MCA_mpi_yield_when_idle=1 # ranks and readers share the cores
[[ -n $(command -v python3) ]] || skip "python3 is not installed"

campaign() {
  launch "$SOURCE/tools/bench/faults" --kills 8 --seed 3 --ranks 3
  check_status "campaign" 0
  check_match "campaign" '^8 kills .seed 3., each followed by a resume on 1 to 3 ranks' "$log.out"
  check_match "campaign" '^  lost     0 checkpoints, 0 runs; jobs that hung 0, that left processes 0$' "$log.out"
  check_match "campaign" '^  the end  1 of 1 runs bit-identical' "$log.out"
  cat "$log.out"
}

# Open MPI names semaphores for files that it opens by their last name alone; of a killed job they stay taken. Ours are
# never of a name that was there before, and what uses semaphores is switched off.
stale_semaphore() {
  local stale=/dev/shm/sem.OMPIO_step-000000000777.h5.tmp code=0
  head -c 32 /dev/zero >"$stale"
  timeout -s KILL 60 "$OIKOS" train mlp.yaml --out stale --set steps=777 --set checkpoint.every=0 --set eval.episodes=0 \
    >"$log.out" 2>"$log.err" || code=$?
  rm -f "$stale"
  check_equal "a semaphore left taken: exit status" 0 "$code"
  check_equal "semaphores made" "" "$(find /dev/shm -name 'sem.OMPIO_step-000000000777*' 2>/dev/null)"
}

reading=(train mlp.yaml --set steps=120 --set checkpoint.every=2 --set checkpoint.keep=2 --set log.every=10
  --set eval.episodes=0)

# read_one WHAT COMMAND...: a read; it may find that its file was removed, and must say so.
reads=0 # those that gave a checkpoint
read_one() {
  local code=0
  timeout 60 "${@:2}" >read.out 2>read.err || code=$?
  if ((code == 0)); then
    reads=$((reads + 1))
    return
  fi
  ((code <= 2)) || fail "$1: exit status $code"
  check_match "$1" 'No such file|no such|unable to open file|is not whole|cannot be (opened|read)' read.err
}

has_checkpoint() { [[ -n $(newest watched) ]]; }
readers() {
  start_ranks 2 "${reading[@]}" --out "$WORK/watched"
  wait_for "a checkpoint" has_checkpoint
  while kill -0 "$job" 2>/dev/null; do
    read_one "inspect" "$OIKOS" inspect watched
    read_one "digest" "$OIKOS" inspect watched --digest
    [[ -z $(command -v h5dump) ]] || read_one "h5dump" h5dump -a /step "$(newest watched)"
  done
  end_of_job
  check_status "training while others read" 0
  ((reads > 0)) || fail "nobody could read a checkpoint while others were written"
  run "${reading[@]}" --out alone
  check_same "training while others read" alone watched
  echo "$reads checkpoints read while others were written"
}

write_mlp mlp.yaml
apart campaign campaign
apart stale_semaphore stale_semaphore
apart readers readers
gather
finish
