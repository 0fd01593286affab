# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# The rows of tools/platforms' table, and the handler of arm64 programs that one of them needs.
rows=(debian-13 debian-12 debian-13-user debian-12-user debian-12-mpich debian-13-v3 debian-13-v2 debian-13-arm64)

# row NAME: sets about; release; user, who runs the commands; setup, what tools/setup is told, run by root beforehand
# (empty: the commands install for themselves); packages that it does not know; environment of the commands; only, which tests
# (empty: all).
row() {
  release=trixie user=root setup=() packages=() environment=() only= about=
  [[ $1 != debian-12* ]] || release=bookworm
  case $1 in
  debian-13) about="Debian 13 with git and gcc, as root" ;;
  debian-12) about="Debian 12 with git and gcc, as root" ;;
  debian-13-user)
    about="Debian 13 as a user who may install nothing; no python3"
    user=oikos setup=(--tests)
    ;;
  debian-12-user)
    about="Debian 12 as a user who may install nothing; python3 is there"
    user=oikos setup=(--tests) packages=(python3)
    ;;
  debian-12-mpich)
    about="Debian 12 with MPICH in place of Open MPI"
    setup=(--tests --mpich)
    ;;
  debian-13-v[23])
    about="Debian 13 held to what x86-64-${1#debian-13-} processors have"
    environment=(OIKOS_LEVEL="x86-64-${1#debian-13-}")
    ;;
  debian-13-arm64)
    about="Debian 13 of arm64: built by a cross compiler, run by QEMU"
    packages=("${arm64_packages[@]}")
    environment=("${arm64_environment[@]}")
    only='^(unit|mpi|parts)\.|^e2e\.(same_bits|resume|program)$' # what an emulator does in an hour or two
    ;;
  *) return 1 ;;
  esac
}

# The libraries are arm64's, what runs the build and the tests is this machine's.
arm64_packages=(qemu-user gcc-14-aarch64-linux-gnu:amd64 gcc-aarch64-linux-gnu cmake make pkg-config openmpi-bin hdf5-tools
                procps librandom123-dev libc6-dev:arm64 libgomp1:arm64 libopenmpi-dev:arm64 libhdf5-openmpi-dev:arm64
                libopenblas-dev:arm64 libyaml-dev:arm64 libarchive-dev:arm64 libspng-dev:arm64 libxxhash-dev:arm64 zlib1g-dev:arm64
                libcmocka-dev:arm64)

# Under QEMU long vectors (SVE) are slow, and PMIx's memory cannot lie at the address that mpirun has it at.
arm64_environment=(CMAKE_TOOLCHAIN_FILE=/root/oikos/tools/cmake/arm64.cmake
                   PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig
                   QEMU_CPU=neoverse-n1 PMIX_MCA_gds=hash OIKOS_DEMO_STEPS=40)

binfmt=/proc/sys/fs/binfmt_misc

# The kernel starts arm64 programs by QEMU from now on: the one of this place, held open. Within the place.
register() {
  /usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1 --version >/dev/null 2>&1 && return
  [[ -e $binfmt/register ]] || mount -t binfmt_misc none $binfmt
  local magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
  local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  echo ":oikos-arm64:M::$magic:$mask:/usr/bin/qemu-aarch64:PF" >$binfmt/register
}
# On this machine again: its /proc need not show the handler.
unregister() {
  unshare --mount bash -c "[[ -e $binfmt/register ]] || mount -t binfmt_misc none $binfmt
    [[ ! -e $binfmt/oikos-arm64 ]] || echo -1 >$binfmt/oikos-arm64"
}
