/* SPDX-License-Identifier: MIT
 * A look at a YAML text before it is loaded. libyaml's loader takes time by the square of the
 * depth, of the number of anchors and of that of aliases; its events come at the speed of reading,
 * so that the first one too many ends it. */
#include <string.h>

#include <yaml.h>

#include "config/options.h"

/* A configuration with everything in it is 20 kB, 5 deep and 3,000 nodes. */
enum { MOST_BYTES = 1 << 18, MOST_DEPTH = 8, MOST_NODES = 1 << 13, MOST_ANCHORS = 64 };

typedef struct counts {
  int depth, nodes, anchors;
  bool zero; /* a scalar with a byte 0, which would end a text early */
} counts;

static void count(const yaml_event_t *e, counts *c) {
  bool mapping = e->type == YAML_MAPPING_START_EVENT, list = e->type == YAML_SEQUENCE_START_EVENT,
       scalar = e->type == YAML_SCALAR_EVENT;
  c->depth += mapping || list;
  c->depth -= e->type == YAML_MAPPING_END_EVENT || e->type == YAML_SEQUENCE_END_EVENT;
  c->nodes += mapping || list || scalar;
  c->anchors += e->type == YAML_ALIAS_EVENT || (mapping && e->data.mapping_start.anchor) ||
                (list && e->data.sequence_start.anchor) || (scalar && e->data.scalar.anchor);
  c->zero |= scalar && memchr(e->data.scalar.value, 0, e->data.scalar.length);
}

static oikos_status judge(const counts *c, const char *name, size_t line, oikos_error *err) {
  if (c->depth > MOST_DEPTH)
    return oikos_fail(err, OIKOS_USAGE, "%s:%zu: nested deeper than %d; a configuration needs 5",
                      name, line, MOST_DEPTH);
  if (c->nodes > MOST_NODES)
    return oikos_fail(err, OIKOS_USAGE, "%s:%zu: more than %d keys and values", name, line,
                      MOST_NODES);
  if (c->anchors > MOST_ANCHORS)
    return oikos_fail(err, OIKOS_USAGE, "%s:%zu: more than %d anchors and aliases", name, line,
                      MOST_ANCHORS);
  if (c->zero)
    return oikos_fail(err, OIKOS_USAGE, "%s:%zu: a text with a byte 0 in it", name, line);
  return OIKOS_OK;
}

oikos_status oikos_config_guard(const char *name, const char *text, size_t length,
                                oikos_error *err) {
  yaml_parser_t yaml;
  counts c = {0};
  oikos_status status = OIKOS_OK;
  if (length > MOST_BYTES)
    return oikos_fail(err, OIKOS_USAGE, "%s: %zu bytes; a configuration has at most %d", name,
                      length, MOST_BYTES);
  if (!yaml_parser_initialize(&yaml))
    return oikos_fail(err, OIKOS_ERROR, "out of memory: the YAML parser could not be created");
  yaml_parser_set_input_string(&yaml, (const unsigned char *)text, length);
  for (bool end = false; status == OIKOS_OK && !end;) {
    yaml_event_t e;
    if (!yaml_parser_parse(&yaml, &e))
      break; // the loader will say what is wrong
    count(&e, &c);
    status = judge(&c, name, e.start_mark.line + 1, err);
    end = e.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&e);
  }
  yaml_parser_delete(&yaml);
  return status;
}
