/* SPDX-License-Identifier: MIT */
#include "store/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/try.h"

enum { BLOCK = 1 << 20 };

void oikos_folder_of(const char *path, char *folder) {
  const char *slash = strrchr(path, '/');
  if (slash == path)
    slash++;
  snprintf(folder, OIKOS_NAME_MAX, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
}

/* A power failure must not take a new folder with all in it; the one above may be closed to us. */
static void sync_parent(const char *path) {
  char folder[OIKOS_NAME_MAX];
  oikos_error ignored;
  oikos_folder_of(path, folder);
  (void)oikos_sync_file(folder, &ignored);
}

oikos_status oikos_make_folders(const char *path, oikos_error *err) {
  char part[OIKOS_NAME_MAX];
  size_t length = strlen(path);
  for (size_t i = 1; i <= length; i++)
    if (path[i] == '/' || path[i] == 0) {
      snprintf(part, sizeof part, "%.*s", (int)i, path);
      if (mkdir(part, 0777) == 0)
        sync_parent(part);
      else if (errno != EEXIST)
        return oikos_fail(err, OIKOS_USAGE, "the folder %s cannot be made: %s: %s", path, part,
                          strerror(errno));
    }
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode))
    return oikos_fail(err, OIKOS_USAGE, "the folder %s cannot be made: it is a file", path);
  if (access(path, W_OK | X_OK) != 0)
    return oikos_fail(err, OIKOS_USAGE, "the folder %s cannot be written: %s", path,
                      strerror(errno));
  return OIKOS_OK;
}

int oikos_take_space(int fd, off_t bytes) {
  struct stat info;
  struct statvfs disk;
  int failure = 0;
  do
    failure = fallocate(fd, 0, 0, bytes) == 0 ? 0 : errno;
  while (failure == EINTR);
  if (failure != EOPNOTSUPP && failure != ENOSYS)
    return failure;
  // NFS and others cannot: posix_fallocate would write a byte into each block
  if (fstat(fd, &info) != 0 || fstatvfs(fd, &disk) != 0)
    return errno;
  off_t lacking = bytes - (off_t)info.st_blocks * 512;
  if (lacking > 0 && (double)lacking > (double)disk.f_bavail * (double)disk.f_frsize)
    return ENOSPC;
  return info.st_size >= bytes || ftruncate(fd, bytes) == 0 ? 0 : errno;
}

oikos_status oikos_reserve(const char *path, off_t bytes, oikos_error *err) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  struct stat info = {0};
  int failure = fd < 0 || fstat(fd, &info) != 0 ? errno : 0;
  bytes = bytes ? bytes : info.st_size;
  if (!failure && bytes > 0)
    failure = oikos_take_space(fd, bytes);
  if (fd >= 0)
    close(fd);
  if (!failure)
    return OIKOS_OK;
  return oikos_fail(
      err, OIKOS_ERROR,
      "%s cannot be written: %.1f MiB of disk space cannot be had: %s; make room and try again",
      path, (double)bytes / (1 << 20), strerror(failure));
}

void oikos_sync_begin(int fd, off_t offset, off_t bytes) {
  if (fd >= 0 && bytes > 0)
    (void)sync_file_range(fd, offset, bytes, SYNC_FILE_RANGE_WRITE);
}

oikos_status oikos_sync_large(const char *path, oikos_pulse *pulse, oikos_error *err) {
  const off_t part = 64 * (off_t)BLOCK;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  struct stat info;
  if (fd >= 0 && fstat(fd, &info) == 0)
    for (off_t offset = 0; offset < info.st_size;
         offset += part) { // what fails here fails again below
      (void)sync_file_range(fd, offset, part,
                            SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                SYNC_FILE_RANGE_WAIT_AFTER);
      oikos_pulse_beat(pulse);
    }
  if (fd >= 0)
    close(fd);
  return oikos_sync_file(path, err);
}

oikos_status oikos_sync_file(const char *path, oikos_error *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fsync(fd) != 0) {
    oikos_status status =
        oikos_fail(err, OIKOS_ERROR, "%s cannot be synced to disk: %s", path, strerror(errno));
    if (fd >= 0)
      close(fd);
    return status;
  }
  close(fd);
  return OIKOS_OK;
}

oikos_status oikos_rename_synced(const char *from, const char *to, oikos_error *err) {
  char folder[OIKOS_NAME_MAX];
  if (rename(from, to) != 0)
    return oikos_fail(err, OIKOS_ERROR, "%s cannot be renamed to %s: %s", from, to,
                      strerror(errno));
  oikos_folder_of(to, folder);
  return oikos_sync_file(folder, err);
}
