/* SPDX-License-Identifier: MIT
 * The ratings of somebody new, as `oikos recommend --ratings` takes them. */
#include "fuzz_config.h"

#include "cli/requests.h"

enum { N = 4, ALL = N * N };

/* Everybody rates everything; two items have one title. */
static const oikos_ratings *make_ratings(void) {
  static const char *const ids[N] = {"1", "2", "10", "x"};
  static const char *const titles[N] = {"One (1999)", "Two", "Two", ""};
  static float value[ALL];
  static int32_t user[ALL], item[ALL], of_item[ALL];
  static const int64_t first[N + 1] = {0, N, 2 * N, 3 * N, ALL}, time[ALL] = {0};
  static oikos_ratings_index index;
  static oikos_config config;
  static oikos_source *source;
  oikos_error err = {.status = OIKOS_OK};
  if (source)
    return oikos_source_ratings_of(source);
  for (int32_t k = 0; k < ALL; k++) {
    user[k] = k / N;
    item[k] = k % N;
    of_item[k] = k % N * N + k / N;
    value[k] = (float)(1 + k % 5);
  }
  index = (oikos_ratings_index){.users = {.n = N, .id = ids},
                                .items = {.n = N, .id = ids, .title = titles},
                                .n = ALL,
                                .value = value,
                                .time = time,
                                .user = user,
                                .item = item,
                                .user_first = first,
                                .item_first = first,
                                .item_rating = of_item};
  fuzz_defaults(&config);
  config.task.source = OIKOS_SOURCE_RATINGS;
  config.task.split = OIKOS_SPLIT_LAST;
  config.task.support = config.task.query = 1;
  const oikos_data data = {.ratings = &index};
  fuzz_require(oikos_source_create(&config, &data, &source, &err) == OIKOS_OK, "a source",
               err.message);
  return oikos_source_ratings_of(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const oikos_team team = {.rank = 0, .size = 1, .node_size = 1};
  char path[FUZZ_PATH];
  oikos_requests r;
  oikos_error err;
  fuzz_put(fuzz_path("new.csv", path), (fuzz_input){data, size});
  const oikos_wanted wanted = {.ratings = path};
  if (oikos_requests_create(&team, &wanted, make_ratings(), &r, &err) != OIKOS_OK)
    return 0;
  for (int64_t k = 0; k < r.list[0].n; k++)
    fuzz_require(r.list[0].other[k] >= 0 && r.list[0].other[k] < N && r.list[0].value[k] >= 1 &&
                     r.list[0].value[k] <= 5,
                 "ratings are of somebody known, and of the scale", "recommend");
  oikos_requests_destroy(&r);
  return 0;
}
