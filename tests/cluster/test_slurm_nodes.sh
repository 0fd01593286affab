#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Lost nodes on a real Slurm: a whole node that crashes, with the job script on it; and a slurmd that dies while the script
# and a rank of the job live on. Both jobs go on by themselves, the first on fewer nodes, and end as if nothing had happened.
set -euo pipefail
source "$(dirname "$0")/slurm.sh"
[[ ${OIKOS_LONG:-} == 1 ]] || skip "it waits for Slurm to notice lost nodes: OIKOS_LONG=1 runs it"
bring_up
write_mlp mlp.yaml
train=(mlp.yaml --set eval.episodes=0 --set checkpoint.every=100 --set log.every=10 --set learners.count=40)
node_of() { scontrol show job -o "$1" | grep -oP '(?<= BatchHost=)\S*'; }

# These jobs have so many steps that they train still when Slurm notices, 10 to 30 s later.
goes_on() { # RUN
  local from
  await 90 "$1: back" started "$1" 2
  from=$(last_step "$1")
  await 60 "$1: going on" reached "$1" $((from + 50))
  check_match "$1: resumed" "^resumed from .*step-" "$1"/train-*.log
}
put_back() { check_equal "$1: put back by Slurm" 1 "$(scontrol show job -o "$2" | grep -oP '(?<= Restarts=)\d*')"; } # RUN JOB

no_ranks() { [[ -z $(ranks_with "--out $1 ") ]]; }
no_nodes_lost() { [[ $(sinfo -h -t idle -o %D) == 4 ]]; }

# crash RUN: of a job on four nodes, that of the script or another one.
crash() {
  local node
  submit "${train[@]}" --nodes 3-4 --out "$1" --set steps=1000000000
  await 60 "$1: a checkpoint" has_checkpoint "$1"
  node=$(node_of "$job")
  [[ $1 == with_script ]] || node=$(scontrol show hostnames "n[1-4]" | grep -vx "$node" | tail -n 1)
  "$cluster" kill "$node"
  await 15 "$1: the ranks end" no_ranks "$1"
  [[ $1 == with_script ]] ||
    check_match "$1: who is lost" '^oikos: rank [0-3] on .* is gone, and nobody ended the job; continue with --resume' "$1"/train-*.log
  goes_on "$1"
  [[ $1 != with_script ]] || put_back "$1" "$job"
  check_equal "$1: ranks before and after" "4 3" \
    "$(sed -n 's/.* start from step .* on //p' "$1/attempts" | head -2 | awk '{ print NF }' | xargs)"
  scancel "$job"
  await 60 "$1: the end" ended "$job"
  "$cluster" start "$node"
  await 60 "$1: four nodes again" no_nodes_lost
}
crash without_script
crash with_script

submit "${train[@]}" --nodes 1 --out slurmd --set steps=1000000000
slurmd=$job
await 60 "one node: a checkpoint" has_checkpoint slurmd
kill -9 "$(<"$folder/$(node_of "$slurmd").pid")"
goes_on slurmd
put_back slurmd "$slurmd"
"$cluster" down
took_down=yes
for run in with_script without_script slurmd; do # as of the newest checkpoint: no step was lost, doubled, or another
  step=$(step_of "$(newest "$run")")
  run_ranks 1 train "${train[@]}" --set steps="$step" --out "$run.whole"
  check_equal "$run: digest" "$(digest "$(newest "$run.whole")")" "$(digest "$(newest "$run")")"
done
finish
