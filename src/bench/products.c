/* SPDX-License-Identifier: MIT */
#include "bench/products.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"
#include "math/blas.h"
#include "net/network_impl.h"

typedef oikos_real real;

/* The three products of a layer with x (rows, depth), W (out, depth), dy (rows, out), and the ways
 * to compute them. */
typedef enum result { FORWARD, INPUT, WEIGHTS, RESULTS } result;
typedef enum method { X_BY_W_TURNED, X_BY_TURNED_W, DY_BY_W, DY_TURNED_BY_X, METHODS } method;

enum { MOST_ROWS = 6144, RUNS = 3 };

static const double run_seconds = 1e-3;

typedef struct layer_product {
  result of;
  size_t rows, depth, out;
  double count; /* of a learner's step */
  method way;   /* the fastest found */
  size_t block; /* rows at once; 0: not looked for yet */
} layer_product;

struct oikos_products {
  int n;
  layer_product list[2 * OIKOS_MAX_LAYERS * RESULTS];
  real *x, *w, *y; /* as large as any product needs */
};

static void add(oikos_products *p, result of, const oikos_layer *l, size_t n, double count) {
  size_t rows, depth;
  l->type->product(l, &rows, &depth);
  if (count > 0)
    p->list[p->n++] = (layer_product){
        .of = of, .rows = n * rows, .depth = depth, .out = (size_t)l->out.channels, .count = count};
}

/* What finding a home takes. */
static double scores(const oikos_config *c) {
  return c->home.count > 1 && c->home.score == OIKOS_SCORE_BEFORE ? (double)c->home.count : 0;
}

/* What the step computes of a layer: see learn/adapt.c and the layers' four functions. */
static void add_step(oikos_products *p, const oikos_config *c, const oikos_layer *l, bool first,
                     size_t n_support, size_t n_query) {
  double steps = (double)c->inner.steps, moves = !first; // the data has no gradient and no tangent
  bool second = c->inner.order == OIKOS_ORDER_SECOND,
       rates = c->inner.learned_rates != OIKOS_RATES_FIXED;
  double gradients = steps * (rates && !second ? 2 : 1), hessians = second ? steps : 0;
  add(p, FORWARD, l, n_query, 1);
  add(p, WEIGHTS, l, n_query, 1);
  add(p, INPUT, l, n_query, moves);
  add(p, FORWARD, l, n_support, scores(c) + gradients + hessians * (2 + moves));
  add(p, WEIGHTS, l, n_support, gradients + hessians * (rates + 1 + moves));
  add(p, INPUT, l, n_support, moves * (gradients + 3 * hessians));
}

/* And an evaluation: adapt, and judge the start and each step. */
static void add_evaluation(oikos_products *p, const oikos_config *c, const oikos_layer *l,
                           bool first, size_t n_support, size_t n_query) {
  double steps = (double)c->inner.steps;
  add(p, FORWARD, l, n_query, steps + 1);
  add(p, FORWARD, l, n_support, scores(c) + steps);
  add(p, WEIGHTS, l, n_support, steps);
  add(p, INPUT, l, n_support, first ? 0 : steps);
}

static oikos_status allocate(oikos_products *p, oikos_error *err) {
  size_t x = 1, w = 1, y = 1;
  for (int i = 0; i < p->n; i++) {
    const layer_product *q = &p->list[i];
    size_t rows = q->rows < MOST_ROWS ? q->rows : MOST_ROWS;
    x = rows * q->depth > x ? rows * q->depth : x;
    w = q->out * q->depth > w ? q->out * q->depth : w;
    y = rows * q->out > y ? rows * q->out : y;
  }
  OIKOS_TRY(oikos_alloc(&p->x, x, sizeof *p->x, "measuring products", err));
  OIKOS_TRY(oikos_alloc(&p->w, w, sizeof *p->w, "measuring products", err));
  return oikos_alloc(&p->y, y, sizeof *p->y, "measuring products", err);
}

