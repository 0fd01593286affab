/* SPDX-License-Identifier: MIT
 *
 * What a word of the configuration stands for, where such words are a table of types: task sources,
 * optimizers, schedules. So the configuration knows none of them by name.
 */
#ifndef OIKOS_BASE_WORD_H
#define OIKOS_BASE_WORD_H

typedef struct oikos_word {
  const char *meaning; /* for `oikos config --explain` */
  const char *keys;    /* that do something with it, beside those of all: "outer.beta1|outer.beta2";
                          NULL: none */
} oikos_word;

#endif
