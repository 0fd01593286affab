/* SPDX-License-Identifier: MIT
 * The hash of a file is the same on any number of ranks, every byte of a sealed file counts, and
 * whoever hashes says that it gets on and stops when asked to. */
#include "ranks.h"

#include "store/seal.h"

static const char kind[] = "oikos test 1";

/* Rank 0 makes a file of so many bytes. Collective. */
static void make_file(const char *path, int64_t bytes) {
  FILE *out = ranks_rank() == 0 ? fopen(path, "wb") : NULL;
  for (int64_t i = 0; out && i < bytes; i++)
    putc((int)((uint64_t)i * 0x9E3779B97F4A7C15U >> 56), out);
  if (out)
    fclose(out);
  MPI_Barrier(MPI_COMM_WORLD);
}

/* Add to one byte of a file on rank 0, or cut the file off there. Collective. */
static void change(const char *path, int64_t at, bool cut) {
  FILE *file = ranks_rank() == 0 ? fopen(path, "r+b") : NULL;
  if (file && cut) {
    if (ftruncate(fileno(file), at) != 0)
      MPI_Abort(MPI_COMM_WORLD, 1);
  } else if (file) {
    fseek(file, at, SEEK_SET);
    int byte = getc(file);
    fseek(file, at, SEEK_SET);
    putc(byte + 1, file);
  }
  if (file)
    fclose(file);
  MPI_Barrier(MPI_COMM_WORLD);
}

static oikos_team team_of(verdict *v) {
  oikos_team team;
  oikos_error err;
  expect_ok(v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  return team;
}

typedef struct seen {
  int64_t at, bytes;
  bool in_order;
} seen;

static oikos_status note(void *user, int64_t at, const char *bytes, size_t n, oikos_error *err) {
  (void)err;
  seen *s = user;
  s->in_order &= s->bytes == 0 || at == s->at;
  s->in_order &=
      (unsigned char)bytes[0] == (unsigned char)((uint64_t)at * 0x9E3779B97F4A7C15U >> 56);
  s->at = at + (int64_t)n;
  s->bytes += (int64_t)n;
  return OIKOS_OK;
}

/* What the ranks find together is what one finds alone, and what was found when this was written.
 */
static void test_hash(void **state) {
  (void)state;
  static const struct {
    int64_t bytes, from;
    const char *hash;
  } cases[] = {
      {0, 0, "2c0a8a99dc147d5445c3b49d035665b2"},
      {100, 512, "2c0a8a99dc147d5445c3b49d035665b2"},
      {1, 0, "78dc71f1613a3d954c6772ce20003542"},
      {OIKOS_HASH_BLOCK, 0, "1ded1ae72ba93e8731a190c0352cc523"},
      {OIKOS_HASH_BLOCK + 513, 512, "24e2c38f2adc29ce6f221e05fba1899f"},
      {5 * OIKOS_HASH_BLOCK + 12345, 512, "4d0be29e51fadc1eae6834d6cd638918"},
  };
  verdict v = {0};
  oikos_team team = team_of(&v);
  char folder[RANKS_PATH], path[RANKS_PATH + 32], together[OIKOS_DIGEST] = "",
                                                  alone[OIKOS_DIGEST] = "";
  oikos_error err;
  folder_make(folder);
  snprintf(path, sizeof path, "%s/file", folder);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    seen s = {.in_order = true};
    int64_t first, count;
    make_file(path, cases[i].bytes);
    oikos_status status = oikos_block_hash(&team, path, cases[i].from, note, &s, together, &err);
    expect_ok(&v, status, &err, "together");
    oikos_block_share(&team, cases[i].from, cases[i].bytes, &first, &count);
    expect(&v, s.in_order && s.bytes == count && (count == 0 || s.at == first + count),
           "case %zu: %lld bytes up to %lld were seen", i, (long long)s.bytes, (long long)s.at);
    status = oikos_block_hash(NULL, path, cases[i].from, NULL, NULL, alone, &err);
    expect_ok(&v, status, &err, "alone");
    expect(&v, strcmp(together, alone) == 0 && strcmp(alone, cases[i].hash) == 0,
           "case %zu: %s together, %s alone, expected %s", i, together, alone, cases[i].hash);
    MPI_Barrier(MPI_COMM_WORLD);
  }
  folder_remove(folder);
  oikos_team_destroy(&team);
  conclude(&v);
}

