/* SPDX-License-Identifier: MIT
 * Releases of MovieLens. The first byte is which one, the second which of its files are there; then
 * these, cut from each other. */
#include "fuzz_import.h"

enum { RELEASES = 3, FILES = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const names[RELEASES][FILES] = {
      {"u.data", "u.item", "u.user", "u.genre", "u1.base", "u1.test"},
      {"ratings.dat", "movies.dat", "users.dat"},
      {"ratings.csv", "movies.csv"}};
  char folder[FUZZ_PATH], path[FUZZ_PATH];
  fuzz_input in = {data, size};
  uint8_t how = fuzz_byte(&in), files = fuzz_byte(&in);
  const oikos_import_options options = {.skip_bad = (how & 8) != 0};
  mkdir(fuzz_path("release", folder), 0700);
  for (int r = 0; r < RELEASES; r++)
    for (int k = 0; k < FILES && names[r][k]; k++) {
      char name[64];
      snprintf(name, sizeof name, "release/%s", names[r][k]);
      fuzz_path(name, path);
      if (r == (how & 3) % RELEASES && (k == 0 || files >> k & 1))
        fuzz_put(path, fuzz_part(&in));
      else
        unlink(path);
    }
  fuzz_import("movielens", folder, &options);
  return 0;
}
