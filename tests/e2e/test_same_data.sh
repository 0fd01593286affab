#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A data file knows itself, and a checkpoint its data file: what resuming, evaluating and recommending say of another one,
# and what `oikos inspect` says of a file's use.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# table NAME HEADER FACTOR: six groups of eight rows.
table() {
  awk -v header="$2" -v factor="$3" 'BEGIN {
    print header
    for (g = 0; g < 6; g++)
      for (i = 0; i < 8; i++)
        printf "%s,%g,%g,%g\n", "g" g, i / 4 - 1, (i * 5 % 8) / 4 - 1, factor * (g - 3) * i
  }' >"$1.csv"
  "$OIKOS" import csv "$1.csv" --group g --target y -o "$1.h5" >/dev/null
}
table first g,a,b,y 1
table swapped g,b,a,y 1   # the same columns, in another order
table numbers g,a,b,y 1.5 # the same names
sed 's/^g5/other/' first.csv >groups.csv
"$OIKOS" import csv groups.csv --group g --target y -o groups.h5 >/dev/null
cat >table.yaml <<'EOF'
steps: 4
task: {source: table, file: first.h5, split: fraction, test_fraction: 0.34, support: 3, query: 3}
learners: {count: 3}
model: {layers: [dense: 4, tanh, dense: 1]}
checkpoint: {every: 2}
log: {every: 2}
eval: {episodes: 4}
EOF
run train table.yaml --out run
check_status "training" 0

# other FILE REGEX: refused on resume, on two ranks too, and nothing is changed.
other() {
  local ranks before
  before=$(digest run)
  for ranks in 1 2; do
    run_ranks "$ranks" train table.yaml --out run --resume --set steps=6 --set task.file="$1"
    check_status "resumed with $1" 2
    check_match "resumed with $1" "was trained on another file than task\.file, $1, is now: .*$2" "$log.err"
  done
  check_equal "digest after $1" "$before" "$(digest run)"
}
other swapped.h5 'inputs'
other groups.h5 'names of groups'
other numbers.h5 'other numbers'
run eval run --set task.file=swapped.h5
check_status "evaluated with columns swapped" 2
check_match "evaluated with columns swapped" 'other inputs .*give the file that it was trained on' "$log.err"
run eval run --set task.file=numbers.h5
check_status "evaluated with other numbers" 0
check_match "evaluated with other numbers" 'numbers\.h5 is another file than .* was trained on: it has other numbers' <(cat "$log.out" "$log.err")
cp first.h5 moved.h5
run train table.yaml --out run --resume --set steps=6 --set task.file=moved.h5 --set log.every=3
check_status "resumed with a copy, and another log.every" 0
check_equal "steps recorded" "2 4 6" "$(grep -o '"step": [0-9]*' run/metrics.jsonl | cut -d' ' -f2 | xargs)"

# A recommender's rows are of its users and items.
"$OIKOS" import ratings-demo -o ratings.h5 --users 40 --items 30 --seed 1 >/dev/null
"$OIKOS" import ratings-demo -o fewer.h5 --users 39 --items 30 --seed 1 >/dev/null
run train "$SOURCE/configs/recommender_coldstart.yaml" --out rated --set task.file=ratings.h5 --set steps=2 --set eval.episodes=2
check_status "training on ratings" 0
run recommend rated --user 7 --set task.file=fewer.h5
check_status "recommended from other ratings" 2
check_match "recommended from other ratings" 'trained on another file .*users and items' "$log.err"

# What inspect says.
run inspect first.h5
check_status "inspect" 0
check_match "inspect" '^usable: yes, with task\.source: table' "$log.out"
check_match "inspect" '^digest: [0-9a-f]{32}$' "$log.out"
size=$(stat -c %s first.h5)
for place in 3 40 511 600 $((size / 2)) $((size - 1)); do
  cp first.h5 flipped.h5
  flip flipped.h5 "$place"
  for ranks in 1 2; do
    run_ranks "$ranks" train table.yaml --out x --set task.file=flipped.h5
    check_status "byte $place flipped" 1
    check_match "byte $place flipped" 'flipped\.h5: .*damaged' "$log.err"
  done
  run inspect flipped.h5
  check_status "inspect, byte $place flipped" 1
  check_match "inspect, byte $place flipped" 'flipped\.h5: .*damaged' "$log.err"
  [[ ! -s $log.out ]] || fail "byte $place flipped: inspect printed something of it"
done
finish
