# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the job scripts share: starting ranks on the nodes of a job, and going on after whatever ended them.

# shellcheck source=jobs/launcher.sh
source "$jobs/launcher.sh"

# Inside a rank: one OpenMP thread per CPU of --cpus-per-task, next to each other; none of BLAS's own.
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1} OMP_PLACES=cores OMP_PROC_BIND=close OPENBLAS_NUM_THREADS=1
[[ $OIKOS_BIND != none ]] || OMP_PROC_BIND=false
export SLURM_EXPORT_ENV=ALL # ranks get this script's environment, also where the script got none (SBATCH_EXPORT=NONE)

say() { echo "[$(date +%FT%T) job ${SLURM_JOB_ID}] $*"; }

# Whether what Slurm said is an answer. All else, such as that it timed out, or words of an answer that was lost, is none.
is_refusal() {
  grep -qiE 'invalid job id|presently disabled|denied|already complet|pending execution|only batch jobs|not supported' <<<"$1"
}

# ask COMMAND...: of Slurm, again and again for OIKOS_PATIENCE seconds while its controller is busy or away. Sets `answer` to its
# words; returns 0, 1 if it refused, or 2 if there was no answer.
ask() {
  local end=$((SECONDS + OIKOS_PATIENCE)) pause=1
  until answer=$(timeout 60 "$@" 2>&1 </dev/null); do
    ! is_refusal "$answer" || return 1
    ((SECONDS < end)) || return 2
    ((pause > 1)) || say "no answer from Slurm, asking again for $OIKOS_PATIENCE s: $1 $2: ${answer##*$'\n'}" >&2
    sleep "$pause"
    pause=$((pause < 15 ? 2 * pause : 15))
  done
}

# The nodes of this job, one a line.
nodes_of_job() { ask scontrol show hostnames "$SLURM_JOB_NODELIST" && grep -v '[[:space:]]' <<<"$answer"; } # a warning has blanks

# find_record: sets `record` to the line that Slurm has of this job, for of_job; status as of ask. The element of an array that
# starts last has the array's own number, by which Slurm lists all elements.
find_record() {
  record=
  ask scontrol show job -o "$SLURM_JOB_ID" || return
  record=$(grep -m 1 "^JobId=$SLURM_JOB_ID " <<<"$answer") || return 2
}

# What Slurm's record of this job says under KEY.
of_job() { grep -oP "(?<= $1=)\S*" <<<"$record"; }

# The name of this job alone. Its variables are not enough: a job that was submitted from within an array has those of the array.
name_of_job() {
  local record=
  if [[ ${SLURM_ARRAY_JOB_ID:-} ]]; then
    find_record || { say "Slurm does not say which job this is: $answer" >&2 && return 1; }
  fi
  [[ ! $(of_job ArrayTaskId) ]] || { echo "$(of_job ArrayJobId)_$(of_job ArrayTaskId)" && return; }
  echo "$SLURM_JOB_ID"
}
OIKOS_JOB=$(name_of_job) || exit 1
export OIKOS_JOB

# start "NODE..." COMMAND...: become the ranks of COMMAND on these nodes, --ntasks-per-node on each.
start() {
  local nodes count per_node=${SLURM_NTASKS_PER_NODE:-1} bind
  nodes=$(paste -sd, <<<"${1// /$'\n'}")
  count=$(wc -w <<<"$1")
  case $OIKOS_LAUNCHER in
  srun)
    case $OIKOS_BIND in core) bind=cores ;; socket) bind=sockets ;; *) bind=none ;; esac
    # srun does not take --cpus-per-task from the job by itself. It must not ask for the end of a step of which a rank exited with
    # 75: where Slurm's controller is busy or away it does so later, to the step of the same number of the job's next start.
    # Where a rank is lost, jobs/rank ends all.
    exec srun --mpi="$OIKOS_SRUN_MPI" --kill-on-bad-exit=0 --cpu-bind="$bind" --cpus-per-task="$OMP_NUM_THREADS" \
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
# script, at any time, set `told`, and are passed on as SIGUSR1, upon which oikos writes a checkpoint and exits with 75; more
# than once, since ranks that are just starting may miss the first.
told='' again='' pid='' nag='' status=0
trap 'told=yes again=yes; pass_on' USR1 TERM
ranks() {
  start "$@" &
  pid=$!
  [[ ! $told ]] || pass_on # told before there was anybody to pass it on to
  again=yes
  while [[ $again ]]; do # a signal ends `wait` before the ranks end
    again=
    status=0
    wait "$pid" || status=$?
  done
  [[ ! $nag ]] || kill -KILL "$nag" 2>/dev/null || true
  pid='' nag=''
}

pass_on() {
  [[ $pid && ! $nag ]] || return 0
  (
    trap '' USR1 TERM
    while kill -USR1 "$pid" 2>/dev/null; do sleep 5; done
  ) &
  nag=$!
  disown
}

# The step of the newest checkpoint in a run directory, 0 if there is none.
step_of() {
  local file
  file=$(find "$1/checkpoints" -name 'step-*.h5' 2>/dev/null | sort | tail -n 1)
  [[ $file =~ step-0*([0-9]+)\.h5$ ]] && echo "${BASH_REMATCH[1]}" || echo 0
}

