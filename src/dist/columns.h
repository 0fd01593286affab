/* SPDX-License-Identifier: MIT
 *
 * Rows become columns: each rank has some of N rows of D numbers, and for a while it has all N
 * numbers of some of the D columns. For rules that must see all learners' values of a coordinate.
 *
 * Cost per rank of P: N D / P numbers twice in memory (the rows it has, the columns it gets) and N
 * more per thread of the caller; N D / P numbers sent and as many received in an exchange, then D
 * for each row of results that is gathered. A mean costs D numbers in memory and on the network:
 * these rules are for N up to some thousands.
 */
#ifndef OIKOS_DIST_COLUMNS_H
#define OIKOS_DIST_COLUMNS_H

#include "dist/team.h"
#include "oikos/real.h"

typedef struct oikos_columns {
  const oikos_team *team;
  int64_t n, d;                   /* rows and columns of the whole */
  int64_t first_row, n_rows;      /* those that this rank has */
  int64_t first, count;           /* its columns in an exchange */
  oikos_real *rows;               /* by rank r that gets them: (n_rows, columns of r) */
  oikos_real *columns;            /* (n, count) after oikos_columns_exchange */
  int32_t *tags;                  /* (n) what a row is marked with; own ones before the exchange */
  int *share_count, *share_first; /* (P) columns of each rank */
  int *row_count, *row_first;     /* (P) rows of each rank */
} oikos_columns;

/** Not collective. Columns are spread by oikos_share.
 * @param rows  (P) how many each rank has */
oikos_status oikos_columns_create(const oikos_team *team, const int64_t *rows, int64_t d,
                                  oikos_columns *c, oikos_error *err);
void oikos_columns_destroy(oikos_columns *c);

/** Set `size` numbers of an own row (0 .. n_rows-1) from column `offset` on. Not collective; rows
 * may be set by several threads. */
void oikos_columns_put(const oikos_columns *c, int64_t row, int64_t offset, int64_t size,
                       const oikos_real *x);

/** Give every rank its columns, and all ranks all tags. Collective. */
void oikos_columns_exchange(oikos_columns *c);

/** Complete x (D), of which each rank has filled its columns. Collective. */
void oikos_columns_gather(const oikos_columns *c, oikos_real *x);

#endif
