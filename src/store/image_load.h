/* SPDX-License-Identifier: MIT
 * An image file in memory: the pixels once per node, in memory that its ranks share. */
#ifndef OIKOS_STORE_IMAGE_LOAD_H
#define OIKOS_STORE_IMAGE_LOAD_H

#include "oikos/tasks.h"
#include "store/data_about.h"
#include "store/data_read.h"
#include "tasks/image_index.h"

typedef struct oikos_image_data {
  oikos_image_index index;
  const uint8_t *pixels; /* (n_images, height, width, channels), shared by the node */
  oikos_data_about about;
  oikos_data_memory memory;
  void *tables; /* what the index points into */
} oikos_image_data;

/** Read an image file (store/image_file.h). Collective: each rank of a node reads its share of the
 * images. */
oikos_status oikos_image_load(const oikos_team *team, const char *path, oikos_image_data *data,
                              oikos_error *err);

/** Not collective. */
void oikos_image_unload(oikos_image_data *data);

#endif
