/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#define AT(member) offsetof(oikos_config, member)
/* Of a field that oikos_option_choose writes by its bytes. */
#define ENUM_AT(member)                                                                            \
  (AT(member) + 0 * sizeof(struct {                                                                \
                  _Static_assert(sizeof((oikos_config *)0)->member == sizeof(int),                 \
                                 "OPTION_CHOICE is of an enum as large as int");                   \
                  int none;                                                                        \
                }))
#define INT(key, member, standard, low, high) key, OPTION_INT, AT(member), standard, low, high, NULL
#define REAL(key, member, standard, low, high)                                                     \
  key, OPTION_REAL, AT(member), standard, low, high, NULL
#define CHOICE(key, member, standard, choices)                                                     \
  key, OPTION_CHOICE, ENUM_AT(member), standard, 0, 0, choices
#define BOOL(key, member, standard) key, OPTION_BOOL, AT(member), standard, 0, 0, NULL
#define STRING(key, member)         key, OPTION_STRING, AT(member), "", 0, 0, NULL
#define WORD(value, word)           "|" #word
#define WORDS(list)                 &(list(WORD))[1] /* "first|second" of such a list in oikos/config.h */
#define FIXED                       false
#define FREE                        true

_Static_assert(offsetof(oikos_config, model.layers) - offsetof(oikos_config, model.n_layers) ==
                   offsetof(oikos_layer_list, layers),
               "OPTION_LAYERS reads and writes an oikos_layer_list");

