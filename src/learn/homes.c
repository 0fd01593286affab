/* SPDX-License-Identifier: MIT */
#include "learn/homes.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "learn/cohort.h"
#include "math/vector.h"

typedef oikos_real real;

/* The size of what tensor i of c is perturbed by: relative to what it holds, or to the 1 that a
 * modulation begins at. */
static double perturbation(double share, const oikos_home_layout *l, int i, const real *c) {
  const oikos_tensor *t = &l->tensor[i];
  return l->modulates ? share : share * oikos_norm(t->size, c + t->offset) / sqrt((double)t->size);
}

static void initialise(const oikos_config *config, const oikos_home_layout *l, const real *w,
                       int64_t home, real *c) {
  // a single home has no tie to break
  double share = config->home.count > 1 ? config->home.perturbation : 0;
  if (l->modulates)
    memset(c, 0, l->k * sizeof *c);
  else
    memcpy(c, w + l->m - l->k, l->k * sizeof *c);
  for (int i = 0; i < l->n_tensors; i++) {
    oikos_random r = oikos_random_at((uint64_t)config->seed, OIKOS_DRAW_HOMES, (uint64_t)home,
                                     (uint64_t)(l->first_tensor + i));
    double size = perturbation(share, l, i, c);
    for (size_t j = 0; size > 0 && j < l->tensor[i].size; j++)
      c[l->tensor[i].offset + j] += (real)(size * oikos_random_normal(&r));
  }
}

void oikos_homes_initialise(const oikos_config *config, const oikos_home_layout *layout,
                            const real *w, real *homes) {
  for (int64_t t = 0; t < config->home.count; t++)
    initialise(config, layout, w, t, homes + (size_t)t * layout->k);
}

/* p <- (1 - share) p + share / n, in logarithms. */
static void share_out(double share, int64_t n, double *log_p) {
  for (int64_t t = 0; t < n; t++)
    log_p[t] = log((1 - share) * exp(log_p[t]) + share / (double)n);
}

int32_t oikos_home_choose(const oikos_config *config, const oikos_real *score, double *log_p,
                          oikos_real *p, int32_t home) {
  int64_t n = config->home.count;
  int32_t best = 0;
  double most, sum = 0;
  for (int64_t t = 0; t < n; t++) {
    log_p[t] = config->home.memory * log_p[t] - config->home.eta * (double)score[t];
    best = log_p[t] > log_p[best] ? (int32_t)t : best;
  }
  most = log_p[best];
  for (int64_t t = 0; t < n; t++)
    sum += exp(log_p[t] - most);
  for (int64_t t = 0; t < n; t++) {
    log_p[t] -= most + log(sum);
    p[t] = (real)exp(log_p[t]);
  }
  home = log_p[best] > log_p[home] + config->home.margin ? best : home;
  if (config->home.share > 0)
    share_out(config->home.share, n, log_p);
  return home;
}

int32_t oikos_homes_due(const oikos_config *config, const int64_t *members, int64_t *deserted,
                        int32_t *parent) {
  int64_t n = config->home.count;
  double enough = config->home.revive_below * (double)oikos_cohort_size(config) / (double)n;
  int32_t due = -1;
  *parent = 0;
  for (int32_t t = 0; t < n; t++) {
    deserted[t] = (double)members[t] > enough ? 0 : deserted[t] + 1;
    if (members[t] > members[*parent])
      *parent = t;
    if (deserted[t] >= config->home.revive && (due < 0 || members[t] < members[due]))
      due = t;
  }
  for (int32_t t = 0; due >= 0 && t < n; t++)
    deserted[t] = 0;
  return due;
}

void oikos_homes_split(const oikos_config *config, const oikos_home_layout *l, int64_t step,
                       int32_t child, int32_t parent, real *homes) {
  real *from = homes + (size_t)parent * l->k, *to = homes + (size_t)child * l->k;
  for (int i = 0; i < l->n_tensors; i++) {
    oikos_random r =
        oikos_random_at((uint64_t)config->seed, OIKOS_DRAW_REVIVE, (uint64_t)step, (uint64_t)i);
    double size = perturbation(config->home.perturbation, l, i, from);
    for (size_t j = l->tensor[i].offset, end = j + l->tensor[i].size; j < end; j++) {
      real centre = from[j], d = (real)(size * oikos_random_normal(&r));
      from[j] = centre + d;
      to[j] = centre - d;
    }
  }
}

void oikos_home_inherit(int64_t n_homes, int32_t child, int32_t parent, double *log_p) {
  double most = log_p[parent], sum = 0;
  log_p[child] = log_p[parent] -= log(2);
  for (int64_t t = 0; t < n_homes; t++)
    most = log_p[t] > most ? log_p[t] : most;
  for (int64_t t = 0; t < n_homes; t++)
    sum += exp(log_p[t] - most);
  for (int64_t t = 0; t < n_homes; t++)
    log_p[t] -= most + log(sum);
}
