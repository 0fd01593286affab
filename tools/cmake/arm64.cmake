# SPDX-License-Identifier: MIT
# Debian's cross compiler and its arm64 libraries beside this machine's (dpkg --add-architecture arm64). pkg-config finds
# them with PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

# Where Open MPI's compiler wrapper, this machine's, looks for its headers and libraries.
set(ENV{OPAL_INCLUDEDIR} /usr/lib/aarch64-linux-gnu/openmpi/include)
set(ENV{OPAL_LIBDIR} /usr/lib/aarch64-linux-gnu/openmpi/lib)
set(ENV{OMPI_CC} ${CMAKE_C_COMPILER})
