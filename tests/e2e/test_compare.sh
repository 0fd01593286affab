#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tools/bench/compare runs both sides and prints their ratio, whether they are two builds, two ranks and two processes, or
# oikos and PyTorch; it knows the same bits from others; the peer computes the right meta-gradient. No test is about a speed.
set -euo pipefail
source "$(dirname "$0")/common.sh"
[[ -z ${OIKOS_SANITIZED:-} ]] || skip "a second is too short for a program with sanitizers"
[[ -x /usr/bin/python3 ]] || skip "python3 is not installed"
compare=$SOURCE/tools/bench/compare
export PYTHONDONTWRITEBYTECODE=1
mkdir here
cd here
number='[0-9.,]+'
rates="( +$number \($number to $number\)){2}"
ratio=" +$number \($number to $number\)"

# Against another build, which is this one: the same bits, and both sides are measured.
build=$(dirname "$OIKOS")
LIMIT=300 launch "$compare" --against "$build" --same-bits --quick sinusoid-1 five-modes-5 conv4-5
check_status "compare --against itself" 0
for work in sinusoid-1 five-modes-5 conv4-5; do
  check_match "compare --against itself" "^$work$rates$ratio +equal\$" "$log.out"
done
for side in this other; do
  check_match "compare --against itself" "^$side: +$OIKOS: oikos .*, level $(version level), BLAS kernel $(version 'BLAS kernel')\$" "$log.out"
done

LIMIT=300 launch "$compare" --against "$build" --same-bits --evaluation --quick sinusoid-5
check_status "compare --against --evaluation" 0
check_match "compare --against --evaluation" "^sinusoid-5$rates$ratio +equal\$" "$log.out"

# Another one, found in the build folder of a source tree, whose weights are others.
mkdir -p "$WORK/another/build"
cat >"$WORK/another/build/oikos" <<EOF
#!/bin/sh
[ "\$1" != train ] || set -- "\$@" --set seed=7
exec "$OIKOS" "\$@"
EOF
chmod +x "$WORK/another/build/oikos"
launch "$compare" --against "$WORK/another" --quick sinusoid-1
check_status "compare --against another" 0
check_match "compare --against another" "^sinusoid-1$rates$ratio +differ \(other kernels or level\)\$" "$log.out"
launch "$compare" --against "$WORK/another" --same-bits --quick sinusoid-1
check_status "compare --against another --same-bits" 1
check_match "compare --against another --same-bits" 'after 5 steps the weights differ: sinusoid-1' "$log.err"

LIMIT=300 launch "$compare" --against "$build" --memory
check_status "compare --against --memory" 0
for row in 'conv4 +1' 'conv4 +5' 'conv4 +20' 'five-modes +5'; do
  check_match "compare --against --memory" "^$row +[0-9]+ +([+-][0-9.]+ +)?[0-9]+" "$log.out"
done

launch "$compare" --against nix
check_status "no other oikos" 1
check_match "no other oikos" 'there is no oikos in nix, nor in nix/build' "$log.err"
launch "$compare" --ranks --against "$build"
check_status "ranks against another build" 2

# Two ranks against two processes.
if (($(nproc) >= 2)); then
  launch "$compare" --ranks --quick sinusoid-1 conv4-5
  check_status "compare --ranks" 0
  for work in sinusoid-1 conv4-5; do check_match "compare --ranks" "^$work$rates$ratio\$" "$log.out"; done
fi

launch "$compare" nothing
check_status "an unknown work" 2
check_match "an unknown work" 'no work is called nothing; there are sinusoid-1' "$log.err"
OIKOS=nix launch "$compare" --against "$build" sinusoid-1
check_status "no oikos" 1
check_match "no oikos" 'nix is not there: run tools/build' "$log.err"


# PyTorch.
LIMIT=300 launch "$compare" --quick
check_status "compare --quick" 0
check_equal "compare: files left" "" "$(ls -A)"
if grep -q 'python3-torch is not installed' "$log.out"; then
  echo "not tried: PyTorch (python3-torch is not installed)"
  finish
fi
for work in sinusoid-1 sinusoid-5 five-modes-5 conv4-1 conv4-5; do
  check_match "compare --quick" "^$work$rates$ratio\$" "$log.out"
done
LIMIT=300 launch "$SOURCE/tools/bench/peer.py" --check # in double: no test of speed
check_status "peer.py --check" 0
finish
