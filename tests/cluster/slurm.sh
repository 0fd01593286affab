# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# What the scripts that need Slurm share: a Slurm of four nodes of their own, jobs on it, and its end.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cluster=$SOURCE/tools/cluster/slurm
# Four nodes are two cores here: no binding, and no spinning where others have work to do.
export OIKOS_BIND=none OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_rmaps_base_oversubscribe=1 TMPDIR=$WORK

took_down=
take_down() {
  [[ -z ${SLURM_CONF:-} || $took_down ]] || "$cluster" down || true
  took_down=yes
  clean_up
}
trap take_down EXIT

# Start it; where the machine cannot, skip with its reason.
bring_up() {
  local status=0 set
  set=$("$cluster" up 2>up.err) || status=$?
  [[ $status != 77 ]] || skip "$(tail -n 1 up.err)"
  [[ $status == 0 ]] || { cat up.err && fail "tools/cluster/slurm up: exit status $status" && finish; }
  eval "$set"
  folder=${SLURM_CONF%/slurm.conf}
}

# submit ARGS...: by tools/submit, with five minutes; sets job.
submit() {
  local status=0
  "$SOURCE/tools/submit" --time 00:05:00 "$@" >"$log.submit" 2>"$log.refused" || status=$?
  [[ $status == 0 ]] || { cat "$log.refused" && fail "tools/submit $*: exit status $status" && finish; }
  job=$(sed -n 's/^job \([0-9]*\) .*/\1/p' "$log.submit")
}

# await SECONDS WHAT COMMAND...: until the command succeeds; if it does not, a failure that says where the jobs are.
await() {
  local end=$((SECONDS + $1))
  until "${@:3}"; do
    ((SECONDS < end)) || {
      fail "$2: not within $1 s"
      squeue
      tail -n 15 ./*/*.log
      finish
    }
    sleep 0.1
  done
}
state() { scontrol show job -o "$1" | grep -oP '(?<= JobState=)\S*' | sort -u; }
ended() { [[ -z $(squeue -h --job "$1" -o %T 2>/dev/null) ]]; }
starts() { grep -s "start from step" "$1/attempts" | wc -l; }
started() { (($(starts "$1") >= $2)); }
has_checkpoint() { [[ $(newest "$1") ]]; }
