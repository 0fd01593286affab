/* SPDX-License-Identifier: MIT
 * YAML to configuration, by the table. libyaml keeps the line of every node, which range errors
 * need too (libcyaml forgets it once a value is stored, and has no ranges). */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/try.h"
#include "config/options.h"
#include "config/parser.h"

typedef oikos_parser parser;

static const char *kind_of(const yaml_node_t *node) {
  return node->type == YAML_MAPPING_NODE    ? "a mapping"
         : node->type == YAML_SEQUENCE_NODE ? "a list"
                                            : oikos_text_of(node);
}

/* How much of a text is shown in a message: the beginning of its first line. */
static int shown(const char *text) {
  int length = 0;
  while (length < 60 && (unsigned char)text[length] >= ' ')
    length++;
  return length;
}

oikos_status oikos_parser_refuse(const parser *p, const yaml_node_t *node, const char *key,
                                 const char *expected) {
  char place[32] = "";
  const char *found =
      node->type == YAML_SCALAR_NODE && !*oikos_text_of(node) ? "nothing" : kind_of(node);
  if (!p->alone)
    snprintf(place, sizeof place, ":%d", oikos_line_of(p, node));
  return oikos_fail(p->err, OIKOS_USAGE,
                    "%s%s: %s: expected %s, found %.*s (see `oikos config --explain`)", p->name,
                    place, key, expected, shown(found), found);
}

bool oikos_config_number(const char *text, double *value) {
  char *end;
  if (!*text || strchr(" \t\n\r\v\f", *text)) // which strtod would pass over
    return false;
  *value = oikos_number_read(text, &end);
  return *end == 0 && isfinite(*value);
}

/* Text of an option that is one value; false if it cannot be that. @p plain: without quotes. */
static bool take_text(const oikos_option *o, const char *text, bool plain, oikos_config *c) {
  void *at = oikos_option_at(o, c);
  double value;
  int index;
  switch (o->type) {
  case OPTION_INT:
  case OPTION_REAL:
    if (!plain || !oikos_config_number(text, &value) || value < o->low || value > o->high ||
        (o->type == OPTION_INT && value != floor(value)))
      return false;
    if (o->type == OPTION_INT)
      *(int64_t *)at = (int64_t)value;
    else
      *(double *)at = value;
    return true;
  case OPTION_BOOL:
    index = oikos_choice_index("false|true", text);
    *(bool *)at = index == 1;
    return index >= 0;
  case OPTION_CHOICE:
    index = oikos_choice_index(o->choices, text);
    if (index >= 0)
      oikos_option_choose(o, index, c);
    return index >= 0;
  case OPTION_STRING:
    if (strlen(text) >= OIKOS_PATH || !oikos_utf8_is_valid(text))
      return false;
    memset(at, 0, OIKOS_PATH);
    memcpy(at, text, strlen(text));
    return true;
  case OPTION_STRINGS:
  case OPTION_LAYERS:
    break;
  }
  return false;
}

static void say_expected(const oikos_option *o, char *out, size_t size) {
  char low[OIKOS_NUMBER_TEXT], high[OIKOS_NUMBER_TEXT];
  switch (o->type) {
  case OPTION_INT:
  case OPTION_REAL:
    snprintf(out, size, "%s from %s to %s", o->type == OPTION_INT ? "a whole number" : "a number",
             oikos_number_text(o->low, low), oikos_number_text(o->high, high));
    break;
  case OPTION_CHOICE:
  case OPTION_STRINGS:
    snprintf(out, size, "one of %s", o->choices);
    break;
  case OPTION_BOOL:
    snprintf(out, size, "true or false");
    break;
  case OPTION_STRING:
    snprintf(out, size, "a text of at most %d bytes, in UTF-8", OIKOS_PATH - 1);
    break;
  case OPTION_LAYERS:
    snprintf(out, size, "a list of layers");
    break;
  }
}

static oikos_status read_text(const parser *p, const oikos_option *o, const yaml_node_t *node) {
  char expected[256];
  if (node->type == YAML_SCALAR_NODE &&
      take_text(o, oikos_text_of(node), node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
                p->config))
    return OIKOS_OK;
  say_expected(o, expected, sizeof expected);
  return oikos_parser_refuse(p, node, o->key, expected);
}

