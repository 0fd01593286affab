/* SPDX-License-Identifier: MIT
 * The ways to compute a convolution side by side, all four functions of a layer together, beside
 * what the rule of net/choose.h takes; and the constants of that rule which fit these times best.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/try.h"
#include "bench/bench.h"
#include "math/winograd.h"
#include "net/choose.h"
#include "net/layer.h"

typedef oikos_real real;

/* What `winograd` says of a way: none, all batches. */
typedef enum conv_way { OVER_PATCHES, BY_TILES, WAYS } conv_way;

enum { RUNS = 5, SIDES = 4, DEPTHS = 4, BATCHES = 4, MOST = SIDES * DEPTHS * BATCHES + BATCHES };

static const double run_seconds = 2e-3, most_operations = 9e9; // of a run

/* A batch of a layer, what it took, and what the rule takes. */
typedef struct conv_trial {
  int64_t side, channels, filters;
  size_t n;
  bool first;           /* of a network: its input is the data, which does not move */
  double seconds[WAYS]; /* of all four functions */
  conv_way chosen;
} conv_trial;

/* What tiles cost in products of one place of one tile (net/choose.c): a tile's transforms times
 * the channels on the other side, all filters' once a batch; and the speed of products over tiles
 * beside products over patches. */
typedef struct conv_costs {
  double transform, filters, speed;
} conv_costs;

static int list_trials(conv_trial list[MOST]) {
  static const int64_t sides[SIDES] = {28, 14, 7, 4};
  static const int64_t depths[DEPTHS][2] = {{8, 8}, {16, 16}, {32, 32}, {64, 64}};
  static const size_t batches[BATCHES] = {1, 5, 25, 75};
  int count = 0;
  for (int b = 0; b < BATCHES; b++)
    list[count++] = (conv_trial){
        .side = sides[0], .channels = 1, .filters = 64, .n = batches[b], .first = true};
  for (int s = 0; s < SIDES; s++)
    for (int d = 0; d < DEPTHS; d++)
      for (int b = 0; b < BATCHES; b++) {
        conv_trial t = {
            .side = sides[s], .channels = depths[d][0], .filters = depths[d][1], .n = batches[b]};
        // 8 products of 9 multiply-adds
        if (144.0 * (double)(t.side * t.side * t.channels * t.filters) * (double)t.n <
            most_operations)
          list[count++] = t;
      }
  return count;
}

/* The layer alone; winograd: -1 leaves the way open. */
static oikos_status configure(const conv_trial *t, int winograd, oikos_config *config,
                              oikos_error *err) {
  char text[160];
  snprintf(text, sizeof text,
           "model: {layers: [conv2d: {filters: %lld, padding: 1, winograd: %d}]}",
           (long long)t->filters, winograd);
  oikos_config_defaults(config);
  return oikos_config_parse(config, "bench choose", text, strlen(text), err);
}

static oikos_shape shape_of(const conv_trial *t) {
  return (oikos_shape){t->side, t->side, t->channels};
}

/* What the rule takes for such batches. */
static oikos_status choose(conv_trial *t, oikos_config *config, oikos_error *err) {
  OIKOS_TRY(configure(t, -1, config, err));
  OIKOS_TRY(oikos_choose(config, shape_of(t), t->n, t->n, err));
  const oikos_layer_spec *spec = &config->model.layers[0];
  for (int a = 0; a < spec->n_args; a++)
    if (strcmp(spec->arg[a].key, "winograd") == 0)
      t->chosen =
          spec->arg[a].value > 0 && (double)t->n >= spec->arg[a].value ? BY_TILES : OVER_PATCHES;
  return OIKOS_OK;
}

static oikos_status draw(oikos_arena *arena, size_t count, real **numbers, oikos_error *err) {
  oikos_random r = oikos_random_at(0, OIKOS_DRAW_CHECK, count, 0);
  OIKOS_TRY(oikos_arena_alloc(arena, numbers, count, sizeof **numbers, err));
  for (size_t i = 0; i < count; i++)
    (*numbers)[i] = (real)oikos_random_normal(&r);
  return OIKOS_OK;
}

