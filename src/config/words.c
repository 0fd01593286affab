/* SPDX-License-Identifier: MIT
 * Which keys' words are a table of types, and what these say of themselves. */
#include <string.h>

#include "config/options.h"
#include "learn/optimizer.h"
#include "learn/schedule.h"
#include "tasks/source.h"

const oikos_word *oikos_option_word(const oikos_option *o, int index) {
  static const struct {
    const char *key;
    const oikos_word *(*word)(int index);
  } table[] = {
      {"task.source", oikos_source_word},
      {"outer.optimizer", oikos_optimizer_word},
      {"outer.schedule", oikos_schedule_word},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].key, o->key) == 0)
      return table[i].word(index);
  return NULL;
}

const char *oikos_choice_phrase(const char *choices, char *out) {
  size_t length = 0;
  for (; *choices && length + sizeof " or " < OIKOS_WORDS; choices++) {
    const char *next = *choices == '|' ? " or " : (char[]){*choices, 0};
    memcpy(out + length, next, strlen(next));
    length += strlen(next);
  }
  out[length] = 0;
  return out;
}

int oikos_choice_count(const char *choices) {
  int n = 1;
  for (const char *at = strchr(choices, '|'); at; at = strchr(at + 1, '|'))
    n++;
  return n;
}

const char *oikos_option_chosen(const char *key, const oikos_config *c, char *out) {
  const oikos_option *o = oikos_option_find(key);
  oikos_choice_word(o->choices, oikos_option_choice(o, c), out);
  return out;
}

void oikos_words_reading(const oikos_option *o, const char *key, char *out) {
  size_t length = 0;
  *out = 0;
  for (int i = 0; i < oikos_choice_count(o->choices); i++) {
    const oikos_word *word = oikos_option_word(o, i);
    char name[OIKOS_NAME];
    if (!word || !word->keys || oikos_choice_index(word->keys, key) < 0 || length >= OIKOS_WORDS)
      continue;
    oikos_choice_word(o->choices, i, name);
    length += (size_t)snprintf(out + length, OIKOS_WORDS - length, "%s%s", length ? "|" : "", name);
  }
}
