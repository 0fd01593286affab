/* SPDX-License-Identifier: MIT
 * Trained parameters, query loss and meta-gradient of every tests/golden/ file (PyTorch's automatic
 * differentiation in float64; tools/golden says how they were made). */
#include "check.h"

#include <dirent.h>
#include <hdf5.h>

#include "oikos/inner.h"

typedef oikos_real real;

enum { LEAST_FILES = 14, RATED = 12, RATINGS = 5 }; /* two rows; classes */

typedef struct golden {
  hid_t file;
  oikos_config *config;
  oikos_network *net;
  oikos_inner *inner;
  oikos_path *path;
  oikos_batch support, query;
  real *examples, *support_y, *query_y, *rates, *gradient;
} golden;

/* Relative to the size of a whole vector. The float of the library meets 1e-5; it ships, so this is
 * what is promised. */
static double promised(void) {
  return tolerance(1e-5, 1e-9);
}

/* A dataset as real; its first dimension in *rows, its size in *count. */
static real *read(hid_t file, const char *name, size_t *rows, size_t *count) {
  hsize_t dims[8] = {1};
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
  if (set < 0)
    fail_msg("no dataset %s", name);
  hid_t space = H5Dget_space(set);
  H5Sget_simple_extent_dims(space, dims, NULL);
  size_t n = (size_t)H5Sget_simple_extent_npoints(space);
  real *x = array(n, sizeof *x);
  assert_true(H5Dread(set, sizeof(real) == sizeof(float) ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE,
                      H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
  H5Sclose(space);
  H5Dclose(set);
  if (rows)
    *rows = (size_t)dims[0];
  if (count)
    *count = n;
  return x;
}

/* Parameters (M) from a group with a dataset for each tensor. */
static real *read_parameters(const golden *g, const char *group) {
  real *theta = array(oikos_network_parameters(g->net), sizeof *theta);
  for (int k = 0; k < oikos_network_tensor_count(g->net); k++) {
    const oikos_tensor *t = &oikos_network_tensors(g->net)[k];
    char name[256];
    size_t count;
    snprintf(name, sizeof name, "%s/%s", group, t->name);
    real *x = read(g->file, name, NULL, &count);
    assert_int_equal(count, t->size);
    memcpy(theta + t->offset, x, count * sizeof *x);
    free(x);
  }
  return theta;
}

static void read_config(golden *g, const char *path) {
  oikos_error err;
  char *text = NULL;
  hid_t attribute = H5Aopen(g->file, "config", H5P_DEFAULT), type = H5Aget_type(attribute);
  assert_true(H5Aread(attribute, type, &text) >= 0 && text);
  g->config = array(1, sizeof *g->config);
  oikos_config_defaults(g->config);
  CHECK_OK(oikos_config_parse(g->config, path, text, strlen(text), &err));
  H5free_memory(text);
  H5Tclose(type);
  H5Aclose(attribute);
}

/* Support and query examples one after the other, as oikos_path_dx wants them. */
static void read_examples(golden *g, size_t *support, size_t *query, size_t *inputs) {
  size_t in_support, in_query;
  real *first = read(g->file, "support_x", support, &in_support),
       *second = read(g->file, "query_x", query, &in_query);
  g->examples = array(in_support + in_query, sizeof *g->examples);
  memcpy(g->examples, first, in_support * sizeof *first);
  memcpy(g->examples + in_support, second, in_query * sizeof *second);
  free(first);
  free(second);
  *inputs = in_support / *support;
}

static void set_up(golden *g, const char *path) {
  oikos_error err;
  *g = (golden){.file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT)};
  assert_true(g->file >= 0);
  read_config(g, path);
  size_t support, query, inputs;
  read_examples(g, &support, &query, &inputs);
  g->support_y = read(g->file, "support_y", NULL, NULL);
  g->query_y = read(g->file, "query_y", NULL, NULL);
  bool images = g->config->task.source == OIKOS_SOURCE_IMAGES;
  bool rows = g->config->task.source == OIKOS_SOURCE_RATINGS;
  oikos_shape shape = images ? (oikos_shape){28, 28, 1} : (oikos_shape){1, 1, rows ? RATED : 1};
  int64_t outputs = images ? g->config->task.ways : rows ? RATINGS : 1;
  assert_int_equal(inputs, shape.height * shape.width * shape.channels);
  CHECK_OK(oikos_network_create(g->config, shape, outputs, &g->net, &err));
  CHECK_OK(oikos_inner_create(g->net, g->config, &g->inner, &err));
  CHECK_OK(oikos_path_create(g->inner, g->config->inner.steps, support + query, &g->path, &err));
  g->support = (oikos_batch){.n = support, .x = g->examples, .y = g->support_y};
  g->query = (oikos_batch){.n = query, .x = g->examples + support * inputs, .y = g->query_y};
  real *start = read_parameters(g, "start");
  memcpy(oikos_path_start(g->path), start, oikos_network_parameters(g->net) * sizeof *start);
  free(start);
  g->rates = oikos_inner_rates(g->inner) ? read_parameters(g, "rate") : NULL;
  g->gradient =
      array(oikos_network_parameters(g->net) + oikos_inner_rates(g->inner), sizeof *g->gradient);
}

static void tear_down(golden *g) {
  void *owned[] = {g->config, g->examples, g->support_y, g->query_y, g->rates, g->gradient};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    free(owned[i]);
  oikos_path_destroy(g->path);
  oikos_inner_destroy(g->inner);
  oikos_network_destroy(g->net);
  H5Fclose(g->file);
}

static double distance(size_t n, const real *a, const real *b) {
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
  return sqrt(sum);
}

static double size_of(size_t n, const real *a) {
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (double)a[i] * (double)a[i];
  return sqrt(sum);
}

/* The whole vector, and each tensor; a tensor whose truth is zero (a bias before batch_norm) is
 * measured by the floor of what rounding leaves in the whole. Returns the relative error of the
 * whole. */
static double compare(const golden *g, const char *file, const char *group, const real *found) {
  size_t m = oikos_network_parameters(g->net);
  real *truth = read_parameters(g, group);
  double whole = size_of(m, truth), error = distance(m, found, truth) / whole;
  if (!(error <= promised()))
    fail_msg("%s %s: relative error %.3g, allowed %.3g", file, group, error, promised());
  for (int k = 0; k < oikos_network_tensor_count(g->net); k++) {
    const oikos_tensor *t = &oikos_network_tensors(g->net)[k];
    double away = distance(t->size, found + t->offset, truth + t->offset);
    if (!(away <= 2 * promised() * size_of(t->size, truth + t->offset) + promised() / 10 * whole))
      fail_msg("%s %s/%s: %.3g away from a truth of size %.3g", file, group, t->name, away,
               size_of(t->size, truth + t->offset));
  }
  free(truth);
  return error;
}

/* The derivative of the query loss with respect to the examples, where they are embedding rows. */
static double compare_examples(const golden *g, const char *file) {
  const real *found = oikos_path_dx(g->path);
  const char *const names[] = {"support_x_gradient", "query_x_gradient"};
  double largest = 0;
  assert_true((found != NULL) == (g->config->task.source == OIKOS_SOURCE_RATINGS));
  for (int i = 0; found && i < 2; i++) {
    size_t count;
    real *truth = read(g->file, names[i], NULL, &count);
    double error = distance(count, found, truth) / size_of(count, truth);
    if (!(error <= promised()))
      fail_msg("%s %s: relative error %.3g, allowed %.3g", file, names[i], error, promised());
    largest = error > largest ? error : largest;
    found += count;
    free(truth);
  }
  return largest;
}

static void check_file(const char *name) {
  golden g;
  char path[1024];
  snprintf(path, sizeof path, "%s/tests/golden/%s", OIKOS_SOURCE_DIR, name);
  set_up(&g, path);
  int64_t steps = g.config->inner.steps;
  oikos_adapt(g.inner, g.path, g.rates, &g.support, steps);
  double trained = compare(&g, name, "trained", oikos_path_parameters(g.inner, g.path, steps));
  oikos_judgement j =
      oikos_meta_gradient(g.inner, g.path, g.rates, &g.support, &g.query, steps, g.gradient);
  double gradient = compare(&g, name, "meta_gradient", g.gradient), rate = 0;
  if (g.rates)
    rate = compare(&g, name, "rate_gradient", g.gradient + oikos_network_parameters(g.net));
  double examples = compare_examples(&g, name);
  real *loss = read(g.file, "query_loss", NULL, NULL);
  check_near(j.loss, (double)*loss, promised(), 0, 0, name);
  printf("  %-20s trained %.1e, meta-gradient %.1e, rates %.1e, examples %.1e, loss %.1e\n", name,
         trained, gradient, rate, examples, fabs(j.loss - (double)*loss) / (double)*loss);
  free(loss);
  tear_down(&g);
}

static void test_golden(void **state) {
  (void)state;
  int files = 0;
  DIR *folder = opendir(OIKOS_SOURCE_DIR "/tests/golden");
  assert_non_null(folder);
  for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
    size_t length = strlen(entry->d_name);
    if (length < 4 || strcmp(entry->d_name + length - 3, ".h5") != 0)
      continue;
    check_file(entry->d_name);
    files++;
  }
  closedir(folder);
  if (files < LEAST_FILES)
    fail_msg("%d golden files; expected at least %d", files, LEAST_FILES);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
