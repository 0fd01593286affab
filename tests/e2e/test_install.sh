#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cmake --install puts a tree in place that a program can be built against, by CMake and by pkg-config; it then trains
# from C code, alone and under mpirun.
set -euo pipefail
. "$(dirname "$0")/common.sh"
[ -z "${OIKOS_SANITIZED:-}" ] || skip "the library is built with sanitizers, the program is not"
build=$(dirname "$OIKOS")
cmake --install "$build" --prefix "$WORK/tree" >/dev/null

cmake -S "$SOURCE/tests/install" -B "$WORK/cmake" -DCMAKE_PREFIX_PATH="$WORK/tree" >"$WORK/log" 2>&1 || { cat "$WORK/log"; exit 1; }
cmake --build "$WORK/cmake" >"$WORK/log" 2>&1 || { cat "$WORK/log"; exit 1; }
"$WORK/cmake/train" | tee "$WORK/one"
"${mpirun[@]}" 2 "$WORK/cmake/train" >"$WORK/two"
diff "$WORK/one" "$WORK/two"

libdir=$(dirname "$(find "$WORK/tree" -name oikos.pc)")
PKG_CONFIG_PATH="$libdir:${PKG_CONFIG_PATH:-}" \
  ${CC:-cc} "$SOURCE/tests/install/train.c" -o "$WORK/train" $(PKG_CONFIG_PATH="$libdir:${PKG_CONFIG_PATH:-}" pkg-config --cflags --libs oikos)
LD_LIBRARY_PATH="$(dirname "$libdir"):${LD_LIBRARY_PATH:-}" "$WORK/train" >"$WORK/three"
diff "$WORK/one" "$WORK/three"
