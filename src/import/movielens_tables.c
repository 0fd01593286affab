/* SPDX-License-Identifier: MIT
 * The tables of users and items in the releases of MovieLens, by their README files. */
#include <stdio.h>
#include <string.h>

#include "base/try.h"
#include "import/movielens.h"
#include "import/text.h"

enum { FLAGS = OIKOS_MOVIELENS_GENRES, FIRST_FLAG = 5 };

/* A field as UTF-8 into `to` (OIKOS_TEXT_BYTES). */
static oikos_status text_of(const oikos_csv *csv, const oikos_csv_row *row, int column, char *to,
                            oikos_error *err) {
  if (oikos_text_to_utf8(row->field[column], to))
    return OIKOS_OK;
  return oikos_csv_fail(csv, row, column, "a text without control characters, below 520 bytes",
                        err);
}

/* Begin to describe one; everything else in the row has been checked. */
static oikos_status describe(oikos_rating_collection *r, oikos_entities *e, const oikos_csv *csv,
                             const oikos_csv_row *row, int32_t *entity, oikos_error *err) {
  OIKOS_TRY(oikos_csv_id(csv, row, 0, err));
  if (oikos_entities_is_described(e, row->field[0]))
    return oikos_csv_fail(csv, row, 0, "each id in one row of the table", err);
  r->row_is_good = true;
  return oikos_entities_describe(e, row->field[0], entity, err);
}

/* Title, and the year it ends with. */
static oikos_status describe_item(oikos_rating_collection *r, const oikos_csv *csv,
                                  const oikos_csv_row *row, int32_t *item, oikos_error *err) {
  char title[OIKOS_TEXT_BYTES];
  double year;
  int column = 0;
  OIKOS_TRY(text_of(csv, row, 1, title, err));
  OIKOS_TRY(oikos_entities_add_number(r->items, "year", &column, err));
  OIKOS_TRY(describe(r, r->items, csv, row, item, err));
  OIKOS_TRY(oikos_entities_set_title(r->items, *item, title, err));
  if (oikos_title_year(title, &year))
    oikos_entities_set_number(r->items, *item, column, year);
  return OIKOS_OK;
}

oikos_status oikos_movielens_take_genre(void *user, oikos_rating_collection *r,
                                        const oikos_csv *csv, const oikos_csv_row *row,
                                        oikos_error *err) {
  oikos_movielens_genres *genres = user;
  char genre[OIKOS_TEXT_BYTES];
  int64_t number;
  int field;
  OIKOS_TRY(text_of(csv, row, 0, genre, err));
  if (!*genre || strlen(genre) >= sizeof genres->name[0])
    return oikos_csv_fail(csv, row, 0, "the name of a genre, of 1 to 63 bytes", err);
  if (genres->n == FLAGS || !oikos_parse_whole(row->field[1], &number) || number != genres->n)
    return oikos_csv_fail(csv, row, 1, "the numbers of 19 genres, in order from 0", err);
  r->row_is_good = true;
  snprintf(genres->name[genres->n++], sizeof genres->name[0], "%.63s", genre);
  OIKOS_TRY(oikos_entities_add_field(r->items, "genre", &field, err));
  return oikos_entities_name_value(r->items, field, genre, err);
}

/* u.item: one flag for each of u.genre, by their order. */
static oikos_status take_flags(void *user, oikos_rating_collection *r, const oikos_csv *csv,
                               const oikos_csv_row *row, oikos_error *err) {
  const char *const *genre = user;
  int32_t item = 0;
  int field;
  for (int k = 0; k < FLAGS; k++)
    if (strcmp(row->field[FIRST_FLAG + k], "0") != 0 &&
        strcmp(row->field[FIRST_FLAG + k], "1") != 0)
      return oikos_csv_fail(csv, row, FIRST_FLAG + k, "a flag: 0 or 1", err);
  OIKOS_TRY(oikos_entities_add_field(r->items, "genre", &field, err));
  OIKOS_TRY(describe_item(r, csv, row, &item, err));
  for (int k = 0; k < FLAGS; k++)
    if (row->field[FIRST_FLAG + k][0] == '1')
      OIKOS_TRY(oikos_entities_add_value(r->items, item, field, genre[k], err));
  return OIKOS_OK;
}

