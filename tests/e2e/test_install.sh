#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cmake --install puts a tree in place that a program can be built against, by CMake and by pkg-config; it then trains
# from C code, alone and under mpirun.
set -euo pipefail
. "$(dirname "$0")/common.sh"
build=$(dirname "$OIKOS")
cmake --install "$build" --prefix "$work/tree" >/dev/null

cmake -S "$SOURCE/tests/install" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$work/tree" ${SANITIZE:+-DCMAKE_C_FLAGS=$SANITIZE} >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --build "$work/cmake" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/cmake/train" | tee "$work/one"
mpirun -q --oversubscribe --bind-to none -n 2 "$work/cmake/train" >"$work/two"
diff "$work/one" "$work/two"

libdir=$(dirname "$(find "$work/tree" -name oikos.pc)")
PKG_CONFIG_PATH="$libdir:${PKG_CONFIG_PATH:-}" \
  ${CC:-cc} ${SANITIZE:-} "$SOURCE/tests/install/train.c" -o "$work/train" $(PKG_CONFIG_PATH="$libdir:${PKG_CONFIG_PATH:-}" pkg-config --cflags --libs oikos)
LD_LIBRARY_PATH="$(dirname "$libdir"):${LD_LIBRARY_PATH:-}" "$work/train" >"$work/three"
diff "$work/one" "$work/three"
