/* SPDX-License-Identifier: MIT
 *
 * The configuration of a run: plain values, filled from YAML and `--set key=value`, checked against
 * one table that also documents every key (`oikos config --explain`). The comments here name the
 * symbol of the method; the table in src/config/options.c holds type, default, range and meaning.
 */
#ifndef OIKOS_CONFIG_H
#define OIKOS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "oikos/error.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  OIKOS_PATH = 1024,
  OIKOS_NAME = 32,
  OIKOS_MAX_LAYERS = 64,
  OIKOS_MAX_ARGS = 8,
  OIKOS_MAX_INPUTS = 8,
  OIKOS_MAX_LIST = 16,
  OIKOS_MAX_KEYS = 160,
  OIKOS_GIVEN_BY_SET = -1
};

/** Makes a list of ONE(value, word) the values of an enum. */
#define OIKOS_VALUE(value, word) value,

/** The task sources: ONE(value, word of task.source), in the order of their values. A new one is a
 * file, src/tasks/WORD.c, and a line at the end of this list. */
#define OIKOS_SOURCES(ONE)                                                                         \
  ONE(OIKOS_SOURCE_FUNCTIONS, functions)                                                           \
  ONE(OIKOS_SOURCE_IMAGES, images)                                                                 \
  ONE(OIKOS_SOURCE_TABLE, table)                                                                   \
  ONE(OIKOS_SOURCE_RATINGS, ratings)
typedef enum { OIKOS_SOURCES(OIKOS_VALUE) } oikos_source_kind;
typedef enum {
  OIKOS_SPLIT_FILE,
  OIKOS_SPLIT_FRACTION,
  OIKOS_SPLIT_LIST,
  OIKOS_SPLIT_LAST
} oikos_split_kind;
typedef enum { OIKOS_DRAW_LEARNERS, OIKOS_DRAW_BY_RATINGS } oikos_draw_kind;
typedef enum { OIKOS_RATING_ORDER_RANDOM, OIKOS_RATING_ORDER_TIME } oikos_rating_order;
typedef enum { OIKOS_LEARNERS_FREE, OIKOS_LEARNERS_GROUPS } oikos_learners_kind;
typedef enum { OIKOS_WEIGH_EQUAL, OIKOS_WEIGH_EXAMPLES } oikos_weigh_kind;
typedef enum { OIKOS_LOSS_MSE, OIKOS_LOSS_CROSS_ENTROPY, OIKOS_LOSS_PROTOTYPES } oikos_loss_kind;
typedef enum { OIKOS_NORM_TRANSDUCTIVE, OIKOS_NORM_SUPPORT } oikos_norm_kind;
typedef enum {
  OIKOS_EVAL_NORM_MODEL,
  OIKOS_EVAL_NORM_TRANSDUCTIVE,
  OIKOS_EVAL_NORM_SUPPORT
} oikos_eval_norm;
typedef enum { OIKOS_INIT_HE, OIKOS_INIT_GLOROT, OIKOS_INIT_ZEROS } oikos_init_kind;
typedef enum { OIKOS_ORDER_SECOND, OIKOS_ORDER_FIRST } oikos_order;
typedef enum { OIKOS_SCOPE_ALL, OIKOS_SCOPE_LAST } oikos_scope;
typedef enum { OIKOS_RATES_FIXED, OIKOS_RATES_PARAMETER, OIKOS_RATES_STEP_LAYER } oikos_rates_kind;
/** The outer optimizers: ONE(value, word of outer.optimizer), in the order of their values. A new
 * one is a file, src/learn/optimizer_WORD.c, and a line at the end of this list. */
#define OIKOS_OPTIMIZERS(ONE)                                                                      \
  ONE(OIKOS_SGD, sgd)                                                                              \
  ONE(OIKOS_MOMENTUM, momentum)                                                                    \
  ONE(OIKOS_ADAM, adam)                                                                            \
  ONE(OIKOS_ADAMW, adamw)                                                                          \
  ONE(OIKOS_ADAGRAD, adagrad)                                                                      \
  ONE(OIKOS_NESTEROV, nesterov)                                                                    \
  ONE(OIKOS_RMSPROP, rmsprop)                                                                      \
  ONE(OIKOS_LION, lion)
