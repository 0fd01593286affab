/* SPDX-License-Identifier: MIT
 *
 * A hash of all bytes of a file that many ranks compute together: XXH3-128 over the XXH3-128 of
 * each block of 1 MiB (the last one may be shorter) in the order of the file, and over the number
 * of bytes. A hash goes in as its 16 canonical bytes, the number as 8, the least first. It is the
 * same on any number of ranks.
 */
#ifndef OIKOS_STORE_BLOCK_HASH_H
#define OIKOS_STORE_BLOCK_HASH_H

#include "dist/team.h"

enum { OIKOS_HASH_BLOCK = 1 << 20, OIKOS_DIGEST = 33 /* 32 hex digits and a zero */ };

/** Sees the bytes that this rank reads, in order: n of them, the first being byte `offset` of the
 * file.
 */
typedef oikos_status oikos_block_visit(void *user, int64_t offset, const char *bytes, size_t n,
                                       oikos_error *err);

/**
 * The hash of a file from byte @p from on. Every byte is read once, by one rank. Collective over @p
 * team; NULL: this process alone.
 * @param visit  after each block; NULL: that is a pulse of the team
 */
oikos_status oikos_block_hash(const oikos_team *team, const char *path, int64_t from,
                              oikos_block_visit *visit, void *user, char hash[OIKOS_DIGEST],
                              oikos_error *err);

/** The blocks' bytes that a rank reads of a file of `size` bytes: from *first on, *count. */
void oikos_block_share(const oikos_team *team, int64_t from, int64_t size, int64_t *first,
                       int64_t *count);

/** As text. */
void oikos_digest_text(const unsigned char canonical[16], char text[OIKOS_DIGEST]);

#endif
