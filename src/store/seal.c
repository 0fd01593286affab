/* SPDX-License-Identifier: MIT */
#include "store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/try.h"
#include "store/file_bytes.h"

void oikos_seal_text(const char *kind, const char hash[OIKOS_DIGEST], int64_t bytes,
                     char text[OIKOS_SEAL]) {
  memset(text, 0, OIKOS_SEAL);
  snprintf(text, OIKOS_SEAL, "%s\nxxh3-128 of blocks %s\nblock %d\nbytes %lld\n", kind, hash,
           OIKOS_HASH_BLOCK, (long long)bytes);
}

static oikos_status agree(const oikos_team *team, oikos_status status, oikos_error *err) {
  return team ? oikos_agree(team, status, err) : status;
}

static oikos_status put(const char *path, const char *kind, const char hash[OIKOS_DIGEST],
                        oikos_error *err) {
  char text[OIKOS_SEAL];
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  off_t bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
  if (bytes < 0) {
    oikos_fail(err, OIKOS_ERROR, "its seal cannot be written: %s", strerror(errno));
    if (fd >= 0)
      close(fd);
    return OIKOS_ERROR;
  }
  oikos_seal_text(kind, hash, bytes, text);
  oikos_status status = oikos_bytes_write(fd, 0, text, sizeof text, err);
  if (close(fd) != 0 && status == OIKOS_OK)
    status = oikos_fail(err, OIKOS_ERROR, "its seal cannot be written: %s", strerror(errno));
  return status;
}

oikos_status oikos_seal_put(const oikos_team *team, const char *path, const char *kind,
                            const char hash[OIKOS_DIGEST], oikos_error *err) {
  bool writes = !team || team->rank == 0;
  return agree(team, writes ? put(path, kind, hash, err) : OIKOS_OK, err);
}

oikos_status oikos_seal_write(const oikos_team *team, const char *path, const char *kind,
                              oikos_error *err) {
  char hash[OIKOS_DIGEST];
  OIKOS_TRY(oikos_block_hash(team, path, OIKOS_SEAL, NULL, NULL, hash, err));
  return oikos_seal_put(team, path, kind, hash, err);
}

/* The beginning of a file; the rest of `text` is zeros. */
static oikos_status read_seal(const char *path, char text[OIKOS_SEAL + 1], int64_t *size,
                              oikos_error *err) {
  int fd;
  memset(text, 0, OIKOS_SEAL + 1);
  OIKOS_TRY(oikos_bytes_open(path, &fd, size, err));
  oikos_status status =
      oikos_bytes_read(fd, 0, text, *size < OIKOS_SEAL ? (size_t)*size : OIKOS_SEAL, err);
  close(fd);
  return status;
}

/* The first line of a seal is this one, and it ends there. */
static bool begins(const char *text, const char *kind) {
  size_t n = strlen(kind);
  return strncmp(text, kind, n) == 0 && text[n] == '\n';
}

bool oikos_seal_is(const char *path, const char *kind) {
  char text[OIKOS_SEAL + 1];
  int64_t size;
  oikos_error ignored;
  return read_seal(path, text, &size, &ignored) == OIKOS_OK && begins(text, kind);
}

/* The hash that a seal holds, if the file has the size that it says and nothing else stands there.
 */
oikos_status oikos_seal_hash(const char *path, const char *kind, char hash[OIKOS_DIGEST],
                             oikos_error *err) {
  char text[OIKOS_SEAL + 1], right[OIKOS_SEAL];
  long long bytes = -1;
  int64_t size;
  OIKOS_TRY(read_seal(path, text, &size, err));
  if (!begins(text, kind))
    return oikos_fail(err, OIKOS_ERROR, "it does not begin with \"%s\"", kind);
  memset(hash, 0, OIKOS_DIGEST);
  if (sscanf(text + strlen(kind), "\nxxh3-128 of blocks %32[0-9a-f]\nblock %*d\nbytes %lld", hash,
             &bytes) == 2 &&
      bytes != size)
    return oikos_fail(err, OIKOS_ERROR, "it is damaged: it has %lld bytes, but %lld were written",
                      (long long)size, bytes);
  oikos_seal_text(kind, hash, size, right);
  return memcmp(text, right, OIKOS_SEAL) == 0
             ? OIKOS_OK
             : oikos_fail(err, OIKOS_ERROR, "it is damaged in its first %d bytes", OIKOS_SEAL);
}

oikos_status oikos_seal_check(const oikos_team *team, const char *path, const char *kind,
                              oikos_error *err) {
  char written[OIKOS_DIGEST], found[OIKOS_DIGEST];
  bool alone = !team;
  oikos_status status =
      alone || team->rank == 0 ? oikos_seal_hash(path, kind, written, err) : OIKOS_OK;
  OIKOS_TRY(agree(team, status, err));
  if (!alone)
    oikos_broadcast(team, written, sizeof written);
  OIKOS_TRY(oikos_block_hash(team, path, OIKOS_SEAL, NULL, NULL, found, err));
  if (strcmp(found, written) != 0)
    return oikos_fail(err, OIKOS_ERROR,
                      "it is damaged: its bytes have the hash %s, but %s was written", found,
                      written);
  return OIKOS_OK;
}
