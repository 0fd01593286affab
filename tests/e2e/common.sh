# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# What the e2e scripts share. CTest gives OIKOS, the program, and SOURCE, the source tree. A script works in a folder of
# its own, which goes away with it, and closes with `finish`, which exits 1 if a check failed.
: "${OIKOS:?set it to the path of the program}"
SOURCE=${SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
SOURCE=$(realpath "$SOURCE")
OIKOS=$(realpath "$OIKOS")
export OIKOS SOURCE LC_ALL=C OPENBLAS_NUM_THREADS=1
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
# shellcheck source=jobs/launcher.sh
source "$SOURCE/jobs/launcher.sh"
launcher_begin || exit 1

# The level is the best one, or OIKOS_LEVEL; the kernel is the one that goes with it.
unset OPENBLAS_CORETYPE OIKOS_KERNEL
version() { "$OIKOS" --version | sed -n "s/^$1 //p"; } # version level, version 'BLAS kernel'

WORK=$(mktemp -d "${TMPDIR:-/tmp}/oikos-e2e.XXXXXX")
log=$WORK/last # of the last run: $log.out, $log.err, $log.raw
status=0       # of the last run
failures=0

end_jobs() {
  local jobs
  jobs=$(jobs -p)
  [[ -z $jobs ]] || kill $jobs 2>/dev/null || true # `timeout` passes it on to mpirun, which ends the ranks
  wait
}
clean_up() {
  end_jobs
  [[ ! -e $WORK/mounted ]] || umount "$(<"$WORK/mounted")" || true
  rm -rf "$WORK"
}
trap clean_up EXIT
cd "$WORK" || exit

fail() {
  echo "FAIL: $*"
  failures=$((failures + 1))
}

skip() {
  echo "skipped: $*"
  exit 77
}

finish() {
  echo "$(basename "$0"): $failures failures"
  exit $((failures > 0))
}

# check_equal WHAT EXPECTED FOUND
check_equal() {
  [[ $2 == "$3" ]] || fail "$1: expected $2, found $3"
}

# check_match WHAT REGEX FILE: some line of FILE matches.
check_match() {
  grep -Eq -- "$2" "$3" && return
  fail "$1: expected a line that matches /$2/, found:"
  head -20 "$3" | cut -c1-300 | sed 's/^/    /'
}

# check_one_line WHAT FILE: what oikos says of an error; hints at its usage aside.
check_one_line() {
  local lines
  lines=$(sed '/^Try .oikos /,$d' "$2")
  [[ $(wc -l <<<"$lines") == 1 && $lines ]] && return
  fail "$1: expected one line, found:"
  head -20 <<<"$lines" | cut -c1-300 | sed 's/^/    /'
}

# check_status WHAT EXPECTED: of the last run; EXPECTED is a pattern, such as [12].
check_status() {
  local meaning=
  case $status in
  124) meaning=" (it hung and was ended)" ;;
  132 | 134 | 135 | 136 | 139) meaning=" (it crashed)" ;;
  esac
  # shellcheck disable=SC2053
  [[ $status == $2 ]] && return
  fail "$1: expected exit status $2, found $status$meaning; it said:"
  tail -n 5 "$log.err" | cut -c1-300 | sed 's/^/    /'
}

# start COMMAND...: in the background, with a time limit, so that a hang is a failure. end_of_job waits for it and sets
# status. launch does both.
start() {
  timeout -k 10 "${LIMIT:-120}" "$@" >"$log.out" 2>"$log.err" </dev/null &
  job=$!
}
end_of_job() {
  status=0
  wait "$job" 2>/dev/null || status=$?
  cp "$log.err" "$log.raw" # with the launcher's words
  launcher_own "$log.err"
}
launch() {
  start "$@"
  end_of_job
}

# run ARGS...: without mpirun. run_ranks N ARGS...: with it; start_ranks N ARGS...: in the background.
run() { launch "$OIKOS" "$@"; }
run_ranks() { launch "${mpirun[@]}" "$1" "$OIKOS" "${@:2}"; }
start_ranks() { start "${mpirun[@]}" "$1" "$OIKOS" "${@:2}"; }

# on_rank N STATEMENT: makes ./rank, which starts its arguments, on rank N with the statement done before.
on_rank() {
  printf '#!/bin/sh\nnumber=$(env | sed -nE "s/^%s=//p" | head -n 1)\n[ "$number" != %s ] || %s\nexec "$@"\n' "$(rank_variables)" "$1" "$2" >rank
  chmod +x rank
}

# wait_for WHAT COMMAND...: until the command succeeds; fails when the background job ends before.
wait_for() {
  local what=$1
  while ! "${@:2}"; do
    if ! kill -0 "$job" 2>/dev/null; then
      fail "the job ended before $what; it said:"
      tail -n 5 "$log.out" "$log.err"
      exit 1
    fi
    sleep 0.02
  done
}

# apart NAME COMMAND...: in the background, four at a time, with a log of its own. gather waits for all of them and takes
# over their failures.
apart() {
  while (($(jobs -rp | wc -l) >= 4)); do wait -n || true; done
  (
    trap end_jobs EXIT
    log=$WORK/$1
    failures=0
    "${@:2}"
    echo "$failures" >"$log.failures"
  ) >"$WORK/$1.report" 2>&1 &
}
gather() {
  local report name
  wait
  for report in *.report; do
    name=${report%.report}
    cat "$report"
    if [[ -e $name.failures ]]; then
      failures=$((failures + $(<"$name.failures")))
    else
      fail "$name did not come to its end"
    fi
    rm -f "$report" "$name.failures"
  done
}

