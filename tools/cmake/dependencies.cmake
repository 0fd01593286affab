# SPDX-License-Identifier: MIT
# What liboikos links. Used by the build and, installed, by find_package(oikos).
macro(oikos_find_dependencies)
  find_package(MPI REQUIRED COMPONENTS C)
  set(HDF5_PREFER_PARALLEL TRUE)
  find_package(HDF5 REQUIRED COMPONENTS C)
  if(NOT HDF5_IS_PARALLEL)
    message(FATAL_ERROR "oikos needs HDF5 built with MPI (Debian: libhdf5-openmpi-dev); found a serial one in "
                        "${HDF5_INCLUDE_DIRS}. Set HDF5_ROOT to the parallel one.")
  endif()
  find_package(OpenMP REQUIRED COMPONENTS C)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(OIKOS_PC REQUIRED IMPORTED_TARGET openblas>=0.3.16 yaml-0.1 libarchive spng libxxhash)
  if(NOT TARGET oikos::dependencies)
    add_library(oikos::dependencies INTERFACE IMPORTED)
    target_include_directories(oikos::dependencies SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
    target_link_libraries(oikos::dependencies INTERFACE ${HDF5_LIBRARIES} MPI::MPI_C OpenMP::OpenMP_C
                          PkgConfig::OIKOS_PC m)
  endif()
endmacro()
