#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The job scripts and tools/submit with stand-ins for Slurm's programs, which answer late, wrongly or not at all as no real one
# does on request: a job requeues itself and nobody else, what is no answer counts as nothing, a refusal is no success, and a
# finished training stays finished. cluster.slurm has the same on a real Slurm.
set -euo pipefail
source "$(dirname "$0")/common.sh"
mkdir bin
PATH=$WORK/bin:$PATH
export OIKOS_JOBS=$SOURCE/jobs OIKOS_LAUNCHER=srun OIKOS_BIND=none STATE=$WORK/state

# scontrol: of what it is asked there is a list; `busy` calls fail as a busy controller's do, `refuse` is how requeue fails.
cat >bin/scontrol <<'SH'
#!/bin/bash
echo "$*" >>"$STATE/asked"
busy=$(cat "$STATE/busy" 2>/dev/null || echo 0)
if ((busy > 0)); then
  echo $((busy - 1)) >"$STATE/busy"
  [[ $1 == show ]] && echo "slurm_load_jobs error: Socket timed out on send/recv operation" || echo "Unexpected message received for job $2"
  exit 1
fi >&2
case "$1 $2" in
"show hostnames") echo n1 ;;
"show job") [[ ! -e $STATE/records ]] || exec cat "$STATE/records" && echo "slurm_load_jobs error: Invalid job id specified" >&2 && exit 1 ;;
requeue*) # `lost`: it is heard, but its answer is lost
  [[ ! -e $STATE/lost ]] || { sed -i 's/Restarts=0 JobState=RUNNING/Restarts=1 JobState=PENDING/' "$STATE/records" &&
                              echo "Socket timed out on send/recv operation" >&2 && exit 1; }
  [[ ! -e $STATE/refuse ]] || { echo "$(<"$STATE/refuse") for job $2" >&2 && exit 1; } ;;
