# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# A line of a file of settings, for jobs/array.sbatch and tools/submit.

# settings_of FILE K: sets `settings` to the words of line K; if there are none, or a quote is left open, it says so and returns 1.
settings_of() {
  local words
  (($2 > 0)) || { echo "$1 has no line $2: lines count from 1" >&2 && return 1; }
  words=$(sed -n "$2p" "$1" | xargs -r printf '%s\n') || return 1
  [[ $words ]] || { echo "$1 has no line $2, or it is empty" >&2 && return 1; }
  mapfile -t settings <<<"$words"
}
