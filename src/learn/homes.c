/* SPDX-License-Identifier: MIT */
#include "learn/homes.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "math/vector.h"

typedef oikos_real real;

size_t oikos_home_size(const oikos_config *config, const oikos_network *net) {
  size_t m = oikos_network_parameters(net);
  switch ((oikos_owns_kind)config->home.owns) {
  case OIKOS_OWNS_ALL:
    return m;
  case OIKOS_OWNS_LAST:
    return m - oikos_network_last_layer(net);
  case OIKOS_OWNS_NOTHING:
    break;
  }
  return 0;
}

void oikos_homes_initialise(const oikos_config *config, const oikos_network *net, const real *w,
                            real *homes) {
  size_t k = oikos_home_size(config, net), first = oikos_network_parameters(net) - k;
  double share =
      config->home.count > 1 ? config->home.perturbation : 0; // a single home has no tie to break
  for (int64_t t = 0; t < config->home.count; t++) {
    real *c = homes + (size_t)t * k;
    memcpy(c, w + first, k * sizeof *c);
    for (int i = 0; i < oikos_network_tensor_count(net); i++) {
      const oikos_tensor *tensor = &oikos_network_tensors(net)[i];
      oikos_random r =
          oikos_random_at((uint64_t)config->seed, OIKOS_DRAW_HOMES, (uint64_t)t, (uint64_t)i);
      double size =
          share * oikos_norm(tensor->size, w + tensor->offset) / sqrt((double)tensor->size);
      for (size_t j = 0; tensor->offset >= first && size > 0 && j < tensor->size; j++)
        c[tensor->offset - first + j] += (real)(size * oikos_random_normal(&r));
    }
  }
}

void oikos_home_start(size_t m, size_t k, const real *w, const real *c, real *theta) {
  memcpy(theta, w, (m - k) * sizeof *theta);
  memcpy(theta + m - k, c, k * sizeof *theta);
}

void oikos_home_start_weighted(size_t m, size_t k, int64_t n_homes, const real *w,
                               const real *homes, const real *p, real *theta) {
  memcpy(theta, w, (m - k) * sizeof *theta);
  memset(theta + m - k, 0, k * sizeof *theta);
  for (int64_t t = 0; t < n_homes; t++)
    for (size_t i = 0; i < k; i++)
      theta[m - k + i] += p[t] * homes[(size_t)t * k + i];
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
  return log_p[best] > log_p[home] + config->home.margin ? best : home;
}