typedef enum { OIKOS_OPTIMIZERS(OIKOS_VALUE) } oikos_optimizer_kind;
/** The schedules of the outer rates, likewise; each is in src/learn/schedule.c. */
#define OIKOS_SCHEDULES(ONE)                                                                       \
  ONE(OIKOS_SCHEDULE_CONSTANT, constant)                                                           \
  ONE(OIKOS_SCHEDULE_COSINE, cosine)                                                               \
  ONE(OIKOS_SCHEDULE_STEP, step)                                                                   \
  ONE(OIKOS_SCHEDULE_EXPONENTIAL, exponential)
typedef enum { OIKOS_SCHEDULES(OIKOS_VALUE) } oikos_schedule_kind;
typedef enum {
  OIKOS_OWNS_NOTHING,
  OIKOS_OWNS_LAST,
  OIKOS_OWNS_ALL,
  OIKOS_OWNS_MODULATION
} oikos_owns_kind;
typedef enum { OIKOS_HOME_HARD, OIKOS_HOME_WEIGHTED } oikos_home_rule;
typedef enum { OIKOS_SCORE_BEFORE, OIKOS_SCORE_HELD_OUT, OIKOS_SCORE_ENCODER } oikos_score_kind;
typedef enum {
  OIKOS_PRIORITY_NONE,
  OIKOS_PRIORITY_GRADIENT,
  OIKOS_PRIORITY_PROGRESS
} oikos_priority_kind;
typedef enum {
  OIKOS_TEACHER_SHARED,
  OIKOS_TEACHER_HOME,
  OIKOS_TEACHER_PEERS,
  OIKOS_TEACHER_MODEL
} oikos_teacher_kind;
typedef enum { OIKOS_IN_QUERY, OIKOS_IN_SUPPORT, OIKOS_IN_BOTH } oikos_distill_place;
typedef enum { OIKOS_REDUCE_EXACT, OIKOS_REDUCE_FAST } oikos_reduce_kind;
typedef enum {
  OIKOS_RULE_MEAN,
  OIKOS_RULE_CLIP,
  OIKOS_RULE_CENTRED_CLIP,
  OIKOS_RULE_TRIMMED_MEAN,
  OIKOS_RULE_MEDIAN
} oikos_rule_kind;
typedef enum {
  OIKOS_ATTACK_NONE,
  OIKOS_ATTACK_SCALED,
  OIKOS_ATTACK_FLIPPED,
  OIKOS_ATTACK_RANDOM,
  OIKOS_ATTACK_NAN,
  OIKOS_ATTACK_INFINITE
} oikos_attack_kind;
typedef enum { OIKOS_EVAL_VALIDATION, OIKOS_EVAL_TEST } oikos_eval_split;

/** One layer as written in the configuration; src/net knows the kinds and checks the arguments. */
typedef struct oikos_layer_spec {
  char kind[OIKOS_NAME];
  char name[OIKOS_NAME]; /**< `name: stem`; empty: it is called by its number in the list */
  int line;              /**< in the YAML file, for messages; 0 if set from elsewhere */
  int n_from;            /**< layers that it takes, `from: [stem, 3]`; 0: the one before */
  int16_t from[OIKOS_MAX_INPUTS]; /**< their numbers in the list; -1, `input`: the examples */
  int n_args;
  struct {
    char key[OIKOS_NAME]; /**< empty for the short form `dense: 40` */
    double value;
  } arg[OIKOS_MAX_ARGS];
} oikos_layer_spec;

/** A list of layers; a section's n_layers and layers stand as they do here. */
typedef struct oikos_layer_list {
  int n_layers;
  oikos_layer_spec layers[OIKOS_MAX_LAYERS];
} oikos_layer_list;

typedef struct oikos_strings {
  int n;
  char item[OIKOS_MAX_LIST][OIKOS_NAME];
} oikos_strings;

