/* SPDX-License-Identifier: MIT
 * Winograd's tiles: the transforms against a convolution written as direct loops, each transposed
 * transform against the definition of a transpose, and the layer against the same layer over
 * patches. */
#include "check.h"

#include "base/random.h"
#include "layer_reference.h"
#include "math/winograd.h"
#include "net/layer.h"

typedef oikos_real real;

static real *draw(oikos_random *r, size_t count) {
  real *x = array(count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    x[i] = (real)oikos_random_uniform(r, -1, 1);
  return x;
}

/* What is to be overwritten holds no numbers before. */
static real *nothing(size_t count) {
  real *x = array(count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    x[i] = (real)NAN;
  return x;
}

/* ---- the transforms ---- */

static const oikos_shape shapes[] = {{1, 1, 0}, {2, 2, 0}, {3, 3, 0}, {5, 4, 0},
                                     {6, 7, 0}, {7, 7, 0}, {9, 14, 0}};
static const int64_t widths[][2] = {{1, 1}, {1, 64}, {2, 3}, {3, 2}, {17, 1}, {3, 17}, {64, 64}};

/* Call f for every shape, padding and pair of channels and filters that there can be. */
static void for_all_tiles(void (*f)(const oikos_tiles *)) {
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (int64_t padding = 0; padding <= 2; padding++)
      for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
        int64_t h = shapes[s].height, w = shapes[s].width;
        if (h + 2 * padding < 3 || w + 2 * padding < 3)
          continue;
        oikos_tiles g = oikos_tiles_of(h, w, widths[k][0], widths[k][1], padding);
        f(&g);
      }
}

/* Sizes of n images and their tiles. */
typedef struct sizes {
  size_t c, f, x, y, tiles, v, m, u; /* numbers in a whole array */
} sizes;

static sizes sizes_of(const oikos_tiles *g, size_t n) {
  sizes s = {.c = (size_t)g->channels, .f = (size_t)g->filters};
  s.x = n * (size_t)(g->height * g->width) * s.c;
  s.y = n * (size_t)(g->out_h * g->out_w) * s.f;
  s.tiles = n * (size_t)(g->tiles_y * g->tiles_x);
  s.v = OIKOS_PLACES * oikos_winograd_stride(s.tiles, s.c);
  s.m = OIKOS_PLACES * oikos_winograd_stride(s.tiles, s.f);
  s.u = OIKOS_PLACES * oikos_winograd_stride(s.c, s.f);
  return s;
}

/* m = v u at every place, summed in double. */
static void multiply(const sizes *s, const real *v, const real *u, real *m) {
  for (size_t k = 0; k < OIKOS_PLACES; k++)
    for (size_t t = 0; t < s->tiles; t++)
      for (size_t j = 0; j < s->f; j++) {
        double sum = 0;
        for (size_t i = 0; i < s->c; i++)
          sum += (double)v[k * (s->v / OIKOS_PLACES) + t * s->c + i] *
                 (double)u[k * (s->u / OIKOS_PLACES) + i * s->f + j];
        m[k * (s->m / OIKOS_PLACES) + t * s->f + j] = (real)sum;
      }
}

/* The convolution of the formula; w is (channels, 3, 3, filters). */
static real *convolution(const oikos_tiles *g, size_t n, const real *x, const real *w,
                         const real *bias) {
  const layer_case k = {
      .n = n,
      .in = {g->height, g->width, g->channels},
      .out = {g->height + 2 * g->padding - 2, g->width + 2 * g->padding - 2, g->filters},
      .kernel_h = 3,
      .kernel_w = 3,
      .stride = 1,
      .padding = g->padding};
  size_t c = (size_t)g->channels, f = (size_t)g->filters, in = n * numbers(k.in), at = 0;
  double *theta = array(9 * c * f + f, sizeof *theta), *input = array(in, sizeof *input);
  real *y = array(n * numbers(k.out), sizeof *y);
  for (size_t i = 0; i < in; i++)
    input[i] = (double)x[i];
  for (size_t j = 0; j < f; j++) {
    theta[9 * c * f + j] = (double)bias[j];
    for (size_t q = 0; q < 9; q++)
      for (size_t i = 0; i < c; i++)
        theta[(j * 9 + q) * c + i] = (double)w[(i * 9 + q) * f + j];
  }
  for (size_t i = 0; i < n; i++)
    for (int64_t oy = 0; oy < k.out.height; oy++)
      for (int64_t ox = 0; ox < k.out.width; ox++)
        for (int64_t j = 0; j < k.out.channels; j++)
          y[at++] = (real)convolve(&k, input, theta, i, oy, ox, j);
  free(theta);
  free(input);
  return y;
}

static void check_convolution(const oikos_tiles *g) {
  const size_t n = 2;
  sizes s = sizes_of(g, n);
  oikos_random r = oikos_random_at(5, OIKOS_DRAW_CHECK, 0, (uint64_t)(g->height * 64 + g->filters));
  real *x = draw(&r, s.x), *w = draw(&r, 9 * s.c * s.f), *bias = draw(&r, s.f);
  real *u = nothing(s.u), *v = nothing(s.v), *m = nothing(s.m), *y = nothing(s.y);
  oikos_winograd_filter(s.c, s.f, w, u);
  oikos_winograd_input(g, n, x, v);
  multiply(&s, v, u, m);
  oikos_winograd_output(g, n, m, bias, y);
  real *truth = convolution(g, n, x, w, bias);
  char what[128];
  snprintf(what, sizeof what,
           "output(input * filter) of %lldx%lldx%lld, %lld filters, padding %lld",
           (long long)g->height, (long long)g->width, (long long)g->channels, (long long)g->filters,
           (long long)g->padding);
  // measured: 1.4e-6 and 3.5e-15
  check_vectors(s.y, y, truth, tolerance(5e-6, 1e-13), what);
  real *owned[] = {x, w, bias, u, v, m, y, truth};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    free(owned[i]);
}

static void test_convolution(void **state) {
  (void)state;
  for_all_tiles(check_convolution);
}

static double dot(size_t count, const real *a, const real *b) {
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += (double)a[i] * (double)b[i];
  return sum;
}

/* Of transformed arrays, without what lies between the places. */
static double dot_places(size_t rows, size_t columns, const real *a, const real *b) {
  size_t stride = oikos_winograd_stride(rows, columns);
  double sum = 0;
  for (size_t k = 0; k < OIKOS_PLACES; k++)
    sum += dot(rows * columns, a + k * stride, b + k * stride);
  return sum;
}

/* <T a, b> and <a, T^T b>, relative to |T a| |b|. Measured: 8e-8 and 2.4e-16. */
static void check_transpose(double one, double other, double size, const char *what) {
  check_near(one, other, 0, tolerance(3e-7, 1e-14) * size, 0, what);
}

static void transpose_of_filter(const sizes *s, oikos_random *r) {
  real *a = draw(r, 9 * s->c * s->f), *b = draw(r, s->u), *t = nothing(s->u);
  real *before = draw(r, 9 * s->c * s->f), *back = array(9 * s->c * s->f, sizeof *back);
  memcpy(back, before, 9 * s->c * s->f * sizeof *back);
  oikos_winograd_filter(s->c, s->f, a, t);
  oikos_winograd_filter_transposed(s->c, s->f, b, back); // added to what is there
  double size = sqrt(dot_places(s->c, s->f, t, t) * dot_places(s->c, s->f, b, b));
  check_transpose(dot_places(s->c, s->f, t, b),
                  dot(9 * s->c * s->f, a, back) - dot(9 * s->c * s->f, a, before), size, "filter");
  real *owned[] = {a, b, t, before, back};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    free(owned[i]);
}

static void transpose_of_input(const oikos_tiles *g, size_t n, const sizes *s, oikos_random *r) {
  real *a = draw(r, s->x), *b = draw(r, s->v), *t = nothing(s->v), *back = nothing(s->x);
  oikos_winograd_input(g, n, a, t);
  oikos_winograd_input_transposed(g, n, b, back);
  double size = sqrt(dot_places(s->tiles, s->c, t, t) * dot_places(s->tiles, s->c, b, b));
  check_transpose(dot_places(s->tiles, s->c, t, b), dot(s->x, a, back), size, "input");
  real *owned[] = {a, b, t, back};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    free(owned[i]);
}

static void transpose_of_output(const oikos_tiles *g, size_t n, const sizes *s, oikos_random *r) {
  real *a = draw(r, s->m), *b = draw(r, s->y), *t = nothing(s->y), *back = nothing(s->m);
  real *no_bias = array(s->f, sizeof *no_bias);
  oikos_winograd_output(g, n, a, no_bias, t);
  oikos_winograd_output_transposed(g, n, b, back);
  double size = sqrt(dot(s->y, t, t) * dot(s->y, b, b));
  check_transpose(dot(s->y, t, b), dot_places(s->tiles, s->f, a, back), size, "output");
  real *owned[] = {a, b, t, back, no_bias};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    free(owned[i]);
}

static void check_transposes(const oikos_tiles *g) {
  const size_t n = 3;
  sizes s = sizes_of(g, n);
  oikos_random r = oikos_random_at(7, OIKOS_DRAW_CHECK, 0, (uint64_t)(g->height * 64 + g->filters));
  transpose_of_filter(&s, &r);
  transpose_of_input(g, n, &s, &r);
  transpose_of_output(g, n, &s, &r);
}

static void test_transposes(void **state) {
  (void)state;
  for_all_tiles(check_transposes);
}

/* ---- the layer ---- */

typedef struct conv_case {
  size_t n;
  oikos_shape in;
  int64_t filters, padding;
} conv_case;

enum { Y, Y_T, DX, GRAD, DX_T, GRAD_T, RESULTS };
static const char *const names[RESULTS] = {"y", "y_t", "dx", "grad", "dx_t", "grad_t"};

/* A layer, what goes into its four functions and what comes out. */
typedef struct rig {
  oikos_layer layer;
  oikos_pass pass;
  size_t count[RESULTS];
  real *result[RESULTS];
  real *in[6];
} rig;

static oikos_layer_spec specification(int64_t filters, double kernel, double stride, double padding,
                                      double winograd) {
  oikos_layer_spec spec = {.kind = "conv2d", .n_args = 5};
  const char *const keys[] = {"filters", "kernel", "stride", "padding", "winograd"};
  const double values[] = {(double)filters, kernel, stride, padding, winograd};
  for (int i = 0; i < spec.n_args; i++) {
    snprintf(spec.arg[i].key, OIKOS_NAME, "%s", keys[i]);
    spec.arg[i].value = values[i];
  }
  return spec;
}

/* Gradients begin at one: they are added to. */
static real *ones(size_t count) {
  real *x = array(count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    x[i] = 1;
  return x;
}

static void set_up(rig *g, const conv_case *k, double winograd) {
  oikos_error err;
  oikos_layer_spec spec = specification(k->filters, 3, 1, (double)k->padding, winograd);
  oikos_random r = oikos_random_at(13, OIKOS_DRAW_CHECK, k->n, (uint64_t)k->in.height);
  *g = (rig){0};
  oikos_layer *l = &g->layer;
  CHECK_OK(oikos_layer_create(l, &spec, k->in, "test", &err));
  size_t in = k->n * l->in_size, out = k->n * l->out_size, m = l->n_parameters;
  const size_t sizes_in[] = {in, in, m, m, out, out}, counts[] = {out, out, in, m, in, m};
  for (size_t i = 0; i < 6; i++)
    g->in[i] = draw(&r, sizes_in[i]);
  for (int i = 0; i < RESULTS; i++) {
    g->count[i] = counts[i];
    g->result[i] = i == GRAD || i == GRAD_T ? ones(counts[i]) : nothing(counts[i]);
  }
  g->pass = (oikos_pass){.n = k->n,
                         .x = g->in[0],
                         .x_t = g->in[1],
                         .theta = g->in[2],
                         .theta_t = g->in[3],
                         .dy = g->in[4],
                         .dy_t = g->in[5],
                         .y = g->result[Y],
                         .y_t = g->result[Y_T],
                         .dx = g->result[DX],
                         .dx_t = g->result[DX_T],
                         .grad = g->result[GRAD],
                         .grad_t = g->result[GRAD_T],
                         .scratch = nothing(l->scratch)};
}

static void tear_down(rig *g) {
  for (int i = 0; i < 6; i++)
    free(g->in[i]);
  for (int i = 0; i < RESULTS; i++)
    free(g->result[i]);
  free(g->pass.scratch);
}

static void run(rig *g) {
  const oikos_layer_type *type = g->layer.type;
  type->forward(&g->layer, &g->pass);
  type->tangent(&g->layer, &g->pass);
  type->backward(&g->layer, &g->pass);
  type->tangent_backward(&g->layer, &g->pass);
}

static void without_input(rig *g) {
  g->pass.x_t = NULL;
  g->pass.dx = g->pass.dx_t = NULL;
}

static void take_back_ones(rig *g) {
  for (int i = GRAD; i <= GRAD_T; i += GRAD_T - GRAD)
    for (size_t j = 0; j < g->count[i]; j++)
      g->result[i][j] -= 1;
}

/* Measured: with 64 channels and filters 1.8e-6 of the size of the whole array (1.5e-6 to 1.8e-6
 * for each of the six), in double 3e-15. */
static double allowed(void) {
  return tolerance(5e-6, 1e-12);
}

/* Results first..: dx and dx_t are missing in a first layer. */
static void compare(const rig *tiles, const rig *direct, const conv_case *k, bool first) {
  for (int i = 0; i < RESULTS; i++) {
    char what[128];
    if (first && (i == DX || i == DX_T))
      continue;
    snprintf(what, sizeof what, "%s of %zu images %lldx%lldx%lld, %lld filters, padding %lld",
             names[i], k->n, (long long)k->in.height, (long long)k->in.width,
             (long long)k->in.channels, (long long)k->filters, (long long)k->padding);
    check_vectors(tiles->count[i], tiles->result[i], direct->result[i], allowed(), what);
  }
}

/* With gradients added to ones, or overwriting what is no number. */
static void check_same(const conv_case *k, bool first, bool replace) {
  rig tiles, direct, *both[] = {&tiles, &direct};
  set_up(&tiles, k, 1);
  set_up(&direct, k, 0);
  for (int i = 0; i < 2; i++) {
    if (first)
      without_input(both[i]);
    both[i]->pass.replace = replace;
    for (size_t j = 0; replace && j < both[i]->count[GRAD]; j++)
      both[i]->pass.grad[j] = both[i]->pass.grad_t[j] = (real)NAN;
    run(both[i]);
    if (!replace)
      take_back_ones(both[i]);
  }
  compare(&tiles, &direct, k, first);
  tear_down(&tiles);
  tear_down(&direct);
}

/* Where only dx is wanted it is the same to the bit. */
static void check_without_grad(const conv_case *k) {
  rig with, without;
  set_up(&with, k, 1);
  set_up(&without, k, 1);
  without.pass.grad = NULL;
  run(&with);
  run(&without);
  for (int i = 0; i < RESULTS; i++)
    if (i != GRAD)
      assert_memory_equal(with.result[i], without.result[i], with.count[i] * sizeof(real));
  tear_down(&with);
  tear_down(&without);
}

static void check_case(const conv_case *k) {
  for (int first = 0; first < 2; first++)
    for (int replace = 0; replace < 2; replace++)
      check_same(k, first, replace);
  check_without_grad(k);
}

/* A block is 96 tiles: many images are several blocks, the last one not full. */
static void test_layer(void **state) {
  (void)state;
  static const conv_case cases[] = {
      {1, {14, 14, 64}, 64, 1},  // 16 tiles: six images are a block
      {2, {14, 14, 64}, 64, 1},  //
      {5, {14, 14, 64}, 64, 1},  //
      {11, {14, 14, 64}, 64, 1}, //
      {5, {7, 7, 64}, 64, 1},    // four tiles: 24 images
      {35, {7, 7, 64}, 64, 1},   //
      {101, {3, 3, 64}, 64, 1},  // one tile: 96 images
      {2, {28, 28, 1}, 64, 1},   // 49 tiles: one image
      {2, {33, 30, 2}, 3, 0},    // one image is more than a block
      {5, {5, 4, 3}, 17, 2},     {9, {9, 14, 17}, 2, 1}, {23, {6, 7, 2}, 3, 0},
      {97, {1, 1, 17}, 5, 1},    {1, {2, 2, 1}, 1, 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check_case(&cases[i]);
}

/* All results equal to the bit. */
static bool same_bits(const rig *a, const rig *b) {
  for (int i = 0; i < RESULTS; i++)
    if (memcmp(a->result[i], b->result[i], a->count[i] * sizeof(real)) != 0)
      return false;
  return true;
}

static void test_threshold(void **state) {
  (void)state;
  for (size_t n = 5; n <= 6; n++) {
    const conv_case k = {n, {7, 9, 5}, 6, 1};
    rig direct, tiles, from_six;
    set_up(&direct, &k, 0);
    set_up(&tiles, &k, 1);
    set_up(&from_six, &k, 6);
    run(&direct);
    run(&tiles);
    run(&from_six);
    assert_false(same_bits(&direct, &tiles)); // or the test says nothing
    assert_true(same_bits(&from_six, n < 6 ? &direct : &tiles));
    tear_down(&direct);
    tear_down(&tiles);
    tear_down(&from_six);
  }
}

/* Refused, and the message names the layer; without tiles there is nothing to refuse. */
static void check_refused(double kernel, double stride, const char *words) {
  const char *where = "net.yaml:7: model.layers[2] conv2d";
  oikos_layer_spec spec = specification(4, kernel, stride, 1, 1);
  oikos_error err = {0};
  oikos_layer l;
  assert_int_equal(oikos_layer_create(&l, &spec, (oikos_shape){9, 9, 2}, where, &err), OIKOS_USAGE);
  if (!strstr(err.message, where) || !strstr(err.message, "winograd") ||
      !strstr(err.message, words))
    fail_msg("expected \"%s\", winograd and \"%s\" in: %s", where, words, err.message);
  for (double open = -1; open <= 0; open++) {
    spec = specification(4, kernel, stride, 1, open);
    CHECK_OK(oikos_layer_create(&l, &spec, (oikos_shape){9, 9, 2}, where, &err));
  }
}

static void test_refused(void **state) {
  (void)state;
  check_refused(5, 1, "5 x 5 and 1");
  check_refused(3, 2, "3 x 3 and 2");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_convolution), cmocka_unit_test(test_transposes),
      cmocka_unit_test(test_layer),       cmocka_unit_test(test_threshold),
      cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
