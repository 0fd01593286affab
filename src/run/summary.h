/* SPDX-License-Identifier: MIT
 * What the results of single episodes come to: means over unseen episodes, with their intervals
 * over what was drawn (math/unit_mean.h). */
#ifndef OIKOS_RUN_SUMMARY_H
#define OIKOS_RUN_SUMMARY_H

#include "oikos/trainer.h"
#include "run/judge_ratings.h"

/* A row of numbers for each episode: loss after 0 .. S steps; accuracy likewise; sums of squared
 * errors of the targets, in their own unit, likewise; how many examples were evaluated, the
 * confidence in the home, home, group; units; those of judge_ratings.h. */
typedef struct oikos_results {
  int64_t episodes, steps, targets;
  size_t each;                                             /* units of an episode */
  size_t errors, evaluated, confidence, home, group, unit; /* where these stand in a row */
  size_t ratings_offset, fields;
  oikos_judge judge;
  double *rows;   /* (episodes, fields); zero where another rank evaluates */
  double *losses; /* (threads, steps + 1, OIKOS_LOCKSTEP) of episodes in lockstep */
  oikos_arena memory;
} oikos_results;

/** Lay a row out, by episodes, steps, targets, each and judge. */
void oikos_results_lay_out(oikos_results *r);

/** Not collective. */
oikos_status oikos_results_summarise(const oikos_results *r, oikos_evaluation *v, oikos_error *err);

#endif
