#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The commands do what their help says, and what one prints another accepts: versions, help, config, gradcheck and its
# dump, inspect, the run directory of train.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# good WHAT ARGS...: exit status 0 and nothing on stderr.
good() {
  run "${@:2}"
  check_status "$1" 0
  check_equal "$1: on stderr" "" "$(<"$log.err")"
}
said() { check_match "$1" "$2" "$log.out"; }

# --version, and the kernel that the user asks for
ASAN_OPTIONS=detect_leaks=1 good "version, with leaks looked for" --version # as tools/test sanitize asks for it
good version --version
said version '^oikos [0-9]+\.[0-9]+\.[0-9]+ \((float|double)\)$'
said version '(Open MPI v|MPICH )[0-9.]+, HDF5 [0-9.]+, OpenBLAS [0-9.]+'
said version '^level (x86-64-v[2-4]|arm64|generic|native)$'
said version '^BLAS kernel [A-Za-z0-9]+$'
machine=$(uname -m)
[[ $(version level) != arm64 || $machine == aarch64 ]] || machine=emulated
if [[ $machine == x86_64 ]]; then
  OPENBLAS_CORETYPE=Prescott good "version, Prescott asked for" --version
  said "version, Prescott asked for" '^BLAS kernel Prescott$'
fi
# An empty wish is none.
check_equal "an empty OPENBLAS_CORETYPE" "$(version 'BLAS kernel')" "$(OPENBLAS_CORETYPE='' version 'BLAS kernel')"

# --help, of all and of each; one rank speaks
good help --help
said help '^Exit status: 0 done, 1 error, 2 wrong use, 75 stopped'
commands=$(sed -n 's/^  oikos \([a-z]\+\) .*/\1/p' "$log.out" | sort -u)
for command in train eval inspect import gradcheck config bench; do
  grep -qx $command <<<"$commands" || fail "help does not list $command"
done
for command in $commands; do
  good "$command --help" "$command" --help
  said "$command --help" "^Usage: oikos $command "
done
run_ranks 3 train --help
check_status "train --help on 3 ranks" 0
check_equal "train --help on 3 ranks: usages" 1 "$(grep -c ^Usage "$log.out")"

# config: explained, it is a configuration; resolved, it is the same one
good "config --explain" config --explain
cp "$log.out" explained.yaml
for key in seed steps task source support learners layers inner order max_norm outer optimizer shared mixing home owns \
  memory run threads reduce checkpoint every eval episodes; do
  check_match "config --explain: $key" "^ *$key:" explained.yaml
done
good "config of what --explain prints" config explained.yaml --set 'model.layers=[dense: 1]'
cp "$log.out" resolved.yaml
good "config of what config prints" config resolved.yaml
diff resolved.yaml "$log.out" || fail "config CONFIG is not a fixed point"
good "config --set" config explained.yaml --set 'model.layers=[dense: 1]' --set inner.steps=7
check_equal "config --set" "<   steps: 1 >   steps: 7" "$(diff resolved.yaml "$log.out" | grep '^[<>]' | xargs -d '\n')"

# train: what it prints and leaves; from the resolved configuration the same
sets=(--set steps=20 --set log.every=5 --set home.count=5 --set learners.count=6 --set 'model.layers=[dense: 10, tanh, dense: 1]')
good train train "$SOURCE/configs/five_modes.yaml" "${sets[@]}" --set eval.episodes=20 --out run
said train '^oikos [0-9.]+: .*five_modes\.yaml to run, 1 ranks, level [a-z0-9-]+, BLAS kernel '
said train '^step 20/20 .* tasks/s .*homes [0-9]+/[0-9]+/[0-9]+/[0-9]+/[0-9]+%'
said train '^trained on 120 episodes in [0-9.]+ s: [0-9]+ tasks/s'
said train '^step 20/20 .*%  confidence [01]\.[0-9]{2}  moved [0-9]+%  left '
said train '^homes: share of the episodes, confidence \([01]\.[0-9]{2} of all\), loss after adaptation'
said train '^ +home 4 '
said train '^ +home [0-4] +[0-9.]+ %   confidence [01]\.[0-9]{2} '
said train '^the run is in run: config\.yaml, metrics\.jsonl, checkpoints/'
said train '^next: .*oikos eval run '
launch $(sed -n 's/^next: //p' "$log.out") # as it stands there
check_status "the next command that train prints" 0
said "the next command that train prints" '^unseen tasks: 20 episodes'
good "config CONFIG" config "$SOURCE/configs/five_modes.yaml" "${sets[@]}"
cp "$log.out" resolved.yaml
for config in resolved.yaml run/config.yaml; do
  good "train $config" train $config --out again
  check_same "train $config" run again
  rm -r again
