/* SPDX-License-Identifier: MIT
 * The lock of a run directory: who is refused, what is taken over. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "store/lock.h"

static char folder[] = "/tmp/oikos-lock.XXXXXX";
static char path[64];

static int make_folder(void **state) {
  (void)state;
  if (!mkdtemp(folder))
    return -1;
  snprintf(path, sizeof path, "%s/lock", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  unlink(path);
  return rmdir(folder);
}

static void keep_text(void *user, const char *text) {
  snprintf(user, 512, "%.511s", text);
}

/* A process that takes the lock and stays until it is killed. */
static pid_t holder(void) {
  int ready[2];
  char byte = 0;
  assert_int_equal(pipe(ready), 0);
  pid_t pid = fork();
  if (pid == 0) {
    oikos_lock *lock;
    byte = oikos_lock_take(folder, NULL, NULL, NULL, &lock, NULL) == OIKOS_OK ? 'y' : 'n';
    if (write(ready[1], &byte, 1) != 1)
      _exit(1);
    alarm(60); // the test may have failed meanwhile
    pause();
    _exit(0);
  }
  assert_int_equal(read(ready[0], &byte, 1), 1);
  assert_int_equal(byte, 'y');
  close(ready[0]);
  close(ready[1]);
  return pid;
}

static void end(pid_t pid, bool reap) {
  kill(pid, SIGKILL);
  if (reap)
    waitpid(pid, NULL, 0);
  else
    usleep(100000);
}

static void test_refuses_a_living_owner_by_name(void **state) {
  (void)state;
  oikos_lock *lock;
  oikos_error err;
  char expected[64];
  pid_t pid = holder();
  assert_int_equal(oikos_lock_take(folder, NULL, NULL, NULL, &lock, &err), OIKOS_BUSY);
  assert_null(lock);
  snprintf(expected, sizeof expected, "is in use by process %ld on ", (long)pid);
  assert_non_null(strstr(err.message, expected));
  end(pid, true);
  assert_int_equal(access(path, F_OK), 0); // it was left behind
}

static void test_takes_over_from_a_dead_owner_at_once(void **state) {
  (void)state;
  oikos_lock *lock;
  char said[512] = "";
  for (int reap = 0; reap < 2; reap++) { // a zombie is dead too
    pid_t pid = holder();
    end(pid, reap);
    double begin = oikos_wall_clock();
    assert_int_equal(oikos_lock_take(folder, NULL, keep_text, said, &lock, NULL), OIKOS_OK);
    assert_true(oikos_wall_clock() - begin < 2);
    assert_non_null(strstr(said, "which is gone: taking it over"));
    assert_true(oikos_lock_beat(lock));
    oikos_lock_release(lock);
    assert_int_not_equal(access(path, F_OK), 0);
    if (!reap)
      waitpid(pid, NULL, 0);
  }
}

/* A lock of another machine, with a count. */
static void write_foreign(int beat) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  fprintf(out, "host far pid 7 user anna job 99 boot elsewhere space 1 start 5 beat %d\n", beat);
  fclose(out);
}

static void test_watches_an_owner_elsewhere(void **state) {
  (void)state;
  oikos_lock *lock;
  oikos_error err;
  char said[512] = "";
  write_foreign(1);
  pid_t pid = fork();
  if (pid == 0) { // the owner, who beats once
    sleep(1);
    write_foreign(2);
    _exit(0);
  }
  assert_int_equal(oikos_lock_take(folder, NULL, keep_text, said, &lock, &err), OIKOS_BUSY);
  waitpid(pid, NULL, 0);
  assert_non_null(strstr(err.message, "in use by process 7 on far (user anna, job 99)"));
  assert_non_null(strstr(said, "looking for 15 s whether it lives"));
  double begin = oikos_wall_clock(); // and never again
  assert_int_equal(oikos_lock_take(folder, NULL, keep_text, said, &lock, &err), OIKOS_OK);
  assert_in_range((long)(oikos_wall_clock() - begin), OIKOS_LOCK_WATCH - 1, OIKOS_LOCK_WATCH + 3);
  oikos_lock_release(lock);
}

static void test_one_of_many_wins_a_stale_lock(void **state) {
  (void)state;
  enum { MANY = 8 };
  int won = 0, status;
  pid_t pids[MANY];
  end(holder(), true);
  for (int i = 0; i < MANY; i++) {
    pids[i] = fork();
    if (pids[i] == 0) {
      oikos_lock *lock;
      bool mine = oikos_lock_take(folder, NULL, NULL, NULL, &lock, NULL) == OIKOS_OK;
      sleep(1); // alive until all others have tried
      oikos_lock_release(lock);
      _exit(mine ? 0 : 1);
    }
  }
  for (int i = 0; i < MANY; i++) {
    assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
    won += WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  assert_int_equal(won, 1);
}

static void test_notices_that_it_lost_the_lock(void **state) {
  (void)state;
  oikos_lock *lock;
  assert_int_equal(oikos_lock_take(folder, NULL, NULL, NULL, &lock, NULL), OIKOS_OK);
  assert_true(oikos_lock_beat(lock));
  write_foreign(1);
  assert_false(oikos_lock_beat(lock));
  oikos_lock_release(lock);
  assert_int_equal(access(path, F_OK), 0); // it is not ours to remove
  unlink(path);
}

/* Names that an owner cannot help: empty ones, and such that hold blanks. */
static void test_reads_back_what_it_wrote(void **state) {
  (void)state;
  static const char *const jobs[] = {"", " ", "12 34", "\t", "a\nb"};
  oikos_lock *lock;
  oikos_error err;
  for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
    setenv("SLURM_JOB_ID", jobs[i], 1);
    assert_int_equal(oikos_lock_take(folder, NULL, NULL, NULL, &lock, NULL), OIKOS_OK);
    assert_true(oikos_lock_beat(lock));
    assert_true(oikos_lock_beat(lock));
    oikos_lock *other;
    assert_int_equal(oikos_lock_take(folder, NULL, NULL, NULL, &other, &err), OIKOS_BUSY);
    oikos_lock_release(lock);
    assert_int_not_equal(access(path, F_OK), 0);
  }
  unsetenv("SLURM_JOB_ID");
}

