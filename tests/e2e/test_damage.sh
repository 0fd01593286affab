#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A damaged or foreign checkpoint is named, with what is wrong, and passed over: the run resumes from the one before and
# ends with the same digest. Where none is whole, or the configuration has changed, the run does not start.
set -euo pipefail
source "$(dirname "$0")/common.sh"

write_mlp mlp.yaml
train=(train mlp.yaml --set steps=40 --set checkpoint.every=10 --set checkpoint.keep=9 --set log.every=5
  --set eval.episodes=0)
run_ranks 2 "${train[@]}" --out whole
check_status "the undisturbed run" 0
end=$(digest "$(newest whole)")
size=$(stat -c %s "$(newest whole)")
name="step-000000000040.h5"
run gradcheck mlp.yaml --float --dump dump.h5
check_status "gradcheck" 0

# Each takes the file. What follows the name is a regular expression for what must be said of it.
cut_short() { truncate -s $((size * 2 / 3)) "$1"; }
cut_last_byte() { truncate -s $((size - 1)) "$1"; }
grown() { echo >>"$1"; }
emptied() { : >"$1"; }
a_text() { cp "$SOURCE/LICENSE" "$1"; }
another_hdf5() { cp dump.h5 "$1"; }
flipped_magic() { flip "$1" 3; }
flipped_hash() { flip "$1" 45; }
flipped_padding() { flip "$1" 400; }
flipped_superblock() { flip "$1" 520; }
flipped_middle() { flip "$1" $((size / 2)); }
flipped_last() { flip "$1" $((size - 1)); }
zeroed_page() { dd if=/dev/zero of="$1" bs=4096 seek=1 count=1 conv=notrunc status=none; }
damages='cut_short        it is damaged
cut_last_byte             it is damaged
grown                     it is damaged
emptied                   it is not a checkpoint
a_text                    it is not a checkpoint
another_hdf5              it is not a checkpoint
flipped_magic             it is not a checkpoint
flipped_hash              it is damaged
flipped_padding           it is damaged in its first 512 bytes
flipped_superblock        it is damaged
flipped_middle            it is damaged
flipped_last              it is damaged
zeroed_page               it is damaged'

# passed_over DAMAGE RANKS REGEX
passed_over() {
  local file=$WORK/$1/checkpoints/$name command
  cp -r whole "$1"
  "$1" "$file"
  for command in inspect eval; do
    [[ "$command $1" != "inspect another_hdf5" ]] || continue # it shows any HDF5 file
    run $command "$file"
    check_status "$command of $1" "[12]"
    check_one_line "$command of $1: on stderr" "$log.err"
    check_match "$command of $1" "^oikos: .*$name: " "$log.err"
  done
  run_ranks "$2" "${train[@]}" --out "$1" --resume
  check_status "resumed: $1" 0
  check_match "resumed: $1" "passed over a damaged checkpoint: .*$name: $3" "$log.out"
  check_match "resumed: $1" "^resumed from .*0030.h5 at step 30" "$log.out"
  check_equal "resumed: $1: digest at the end" "$end" "$(digest "$(newest "$1")")"
  diff <(metrics whole) <(metrics "$1") || fail "resumed: $1: metrics.jsonl differs"
}
ranks=1
while read -r damage wrong; do
  apart "$damage" passed_over "$damage" $ranks "$wrong"
  ranks=$((ranks % 3 + 1))
done <<<"$damages"
gather

# A name that promises too much does no harm.
cp -r whole misnamed
cp "misnamed/checkpoints/${name/40/30}" "misnamed/checkpoints/$name"
run_ranks 2 "${train[@]}" --out misnamed --resume
check_status "misnamed" 0
check_equal "misnamed: digest at the end" "$end" "$(digest "$(newest misnamed)")"

# inspect says of every flipped byte that the file is damaged, prints nothing of it, and does not crash: of the bytes of the
# seal and HDF5's first ones, then of some all over the file.
one=$WORK/one.h5
cp "$(newest whole)" "$one"
for ((i = 0; i < 120; i++)); do
  at=$((i < 60 ? i * 14 : (i - 60) * (size - 840) / 60 + 840))
  flip "$one" "$at"
  run inspect "$one"
  check_status "inspect with byte $at flipped" 1
  check_one_line "inspect with byte $at flipped" "$log.err"
  check_match "inspect with byte $at flipped" "^oikos: $one: it is (damaged|not a checkpoint|not a readable .*damaged)" "$log.err"
  check_equal "inspect with byte $at flipped: on stdout" "" "$(<"$log.out")"
  flip "$one" "$at"
