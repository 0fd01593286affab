/* SPDX-License-Identifier: MIT */
#include "math/partition.h"

/* The first place in from .. n where the cost before it is more than `cost`; n + 1: there is none.
 */
static int64_t beyond(oikos_row_cost row, int64_t from, int64_t cost) {
  int64_t low = from, high = row.n + 1;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (row.before[middle] > cost)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* Where a block that begins at an item ends at the latest. */
static int64_t latest_end(oikos_row_cost row, int64_t begin, int64_t cost, int64_t most) {
  int64_t end = beyond(row, begin, row.before[begin] + cost) - 1;
  return end - begin > most ? begin + most : end;
}

/* Where a block that ends before an item begins at the earliest. */
static int64_t earliest_begin(oikos_row_cost row, int64_t end, int64_t cost, int64_t most) {
  int64_t begin = beyond(row, 0, row.before[end] - cost - 1);
  return end - begin > most ? end - most : begin;
}

/* Whether blocks of this cost suffice. */
static int suffices(oikos_row_cost row, int64_t parts, int64_t most, int64_t cost) {
  int64_t end = 0;
  for (int64_t k = 0; k < parts && end < row.n; k++)
    end = latest_end(row, end, cost, most);
  return end == row.n;
}

static int64_t least_cost(oikos_row_cost row, int64_t parts, int64_t most) {
  int64_t low = 0, high = row.before[row.n];
  for (int64_t i = 0; i < row.n; i++) // no item is divided
    low = row.before[i + 1] - row.before[i] > low ? row.before[i + 1] - row.before[i] : low;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (suffices(row, parts, most, middle))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* The place in low .. high where the cost before it is nearest to `cost`. */
static int64_t nearest(oikos_row_cost row, int64_t low, int64_t high, int64_t cost) {
  int64_t at = beyond(row, low, cost);
  if (at > high)
    return high;
  return at > low && cost - row.before[at - 1] <= row.before[at] - cost ? at - 1 : at;
}

int64_t oikos_partition(oikos_row_cost row, int64_t parts, int64_t most, int64_t *bound) {
  int64_t cost = least_cost(row, parts, most), all = row.before[row.n];
  bound[parts] = row.n;
  for (int64_t k = parts - 1; k >= 0; k--) // the earliest that leaves the rest to the blocks behind
    bound[k] = earliest_begin(row, bound[k + 1], cost, most);
  for (int64_t k = 1; k < parts; k++) {
    int64_t even = all / parts * k + all % parts * k / parts,
            latest = latest_end(row, bound[k - 1], cost, most);
    bound[k] = nearest(row, bound[k] > bound[k - 1] ? bound[k] : bound[k - 1], latest, even);
  }
  return cost;
}
