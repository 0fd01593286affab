#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# When a file cannot be written, by a limit on file sizes or because the disk is full, all ranks end with one clear
# message and exit status 1, and what was there before is as it was.
set -euo pipefail
source "$(dirname "$0")/common.sh"

cat >big.yaml <<'YAML'
task: {support: 2, query: 2}
learners: {count: 2}
model:
  layers: [dense: 1500, relu, dense: 1500, relu, dense: 1]
inner: {order: first, rate: 0.0001}
YAML
write_mlp small.yaml

# check_failed WHAT RUN REGEX EVERY: how the last run ended, and what it left.
check_failed() {
  check_status "$1" 1
  local next=$(($(step_of "$(newest "$2")") + $4))
  check_match "$1" "^oikos: checkpoint .*step-0*$next\.h5 could not be written: .*($3)" "$log.err"
  check_one_line "$1: on stderr" "$log.err"
  check_equal "$1: files left over" "" "$(find "$2" -name '*.tmp*')"
  run_ranks 2 eval "$2" --episodes 4
  check_status "$1: eval of the checkpoint before" 0
}

# A file size limit, in KiB. Open MPI wants files of up to 16 MiB for itself; the checkpoint has 27.
train=(train big.yaml --set eval.episodes=0)
run_ranks 2 "${train[@]}" --set steps=1 --out run
check_status "without a limit" 0
before=$(sha256sum run/checkpoints/*.h5)
for ranks in 1 3; do
  # shellcheck disable=SC2016
  launch "${mpirun[@]}" $ranks bash -c 'ulimit -f 20000; exec "$OIKOS" "$@"' bash "${train[@]}" --set steps=2 --out run \
    --resume
  check_failed "file size limit on $ranks ranks" run "File too large" 1
  check_equal "file size limit on $ranks ranks: checkpoints" "$before" "$(sha256sum run/checkpoints/*.h5)"
done
run_ranks 2 "${train[@]}" --set steps=2 --out run --resume
check_status "without a limit again" 0

# Standard output may be a file on a full disk as well.
for args in --help --version "config small.yaml" "inspect $(newest run)"; do
  status=0
  "$OIKOS" $args >/dev/full 2>"$log.err" || status=$?
  check_status "${args%% /*} >/dev/full" 1
done

# A full disk: every tenth step one more checkpoint into 3 MB.
mkdir disk
if [[ $(id -u) == 0 ]] && mount -t tmpfs -o size=3m tmpfs disk 2>/dev/null; then
  echo "$WORK/disk" >mounted
  run_ranks 3 train small.yaml --set 'model.layers=[dense: 200, relu, dense: 200, relu, dense: 1]' --set eval.episodes=0 \
    --set steps=1000 --set checkpoint.every=10 --set checkpoint.keep=1000 --out disk/run
  check_failed "full disk" disk/run "No space left on device" 10

  dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null || true # now there is no byte left
  config=$(<disk/run/config.yaml)
  run_ranks 2 train disk/run/config.yaml --out disk/run --resume
  check_status "resumed on a full disk" 1
  check_equal "resumed on a full disk: config.yaml" "$config" "$(<disk/run/config.yaml)"
  write_images images.h5
  rm -rf disk/fill disk/run
  run gradcheck small.yaml --dump disk/kept.h5
  check_status "gradcheck --dump" 0
  kept=$(sha256sum <disk/kept.h5)
  dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null || true
  run gradcheck small.yaml --dump disk/kept.h5
  check_status "gradcheck --dump over a file" 1
  check_equal "gradcheck --dump over a file: what stood there" "$kept" "$(sha256sum <disk/kept.h5)"
  for args in "import idx idx -o disk/new.h5" "gradcheck small.yaml --dump disk/new.h5" \
    "train small.yaml --out disk/new.h5"; do
    run $args
    check_status "$args" 1
    check_match "$args" "^oikos: .*disk/new\.h5.*(cannot|could not) be (created|written)" "$log.err"
    check_one_line "$args: on stderr" "$log.err"
    check_equal "$args: files left over" "" "$(find disk -name 'new*' -type f)"
    rm -rf disk/new*
  done
else
  echo "not tried: a full disk (mount -t tmpfs is not permitted here)"
fi
newer() { [[ $(newest "$1") != "$2" ]]; }
# loses RANK ARGUMENTS...: that rank alone, of three, loses what LOSS_* say.
loses() {
  on_rank "$1" "export LD_PRELOAD=$WORK/losses.so"
  start "${mpirun[@]}" 3 ./rank "$OIKOS" "${@:2}"
  begin=$SECONDS
}
if [[ -z ${OIKOS_SANITIZED:-} ]]; then # which must be loaded first
  cc -w -O1 -shared -fPIC -o losses.so "$SOURCE/tools/bench/losses.c" -ldl
  # A disk that one rank alone loses, between two writes or within one: the others wait in MPI-IO, and the job ends all the same,
  # with one message; the next one goes on from the newest checkpoint.
  for lost in "0 u" "1 u" "1 wu"; do
    LOSS_PATH=$WORK/lost/ LOSS_CALLS=${lost#* } LOSS_ERRNO=5 LOSS_WHEN=$WORK/gone loses "${lost% *}" train small.yaml \
      --set steps=100000000 --set checkpoint.every=20 --set log.every=20 --out "$WORK/lost" --resume
    wait_for "a disk lost by rank $lost: a checkpoint" newer lost "$(newest lost)"
    touch gone
    begin=$SECONDS
    end_of_job
    rm gone
    check_status "a disk lost by rank $lost" '[1-9]*'
    ((SECONDS - begin <= 20)) || fail "a disk lost by rank $lost: the job ended after $((SECONDS - begin)) s"
    check_match "a disk lost by rank $lost" "^oikos: .*(Input/output error|file write failed|MPI_File_write_at failed)" "$log.err"
    check_equal "a disk lost by rank $lost: lines of oikos" 1 "$(grep -c '^oikos: ' "$log.err")"
    check_equal "a disk lost by rank $lost: ranks left behind" "" "$(ranks_with "$WORK/lost")"
    at=$(step_of "$(newest lost)")
    run train small.yaml --set steps=$((at + 5)) --set checkpoint.every=20 --set log.every=20 --out lost --resume
    check_status "a disk lost by rank $lost: resumed" 0
    check_match "a disk lost by rank $lost: resumed" "^resumed from .* at step $at$" "$log.out"
  done
  # What MPI puts its memory in, from the start: some MPIs can do without it; MPICH ends the program itself, with its own words;
  # Open MPI 5 may add its own to the one line, and cut it.
  for lost in 0 1; do
    LOSS_PATH=/dev/shm/ LOSS_CALLS=owu LOSS_ERRNO=13 LOSS_AFTER=0 loses $lost train small.yaml --set steps=20 --out "no-shm-$lost"
    end_of_job
    ((SECONDS - begin <= 20)) || fail "/dev/shm lost by rank $lost: the job ended after $((SECONDS - begin)) s"
    [[ $status != 0 ]] && ! grep -q '^Abort(.*Init_thread' "$log.err" || continue
    check_equal "/dev/shm lost by rank $lost: lines of oikos" 1 "$(grep -c '^oikos: ' "$log.err")"
    grep -q 'MPI_INIT has failed' "$log.err" || check_one_line "/dev/shm lost by rank $lost" "$log.err"
  done
fi
finish
