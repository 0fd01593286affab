#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Residual blocks in YAML: the same bits on any number of ranks and threads, and after a resume; tensors in checkpoints have
# their layers' names; a mistake names the layers and their shapes.
set -euo pipefail
source "$(dirname "$0")/common.sh"

write_images images.h5
cat >residual.yaml <<YAML
task: {source: images, file: $WORK/images.h5, ways: 3, support: 2, query: 2, split: fraction, test_fraction: 0.4}
learners: {count: 5}
steps: 4
model:
  loss: cross_entropy
  layers:
    - conv2d: {filters: 6, kernel: 3, padding: 1, name: stem}
    - batch_norm
    - relu: {name: x}
    - conv2d: {filters: 6, kernel: 3, padding: 1, name: inside}
    - batch_norm: {name: y}
    - add: {from: [x, y]}
    - relu: {name: z}
    - conv2d: {filters: 2, kernel: 1, from: input}
    - concat: {from: [z, 7]}
    - max_pool: 2
    - flatten
    - dense: {units: 3, name: head}
inner: {steps: 2, rate: 0.1}
eval: {episodes: 0}
checkpoint: {every: 2, keep: 10}
YAML

# train NAME RANKS THREADS [ARGS...]
train() {
  run_ranks "$2" train residual.yaml --out "$1" --set run.threads="$3" "${@:4}"
  check_status "$1" 0
}

for layout in 1x1 2x1 3x1 1x2; do
  apart "run.$layout" train "run.$layout" "${layout%x*}" "${layout#*x}"
done
gather
for layout in 2x1 3x1 1x2; do
  check_same "${layout%x*} ranks of ${layout#*x} threads" run.1x1 "run.$layout"
done
cp -r run.2x1 half
find half/checkpoints -name '*.h5' ! -name 'step-*2.h5' -delete
train half 1 1 --resume
check_same "resumed" run.1x1 half

run inspect "$(newest half)"
check_status "inspect" 0
for name in stem.conv2d.weight inside.conv2d.bias y.batch_norm.scale 1.batch_norm.shift 7.conv2d.weight head.dense.weight; do
  check_match "names in the checkpoint" "shared/w/$name|$name" "$log.out"
done
sed -i 's/name: inside/name: outside/' residual.yaml
run train residual.yaml --out half --resume
check_status "resumed by other names" 2
check_match "resumed by other names" "model.layers was .*name: inside.* and is .*name: outside" "$log.err"

sed 's/filters: 2, kernel: 1/filters: 2, kernel: 3/' residual.yaml >narrow.yaml
run train narrow.yaml --out narrow
check_status "shapes that do not fit" 2
check_match "shapes that do not fit" \
  "narrow.yaml:15: model.layers\[8\] concat: expected .*, found 9 x 9 x 6 of 'z' \(relu\), 7 x 7 x 2 of layer 7 \(conv2d\)" "$log.err"
finish
