/* SPDX-License-Identifier: MIT
 * What `oikos bench step` measures when no configuration is given: the usual works of the field. */
#ifndef OIKOS_BENCH_WORKS_H
#define OIKOS_BENCH_WORKS_H

#include "dist/team.h"
#include "oikos/config.h"

enum { OIKOS_WORKS = 5 };

/** Name of a work. */
const char *oikos_work_name(int work);

/** Its configuration; images come from @p images, a file made by oikos_work_images. */
oikos_status oikos_work_config(int work, const char *images, oikos_config *config,
                               oikos_error *err);

/** Write an image file of noise, for the works on images: time does not depend on what is drawn.
 * Not collective. */
oikos_status oikos_work_images(const char *path, oikos_error *err);

#endif
