# SPDX-License-Identifier: MIT
# oikos and liboikos, its headers, a CMake package and a pkg-config file.
include(CMakePackageConfigHelpers)
install(TARGETS liboikos EXPORT oikosTargets)
install(TARGETS oikos liboikos_f64)
foreach(level ${OIKOS_LEVELS})
  foreach(library liboikos_${level} liboikos_f64_${level})
    if(TARGET ${library})
      install(TARGETS ${library} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/glibc-hwcaps/${level} NAMELINK_SKIP)
    endif()
  endforeach()
endforeach()
install(DIRECTORY include/oikos TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(EXPORT oikosTargets NAMESPACE oikos:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/oikos)
file(WRITE ${CMAKE_BINARY_DIR}/generated/oikosConfig.cmake
     "include(\${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake)\noikos_find_dependencies()\n"
     "include(\${CMAKE_CURRENT_LIST_DIR}/oikosTargets.cmake)\n")
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/oikosConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/generated/oikosConfig.cmake ${CMAKE_BINARY_DIR}/generated/oikosConfigVersion.cmake
              tools/cmake/dependencies.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/oikos)
foreach(folder ${MPI_C_INCLUDE_DIRS}) # of the public headers, mpi.h is the only one that is another's
  string(APPEND OIKOS_MPI_INCLUDE " -I${folder}")
endforeach()
foreach(library ${MPI_C_LIBRARIES})
  string(APPEND OIKOS_MPI_LINK " ${library}")
endforeach()
configure_file(tools/cmake/oikos.pc.in ${CMAKE_BINARY_DIR}/generated/oikos.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/generated/oikos.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
