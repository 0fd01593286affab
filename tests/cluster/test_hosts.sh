#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# On four hosts over TCP, fast or slow, training leaves the bits of one rank. When a rank, a daemon or a whole host is
# lost, the job ends within 15 seconds with one message that names the host, nothing of it lives on, and a resumed run on
# the hosts that are left ends with the digest of an undisturbed one.
set -euo pipefail
source "$(dirname "$0")/../e2e/common.sh"
[[ ${OIKOS_CLUSTER:-} == 1 ]] || skip "several hosts are set up where OIKOS_CLUSTER=1 says so"

hosts=$SOURCE/tools/cluster/hosts
hosts_of=oikos-$$ # each part of this test has hosts of its own, in /run/$hosts_of-PART
clean_up_hosts() {
  local state
  for state in "/run/$hosts_of"-*; do
    [[ ! -e $state ]] || OIKOS_HOSTS=$state "$hosts" down
  done
  clean_up
}
trap clean_up_hosts EXIT

# bring_up PART [OPTION...]
bring_up() {
  export OIKOS_HOSTS=/run/$hosts_of-$1
  "$hosts" up --while $$ "${@:2}"
}
run_hosts() { launch "$hosts" run "$@"; } # [OPTION...] -n N PROGRAM ...

write_mlp mlp.yaml
training=(train mlp.yaml --set home.count=3 --set home.owns=all --set log.every=1 --set checkpoint.every=10
  --set eval.episodes=0)

# same_bits PART [OPTION...]: on hosts with these options.
same_bits() {
  bring_up "$@"
  check_equal "$1: hosts of the ranks" "h1 h2 h3 h4" "$("$hosts" run -n 4 hostname | sort | xargs)"
  run_hosts -n 4 "$OIKOS" "${training[@]}" --set steps=30 --out "$1"
  check_status "$1" 0
  check_same "$1" one "$1"
  "$hosts" down
}

running_on() { # HOST PATTERN: numbers of the processes there whose program's name matches
  local p
  for p in $("$hosts" processes "$1"); do
    [[ ! $(basename "$(tr "\0" "\n" 2>/dev/null <"/proc/$p/cmdline" | head -1)") =~ $2 ]] || echo "$p"
  done
}
kill_rank() { kill -9 $(running_on h3 '^oikos$'); }
kill_daemon() { kill -9 $(running_on h3 "$(launcher_processes)"); }
cut_network() { "$hosts" cut h3; }

# ends_soon PART MESSAGE SINCE: the job that lost something of h3 at that second.
ends_soon() {
  end_of_job
  ((SECONDS - $3 <= 15)) || fail "$1: the job took $((SECONDS - $3)) s to end"
  [[ $status != 124 && ($status != 0 || $launcher == ompi5) ]] || fail "$1: exit status $status" # 0: findings/openmpi_lost_host.sh
  while [[ -n $("$hosts" processes) ]] && ((SECONDS - $3 < 15)); do sleep 0.1; done
  check_equal "$1: processes on the hosts after $((SECONDS - $3)) s" "" "$("$hosts" processes)"
  check_match "$1" "$2" "$log.raw"
  check_equal "$1: lines that name the host" 1 "$(grep -caE "$2" "$log.raw")"
  echo "$1: ended with status $status after $((SECONDS - $3)) s: $(grep -aE "$2" "$log.raw" | xargs)"
}