/* All that the four functions read and write. */
static oikos_status make_pass(const oikos_layer *l, const conv_trial *t, oikos_arena *arena,
                              oikos_pass *p, oikos_error *err) {
  size_t in = t->n * l->in_size, out = t->n * l->out_size, m = l->n_parameters;
  real *x, *x_t, *theta, *theta_t, *dy, *dy_t;
  *p = (oikos_pass){.n = t->n, .replace = true};
  OIKOS_TRY(draw(arena, in, &x, err));
  OIKOS_TRY(draw(arena, in, &x_t, err));
  OIKOS_TRY(draw(arena, m, &theta, err));
  OIKOS_TRY(draw(arena, m, &theta_t, err));
  OIKOS_TRY(draw(arena, out, &dy, err));
  OIKOS_TRY(draw(arena, out, &dy_t, err));
  OIKOS_TRY(draw(arena, out, &p->y, err));
  OIKOS_TRY(draw(arena, out, &p->y_t, err));
  OIKOS_TRY(draw(arena, in, &p->dx, err));
  OIKOS_TRY(draw(arena, in, &p->dx_t, err));
  OIKOS_TRY(draw(arena, m, &p->grad, err));
  OIKOS_TRY(draw(arena, m, &p->grad_t, err));
  size_t cache = t->n * l->cache_example + l->cache_batch;
  OIKOS_TRY(draw(arena, cache, &p->cache, err));
  OIKOS_TRY(draw(arena, cache, &p->cache_t, err));
  OIKOS_TRY(draw(arena, l->scratch, &p->scratch, err));
  p->x = x;
  p->x_t = t->first ? NULL : x_t;
  p->theta = theta;
  p->theta_t = theta_t;
  p->dy = dy;
  p->dy_t = dy_t;
  p->dx = t->first ? NULL : p->dx;
  p->dx_t = t->first ? NULL : p->dx_t;
  return OIKOS_OK;
}

/* Seconds that this thread has had of its core: long runs would be interrupted. */
static double core_clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds_of(const oikos_layer *l, const oikos_pass *p, long times) {
  double start = core_clock();
  for (long i = 0; i < times; i++) {
    l->type->forward(l, p);
    l->type->tangent(l, p);
    l->type->backward(l, p);
    l->type->tangent_backward(l, p);
  }
  return (core_clock() - start) / (double)times;
}

/* Both ways in turns: the best of some runs each. */
static void race(const oikos_layer layer[WAYS], const oikos_pass *p, conv_trial *t) {
  long times[WAYS];
  for (int way = 0; way < WAYS; way++) {
    double once = seconds_of(&layer[way], p, 1);
    times[way] = once < run_seconds ? (long)(run_seconds / (once > 1e-9 ? once : 1e-9)) + 1 : 1;
    t->seconds[way] = INFINITY;
  }
  for (int run = 0; run < RUNS; run++)
    for (int way = 0; way < WAYS; way++) {
      double one = seconds_of(&layer[way], p, times[way]);
      t->seconds[way] = one < t->seconds[way] ? one : t->seconds[way];
    }
}

static oikos_status measure(conv_trial *t, oikos_config *config, oikos_error *err) {
  oikos_arena arena = {.what = "measuring convolutions"};
  oikos_layer layer[WAYS];
  oikos_pass pass;
  OIKOS_TRY(choose(t, config, err));
  for (int way = 0; way < WAYS; way++) {
    memset(&layer[way], 0, sizeof layer[way]);
    OIKOS_TRY(configure(t, way, config, err));
    OIKOS_TRY(oikos_layer_create(&layer[way], &config->model.layers[0], shape_of(t), "bench choose",
                                 err));
  }
  if (layer[OVER_PATCHES].scratch > layer[BY_TILES].scratch) // one pass serves both
    layer[BY_TILES].scratch = layer[OVER_PATCHES].scratch;
  oikos_status status = make_pass(&layer[BY_TILES], t, &arena, &pass, err);
  if (status == OIKOS_OK)
    race(layer, &pass, t);
  oikos_arena_free(&arena);
  return status;
}

static double ratio_of(const conv_trial *t) {
  return t->seconds[OVER_PATCHES] / t->seconds[BY_TILES];
}

