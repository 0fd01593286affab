/* SPDX-License-Identifier: MIT */
#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <Random123/threefry.h>

enum { ROUNDS = 72 }; // of the cipher; Threefry's usual 20 are for speed

oikos_status oikos_secret_create(uint64_t *key, oikos_error *err) {
  size_t size = OIKOS_SECRET * sizeof *key;
  ssize_t got;
  do
    got = getrandom(key, size, 0);
  while (got < 0 && errno == EINTR);
  if (got != (ssize_t)size)
    return oikos_fail(err, OIKOS_ERROR, "the operating system gave no random key: %s",
                      got < 0 ? strerror(errno) : "too few bytes");
  return OIKOS_OK;
}

void oikos_secret_draw(const uint64_t *key, const uint64_t *counter, uint64_t *words) {
  threefry4x64_key_t k;
  threefry4x64_ctr_t c;
  for (int i = 0; i < OIKOS_SECRET; i++) {
    k.v[i] = key[i];
    c.v[i] = counter[i];
  }
  c = threefry4x64_R(ROUNDS, c, k);
  for (int i = 0; i < OIKOS_SECRET; i++)
    words[i] = c.v[i];
}
