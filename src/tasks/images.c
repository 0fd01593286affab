/* SPDX-License-Identifier: MIT
 * Few-shot classification (Vinyals et al. 2016): an episode is `ways` classes with `support` and
 * `query` images of each. With rotations every class stands for four, turned by 0, 90, 180 and 270
 * degrees (Santoro et al. 2016). Examples are ordered shot by shot, so that any run of `ways`
 * examples holds every class. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "tasks/class_split.h"
#include "tasks/image_index.h"
#include "tasks/source.h"

typedef struct image_source {
  oikos_image_index index;
  const uint8_t *pixels;
  const char *file;
  int rotations; /* 1 or 4 */
  int64_t ways, support, query;
  oikos_class_split split;
} image_source;

/* Every class of a split must have enough images; others do not count. */
static oikos_status check_classes(const image_source *m, const oikos_config *config,
                                  oikos_error *err) {
  for (int s = 0; s < 3; s++)
    for (int64_t i = 0; i < m->split.n[s]; i++) {
      int64_t k = m->split.classes[s][i];
      int64_t held = m->index.class_start[k + 1] - m->index.class_start[k];
      if (held < m->support + m->query)
        return oikos_fail(err, OIKOS_USAGE,
                          "%s: class %.100s has %lld images, but task.support %lld + task.query "
                          "%lld are wanted of each class; lower them, or leave it out by "
                          "task.split list",
                          config->task.file, m->index.class_name[k], (long long)held,
                          (long long)m->support, (long long)m->query);
    }
  return OIKOS_OK;
}

static oikos_status check(const image_source *m, const oikos_config *config, oikos_error *err) {
  if (m->rotations == 4 && m->index.height != m->index.width)
    return oikos_fail(err, OIKOS_USAGE, "%s: task.rotations wants square images, found %lld x %lld",
                      config->task.file, (long long)m->index.height, (long long)m->index.width);
  return OIKOS_OK;
}

static oikos_status create(oikos_source *source, const oikos_config *config, const oikos_data *data,
                           oikos_error *err) {
  if (!data || !data->images || !data->pixels)
    return oikos_fail(err, OIKOS_ERROR, "task.source images was created without its data");
  OIKOS_TRY(oikos_alloc(&source->self, 1, sizeof(image_source), "the task source", err));
  image_source *m = source->self;
  m->index = *data->images;
  m->pixels = data->pixels;
  m->file = config->task.file;
  m->rotations = config->task.rotations ? 4 : 1;
  m->ways = config->task.ways;
  m->support = config->task.support;
  m->query = config->task.query;
  OIKOS_TRY(check(m, config, err));
  const oikos_class_list list = {
      m->index.n_classes, m->index.class_name, m->index.split, "class", "image file", 0};
  OIKOS_TRY(oikos_class_split_create(config, &list, &m->split, err));
  OIKOS_TRY(check_classes(m, config, err));
  int64_t most = m->index.n_classes * m->rotations;
  for (int64_t k = 0; k < m->index.n_classes; k++) {
    int64_t held = m->index.class_start[k + 1] - m->index.class_start[k];
    most = held > most ? held : most;
  }
  // a draw permutes the classes or the images of one class; the chosen ones stand behind
  source->scratch = (size_t)(most + m->ways + m->support + m->query);
  source->shape = (oikos_task_shape){.input = {m->index.height, m->index.width, m->index.channels},
                                     .outputs = m->ways,
                                     .units = (size_t)m->ways,
                                     .support = (size_t)(m->ways * m->support),
                                     .query = (size_t)(m->ways * m->query)};
  return OIKOS_OK;
}

static oikos_status has(const oikos_source *source, oikos_split split, oikos_error *err) {
  static const char *const name[] = {"training", "validation", "test"};
  const image_source *m = source->self;
  if (m->split.n[split] * m->rotations >= m->ways)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_USAGE,
                    "%s: task.ways is %lld, but the %s split has only %lld classes; lower "
                    "task.ways or change task.split",
                    m->file, (long long)m->ways, name[split],
                    (long long)(m->split.n[split] * m->rotations));
}

/* One image turned counterclockwise by `turns` quarters, as numbers 0..1. */
static void copy_turned(const image_source *m, int64_t row, int turns, oikos_real *to) {
  int64_t h = m->index.height, w = m->index.width, c = m->index.channels;
  const uint8_t *from = m->pixels + row * h * w * c;
  for (int64_t y = 0; y < h; y++)
    for (int64_t x = 0; x < w; x++) {
      int64_t fy[] = {y, x, h - 1 - y, h - 1 - x}, fx[] = {x, w - 1 - y, w - 1 - x, y};
      for (int64_t k = 0; k < c; k++)
        *to++ = (oikos_real)from[(fy[turns] * w + fx[turns]) * c + k] / 255;
    }
}

static void draw_class(const image_source *m, int64_t turned_class, int64_t label, oikos_random *r,
                       oikos_episode *e, int64_t *scratch) {
  int64_t class = turned_class / m->rotations, first = m->index.class_start[class];
  int64_t held = m->index.class_start[class + 1] - first, wanted = m->support + m->query;
  int64_t *chosen = scratch, size = m->index.height * m->index.width * m->index.channels;
  oikos_random_choose(r, held, wanted, chosen, scratch + wanted);
  for (int64_t k = 0; k < wanted; k++) {
    int64_t place = k * m->ways + label; // support examples first: k < support
    copy_turned(m, first + chosen[k], (int)(turned_class % m->rotations), e->x + place * size);
    e->y[place] = (oikos_real)label;
  }
}

static void draw(const oikos_source *source, oikos_split split, oikos_random *r, oikos_episode *e) {
  const image_source *m = source->self;
  int64_t *turned = e->scratch, *scratch = e->scratch + m->ways;
  oikos_random_choose(r, m->split.n[split] * m->rotations, m->ways, turned, scratch);
  for (int64_t label = 0; label < m->ways; label++) {
    int64_t class = m->split.classes[split][turned[label] / m->rotations];
    e->classes[label] = class;
    draw_class(m, class * m->rotations + turned[label] % m->rotations, label, r, e, scratch);
  }
}

static void destroy(oikos_source *source) {
  oikos_class_split_destroy(&((image_source *)source->self)->split);
}

const oikos_source_type oikos_source_images = {
    .word = {"classes of an image file made by `oikos import`.",
             "task.file|task.ways|task.rotations|task.split|task.validation_fraction|"
             "task.test_fraction|task.train_list|task.validation_list|task.test_list|"
             "model.norm_statistics|eval.norm_statistics"},
    .data = OIKOS_DATA_IMAGES,
    .losses = "cross_entropy|prototypes",
    .splits = "file|fraction|list",
    .per_class = true,
    .unit = "classes",
    .create = create,
    .has = has,
    .draw = draw,
    .destroy = destroy};
