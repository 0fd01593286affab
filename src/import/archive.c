/* SPDX-License-Identifier: MIT */
#include "import/archive.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"
#include "import/archive_formats.h"
#include "import/entry_name.h"

enum { BLOCK = 64 << 10, MAX_DEPTH = 32 };
static const int64_t FREE_BYTES = INT64_C(1) << 20; /* not counted in the ratio */

const oikos_archive_limits oikos_archive_image_limits = {INT64_C(64) << 20, INT64_C(8) << 30,
                                                         2000000, 200};
const oikos_archive_limits oikos_archive_table_limits = {INT64_C(64) << 30, INT64_C(64) << 30,
                                                         10000, 200};

struct oikos_archive {
  char *path;
  oikos_archive_limits limits;
  struct archive *reader; /* NULL for a folder */
  FTS *walk;              /* NULL for an archive */
  char *name;             /* of the current entry; NULL before the first and after the last */
  char *disk_name;        /* of the current file of a folder; belongs to walk */
  bool unread;            /* the current entry still has to be read */
  int descriptor;         /* of a folder's file that is read piece by piece; -1 for none */
  uint8_t *buffer;
  size_t size, capacity;
  int64_t archive_bytes, total, entries;
};

/* Start a message with where it happened: "x.zip, entry a/b.png: ". */
static oikos_status at(oikos_archive *a, oikos_error *err) {
  if (a->name)
    return oikos_fail_prefix(err, "%s, entry %s: ", a->path, a->name);
  return oikos_fail_prefix(err, "%s: ", a->path);
}

static oikos_status broken(oikos_archive *a, oikos_error *err) {
  const char *why = archive_error_string(a->reader);
  oikos_fail(err, OIKOS_ERROR, "the archive is damaged or cut short (%s); fetch it again",
             why ? why : "no details");
  return at(a, err);
}

bool oikos_archive_use_formats(struct archive *r) {
  /* ARCHIVE_WARN means a helper program would be used; these do without */
  return archive_read_support_format_zip_seekable(r) == ARCHIVE_OK &&
         archive_read_support_format_tar(r) == ARCHIVE_OK &&
         archive_read_support_format_7zip(r) == ARCHIVE_OK &&
         archive_read_support_filter_gzip(r) == ARCHIVE_OK &&
         archive_read_support_filter_bzip2(r) == ARCHIVE_OK &&
         archive_read_support_filter_xz(r) == ARCHIVE_OK &&
         archive_read_support_filter_lzma(r) == ARCHIVE_OK &&
         archive_read_support_filter_zstd(r) == ARCHIVE_OK &&
         archive_read_support_filter_compress(r) == ARCHIVE_OK;
}

static oikos_status open_archive(oikos_archive *a, oikos_error *err) {
  a->reader = archive_read_new();
  if (!a->reader || !oikos_archive_use_formats(a->reader))
    return oikos_fail(err, OIKOS_ERROR, "libarchive cannot read zip, tar and 7-zip here");
  if (archive_read_open_filename(a->reader, a->path, BLOCK) == ARCHIVE_OK)
    return OIKOS_OK;
  return oikos_fail(err, OIKOS_ERROR,
                    "not an intact zip, tar or 7-zip archive (%s); if it was downloaded, it may be "
                    "cut short: fetch it again",
                    archive_error_string(a->reader));
}

static int by_name(const FTSENT **a, const FTSENT **b) {
  return strcmp((*a)->fts_name, (*b)->fts_name);
}

static oikos_status open_source(oikos_archive *a, oikos_error *err) {
  struct stat info;
  if (stat(a->path, &info) != 0)
    return oikos_fail(err, OIKOS_USAGE, "cannot be opened: %s; give an archive or a folder",
                      strerror(errno));
  if (S_ISREG(info.st_mode)) {
    a->archive_bytes = info.st_size;
    return open_archive(a, err);
  }
  if (!S_ISDIR(info.st_mode))
    return oikos_fail(err, OIKOS_USAGE, "is neither a file nor a folder");
  char *roots[2] = {a->path, NULL};
  a->walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
  if (!a->walk)
    return oikos_fail(err, OIKOS_ERROR, "cannot be listed: %s", strerror(errno));
  return OIKOS_OK;
}

oikos_status oikos_archive_open(oikos_archive **out, const char *path,
                                const oikos_archive_limits *limits, oikos_error *err) {
  oikos_archive *a;
  OIKOS_TRY(oikos_alloc(&a, 1, sizeof *a, "an archive", err));
  a->limits = *limits;
  a->descriptor = -1;
  a->path = strdup(path);
  oikos_status status =
      a->path ? open_source(a, err) : oikos_fail(err, OIKOS_ERROR, "out of memory");
  if (status != OIKOS_OK) {
    oikos_fail_prefix(err, "%s: ", path);
    oikos_archive_close(a);
    return status;
  }
  *out = a;
  return OIKOS_OK;
}

static void close_file(oikos_archive *a) {
  if (a->descriptor >= 0)
    close(a->descriptor);
  a->descriptor = -1;
}

