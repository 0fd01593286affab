/* SPDX-License-Identifier: MIT
 * The exact special cases of the method with several homes: whole steps of the trainer against
 * naive loops. The shared weights are updated from the same gradients as the homes, at whatever
 * start a learner had. */
#include "special.h"

#include "run/trainer_impl.h"

#define MIXED                                                                                      \
  "seed: 11\nsteps: 6\ntask: {source: functions, modes: [sinusoid, linear, quadratic], support: "  \
  "6, query: 5}\nlearners: {count: 7}\n"                                                           \
  "model: {loss: mse, layers: [dense: 5, tanh, dense: 4, tanh, dense: 1]}\n"

enum { STEPS = 6 };

/* The naive loop's state. */
typedef struct household {
  bench *b;
  inner_rule rule;
  size_t t, k;                   /* T, K */
  double *w, *homes;             /* (M), (T, K) */
  double *log_p;                 /* (N, T) */
  int *at;                       /* (N) */
  outer shared, *home;           /* home (T) */
  double *start, *g;             /* (M) one learner */
  double *p;                     /* (T) one learner */
  double *mean_g, *mean_theta;   /* (M) over all learners */
  double *home_g, *home_theta;   /* (T, K) weighted sums */
  double *weight;                /* (T) */
  double *first_w, *first_homes; /* as they began */
  double least;                  /* weight that a home had in any step */
  int kept;                      /* times that the margin kept a learner where it was */
} household;

static household household_of(const char *text, bool second) {
  household h = {.b = bench_of(text), .least = INFINITY};
  bench *b = h.b;
  h.rule = fixed_rate(b, 0, second);
  h.t = (size_t)b->config->home.count;
  const real *homes = oikos_trainer_homes(b->trainer, &h.k);
  h.w = copy_of(b->m, oikos_trainer_shared(b->trainer));
  h.homes = copy_of(h.t * h.k, homes);
  h.first_w = copy_of(b->m, oikos_trainer_shared(b->trainer));
  h.first_homes = copy_of(h.t * h.k, homes);
  h.log_p = numbers(b->n * h.t);
  for (size_t i = 0; i < b->n * h.t; i++)
    h.log_p[i] = log(1 / (double)h.t);
  h.at = array(b->n, sizeof *h.at);
  h.shared = outer_of(b, b->m);
  h.home = array(h.t, sizeof *h.home);
  for (size_t t = 0; t < h.t; t++)
    h.home[t] = outer_of(b, h.k);
  h.start = numbers(b->m);
  h.g = numbers(b->m);
  h.p = numbers(h.t);
  h.mean_g = numbers(b->m);
  h.mean_theta = numbers(b->m);
  h.home_g = numbers(h.t * h.k);
  h.home_theta = numbers(h.t * h.k);
  h.weight = numbers(h.t);
  return h;
}

static void household_free(household *h) {
  for (size_t t = 0; t < h->t; t++)
    outer_free(&h->home[t]);
  outer_free(&h->shared);
  double *all[] = {h->rule.alpha, h->w,      h->homes,      h->first_w, h->first_homes,
                   h->log_p,      h->start,  h->g,          h->p,       h->mean_g,
                   h->mean_theta, h->home_g, h->home_theta, h->weight};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    free(all[i]);
  free(h->at);
  free(h->home);
  bench_free(h->b);
}

/* start (M): w, the last K numbers from the mean of the homes weighted by p (T). */
static void start_from(const household *h, const double *p, double *start) {
  size_t own = h->b->m - h->k;
  memcpy(start, h->w, h->b->m * sizeof *start);
  for (size_t j = 0; j < h->k; j++) {
    start[own + j] = 0;
    for (size_t t = 0; t < h->t; t++)
      start[own + j] += p[t] * h->homes[t * h->k + j];
  }
}

/* The support loss at home t; or the loss on the support set's second half after adapting on its
 * first. */
static double score_of(household *h, size_t t) {
  bench *b = h->b;
  double *one = numbers(h->t), *theta = numbers(b->m), loss;
  oikos_batch all = b->episode.support, second = all;
  one[t] = 1;
  start_from(h, one, theta);
  if (b->config->home.score == OIKOS_SCORE_HELD_OUT) {
    b->episode.support.n = all.n / 2;
    adapt(b, &h->rule, theta, NULL);
    b->episode.support = all;
    second.n = all.n - all.n / 2;
    second.x += all.n / 2;
    second.y += all.n / 2;
  }
  loss = loss_at(b, theta, &second);
  free(one);
  free(theta);
  return loss;
}

