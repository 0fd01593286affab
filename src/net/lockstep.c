/* SPDX-License-Identifier: MIT */
#include "net/lockstep.h"

#include <string.h>

#include "net/network_impl.h"

typedef oikos_real real;

enum { LANES = OIKOS_LOCKSTEP };

/* A layer that is no dense one: the activation of the stage before it, or false. */
static bool add_activation(const oikos_layer *l, oikos_lane_chain *c) {
  if (l->type != &oikos_layer_tanh || c->n == 0 ||
      c->stage[c->n - 1].activation != OIKOS_LANE_LINEAR)
    return false;
  c->stage[c->n - 1].activation = OIKOS_LANE_TANH;
  return true;
}

bool oikos_lane_chain_of(const oikos_network *net, oikos_lane_chain *c) {
  *c = (oikos_lane_chain){.parameters = net->n_parameters,
                          .inputs = net->layer[0].in_size,
                          .outputs = net->outputs,
                          .widest = net->layer[0].in_size};
  if (!oikos_lanes_are_fused() || net->row_width > 0 || net->loss_kind != OIKOS_LOSS_MSE)
    return false;
  for (int i = 0; i < net->n_layers; i++) {
    const oikos_layer *l = &net->layer[i];
    if (l->n_inputs != 1 || l->input[0].node != i - 1)
      return false;
    c->widest = l->out_size > c->widest ? l->out_size : c->widest;
    if (l->type != &oikos_layer_dense) {
      if (!add_activation(l, c))
        return false;
      continue;
    }
    c->stage[c->n++] =
        (oikos_lane_stage){.in = l->in_size,
                           .out = l->out_size,
                           .weight = l->first,
                           .bias = l->first + l->in_size * l->out_size,
                           .activation = l->relu ? OIKOS_LANE_RELU : OIKOS_LANE_LINEAR,
                           .layer = i};
  }
  return true;
}

size_t oikos_lane_pass_lay_out(const oikos_lane_chain *c, size_t n, real *memory,
                               oikos_lane_pass *p) {
  size_t used = 0, lanes = n * LANES;
  *p = (oikos_lane_pass){.n = n};
  for (int i = 0; i < c->n; i++) {
    size_t size = c->stage[i].out * lanes;
    bool apart = c->stage[i].activation == OIKOS_LANE_TANH; // the slope before it is kept too
    p->y[i] = memory ? memory + used : NULL;
    p->dz[i] = memory ? memory + used + size : NULL;
    p->dy[i] = memory ? memory + used + (apart ? 2 * size : size) : NULL;
    used += (apart ? 3 : 2) * size;
  }
  return used;
}

size_t oikos_lane_scratch_lay_out(const oikos_lane_chain *c, size_t n, int factors, real *memory,
                                  oikos_lane_scratch *s) {
  s->turned_size = n * c->widest * LANES;
  s->gram_size = n * n * LANES;
  s->turned = memory;
  s->gram = memory ? memory + (size_t)factors * s->turned_size : NULL;
  return (size_t)factors * (s->turned_size + 2 * s->gram_size);
}

/* What goes into stage i; NULL: zeros. */
static const real *into(const oikos_lane_pass *p, int i) {
  return i == 0 ? p->x : p->y[i - 1];
}

/* Whether a pass is one of tangents, in which ones do not move. */
static bool moves(const oikos_lane_pass *p) {
  return !p->x;
}

/* c (rows, columns) = the terms */
static void multiply(size_t rows, size_t columns, int n_terms, const oikos_lane_term *term,
                     real *c) {
  oikos_lane_multiply(&(oikos_lane_product){.rows = rows,
                                            .columns = columns,
                                            .n_terms = n_terms,
                                            .term = term,
                                            .c = c,
                                            .c_row = columns * LANES});
}

/* gram (m, n) = scale * (a^T x + ones or zeros) of a (size, m), x (size, n) */
static void correlate(size_t size, size_t m, const real *a, size_t n, const real *x, bool ones,
                      const real *scale, real *gram) {
  static const real one = 1;
  oikos_lane_term term = {size, false, a, LANES, m * LANES, x, n * LANES};
  oikos_lane_multiply(&(oikos_lane_product){.rows = m,
                                            .columns = n,
                                            .n_terms = 1,
                                            .term = &term,
                                            .start = !ones   ? NULL
                                                     : scale ? scale
                                                             : &one,
                                            .start_shared = !scale,
                                            .start_repeats = true,
                                            .scale = scale,
                                            .c = gram,
                                            .c_row = n * LANES});
}

