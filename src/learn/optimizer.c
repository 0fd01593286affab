/* SPDX-License-Identifier: MIT */
#include "learn/optimizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "math/vector.h"

typedef oikos_real real;

static const oikos_optimizer_type *type_of(oikos_optimizer_kind kind) {
#define ENTRY(value, word) [value] = &oikos_optimizer_##word,
  static const oikos_optimizer_type *const table[] = {OIKOS_OPTIMIZERS(ENTRY)};
#undef ENTRY
  return table[kind];
}

const oikos_word *oikos_optimizer_word(int index) {
  return &type_of((oikos_optimizer_kind)index)->word;
}

bool oikos_optimizer_has_first(const oikos_config *c) {
  return type_of(c->outer.optimizer)->first;
}

bool oikos_optimizer_has_second(const oikos_config *c) {
  return type_of(c->outer.optimizer)->second;
}

oikos_status oikos_optimizer_create(const oikos_config *c, size_t rows, size_t n,
                                    oikos_optimizer *o, oikos_error *err) {
  *o = (oikos_optimizer){.rows = rows, .n = n};
  OIKOS_TRY(oikos_alloc(&o->count, rows, sizeof *o->count, "the optimizer", err));
  if (oikos_optimizer_has_first(c))
    OIKOS_TRY(oikos_alloc(&o->first, oikos_mul(rows, n), sizeof *o->first, "the optimizer", err));
  if (oikos_optimizer_has_second(c))
    OIKOS_TRY(oikos_alloc(&o->second, oikos_mul(rows, n), sizeof *o->second, "the optimizer", err));
  return OIKOS_OK;
}

void oikos_optimizer_destroy(oikos_optimizer *o) {
  free(o->first);
  free(o->second);
  free(o->count);
  *o = (oikos_optimizer){0};
}

void oikos_optimizer_update(const oikos_config *c, oikos_optimizer *o, size_t row, double rate,
                            const real *gradient, size_t decayed, real *w) {
  const oikos_optimizer_type *type = type_of(c->outer.optimizer);
  if (rate == 0)
    return;
  o->count[row]++;
  for (size_t i = 0; type->decays && i < decayed; i++)
    w[i] *= (real)(1 - rate * c->outer.weight_decay);
  type->update(c, &(oikos_optimizer_step){.rate = rate,
                                          .count = (double)o->count[row],
                                          .n = o->n,
                                          .first = o->first ? o->first + row * o->n : NULL,
                                          .second = o->second ? o->second + row * o->n : NULL,
                                          .gradient = gradient,
                                          .w = w});
}

void oikos_optimizer_copy(oikos_optimizer *o, size_t from, size_t to) {
  if (o->first)
    memcpy(o->first + to * o->n, o->first + from * o->n, o->n * sizeof *o->first);
  if (o->second)
    memcpy(o->second + to * o->n, o->second + from * o->n, o->n * sizeof *o->second);
  o->count[to] = o->count[from];
}

double oikos_clip(double clip, size_t n, real *gradient) {
  double norm = oikos_norm(n, gradient);
  for (size_t i = 0; clip > 0 && norm > clip && i < n; i++)
    gradient[i] = (real)((double)gradient[i] * (clip / norm));
  return norm;
}
