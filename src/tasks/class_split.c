/* SPDX-License-Identifier: MIT */
#include "tasks/class_split.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/regular.h"
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

/* Omniglot's lists name every class four times, with the turn behind: "Greek/character05/rot090".
 * Cuts it off; 0 to 3, or -1 for none. */
static int cut_turn(char *name) {
  static const char *const turns[] = {"/rot000", "/rot090", "/rot180", "/rot270"};
  size_t length = strlen(name), n = strlen(turns[0]);
  for (int k = 0; k < 4 && length > n; k++)
    if (strcmp(name + length - n, turns[k]) == 0) {
      name[length - n] = 0;
      return k;
    }
  return -1;
}

/* What the lists have said so far. */
typedef struct listing {
  const oikos_class_list *list;
  uint8_t *part; /* (list->n) */
  uint8_t
      *turns; /* (list->n) a bit for each that is listed; 0: the class as a whole, or not at all */
} listing;

/* A name that a list has, which may be cut. */
static oikos_status take_name(const listing *l, char *name, oikos_split which, oikos_error *err) {
  const oikos_class_list *list = l->list;
  int64_t k = find_class(list, name);
  int turn = k < 0 ? cut_turn(name) : -1;
  if (turn >= 0)
    k = find_class(list, name);
  if (k < 0)
    return oikos_fail(err, OIKOS_USAGE, "no %s of that name in the %s: %.100s", list->noun,
                      list->place, name);
  bool more =
      turn >= 0 && l->turns[k] && !(l->turns[k] >> turn & 1) && l->part[k] == (uint8_t)which;
  if (l->part[k] != UNUSED && !more)
    return oikos_fail(err, OIKOS_USAGE, "%s %.100s is listed twice; a %s belongs to one split",
                      list->noun, name, list->noun);
  l->part[k] = (uint8_t)which;
  l->turns[k] = (uint8_t)(l->turns[k] | (turn >= 0 ? 1 << turn : 0));
  return OIKOS_OK;
}

/* @param[out] number  of the line that is wrong; 0 if it is not about one */
static oikos_status read_lines(FILE *in, const listing *l, oikos_split which, int *number,
                               oikos_error *err) {
  static const char mark[] = "\xEF\xBB\xBF";
  char *line = NULL;
  size_t size = 0;
  ssize_t length;
  oikos_status status = OIKOS_OK;
  for (*number = 1; status == OIKOS_OK && (length = getline(&line, &size, in)) >= 0; ++*number) {
    if (strlen(line) != (size_t)length)
      status = oikos_fail(err, OIKOS_USAGE, "a byte of 0, which no name has; is this a list?");
    line[strcspn(line, "\r\n")] = 0;
    char *name = *number == 1 && strncmp(line, mark, 3) == 0 ? line + 3 : line;
    if (status == OIKOS_OK && *name)
      status = take_name(l, name, which, err);
  }
  free(line);
  *number = status == OIKOS_OK ? 0 : *number - 1;
  return status == OIKOS_OK && ferror(in)
             ? oikos_fail(err, OIKOS_ERROR, "it cannot be read: %s", strerror(errno))
             : status;
}

static oikos_status read_list(const char *path, oikos_split which, const listing *l,
                              oikos_error *err) {
  int fd, number = 0;
  int64_t size;
  if (oikos_regular_open(path, &fd, &size, err) != OIKOS_OK)
    return oikos_fail_prefix(err, "task.split list: %s: ", path);
  FILE *in = fdopen(fd, "r");
  if (!in) {
    close(fd);
    return oikos_fail(err, OIKOS_ERROR, "out of memory for %s", path);
  }
  oikos_status status = read_lines(in, l, which, &number, err);
  fclose(in);
  if (status != OIKOS_OK && number > 0)
    oikos_fail_prefix(err, "%s:%d: ", path, number);
  else if (status != OIKOS_OK)
    oikos_fail_prefix(err, "%s: ", path);
  return status;
}

/* A class of which turns are listed stands for all of them, so they must be all. */
static oikos_status check_turns(const oikos_config *config, const listing *l, oikos_error *err) {
  for (int64_t k = 0; k < l->list->n; k++) {
    if (!l->turns[k] || (l->turns[k] == 15 && config->task.rotations) ||
        (l->turns[k] == 1 && !config->task.rotations))
      continue;
    return oikos_fail(err, OIKOS_USAGE,
                      "the lists name turns of %s %.100s (/rot000 to /rot270): %s", l->list->noun,
                      l->list->name[k],
                      config->task.rotations
                          ? "with task.rotations all four belong to one split, but some are missing"
                          : "set task.rotations to true, which makes a class of each");
  }
  return OIKOS_OK;
}

static oikos_status by_list(const oikos_config *config, const oikos_class_list *list, uint8_t *part,
                            oikos_error *err) {
  const char *path[] = {config->task.train_list, config->task.validation_list,
                        config->task.test_list};
  listing l = {.list = list, .part = part};
  memset(part, UNUSED, (size_t)list->n);
  if (!*path[OIKOS_TRAIN])
    return oikos_fail(err, OIKOS_USAGE, "task.split is list but task.train_list is not set");
  OIKOS_TRY(oikos_alloc(&l.turns, (size_t)list->n, 1, "the split", err));
  oikos_status status = OIKOS_OK;
  for (int s = 0; s < 3 && status == OIKOS_OK; s++)
    if (*path[s])
      status = read_list(path[s], (oikos_split)s, &l, err);
  if (status == OIKOS_OK)
    status = check_turns(config, &l, err);
  free(l.turns);
  return status;
}

static oikos_status collect(const oikos_class_list *list, const uint8_t *part,
                            oikos_class_split *split, oikos_error *err) {
  for (int64_t k = 0; k < list->n; k++)
    if (part[k] < UNUSED)
      split->n[part[k]]++;
  for (int s = 0; s < 3; s++)
    OIKOS_TRY(oikos_alloc(&split->classes[s], (size_t)split->n[s], sizeof **split->classes,
                          "the split", err));
  int64_t listed[3] = {0};
  for (int64_t k = 0; k < list->n; k++)
    if (part[k] < UNUSED)
      split->classes[part[k]][listed[part[k]]++] = k;
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
