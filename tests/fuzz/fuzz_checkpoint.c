/* SPDX-License-Identifier: MIT
 * Checkpoints of a small run, nearly right and with the right hash, opened as `oikos eval` does:
 * what is taken can be evaluated. */
#include "fuzz_hdf5.h"

#include "oikos/config.h"
#include "oikos/trainer.h"
#include "store/checkpoint_impl.h"

static const oikos_config *config(void) {
  static oikos_config made;
  static const char text[] =
      "steps: 2\ntask: {modes: [sinusoid, linear], support: 3, query: 3}\nlearners: {count: 3, "
      "persist: true}\nmodel: {layers: [dense: 3, tanh, dense: 1]}\nouter: {optimizer: adam}\n"
      "home: {count: 2, owns: all}\ncheckpoint: {every: 2}\nlog: {every: 1}\nrun: {threads: 1, "
      "watchdog: 0}\neval: {episodes: 0}\n";
  oikos_error err = {.status = OIKOS_OK};
  if (made.steps != 2) {
    oikos_config_defaults(&made);
    fuzz_require(oikos_config_parse(&made, "harness", text, sizeof text - 1, &err) == OIKOS_OK,
                 "a configuration", err.message);
  }
  return &made;
}

/* The checkpoint after two steps; made once. */
static fuzz_input good(void) {
  static fuzz_input file;
  char run[FUZZ_PATH], path[FUZZ_PATH];
  oikos_trainer *t;
  oikos_error err = {.status = OIKOS_OK};
  if (file.data)
    return file;
  fuzz_require(oikos_trainer_create(MPI_COMM_SELF, config(), fuzz_path("run", run), false, NULL, &t,
                                    &err) == OIKOS_OK,
               "a trainer", err.message);
  fuzz_require(oikos_trainer_run(t, &err) == OIKOS_OK, "a run", err.message);
  oikos_trainer_destroy(t);
  return file = fuzz_get(fuzz_path("run/checkpoints/step-000000000002.h5", path));
}

static void evaluate(const char *path) {
  oikos_trainer *t;
  oikos_evaluation evaluation;
  oikos_error err;
  if (oikos_trainer_open(MPI_COMM_SELF, config(), path, NULL, &t, &err) != OIKOS_OK)
    return;
  if (oikos_trainer_evaluate(t, OIKOS_TEST, 2, 1, &evaluation, &err) == OIKOS_OK)
    oikos_evaluation_destroy(&evaluation);
  oikos_trainer_destroy(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[FUZZ_PATH];
  fuzz_input in = {data, size};
  fuzz_team();
  if (!fuzz_make(fuzz_path("checkpoint.h5", path), good(), OIKOS_CHECKPOINT_KIND, &in))
    return 0;
  evaluate(path);
  fuzz_nothing_open("an evaluation");
  return 0;
}
