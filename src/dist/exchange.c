/* SPDX-License-Identifier: MIT */
#include "dist/exchange.h"

#include <limits.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/try.h"

oikos_status oikos_exchange_create(const oikos_team *team, oikos_exchange *x, oikos_error *err) {
  size_t ranks = (size_t)team->size;
  *x = (oikos_exchange){.team = team};
  OIKOS_TRY(oikos_alloc(&x->ask_count, ranks, sizeof(int), "an exchange", err));
  OIKOS_TRY(oikos_alloc(&x->ask_first, ranks, sizeof(int), "an exchange", err));
  OIKOS_TRY(oikos_alloc(&x->asked_count, ranks, sizeof(int), "an exchange", err));
  return oikos_alloc(&x->asked_first, ranks, sizeof(int), "an exchange", err);
}

void oikos_exchange_destroy(oikos_exchange *x) {
  free(x->ask_count);
  free(x->ask_first);
  free(x->asked_count);
  free(x->asked_first);
  free(x->asked);
  *x = (oikos_exchange){0};
}

/* Where each rank's part begins; returns the number of all. */
static size_t lay_out(int ranks, const int *count, int *first) {
  size_t all = 0;
  for (int r = 0; r < ranks; r++) {
    first[r] = (int)all; // checked by the caller to be small enough
    all += (size_t)count[r];
  }
  return all;
}

static oikos_status make_room(oikos_exchange *x, oikos_error *err) {
  if (x->n_asked > INT_MAX)
    return oikos_fail(err, OIKOS_ERROR,
                      "rank %d is asked for %zu rows in one step, more than %d: take more ranks or "
                      "fewer examples a step",
                      x->team->rank, x->n_asked, INT_MAX);
  if (x->n_asked <= x->room)
    return OIKOS_OK;
  free(x->asked);
  x->room = 0;
  OIKOS_TRY(oikos_alloc(&x->asked, x->n_asked, sizeof *x->asked, "what is asked for", err));
  x->room = x->n_asked;
  return OIKOS_OK;
}

/* Move `size` bytes for each item, and count those that go to others. */
static void move(oikos_exchange *x, size_t size, const void *from, const int *from_count,
                 const int *from_first, void *to, const int *to_count, const int *to_first) {
  MPI_Datatype item;
  MPI_Type_contiguous((int)size, MPI_BYTE, &item);
  MPI_Type_commit(&item);
  MPI_Alltoallv(from, from_count, from_first, item, to, to_count, to_first, item, x->team->world);
  MPI_Type_free(&item);
  for (int r = 0; r < x->team->size; r++)
    x->sent += r == x->team->rank ? 0 : (double)size * (double)from_count[r];
}

oikos_status oikos_exchange_ask(oikos_exchange *x, const int64_t *item, oikos_error *err) {
  int ranks = x->team->size;
  MPI_Alltoall(x->ask_count, 1, MPI_INT, x->asked_count, 1, MPI_INT, x->team->world);
  lay_out(ranks, x->ask_count, x->ask_first);
  x->n_asked = lay_out(ranks, x->asked_count, x->asked_first);
  OIKOS_TRY(oikos_agree(x->team, make_room(x, err), err));
  move(x, sizeof *item, item, x->ask_count, x->ask_first, x->asked, x->asked_count, x->asked_first);
  return OIKOS_OK;
}

void oikos_exchange_give(oikos_exchange *x, size_t size, const void *given, void *taken) {
  move(x, size, given, x->asked_count, x->asked_first, taken, x->ask_count, x->ask_first);
}

void oikos_exchange_send(oikos_exchange *x, size_t size, const void *sent, void *arrived) {
  move(x, size, sent, x->ask_count, x->ask_first, arrived, x->asked_count, x->asked_first);
}

void oikos_exchange_plain(const oikos_team *team, size_t each, const void *sent, void *arrived) {
  MPI_Alltoall(sent, (int)each, MPI_BYTE, arrived, (int)each, MPI_BYTE, team->world);
}
