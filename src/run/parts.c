/* SPDX-License-Identifier: MIT */
#include "run/part.h"

#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "config/options.h"
#include "run/trainer_impl.h"

#define PART(name) &oikos_part_##name,
static const oikos_part *const list[] = {OIKOS_ALL_PARTS(PART)};
enum { ALL = sizeof list / sizeof *list };

static bool has(const char *name) {
  for (size_t k = 0; k < ALL; k++)
    if (strcmp(list[k]->name, name) == 0)
      return true;
  return false;
}

oikos_status oikos_parts_check(const oikos_config *config, oikos_error *err) {
  return oikos_config_check_parts(config, has, err);
}

static bool is_wanted(const oikos_trainer *t, const oikos_part *part) {
  return part->wanted ? part->wanted(t) : oikos_config_wants(&t->config, part->name);
}

oikos_status oikos_parts_choose(oikos_trainer *t, size_t *columns, oikos_error *err) {
  size_t first = OIKOS_ROW_MEMBERS + 2 * (size_t)t->config.home.count;
  *columns = 0;
  OIKOS_TRY(oikos_arena_alloc(&t->memory, &t->parts, ALL, sizeof *t->parts, err));
  for (size_t k = 0; k < ALL; k++) {
    if (!is_wanted(t, list[k]))
      continue;
    oikos_part_state *p = &t->parts[t->n_parts++];
    *p = (oikos_part_state){
        .part = list[k], .memory.what = "the parts of a step", .column = first + *columns};
    *columns += list[k]->number != NULL;
    if (list[k]->size)
      OIKOS_TRY(oikos_arena_alloc(&p->memory, &p->state, 1, list[k]->size, err));
    if (list[k]->take)
      t->taker = p;
  }
  return OIKOS_OK;
}

oikos_status oikos_parts_learners(const oikos_trainer *t, const int64_t *bound,
                                  oikos_learners *learners, oikos_error *err) {
  oikos_kept kept[ALL] = {0};
  for (int k = 0; k < t->n_parts; k++) {
    kept[k].size = t->parts[k].part->by_learner;
    kept[k].by_slot = t->parts[k].part->by_slot;
  }
  return oikos_learners_create(&t->config, &t->team, bound, t->weights.m, kept, t->n_parts,
                               learners, err);
}

void oikos_parts_follow(oikos_trainer *t) {
  const oikos_kept *kept = t->learners.kept + OIKOS_KEPT_BY_PARTS;
  for (int k = 0; k < t->n_parts; k++) {
    t->parts[k].by_learner = kept[k].now;
    t->parts[k].by_slot = kept[k].next;
  }
}

void oikos_parts_destroy(oikos_trainer *t) {
  for (int k = 0; k < t->n_parts; k++) {
    oikos_part_state *p = &t->parts[k];
    if (p->part->destroy && p->state)
      p->part->destroy(p->state);
    oikos_arena_free(&p->memory);
  }
}

oikos_part_state *oikos_part_of(const oikos_trainer *t, const oikos_part *part) {
  for (int k = 0; k < t->n_parts; k++)
    if (t->parts[k].part == part)
      return &t->parts[k];
  return NULL;
}
