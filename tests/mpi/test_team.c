/* SPDX-License-Identifier: MIT
 * Who owns what, how ranks agree, and how they add up: nothing that a rank sees may depend on who
 * holds what. */
#include "ranks.h"

#include "base/random.h"
#include "dist/reduce.h"

static oikos_team team_of(MPI_Comm comm, verdict *v) {
  oikos_team team;
  oikos_error err;
  expect_ok(v, oikos_team_create(comm, &team, &err), &err, "oikos_team_create");
  return team;
}

/* Blocks follow each other from 0 to n, and differ by at most one. */
static void test_share(void **state) {
  (void)state;
  const int64_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 64, 1000003, INT64_C(1) << 40};
  verdict v = {0};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int parts = 1; parts < 70; parts++) {
      int64_t next = 0, first, count;
      for (int part = 0; part < parts; part++) {
        oikos_share(sizes[i], part, parts, &first, &count);
        expect(&v, first == next, "part %d of %d starts at %lld", part, parts, (long long)first);
        expect(&v, count == sizes[i] / parts || count == sizes[i] / parts + 1,
               "part %d of %d has %lld of %lld", part, parts, (long long)count,
               (long long)sizes[i]);
        next = first + count;
      }
      expect(&v, next == sizes[i], "%d parts end at %lld", parts, (long long)next);
    }
  conclude(&v);
}

static void test_team_shape(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team all = team_of(MPI_COMM_WORLD, &v), self = team_of(MPI_COMM_SELF, &v);
  expect(&v, all.rank == ranks_rank() && all.size == ranks_size(), "rank %d of %d", all.rank,
         all.size);
  expect(&v, all.node_size >= 1 && all.node_rank < all.node_size, "rank %d of %d on the node",
         all.node_rank, all.node_size);
  expect(&v, self.rank == 0 && self.size == 1 && self.node_size == 1, "alone: rank %d of %d",
         self.rank, self.size);
  oikos_team_destroy(&all);
  oikos_team_destroy(&self);
  expect(&v, all.world == MPI_COMM_NULL && all.node == MPI_COMM_NULL, "left after destroy");
  conclude(&v);
}

/* Ranks of the mask fail, each in its own way: the lowest one's status and message everywhere. */
static void check_agree(verdict *v, const oikos_team *team, unsigned mask) {
  oikos_error err = {.status = OIKOS_OK, .message = "untouched"};
  oikos_status mine = OIKOS_OK;
  char expected[64];
  int lowest = 0;
  while (lowest < team->size && !(mask >> lowest & 1))
    lowest++;
  if (mask >> team->rank & 1)
    mine =
        oikos_fail(&err, team->rank % 2 ? OIKOS_USAGE : OIKOS_ERROR, "rank %d says no", team->rank);
  oikos_status got = oikos_agree(team, mine, &err);
  if (lowest == team->size) {
    expect(v, got == OIKOS_OK && strcmp(err.message, "untouched") == 0, "mask %x: %s", mask,
           err.message);
    return;
  }
  snprintf(expected, sizeof expected, "rank %d says no", lowest);
  expect(v, got == (lowest % 2 ? OIKOS_USAGE : OIKOS_ERROR) && err.status == got,
         "mask %x: status %d, in the error %d", mask, got, err.status);
  expect(v, strcmp(err.message, expected) == 0, "mask %x: \"%s\"", mask, err.message);
}

static void test_agree(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  for (unsigned mask = 0; mask < 1U << team.size; mask++)
    check_agree(&v, &team, mask);
  oikos_status got = oikos_agree(&team, team.rank == 0 ? OIKOS_STOPPED : OIKOS_OK, NULL);
  expect(&v, got == OIKOS_STOPPED, "without an error to fill: status %d", got);
  oikos_team_destroy(&team);
  conclude(&v);
}

static unsigned char byte_at(size_t i) {
  return (unsigned char)(i * 2654435761U >> 24);
}