/* A file as it was sealed passes; with any byte changed, cut off or added it does not. */
static void test_seal(void **state) {
  (void)state;
  static const struct {
    int64_t at;
    bool cut;
    const char *words;
  } damages[] = {
      {3, false, "it does not begin with \"oikos test 1\""},
      {20, false, "it is damaged in its first 512 bytes"},
      {50, false, "it is damaged"},
      {400, false, "it is damaged in its first 512 bytes"},
      {512, false, "its bytes have the hash"},
      {OIKOS_HASH_BLOCK + 511, false, "its bytes have the hash"},
      {3 * OIKOS_HASH_BLOCK - 1, false, "its bytes have the hash"},
      {3 * OIKOS_HASH_BLOCK - 1, true, "it has 3145727 bytes, but 3145728 were written"},
      {3 * OIKOS_HASH_BLOCK + 1, true, "it has 3145729 bytes, but 3145728 were written"},
      {300, true, "it is damaged: it has 300 bytes"},
      {0, true, "it does not begin with"},
  };
  verdict v = {0};
  oikos_team team = team_of(&v);
  char folder[RANKS_PATH], path[RANKS_PATH + 32];
  oikos_error err = {.message = ""};
  folder_make(folder);
  snprintf(path, sizeof path, "%s/file", folder);
  for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
    make_file(path, 3 * OIKOS_HASH_BLOCK);
    expect_ok(&v, oikos_seal_write(&team, path, kind, &err), &err, "oikos_seal_write");
    expect_ok(&v, oikos_seal_check(&team, path, kind, &err), &err, "oikos_seal_check");
    expect_ok(&v, oikos_seal_check(NULL, path, kind, &err), &err, "alone");
    expect(&v, oikos_seal_is(path, kind) && !oikos_seal_is(path, "oikos test 11"), "of no kind");
    MPI_Barrier(MPI_COMM_WORLD);
    change(path, damages[i].at, damages[i].cut);
    oikos_status status = oikos_seal_check(&team, path, kind, &err);
    expect_error(&v, status, OIKOS_ERROR, &err, damages[i].words);
  }
  snprintf(path, sizeof path, "%s/not", folder);
  expect_error(&v, oikos_seal_check(&team, path, kind, &err), OIKOS_USAGE, &err, "No such file");
  expect_error(&v, oikos_seal_check(&team, folder, kind, &err), OIKOS_ERROR, &err, "a folder");
  folder_remove(folder);
  oikos_team_destroy(&team);
  conclude(&v);
}

static bool count_down(void *user) {
  return --*(int *)user == 0;
}

/* Each block is told of, and who is asked to stop stops all. */
static void test_progress(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team = team_of(&v);
  char folder[RANKS_PATH], path[RANKS_PATH + 32], hash[OIKOS_DIGEST];
  oikos_error err = {.message = ""};
  int left = 0;
  oikos_pulse pulse = {.stop = count_down, .user = &left};
  folder_make(folder);
  snprintf(path, sizeof path, "%s/file", folder);
  make_file(path, 9 * OIKOS_HASH_BLOCK);
  team.pulse = &pulse;
  expect_ok(&v, oikos_block_hash(&team, path, 0, NULL, NULL, hash, &err), &err, "hash");
  int blocks = (int)atomic_load(&pulse.beats);
  MPI_Allreduce(MPI_IN_PLACE, &blocks, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  expect(&v, blocks == 9, "%d blocks were told of", blocks);
  left = ranks_rank() == ranks_size() - 1 ? 2 : 0; // the last rank, at its second block
  oikos_status status = oikos_block_hash(&team, path, 0, NULL, NULL, hash, &err);
  expect_error(&v, status, OIKOS_STOPPED, &err, "stopped on request");
  folder_remove(folder);
  oikos_team_destroy(&team);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hash),
      cmocka_unit_test(test_seal),
      cmocka_unit_test(test_progress),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
