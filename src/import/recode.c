/* SPDX-License-Identifier: MIT */
#include "import/recode.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"

enum { BLOCK = 64 << 10, LONGEST = 16 /* bytes of a character in any encoding */ };

struct oikos_recode {
  const oikos_csv_source *from;
  iconv_t how;
  bool ended; /* the source is */
  size_t begin, n, made_begin, made;
  char in[BLOCK],
      out[BLOCK]; /* begin .. + n waits to be converted, made_begin .. + made to be read */
};

oikos_status oikos_recode_open(oikos_recode **out, const oikos_csv_source *from,
                               const char *encoding, oikos_error *err) {
  iconv_t how = iconv_open("UTF-8", encoding);
  if (how == (iconv_t)-1)
    return oikos_fail(
        err, OIKOS_USAGE,
        "the encoding '%.60s' is not known here; `iconv -l` lists those that are, such "
        "as ISO-8859-1, WINDOWS-1252 and UTF-16",
        encoding);
  oikos_status status = oikos_alloc(out, 1, sizeof **out, "an encoding", err);
  if (status != OIKOS_OK) {
    iconv_close(how);
    return status;
  }
  (*out)->from = from;
  (*out)->how = how;
  return OIKOS_OK;
}

void oikos_recode_close(oikos_recode *r) {
  if (!r)
    return;
  iconv_close(r->how);
  free(r);
}

/* Read behind what waits. */
static oikos_status fill(oikos_recode *r, oikos_error *err) {
  size_t got, room = BLOCK - r->n;
  memmove(r->in, r->in + r->begin, r->n);
  r->begin = 0;
  OIKOS_TRY(r->from->read(r->from->user, r->in + r->n, room, &got, err));
  r->ended = got < room;
  r->n += got;
  return OIKOS_OK;
}

/* Convert what waits; what cannot be is passed over, a byte at a time. */
static void convert(oikos_recode *r) {
  char *from = r->in + r->begin, *to = r->out;
  size_t room = BLOCK;
  while (r->n > 0 && room > 0) {
    bool done = iconv(r->how, &from, &r->n, &to, &room) != (size_t)-1;
    if (done || errno == E2BIG || (errno == EINVAL && !r->ended) || room == 0)
      break;
    *to++ = 0; // EILSEQ, or cut short by the end
    room--;
    from++;
    r->n--;
  }
  r->begin = (size_t)(from - r->in);
  r->made_begin = 0;
  r->made = BLOCK - room;
}

oikos_status oikos_recode_read(void *recode, void *to, size_t size, size_t *got, oikos_error *err) {
  oikos_recode *r = recode;
  for (*got = 0; *got < size;) {
    if (r->made == 0) {
      if (r->n < LONGEST && !r->ended)
        OIKOS_TRY(fill(r, err));
      if (r->n == 0 && r->ended)
        return OIKOS_OK;
      convert(r);
    }
    size_t n = size - *got < r->made ? size - *got : r->made;
    memcpy((char *)to + *got, r->out + r->made_begin, n);
    r->made_begin += n;
    r->made -= n;
    *got += n;
  }
  return OIKOS_OK;
}
