/* SPDX-License-Identifier: MIT
 * YAML to configuration, by the table. libyaml keeps the line of every node, which range errors
 * need too (libcyaml forgets it once a value is stored, and has no ranges). */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/try.h"
#include "config/options.h"

typedef struct parser {
  yaml_document_t document;
  const char *name;
  oikos_config *config;
  oikos_error *err;
} parser;

static int line_of(const yaml_node_t *node) {
  return (int)node->start_mark.line + 1;
}

static const char *text_of(const yaml_node_t *node) {
  return (const char *)node->data.scalar.value;
}

static const char *kind_of(const yaml_node_t *node) {
  return node->type == YAML_MAPPING_NODE    ? "a mapping"
         : node->type == YAML_SEQUENCE_NODE ? "a list"
                                            : text_of(node);
}

static oikos_status wrong(const parser *p, const yaml_node_t *node, const char *key,
                          const char *expected) {
  return oikos_fail(p->err, OIKOS_USAGE,
                    "%s:%d: %s: expected %s, found %.60s (see `oikos config --explain`)", p->name,
                    line_of(node), key, expected,
                    node->type == YAML_SCALAR_NODE && !*text_of(node) ? "nothing" : kind_of(node));
}

static bool number_of(const yaml_node_t *node, double *value) {
  if (node->type != YAML_SCALAR_NODE || !*text_of(node) ||
      node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
    return false;
  char *end;
  *value = strtod(text_of(node), &end);
  return *end == 0 && isfinite(*value);
}

static oikos_status read_number(const parser *p, const oikos_option *o, const yaml_node_t *node,
                                void *at) {
  bool whole = o->type == OPTION_INT;
  char expected[160];
  double value;
  snprintf(expected, sizeof expected, "%s from %.17g to %.17g",
           whole ? "a whole number" : "a number", o->low, o->high);
  if (!number_of(node, &value) || value < o->low || value > o->high ||
      (whole && value != floor(value)))
    return wrong(p, node, o->key, expected);
  if (whole)
    *(int64_t *)at = (int64_t)value;
  else
    *(double *)at = value;
  return OIKOS_OK;
}

static oikos_status read_choice(const parser *p, const oikos_option *o, const yaml_node_t *node,
                                int *choice) {
  char expected[256];
  snprintf(expected, sizeof expected, "one of %s", o->choices);
  int index = node->type == YAML_SCALAR_NODE ? oikos_choice_index(o->choices, text_of(node)) : -1;
  if (index < 0)
    return wrong(p, node, o->key, expected);
  *choice = index;
  return OIKOS_OK;
}

static oikos_status read_strings(parser *p, const oikos_option *o, const yaml_node_t *node,
                                 oikos_strings *list) {
  if (node->type != YAML_SEQUENCE_NODE ||
      node->data.sequence.items.start == node->data.sequence.items.top)
    return wrong(p, node, o->key, "a list with at least one entry");
  list->n = 0;
  for (const yaml_node_item_t *i = node->data.sequence.items.start;
       i < node->data.sequence.items.top; i++) {
    const yaml_node_t *item = yaml_document_get_node(&p->document, *i);
    int choice;
    OIKOS_TRY(read_choice(p, o, item, &choice));
    if (list->n == OIKOS_MAX_LIST)
      return wrong(p, item, o->key, "at most 16 entries");
    snprintf(list->item[list->n++], OIKOS_NAME, "%s", text_of(item));
  }
  return OIKOS_OK;
}

static oikos_status read_layer_args(parser *p, const oikos_option *o, const yaml_node_t *node,
                                    oikos_layer_spec *spec) {
  if (node->type == YAML_SCALAR_NODE) { // the short form `dense: 40`
    if (!number_of(node, &spec->arg[0].value))
      return wrong(p, node, o->key, "a number or a mapping such as {units: 40}");
    spec->n_args = 1;
    return OIKOS_OK;
  }
  if (node->type != YAML_MAPPING_NODE)
    return wrong(p, node, o->key, "a number or a mapping such as {units: 40}");
  for (const yaml_node_pair_t *i = node->data.mapping.pairs.start; i < node->data.mapping.pairs.top;
       i++) {
    const yaml_node_t *key = yaml_document_get_node(&p->document, i->key);
    const yaml_node_t *value = yaml_document_get_node(&p->document, i->value);
    if (key->type != YAML_SCALAR_NODE || strlen(text_of(key)) >= OIKOS_NAME || !*text_of(key))
      return wrong(p, key, o->key, "the name of an argument");
    if (spec->n_args == OIKOS_MAX_ARGS)
      return wrong(p, key, o->key, "at most 8 arguments");
    if (!number_of(value, &spec->arg[spec->n_args].value))
      return wrong(p, value, text_of(key), "a number");
    for (int a = 0; a < spec->n_args; a++)
      if (strcmp(spec->arg[a].key, text_of(key)) == 0)
        return wrong(p, key, o->key, "each argument once");
    snprintf(spec->arg[spec->n_args++].key, OIKOS_NAME, "%s", text_of(key));
  }
  return OIKOS_OK;
}

static oikos_status read_layers(parser *p, const oikos_option *o, const yaml_node_t *node,
                                oikos_layer_list *list) {
  if (node->type != YAML_SEQUENCE_NODE)
    return wrong(p, node, o->key, "a list of layers");
  list->n_layers = 0;
  for (const yaml_node_item_t *i = node->data.sequence.items.start;
       i < node->data.sequence.items.top; i++) {
    const yaml_node_t *item = yaml_document_get_node(&p->document, *i), *name = item, *args = NULL;
    if (item->type == YAML_MAPPING_NODE &&
        item->data.mapping.pairs.top == item->data.mapping.pairs.start + 1) {
      name = yaml_document_get_node(&p->document, item->data.mapping.pairs.start->key);
      args = yaml_document_get_node(&p->document, item->data.mapping.pairs.start->value);
    }
    if (name->type != YAML_SCALAR_NODE || strlen(text_of(name)) >= OIKOS_NAME || !*text_of(name))
      return wrong(p, item, o->key, "a layer such as `relu` or `dense: 40`");
    if (list->n_layers == OIKOS_MAX_LAYERS)
      return wrong(p, item, o->key, "at most 64 layers");
    oikos_layer_spec *spec = &list->layers[list->n_layers++];
    memset(spec, 0, sizeof *spec);
    snprintf(spec->kind, sizeof spec->kind, "%s", text_of(name));
    spec->line = line_of(name);
    if (args)
      OIKOS_TRY(read_layer_args(p, o, args, spec));
  }
  return OIKOS_OK;
}

static oikos_status read_option(parser *p, const oikos_option *o, const yaml_node_t *node) {
  void *at = oikos_option_at(o, p->config);
  switch (o->type) {
  case OPTION_INT:
  case OPTION_REAL:
    return read_number(p, o, node, at);
  case OPTION_BOOL: {
    int index =
        node->type == YAML_SCALAR_NODE ? oikos_choice_index("false|true", text_of(node)) : -1;
    if (index < 0)
      return wrong(p, node, o->key, "true or false");
    *(bool *)at = index == 1;
    return OIKOS_OK;
  }
  case OPTION_CHOICE:
    return read_choice(p, o, node, at);
  case OPTION_STRING:
    if (node->type != YAML_SCALAR_NODE || strlen(text_of(node)) >= OIKOS_PATH)
      return wrong(p, node, o->key, "a text of at most 1023 bytes");
    snprintf(at, OIKOS_PATH, "%s", text_of(node));
    return OIKOS_OK;
  case OPTION_STRINGS:
    return read_strings(p, o, node, at);
  case OPTION_LAYERS:
    return read_layers(p, o, node, at);
  }
  return OIKOS_OK;
}

/* The key of the table that shares the most leading and trailing letters with a wrong one. */
static const char *nearest_key(const char *wrong_key) {
  const char *best = oikos_options()->key;
  size_t best_score = 0, n = strlen(wrong_key);
  for (const oikos_option *o = oikos_options(); o->key; o++) {
    size_t m = strlen(o->key), head = 0, tail = 0;
    while (head < n && head < m && wrong_key[head] == o->key[head])
      head++;
    while (tail < n && tail < m && wrong_key[n - 1 - tail] == o->key[m - 1 - tail])
      tail++;
    if (head + tail > best_score) {
      best_score = head + tail;
      best = o->key;
    }
  }
  return best;
}

static bool is_section(const char *name) {
  size_t length = strlen(name);
  for (const oikos_option *o = oikos_options(); o->key; o++)
    if (strncmp(o->key, name, length) == 0 && o->key[length] == '.')
      return true;
  return false;
}

static oikos_status read_mapping(parser *p, const yaml_node_t *node, const char *section) {
  for (const yaml_node_pair_t *i = node->data.mapping.pairs.start; i < node->data.mapping.pairs.top;
       i++) {
    const yaml_node_t *name = yaml_document_get_node(&p->document, i->key);
    const yaml_node_t *value = yaml_document_get_node(&p->document, i->value);
    char key[3 * OIKOS_NAME];
    if (name->type != YAML_SCALAR_NODE || strlen(text_of(name)) > OIKOS_NAME)
      return wrong(p, name, section ? section : "configuration", "a key");
    snprintf(key, sizeof key, "%s%s%s", section ? section : "", section ? "." : "", text_of(name));
    for (const yaml_node_pair_t *j = node->data.mapping.pairs.start; j < i; j++)
      if (strcmp(text_of(yaml_document_get_node(&p->document, j->key)), text_of(name)) == 0)
        return oikos_fail(p->err, OIKOS_USAGE, "%s:%d: %s: the key stands twice; keep one", p->name,
                          line_of(name), key);
    // a section is written as one, so that no key can stand in two places
    const oikos_option *o = strchr(text_of(name), '.') ? NULL : oikos_option_find(key);
    if (o) {
      OIKOS_TRY(read_option(p, o, value));
    } else if (!section && is_section(key)) {
      if (value->type != YAML_MAPPING_NODE)
        return wrong(p, value, key, "a section of keys");
      OIKOS_TRY(read_mapping(p, value, key));
    } else {
      return oikos_fail(
          p->err, OIKOS_USAGE,
          "%s:%d: unknown key %s; did you mean %s? (`oikos config --explain` lists all)", p->name,
          line_of(name), key, nearest_key(key));
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

oikos_status oikos_config_parse(oikos_config *config, const char *name, const char *text,
                                size_t length, oikos_error *err) {
  parser p = {.name = name, .config = config, .err = err};
  yaml_parser_t yaml;
  if (!yaml_parser_initialize(&yaml))
    return oikos_fail(err, OIKOS_ERROR, "out of memory: the YAML parser could not be created");
  yaml_parser_set_input_string(&yaml, (const unsigned char *)text, length);
  oikos_status status = OIKOS_OK;
  if (!yaml_parser_load(&yaml, &p.document)) {
    status = oikos_fail(err, OIKOS_USAGE, "%s:%zu: not valid YAML: %s", name,
                        yaml.problem_mark.line + 1, yaml.problem ? yaml.problem : "unreadable");
    yaml_parser_delete(&yaml);
    return status;
  }
  const yaml_node_t *root = yaml_document_get_root_node(&p.document);
  if (root && root->type == YAML_MAPPING_NODE)
    status = read_mapping(&p, root, NULL);
  else
    status =
        oikos_fail(err, OIKOS_USAGE, "%s: expected sections such as `task:` and `model:`, found %s",
                   name, root ? "no mapping" : "an empty file");
  if (status == OIKOS_OK)
    status = expect_end(&yaml, name, err);
  yaml_document_delete(&p.document);
  yaml_parser_delete(&yaml);
  if (status == OIKOS_OK)
    snprintf(config->file, sizeof config->file, "%s", name);
  return status;
}

oikos_status oikos_config_set(oikos_config *config, const char *assignment, oikos_error *err) {
  const char *equals = strchr(assignment, '=');
  char key[3 * OIKOS_NAME], text[2 * OIKOS_PATH], file[OIKOS_PATH];
  if (!equals || equals == assignment || (size_t)(equals - assignment) >= sizeof key)
    return oikos_fail(err, OIKOS_USAGE, "--set %s: expected key=value, such as --set inner.steps=5",
                      assignment);
  snprintf(key, sizeof key, "%.*s", (int)(equals - assignment), assignment);
  const oikos_option *o = oikos_option_find(key);
  if (!o)
    return oikos_fail(
        err, OIKOS_USAGE,
        "--set: unknown key %s; did you mean %s? (`oikos config --explain` lists all)", key,
        nearest_key(key));
  const char *dot = strchr(key, '.');
  int length = dot ? snprintf(text, sizeof text, "%.*s: {%s: %s}\n", (int)(dot - key), key, dot + 1,
                              equals + 1)
                   : snprintf(text, sizeof text, "%s: %s\n", key, equals + 1);
  if (length < 0 || (size_t)length >= sizeof text)
    return oikos_fail(err, OIKOS_USAGE, "--set %s: the value is too long", key);
  memcpy(file, config->file, sizeof file);
  oikos_status status = oikos_config_parse(config, "--set", text, (size_t)length, err);
  memcpy(config->file, file, sizeof file);
  return status;
}

void oikos_config_defaults(oikos_config *config) {
  memset(config, 0, sizeof *config);
  for (const oikos_option *o = oikos_options(); o->key; o++) {
    char assignment[2 * OIKOS_NAME + 64];
    oikos_error err;
    snprintf(assignment, sizeof assignment, "%s=%s", o->key, o->standard);
    oikos_config_set(config, assignment, &err); // a unit test checks that every default is allowed
  }
  config->file[0] = 0;
}
