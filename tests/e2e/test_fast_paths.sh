#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Convolutions by Winograd's tiles and over patches, batch normalisation with what follows along: the same bits on any
# number of ranks and threads. Which of the two is used is chosen when a run begins, recorded with it, and taken over when
# it is resumed, even where a new run would choose otherwise.
set -euo pipefail
source "$(dirname "$0")/common.sh"

write_images images.h5

# write_conv4 FILE WINOGRAD WINOGRAD WINOGRAD WINOGRAD: what each layer says of it; - leaves it open. Supports are of six
# images, queries of nine: with a 7 the first are computed over patches, the second by tiles.
write_conv4() {
  local w pooled=0
  cat >"$1" <<YAML
task: {source: images, file: $WORK/images.h5, ways: 3, support: 2, query: 3, split: fraction, test_fraction: 0.4}
learners: {count: 6}
steps: 4
model:
  loss: cross_entropy
  layers:
YAML
  for w in "${@:2}"; do
    [[ $w == - ]] && w= || w=", winograd: $w"
    echo "    - conv2d: {filters: 8, kernel: 3, padding: 1$w}"
    printf '    - %s\n' batch_norm relu
    ((pooled++ == 3)) || echo "    - max_pool: 2" # 9 x 9, 4 x 4, 2 x 2, 1 x 1
  done >>"$1"
  cat >>"$1" <<YAML
    - flatten
    - dense: 3
inner: {steps: 2, rate: 0.1}
log: {every: 1}
eval: {episodes: 0}
checkpoint: {every: 2, keep: 10}
YAML
}

write_conv4 mixed.yaml 0 1 7 1
write_conv4 tiles.yaml 1 1 1 1
write_conv4 patches.yaml 0 0 0 0
write_conv4 open.yaml - - - -

# train NAME RANKS THREADS CONFIG [ARGS...]
train() {
  run_ranks "$2" train "$4" --out "$1" --set run.threads="$3" "${@:5}"
  check_status "$1" 0
}

# recorded RUN: what its configuration says of each convolution.
recorded() { sed -n 's/.*conv2d: {filters: 8, kernel: 3, padding: 1, winograd: \([0-9]*\)}$/\1/p' "$1/config.yaml" | xargs; }

for layout in 1x1 2x1 3x1 4x1 1x2; do
  apart "mixed.$layout" train "mixed.$layout" "${layout%x*}" "${layout#*x}" mixed.yaml
done
gather
for layout in 2x1 3x1 4x1 1x2; do
  check_same "${layout%x*} ranks of ${layout#*x} threads" mixed.1x1 "mixed.$layout"
done
check_equal "lines of metrics.jsonl" 4 "$(metrics mixed.1x1 | wc -l)"
check_equal "what was given" "0 1 7 1" "$(recorded mixed.1x1)"

# The ways differ in their bits, or the equal digests below would say nothing.
train tiles 2 1 tiles.yaml
train patches 1 1 patches.yaml
check_equal "three different digests" 3 "$(for run in mixed.1x1 tiles patches; do
  digest "$(newest "$run")"
done | sort -u | wc -l)"

# Left open: each layer has a choice afterwards, and a run that is given the recorded one is the same run.
train chosen 2 1 open.yaml
read -ra choice <<<"$(recorded chosen)"
check_equal "layers with a choice" 4 ${#choice[@]}
((${#choice[@]} == 4)) || finish
write_conv4 given.yaml "${choice[@]}"
train given 1 1 given.yaml
check_same "open and given" chosen given

# half RUN NAME: as if it had been killed after step 2.
half() {
  cp -r "$1" "$2"
  find "$2/checkpoints" -name '*.h5' ! -name 'step-*2.h5' -delete
}

# Resumed with the choice still open: as recorded. Nobody would choose tiles for a first layer of one channel.
half chosen half
train half 2 1 open.yaml --resume
check_match "half" "^resumed from .* at step 2\$" "$log.out"
check_same "resumed with the choice open" given half
half tiles half.tiles
train half.tiles 1 2 open.yaml --resume
check_equal "the choice of the checkpoint" "1 1 1 1" "$(recorded half.tiles)"
check_same "resumed with the choice open, tiles" tiles half.tiles
half patches half.patches
train half.patches 1 1 open.yaml --resume
check_equal "the choice of the checkpoint" "0 0 0 0" "$(recorded half.patches)"
check_same "resumed with the choice open, patches" patches half.patches

# Evaluation computes as the run did, without a word of it on the command line.
run_ranks 2 eval half.tiles --episodes 5
check_status "eval" 0

# refused NAME CONFIG REGEX: resumed with it, a run by tiles is left as it was.
refused() {
  local before
  before=$(digest "$(newest half.tiles)")
  run_ranks 2 train "$2" --out half.tiles --resume
  check_status "$1" 2
  check_match "$1" "$3" "$log.err"
  check_equal "$1: digest afterwards" "$before" "$(digest "$(newest half.tiles)")"
}

# Resumed with another choice, or another network, whose layers have nothing to take over.
refused "another choice" patches.yaml "^oikos: .*model.layers was .*winograd: 1.* and is .*winograd: 0"
write_conv4 last.yaml 1 1 1 0
refused "another choice in the last layer" last.yaml "^oikos: .*model.layers was .*winograd: 1.* and is .*winograd: 0"
sed 's/    - conv2d/    - relu\n    - conv2d/' open.yaml >moved.yaml
refused "other layers" moved.yaml "^oikos: .*model.layers was .* and is - relu - conv2d"
sed 's/kernel: 3, padding: 1/kernel: 5, padding: 2/' open.yaml >large.yaml
refused "larger kernels" large.yaml "^oikos: .*model.layers was .*kernel: 3.* and is .*kernel: 5"

# Where tiles cannot be, asking for them is refused with the place of the layer.
sed 's/kernel: 3, padding: 1/kernel: 5, padding: 2/' mixed.yaml >impossible.yaml
line=$(grep -n 'winograd: 1' impossible.yaml | head -1 | cut -d: -f1)
run train impossible.yaml --out impossible
check_status "tiles for a 5 x 5 kernel" 2
check_match "tiles for a 5 x 5 kernel" "impossible.yaml:$line: model.layers\[4\] conv2d: winograd wants" "$log.err"
[[ ! -e impossible/config.yaml ]] || fail "a run that cannot be has left a configuration"

# The short form of a layer has no place for the choice; it is recorded all the same.
sed -e 's/conv2d: {.*}/conv2d: 8/' -e '/max_pool/d' open.yaml >short.yaml
train short 1 1 short.yaml --set steps=2
check_equal "choices of the short form" 4 "$(grep -c 'conv2d: {filters: 8, winograd: [0-9]*}$' short/config.yaml)"
train short 1 1 short.yaml --resume
finish
