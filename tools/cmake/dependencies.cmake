# SPDX-License-Identifier: MIT
# What liboikos links. Used by the build and, installed, by find_package(oikos). What is missing ends it with where to get it.
macro(oikos_find_dependencies)
  find_package(MPI QUIET COMPONENTS C)
  if(NOT MPI_C_FOUND)
    oikos_missing("an MPI for C" "libopenmpi-dev openmpi-bin, or libmpich-dev mpich" "openmpi, or mpich" "openmpi, mpich, cray-mpich or intel-mpi"
                  "MPI_HOME")
  endif()
  set(HDF5_PREFER_PARALLEL TRUE)
  find_package(HDF5 QUIET COMPONENTS C)
  if(NOT HDF5_FOUND OR NOT HDF5_IS_PARALLEL)
    set(found "none")
    if(HDF5_FOUND)
      set(found "a serial one in ${HDF5_INCLUDE_DIRS}")
    endif()
    oikos_missing("HDF5 built with MPI (found: ${found})" "libhdf5-openmpi-dev, or libhdf5-mpich-dev with MPICH" "hdf5+mpi"
                  "hdf5 (one that says parallel, or mpi)" "HDF5_ROOT")
  endif()
  oikos_mpi_names(of_mpi SONAME ${MPI_C_LIBRARIES})
  oikos_mpi_names(of_hdf5 NEEDED ${HDF5_LIBRARIES})
  set(shared ${of_mpi})
  list(REMOVE_ITEM shared ${of_hdf5})
  if(of_mpi AND of_hdf5 AND shared STREQUAL of_mpi) # Debian, for one, has HDF5 for several, side by side
    oikos_missing("HDF5 built with the MPI that was found, ${of_mpi} (found: HDF5 in ${HDF5_INCLUDE_DIRS} for another, ${of_hdf5})"
                  "libhdf5-openmpi-dev, or libhdf5-mpich-dev with MPICH" "hdf5+mpi" "hdf5 of the same toolchain" "HDF5_ROOT")
  endif()
  find_package(OpenMP QUIET COMPONENTS C)
  if(NOT OpenMP_C_FOUND)
    oikos_missing("a C compiler with OpenMP" "gcc" "gcc" "gcc" "CC")
  endif()
  find_package(PkgConfig QUIET)
  if(NOT PKG_CONFIG_FOUND)
    oikos_missing("pkg-config" "pkg-config" "pkgconf" "pkgconf" "PATH")
  endif()
  oikos_find_module(OIKOS_OPENBLAS "OpenBLAS 0.3.16 or newer" libopenblas-dev openblas openblas>=0.3.16)
  oikos_find_module(OIKOS_YAML "libyaml" libyaml-dev libyaml yaml-0.1)
  oikos_find_module(OIKOS_ARCHIVE "libarchive" libarchive-dev libarchive libarchive)
  oikos_find_module(OIKOS_SPNG "libspng" libspng-dev libspng spng libspng) # as its Meson calls itself, and its CMake
  oikos_find_module(OIKOS_XXHASH "xxHash" libxxhash-dev xxhash libxxhash)
  oikos_find_module(OIKOS_ZLIB "zlib" zlib1g-dev zlib zlib)
  if(NOT TARGET oikos::dependencies)
    add_library(oikos::dependencies INTERFACE IMPORTED)
    target_include_directories(oikos::dependencies SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS} ${OIKOS_XXHASH_INCLUDE_DIRS})
    target_link_libraries(oikos::dependencies INTERFACE ${HDF5_LIBRARIES} MPI::MPI_C OpenMP::OpenMP_C PkgConfig::OIKOS_OPENBLAS
                          PkgConfig::OIKOS_YAML PkgConfig::OIKOS_ARCHIVE PkgConfig::OIKOS_SPNG
                          PkgConfig::OIKOS_ZLIB m) # of xxHash the headers are all (base/xxh3.h)
  endif()
endmacro()

# oikos_missing(WHAT DEBIAN SPACK MODULE VARIABLE)
function(oikos_missing what debian spack module variable)
  message(FATAL_ERROR "oikos needs ${what}.\n"
                      "  Debian, Ubuntu:  apt-get install ${debian}   (tools/setup installs all that is missing)\n"
                      "  Spack:           spack install ${spack}\n"
                      "  modules:         module load ${module}\n"
                      "If it is there already, say where: ${variable}.")
endfunction()

# oikos_mpi_names(RESULT NEEDED|SONAME LIBRARY...): the MPI libraries among what these shared libraries want, or call themselves.
function(oikos_mpi_names result tag)
  set(names)
  foreach(library ${ARGN})
    execute_process(COMMAND ${CMAKE_READELF} -d ${library} OUTPUT_VARIABLE said ERROR_QUIET)
    string(REGEX MATCHALL "\\(${tag}\\)[^[]*\\[libmpi[^]]*" lines "${said}")
    string(REGEX REPLACE "[^;[]*\\[" "" lines "${lines}")
    list(APPEND names ${lines})
  endforeach()
  list(FILTER names EXCLUDE REGEX "cxx|_mpifh|_usempi|fort|_java")
  list(REMOVE_DUPLICATES names)
  set(${result} ${names} PARENT_SCOPE)
endfunction()

# oikos_find_module(PREFIX WHAT DEBIAN SPACK NAME...): the first of these that pkg-config knows.
macro(oikos_find_module prefix what debian spack)
  pkg_search_module(${prefix} QUIET IMPORTED_TARGET ${ARGN})
  if(NOT ${prefix}_FOUND)
    oikos_missing("${what}" ${debian} ${spack} ${spack} PKG_CONFIG_PATH)
  endif()
endmacro()
