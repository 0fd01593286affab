/* SPDX-License-Identifier: MIT */
#include "run/stall.h"

#include <stdarg.h>
#include <stdio.h>

enum { FEW = 8 }; /* ranks that a message names */

static const char *const phases[OIKOS_PHASES] = {
    [OIKOS_PHASE_START] = "looking for a checkpoint",
    [OIKOS_PHASE_READ] = "reading the data",
    [OIKOS_PHASE_SET_UP] = "setting up",
    [OIKOS_PHASE_LOAD] = "reading the checkpoint",
    [OIKOS_PHASE_FETCH] = "fetching embedding rows",
    [OIKOS_PHASE_TRAIN] = "training its learners",
    [OIKOS_PHASE_REDUCE] = "the all-reduce",
    [OIKOS_PHASE_UPDATE] = "the update",
    [OIKOS_PHASE_RECORD] = "a record",
    [OIKOS_PHASE_CHECKPOINT] = "writing a checkpoint",
    [OIKOS_PHASE_EVALUATE] = "the evaluation",
    [OIKOS_PHASE_END] = "the end of the run",
};

const char *oikos_phase_name(int phase) {
  return phase >= 0 && phase < OIKOS_PHASES ? phases[phase] : "an unknown phase";
}

static bool before(const oikos_rank_seen *a, const oikos_rank_seen *b) {
  return a->step != b->step ? a->step < b->step : a->phase < b->phase;
}

typedef struct message {
  char *text;
  size_t size, used;
} message;

__attribute__((format(printf, 2, 3))) static void append(message *m, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(m->text + m->used, m->size - m->used, format, args);
  va_end(args);
  m->used = n < 0 || m->used + (size_t)n >= m->size ? m->size - 1 : m->used + (size_t)n;
}

static void name_rank(message *m, int rank, const oikos_rank_seen *r, double patience) {
  append(m, "rank %d on %s (process %ld), ", rank, r->host, r->pid);
  if (r->silent >= patience)
    append(m, "silent for %.1f s, last seen", r->silent);
  else
    append(m, "for %.1f s", r->still);
  append(m, " in step %lld: %s", (long long)r->step, oikos_phase_name(r->phase));
}

/* Whether a rank that is behind others is itself at fault, and not only waiting, in the collective
 * that it has not left yet, for one that is. */
static bool at_fault(const oikos_rank_seen *r, double patience) {
  return r->silent >= patience || r->phase <= OIKOS_PHASE_LOAD || r->phase == OIKOS_PHASE_TRAIN ||
         r->phase == OIKOS_PHASE_UPDATE || r->phase == OIKOS_PHASE_EVALUATE;
}

/* Who the others wait for: those at fault if there are any, else all that are behind. */
static bool is_late(const oikos_rank_seen *r, const oikos_rank_seen *foremost, bool faults,
                    double patience) {
  bool behind = before(r, foremost) || r->silent >= patience;
  return behind && (!faults || at_fault(r, patience));
}

static void name_late(message *m, const oikos_rank_seen *ranks, int n,
                      const oikos_rank_seen *foremost, double patience) {
  int late = 0, named = 0;
  bool faults = false;
  for (int r = 0; r < n; r++)
    faults |= is_late(&ranks[r], foremost, true, patience);
  for (int r = 0; r < n; r++)
    late += is_late(&ranks[r], foremost, faults, patience);
  append(m, "%d of %d ranks did not come to step %lld, %s: ", late, n, (long long)foremost->step,
         oikos_phase_name(foremost->phase));
  for (int r = 0; r < n && named < FEW; r++)
    if (is_late(&ranks[r], foremost, faults, patience)) {
      append(m, "%s", named++ ? "; " : "");
      name_rank(m, r, &ranks[r], patience);
    }
  if (late > FEW)
    append(m, "; and %d more", late - FEW);
}

bool oikos_stalled(const oikos_rank_seen *ranks, int n, double limit, double patience, char *text,
                   size_t size) {
  const oikos_rank_seen *foremost = ranks;
  message m = {.size = size};
  int behind = 0;
  m.text = text;
  for (int r = 1; r < n; r++)
    foremost = before(foremost, &ranks[r]) ? &ranks[r] : foremost;
  for (int r = 0; r < n; r++)
    behind += is_late(&ranks[r], foremost, false, patience);
  for (int r = 0; r < n; r++)
    if ((behind == 0 || before(&ranks[r], foremost)) && ranks[r].still < limit &&
        ranks[r].silent < patience)
      return false;
  append(&m, "no progress for %.4g s (run.watchdog): ", limit);
  if (behind > 0)
    name_late(&m, ranks, n, foremost, patience);
  else
    append(&m,
           "all %d ranks are in step %lld, %s, so the network or the file system does not answer",
           n, (long long)foremost->step, oikos_phase_name(foremost->phase));
  return true;
}
