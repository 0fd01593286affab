/* SPDX-License-Identifier: MIT
 * Random numbers that nobody can foretell who has not the key: Threefish-256 (Ferguson et al., "The
 * Skein hash function family", 2010), which Random123 has as Threefry4x64 of 72 rounds, of a
 * counter. Like base/random.h it has no state. */
#ifndef OIKOS_BASE_SECRET_H
#define OIKOS_BASE_SECRET_H

#include <stdint.h>

#include "oikos/error.h"

enum { OIKOS_SECRET = 4 }; /* words of 64 bits: of a key, a counter, a draw */

/** A key from the operating system. */
oikos_status oikos_secret_create(uint64_t *key, oikos_error *err);

/** words (OIKOS_SECRET) of a counter (OIKOS_SECRET). */
void oikos_secret_draw(const uint64_t *key, const uint64_t *counter, uint64_t *words);

#endif
