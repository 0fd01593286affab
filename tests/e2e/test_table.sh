#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A table as tasks, from its text to the errors in the target's unit: import and what it refuses, inspect, training with
# the same bits on any number of ranks, resuming, evaluation. With ../shared/data/parkinsons beside the source: real data.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# 24 groups of 20 rows, shuffled: y = offset + slope * x, of its own in each group, in thousands; `noise` tells nothing.
awk 'BEGIN {
  print "who#,x,noise,comment,y"
  for (i = 0; i < 20; i++)
    for (g = 0; g < 24; g++) {
      x = (i * 7 + g * 3) % 20 / 10 - 1
      printf "\"group, %d\",%.3e,%d,free text,%.2f\r\n", g, x, (i * 13 + g * 5) % 11, 1000 * (g % 5 - 2 + (g % 7 - 3) * x)
    }
}' >table.csv
gzip -k table.csv
columns=(--group 'who#' --target y --exclude comment)
run import csv table.csv -o table.h5 "${columns[@]}"
check_status import 0
check_match import '^480 rows in 24 groups, 2 features, 1 targets; 0 bad rows met' "$log.out"
run import csv table.csv.gz -o packed.h5 "${columns[@]}"
check_status "import of a gzip file" 0
run import csv table.csv -o again.h5 --group 'who#' --target y --features x,noise
check_status "import with --features" 0
cmp table.h5 again.h5 || fail "the same columns give another file"
run inspect table.h5
check_status inspect 0
for regex in '^format: oikos table' '^group_column: who#' '^source: csv from table\.csv' \
  '^  /features +float32 \(480, 2\)' '^  /targets +float32 \(480, 1\)' '^  /group_first +int64 \(25\)'; do
  check_match inspect "$regex" "$log.out"
done
if /usr/bin/python3 -c 'import h5py' 2>/dev/null; then
  /usr/bin/python3 - <<'PYTHON' || fail "h5py reads something else"
import h5py
a, b = h5py.File("table.h5"), h5py.File("packed.h5")
assert (a["features"][:] == b["features"][:]).all() and (a["targets"][:] == b["targets"][:]).all()
assert a["group_name"].asstr()[3] == "group, 3" and list(a["feature_name"].asstr()) == ["x", "noise"]
assert list(a["group_first"]) == list(range(0, 481, 20)) and a["group"][45] == 2
assert abs(a["targets"][20, 0] - 1000 * (1 - 2 + (1 - 3) * a["features"][20, 0])) < 0.01
PYTHON
else
  echo "not tried: reading by h5py (python3-h5py is not installed)"
fi

# bad STATUS REGEX ARGS...: refused, and nothing is written.
bad() {
  run "${@:3}"
  check_status "${*:3}" "$1"
  check_match "${*:3}" "$2" "$log.err"
  [[ ! -e x.h5 ]] || fail "${*:3}: left x.h5"
}
printf 'g,x,y\na,1,2\na,oops,3\n' >number.csv
printf 'g,x,y\na,1,2\na,1\n' >ragged.csv
printf 'g,x,y\na,1,2\n"a,1,3\n' >quote.csv
head -c 200 table.csv.gz >cut.csv.gz
bad 1 'number\.csv:3: column x: expected a finite number, found .oops.' import csv number.csv -o x.h5 --group g --target y
bad 1 'ragged\.csv:3: expected 3 fields as in the header, found 2' import csv ragged.csv -o x.h5 --group g --target y
bad 1 'quote\.csv:3: a quote is opened in this row and never closed' import csv quote.csv -o x.h5 --group g --target y
bad 1 'cut\.csv\.gz.*(cut short|damaged|truncated)' import csv cut.csv.gz -o x.h5 "${columns[@]}"
bad 2 "table\.csv: --group: there is no column 'who' in the header" import csv table.csv -o x.h5 --group who --target y
bad 2 'csv wants --group COLUMN and --target' import csv table.csv -o x.h5
bad 2 'csv wants one table, found 2' import csv table.csv number.csv -o x.h5 "${columns[@]}"
run import csv number.csv -o skipped.h5 --group g --target y --skip-bad
check_status "import --skip-bad" 0
check_match "import --skip-bad" 'number\.csv:3: column x: expected a finite number' "$log.out"
check_match "import --skip-bad" '^1 rows in 1 groups, .*; 1 bad rows left out' "$log.out"

cat >table.yaml <<YAML
steps: 600
task: {source: table, file: $WORK/table.h5, support: 5, query: 15, split: fraction, test_fraction: 0.25}
learners: {count: 9}
model:
  init: zeros
  layers: [dense: 1]
inner: {steps: 3, rate: 0.1, learned_rates: parameter}
outer: {clip: 10}
shared: {rate: 0.01}
log: {every: 100}
eval: {episodes: 60}
YAML
bad 2 'set task\.split to fraction or list' train table.yaml --out x --set task.split=file
bad 2 'no training group has more than task\.support 20 rows' train table.yaml --out x --set task.support=20
bad 2 'task\.source is table but task\.file is not set' train table.yaml --out x --set task.file=
bad 2 'model\.loss does not fit task\.source' train table.yaml --out x --set model.loss=cross_entropy
bad 1 'number\.csv: it is not a readable HDF5 file' train table.yaml --out x --set "task.file=$WORK/number.csv"
bad 2 'task\.learners does nothing here: it is used with task\.source functions or table or ratings' train table.yaml --out x --set task.source=images --set task.learners=groups
printf 'group, 1\nnobody\n' >names.list
bad 2 'names\.list:2: no group of that name in the table file: nobody' train table.yaml --out x --set task.split=list \
  --set "task.train_list=names.list"

