/* SPDX-License-Identifier: MIT */
#include "dist/embedding.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"
#include "dist/exchange.h"

typedef oikos_real real;

enum { FREE = -1 };

struct oikos_embedding {
  const oikos_team *team;
  const oikos_config *config;
  int64_t rows, first, count; /* R; those that this rank owns */
  size_t width, most;         /* d; examples of a step */
  real *numbers;              /* (count, d) */
  oikos_optimizer optimizer;  /* (count) rows of d */
  int32_t *slot;              /* (count) where a row that was asked for is added up, or FREE */

  size_t k;        /* distinct rows of this rank's examples */
  int64_t *wanted; /* (most) which, by owner */
  real *fetched;   /* (most, d) */
  int64_t *sums;   /* (most, d) of their gradients, on the grid */
  int64_t *key;    /* (buckets) ids in a hash table, or FREE */
  int32_t *found;  /* (buckets) their number, in the order of their coming */
  int32_t *order;  /* (most) from that number to the place by owner */
  size_t buckets;  /* a power of two */

  oikos_exchange exchange;
  size_t room;      /* rows that the buffers below hold */
  real *given;      /* (room, d) rows for others; then the gradients of what was asked for */
  int64_t *arrived; /* (room, d) sums from others */
  int64_t *total;   /* (room, d) */
  int64_t *touched; /* (room) own rows that were asked for, once each */
};

/* The buffers of this rank's examples. */
static oikos_status allocate_step(oikos_embedding *e, size_t most, oikos_error *err) {
  static const char what[] = "the rows of a step";
  size_t all = oikos_mul(most, e->width);
  if (most > INT_MAX / 4)
    return oikos_fail(err, OIKOS_USAGE, "a rank has %zu examples in a step, more than %d", most,
                      INT_MAX / 4);
  e->most = most;
  while (e->buckets < 2 * most)
    e->buckets *= 2;
  OIKOS_TRY(oikos_alloc(&e->wanted, most, sizeof *e->wanted, what, err));
  OIKOS_TRY(oikos_alloc(&e->fetched, all, sizeof(real), what, err));
  OIKOS_TRY(oikos_alloc(&e->sums, all, sizeof *e->sums, what, err));
  OIKOS_TRY(oikos_alloc(&e->order, most, sizeof *e->order, what, err));
  OIKOS_TRY(oikos_alloc(&e->key, e->buckets, sizeof *e->key, what, err));
  return oikos_alloc(&e->found, e->buckets, sizeof *e->found, what, err);
}

static void release_step(oikos_embedding *e) {
  free(e->wanted);
  free(e->fetched);
  free(e->sums);
  free(e->key);
  free(e->found);
  free(e->order);
}

static oikos_status allocate(oikos_embedding *e, size_t most, oikos_error *err) {
  static const char what[] = "an embedding table";
  size_t count = (size_t)e->count;
  OIKOS_TRY(oikos_alloc(&e->numbers, oikos_mul(count, e->width), sizeof(real), what, err));
  OIKOS_TRY(oikos_optimizer_create(e->config, count, e->width, &e->optimizer, err));
  OIKOS_TRY(oikos_alloc(&e->slot, count, sizeof *e->slot, what, err));
  OIKOS_TRY(allocate_step(e, most, err));
  return oikos_exchange_create(e->team, &e->exchange, err);
}

/* Numbers of a row depend on the row alone, whoever owns it. */
static void initialise(oikos_embedding *e, int number, double deviation) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < e->count; i++) {
    oikos_random r = oikos_random_at((uint64_t)e->config->seed, OIKOS_DRAW_EMBEDDING_ROWS,
                                     (uint64_t)number, (uint64_t)(e->first + i));
    for (size_t j = 0; j < e->width; j++)
      e->numbers[(size_t)i * e->width + j] = (real)(deviation * oikos_random_normal(&r));
    e->slot[i] = FREE;
  }
}

