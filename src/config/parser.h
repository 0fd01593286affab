/* SPDX-License-Identifier: MIT
 * What the parts of the YAML reader share. */
#ifndef OIKOS_CONFIG_PARSER_H
#define OIKOS_CONFIG_PARSER_H

#include <yaml.h>

#include "oikos/config.h"

typedef struct oikos_parser {
  yaml_document_t document;
  const char *name; /* of the file; of a value alone "--set" */
  bool alone;       /* the document is the value of one key */
  oikos_config *config;
  oikos_error *err;
} oikos_parser;

/** A node's line in the file; 0 of a value alone. */
static inline int oikos_line_of(const oikos_parser *p, const yaml_node_t *node) {
  return p->alone ? 0 : (int)node->start_mark.line + 1;
}

static inline const char *oikos_text_of(const yaml_node_t *node) {
  return (const char *)node->data.scalar.value;
}

/** Fail: at this node of this key something else was expected. */
oikos_status oikos_parser_refuse(const oikos_parser *p, const yaml_node_t *node, const char *key,
                                 const char *expected);

/** Read a list of layers, the value of @p key. */
oikos_status oikos_parser_layers(oikos_parser *p, const char *key, const yaml_node_t *node,
                                 oikos_layer_list *list);

#endif