/* Hedge (Freund and Schapire 1997) over the homes: p_t ~ p_t^memory exp(-eta score_t); a hard
 * learner lives at the likeliest, which must be better by the margin. Leaves p (T). */
static void choose(household *h, size_t i) {
  const oikos_config *c = h->b->config;
  double *log_p = h->log_p + i * h->t, sum = 0;
  size_t best = 0;
  for (size_t t = 0; t < h->t; t++) {
    log_p[t] = c->home.memory * log_p[t] - c->home.eta * score_of(h, t);
    best = log_p[t] > log_p[best] ? t : best;
  }
  double most = log_p[best];
  for (size_t t = 0; t < h->t; t++)
    sum += exp(log_p[t] - most);
  for (size_t t = 0; t < h->t; t++)
    log_p[t] -= most + log(sum);
  if (log_p[best] > log_p[h->at[i]] + c->home.margin)
    h->at[i] = (int)best;
  else
    h->kept += (int)best != h->at[i];
  for (size_t t = 0; t < h->t; t++)
    h->p[t] = c->home.rule == OIKOS_HOME_HARD ? (int)t == h->at[i] : exp(log_p[t]);
}

/* One learner: home, training, gradient by the start; into the sums. */
static void learn(household *h, size_t i) {
  bench *b = h->b;
  size_t own = b->m - h->k;
  choose(h, i);
  start_from(h, h->p, h->start);
  memset(h->g, 0, b->m * sizeof *h->g);
  add_meta_gradient(b, &h->rule, h->start, 1, h->g); // start becomes theta_i
  for (size_t j = 0; j < b->m; j++) {
    h->mean_g[j] += h->g[j] / (double)b->n;
    h->mean_theta[j] += h->start[j] / (double)b->n;
  }
  for (size_t t = 0; t < h->t; t++) {
    h->weight[t] += h->p[t];
    for (size_t j = 0; j < h->k; j++) {
      h->home_g[t * h->k + j] += h->p[t] * h->g[own + j];
      h->home_theta[t * h->k + j] += h->p[t] * h->start[own + j];
    }
  }
}

/* Steps 2 and 3: w by the plain means, c_t by the means weighted by p; a home nobody chose stays.
 */
static void update(household *h, int64_t step) {
  const oikos_config *c = h->b->config;
  double share = scheduled(c, step);
  for (size_t j = 0; j < h->b->m; j++)
    h->w[j] = (1 - c->shared.mixing) * h->w[j] + c->shared.mixing * h->mean_theta[j];
  clip(c, h->b->m, h->mean_g);
  if (c->shared.rate > 0)
    outer_update(&h->shared, c->shared.rate * share, h->b->m, h->mean_g, h->w);
  for (size_t t = 0; t < h->t; t++) {
    double *home = h->homes + t * h->k, *g = h->home_g + t * h->k;
    if (h->weight[t] == 0)
      continue;
    for (size_t j = 0; j < h->k; j++) {
      home[j] = (1 - c->home.mixing) * home[j] +
                c->home.mixing * h->home_theta[t * h->k + j] / h->weight[t];
      g[j] /= h->weight[t];
    }
    clip(c, h->k, g);
    if (c->home.rate > 0)
      outer_update(&h->home[t], c->home.rate * share, h->k, g, home);
  }
}

/* One step of both, compared; returns how many learners live elsewhere than before. */
static int compare_step(household *h, int64_t step) {
  bench *b = h->b;
  int moved = 0;
  memset(h->mean_g, 0, b->m * sizeof *h->mean_g);
  memset(h->mean_theta, 0, b->m * sizeof *h->mean_theta);
  memset(h->home_g, 0, h->t * h->k * sizeof *h->home_g);
  memset(h->home_theta, 0, h->t * h->k * sizeof *h->home_theta);
  memset(h->weight, 0, h->t * sizeof *h->weight);
  for (size_t i = 0; i < b->n; i++) {
    int before = h->at[i];
    draw(b, step, i);
    learn(h, i);
    moved += h->at[i] != before;
  }
  update(h, step);
  bench_step(b);
  check_same(b->m, oikos_trainer_shared(b->trainer), h->w, "w");
  for (size_t t = 0; t < h->t; t++) {
    check_same(h->k, b->trainer->weights.homes + t * h->k, h->homes + t * h->k, "home");
    h->least = h->weight[t] < h->least ? h->weight[t] : h->least;
  }
  for (size_t i = 0; i < b->n; i++) {
    assert_int_equal(b->trainer->learners.home[i], h->at[i]);
    for (size_t t = 0; t < h->t; t++)
      check_near(b->trainer->learners.log_p[i * h->t + t], h->log_p[i * h->t + t],
                 tolerance(1e-5, 1e-10), tolerance(1e-5, 1e-10), i * h->t + t, "log p");
  }
  return moved;
}

