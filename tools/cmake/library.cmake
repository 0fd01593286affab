# SPDX-License-Identifier: MIT
# liboikos in two precisions, float, which ships, and double, which the derivative checks use; each once for every level of
# processors. The lowest level's lies where linkers look, the others where ld.so looks first on a processor that has them.
set(OIKOS_SOVERSION 0)
if(OIKOS_NATIVE)
  set(OIKOS_LEVELS native)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(OIKOS_LEVELS x86-64-v2 x86-64-v3 x86-64-v4)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(OIKOS_LEVELS arm64)
else()
  set(OIKOS_LEVELS generic)
endif()
set(OIKOS_FLAGS_native -march=native)
set(OIKOS_FLAGS_arm64 -march=armv8-a)
foreach(version 2 3 4)
  set(OIKOS_FLAGS_x86-64-v${version} -march=x86-64-v${version})
endforeach()

file(GLOB OIKOS_SOURCES CONFIGURE_DEPENDS src/*/*.c)
list(FILTER OIKOS_SOURCES EXCLUDE REGEX "/cli/(main|level)\\.c$")
configure_file(tools/cmake/version.h.in ${CMAKE_BINARY_DIR}/generated/base/version.h @ONLY)

# These are meant to be fused, and GCC's tuning for AMD would load an operand again for every use of it.
set(OIKOS_KERNEL_FLAGS -ffp-contract=fast)
check_c_compiler_flag(-mtune=haswell OIKOS_HAS_TUNE_HASWELL)
if(OIKOS_HAS_TUNE_HASWELL)
  list(APPEND OIKOS_KERNEL_FLAGS -mtune=haswell)
endif()
set_source_files_properties(src/math/small_product.c src/math/tile_product.c src/math/winograd.c src/math/shallow_convolution.c
                            src/math/lane_product.c src/bench/peak.c
                            PROPERTIES COMPILE_OPTIONS "${OIKOS_KERNEL_FLAGS}")

# One library: target, name of the file, level, folder below that of the libraries.
function(oikos_library target name level folder)
  add_library(${target} SHARED ${OIKOS_SOURCES})
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
                             PRIVATE src ${CMAKE_BINARY_DIR}/generated ${OIKOS_RANDOM123})
  target_compile_options(${target} PRIVATE ${OIKOS_FLAGS_${level}})
  target_compile_definitions(${target} PRIVATE OIKOS_LEVEL="${level}")
  target_link_libraries(${target} PUBLIC oikos::dependencies PRIVATE $<BUILD_INTERFACE:oikos_flags>)
  if(name STREQUAL oikos_f64)
    target_compile_definitions(${target} PUBLIC OIKOS_DOUBLE)
  endif()
  set(OIKOS_LIBRARIES ${OIKOS_LIBRARIES} ${target} PARENT_SCOPE)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} VERSION ${PROJECT_VERSION} SOVERSION ${OIKOS_SOVERSION}
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/${folder} EXPORT_NAME ${name})
  # A folder with this level's library alone, for LD_LIBRARY_PATH: so tests run at a level that is not the best.
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/levels/${level})
  file(CREATE_LINK ${CMAKE_BINARY_DIR}/lib/${folder}lib${name}.so.${OIKOS_SOVERSION}
       ${CMAKE_BINARY_DIR}/levels/${level}/lib${name}.so.${OIKOS_SOVERSION} SYMBOLIC)
endfunction()

# liboikos and liboikos_f64, of the lowest level, are what programs are linked with; OIKOS_LIBRARIES is all of them. Doubles
# need no speed but where the tests look at every level's.
macro(oikos_libraries)
  # Those that another configuration left here would be loaded in place of what this one builds.
  file(GLOB OIKOS_LEFT ${CMAKE_BINARY_DIR}/lib/glibc-hwcaps/*/liboikos_f64.*)
  if(OIKOS_NATIVE)
    file(REMOVE_RECURSE ${CMAKE_BINARY_DIR}/lib/glibc-hwcaps ${CMAKE_BINARY_DIR}/levels)
  elseif(NOT OIKOS_TESTS AND OIKOS_LEFT)
    file(REMOVE ${OIKOS_LEFT})
  endif()
  list(GET OIKOS_LEVELS 0 OIKOS_LOWEST)
  foreach(level ${OIKOS_LEVELS})
    foreach(precision "" _f64)
      if(level STREQUAL OIKOS_LOWEST)
        oikos_library(liboikos${precision} oikos${precision} ${level} "")
      elseif(OIKOS_TESTS OR NOT precision)
        oikos_library(liboikos${precision}_${level} oikos${precision} ${level} glibc-hwcaps/${level}/)
      endif()
    endforeach()
  endforeach()
endmacro()