esac
SH
# srun: one rank, to which signals are passed on. It has none of the job's variables, by which MPI would look for Slurm.
cat >bin/srun <<'SH'
#!/bin/bash
while [[ $1 == --* ]]; do shift; done
[[ $1 != true ]] || exit $((1 - $(cat "$STATE/node" 2>/dev/null || echo 1)))
[[ $SLURM_EXPORT_ENV == ALL ]] || exit 2
unset "${!SLURM_@}"
setsid "$@" &
trap 'again=yes; kill -USR1 -- "-$!"' USR1
again=yes
while [[ $again ]]; do again= status=0 && wait $! || status=$?; done
exit "$status"
SH
cat >bin/scancel <<'SH'
#!/bin/bash
echo "scancel $*" >>"$STATE/asked"
[[ $(grep -c scancel "$STATE/asked") -gt 1 ]] # the first fails
SH
chmod +x bin/*
record() { echo "JobId=$1 ${2:+ArrayJobId=$2 ArrayTaskId=$3 }JobName=x UserId=root(0) Requeue=1 Restarts=0 JobState=RUNNING Reason=None"; }
asked() { grep -c "^$1" "$STATE/asked" || true; }

# begin_job SCRIPT ARGS...: a job's script in the background, as the element of an array that started last.
begin_job() {
  rm -rf "$STATE"
  mkdir "$STATE"
  { record 102 100 2 && record 100 100 3 && record 101 100 1; } >"$STATE/records"
  cat "$WORK/busy" >"$STATE/busy" 2>/dev/null || true
  resume_job "$@"
}
resume_job() {
  SLURM_JOB_ID=100 SLURM_ARRAY_JOB_ID=100 SLURM_ARRAY_TASK_ID=3 SLURM_JOB_NODELIST=n1 SLURM_SUBMIT_DIR=$WORK SLURMD_NODENAME=n1 \
    start bash "$SOURCE/jobs/$1.sbatch" "${@:2}"
}
tell() { kill -USR1 $(pgrep -P "$job"); } # what --signal does before the time limit
write_mlp mlp.yaml
long=(steps=1000000000 log.every=10 checkpoint.every=100 eval.episodes=0)

# The element that starts last requeues itself alone, however busy Slurm is.
begin_job array mlp.yaml "a b" "${long[@]}"
wait_for "100 steps" reached "a b/seed-3" 100
echo 2 >"$STATE/busy"
tell
end_of_job
check_status "told to stop" 0
check_equal "what is put back" "requeue 100_3" "$(grep '^requeue' "$STATE/asked" | sort -u | xargs)"
check_match "told to stop" "exit status 75 at step" "a b/seed-3/attempts"
check_match "a busy Slurm" "no answer from Slurm, asking again" "$log.err"

# A refusal is said, and no success.
refused() { # WHAT WORDS STATUS MESSAGE
  begin_job array mlp.yaml refused "${long[@]}"
  echo "$2" >"$STATE/refuse"
  wait_for "steps" reached refused/seed-3 $(($(last_step refused/seed-3) + 50))
  tell
  end_of_job
  check_status "$1" "$3"
  check_match "$1" "$4" "$log.out"
}
OIKOS_PATIENCE=30 refused "a refused requeue" "Requested operation is presently disabled" 75 \
  "does not put this job back into the queue \(Requested operation is presently disabled"
check_equal "a refusal: asked once" 1 "$(asked requeue)"
OIKOS_PATIENCE=3 refused "no answer" "Socket timed out on send/recv operation" 75 "does not put this job back into the queue \(Socket"
(($(asked requeue) > 2)) || fail "no answer: asked $(asked requeue) times"

# A request that was heard, though its answer was lost, is not made again: it would end the next start.
begin_job array mlp.yaml heard "${long[@]}"
touch "$STATE/lost"
wait_for "steps" reached heard/seed-3 50
tell
end_of_job
check_equal "a lost answer: asked once" 1 "$(asked requeue)"
check_match "a lost answer" "Slurm has taken this job away \(PENDING\)" "$log.out"

# Signals between two starts count too; a job whose record is gone has been taken away; no answer is no "gone".
begin_job array mlp.yaml between "${long[@]}"
wait_for "100 steps" reached between/seed-3 100
echo 0 >"$STATE/node" # no node answers, as when the controller is away
kill -9 $(ranks_with "--out between/seed-3 ")
wait_for "its question" grep -q "exit status 137" between/seed-3/attempts
sleep 1
tell
end_of_job
check_status "told between two starts" 0
check_equal "told between two starts" 1 "$(asked "requeue 100_3")"
begin_job array mlp.yaml gone "${long[@]}"
wait_for "100 steps" reached gone/seed-3 100
rm "$STATE/records"
tell
end_of_job
check_status "taken away" 75
check_match "taken away" "Slurm has taken this job away \(slurm_load_jobs error: Invalid job id" "$log.out"

# A job that is none of an array, submitted by one that is.
begin_job train mlp.yaml alone "${long[@]}"
record 100 >"$STATE/records"
wait_for "100 steps" reached alone 100
tell
end_of_job
check_equal "a job with an array's variables" "requeue 100" "$(grep '^requeue' "$STATE/asked")"

# A training that is finished: stopped in its evaluation it may try once more, then it is done.
evaluated=(steps=20 log.every=20 eval.episodes=10000000)
begin_job array mlp.yaml ended "${evaluated[@]}"
wait_for "the last step" test -e ended/seed-3/checkpoints/step-000000000020.h5
sleep 1
tell
end_of_job
check_status "stopped in the evaluation" 0
case $(asked "requeue 100_3") in
0) ;; # oikos itself ended with 0
1)
  resume_job array mlp.yaml ended "${evaluated[@]}"
  wait_for "the second start" grep -q "start from step 20" ended/seed-3/attempts
  sleep 2
  tell
  end_of_job
  check_status "stopped in the evaluation again" 0
  check_equal "stopped in the evaluation again" 1 "$(asked "requeue 100_3")"
  check_match "stopped in the evaluation again" "the training is finished; its evaluation is not .*tools/submit --eval ended/seed-3 " "$log.out"
  ;;
*) fail "stopped in the evaluation: $(cat "$STATE/asked")" ;;
esac

# A lost rank ends its own step, not those of its siblings; scancel is asked again.
: >"$STATE/asked"
OIKOS_JOB=100_3 SLURM_STEP_ID=0 SLURM_PROCID=0 SLURMD_NODENAME=n1 launch "$SOURCE/jobs/rank" sh -c 'kill -9 $$'
check_equal "a lost rank's step" "scancel --signal=KILL 100_3.0 scancel --signal=KILL 100_3.0" "$(xargs <"$STATE/asked")"

# tools/submit. sbatch: what it was given, one a line.
cat >bin/sbatch <<'SH'
#!/bin/bash
printf '%s\n' "$@" >"$STATE/sbatch"
[[ "$*" != *--parsable* ]] || echo 7
SH
chmod +x bin/sbatch
submit() { launch "$SOURCE/tools/submit" mlp.yaml --nodes 1 --time 1:00:00 "$@"; }
printf 'seed=1\n\nseed=2 task.modes="[sinusoid, linear]"\nsed=3\nseed="4\n' >settings
wrong() { # WHAT PATTERN ARGS...
  submit "${@:3}"
  check_status "$1" 2
  check_match "$1" "$2" "$log.err"
}
for array in abc 1-x 3-1 1-9:0 1,,2 1% 1%0 -1 '1 2' 99999999 ''; do wrong "--array '$array'" "expected such as 1-5" --array "$array" --test-only; done
wrong "a folder for settings" "no file that can be read" --array 1 --settings . --test-only
wrong "element 0" "^settings has no line 0: lines count from 1" --array 0-1 --settings settings --test-only
check_equal "element 0: words of other programs" 0 "$(grep -c '^sed:' "$log.err" || true)"
wrong "an empty line" "settings has no line 2, or it is empty" --array 1-3 --settings settings --test-only
wrong "a wrong line" "settings:4: the message above" --array 4 --settings settings --test-only
wrong "an open quote" "line 5 of settings" --array 5 --settings settings --test-only
wrong "too few lines" "settings has no line 6" --array 1,6 --settings settings --test-only
wrong "a backslash" "backslash" --out 'a\b'
for array in 1 1,3 1-3:2 3%1; do submit --array "$array" --settings settings --test-only && check_status "--array $array" 0; done

OIKOS_PATIENCE=7 submit --array 3 --settings settings --out '50%j b' --set 'steps=20' --set 'task.modes=[tanh, absolute]'
check_status "a path with blanks and %" 0
check_match "its log" '^--output=50%%j b/array-%A_%a\.log$' "$STATE/sbatch"
check_match "how to see it" "tail -F 50%j\\\\ b/array-7_\*\.log$" "$log.out"
check_match "what goes along" "^OIKOS_PATIENCE=7$" "$STATE/sbatch"
mapfile -t words < <(sed -n '/array.sbatch$/,$p' "$STATE/sbatch" | tail -n +2)
begin_job array "${words[@]}"
end_of_job
check_status "settings with blanks" 0
check_match "settings with blanks" "modes: \[sinusoid, linear\]" "50%j b/setting-3/config.yaml"
finish