/* All steps; learners must move in some step after the first, where all leave home 0. Returns what
 * was seen, not the memory. */
static household check_homes(const char *text, bool second) {
  household h = household_of(text, second);
  int moved = 0;
  for (int64_t step = 0; step < STEPS; step++) {
    int now = compare_step(&h, step);
    moved += step > 0 ? now : 0;
  }
  assert_true(moved > 0);
  check_moved(h.b->m, h.first_w, h.w, "w");
  check_moved(h.t * h.k, h.first_homes, h.homes, "homes");
  household_free(&h);
  return h;
}

/* IFCA (Ghosh et al. 2020, option I, no local steps): each worker chooses the model with the least
 * loss, each model moves by the mean gradient of those that chose it; a model nobody chose stays.
 * This loop has nothing of the general one below but its parts. */
static void test_ifca(void **state) {
  (void)state;
  household h = household_of(MIXED "inner: {steps: 0}\nouter: {optimizer: sgd}\n"
                                   "shared: {rate: 0.01}\nhome: {count: 3, owns: all, memory: 0, "
                                   "rule: hard, perturbation: 0.4, rate: 0.05}\n",
                             false);
  bench *b = h.b;
  int used = 0;
  for (int64_t step = 0; step < STEPS; step++) {
    double *sum = numbers(h.t * b->m), size[3] = {0};
    for (size_t i = 0; i < b->n; i++) {
      size_t j = 0;
      draw(b, step, i);
      for (size_t t = 1; t < h.t; t++)
        if (loss_at(b, h.homes + t * b->m, &b->episode.support) <
            loss_at(b, h.homes + j * b->m, &b->episode.support))
          j = t;
      gradient_at(b, h.homes + j * b->m, &b->episode.query, h.g);
      for (size_t l = 0; l < b->m; l++) {
        sum[j * b->m + l] += h.g[l];
        h.w[l] -= 0.01 * h.g[l] / (double)b->n; // the shared model, from the same gradients
      }
      size[j]++;
    }
    for (size_t l = 0; l < h.t * b->m; l++)
      h.homes[l] -= size[l / b->m] > 0 ? 0.05 * sum[l] / size[l / b->m] : 0;
    bench_step(b);
    check_same(h.t * b->m, oikos_trainer_homes(b->trainer, &h.k), h.homes, "clusters");
    check_same(b->m, oikos_trainer_shared(b->trainer), h.w, "w");
    used += (size[0] > 0) + (size[1] > 0) + (size[2] > 0) > 1;
    free(sum);
  }
  assert_true(used > 0);
  household_free(&h);
}

/* IFCA with local steps (option II): the models are the means of their trained members. */
static void test_ifca_averaging(void **state) {
  (void)state;
  household h = check_homes(MIXED "inner: {steps: 3, rate: 0.02, order: first}\n"
                                  "shared: {mixing: 0.5, rate: 0}\n"
                                  "home: {count: 3, owns: all, perturbation: 0.4, rate: 0, "
                                  "mixing: 1}\n",
                            false);
  assert_true(h.least == 0); // some home was empty in some step, and stayed
}

/* Hard homes with a memory and a margin, second order, the last layer owned; both parts move. */
static void test_hard(void **state) {
  (void)state;
  household h =
      check_homes(MIXED "inner: {steps: 2, rate: 0.02}\nouter: {optimizer: sgd}\n"
                        "shared: {rate: 0.01, mixing: 0.2}\n"
                        "home: {count: 3, owns: last, memory: 0.5, eta: 0.1, margin: 0.1, "
                        "perturbation: 0.5, rate: 0.02, mixing: 0.3}\n",
                  true);
  assert_true(h.kept > 0);
}

/* The score after adaptation on one half of the support set. */
static void test_held_out(void **state) {
  (void)state;
  check_homes(MIXED "inner: {steps: 2, rate: 0.02}\nouter: {optimizer: sgd}\n"
                    "shared: {rate: 0.01}\nhome: {count: 3, owns: all, score: held_out, "
                    "perturbation: 0.4, rate: 0.02}\n",
              true);
}

