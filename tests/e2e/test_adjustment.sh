#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Dynamic adjustment: the priority of homes and learners' own inner rates give the same bits on 1 to 4 ranks, and after a
# resume; what they keep is in the checkpoint. Learners that always draw from one group, each group on a scale of its own:
# own rates more than halve the loss of a rate that is too small for most. Refusals name the keys.
set -euo pipefail
source "$(dirname "$0")/common.sh"

write_mlp mlp.yaml
bits=(steps=12 log.every=4 eval.episodes=0 learners.count=11 home.count=3 home.owns=last home.memory=0.5
  home.mixing=0.2 shared.mixing=0.1)
apart gradient same_and_resumed gradient mlp.yaml "${bits[@]}" home.priority=gradient home.priority_strength=0.9
apart progress same_and_resumed progress mlp.yaml "${bits[@]}" home.priority=progress learners.rollback=2
apart rates same_and_resumed rates mlp.yaml "${bits[@]}" inner.adapt_rate=true inner.rate=0.02
gather
check_match "averages" 'priority/average' <("$OIKOS" inspect "$(newest gradient.1)")
check_match "factors" 'learners/rate_factor' <("$OIKOS" inspect "$(newest rates.1)")

run_ranks 2 train mlp.yaml --out plain "${bits[@]/#/--set=}"
for what in gradient progress; do
  [[ $(digest "$(newest plain)") != "$(digest "$(newest $what.1)")" ]] || fail "priority $what changes nothing"
done

# 60 groups of rows, y a line in three features, each group's rows scaled by its own factor of 1/3 to 3.
awk 'function normal() { return sqrt(-2 * log(1 - rand())) * cos(6.283185307 * rand()) }
  BEGIN {
    srand(7)
    print "unit,a,b,c,y"
    for (g = 0; g < 60; g++) {
      s = exp(2.2 * rand() - 1.1)
      for (j = 0; j < 3; j++) w[j] = normal() + j
      for (i = 0; i < 80; i++) {
        for (j = 0; j < 3; j++) x[j] = s * normal()
        printf "g%02d,%.5f,%.5f,%.5f,%.5f\n", g, x[0], x[1], x[2], w[0]*x[0] + w[1]*x[1] + w[2]*x[2] + 0.1*s*normal()
      }
    }
  }' >scales.csv
run import csv scales.csv -o scales.h5 --group unit --target y
check_status "import" 0
cat >scales.yaml <<'YAML'
steps: 1000
task: {source: table, file: scales.h5, support: 10, query: 30, split: fraction, test_fraction: 0.25, learners: groups}
learners: {count: 45, rollback: 2}
model: {loss: mse, init: zeros, layers: [dense: 1]}
inner: {steps: 5, rate: 0.03, adapt_range: 16}
outer: {schedule: cosine}
shared: {rate: 0.01}
log: {every: 200}
checkpoint: {every: 0}
eval: {episodes: 0}
YAML
for own in false true; do
  run train scales.yaml --out "own.$own" --set inner.adapt_rate=$own
  check_status "own rates $own" 0
  tail -1 "own.$own/metrics.jsonl" | sed 's/.*"query_loss": \([0-9.e+-]*\),.*/\1/' >"own.$own.loss"
done
awk -v own="$(<own.true.loss)" -v one="$(<own.false.loss)" 'BEGIN { exit !(own > 0 && own < one / 2) }' ||
  fail "own rates: a loss of $(<own.true.loss), of one rate for all $(<own.false.loss)"

run train mlp.yaml --out no --set inner.adapt_rate=true --set inner.steps=0
check_status "own rates without steps" 2
check_match "own rates without steps" 'inner\.adapt_rate.*inner\.steps' "$log.err"
run train mlp.yaml --out no --set inner.adapt_rate=true --set inner.adapt_range=0.5
check_status "an empty range" 2
check_match "an empty range" 'inner\.adapt_range is 0\.5' "$log.err"
run train mlp.yaml --out no --set home.priority=gradient
check_status "priority of one home" 2
check_match "priority of one home" 'home\.priority.*home\.count is 1' "$log.err"
run train mlp.yaml --out no --set home.priority=gradient --set home.count=3 --set home.owns=last \
  --set aggregation.rule=median
check_status "priority and median" 2
check_match "priority and median" 'home\.priority.*aggregation\.rule' "$log.err"
finish
