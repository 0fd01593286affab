/* SPDX-License-Identifier: MIT
 * MovieLens (Harper and Konstan, ACM TiiS 5(4):19, 2015): which files make a release, and how what
 * they tell of users and items is taken over. */
#ifndef OIKOS_IMPORT_MOVIELENS_H
#define OIKOS_IMPORT_MOVIELENS_H

#include "import/ratings.h"

/** What a release is made of. An empty name: it has no such file. */
typedef struct oikos_movielens_release {
  const char *ratings, *items, *users, *genres; /* last parts of names */
  oikos_csv_format format[3];                   /* of ratings, items, users */
  oikos_rating_columns columns;                 /* of ratings */
  oikos_row_taker *take_item, *take_user;
  const char *header[2]; /* of ratings and items, if they have one: it begins with these names */
} oikos_movielens_release;

/** The releases: 100K; 1M and 10M; 20M and later. */
extern const oikos_movielens_release oikos_movielens_releases[];
enum { OIKOS_MOVIELENS_RELEASES = 3 };

enum { OIKOS_MOVIELENS_GENRES = 19, OIKOS_MOVIELENS_GENRE_BYTES = 64 };

/** What u.genre lists. */
typedef struct oikos_movielens_genres {
  int n;
  char name[OIKOS_MOVIELENS_GENRES][OIKOS_MOVIELENS_GENRE_BYTES];
} oikos_movielens_genres;

/** Take over a row of u.genre ("Action|1") into the oikos_movielens_genres at @p user; genres keep
 * the publisher's order. */
oikos_status oikos_movielens_take_genre(void *user, oikos_rating_collection *r,
                                        const oikos_csv *csv, const oikos_csv_row *row,
                                        oikos_error *err);

#endif
