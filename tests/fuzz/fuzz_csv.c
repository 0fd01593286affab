/* SPDX-License-Identifier: MIT
 * Tables as text: rows and numbers, however they are separated and quoted. The first byte is the
 * format. */
#include "fuzz.h"

#include <math.h>

#include "import/csv.h"
#include "import/number.h"

enum { SMALL = 7 };

/* Little at a time at first, so that rows lie across what was read. */
static oikos_status take(void *user, void *to, size_t size, size_t *got, oikos_error *err) {
  fuzz_input *in = user;
  (void)err;
  *got = in->size < size ? in->size : size;
  if (*got)
    memcpy(to, in->data, *got);
  in->data += *got;
  in->size -= *got;
  return OIKOS_OK;
}

static void read_rows(oikos_csv *csv) {
  oikos_csv_row row;
  oikos_error err;
  bool end = false;
  int64_t line = 0;
  double value;
  while (oikos_csv_next(csv, &row, &end, &err) == OIKOS_OK && !end) {
    fuzz_require(row.line > line, "rows are numbered upwards", "csv");
    line = row.line;
    if (row.fault) {
      fuzz_require(oikos_csv_check(csv, &row, &err) != OIKOS_OK, "no row is said to be none",
                   "csv");
      continue;
    }
    fuzz_require(row.n >= 1, "a row has fields", "csv");
    for (int k = 0; k < row.n; k++)
      if (oikos_parse_number(row.field[k], &value))
        fuzz_require(isfinite(value) && strlen(row.field[k]) > 0, "numbers are finite", "csv");
    if (oikos_csv_check(csv, &row, &err) != OIKOS_OK)
      oikos_csv_reject(csv);
    else
      oikos_csv_number(csv, &row, row.n - 1, &value, &err);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const separators[] = {NULL, ",", "\t", "::", "|", ";", " ", NULL};
  static const char *const names[] = {"a", "b", "c"};
  fuzz_input in = {data, size};
  uint8_t how = fuzz_byte(&in);
  oikos_csv_format format = {.separator = separators[how & SMALL],
                             .header = (how & 8) != 0,
                             .quotes = (oikos_csv_quotes)((how >> 4 & 3) % 3),
                             .encoding = how & 64 ? "ISO-8859-1" : NULL,
                             .n_names = how & 8 ? 0 : 3,
                             .names = how & 8 ? NULL : names};
  oikos_csv_source source = {.name = "input", .read = take, .user = &in};
  oikos_csv *csv;
  oikos_error err;
  if (oikos_csv_open_source(&csv, &source, &format, &err) != OIKOS_OK)
    return 0;
  read_rows(csv);
  oikos_csv_close(csv);
  return 0;
}
