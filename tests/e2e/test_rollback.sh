#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Learners whose inner steps blow up: training ends without learners.rollback, and goes on with it. The same bits on 1 to
# 4 ranks, and after a resume. Patience ends training with a learner's name. Refusals name the keys.
set -euo pipefail
source "$(dirname "$0")/common.sh"

cat >wild.yaml <<'YAML'
task: {modes: [sinusoid, quadratic], support: 5, query: 5, noise: 0.3}
learners: {count: 11}
model: {init: glorot, layers: [dense: 40, relu, dense: 40, relu, dense: 1]}
inner: {steps: 5, rate: 0.02}
outer: {clip: 10}
checkpoint: {every: 0}
log: {every: 100}
YAML

run train wild.yaml --out without --set steps=300 --set inner.rate=0.1 --set eval.episodes=0
check_status "without rollback" 1
check_match "without rollback" 'step [0-9]+: the loss or gradient of learner [0-9]+ is not finite' "$log.err"
run train wild.yaml --out with --set steps=300 --set inner.rate=0.1 --set learners.rollback=5
check_status "with rollback" 0
check_match "learners left out" '"left_out": [0-9.]*[1-9]' with/metrics.jsonl
check_equal "with rollback: records in which those who were not left out gained by their inner steps" 3 \
  "$(awk -F'[:,]' '$6 + 0 > $8 + 0' with/metrics.jsonl | wc -l)" # support_loss before, query_loss after them
check_match "with rollback" '^ +1 +[0-9.]+ +\+-' "$log.out" # unseen tasks, which nothing protects from five

bits=(steps=12 log.every=4 eval.episodes=0 learners.rollback=2 home.count=2 home.owns=last home.memory=0.5
  home.mixing=0.2)
apart mean same_and_resumed mean wild.yaml "${bits[@]}" learners.patience=13 attack.kind=nan
apart median same_and_resumed median wild.yaml "${bits[@]}" aggregation.rule=median
gather
check_match "streaks in the checkpoint" 'learners/left_out' <("$OIKOS" inspect "$(newest mean.1)")

# The streak goes on over a resume: 4 steps, then the fifth ends it.
patient=(--set learners.rollback=2 --set learners.patience=5 --set attack.kind=nan --set eval.episodes=0)
run_ranks 2 train wild.yaml --out patient "${patient[@]}" --set steps=4
check_status "4 steps within patience" 0
run_ranks 3 train wild.yaml --out patient --resume "${patient[@]}" --set steps=20
check_status "patience" 1
check_match "patience" 'step 4: learner 9 has diverged in 5 steps in a row' "$log.err"

run train wild.yaml --out no --set learners.rollback=0.5
check_status "rollback below 1" 2
check_match "rollback below 1" 'learners\.rollback is 0\.5' "$log.err"
run train wild.yaml --out no --set learners.patience=5
check_status "patience without rollback" 2
check_match "patience without rollback" 'learners\.patience is 5.*learners\.rollback' "$log.err"
finish
