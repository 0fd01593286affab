/* SPDX-License-Identifier: MIT */
#include "net/loss.h"

#include <math.h>

const oikos_loss_type *oikos_loss_of(oikos_loss_kind kind) {
  switch (kind) {
  case OIKOS_LOSS_CROSS_ENTROPY:
    return &oikos_loss_cross_entropy;
  case OIKOS_LOSS_PROTOTYPES:
    return &oikos_loss_prototypes;
  case OIKOS_LOSS_MSE:
    break;
  }
  return &oikos_loss_mse;
}

size_t oikos_loss_targets(oikos_loss_kind kind, size_t outputs) {
  return kind == OIKOS_LOSS_MSE ? outputs : 1;
}

double oikos_softmax(size_t size, const oikos_real *logits, size_t label, oikos_real *probability) {
  double largest = (double)logits[oikos_argmax(size, logits)], sum = 0,
         target = (double)logits[label];
  for (size_t j = 0; j < size; j++) {
    double e = exp((double)logits[j] - largest);
    probability[j] = (oikos_real)e;
    sum += e;
  }
  for (size_t j = 0; j < size; j++)
    probability[j] = (oikos_real)((double)probability[j] / sum);
  return log(sum) + largest - target; // probability may be logits itself
}

size_t oikos_argmax(size_t size, const oikos_real *x) {
  size_t best = 0;
  for (size_t j = 1; j < size; j++)
    best = x[j] > x[best] ? j : best;
  return best;
}