/* The weights of stage i of a matrix, or (turned) their transpose, times x of n examples, as terms;
 * `ones` beside x are what the biases of factors are multiplied by. The scratch is used from place
 * `used` on, and the first place behind it is returned. */
static int matrix_terms(const oikos_lane_stage *s, int i, const oikos_lane_matrix *w, bool turned,
                        const real *x, size_t n, bool ones, const oikos_lane_scratch *scratch,
                        int used, oikos_lane_term *term, int *n_terms) {
  size_t each = w->shared ? 1 : LANES, row = turned ? each : s->in * each,
         step = turned ? s->in * each : each;
  if (w->theta)
    term[(*n_terms)++] = (oikos_lane_term){.depth = turned ? s->out : s->in,
                                           .shared = w->shared,
                                           .x = w->theta + s->weight * each,
                                           .x_row = row,
                                           .x_step = step,
                                           .y = x,
                                           .y_step = n * LANES};
  for (int k = 0; k < w->n_factors; k++) {
    const oikos_lane_factor *f = &w->factor[k];
    size_t m = f->slopes->n;
    const real *slopes = f->slopes->dz[i], *inputs = into(f->inputs, i);
    real *gram = scratch->gram + (size_t)used * scratch->gram_size;
    if (!inputs)
      continue;
    if (turned)
      correlate(s->out, m, slopes, n, x, false, w->scale, gram);
    else
      correlate(s->in, m, inputs, n, x, ones && !moves(f->inputs), w->scale, gram);
    term[(*n_terms)++] = (oikos_lane_term){.depth = m,
                                           .x = turned ? inputs : slopes,
                                           .x_row = m * LANES,
                                           .x_step = LANES,
                                           .y = gram,
                                           .y_step = n * LANES};
    used++;
  }
  return used;
}

static void add_time(const oikos_lane_scratch *scratch, const oikos_lane_stage *s, bool activation,
                     oikos_function_kind which, double *begin) {
  if (!scratch->profile)
    return;
  double now = oikos_wall_clock();
  bool apart = activation && s->activation == OIKOS_LANE_TANH; // a layer of its own
  scratch->profile->layer[s->layer + apart][which] += now - *begin;
  *begin = now;
}

/* y (out, n) = the terms + the bias of a matrix */
static void multiply_biased(const oikos_lane_stage *s, size_t n, int n_terms,
                            const oikos_lane_term *term, const oikos_lane_matrix *w, real *y) {
  size_t each = w->shared ? 1 : LANES;
  oikos_lane_multiply(&(oikos_lane_product){.rows = s->out,
                                            .columns = n,
                                            .n_terms = n_terms,
                                            .term = term,
                                            .start = w->theta ? w->theta + s->bias * each : NULL,
                                            .start_row = each,
                                            .start_shared = w->shared,
                                            .start_repeats = true,
                                            .c = y,
                                            .c_row = n * LANES});
}

void oikos_lane_forward(const oikos_lane_chain *c, const oikos_lane_matrix *w,
                        const oikos_lane_pass *p, const oikos_lane_scratch *scratch) {
  oikos_lane_term term[OIKOS_LANE_FACTORS + 1];
  double begin = oikos_profile_begin(scratch->profile);
  for (int i = 0; i < c->n; i++) {
    const oikos_lane_stage *s = &c->stage[i];
    int n_terms = 0;
    matrix_terms(s, i, w, false, into(p, i), p->n, true, scratch, 0, term, &n_terms);
    multiply_biased(s, p->n, n_terms, term, w, p->y[i]);
    add_time(scratch, s, false, OIKOS_FORWARD, &begin);
    activate(s->activation, s->out * p->n * LANES, p->y[i]);
    add_time(scratch, s, true, OIKOS_FORWARD, &begin);
  }
}

