/* SPDX-License-Identifier: MIT
 * What a killed import leaves beside its output: removed by the next one to the same output, unless
 * somebody may still hold it. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#include "store/data_file.h"
#include "store/sync.h"
#include "store/temporary.h"

static char folder[] = "/tmp/oikos-temporary.XXXXXX", output[64];

static int make_folder(void **state) {
  (void)state;
  if (!mkdtemp(folder))
    return -1;
  snprintf(output, sizeof output, "%s/out.h5", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -r %s", folder);
  return system(command);
}

/* How many files there are, the output aside. */
static int count(void) {
  int n = 0;
  DIR *all = opendir(folder);
  assert_non_null(all);
  for (struct dirent *one = readdir(all); one; one = readdir(all))
    n += strcmp(one->d_name, "out.h5") != 0 && one->d_name[0] != '.';
  closedir(all);
  return n;
}

static oikos_status put_nothing(void *user, hid_t file, oikos_error *err) {
  (void)user, (void)file, (void)err;
  return OIKOS_OK;
}

static void write_output(void) {
  oikos_error err;
  CHECK_OK(oikos_data_file_write(output, put_nothing, NULL, &err));
}

/* In the midst of writing: until the other end of the pipe is closed, or it is killed. */
static oikos_status tell_and_wait(void *user, hid_t file, oikos_error *err) {
  const int *pipes = user; /* (2) to the test, (2) from it */
  char byte = 'y';
  (void)file;
  return write(pipes[1], &byte, 1) == 1 && read(pipes[2], &byte, 1) == 0
             ? OIKOS_OK
             : oikos_fail(err, OIKOS_ERROR, "a pipe broke");
}

/* A process that writes the output; it goes on when *go is closed. */
static pid_t writer(int *go) {
  int pipes[4];
  char byte = 0;
  assert_int_equal(pipe(pipes), 0);
  assert_int_equal(pipe(pipes + 2), 0);
  pid_t pid = fork();
  if (pid == 0) {
    oikos_error err;
    close(pipes[3]);
    alarm(60); // the test may have failed meanwhile
    _exit(oikos_data_file_write(output, tell_and_wait, pipes, &err) != OIKOS_OK);
  }
  assert_int_equal(read(pipes[0], &byte, 1), 1);
  close(pipes[0]);
  close(pipes[1]);
  close(pipes[2]);
  *go = pipes[3];
  return pid;
}

static void test_a_killed_import_leaves_nothing_for_long(void **state) {
  (void)state;
  int go;
  pid_t pid = writer(&go);
  assert_int_equal(count(), 1);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  close(go);
  assert_int_equal(count(), 1);
  write_output();
  assert_int_equal(count(), 0);
}

static void test_a_living_import_keeps_its_file(void **state) {
  (void)state;
  int go, status;
  pid_t pid = writer(&go);
  write_output();
  assert_int_equal(count(), 1);
  close(go);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
  assert_int_equal(count(), 0);
}

/* A file as somebody else made it, so many seconds ago; kept open. */
static int foreign(const char *name, long age) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  int file = open(path, O_RDWR | O_CREAT, 0600);
  assert_true(file >= 0);
  struct stat info;
  assert_int_equal(fstat(file, &info), 0);
  struct timespec times[2] = {info.st_atim, info.st_mtim};
  times[1].tv_sec -= age;
  assert_int_equal(futimens(file, times), 0);
  return file;
}

/* What another host made is removed a day after the last write, unless it is locked. */
static void test_other_hosts(void **state) {
  (void)state;
  const struct {
    const char *name;
    long age;
    bool locked, stays;
  } files[] = {{"out.h5.tmp-me-elsewhere-1-0", 80000, false, true},
               {"out.h5.tmp-me-elsewhere-1-1", 90000, false, false},
               {"out.h5.tmp-me-elsewhere-1-2", 90000, true, true},
               {"out.h5.tmp-unreadable", 80000, false, true},
               {"out2.h5.tmp-me-elsewhere-1-3", 90000, false, true},
               {"out.h5", 90000, false, true}};
  enum { FILES = sizeof files / sizeof *files };
  int file[FILES];
  for (int k = 0; k < FILES; k++) {
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    file[k] = foreign(files[k].name, files[k].age);
    if (files[k].locked)
      assert_int_equal(fcntl(file[k], F_OFD_SETLK, &all), 0);
  }
  write_output();
  for (int k = 0; k < FILES; k++) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, files[k].name);
    if ((access(path, F_OK) == 0) != files[k].stays)
      fail_msg("%s: %s", files[k].name, files[k].stays ? "gone" : "still there");
    unlink(path);
    close(file[k]);
  }
}

/* A link that has such a name leads to what is none of ours. */
static void test_links_stay(void **state) {
  (void)state;
  char path[256], target[256];
  snprintf(path, sizeof path, "%s/out.h5.tmp-me-elsewhere-1-4", folder);
  snprintf(target, sizeof target, "%s/mine", folder);
  close(foreign("mine", 90000));
  assert_int_equal(symlink(target, path), 0);
  write_output();
  assert_int_equal(count(), 2);
  unlink(path);
  unlink(target);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_killed_import_leaves_nothing_for_long),
      cmocka_unit_test(test_a_living_import_keeps_its_file),
      cmocka_unit_test(test_other_hosts),
      cmocka_unit_test(test_links_stay),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
