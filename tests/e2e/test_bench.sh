#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `oikos bench` measures is there, on 1 rank and on 2, and no file is left, also after an error. No test is about a
# speed.
set -euo pipefail
source "$(dirname "$0")/common.sh"
write_images images.h5
mkdir here
cd here

number='[0-9]+\.[0-9]+'
side="( +$number){3}"

# Every word stands in both helps.
run --help
words=$(sed -n 's/^          \([a-z]\+\)  .*/\1/p' "$log.out" | xargs)
check_equal "words in the help of all" "step gemm choose reduce checkpoint embedding import" "$words"
run bench --help
check_status "bench --help" 0
for word in $words; do
  check_match "bench --help: $word" "^  $word " "$log.out"
done

# measured WHAT ROW...: the last run said nothing on stderr and left no file; each row has both sides and their ratios.
measured() {
  local row
  check_status "$1" 0
  check_equal "$1: on stderr" "" "$(<"$log.err")"
  check_equal "$1: files left" "" "$(ls -A)"
  for row in "${@:2}"; do check_match "$1" "^  $row$side$side +$number +$number\$" "$log.out"; done
}

# step_measured WHAT WORKS: so many works, each with its speed, bounds, ratios, phases and layers.
step_measured() {
  local row
  measured "$1"
  for row in "step +$number tasks/s +$number GFLOP/s, $number of the bound" "  bound +$number tasks/s" \
    "evaluation +$number episodes/s +$number GFLOP/s, $number of the bound" "  bound +$number episodes/s"; do
    check_equal "$1: lines with $row" "$2" "$(grep -cE "^  $row" "$log.out")"
  done
  for row in "  machine +$number (tasks|episodes)/s: $number of it \($number to $number\)" "    operations +$number us: " \
    "    bytes +$number us: [0-9.e+-]+ MB in (L1|L2|L3|memory) at $number GB/s"; do
    check_equal "$1: lines with $row" $((2 * $2)) "$(grep -cE "^  $row" "$log.out")"
  done
  for row in 'draw the episode' 'query gradient' 'add to the sums' all-reduce; do
    check_equal "$1: lines with $row" "$2" "$(grep -cE "^    $row +$number %\$" "$log.out")"
  done
  check_match "$1: a layer" "^    dense( +$number %){4}\$" "$log.out"
}
write_mlp ../mlp.yaml
for ranks in 1 2; do
  run_ranks $ranks bench step ../mlp.yaml --set run.threads=2 --set learners.count=5
  step_measured "bench step mlp.yaml on $ranks ranks" 1
  check_match "bench step" "mlp\.yaml; $ranks ranks?, 2 threads each" "$log.out"
done
LIMIT=${OIKOS_SANITIZED:+900}
LIMIT=${LIMIT:-300} run bench step
unset LIMIT
step_measured "bench step" 5
check_match "bench step: what is computed along" "^    conv2d \+ batch_norm \+ relu \+ max_pool  " "$log.out"
check_match "bench step: what is computed along" "^    batch_norm \+ relu \+ max_pool  " "$log.out"

run bench gemm
measured "bench gemm"
check_match "bench gemm" "^sgemm, GFLOP/s .* $(version 'BLAS kernel') \(in use\)" "$log.out"
check_match "bench gemm" '^peak of this core' "$log.out"
for shape in '1024 x 1024 x 1024' '10 x +40 x +40' '16 x +64 x +576' '64 x +576 x +24' '96 x +64 x +64'; do
  check_match "bench gemm" "  $shape( +$number +([0-9]+ %|-)){1,2}\$" "$log.out"
done

LIMIT=${OIKOS_SANITIZED:+900}
LIMIT=${LIMIT:-300} run bench choose
unset LIMIT
measured "bench choose"
check_match "bench choose: a layer" "^  28 x 28 +1 +64 +5 +$number +$number +$number  (patches|tiles ) +(patches|tiles)( \(slower\))?\$" "$log.out"
check_match "bench choose: a layer" "^  14 x 14 +64 +64 +75 +$number +$number +$number  " "$log.out"
check_match "bench choose: the rule" '^the rule of src/net/choose\.c takes the slower way for [0-9]+ of [0-9]+ batches' "$log.out"
check_match "bench choose: what it should be" '^what fits these times best: transform [0-9.]+, filters [0-9.]+, speed [0-9.]+$' "$log.out"

