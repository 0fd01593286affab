/* SPDX-License-Identifier: MIT
 * The rank before is watched: nothing is said while it lives, stands still or leaves with a
 * farewell; if its process ends without one, the next rank says so, with its name, after a while.
 */
#include "ranks.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "dist/keepalive.h"

enum { LATER = 60 /* s: more than any patience */, DESCRIPTORS = 256 };

static oikos_keepalive *create(const oikos_team *team, verdict *v) {
  oikos_keepalive *k = NULL;
  oikos_error err;
  expect_ok(v, oikos_keepalive_create(team, 10, "", &k, &err), &err, "oikos_keepalive_create");
  return k;
}

static void expect_nothing(verdict *v, oikos_keepalive *k, const char *when) {
  char text[256] = "";
  double now = oikos_wall_clock();
  for (int later = 0; later <= LATER; later += LATER)
    expect(v, !oikos_keepalive_lost(k, now + later, text, sizeof text), "%s: said %s", when, text);
}

static void test_farewell(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team;
  oikos_error err;
  expect_ok(&v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  for (int leaves = 0; leaves < team.size; leaves++) {
    oikos_keepalive *k = create(&team, &v);
    expect_nothing(&v, k, "all are there");
    MPI_Barrier(team.world);
    if (team.rank == leaves) {
      oikos_keepalive_destroy(k);
      k = NULL;
    }
    MPI_Barrier(team.world);
    if (k)
      expect_nothing(&v, k, "one has left");
    oikos_keepalive_destroy(k);
  }
  oikos_team_destroy(&team);
  conclude(&v);
}

static bool is_internet(int fd) {
  struct sockaddr_storage name;
  socklen_t size = sizeof name;
  return getsockname(fd, (struct sockaddr *)&name, &size) == 0 && name.ss_family == AF_INET;
}

static void note_sockets(bool *open) {
  for (int fd = 0; fd < DESCRIPTORS; fd++)
    open[fd] = is_internet(fd);
}

/* A process that dies is one whose end is closed without a farewell. */
static void close_others(const bool *open) {
  for (int fd = 0; fd < DESCRIPTORS; fd++)
    if (!open[fd] && is_internet(fd))
      close(fd);
}

static void test_gone(void **state) {
  (void)state;
  verdict v = {0};
  oikos_team team;
  oikos_error err;
  char text[256] = "", expected[64];
  expect_ok(&v, oikos_team_create(MPI_COMM_WORLD, &team, &err), &err, "oikos_team_create");
  bool open[DESCRIPTORS];
  note_sockets(open);
  oikos_keepalive *k = create(&team, &v);
  if (team.rank == 0)
    close_others(open);
  MPI_Barrier(team.world);
  double now = oikos_wall_clock();
  bool behind = team.rank == 1 % team.size && team.rank != 0;
  expect(&v, team.rank == 0 || !oikos_keepalive_lost(k, now, text, sizeof text), "at once: %s",
         text);
  expect(&v, team.rank == 0 || oikos_keepalive_lost(k, now + LATER, text, sizeof text) == behind,
         "rank %d: %s", team.rank, text);
  snprintf(expected, sizeof expected, "rank 0 on ");
  expect(&v, !behind || strncmp(text, expected, strlen(expected)) == 0, "said %s", text);
  if (team.rank != 0)
    oikos_keepalive_destroy(k);
  else
    free(k); // its connections are closed already
  oikos_team_destroy(&team);
  conclude(&v);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_farewell),
      cmocka_unit_test(test_gone),
  };
  ranks_begin(&argc, &argv);
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
