#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The job scripts on a real Slurm of four nodes: a training that loses a rank, is told to stop as before a time limit, and is
# put back into the queue at some moment ends, with no human, in the state of one that nothing happened to; so does each element
# of an array, while Slurm's controller is away for a minute. With OIKOS_LONG=1 also real time limits of a minute.
set -euo pipefail
source "$(dirname "$0")/slurm.sh"
bring_up
write_mlp mlp.yaml
common=(--set eval.episodes=0 --set checkpoint.every=100 --set log.every=10)
steps=(--set steps=40000 --set learners.count=40)

# Where Slurm says what is wrong, or when it would start.
for job in "mlp.yaml" "mlp.yaml --array 1-3" "mlp.yaml --scaling" "--eval whole"; do
  # shellcheck disable=SC2086
  launch "$SOURCE/tools/submit" $job --nodes 4 --time 00:10:00 --test-only
  check_status "--test-only of $job" 0
  check_match "--test-only of $job" "^sbatch: Job [0-9]+ to start at .* on nodes n\[1-4\]" "$log.err"
done
# What jobs/README.md shows, but for the site's names, on the nodes that there are.
ln -s "$SOURCE/configs" .
grep -q '^tools/submit ' "$SOURCE/jobs/README.md" || fail "jobs/README.md shows no tools/submit"
while read -r line; do
  line=${line%%#*}
  line=${line//--partition P --account A/}
  read -ra words <<<"$(sed 's/--nodes [0-9]*/--nodes 4/; s/--ranks-per-node [0-9]*/--ranks-per-node 2/; s/ -- .*//' <<<"$line")"
  launch "$SOURCE/${words[0]}" "${words[@]:1}" --test-only
  check_status "jobs/README.md's $line" 0
done < <(grep '^tools/submit ' "$SOURCE/jobs/README.md")
for job in train array scaling eval; do
  launch sbatch --test-only "$SOURCE/jobs/$job.sbatch" mlp.yaml run
  check_status "sbatch --test-only jobs/$job.sbatch" 0
done
launch "$SOURCE/tools/submit" mlp.yaml --nodes 1 --time 00:10:00 --set inner.steps=-1
check_status "a wrong configuration" 2
printf 'seed=6\nsed=7\n' >wrong.settings
launch "$SOURCE/tools/submit" mlp.yaml --nodes 1 --time 00:10:00 --array 1-2 --settings wrong.settings
check_status "a wrong setting" 2
check_match "a wrong setting" 'wrong\.settings:2:' "$log.err"
printf 'seed=6\nseed=7\n' >two.settings
launch "$SOURCE/tools/submit" mlp.yaml --nodes 1 --time 00:10:00 --array 1-3%2 --settings two.settings
check_status "too few settings" 2
check_match "too few settings" 'two\.settings has no line 3' "$log.err"

# A core for each of two ranks, two for one of two threads.
cores() { # LAUNCHER [OPTION]...: as "FIRST SECOND", ranks in any order
  OIKOS_LAUNCHER=$1 OIKOS_BIND=core sbatch --wait --nodes=1 "${@:2}" --output="bind.$1" --wrap "jobs=$SOURCE/jobs
    . $SOURCE/jobs/site.sh; . $SOURCE/jobs/functions.sh; ranks \"\$SLURM_JOB_NODELIST\" grep Cpus_allowed_list /proc/self/status" >/dev/null
  sed -n 's/^Cpus_allowed_list:\t//p' "bind.$1" | sort | xargs
}
if (($(nproc) >= 2)); then
  for launcher in srun mpirun; do
    check_match "$launcher: two ranks, bound" '^[0-9]+ [0-9]+$' <(cores "$launcher" --ntasks-per-node=2)
    check_match "$launcher: two threads, bound" '^[0-9]+[-,][0-9]+$' <(cores "$launcher" --cpus-per-task=2)
    check_equal "$launcher: cores of two ranks" 2 "$(cores "$launcher" --ntasks-per-node=2 | tr ' ' '\n' | sort -u | wc -l)"
  done
fi

run_ranks 1 train mlp.yaml "${common[@]}" "${steps[@]}" --out whole
check_status "undisturbed" 0
rate=$(sed -n 's/^trained on .* s: \([0-9]*\) tasks.*/\1/p' "$log.out")
run_ranks 1 train mlp.yaml --set eval.episodes=0 --set steps=20 --set seed=2 --out seed2
run_ranks 1 train mlp.yaml --set eval.episodes=0 --set steps=20 --set seed=7 --set inner.steps=1 --out setting2

# further RUN: it has made 50 steps beyond what it had made when this was asked first.
further() {
  [[ -e $1.from ]] || last_step "$1" >"$1.from"
  reached "$1" $(($(<"$1.from") + 50)) && rm "$1.from"
}

# disturb LAUNCHER: the whole story of a job; both launchers at once, on two nodes each.
disturb() {
  local run=$1
  OIKOS_LAUNCHER=$1 submit mlp.yaml --nodes 2 --out "$run" "${common[@]}" "${steps[@]}"
  check_match "tools/submit" "squeue --job $job" "$log.submit"
  await 90 "$1: a checkpoint" reached "$run" 110
  kill -9 "$(ranks_with "--out $run " 1)"
  await 90 "$1: going on without a new job after a lost rank" started "$run" 2
  await 90 "$1: more steps" further "$run"
  scancel --batch --signal=USR1 "$job" # what --signal does before the time limit
  await 90 "$1: back from the queue" started "$run" 3
  await 90 "$1: more steps still" further "$run"
  sleep "0.$((RANDOM % 10))"
  scontrol requeue "$job"
  await 90 "$1: back from the queue again" started "$run" 4
  await 90 "$1: the end" ended "$job"
  check_equal "$1: state" COMPLETED "$(state "$job")"
  check_equal "$1: starts" 4 "$(starts "$run")"
  check_match "$1: the lost rank" "exit status 137 at step" "$run/attempts"
  check_match "$1: told to stop" "exit status 75 at step" "$run/attempts"
  check_same "$1: disturbed three times" whole "$run"
}
apart srun.log disturb srun
apart mpirun.log disturb mpirun
gather
check_match "srun: names host and rank" "^rank 1 on n[2-4]: ended by signal 9" srun/train-*.log
check_match "mpirun: names host and rank" "process rank 1 with PID .* on node n[2-4] exited on signal 9" mpirun/train-*.log

# An array whose elements each requeue themselves alone, with blanks and % in their path, and without the environment of sbatch. A
# rank of the element that has the array's own number is lost; then all are told to stop while Slurm's controller is away.
elements="50%j of b"
of_elements() { for k in 1 2 3; do "$1" "$elements/seed-$k" "${@:2}" || return 1; done; }
forty=(--set steps="$rate" --set learners.count=40) # seconds
SBATCH_EXPORT=NONE submit mlp.yaml --array 1-3 --nodes 1 --out "$elements" "${common[@]}" "${forty[@]}"
array=$job
await 90 "elements: checkpoints" of_elements reached 110
last=$(scontrol show job -o "$array" | grep "^JobId=$array " | grep -oP '(?<=ArrayTaskId=)\d+')
kill -9 "$(ranks_with "--out $elements/seed-$last ")"
await 90 "elements: going on after a lost rank" started "$elements/seed-$last" 2
await 90 "elements: more steps" further "$elements/seed-$last"
kill -STOP "$(<"$folder/slurmctld.pid")"
kill -USR1 $(pgrep -f "^[^ ]*bash [^ ]*/slurm_script .* $elements ") # not by scancel, which asks the controller
sleep 60
kill -CONT "$(<"$folder/slurmctld.pid")"
await 120 "elements: back from the queue" of_elements started 2
await 90 "elements: $last back from the queue" started "$elements/seed-$last" 3
await 120 "elements: the end" ended "$array"
check_equal "elements: states" COMPLETED "$(state "$array")"
for k in 1 2 3; do
  check_equal "elements: starts of $k" $((2 + (k == last))) "$(starts "$elements/seed-$k")"
  check_equal "elements: $k told to stop" 1 "$(grep -c "exit status 75 at step" "$elements/seed-$k/attempts")"
done
for k in "$last" $((last % 3 + 1)); do
  run_ranks 1 train mlp.yaml "${common[@]}" "${forty[@]}" --set seed="$k" --out "alone-$k"
  check_same "elements: $k" "alone-$k" "$elements/seed-$k"
done
check_match "elements: Slurm was away" "no answer from Slurm, asking again" <(cat "$elements"/array-*.log)

# A job that Slurm will not requeue says so, and is no success.
SBATCH_NO_REQUEUE=1 submit mlp.yaml --nodes 1 --out refused "${common[@]}" --set steps=1000000000
await 60 "refused: a checkpoint" reached refused 110
scancel --batch --signal=USR1 "$job"
await 60 "refused: the end" ended "$job"
check_equal "refused: state" "FAILED 75:0" "$(state "$job") $(scontrol show job -o "$job" | grep -oP '(?<= ExitCode=)\S*')"
check_match "refused" "does not put this job back into the queue .*disabled" refused/train-*.log

# What is stopped in the evaluation of a finished training ends well.
submit mlp.yaml --nodes 1 --out evaluating --set steps=20 --set eval.episodes=10000000
await 60 "evaluation: the last step" has_checkpoint evaluating
sleep 2
scancel --batch --signal=USR1 "$job"
await 60 "evaluation: stopped" grep -q "exit status" evaluating/attempts
if grep -q "exit status 75" evaluating/attempts; then # it may try once more
  await 60 "evaluation: again" started evaluating 2
  sleep 3
  scancel --batch --signal=USR1 "$job"
fi
await 60 "evaluation: the end" ended "$job"
check_equal "evaluation: state" COMPLETED "$(state "$job")"
check_equal "evaluation: the state it was made for" 20 "$(step_of "$(newest evaluating)")"

# An array of seeds, one of settings; an evaluation; scaling. Meanwhile what would come again must not.
submit mlp.yaml --array 1-2 --nodes 1 --out seeds --set eval.episodes=0 --set steps=20
seeds=$job
printf 'seed=6\nseed=7 inner.steps=1\n' >settings
submit mlp.yaml --array 2 --settings settings --nodes 1 --out settings.d --set eval.episodes=0 --set steps=20
settings=$job
submit --eval whole --nodes 2 --ranks-per-node 2 -- --episodes 50
eval=$job
submit mlp.yaml --nodes 1 --out early --set checkpoint.every=0 --set steps=1000000000 --set log.every=10
early=$job
submit mlp.yaml --nodes 1 --out wrong --set task.file=none.h5 --set task.source=images --set model.loss=cross_entropy
wrong=$job
await 60 "the lost rank's start" reached early 10
kill -9 "$(ranks_with "--out early " 0)"
for job in "$seeds" "$settings" "$eval" "$early" "$wrong"; do await 60 "job $job" ended "$job"; done
check_equal "array: digest of seed 2" "$(digest seed2)" "$(digest seeds/seed-2)"
check_equal "settings: digest of line 2" "$(digest setting2)" "$(digest settings.d/setting-2)"
run_ranks 1 eval whole --episodes 50
check_equal "eval" "$(grep '+-' "$log.out")" "$(grep '+-' "whole/eval-$eval.log")"
check_equal "lost before a checkpoint" FAILED/1 "$(state "$early")/$(starts early)"
check_match "lost before a checkpoint" "gives up: a rank was lost" early/train-*.log
check_equal "an error of the configuration" FAILED/1 "$(state "$wrong")/$(starts wrong)"

OIKOS_RECORD_STEPS=5 OIKOS_RECORDS=3 submit mlp.yaml --scaling --nodes 4 --out scaling
await 90 "scaling" ended "$job"
check_equal "scaling" "strong 1 7,strong 2 7,strong 4 7,weak 1 7,weak 2 14,weak 4 28" \
  "$(awk 'NR > 1 && $5 > 0 { print $1, $2, $4 }' scaling/scaling.txt | paste -sd,)"

if [[ ${OIKOS_LONG:-} == 1 ]]; then
  run_ranks 1 train mlp.yaml "${common[@]}" "${steps[@]}" --set steps=20000 --out speed
  many=$((150 * $(sed -n 's/^trained on .* s: \([0-9]*\) tasks.*/\1/p' "$log.out") / 40)) # 150 seconds
  submit mlp.yaml --nodes 1 --time 00:01:00 --out long "${common[@]}" --set checkpoint.every=100000 \
    --set steps="$many" --set learners.count=40
  await 500 "three starts by time limits" started long 3
  await 500 "the end" ended "$job"
  cat long/attempts
  LIMIT=900 run_ranks 1 train mlp.yaml "${common[@]}" --set steps="$many" --set learners.count=40 --out long.whole
  check_status "undisturbed for long" 0
  check_same "time limits" long.whole long
fi

"$cluster" down
took_down=yes
check_equal "what is left of processes" "" "$(grep -slzxF "SLURM_CONF=$SLURM_CONF" /proc/[0-9]*/environ 2>/dev/null |
  xargs -r grep -slz '^SLURMD_NODENAME=' | xargs -r echo)$(find /proc/[0-9]*/fd -lname "$folder/*" 2>/dev/null)"
[[ ! -e $folder ]] || fail "$folder is left"
finish
