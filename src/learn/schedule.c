/* SPDX-License-Identifier: MIT */
#include "learn/schedule.h"

#include <math.h>

typedef struct type {
  oikos_word word;
  bool has_end;                                        /* depends on `steps` */
  double (*share)(const oikos_config *c, double step); /* `step` steps after the warm-up */
} type;

static double share_constant(const oikos_config *c, double step) {
  (void)c;
  (void)step;
  return 1;
}

static double share_cosine(const oikos_config *c, double step) {
  if (c->steps <= c->outer.warmup)
    return 1;
  double done = step / (double)(c->steps - c->outer.warmup);
  return c->outer.final_rate +
         (1 - c->outer.final_rate) * 0.5 * (1 + cos(3.14159265358979323846 * done));
}

static double share_step(const oikos_config *c, double step) {
  return pow(c->outer.decay, floor(step / (double)c->outer.decay_every));
}

static double share_exponential(const oikos_config *c, double step) {
  return pow(c->outer.decay, step / (double)c->outer.decay_every);
}

static const type *type_of(oikos_schedule_kind kind) {
  static const type table[] = {
      [OIKOS_SCHEDULE_CONSTANT] = {.word = {"the rate as it is.", NULL}, .share = share_constant},
      [OIKOS_SCHEDULE_COSINE] = {.word = {"half a cosine down to outer.final_rate at the last of "
                                          "`steps`, on which it depends (Loshchilov and Hutter "
                                          "2017).",
                                          "outer.final_rate"},
                                 .has_end = true,
                                 .share = share_cosine},
      [OIKOS_SCHEDULE_STEP] = {.word = {"times outer.decay at once, after every "
                                        "outer.decay_every steps.",
                                        "outer.decay|outer.decay_every"},
                               .share = share_step},
      [OIKOS_SCHEDULE_EXPONENTIAL] = {.word = {"the same, a little in each step.",
                                               "outer.decay|outer.decay_every"},
                                      .share = share_exponential},
  };
  return &table[kind];
}

double oikos_schedule(const oikos_config *c, int64_t step) {
  if (step < c->outer.warmup)
    return (double)(step + 1) / (double)c->outer.warmup;
  return type_of(c->outer.schedule)->share(c, (double)(step - c->outer.warmup));
}

bool oikos_schedule_has_end(const oikos_config *c) {
  return type_of(c->outer.schedule)->has_end;
}

const oikos_word *oikos_schedule_word(int index) {
  return &type_of((oikos_schedule_kind)index)->word;
}