/* A larger broadcast than one MPI message (256 MiB) holds, on two ranks, for its memory's sake. */
static void test_broadcast(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  const size_t sizes[] = {0, 1, 7, 4096, 1 << 20, ((size_t)1 << 28) + 12345};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    size_t n = sizes[i], wrong = 0;
    if (n > 1 << 28 && team.size != 2)
      continue;
    unsigned char *data = calloc(n + 1, 1);
    data[n] = 77;
    for (size_t j = 0; team.rank == 0 && j < n; j++)
      data[j] = byte_at(j);
    oikos_broadcast(&team, data, n);
    for (size_t j = 0; j < n; j++)
      wrong += data[j] != byte_at(j);
    expect(&v, wrong == 0 && data[n] == 77, "%zu bytes: %zu are wrong", n, wrong);
    free(data);
  }
  oikos_team_destroy(&team);
  conclude(&v);
}

static void write_file(const char *path, const char *text, off_t size) {
  FILE *out = fopen(path, "w");
  if (out) {
    fputs(text, out);
    fclose(out);
  }
  if (size && truncate(path, size) != 0)
    MPI_Abort(MPI_COMM_WORLD, 1);
}

static void check_text(verdict *v, const oikos_team *team, const char *path, const char *expected) {
  char *text = NULL;
  size_t length = 99;
  oikos_error err;
  if (team->rank == 0)
    write_file(path, expected, 0);
  if (expect_ok(v, oikos_read_file(team, path, &text, &length, &err), &err, "oikos_read_file"))
    expect(v, length == strlen(expected) && strcmp(text, expected) == 0, "%zu bytes: %s", length,
           text);
  free(text);
}

static void check_no_text(verdict *v, const oikos_team *team, const char *path, const char *words) {
  char *text = (char *)1;
  size_t length;
  oikos_error err = {.message = "nothing"};
  oikos_status status = oikos_read_file(team, path, &text, &length, &err);
  expect_error(v, status, OIKOS_USAGE, &err, words);
  expect(v, text == NULL, "%s: text is left", path);
}

static void test_read_file(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  char folder[RANKS_PATH], path[RANKS_PATH + 16];
  folder_make(folder);
  snprintf(path, sizeof path, "%s/text", folder);
  check_text(&v, &team, path, "steps: 3\n");
  check_text(&v, &team, path, "");
  if (team.rank == 0)
    write_file(path, "x", (16 << 20) + 1);
  check_no_text(&v, &team, path, "larger than 16 MiB");
  check_no_text(&v, &team, folder, folder);
  strcat(path, "-missing");
  check_no_text(&v, &team, path, path);
  folder_remove(folder);
  oikos_team_destroy(&team);
  conclude(&v);
}

enum { TERMS = 57, SEGMENTS = 3, NUMBERS = 7 + 1 + 130, COUNTERS = 2 };
static const size_t segment_size[SEGMENTS] = {7, 1, 130};

/* Ways to spread terms over ranks. */
typedef enum { BLOCKS, CYCLIC, REVERSED, ONE, WAYS } spread;

static int owner_of(spread way, int term, int size) {
  int64_t first, count;
  int rank = 0;
  switch (way) {
  case CYCLIC:
    return term % size;
  case REVERSED:
    return (TERMS - 1 - term) * size / TERMS;
  case ONE:
    return size - 1;
  case BLOCKS:
  case WAYS:
    break;
  }
  for (oikos_share(TERMS, rank, size, &first, &count); term >= first + count;)
    oikos_share(TERMS, ++rank, size, &first, &count);
  return rank;
}

/* Term number `term`, the same for everybody: numbers between 2^-20 and 2^7 of both signs. */
static void add_term(const oikos_grid *grid, oikos_sum *sum, int term, double huge) {
  oikos_random r = oikos_random_at(5, OIKOS_DRAW_CHECK, 0, (uint64_t)term);
  for (int s = 0; s < SEGMENTS; s++) {
    real x[NUMBERS];
    for (size_t i = 0; i < segment_size[s]; i++)
      x[i] = (real)(oikos_random_uniform(&r, -1, 1) * exp2(oikos_random_uniform(&r, -20, 7)));
    if (s == 1 && huge > 0)
      x[0] = (real)huge;
    oikos_sum_add(grid, sum, s, x, (real)oikos_random_uniform(&r, 0, 1));
  }
  sum->words[1] += term;
}