oikos_status oikos_embedding_create(const oikos_team *team, const oikos_config *config, int number,
                                    int64_t rows, size_t width, double deviation, size_t most,
                                    oikos_embedding **embedding, oikos_error *err) {
  *embedding = NULL;
  OIKOS_TRY(oikos_alloc(embedding, 1, sizeof **embedding, "an embedding table", err));
  oikos_embedding *e = *embedding;
  *e = (oikos_embedding){
      .team = team, .config = config, .rows = rows, .width = width, .buckets = 16};
  oikos_share(rows, team->rank, team->size, &e->first, &e->count);
  oikos_status status = allocate(e, most, err);
  if (status == OIKOS_OK) {
    initialise(e, number, deviation);
  } else {
    oikos_embedding_destroy(e);
    *embedding = NULL;
  }
  return status;
}

void oikos_embedding_destroy(oikos_embedding *e) {
  if (!e)
    return;
  free(e->numbers);
  oikos_optimizer_destroy(&e->optimizer);
  free(e->slot);
  release_step(e);
  oikos_exchange_destroy(&e->exchange);
  free(e->given);
  free(e->arrived);
  free(e->total);
  free(e->touched);
  free(e);
}

oikos_status oikos_embedding_reserve(oikos_embedding *e, size_t most, oikos_error *err) {
  oikos_embedding fresh = *e;
  if (most <= e->most)
    return OIKOS_OK;
  fresh.wanted = fresh.sums = fresh.key = NULL;
  fresh.fetched = NULL;
  fresh.found = fresh.order = NULL;
  oikos_status status = allocate_step(&fresh, most, err);
  release_step(status == OIKOS_OK ? e : &fresh);
  if (status == OIKOS_OK)
    *e = fresh;
  return status;
}

