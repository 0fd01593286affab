/* SPDX-License-Identifier: MIT
 * Keys that do nothing are errors: by the one table of who reads which key. */
#include "unit/configs.h"

#include <glob.h>

/* What a configuration that must use all its keys is refused for. */
static void check_used(const char *text, const char *sets, oikos_reader reader,
                       const char *const words[3]) {
  oikos_config *c = defaults();
  oikos_error err = {0};
  char copy[256];
  parse(c, text);
  snprintf(copy, sizeof copy, "%s", sets);
  for (char *at = strtok(copy, ";"); at; at = strtok(NULL, ";"))
    set(c, at);
  oikos_status status = oikos_config_check_used(c, reader, &err);
  if (status != (words[0] ? OIKOS_USAGE : OIKOS_OK))
    fail_msg("%s with %s: status %d: %s", text, sets, status, err.message);
  for (int i = 0; i < 3 && words[i]; i++)
    if (!strstr(err.message, words[i]))
      fail_msg("%s with %s: expected \"%s\" in: %s", text, sets, words[i], err.message);
  free(c);
}

static void test_used(void **state) {
  (void)state;
#define WORDS(...) ((const char *const[3]){__VA_ARGS__})
  const char *images = "task: {source: images, file: a.h5}\nmodel: {loss: cross_entropy}";
  check_used("seed: 1\ntask: {ways: 5}", "", OIKOS_FOR_ANY, WORDS(NULL)); // the default may stand
  check_used("seed: 1\ntask:\n  ways: 3", "", OIKOS_FOR_ANY,
             WORDS("test.yaml:3: task.ways does nothing", "task.source images",
                   "task.source is functions"));
  check_used("seed: 1", "task.ways=5", OIKOS_FOR_ANY, WORDS("--set: task.ways does nothing"));
  check_used(images, "task.ways=3", OIKOS_FOR_TRAIN, WORDS(NULL));
  check_used(images, "eval.support=1", OIKOS_FOR_EVAL,
             WORDS("--set: eval.support does nothing", "task.source ratings", "images"));
  check_used(images, "eval.episodes=5", OIKOS_FOR_EVAL, WORDS(NULL));
  check_used("seed: 1", "shared.rate=1", OIKOS_FOR_EVAL,
             WORDS("shared.rate does nothing", "oikos eval does not read it", "train, bench"));
  check_used("seed: 1", "shared.rate=1", OIKOS_FOR_TRAIN, WORDS(NULL));
  check_used("outer: {momentum: 0.5}", "", OIKOS_FOR_ANY,
             WORDS("outer.optimizer momentum", "outer.optimizer is adam"));
  check_used("outer: {momentum: 0.5, optimizer: momentum}", "", OIKOS_FOR_ANY, WORDS(NULL));
  check_used("outer: {momentum: 0.5, optimizer: nesterov}", "", OIKOS_FOR_ANY, WORDS(NULL));
  check_used("outer: {beta1: 0.5, optimizer: rmsprop}", "", OIKOS_FOR_ANY,
             WORDS("outer.beta1", "outer.optimizer adam or adamw or lion", "is rmsprop"));
  check_used("outer: {decay: 0.5}", "", OIKOS_FOR_ANY,
             WORDS("outer.schedule step or exponential", "outer.schedule is constant"));
  // what --set turns off takes the file's keys along
  check_used("outer: {momentum: 0.5, optimizer: momentum}", "outer.optimizer=sgd", OIKOS_FOR_ANY,
             WORDS(NULL));
  check_used("outer: {optimizer: momentum}", "outer.optimizer=sgd;outer.momentum=0.5",
             OIKOS_FOR_ANY, WORDS("--set: outer.momentum"));
  check_used("home: {perturbation: 0.5}", "", OIKOS_FOR_ANY,
             WORDS("home.perturbation", "home.count not 1", "home.count is 1"));
  check_used("home: {perturbation: 0.5, count: 2}", "", OIKOS_FOR_ANY, WORDS(NULL));
  check_used(
      "aggregation: {rule: clip, trained_radius: 2}", "", OIKOS_FOR_ANY,
      WORDS("shared.mixing above 0, or aggregation.rule clip or centred_clip", "home.mixing is 0"));
  check_used("aggregation: {rule: clip, trained_radius: 2}\nshared: {mixing: 1}", "", OIKOS_FOR_ANY,
             WORDS(NULL));
  check_used("model: {layers: [dense: 1]}\ntask: {source: ratings, self_row: false}", "",
             OIKOS_FOR_ANY, WORDS("task.self_row", "model.layers embedding", "has none"));
  check_used("model: {layers: [embedding: 4, dense: 1]}\ntask: {source: ratings, self_row: false}",
             "", OIKOS_FOR_ANY, WORDS(NULL));
  check_used("checkpoint: {every: 10, mtbf: 3}", "", OIKOS_FOR_ANY,
             WORDS("checkpoint.every -1", "checkpoint.every is 10"));
}