done
run inspect "$one"
check_status "inspect with all flipped back" 0

# A checkpoint of 0.1.0 has another seal: it is verified by the old rule, shown and gone on from.
mkdir -p old/checkpoints
cp "$SOURCE/tests/old/checkpoint_1.h5" old/checkpoints/step-000000000004.h5
check_equal "of 0.1.0: digest" 5eec54d4ecca5b72cafe15acecf375d4 "$(digest old/checkpoints/step-000000000004.h5)"
run inspect old
check_status "of 0.1.0: inspect" 0
sed -n '/^config:/,/^digest:/s/^  //p' "$log.out" >old.yaml
run_ranks 2 train old.yaml --out old --set steps=8 --resume
check_status "of 0.1.0: resumed" 0
check_match "of 0.1.0: resumed" "^resumed from .* at step 4" "$log.out"
check_equal "of 0.1.0: resumed: records" 4 "$(wc -l <old/metrics.jsonl)"
check_equal "of 0.1.0: resumed: what it calls /history/sure" 4 "$(grep -c '"confidence": 0\.[0-9]*[1-9]' old/metrics.jsonl)"
for at in 40 5000; do # of its hash, of its data
  cp "$SOURCE/tests/old/checkpoint_1.h5" "$one"
  flip "$one" "$at"
  run inspect "$one"
  check_status "of 0.1.0: byte $at flipped" 1
  check_match "of 0.1.0: byte $at flipped" "$one: (it is damaged|its user block is damaged)" "$log.err"
done

# Damaged files must not push the good ones out of those that are kept.
cp -r whole kept
for step in 20 30 40; do flip kept/checkpoints/step-0000000000$step.h5 1000; done
run_ranks 2 "${train[@]}" --set checkpoint.keep=2 --set checkpoint.every=3 --set steps=16 --out kept --resume
check_status "three damaged ones ahead" 0
run_ranks 2 eval kept --episodes 4
check_status "three damaged ones ahead: eval" 0
check_match "three damaged ones ahead: eval" "step-000000000016.h5, step 16" "$log.out"

# eval of a run passes over the damaged one as well.
cp -r whole evaluated
cut_short "evaluated/checkpoints/$name"
run_ranks 3 eval evaluated --episodes 10
check_status "eval of a run" 0
check_match "eval of a run" "^oikos: warning: passed over a damaged checkpoint: .*$name: it is damaged" "$log.err"
check_match "eval of a run" "step-000000000030.h5, step 30" "$log.out"

# refused RUN STATUS REGEX ARGS...
refused() {
  run_ranks 3 "${train[@]}" --out "$1" "${@:4}"
  check_status "$1 ${*:4}" "$2"
  check_match "$1 ${*:4}" "^oikos: $3" "$log.err"
  check_one_line "$1 ${*:4}: on stderr" "$log.err"
}
cp -r whole nothing_left
for file in nothing_left/checkpoints/*; do flip "$file" 1000; done
refused nothing_left 1 ".*nothing_left/checkpoints holds 4 checkpoints, but none is whole" --resume
refused whole 2 "whole already holds the checkpoints of a run; continue it with --resume"
refused whole 2 ".*step-000000000040.h5: inner.steps was 2 in the checkpoint and is 3 now" --resume --set inner.steps=3
refused whole 2 ".*step-000000000040.h5: task.modes was \[sinusoid, linear, quadratic\] in the checkpoint and is \[linear\] now" --resume \
  --set 'task.modes=[linear]'
run_ranks 3 "${train[@]}" --out whole --resume --set 'model.layers=[dense: 21, relu, dense: 1]'
check_status "another network" 2
check_match "another network" "^oikos: .*step-000000000040.h5: model.layers was " "$log.err"
check_match "another network" "dense: 20" "$log.err"
check_match "another network" "dense: 21" "$log.err"
cp -r whole stranger
run train mlp.yaml --set steps=40 --set seed=7 --set eval.episodes=0 --set log.every=5 --out other
cp other/checkpoints/$name stranger/checkpoints/
refused stranger 2 ".*seed was 7 in the checkpoint and is 1 now" --resume
check_equal "a refused run: its metrics" "$(metrics whole)" "$(metrics stranger)"
check_equal "a refused run: its checkpoint" "$end" "$(digest "$(newest whole)")"
finish
