/* SPDX-License-Identifier: MIT
 * A program that uses the installed liboikos: trains a small network from C, in memory. */
#include <stdio.h>
#include <string.h>

#include <oikos/oikos.h>

static const char text[] = "steps: 200\n"
                           "learners: {count: 8}\n"
                           "model: {init: glorot, layers: [dense: 20, relu, dense: 1]}\n";

static oikos_status train(const oikos_config *config, oikos_error *err) {
  oikos_trainer *trainer;
  oikos_evaluation before, after;
  oikos_status status =
      oikos_trainer_create(MPI_COMM_WORLD, config, NULL, false, NULL, &trainer, err);
  if (status != OIKOS_OK)
    return status;
  status = oikos_trainer_evaluate(trainer, OIKOS_TEST, 200, 1, &before, err);
  if (status == OIKOS_OK)
    status = oikos_trainer_run(trainer, err);
  if (status == OIKOS_OK)
    status = oikos_trainer_evaluate(trainer, OIKOS_TEST, 200, 1, &after, err);
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (status == OIKOS_OK) {
    if (rank == 0)
      printf("loss after adaptation: %g untrained, %g trained\n", before.loss[1].mean,
             after.loss[1].mean);
    if (!(after.loss[1].mean < before.loss[1].mean))
      status = oikos_fail(err, OIKOS_ERROR, "training did not help");
    oikos_evaluation_destroy(&before);
    oikos_evaluation_destroy(&after);
  }
  oikos_trainer_destroy(trainer);
  return status;
}

int main(int argc, char **argv) {
  static oikos_config config;
  oikos_error err;
  MPI_Init(&argc, &argv);
  oikos_config_defaults(&config);
  oikos_status status = oikos_config_parse(&config, "train.c", text, strlen(text), &err);
  if (status == OIKOS_OK)
    status = train(&config, &err);
  if (status != OIKOS_OK)
    fprintf(stderr, "%s\n", err.message);
  MPI_Finalize();
  return (int)status;
}
