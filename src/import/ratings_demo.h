/* SPDX-License-Identifier: MIT
 *
 * Made-up ratings whose structure is known, the same for the same seed and counts:
 *
 *   - user u has a vector p_u, item i a vector q_i, of OIKOS_DEMO_RANK normal numbers, and both
 * have a normal bias; the score is 3.5 + 0.4 b_u + 0.4 c_i + 0.5 p_u . q_i;
 *   - a rating is the score with noise of 0.3, rounded, within 1..5: a low-rank model with biases
 *     (Koren, Bell and Volinsky, IEEE Computer 42(8):30, 2009, eq. 4) is right for it;
 *   - how much a user rates and how often an item is rated follow power laws; ten ratings a user at
 *     least, of a quarter of the items at most (or ten);
 *   - users have the number `age` (40 + 12 p_u[0], noise of 3) and the category `group` (the
 * largest of p_u), items the number `year` (1990 + 10 q_i[0], noise of 3) and the categories
 * `genre` (each k with q_i[k] > 0.5), so that features tell of vectors.
 *
 * Users and items have the ids 1, 2, ...; user u here is u + 1 there. */
#ifndef OIKOS_IMPORT_RATINGS_DEMO_H
#define OIKOS_IMPORT_RATINGS_DEMO_H

#include <stdint.h>

enum { OIKOS_DEMO_RANK = 4 };

/** The vectors of a user and of an item, each with its bias behind it. */
void oikos_ratings_demo_user(uint64_t seed, int64_t user, double p[OIKOS_DEMO_RANK + 1]);
void oikos_ratings_demo_item(uint64_t seed, int64_t item, double q[OIKOS_DEMO_RANK + 1]);

/** The score before noise and rounding. */
double oikos_ratings_demo_score(const double p[OIKOS_DEMO_RANK + 1],
                                const double q[OIKOS_DEMO_RANK + 1]);

#endif
