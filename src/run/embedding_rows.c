/* SPDX-License-Identifier: MIT */
#include "run/embedding_rows.h"

#include "base/try.h"

oikos_status oikos_embedding_rows_fetch(oikos_embedding_rows *r, int64_t count,
                                        oikos_episode_maker *make, const void *user,
                                        oikos_episode *e, oikos_error *err) {
  size_t n = 0;
  int64_t k;
  if (!r)
    return OIKOS_OK;
  for (int64_t i = 0; i < count; i++) {
    make(user, i, e);
    r->first[i] = n;
    if (e->embedding_rows.self >= 0)
      r->id[n++] = e->embedding_rows.self;
    for (size_t j = 0; j < e->support.n + e->query.n; j++)
      r->id[n++] = e->embedding_rows.other[j];
  }
  r->first[count] = n;
  OIKOS_TRY(oikos_embedding_fetch(r->table, n, r->id, r->place, err));
  r->row = oikos_embedding_fetched(r->table, &k);
  return OIKOS_OK;
}

oikos_row_view oikos_embedding_rows_view(const oikos_embedding_rows *r, int64_t i) {
  if (!r)
    return (oikos_row_view){0};
  return (oikos_row_view){r->row, r->place, r->first + i};
}