# Whether a run is at its last step. srun's word is not enough: it exits with 0 when its own node's slurmd has died.
finished() { [[ $(step_of "$1") == "$(sed -n 's/^steps: //p' "$1/config.yaml")" ]]; }

# find_nodes "NODE...": sets `nodes` to those on which something can be started, in one line. That there is none at all, not
# even this script's own, is no answer while the controller is busy or away.
find_nodes() {
  local end=$((SECONDS + OIKOS_PATIENCE)) node
  while :; do
    nodes=$(for node in $1; do
      (timeout 20 srun --overlap --mpi=none --nodes=1 --ntasks=1 --nodelist="$node" true </dev/null >/dev/null 2>&1 &&
        echo "$node") &
    done | sort -V | paste -sd' ')
    [[ ! $nodes && ! $told ]] && ((SECONDS < end)) || break
    ours || leave
    sleep 5
  done
}

# Whether Slurm still runs this job, and by this script: where the node's slurmd has died, the script lives on, while the job
# is started elsewhere. Only an answer says that it does not.
ours() {
  local said=0
  find_record || said=$?
  ((said == 0)) || return $((said == 1))
  [[ $(of_job JobState)/$(of_job Restarts) == RUNNING/${SLURM_RESTART_COUNT:-0} ]]
}

# With the status of the ranks, but never as if all were done.
fail() {
  say "$*"
  exit $((status ? status : 1))
}

leave() {
  fail "Slurm has taken this job away ($(of_job JobState || echo "$answer")): if it is back in the queue (squeue --job $OIKOS_JOB) it goes on by itself, else submit it again"
}

# Back into the queue, to start from the top when there is room. Slurm is asked before each request whether the job is this one
# still: a request that was heard, though its answer was lost, must not be made again, or it would end the next start.
requeue() {
  local refusal end=$((SECONDS + OIKOS_PATIENCE)) pause=1
  say "$*: back into the queue"
  while ours; do
    ! refusal=$(timeout 60 scontrol requeue "$OIKOS_JOB" 2>&1 </dev/null) || exit 0 # Slurm ends the script here, at the latest
    if is_refusal "$refusal" || ((SECONDS >= end)); then
      ours || leave
      fail "Slurm does not put this job back into the queue ($refusal): submit it again to go on from the newest checkpoint"
    fi
    say "no answer from Slurm, asking again for $((end - SECONDS)) s: scontrol requeue: ${refusal##*$'\n'}" >&2
    sleep "$pause"
    pause=$((pause < 15 ? 2 * pause : 15))
  done
  leave
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
# 75              told to stop, and a checkpoint was written    back into the queue; where a whole start did not do for the
#                                                               evaluation of a finished training: done, and said
# 69              another job works in the run directory        try again in half a minute: it may be dying ranks of a node
#                                                               that was lost; at most OIKOS_MAX_LOSSES times
# 1, 2            an error of the run or its configuration      end: it would come again
# other           a rank or node was lost, or stood still (70)  go on with the nodes left, if there was a checkpoint since
#                                                               the start; at most OIKOS_MAX_LOSSES times. (Slurm, when it
#                                                               finds the node lost, puts the job back into the queue.)
train_to_the_end() {
  local config=$1 run=$2 sets=("${@:3}") nodes all step losses=0 verb=start
  nodes=$(nodes_of_job | paste -sd' ') || fail "Slurm does not say which nodes this job has"
  mkdir -p "$run"
  while :; do
    step=$(step_of "$run")
    [[ ! $told ]] || requeue "stopped on request"
    check_attempts "$run" "$step"
    say "$verb from step $step on $nodes" | tee -a "$run/attempts"
    verb=start
    ranks "$nodes" "$OIKOS" train "$config" --out "$run" --resume "${sets[@]/#/--set=}"
    say "exit status $status at step $(step_of "$run")" | tee -a "$run/attempts"
    end_leftovers
    [[ $status != 0 ]] || ! finished "$run" || exit 0
    ours || leave
    if [[ $status == 75 || $told ]]; then
      ((step < $(step_of "$run"))) || end_if_finished "$run" "it takes longer than this job may"
      requeue "stopped on request"
    fi
    if [[ $status == 69 ]]; then
      ((++losses <= OIKOS_MAX_LOSSES)) || give_up "the run directory stays in use"
      say "the run directory is in use: trying again in 30 s ($losses of $OIKOS_MAX_LOSSES times)"
      sleep 30
      verb='try again'
      continue
    fi
    all=$nodes
    find_nodes "$all"
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
  ((from >= 3)) || return 0
  end_if_finished "$1" "it was disturbed three times"
  status=1
  give_up "three starts from step $2 and no checkpoint since"
}

# What is left to do of a run at its last step is its evaluation, which can be made apart.
end_if_finished() {
  finished "$1" || return 0
  say "the training is finished; its evaluation is not ($2): tools/submit --eval $(printf %q "$1") --nodes N --time HH:MM:SS makes it" |
    tee -a "$1/attempts"
  exit 0
}

give_up() { fail "gives up: $*. What the ranks said is above; when the cause is gone, submit again to go on from the newest checkpoint, if there is one"; }
