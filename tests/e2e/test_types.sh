#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tools/types: this tree has no type name twice; a struct, an enum, a tag or another short name that is planted a second time is refused.
set -euo pipefail
source "$(dirname "$0")/common.sh"

launch "$SOURCE/tools/types"
check_status "this tree" 0
[[ ! -s $log.out ]] || fail "this tree: $(<"$log.out")"

# A small tree without a name twice: a handle told in one header and filled in in another file, a short name for one type in two files,
# one name for two types in one file; what only looks like a type is in comments, texts and directives.
plant() {
  rm -rf tree
  mkdir -p tree/src/base tree/include/oikos
  printf '%s\n' 'typedef struct oikos_thing oikos_thing;' 'typedef int oikos_visit(int what, void *user);' >tree/include/oikos/a.h
  printf '%s\n' 'typedef float real;' '/* struct block {' '   } */' 'typedef struct block {' '  struct inner { int n; } inner;' '} block;' 'enum { NAMELESS };' >tree/src/base/a.c
  printf '%s\n' 'typedef float real;' 'struct oikos_thing {' '  int n; // struct block {' '};' 'static const char *text = "struct block { \" ";' '#define STRUCT struct block {' >tree/src/base/b.c
  printf '%s\n' '#ifdef WIDE' 'typedef long lane;' '#else' 'typedef int lane;' '#endif' 'static block *find(struct block *block);' >>tree/src/base/b.c
}
plant
launch "$SOURCE/tools/types" tree
check_status "a tree in order" 0
[[ ! -s $log.out ]] || fail "a tree in order: $(<"$log.out")"

# refused WHAT NAME PLACE LINE: with this line in a file of its own, by one line that says where both are.
refused() {
  plant
  printf '%s\n' "$4" >tree/src/base/c.c
  launch "$SOURCE/tools/types" tree
  check_status "$1" 1
  check_match "$1" "^src/base/c\.c:1: the type $2 is another one in $3: give it a name of its own" "$log.out"
  check_equal "$1: lines" 1 "$(wc -l <"$log.out")"
}
refused "a struct" block src/base/a.c:4 'typedef struct block { int other; } block;'
refused "a struct without a tag" block src/base/a.c:4 'typedef struct { int other; } block;'
refused "a tag" inner src/base/a.c:5 'struct inner { int other; };'
refused "an enum" block src/base/a.c:4 'typedef enum { BEFORE, AFTER } block;'
refused "a handle" oikos_thing src/base/b.c:2 'typedef struct oikos_thing { int other; } oikos_thing;'
refused "a short name of another type" real src/base/a.c:1 'typedef double real;'
refused "a function" oikos_visit include/oikos/a.h:2 'typedef void oikos_visit(const char *text);'
refused "a pointer to a function" oikos_visit include/oikos/a.h:2 'typedef int (*oikos_visit)(int what);'

finish
