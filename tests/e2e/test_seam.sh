#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The seam to parallel files: what one rank cannot open ends all ranks with one message; paths of the greatest length work.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# All that is said to MPI-IO and HDF5's parallel driver stands in one file.
calls='MPI_File_|H5Pset_fapl_mpio|H5Pset_mpi_params|MPI_Win_'
others=$(grep -rlE "$calls" "$SOURCE/src" "$SOURCE/include" --include='*.[ch]' | grep -v '/store/mpiio\.c$' || true)
check_equal "files beside store/mpiio.c that speak to MPI-IO" "" "$others"

write_images images.h5
write_conv conv.yaml
mkdir here there
cp images.h5 here/
train=("$OIKOS" train "$WORK/conv.yaml" --out "$WORK/run" --set steps=2 --set eval.episodes=0 --set task.file=images.h5)

# one_rank_without WHAT REGEX [STATEMENT]: rank 1 works in ./there, the others in ./here; all end, with one message that says where.
one_rank_without() {
  on_rank 1 "cd $WORK/there ${3:-}"
  for ranks in 2 3; do
    LIMIT=60 launch env -C "$WORK/here" "${mpirun[@]}" $ranks "$WORK/rank" "${train[@]}"
    check_status "$1, $ranks ranks" '[12]'
    check_match "$1, $ranks ranks" "^oikos: images.h5: on $(hostname) \(rank 1; 1 of $ranks ranks\): $2" "$log.err"
    check_one_line "$1, $ranks ranks: on stderr" "$log.err"
  done
}
one_rank_without "no data file" "it cannot be opened: it does not exist"
mkfifo there/images.h5
one_rank_without "a pipe as data file" "it is not a readable HDF5 file, but a device or a pipe"
rm there/images.h5
mkdir there/images.h5
one_rank_without "a folder as data file" "it is not a readable HDF5 file, but a folder"
rmdir there/images.h5
other="it has [0-9]+ bytes, but [0-9]+ on rank 0: it must be the same file everywhere"
head -c 3000 images.h5 >there/images.h5
one_rank_without "a cut data file" "$other"
: >there/images.h5
one_rank_without "an empty data file" "it is not a readable HDF5 file: it is empty"
rm there/images.h5
cp images.h5 there/
if [[ -z ${OIKOS_SANITIZED:-} ]]; then # which must be loaded first
  cc -w -O1 -shared -fPIC -o losses.so "$SOURCE/tools/bench/losses.c" -ldl
  one_rank_without "a data file that may not be read" "it cannot be opened: Permission denied" \
    "&& export LD_PRELOAD=$WORK/losses.so LOSS_PATH=$WORK/there/ LOSS_CALLS=o LOSS_ERRNO=13 LOSS_AFTER=0"
fi

# Data of 16 MB where /dev/shm has 12, of which MPI needs some for itself; and on ranks that cannot share memory.
mkdir idx.large
{ printf '\0\0\010\003\0\0\020\0\0\0\0\100\0\0\0\100' && head -c $((4096 * 4096)) /dev/urandom; } >idx.large/train-images-idx3-ubyte
{ printf '\0\0\010\001\0\0\020\0' && awk 'BEGIN { for (i = 0; i < 4096; i++) printf "%02x", i % 16 }' | from_hex; } >idx.large/train-labels-idx1-ubyte
run import idx idx.large -o large.h5
check_status "import of 16 MB" 0
sed "s/images\.h5/large.h5/; s/test_fraction: 0.4/test_fraction: 0.5/" conv.yaml >large.yaml
small=(train large.yaml --set steps=2 --set eval.episodes=0)
run_ranks 2 "${small[@]}" --out roomy
check_status "a large file" 0
if [[ $(id -u) == 0 ]] && unshare --mount true 2>/dev/null; then
  # shellcheck disable=SC2016
  launch unshare --mount bash -c 'mount -t tmpfs -o size=12m none /dev/shm && exec "$@"' bash "${mpirun[@]}" 2 "$OIKOS" "${small[@]}" --out tight
  check_status "a small /dev/shm" 0
  check_same "a small /dev/shm" roomy tight
  on_rank 1 'exec unshare --pid --fork --mount-proc "$@"' # its processes have numbers of their own
  export OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_smsc=^cma
  launch "${mpirun[@]}" 2 ./rank "$OIKOS" "${small[@]}" --out apart
  check_status "ranks that cannot share memory" 0
  check_match "ranks that cannot share memory" "warning: 2 of 2 ranks hold a copy of the data of their own" "$log.out"
  check_same "ranks that cannot share memory" roomy apart
else
  echo "not tried: a small /dev/shm (a mount namespace is not permitted here)"
fi

# The longest path of a run and of a data file, and one longer.
deep=$WORK
while ((${#deep} < 800)); do deep=$deep/$(printf 'd%.0s' {1..200}); done
deep=$deep/$(printf 'r%.0s' $(seq $((1023 - ${#deep} - 1))))
mkdir -p "${deep%/*}"
for again in "" --resume; do
  run_ranks 2 train conv.yaml --out "$deep" --set steps=2 --set eval.episodes=0 $again
  check_status "a run's path of ${#deep} bytes $again" 0
done
check_equal "a run's path of ${#deep} bytes: checkpoints" "step-000000000002.h5" "$(ls "$deep/checkpoints")"
run_ranks 2 train conv.yaml --out "${deep}x" --set steps=2
check_status "a run's path of 1024 bytes" 2
check_match "a run's path of 1024 bytes" "path is longer than 1023 bytes" "$log.err"
cp images.h5 "${deep%/*}/i.h5"
run_ranks 2 train conv.yaml --out far --set steps=2 --set eval.episodes=0 --set "task.file=${deep%/*}/i.h5"
check_status "a data file of a long path" 0
finish