const oikos_option *oikos_options(void) {
  static const oikos_option table[] = {
      {INT("seed", seed, "1", 0, 0x1p53 - 1), FIXED, "Seed of every random draw."},
      {INT("steps", steps, "1000", 0, 1e15), FREE, "Outer steps to train."},

      {CHOICE("task.source", task.source, "functions", WORDS(OIKOS_SOURCES)), FIXED,
       "Where episodes come from."},
      {"task.modes", OPTION_STRINGS, AT(task.modes), "[sinusoid]", 0, 0,
       "sinusoid|linear|quadratic|tanh|absolute", FIXED,
       "functions: families that a function is drawn from, equally likely: sinusoid alone is the "
       "MAML paper's "
       "regression, "
       "all five are the modes of MMAML (Vuorio et al. 2019)."},
      {REAL("task.noise", task.noise, "0", 0, 1e6), FIXED,
       "functions: standard deviation of the noise on every target, support and query."},
      {STRING("task.file", task.file), FREE,
       "images, table, ratings: the HDF5 file, made by `oikos import`."},
      {INT("task.support", task.support, "10", 1, 1e6), FIXED,
       "Support examples to learn on: per class (shots, images), per function (points) or per "
       "group (rows, table); ratings: at most so many of a user or an item."},
      {INT("task.query", task.query, "10", 1, 1e6), FIXED,
       "Query examples to be judged on: per class (images), per function (points) or per group "
       "(rows, table), none of them a support example; ratings: at most so many in training."},
      {INT("task.support_least", task.support_least, "0", 0, 1e6), FIXED,
       "ratings: training draws the size of each support set, from this to task.support, so that "
       "learners get used to any; 0 always takes as many as there are, up to task.support."},
      {"task.roles", OPTION_STRINGS, AT(task.roles), "[users, items]", 0, 0, "users|items", FIXED,
       "ratings: who the learners are. users: each is to find items; items: each is to find "
       "users. Both train the same network and the same embedding rows."},
      {CHOICE("task.draw", task.draw, "learners", "learners|ratings"), FIXED,
       "ratings, learners free: in training every user (or item) is as likely as another, or as "
       "likely as it has ratings."},
      {STRING("task.fold", task.fold), FIXED,
       "ratings, split file: name of the publisher's split, such as u1: training and support are "
       "of "
       "its base part, queries of its test part."},
      {CHOICE("task.order", task.order, "random", "random|time"), FIXED,
       "ratings: which are support, which query: at random by the seed, or the earlier ones and "
       "the later ones."},
      {BOOL("task.self_row", task.self_row, "true"), FIXED,
       "ratings: a learner's own embedding row is among the inputs. False: it is zero, and what "
       "sets a learner apart has to come of its inner steps; that is for users or items that are "
       "new."},
      {BOOL("task.content", task.content, "true"), FIXED,
       "ratings: what is known of the user and of the item (numbers standardised, categories as "
       "zeros and ones) and who the learner is (1 a user, -1 an item) follow the embedding rows."},
      {BOOL("task.residual", task.residual, "false"), FIXED,
       "ratings, loss mse: the network learns what the damped biases of the training ratings and "
       "of "
       "the learner's support leave of a rating, and has both biases as inputs; whatever is judged "
       "or recommended has them added again."},
      {REAL("task.relevant", task.relevant, "4", -1e6, 1e6), FIXED,
       "ratings: an item is worth recommending from this rating on (recall)."},
      {CHOICE("task.learners", task.learners, "free", "free|groups"), FIXED,
       "functions, table, ratings: what learner i draws from in training. free: any family or "
       "training group (user, item), anew in each step; groups: always number i mod their number "
       "(a function is new in each step still)."},
      {INT("task.move_at", task.move_at, "0", 0, 1e15), FIXED,
       "learners groups: from this step on some learners draw from the next group (number + 1 mod "
       "their number); 0 is never."},
      {REAL("task.move_share", task.move_share, "0.25", 0, 1), FIXED,
       "Share of the learners that task.move_at moves, rounded to a whole number: those with the "
       "lowest numbers."},
      {INT("task.ways", task.ways, "5", 2, 1e5), FIXED, "images: classes in an episode."},
      {BOOL("task.rotations", task.rotations, "false"), FIXED,
       "images: each class turned by 90, 180 and 270 degrees is a class of its own (square "
       "images)."},
      {CHOICE("task.split", task.split, "file", "file|fraction|list|last"), FIXED,
       "images, table, ratings: which classes, groups, users and items train, validate and test. "
       "file: the publisher's split, kept in an image or ratings file (task.fold); fraction: at "
       "random by the seed; list: text files with one name a line; last: ratings, the "
       "last fifth of each user's by time are the test's."},
      {REAL("task.validation_fraction", task.validation_fraction, "0", 0, 1), FIXED,
       "split fraction: share of the classes, groups, users and items kept for validation."},
      {REAL("task.test_fraction", task.test_fraction, "0.25", 0, 1), FIXED,
       "split fraction: share of the classes, groups, users and items kept for the test."},
      {STRING("task.train_list", task.train_list), FIXED,
       "images, table, split list: file of the training classes or groups."},
      {STRING("task.validation_list", task.validation_list), FIXED,
       "images, table, split list: file of the validation classes or groups; empty for none."},
      {STRING("task.test_list", task.test_list), FIXED,
       "images, table, split list: file of the test classes or groups."},

      {INT("learners.count", learners.count, "25", 1, 0x1p31), FIXED,
       "N: learners; each draws one episode a step (the meta-batch)."},
      {INT("learners.per_step", learners.per_step, "0", 0, 0x1p31), FIXED,
       "Learners that are active in a step, one of each of so many strata, drawn anew in each "
       "step; "
       "0 takes all. A step costs what the active ones cost."},
      {CHOICE("learners.weigh", learners.weigh, "equal", "equal|examples"), FIXED,
       "What a learner counts in the means over learners. equal: all the same, as in MAML; "
       "examples: by their number, as FedAvg and IFCA do, the support examples for trained "
       "parameters and the query examples for gradients."},
      {BOOL("learners.persist", learners.persist, "false"), FIXED,
       "Each learner keeps its trained parameters theta_i from step to step, in its owner's memory "
       "and in the checkpoint: N times the network."},
      {REAL("learners.pull", learners.pull, "0.1", 0, 1), FIXED,
       "persist: a learner that was active before starts at theta_i + pull (start(w, c) - theta_i) "
       "(the elastic force of Zhang et al. 2015): 0 goes on where it left off, and the shared "
       "weights learn from first visits alone; 1 begins at its home again."},
      {REAL("learners.rollback", learners.rollback, "0", 0, 1e12), FIXED,
       "A learner whose query loss after the inner steps is more than this many times its query "
       "loss before them, or whose numbers are not finite, has diverged: it is left out of the "
       "step, keeps its home, and is counted in metrics.jsonl. At least 1; 0 is off."},
      {INT("learners.patience", learners.patience, "0", 0, 1e15), FIXED,
       "Training ends when one learner was left out of this many steps in a row; 0 is off."},

      {CHOICE("model.loss", model.loss, "mse", "mse|cross_entropy|prototypes"), FIXED,
       "Mean squared error, softmax cross entropy, or cross entropy over distances to the mean "
       "support features of "
       "each "
       "class (prototypical networks; wants inner.steps 0)."},
      {CHOICE("model.init", model.init, "he", "he|glorot|zeros"), FIXED,
       "First weights: He (normal, variance 2/fan-in), Glorot (uniform, "
       "+-sqrt(6/(fan-in+fan-out))) or zeros. Biases "
       "start at zero, scales at one."},
      {CHOICE("model.norm_statistics", model.norm_statistics, "transductive",
              "transductive|support"),
       FIXED,
       "Where batch_norm takes mean and variance from when a query set is judged. transductive: "
       "from the query set itself, all of it at once, as MAML is mostly published; support: from "
       "the support set at the same weights, so that what is said of one query example is no "
       "matter of the others. A support set is always its own."},
      {"model.layers", OPTION_LAYERS, AT(model.n_layers), "[]", 0, 0, NULL, FIXED,
       "The network: a list of layers from input to output; shapes are inferred. A layer takes "
       "what "
       "the one before it gives, or what the earlier ones give that its `from` says: a name, or a "
       "list of names; `input` means the examples. `name` gives a layer a name, which its tensors "
       "in checkpoints have too; without one it is called by its number in the list, from 0."},

      {INT("inner.steps", inner.steps, "1", 0, 10000), FIXED,
       "S: inner steps on the support set; 0 trains jointly."},
      {REAL("inner.rate", inner.rate, "0.01", 0, 1e6), FIXED,
       "alpha: inner rate (the first one, if rates are learned)."},
      {CHOICE("inner.order", inner.order, "second", "second|first"), FIXED,
       "second: the exact meta-gradient through the inner steps (MAML); first: the support "
       "gradients are taken as "
       "constants (FOMAML)."},
      {CHOICE("inner.scope", inner.scope, "all", "all|last"), FIXED,
       "What inner steps change: all parameters, or only those of the last layer (ANIL)."},
      {INT("inner.from", inner.from, "0", 0, OIKOS_MAX_LAYERS), FIXED,
       "scope all: layers before this one, counted in model.layers from 0, are left as they are by "
       "inner steps (the decision layers of MeLU, Lee et al. 2019)."},
      {CHOICE("inner.learned_rates", inner.learned_rates, "fixed", "fixed|parameter|step_layer"),
       FIXED,
       "fixed: alpha everywhere; parameter: one learned rate each (Meta-SGD); step_layer: one per "
       "inner step and layer "
       "(MAML++)."},
      {INT("inner.micro_batches", inner.micro_batches, "1", 1, 1e6), FIXED,
       "Support micro-batches whose gradients are accumulated in one inner step."},
      {REAL("inner.multi_step", inner.multi_step, "0", 0, 1), FIXED,
       "Share of the query loss that is taken at the start, before any inner step, the rest after "
       "the last one: two terms of MAML++'s multi-step loss. It teaches the start, and an encoder, "
       "at once."},
      {REAL("inner.max_norm", inner.max_norm, "0", 0, 1e12), FIXED,
       "beta: largest norm of a unit's incoming weights, kept after each inner step; 0 is off."},
      {BOOL("inner.adapt_rate", inner.adapt_rate, "false"), FIXED,
       "Each learner's inner rates times a factor of its own, which grows by 1.05 after a step in "
       "which its support loss fell, and is halved after one in which it did not (the bold driver, "
       "Battiti 1989). For training alone: unseen tasks adapt with the factor 1."},
      {REAL("inner.adapt_range", inner.adapt_range, "4", 0, 1e6), FIXED,
       "adapt_rate: the factor stays between 1 / this and this. At least 1."},

      {CHOICE("outer.optimizer", outer.optimizer, "adam", WORDS(OIKOS_OPTIMIZERS)), FIXED,
       "Optimizer of the shared weights, of the homes and of embedding rows; g is the mean "
       "meta-gradient."},
      {REAL("outer.momentum", outer.momentum, "0.9", 0, 1), FIXED,
       "mu: share of the last update kept."},
      {REAL("outer.beta1", outer.beta1, "0.9", 0, 0.999999), FIXED,
       "Decay of the mean gradient (lion: of what it takes the sign of)."},
      {REAL("outer.beta2", outer.beta2, "0.999", 0, 0.999999), FIXED,
       "Decay of the mean square (lion: of the mean gradient)."},
      {REAL("outer.epsilon", outer.epsilon, "1e-8", 1e-30, 1), FIXED,
       "Added to the root mean square, or to the root of the sum of squares."},
      {REAL("outer.weight_decay", outer.weight_decay, "0", 0, 1), FIXED,
       "Decoupled decay of the weights per step, times the rate."},
      {CHOICE("outer.schedule", outer.schedule, "constant", WORDS(OIKOS_SCHEDULES)), FIXED,
       "How both outer rates go on after the warm-up. One that depends on `steps` lets a run be "
       "resumed to no other number of them."},
      {INT("outer.warmup", outer.warmup, "0", 0, 1e15), FIXED,
       "Steps in which the rate rises linearly from zero."},
      {REAL("outer.final_rate", outer.final_rate, "0", 0, 1), FIXED,
       "The rate at the end of the last step, as a share of the first."},
      {REAL("outer.decay", outer.decay, "0.1", 1e-12, 1), FIXED,
       "What the rate is multiplied by in every outer.decay_every steps."},
      {INT("outer.decay_every", outer.decay_every, "1000", 1, 1e15), FIXED,
       "Steps in which the rate falls to outer.decay of what it was."},
      {REAL("outer.clip", outer.clip, "0", 0, 1e12), FIXED,
       "Largest norm of the averaged meta-gradient, of the shared weights and of each home; 0 is "
       "off."},

      {REAL("shared.mixing", shared.mixing, "0", 0, 1), FIXED,
       "gamma: how far the shared weights move to the mean of the trained learners (Reptile, "
       "FedAvg)."},
      {REAL("shared.rate", shared.rate, "0.001", 0, 1e6), FIXED,
       "epsilon: outer rate of the shared weights, of learned inner rates and of the encoder."},

      {INT("home.count", home.count, "1", 1, 4096), FIXED,
       "T: homes (tasks) that learners can choose from."},
      {CHOICE("home.owns", home.owns, "nothing", "nothing|last|all|modulation"), FIXED,
       "Parameters that each home has of its own: none (the start is the shared weights), those of "
       "the last layer, all of the network, or a modulation: a scale and a shift of every unit "
       "before the last layer (FiLM)."},
      {CHOICE("home.rule", home.rule, "hard", "hard|weighted"), FIXED,
       "A learner starts at its best home, or at the mean of the homes weighted by p."},
      {CHOICE("home.score", home.score, "before", "before|held_out|encoder"), FIXED,
       "What judges a home: the support loss at its start, the loss on one half of the support "
       "after adapting on the other, or an encoder of the support set, trained by the "
       "meta-gradient."},
      {"home.encoder", OPTION_LAYERS, AT(home.encoder), "[]", 0, 0, NULL, FIXED,
       "score encoder: its layers, from an example with its target to the layer before the last "
       "one; that one, dense with T outputs whose mean over the support is log p, is added."},
      {REAL("home.memory", home.memory, "0", 0, 1), FIXED,
       "Share of log p that is kept: 0 judges every episode by itself, 1 is Hedge over a learner's "
       "life."},
      {REAL("home.share", home.share, "0", 0, 1), FIXED,
       "Share of p that is spread over all homes after each step (fixed share, Herbster and "
       "Warmuth "
       "1998): bounds how far a home can be ahead after a long life, so that a learner whose task "
       "changes finds its new home soon. 0 is off."},
      {REAL("home.eta", home.eta, "1", 0, 1e9), FIXED,
       "Sharpness: log p falls by eta times the score."},
      {REAL("home.margin", home.margin, "0", 0, 1e9), FIXED,
       "A learner moves when the new home is this much better in log p."},
      {REAL("home.perturbation", home.perturbation, "0.01", 0, 1e3), FIXED,
       "Breaks the tie between homes: standard deviation of what is added to each, relative to "
       "that tensor's own."},
      {INT("home.revive", home.revive, "0", 0, 1e15), FIXED,
       "rule hard: a home that is deserted for so many steps is split off the most crowded one: "
       "both "
       "become that one's parameters, plus and minus a perturbation. At most one split in so many "
       "steps. 0 is off."},
      {REAL("home.revive_below", home.revive_below, "0", 0, 1), FIXED,
       "A home is deserted with at most this part of its even share of the active learners; 0: "
       "with "
       "none."},
      {REAL("home.mixing", home.mixing, "0", 0, 1), FIXED,
       "gamma_H: how far a home moves to the mean of its trained members."},
      {REAL("home.rate", home.rate, "0.001", 0, 1e6), FIXED, "epsilon_H: outer rate of the homes."},

      {CHOICE("home.priority", home.priority, "none", "none|gradient|progress"), FIXED,
       "Which homes' learners weigh more in the shared update: those whose members have larger "
       "meta-gradients (moving average of the norm), or those whose query loss falls faster (slow "
       "minus fast moving average). By rank."},
      {REAL("home.priority_strength", home.priority_strength, "0.5", 0, 0.99), FIXED,
       "priority: a learner weighs from 1 minus this, at the home of the lowest rank, to 1 plus "
       "this, before the weights are made to sum to 1."},

      {REAL("distill.weight", distill.weight, "0", 0, 1), FIXED,
       "lambda: knowledge distillation makes a loss L into (1 - lambda) L + lambda D, where D is "
       "how far the outputs are from a teacher's: tau^2 times the divergence of the softmax at "
       "temperature tau (cross_entropy), or the squared difference (mse). 0 is off."},
      {REAL("distill.temperature", distill.temperature, "2", 0.001, 1000), FIXED,
       "tau: softens both softmaxes (cross_entropy)."},
      {CHOICE("distill.teacher", distill.teacher, "shared", "shared|home|peers|model"), FIXED,
       "Who teaches, adapted on the same support set: the shared weights; the learner's home; the "
       "mean model of those who trained at that home in the last step (codistillation); or the "
       "trained model of distill.model."},
      {CHOICE("distill.in", distill.in, "query", "query|support|both"), FIXED,
       "Which losses have the term: of the query set (the meta-loss), of the support set (the "
       "inner steps), or both."},
      {INT("distill.teacher_steps", distill.teacher_steps, "-1", -1, 10000), FIXED,
       "Inner steps that the teacher takes on the support set before it predicts; -1 takes "
       "inner.steps (of its own configuration for teacher model), 0 leaves it as it is."},
      {STRING("distill.model", distill.model), FREE,
       "teacher model: a checkpoint of it. The run keeps a copy in teacher.h5, and resumes with "
       "that."},

      {CHOICE("aggregation.rule", aggregation.rule, "mean",
              "mean|clip|centred_clip|trimmed_mean|median"),
       FIXED,
       "What stands for the learners' mean, of gradients and of trained parameters, shared and of "
       "a "
       "home. mean: trusts everybody, and training ends where a learner's numbers are not finite, "
       "unless learners.rollback is on. All others leave such a learner out of the step and count "
       "it in metrics.jsonl. clip: the "
       "mean with each learner's norm bounded by the radius; centred_clip: the same around the "
       "last "
       "step's value (Karimireddy et al. 2021); trimmed_mean and median: by coordinate (Yin et al. "
       "2018), which costs the memory and the messages of all learners' numbers."},
      {REAL("aggregation.radius", aggregation.radius, "1", 1e-12, 1e12), FIXED,
       "clip, centred_clip: largest norm of a learner's gradient, or of its distance to the "
       "centre."},
      {REAL("aggregation.trained_radius", aggregation.trained_radius, "0", 0, 1e12), FIXED,
       "clip, centred_clip: the same of the way from the weights to a learner's trained "
       "parameters, "
       "where shared.mixing or home.mixing takes them; 0 takes aggregation.radius."},
      {REAL("aggregation.trim", aggregation.trim, "0.2", 0, 0.4999), FIXED,
       "trimmed_mean: share of the learners left out at either end of a coordinate; no less than "
       "the share that may be wrong."},
      {REAL("privacy.noise", privacy.noise, "0", 0, 1e6), FIXED,
       "Differential privacy of learners, with aggregation.rule clip: sigma, the standard "
       "deviation "
       "of the normal noise on the sum, in units of what one learner may add to it; 0 is off. The "
       "epsilon spent stands in metrics.jsonl and checkpoints. Losses, scores and counts are not "
       "private, and who has RUN/privacy.key can take the noise away: publish weights alone."},
      {REAL("privacy.delta", privacy.delta, "1e-5", 1e-300, 0.5), FIXED,
       "delta for which epsilon is told; well below 1 / learners.count."},

      {CHOICE("attack.kind", attack.kind, "none", "none|scaled|flipped|random|nan|infinite"), FIXED,
       "For experiments: what some learners send in place of their gradient and trained "
       "parameters. "
       "scaled, flipped: attack.scale times it, or times minus it; random: normal numbers of that "
       "standard deviation; nan, infinite: nothing else."},
      {REAL("attack.share", attack.share, "0.2", 0, 1), FIXED,
       "Share of the learners that attack, rounded to a whole number: those with the highest "
       "numbers."},
      {REAL("attack.scale", attack.scale, "10", 0, 1e12), FIXED,
       "scaled, flipped, random: how strong the attack is."},

      {INT("run.threads", run.threads, "0", 0, 4096), FREE,
       "OpenMP threads of a rank; 0 takes OMP_NUM_THREADS, or 1."},
      {CHOICE("run.reduce", run.reduce, "exact", "exact|fast"), FIXED,
       "exact: integer sums, the same bits on any number of ranks; fast: plain floating point, for "
       "comparison."},
      {REAL("run.watchdog", run.watchdog, "600", 0, 1e9), FREE,
       "Seconds without any progress after which the job ends, with a message that names the ranks "
       "that the others wait for, and where each was last seen. 0 waits for ever. Longer than a "
       "learner takes to train; at least 0.5 to make sense. RUN/ranks tells where each rank is."},
      {REAL("run.keepalive", run.keepalive, "10", 0, 3600), FREE,
       "Each rank holds a connection to the next one, over which hosts are asked whether they are "
       "there: after so many seconds without an answer, and without progress of the job, the job "
       "ends and the rank on the lost host is named. 0: nobody asks; the watchdog stays."},
      {STRING("run.interface", run.interface), FREE,
       "The network interface of those connections, such as ib0: the one over which MPI computes. "
       "Empty: the first of all that connects."},
      {BOOL("run.balance", run.balance, "true"), FREE,
       "Learners whose episodes are larger than others' cost more: after the first 32 steps, and "
       "at "
       "every checkpoint, learners move to other ranks if the busiest one then has less to do by "
       "more than 5 %, and than chance explains. The bits are the same. A rank owns at most four "
       "times the even number of learners, and what they keep, which is twice in memory while they "
       "move."},
      {INT("checkpoint.every", checkpoint.every, "-1", -1, 1e15), FREE,
       "Steps between checkpoints; 0 writes only the last one; -1 chooses by the time that writing "
       "one takes and checkpoint.mtbf (Young 1974, Daly 2006), so that writing takes at most a "
       "twentieth of the time; the first one after 30 s."},
      {REAL("checkpoint.mtbf", checkpoint.mtbf, "24", 0.01, 1e6), FREE,
       "every -1: mean time between failures of the job, in hours: that of a node divided by the "
       "number of nodes."},
      {INT("checkpoint.keep", checkpoint.keep, "3", 1, 1e6), FREE,
       "How many of the newest checkpoints stay."},
      {STRING("checkpoint.hints", checkpoint.hints), FREE,
       "Hints for MPI-IO and the file system, KEY=VALUE KEY=VALUE, such as "
       "striping_factor=8 striping_unit=4194304 (Lustre). Those that the MPI library "
       "does not know are ignored by it."},
      {INT("log.every", log.every, "100", 1, 1e15), FREE,
       "Steps between lines of metrics.jsonl, each the mean over them."},
      {INT("eval.episodes", eval.episodes, "1000", 0, 1e7), FREE,
       "Unseen episodes to evaluate at the end of training and by `oikos eval`."},
      {INT("eval.steps", eval.steps, "-1", -1, 10000), FREE,
       "Inner steps in evaluation; -1 takes inner.steps."},
      {CHOICE("eval.split", eval.split, "test", "validation|test"), FREE,
       "Which unseen part is evaluated on."},
      {CHOICE("eval.norm_statistics", eval.norm_statistics, "model", "model|transductive|support"),
       FREE,
       "Where batch_norm takes mean and variance from in evaluation; model is as "
       "model.norm_statistics says."},
      {INT("eval.support", eval.support, "0", 0, 1e6), FREE,
       "ratings: support ratings of an unseen user or item, at most; 0 takes task.support."},
      {INT("eval.query", eval.query, "0", 0, 1e6), FREE,
       "ratings: the last so many ratings of each user or item are judged; 0 takes all but the "
       "first eval.support. It keeps the judged ratings the same for any smaller eval.support. "
       "Splits file and last: all test ratings are judged."},
      {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, FIXED, NULL},
  };
  return table;
}
