#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A run that is stopped and resumed, on other numbers of ranks, is the run that was never stopped: equal digest, equal
# metrics without missing or doubled steps. Stopped by SIGTERM or SIGUSR1 it writes a checkpoint at the end of the step,
# says so, and exits 75.
set -euo pipefail
source "$(dirname "$0")/common.sh"
command -v pgrep >/dev/null || skip "pgrep is not installed"

write_mlp mlp.yaml
homes=(--set home.count=3 --set home.owns=all --set home.memory=0.9 --set home.mixing=0.1 --set log.every=5)
train=(train mlp.yaml "${homes[@]}" --set eval.episodes=0)
endless=(--set steps=1000000000)

# stop RANKS WHOM: train on, from where the run is, some steps more; then stop.
stop() {
  local from
  from=$(last_step run)
  start_ranks "$1" "${train[@]}" "${endless[@]}" --out "$WORK/run" --resume
  wait_for "it was stopped" reached run $((from + 20))
  case $2 in
  ranks) kill -TERM $(ranks_with "$WORK/run") ;;
  mpirun) pkill -USR1 -P "$job" ;; # the child of timeout; passes it on to its ranks
  esac
  end_of_job
  local what="stopped on $1 ranks by way of $2" step
  step=$(step_of "$(newest run)")
  check_status "$what" 75
  check_match "$what" "^oikos: stopped on request after step $step of 1000000000; a checkpoint was written" "$log.err"
  ((step >= from + 20 && step >= $(last_step run))) || fail "$what: the checkpoint is of step $step"
}

stop 4 ranks
check_match "first start with --resume" "^no checkpoint in .*/run: starting from step 0" "$log.out"
first=$(step_of "$(newest run)")
stop 3 mpirun
check_match "resumed on 3 ranks" "^resumed from .*step-0*$first.h5 at step $first\$" "$log.out"
end=$(($(step_of "$(newest run)") + 13))
run_ranks 1 "${train[@]}" --set steps=$end --out "$WORK/run" --resume
check_status "resumed on 1 rank" 0
run_ranks 2 "${train[@]}" --set steps=$end --out whole
check_status "uninterrupted" 0
check_same "4, 3 and 1 ranks, stopped between" whole run

# A finished run resumed is finished still.
run_ranks 2 "${train[@]}" --set steps=$end --out "$WORK/run" --resume
check_status "resumed at the end" 0
check_same "resumed at the end" whole run

# With a schedule that knows the last step: back to an older checkpoint.
scheduled=(train mlp.yaml --set steps=60 --set checkpoint.every=20 --set log.every=7 --set eval.episodes=0
  --set outer.schedule=cosine --set outer.warmup=10 --set outer.optimizer=adamw --set outer.weight_decay=0.1
  --set inner.learned_rates=parameter)
run_ranks 3 "${scheduled[@]}" --out cosine
check_status "cosine" 0
cp -r cosine back
rm back/checkpoints/step-*40.h5 back/checkpoints/step-*60.h5
run_ranks 2 "${scheduled[@]}" --out back --resume
check_status "back to step 20" 0
check_match "back to step 20" "^resumed from .* at step 20\$" "$log.out"
check_same "back to step 20" cosine back

# The evaluation at the end can be stopped too.
start_ranks 2 eval "$WORK/run" --episodes 400000 --steps 10
sleep 2
ranks_with "$WORK/run" | xargs kill -TERM
end_of_job
check_status "eval stopped" 75
check_match "eval stopped" "^oikos: .*stopped on request" "$log.err"

# Homes that modulate, weighed by an encoder: its state is in the checkpoint too.
encoder=(train mlp.yaml --set home.count=3 --set home.owns=modulation --set home.rule=weighted --set home.score=encoder
  --set 'home.encoder=[dense: 6, relu, set_mean, dense: 4]' --set log.every=5 --set eval.episodes=0)
run_ranks 1 "${encoder[@]}" --set steps=20 --out "$WORK/encoder.whole"
check_status "with an encoder" 0
run_ranks 2 "${encoder[@]}" --set steps=10 --out "$WORK/encoder.parts"
run_ranks 3 "${encoder[@]}" --set steps=20 --out "$WORK/encoder.parts" --resume
check_status "with an encoder, resumed" 0
check_same "with an encoder, resumed" "$WORK/encoder.whole" "$WORK/encoder.parts"
finish
