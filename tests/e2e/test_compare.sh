#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tools/bench/compare runs both sides and prints their ratio; the peer computes the right meta-gradient. No test is about
# a speed.
set -euo pipefail
source "$(dirname "$0")/common.sh"
[[ -z ${OIKOS_SANITIZED:-} ]] || skip "a second is too short for a program with sanitizers"
[[ -x /usr/bin/python3 ]] || skip "python3 is not installed"
compare=$SOURCE/tools/bench/compare
export PYTHONDONTWRITEBYTECODE=1
mkdir here
cd here

LIMIT=300 launch "$compare" --quick
check_status "compare --quick" 0
grep -q 'python3-torch is not installed' "$log.out" && skip "python3-torch is not installed"
number='[0-9.,]+'
for work in sinusoid-1 sinusoid-5 five-modes-5 conv4-1 conv4-5; do
  check_match "compare --quick" "^$work +$number \($number to $number\) +$number \($number to $number\) +$number \($number to $number\)\$" \
    "$log.out"
done
check_equal "compare: files left" "" "$(ls -A)"

launch "$compare" nothing
check_status "an unknown work" 2
check_match "an unknown work" 'no work is called nothing; there are sinusoid-1' "$log.err"
OIKOS=nix launch "$compare" sinusoid-1
check_status "no oikos" 1
check_match "no oikos" 'nix is not there: run tools/build' "$log.err"

LIMIT=300 launch "$SOURCE/tools/bench/peer.py" --check # in double: no test of speed
check_status "peer.py --check" 0
finish
