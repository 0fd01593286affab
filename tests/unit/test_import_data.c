/* SPDX-License-Identifier: MIT
 * Importers on the published data sets, each skipped where they are absent.
 *
 * The 28x28 images in omniglot28-* were derived independently, as the exact area average of the
 * 105x105 drawings. Ours are equal to them in all 25,448,640 pixels of all 32,460 drawings, and
 * must be. */
#include "import_files.h"

#include <inttypes.h>

#include "import/import.h"

#define OMNIGLOT OIKOS_SOURCE_DIR "/../shared/data/omniglot"
#define FASHION  "/usr/share/datasets/fashion-mnist"

static void need(const char *path) {
  if (access(path, R_OK) != 0) {
    print_message("skipped: %s is not here\n", path);
    skip();
  }
}

static void import(const void *state, const char *kind, int n, const char *const *sources,
                   images *got) {
  oikos_import_job job = {.n_sources = n, .sources = sources, .output = in(state, "out.h5")};
  CHECK_OK(oikos_import(kind, &job, &err));
  read_images(job.output, got);
  assert_int_equal(got->start[0], 0);
  assert_int_equal(got->start[got->classes], got->n);
}

static void check_count(const images *got, int64_t n, int64_t classes, int64_t groups,
                        int64_t test) {
  int64_t held_out = 0;
  for (int64_t k = 0; k < got->classes; k++)
    held_out += got->split[k] == 2;
  if (got->n != n || got->classes != classes || got->groups != groups || held_out != test)
    fail_msg("%" PRId64 " images, %" PRId64 " classes, %" PRId64 " groups, %" PRId64
             " test classes",
             got->n, got->classes, got->groups, held_out);
  assert_true(got->height == 28 && got->width == 28);
}

/* char_id by class name "Alphabet/characterNN", from the data set's own table; 0 if it has none. */
static int find_id(const char *table, const char *class) {
  const char *slash = strchr(class, '/');
  for (const char *line = strchr(table, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
    char alphabet[128], character[128];
    int id;
    if (sscanf(line + 1, "%d\t%*[^\t]\t%127[^\t]\t%127[^\n\r]", &id, alphabet, character) == 3 &&
        strlen(alphabet) == (size_t)(slash - class) &&
        !strncmp(alphabet, class, (size_t)(slash - class)) && !strcmp(character, slash + 1))
      return id;
  }
  return 0;
}

/* Compare every class of ours with the class of that char_id in theirs. */
static void compare(const images *ours, const images *theirs) {
  size_t size, differ = 0, total = 0;
  int largest = 0;
  char *table = (char *)get(OMNIGLOT "/characters.tsv", &size);
  table[size] = '\0';
  for (int64_t k = 0; k < ours->classes; k++) {
    int id = find_id(table, ours->name + (size_t)k * ours->name_bytes);
    int64_t other = -1;
    for (int64_t j = 0; j < theirs->classes && other < 0; j++)
      if (atoi(theirs->name + (size_t)j * theirs->name_bytes) == id)
        other = j;
    assert_true(id > 0 && other >= 0);
    assert_int_equal(ours->split[k], theirs->split[other]);
    const uint8_t *a = ours->pixels + ours->start[k] * 784,
                  *b = theirs->pixels + theirs->start[other] * 784;
    for (int64_t i = 0; i < 20 * 784; i++, total++) {
      int difference = abs(a[i] - b[i]);
      differ += difference > 0;
      largest = difference > largest ? difference : largest;
    }
  }
  print_message("%zu of %zu pixels differ from omniglot28, by at most %d\n", differ, total,
                largest);
  free(table);
  assert_int_equal(largest, 0);
}

static void omniglot28_agrees(void **state) {
  const char *const small[] = {OMNIGLOT "/images_background_small1.zip"};
  const char *const derived[] = {OMNIGLOT "/omniglot28-background-images-idx3-ubyte.gz"};
  images ours, theirs;
  need(small[0]);
  need(derived[0]);
  import(*state, "omniglot", 1, small, &ours);
  check_count(&ours, 2720, 136, 5, 0);
  assert_string_equal(ours.source, "omniglot from images_background_small1.zip");
  assert_string_equal(ours.name, "Balinese/character01");
  assert_string_equal(ours.group, "Balinese");
  import(*state, "idx", 1, derived, &theirs);
  check_count(&theirs, 19280, 964, 1, 0);
  compare(&ours, &theirs);
  free_images(&ours);
  free_images(&theirs);
}

static void omniglot_in_full(void **state) {
  const char *const zips[] = {OMNIGLOT "/images_background.zip", OMNIGLOT "/images_evaluation.zip"};
  const char *const derived[] = {OMNIGLOT};
  images ours, theirs;
  need(zips[0]);
  import(*state, "omniglot", 2, zips, &ours);
  check_count(&ours, 32460, 1623, 50, 659);
  import(*state, "idx", 1, derived, &theirs);
  check_count(&theirs, 32460, 1623, 1, 659);
  compare(&ours, &theirs);
  free_images(&ours);
  free_images(&theirs);
}

static void omniglot_refuses_twice(void **state) {
  const char *const zips[] = {OMNIGLOT "/images_background_small1.zip",
                              OMNIGLOT "/images_background_small2.zip"};
  oikos_import_job job = {.n_sources = 2, .sources = zips, .output = in(*state, "out.h5")};
  need(zips[0]);
  assert_int_equal(oikos_import("omniglot", &job, &err), OIKOS_ERROR);
  assert_non_null(strstr(err.message, "Greek/character01/0394_01.png occurs twice"));
}

static void fashion_mnist(void **state) {
  const char *const folder[] = {FASHION};
  images got;
  need(FASHION "/train-images-idx3-ubyte.gz");
  import(*state, "idx", 1, folder, &got);
  check_count(&got, 70000, 10, 1, 0);
  for (int64_t k = 0; k < 10; k++) {
    assert_int_equal(got.start[k + 1] - got.start[k], 7000);
    assert_int_equal(got.name[(size_t)k * got.name_bytes], '0' + k);
  }
  free_images(&got);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(omniglot28_agrees, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(omniglot_in_full, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(omniglot_refuses_twice, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(fashion_mnist, make_folder, remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
