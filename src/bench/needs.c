/* SPDX-License-Identifier: MIT */
#include "bench/needs.h"

#include <math.h>

#include "math/winograd.h"
#include "net/conv2d_impl.h"
#include "net/network_impl.h"

/* Operations of Winograd's transforms of one tile and channel, or of one filter and channel: six
 * rows and six columns of 19, six and four of 13, three and six of 12. */
enum { TILE_INPUT = 228, TILE_OUTPUT = 130, TILE_FILTER = 108 };

/* Operations of each function for each number that goes into the layer; others have one each. */
typedef struct plain_layer {
  const oikos_layer_type *type;
  double of[OIKOS_FUNCTIONS];
  double of_known[OIKOS_FUNCTIONS]; /* if the statistics of what goes in are known */
} plain_layer;

static const plain_layer plain[] = {
    {&oikos_layer_tanh, {20, 3, 3, 6}, {20, 3, 3, 6}},
    /* forward: mean 1, variance 3, y 4; tangent: two means 6, xh_t 4, y_t 5; backward: two means 3,
     * dx 5; its tangent: three means 7, dx_t 12 */
    {&oikos_layer_batch_norm, {8, 15, 8, 19}, {4, 9, 5, 12}},
    {&oikos_layer_flatten, {0, 0, 0, 0}, {0, 0, 0, 0}},
    {&oikos_layer_concat, {0, 0, 0, 0}, {0, 0, 0, 0}},
};

/* What is wanted of a layer. */
typedef struct layer_wishes {
  bool wants;  /* the gradient of its parameters */
  bool slopes; /* that of its input */
  bool turns;  /* its parameters have a tangent */
  bool moves;  /* its input has */
} layer_wishes;

/* How many products a function is, and how often Winograd transforms something new. */
typedef struct function_parts {
  double products, filters, inputs, outputs;
  double columns; /* biases that are added or summed */
} function_parts;

static function_parts parts_of(oikos_function_kind f, layer_wishes w) {
  switch (f) {
  case OIKOS_FORWARD:
    return (function_parts){1, 1, 1, 1, 1};
  case OIKOS_TANGENT:
    return (function_parts){w.turns + w.moves, w.turns, w.moves, 1, w.turns};
  case OIKOS_BACKWARD:
    return (function_parts){w.wants + w.slopes, w.wants, w.slopes, 1, w.wants};
  default:
    return (function_parts){w.wants * (1 + w.moves) + w.slopes * (1 + w.turns), w.wants, w.slopes,
                            1, w.wants};
  }
}

/* A layer that is products at heart. */
static double operations_of_products(const oikos_layer *l, double n, function_parts p) {
  size_t rows, depth;
  l->type->product(l, &rows, &depth);
  double f = (double)l->out.channels, c = (double)l->in.channels, out = n * (double)rows * f;
  double operations = p.products * 2 * (double)depth * out;
  if (l->type == &oikos_layer_conv2d && oikos_conv2d_has_tiles(l)) {
    double tiles =
        n * ceil((double)l->out.height / OIKOS_TILE) * ceil((double)l->out.width / OIKOS_TILE);
    double tiled = p.products * 2 * OIKOS_PLACES * tiles * c * f + p.filters * TILE_FILTER * c * f +
                   p.inputs * TILE_INPUT * tiles * c + p.outputs * TILE_OUTPUT * tiles * f;
    operations = tiled < operations ? tiled : operations;
  }
  return operations + out * (p.columns + l->relu);
}

/* known: its input is that of a layer which is recomputed and gives its statistics. */
static double operations_of(const oikos_layer *l, oikos_function_kind f, double n, layer_wishes w,
                            bool known) {
  if (l->type->product)
    return operations_of_products(l, n, parts_of(f, w));
  double in = 0, each = 1;
  for (int k = 0; k < l->n_inputs; k++)
    in += n * (double)l->input[k].size;
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (plain[i].type == l->type)
      each = known ? plain[i].of_known[f] : plain[i].of[f];
  return each * in;
}

/* Numbers that a function reads or writes. */
static double numbers_of(oikos_function_kind f, double in, double out, double p, layer_wishes w) {
  switch (f) {
  case OIKOS_FORWARD:
    return in + p + out;
  case OIKOS_TANGENT:
    return in * (1 + w.moves) + p * (w.turns + w.moves) + out;
  case OIKOS_BACKWARD:
    return out + in * (w.wants + w.slopes) + p * (w.wants + w.slopes);
  default:
    return out * (1 + w.turns) + in * (w.wants * (1 + w.moves) + w.slopes) +
           p * (w.wants + w.slopes * (1 + w.turns));
  }
}

/* A network, and what inner steps change of it. */
typedef struct needs_count {
  const oikos_network *net;
  size_t first;                 /* parameters from here on */
  bool moves[OIKOS_MAX_LAYERS]; /* what comes out of a layer depends on these */
  bool embedded;                /* the examples' own gradient is wanted */
  oikos_needs needs;
} needs_count;

