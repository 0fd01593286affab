/* SPDX-License-Identifier: MIT
 * xxHash as part of this library, for the processors that it is built for: distributions build
 * theirs for any, which takes twice as long where memory is not the bound. The hashes are the same.
 */
#ifndef OIKOS_BASE_XXH3_H
#define OIKOS_BASE_XXH3_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#endif
