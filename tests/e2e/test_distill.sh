#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A trained network is distilled into a smaller one, which is a run like any other: the comparison at the end, eval, a
# stopped one resumed on other numbers of ranks without the teacher's files. And what cannot teach is refused.
set -euo pipefail
source "$(dirname "$0")/common.sh"

write_mlp mlp.yaml
cat >small.yaml <<'YAML'
model:
  layers: [dense: 6, relu, dense: 1]
YAML
few=(--set eval.episodes=50 --set log.every=5 --set checkpoint.every=0)

run train mlp.yaml --out teacher --set steps=20 "${few[@]}"
check_status "teacher" 0
cp -r teacher kept

# The student's configuration is the teacher's with its own network; teacher and student are printed side by side.
run distill teacher --model small.yaml --out student --steps 20 --set distill.weight=0.7
check_status "distill" 0
check_equal "distill: on stderr" "" "$(<"$log.err")"
check_match "distill: teacher" "^  teacher +481 +2 +[0-9.]+ \+- [0-9.]+ +[0-9.]+\$" "$log.out"
check_match "distill: student" "^  student +19 +2 +[0-9.]+ \+- [0-9.]+ +[0-9.]+\$" "$log.out"
check_match "config.yaml" "^  teacher: model\$" student/config.yaml
check_match "config.yaml" "^  weight: 0.7\$" student/config.yaml
check_match "config.yaml" "^  modes: \[sinusoid, linear, quadratic\]\$" student/config.yaml
cmp student/teacher.h5 "$(newest teacher)" || fail "teacher.h5 is not the teacher"
loss=$(awk '$1 == "student" {print $4}' "$log.out")
teacher_loss=$(awk '$1 == "teacher" {print $4}' "$log.out")
run eval teacher
check_match "the teacher's loss is that of oikos eval" "^ +2 +$teacher_loss " "$log.out"

# The run needs the teacher no more: it is moved, evaluated, and trained on.
rm -r teacher
mv student moved
run eval moved
check_status "eval" 0
check_match "the student's loss is that of oikos eval" "^ +2 +$loss " "$log.out"
run_ranks 3 train moved/config.yaml --out moved --resume --set steps=33
check_status "resumed on 3 ranks" 0
check_match "resumed: the comparison" "^  teacher +481 " "$log.out"
run_ranks 2 distill "$(newest kept)" --model small.yaml --out whole --steps 33 --set distill.weight=0.7
check_status "in one go on 2 ranks" 0
check_same "stopped and moved between" whole moved

# It was the teacher that made the difference.
run train mlp.yaml --out alone "${few[@]}" --set steps=33 --set 'model.layers=[dense: 6, relu, dense: 1]'
check_status "alone" 0
[[ $(digest "$(newest alone)") != $(digest "$(newest whole)") ]] || fail "distillation changed nothing"

# A student teaches too; classification has accuracies.
write_images images.h5
write_conv conv.yaml
printf 'model: {layers: [conv2d: {filters: 2, kernel: 3}, relu, flatten, dense: 3]}\n' >tiny.yaml
run train conv.yaml --out big "${few[@]}" --set steps=6
check_status "conv teacher" 0
run_ranks 2 distill big --model tiny.yaml --out tiny --steps 6
check_status "conv" 0
check_match "conv: the comparison" "accuracy, 95 % interval +ms a task" "$log.out"
check_match "conv: student" "^  student +[0-9]+ +2 .* 0\.[0-9]+ \+- 0\.[0-9]+ +[0-9.]+\$" "$log.out"
run distill tiny --model tiny.yaml --out tinier --steps 3 --set distill.in=both
check_status "a student's student" 0

# oikos gradcheck covers the term.
run gradcheck conv.yaml --set distill.weight=0.5 --set distill.teacher=peers --set distill.in=both
check_status "gradcheck" 0
run gradcheck tiny/config.yaml
check_status "gradcheck, model" 2
check_match "gradcheck, model" "--set distill.teacher=peers" "$log.err"
run gradcheck tiny/config.yaml --set distill.teacher=peers
check_status "gradcheck, model's term" 0

# bad WHAT STATUS REGEX ARGS...
bad() {
  local what=$1 expected=$2 regex=$3
  shift 3
  for ranks in 1 3; do
    rm -rf new
    run_ranks $ranks "$@"
    check_status "$what" "$expected"
    check_match "$what" "^oikos.*$regex" "$log.err"
    [[ ! -e new/checkpoints ]] || fail "$what: a run is left"
  done
}
bad "no --model" 2 "--model SMALL.yaml" distill kept --out new
bad "no --out" 2 "--out DIR is missing" distill kept --model small.yaml
bad "no teacher" 2 "RUN or CHECKPOINT of the teacher is missing" distill --model small.yaml --out new
bad "no such run" 2 "nowhere: no such run" distill nowhere --model small.yaml --out new
mkdir empty
bad "no checkpoint" 2 "empty holds no checkpoint" distill empty --model small.yaml --out new
bad "weight 0" 2 "distill.weight is 0" distill kept --model small.yaml --out new --set distill.weight=0
printf 'model: {layers: [dense: 6, relu, dense: 2]}\n' >wide.yaml
bad "other outputs" 2 "the task wants 1" distill kept --model wide.yaml --out new
printf 'task: {modes: [tanh]}\nmodel: {layers: [dense: 1]}\n' >other.yaml
bad "another task" 2 "task.modes \[sinusoid, linear, quadratic\]" distill kept --model other.yaml --out new
printf 'task: {ways: 2}\nmodel: {layers: [flatten, dense: 2]}\n' >ways.yaml
bad "other classes" 2 "task.ways 3" distill big --model ways.yaml --out new
cp "$(newest kept)" damaged.h5
flip damaged.h5 3000
bad "damaged" 1 "damaged.h5" distill damaged.h5 --model small.yaml --out new

# An old run is not overwritten, nor its teacher.
cp moved/teacher.h5 before.h5
run distill "$(newest big)" --model tiny.yaml --out moved --steps 1
check_status "an old run" 2
check_match "an old run" "already holds the checkpoints of a run" "$log.err"
cmp before.h5 moved/teacher.h5 || fail "the teacher of an old run was overwritten"

# Without its teacher a run cannot be trained on, but evaluated.
rm moved/teacher.h5
run train moved/config.yaml --out moved --resume --set steps=40
check_status "teacher.h5 is gone" "[12]"
check_match "teacher.h5 is gone" "^oikos: the teacher .*teacher/checkpoints" "$log.err"
run eval moved
check_status "eval without the teacher" 0
finish