void oikos_archive_close(oikos_archive *archive) {
  if (!archive)
    return;
  close_file(archive);
  if (archive->reader)
    archive_read_free(archive->reader);
  if (archive->walk)
    fts_close(archive->walk);
  free(archive->name);
  free(archive->buffer);
  free(archive->path);
  free(archive);
}

/* Room for one more block in the buffer, whose size follows the bytes that came, not a header. */
static oikos_status grow(oikos_archive *a, oikos_error *err) {
  if (a->capacity - a->size >= BLOCK)
    return OIKOS_OK;
  size_t capacity = 2 * a->capacity + BLOCK;
  uint8_t *buffer = realloc(a->buffer, capacity);
  if (!buffer) {
    oikos_fail(err, OIKOS_ERROR, "out of memory at %zu bytes", capacity);
    return at(a, err);
  }
  a->buffer = buffer;
  a->capacity = capacity;
  return OIKOS_OK;
}

/* Count bytes that came out; stops bombs while they still are small. */
static oikos_status count(oikos_archive *a, size_t bytes, oikos_error *err) {
  const oikos_archive_limits *most = &a->limits;
  oikos_status status = OIKOS_OK;
  a->total += (int64_t)bytes;
  if ((int64_t)a->size > most->entry_bytes)
    status = oikos_fail(err, OIKOS_ERROR, "larger than %lld bytes, the most accepted for a file",
                        (long long)most->entry_bytes);
  else if (a->total > most->total_bytes)
    status = oikos_fail(err, OIKOS_ERROR, "more than %lld bytes in all, the most accepted",
                        (long long)most->total_bytes);
  else if (a->reader && a->total > FREE_BYTES && a->total / most->ratio > a->archive_bytes)
    status = oikos_fail(err, OIKOS_ERROR,
                        "%lld bytes came out of an archive of %lld: more than %lld for each, which "
                        "pictures do not reach; refused as a decompression bomb",
                        (long long)a->total, (long long)a->archive_bytes, (long long)most->ratio);
  return status == OIKOS_OK ? status : at(a, err);
}

static oikos_status read_entry(oikos_archive *a, oikos_error *err) {
  la_ssize_t got = 1;
  while (got > 0) {
    OIKOS_TRY(grow(a, err));
    got = archive_read_data(a->reader, a->buffer + a->size, BLOCK);
    if (got < 0)
      return broken(a, err);
    a->size += (size_t)got;
    OIKOS_TRY(count(a, (size_t)got, err));
  }
  return OIKOS_OK;
}

