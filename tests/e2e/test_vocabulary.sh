#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tools/vocabulary: this tree uses no retired word; one that is planted is named, with its place and what to say.
set -euo pipefail
source "$(dirname "$0")/common.sh"

launch "$SOURCE/tools/vocabulary"
check_status "this tree" 0
[[ ! -s $log.out ]] || fail "this tree: $(<"$log.out")"

# A small tree in order: retired words in comments, texts, includes and longer words, and where they stay.
plant() {
  rm -rf tree
  mkdir -p tree/{src/{run,net,config,store,tasks},include/oikos,tests/unit,configs}
  cat >tree/src/run/a.c <<'EOF'
#include "run/pace.h"
/* sure: a comment,
 * adopt: more of it */
static const char *const text = "sure \"pace\" adopt"; // settle
int ensure_spaces(int embedding_rows, char quote) { return quote == '"' ? embedding_rows : 0; } /* pace */
int history_at(int i);
EOF
  echo 'int rows, pixel_at; void leave_out(void);' >tree/src/store/b.c
  echo 'int again, judged, own;' >tree/tests/unit/test_c.c
  echo '    {BOOL("task.self_row", task.self_row, "true"), FIXED, "a learner by its own row, for sure"},' >tree/src/config/options.c
  printf '# own_row: 1\ntask: {self_row: false} # sure: 1\n' >tree/configs/d.yaml
}
plant
launch "$SOURCE/tools/vocabulary" tree
check_status "a tree in order" 0
[[ ! -s $log.out ]] || fail "a tree in order: $(<"$log.out")"

# refused WHAT REGEX FILE LINE: with this line added to this file, by one line.
refused() {
  plant
  echo "$4" >>"tree/$3"
  launch "$SOURCE/tools/vocabulary" tree
  check_status "$1" 1
  check_match "$1" "$2" "$log.out"
  check_equal "$1: lines" 1 "$(wc -l <"$log.out")"
}
refused "a word" '^src/run/a\.c:7: sure: sure is retired, say: confidence$' src/run/a.c 'double sure, x = 1.0; /* sure */'
refused "a part of an identifier" '^include/oikos/e\.h:1: oikos_pace_due: pace is retired, say: timing' include/oikos/e.h 'int oikos_pace_due(void);'
refused "in capitals" '^src/net/f\.h:1: OIKOS_ADOPT_H: adopt is retired, say: commit' src/net/f.h '#define OIKOS_ADOPT_H'
refused "where it stays elsewhere" '^src/run/g\.c:1: n_rows: rows is retired, say: embedding_rows' src/run/g.c 'int n_rows;'
refused "beside its compound" '^src/run/g\.c:1: rows_of_embedding_rows: rows is' src/run/g.c 'int rows_of_embedding_rows;'
refused "alone" '^src/store/b\.c:2: at: at is retired, say: offset' src/store/b.c 'int at, byte_at;'
refused "in a test" '^tests/unit/test_c\.c:2: where_sure: sure is retired' tests/unit/test_c.c 'int where_sure;'
refused "behind a comment" '^src/run/a\.c:7: settle: settle is retired' src/run/a.c '/* " */ int settle; // "'
refused "a file" '^src/run/watch\.h: the file watch: watch is retired, say: watchdog' src/run/watch.h ''
refused "a key" '^src/config/options\.c:2: the key task_own_row: own is retired, say: local, self' src/config/options.c '    {BOOL("task.own_row", x, "true"),'
refused "a key in YAML" '^configs/d\.yaml:3: the key own_row: own is retired' configs/d.yaml 'also: {own_row: true}'
refused "a key of metrics" '^src/run/a\.c:7: the key of metrics.jsonl sure: sure is retired' src/run/a.c '  oikos_metrics_value(out, "sure", 1);'
refused "another key of metrics" '^src/run/a\.c:7: the key of metrics.jsonl pace: pace is retired' src/run/a.c '  fprintf(out, ", \"pace\": %d", 1);'

finish
