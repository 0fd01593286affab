/* SPDX-License-Identifier: MIT */
#include "run/rows.h"

#include "base/try.h"

oikos_status oikos_rows_fetch(oikos_rows *r, int64_t count, oikos_episode_maker *make,
                              const void *user, oikos_episode *e, oikos_error *err) {
  size_t n = 0;
  int64_t k;
  if (!r)
    return OIKOS_OK;
  for (int64_t i = 0; i < count; i++) {
    make(user, i, e);
    r->first[i] = n;
    if (e->rows.own >= 0)
      r->id[n++] = e->rows.own;
    for (size_t j = 0; j < e->support.n + e->query.n; j++)
      r->id[n++] = e->rows.other[j];
  }
  r->first[count] = n;
  OIKOS_TRY(oikos_embedding_fetch(r->table, n, r->id, r->place, err));
  r->row = oikos_embedding_rows(r->table, &k);
  return OIKOS_OK;
}

oikos_row_view oikos_rows_view(const oikos_rows *r, int64_t i) {
  if (!r)
    return (oikos_row_view){0};
  return (oikos_row_view){r->row, r->place, r->first + i};
}
