/* SPDX-License-Identifier: MIT
 *
 * The trainer: N learners over the ranks of a communicator, by the four steps (initialise, train,
 * update, update the home task). All functions are collective over the communicator given at
 * creation unless they say otherwise; every rank gets the same status and message. The caller
 * initialises and finalises MPI.
 */
#ifndef OIKOS_TRAINER_H
#define OIKOS_TRAINER_H

#include <mpi.h>

#include "oikos/tasks.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OIKOS_MAX_HOMES = 4096 };

typedef struct oikos_trainer oikos_trainer;

/** The means over the steps since the last record; what a line of metrics.jsonl holds. The same on
 * all ranks, but for times. The losses are those trained on: with the term of distillation, where
 * there is one. An evaluation is always of the loss itself. */
typedef struct oikos_record {
  int64_t step;         /**< steps done */
  int64_t episodes;     /**< episodes trained on so far */
  double support_loss;  /**< at the start, before adaptation; 0 without inner steps */
  double query_loss;    /**< after adaptation */
  double accuracy;      /**< query examples classified correctly; 0 for regression */
  double learner_norm;  /**< mean norm of the learners' meta-gradients */
  double gradient_norm; /**< norm of the mean meta-gradient, before clipping */
  double rate;          /**< epsilon at this step, by the schedule */
  double moved;         /**< share of the learners that changed their home in a step */
  double confidence;    /**< the learners' confidence in their homes: mean of p[i][h(i)]; 0 with one
                     home, and in records of runs of 0.1.0 */
  int n_homes;
  const double *members; /**< (T) share of the learners at each home */
  const double *scores;  /**< (T) mean score loss of each home over all learners */
  double left_out;       /**< learners left out of a step because their numbers were not finite or
                            they had diverged; 0 where aggregation.rule is mean and
                            learners.rollback is off */
  double epsilon;        /**< privacy spent so far, at privacy.delta; 0 where privacy.noise is 0 */
  double rand;           /**< how well the learners' homes tell their hidden groups, at `step`: see
                            oikos_census; NaN if it says nothing, or learners are of no group */
  double balance;        /**< efficiency of the steps, in work units (src/learn/work.h): the ranks'
                            mean work over that of the busiest rank of each step; 0 with one rank */
  double seconds;        /**< spent training since the run was started or resumed */
  double tasks_per_second; /**< since the last record */
  double slowest; /**< on several ranks: the time that the slowest one's learners took since the
                     last record, over the ranks' mean; 0 in records of before a resume */
  int slowest_rank;
  const char *slowest_host;
} oikos_record;

/** What the caller wants to know and to say; any function may be NULL. Called on all ranks. */
typedef struct oikos_observer {
  void *user;
  void (*record)(void *user, const oikos_record *record); /**< every log.every steps */
  void (*step)(void *user, int64_t step, double query_loss,
               double accuracy); /**< after every step */
  void (*message)(void *user,
                  const char *text); /**< a checkpoint was written, one was passed over, ... */
  bool (*stop)(void *user);          /**< on any rank: stop after this step with a checkpoint, or
                                        at once where nothing would be lost; asked from any thread,
                                        while data are read, in evaluations, everywhere. What was
                                        asked for once stays asked for */
  void (*stuck)(void *user,
                const char *text); /**< from a thread of its own, on the rank that found
                                      it: the job stands still (run.watchdog), a rank is
                                      lost, or the run directory was taken over. The process should
                                      end at once, without MPI_Finalize, which would wait */
} oikos_observer;

/**
 * Create a trainer and initialise it (step 0), or resume it. What the configuration leaves open of
 * how to compute (`winograd` of a convolution) is taken from the checkpoint, or measured and chosen
 * by rank 0; the choice stands in config.yaml and in every checkpoint.
 * @param run     run directory for config.yaml, metrics.jsonl, checkpoints/ and, with
 * distill.teacher model, teacher.h5, the copy that a resumed run is taught by; created if missing.
 * NULL: nothing is written
 * @param resume  continue from the newest whole checkpoint in @p run, if there is one; on any
 * number of ranks
 * @param observer may be NULL
 */
oikos_status oikos_trainer_create(MPI_Comm comm, const oikos_config *config, const char *run,
                                  bool resume, const oikos_observer *observer,
                                  oikos_trainer **trainer, oikos_error *err);

/** Create a trainer from one checkpoint file, to evaluate it: nothing is written. */
oikos_status oikos_trainer_open(MPI_Comm comm, const oikos_config *config, const char *checkpoint,
                                const oikos_observer *observer, oikos_trainer **trainer,
                                oikos_error *err);

