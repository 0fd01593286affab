#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Open MPI 5.0.7 (Debian 13): mpirun has a program on two hosts, each with a daemon of its own, and the daemon of the second is
# killed, as when the host is lost. mpirun says that it "will therefore terminate the job", does so, and exits with status 0.
# Guessed: a status other than 0, as when a rank is killed, and as Open MPI 4.1 has it for the same loss.
# Bears on oikos: `mpirun oikos train ... && next` goes on after a lost host. The job scripts ask the run whether it is at its end
# (jobs/functions.sh, finished), and jobs/README.md says so.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
packages "Debian 13" openmpi-bin=5.0.7-1 openmpi-common=5.0.7-1 libopenmpi40=5.0.7-1 libpmix2t64=5.0.7-1

# A remote shell that stays on this machine.
printf '#!/bin/sh\nshift\nexec sh -c "$*"\n' >agent
chmod +x agent
export LD_LIBRARY_PATH=$libraries:$libraries/pmix2/lib:$root/lib/x86_64-linux-gnu PRTE_PREFIX=$root/usr PMIX_PREFIX=$libraries/pmix2
export OPAL_PREFIX=$root/usr PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
status_without() { # the process of the second host that this names
  # shellcheck disable=SC2016
  "$root/usr/bin/prterun" --prefix "$root/usr" --prtemca plm ssh --prtemca plm_ssh_agent "$WORK/agent" \
    --host localhost:1,127.0.0.2:1 -n 2 sh -c 'echo $$ >rank.$PMIX_RANK; exec sleep 60' >said 2>&1 </dev/null &
  local job=$! status=0
  for _ in $(seq 100); do [[ ! -s rank.0 || ! -s rank.1 ]] || break; sleep 0.1; done
  [[ -s rank.1 ]] || { cat said; skip "two ranks could not be started"; }
  "$1" || true
  wait $job || status=$?
  pkill -KILL -F rank.1 2>/dev/null || true
  rm -f rank.?
  echo "$status"
}
kill_rank() { kill -KILL "$(<rank.1)"; }
kill_daemon() { kill -KILL "$(ps -o ppid= -p "$(<rank.1)" | tr -d ' ')"; }
expect "exit status when the rank is killed" 137 "$(status_without kill_rank)"
expect "exit status when the daemon is killed" 0 "$(status_without kill_daemon)"
grep -q "lost communication with a remote daemon" said || { cat said; exit 1; }