/* The bucket of an id: where it is, or where it would go (Fibonacci hashing, linear probing). */
static size_t bucket_of(const oikos_embedding *e, int64_t id) {
  size_t at = (size_t)(((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (e->buckets - 1);
  while (e->key[at] != FREE && e->key[at] != id)
    at = (at + 1) & (e->buckets - 1);
  return at;
}

/* Number the distinct ids in the order of their coming; count how many each owner has. */
static oikos_status number(oikos_embedding *e, size_t n, const int64_t *id, int32_t *place,
                           oikos_error *err) {
  int *ask = e->exchange.ask_count;
  e->k = 0;
  if (n > e->most)
    return oikos_fail(err, OIKOS_ERROR, "%zu examples in a step, but there is room for %zu", n,
                      e->most);
  memset(e->key, 0xff, e->buckets * sizeof *e->key); // all FREE
  memset(ask, 0, (size_t)e->team->size * sizeof *ask);
  for (size_t i = 0; i < n; i++) {
    if (id[i] < 0 || id[i] >= e->rows)
      return oikos_fail(err, OIKOS_ERROR, "row %lld of an embedding table of %lld rows",
                        (long long)id[i], (long long)e->rows);
    size_t at = bucket_of(e, id[i]);
    if (e->key[at] == FREE) {
      e->key[at] = id[i];
      e->found[at] = (int32_t)e->k++;
      ask[oikos_owner(e->rows, id[i], e->team->size)]++;
    }
    place[i] = e->found[at];
  }
  return OIKOS_OK;
}

/* Put them in the order of their owners: wanted, and place follows. */
static void sort_by_owner(oikos_embedding *e, size_t n, const int64_t *id, int32_t *place) {
  int *first = e->exchange.ask_first, at = 0;
  for (int r = 0; r < e->team->size; r++) {
    first[r] = at;
    at += e->exchange.ask_count[r];
  }
  memset(e->order, 0xff, e->k * sizeof *e->order); // all FREE
  for (size_t i = 0; i < n; i++) {
    int32_t *order = &e->order[place[i]];
    if (*order == FREE) {
      *order = first[oikos_owner(e->rows, id[i], e->team->size)]++;
      e->wanted[*order] = id[i];
    }
    place[i] = *order;
  }
}

/* Make the buffers for what is asked of this rank large enough. */
static oikos_status make_room(oikos_embedding *e, oikos_error *err) {
  size_t n = e->exchange.n_asked, all = oikos_mul(n, e->width);
  if (n <= e->room)
    return OIKOS_OK;
  free(e->given);
  free(e->arrived);
  free(e->total);
  free(e->touched);
  e->given = NULL;
  e->arrived = e->total = e->touched = NULL;
  e->room = 0;
  OIKOS_TRY(oikos_alloc(&e->given, all, sizeof(real), "rows for other ranks", err));
  OIKOS_TRY(oikos_alloc(&e->arrived, all, sizeof *e->arrived, "gradients of rows", err));
  OIKOS_TRY(oikos_alloc(&e->total, all, sizeof *e->total, "gradients of rows", err));
  OIKOS_TRY(oikos_alloc(&e->touched, n, sizeof *e->touched, "gradients of rows", err));
  e->room = n;
  return OIKOS_OK;
}

oikos_status oikos_embedding_fetch(oikos_embedding *e, size_t n, const int64_t *id, int32_t *place,
                                   oikos_error *err) {
  size_t bytes = e->width * sizeof(real);
  OIKOS_TRY(oikos_agree(e->team, number(e, n, id, place, err), err));
  sort_by_owner(e, n, id, place);
  OIKOS_TRY(oikos_exchange_ask(&e->exchange, e->wanted, err));
  OIKOS_TRY(oikos_agree(e->team, make_room(e, err), err));
  for (size_t i = 0; i < e->exchange.n_asked; i++)
    memcpy(e->given + i * e->width,
           e->numbers + (size_t)(e->exchange.asked[i] - e->first) * e->width, bytes);
  oikos_exchange_give(&e->exchange, bytes, e->given, e->fetched);
  oikos_embedding_restart(e);
  return OIKOS_OK;
}

const real *oikos_embedding_fetched(const oikos_embedding *e, int64_t *k) {
  *k = (int64_t)e->k;
  return e->fetched;
}

bool oikos_embedding_add(oikos_embedding *e, const oikos_grid *grid, oikos_sum *sum, int segment,
                         int32_t place, const real *gradient, real weight) {
  return oikos_sum_add_to(grid, sum, segment, e->width, gradient, weight,
                          e->sums + (size_t)place * e->width);
}

void oikos_embedding_restart(oikos_embedding *e) {
  memset(e->sums, 0, e->k * e->width * sizeof *e->sums);
}

/* Add up what arrived: each own row that was asked for gets a slot of its own. Returns how many. */
static size_t add_up(oikos_embedding *e) {
  size_t slots = 0;
  for (size_t i = 0; i < e->exchange.n_asked; i++) {
    int64_t row = e->exchange.asked[i] - e->first;
    const int64_t *from = e->arrived + i * e->width;
    if (e->slot[row] == FREE) {
      e->slot[row] = (int32_t)slots;
      e->touched[slots] = row;
      memcpy(e->total + slots++ * e->width, from, e->width * sizeof *from);
      continue;
    }
    int64_t *to = e->total + (size_t)e->slot[row] * e->width;
    for (size_t j = 0; j < e->width; j++)
      to[j] += from[j];
  }
  return slots;
}

void oikos_embedding_update(oikos_embedding *e, const oikos_grid *grid, int segment, double scale,
                            double rate) {
  oikos_exchange_send(&e->exchange, e->width * sizeof *e->sums, e->sums, e->arrived);
  size_t slots = add_up(e);
  for (size_t s = 0; s < slots; s++) {
    size_t row = (size_t)e->touched[s];
    real *gradient = e->given + s * e->width;
    oikos_sum_read(grid, segment, e->width, e->total + s * e->width, scale, gradient);
    oikos_optimizer_update(e->config, &e->optimizer, row, rate, gradient, e->width,
                           e->numbers + row * e->width);
    e->slot[row] = FREE;
  }
}

double oikos_embedding_traffic(const oikos_embedding *e) {
  return e->exchange.sent;
}

oikos_embedding_part oikos_embedding_local(oikos_embedding *e) {
  return (oikos_embedding_part){.rows = e->rows,
                                .first = e->first,
                                .count = e->count,
                                .width = e->width,
                                .numbers = e->numbers,
                                .optimizer = &e->optimizer};
}
