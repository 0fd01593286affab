/* SPDX-License-Identifier: MIT
 * The bytes of one regular file, plain or gzip (of one member or several, as gzip -d reads them),
 * in order. Holds one block, whatever the file says. */
#ifndef OIKOS_IMPORT_STREAM_H
#define OIKOS_IMPORT_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "oikos/error.h"

typedef struct oikos_stream oikos_stream;

/** Open @p path, plain or gzip by its content. On success release *out by oikos_stream_close(). */
oikos_status oikos_stream_open(oikos_stream **out, const char *path, oikos_error *err);

/**
 * Read exactly @p size bytes.
 * @return OIKOS_ERROR, naming the file and @p what, if fewer are left, if the gzip is damaged, or
 * if it is a bomb: more than 64 MiB come out, and more than 200 times the size of the file
 */
oikos_status oikos_stream_read(oikos_stream *stream, void *bytes, size_t size, const char *what,
                               oikos_error *err);

/** Read up to @p size bytes; fewer only at the end of the file. Errors as oikos_stream_read(). */
oikos_status oikos_stream_read_some(oikos_stream *stream, void *to, size_t size, size_t *got,
                                    oikos_error *err);

/** Check that nothing is left; checksum and length of a gzip file are then checked too. */
oikos_status oikos_stream_end(oikos_stream *stream, oikos_error *err);

/** Release; NULL is allowed. */
void oikos_stream_close(oikos_stream *stream);

#endif
