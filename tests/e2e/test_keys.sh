#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Keys that do nothing where they stand are errors, in a file and by --set; --set takes one key and one value as it
# stands; a run has the name of its configuration; training that blew up says so.
set -euo pipefail
source "$(dirname "$0")/common.sh"
write_images images.h5
write_conv conv.yaml
write_mlp mlp.yaml
short=(--set steps=2 --set eval.episodes=2)

# refused WHAT REGEX ARGS...: with one line, by its place and with what would use the key.
refused() {
  run "${@:3}"
  check_status "$1" 2
  check_one_line "$1" "$log.err"
  check_match "$1" "$2" "$log.err"
}
accepted() {
  run "${@:2}"
  check_status "$1" 0
}

run train conv.yaml --out conv "${short[@]}"
check_status "a run on images" 0
refused "eval.support on images" '^oikos: --set: eval\.support does nothing here: it is used with task\.source ratings, and task\.source is images' \
  eval conv --set eval.support=1
refused "a key of training in eval" 'shared\.rate does nothing here: oikos eval does not read it, but train, bench, distill' \
  eval conv --set shared.rate=3
refused "steps in eval" 'steps does nothing here: oikos eval does not read it' eval conv --set steps=3
accepted "eval.split" eval conv --set eval.split=test --episodes 2
{
  cat mlp.yaml
  echo 'attack: {share: 0.3}'
} >attack.yaml
refused "half an attack" '^oikos: attack\.yaml:8: attack\.share does nothing here: it is used with attack\.kind scaled' train attack.yaml
refused "config" 'attack\.yaml:8: attack\.share does nothing here' config attack.yaml
refused "gradcheck" 'attack\.yaml:8: attack\.share does nothing here' gradcheck attack.yaml
refused "bench" 'attack\.yaml:8: attack\.share does nothing here' bench step attack.yaml
accepted "with its kind" config attack.yaml --set attack.kind=flipped
sed 's/attack: .*/attack: {kind: flipped, share: 0.3}/' attack.yaml >flipped.yaml
accepted "turned off by --set" config flipped.yaml --set attack.kind=none
refused "an image's key with functions" '^oikos: --set: task\.ways does nothing' config mlp.yaml --set task.ways=3
refused "a checkpoint's key in gradcheck" 'checkpoint\.keep does nothing here: oikos gradcheck does not read it' \
  gradcheck mlp.yaml --set checkpoint.keep=1
accepted "what config prints" config mlp.yaml
cp "$log.out" whole.yaml
accepted "is a configuration" config whole.yaml
for config in "$SOURCE"/configs/*.yaml; do
  accepted "$(basename "$config")" config "$config"
done
for mlp in conv; do # a run's config.yaml, with every key, can be trained again
  accepted "a run's own configuration" train $mlp/config.yaml --out again "${short[@]}"
  check_same "a run's own configuration" $mlp again
done

# One key, one value.
refused "two keys in one" "inner\\.steps: expected a whole number from 0 to 10000, found 1, rate: 3" train mlp.yaml --set 'inner.steps=1, rate: 3'
refused "a line end" "inner\\.steps: expected a whole number" train mlp.yaml --set $'inner.steps=1\nseed: 3'
refused "a second list" "not valid YAML|second document" train mlp.yaml --set $'task.modes=[linear]\n---\nseed: 3'
cp images.h5 'a, b: c # d.h5'
accepted "a file of any name" train conv.yaml --out odd "${short[@]}" --set 'task.file=a, b: c # d.h5'
accepted "which reads back" eval odd --episodes 2
accepted "and resumes" train conv.yaml --out odd --resume --set eval.episodes=2 --set steps=3 --set 'task.file=a, b: c # d.h5'
refused "bytes that are no text" 'task\.file: expected a text of at most 1023 bytes, in UTF-8' train conv.yaml --set $'task.file=a\x96b'
{
  printf 'task: '
  printf '%.0s[' {1..3000}
} >deep.yaml
refused "a deep file" 'deep\.yaml:1: nested deeper than 8' config deep.yaml

# A key by the name of an older version is read, with one hint; what is written has the new name.
printf 'task: {source: ratings, file: x.h5, split: fraction, own_row: false}\nmodel: {layers: [embedding: 4, dense: 1]}\n' >old.yaml
sed 's/own_row/self_row/' old.yaml >now.yaml
run_ranks 2 config old.yaml
check_status "an old name" 0
check_equal "an old name: stderr" "oikos: old.yaml:1: task.own_row is called task.self_row now; the old name is still read" "$(<"$log.err")"
cp "$log.out" old.whole
accepted "its new name" config now.yaml
check_equal "its new name: stderr" "" "$(<"$log.err")"
diff old.whole "$log.out" || fail "an old name: another configuration"
sed 's/own_row/own_row: true, self_row/' old.yaml >both.yaml
refused "both names" 'both\.yaml:1: task\.self_row: the key stands twice' config both.yaml

# A run is called as its configuration, all of the name.
for name in exp.lr1 exp.lr2; do cp mlp.yaml $name.yaml && accepted "$name" train $name.yaml --set steps=1 --set eval.episodes=0; done
[[ -d runs/exp.lr1 && -d runs/exp.lr2 && ! -e runs/exp ]] || fail "runs of exp.lr1.yaml and exp.lr2.yaml: $(ls runs)"

# Six runs of one configuration have one digest, whatever else the machine does; how convolutions are computed is in all.
for i in 1 2 3 4 5 6; do apart "again.$i" accepted "again $i" train conv.yaml --out "conv.$i" "${short[@]}"; done
gather
for i in 1 2 3 4 5 6; do check_same "once more" conv "conv.$i"; done
check_match "the choice" 'conv2d: \{filters: 6, kernel: 3, padding: 1, winograd: [0-9]+\}' conv/config.yaml

# Finite numbers that have blown up are told of; a run that is well says nothing.
run train mlp.yaml --out wild --set steps=30 --set shared.rate=1e4 --set eval.episodes=0 --set outer.clip=0 --set inner.steps=0
check_status "a wild rate" 0
check_match "a wild rate" '^oikos: warning: training has diverged: its query loss was [0-9.]+ in the first step and is [0-9.e+]+ now; lower shared\.rate' "$log.err"
run train mlp.yaml --out steep --set steps=0 --set inner.rate=0.5 --set inner.steps=3 --set eval.episodes=20
check_status "a wild inner rate" 0
check_match "a wild inner rate" '^oikos: warning: the query loss is ([0-9.e+]+|-?nan|inf) after 3 inner steps and [0-9.e+]+ after [012]: ' "$log.err"
run train mlp.yaml --out gentle --set steps=1 --set eval.episodes=20
check_equal "a sound inner rate: stderr" "" "$(<"$log.err")"
run train mlp.yaml --out well --set steps=30 --set eval.episodes=0
check_status "a sound rate" 0
check_equal "a sound rate: stderr" "" "$(<"$log.err")"

# The accuracy of a classifier stands there at exactly 0 too.
sed 's/init.*//; s/  loss: cross_entropy/  loss: cross_entropy\n  init: zeros/' conv.yaml >zeros.yaml
run train zeros.yaml --out zeros --set steps=0 --set eval.episodes=1 --set eval.steps=0
check_status "zeros" 0
check_match "accuracy" 'query loss, 95 % interval +accuracy' "$log.out"
finish