static void write_lock(const char *format, ...) {
  va_list args;
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  va_start(args, format);
  vfprintf(out, format, args);
  va_end(args);
  fclose(out);
}

/* One second into the watch a request to stop comes. */
typedef struct late {
  double begin;
} late;
static bool after_a_second(void *user) {
  return oikos_wall_clock() - ((late *)user)->begin > 1;
}

/* A machine of this one's name that is not this one, and an owner here whose process cannot be
 * judged: both are watched. The wait can be ended, and leaves the lock as it was. */
static void test_watches_whom_it_cannot_judge(void **state) {
  (void)state;
  char host[128] = "", said[512];
  oikos_lock *lock;
  oikos_error err;
  gethostname(host, sizeof host - 1);
  for (int how = 0; how < 2; how++) {
    late l = {oikos_wall_clock()};
    oikos_pulse pulse = {.stop = after_a_second, .user = &l};
    if (how == 0)
      write_lock("host %s pid 7 user anna job - boot another space 1 start 5 beat 1\n", host);
    else
      write_lock("something else\n");
    said[0] = 0;
    assert_int_equal(oikos_lock_take(folder, &pulse, keep_text, said, &lock, &err), OIKOS_STOPPED);
    assert_non_null(strstr(said, "looking for 15 s whether it lives"));
    assert_true(oikos_wall_clock() - l.begin < 3);
    assert_int_equal(access(path, F_OK), 0);
  }
  unlink(path);
}

/* Start 0 is what a process writes that could not see itself; whether it lives is seen still. */
static void test_a_dead_process_of_unknown_start(void **state) {
  (void)state;
  char boot[128] = "";
  struct stat space;
  oikos_lock *lock;
  FILE *in = fopen("/proc/sys/kernel/random/boot_id", "r");
  if (!in || fscanf(in, "%127s", boot) != 1 || stat("/proc/self/ns/pid", &space) != 0)
    skip();
  fclose(in);
  pid_t pid = fork();
  if (pid == 0)
    _exit(0);
  waitpid(pid, NULL, 0);
  write_lock("host h pid %ld user anna job - boot %s space %llu start 0 beat 1\n", (long)pid, boot,
             (unsigned long long)space.st_ino);
  double begin = oikos_wall_clock();
  assert_int_equal(oikos_lock_take(folder, NULL, NULL, NULL, &lock, NULL), OIKOS_OK);
  assert_true(oikos_wall_clock() - begin < 2);
  oikos_lock_release(lock);
}

/* What is no file is none of ours: said at once, and left alone. */
static void test_refuses_what_is_no_file(void **state) {
  (void)state;
  char file[80];
  oikos_lock *lock;
  oikos_error err;
  snprintf(file, sizeof file, "%s/file", folder);
  fclose(fopen(file, "w"));
  for (int how = 0; how < 4; how++) {
    if (how == 0)
      assert_int_equal(symlink("nowhere", path), 0);
    else if (how == 1)
      assert_int_equal(symlink(file, path), 0);
    else if (how == 2)
      assert_int_equal(mkfifo(path, 0600), 0);
    else
      assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(oikos_lock_take(folder, NULL, NULL, NULL, &lock, &err), OIKOS_USAGE);
    assert_non_null(
        strstr(err.message, "/lock cannot be made: there is something that is no file"));
    assert_int_equal(how == 3 ? rmdir(path) : unlink(path), 0);
  }
  unlink(file);
}

/* The 22nd word of /proc/PID/stat: when a process started. */
static unsigned long long start_in(FILE *in) {
  char text[1024];
  size_t n = fread(text, 1, sizeof text - 1, in);
  text[n] = 0;
  const char *behind = strrchr(text, ')'); // the second word ends
  for (int word = 2; behind && word < 22; word++)
    behind = strchr(behind + 1, ' ');
  return behind ? strtoull(behind, NULL, 10) : 0;
}

/* A lock's owner is known by when it started. QEMU tells a program another time than all others. */
static bool is_seen_as_it_sees_itself(void) {
  char command[64];
  snprintf(command, sizeof command, "cat /proc/%ld/stat", (long)getpid());
  FILE *own = fopen("/proc/self/stat", "r"), *seen = popen(command, "r");
  bool same = own && seen && start_in(own) == start_in(seen);
  if (own)
    fclose(own);
  if (seen)
    pclose(seen);
  return same;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refuses_a_living_owner_by_name),
      cmocka_unit_test(test_takes_over_from_a_dead_owner_at_once),
      cmocka_unit_test(test_watches_an_owner_elsewhere),
      cmocka_unit_test(test_one_of_many_wins_a_stale_lock),
      cmocka_unit_test(test_notices_that_it_lost_the_lock),
      cmocka_unit_test(test_reads_back_what_it_wrote),
      cmocka_unit_test(test_watches_whom_it_cannot_judge),
      cmocka_unit_test(test_a_dead_process_of_unknown_start),
      cmocka_unit_test(test_refuses_what_is_no_file),
  };
  if (!is_seen_as_it_sees_itself()) {
    puts("skipped: when this process started is told differently to itself and to others");
    return 77;
  }
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
