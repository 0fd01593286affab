/* SPDX-License-Identifier: MIT */
#include "oikos/recommend.h"

#include <omp.h>

#include "base/try.h"
#include "run/embedding_rows.h"
#include "run/ranking.h"
#include "run/trainer_impl.h"

/* Requests that a rank has at hand. */
typedef struct request_block {
  oikos_trainer *t;
  oikos_ranking *ranking;
  const oikos_request *request; /* (count) */
  int64_t count;
} request_block;

static void make_episode(const void *user, int64_t i, oikos_episode *e) {
  const request_block *b = user;
  const oikos_request *q = &b->request[i];
  oikos_ratings_episode(b->t->source, q->side, q->learner, q->n, q->other, q->value, e);
}

/* Adapt to the ratings of one. */
static void adapt(const request_block *b, int64_t i, oikos_worker *w) {
  oikos_trainer *t = b->t;
  int64_t steps = t->config.inner.steps;
  make_episode(b, i, &w->episode);
  oikos_learner_place_embedding_rows(&t->context, oikos_embedding_rows_view(t->embedding_rows, i),
                                     0, &w->episode);
  oikos_learner_arrive(&t->context, w);
  oikos_adapt(t->inner, w->path, t->weights.shared + t->weights.m, &w->episode.support, steps);
  oikos_ranking_keep(b->ranking, i, &w->episode, b->request[i].side, b->request[i].learner,
                     oikos_path_parameters(t->inner, w->path, steps));
}

static void skip_rated(const void *user, int64_t i, int64_t first, int64_t n, uint8_t *skip) {
  const oikos_request *q = &((const request_block *)user)->request[i];
  for (int64_t k = 0; k < q->n; k++)
    if (q->other[k] >= first && q->other[k] < first + n)
      skip[q->other[k] - first] = 1;
}

static oikos_status run_block(const request_block *b, int64_t first, oikos_recommended *then,
                              void *user, oikos_error *err) {
  oikos_trainer *t = b->t;
  oikos_status status = OIKOS_OK;
  OIKOS_TRY(oikos_embedding_rows_fetch(t->embedding_rows, b->count, make_episode, b,
                                       &t->workers[0].episode, err));
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->n_threads)
  for (int64_t i = 0; i < b->count; i++) {
    oikos_pulse_beat(t->team.pulse);
    if (!oikos_pulse_stopped(t->team.pulse))
      adapt(b, i, &t->workers[omp_get_thread_num()]);
  }
  OIKOS_TRY(oikos_ranking_run(b->ranking, b->count, skip_rated, b, err));
  for (int64_t i = 0; i < b->count && status == OIKOS_OK; i++) {
    oikos_ranks ranks = oikos_ranking_of(b->ranking, i);
    status = then(user, first + i, &ranks, err);
  }
  return oikos_agree(&t->team, status, err);
}

static oikos_status check(const oikos_trainer *t, int64_t count, const oikos_request *requests,
                          oikos_error *err) {
  const oikos_ratings *r = oikos_source_ratings_of(t->source);
  if (!r)
    return oikos_fail(err, OIKOS_USAGE,
                      "this run was not trained on ratings, so it has nothing to recommend");
  for (int64_t i = 0; i < count; i++)
    if (!oikos_ratings_plays(r, requests[i].side))
      return oikos_fail(err, OIKOS_USAGE,
                        "this run was not trained to find %s (task.roles), so it cannot recommend "
                        "them",
                        requests[i].side == OIKOS_SIDE_USER ? "items for a user"
                                                            : "users for an item");
  return OIKOS_OK;
}

oikos_status oikos_trainer_recommend(oikos_trainer *t, int64_t count, const oikos_request *requests,
                                     int top, oikos_recommended *then, void *user,
                                     oikos_error *err) {
  request_block b = {.t = t};
  int64_t room = oikos_embedding_rows_most(t),
          most = count; // the rank with most says when it is over
  oikos_status status = check(t, count, requests, err);
  if (status == OIKOS_OK) { // there are no more to recommend than these
    int64_t all = oikos_source_shape(t->source).embedding_rows;
    status = oikos_ranking_create(t, top < all ? top : (int)all, room, &b.ranking, err);
  }
  status = oikos_agree(&t->team, status, err);
  if (status == OIKOS_OK)
    oikos_max_int64(&t->team, 1, &most);
  for (int64_t done = 0; done < most && status == OIKOS_OK; done += room) {
    int64_t left = count > done ? count - done : 0;
    b.request = requests + (left ? done : 0);
    b.count = left < room ? left : room;
    status = run_block(&b, done, then, user, err);
  }
  oikos_ranking_destroy(b.ranking);
  return status;
}