typedef struct sums {
  oikos_grid *grid;
  oikos_sum mine, whole;
} sums;

/* mine: the sum over ranks of what each owns; whole: all of it added by this rank alone. Term
 * TERMS / 2 holds `huge`. */
static sums add_up(verdict *v, const oikos_team *team, spread way, bool fast, double huge) {
  sums s = {0};
  oikos_error err;
  expect_ok(v, oikos_grid_create(SEGMENTS, segment_size, TERMS, COUNTERS, fast, &s.grid, &err),
            &err, "grid");
  expect_ok(v, oikos_sum_create(s.grid, &s.mine, &err), &err, "sum");
  expect_ok(v, oikos_sum_create(s.grid, &s.whole, &err), &err, "sum");
  for (int term = 0; term < TERMS; term++) {
    double here = term == TERMS / 2 ? huge : 0;
    add_term(s.grid, &s.whole, term, here);
    if (owner_of(way, term, team->size) == team->rank)
      add_term(s.grid, &s.mine, term, here);
  }
  oikos_reduce(team, s.grid, &s.mine);
  return s;
}

static void sums_free(sums *s) {
  oikos_sum_destroy(&s->mine);
  oikos_sum_destroy(&s->whole);
  oikos_grid_destroy(s->grid);
}

/* However the terms are spread, all ranks have the words of one that added them all. */
static void test_exact(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  for (spread way = BLOCKS; way < WAYS; way++) {
    sums s = add_up(&v, &team, way, false, 0);
    size_t bytes = oikos_grid_words(s.grid) * sizeof *s.mine.words;
    expect(&v, memcmp(s.mine.words, s.whole.words, bytes) == 0, "way %d: other words", way);
    expect(&v, s.mine.words[1] == TERMS * (TERMS - 1) / 2, "way %d: counter", way);
    expect(&v, !oikos_grid_misplaced(s.grid, &s.mine), "way %d: overflow", way);
    sums_free(&s);
  }
  oikos_team_destroy(&team);
  conclude(&v);
}

/* A term too large for the grid (or not finite) on one rank is seen by all, who place the grid
 * alike. */
static void test_overflow(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  for (spread way = BLOCKS; way < WAYS; way++) {
    sums s = add_up(&v, &team, way, false, 1e9);
    expect(&v, oikos_grid_misplaced(s.grid, &s.mine), "way %d: not seen", way);
    expect(&v, oikos_grid_refit(s.grid, &s.mine), "way %d: not settled", way);
    const int32_t *exponent = oikos_grid_exponents(s.grid);
    expect(&v, exponent[1] >= 30 && exponent[1] <= 48 && exponent[0] <= 16, "way %d: 2^%d, 2^%d",
           way, exponent[0], exponent[1]);
    expect_same(&v, exponent, SEGMENTS * sizeof *exponent, "exponents");
    sums_free(&s);
    s = add_up(&v, &team, way, false, INFINITY);
    expect(&v, s.mine.words[0] == 1, "way %d: %lld are not finite", way,
           (long long)s.mine.words[0]);
    sums_free(&s);
  }
  oikos_team_destroy(&team);
  conclude(&v);
}

/* Fast sums are near the exact ones, and the same on all ranks. */
static void test_fast(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  for (spread way = BLOCKS; way < WAYS; way++) {
    sums exact = add_up(&v, &team, way, false, 0), fast = add_up(&v, &team, way, true, 0);
    for (int s = 0; s < SEGMENTS; s++) {
      real a[NUMBERS], b[NUMBERS];
      oikos_sum_get(exact.grid, &exact.mine, s, 0.5, a);
      oikos_sum_get(fast.grid, &fast.mine, s, 0.5, b);
      for (size_t i = 0; i < segment_size[s]; i++)
        expect(&v, fabs((double)(a[i] - b[i])) <= 1e-4, "way %d, segment %d: %g, fast %g", way, s,
               (double)a[i], (double)b[i]);
      expect_same(&v, b, segment_size[s] * sizeof *b, "fast sum");
    }
    expect(&v, !oikos_grid_misplaced(fast.grid, &fast.mine), "fast sums have no grid to leave");
    sums_free(&exact);
    sums_free(&fast);
  }
  oikos_team_destroy(&team);
  conclude(&v);
}