void oikos_trainer_destroy(oikos_trainer *trainer);

/** What a run would take on ranks that need not be there. */
typedef struct oikos_plan {
  int ranks, ranks_per_node;
  int threads;                       /**< of a rank */
  int64_t parameters;                /**< M + A + E */
  int64_t most_learners;             /**< that a rank owns */
  int64_t least_active, most_active; /**< learners of a step on a rank */
  double bare_bytes;                 /**< memory of this process before anything of the run */
  double rank_bytes; /**< memory of rank 0, which owns as much as any: that of this process
                        when it has been set up as that rank. Beside it: what MPI takes for
                        connections, and up to 16 MiB while a checkpoint is written */
  double sum_bytes;  /**< that a step adds up */
  double node_bytes; /**< out of a node and into it in a step, by an all-reduce that sends each
                        byte twice */
  double row_bytes;  /**< embedding rows fetched to a rank in a step, at most */
  double checkpoint_bytes; /**< of the last one */
  int64_t records;         /**< lines of metrics.jsonl */
} oikos_plan;

/** Set up rank 0 of @p ranks in this process, measure it and take it down. Nothing is written; the
 * data file is read. Not collective. */
oikos_status oikos_trainer_plan(const oikos_config *config, int ranks, int ranks_per_node,
                                oikos_plan *plan, oikos_error *err);

/** One outer step. OIKOS_ERROR if a learner's loss or gradient is not finite (with aggregation.rule
 * other than mean, or learners.rollback: if all learners are left out), or if one was left out of
 * learners.patience steps in a row: the message says which, in which step. */
oikos_status oikos_trainer_step(oikos_trainer *trainer, oikos_error *err);

/**
 * Train up to config.steps, with records and checkpoints as configured. The run directory is locked
 * from the trainer's creation to the end of this call; RUN/lock names the owner.
 * @return OIKOS_STOPPED if the observer asked to stop; a checkpoint was written
 */
oikos_status oikos_trainer_run(oikos_trainer *trainer, oikos_error *err);

/** Write a checkpoint now. */
oikos_status oikos_trainer_checkpoint(oikos_trainer *trainer, oikos_error *err);

/** The trained model that teaches (distill.teacher model), to be evaluated beside its student on
 * the same episodes; NULL without one. Owned by the student. */
oikos_trainer *oikos_trainer_teacher(oikos_trainer *trainer);

/** What training has made; not collective. Valid until the next step. */
int64_t oikos_trainer_steps(const oikos_trainer *trainer);
const oikos_network *oikos_trainer_network(const oikos_trainer *trainer);
const oikos_source *oikos_trainer_source(const oikos_trainer *trainer);
const oikos_real *oikos_trainer_shared(
    const oikos_trainer *trainer); /**< w (M), the learned rates (A), the encoder (E) */
const oikos_real *oikos_trainer_homes(const oikos_trainer *trainer, size_t *size); /**< (T, K) */

/** The differential privacy that training has spent so far, at privacy.delta: what it covers is in
 * src/learn/privacy.h. False if privacy.noise is 0. Not collective. */
bool oikos_trainer_privacy(const oikos_trainer *trainer, double *epsilon, double *delta);

/** Who lives where: the learners by home and by the hidden group they draw from (task.learners
 * groups), after the last step. */
typedef struct oikos_census {
  int n_homes, n_groups;    /**< n_groups 0: learners are of no hidden group, and nothing below is
                               set */
  const int64_t *residents; /**< (n_homes, n_groups); valid until the next census or record */
  double rand;              /**< adjusted Rand index of homes and groups; NaN if it says nothing */
  int64_t movers;           /**< learners that changed groups (task.move_at) */
  int64_t settled;          /**< movers that live where most learners that were always of their new
                               group do (all of that group, if there are none) */
  double mean_steps;        /**< steps that these took after task.move_at; 0: lived there before */
  int64_t most_steps;       /**< the slowest of them */
} oikos_census;

oikos_census oikos_trainer_census(oikos_trainer *trainer);

/** Mean over evaluation episodes, with the half width of its 95 % confidence interval by Student's
 * t. Where episodes are drawn again and again from few units (the held-out groups of a table, the
 * classes of images, the users and items of ratings), the interval is over these: it says how far
 * the mean of other units of the same kind may be, and does not shrink with more episodes of the
 * same. How: src/math/unit_mean.h (clusters; for classes, of which an episode has several, a
 * jackknife over classes after Arvesen 1969). The training is taken as it is: another seed or
 * another training set is not in the interval. Users and items are crossed in ratings; intervals
 * are over those who learn, as if those they rate, or are rated by, were all there are. */
