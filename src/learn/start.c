/* SPDX-License-Identifier: MIT */
#include "learn/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "math/vector.h"

typedef oikos_real real;

/* Whether tensor i of theta is the weights or scales of units whose bias comes next, in a layer
 * before the last one. */
static bool is_modulated(const oikos_network *net, int i) {
  const oikos_tensor *t = oikos_network_tensors(net) + i;
  return t->offset < oikos_network_last_layer(net) && t->role != OIKOS_BIAS &&
         i + 1 < oikos_network_tensor_count(net) && t[1].role == OIKOS_BIAS &&
         t[1].layer == t->layer && t[1].rows == t->rows;
}

/* The scale or the shift of the units of a layer. */
static void add_part(oikos_home_layout *l, const oikos_tensor *weight, const char *name,
                     oikos_tensor_role role) {
  oikos_tensor *part = &l->tensor[l->n_tensors++];
  const char *end = strrchr(weight->name, '.');
  *part = (oikos_tensor){.role = role,
                         .layer = weight->layer,
                         .n_dims = 1,
                         .dims = {(int64_t)weight->rows},
                         .offset = l->k,
                         .size = weight->rows,
                         .rows = weight->rows,
                         .columns = 1};
  snprintf(part->name, sizeof part->name, "%.*s.%s", (int)(end - weight->name), weight->name, name);
  l->k += part->size;
}

static oikos_status lay_out_modulation(const oikos_network *net, oikos_home_layout *l,
                                       oikos_error *err) {
  int n = oikos_network_tensor_count(net);
  OIKOS_TRY(oikos_alloc(&l->weight, (size_t)n, sizeof *l->weight, "the homes", err));
  for (int i = 0; i < n; i++)
    if (is_modulated(net, i)) {
      l->weight[l->n_units++] = oikos_network_tensors(net) + i;
      add_part(l, oikos_network_tensors(net) + i, "modulation_scale", OIKOS_SCALE);
      add_part(l, oikos_network_tensors(net) + i, "modulation_shift", OIKOS_BIAS);
    }
  if (l->n_units == 0)
    return oikos_fail(err, OIKOS_USAGE,
                      "home.owns is modulation, but no layer before the last one has units to "
                      "modulate; add a hidden dense, conv2d or batch_norm layer");
  return OIKOS_OK;
}

/* The tensors of theta from `first` on. */
static void lay_out_tail(const oikos_network *net, size_t first, oikos_home_layout *l) {
  for (int i = 0; i < oikos_network_tensor_count(net); i++) {
    const oikos_tensor *t = oikos_network_tensors(net) + i;
    if (t->offset < first) {
      l->first_tensor = i + 1;
      continue;
    }
    l->tensor[l->n_tensors] = *t;
    l->tensor[l->n_tensors++].offset -= first;
  }
  l->k = l->m - first;
}

static oikos_status lay_out(const oikos_config *config, const oikos_network *net,
                            oikos_home_layout *l, oikos_error *err) {
  size_t n = (size_t)oikos_network_tensor_count(net);
  OIKOS_TRY(oikos_alloc(&l->tensor, n, sizeof *l->tensor, "the homes", err));
  switch (config->home.owns) {
  case OIKOS_OWNS_ALL:
    lay_out_tail(net, 0, l);
    break;
  case OIKOS_OWNS_LAST:
    lay_out_tail(net, oikos_network_last_layer(net), l);
    break;
  case OIKOS_OWNS_MODULATION:
    l->modulates = true;
    return lay_out_modulation(net, l, err);
  case OIKOS_OWNS_NOTHING:
    break;
  }
  return OIKOS_OK;
}

oikos_status oikos_home_layout_create(const oikos_config *config, const oikos_network *net,
                                      oikos_home_layout *l, oikos_error *err) {
  *l = (oikos_home_layout){.m = oikos_network_parameters(net)};
  oikos_status status = lay_out(config, net, l, err);
  if (status != OIKOS_OK)
    oikos_home_layout_destroy(l);
  return status;
}

void oikos_home_layout_destroy(oikos_home_layout *l) {
  free(l->tensor);
  free(l->weight);
  *l = (oikos_home_layout){0};
}

/* One modulated layer: its units' parameters are weight (rows, columns), then bias (rows). */
typedef struct units {
  size_t rows, columns, weight, bias; /* where they stand in theta */
  const real *scale, *shift;          /* (rows) of c */
} units;

static units units_of(const oikos_home_layout *l, int i, const real *c) {
  const oikos_tensor *weight = l->weight[i];
  return (units){.rows = weight->rows,
                 .columns = weight->columns,
                 .weight = weight->offset,
                 .bias = weight[1].offset,
                 .scale = c + l->tensor[2 * i].offset,
                 .shift = c + l->tensor[2 * i + 1].offset};
}

static void modulate(const units *u, real *theta) {
  for (size_t r = 0; r < u->rows; r++) {
    real factor = 1 + u->scale[r], *row = theta + u->weight + r * u->columns;
    for (size_t j = 0; j < u->columns; j++)
      row[j] *= factor;
    theta[u->bias + r] = theta[u->bias + r] * factor + u->shift[r];
  }
}

void oikos_home_start(const oikos_home_layout *l, const real *w, const real *c, real *theta) {
  size_t kept = l->modulates ? l->m : l->m - l->k;
  memcpy(theta, w, kept * sizeof *theta);
  memcpy(theta + kept, c, (l->m - kept) * sizeof *theta);
  for (int i = 0; i < l->n_units; i++) {
    units u = units_of(l, i, c);
    modulate(&u, theta);
  }
}

void oikos_home_mean(const oikos_home_layout *l, int64_t n_homes, const real *homes, const real *p,
                     real *restrict c) {
  memset(c, 0, l->k * sizeof *c);
  for (int64_t t = 0; t < n_homes; t++) {
    const real *restrict home = homes + (size_t)t * l->k;
    for (size_t i = 0; i < l->k; i++)
      c[i] += p[t] * home[i];
  }
}

static void pull_back(const units *u, const real *w, real *gradient, real *dscale, real *dshift) {
  for (size_t r = 0; r < u->rows; r++) {
    real factor = 1 + u->scale[r], *row = gradient + u->weight + r * u->columns;
    real *bias = gradient + u->bias + r;
    dscale[r] =
        (real)oikos_dot(u->columns, row, w + u->weight + r * u->columns) + *bias * w[u->bias + r];
    dshift[r] = *bias;
    for (size_t j = 0; j < u->columns; j++)
      row[j] *= factor;
    *bias *= factor;
  }
}

void oikos_home_start_gradient(const oikos_home_layout *l, const real *w, const real *c,
                               real *gradient, real *dc) {
  if (!l->modulates)
    memcpy(dc, gradient + l->m - l->k, l->k * sizeof *dc);
  for (int i = 0; i < l->n_units; i++) {
    units u = units_of(l, i, c);
    pull_back(&u, w, gradient, dc + l->tensor[2 * i].offset, dc + l->tensor[2 * i + 1].offset);
  }
}
