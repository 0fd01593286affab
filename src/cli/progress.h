/* SPDX-License-Identifier: MIT
 * What training shows: a line that is redrawn on a terminal, plain lines otherwise. Rank 0 prints.
 */
#ifndef OIKOS_CLI_PROGRESS_H
#define OIKOS_CLI_PROGRESS_H

#include <stdatomic.h>

#include "cli/cli.h"
#include "oikos/real.h"

/* Steps that a line tells of: by their median, which does not tell of how training began. */
enum { OIKOS_RECENT = 100 };

typedef struct oikos_progress {
  const oikos_cli *cli;
  const oikos_config *config;
  bool terminal, classification, drawn;
  int64_t first_step, last_step; /* when this process began; when the line was last drawn */
  double started, shown;         /* wall clock */
  atomic_bool unread;            /* nobody reads stdout any more */
  oikos_real loss[OIKOS_RECENT], accuracy[OIKOS_RECENT]; /* of the steps before, round and round */
  double first;      /* query loss of the first step of this process */
  int64_t recent;    /* steps that were ever put there */
  char homes[128];   /* who lives where, at the last record */
  char slowest[128]; /* which rank keeps the others waiting */
} oikos_progress;

/** Whether a line that is redrawn makes sense: a person looks at stdout. */
bool oikos_output_is_terminal(void);

/** An observer that prints; @p progress must outlive the trainer. */
oikos_observer oikos_progress_observer(oikos_progress *progress, const oikos_cli *cli,
                                       const oikos_config *config);

/** Training begins at this step. */
void oikos_progress_start(oikos_progress *progress, int64_t step);

/** Whether training has blown up, though every number is finite: the query loss of the last steps
 * is more than thirty times that of the first. On rank 0, which sees the steps.
 * @param[out] now  that of the last steps */
bool oikos_progress_diverged(const oikos_progress *progress, double *now);

/** End the redrawn line. */
void oikos_progress_end(oikos_progress *progress);

#endif