# error_of FILE: the error after the last step, in the target's unit.
error_of() { awk '/^root mean square/ {on = 1} on && /^ +[0-9]+ .*\+-/ {e = $2} END {print e}' "$1"; }
run train table.yaml --out run1
check_status train 0
check_match train "^root mean square error in the target's unit: of a group over all its judged rows; mean and 95 % interval over 6 groups" "$log.out"
check_match train "^95 % intervals \(Student's t\) are over 6 groups$" "$log.out"
check_match train '^  inner steps   y ' "$log.out"
learnt=$(error_of "$log.out")
# the deviation within a group is 1,000 * |slope| * 0.58, the mean of |slope| is 1.7: without learning it stays over 900
awk -v e="$learnt" 'BEGIN {exit !(e > 0 && e < 500)}' || fail "the error after training is $learnt, expected below 500"
for ranks in 2 3 4; do
  run_ranks $ranks train table.yaml --out run$ranks
  check_status "train on $ranks ranks" 0
  check_same "$ranks ranks" run1 run$ranks
  check_equal "error on $ranks ranks" "$learnt" "$(error_of "$log.out")"
done
run train table.yaml --out half --set steps=250 --set checkpoint.every=250 --set eval.episodes=0
run_ranks 2 train table.yaml --out half --resume
check_status resume 0
check_same "resumed at 250" run1 half
run train table.yaml --out bound --set task.learners=groups --set steps=20
check_status "learners bound to groups" 0

# Intervals by hand, from what each of three held-out groups has by itself, over many more episodes than groups.
for g in 1 2 3; do echo "group, $g"; done >test.list
for g in {4..23}; do echo "group, $g"; done >train.list
lists=(--set task.split=list --set task.train_list=train.list)
# numbers_of LIST QUERIES: mean and interval of loss and error after the inner steps of a start that is not trained, from
# 4,000 episodes a group.
numbers_of() {
  rm -rf untrained
  run train table.yaml --out untrained --set steps=0 --set eval.episodes="$(($(wc -l <"$1") * 4000))" "${lists[@]}" \
    --set task.test_list="$1" --set task.query="$2"
  check_status "train, held out $1" 0
  awk '/^root/ {on = 1} on && $1 == 3 {e = $2 " " $4} !on && $1 == 3 {l = $2 " " $4} END {print l, e}' "$log.out"
}
: >alone
for g in 1 2 3; do
  echo "group, $g" >one.list
  numbers_of one.list 15 >>alone
  check_match "one group" "^95 % intervals .* are over 1 groups: one alone has none" "$log.out"
  check_match "one group" '^ +3 +[0-9.]+ \(no interval\)' "$log.out"
done
numbers_of test.list 15 >all
numbers_of test.list 2 >few # the error is no matter of how many rows an episode is judged on
awk 'function near(a, b, by) {return a - b < by * b && b - a < by * b}
  FILENAME == "alone" {for (j = 1; j <= 2; j++) {x = $(j == 1 ? 1 : 3); s[j] += x; q[j] += x * x}}
  FILENAME != "alone" {
    for (j = 1; j <= 2; j++) {
      mean = s[j] / 3; half = 4.302653 * sqrt((q[j] - 3 * mean * mean) / 2 / 3)
      if (!near($(2 * j - 1), mean, 0.01) || !near($(2 * j), half, 0.02)) {
        print FILENAME ", column", j ": expected", mean, "+-", half, "found", $(2 * j - 1), "+-", $(2 * j); bad = 1
      }
    }
  }
  END {exit bad}' alone all few || fail "intervals are not those over the groups"

# One group of few rows does not stop the others.
{
  cat table.csv
  printf '"small",%d,0,x,%d\r\n' 1 7 2 7 3 8 4 8 5 8 6 9 7 9
  printf '"tiny",1,0,x,7\r\n'
} >small.csv
run import csv small.csv -o small.h5 "${columns[@]}"
check_status "import with small groups" 0
run train table.yaml --out small --set "task.file=$WORK/small.h5" --set steps=5
check_status "train with small groups" 0
check_match "train with small groups" 'small\.h5: 1 of 26 groups are left out: they have no more than task\.support 5 rows; 1 groups are judged on fewer than task\.query 15' "$log.out"
run_ranks 2 train table.yaml --out small2 --set "task.file=$WORK/small.h5" --set steps=5
check_status "train with small groups on 2 ranks" 0
check_same "small groups on 2 ranks" small small2

# Parkinson's telemonitoring: motor UPDRS of patients never seen, from ten measurements of each.
real=$SOURCE/../shared/data/parkinsons/parkinsons_updrs.data
if [[ -e $real ]]; then
  run import csv "$real" -o parkinsons.h5 --group 'subject#' --target motor_UPDRS,total_UPDRS --exclude age,sex
  check_match parkinsons '^5875 rows in 42 groups, 17 features, 2 targets; 0 bad rows met' "$log.out"
  LIMIT=120 run train "$SOURCE/configs/parkinsons.yaml" --out real --set task.file=parkinsons.h5 --set steps=1000
  check_status parkinsons 0
  error=$(error_of "$log.out")
  # the mean of the support rows: 2.2; ridge regression on them, with the best penalty: 1.4
  awk -v e="$error" 'BEGIN {exit !(e > 0 && e < 2)}' || fail "parkinsons: the error is $error, expected below 2"
else
  echo "not tried: real data ($real is not here)"
fi
finish
