/* SPDX-License-Identifier: MIT
 *
 * What a learner contributes to a step, and where it stands in the packed sum: everything that
 * crosses the network in a step, in one buffer. Segments: the shared gradient and (if gamma > 0 or
 * peers teach) the trained parameters by tensor, the gradient of the rates and of the encoder, the
 * same of each home (trained: if gamma_H > 0 or peers teach), the homes' weights and scores, the
 * losses; with home.priority the gradient norm and query loss by home. At most 2 M + A + E + 2 T K
 * + 4 T + 4 numbers; nothing grows with the number of learners or ranks. Where aggregation.rule
 * orders the learners' numbers, gradients and trained parameters travel by dist/columns.h and are
 * not in the sum.
 */
#ifndef OIKOS_LEARN_CONTRIBUTION_H
#define OIKOS_LEARN_CONTRIBUTION_H

#include "learn/weights.h"
#include "math/exact_sum.h"

/** Exact counts of a step. */
enum {
  OIKOS_COUNT_NOT_FINITE, /* terms that were not finite: the grid's own */
  OIKOS_COUNT_CORRECT,    /* query examples classified correctly */
  OIKOS_COUNT_EVALUATED,  /* query examples */
  OIKOS_COUNT_STOP,       /* ranks that were asked to stop */
  OIKOS_COUNT_SAVE,       /* a checkpoint is due: 1 of rank 0, whose clock counts */
  OIKOS_COUNT_MOVED,      /* learners that changed their home */
  OIKOS_COUNT_REJECTED,   /* learners left out: oikos_can_leave_out */
  OIKOS_COUNT_LOST,       /* learners left out once more than learners.patience allows */
  OIKOS_COUNT_MEMBERS,    /* T of them: learners by home */
};

/** Losses and the like of a step, summed over learners. */
enum {
  OIKOS_LOSS_BEFORE,
  OIKOS_LOSS_AFTER,
  OIKOS_GRADIENT_NORM,
  OIKOS_CONFIDENCE, /* p[i][h(i)], also of a hard home; 0 with one home */
  OIKOS_N_LOSSES
};

/** What is summed by home, with home.priority. */
enum { OIKOS_HOME_NORM, OIKOS_HOME_QUERY_LOSS, OIKOS_N_BY_HOME };

/** What a learner's numbers are weighed by: 1, or (learners.weigh: examples) the number of examples
 * that they are of, judged ones for a gradient, support ones for trained parameters. */
enum { OIKOS_OF_GRADIENT, OIKOS_OF_TRAINED, OIKOS_N_WEIGHTS };

/** Parts of an array of parameters. */
typedef struct oikos_tensors {
  int n;
  const oikos_tensor *list;
} oikos_tensors;

/** Segment numbers. */
typedef struct oikos_segments {
  oikos_tensors shared, encoder, home; /* parts of theta (M), of the encoder's (E), of c (K) */
  int shared_trained; /* segment of the first tensor's trained parameters; -1: not summed */
  int rates;          /* -1: none */
  int encoders;       /* segment of the encoder's first tensor */
  int homes;          /* segment of home 0's first tensor */
  int home_size;      /* segments of a home */
  bool home_trained;  /* a home's trained parameters follow its gradient */
  int weights, scores, losses;
  int examples; /* counters of home 0's examples (OIKOS_N_WEIGHTS); 0: learners weigh the same */
  int embedding_rows;   /* of embedding rows: empty, for their place on the grid; -1: none */
  int by_home;          /* of home 0's sums of gradient norm and query loss; -1: no priority */
  const double *effort; /* (T) weight of a home's members in shared means; NULL: 1 */
  oikos_grid *grid;
} oikos_segments;

/** @param encoder  its network, or NULL */
oikos_status oikos_segments_create(const oikos_config *config, const oikos_network *net,
                                   const oikos_network *encoder, const oikos_weights *weights,
                                   oikos_segments *segments, oikos_error *err);
void oikos_segments_destroy(oikos_segments *segments);

/** A learner's share of the step. */
typedef struct oikos_contribution {
  bool summed, finite;             /* the gradient is in the sums already, and was finite */
  const oikos_real *gradient;      /* (M + A + E); undefined if it is summed */
  const oikos_real *home_gradient; /* (K) with respect to the c that it started from */
  const oikos_real *trained;       /* (M) */
  const oikos_real *p;     /* (T) how much it counts at each home: one-hot for a hard home */
  const oikos_real *score; /* (T) */
  oikos_real weight[OIKOS_N_WEIGHTS];
  oikos_real loss[OIKOS_N_LOSSES];
  double start_loss;    /* judged at the start, with learners.rollback; else 0 */
  double support_after; /* support loss after the last inner step, with inner.adapt_rate; else 0 */
  const oikos_real *dx; /* (support + query, input) with respect to the examples, where these hold
                           embedding rows; else NULL */
  int64_t correct, evaluated;
  int32_t home;
  bool moved;
} oikos_contribution;

/** Add weight * x, made of these tensors, to the segments from `segment` on. False if a number is
 * not finite. */
bool oikos_segments_add(const oikos_segments *s, int segment, oikos_tensors tensors,
                        const oikos_real *x, oikos_real weight, oikos_sum *sum);

/** Add what is counted of a contribution: all but the gradient and the trained parameters. */
bool oikos_contribution_count(const oikos_segments *s, const oikos_weights *w,
                              const oikos_contribution *c, oikos_sum *sum);

/** What its gradient counts in means of all learners: by its home's effort and its examples. */
oikos_real oikos_contribution_weight(const oikos_segments *s, const oikos_contribution *c);

/** Add a learner's contribution. False if a number in it is not finite. */
bool oikos_contribution_add(const oikos_segments *s, const oikos_weights *w,
                            const oikos_contribution *c, oikos_sum *sum);

#endif