void oikos_lane_judge(const oikos_lane_chain *c, const oikos_lane_pass *p, const real *target,
                      double *loss) {
  const real *y = p->y[c->n - 1];
  size_t count = c->outputs * p->n;
  memset(loss, 0, LANES * sizeof *loss);
  for (size_t i = 0; i < count; i++)
    for (size_t lane = 0; lane < LANES; lane++) {
      double difference = (double)y[i * LANES + lane] - (double)target[i * LANES + lane];
      loss[lane] += difference * difference;
    }
  for (size_t lane = 0; lane < LANES; lane++)
    loss[lane] /= (double)count;
}

void oikos_lane_slope(const oikos_lane_chain *c, const oikos_lane_pass *p, const real *target,
                      real weight) {
  size_t count = c->outputs * p->n;
  const real *restrict y = p->y[c->n - 1];
  real *restrict dy = p->dy[c->n - 1], factor = 2 * weight / (real)count;
  for (size_t i = 0; i < count * LANES; i++)
    dy[i] = factor * (y[i] - target[i]);
}

void oikos_lane_backward(const oikos_lane_chain *c, const oikos_lane_matrix *w,
                         const oikos_lane_pass *p, const oikos_lane_scratch *scratch) {
  oikos_lane_term term[OIKOS_LANE_FACTORS + 1];
  double begin = oikos_profile_begin(scratch->profile);
  for (int i = c->n - 1; i >= 0; i--) {
    const oikos_lane_stage *s = &c->stage[i];
    int n_terms = 0;
    activate_back(s->activation, s->out * p->n * LANES, p->y[i], p->dy[i], p->dz[i]);
    add_time(scratch, s, true, OIKOS_BACKWARD, &begin);
    if (i == 0)
      return;
    matrix_terms(s, i, w, true, p->dz[i], p->n, false, scratch, 0, term, &n_terms);
    multiply(s->in, p->n, n_terms, term, p->dy[i - 1]);
    add_time(scratch, s, false, OIKOS_BACKWARD, &begin);
  }
}

/* Outputs' tangents along v. */
static void go_along(const oikos_lane_chain *c, const oikos_lane_matrix *w,
                     const oikos_lane_matrix *v, int first, const oikos_lane_pass *p,
                     const oikos_lane_pass *t, const oikos_lane_scratch *scratch) {
  oikos_lane_term term[2 * OIKOS_LANE_FACTORS + 2];
  double begin = oikos_profile_begin(scratch->profile);
  for (int i = 0; i < first; i++) // what stands before does not move
    memset(t->y[i], 0, c->stage[i].out * p->n * LANES * sizeof *t->y[i]);
  for (int i = first; i < c->n; i++) {
    const oikos_lane_stage *s = &c->stage[i];
    int n_terms = 0,
        used = matrix_terms(s, i, v, false, into(p, i), p->n, true, scratch, 0, term, &n_terms);
    if (i > first)
      matrix_terms(s, i, w, false, t->y[i - 1], p->n, false, scratch, used, term, &n_terms);
    multiply_biased(s, p->n, n_terms, term, v, t->y[i]);
    add_time(scratch, s, false, OIKOS_TANGENT, &begin);
    activate_tangent(s->activation, s->out * p->n * LANES, p->y[i], t->y[i]);
    add_time(scratch, s, true, OIKOS_TANGENT, &begin);
  }
}

void oikos_lane_tangents(const oikos_lane_chain *c, const oikos_lane_matrix *w,
                         const oikos_lane_matrix *v, int first, const oikos_lane_pass *p,
                         const oikos_lane_pass *t, const oikos_lane_scratch *scratch) {
  oikos_lane_term term[2 * OIKOS_LANE_FACTORS + 2];
  go_along(c, w, v, first, p, t, scratch);
  double begin = oikos_profile_begin(scratch->profile);
  size_t count = c->outputs * p->n;
  real factor = 2 / (real)count;
  for (size_t i = 0; i < count * LANES; i++)
    t->dz[c->n - 1][i] = factor * t->y[c->n - 1][i];
  for (int i = c->n - 1; i >= 0; i--) {
    const oikos_lane_stage *s = &c->stage[i];
    int n_terms = 0;
    activate_tangent_back(s->activation, s->out * p->n * LANES, p->y[i], t->y[i], p->dy[i],
                          t->dz[i]);
    add_time(scratch, s, true, OIKOS_TANGENT_BACKWARD, &begin);
    if (i == 0)
      return;
    int used = matrix_terms(s, i, w, true, t->dz[i], p->n, false, scratch, 0, term, &n_terms);
    if (i >= first)
      matrix_terms(s, i, v, true, p->dz[i], p->n, false, scratch, used, term, &n_terms);
    multiply(s->in, p->n, n_terms, term, t->dz[i - 1]);
    add_time(scratch, s, false, OIKOS_TANGENT_BACKWARD, &begin);
  }
}

