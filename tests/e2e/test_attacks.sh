#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A fifth of the learners attacks, each way there is. The plain mean fails: it diverges, or its loss on unseen tasks is
# more than twice that of a run without attackers. Clipping stays within a tenth of it. The same bits on 1 to 4 ranks, and
# after a resume. Differential privacy as a user sees it.
set -euo pipefail
source "$(dirname "$0")/common.sh"

cat >sinusoid.yaml <<'YAML'
task: {modes: [sinusoid], support: 10, query: 10}
learners: {count: 25}
model: {init: glorot, layers: [dense: 40, relu, dense: 40, relu, dense: 1]}
inner: {steps: 1, rate: 0.01}
aggregation: {rule: clip, radius: 5}
outer: {schedule: cosine}
checkpoint: {every: 0}
log: {every: 500}
YAML
adam=(steps=2000 outer.optimizer=adam shared.rate=0.005)
momentum=(steps=2000 outer.optimizer=momentum shared.rate=0.02)

# train NAME KEY=VALUE...
train() {
  local name=$1
  shift
  run train sinusoid.yaml --out "$name" "${@/#/--set=}"
  awk '$1 == 1 && $3 == "+-" { print $2 }' "$log.out" >"$name.loss"
  echo "$status" >"$name.status"
  cp "$log.err" "$name.err"
}

# within WHAT LOSS FACTOR CLEAN: LOSS <= FACTOR * CLEAN
within() { awk -v a="$2" -v f="$3" -v b="$4" 'BEGIN { exit !(a != "" && b != "" && a + 0 <= f * b) }'; }

# attack KIND RADIUS OPTIMIZER...: under the mean, and clipped
attack() {
  local kind=$1 radius=$2 clean
  shift 2
  train "$kind.clean" "$@" aggregation.rule=mean
  check_equal "$kind.clean" 0 "$(<"$kind.clean.status")"
  clean=$(<"$kind.clean.loss")
  train "$kind.clip" "$@" attack.kind="$kind" aggregation.radius="$radius"
  within "$kind" "$(<"$kind.clip.loss")" 1.1 "$clean" ||
    fail "$kind: clipped, the loss is $(<"$kind.clip.loss"); without attackers it is $clean"
  train "$kind.mean" "$@" attack.kind="$kind" aggregation.rule=mean
  if [[ $(<"$kind.mean.status") == 0 ]]; then
    ! within "$kind" "$(<"$kind.mean.loss")" 2 "$clean" ||
      fail "$kind: the mean was to fail, but its loss is $(<"$kind.mean.loss"), $clean without attackers"
  else
    check_match "$kind: the mean" 'step [0-9]+: the loss or gradient of learner [0-9]+ is not finite' "$kind.mean.err"
  fi
}
apart scaled attack scaled 8 "${momentum[@]}"
apart flipped attack flipped 5 "${adam[@]}"
apart random attack random 5 "${adam[@]}"
apart nan attack nan 5 "${adam[@]}"
apart infinite attack infinite 5 "${adam[@]}"
gather
check_match "learners left out" '"left_out": 5,' nan.clip/metrics.jsonl
! grep -Ewiq 'nan|inf' nan.*/metrics.jsonl || fail "NaN in JSON"
check_match "nobody left out" '"left_out": 0,' flipped.clip/metrics.jsonl
! grep -q left_out nan.clean/metrics.jsonl || fail "the mean tells of learners left out"

# The same bits on any number of ranks, and after a resume on another.
bits=(steps=12 log.every=4 eval.episodes=0 learners.count=11 attack.kind=random home.count=2 home.owns=last
  shared.mixing=0.1 home.mixing=0.2 outer.schedule=constant)
same() {
  local ranks
  for ranks in 1 2 3 4; do
    run_ranks "$ranks" train sinusoid.yaml --out "$1.$ranks" "${bits[@]/#/--set=}" "${@/#/--set=aggregation.rule=}"
    check_status "$1 on $ranks ranks" 0
    check_same "$1 on $ranks ranks" "$1.1" "$1.$ranks"
  done
  for ranks in 2 3; do # 6 steps on two ranks, then the rest on three
    run_ranks "$ranks" train sinusoid.yaml --out "$1.resumed" --resume "${bits[@]/#/--set=}" \
      "${@/#/--set=aggregation.rule=}" --set steps=$((ranks * 6 - 6))
    check_status "$1 resumed" 0
  done
  check_same "$1 resumed" "$1.1" "$1.resumed"
}
for rule in clip centred_clip trimmed_mean median; do
  apart "bits.$rule" same "$rule"
