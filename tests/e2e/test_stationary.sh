#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Learners with one hidden mode for life find the home of their mode without a label, and those whose mode changes move
# to the home of the new one within a stated number of steps: configs/stationary.yaml, shortened to two modes. A run
# that is resumed before and after the move has the same census and the same metrics.
set -euo pipefail
source "$(dirname "$0")/common.sh"

moved=600 most=200 # the steps that a move may take
short=(train "$SOURCE/configs/stationary.yaml" --set 'task.modes=[sinusoid, linear]' --set learners.count=40
  --set home.count=2 --set home.rate=0.001 --set task.move_at=$moved --set task.move_share=0.25
  --set log.every=50 --set eval.episodes=0)

# index_of RUN STEP: the adjusted Rand index in metrics.jsonl.
index_of() { sed -n "s/^{\"step\": $2,.*\"rand\": \([^,]*\),.*/\1/p" "$1/metrics.jsonl"; }
check_index() {
  awk -v x="$(index_of "$2" "$3")" 'BEGIN {exit !(x != "" && x > 0.98)}' ||
    fail "$1: the Rand index at step $3 is $(index_of "$2" "$3"), expected more than 0.98"
}

run "${short[@]}" --out whole --set steps=1000
check_status "trained" 0
check_index "before the move" whole $moved
check_index "after the move" whole $((moved + most))
check_index "at the end" whole 1000
check_match "table" '^ +sinusoid +linear$' "$log.out"
check_match "table" '^  home [01] +(20 +0|0 +20)$' "$log.out"
check_match "progress" 'homes [0-9/]+%  confidence [0-9.]+  moved [0-9]+%  Rand index [0-9.]+ ' "$log.out"
check_match "index" '^  homes and groups: adjusted Rand index 1\.000 ' "$log.out"
line='^  10 learners changed groups at step 600; 10 of them live at the home of the new one, since ([0-9.]+) steps later on average, ([0-9]+) at most$'
if [[ $(grep 'learners changed groups' "$log.out") =~ $line ]]; then
  ((BASH_REMATCH[2] > 0 && BASH_REMATCH[2] <= most)) ||
    fail "the slowest move took ${BASH_REMATCH[2]} steps, expected 1 to $most"
else
  fail "no line about those who moved matches /$line/"
fi
grep -A4 '^training learners by home' "$log.out" >whole.census

run_ranks 2 "${short[@]}" --out parts --set steps=590
run_ranks 3 "${short[@]}" --out parts --set steps=640 --resume
run_ranks 1 "${short[@]}" --out parts --set steps=1000 --resume
check_status "resumed" 0
check_same "resumed" whole parts
diff whole.census <(grep -A4 '^training learners by home' "$log.out") || fail "resumed: another census"

# Without the option there is no census: no line, no column.
write_mlp free.yaml
run train free.yaml --out free --set steps=5 --set log.every=5 --set eval.episodes=0
check_status "free learners" 0
! grep -q '"rand"' free/metrics.jsonl || fail "an index of learners that are of no group"
! grep -q 'by home and group' "$log.out" || fail "a census of learners that are of no group"
finish
