#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The OpenBLAS kernel trap: where the kernel is poor for the CPU the program chooses a better one, says so in one line, and
# computes with it; a kernel that the user chose is left alone. (OIKOS_KERNEL=auto makes a poor choice of the environment
# count as OpenBLAS's own, which stands in for a CPU that OpenBLAS does not know.)
. "$(dirname "$0")/common.sh"
grep -q avx2 /proc/cpuinfo || skip "this CPU has no AVX2: no kernel is poor on it"
best=Haswell
grep -q avx512vl /proc/cpuinfo && best=SkylakeX
write_mlp mlp.yaml
few=(--set steps=3 --set eval.episodes=5 --set log.every=1)

export OPENBLAS_CORETYPE=Nehalem
run --version
check_match "the user's choice" '^BLAS kernel Nehalem$' "$log.out"

run train mlp.yaml --out poor "${few[@]}"
check_status "training with the user's choice" 0
check_equal "lines about it" 1 "$(grep -c 'OPENBLAS_CORETYPE=Nehalem is a poor kernel for this CPU; unset it' "$log.err")"

export OIKOS_KERNEL=auto
run --version
check_match "a better kernel" "^BLAS kernel $best\$" "$log.out"
run_ranks 2 train mlp.yaml --out chosen "${few[@]}"
check_status "training with the better kernel" 0
check_equal "lines about the kernel" 1 "$(grep -c "OpenBLAS chose its Nehalem kernel, which is poor on this CPU; running with $best" "$log.err")"

unset OIKOS_KERNEL
OPENBLAS_CORETYPE=$best run train mlp.yaml --out set "${few[@]}"
check_same "the same bits as with that kernel set" set chosen

OPENBLAS_CORETYPE='' run --version
check_status "an empty OPENBLAS_CORETYPE" 0
unset OPENBLAS_CORETYPE
run bench gemm
check_match "both kernels side by side" "OpenBLAS's choice" "$log.out"
check_match "a rate" 'large +1024 x 1024 x 1024 +[0-9.]+ +[0-9.]+' "$log.out"

# side by side where they differ, also on a rank of a job
export OPENBLAS_CORETYPE=Nehalem
for ranks in 1 2; do
  run_ranks $ranks bench gemm
  check_status "bench gemm on $ranks ranks" 0
  check_match "both kernels" "OpenBLAS's choice.* Nehalem \\(in use\\)" "$log.out"
  check_match "both rates" 'large +1024 x 1024 x 1024( +[0-9.]+ +([0-9]+ %|-)){2}$' "$log.out"
done
unset OPENBLAS_CORETYPE

# ranks with different kernels are told of
launch mpirun -q --oversubscribe --bind-to none -n 1 -x OPENBLAS_CORETYPE=$best "$OIKOS" train mlp.yaml --out mixed "${few[@]}" : \
  -n 1 -x OPENBLAS_CORETYPE=Nehalem "$OIKOS" train mlp.yaml --out mixed "${few[@]}"
check_status "ranks with different kernels" 0
check_match "the warning" "warning: 1 of 2 ranks run another OpenBLAS kernel than rank 0 \($best\)" "$log.err"
finish
