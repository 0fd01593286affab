/* SPDX-License-Identifier: MIT */
#include "run/same_data.h"

#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "run/trainer_impl.h"

enum { INPUTS, NAMES, DIGEST, HALF = (OIKOS_DIGEST - 1) / 2 };

const oikos_data_about *oikos_trainer_data(const oikos_trainer *t) {
  return (t->student ? t->student : t)->data.about;
}

/* 32 hex digits; none stand for 0. */
static void to_words(const char *text, int64_t words[OIKOS_DATA_WORDS]) {
  for (int k = 0; k < OIKOS_DATA_WORDS; k++) {
    char half[HALF + 1] = "";
    memcpy(half, *text ? text + (size_t)k * HALF : "", *text ? HALF : 0);
    words[k] = (int64_t)strtoull(half, NULL, 16);
  }
}

void oikos_data_set_prints(oikos_trainer *t) {
  const oikos_data_about *about = oikos_trainer_data(t);
  memset(t->data_prints, 0, sizeof t->data_prints);
  if (!about)
    return;
  to_words(about->print.inputs, t->data_prints[INPUTS]);
  to_words(about->print.names, t->data_prints[NAMES]);
  to_words(about->digest, t->data_prints[DIGEST]);
}

/* What one side does not know, a checkpoint of 0.1.0 or a file without a digest, differs not. */
static bool differs(const int64_t was[OIKOS_DATA_WORDS], const int64_t is[OIKOS_DATA_WORDS]) {
  static const int64_t unknown[OIKOS_DATA_WORDS] = {0};
  const size_t size = sizeof unknown;
  return memcmp(was, unknown, size) != 0 && memcmp(is, unknown, size) != 0 &&
         memcmp(was, is, size) != 0;
}

oikos_status oikos_data_same(oikos_trainer *t, const char *checkpoint, oikos_error *err) {
  static const char *const what[OIKOS_DATA_PRINTS] = {
      ("other inputs (the names of its columns, or its users and items and what is told of them, "
       "or the size of its images), or these in another order"),
      "other names of groups or classes, or these in another order", "other numbers"};
  int64_t was[OIKOS_DATA_PRINTS][OIKOS_DATA_WORDS];
  int first = 0;
  memcpy(was, t->data_prints, sizeof was);
  oikos_data_set_prints(t);
  while (first < OIKOS_DATA_PRINTS && !differs(was[first], t->data_prints[first]))
    first++;
  if (first == OIKOS_DATA_PRINTS)
    return OIKOS_OK;
  bool goes_on = t->run[0];
  if (first == INPUTS || goes_on)
    return oikos_fail(err, OIKOS_USAGE,
                      "%s was trained on another file than task.file, %s, is now: this one has %s; "
                      "%s",
                      checkpoint, t->config.task.file, what[first],
                      goes_on ? "resume with the file that the run began with, or start a new run "
                                "in another --out"
                              : "its weights would be taken for something else: give the file that "
                                "it was trained on");
  oikos_trainer_say(t, "%s is another file than %s was trained on: it has %s", t->config.task.file,
                    checkpoint, what[first]);
  return OIKOS_OK;
}