static oikos_status read_strings(parser *p, const oikos_option *o, const yaml_node_t *node,
                                 oikos_strings *list) {
  if (node->type != YAML_SEQUENCE_NODE ||
      node->data.sequence.items.start == node->data.sequence.items.top)
    return oikos_parser_refuse(p, node, o->key, "a list with at least one entry");
  memset(list, 0, sizeof *list);
  for (const yaml_node_item_t *i = node->data.sequence.items.start;
       i < node->data.sequence.items.top; i++) {
    const yaml_node_t *item = yaml_document_get_node(&p->document, *i);
    char expected[256];
    say_expected(o, expected, sizeof expected);
    if (item->type != YAML_SCALAR_NODE || oikos_choice_index(o->choices, oikos_text_of(item)) < 0)
      return oikos_parser_refuse(p, item, o->key, expected);
    if (list->n == OIKOS_MAX_LIST)
      return oikos_parser_refuse(p, item, o->key, "at most 16 entries");
    snprintf(list->item[list->n++], OIKOS_NAME, "%s", oikos_text_of(item));
  }
  return OIKOS_OK;
}

static oikos_status read_option(parser *p, const oikos_option *o, const yaml_node_t *node) {
  void *at = oikos_option_at(o, p->config);
  p->config->given[o - oikos_options()] = p->alone ? OIKOS_GIVEN_BY_SET : oikos_line_of(p, node);
  if (o->type == OPTION_STRINGS)
    return read_strings(p, o, node, at);
  if (o->type == OPTION_LAYERS)
    return oikos_parser_layers(p, o->key, node, at);
  return read_text(p, o, node);
}

static bool is_section(const char *name) {
  size_t length = strlen(name);
  for (const oikos_option *o = oikos_options(); o->key; o++)
    if (strncmp(o->key, name, length) == 0 && o->key[length] == '.')
      return true;
  return false;
}

/* "section.name", in key (3 * OIKOS_NAME), and what that is called now. */
static const char *key_of(const char *section, const yaml_node_t *name, char *key) {
  snprintf(key, 3 * (size_t)OIKOS_NAME, "%s%s%s", section ? section : "", section ? "." : "",
           oikos_text_of(name));
  return oikos_option_name_now(key);
}

static oikos_status read_mapping(parser *p, const yaml_node_t *node, const char *section) {
  for (const yaml_node_pair_t *i = node->data.mapping.pairs.start; i < node->data.mapping.pairs.top;
       i++) {
    const yaml_node_t *name = yaml_document_get_node(&p->document, i->key);
    const yaml_node_t *value = yaml_document_get_node(&p->document, i->value);
    char key[3 * OIKOS_NAME], other[3 * OIKOS_NAME];
    if (name->type != YAML_SCALAR_NODE || strlen(oikos_text_of(name)) > OIKOS_NAME)
      return oikos_parser_refuse(p, name, section ? section : "configuration", "a key");
    const char *now = key_of(section, name, key);
    for (const yaml_node_pair_t *j = node->data.mapping.pairs.start; j < i; j++)
      if (strcmp(key_of(section, yaml_document_get_node(&p->document, j->key), other), now) == 0)
        return oikos_fail(p->err, OIKOS_USAGE, "%s:%d: %s: the key stands twice; keep one", p->name,
                          oikos_line_of(p, name), now);
    // a section is written as one, so that no key can stand in two places
    const oikos_option *o = strchr(oikos_text_of(name), '.') ? NULL : oikos_option_find(now);
    if (o) {
      oikos_option_given_as(key, p->config);
      OIKOS_TRY(read_option(p, o, value));
    } else if (!section && is_section(key)) {
      if (value->type != YAML_MAPPING_NODE)
        return oikos_parser_refuse(p, value, key, "a section of keys");
      OIKOS_TRY(read_mapping(p, value, key));
    } else {
      return oikos_fail(
          p->err, OIKOS_USAGE,
          "%s:%d: unknown key %s; did you mean %s? (`oikos config --explain` lists all)", p->name,
          oikos_line_of(p, name), key, oikos_option_nearest(key));
    }
  }
  return OIKOS_OK;
}

/* A file is one YAML document. */
static oikos_status expect_end(yaml_parser_t *yaml, const char *name, oikos_error *err) {
  yaml_document_t next;
  if (!yaml_parser_load(yaml, &next))
    return oikos_fail(err, OIKOS_USAGE, "%s:%zu: not valid YAML: %s", name,
                      yaml->problem_mark.line + 1, yaml->problem ? yaml->problem : "unreadable");
  const yaml_node_t *root = yaml_document_get_root_node(&next);
  size_t line = root ? root->start_mark.line + 1 : 0;
  yaml_document_delete(&next);
  if (root)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s:%zu: a second document begins here; a configuration is one", name, line);
  return OIKOS_OK;
}

