/* SPDX-License-Identifier: MIT
 * The one call macro: return early when a call fails. */
#ifndef OIKOS_BASE_TRY_H
#define OIKOS_BASE_TRY_H

#include "oikos/error.h"

#define OIKOS_TRY(call)                                                                            \
  do {                                                                                             \
    oikos_status oikos_try_status = (call);                                                        \
    if (oikos_try_status != OIKOS_OK)                                                              \
      return oikos_try_status;                                                                     \
  } while (0)

#endif
