/* SPDX-License-Identifier: MIT
 * Whether a file is a whole checkpoint, before HDF5 looks at it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "base/xxh3.h"
#include "store/checkpoint_impl.h"
#include "store/file_bytes.h"
#include "store/seal.h"

/* The first line of checkpoints of 0.1.0. */
static const char old_kind[] = "oikos checkpoint 1\n";

/* What a file is instead, as far as its first n bytes tell. */
static oikos_status not_a_checkpoint(const char *text, size_t n, oikos_error *err) {
  int version;
  if (n >= 8 && memcmp(text, "\x89HDF\r\n\x1a\n", 8) == 0)
    return oikos_fail(
        err, OIKOS_ERROR,
        "it is not a checkpoint, but an HDF5 file of another kind: if it is a data file of "
        "`oikos import`, `oikos inspect` tells what it holds");
  if (sscanf(text, OIKOS_CHECKPOINT_FORMAT " %d\n", &version) == 1 &&
      version > OIKOS_FORMAT_VERSION)
    return oikos_fail(err, OIKOS_ERROR,
                      "it is a checkpoint of version %d, but this oikos reads 1 and %d: use the "
                      "oikos that wrote it, or a newer one",
                      version, OIKOS_FORMAT_VERSION);
  return oikos_fail(err, OIKOS_ERROR,
                    "it is not a checkpoint of this oikos: it does not begin with \"%s\"",
                    OIKOS_CHECKPOINT_KIND);
}

/* XXH3-128 of all bytes behind the seal in one stream, as 0.1.0 took it. */
static oikos_status hash_stream(const oikos_team *team, int fd, int64_t size, XXH3_state_t *state,
                                char *block, oikos_error *err) {
  XXH3_128bits_reset(state);
  for (int64_t offset = OIKOS_SEAL; offset < size; offset += OIKOS_HASH_BLOCK) {
    size_t n = size - offset < OIKOS_HASH_BLOCK ? (size_t)(size - offset) : OIKOS_HASH_BLOCK;
    OIKOS_TRY(oikos_bytes_read(fd, offset, block, n, err));
    XXH3_128bits_update(state, block, n);
    OIKOS_TRY(oikos_pulse_check(team ? team->pulse : NULL, err));
  }
  return OIKOS_OK;
}

static oikos_status old_hash(const oikos_team *team, int fd, int64_t size, char hash[OIKOS_DIGEST],
                             oikos_error *err) {
  char *block = NULL;
  XXH3_state_t *state = XXH3_createState();
  oikos_status status = state ? oikos_alloc(&block, OIKOS_HASH_BLOCK, 1, "a block of a file", err)
                              : oikos_fail(err, OIKOS_ERROR, "out of memory");
  if (status == OIKOS_OK)
    status = hash_stream(team, fd, size, state, block, err);
  if (status == OIKOS_OK) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    oikos_digest_text(canonical.digest, hash);
  }
  free(block);
  XXH3_freeState(state);
  return status;
}

static oikos_status verify_old(const oikos_team *team, int fd, int64_t size, const char *text,
                               oikos_error *err) {
  char stored[OIKOS_DIGEST] = "", hash[OIKOS_DIGEST];
  if (sscanf(text + strlen(old_kind), "xxh3-128 %32[0-9a-f]", stored) != 1)
    return oikos_fail(err, OIKOS_ERROR, "its user block is damaged: no hash");
  OIKOS_TRY(old_hash(team, fd, size, hash, err));
  if (strcmp(hash, stored) != 0)
    return oikos_fail(err, OIKOS_ERROR,
                      "it is damaged: its bytes have the hash %s, but %s was written", hash,
                      stored);
  return OIKOS_OK;
}

/* Rank 0 looks what it is, and verifies it if that is a thing for one. */
static oikos_status look(const oikos_team *team, const char *path, bool *sealed, oikos_error *err) {
  char text[OIKOS_SEAL + 1] = "";
  int64_t size;
  int fd;
  OIKOS_TRY(oikos_bytes_open(path, &fd, &size, err));
  size_t n = size < OIKOS_SEAL ? (size_t)size : OIKOS_SEAL;
  oikos_status status = oikos_bytes_read(fd, 0, text, n, err);
  *sealed = strncmp(text, OIKOS_CHECKPOINT_KIND "\n", strlen(OIKOS_CHECKPOINT_KIND) + 1) == 0;
  if (status == OIKOS_OK && !*sealed)
    status = n == OIKOS_SEAL && strncmp(text, old_kind, strlen(old_kind)) == 0
                 ? verify_old(team, fd, size, text, err)
                 : not_a_checkpoint(text, n, err);
  close(fd);
  return status;
}

oikos_status oikos_checkpoint_verify(const oikos_team *team, const char *path, oikos_error *err) {
  bool sealed = false;
  oikos_status status = !team || team->rank == 0 ? look(team, path, &sealed, err) : OIKOS_OK;
  if (team) {
    OIKOS_TRY(oikos_agree(team, status, err));
    oikos_broadcast(team, &sealed, sizeof sealed);
  }
  if (status == OIKOS_OK && sealed)
    status = oikos_seal_check(team, path, OIKOS_CHECKPOINT_KIND, err);
  return status;
}
