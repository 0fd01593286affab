#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A recommender from its ratings to what it recommends: training with the same bits on any number of ranks, evaluation of
# both tasks side by side, recommendations for the known, for somebody new and for all, and clear messages for the rest.
set -euo pipefail
source "$(dirname "$0")/common.sh"

run import ratings-demo --users 300 --items 120 --seed 2 -o ratings.h5
check_status import 0
cat >cold.yaml <<'YAML'
steps: 12
task: {source: ratings, file: ratings.h5, split: fraction, self_row: false, support: 8, support_least: 1, query: 5}
learners: {count: 10}
model: {init: glorot, layers: [embedding: 8, dense: 16, relu, dense: 1]}
inner: {steps: 3, rate: 0.05, learned_rates: step_layer}
shared: {rate: 0.005}
log: {every: 4}
eval: {episodes: 100000}
YAML
same_and_resumed cold cold.yaml
same_and_resumed warm cold.yaml task.split=last task.self_row=true model.loss=cross_entropy inner.steps=0 \
  'model.layers=[{embedding: 4}, {outer_product: {width: 4, keep: 1}}, {dense: 5}]'
for ranks in 1 3; do
  run_ranks $ranks train cold.yaml --out residual.$ranks --set task.residual=true
  check_status "residual on $ranks ranks" 0
done
check_same "residual on 3 ranks" residual.1 residual.3

# 600 steps find more than biases do.
run train cold.yaml --out run --set steps=600 --set log.every=100
check_status train 0
check_match "both tasks side by side" '^ +items for a user +users for an item' "$log.out"
check_match "of both" '^  accuracy, 3 inner steps +0\.[0-9]+ \+- 0\.[0-9]+ +0\.[0-9]+ \+-' "$log.out"
check_match "better than biases" '^  better than biases by +[0-9]+\.[0-9] % \+-' "$log.out"
check_match "what is next" '^next: .* recommend run --user ID$' "$log.out"
check_match "known learners" '^  learners / judged ratings +75 / [0-9]+ +30 / [0-9]+' "$log.out"
run eval run --set eval.support=2 --set eval.query=5
check_status "eval of other sizes" 0
check_match "the same learners" '^  learners / judged ratings +75 / 375 +30 / ' "$log.out"

run recommend run --user 7 --top 4
check_status "recommend --user" 0
check_match "whose" '^items for user 7 \([0-9]+ ratings\)$' "$log.out"
check_equal "lines" 5 "$(wc -l <"$log.out")"
check_match "one of them" '^    4  +[0-9]\.[0-9]{2}  [0-9]+' "$log.out"
run recommend run --user 7 --top 1000000000
check_status "more than there are" 0
run recommend run --item 3 --json
check_status "recommend --item" 0
check_match json '^\{"item": "3", "ratings": [0-9]+, "recommended": \[\{"user": "[0-9]+", "expected": [0-9.]+\}, ' "$log.out"

printf 'item,rating\n5,5\n9,1\n11,4\n' >mine.csv
run recommend run --ratings mine.csv --top 120
check_status "recommend --ratings" 0
check_match "somebody new" '^items for user \(new\) \(3 ratings\)$' "$log.out"
grep -Eq '^ +[0-9]+ +[0-9.-]+ +(5|9|11) *$' "$log.out" && fail "what was rated is recommended"
(($(wc -l <"$log.out") > 80)) || fail "few items are known"

# What is learned beyond biases is added to them: ratings again, whose mean is about that of all, and none far out of range.
run recommend residual.1 --ratings mine.csv --top 120
check_status "recommend, residual" 0
awk 'NR > 1 { n++; sum += $2; bad += $2 < 0.5 || $2 > 5.5 } END { exit !(n > 80 && !bad && sum / n > 2.5 && sum / n < 4.5) }' "$log.out" ||
  fail "no ratings with task.residual: $(head -5 "$log.out")"
run eval residual.1
check_status "eval, residual" 0
check_match "better than biases from the first steps on" '^  better than biases by +[0-9]+\.[0-9] % \+- [0-9.]+ +[0-9]+\.[0-9] %' "$log.out"

