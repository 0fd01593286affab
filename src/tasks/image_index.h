/* SPDX-License-Identifier: MIT
 * What an image file says of its images: the classes they belong to, and who split them how. */
#ifndef OIKOS_TASKS_IMAGE_INDEX_H
#define OIKOS_TASKS_IMAGE_INDEX_H

#include <stdint.h>

/** Everything but the pixels. Strings and arrays belong to the caller. */
typedef struct oikos_image_index {
  int64_t n_images, n_classes, n_groups;
  int64_t height, width, channels;
  const int64_t *class_start; /* (n_classes + 1) */
  const char *const *class_name;
  const int32_t *class_group;
  const char *const *group_name;
  const uint8_t *split;
  const char *source;
} oikos_image_index;

#endif
