/* SPDX-License-Identifier: MIT
 * Folders that were made for what then came to nothing. Not collective. */
#ifndef OIKOS_STORE_FOLDERS_H
#define OIKOS_STORE_FOLDERS_H

#include <stddef.h>

/** How much of a path is there no more than the rest: the length of its first part that is missing;
 * 0 if none is. */
size_t oikos_folders_missing(const char *path);

/** Remove what was missing of it, up to the first folder that somebody uses; 0: nothing. */
void oikos_folders_remove(const char *path, size_t missing);

#endif
