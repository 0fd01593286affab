# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# What the findings share. A script works in a folder of its own, which goes away with it: packages are downloaded from
# this machine's own apt sources and unpacked there, nothing is installed. Exit status: 0 as described, 1 it has changed,
# 77 it cannot be tried here, with the reason.
export LC_ALL=C
WORK=$(mktemp -d "${TMPDIR:-/tmp}/oikos-finding.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
cd "$WORK" || exit
root=$WORK/root

skip() {
  echo "skipped: $*"
  exit 77
}

# with_dependencies PACKAGE...: names, without headers and without those of the system that runs this script.
with_dependencies() {
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" |
    grep '^[a-z0-9]' | sed 's/:.*//' | sort -u | xargs apt-cache show --no-all-versions 2>/dev/null | sed -n 's/^Package: //p' |
    grep -vxE 'libc6|.*-dev|libc-dev-bin|libcrypt.*|libgcc-s1|gcc-.*-base|dpkg|tar|debconf|cdebconf|perl.*|python3.*|install-info|adduser|passwd'
}

# packages RELEASE NAME=VERSION...: these versions, and what they depend on, are unpacked in $root.
packages() {
  local release=$1 pin name pins=() names=()
  shift
  [[ $(uname -m) == x86_64 ]] || skip "the packages are pinned for amd64"
  command -v apt-get >/dev/null && command -v gcc >/dev/null || skip "apt-get and gcc are needed"
  for pin; do
    [[ $(apt-cache madison "${pin%%=*}" | cut -d'|' -f2 | tr -d ' ') == *"${pin#*=}"* ]] ||
      skip "$pin of $release cannot be had from this machine's apt sources (after apt-get update?)"
    pins+=("$pin") names+=("${pin%%=*}")
  done
  for name in $(with_dependencies "${names[@]}"); do
    [[ " ${names[*]} " == *" $name "* ]] || pins+=("$name")
  done
  mkdir debs
  (cd debs && apt-get download -qq "${pins[@]}" 2>/dev/null) || skip "apt-get download failed"
  for name in debs/*.deb; do dpkg-deb -x "$name" "$root"; done
  libraries=$root/usr/lib/x86_64-linux-gnu
}

# expect WHAT EXPECTED FOUND
expect() {
  echo "$1: $3"
  [[ $2 == "$3" ]] || { echo "changed: expected $2" && exit 1; }
}