# Everybody, on one rank and on three, with one thread and with two.
run recommend run --all users --json
check_status "recommend --all" 0
cp "$log.out" all.json
check_equal "everybody" 300 "$(wc -l <all.json)"
check_match "in order" '^\{"user": "300"' <(tail -1 all.json)
OMP_NUM_THREADS=2 run_ranks 3 recommend run --all users --json
check_status "recommend --all on 3 ranks" 0
cmp all.json "$log.out" || fail "other recommendations on 3 ranks"

# bad STATUS REGEX ARGS...
bad() {
  run "${@:3}"
  check_status "${*:3}" "$1"
  check_match "${*:3}" "$2" "$log.err"
}
printf 'item,rating\n5,5\n999,1\n' >unknown.csv
printf 'item,rating\n5,5\n5,1\n' >twice.csv
printf 'item,rating\n5,much\n' >words.csv
printf 'item,rating\n' >empty.csv
printf 'film,stars\n5,5\n' >names.csv
bad 2 'no user is called 3000 in the ratings file; near: .*300' recommend run --user 3000
bad 2 'unknown\.csv:3: no item is called 999 in the ratings file' recommend run --ratings unknown.csv
bad 2 'twice\.csv:3: item 5 has been rated before' recommend run --ratings twice.csv
bad 1 'words\.csv:2: column rating: expected a finite number' recommend run --ratings words.csv
printf 'item,rating\n5,1e39\n' >large.csv
bad 2 'large\.csv:2: column rating: expected a rating within those of the file, 1 to 5, found 1e\+39' recommend run --ratings large.csv
bad 2 'empty\.csv: no rating in it' recommend run --ratings empty.csv
bad 2 'names\.csv: expected a header with the columns item and rating' recommend run --ratings names.csv
bad 2 'give one of --user, --item, --ratings and --all' recommend run
bad 2 'give one of' recommend run --user 1 --item 2
# Ratings are of the scale of the file: whole ones from 1 to 5, of classes these alone.
run train cold.yaml --out classes --set task.split=last --set task.self_row=true --set model.loss=cross_entropy --set inner.steps=0 \
  --set 'model.layers=[{embedding: 4}, {outer_product: {width: 4, keep: 1}}, {dense: 5}]' --set steps=2 --set eval.episodes=2
check_status "train classes" 0
for value in 7 -3 1000 1e39; do
  printf 'item,rating\n5,5\n9,%s\n' $value >off.csv
  bad 2 'off\.csv:3: column rating: expected a rating within those of the file, 1 to 5, found' recommend run --ratings off.csv
  bad 2 'off\.csv:3: column rating: expected one of the ratings that the file has, 1, 2, 3, 4, 5, found' recommend classes --ratings off.csv
done
printf 'item,rating\n5,4.5\n' >half.csv
bad 2 'half\.csv:2: .* 1, 2, 3, 4, 5, found 4\.5' recommend classes --ratings half.csv
run recommend run --ratings half.csv --top 1
check_status "a half between whole ones" 0

# A title that two items have is no name for either.
awk 'BEGIN { print "u,i,r"; for (u = 0; u < 12; u++) for (i = 0; i < 12; i++) if ((u + i) % 3) print u "," i "," (u * i) % 5 + 1 }' >twins.csv
awk 'BEGIN { print "i,name"; for (i = 0; i < 12; i++) print i "," (i < 3 ? "Hamlet" : "Play " i) }' >plays.csv
run import csv twins.csv --user u --item i --rating r --item-table plays.csv --title name -o twins.h5
check_status "import of twins" 0
run train cold.yaml --out twins --set task.file=twins.h5 --set task.support=2 --set task.query=2 --set steps=2 --set eval.episodes=2
check_status "train twins" 0
printf 'item,rating\nPlay 5,5\nHamlet,4\n' >titles.csv
bad 2 '3 items are called Hamlet in the ratings file; give the id of one: 0, 1, 2' recommend twins --item Hamlet
bad 2 'titles\.csv:3: 3 items are called Hamlet' recommend twins --ratings titles.csv
run recommend twins --item 'Play 5'
check_status "a title of one" 0
write_mlp mlp.yaml
run train mlp.yaml --out other --set steps=2 --set eval.episodes=2
bad 2 'was not trained on ratings' recommend other --user 1
bad 2 'task\.residual is true.*set model\.loss to mse' train cold.yaml --out x --set task.residual=true \
  --set model.loss=cross_entropy
bad 2 'task\.self_row' train cold.yaml --out x --set task.self_row=true
finish
