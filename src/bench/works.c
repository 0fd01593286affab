/* SPDX-License-Identifier: MIT */
#include "bench/works.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "base/try.h"
#include "store/image_file.h"

enum { CLASSES = 20, EACH = 20, SIDE = 28 };

#define SINUSOID                                                                                   \
  "model: {init: glorot, layers: [dense: 40, relu, dense: 40, relu, dense: 1]}\n"                  \
  "learners: {count: 24}\n"
#define CONV4_BLOCK "conv2d: {filters: 64, kernel: 3, padding: 1}, batch_norm, relu, max_pool, "
#define CONV4                                                                                      \
  "task: {source: images, support: 1, query: 15, split: fraction}\n"                               \
  "learners: {count: 4}\n"                                                                         \
  "model: {loss: cross_entropy, init: glorot, layers: [" CONV4_BLOCK CONV4_BLOCK CONV4_BLOCK       \
      CONV4_BLOCK "flatten, dense: 5]}\n"

static const struct {
  const char *name, *yaml;
} works[OIKOS_WORKS] = {
    {"sinusoid MLP 1-40-40-1, 10+10 points, 1 inner step", SINUSOID "inner: {steps: 1}\n"},
    {"sinusoid MLP 1-40-40-1, 10+10 points, 5 inner steps", SINUSOID "inner: {steps: 5}\n"},
    {"five modes MLP 1-100-100-100-1, 5+5 points, 5 inner steps",
     "task: {support: 5, query: 5, modes: [sinusoid, linear, quadratic, tanh, absolute]}\n"
     "model: {init: glorot, layers: [dense: 100, relu, dense: 100, relu, dense: 100, relu, dense: "
     "1]}\n"
     "inner: {steps: 5, rate: 0.001}\n"},
    {"conv4, 64 filters, max-pool, 5-way 1-shot, 75 queries, 1 inner step",
     CONV4 "inner: {steps: 1, rate: 0.01}\n"},
    {"conv4, 64 filters, max-pool, 5-way 1-shot, 75 queries, 5 inner steps",
     CONV4 "inner: {steps: 5, rate: 0.01}\n"},
};

const char *oikos_work_name(int work) {
  return works[work].name;
}

oikos_status oikos_work_config(int work, const char *images, oikos_config *config,
                               oikos_error *err) {
  oikos_config_defaults(config);
  config->eval.episodes = 0;
  snprintf(config->task.file, sizeof config->task.file, "%s", images);
  return oikos_config_parse(config, works[work].name, works[work].yaml, strlen(works[work].yaml),
                            err);
}

static oikos_status draw_noise(void *user, int64_t first, int64_t count, uint8_t *pixels,
                               oikos_error *err) {
  (void)user;
  (void)err;
  oikos_random r = oikos_random_at(0, OIKOS_DRAW_CHECK, (uint64_t)first, 0);
  for (int64_t i = 0; i < count * SIDE * SIDE; i++)
    pixels[i] = (uint8_t)oikos_random_below(&r, 256);
  return OIKOS_OK;
}

oikos_status oikos_work_images(const char *path, oikos_error *err) {
  int64_t start[CLASSES + 1] = {0};
  int32_t group[CLASSES] = {0};
  uint8_t split[CLASSES] = {0};
  char name[CLASSES][OIKOS_NAME];
  const char *names[CLASSES], *const group_name[] = {"noise"};
  for (int i = 0; i < CLASSES; i++) {
    start[i + 1] = (int64_t)(i + 1) * EACH;
    snprintf(name[i], sizeof name[i], "noise %d", i);
    names[i] = name[i];
  }
  oikos_image_index index = {.n_images = CLASSES * EACH,
                             .n_classes = CLASSES,
                             .height = SIDE,
                             .width = SIDE,
                             .channels = 1,
                             .class_start = start,
                             .class_name = names,
                             .class_group = group,
                             .n_groups = 1,
                             .group_name = group_name,
                             .split = split,
                             .source = "noise"};
  return oikos_image_file_write(path, &index, draw_noise, NULL, err);
}