/* Whether the layer is behind another, or behind one that inner steps move. */
static bool is_behind(const needs_count *c, const oikos_layer *l, bool one_that_moves) {
  bool is = c->embedded && !one_that_moves;
  for (int k = 0; k < l->n_inputs; k++)
    is = is || (l->input[k].node >= 0 && (!one_that_moves || c->moves[l->input[k].node]));
  return is;
}

static bool is_moved(const needs_count *c, const oikos_layer *l) {
  return l->n_parameters > 0 && l->first >= c->first;
}

static void find_moves(needs_count *c) {
  for (int i = 0; i < c->net->n_layers; i++)
    c->moves[i] = is_moved(c, &c->net->layer[i]) || is_behind(c, &c->net->layer[i], true);
}

/* The level in which a pass over n examples lives: parameters, outputs, their slopes, and the
 * tangents of all. */
static oikos_memory_level level_of(const needs_count *c, double n, bool tangents) {
  double numbers = 0;
  for (int i = c->net->recomputes; i < c->net->n_layers; i++)
    numbers += n * (double)c->net->layer[i].out_size;
  numbers = 2 * (numbers + (double)c->net->n_parameters) * (1 + tangents);
  return oikos_memory_of((numbers + n * (double)oikos_network_input(c->net)) * sizeof(oikos_real));
}

/* One of the four functions of all layers, `times`; inner: what inner steps want of it, otherwise
 * all gradients. */
static void add_pass(needs_count *c, oikos_function_kind f, double times, double n, bool inner,
                     oikos_memory_level level) {
  for (int i = 0; i < c->net->n_layers; i++) {
    const oikos_layer *l = &c->net->layer[i];
    bool behind = is_behind(c, l, false), after = is_behind(c, l, true);
    layer_wishes w = {.wants = l->n_parameters > 0 && (!inner || is_moved(c, l)),
                      .slopes = inner ? after : behind,
                      .turns = is_moved(c, l),
                      .moves = after};
    bool idle = (f == OIKOS_BACKWARD && !w.wants && !w.slopes) ||
                (f == OIKOS_TANGENT && !w.turns && !w.moves);
    if (idle)
      continue;
    bool known = i == 1 && c->net->recomputes;
    double in = known ? 0 : n * (double)l->in_size,
           out = i == 0 && c->net->recomputes ? 0 : n * (double)l->out_size;
    c->needs.operations += times * operations_of(l, f, n, w, known);
    c->needs.bytes[level] +=
        times * sizeof(oikos_real) * numbers_of(f, in, out, (double)l->n_parameters, w);
  }
}

/* Vectors of parameters: so many operations for each, and numbers read or written. */
static void add_vectors(needs_count *c, double times, double count, double operations,
                        double numbers) {
  c->needs.operations += times * operations * count;
  c->needs.bytes[oikos_memory_of(numbers * count * sizeof(oikos_real))] +=
      times * numbers * count * sizeof(oikos_real);
}

oikos_needs oikos_needs_of(const oikos_config *config, const oikos_network *net, size_t n_support,
                           size_t n_query, bool evaluation) {
  needs_count c = {.net = net,
                   .first = config->inner.scope == OIKOS_SCOPE_LAST
                                ? oikos_network_last_layer(net)
                                : oikos_network_first_of(net, (int)config->inner.from),
                   .embedded = oikos_config_row_width(config) > 0};
  double steps = (double)config->inner.steps, s = (double)n_support, q = (double)n_query,
         m = (double)net->n_parameters, moved = m - (double)c.first;
  bool second = !evaluation && config->inner.order == OIKOS_ORDER_SECOND;
  double homes = config->home.count > 1 && config->home.score == OIKOS_SCORE_BEFORE
                     ? (double)config->home.count
                     : 0;
  double queries = evaluation ? steps + 1 : config->inner.multi_step > 0 && steps > 0 ? 2 : 1;
  find_moves(&c);
  oikos_memory_level of_support = level_of(&c, s, second), of_query = level_of(&c, q, false);
  add_pass(&c, OIKOS_FORWARD, steps + homes, s, true, of_support);
  add_pass(&c, OIKOS_BACKWARD, steps, s, true, of_support);
  add_vectors(&c, steps, moved, 2, 3); // theta, its gradient, the next theta
  add_pass(&c, OIKOS_FORWARD, queries, q, false, of_query);
  if (evaluation)
    return c.needs;
  add_pass(&c, OIKOS_BACKWARD, queries, q, false, of_query);
  add_vectors(&c, 1, m, 1, 1 + 2.0 * sizeof(int64_t) / sizeof(oikos_real)); // into exact sums
  if (second) {
    add_pass(&c, OIKOS_TANGENT, steps, s, false, of_support);
    add_pass(&c, OIKOS_TANGENT_BACKWARD, steps, s, false, of_support);
    add_vectors(&c, steps, m, 2, 3); // the gradient, the Hessian product, the gradient before
  }
  return c.needs;
}
