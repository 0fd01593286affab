/* SPDX-License-Identifier: MIT
 * Which classes of images, or groups of a table, train, which validate, which test. */
#ifndef OIKOS_TASKS_CLASS_SPLIT_H
#define OIKOS_TASKS_CLASS_SPLIT_H

#include "oikos/tasks.h"

/* What is split. */
typedef struct oikos_class_list {
  int64_t n;
  const char *const *name;
  const uint8_t *split;     /* the publisher's; NULL: there is none, and task.split is not `file` */
  const char *noun, *place; /* for messages: "class", "image file" */
  uint64_t draw;            /* tells several lists of one file apart */
} oikos_class_list;

typedef struct oikos_class_split {
  int64_t n[3];        /* classes in each oikos_split */
  int64_t *classes[3]; /* their numbers, ascending; freed by oikos_class_split_destroy */
} oikos_class_split;

/** Split by config->task: as the file says, at random by the seed, or by lists of names, one
 * a line, which for images may be those of turned classes ("Greek/character05/rot090", all four of
 * a class). No class is in two parts. */
oikos_status oikos_class_split_create(const oikos_config *config, const oikos_class_list *list,
                                      oikos_class_split *split, oikos_error *err);
void oikos_class_split_destroy(oikos_class_split *split);

#endif
