/* SPDX-License-Identifier: MIT
 * Which classes train, which validate, which test. */
#ifndef OIKOS_TASKS_CLASS_SPLIT_H
#define OIKOS_TASKS_CLASS_SPLIT_H

#include "oikos/tasks.h"
#include "tasks/image_index.h"

typedef struct oikos_class_split {
  int64_t n[3];        /* classes in each oikos_split */
  int64_t *classes[3]; /* their numbers, ascending; freed by oikos_class_split_destroy */
} oikos_class_split;

/** Split by config->task: as the file says, at random by the seed, or by lists of names. No class
 * is in two parts. */
oikos_status oikos_class_split_create(const oikos_config *config, const oikos_image_index *index,
                                      oikos_class_split *split, oikos_error *err);
void oikos_class_split_destroy(oikos_class_split *split);

#endif