typedef struct oikos_config {
  char file[OIKOS_PATH];         /**< where it was read, for messages */
  int32_t given[OIKOS_MAX_KEYS]; /**< by key, in the order of the table: its line in that file, or
                                    OIKOS_GIVEN_BY_SET; 0 if it was left out */
  uint64_t old_names;            /**< bit k: a key was given by the k-th of the names that keys had
                                    in older versions; oikos_config_hint says which */
  int64_t seed;
  int64_t steps;

  struct {
    oikos_source_kind source;
    oikos_strings modes;    /**< functions: which families */
    double noise;           /**< functions: standard deviation added to every target */
    char file[OIKOS_PATH];  /**< images, table, ratings: the HDF5 file; relative to the working
                               directory */
    int64_t support, query; /**< examples per class, points per function, rows of a group; ratings:
                               at most */
    int64_t support_least;  /**< ratings: training draws the size of a support set from here on */
    oikos_strings roles;    /**< ratings: which of the two tasks */
    oikos_draw_kind draw;   /**< ratings: how likely a learner is in training */
    char fold[OIKOS_PATH];  /**< ratings: name of the publisher's split */
    oikos_rating_order order; /**< which ratings are support, which query */
    bool self_row;            /**< ratings: a learner's own embedding row is in its examples */
    bool content;             /**< ratings: what is known of users and items is in the examples */
    bool residual;            /**< ratings: targets are what the damped biases leave over */
    double relevant;          /**< ratings: from this rating on an item is to be recommended */
    oikos_learners_kind learners; /**< what learner i draws from */
    int64_t move_at;   /**< step from which on some draw from the next group; 0 is never */
    double move_share; /**< how many of the learners move */
    int64_t ways;
    bool rotations;
    oikos_split_kind split;
    double validation_fraction, test_fraction;
    char train_list[OIKOS_PATH], validation_list[OIKOS_PATH], test_list[OIKOS_PATH];
  } task;

  struct {
    int64_t count;          /**< N */
    int64_t per_step;       /**< n that are active in a step; 0: all */
    oikos_weigh_kind weigh; /**< what a learner counts in means */
    bool persist;           /**< theta_i is kept from step to step */
    double pull;            /**< persist: of the start from there to the home's */
    double rollback;        /**< growth of the judged loss that is divergence; 0: off */
    int64_t patience;       /**< steps in a row that one may diverge; 0: any number */
  } learners;

  struct {
    oikos_loss_kind loss;
    oikos_init_kind init;
    int n_layers;
    oikos_layer_spec layers[OIKOS_MAX_LAYERS];
    oikos_norm_kind norm_statistics;
  } model;

  struct {
    int64_t steps; /**< S */
    double rate;   /**< alpha */
    oikos_order order;
    oikos_scope scope;
    int64_t from; /**< layers before this one, in model.layers, are left as they are */
    oikos_rates_kind learned_rates;
    int64_t micro_batches; /**< support micro-batches j */
    double multi_step;     /**< share of the query loss at the start */
    double max_norm;       /**< beta; 0 is off */
    bool adapt_rate;       /**< each learner's rate by how its inner steps went */
    double adapt_range;    /**< its factor lies within 1 / this and this */
  } inner;

  struct {
    oikos_optimizer_kind optimizer;
    double momentum, beta1, beta2, epsilon, weight_decay;
    oikos_schedule_kind schedule;
    int64_t warmup;
    double final_rate;   /**< cosine ends at this fraction of the rate */
    double decay;        /**< step, exponential: what the rate is multiplied by */
    int64_t decay_every; /**< in so many steps */
    double clip;         /**< largest norm of a meta-gradient; 0 is off */
  } outer;

  struct {
    double mixing; /**< gamma */
    double rate;   /**< epsilon */
  } shared;

  struct {
    int64_t count;        /**< T */
    oikos_owns_kind owns; /**< which of the network's parameters c_t holds */
    oikos_home_rule rule;
    oikos_score_kind score;
    oikos_layer_list encoder; /**< score encoder: its layers before the last one */
    double memory;            /**< of log p */
    double share;             /**< of p that is spread over all homes after each step */
    double eta;               /**< sharpness of the scores */
    double margin;            /**< in log p, before a learner moves */
    double perturbation;
    int64_t revive; /**< steps that a home is deserted before it is split off another; 0 is off */
    double revive_below; /**< deserted is below this part of an even share of the learners */
    double mixing;       /**< gamma_H */
    double rate;         /**< epsilon_H */
    oikos_priority_kind priority; /**< what ranks the homes */
    double priority_strength;     /**< from the weight of the first home to the mean: 0 to 1 */
  } home;

  struct {
    double weight;      /**< lambda; 0 is off */
    double temperature; /**< tau */
    oikos_teacher_kind teacher;
    oikos_distill_place in; /**< which losses have the term */
    int64_t teacher_steps;  /**< inner steps of the teacher; -1 takes those of its own rule */
    char model[OIKOS_PATH]; /**< teacher model: its checkpoint; a run keeps a copy */
  } distill;

  struct {
    oikos_rule_kind rule;
    double radius;         /**< largest norm of a learner's gradient */
    double trained_radius; /**< of its trained parameters' way; 0 takes radius */
    double trim;           /**< trimmed_mean: share left out at either end */
  } aggregation;

  struct {
    double noise; /**< sigma, in units of what a learner may add; 0 is off */
    double delta;
  } privacy;

  struct {
    oikos_attack_kind kind;
    double share;
    double scale;
  } attack;

  struct {
    int64_t threads; /**< per rank; 0 takes OMP_NUM_THREADS, or 1 */
    oikos_reduce_kind reduce;
    double watchdog;  /**< seconds without progress after which the job is ended; 0: never */
    double keepalive; /**< seconds without an answer after which a rank's host is lost; 0: never */
    char interface[OIKOS_PATH]; /**< that they are asked over; empty: all that there are */
    bool balance;               /**< learners move to ranks that have less to do */
  } run;

  struct {
    int64_t every; /**< steps; 0: only the last one, -1: by the time that writing one takes */
    double mtbf;   /**< hours between failures, for every -1 */
    int64_t keep;
    char hints[OIKOS_PATH]; /**< for MPI-IO: KEY=VALUE ... */
  } checkpoint;

  struct {
    int64_t every;
  } log;

  struct {
    int64_t episodes;
    int64_t steps; /**< inner steps; -1 takes inner.steps */
    oikos_eval_split split;
    oikos_eval_norm norm_statistics;
    int64_t support, query; /**< ratings: at most so many; 0 takes task.support, all others */
  } eval;
} oikos_config;

