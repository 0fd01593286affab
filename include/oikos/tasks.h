/* SPDX-License-Identifier: MIT
 *
 * Task sources: where episodes come from. A source describes itself and draws the episode of
 * (split, step, learner); the draw is a pure function of these and of the seed, so any rank and any
 * thread draws the same one. A source is immutable after creation and may be shared by threads.
 * Nothing here is collective.
 */
#ifndef OIKOS_TASKS_H
#define OIKOS_TASKS_H

#include <stdbool.h>

#include "oikos/network.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct oikos_source oikos_source;

/** A learner's number among all N, from 0 on; in the unseen splits that of an evaluation episode.
 */
typedef int64_t oikos_learner_id;

/** Which episodes: those trained on, and two unseen parts. */
typedef enum oikos_split { OIKOS_TRAIN, OIKOS_VALIDATION, OIKOS_TEST } oikos_split;

/** What a source gives. */
typedef struct oikos_task_shape {
  oikos_shape input;
  int64_t outputs;       /**< targets (mse) or classes */
  size_t support, query; /**< examples in each set, in training */
  size_t query_part; /**< queries of an unseen episode that are drawn at a time: a part of them */
  size_t shot;       /**< support examples that stand together: one of each class; 1 */
  int n_groups; /**< hidden groups that episodes come from, known to the source only; 0 if none */
  size_t units; /**< units, of which there are so many and no more, that an episode is of: classes
                   of images, the group of rows of a table, the user or item of ratings; 0: each
                   episode is drawn for itself */
  bool varies;  /**< sets may be smaller than support and query say */
  int64_t embedding_rows; /**< R: users and items that the examples are about; 0: other sources */
  size_t row_width;       /**< d: numbers in the embedding row of each; 0: no embedding layer */
  bool residual;          /**< targets are what a baseline of each example leaves over */
} oikos_task_shape;

/** Data that a source reads; owned by the caller, who keeps it for the life of the source. Empty
 * for built-in sources.
 */
typedef struct oikos_data {
  const struct oikos_image_index *images;
  const uint8_t *pixels; /**< (n, height, width, channels) */
  const struct oikos_table_index *table;
  const float *features; /**< (n, n_features) of the table */
  const float *targets;  /**< (n, n_targets) of the table */
  const struct oikos_ratings_index *ratings;
} oikos_data;

/** The rows of an embedding table that an episode is about, and where they belong in an example's
 * x. A draw leaves zeros there; oikos_episode_place puts the rows in. */
typedef struct oikos_episode_embedding_rows {
  int64_t self; /**< the learner's own, the same in all examples; -1: none is wanted */
  int64_t
      *other; /**< (support + query_part) that of each example, also without an embedding layer */
  size_t self_offset, other_offset;
} oikos_episode_embedding_rows;

/** Support and query set of one learner in one step. The two stand one after the other in memory,
 * support first. */
typedef struct oikos_episode {
  oikos_batch support, query;
  int group; /**< the hidden group it was drawn from, or -1; for reports only, never for training */
  int64_t step; /**< what it was drawn for, with: */
  oikos_learner_id learner;
  int64_t part;
  int64_t unit;     /**< the group of rows of a table, the user or the item that it is of; -1
                       for other sources */
  int64_t *classes; /**< images: (ways) the class of each label, however turned; or NULL */
  oikos_episode_embedding_rows embedding_rows;
  oikos_real *x, *y; /**< memory of both sets */
  double *baseline;  /**< residual: (support + query) what of each target was taken away; or NULL */
  double self_bias;  /**< residual: the learner's part of it, of its support alone */
  int64_t *scratch;
} oikos_episode;

/** Create the source that config->task names. @return OIKOS_USAGE if the data cannot give such
 * episodes. */
oikos_status oikos_source_create(const oikos_config *config, const oikos_data *data,
                                 oikos_source **source, oikos_error *err);
void oikos_source_destroy(oikos_source *source);

oikos_task_shape oikos_source_shape(const oikos_source *source);

/** Name of a hidden group, or NULL. */
const char *oikos_source_group(const oikos_source *source, int group);

/** What the units of episodes are called: "groups", "classes", "learners"; "episodes" where each is
 * drawn for itself. */
const char *oikos_source_unit(const oikos_source *source);

/** What of the data is not used as the configuration says, as a line to print; "" if nothing. */
const char *oikos_source_note(const oikos_source *source);

/** The hidden group that a learner draws from in training at a step, where every learner is bound
 * to one (task.learners groups) and groups are hidden; else -1. For reports only. */
int oikos_source_group_of(const oikos_source *source, int64_t step, oikos_learner_id learner);

/** Whether a learner draws from another group at this step than it began with (task.move_at). */
bool oikos_source_moved(const oikos_source *source, int64_t step, oikos_learner_id learner);

/** What a target of a table is called, and the factor that brings its errors from the numbers that
 * episodes hold back to its own unit. */
typedef struct oikos_target {
  const char *name;
  double unit;
} oikos_target;

/** The index-th target; name NULL where targets have no unit of their own (other sources). */
oikos_target oikos_source_target(const oikos_source *source, int64_t index);

/** Memory for one episode at a time. */
oikos_status oikos_episode_create(const oikos_source *source, oikos_episode *episode,
                                  oikos_error *err);
void oikos_episode_destroy(oikos_episode *episode);

/** How many episodes an unseen split has, each of its users and items once; 0: any number. */
int64_t oikos_source_episodes(const oikos_source *source, oikos_split split);

/** Whether there is anything to draw in a split; if not, @p err says why (OIKOS_USAGE). */
oikos_status oikos_source_has(const oikos_source *source, oikos_split split, oikos_error *err);

/** Draw an episode. In the unseen splits @p learner counts the evaluation episodes and @p step is
 * 0; of a query that has several parts it is the first one. */
void oikos_source_draw(const oikos_source *source, oikos_split split, int64_t step,
                       oikos_learner_id learner, oikos_episode *episode);

/** How many queries an unseen episode has in all, where these may be more than shape.query_part; 0:
 * other sources, whose episodes have one part. */
int64_t oikos_source_queries(const oikos_source *source, oikos_split split,
                             oikos_learner_id learner);

/** Draw an unseen episode with its whole support and one part of its queries: shape.query_part of
 * them from part * shape.query_part on, or those that are left; none beyond the last. */
void oikos_source_draw_part(const oikos_source *source, oikos_split split, oikos_learner_id learner,
                            int64_t part, oikos_episode *episode);

/**
 * Put embedding rows into the examples of a drawn episode, and a derivative with respect to the
 * examples back into that of the rows.
 * @param row    (k, d) rows
 * @param self   which of them is the learner's own; ignored without one
 * @param other  (support + query) which of them is that of each example
 */
void oikos_episode_place(const oikos_source *source, oikos_episode *episode, const oikos_real *row,
                         int32_t self, const int32_t *other);

/** self (d) = the sum over all examples of dx (support + query, input) where the own row stands. */
void oikos_episode_self_gradient(const oikos_source *source, const oikos_episode *episode,
                                 const oikos_real *dx, oikos_real *self);

#ifdef __cplusplus
}
#endif
#endif