/* movies.dat and movies.csv: genres with bars between. */
static oikos_status take_genres(void *user, oikos_rating_collection *r, const oikos_csv *csv,
                                const oikos_csv_row *row, oikos_error *err) {
  char genres[OIKOS_TEXT_BYTES], *rest, *genre;
  int32_t item = 0;
  int field;
  (void)user;
  OIKOS_TRY(text_of(csv, row, 2, genres, err));
  OIKOS_TRY(oikos_entities_add_field(r->items, "genre", &field, err));
  OIKOS_TRY(describe_item(r, csv, row, &item, err));
  for (genre = strtok_r(genres, "|", &rest); genre; genre = strtok_r(NULL, "|", &rest))
    if (strcmp(genre, "(no genres listed)") != 0)
      OIKOS_TRY(oikos_entities_add_value(r->items, item, field, genre, err));
  return OIKOS_OK;
}

/* Which columns of a table of users hold what. */
typedef struct user_columns {
  int age, gender, occupation, zip;
} user_columns;

/* Age is a number; gender, occupation and the first character of the zip code are categories. */
static oikos_status take_person(oikos_rating_collection *r, const oikos_csv *csv,
                                const oikos_csv_row *row, const user_columns *c, oikos_error *err) {
  static const char *const names[] = {"gender", "occupation", "zip_region"};
  const int column[] = {c->gender, c->occupation, c->zip};
  char text[3][OIKOS_TEXT_BYTES];
  int32_t person = 0;
  int number = 0, field;
  double age;
  OIKOS_TRY(oikos_entities_add_number(r->users, "age", &number, err));
  OIKOS_TRY(oikos_csv_number(csv, row, c->age, &age, err));
  for (int k = 0; k < 3; k++)
    OIKOS_TRY(text_of(csv, row, column[k], text[k], err));
  if ((unsigned char)text[2][0] < 0x80) // not in the middle of a character
    text[2][text[2][0] != 0] = 0;
  OIKOS_TRY(describe(r, r->users, csv, row, &person, err));
  oikos_entities_set_number(r->users, person, number, age);
  for (int k = 0; k < 3; k++) {
    OIKOS_TRY(oikos_entities_add_field(r->users, names[k], &field, err));
    if (text[k][0])
      OIKOS_TRY(oikos_entities_add_value(r->users, person, field, text[k], err));
  }
  return OIKOS_OK;
}

static oikos_status take_user_100k(void *user, oikos_rating_collection *r, const oikos_csv *csv,
                                   const oikos_csv_row *row, oikos_error *err) {
  static const user_columns columns = {.age = 1, .gender = 2, .occupation = 3, .zip = 4};
  (void)user;
  return take_person(r, csv, row, &columns, err);
}

static oikos_status take_user_1m(void *user, oikos_rating_collection *r, const oikos_csv *csv,
                                 const oikos_csv_row *row, oikos_error *err) {
  static const user_columns columns = {.gender = 1, .age = 2, .occupation = 3, .zip = 4};
  (void)user;
  return take_person(r, csv, row, &columns, err);
}

static const char *const rating_names[] = {"user", "item", "rating", "timestamp"};
static const char *const movie_names[] = {"movie", "title", "genres"};
static const char *const person_names[] = {"user", "gender", "age", "occupation", "zip"};
static const char *const user_names[] = {"user", "age", "gender", "occupation", "zip"};
static const char *const item_names[] = {
    "item",    "title",   "release date", "video date", "url",     "flag 0",  "flag 1",  "flag 2",
    "flag 3",  "flag 4",  "flag 5",       "flag 6",     "flag 7",  "flag 8",  "flag 9",  "flag 10",
    "flag 11", "flag 12", "flag 13",      "flag 14",    "flag 15", "flag 16", "flag 17", "flag 18"};

#define NAMES(list)                                                                                \
  .quotes = OIKOS_QUOTES_NONE, .n_names = sizeof(list) / sizeof *(list), .names = (list)

const oikos_movielens_release oikos_movielens_releases[OIKOS_MOVIELENS_RELEASES] = {
    {"u.data",
     "u.item",
     "u.user",
     "u.genre",
     {{.separator = "\t", NAMES(rating_names)},
      {.separator = "|", NAMES(item_names)},
      {.separator = "|", NAMES(user_names)}},
     {0, 1, 2, 3},
     take_flags,
     take_user_100k,
     {NULL}},
    {"ratings.dat",
     "movies.dat",
     "users.dat",
     "",
     {{.separator = "::", NAMES(rating_names)},
      {.separator = "::", NAMES(movie_names)},
      {.separator = "::", NAMES(person_names)}},
     {0, 1, 2, 3},
     take_genres,
     take_user_1m,
     {NULL}},
    {"ratings.csv",
     "movies.csv",
     "",
     "",
     {{.separator = ",", .header = true}, {.separator = ",", .header = true}, {.header = true}},
     {0, 1, 2, 3},
     take_genres,
     NULL,
     {"userId,movieId,rating,timestamp", "movieId,title,genres"}},
};
