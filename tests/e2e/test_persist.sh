#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Ten thousand learners that keep their parameters, a hundred of them active in a step: the same bits on any number of
# ranks and after a resume, memory that falls as ranks are added, parameters that a user can read.
set -euo pipefail
source "$(dirname "$0")/common.sh"

write_mlp many.yaml
sed -i 's/learners: .*/learners: {count: 10000, per_step: 100, persist: true}/; s/dense: 20/dense: 40/g' many.yaml
always=(--set steps=8 --set log.every=4 --set eval.episodes=0 --set checkpoint.every=4)
memory() { sed -n 's/^peak memory of a rank: \([0-9]*\) MiB$/\1/p' "$log.out"; }

for ranks in 1 2 4; do
  run_ranks $ranks train many.yaml --out "many.$ranks" "${always[@]}"
  check_status "$ranks ranks" 0
  check_match "$ranks ranks" '^10000 persistent learners, 100 in a step, 5 support' "$log.out"
  check_match "$ranks ranks" '^trained on 800 episodes in ' "$log.out"
  peak[ranks]=$(memory)
done
check_same "four ranks" many.1 many.4
check_same "two ranks" many.1 many.2

# theta is 10,000 x 1,761 numbers of 4 bytes, 67 MiB: what four ranks do not hold each is three quarters of it.
((peak[1] - peak[4] > 40 && peak[1] > peak[2] && peak[2] > peak[4])) ||
  fail "peak memory of a rank does not fall with the ranks: ${peak[1]}, ${peak[2]}, ${peak[4]} MiB on 1, 2, 4"

rm "$(newest many.4)"
run_ranks 3 train many.yaml --out many.4 "${always[@]}" --resume
check_status "resumed on three ranks" 0
check_match "resumed" 'resumed from .* at step 4' "$log.out"
check_same "resumed" many.1 many.4

run inspect "$(newest many.1)"
check_match "inspect" 'learners/theta +float32 \(10000, 1761\)' "$log.out"
check_match "inspect" 'learners/visits' "$log.out"

run train many.yaml --set learners.per_step=10001
check_status "more active than there are" 2
check_match "more active than there are" 'learners\.per_step is 10001, but learners\.count is 10000' "$log.err"
run train many.yaml --set privacy.noise=1 --set aggregation.rule=clip
check_status "private and kept" 2
check_match "private and kept" 'learners\.persist writes every learner.s own parameters' "$log.err"
run train many.yaml --set inner.steps=0
check_status "nothing to keep" 2
check_match "nothing to keep" 'learners\.persist keeps .* inner\.steps is 0' "$log.err"
finish