done

# metrics.jsonl: JSON, with the keys that the reference tells of
keys='"step" "episodes" "support_loss" "query_loss" "accuracy" "learner_norm" "gradient_norm" "rate" "moved" "members"'
keys+=' "scores" "confidence" "seconds" "tasks_per_second"'
check_equal "lines of metrics.jsonl" 4 "$(wc -l <run/metrics.jsonl)"
while read -r line; do
  check_equal "keys in metrics.jsonl" "$keys" "$(grep -o '"[a-z_]*"' <<<"$line" | xargs -d '\n')"
  if command -v python3 >/dev/null; then
    python3 -m json.tool <<<"$line" >/dev/null || fail "not JSON: $line"
  elif perl -MJSON::PP -e 1 2>/dev/null; then
    perl -MJSON::PP -e 'decode_json(<STDIN>)' <<<"$line" || fail "not JSON: $line"
  fi
done <run/metrics.jsonl

# gradcheck: every configuration that needs no file; the dump in double and in float
for config in "$SOURCE"/configs/*.yaml; do
  ! grep -q '^ *file:' "$config" || continue
  name=$(basename "$config" .yaml)
  good "gradcheck $name" gradcheck "$config" --dump "$name.h5"
  said "gradcheck $name" 'agrees with finite differences: largest relative error [0-9.]+e-(0[7-9]|[1-9][0-9]) '
  good "inspect $name.h5" inspect "$name.h5"
  for dataset in start/0.dense.weight trained/0.dense.weight meta_gradient/0.dense.bias support_x support_y query_x \
    query_y query_loss; do
    said "inspect $name.h5" "^  /$dataset +float64 "
  done
done
# All that training changes is checked, and dumped: homes and what they modulate, the encoder, rates, embedding rows.
said_all() { # WHAT ROW...: the last run has a row of numbers for each
  local row
  for row in "${@:2}"; do
    said "$1: $row" "^  $row +[0-9]+( +-?[0-9.e+-]+){3}\$"
  done
}
datasets() { "$OIKOS" inspect "$1" | sed -n 's|^  /\([^ ]*\) .*|\1|p'; }
good "gradcheck of five modes" gradcheck "$SOURCE/configs/five_modes.yaml" --set home.count=3 --dump five.h5
said_all "gradcheck of five modes" "learned rates" "shared weights, modulated" homes "encoder 0\.dense\.weight" "encoder 12\.dense\.bias"
good "import ratings-demo" import ratings-demo -o demo.h5
cat >rows.yaml <<'YAML'
task: {source: ratings, file: demo.h5, split: last, support: 8, query: 6}
model: {loss: mse, layers: [embedding: 4, dense: 6, tanh, dense: 1]}
inner: {steps: 2, rate: 0.05, learned_rates: parameter}
home: {count: 2, owns: last, perturbation: 0.1}
YAML
good "gradcheck of ratings" gradcheck rows.yaml --dump rows.h5
said_all "gradcheck of ratings" "learned rates" homes "embedding rows"
good "gradcheck, first order" gradcheck rows.yaml --set inner.order=first
said "gradcheck, first order" '^  learned rates +[0-9]+  not checked: first order'
said_all "gradcheck, first order" homes "embedding rows"
datasets five.h5 >five.names
for name in p homes/2/0.dense.modulation_scale homes_gradient/0/0.dense.modulation_shift shared/0.dense.weight \
  shared_gradient/6.dense.bias encoder/12.dense.weight encoder_gradient/0.dense.bias rate_gradient/by_step_and_layer; do
  grep -qx "$name" five.names || fail "gradcheck --dump lacks $name"
done
datasets rows.h5 >rows.names
for name in rows rows_gradient homes_gradient/1/3.dense.weight; do
  grep -qx "$name" rows.names || fail "gradcheck --dump of ratings lacks $name"
done
good "gradcheck --float" gradcheck "$SOURCE/configs/sinusoid.yaml" --float --dump float.h5
if command -v h5diff >/dev/null; then
  h5diff -d 1e-4 sinusoid.h5 float.h5 || fail "gradcheck in float and in double differ by more than 1e-4"
  ! h5diff -d 1e-12 sinusoid.h5 float.h5 >/dev/null || fail "gradcheck in float and in double do not differ at all"
else
  echo "not tried: float against double (h5diff is not installed)"
fi

# inspect: a checkpoint, an image file
good "inspect a checkpoint" inspect "$(newest run)"
for regex in '^format: oikos checkpoint' '^step: 20' '^ranks: 1' '  - dense: 10|    - dense: 10' \
  '^  /shared/0\.dense\.weight +float32 \(10, 1\)  shared weights w  checksum [0-9a-f]{16}$' '^  /homes/0\.dense\.modulation_scale +float32 \(5, 10\)' \
  "^digest: $(digest "$(newest run)")\$"; do
  said "inspect a checkpoint" "$regex"
done
write_images images.h5
check_match "import" 'images\.h5 written in .*; look at it: oikos inspect ' import.out
good "inspect an image file" inspect images.h5
said "inspect an image file" '^format: oikos images'
said "inspect an image file" '^  /images +uint8 \(240, 9, 9, 1\)'

if [[ $machine != emulated ]]; then # where a shell does not find the program that started it
  good "bench gemm" bench gemm
  said "bench gemm" "^sgemm, GFLOP/s .* $(version 'BLAS kernel') \(in use\)"
fi

# relu has no derivative at the exact zeros that zero biases make of black pixels; the check is not fooled by them
write_conv conv.yaml
good "gradcheck of a conv network on images" gradcheck conv.yaml
said "gradcheck of a conv network on images" '^the meta-gradient agrees with finite differences'

# A command that writes no checkpoint ends at once when it is asked to, by Ctrl-C or by the scheduler.
timeout -k 1 30 "$OIKOS" gradcheck "$SOURCE/configs/sinusoid.yaml" --set inner.steps=10 --set task.support=500 \
  --set 'model.layers=[dense: 3000, relu, dense: 3000, relu, dense: 1]' >slow.out 2>&1 &
job=$!
sleep 2
kill -TERM $job || fail "the slow gradcheck was not slow" # timeout passes it on, and kills after a second
end_of_job
((status != 137)) || fail "gradcheck did not end within a second of SIGTERM"
# What the last line says of the loss is the median of the last 100 steps, not a mean since the line before: wild first steps
# do not show in it.
write_mlp mlp.yaml
good "a run of 250 steps" train mlp.yaml --set steps=250 --set log.every=1 --set eval.episodes=0 --out median
expected=$(sed 's/.*"query_loss": \([^,]*\),.*/\1/' median/metrics.jsonl | tail -n 100 | sort -g | awk '{ x[NR] = $1 } END { print (x[50] + x[51]) / 2 }')
found=$(tr '\r' '\n' <"$log.out" | sed -n 's/^step 250\/250 .*query loss \([^ ]*\).*/\1/p' | tail -n 1)
awk -v a="$expected" -v b="$found" 'BEGIN { exit !(b != "" && (a - b) ^ 2 < 1e-7) }' || fail "the last line says query loss $found, expected the median $expected"

finish
