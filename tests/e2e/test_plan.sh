#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# train --dry-run: the plan for ranks that are not there, against what a real run takes.
. "$(dirname "$0")/common.sh"

write_mlp mlp.yaml
sets=(--set learners.count=20000 --set learners.per_step=100 --set learners.persist=true --set log.every=5
      --set steps=10 --set eval.episodes=0 --set checkpoint.every=0)

# in_mib TEXT: a size as the plan prints it
in_mib() { awk -v n="${1% *}" -v unit="${1#* }" 'BEGIN { f["KiB"] = 1 / 1024; f["MiB"] = 1; f["GiB"] = 1024; print n * f[unit] }'; }
# plan RANKS: memory and checkpoint, in MiB
plan() {
  run train mlp.yaml "${sets[@]}" --dry-run --ranks "$1" --ranks-per-node 50 --out run
  check_status "the plan for $1 ranks" 0
  memory=$(in_mib "$(sed -n 's/^memory of a rank: about \([0-9.]* [KMG]iB\),.*/\1/p' "$log.out")")
  checkpoint=$(in_mib "$(sed -n 's/.*checkpoints of \([0-9.]* [KMG]iB\),.*/\1/p' "$log.out")")
}
# check_within WHAT LOW VALUE HIGH
check_within() { awk -v a="$2" -v x="$3" -v b="$4" 'BEGIN { exit !(a <= x && x <= b) }' || fail "$1: expected $2 to $4, found $3"; }

plan 1000
check_match "the plan for 1000 ranks" '^plan for 1000 ranks of 1 threads on 20 nodes; nothing is trained$' "$log.out"
check_match "the plan for 1000 ranks" '^20000 learners, at most 20 on a rank; 100 in a step, 0 to 1 on a rank$' "$log.out"
check_match "the plan for 1000 ranks" '^warning: some ranks have nothing to do' "$log.out"
many=$memory
run train mlp.yaml --ranks 3
check_status "--ranks without --dry-run" 2
plan 2
[[ ! -e run ]] || fail "a dry run made the run directory"
run_ranks 2 train mlp.yaml "${sets[@]}" --out run
check_status "the run" 0
peak=$(sed -n 's/^peak memory of a rank: \([0-9]*\) MiB$/\1/p' "$log.out")
check_within "peak memory of a rank in MiB, planned $memory" "$memory" "$peak" "$(awk -v m="$memory" 'BEGIN { print 1.1 * m + 40 }')"
file=$(awk -v b="$(stat -c %s "$(newest run)")" 'BEGIN { print b / 1048576 }')
check_within "MiB of the checkpoint" "$(awk -v f="$file" 'BEGIN { print 0.97 * f }')" "$checkpoint" "$(awk -v f="$file" 'BEGIN { print 1.03 * f }')"
check_within "memory on 1000 ranks" 10 "$many" "$(awk -v m="$memory" 'BEGIN { print m - 15 }')" # theta: 18 MiB a rank on 2

# Nothing grows with the ranks but their number: as many lines on 12 ranks as on 2 (those of progress come by time), two files
# more while they run.
for ranks in 2 12; do
  run_ranks "$ranks" train mlp.yaml --set learners.count=24 --set steps=30 --set log.every=10 --set eval.episodes=24 --out "on.$ranks"
  check_status "$ranks ranks" 0
  grep -vc '^step ' "$log.out" >"lines.$ranks"
done
check_equal "lines that 12 ranks print" "$(<lines.2)" "$(<lines.12)"
check_same "12 ranks" on.2 on.12
finish
