/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/inner_impl.h"

typedef oikos_real real;

oikos_status oikos_inner_create(const oikos_network *net, const oikos_config *config,
                                oikos_inner **inner, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(inner, 1, sizeof **inner, "the inner rule", err));
  oikos_inner *r = *inner;
  size_t per_step = (size_t)oikos_network_layers(net);
  *r = (oikos_inner){.net = net,
                     .steps = config->inner.steps,
                     .order = config->inner.order,
                     .scope = config->inner.scope,
                     .kind = config->inner.learned_rates,
                     .rate = config->inner.rate,
                     .max_norm = config->inner.max_norm,
                     .multi_step = config->inner.multi_step,
                     .micro_batches = config->inner.micro_batches,
                     .parameters = oikos_network_parameters(net)};
  r->first = r->scope == OIKOS_SCOPE_LAST ? oikos_network_last_layer(net)
                                          : oikos_network_first_of(net, (int)config->inner.from);
  if (r->first == r->parameters && r->steps > 0)
    return oikos_fail(
        err, OIKOS_USAGE,
        "inner.from is %lld, but no layer from there on has parameters for inner steps "
        "to change; the last one that has is number %d",
        (long long)config->inner.from, oikos_network_last_number(net));
  if (r->kind == OIKOS_RATES_PARAMETER)
    r->rates = r->parameters;
  else if (r->kind == OIKOS_RATES_STEP_LAYER)
    r->rates = oikos_mul((size_t)r->steps, per_step);
  return OIKOS_OK;
}

void oikos_inner_destroy(oikos_inner *inner) {
  free(inner);
}

size_t oikos_inner_rates(const oikos_inner *inner) {
  return inner->rates;
}

void oikos_inner_first_rates(const oikos_inner *inner, real *rates) {
  for (size_t i = 0; i < inner->rates; i++)
    rates[i] = (real)inner->rate;
}

oikos_rate oikos_rate_of(const oikos_inner *inner, const oikos_path *p, const real *rates,
                         const oikos_tensor *t, int64_t k) {
  if (inner->kind == OIKOS_RATES_PARAMETER)
    return (oikos_rate){.each = rates + t->offset, .index = t->offset};
  if (inner->kind == OIKOS_RATES_FIXED || inner->rates == 0)
    return (oikos_rate){.one = (real)(p->factor * inner->rate)};
  int64_t step = k < inner->steps ? k : inner->steps - 1;
  size_t index = (size_t)step * (size_t)oikos_network_layers(inner->net) + (size_t)t->layer;
  return (oikos_rate){.one = (real)p->factor * rates[index], .index = index};
}

/* Where layers and products are small, the activations of every step cost less to keep than to
 * compute again. */
static oikos_status keep_steps(const oikos_inner *inner, oikos_path *p, size_t max_n,
                               oikos_error *err) {
  if (!oikos_network_batches_learners(inner->net) || inner->micro_batches > 1)
    return OIKOS_OK;
  int64_t n = p->max_steps < inner->steps ? p->max_steps : inner->steps; // those trained through
  OIKOS_TRY(oikos_alloc(&p->kept, (size_t)n, sizeof *p->kept, "the inner steps", err));
  for (; p->n_kept < n; p->n_kept++)
    OIKOS_TRY(oikos_workspace_create_keeping(inner->net, max_n, &p->kept[p->n_kept], err));
  return OIKOS_OK;
}

static oikos_status allocate(const oikos_inner *inner, oikos_path *p, size_t max_n,
                             oikos_error *err) {
  size_t m = inner->parameters, norms = inner->max_norm > 0 ? oikos_project_units(inner) : 0;
  OIKOS_TRY(oikos_alloc(&p->z, oikos_mul((size_t)p->max_steps + 1, m), sizeof *p->z,
                        "the inner steps", err));
  OIKOS_TRY(oikos_alloc(&p->norms, oikos_mul((size_t)p->max_steps + 1, norms), sizeof *p->norms,
                        "the inner steps", err));
  OIKOS_TRY(oikos_alloc(&p->theta, m, sizeof *p->theta, "the inner steps", err));
  OIKOS_TRY(oikos_alloc(&p->support, m, sizeof *p->support, "the inner steps", err));
  OIKOS_TRY(oikos_alloc(&p->scaled, m, sizeof *p->scaled, "the inner steps", err));
  if (oikos_network_row_width(inner->net) > 0)
    OIKOS_TRY(oikos_alloc(&p->dx, oikos_mul(max_n, oikos_network_input(inner->net)), sizeof *p->dx,
                          "the inner steps", err));
  return oikos_alloc(&p->product, m, sizeof *p->product, "the inner steps", err);
}

oikos_status oikos_path_create(const oikos_inner *inner, int64_t max_steps, size_t max_n,
                               oikos_path **path, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(path, 1, sizeof **path, "the inner steps", err));
  (*path)->max_steps = max_steps;
  (*path)->factor = 1;
  oikos_status status = oikos_workspace_create(inner->net, max_n, &(*path)->ws, err);
  if (status == OIKOS_OK)
    status = allocate(inner, *path, max_n, err);
  if (status == OIKOS_OK)
    status = keep_steps(inner, *path, max_n, err);
  if (status != OIKOS_OK) {
    oikos_path_destroy(*path);
    *path = NULL;
  }
  return status;
}

void oikos_path_destroy(oikos_path *p) {
  if (p) {
    oikos_workspace_destroy(p->ws);
    for (int64_t k = 0; k < p->n_kept; k++)
      oikos_workspace_destroy(p->kept[k]);
    free(p->kept);
    free(p->z);
    free(p->norms);
    free(p->theta);
    free(p->support);
    free(p->scaled);
    free(p->product);
    free(p->dx);
  }
  free(p);
}

real *oikos_path_start(oikos_path *path) {
  return path->z;
}

void oikos_path_join(oikos_path *path, oikos_chunk *chunk, size_t member) {
  path->chunk = chunk;
  path->member = member;
}

void oikos_path_scale_rates(oikos_path *path, double factor) {
  path->factor = factor;
}

void oikos_path_measure(oikos_path *path, oikos_profile *profile) {
  oikos_workspace_measure(path->ws, profile);
  for (int64_t k = 0; k < path->n_kept; k++)
    oikos_workspace_measure(path->kept[k], profile);
}

const real *oikos_path_dx(const oikos_path *path) {
  return path->dx;
}

oikos_workspace *oikos_path_workspace(oikos_path *path) {
  return path->ws;
}

const real *oikos_path_parameters(const oikos_inner *inner, oikos_path *path, int64_t k) {
  const real *z = path->z + (size_t)k * inner->parameters;
  if (inner->max_norm == 0 || k == 0) // the start is not projected: the rule projects after a step
    return z;
  const double *norms = path->norms + (size_t)k * oikos_project_units(inner);
  if (!oikos_project_moves(inner, norms))
    return z;
  oikos_project(inner, z, norms, path->theta);
  return path->theta;
}
