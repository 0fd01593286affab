#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A run goes on under another MPI with the same bits. OIKOS_OTHER names an oikos that was built with another one,
# OIKOS_OTHER_MPIEXEC its mpirun; both must have the same compiler, C library and OpenBLAS.
. "$(dirname "$0")/common.sh"
[[ ${OIKOS_OTHER:-} ]] || skip "OIKOS_OTHER names no oikos that was built with another MPI"
mine=("${mpirun[@]}")
MPIEXEC=${OIKOS_OTHER_MPIEXEC:?set it to the mpirun of OIKOS_OTHER}
launcher_begin || exit 1
others=("${mpirun[@]}")
write_mlp mlp.yaml

# train WHOSE RANKS RUN STEPS, and on from where RUN stands
train() {
  local -n launcher_of=$1
  local program=$OIKOS
  [[ $1 != others ]] || program=$OIKOS_OTHER
  launch "${launcher_of[@]}" "$2" "$program" train mlp.yaml --out "$3" --resume --set steps="$4"
  check_status "$1 on $2 ranks to step $4" 0
  ! grep -q 'the bits will differ' "$log.out" || fail "the two do not compute with the same: $(grep 'will differ' "$log.out")"
}

train mine 2 whole 12
train others 2 here 4
train mine 3 here 8
train others 1 here 12
check_same "resumed under another MPI and back" whole here
train mine 1 there 6
train others 3 there 12
check_same "resumed under another MPI" whole there
finish