/* Weighted homes with a memory of their whole life: Hedge, and means weighted by p. */
static void test_hedge(void **state) {
  (void)state;
  check_homes(MIXED "inner: {steps: 2, rate: 0.02}\nouter: {optimizer: sgd}\n"
                    "shared: {rate: 0.01, mixing: 0.1}\n"
                    "home: {count: 3, owns: all, rule: weighted, memory: 1, eta: 0.05, "
                    "perturbation: 0.4, rate: 0.02, mixing: 0.4}\n",
              true);
}

/* The homes' optimizers: each home counts its own updates; clip and schedule hold for each. */
static void test_home_optimizers(void **state) {
  (void)state;
  check_homes(MIXED "inner: {steps: 1, rate: 0.02}\nouter: {optimizer: adam, epsilon: 0.01, clip: "
                    "2, schedule: cosine, warmup: 2}\nshared: {rate: 0.01}\n"
                    "home: {count: 3, owns: all, perturbation: 0.4, rate: 0.02}\n",
              true);
  check_homes(MIXED "inner: {steps: 1, rate: 0.02}\nouter: {optimizer: momentum, momentum: 0.6}\n"
                    "shared: {rate: 0.01}\nhome: {count: 3, owns: last, rule: weighted, eta: 0.2, "
                    "perturbation: 0.4, rate: 0.02}\n",
              true);
}

/* hull (2, K): least and largest of every owned parameter over home t as it is and all trained
 * learners; p from the trainer's own state. */
static void hull_of(household *h, size_t t, int64_t step, double *hull) {
  bench *b = h->b;
  for (size_t j = 0; j < h->k; j++)
    hull[j] = hull[h->k + j] = h->homes[t * h->k + j];
  for (size_t i = 0; i < b->n; i++) {
    draw(b, step, i);
    choose(h, i);
    start_from(h, h->p, h->start);
    adapt(b, &h->rule, h->start, NULL);
    for (size_t j = 0; j < h->k; j++) {
      double x = h->start[b->m - h->k + j];
      hull[j] = x < hull[j] ? x : hull[j];
      hull[h->k + j] = x > hull[h->k + j] ? x : hull[h->k + j];
    }
  }
}

/* A weighted mean lies between the least and the largest of what it is a mean of, however small the
 * weights: a home that hardly anybody counts at must not be thrown elsewhere. */
static void test_small_weights(void **state) {
  (void)state;
  household h = household_of(MIXED "inner: {steps: 1, rate: 0.02}\nouter: {optimizer: sgd}\n"
                                   "shared: {rate: 0.01}\nhome: {count: 3, owns: all, rule: "
                                   "weighted, memory: 1, eta: 2, perturbation: 0.4, rate: 0, "
                                   "mixing: 1}\n",
                             true);
  size_t states = h.b->n * h.t;
  double *log_p = numbers(states), *hull = numbers(h.t * 2 * h.k), least = 1;
  for (int64_t step = 0; step < 40; step++) {
    const oikos_weights *w = &h.b->trainer->weights;
    for (size_t j = 0; j < h.b->m; j++)
      h.w[j] = (double)w->shared[j];
    for (size_t j = 0; j < h.t * h.k; j++)
      h.homes[j] = (double)w->homes[j];
    for (size_t t = 0; t < h.t; t++) {
      memcpy(h.log_p, h.b->trainer->learners.log_p, states * sizeof *log_p);
      hull_of(&h, t, step, hull + t * 2 * h.k);
    }
    for (size_t i = 0; i < states; i++)
      least = exp(h.log_p[i]) < least ? exp(h.log_p[i]) : least;
    bench_step(h.b);
    for (size_t i = 0; i < h.t * h.k; i++) {
      const double *low = hull + i / h.k * 2 * h.k, *high = low + h.k;
      double allowed = 1e-5 * largest_of(2 * h.k, low);
      if (!((double)w->homes[i] >= low[i % h.k] - allowed &&
            (double)w->homes[i] <= high[i % h.k] + allowed))
        fail_msg("step %d: home %zu, parameter %zu is %g, a mean of numbers from %g to %g",
                 (int)step, i / h.k, i % h.k, (double)w->homes[i], low[i % h.k], high[i % h.k]);
    }
  }
  assert_true(least < 1e-30); // all weights on the way to it were met
  free(log_p);
  free(hull);
  household_free(&h);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ifca),          cmocka_unit_test(test_ifca_averaging),
      cmocka_unit_test(test_hard),          cmocka_unit_test(test_held_out),
      cmocka_unit_test(test_hedge),         cmocka_unit_test(test_home_optimizers),
      cmocka_unit_test(test_small_weights),
  };
  int provided;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  MPI_Finalize();
  return failed;
}
