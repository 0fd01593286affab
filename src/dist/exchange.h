/* SPDX-License-Identifier: MIT
 *
 * Who asks what of whom: each rank asks others for items, as many as it likes, and then data goes
 * to and fro along the same ways, any number of times. Buffers grow to the largest step that was
 * seen.
 */
#ifndef OIKOS_DIST_EXCHANGE_H
#define OIKOS_DIST_EXCHANGE_H

#include "dist/team.h"

typedef struct oikos_exchange {
  const oikos_team *team;
  int *ask_count, *ask_first;     /* (P) items asked of each rank, by rank one after the other */
  int *asked_count, *asked_first; /* (P) items that each rank asks of this one */
  int64_t *asked;                 /* (n_asked) items that others ask of this rank, by rank */
  size_t n_asked, room;
  double sent; /* bytes to other ranks so far */
} oikos_exchange;

/** Not collective. */
oikos_status oikos_exchange_create(const oikos_team *team, oikos_exchange *x, oikos_error *err);
void oikos_exchange_destroy(oikos_exchange *x);

/**
 * Ask. Collective.
 * @param item  what is asked: ask_count[r] items of rank r, which the caller has set, one rank's
 *              after the other's
 */
oikos_status oikos_exchange_ask(oikos_exchange *x, const int64_t *item, oikos_error *err);

/** Give `size` bytes for each asked item: given stands as `asked`, taken as the caller's items.
 * Collective. */
void oikos_exchange_give(oikos_exchange *x, size_t size, const void *given, void *taken);

/** Send `size` bytes for each of the caller's items to the rank it was asked of; they arrive in the
 * order of `asked`. Collective. */
void oikos_exchange_send(oikos_exchange *x, size_t size, const void *sent, void *arrived);

/** `each` bytes from every rank to every other: a bare MPI_Alltoall. Collective. */
void oikos_exchange_plain(const oikos_team *team, size_t each, const void *sent, void *arrived);

#endif
