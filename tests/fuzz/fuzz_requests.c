/* SPDX-License-Identifier: MIT
 * The ratings of somebody new, as `oikos recommend --ratings` takes them. */
#include "fuzz.h"

#include <math.h>

#include "cli/requests.h"

enum { N = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const ids[N] = {"1", "2", "10", "x"};
  static const char *const titles[N] = {"One (1999)", "Two", "Two", ""};
  static const float value[N] = {1, 3, 4, 5};
  static const int32_t each[N] = {0, 1, 2, 3};
  static const int64_t first[N + 1] = {0, 1, 2, 3, 4}, time[N] = {0};
  const oikos_ratings_index index = {.users = {.n = N, .id = ids},
                                     .items = {.n = N, .id = ids, .title = titles},
                                     .n = N,
                                     .value = value,
                                     .time = time,
                                     .user = each,
                                     .item = each,
                                     .user_first = first,
                                     .item_first = first,
                                     .item_rating = each};
  const oikos_team team = {.rank = 0, .size = 1, .node_size = 1};
  char path[FUZZ_PATH];
  oikos_requests r;
  oikos_error err;
  fuzz_put(fuzz_path("new.csv", path), (fuzz_input){data, size});
  const oikos_wanted wanted = {.ratings = path};
  if (oikos_requests_create(&team, &wanted, &index, &r, &err) != OIKOS_OK)
    return 0;
  for (int64_t k = 0; k < r.list[0].n; k++)
    fuzz_require(r.list[0].other[k] >= 0 && r.list[0].other[k] < N && isfinite(r.list[0].value[k]),
                 "ratings are of somebody known, and finite", "recommend");
  oikos_requests_destroy(&r);
  return 0;
}
