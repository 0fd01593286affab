/* SPDX-License-Identifier: MIT */
#include "tasks/class_split.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"

enum { UNUSED = 3 };

static oikos_status by_fraction(const oikos_config *config, const oikos_class_list *list,
                                uint8_t *part, oikos_error *err) {
  int64_t *order, n = list->n;
  OIKOS_TRY(oikos_alloc(&order, oikos_mul(2, (size_t)n), sizeof *order, "the split", err));
  oikos_random r = oikos_random_at((uint64_t)config->seed, OIKOS_DRAW_SPLIT, list->draw, 0);
  oikos_random_choose(&r, n, n, order, order + n);
  int64_t test = llround(config->task.test_fraction * (double)n);
  int64_t validation = llround(config->task.validation_fraction * (double)n);
  for (int64_t i = 0; i < n; i++)
    part[order[i]] = i < test ? OIKOS_TEST : i < test + validation ? OIKOS_VALIDATION : OIKOS_TRAIN;
  free(order);
  return OIKOS_OK;
}

/* Class names are unique but not sorted; lists are read once, so a scan does. */
static int64_t find_class(const oikos_class_list *list, const char *name) {
  for (int64_t k = 0; k < list->n; k++)
    if (strcmp(list->name[k], name) == 0)
      return k;
  return -1;
}

static oikos_status read_list(const char *path, oikos_split which, const oikos_class_list *list,
                              uint8_t *part, oikos_error *err) {
  FILE *in = fopen(path, "r");
  char *line = NULL;
  size_t size = 0;
  oikos_status status = OIKOS_OK;
  if (!in)
    return oikos_fail(err, OIKOS_USAGE, "task.split list: %s cannot be read: %s", path,
                      strerror(errno));
  for (int number = 1; status == OIKOS_OK && getline(&line, &size, in) >= 0; number++) {
    line[strcspn(line, "\r\n")] = 0;
    int64_t k = *line ? find_class(list, line) : -1;
    if (*line && k < 0)
      status = oikos_fail(err, OIKOS_USAGE, "%s:%d: no %s of that name in the %s: %.100s", path,
                          number, list->noun, list->place, line);
    else if (*line && part[k] != UNUSED)
      status = oikos_fail(err, OIKOS_USAGE,
                          "%s:%d: %s %.100s is listed twice; a %s belongs to one split", path,
                          number, list->noun, line, list->noun);
    else if (*line)
      part[k] = (uint8_t)which;
  }
  free(line);
  fclose(in);
  return status;
}

static oikos_status by_list(const oikos_config *config, const oikos_class_list *list, uint8_t *part,
                            oikos_error *err) {
  const char *path[] = {config->task.train_list, config->task.validation_list,
                        config->task.test_list};
  memset(part, UNUSED, (size_t)list->n);
  if (!*path[OIKOS_TRAIN])
    return oikos_fail(err, OIKOS_USAGE, "task.split is list but task.train_list is not set");
  for (int s = 0; s < 3; s++)
    if (*path[s])
      OIKOS_TRY(read_list(path[s], (oikos_split)s, list, part, err));
  return OIKOS_OK;
}

static oikos_status collect(const oikos_class_list *list, const uint8_t *part,
                            oikos_class_split *split, oikos_error *err) {
  for (int64_t k = 0; k < list->n; k++)
    if (part[k] < UNUSED)
      split->n[part[k]]++;
  for (int s = 0; s < 3; s++)
    OIKOS_TRY(oikos_alloc(&split->classes[s], (size_t)split->n[s], sizeof **split->classes,
                          "the split", err));
  int64_t at[3] = {0};
  for (int64_t k = 0; k < list->n; k++)
    if (part[k] < UNUSED)
      split->classes[part[k]][at[part[k]]++] = k;
  return OIKOS_OK;
}

oikos_status oikos_class_split_create(const oikos_config *config, const oikos_class_list *list,
                                      oikos_class_split *split, oikos_error *err) {
  uint8_t *part;
  *split = (oikos_class_split){0};
  OIKOS_TRY(oikos_alloc(&part, (size_t)list->n, 1, "the split", err));
  oikos_status status = OIKOS_OK;
  if (config->task.split == OIKOS_SPLIT_FILE)
    memcpy(part, list->split, (size_t)list->n);
  else if (config->task.split == OIKOS_SPLIT_FRACTION)
    status = by_fraction(config, list, part, err);
  else
    status = by_list(config, list, part, err);
  if (status == OIKOS_OK)
    status = collect(list, part, split, err);
  free(part);
  return status;
}

void oikos_class_split_destroy(oikos_class_split *split) {
  for (int s = 0; s < 3; s++)
    free(split->classes[s]);
  *split = (oikos_class_split){0};
}