# ranks_with PATH [RANK]: process numbers of all ranks, or of one, of this script's job that has PATH in its arguments. QEMU
# stands before the program that it runs.
ranks_with() {
  local p
  for p in $(pgrep -f -- "$1"); do
    [[ $(readlink "/proc/$p/cwd") == "$(realpath "$WORK")"* ]] || continue
    [[ $(tr '\0' '\n' 2>/dev/null <"/proc/$p/cmdline" | grep -v '/qemu-[^/]*$' | head -1) == "$OIKOS" ]] || continue
    [[ -z ${2:-} ]] || grep -zqxE "$(rank_variables)=$2" "/proc/$p/environ" 2>/dev/null || continue
    echo "$p"
  done
}

digest() { "$OIKOS" inspect "$1" --digest; }
newest() { find "$1/checkpoints" -name 'step-*.h5' 2>/dev/null | sort | tail -1; }
step_of() { [[ $1 =~ step-0*([0-9]+)\.h5 ]] && echo "${BASH_REMATCH[1]}" || echo 0; }
metrics() { sed 's/, "seconds".*//' "$1/metrics.jsonl"; } # without times

# last_step RUN: that metrics.jsonl tells of; 0 before there is one.
last_step() {
  local line=
  [[ ! -e $1/metrics.jsonl ]] || line=$(tail -1 "$1/metrics.jsonl")
  [[ $line =~ ^'{"step": '([0-9]+), ]] && echo "${BASH_REMATCH[1]}" || echo 0
}
reached() { (($(last_step "$1") >= $2)); }

# check_same WHAT RUN RUN: the same state at the end, and the same metrics.
check_same() {
  check_equal "$1: digest of $3" "$(digest "$(newest "$2")")" "$(digest "$(newest "$3")")"
  diff <(metrics "$2") <(metrics "$3") || fail "$1: metrics.jsonl of $2 and $3 differ"
}

# same_and_resumed NAME CONFIG KEY=VALUE...: twelve steps leave the same on 1 to 4 ranks, and on 2 ranks that go on as 3.
same_and_resumed() {
  local name=$1 config=$2 ranks sets=("${@:3}")
  for ranks in 1 2 3 4; do
    run_ranks "$ranks" train "$config" --out "$name.$ranks" "${sets[@]/#/--set=}"
    check_status "$name on $ranks ranks" 0
    check_same "$name on $ranks ranks" "$name.1" "$name.$ranks"
  done
  for ranks in 2 3; do # 6 steps, then the rest
    run_ranks "$ranks" train "$config" --out "$name.resumed" --resume "${sets[@]/#/--set=}" --set steps=$((ranks * 6 - 6))
    check_status "$name resumed" 0
  done
  check_same "$name resumed" "$name.1" "$name.resumed"
}

# flip FILE OFFSET: change all bits of one byte.
flip() {
  local byte
  byte=$(od -An -tu1 -j "$2" -N 1 "$1")
  # shellcheck disable=SC2059
  printf "\\x$(printf %02x $((byte ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# A small regression network; the caller appends what it wants of the sections that are not here.
write_mlp() {
  cat >"$1" <<'YAML'
task: {modes: [sinusoid, linear, quadratic], support: 5, query: 5}
learners: {count: 7}
model:
  init: glorot
  layers: [dense: 20, relu, dense: 20, relu, dense: 1]
inner: {steps: 2, rate: 0.002}
outer: {clip: 10}
YAML
}

# An image file of 20 classes with 12 images of 9 x 9 each, by way of IDX files. As text, two hex digits a byte, because
# a pattern of a class is then one line of awk.
write_images() {
  mkdir -p idx
  awk 'BEGIN {
    printf "00000803000000f00000000900000009"
    for (c = 0; c < 20; c++)
      for (i = 0; i < 12; i++)
        for (y = 0; y < 9; y++)
          for (x = 0; x < 9; x++)
            printf "%02x", ((x * (c % 5 + 1) + y * (int(c / 5) + 1)) * 17 + (x * 31 + y * 7 + i * 13) % 40) % 256
  }' | from_hex >idx/train-images-idx3-ubyte
  awk 'BEGIN {
    printf "00000801000000f0"
    for (c = 0; c < 20; c++)
      for (i = 0; i < 12; i++) printf "%02x", c
  }' | from_hex >idx/train-labels-idx1-ubyte
  "$OIKOS" import idx idx -o "$1" >import.out
}
from_hex() { perl -ne 'print pack "H*", $_'; }

write_conv() {
  cat >"$1" <<YAML
task: {source: images, file: $WORK/images.h5, ways: 3, support: 2, query: 2, split: fraction, test_fraction: 0.4}
learners: {count: 5}
model:
  loss: cross_entropy
  layers:
    - conv2d: {filters: 6, kernel: 3, padding: 1}
    - batch_norm
    - relu
    - max_pool: 2
    - flatten
    - dense: 3
inner: {steps: 2, rate: 0.1}
YAML
}