typedef struct oikos_estimate {
  double mean;     /**< NaN: of nothing, or not finite */
  double interval; /**< NaN: there is none, as of a single unit */
  int64_t units;   /**< that the interval is over */
} oikos_estimate;

/** What an evaluation says of the ratings of one kind of learners. Errors are of expected ratings
 * within their range, over all judged ratings, with intervals over learners (src/math/ratio.h);
 * ranks (src/math/ranking.h) are means over learners. NaN where there is nothing to say. */
typedef struct oikos_rated {
  int side; /**< 0: items for a user, 1: users for an item, 2: the mean of what both expect, where
               each judged rating is of a known user and a known item; after all steps alone */
  int64_t learners, ratings;
  oikos_estimate *rmse, *mae,
      *accuracy;            /**< (steps + 1); accuracy: the likeliest rating is right */
  oikos_estimate bias_rmse; /**< of biases alone (src/tasks/ratings_bias.h), the own one fitted on
                               the same support */
  oikos_estimate gain;      /**< 1 - rmse / bias_rmse after all steps */
  oikos_estimate ndcg[2];   /**< of the first 5 and 10 of the judged ratings */
  oikos_estimate recall;    /**< of the first 10 of all that could be recommended: those that are
                               known and not among the learner's other ratings */
  oikos_estimate chance;    /**< the recall of a random order */
} oikos_rated;

/** Unseen episodes, each adapted from its home, judged on its query set after 0, 1, .. S inner
 * steps. */
typedef struct oikos_evaluation {
  int64_t episodes, steps;
  oikos_estimate *loss, *accuracy; /**< (steps + 1) */
  int n_homes, n_groups;
  int64_t *residents;   /**< (n_homes, n_groups, or 1 if there are no groups) episodes by home and
                           hidden group */
  int64_t n_targets;    /**< targets that have a unit of their own (tables); else 0 */
  int64_t units;        /**< that the episodes are of, and intervals over: groups, classes,
                           learners; or episodes */
  bool transductive;    /**< batch_norm saw each query set as a whole */
  const char *unit;     /**< what these are called */
  oikos_estimate *rmse; /**< (steps + 1, n_targets) root mean square error, in the target's own
                           unit: of a group the root of the mean square over all query examples of
                           its episodes; then the mean over groups */
  oikos_estimate
      *home_loss; /**< (n_homes) final loss of those who chose it; mean NaN where nobody did */
  double *home_confidence;    /**< (n_homes) their confidence: mean home weight; 0 with one home */
  double confidence;          /**< the same of all episodes */
  oikos_estimate *group_loss; /**< (n_groups) the same by hidden group */
  double rand; /**< how well the homes tell the groups: the adjusted Rand index of the two (Hubert
                  and Arabie 1985), 1 if they are the same, 0 by chance; NaN if it says nothing */
  int n_rated;
  oikos_rated rated[3]; /**< (n_rated) of ratings */
  double seconds;
} oikos_evaluation;

/**
 * Evaluate on episodes 0 .. episodes-1 of an unseen split; of ratings at most one for each user and
 * item.
 * @param steps  inner steps; -1 takes inner.steps
 * @return OIKOS_STOPPED if the observer asked to stop: there is no result
 */
oikos_status oikos_trainer_evaluate(oikos_trainer *trainer, oikos_split split, int64_t episodes,
                                    int64_t steps, oikos_evaluation *evaluation, oikos_error *err);
void oikos_evaluation_destroy(oikos_evaluation *evaluation);

/**
 * Write what is predicted in episodes 0 .. episodes-1 of an unseen split, as a JSON object: "step",
 * "inner_steps", "x" (a grid of -5 .. 5); "homes", a list of {"home", "start"}: the function that
 * its start is on the grid; "episodes", a list of {"episode", "group", "home", "p" (T),
 * "support_x", "support_y", "query_x", "query_y", "start", "adapted", "query_loss" (before,
 * after)}: start and adapted are on the grid, before and after the inner steps. A number that is
 * not finite is null. Rank 0 writes; for task.source functions only (else OIKOS_USAGE).
 * @param steps  inner steps; -1 takes inner.steps
 */
oikos_status oikos_trainer_predict(oikos_trainer *trainer, oikos_split split, int64_t episodes,
                                   int64_t steps, const char *path, oikos_error *err);

#ifdef __cplusplus
}
#endif
#endif
