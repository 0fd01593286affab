/* SPDX-License-Identifier: MIT */
#include "run/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"

oikos_status oikos_history_create(int n_homes, size_t columns, oikos_history *h, oikos_error *err) {
  size_t fields = OIKOS_ROW_MEMBERS + 2 * (size_t)n_homes + columns;
  *h = (oikos_history){.n_homes = n_homes, .fields = fields, .width = fields + OIKOS_N_ASIDE};
  h->started = h->recorded = oikos_wall_clock();
  OIKOS_TRY(oikos_alloc(&h->now, h->width, sizeof *h->now, "the history", err));
  OIKOS_TRY(oikos_alloc(&h->pending, h->width, sizeof *h->pending, "the history", err));
  return oikos_history_reserve(h, 64, err);
}

void oikos_history_destroy(oikos_history *h) {
  free(h->now);
  free(h->pending);
  free(h->rows);
  *h = (oikos_history){0};
}

oikos_status oikos_history_reserve(oikos_history *h, int64_t records, oikos_error *err) {
  size_t room = h->room ? h->room : 64;
  double *larger;
  while (room < (size_t)records)
    room *= 2;
  if (room == h->room)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&larger, oikos_mul(room, h->width), sizeof *larger, "the history", err));
  if (h->records)
    memcpy(larger, h->rows, (size_t)h->records * h->width * sizeof *larger);
  free(h->rows);
  h->rows = larger;
  h->room = room;
  return OIKOS_OK;
}

void oikos_history_add(oikos_history *h) {
  h->now[OIKOS_ROW_STEP] = h->now[h->fields + OIKOS_ASIDE_CONFIDENCE_STEPS] = 1;
  for (size_t i = 0; i < h->width; i++)
    h->pending[i] += h->now[i];
}

oikos_status oikos_history_close(oikos_history *h, int64_t step, int64_t episodes,
                                 int64_t episodes_in_it, oikos_error *err) {
  OIKOS_TRY(oikos_history_reserve(h, h->records + 1, err));
  double *row = oikos_history_row(h, h->records), *aside = row + h->fields,
         *pending_aside = h->pending + h->fields, clock = oikos_wall_clock();
  for (size_t i = 0; i < h->fields; i++)
    row[i] = h->pending[i] / h->pending[OIKOS_ROW_STEP];
  row[OIKOS_ROW_STEP] = (double)step;
  row[OIKOS_ROW_EPISODES] = (double)episodes;
  row[OIKOS_ROW_RATE] = h->now[OIKOS_ROW_RATE];
  aside[OIKOS_ASIDE_CONFIDENCE] =
      pending_aside[OIKOS_ASIDE_CONFIDENCE] / pending_aside[OIKOS_ASIDE_CONFIDENCE_STEPS];
  aside[OIKOS_ASIDE_BALANCE] = 0;
  aside[OIKOS_ASIDE_SECONDS] = clock - h->started;
  aside[OIKOS_ASIDE_TASKS_PER_SECOND] =
      clock > h->recorded ? (double)episodes_in_it / (clock - h->recorded) : 0;
  h->recorded = clock;
  memset(h->pending, 0, h->width * sizeof *h->pending);
  h->records++;
  return OIKOS_OK;
}

static bool is_count(double x, double most) {
  return x >= 0 && x <= most && x == floor(x);
}

bool oikos_history_sound(const oikos_history *h, int64_t step) {
  const double most_episodes = 9007199254740992; // 2^53: more is not counted exactly
  double last = 0;
  for (int64_t i = 0; i < h->records; i++) {
    const double *row = oikos_history_row(h, i);
    if (!is_count(row[OIKOS_ROW_STEP], (double)step) || row[OIKOS_ROW_STEP] <= last ||
        !is_count(row[OIKOS_ROW_EPISODES], most_episodes))
      return false;
    last = row[OIKOS_ROW_STEP];
  }
  return is_count(h->pending[OIKOS_ROW_STEP], (double)step);
}

double *oikos_history_row(const oikos_history *h, int64_t index) {
  return h->rows + (size_t)index * h->width;
}

oikos_record oikos_history_record(const oikos_history *h, int64_t index) {
  const double *row = oikos_history_row(h, index), *aside = row + h->fields;
  return (oikos_record){.step = (int64_t)row[OIKOS_ROW_STEP],
                        .episodes = (int64_t)row[OIKOS_ROW_EPISODES],
                        .support_loss = row[OIKOS_ROW_SUPPORT_LOSS],
                        .query_loss = row[OIKOS_ROW_QUERY_LOSS],
                        .accuracy = row[OIKOS_ROW_ACCURACY],
                        .learner_norm = row[OIKOS_ROW_LEARNER_NORM],
                        .gradient_norm = row[OIKOS_ROW_GRADIENT_NORM],
                        .rate = row[OIKOS_ROW_RATE],
                        .moved = row[OIKOS_ROW_MOVED],
                        .confidence = aside[OIKOS_ASIDE_CONFIDENCE],
                        .n_homes = h->n_homes,
                        .members = row + OIKOS_ROW_MEMBERS,
                        .scores = row + OIKOS_ROW_MEMBERS + h->n_homes,
                        .rand = NAN,
                        .balance = aside[OIKOS_ASIDE_BALANCE],
                        .seconds = aside[OIKOS_ASIDE_SECONDS],
                        .tasks_per_second = aside[OIKOS_ASIDE_TASKS_PER_SECOND]};
}