oikos_status oikos_products_create(const oikos_config *config, const oikos_network *net,
                                   size_t n_support, size_t n_query, bool evaluation,
                                   oikos_products **products, oikos_error *err) {
  bool of_embedding_rows =
      oikos_config_row_width(config) > 0; // the examples' gradient is wanted too
  OIKOS_TRY(oikos_alloc(products, 1, sizeof **products, "the list of products", err));
  for (int i = 0; i < net->n_layers; i++)
    if (net->layer[i].type->product)
      (evaluation ? add_evaluation : add_step)(
          *products, config, &net->layer[i], net->layer[i].input[0].node < 0 && !of_embedding_rows,
          n_support, n_query);
  oikos_status status = allocate(*products, err);
  if (status != OIKOS_OK) {
    oikos_products_destroy(*products);
    *products = NULL;
  }
  return status;
}

void oikos_products_destroy(oikos_products *p) {
  if (p) {
    free(p->x);
    free(p->w);
    free(p->y);
  }
  free(p);
}

double oikos_products_flops(const oikos_products *p) {
  double flops = 0;
  for (int i = 0; i < p->n; i++) {
    const layer_product *q = &p->list[i];
    flops += 2 * q->count * (double)q->rows * (double)q->depth * (double)q->out;
  }
  return flops;
}

static void multiply(const oikos_products *p, const layer_product *q, method way, size_t rows) {
  switch (way) {
  case X_BY_W_TURNED:
    oikos_blas_nt(rows, q->out, q->depth, p->x, p->w, 0, p->y);
    break;
  case X_BY_TURNED_W:
    oikos_blas_nn(rows, q->out, q->depth, p->x, p->w, 0, p->y);
    break;
  case DY_BY_W:
    oikos_blas_nn(rows, q->depth, q->out, p->y, p->w, 0, p->x);
    break;
  case DY_TURNED_BY_X:
    oikos_blas_tn(q->out, q->depth, rows, p->y, p->x, rows < q->rows, p->w);
    break;
  case METHODS:
    break;
  }
}

/* Seconds of the whole product, this way and so many rows at once: the best of some runs. */
static double seconds(const oikos_products *p, const layer_product *q, method way, size_t block) {
  double best = INFINITY, flops = 2 * (double)block * (double)q->out * (double)q->depth;
  long repeat = (long)(run_seconds * 50e9 / flops) + 1;
  for (int run = 0; run < RUNS; run++) {
    double start = oikos_wall_clock();
    for (long i = 0; i < repeat; i++)
      multiply(p, q, way, block);
    double time = (oikos_wall_clock() - start) / (double)repeat;
    best = time < best ? time : best;
  }
  return best * (double)q->rows / (double)block;
}

/* Try the ways that give this product, with blocks of many sizes. */
static void find(const oikos_products *p, layer_product *q) {
  static const struct {
    method first, last;
  } ways[RESULTS] = {
      {X_BY_W_TURNED, X_BY_TURNED_W}, {DY_BY_W, DY_BY_W}, {DY_TURNED_BY_X, DY_TURNED_BY_X}};
  double best = INFINITY;
  size_t most = q->rows < MOST_ROWS ? q->rows : MOST_ROWS;
  for (method way = ways[q->of].first; way <= ways[q->of].last; way++)
    for (size_t block = most; block >= 16 || block == most; block = block * 5 / 8) {
      double time = seconds(p, q, way, block);
      if (time < best) {
        best = time;
        q->way = way;
        q->block = block;
      }
    }
}

double oikos_products_seconds(oikos_products *p) {
  double sum = 0;
  for (int i = 0; i < p->n; i++) {
    layer_product *q = &p->list[i];
    if (q->block == 0)
      find(p, q);
    sum += q->count * seconds(p, q, q->way, q->block);
  }
  return sum;
}
