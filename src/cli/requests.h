/* SPDX-License-Identifier: MIT
 * Whom `oikos recommend` is to recommend to, of the ratings file or of a table of ratings. */
#ifndef OIKOS_CLI_REQUESTS_H
#define OIKOS_CLI_REQUESTS_H

#include "dist/team.h"
#include "oikos/recommend.h"
#include "tasks/ratings.h"

/** One of id, ratings and all is set. */
typedef struct oikos_wanted {
  const char *id;      /* of a user or an item */
  const char *ratings; /* file with the ratings of somebody new */
  bool all;
  int side;
} oikos_wanted;

typedef struct oikos_requests {
  int64_t n;
  oikos_request *list; /* (n) */
  int64_t *other;      /* memory of all ratings */
  float *value;
} oikos_requests;

/**
 * This rank's requests: its share of all, or, on rank 0, the one. Not collective.
 * @return OIKOS_USAGE with near matches for an id or a title that is not in the file, with the ids
 * for a title of several, and for a rating that is not of the file's scale
 */
oikos_status oikos_requests_create(const oikos_team *team, const oikos_wanted *wanted,
                                   const oikos_ratings *ratings, oikos_requests *requests,
                                   oikos_error *err);
void oikos_requests_destroy(oikos_requests *requests);

#endif
