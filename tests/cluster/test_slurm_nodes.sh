#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Lost nodes on a real Slurm: a whole node that crashes, with the job script on it; and a slurmd that dies while the script
# and a rank of the job live on. Both jobs go on elsewhere by themselves and end as if nothing had happened.
set -euo pipefail
source "$(dirname "$0")/slurm.sh"
[[ ${OIKOS_LONG:-} == 1 ]] || skip "it waits for Slurm to notice lost nodes: OIKOS_LONG=1 runs it"
bring_up
write_mlp mlp.yaml
train=(mlp.yaml --set eval.episodes=0 --set checkpoint.every=100 --set log.every=10 --set learners.count=40)
node_of() { scontrol show job -o "$1" | grep -oP '(?<= BatchHost=)\S*'; }

# The one node's job has so many steps that it trains still when Slurm notices, 10 to 30 s later.
submit "${train[@]}" --nodes 2 --out crashed --set steps=1000000000
crashed=$job
await 60 "two nodes: a checkpoint" has_checkpoint crashed
submit "${train[@]}" --nodes 1 --out slurmd --set steps=1000000000
slurmd=$job
await 60 "one node: a checkpoint" has_checkpoint slurmd

first=$(node_of "$crashed")
"$cluster" kill "$first"
kill -9 "$(<"$folder/$(node_of "$slurmd").pid")"
await 90 "back after a crash" started crashed 2
await 90 "back after a slurmd died" started slurmd 2
[[ $(node_of "$crashed") != "$first" ]] || fail "the crashed node is used again"
for job in "$crashed" "$slurmd"; do
  squeue --job "$job"
  check_equal "job $job was put back by Slurm" 1 "$(scontrol show job -o "$job" | grep -oP '(?<= Restarts=)\d*')"
done
for run in crashed slurmd; do
  from=$(last_step "$run")
  await 60 "$run: going on" reached "$run" $((from + 50))
  check_match "$run: resumed" "^resumed from .*step-" "$run"/train-*.log
done
"$cluster" down
took_down=yes
for run in crashed slurmd; do # as of the newest checkpoint: no step was lost, doubled, or another
  step=$(step_of "$(newest "$run")")
  run_ranks 1 train "${train[@]}" --set steps="$step" --out "$run.whole"
  check_equal "$run: digest" "$(digest "$(newest "$run.whole")")" "$(digest "$(newest "$run")")"
done
finish
