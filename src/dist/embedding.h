/* SPDX-License-Identifier: MIT
 *
 * An embedding table that may outgrow a node: R rows of d numbers, each owned by one rank (block by
 * block, oikos_share) together with its optimizer's state. A step moves only the rows that it
 * touches:
 *
 *   fetch    every rank says which rows its examples are about; each distinct one is asked of its
 *            owner, and comes once
 *   add      gradients are added up on the grid of an exact sum, duplicates of a row in one place
 *   update   these sums go to the owners, who add what several ranks have of a row, and update the
 *            rows that were touched, each once
 *
 * The sums are whole numbers, so a row has the same bits however the examples are spread over
 * ranks.
 *
 * Cost of a step on a rank with k distinct rows among its examples: it sends k numbers (8 bytes), k
 * sums of d numbers (8 bytes each), and the rows that others ask it for (d numbers of 4 or 8
 * bytes); it receives as much the other way. Nothing grows with R but the owner's memory: for each
 * row it has d numbers, the optimizer's state (2 d for Adam, d for Adagrad and momentum), and 12
 * bytes. Blocks of many popular rows make their owner busier than others.
 *
 * Functions are collective unless they say otherwise.
 */
#ifndef OIKOS_DIST_EMBEDDING_H
#define OIKOS_DIST_EMBEDDING_H

#include "dist/team.h"
#include "learn/optimizer.h"
#include "math/exact_sum.h"

typedef struct oikos_embedding oikos_embedding;

/**
 * Rows are drawn from the seed: normal numbers of mean 0 and this deviation. Not collective.
 * @param config  its optimizer (outer.*) and seed; kept
 * @param number  tells the tables of a model apart
 * @param most    examples that a rank has in a step, at most
 */
oikos_status oikos_embedding_create(const oikos_team *team, const oikos_config *config, int number,
                                    int64_t rows, size_t width, double deviation, size_t most,
                                    oikos_embedding **embedding, oikos_error *err);
void oikos_embedding_destroy(oikos_embedding *embedding);

/** Make room for more examples of this rank in a step; rows that were fetched are gone. Not
 * collective; after a failure all is as it was. */
oikos_status oikos_embedding_reserve(oikos_embedding *embedding, size_t most, oikos_error *err);

/**
 * Fetch the rows of this rank's examples.
 * @param id          (n) rows that the examples are about, with duplicates; n <= most
 * @param[out] place  (n) where the row of each stands in oikos_embedding_fetched
 * @return OIKOS_ERROR for an id that is no row, naming it
 */
oikos_status oikos_embedding_fetch(oikos_embedding *embedding, size_t n, const int64_t *id,
                                   int32_t *place, oikos_error *err);

/** The fetched rows (k, d), valid until the next fetch; *k of them. Not collective. */
const oikos_real *oikos_embedding_fetched(const oikos_embedding *embedding, int64_t *k);

/**
 * Add weight * gradient (d) of the row in a place, on the grid of an (empty) segment of the
 * caller's sum. False if a number is not finite. After a fetch, or after oikos_embedding_restart to
 * begin anew. Not collective, and one thread at a time.
 */
bool oikos_embedding_add(oikos_embedding *embedding, const oikos_grid *grid, oikos_sum *sum,
                         int segment, int32_t place, const oikos_real *gradient, oikos_real weight);

/** Forget the gradients that were added: the grid was misplaced. Not collective. */
void oikos_embedding_restart(oikos_embedding *embedding);

/** Update all rows that any rank has fetched by scale times the sum of their gradients. After the
 * sum was reduced, and found to be in its place. */
void oikos_embedding_update(oikos_embedding *embedding, const oikos_grid *grid, int segment,
                            double scale, double rate);

/** What this rank has sent to others so far, in bytes. Not collective. */
double oikos_embedding_traffic(const oikos_embedding *embedding);

/** What this rank owns: rows first .. first + count - 1, (count, d) numbers and the state of their
 * optimizer. Not collective. */
typedef struct oikos_embedding_part {
  int64_t rows, first, count;
  size_t width;
  oikos_real *numbers;
  oikos_optimizer *optimizer;
} oikos_embedding_part;

oikos_embedding_part oikos_embedding_local(oikos_embedding *embedding);

#endif
