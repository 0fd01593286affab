/* SPDX-License-Identifier: MIT */
#include "import/name_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "base/xxh3.h"

enum { FIRST_SLOTS = 1024, FIRST_TEXT = 1 << 16 };

/* Open addressing with linear probing; at most half of the slots are taken. */
struct oikos_name_map {
  int32_t *slot; /* (slots) number + 1; 0: free */
  size_t slots;
  size_t *start; /* (slots / 2) of each name in the text */
  char *text;    /* names, each with its final 0 */
  size_t used, capacity;
  int32_t n;
};

oikos_status oikos_name_map_create(oikos_name_map **out, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(out, 1, sizeof **out, "the names", err));
  oikos_name_map *m = *out;
  m->slots = FIRST_SLOTS;
  m->capacity = FIRST_TEXT;
  m->slot = calloc(m->slots, sizeof *m->slot);
  m->start = malloc(m->slots / 2 * sizeof *m->start);
  m->text = malloc(m->capacity);
  if (m->slot && m->start && m->text)
    return OIKOS_OK;
  oikos_name_map_destroy(m);
  *out = NULL;
  return oikos_fail(err, OIKOS_ERROR, "out of memory for the names");
}

void oikos_name_map_destroy(oikos_name_map *m) {
  if (!m)
    return;
  free(m->slot);
  free(m->start);
  free(m->text);
  free(m);
}

/* The slot of a name: its own, or the free one where it belongs. */
static size_t find(const oikos_name_map *m, const char *name, size_t length) {
  size_t at = (size_t)XXH3_64bits(name, length) & (m->slots - 1);
  while (m->slot[at] && strcmp(m->text + m->start[m->slot[at] - 1], name) != 0)
    at = (at + 1) & (m->slots - 1);
  return at;
}

static oikos_status grow_slots(oikos_name_map *m, oikos_error *err) {
  size_t slots = 2 * m->slots;
  int32_t *slot = calloc(slots, sizeof *slot);
  size_t *start = realloc(m->start, oikos_mul(slots / 2, sizeof *start));
  m->start = start ? start : m->start;
  if (!slot || !start) {
    free(slot);
    return oikos_fail(err, OIKOS_ERROR, "out of memory for %d names", (int)m->n);
  }
  free(m->slot);
  m->slot = slot;
  m->slots = slots;
  for (int32_t k = 0; k < m->n; k++) {
    const char *name = m->text + m->start[k];
    m->slot[find(m, name, strlen(name))] = k + 1;
  }
  return OIKOS_OK;
}

static oikos_status keep_text(oikos_name_map *m, const char *name, size_t bytes, oikos_error *err) {
  if (m->capacity - m->used < bytes) {
    size_t capacity = 2 * m->capacity + bytes;
    char *text = realloc(m->text, capacity);
    if (!text)
      return oikos_fail(err, OIKOS_ERROR, "out of memory for %d names", (int)m->n);
    m->text = text;
    m->capacity = capacity;
  }
  memcpy(m->text + m->used, name, bytes);
  m->start[m->n] = m->used;
  m->used += bytes;
  return OIKOS_OK;
}

oikos_status oikos_name_map_add(oikos_name_map *m, const char *name, int32_t *number,
                                oikos_error *err) {
  size_t length = strlen(name), at = find(m, name, length);
  if (!m->slot[at]) {
    if (m->n == INT32_MAX - 1)
      return oikos_fail(err, OIKOS_ERROR, "more than %d different names", (int)m->n);
    if ((size_t)m->n == m->slots / 2) {
      OIKOS_TRY(grow_slots(m, err));
      at = find(m, name, length);
    }
    OIKOS_TRY(keep_text(m, name, length + 1, err));
    m->slot[at] = ++m->n;
  }
  *number = m->slot[at] - 1;
  return OIKOS_OK;
}

int32_t oikos_name_map_find(const oikos_name_map *m, const char *name) {
  return m->slot[find(m, name, strlen(name))] - 1;
}

int64_t oikos_name_map_count(const oikos_name_map *m) {
  return m->n;
}

const char *oikos_name_map_name(const oikos_name_map *m, int64_t number) {
  return m->text + m->start[number];
}
