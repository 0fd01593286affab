/* SPDX-License-Identifier: MIT
 * The inner steps and the meta-gradient through them. */
#include <string.h>

#include "learn/inner_impl.h"
#include "math/vector.h"
#include "net/derivatives.h"

typedef oikos_real real;

/* Micro-batch j of the support set: consecutive examples, sizes that differ by at most one. */
static oikos_batch micro_batch(const oikos_inner *inner, const oikos_batch *support, size_t j) {
  size_t count = (size_t)inner->micro_batches, first = support->n * j / count,
         last = support->n * (j + 1) / count;
  size_t in = oikos_network_input(inner->net), targets = oikos_network_targets(inner->net);
  oikos_batch b = {
      .n = last - first, .x = support->x + first * in, .y = support->y + first * targets};
  if (support->teacher)
    b.teacher = support->teacher + first * oikos_network_output_size(inner->net);
  return b;
}

/* Support examples from `first` on act on the loss through the step whose Hessian product has just
 * been taken in a workspace, but for a factor. */
static void follow_examples(const oikos_inner *inner, oikos_path *p, const oikos_workspace *ws,
                            size_t first, size_t n, real factor) {
  size_t in = oikos_network_input(inner->net);
  if (!p->dx)
    return;
  const real *restrict dx_t = oikos_workspace_dx_t(inner->net, ws);
  real *restrict dx = p->dx + first * in;
  for (size_t i = 0; i < n * in; i++)
    dx[i] -= factor * dx_t[i];
}

/* grad (M), if any, = weight * the support gradient at theta, over all micro-batches; with a
 * direction also product (M) = weight * Hessian * direction. */
static oikos_judgement accumulate(const oikos_inner *inner, oikos_path *p, const real *theta,
                                  const oikos_batch *support, const real *direction, double weight,
                                  real *grad, real *product) {
  oikos_judgement total = {0};
  bool begun = false;
  for (size_t j = 0; j < (size_t)inner->micro_batches; j++) {
    oikos_batch b = micro_batch(inner, support, j);
    if (b.n == 0)
      continue;
    double share = (double)b.n / (double)support->n;
    oikos_judgement one = oikos_network_derive(inner->net, p->ws, theta, direction, &b,
                                               (real)(weight * share), !begun, grad, product);
    if (direction)
      follow_examples(inner, p, p->ws, support->n * j / (size_t)inner->micro_batches, b.n, 1);
    begun = true;
    total.loss += share * one.loss;
    total.correct += one.correct;
  }
  return total;
}

/* z = theta - rate * grad, where inner steps change it */
static void descend(const oikos_inner *inner, const oikos_path *p, const real *rates, int64_t k,
                    const real *restrict theta, const real *restrict grad, real *restrict z) {
  real factor = (real)p->factor;
  memcpy(z, theta, inner->first * sizeof *z);
  for (int i = 0; i < oikos_network_tensor_count(inner->net); i++) {
    const oikos_tensor *t = &oikos_network_tensors(inner->net)[i];
    if (t->offset < inner->first)
      continue;
    oikos_rate rate = oikos_rate_of(inner, p, rates, t, k);
    size_t end = t->offset + t->size;
    if (rate.each)
      for (size_t j = t->offset; j < end; j++)
        z[j] = theta[j] - factor * rate.each[j - t->offset] * grad[j];
    else
      for (size_t j = t->offset; j < end; j++)
        z[j] = theta[j] - rate.one * grad[j];
  }
}

/* The support loss and gradient (M) at theta_k; zero of an empty set. */
static oikos_judgement descent(const oikos_inner *inner, oikos_path *p, int64_t k,
                               const real *theta, const oikos_batch *support, real *grad) {
  if (support->n == 0) {
    memset(grad, 0, inner->parameters * sizeof *grad);
    return (oikos_judgement){0};
  }
  if (p->chunk && k == 0)
    return oikos_chunk_gradient(inner->net, p->chunk, p->member, theta, grad);
  if (k < p->n_kept)
    return oikos_network_derive(inner->net, p->kept[k], theta, NULL, support, 1, true, grad, NULL);
  return accumulate(inner, p, theta, support, NULL, 1, grad, NULL);
}