/* The rule's estimate of that. */
static double estimate(const conv_trial *t, const conv_costs *k) {
  double side = (double)t->side, n = (double)t->n,
         tiles = n * ceil(side / OIKOS_TILE) * ceil(side / OIKOS_TILE);
  double cost =
      tiles * (1 + k->transform / (double)t->channels + k->transform / (double)t->filters) +
      k->filters;
  return k->speed * n * side * side * 9 / (OIKOS_PLACES * cost);
}

/* The least mean square of the logarithms' differences, on a grid; the speed follows. */
static conv_costs fit(int count, const conv_trial *list) {
  conv_costs best = {0, 0, 1};
  double least = INFINITY;
  for (int a = 0; a <= 100; a++)
    for (int b = 0; b <= 120; b++) {
      conv_costs k = {.transform = 0.25 * a, .filters = 0.5 * b, .speed = 1};
      double sum = 0, squares = 0, n = 0;
      for (int i = 0; i < count; i++) {
        double d = list[i].first ? 0 : log(ratio_of(&list[i]) / estimate(&list[i], &k));
        n += !list[i].first;
        sum += d;
        squares += d * d;
      }
      double spread = squares - sum * sum / n;
      if (spread < least) {
        least = spread;
        best = k;
        best.speed = exp(sum / n);
      }
    }
  return best;
}

static conv_way faster_of(const conv_trial *t) {
  return t->seconds[OVER_PATCHES] <= t->seconds[BY_TILES] ? OVER_PATCHES : BY_TILES;
}

/* How often a choice is the slower way, and by how much at most. */
static void print_faults(const char *who, int count, const conv_trial *list,
                         const conv_costs *costs) {
  int slower = 0;
  double most = 1;
  for (int i = 0; i < count; i++) {
    conv_way way = !costs || list[i].first         ? list[i].chosen
                   : estimate(&list[i], costs) > 1 ? BY_TILES
                                                   : OVER_PATCHES;
    double loss = list[i].seconds[way] / list[i].seconds[faster_of(&list[i])];
    slower += loss > 1;
    most = loss > most ? loss : most;
  }
  printf("%s takes the slower way for %d of %d batches, by %.0f %% at most\n", who, slower, count,
         100 * (most - 1));
}

static void print_trials(int count, const conv_trial *list) {
  static const char *const ways[WAYS] = {"patches", "tiles"};
  printf("3x3 convolutions, padding 1, all four functions of a layer, on one core\n"
         "  %-9s %8s %8s %6s %14s %14s %8s  %-8s %s\n",
         "pixels", "channels", "filters", "images", "patches, us", "tiles, us", "ratio", "faster",
         "rule");
  for (int i = 0; i < count; i++) {
    const conv_trial *t = &list[i];
    printf("  %2lld x %-4lld %8lld %8lld %6zu %14.1f %14.1f %8.2f  %-8s %s%s\n", (long long)t->side,
           (long long)t->side, (long long)t->channels, (long long)t->filters, t->n,
           1e6 * t->seconds[OVER_PATCHES], 1e6 * t->seconds[BY_TILES], ratio_of(t),
           ways[faster_of(t)], ways[t->chosen], t->chosen == faster_of(t) ? "" : " (slower)");
  }
}

oikos_status oikos_bench_choose(const oikos_bench_job *job, oikos_error *err) {
  conv_trial list[MOST];
  oikos_config *config;
  int count = list_trials(list);
  if (job->team->rank != 0)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&config, 1, sizeof *config, "a configuration", err));
  oikos_status status = OIKOS_OK;
  for (int i = 0; i < count && status == OIKOS_OK; i++)
    status = measure(&list[i], config, err);
  free(config);
  if (status != OIKOS_OK)
    return status;
  conv_costs costs = fit(count, list);
  print_trials(count, list);
  print_faults("the rule of src/net/choose.c", count, list, NULL);
  printf("what fits these times best: transform %.3g, filters %.3g, speed %.2f\n", costs.transform,
         costs.filters, costs.speed);
  print_faults("with that it", count, list, &costs);
  return OIKOS_OK;
}
