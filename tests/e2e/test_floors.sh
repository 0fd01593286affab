#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tools/floors: this tree is in order; a made-up circle, an include against the floors and a call of MPI from below are refused.
set -euo pipefail
source "$(dirname "$0")/common.sh"

launch "$SOURCE/tools/floors"
check_status "this tree" 0
[[ ! -s $log.out ]] || fail "this tree: $(<"$log.out")"

# A small tree in order: base/a and learn/b, where a.c, a.h and a_impl.h are one file.
plant() {
  rm -rf tree
  mkdir -p tree/src/{base,math,learn,dist} tree/include/oikos
  echo '#include "oikos/error.h"' >tree/src/base/a.h
  echo '#include "base/a_impl.h"' >tree/src/base/a.c
  echo '#include "base/a.h"' >tree/src/base/a_impl.h
  printf '#include "learn/b.h"\n#include "base/a.h"\n#include "oikos/inner.h"\n// MPI_Init(0) comes before\n' >tree/src/learn/b.c
  touch tree/src/learn/b.h tree/include/oikos/error.h
  printf '#include <mpi.h>\nint f(void) { return MPI_Barrier(MPI_COMM_WORLD); }\n' >tree/src/dist/c.c
}
plant
launch "$SOURCE/tools/floors" tree
check_status "a tree in order" 0
[[ ! -s $log.out ]] || fail "a tree in order: $(<"$log.out")"

# refused WHAT REGEX FILE LINE: with this line added to this file, by lines of which one matches.
refused() {
  plant
  echo "$4" >>"tree/$3"
  launch "$SOURCE/tools/floors" tree
  check_status "$1" 1
  check_match "$1" "$2" "$log.out"
}
refused "upwards" '^src/base/a\.h:2: base/ includes learn/b\.h, which is above it: base math net' src/base/a.h '#include "learn/b.h"'
refused "upwards by a public header" '^src/base/a\.c:2: base/ includes oikos/trainer\.h, which is above it' src/base/a.c '#  include "oikos/trainer.h"'
refused "upwards from a public header" '^include/oikos/error\.h:1: base/ includes oikos/trainer\.h' include/oikos/error.h '#include "oikos/trainer.h"'
refused "an unknown floor" '^src/base/a\.c:2: includes attic/x\.h, which is on no floor' src/base/a.c '#include "attic/x.h"'
refused "mpi.h" '^src/base/a\.c:2: includes mpi\.h, which only dist, store and cli may' src/base/a.c '#include <mpi.h>'
refused "a call of MPI" '^src/learn/b\.c:5: calls MPI, which only dist, store and cli may' src/learn/b.c 'void g(void) { MPI_Finalize(); }'

# Circles: of two by their sources; of three, the shortest way round named; not of a file and its own headers.
plant
echo '#include "learn/d.h"' >>tree/src/learn/b.c
echo '#include "learn/b.h"' >tree/src/learn/d.c
touch tree/src/learn/d.h
launch "$SOURCE/tools/floors" tree
check_status "a circle of two" 1
check_match "a circle of two" '^a circle' "$log.out"
check_match "a circle of two" '^  src/learn/b\.c:5: includes learn/d\.h' "$log.out"
check_match "a circle of two" '^  src/learn/d\.c:1: includes learn/b\.h' "$log.out"
echo '#include "learn/e.h"' >tree/src/learn/d.c
echo '#include "learn/b.h"' >tree/src/learn/e_impl.h
launch "$SOURCE/tools/floors" tree
check_status "a circle of three" 1
check_equal "a circle of three: lines" 4 "$(wc -l <"$log.out")"

finish
