/* SPDX-License-Identifier: MIT
 * Lists of classes (task.train_list and its kin), cut from each other: no class is in two. */
#include "fuzz_config.h"

#include "tasks/class_split.h"

enum { CLASSES = 6, LISTS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static oikos_config config;
  static const char *const names[CLASSES] = {
      "a", "b", "Greek/character01", "a class", "\xc3\xa9t\xc3\xa9", "7"};
  const oikos_class_list list = {
      .n = CLASSES, .name = names, .noun = "class", .place = "image file"};
  fuzz_input in = {data, size};
  oikos_class_split split;
  oikos_error err;
  fuzz_defaults(&config);
  config.task.split = OIKOS_SPLIT_LIST;
  char *path[LISTS] = {config.task.train_list, config.task.validation_list, config.task.test_list};
  static const char *const file[LISTS] = {"train.txt", "validation.txt", "test.txt"};
  for (int k = 0; k < LISTS && (k == 0 || in.size > 0); k++) {
    fuzz_path(file[k], path[k]);
    fuzz_put(path[k], fuzz_part(&in));
  }
  bool seen[CLASSES] = {false};
  if (oikos_class_split_create(&config, &list, &split, &err) == OIKOS_OK)
    for (int s = 0; s < LISTS; s++)
      for (int64_t i = 0; i < split.n[s]; i++) {
        int64_t k = split.classes[s][i];
        fuzz_require(k >= 0 && k < CLASSES && !seen[k], "no class is in two lists", "lists");
        seen[k] = true;
      }
  oikos_class_split_destroy(&split);
  return 0;
}
