#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The seam to parallel files: what one rank cannot open ends all ranks with one message; paths of the greatest length work.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# All that is said to MPI-IO and HDF5's parallel driver stands in one file.
calls='MPI_File_|H5Pset_fapl_mpio|H5Pset_mpi_params'
others=$(grep -rlE "$calls" "$SOURCE/src" "$SOURCE/include" --include='*.[ch]' | grep -v '/store/mpiio\.c$' || true)
check_equal "files beside store/mpiio.c that speak to MPI-IO" "" "$others"

write_images images.h5
write_conv conv.yaml
mkdir here there
cp images.h5 here/
train=("$OIKOS" train "$WORK/conv.yaml" --out "$WORK/run" --set steps=2 --set eval.episodes=0 --set task.file=images.h5)

# one_rank_without WHAT REGEX: rank 1 works in ./there, the others in ./here; all end, with one message that says where.
one_rank_without() {
  on_rank_1 "cd $WORK/there"
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
head -c 3000 images.h5 >there/images.h5
one_rank_without "a cut data file" "it is not a readable HDF5 file"
: >there/images.h5
one_rank_without "an empty data file" "it is not a readable HDF5 file: it is empty"
finish
