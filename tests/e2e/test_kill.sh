#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# However a job is killed, between checkpoints or while one is written, it ends soon, and a resumed run repeats at most
# the steps since the last checkpoint and ends with the digest of an undisturbed run. Nothing is left lying about.
set -euo pipefail
source "$(dirname "$0")/common.sh"
command -v pgrep >/dev/null || skip "pgrep is not installed"

# Slow enough that most of the time no checkpoint is written.
cat >slow.yaml <<'YAML'
task: {modes: [sinusoid, linear, quadratic], support: 20, query: 20}
learners: {count: 12}
model:
  init: glorot
  layers: [dense: 100, relu, dense: 100, relu, dense: 1]
inner: {steps: 3, rate: 0.0005}
outer: {clip: 10}
YAML
cat >big.yaml <<'YAML'
task: {support: 2, query: 2}
learners: {count: 2}
model:
  layers: [dense: 1500, relu, dense: 1500, relu, dense: 1]
inner: {order: first, rate: 0.0001}
YAML
slow=(train slow.yaml --set home.count=3 --set home.owns=all --set log.every=5 --set checkpoint.every=50
  --set eval.episodes=0)
big=(train big.yaml --set log.every=1 --set checkpoint.every=1 --set eval.episodes=0)
endless=(--set steps=1000000000)

# end_soon WHAT: the job, whose process was just killed.
end_soon() {
  local start=$SECONDS
  end_of_job
  [[ $status != 0 && $status != 124 ]] || fail "$1: exit status $status"
  ((SECONDS - start <= 20)) || fail "$1: the job took $((SECONDS - start)) s to end"
  [[ -z $(ranks_with "$WORK/$2") ]] || sleep 5
  check_equal "$1: ranks that live on" "" "$(ranks_with "$WORK/$2")"
}

# same_at_the_end WHAT RUN RANKS COMMAND...: resume, and compare with an undisturbed run.
same_at_the_end() {
  local saved reached end
  saved=$(step_of "$(newest "$2")")
  reached=$(last_step "$2")
  end=$(((reached > saved ? reached : saved) + 3))
  run_ranks "$3" "${@:4}" --set steps=$end --out "$2" --resume
  check_status "$1: resumed" 0
  check_match "$1" "^resumed from .* at step $saved\$" "$log.out"
  run_ranks 2 "${@:4}" --set steps=$end --out "$2.whole"
  check_same "$1" "$2.whole" "$2"
  check_equal "$1: files left over" "" "$(find "$2" -name '*.tmp*')"
}

# Between checkpoints: the metrics are some steps beyond the newest one.
between() { local s; s=$(last_step "$1"); ((s > 50 && s % 50 >= 15 && s % 50 <= 35)); }
kill_rank() { kill -9 $(ranks_with "$WORK/$1" "$2"); }
kill_mpirun() { pkill -9 -P "$job"; } # as a batch system does at last

# undisturbed_by RUN RANKS COMMAND...: resumed, the run is as if the command had not killed it.
undisturbed_by() {
  start_ranks 3 "${slow[@]}" "${endless[@]}" --out "$WORK/$1"
  wait_for "a step between checkpoints" between "$1"
  "${@:3}"
  end_soon "$1" "$1"
  same_at_the_end "$1" "$1" "$2" "${slow[@]}"
}
apart rank_0 undisturbed_by rank_0_killed 1 kill_rank rank_0_killed 0
apart rank_2 undisturbed_by rank_2_killed 4 kill_rank rank_2_killed 2
apart mpirun undisturbed_by mpirun_killed 3 kill_mpirun
gather

# While a checkpoint is written. A blow that misses, because the file was renamed meanwhile, is struck again.
writing() { [[ -n $(newest big) ]] && compgen -G 'big/checkpoints/*.tmp-*' >/dev/null; }
for attempt in 1 2 3 4 5; do
  rm -rf big
  start_ranks 2 "${big[@]}" "${endless[@]}" --out "$WORK/big"
  wait_for "a checkpoint was being written" true
  victim=
  while [[ -z $victim ]] && kill -0 "$job" 2>/dev/null; do victim=$(ranks_with "$WORK/big" 0); done
  while ! writing && kill -0 "$job" 2>/dev/null; do :; done
  kill -9 "$victim"
  end_soon "rank 0 killed in a checkpoint" big
  ! writing || break
done
writing || fail "in $attempt attempts no checkpoint was hit while it was written"
same_at_the_end "rank 0 killed in a checkpoint" big 2 "${big[@]}"
finish
