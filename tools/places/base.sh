# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2154
# What a place is made of: a bare Debian release below OIKOS_PLACES, and what is mounted in it. Sourced by run and by
# tools/packaging/place, as root and in a mount namespace of their own; make_base makes that of $release.

mirror() {
  local uri release
  [ -z "${OIKOS_MIRROR:-}" ] || { echo "$OIKOS_MIRROR" && return; }
  while read -r uri release; do # that of this machine's own release
    [ "$release" != "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" ] || { echo "$uri" && return; }
  done < <(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages')
  echo "tools/platforms: no mirror of Debian in this machine's apt sources; name one in OIKOS_MIRROR" >&2
  return 1
}

# A release with git and gcc and nothing else.
make_base() {
  local base=$OIKOS_PLACES/base-$release uri
  [ ! -e "$base" ] || return 0
  uri=$(mirror)
  rm -rf --one-file-system "$base.new"
  debootstrap --variant=minbase --include=git,gcc,libc6-dev "$release" "$base.new" "$uri"
  echo "deb $uri $release main" >"$base.new/etc/apt/sources.list"
  apt-config dump Acquire >"$base.new/etc/apt/apt.conf.d/90acquire"
  mv "$base.new" "$base"
}

mount_in() {
  mount -t proc proc "$1/proc"
  mount --rbind /sys "$1/sys"
  mount --rbind /dev "$1/dev"
  mountpoint -q "$1/dev/shm" || mount -t tmpfs tmpfs "$1/dev/shm"
  cp /etc/resolv.conf /etc/hosts "$1/etc" # without its own name every mpirun waits for the network
}
