/* SPDX-License-Identifier: MIT
 * Layers in YAML: `relu`, `dense: 40`, or a mapping of arguments, which are numbers, and of `name`
 * and `from`, which say how layers hang together. */
#include <string.h>

#include "base/try.h"
#include "config/options.h"
#include "config/parser.h"

typedef oikos_parser parser;

static const char *const letters = "abcdefghijklmnopqrstuvwxyz";
static const char *const digits = "0123456789";

/* A name as kinds and arguments have: so it reads back as it is written. */
static bool is_name(const yaml_node_t *node) {
  const char *text = node->type == YAML_SCALAR_NODE ? oikos_text_of(node) : "";
  return *text && strlen(text) < OIKOS_NAME &&
         strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

/* A name that a layer can be given: no number, which is the name of a layer without one. */
static bool is_own_name(const yaml_node_t *node) {
  return is_name(node) && strchr(letters, *oikos_text_of(node)) &&
         strcmp(oikos_text_of(node), "input") != 0;
}

static bool is_reference(const yaml_node_t *node) {
  const char *text = node->type == YAML_SCALAR_NODE ? oikos_text_of(node) : "";
  return is_name(node) && (strchr(letters, *text) || strspn(text, digits) == strlen(text));
}

/* A number that stands alone in the text, without quotes in a file. */
static bool number_of(const yaml_node_t *node, double *value) {
  return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
         oikos_config_number(oikos_text_of(node), value);
}

static oikos_status add_from(const parser *p, const yaml_node_t *node, oikos_layer_spec *spec) {
  if (!is_reference(node))
    return oikos_parser_refuse(p, node, "from", "the name or number of a layer, or input");
  if (spec->n_from == OIKOS_MAX_INPUTS)
    return oikos_parser_refuse(p, node, "from", "at most 8 layers");
  snprintf(spec->from[spec->n_from++], OIKOS_NAME, "%s", oikos_text_of(node));
  return OIKOS_OK;
}

/* A name, or a list of names. */
static oikos_status read_from(parser *p, const yaml_node_t *node, oikos_layer_spec *spec) {
  if (node->type != YAML_SEQUENCE_NODE)
    return add_from(p, node, spec);
  if (node->data.sequence.items.start == node->data.sequence.items.top)
    return oikos_parser_refuse(p, node, "from", "the name of a layer, or a list of them");
  for (const yaml_node_item_t *i = node->data.sequence.items.start;
       i < node->data.sequence.items.top; i++)
    OIKOS_TRY(add_from(p, yaml_document_get_node(&p->document, *i), spec));
  return OIKOS_OK;
}

static oikos_status read_name(const parser *p, const yaml_node_t *node, oikos_layer_spec *spec) {
  if (!is_own_name(node))
    return oikos_parser_refuse(p, node, "name",
                               "a name of at most 31 letters from a to z, digits and _, a letter "
                               "first, but not input");
  snprintf(spec->name, OIKOS_NAME, "%s", oikos_text_of(node));
  return OIKOS_OK;
}

static oikos_status read_arg(parser *p, const char *key, const yaml_node_t *name,
                             const yaml_node_t *value, oikos_layer_spec *spec) {
  if (spec->n_args == OIKOS_MAX_ARGS)
    return oikos_parser_refuse(p, name, key, "at most 8 arguments");
  if (!number_of(value, &spec->arg[spec->n_args].value))
    return oikos_parser_refuse(p, value, oikos_text_of(name), "a number");
  snprintf(spec->arg[spec->n_args++].key, OIKOS_NAME, "%s", oikos_text_of(name));
  return OIKOS_OK;
}

/* One pair of the mapping `of`. */
static oikos_status read_pair(parser *p, const char *key, const yaml_node_t *of,
                              const yaml_node_pair_t *pair, oikos_layer_spec *spec) {
  const yaml_node_t *name = yaml_document_get_node(&p->document, pair->key);
  const yaml_node_t *value = yaml_document_get_node(&p->document, pair->value);
  if (!is_name(name))
    return oikos_parser_refuse(p, name, key, "the name of an argument");
  for (const yaml_node_pair_t *i = of->data.mapping.pairs.start; i < pair; i++)
    if (strcmp(oikos_text_of(yaml_document_get_node(&p->document, i->key)), oikos_text_of(name)) ==
        0)
      return oikos_parser_refuse(p, name, key, "each argument once");
  if (strcmp(oikos_text_of(name), "name") == 0)
    return read_name(p, value, spec);
  if (strcmp(oikos_text_of(name), "from") == 0)
    return read_from(p, value, spec);
  return read_arg(p, key, name, value, spec);
}

static oikos_status read_args(parser *p, const char *key, const yaml_node_t *node,
                              oikos_layer_spec *spec) {
  if (node->type == YAML_MAPPING_NODE) {
    for (const yaml_node_pair_t *i = node->data.mapping.pairs.start;
         i < node->data.mapping.pairs.top; i++)
      OIKOS_TRY(read_pair(p, key, node, i, spec));
    return OIKOS_OK;
  }
  if (!number_of(node, &spec->arg[0].value)) // the short form `dense: 40`
    return oikos_parser_refuse(p, node, key, "a number or a mapping such as {units: 40}");
  spec->n_args = 1;
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
    oikos_layer_spec *spec = &list->layers[list->n_layers++];
    snprintf(spec->kind, sizeof spec->kind, "%s", oikos_text_of(name));
    spec->line = oikos_line_of(p, name);
    if (args)
      OIKOS_TRY(read_args(p, key, args, spec));
  }
  return OIKOS_OK;
}