/* Every key stands in the table of who reads it, in the same order, and its condition names keys
 * and words that there are. */
static void test_uses(void **state) {
  (void)state;
  const oikos_use *u = oikos_uses();
  for (const oikos_option *o = oikos_options(); o->key; o++, u++) {
    if (!u->key || strcmp(o->key, u->key) != 0)
      fail_msg("%s: who reads it? (%s stands there)", o->key, u->key ? u->key : "the end");
    assert_true(u->readers != 0);
    assert_true(o - oikos_options() < OIKOS_MAX_KEYS);
    char when[512], *rest = NULL;
    snprintf(when, sizeof when, "%s", u->when ? u->when : "");
    for (char *term = strtok_r(when, " &/", &rest); term; term = strtok_r(NULL, " &/", &rest)) {
      char *words = term + strcspn(term, "=!>");
      char op = *words;
      *words++ = 0;
      const oikos_option *other = oikos_option_find(term);
      if (!other || op == 0)
        fail_msg("%s: no key %s", o->key, term);
      char reading[OIKOS_WORDS];
      if (words[0] == '@') { // those that say so themselves
        oikos_words_reading(other, words + 1, reading);
        if (!oikos_option_find(words + 1) || !reading[0])
          fail_msg("%s: no word of %s makes use of %s", o->key, term, words + 1);
        continue;
      }
      for (char *word = strtok(words + (op == '!'), "|"); word; word = strtok(NULL, "|"))
        if (other->type == OPTION_CHOICE && oikos_choice_index(other->choices, word) < 0)
          fail_msg("%s: %s is never %s", o->key, term, word);
    }
  }
  assert_null(u->key);
}

/* A key that the type behind a word says to make use of is there, and is used with that word. */
static void test_words(void **state) {
  (void)state;
  int found = 0;
  for (const oikos_option *o = oikos_options(); o->key; o++)
    for (int i = 0; o->type == OPTION_CHOICE && i < oikos_choice_count(o->choices); i++) {
      const oikos_word *word = oikos_option_word(o, i);
      if (!word)
        break;
      assert_non_null(word->meaning);
      char keys[512], by[64], *rest = NULL;
      snprintf(keys, sizeof keys, "%s", word->keys ? word->keys : "");
      snprintf(by, sizeof by, "%s=@", o->key);
      for (char *key = strtok_r(keys, "|", &rest); key; key = strtok_r(NULL, "|", &rest), found++) {
        const oikos_use *u = oikos_uses();
        while (u->key && strcmp(u->key, key) != 0)
          u++;
        if (!u->key || !u->when || !strstr(u->when, by))
          fail_msg("%s: word %d makes use of %s, which does not go by it", o->key, i, key);
      }
    }
  assert_true(found > 10);
}

/* Every configuration that comes with oikos uses all its keys. */
static void test_configs(void **state) {
  (void)state;
  glob_t all;
  assert_int_equal(glob(OIKOS_SOURCE_DIR "/configs/*.yaml", 0, NULL, &all), 0);
  for (size_t i = 0; i < all.gl_pathc; i++) {
    oikos_config *c = defaults();
    oikos_error err;
    char *text = array(1 << 16, 1);
    FILE *in = fopen(all.gl_pathv[i], "r");
    assert_non_null(in);
    size_t length = fread(text, 1, 1 << 16, in);
    fclose(in);
    CHECK_OK(oikos_config_parse(c, all.gl_pathv[i], text, length, &err));
    CHECK_OK(oikos_config_check_used(c, OIKOS_FOR_TRAIN, &err));
    free(text);
    free(c);
  }
  globfree(&all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_used),
      cmocka_unit_test(test_uses),
      cmocka_unit_test(test_words),
      cmocka_unit_test(test_configs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
