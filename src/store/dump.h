/* SPDX-License-Identifier: MIT
 * A dump: named arrays of numbers in an HDF5 file, for comparison with other frameworks. What
 * `oikos gradcheck --dump` writes: attribute config (YAML); /start, /trained, /meta_gradient and,
 * if rates are learned, /rate and /rate_gradient, each a group of tensors by name; with
 * homes /shared, /homes/T, /p, their /shared_gradient, /homes_gradient/T; /encoder, /rows and
 * theirs likewise; /support_x (n, height, width, channels), /support_y, /query_x, /query_y;
 * /query_loss. */
#ifndef OIKOS_STORE_DUMP_H
#define OIKOS_STORE_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oikos/error.h"
#include "oikos/real.h"

typedef struct oikos_dump oikos_dump;

/** Not collective: one process. Takes disk space for @p numbers numbers first. */
oikos_status oikos_dump_create(const char *path, const char *config, size_t numbers,
                               oikos_dump **dump, oikos_error *err);

/** Write an array; its groups are made. */
oikos_status oikos_dump_write(oikos_dump *dump, const char *path, int n_dims, const int64_t *dims,
                              const oikos_real *data, oikos_error *err);

/** Close. The file stands under its name, in place of what stood there, if everything succeeded and
 * it is @p whole; else nothing has changed. */
oikos_status oikos_dump_close(oikos_dump *dump, bool whole, oikos_error *err);

#endif
