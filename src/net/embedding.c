/* SPDX-License-Identifier: MIT
 * Not computed: it says that an example begins with the row of its user and that of its item, which
 * the ranks own (dist/embedding.h), and that the derivative with respect to examples is wanted. */
#include <math.h>

#include "net/layer.h"

static oikos_status configure(oikos_layer *l, oikos_error *err) {
  int64_t rows = 2 * (int64_t)l->arg[0];
  if (l->in.height != 1 || l->in.width != 1 || l->in.channels < rows)
    return oikos_fail(
        err, OIKOS_USAGE,
        "%s: expected examples that begin with two rows of %lld numbers, found an "
        "input of %lld x %lld x %lld; it belongs to task.source ratings, as the first "
        "layer",
        l->where, (long long)l->arg[0], (long long)l->in.height, (long long)l->in.width,
        (long long)l->in.channels);
  return OIKOS_OK;
}

const oikos_layer_type oikos_layer_embedding = {
    .kind = "embedding",
    .meaning =
        "The first layer of a recommender: examples are the trained row of the user, that of "
        "the item, and behind them the content. The rows lie spread over the ranks.",
    .args = {{"width", NAN, 1, 4096, true, "numbers in a row"},
             {"deviation", 0.1, 0, 10, false, "of the first rows, which are normal numbers"}},
    .configure = configure,
};