oikos_judgement oikos_adapt(const oikos_inner *inner, oikos_path *p, const real *rates,
                            const oikos_batch *support, int64_t steps) {
  oikos_judgement start = {0};
  for (int64_t k = 0; k < steps; k++) {
    const real *theta = oikos_path_parameters(inner, p, k);
    oikos_judgement now = descent(inner, p, k, theta, support, p->support);
    real *z = p->z + (size_t)(k + 1) * inner->parameters;
    descend(inner, p, rates, k, theta, p->support, z);
    if (inner->max_norm > 0)
      oikos_project_norms(inner, z, p->norms + (size_t)(k + 1) * oikos_project_units(inner));
    start = k == 0 ? now : start;
  }
  return start;
}

/* scaled (M) = rate * u, where inner steps change it */
static void scale(const oikos_inner *inner, const oikos_path *p, const real *rates, int64_t k,
                  const real *u, real *scaled) {
  real factor = (real)p->factor;
  memset(scaled, 0, inner->first * sizeof *scaled);
  for (int i = 0; i < oikos_network_tensor_count(inner->net); i++) {
    const oikos_tensor *t = &oikos_network_tensors(inner->net)[i];
    if (t->offset < inner->first)
      continue;
    oikos_rate rate = oikos_rate_of(inner, p, rates, t, k);
    for (size_t j = t->offset; j < t->offset + t->size; j++)
      scaled[j] = (rate.each ? factor * rate.each[j - t->offset] : rate.one) * u[j];
  }
}

/* gradient of the rates of step k: d z / d rate = -factor * grad */
static void add_rate_gradient(const oikos_inner *inner, const oikos_path *p, const real *rates,
                              int64_t k, const real *u, const real *grad, real *gradient) {
  real factor = (real)p->factor;
  for (int i = 0; i < oikos_network_tensor_count(inner->net); i++) {
    const oikos_tensor *t = &oikos_network_tensors(inner->net)[i];
    if (t->offset < inner->first)
      continue;
    oikos_rate rate = oikos_rate_of(inner, p, rates, t, k);
    const real *restrict along = u + t->offset, *restrict slope = grad + t->offset;
    real *restrict of_rate = gradient + rate.index;
    if (!rate.each)
      *of_rate -= (real)(p->factor * oikos_dot(t->size, along, slope));
    for (size_t j = 0; rate.each && j < t->size; j++)
      of_rate[j] -= factor * along[j] * slope[j];
  }
}

/* product (M) = H_support(theta_k) direction, from what oikos_adapt left of step k; with learned
 * rates also the support gradient. Of the product, `factor` is to be taken. */
static void multiply_kept(const oikos_inner *inner, oikos_path *p, int64_t k, const real *theta,
                          const oikos_batch *support, const real *direction, real factor) {
  if (p->chunk && k == 0) {
    if (inner->rates)
      oikos_chunk_gradient(inner->net, p->chunk, p->member, theta, p->support);
    oikos_chunk_product(inner->net, p->chunk, p->member, theta, direction, p->product);
    follow_examples(inner, p, oikos_chunk_workspace(p->chunk), 0, support->n, factor);
    return;
  }
  if (inner->rates)
    oikos_network_kept_gradient(inner->net, p->kept[k], theta, support, p->support);
  oikos_network_kept_product(inner->net, p->kept[k], theta, direction, support, p->product);
  follow_examples(inner, p, p->kept[k], 0, support->n, factor);
}

/* H_support(theta_k) (rate * v) is product (M) times the factor returned; with learned rates also
 * the support gradient. */
