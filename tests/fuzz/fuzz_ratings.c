/* SPDX-License-Identifier: MIT
 * Ratings imported from tables. The first byte is the options; then the ratings, the users and the
 * items, cut from each other. */
#include "fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char ratings[FUZZ_PATH], users[FUZZ_PATH], items[FUZZ_PATH];
  fuzz_input in = {data, size};
  uint8_t how = fuzz_byte(&in);
  const oikos_import_options options = {
      .user = "u",
      .item = "i",
      .rating = "r",
      .time = how & 1 ? "t" : NULL,
      .user_table = how & 2 ? fuzz_path("users.csv", users) : NULL,
      .item_table = how & 4 ? fuzz_path("items.csv", items) : NULL,
      .title = how & 4 && how & 16 ? "title" : NULL,
      .categories = how & 32 ? "c" : NULL,
      .no_header = how == 64,
      .format = {.quotes = how & 128 ? OIKOS_QUOTES_BACKSLASH : OIKOS_QUOTES_DOUBLED},
      .skip_bad = (how & 8) != 0};
  fuzz_put(fuzz_path("ratings.csv", ratings), fuzz_part(&in));
  if (options.user_table)
    fuzz_put(users, fuzz_part(&in));
  if (options.item_table)
    fuzz_put(items, fuzz_part(&in));
  fuzz_import("csv", ratings, &options);
  return 0;
}
