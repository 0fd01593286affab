/* SPDX-License-Identifier: MIT
 *
 * The seal of a file: its first 512 bytes, which HDF5 leaves to its user (a user block), as four
 * lines of text and zeros,
 *
 *   oikos checkpoint 2
 *   xxh3-128 of blocks 0123456789abcdef0123456789abcdef
 *   block 1048576
 *   bytes 12345678
 *
 * the hash (store/block_hash.h) being of all bytes behind the seal, and `bytes` the size of the
 * whole file. It is written last: a file whose seal is right is whole. Every byte of the file is
 * covered: what the seal holds beside the hash must stand there exactly so.
 *
 * It is checked before HDF5 sees the file, so that damage never comes to HDF5, which does not
 * survive all damage of its own records. Against intention it is no guard: anybody can write a
 * seal. What a sealed file says is checked like any other input, HDF5's records are not.
 */
#ifndef OIKOS_STORE_SEAL_H
#define OIKOS_STORE_SEAL_H

#include <stdbool.h>

#include "store/block_hash.h"

enum { OIKOS_SEAL = 512 };

/** The text of a seal: @p kind is its first line, without the end of the line. */
void oikos_seal_text(const char *kind, const char hash[OIKOS_DIGEST], int64_t bytes,
                     char text[OIKOS_SEAL]);

/** Hash a file and write its seal over its first 512 bytes. Not synced to disk. Collective; a NULL
 * team: this process alone. */
oikos_status oikos_seal_write(const oikos_team *team, const char *path, const char *kind,
                              oikos_error *err);

/** The same with a hash that was taken already. */
oikos_status oikos_seal_put(const oikos_team *team, const char *path, const char *kind,
                            const char hash[OIKOS_DIGEST], oikos_error *err);

/** Whether a file begins with this kind of seal. False also where it cannot be read. Not
 * collective. */
bool oikos_seal_is(const char *path, const char *kind);

/** The hash that a file's seal of this kind holds; whether it is right is for oikos_seal_check. Not
 * collective. */
oikos_status oikos_seal_hash(const char *path, const char *kind, char hash[OIKOS_DIGEST],
                             oikos_error *err);

/** Whether a file bears the seal of this kind, and is as it was sealed. Its message does not name
 * the path. Collective; a NULL team: this process alone. */
oikos_status oikos_seal_check(const oikos_team *team, const char *path, const char *kind,
                              oikos_error *err);

#endif
