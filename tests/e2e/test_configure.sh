#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What is missing ends configure with one message: what, and its name on Debian, in Spack and among modules.
. "$(dirname "$0")/common.sh"
command -v cmake >/dev/null || skip "no cmake"

# refused WHAT REGEX OPTION...
refused() {
  launch cmake -S "$SOURCE" -B "$WORK/build" "${@:3}"
  rm -rf "$WORK/build"
  check_status "$1" 1
  check_match "$1" "$2" "$log.err"
  check_equal "$1: errors" 1 "$(grep -c 'CMake Error at' "$log.err")"
  check_match "$1: Debian" 'Debian, Ubuntu: +apt-get install [a-z]' "$log.err"
  check_match "$1: Spack" 'Spack: +spack install [a-z]' "$log.err"
  check_match "$1: modules" 'modules: +module load [a-z]' "$log.err"
}

# fake_hdf5 PARALLEL FOLDER: what CMake is to find.
fake_hdf5() {
  mkdir -p find
  printf 'set(HDF5_FOUND TRUE)\nset(HDF5_IS_PARALLEL %s)\nset(HDF5_INCLUDE_DIRS %s)\n' "$1" "$2" >find/FindHDF5.cmake
}

refused "no MPI" 'oikos needs an MPI for C' -DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON
fake_hdf5 FALSE /usr/include/hdf5/serial
refused "a serial HDF5" 'oikos needs HDF5 built with MPI \(found: a serial one in' -DCMAKE_MODULE_PATH="$WORK/find"
refused "no HDF5" 'oikos needs HDF5 built with MPI \(found: none\)' -DCMAKE_DISABLE_FIND_PACKAGE_HDF5=ON
export PKG_CONFIG_LIBDIR=$WORK/nothing
refused "no OpenBLAS" 'oikos needs OpenBLAS 0\.3\.16 or newer' -DCMAKE_PREFIX_PATH="$WORK/nothing"
unset PKG_CONFIG_LIBDIR

# HDF5 of another MPI is known by what its library is linked with, wherever it lies.
if command -v gcc >/dev/null; then
  gcc -shared -o libmpi.so -Wl,-soname,libmpi_of_others.so.1 -x c /dev/null
  gcc -shared -o libhdf5.so -Wl,--no-as-needed -x c /dev/null -x none libmpi.so
  fake_hdf5 TRUE /usr/include/hdf5
  echo "set(HDF5_LIBRARIES $WORK/libhdf5.so)" >>find/FindHDF5.cmake
  refused "HDF5 of another MPI" 'for another, libmpi_of_others\.so\.1\)' -DCMAKE_MODULE_PATH="$WORK/find"
fi

# What another configuration left is not loaded in place of what this one builds.
mkdir -p native/lib/glibc-hwcaps/x86-64-v3
touch native/lib/glibc-hwcaps/x86-64-v3/liboikos.so.0
launch cmake -S "$SOURCE" -B "$WORK/native" -DOIKOS_NATIVE=ON
check_status "configured for this machine" 0
[[ ! -e native/lib/glibc-hwcaps ]] || fail "libraries of levels are left beside the one for this machine"
finish
