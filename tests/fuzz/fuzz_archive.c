/* SPDX-License-Identifier: MIT
 * Archives: the files in one, read whole, in pieces, passed over, or left. The first byte is the
 * limits, the second how each file is read in turn. */
#include "fuzz.h"

#include "import/archive.h"
#include "import/entry_name.h"

static oikos_status read_some(oikos_archive *archive, oikos_error *err) {
  char piece[1000];
  size_t got = sizeof piece;
  oikos_status status = OIKOS_OK;
  while (status == OIKOS_OK && got == sizeof piece)
    status = oikos_archive_read_some(archive, piece, sizeof piece, &got, err);
  return status;
}

static oikos_status read_one(oikos_archive *archive, int how, oikos_error *err) {
  const uint8_t *bytes;
  size_t size;
  switch (how) {
  case 0:
    return OIKOS_OK;
  case 1:
    return oikos_archive_skip(archive, err);
  case 2:
    return read_some(archive, err);
  default:
    return oikos_archive_read(archive, &bytes, &size, err);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[FUZZ_PATH];
  fuzz_input in = {data, size};
  uint8_t limits = fuzz_byte(&in);
  unsigned order = fuzz_byte(&in);
  const oikos_archive_limits most = {.entry_bytes = limits & 1 ? 100 : 1 << 20,
                                     .total_bytes = limits & 2 ? 1000 : 4 << 20,
                                     .entries = limits & 4 ? 3 : 1000,
                                     .ratio = 200};
  oikos_archive *archive;
  oikos_error err;
  oikos_status status;
  const char *name;
  fuzz_put(fuzz_path("archive", path), in);
  if (oikos_archive_open(&archive, path, &most, &err) != OIKOS_OK)
    return 0;
  while ((status = oikos_archive_next(archive, &name, &err)) == OIKOS_OK && name) {
    fuzz_require(oikos_entry_name_check(name, &err) == OIKOS_OK, "names are clean", name);
    if (read_one(archive, order & 3, &err) != OIKOS_OK)
      break;
    order = order >> 2 | (order & 3) << 6;
  }
  oikos_archive_close(archive);
  return 0;
}
