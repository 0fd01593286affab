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
other=mpich
! mpicc -show 2>/dev/null | grep -q mpich || other=openmpi
fake_hdf5 TRUE /usr/include/hdf5/$other
mpicc -show 2>/dev/null | grep -qE '/(openmpi|mpich)' || { echo "not tried: HDF5 of another MPI (the folders of this one do not name it)"; finish; }
refused "HDF5 of another MPI" 'is for another' -DCMAKE_MODULE_PATH="$WORK/find"
finish
