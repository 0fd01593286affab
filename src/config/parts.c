/* SPDX-License-Identifier: MIT
 * Which keys ask for which part of a step (src/run/part.h): a step has those that are asked for,
 * or that no key is for. A key that asks for one which is not there is an error, or somebody would
 * believe in it. */
#include <stdlib.h>
#include <string.h>

#include "config/options.h"

/* A condition as in src/config/use.c, which begins with the key. */
static const struct {
  const char *when, *part;
} table[] = {
    {.part = "embedding_rows", .when = "model.layers=embedding"},
    {.part = "rule", .when = "learners.rollback>0"},
    {.part = "rollback", .when = "learners.patience>0"},
    {.part = "learner_rates", .when = "inner.adapt_rate=true"},
    {.part = "revive", .when = "home.revive>0"},
    {.part = "priority", .when = "home.priority!=none"},
    {.part = "teacher", .when = "distill.weight>0"},
    {.part = "rule", .when = "aggregation.rule!=mean"},
    {.part = "privacy", .when = "privacy.noise>0"},
    {.part = "attack", .when = "attack.kind!=none"},
    {.part = "balance", .when = "run.balance=true"},
};

enum { CONDITIONS = sizeof table / sizeof *table };

bool oikos_config_wants(const oikos_config *c, const char *part) {
  bool wanted = false, named = false;
  for (int k = 0; k < CONDITIONS; k++)
    if (strcmp(table[k].part, part) == 0) {
      named = true;
      wanted |= oikos_use_holds(table[k].when, c);
    }
  return wanted || !named;
}

oikos_status oikos_config_check_parts(const oikos_config *c, bool (*has)(const char *part),
                                      oikos_error *err) {
  oikos_status status = OIKOS_OK;
  char place[OIKOS_PLACE];
  oikos_config *standard = malloc(sizeof *standard);
  if (!standard)
    return oikos_fail(err, OIKOS_ERROR, "out of memory");
  oikos_config_defaults(standard);
  for (int k = 0; k < CONDITIONS; k++) {
    const oikos_option *o = oikos_use_option(table[k].when);
    bool meant = c->given[o - oikos_options()] || !oikos_option_is_default(o, c, standard);
    if (status == OIKOS_OK && meant && oikos_use_holds(table[k].when, c) && !has(table[k].part))
      status = oikos_fail(err, OIKOS_USAGE,
                          "%s is set, but this build has no part `%s`, which would do it: take the "
                          "key out, or put the part into the list in src/run/part.h and build "
                          "again",
                          oikos_option_place(o, c, place), table[k].part);
  }
  free(standard);
  return status;
}
