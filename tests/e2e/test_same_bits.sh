#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The same configuration gives the same bits on any number of ranks and threads: checkpoints with equal digests, equal
# metrics, equal evaluations. Another seed gives others.
set -euo pipefail
source "$(dirname "$0")/common.sh"

write_mlp mlp.yaml
write_conv conv.yaml
write_images images.h5
always=(--set steps=12 --set log.every=4 --set eval.episodes=0)

# train NAME RANKS THREADS CONFIG [KEY=VALUE...]: threads by the environment on one rank, by the key on several.
train() {
  local sets=("${@:5}")
  (($2 == 1)) || sets+=(run.threads="$3")
  OMP_NUM_THREADS=$3 run_ranks "$2" train "$4" --out "$1" "${always[@]}" "${sets[@]/#/--set=}"
  check_status "$1" 0
}

# same NAME CONFIG [KEY=VALUE...]
same() {
  local layout
  train "$1.1x1" 1 1 "${@:2}"
  for layout in 1x2 2x1 3x2 4x1; do
    train "$1.$layout" "${layout%x*}" "${layout#*x}" "${@:2}"
    check_same "$1 on ${layout%x*} ranks of ${layout#*x} threads" "$1.1x1" "$1.$layout"
  done
  check_equal "$1: lines of metrics.jsonl" 3 "$(metrics "$1.1x1" | wc -l)"
}

homes=(home.count=5 home.owns=all)
apart hard same hard mlp.yaml "${homes[@]}" learners.count=11
apart weighted same weighted mlp.yaml "${homes[@]}" home.rule=weighted home.memory=1 shared.mixing=0.2 home.mixing=0.3
apart rates same rates mlp.yaml inner.learned_rates=step_layer home.count=2 home.owns=last home.score=held_out
apart few_learners same few_learners mlp.yaml learners.count=3 inner.learned_rates=parameter inner.max_norm=2
apart encoder same encoder mlp.yaml home.count=4 home.owns=modulation home.rule=weighted home.score=encoder \
  'home.encoder=[dense: 6, tanh, set_mean: 1, dense: 5, relu]' inner.steps=2 inner.multi_step=0.3
apart chunks same chunks mlp.yaml learners.count=13 inner.steps=2
apart conv same conv conv.yaml home.count=2 home.owns=last
apart support same support conv.yaml model.norm_statistics=support
gather

train hard.seed 2 1 mlp.yaml "${homes[@]}" learners.count=11 seed=2
[[ $(digest "$(newest hard.seed)") != "$(digest "$(newest hard.1x1)")" ]] || fail "another seed gives the same digest"

# The number of threads is none of the configuration's business: eval of one layout on another.
for what in hard.1x1 weighted.4x1 conv.1x1 support.1x1; do
  for ranks in 1 3; do
    run_ranks "$ranks" eval "$what" --episodes 40 --steps 3
    check_status "eval $what on $ranks ranks" 0
    check_match "eval $what" '^ +3 +[0-9.]+ \+-' "$log.out"
    grep -v '^unseen tasks:' "$log.out" >"eval.$ranks"
  done
  diff eval.1 eval.3 || fail "eval $what: 1 and 3 ranks print different numbers"
done
# Statistics of whole query sets are said, and can be left; what an evaluation takes is no matter of how it was trained.
said='batch_norm takes its statistics from each query set as a whole \(transductive\)'
accuracy_of() {
  run eval "$1" --episodes 40 "${@:2}"
  check_status "eval $*" 0
  awk '$1 == 2 && $3 == "+-" {print $5}' "$log.out"
}
whole=$(accuracy_of conv.1x1)
check_match "transductive" "^$said" "$log.out"
alone=$(accuracy_of conv.1x1 --set eval.norm_statistics=support)
! grep -Eq "$said" "$log.out" || fail "statistics of the support set are called transductive"
[[ $whole && $alone && $whole != "$alone" ]] || fail "both statistics give the accuracy '$whole', '$alone'"
accuracy_of support.1x1 >/dev/null
! grep -Eq "$said" "$log.out" || fail "a model of the support set's statistics is called transductive"
run train mlp.yaml --out never --set model.norm_statistics=support
check_status "norm_statistics without batch_norm" 2
check_match "norm_statistics without batch_norm" 'model\.layers has none' "$log.err"
finish