for ranks in 1 2; do
  run_ranks $ranks bench reduce --elements 1000
  measured "bench reduce on $ranks ranks" accumulate all-reduce 'read back'
  check_match "bench reduce" "^sum of 1000 numbers \(float\) of each of $ranks ranks" "$log.out"

  run_ranks $ranks bench checkpoint --mib 1
  measured "bench checkpoint on $ranks ranks" write 'read back'
  check_match "bench checkpoint" "^1 MiB in \. by $ranks ranks" "$log.out"

  run_ranks $ranks bench embedding --rows 5000 --width 4
  measured "bench embedding on $ranks ranks" fetch add update
  check_match "bench embedding" "^5000 rows of 4 numbers with Adam's state, on $ranks ranks" "$log.out"
  check_match "bench embedding" '^1000 examples a rank, [0-9]+ distinct rows; the busiest rank sends [0-9.]+ MiB a step' "$log.out"
  check_match "bench embedding" '^peak memory of a rank: [0-9]+ MiB$' "$log.out"

  run_ranks $ranks bench import idx ../idx
  measured "bench import on $ranks ranks" import
  check_match "bench import" '^idx: 240 images, ' "$log.out"
done
mkdir ../there
run bench checkpoint --mib 2 --out ../there
measured "bench checkpoint --out" write 'read back'
check_equal "bench checkpoint --out: files left" "" "$(ls -A ../there)"

# bad STATUS REGEX ARGS...: on 1 rank and on 2, one message, and no file.
bad() {
  local ranks
  for ranks in 1 2; do
    if ((ranks == 1)); then run "${@:3}"; else run_ranks $ranks "${@:3}"; fi
    check_status "oikos ${*:3} (on $ranks ranks)" "$1"
    check_match "oikos ${*:3} (on $ranks ranks)" "^oikos.*$2" "$log.err"
    check_one_line "oikos ${*:3}: on stderr" "$log.err"
    check_equal "oikos ${*:3}: files left" "" "$(ls -A)"
  done
}
bad 2 'WHAT is one of step, gemm, choose, reduce, checkpoint, embedding, import.*; found nothing' bench
bad 2 'WHAT is one of step, gemm, choose, reduce, checkpoint, embedding, import.*; found speed' bench speed
bad 2 'nix\.yaml.* No such file' bench step nix.yaml
bad 2 'inner\.stps' bench step ../mlp.yaml --set inner.stps=1
bad 2 '--set does not go with gemm' bench gemm --set inner.steps=1
bad 2 '--set goes with a CONFIG' bench step --set inner.steps=1
bad 2 '--out goes without a CONFIG' bench step ../mlp.yaml --out .
bad 2 'choose: expected at most 0 arguments, found large' bench choose large
bad 2 'gemm: expected at most 0 arguments, found large' bench gemm large
bad 2 '--mib does not go with gemm' bench gemm --mib 3
bad 2 '--rows does not go with reduce' bench reduce --rows 3
bad 2 '--elements: expected a whole number from 1 .*, found 0' bench reduce --elements 0
bad 2 '--mib: expected a whole number from 1 .*, found much' bench checkpoint --mib much
bad 2 'no folder can be made in nix: No such file' bench checkpoint --mib 1 --out nix
bad 2 'import: expected KIND SOURCE .*, found 1 arguments' bench import idx
bad 2 "there is no importer 'parquet'; there are: omniglot, idx" bench import parquet ../idx
bad 2 'nix.* No such file' bench import idx nix

# A disk that is full, by way of a file size limit in KiB; Open MPI wants files of up to 16 MiB for itself.
for ranks in 1 2; do
  # shellcheck disable=SC2016
  launch "${mpirun[@]}" $ranks bash -c 'ulimit -f 20000; exec "$OIKOS" "$@"' bash bench checkpoint --mib 32
  check_status "file size limit on $ranks ranks" 1
  check_match "file size limit on $ranks ranks" '^oikos: checkpoint .*/checkpoint\.h5 could not be written: .*File too large' \
    "$log.err"
  check_equal "file size limit on $ranks ranks: files left" "" "$(ls -A)"
done
finish