/* Open the folder's file stepped to, if it still is one. */
static oikos_status open_file(oikos_archive *a, oikos_error *err) {
  struct stat info;
  a->descriptor = open(a->disk_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (a->descriptor < 0) {
    oikos_fail(err, OIKOS_ERROR, "cannot be opened: %s", strerror(errno));
    return at(a, err);
  }
  if (fstat(a->descriptor, &info) == 0 && S_ISREG(info.st_mode))
    return OIKOS_OK;
  oikos_fail(err, OIKOS_ERROR, "changed while it was read: no longer a regular file");
  return at(a, err);
}

static oikos_status read_descriptor(oikos_archive *a, oikos_error *err) {
  ssize_t got = 1;
  while (got > 0) {
    OIKOS_TRY(grow(a, err));
    got = read(a->descriptor, a->buffer + a->size, BLOCK);
    if (got < 0) {
      oikos_fail(err, OIKOS_ERROR, "cannot be read: %s", strerror(errno));
      return at(a, err);
    }
    a->size += (size_t)got;
    OIKOS_TRY(count(a, (size_t)got, err));
  }
  return OIKOS_OK;
}

static oikos_status read_file(oikos_archive *a, oikos_error *err) {
  oikos_status status = open_file(a, err);
  if (status == OIKOS_OK)
    status = read_descriptor(a, err);
  close_file(a);
  return status;
}

oikos_status oikos_archive_read(oikos_archive *archive, const uint8_t **bytes, size_t *size,
                                oikos_error *err) {
  if (!archive->unread)
    return oikos_fail(err, OIKOS_ERROR, "%s: no file to read: step to one first", archive->path);
  archive->unread = false;
  archive->size = 0;
  OIKOS_TRY(archive->reader ? read_entry(archive, err) : read_file(archive, err));
  *bytes = archive->buffer;
  *size = archive->size;
  return OIKOS_OK;
}

/* Begin to read piece by piece. */
static oikos_status begin(oikos_archive *a, oikos_error *err) {
  if (!a->unread)
    return OIKOS_OK;
  a->unread = false;
  a->size = 0;
  return a->reader ? OIKOS_OK : open_file(a, err);
}

oikos_status oikos_archive_read_some(oikos_archive *archive, void *to, size_t size, size_t *got,
                                     oikos_error *err) {
  oikos_archive *a = archive;
  uint8_t *bytes = to;
  ssize_t n = 1;
  *got = 0;
  OIKOS_TRY(begin(a, err));
  while (*got < size && n > 0) {
    n = a->reader ? archive_read_data(a->reader, bytes + *got, size - *got)
                  : read(a->descriptor, bytes + *got, size - *got);
    if (n < 0 && a->reader)
      return broken(a, err);
    if (n < 0) {
      oikos_fail(err, OIKOS_ERROR, "cannot be read: %s", strerror(errno));
      return at(a, err);
    }
    *got += (size_t)n;
    a->size += (size_t)n;
    OIKOS_TRY(count(a, (size_t)n, err));
  }
  return OIKOS_OK;
}

oikos_status oikos_archive_skip(oikos_archive *archive, oikos_error *err) {
  char block[4096];
  size_t got = sizeof block;
  bool free_of_charge = !archive->reader || archive_format(archive->reader) == ARCHIVE_FORMAT_ZIP;
  while (!free_of_charge && got == sizeof block)
    OIKOS_TRY(oikos_archive_read_some(archive, block, sizeof block, &got, err));
  archive->unread = false;
  return OIKOS_OK;
}

/* Check and keep the name of an entry, of a file or not. */
static oikos_status keep_name(oikos_archive *a, const char *name, oikos_error *err) {
  free(a->name);
  a->name = NULL;
  if (++a->entries > a->limits.entries) {
    oikos_fail(err, OIKOS_ERROR, "more than %lld entries, the most accepted",
               (long long)a->limits.entries);
    return at(a, err);
  }
  if (oikos_entry_name_check(name, err) != OIKOS_OK)
    return at(a, err);
  a->name = strdup(name);
  return a->name ? OIKOS_OK : oikos_fail(err, OIKOS_ERROR, "out of memory for a file name");
}

static oikos_status refuse_link(oikos_archive *a, oikos_error *err) {
  oikos_fail(err, OIKOS_ERROR,
             "a link or device: only regular files and folders are read; copy what it stands for");
  return at(a, err);
}

static oikos_status next_entry(oikos_archive *a, bool *file, bool *end, oikos_error *err) {
  struct archive_entry *entry;
  int code = archive_read_next_header(a->reader, &entry);
  *end = code == ARCHIVE_EOF;
  if (*end)
    return OIKOS_OK;
  if (code != ARCHIVE_OK && code != ARCHIVE_WARN) { /* a warning is about the locale's names */
    free(a->name);
    a->name = NULL;
    return broken(a, err);
  }
  const char *name = archive_entry_pathname_utf8(entry);
  OIKOS_TRY(keep_name(a, name ? name : archive_entry_pathname(entry), err));
  mode_t type = archive_entry_filetype(entry);
  if ((type != AE_IFREG && type != AE_IFDIR) || archive_entry_hardlink(entry) ||
      archive_entry_symlink(entry))
    return refuse_link(a, err);
  *file = type == AE_IFREG;
  return OIKOS_OK;
}

static oikos_status next_file(oikos_archive *a, bool *file, bool *end, oikos_error *err) {
  errno = 0;
  FTSENT *entry = fts_read(a->walk);
  *end = !entry && errno == 0;
  if (*end)
    return OIKOS_OK;
  if (!entry)
    return oikos_fail(err, OIKOS_ERROR, "%s cannot be listed: %s", a->path, strerror(errno));
  if (entry->fts_info == FTS_DP || (entry->fts_level == 0 && entry->fts_info == FTS_D))
    return OIKOS_OK;
  const char *name = entry->fts_path + (entry->fts_level ? strlen(a->path) : 0);
  OIKOS_TRY(keep_name(a, name + strspn(name, "/"), err));
  if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
    oikos_fail(err, OIKOS_ERROR, "cannot be read: %s", strerror(entry->fts_errno));
    return at(a, err);
  }
  if (entry->fts_level > MAX_DEPTH) {
    oikos_fail(err, OIKOS_ERROR, "more than %d folders deep", MAX_DEPTH);
    return at(a, err);
  }
  if (entry->fts_info != FTS_F && entry->fts_info != FTS_D)
    return refuse_link(a, err);
  a->disk_name = entry->fts_accpath;
  *file = entry->fts_info == FTS_F;
  return OIKOS_OK;
}

oikos_status oikos_archive_next(oikos_archive *archive, const char **name, oikos_error *err) {
  bool file = false, end = false;
  close_file(archive);
  if (archive->reader && archive->unread) { /* passed over: the limits count it all the same */
    const uint8_t *bytes;
    size_t size;
    OIKOS_TRY(oikos_archive_read(archive, &bytes, &size, err));
  }
  while (!file && !end)
    OIKOS_TRY(archive->reader ? next_entry(archive, &file, &end, err)
                              : next_file(archive, &file, &end, err));
  archive->unread = file;
  *name = end ? NULL : archive->name;
  return OIKOS_OK;
}

void oikos_archive_position(oikos_archive *archive, int64_t *done, int64_t *total) {
  *done = archive->reader ? archive_filter_bytes(archive->reader, -1) : archive->entries;
  *total = archive->archive_bytes;
}