# goes_on PART MESSAGE COMMAND...: the command takes something away; the job goes on without h3.
beyond_a_checkpoint() { (($(last_step "$1") > 12)); }
goes_on() {
  local part=$1 since saved reached end
  bring_up "$part"
  start "$hosts" run -n 4 "$OIKOS" "${training[@]}" --set steps=1000000000 --out "$part"
  wait_for "a step after a checkpoint" beyond_a_checkpoint "$part"
  since=$SECONDS
  "${@:3}"
  ends_soon "$part" "$2" "$since"
  saved=$(step_of "$(newest "$part")")
  reached=$(last_step "$part")
  end=$(((reached > saved ? reached : saved) + 3))
  run_hosts --host h1,h2,h4 -n 3 "$OIKOS" "${training[@]}" --set steps=$end --out "$part" --resume
  check_status "$part: resumed" 0
  check_match "$part" "^resumed from .* at step $saved\$" "$log.out"
  check_equal "$part: files left over" "" "$(find "$part/checkpoints" -name '*.tmp*')"
  run "${training[@]}" --set steps=$end --out "$part.whole"
  check_same "$part" "$part.whole" "$part"
  "$hosts" down
}

# Without the daemons' own keepalive, as under srun: the ranks find it themselves, on both sides of the cut.
silent() {
  local since
  bring_up "$1"
  LAUNCHER_KEEPALIVE=0 start "$hosts" run -n 4 "$OIKOS" "${training[@]}" --set steps=1000000000 --out "$1"
  wait_for "a step after a checkpoint" beyond_a_checkpoint "$1"
  since=$SECONDS
  cut_network
  while [[ -n $(running_on h3 '^oikos$')$(running_on h4 '^oikos$') ]] && ((SECONDS - since < 20)); do sleep 0.2; done
  ((SECONDS - since <= 15)) || fail "$1: the ranks took $((SECONDS - since)) s to end"
  check_match "$1" "^oikos: rank 2 on h3 \(process [0-9]+\): its host has not answered for 10 s \(run.keepalive\), .*--resume" "$log.err"
  echo "$1: the ranks ended after $((SECONDS - since)) s: $(grep -a '^oikos: ' "$log.err")"
  { "$hosts" down && end_of_job; } 2>/dev/null # which mpirun does not survive
}

# The exact all-reduce against the bare one. What 100 Mbit/s let through shows that it is the network that is measured.
reduce() {
  bring_up "$@"
  run_hosts -n 4 "$OIKOS" bench reduce --elements=20000
  check_status "bench reduce, $1" 0
  echo "bench reduce, 20000 numbers on four hosts, $1:"
  grep -E 'min ms|all-reduce' "$log.out"
  "$hosts" down
}

# Where it cannot be, it says so; where the process that it is for ends, it goes away.
manners() {
  local code=0
  export OIKOS_HOSTS=/run/$hosts_of-manners
  if setpriv --reuid=65534 --clear-groups test -x "$hosts"; then
    setpriv --reuid=65534 --clear-groups "$hosts" up 2>said || code=$?
    check_equal "without root: exit status" 77 "$code"
    check_match "without root" 'cannot: it takes root' said
  fi
  sleep 1 &
  "$hosts" up --hosts 2 --while $!
  code=0
  "$hosts" up 2>said || code=$?
  check_equal "twice: exit status" 1 "$code"
  wait $!
  sleep 2
  [[ ! -e $OIKOS_HOSTS ]] || fail "hosts outlive the process they were for"
}

rank_is_gone='process rank 2 .*on node h3 exited on signal 9'
[[ $launcher != ompi5 ]] || rank_is_gone='Peer host: +h3|on node h3 exited on'
bring_up probe --hosts 1 || skip "several hosts cannot be had here"
"$hosts" down
run "${training[@]}" --set steps=30 --out one
apart tcp same_bits tcp
apart slow same_bits slow --rate 20mbit
gather # two at a time: waiting ranks take their share of the cores, too
apart rank goes_on rank "$rank_is_gone" kill_rank
apart daemon goes_on daemon 'Remote daemon: .* on node h3' kill_daemon
gather
apart network goes_on network 'Remote daemon: .* on node h3' cut_network
apart silent silent silent
apart manners manners
gather
reduce unlimited
reduce 100mbit --rate 100mbit
check_equal "namespaces left over" "" "$(ip netns list | grep "$hosts_of")"
check_equal "files left over" "" "$(find /run -maxdepth 1 -name "$hosts_of*")"
finish
