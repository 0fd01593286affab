/* SPDX-License-Identifier: MIT
 * Layers in YAML: `relu`, `dense: 40`, or a mapping of arguments, which are numbers, and of `name`
 * and `from`, which say how layers hang together. */
#include <string.h>

#include "base/try.h"
#include "config/options.h"
#include "config/parser.h"

typedef oikos_parser parser;

static const char *const letters = "abcdefghijklmnopqrstuvwxyz";

/* A name as kinds and arguments have: so it reads back as it is written. */
static bool is_name(const yaml_node_t *node) {
  const char *text = node->type == YAML_SCALAR_NODE ? oikos_text_of(node) : "";
  return *text && strlen(text) < OIKOS_NAME &&
         strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

/* A name that a layer can be given: no number, which is the name of a layer without one. */
static bool is_layer_name(const yaml_node_t *node) {
  return is_name(node) && strchr(letters, *oikos_text_of(node)) &&
         strcmp(oikos_text_of(node), "input") != 0;
}

/* A number that stands alone in the text, without quotes in a file. */
static bool number_of(const yaml_node_t *node, double *value) {
  return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
         oikos_config_number(oikos_text_of(node), value);
}

/* The last layer of the list is the one at hand. */
typedef struct layer_place {
  const char *key; /* of the list */
  const oikos_layer_list *list;
  int number;
  oikos_layer_spec *spec;
} layer_place;

/* What is wrong with `name` or `from` of the layer at hand. */
static oikos_status refuse(const parser *p, const yaml_node_t *node, const layer_place *at,
                           const char *what, const char *expected) {
  char key[4 * OIKOS_NAME];
  snprintf(key, sizeof key, "%s[%d] %s: %s", at->key, at->number, at->spec->kind, what);
  return oikos_parser_refuse(p, node, key, expected);
}

/* "the name of an earlier layer (a, b), a number below 3, or input" */
static void say_earlier(const layer_place *at, char *out, size_t size) {
  int named = 0;
  snprintf(out, size, "%s", at->number ? "the name of an earlier layer" : "");
  for (int i = 0; i < at->number; i++) {
    size_t length = strlen(out);
    if (at->list->layers[i].name[0])
      snprintf(out + length, size - length, "%s%s", named++ ? ", " : " (",
               at->list->layers[i].name);
  }
  size_t length = strlen(out);
  if (at->number)
    snprintf(out + length, size - length, "%s, a number below %d, or input", named ? ")" : "",
             at->number);
  else
    snprintf(out + length, size - length, "input, since no layer comes before");
}

/* The number of the earlier layer that a name or number means, -1 for the examples. */
static bool find_earlier(const layer_place *at, const yaml_node_t *node, int16_t *from) {
  double number;
  *from = -1;
  if (is_name(node) && strcmp(oikos_text_of(node), "input") == 0)
    return true;
  for (int i = 0; i < at->number && is_layer_name(node); i++)
    if (strcmp(at->list->layers[i].name, oikos_text_of(node)) == 0)
      *from = (int16_t)i;
  if (number_of(node, &number) && number >= 0 && number < at->number && number == (int)number)
    *from = (int16_t)number;
  return *from >= 0;
}

static oikos_status add_from(const parser *p, const yaml_node_t *node, const layer_place *at) {
  char expected[512];
  if (at->spec->n_from == OIKOS_MAX_INPUTS)
    return refuse(p, node, at, "from", "at most 8 layers");
  if (find_earlier(at, node, &at->spec->from[at->spec->n_from])) {
    at->spec->n_from++;
    return OIKOS_OK;
  }
  say_earlier(at, expected, sizeof expected);
  return refuse(p, node, at, "from", expected);
}

/* A name, or a list of names. */
static oikos_status read_from(parser *p, const yaml_node_t *node, const layer_place *at) {
  if (node->type != YAML_SEQUENCE_NODE)
    return add_from(p, node, at);
  if (node->data.sequence.items.start == node->data.sequence.items.top)
    return refuse(p, node, at, "from", "the name of a layer, or a list of them");
  for (const yaml_node_item_t *i = node->data.sequence.items.start;
       i < node->data.sequence.items.top; i++)
    OIKOS_TRY(add_from(p, yaml_document_get_node(&p->document, *i), at));
  return OIKOS_OK;
}

static oikos_status read_name(const parser *p, const yaml_node_t *node, const layer_place *at) {
  if (!is_layer_name(node))
    return refuse(p, node, at, "name",
                  "a name of at most 31 letters from a to z, digits and _, a letter first, but not "
                  "input");
  for (int i = 0; i < at->number; i++)
    if (strcmp(at->list->layers[i].name, oikos_text_of(node)) == 0)
      return refuse(p, node, at, "name", "a name that no layer before it has");
  snprintf(at->spec->name, OIKOS_NAME, "%s", oikos_text_of(node));
  return OIKOS_OK;
}

static oikos_status read_arg(parser *p, const yaml_node_t *name, const yaml_node_t *value,
                             const layer_place *at) {
  oikos_layer_spec *spec = at->spec;
  if (spec->n_args == OIKOS_MAX_ARGS)
    return oikos_parser_refuse(p, name, at->key, "at most 8 arguments");
  if (!number_of(value, &spec->arg[spec->n_args].value))
    return oikos_parser_refuse(p, value, oikos_text_of(name), "a number");
  snprintf(spec->arg[spec->n_args++].key, OIKOS_NAME, "%s", oikos_text_of(name));
  return OIKOS_OK;
}

/* One pair of the mapping `of`. */
static oikos_status read_pair(parser *p, const yaml_node_t *of, const yaml_node_pair_t *pair,
                              const layer_place *at) {
  const yaml_node_t *name = yaml_document_get_node(&p->document, pair->key);
  const yaml_node_t *value = yaml_document_get_node(&p->document, pair->value);
  if (!is_name(name))
    return oikos_parser_refuse(p, name, at->key, "the name of an argument");
  for (const yaml_node_pair_t *i = of->data.mapping.pairs.start; i < pair; i++)
    if (strcmp(oikos_text_of(yaml_document_get_node(&p->document, i->key)), oikos_text_of(name)) ==
        0)
      return oikos_parser_refuse(p, name, at->key, "each argument once");
  if (strcmp(oikos_text_of(name), "name") == 0)
    return read_name(p, value, at);
  if (strcmp(oikos_text_of(name), "from") == 0)
    return read_from(p, value, at);
  return read_arg(p, name, value, at);
}

static oikos_status read_args(parser *p, const yaml_node_t *node, const layer_place *at) {
  if (node->type == YAML_MAPPING_NODE) {
    for (const yaml_node_pair_t *i = node->data.mapping.pairs.start;
         i < node->data.mapping.pairs.top; i++)
      OIKOS_TRY(read_pair(p, node, i, at));
    return OIKOS_OK;
  }
  if (!number_of(node, &at->spec->arg[0].value)) // the short form `dense: 40`
    return oikos_parser_refuse(p, node, at->key, "a number or a mapping such as {units: 40}");
  at->spec->n_args = 1;
  return OIKOS_OK;
}

oikos_status oikos_parser_layers(parser *p, const char *key, const yaml_node_t *node,
                                 oikos_layer_list *list) {
  if (node->type != YAML_SEQUENCE_NODE)
    return oikos_parser_refuse(p, node, key, "a list of layers");
  memset(list, 0, sizeof *list);
  for (const yaml_node_item_t *i = node->data.sequence.items.start;
       i < node->data.sequence.items.top; i++) {
    const yaml_node_t *item = yaml_document_get_node(&p->document, *i), *name = item, *args = NULL;
    if (item->type == YAML_MAPPING_NODE &&
        item->data.mapping.pairs.top == item->data.mapping.pairs.start + 1) {
      name = yaml_document_get_node(&p->document, item->data.mapping.pairs.start->key);
      args = yaml_document_get_node(&p->document, item->data.mapping.pairs.start->value);
    }
    if (!is_name(name))
      return oikos_parser_refuse(p, item, key, "a layer such as `relu` or `dense: 40`");
    if (list->n_layers == OIKOS_MAX_LAYERS)
      return oikos_parser_refuse(p, item, key, "at most 64 layers");
    layer_place at = {.key = key, .list = list, .number = list->n_layers++};
    oikos_layer_spec *spec = at.spec = &list->layers[at.number];
    snprintf(spec->kind, sizeof spec->kind, "%s", oikos_text_of(name));
    spec->line = oikos_line_of(p, name);
    if (args)
      OIKOS_TRY(read_args(p, args, &at));
  }
  return OIKOS_OK;
}
