# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the job scripts share: starting ranks on the nodes of a job, and going on after whatever ended them.

# shellcheck source=jobs/launcher.sh
source "$jobs/launcher.sh"

# Inside a rank: one OpenMP thread per CPU of --cpus-per-task, next to each other; none of BLAS's own.
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1} OMP_PLACES=cores OMP_PROC_BIND=close OPENBLAS_NUM_THREADS=1
[[ $OIKOS_BIND != none ]] || OMP_PROC_BIND=false

say() { echo "[$(date +%FT%T) job ${SLURM_JOB_ID}] $*"; }

# The nodes of this job, one a line.
nodes_of_job() { scontrol show hostnames "$SLURM_JOB_NODELIST"; }

# start "NODE..." COMMAND...: become the ranks of COMMAND on these nodes, --ntasks-per-node on each.
start() {
  local nodes count per_node=${SLURM_NTASKS_PER_NODE:-1} bind
  nodes=$(paste -sd, <<<"${1// /$'\n'}")
  count=$(wc -w <<<"$1")
  case $OIKOS_LAUNCHER in
  srun)
    case $OIKOS_BIND in core) bind=cores ;; socket) bind=sockets ;; *) bind=none ;; esac
    # srun does not take --cpus-per-task from the job by itself. One rank that fails ends all.
    exec srun --mpi="$OIKOS_SRUN_MPI" --kill-on-bad-exit=1 --cpu-bind="$bind" --cpus-per-task="$OMP_NUM_THREADS" \
      --nodes="$count" --nodelist="$nodes" --ntasks="$((count * per_node))" --ntasks-per-node="$per_node" \
      "$jobs/rank" "${@:2}" </dev/null
    ;;
  mpirun)
    launcher_begin || exit 2
    launcher_place "$per_node" "$OMP_NUM_THREADS" "$OIKOS_BIND" "$nodes"
    exec "$MPIEXEC" "${place[@]}" -n "$((count * per_node))" "${@:2}" </dev/null
    ;;
  *)
    echo "OIKOS_LAUNCHER is $OIKOS_LAUNCHER: expected srun or mpirun (jobs/site.sh)" >&2
    exit 2
    ;;
  esac
}

# ranks "NODE..." COMMAND...: start them, wait for their end, and set `status` to how it went. SIGUSR1 and SIGTERM to this
# script are passed on as SIGUSR1, upon which oikos writes a checkpoint and exits with 75, and set `told`; more than once,
# since ranks that are just starting may miss the first.
ranks() {
  local pid again nag=
  told=
  start "$@" &
  pid=$!
  trap 'told=yes again=yes; [[ $nag ]] || { pass_on "$pid" & nag=$! && disown; }' USR1 TERM
  again=yes
  while [[ $again ]]; do # a signal ends `wait` before the ranks end
    again=
    status=0
    wait "$pid" || status=$?
  done
  trap '' USR1 TERM
  [[ ! $nag ]] || kill -KILL "$nag" 2>/dev/null || true
}

pass_on() {
  trap '' USR1 TERM
  while kill -USR1 "$1" 2>/dev/null; do sleep 5; done
}

# The step of the newest checkpoint in a run directory, 0 if there is none.
step_of() {
  local file
  file=$(find "$1/checkpoints" -name 'step-*.h5' 2>/dev/null | sort | tail -n 1)
  [[ $file =~ step-0*([0-9]+)\.h5$ ]] && echo "${BASH_REMATCH[1]}" || echo 0
}

# Whether a run is at its last step. srun's word is not enough: it exits with 0 when its own node's slurmd has died.
finished() { [[ $(step_of "$1") == "$(sed -n 's/^steps: //p' "$1/config.yaml")" ]]; }

# The nodes among "NODE..." on which something can be started, in one line.
nodes_that_answer() {
  local node
  for node in $1; do
    (timeout 20 srun --overlap --mpi=none --nodes=1 --ntasks=1 --nodelist="$node" true </dev/null >/dev/null 2>&1 &&
      echo "$node") &
  done | sort -V | paste -sd' '
}

# What `scontrol show job` says of this job under KEY.
of_job() { scontrol show job -o "$SLURM_JOB_ID" 2>/dev/null | grep -oP "(?<= $1=)\S*"; }

