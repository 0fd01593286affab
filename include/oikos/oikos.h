/* SPDX-License-Identifier: MIT
 * All of liboikos. */
#ifndef OIKOS_OIKOS_H
#define OIKOS_OIKOS_H

#include "oikos/config.h"
#include "oikos/error.h"
#include "oikos/inner.h"
#include "oikos/network.h"
#include "oikos/real.h"
#include "oikos/recommend.h"
#include "oikos/tasks.h"
#include "oikos/trainer.h"
#include "oikos/version.h"

#endif