/* Each place is filled by one rank: all have all, bit for bit. */
static void test_collect(void **state) {
  (void)state;
  enum { N = 101 };
  verdict v = {0};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  double x[N] = {0};
  int64_t first, count;
  oikos_share(N, team.rank, team.size, &first, &count);
  for (int64_t i = first; i < first + count; i++)
    x[i] = sin((double)i) * pow(10, (double)i - 50);
  oikos_collect(&team, N, x);
  for (int i = 0; i < N; i++)
    expect(&v, x[i] == sin((double)i) * pow(10, (double)i - 50), "number %d is %g", i, x[i]);
  oikos_team_destroy(&team);
  conclude(&v);
}

/* Each place has its largest number on another rank, below 0 too. */
static void test_largest(void **state) {
  (void)state;
  enum { N = 5 };
  verdict v = {0};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  double x[N];
  for (int i = 0; i < N; i++)
    x[i] = i % team.size == team.rank ? -i : -100 - team.rank;
  oikos_largest(&team, N, x);
  for (int i = 0; i < N; i++)
    expect(&v, x[i] == -i, "number %d is %g", i, x[i]);
  oikos_team_destroy(&team);
  conclude(&v);
}

/* Whole numbers that no double holds; and what one rank says, all hear. */
static void test_int64(void **state) {
  (void)state;
  enum { N = 3 };
  const int64_t large = INT64_C(1) << 60;
  verdict v = {0};
  oikos_team team = team_of(MPI_COMM_WORLD, &v);
  int64_t sum[N], most[N], least[N], ranks = team.size, last = ranks - 1;
  for (int i = 0; i < N; i++) {
    sum[i] = i + 1 + team.rank * (i == 0);
    most[i] = large + team.rank * (i - 1);
    least[i] = -large + team.rank * (i - 1);
  }
  oikos_sum_int64(&team, N, sum);
  oikos_max_int64(&team, N, most);
  oikos_min_int64(&team, N, least);
  for (int i = 0; i < N; i++) {
    expect(&v, sum[i] == (i + 1) * ranks + (i == 0) * ranks * last / 2, "sum %d is %lld", i,
           (long long)sum[i]);
    expect(&v, most[i] == large + (i == 2 ? last : 0), "most %d is %lld", i, (long long)most[i]);
    expect(&v, least[i] == -large - (i == 0 ? last : 0), "least %d is %lld", i,
           (long long)least[i]);
  }
  char word[8] = "";
  if (team.rank == last)
    snprintf(word, sizeof word, "last");
  oikos_broadcast_from(&team, (int)last, word, sizeof word);
  expect(&v, strcmp(word, "last") == 0, "heard \"%s\"", word);
  oikos_team_destroy(&team);
  conclude(&v);
}

/* What MPI refuses on one rank is everybody's error at the next agreement, and only there. */
static void test_mpi_error(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team;
  oikos_error err = {.message = ""};
  expect_ok(&v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  if (team.rank == team.size - 1) {
    int nothing = 0;
    expect(&v, MPI_Send(&nothing, 1, MPI_INT, team.size, 0, team.world) != MPI_SUCCESS,
           "a message to nobody was sent");
  }
  oikos_status status = oikos_agree(&team, OIKOS_OK, &err);
  expect_error(&v, status, OIKOS_ERROR, &err, "MPI failed on ");
  expect_ok(&v, oikos_agree(&team, OIKOS_OK, &err), &err, "the agreement after");
  oikos_team_destroy(&team);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_share),     cmocka_unit_test(test_team_shape),
      cmocka_unit_test(test_agree),     cmocka_unit_test(test_broadcast),
      cmocka_unit_test(test_read_file), cmocka_unit_test(test_exact),
      cmocka_unit_test(test_overflow),  cmocka_unit_test(test_fast),
      cmocka_unit_test(test_collect),   cmocka_unit_test(test_largest),
      cmocka_unit_test(test_int64),     cmocka_unit_test(test_mpi_error),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