static real multiply_hessian(const oikos_inner *inner, oikos_path *p, const real *rates, int64_t k,
                             const oikos_batch *support, const real *v) {
  const real *theta = oikos_path_parameters(inner, p, k);
  bool kept = k < p->n_kept || (p->chunk && k == 0),
       one = inner->kind == OIKOS_RATES_FIXED && inner->first == 0; // one rate: a factor
  double rate = p->factor * inner->rate;
  if (support->n == 0) {
    memset(p->product, 0, inner->parameters * sizeof *p->product);
    if (inner->rates)
      memset(p->support, 0, inner->parameters * sizeof *p->support);
    return 1;
  }
  if (one && kept) {
    multiply_kept(inner, p, k, theta, support, v, (real)rate);
    return (real)rate;
  }
  if (one) {
    accumulate(inner, p, theta, support, v, rate, NULL, p->product);
    return 1;
  }
  scale(inner, p, rates, k, v, p->scaled);
  if (kept)
    multiply_kept(inner, p, k, theta, support, p->scaled, 1);
  else
    accumulate(inner, p, theta, support, p->scaled, 1, inner->rates ? p->support : NULL,
               p->product);
  return 1;
}

/* The derivative of the query loss that has just been taken with respect to the judged examples,
 * added to what stands there. */
static void add_examples(const oikos_inner *inner, oikos_path *p, const oikos_batch *support,
                         const oikos_batch *query) {
  if (!p->dx)
    return;
  const real *restrict from = oikos_workspace_dx(inner->net, p->ws);
  real *restrict to = p->dx + (query->x - support->x); // one after the other in memory
  for (size_t i = 0, n = query->n * oikos_network_input(inner->net); i < n; i++)
    to[i] += from[i];
}

oikos_judgement oikos_meta_gradient(const oikos_inner *inner, oikos_path *p, const real *rates,
                                    const oikos_batch *support, const oikos_batch *query,
                                    int64_t steps, real *gradient) {
  size_t m = inner->parameters;
  real *restrict v = gradient,
                 *rate_gradient =
                     gradient + m; // v (M) comes down from theta_S to the start in place
  oikos_profile *profile = oikos_workspace_profile(p->ws);
  double begin = oikos_profile_begin(profile);
  memset(rate_gradient, 0, inner->rates * sizeof *gradient);
  if (p->dx)
    memset(p->dx, 0, (support->n + query->n) * oikos_network_input(inner->net) * sizeof *p->dx);
  real early = steps > 0 ? (real)inner->multi_step : 0;
  oikos_judgement judgement =
      oikos_network_derive(inner->net, p->ws, oikos_path_parameters(inner, p, steps), NULL, query,
                           1 - early, true, v, NULL);
  add_examples(inner, p, support, query);
  oikos_profile_add(profile, OIKOS_PROFILE_QUERY, &begin);
  bool second = inner->order == OIKOS_ORDER_SECOND;
  for (int64_t k = steps - 1; k >= 0; k--) {
    if (inner->max_norm > 0)
      oikos_project_transposed(inner, p->z + (size_t)(k + 1) * m,
                               p->norms + (size_t)(k + 1) * oikos_project_units(inner), v);
    real factor = 1;
    if (second)
      factor = multiply_hessian(inner, p, rates, k, support, v);
    else if (inner->rates)
      descent(inner, p, k, oikos_path_parameters(inner, p, k), support, p->support);
    if (inner->rates)
      add_rate_gradient(inner, p, rates, k, v, p->support, rate_gradient);
    const real *restrict product = p->product;
    for (size_t i = 0; second && i < m; i++)
      v[i] -= factor * product[i];
  }
  if (early > 0) {
    oikos_network_derive(inner->net, p->ws, oikos_path_parameters(inner, p, 0), NULL, query, early,
                         false, v, NULL);
    add_examples(inner, p, support, query);
  }
  oikos_profile_add(profile, OIKOS_PROFILE_BACK, &begin);
  return judgement;
}
