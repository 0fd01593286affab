/* SPDX-License-Identifier: MIT
 * The configuration: defaults, a round trip through text, and for every kind of mistake a message
 * that names file, line, key and what is allowed. */
#include "unit/configs.h"

/* `key=default` for every option is accepted and gives the defaults again. */
static void test_defaults(void **state) {
  (void)state;
  oikos_config *a = defaults(), *b = array(1, sizeof *b);
  int options = 0;
  for (const oikos_option *o = oikos_options(); o->key; o++, options++) {
    char assignment[256];
    snprintf(assignment, sizeof assignment, "%s=%s", o->key, o->standard);
    set(b, assignment);
    assert_ptr_equal(oikos_option_find(o->key), o);
    assert_int_equal(b->given[o - oikos_options()], OIKOS_GIVEN_BY_SET);
  }
  oikos_config_forget_given(b);
  assert_memory_equal(a, b, sizeof *a);
  assert_true(options > 40);
  assert_true(a->learners.count == 25 && a->inner.rate == 0.01 &&
              a->outer.optimizer == OIKOS_ADAM && a->eval.steps == -1);
  assert_true(a->task.modes.n == 1 && strcmp(a->task.modes.item[0], "sinusoid") == 0 &&
              !a->task.rotations);
  free(a);
  free(b);
}

/* A value of this option that is not its default. */
static void other_value(const oikos_option *o, char *text, size_t size) {
  char word[OIKOS_NAME];
  switch (o->type) {
  case OPTION_INT:
    snprintf(text, size, "%.17g", strtod(o->standard, NULL) + 1);
    break;
  case OPTION_REAL:
    snprintf(text, size, "%.17g", strtod(o->standard, NULL) == 0.1 ? 0.3 : 0.1);
    break;
  case OPTION_BOOL:
    snprintf(text, size, *o->standard == 't' ? "false" : "true");
    break;
  case OPTION_CHOICE:
    oikos_choice_word(o->choices, strncmp(o->choices, o->standard, strlen(o->standard)) == 0, word);
    snprintf(text, size, "%s", word);
    break;
  case OPTION_STRING:
    snprintf(text, size, "a \"b\": \\c # {d}, [e] 'f' \u00e9");
    break;
  case OPTION_STRINGS:
    oikos_choice_word(o->choices, 1, word);
    snprintf(text, size, "[%s, %.*s]", word, (int)strcspn(o->choices, "|"), o->choices);
    break;
  case OPTION_LAYERS:
    snprintf(text, size,
             "[conv2d: {filters: 8, kernel: 3, name: a_1}, batch_norm: {epsilon: 0.1, from: a_1}, "
             "relu: {name: b}, add: {from: [a_1, 2, input]}, dense: 5]");
    break;
  }
}

static void set_other(oikos_config *config, const oikos_option *o) {
  char value[256], assignment[512];
  other_value(o, value, sizeof value);
  snprintf(assignment, sizeof assignment, "%s=%s", o->key, value);
  set(config, assignment);
}

static void test_write(void **state) {
  (void)state;
  oikos_config *c = defaults();
  check_round_trip(c);
  for (const oikos_option *o = oikos_options(); o->key; o++)
    set_other(c, o);
  check_round_trip(c);
  memset(c->task.file, 0, sizeof c->task.file);
  strcpy(c->task.file, "line\nbreak\ttab");
  check_round_trip(c);
  assert_true(c->model.n_layers == 5 && c->model.layers[0].arg[1].value == 3 &&
              c->model.layers[4].arg[0].value == 5);
  free(c);
}

/* explain is a configuration: the defaults, with every meaning in comments. */
static void test_explain(void **state) {
  (void)state;
  oikos_config *a = defaults(), *b = array(1, sizeof *b);
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  oikos_config_explain(out);
  fclose(out);
  parse(b, text);
  memset(b->file, 0, sizeof b->file);
  oikos_config_forget_given(b);
  assert_memory_equal(a, b, sizeof *a);
  assert_non_null(strstr(text, "# Read by train, eval, recommend, gradcheck, bench, distill; with "
                               "task.source images\n"));
  char line[256] = "";
  for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
    if (strncmp(line + strspn(line, " "), "# Read by", 9) != 0)
      assert_true(strlen(line) <= 110);
  }
  assert_non_null(strstr(text, "second|first"));
  free(text);
  free(a);
  free(b);
}

