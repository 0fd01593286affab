#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The arguments of tools/platforms; the table itself takes long, and the network. (.ci/run makes two rows of it.)
set -euo pipefail
source "$(dirname "$0")/common.sh"

# As somebody who may do nothing, wherever the tree lies.
mkdir tools
cp -r "$SOURCE/tools/platforms" "$SOURCE/tools/places" tools
chmod -R a+rX "$WORK"
as=()
[[ $(id -u) != 0 ]] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
export OIKOS_PLACES=$WORK/places

launch "${as[@]}" tools/platforms --list
check_status "--list" 0
for name in debian-13 debian-12 debian-13-user debian-12-user debian-12-mpich debian-13-v3 debian-13-v2 debian-13-arm64; do
  check_match "--list" "^$name +[A-Z].+" "$log.out"
done
check_equal "lines of --list" 8 "$(wc -l <"$log.out")"

# bad WHAT REGEX ARGS...
bad() {
  launch "${as[@]}" tools/platforms "${@:3}"
  check_status "$1" 2
  check_match "$1" "$2" "$log.err"
  [[ ! -e places ]] || fail "$1: it began"
}
bad "an unknown name" 'no platform is called debian-7 \(tools/platforms --list names them\); usage: ' debian-13 debian-7
bad "an unknown option" 'unknown option --fast; usage: ' --fast debian-13
bad "not root" 'root only; run it as root' debian-13
bad "not root, all" 'root only; run it as root'
bad "not root, --remove" 'root only; run it as root' --remove

# Two places and what was said of them; one goes, then all.
if [[ $(id -u) = 0 ]]; then
  mkdir -p places/{debian-13,debian-13.new,debian-12,base-trixie}/etc
  touch places/debian-{13,12}.{log,result,lock}
  launch tools/platforms --remove debian-13
  check_status "--remove debian-13" 0
  check_equal "what --remove debian-13 leaves" "places/base-trixie places/debian-12 places/debian-12.lock places/debian-12.log places/debian-12.result" \
    "$(echo places/*)"
  launch tools/platforms --remove
  check_status "--remove" 0
  [[ ! -e places ]] || fail "--remove leaves $(echo places/*)"
fi
finish