/** d: numbers in a row of the embedding table, as the first layer of the model asks for; 0 without
 * such a layer. */
int64_t oikos_config_row_width(const oikos_config *config);

/** Set every key to its default. */
void oikos_config_defaults(oikos_config *config);

/**
 * Read YAML text over the values already in @p config. Not collective.
 * @param name  what to call the text in messages (its file name)
 * @return OIKOS_USAGE with file, line, key and what is allowed, for an unknown key, a wrong type, a
 * value out of range
 */
oikos_status oikos_config_parse(oikos_config *config, const char *name, const char *text,
                                size_t length, oikos_error *err);

/** Apply one `key=value`, as given to `--set`: everything behind the first `=` is the value, as it
 * stands; of lists it is YAML. */
oikos_status oikos_config_set(oikos_config *config, const char *assignment, oikos_error *err);

/** Check that a model trained as @p teacher says may teach one of @p student: the same loss and
 * task, but for the number of examples and the place of the file. @return OIKOS_USAGE naming the
 * first key that differs */
oikos_status oikos_config_teaches(const oikos_config *teacher, const oikos_config *student,
                                  oikos_error *err);

/** What a configuration is read for: the commands. OIKOS_FOR_ANY is any of them. */
typedef enum {
  OIKOS_FOR_ANY = 0,
  OIKOS_FOR_TRAIN = 1,
  OIKOS_FOR_EVAL = 2,
  OIKOS_FOR_RECOMMEND = 4,
  OIKOS_FOR_GRADCHECK = 8,
  OIKOS_FOR_BENCH = 16,
  OIKOS_FOR_DISTILL = 32
} oikos_reader;

/**
 * Check that every key that was given does something: that the source, loss, model and other keys
 * as they are make use of it (in a file the default of such a key may stand), and of those by
 * `--set` that the command reads it.
 * @return OIKOS_USAGE naming the first one that does not, what it is used with, and what there is
 */
oikos_status oikos_config_check_used(const oikos_config *config, oikos_reader purpose,
                                     oikos_error *err);

/**
 * What to tell whoever gave keys by names of older versions, which are read too: a line each.
 * @param index  0, 1, ...
 * @param out    "file.yaml:3: task.own_row is called task.self_row now; ..."
 * @return whether there is such a line; false: no more
 */
bool oikos_config_hint(const oikos_config *config, int index, char *out, size_t size);

/** Forget which keys were given: a configuration that a checkpoint holds is given by nobody. */
void oikos_config_forget_given(oikos_config *config);

/** Check what no single key can: what depends on several. Called by the trainer before anything
 * runs. */
oikos_status oikos_config_check(const oikos_config *config, oikos_error *err);

/** Write the resolved configuration as YAML that reads back to the same values. */
void oikos_config_write(const oikos_config *config, FILE *out);

/** Every key with type, default, range and meaning, as YAML comments around a valid configuration.
 */
void oikos_config_explain(FILE *out);

/**
 * Whether a run of @p old may be resumed with @p now: keys that change the computation must be
 * equal.
 * @return OIKOS_USAGE naming the first key that differs, with both values
 */
oikos_status oikos_config_resumable(const oikos_config *old, const oikos_config *now,
                                    oikos_error *err);

#ifdef __cplusplus
}
#endif
#endif