# Whether Slurm still runs this job, and by this script: where the node's slurmd has died, the script lives on, while the job
# is started elsewhere.
ours() { [[ $(of_job JobState)/$(of_job Restarts) == RUNNING/${SLURM_RESTART_COUNT:-0} ]]; }

leave() {
  say "Slurm has taken this job away ($(of_job JobState)): if it is back in the queue (squeue --job $SLURM_JOB_ID) it goes on by itself, else submit it again"
  exit "$status"
}

# Back into the queue, to start from the top when there is room.
requeue() {
  say "$*: back into the queue"
  scontrol requeue "$SLURM_JOB_ID"
  exit 0 # Slurm ends the script here, at the latest
}

# Ranks that srun could not end because this node's slurmd has died would keep the run directory from the next start.
end_leftovers() {
  grep -lzxF "SLURM_JOB_ID=$SLURM_JOB_ID" /proc/[0-9]*/environ 2>/dev/null |
    xargs -r grep -lzxF "SLURMD_NODENAME=$SLURMD_NODENAME" 2>/dev/null |
    xargs -r grep -lz '^SLURM_STEP_ID=' 2>/dev/null | cut -d/ -f3 | xargs -r kill -KILL 2>/dev/null || true
}

# train_to_the_end CONFIG RUN [KEY=VALUE]...: train, or go on with RUN, through time limits, preemption, lost ranks and lost
# nodes. RUN/attempts has a line for each start and each end.
#
# exit of oikos   means                                         what is done
# 0               trained to the last step                      done
# 75              told to stop, and a checkpoint was written    back into the queue
# 69              another job works in the run directory        try again in half a minute: it may be dying ranks of a node
#                                                               that was lost; at most OIKOS_MAX_LOSSES times
# 1, 2            an error of the run or its configuration      end: it would come again
# other           a rank or node was lost, or stood still (70)  go on with the nodes left, if there was a checkpoint since
#                                                               the start; at most OIKOS_MAX_LOSSES times. (Slurm, when it
#                                                               finds the node lost, puts the job back into the queue.)
train_to_the_end() {
  local config=$1 run=$2 sets=("${@:3}") nodes all step losses=0 verb=start
  nodes=$(nodes_of_job | paste -sd' ')
  mkdir -p "$run"
  while :; do
    step=$(step_of "$run")
    check_attempts "$run" "$step"
    say "$verb from step $step on $nodes" | tee -a "$run/attempts"
    verb=start
    ranks "$nodes" "$OIKOS" train "$config" --out "$run" --resume "${sets[@]/#/--set=}"
    say "exit status $status at step $(step_of "$run")" | tee -a "$run/attempts"
    end_leftovers
    [[ $status != 0 ]] || ! finished "$run" || exit 0
    ours || leave
    [[ $status != 75 && ! $told ]] || requeue "stopped on request"
    if [[ $status == 69 ]]; then
      ((++losses <= OIKOS_MAX_LOSSES)) || give_up "the run directory stays in use"
      say "the run directory is in use: trying again in 30 s ($losses of $OIKOS_MAX_LOSSES times)"
      sleep 30
      verb='try again'
      continue
    fi
    all=$nodes
    nodes=$(nodes_that_answer "$all")
    ours || leave # it took a while
    if [[ $nodes == "$all" ]]; then
      ((status == 0 || status > 2)) || exit "$status"
      ((step < $(step_of "$run"))) || give_up "a rank was lost, and no checkpoint was written since the start from step $step"
    else
      say "of $all only ${nodes:-none} answer"
    fi
    ((++losses <= OIKOS_MAX_LOSSES)) || give_up "more than OIKOS_MAX_LOSSES=$OIKOS_MAX_LOSSES losses"
    (($(wc -w <<<"$nodes") >= OIKOS_MIN_NODES)) || requeue "fewer nodes left than OIKOS_MIN_NODES=$OIKOS_MIN_NODES"
  done
}

# Slurm itself puts a job that lost a node back into the queue. Not for ever from the same step, though.
check_attempts() {
  local from
  from=$(grep -s "job $SLURM_JOB_ID\] start from" "$1/attempts" | tail -n 3 | grep -c "start from step $2 on" || true)
  status=1
  ((from < 3)) || give_up "three starts from step $2 and no checkpoint since"
}

give_up() {
  say "gives up: $*. What the ranks said is above; when the cause is gone, submit again to go on from the newest checkpoint, if there is one"
  exit "$status"
}
