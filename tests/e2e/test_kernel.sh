#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Levels of processors and OpenBLAS's kernels: the best level that all ranks have is run by all, with the kernel that goes
# with it; a forced lower one computes too; a kernel that the user chose is left alone, and what is wrong with it is said.
. "$(dirname "$0")/common.sh"
write_mlp mlp.yaml
few=(--set steps=3 --set eval.episodes=5 --set log.every=1)
best=$(version level)
[[ $best == x86-64-v* ]] || skip "this build has one level, $best, and OpenBLAS's own kernel"
declare -A kernel=([x86-64-v2]=Nehalem [x86-64-v3]=Haswell [x86-64-v4]=SkylakeX)
levels=() # that this processor has
for level in x86-64-v2 x86-64-v3 x86-64-v4; do
  ! OIKOS_LEVEL=$level "$OIKOS" --version >/dev/null 2>&1 || levels+=("$level")
done
unset OIKOS_LEVEL

for level in "${levels[@]}"; do
  OIKOS_LEVEL=$level run_ranks 2 train mlp.yaml --out "$level" "${few[@]}"
  check_status "training at $level" 0
  check_match "the log of $level" "^oikos .* level $level, BLAS kernel ${kernel[$level]}\$" "$log.out"
  check_equal "$level: on stderr" "" "$(<"$log.err")"
done
run train mlp.yaml --out best "${few[@]}"
check_same "the best level is taken" "${levels[-1]}" best

# Ranks of several levels: the lowest for all, with its bits, and one line about it. A rank's level stands in for its processor.
if ((${#levels[@]} > 1)); then
  on_rank 1 "export OIKOS_LEVEL=${levels[0]}"
  launch "${mpirun[@]}" 3 ./rank "$OIKOS" train mlp.yaml --out mixed "${few[@]}"
  check_status "ranks of several levels" 0
  check_match "the line about it" "^oikos: 2 of 3 ranks could run level ${levels[-1]}, but .* has ${levels[0]} at most: all run that" "$log.err"
  check_equal "lines about it" 1 "$(wc -l <"$log.err")"
  check_same "the bits of the lowest" "${levels[0]}" mixed

  run train mlp.yaml --out "${levels[0]}" --resume "${few[@]}" --set steps=6
  check_match "resumed at another level" \
    "warning: .* was written with ${levels[0]}, .* OpenBLAS .* ${kernel[${levels[0]}]}, and this is ${levels[-1]}, .* ${kernel[${levels[-1]}]}: the bits will differ" "$log.out"
fi

# What cannot be: one message, on whichever rank it is.
OIKOS_LEVEL=x86-64-v9 run_ranks 3 train mlp.yaml --out wrong "${few[@]}"
check_status "an unknown level" 2
check_match "an unknown level" 'oikos: rank 0 on .*: OIKOS_LEVEL is x86-64-v9: expected one of x86-64-v2, x86-64-v3, x86-64-v4$' "$log.err"
check_equal "an unknown level: messages" 1 "$(grep -c 'oikos: ' "$log.err")"
if [[ ${levels[-1]} != x86-64-v4 ]]; then
  OIKOS_LEVEL=x86-64-v4 run train mlp.yaml --out wrong "${few[@]}"
  check_status "a level that the processor lacks" 2
  check_match "a level that the processor lacks" "this processor runs ${levels[-1]} at most" "$log.err"
fi

# A tree that lacks a library says so; without that of the best level the next one is run.
tree=$WORK/tree
mkdir -p "$tree/lib/glibc-hwcaps"
cp "$OIKOS" "$tree/oikos"
launch "$tree/oikos" train mlp.yaml --out none "${few[@]}"
check_status "no library" 1
check_match "no library" 'liboikos\.so\.0 is missing: it belongs at ' "$log.err"
cp -L "$(dirname "$OIKOS")/lib/liboikos.so.0" "$tree/lib/"
launch "$tree/oikos" --version
check_match "the lowest alone" '^level x86-64-v2$' "$log.out"

# The user's kernel.
OPENBLAS_CORETYPE=Nehalem run --version
check_match "the user's choice" '^BLAS kernel Nehalem$' "$log.out"
OPENBLAS_CORETYPE=Nehalem run train mlp.yaml --out poor "${few[@]}"
check_status "training with the user's choice" 0
check_equal "lines about a poor kernel" $((${#levels[@]} > 1)) \
  "$(grep -c 'OPENBLAS_CORETYPE=Nehalem is a poor kernel for this CPU; unset it' "$log.err")"
OPENBLAS_CORETYPE='' run --version
check_status "an empty OPENBLAS_CORETYPE" 0
check_match "an empty OPENBLAS_CORETYPE" "^BLAS kernel ${kernel[${levels[-1]}]}\$" "$log.out"

# Side by side with OpenBLAS's own choice where they differ, also on a rank of a job.
run bench gemm
check_match "a rate" 'large +1024 x 1024 x 1024 +[0-9.]+ +[0-9.]+' "$log.out"
export OPENBLAS_CORETYPE=Nehalem
for ranks in 1 2; do
  run_ranks $ranks bench gemm
  check_status "bench gemm on $ranks ranks" 0
  check_match "both kernels" "OpenBLAS's choice.* Nehalem \\(in use\\)" "$log.out"
  check_match "both rates" 'large +1024 x 1024 x 1024( +[0-9.]+ +([0-9]+ %|-)){2}$' "$log.out"
done
unset OPENBLAS_CORETYPE

# Ranks to which the user gave different kernels are told of.
on_rank 1 'export OPENBLAS_CORETYPE=Nehalem'
launch "${mpirun[@]}" 2 ./rank "$OIKOS" train mlp.yaml --out kernels "${few[@]}"
check_status "ranks with different kernels" 0
if ((${#levels[@]} > 1)); then
  check_match "the warning" "warning: 1 of 2 ranks do not compute with what rank 0 does \(.* ${kernel[${levels[-1]}]}\)" "$log.out"
fi
finish
