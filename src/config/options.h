/* SPDX-License-Identifier: MIT
 * The one table of configuration keys: it validates, documents, writes and compares. */
#ifndef OIKOS_CONFIG_OPTIONS_H
#define OIKOS_CONFIG_OPTIONS_H

#include "base/word.h"
#include "oikos/config.h"

enum {
  OIKOS_WORDS = 256, /* of a text "a|b|c" that is made at run time */
  OIKOS_PLACE = OIKOS_PATH + 128
};

typedef enum {
  OPTION_INT,
  OPTION_REAL,
  OPTION_BOOL,
  OPTION_CHOICE,
  OPTION_STRING,
  OPTION_STRINGS,
  OPTION_LAYERS
} option_type;

typedef struct oikos_option {
  const char *key; /* section.name, sections stand together */
  option_type type;
  size_t offset;        /* in oikos_config */
  const char *standard; /* the default, as YAML */
  double low, high;     /* OPTION_INT and OPTION_REAL: the range, both ends included */
  const char
      *choices; /* OPTION_CHOICE and OPTION_STRINGS: "first|second", in the order of the enum */
  bool free_on_resume; /* may differ when a run is resumed */
  const char *meaning;
} oikos_option;

/** The table, ended by an entry with a NULL key. */
const oikos_option *oikos_options(void);

/** The option of this key, or NULL. */
const oikos_option *oikos_option_find(const char *key);

/** The key of today of a name that it had in an older version; any other name as it is. */
const char *oikos_option_name_now(const char *key);

/** A key was given by this name: if it is an older version's, there will be a hint. */
void oikos_option_given_as(const char *key, oikos_config *config);

/** The address of an option's value in a configuration. */
static inline void *oikos_option_at(const oikos_option *o, const oikos_config *c) {
  return (char *)c + o->offset;
}

/** Of an OPTION_CHOICE, the number of its word, in the order of the enum. The field is of that
 * enum, which the table does not know: by its bytes, which are those of an int (options.c asserts
 * it). */
int oikos_option_choice(const oikos_option *o, const oikos_config *c);
void oikos_option_choose(const oikos_option *o, int index, oikos_config *c);

/** Check the keys of distillation. */
oikos_status oikos_config_check_distill(const oikos_config *c, const char *file, oikos_error *err);

/** Check the keys of what learners draw from and of how they choose homes. */
oikos_status oikos_config_check_learners(const oikos_config *c, const char *file, oikos_error *err);

/** The same for dynamic adjustment: learners.rollback and patience, inner.adapt_rate,
 * home.priority. */
oikos_status oikos_config_check_adjustment(const oikos_config *c, const char *file,
                                           oikos_error *err);

/** The same for an embedding layer. */
oikos_status oikos_config_check_embedding(const oikos_config *c, const char *file,
                                          oikos_error *err);

/** Who reads a key. */
typedef struct oikos_use {
  const char *key;
  unsigned readers; /* oikos_reader of the commands that read it */
  const char *when; /* what other keys must be for it to do something; NULL: anything */
} oikos_use;

/** All keys, in the order of the options, ended by an entry with a NULL key. */
const oikos_use *oikos_uses(void);

/** Whether a configuration asks for a part of a step (run/part.h), by its name; true if no key of
 * any configuration does. */
bool oikos_config_wants(const oikos_config *c, const char *part);

/** Check that there is every part that what a configuration sets asks for. */
oikos_status oikos_config_check_parts(const oikos_config *c, bool (*has)(const char *part),
                                      oikos_error *err);

/** Whether a condition holds; the option that it begins with. */
bool oikos_use_holds(const char *when, const oikos_config *c);
const oikos_option *oikos_use_option(const char *when);

/** Where an option was given, and its key, in text (OIKOS_PLACE), which is returned. */
const char *oikos_option_place(const oikos_option *o, const oikos_config *c, char *text);

/** Whether an option has its default's value. */
bool oikos_option_is_default(const oikos_option *o, const oikos_config *c,
                             const oikos_config *standard);

/** Print a condition, and the names of commands, in words. */
void oikos_use_print(const char *when, FILE *out);
void oikos_readers_print(unsigned readers, FILE *out);

/** The key of the table that is most like a wrong one. */
const char *oikos_option_nearest(const char *wrong_key);

/** Look at a YAML text before it is loaded: not too large, nor too deep, nor of too many nodes,
 * anchors and aliases, so that loading it takes no time, and without bytes of 0 in its texts. */
oikos_status oikos_config_guard(const char *name, const char *text, size_t length,
                                oikos_error *err);

/** The finite number that stands alone in a text, with a decimal point in every locale. */
bool oikos_config_number(const char *text, double *value);

/** Whether a text is UTF-8, as YAML asks for. */
bool oikos_utf8_is_valid(const char *text);

/** Which of "a|b|c" the word is, or -1. */
int oikos_choice_index(const char *choices, const char *word);

/** "a or b or c" of "a|b|c", in out (OIKOS_WORDS), which is returned. */
const char *oikos_choice_phrase(const char *choices, char *out);

/** How many words "a|b|c" has. */
int oikos_choice_count(const char *choices);

/** Copy the index-th word of "a|b|c" to out (OIKOS_NAME). */
void oikos_choice_word(const char *choices, int index, char *out);

/** What the index-th word of an option stands for; NULL where its words are no table of types. */
const oikos_word *oikos_option_word(const oikos_option *o, int index);

/** The word that a key has in a configuration, in out (OIKOS_NAME), which is returned. */
const char *oikos_option_chosen(const char *key, const oikos_config *c, char *out);

/** Those words "a|c" of such an option whose types make use of a key, in out (OIKOS_WORDS). */
void oikos_words_reading(const oikos_option *o, const char *key, char *out);

/** Print a number with the fewest digits that read back to it. */
void oikos_number_print(double value, FILE *out);

/** What oikos_config_write writes, in *text, released by free(). */
oikos_status oikos_config_text(const oikos_config *c, char **text, oikos_error *err);

/** Print a value as YAML on one line (not OPTION_LAYERS). */
void oikos_option_print(const oikos_option *o, const oikos_config *c, FILE *out);

#endif
