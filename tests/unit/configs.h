/* SPDX-License-Identifier: MIT
 * What the tests of configurations share. */
#ifndef OIKOS_TESTS_CONFIGS_H
#define OIKOS_TESTS_CONFIGS_H

#include "check.h"

#include "config/options.h"

static inline oikos_config *defaults(void) {
  oikos_config *config = array(1, sizeof *config);
  oikos_config_defaults(config);
  return config;
}

static inline char *text_of(const oikos_config *config) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  oikos_config_write(config, out);
  fclose(out);
  return text;
}

static inline void parse(oikos_config *config, const char *text) {
  oikos_error err;
  CHECK_OK(oikos_config_parse(config, "test.yaml", text, strlen(text), &err));
}

static inline void set(oikos_config *config, const char *assignment) {
  oikos_error err;
  CHECK_OK(oikos_config_set(config, assignment, &err));
}

static inline void check_round_trip(const oikos_config *config) {
  oikos_config *back = defaults();
  char *text = text_of(config);
  parse(back, text);
  char *again = text_of(back);
  assert_string_equal(text, again);
  for (int i = 0; i < back->model.n_layers; i++)
    back->model.layers[i].line = config->model.layers[i].line;
  for (int i = 0; i < back->home.encoder.n_layers; i++)
    back->home.encoder.layers[i].line = config->home.encoder.layers[i].line;
  memcpy(back->file, config->file, sizeof back->file);
  memcpy(back->given, config->given, sizeof back->given);
  assert_memory_equal(back, config, sizeof *back);
  free(text);
  free(again);
  free(back);
}

/* What is wrong, the line it is in, and words that the message must hold. */
typedef struct mistake {
  const char *text;
  int line; /* 0: the whole file */
  const char *words[3];
} mistake;

static inline void check_mistake(const mistake *m) {
  oikos_config *c = defaults();
  oikos_error err = {0};
  char place[64] = "test.yaml";
  if (oikos_config_parse(c, "test.yaml", m->text, strlen(m->text), &err) != OIKOS_USAGE)
    fail_msg("accepted, or another status: %s", m->text);
  if (m->line)
    snprintf(place, sizeof place, "test.yaml:%d: ", m->line);
  if (strncmp(err.message, place, strlen(place)) != 0)
    fail_msg("%s: expected at %s: %s", m->text, place, err.message);
  for (int i = 0; i < 3 && m->words[i]; i++)
    if (!strstr(err.message, m->words[i]))
      fail_msg("%s: expected \"%s\" in: %s", m->text, m->words[i], err.message);
  assert_true(err.status == OIKOS_USAGE);
  free(c);
}

static inline void check_set(const char *assignment, const char *word, const char *other) {
  oikos_config *c = defaults();
  oikos_error err = {0};
  snprintf(c->file, sizeof c->file, "kept.yaml");
  assert_true(oikos_config_set(c, assignment, &err) == OIKOS_USAGE);
  if (!strstr(err.message, "--set") || !strstr(err.message, word) || !strstr(err.message, other))
    fail_msg("%s: expected --set, \"%s\" and \"%s\" in: %s", assignment, word, other, err.message);
  assert_string_equal(c->file, "kept.yaml");
  free(c);
}

#endif