static void test_mistakes(void **state) {
  (void)state;
  static const mistake table[] = {
      {"seeds: 1", 1, {"unknown key seeds", "mean seed?"}},
      {"task:\n  support: 3\n  suport: 3", 3, {"unknown key task.suport", "mean task.support?"}},
      {"tasks: {support: 3}", 1, {"unknown key tasks"}},
      {"task: {support: 3, query: {}}",
       1,
       {"task.query", "a whole number from 1 to 1000000", "a mapping"}},
      {"\nseed: abc", 2, {"seed", "a whole number from 0 to 9007199254740991", "found abc"}},
      {"seed: 1.5", 1, {"seed", "whole", "1.5"}},
      {"seed: -1", 1, {"seed", "from 0", "-1"}},
      {"seed:", 1, {"seed", "whole", "found nothing"}},
      {"seed: '1'", 1, {"seed"}},
      {"seed: 1 2", 1, {"seed"}},
      {"seed: [1]", 1, {"seed", "whole", "a list"}},
      {"seed: nan", 1, {"seed", "whole", "nan"}},
      {"seed: .inf", 1, {"seed", "whole", ".inf"}},
      {"inner:\n  rate: nan", 2, {"inner.rate", "a number from 0 to 1000000", "nan"}},
      {"inner:\n  rate: inf", 2, {"inner.rate", "a number", "inf"}},
      {"inner: {rate: -inf}", 1, {"inner.rate", "a number", "-inf"}},
      {"inner: {rate: 1e400}", 1, {"inner.rate", "a number", "1e400"}},
      {"inner: {rate: -0.1}", 1, {"inner.rate", "from 0", "-0.1"}},
      {"inner: {rate: 1000001}", 1, {"inner.rate", "to 1000000", "1000001"}},
      {"shared: {mixing: 1.001}", 1, {"shared.mixing", "from 0 to 1", "1.001"}},
      {"inner: {order: third}", 1, {"inner.order", "second|first", "third"}},
      {"inner: {order: }", 1, {"inner.order", "second|first", "nothing"}},
      {"inner: {order: [first]}", 1, {"inner.order", "second|first", "a list"}},
      {"inner: {order: sec}", 1, {"inner.order", "second|first", "sec"}},
      {"task: {rotations: yes}", 1, {"task.rotations", "true or false", "yes"}},
      {"task: {rotations: 1}", 1, {"task.rotations", "true or false", "1"}},
      {"task: {file: [a]}", 1, {"task.file", "text", "a list"}},
      {"task: {modes: sinusoid}", 1, {"task.modes", "a list", "sinusoid"}},
      {"task: {modes: []}", 1, {"task.modes", "at least one"}},
      {"task: {modes: [linear,\n  cubic]}", 2, {"task.modes", "sinusoid|linear", "cubic"}},
      {"task: {modes: [linear, [tanh]]}", 1, {"task.modes", "sinusoid|linear", "a list"}},
      {"seed: 1\nsteps: 2\nseed: 1", 3, {"seed", "twice"}},
      {"task:\n  ways: 5\n  ways: 5", 3, {"task.ways", "twice"}},
      {"task: {ways: 5}\ntask: {support: 5}", 2, {"task", "twice"}},
      {"task:\n  own_row: true\n  self_row: false", 3, {"task.self_row", "twice"}},
      {"task: 3", 1, {"task", "a section", "3"}},
      {"task:", 1, {"task", "a section", "nothing"}},
      {"task: [ways]", 1, {"task", "a section", "a list"}},
      {"{a: 1}: 2", 1, {"key"}},
      {"seed: [1", 0, {"not valid YAML", ":2:"}},
      {"seed: 1\n\tsteps: 2", 2, {"not valid YAML"}},
      {"a: b: c", 1, {"not valid YAML"}},
      {"seed: 1\n\xff\xfe", 0, {"not valid YAML"}},
      {"seed: *there", 1, {"not valid YAML"}},
      {"", 0, {"task:", "empty"}},
      {"# nothing\n", 0, {"task:", "empty"}},
      {"[1, 2]", 0, {"sections"}},
      {"words", 0, {"sections"}},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    check_mistake(&table[i]);
}

static void test_layer_mistakes(void **state) {
  (void)state;
  static const mistake table[] = {
      {"model: {layers: dense}", 1, {"model.layers", "a list of layers", "dense"}},
      {"model:\n  layers:\n    - relu\n    - [1]", 4, {"model.layers", "a layer such as"}},
      {"model: {layers: [{dense: 1, relu: 2}]}",
       1,
       {"model.layers", "a layer such as", "a mapping"}},
      {"model:\n  layers:\n    - dense: x", 3, {"model.layers", "a number", "x"}},
      {"model: {layers: [dense: nan]}", 1, {"model.layers", "a number", "nan"}},
      {"model: {layers: [dense: [4]]}", 1, {"model.layers", "a number", "a list"}},
      {"model:\n  layers:\n  - conv2d:\n      filters: many", 4, {"filters", "a number", "many"}},
      {"model: {layers: [{conv2d: {[1]: 1}}]}", 1, {"model.layers", "argument"}},
      {"model: {layers: [{conv2d: {name: a, name: b}}]}",
       1,
       {"model.layers", "each argument once"}},
      {"model: {layers: [\n{relu: {name: 3}}]}", 2, {"name", "a letter first", "found 3"}},
      {"model: {layers: [{relu: {name: A}}]}", 1, {"name", "letters from a to z", "found A"}},
      {"model: {layers: [{relu: {name: _a}}]}", 1, {"name", "a letter first", "found _a"}},
      {"model: {layers: [{relu: {name: }}]}", 1, {"name", "letters", "found nothing"}},
      {"model: {layers: [{relu: {name: [a]}}]}", 1, {"name", "letters", "a list"}},
      {"model: {layers: [{relu: {name: input}}]}", 1, {"name", "not input"}},
      {"model: {layers: [{relu: {name: a23456789012345678901234567890ab}}]}", 1, {"name", "31"}},
      {"model: {layers: [{relu: {name: a}},\n {tanh: {name: a}}]}",
       2,
       {"model.layers[1] tanh: name", "no layer before it has", "found a"}},
      {"model: {layers: [{relu: {from: a}}]}",
       1,
       {"model.layers[0] relu: from", "input, since no layer comes before", "found a"}},
      {"model: {layers: [relu, {relu: {from: 1.5}}]}", 1, {"a number below 1, or input", "1.5"}},
      {"model: {layers: [relu, {relu: {from: -1}}]}", 1, {"a number below 1, or input", "-1"}},
      {"model: {layers: [relu, {relu: {from: 1}}]}", 1, {"a number below 1, or input", "found 1"}},
      {"model: {layers: [relu, {relu: {from: '0'}}]}", 1, {"below 1, or input", "found 0"}},
      {"model: {layers: [{relu: {name: a}}, {relu: {name: b}}, tanh, {add: {from: [a, c]}}]}",
       1,
       {"model.layers[3] add: from",
        "the name of an earlier layer (a, b), a number below 3, or input", "found c"}},
      {"model: {layers: [relu, {add: {from: [0, b]}}, {relu: {name: b}}]}",
       1,
       {"model.layers[1] add: from", "the name of an earlier layer, a number below 1", "found b"}},
      {"model: {layers: [{relu: {from: a, name: a}}]}", 1, {"from", "input", "found a"}},
      {"model: {layers: [{add: {from: []}}]}", 1, {"from", "a list of them"}},
      {"model: {layers: [{add: {from: {a: b}}}]}", 1, {"from", "input", "a mapping"}},
      {"model: {layers: [{add: {from: [input,\n [b]]}}]}", 2, {"from", "input", "a list"}},
      {"model: {layers: [relu, {add: {from: [0, 0, 0, 0, 0, 0, 0, 0, 0]}}]}",
       1,
       {"from", "at most 8"}},
      {"model: {layers: [{conv2d: {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1}}]}",
       1,
       {"at most 8"}},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    check_mistake(&table[i]);
  char text[1024] = "model: {layers: [relu";
  for (int i = 0; i < OIKOS_MAX_LAYERS; i++)
    strcat(text, ", relu");
  strcat(text, "]}");
  check_mistake(&(mistake){text, 1, {"model.layers", "at most 64"}});
  char longer[OIKOS_PATH + 64] = "task: {file: ";
  memset(longer + strlen(longer), 'a', OIKOS_PATH);
  strcat(longer, "}");
  check_mistake(&(mistake){longer, 1, {"task.file", "1023"}});
}

static void test_set(void **state) {
  (void)state;
  oikos_config *c = defaults();
  snprintf(c->file, sizeof c->file, "kept.yaml");
  set(c, "inner.steps=5");
  set(c, "seed=9");
  set(c, "task.modes=[linear, tanh]");
  set(c, "model.layers=[dense: 3, relu]");
  set(c, "task.file=a, b = c");
  assert_true(c->inner.steps == 5 && c->seed == 9 && c->task.modes.n == 2 &&
              c->model.n_layers == 2);
  assert_string_equal(c->task.file, "a, b = c");
  assert_string_equal(c->file, "kept.yaml");
  free(c);
  check_set("inner.steps", "inner.steps", "key=value");
  check_set("=5", "=5", "key=value");
  check_set("", "key=value", "inner.steps=5");
  check_set("inner.step=5", "unknown key inner.step", "inner.steps");
  check_set("inner=5", "unknown key inner", "mean");
  check_set("inner.steps=five", "inner.steps", "a whole number");
  check_set("inner.steps=", "inner.steps", "found nothing");
  check_set("inner.rate=-1", "inner.rate", "from 0");
  check_set("inner.steps= 5", "inner.steps", "a whole number");
  check_set("inner.steps=5\nseed: 3", "inner.steps", "a whole number");
  check_set("inner.steps=5}", "inner.steps", "a whole number");
  check_set("inner.order=first, rate: 3", "inner.order", "second|first");
  check_set("task.modes=[linear], noise: 1", "--set", "not valid YAML");
  check_set("task.modes=[linear]\n---\nseed: 1", "--set", "second document");
  check_set("task.modes=linear", "task.modes", "a list");
  check_set("model.layers=", "--set", "a list");
  check_set("model.layers=[relu, -]", "--set", "a layer such as"); // it would be written as a list
  check_set("model.layers=[dense: 3", "--set", "not valid YAML");
  check_set("task.file=a\x96", "task.file", "UTF-8");
  char text[3 * OIKOS_PATH] = "task.file=";
  memset(text + strlen(text), 'a', sizeof text - strlen(text) - 1);
  check_set(text, "task.file", "1023");
}

/* Every key by itself: those that are free may differ, of the others the message names key, old and
 * new. */
static void test_resumable(void **state) {
  (void)state;
  for (const oikos_option *o = oikos_options(); o->key; o++) {
    oikos_config *old = defaults(), *now = defaults();
    oikos_error err = {0};
    CHECK_OK(oikos_config_resumable(old, now, &err));
    set_other(now, o);
    oikos_status status = oikos_config_resumable(old, now, &err);
    if (status != (o->free_on_resume ? OIKOS_OK : OIKOS_USAGE))
      fail_msg("%s: status %d", o->key, status);
    if (status == OIKOS_USAGE && !strstr(err.message, o->key))
      fail_msg("%s is not named: %s", o->key, err.message);
    free(old);
    free(now);
  }
  oikos_config *old = defaults(), *now = defaults();
  oikos_error err;
  set(now, "inner.steps=3");
  assert_true(oikos_config_resumable(old, now, &err) == OIKOS_USAGE);
  assert_non_null(strstr(err.message, "inner.steps was 1 in the checkpoint and is 3 now"));
  assert_non_null(strstr(err.message, "eval.*")); // that is what who evaluates looks for
  *now = *old;
  now->steps = 5000; // a longer run is the same computation, unless the schedule depends on its end
  CHECK_OK(oikos_config_resumable(old, now, &err));
  for (int schedule = 0; schedule <= OIKOS_SCHEDULE_EXPONENTIAL; schedule++) {
    old->outer.schedule = now->outer.schedule = schedule;
    oikos_status status = oikos_config_resumable(old, now, &err);
    assert_int_equal(status, schedule == OIKOS_SCHEDULE_COSINE ? OIKOS_USAGE : OIKOS_OK);
    assert_true(status == OIKOS_OK ||
                (strstr(err.message, "steps was 1000") && strstr(err.message, "outer.schedule")));
  }
  free(old);
  free(now);
}

static void check_together(const char *text, const char *word, const char *other) {
  oikos_config *c = defaults();
  oikos_error err = {0};
  parse(c, "model: {layers: [dense: 1]}");
  parse(c, text);
  oikos_status status = oikos_config_check(c, &err);
  if (status != (word ? OIKOS_USAGE : OIKOS_OK))
    fail_msg("%s: status %d: %s", text, status, err.message);
  if (word && (!strstr(err.message, word) || !strstr(err.message, other) ||
               !strstr(err.message, "test.yaml")))
    fail_msg("%s: expected \"%s\" and \"%s\" in: %s", text, word, other, err.message);
  free(c);
}

static void test_check(void **state) {
  (void)state;
  check_together("seed: 1", NULL, NULL);
  check_together("model: {layers: []}", "model.layers", "list");
  check_together("home: {count: 2}", "home.count", "home.owns");
  check_together("home: {count: 2, owns: last}", NULL, NULL);
  check_together("home: {score: held_out}\ntask: {support: 1}", "held_out", "task.support");
  check_together("home: {score: held_out}\ntask: {support: 2}", NULL, NULL);
  check_together("model: {loss: cross_entropy}", "model.loss", "task.source");
  check_together("task: {source: images}\nmodel: {loss: cross_entropy}", "task.file",
                 "oikos import");
  check_together("task: {source: images, file: a.h5}", "model.loss", "task.source");
  check_together("task: {source: images, file: a.h5}\nmodel: {loss: cross_entropy}", NULL, NULL);
  const char *images = "task: {source: images, file: a.h5}\nmodel: {loss: prototypes}\n";
  char text[256];
  snprintf(text, sizeof text, "%sinner: {steps: 0}", images);
  check_together(text, NULL, NULL);
  check_together(images, "prototypes", "inner.steps");
  snprintf(text, sizeof text, "%sinner: {steps: 0}\neval: {steps: 3}", images);
  check_together(text, "prototypes", "eval.steps");
  snprintf(text, sizeof text, "%sinner: {steps: 0}\nhome: {count: 2, owns: all}", images);
  check_together(text, "prototypes", "home.count");
  check_together("task: {split: fraction, validation_fraction: 0.5, test_fraction: 0.5}",
                 "task.validation_fraction", "nothing is left");
  check_together("task: {split: file, validation_fraction: 0.5, test_fraction: 0.5}", NULL, NULL);
  check_together("inner: {micro_batches: 11}", "inner.micro_batches", "11");
  check_together("inner: {micro_batches: 10}", NULL, NULL);
  check_together(
      "task: {source: images, file: a.h5, ways: 5, support: 1}\nmodel: {loss: cross_entropy}\n"
      "inner: {micro_batches: 5}",
      NULL, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults),       cmocka_unit_test(test_write),
      cmocka_unit_test(test_explain),        cmocka_unit_test(test_mistakes),
      cmocka_unit_test(test_layer_mistakes), cmocka_unit_test(test_set),
      cmocka_unit_test(test_resumable),      cmocka_unit_test(test_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