/* Load the one document of the text and read it: a mapping of sections, or the value of @p alone.
 */
static oikos_status parse(parser *p, const oikos_option *alone, const char *text, size_t length) {
  yaml_parser_t yaml;
  OIKOS_TRY(oikos_config_guard(p->name, text, length, p->err));
  if (!yaml_parser_initialize(&yaml))
    return oikos_fail(p->err, OIKOS_ERROR, "out of memory: the YAML parser could not be created");
  yaml_parser_set_input_string(&yaml, (const unsigned char *)text, length);
  if (!yaml_parser_load(&yaml, &p->document)) {
    oikos_status status =
        oikos_fail(p->err, OIKOS_USAGE, "%s:%zu: not valid YAML: %s", p->name,
                   yaml.problem_mark.line + 1, yaml.problem ? yaml.problem : "unreadable");
    yaml_parser_delete(&yaml);
    return status;
  }
  const yaml_node_t *root = yaml_document_get_root_node(&p->document);
  oikos_status status;
  if (root && alone)
    status = read_option(p, alone, root);
  else if (root && root->type == YAML_MAPPING_NODE)
    status = read_mapping(p, root, NULL);
  else
    status = oikos_fail(p->err, OIKOS_USAGE, "%s: expected %s, found %s", p->name,
                        alone ? "a list" : "sections such as `task:` and `model:`",
                        alone  ? "nothing"
                        : root ? "no mapping"
                               : "an empty file");
  if (status == OIKOS_OK)
    status = expect_end(&yaml, p->name, p->err);
  yaml_document_delete(&p->document);
  yaml_parser_delete(&yaml);
  return status;
}

oikos_status oikos_config_parse(oikos_config *config, const char *name, const char *text,
                                size_t length, oikos_error *err) {
  parser p = {.name = name, .config = config, .err = err};
  OIKOS_TRY(parse(&p, NULL, text, length));
  memset(config->file, 0, sizeof config->file);
  snprintf(config->file, sizeof config->file, "%s", name);
  return OIKOS_OK;
}

/* One key, one value: lists are YAML, all else is taken as it stands. */
static oikos_status set(oikos_config *config, const oikos_option *o, const char *value,
                        oikos_error *err) {
  parser p = {.name = "--set", .alone = true, .config = config, .err = err};
  char expected[256];
  if (o->type == OPTION_STRINGS || o->type == OPTION_LAYERS)
    return parse(&p, o, value, strlen(value));
  config->given[o - oikos_options()] = OIKOS_GIVEN_BY_SET;
  if (take_text(o, value, true, config))
    return OIKOS_OK;
  say_expected(o, expected, sizeof expected);
  return oikos_fail(err, OIKOS_USAGE,
                    "--set: %s: expected %s, found %.*s (see `oikos config --explain`)", o->key,
                    expected, shown(value) ? shown(value) : 7, shown(value) ? value : "nothing");
}

oikos_status oikos_config_set(oikos_config *config, const char *assignment, oikos_error *err) {
  const char *equals = strchr(assignment, '=');
  char key[3 * OIKOS_NAME];
  if (!equals || equals == assignment || (size_t)(equals - assignment) >= sizeof key)
    return oikos_fail(err, OIKOS_USAGE, "--set %s: expected key=value, such as --set inner.steps=5",
                      assignment);
  snprintf(key, sizeof key, "%.*s", (int)(equals - assignment), assignment);
  const oikos_option *o = oikos_option_find(oikos_option_name_now(key));
  oikos_option_given_as(key, config);
  if (!o)
    return oikos_fail(
        err, OIKOS_USAGE,
        "--set: unknown key %s; did you mean %s? (`oikos config --explain` lists all)", key,
        oikos_option_nearest(key));
  return set(config, o, equals + 1, err);
}

/* Without YAML, so that nothing can be short of memory; a unit test sees that every default is
 * allowed. A list of texts is [a, b]; layers have none. */
static void take_default(const oikos_option *o, oikos_config *config) {
  if (o->type != OPTION_STRINGS) {
    take_text(o, o->standard, true, config);
    return;
  }
  oikos_strings *list = oikos_option_at(o, config);
  for (const char *c = o->standard + 1; *c;) {
    size_t length = strcspn(c, ",]");
    snprintf(list->item[list->n++], OIKOS_NAME, "%.*s", (int)length, c);
    c += length;
    c += strspn(c, ", ]");
  }
}

void oikos_config_defaults(oikos_config *config) {
  memset(config, 0, sizeof *config);
  for (const oikos_option *o = oikos_options(); o->key; o++)
    take_default(o, config);
}