done
gather

# Refusals name the keys.
run train sinusoid.yaml --out no --set aggregation.rule=median --set home.count=2 --set home.owns=all \
  --set home.rule=weighted
check_status "median of weighted homes" 2
check_match "median of weighted homes" 'aggregation\.rule.*home\.rule' "$log.err"
run train sinusoid.yaml --out no --set privacy.noise=1 --set aggregation.rule=mean
check_status "privacy without a bound" 2
check_match "privacy without a bound" 'privacy\.noise.*aggregation\.rule clip' "$log.err"
run train sinusoid.yaml --out no --set privacy.noise=1 --set aggregation.rule=clip --set home.count=4 \
  --set home.owns=all --set home.mixing=0.5
check_status "privacy of homes that mix too far" 2
check_match "privacy of homes that mix too far" 'home\.mixing may be at most 1 / home\.count' "$log.err"
run train sinusoid.yaml --out no --set aggregation.rule=krum
check_status "unknown rule" 2
check_match "unknown rule" 'mean\|clip\|centred_clip\|trimmed_mean\|median' "$log.err"

# Privacy: what is spent grows with the steps, is told everywhere, and the same bits come of any number of ranks.
private=(steps=20 log.every=10 eval.episodes=0 aggregation.rule=clip privacy.noise=4)
for ranks in 1 3; do
  [[ ! -e private.1 ]] || { mkdir "private.$ranks" && cp -p private.1/privacy.key "private.$ranks"; }
  run_ranks "$ranks" train sinusoid.yaml --out "private.$ranks" "${private[@]/#/--set=}"
  check_status "private on $ranks ranks" 0
  check_match "private" '^privacy spent by the weights: epsilon [0-9.]+ at delta 1e-05' "$log.out"
done
check_same "private" private.1 private.3
sed -n 's/.*"epsilon": \([0-9.]*\), "delta": 1e-05.*/\1/p' private.1/metrics.jsonl | xargs >spent
# 20 steps of noise 4 spend 4.983 (Balle and Wang 2018), 10 steps 3.341
awk '{ exit !($1 > 3.34 && $1 < 3.34 * 1.15 && $2 > 4.98 && $2 < 4.98 * 1.15) }' spent ||
  fail "epsilon after 10 and 20 steps: $(<spent)"
check_match "checkpoint" 'privacy/spent' <("$OIKOS" inspect "$(newest private.1)")
check_match "a key that was there" 'privacy\.noise has the key in private\.3/privacy\.key, which was there' "$log.out"

# The noise has a key of its own in each run, for its owner's eyes, which is needed to go on with the same bits.
check_equal "mode of the key" 600 "$(stat -c %a private.1/privacy.key)"
for half in half other; do
  run train sinusoid.yaml --out $half "${private[@]/#/--set=}" --set outer.schedule=constant --set steps=10
  check_status "$half" 0
done
[[ $(digest "$(newest half)") != "$(digest "$(newest other)")" ]] || fail "two runs of one seed have the same noise"
cp -pr half whole && rm -r whole/checkpoints
run train sinusoid.yaml --out whole "${private[@]/#/--set=}" --set outer.schedule=constant
check_status "all at once" 0
run_ranks 2 train sinusoid.yaml --out half --resume "${private[@]/#/--set=}" --set outer.schedule=constant
check_status "half, resumed" 0
check_same "half, resumed" whole half
grep -q "$(cut -c1-16 half/privacy.key)" <("$OIKOS" inspect half; cat half/config.yaml half/metrics.jsonl) && fail "the key is told"
chmod 644 half/privacy.key
run train sinusoid.yaml --out half --resume "${private[@]/#/--set=}" --set outer.schedule=constant --set steps=21
check_status "a key that others can read" 2
check_match "a key that others can read" 'half/privacy\.key can be read by others' "$log.err"
rm half/privacy.key
run train sinusoid.yaml --out half --resume "${private[@]/#/--set=}" --set outer.schedule=constant --set steps=21
check_status "a lost key" 0
check_match "a lost key" 'warning: half/privacy\.key is not there' "$log.out"
echo 123 >half/privacy.key && chmod 600 half/privacy.key
run train sinusoid.yaml --out half --resume "${private[@]/#/--set=}" --set outer.schedule=constant --set steps=22
check_status "a broken key" 1
check_match "a broken key" 'half/privacy\.key: expected 64 hexadecimal digits' "$log.err"
finish
