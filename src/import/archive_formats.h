/* SPDX-License-Identifier: MIT
 * The formats and compressions that are read: see import/archive.h. */
#ifndef OIKOS_IMPORT_ARCHIVE_FORMATS_H
#define OIKOS_IMPORT_ARCHIVE_FORMATS_H

#include <stdbool.h>

#include <archive.h>

/** Switch them on in a reader of libarchive; false if it cannot do one of them by itself. */
bool oikos_archive_use_formats(struct archive *reader);

#endif