void oikos_lane_scale(const oikos_lane_chain *c, const real *restrict scale,
                      const oikos_lane_pass *t) {
  for (int i = 0; i < c->n; i++) {
    real *restrict y = t->y[i], *restrict dz = t->dz[i];
    for (size_t j = 0; j < c->stage[i].out * t->n; j++)
      for (size_t lane = 0; lane < LANES; lane++) {
        y[j * LANES + lane] *= scale[lane];
        dz[j * LANES + lane] *= scale[lane];
      }
  }
}

/* x (in, n) turned round, so that the numbers of an example stand side by side. */
static const real *turn(size_t in, size_t n, const real *restrict x, real *restrict turned) {
  if (in == 1 || n == 1)
    return x;
  for (size_t j = 0; j < in; j++)
    for (size_t i = 0; i < n; i++)
      memcpy(turned + (i * in + j) * LANES, x + (j * n + i) * LANES, LANES * sizeof *x);
  return turned;
}

/* The bias of stage i, to (out): slopes times ones. */
static void expand_bias(const oikos_lane_stage *s, int i, const oikos_lane_matrix *w, real *to) {
  static const _Alignas(64) real ones[LANES] = {1, 1, 1, 1, 1, 1, 1, 1};
  oikos_lane_term term[OIKOS_LANE_FACTORS];
  size_t each = w->shared ? 1 : LANES;
  int n_terms = 0;
  for (int k = 0; k < w->n_factors; k++) {
    const oikos_lane_pass *p = w->factor[k].slopes;
    if (!moves(w->factor[k].inputs))
      term[n_terms++] = (oikos_lane_term){
          .depth = p->n, .x = p->dz[i], .x_row = p->n * LANES, .x_step = LANES, .y = ones};
  }
  oikos_lane_multiply(&(oikos_lane_product){.rows = s->out,
                                            .columns = 1,
                                            .n_terms = n_terms,
                                            .term = term,
                                            .start = w->theta ? w->theta + s->bias * each : NULL,
                                            .start_row = each,
                                            .start_shared = w->shared,
                                            .scale = w->scale,
                                            .c = to,
                                            .c_row = LANES});
}

void oikos_lane_expand(const oikos_lane_chain *c, const oikos_lane_matrix *w, int first, real *to,
                       oikos_function_kind which, const oikos_lane_scratch *scratch) {
  oikos_lane_term term[OIKOS_LANE_FACTORS];
  double begin = oikos_profile_begin(scratch->profile);
  size_t each = w->shared ? 1 : LANES;
  for (int i = first; i < c->n; i++) {
    const oikos_lane_stage *s = &c->stage[i];
    int n_terms = 0;
    for (int k = 0; k < w->n_factors; k++) {
      const oikos_lane_factor *f = &w->factor[k];
      size_t n = f->slopes->n;
      const real *x = into(f->inputs, i);
      if (x)
        term[n_terms++] = (oikos_lane_term){
            .depth = n,
            .x = f->slopes->dz[i],
            .x_row = n * LANES,
            .x_step = LANES,
            .y = turn(s->in, n, x, scratch->turned + (size_t)k * scratch->turned_size),
            .y_step = s->in * LANES};
    }
    oikos_lane_multiply(
        &(oikos_lane_product){.rows = s->out,
                              .columns = s->in,
                              .n_terms = n_terms,
                              .term = term,
                              .start = w->theta ? w->theta + s->weight * each : NULL,
                              .start_row = s->in * each,
                              .start_shared = w->shared,
                              .scale = w->scale,
                              .c = to + s->weight * LANES,
                              .c_row = s->in * LANES});
    expand_bias(s, i, w, to + s->bias * LANES);
    add_time(scratch, s, false, which, &begin);
  }
}
