/* SPDX-License-Identifier: MIT */
#include "import/import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/try.h"
#include "import/resize.h"
#include "store/data_about.h"
#include "store/seal.h"
#include "store/sync.h"

/* What options are of; a csv is a table or ratings by its options. */
enum { IMAGES = 1, TABLE = 2, RATINGS = 4, MOVIELENS = 8, DEMO = 16 };
static const char *const kind_name[] = {"omniglot and idx", "csv of a table",
                                        "csv of ratings (with --user, --item and --rating)",
                                        "movielens", "ratings-demo"};

static const oikos_importer importers[] = {
    {"omniglot", "handwritten characters: the published zips, or the folders they extract to",
     false, IMAGES, oikos_import_omniglot},
    {"idx", "MNIST and its relatives: folders of IDX pairs, or images files with labels beside",
     false, IMAGES, oikos_import_idx},
    {"csv", "a table as text, plain or .gz, whose columns have names or numbers", false,
     TABLE | RATINGS, oikos_import_csv},
    {"movielens", "ratings of films: a release's zip, or the folder it extracts to", false,
     MOVIELENS, oikos_import_movielens},
    {"ratings-demo", "made-up ratings of known structure; no source", true, DEMO,
     oikos_import_ratings_demo},
};

enum { N_IMPORTERS = sizeof importers / sizeof importers[0] };

const oikos_importer *oikos_importers(int *n) {
  *n = N_IMPORTERS;
  return importers;
}

oikos_csv_format oikos_import_format(const oikos_import_options *options, bool further) {
  oikos_csv_format format = options->format;
  format.header = !(further ? options->no_header_in_tables : options->no_header);
  return format;
}

static oikos_status unknown(const char *kind, oikos_error *err) {
  char list[256] = "";
  for (int i = 0; i < N_IMPORTERS; i++) {
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", importers[i].name);
  }
  return oikos_fail(err, OIKOS_USAGE, "there is no importer '%s'; there are: %s", kind, list);
}

/* Whether what would be overwritten is a data file (with its seal, or of version 0.1), or empty. */
static bool is_ours(const char *path) {
  static const char signature[] = "\x89HDF\r\n\x1A\n";
  char first[sizeof signature] = "";
  FILE *file = fopen(path, "rb");
  if (!file)
    return false;
  size_t n = fread(first, 1, sizeof first - 1, file);
  fclose(file);
  return n == 0 || strcmp(first, signature) == 0 || oikos_seal_is(path, OIKOS_DATA_SEAL);
}

/* The output replaces what an import wrote, and nothing else of the user's. */
static oikos_status check_output(const oikos_import_job *job, oikos_error *err) {
  const char *further[] = {job->options.user_table, job->options.item_table};
  struct stat output, source;
  if (stat(job->output, &output) != 0)
    return OIKOS_OK;
  if (!S_ISREG(output.st_mode))
    return oikos_fail(err, OIKOS_USAGE, "the output %s exists and is not a file; give another name",
                      job->output);
  for (int i = 0; i < job->n_sources + 2; i++) {
    const char *path = i < job->n_sources ? job->sources[i] : further[i - job->n_sources];
    if (path && stat(path, &source) == 0 && source.st_dev == output.st_dev &&
        source.st_ino == output.st_ino)
      return oikos_fail(err, OIKOS_USAGE, "the output %s is also a source; give another name",
                        job->output);
  }
  if (!is_ours(job->output))
    return oikos_fail(
        err, OIKOS_USAGE,
        "the output %s exists and is no data file that an import wrote; give another name, or "
        "remove it",
        job->output);
  return OIKOS_OK;
}

/* An option that would change nothing is a mistake of whoever gives it. */
static oikos_status check_options(const oikos_importer *importer, const oikos_import_options *o,
                                  oikos_error *err) {
  bool rated = o->user || o->item || o->rating;
  int reads = importer->reads != (TABLE | RATINGS) ? importer->reads : rated ? RATINGS : TABLE;
  const struct {
    const char *name;
    bool given;
    int of;
  } options[] = {
      {"--size", o->size != 0, IMAGES},
      {"--group", o->group, TABLE},
      {"--target", o->targets, TABLE},
      {"--features", o->features, TABLE},
      {"--exclude", o->exclude, TABLE | RATINGS},
      {"--skip-bad", o->skip_bad, TABLE | RATINGS | MOVIELENS},
      {"--no-header", o->no_header || o->no_header_in_tables, TABLE | RATINGS},
      {"--separator", o->format.separator, TABLE | RATINGS},
      {"--quotes", o->format.quotes != 0, TABLE | RATINGS},
      {"--encoding", o->format.encoding, TABLE | RATINGS},
      {"--user", o->user, RATINGS},
      {"--item", o->item, RATINGS},
      {"--rating", o->rating, RATINGS},
      {"--time", o->time, RATINGS},
      {"--user-table", o->user_table, RATINGS},
      {"--item-table", o->item_table, RATINGS},
      {"--title", o->title, RATINGS},
      {"--category", o->categories, RATINGS},
      {"--users", o->users != 0, DEMO},
      {"--items", o->items != 0, DEMO},
      {"--seed", o->seed != 0, DEMO},
  };
  for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
    char whose[160] = "";
    if (!options[k].given || options[k].of & reads)
      continue;
    for (int kind = 0; kind < (int)(sizeof kind_name / sizeof *kind_name); kind++)
      if (options[k].of & 1 << kind) {
        size_t used = strlen(whose);
        snprintf(whose + used, sizeof whose - used, "%s%s", used ? ", " : "", kind_name[kind]);
      }
    return oikos_fail(err, OIKOS_USAGE, "%s is read by %s alone: %s%s would do nothing with it",
                      options[k].name, whose, importer->name,
                      reads == RATINGS ? " of ratings"
                      : reads == TABLE ? " of a table"
                                       : "");
  }
  return OIKOS_OK;
}

static oikos_status check(const oikos_importer *importer, const oikos_import_job *job,
                          oikos_error *err) {
  char folder[OIKOS_NAME_MAX];
  if (job->n_sources < 1 && !importer->sourceless)
    return oikos_fail(err, OIKOS_USAGE, "nothing to import: give one or more sources");
  if (job->n_sources > 0 && importer->sourceless)
    return oikos_fail(err, OIKOS_USAGE, "%s makes its data up: give no source", importer->name);
  OIKOS_TRY(check_options(importer, &job->options, err));
  if (job->options.size < 0 || job->options.size > OIKOS_RESIZE_MAX_SIDE)
    return oikos_fail(err, OIKOS_USAGE, "size %lld: expected 1 to %d, or 0 for the default",
                      (long long)job->options.size, OIKOS_RESIZE_MAX_SIDE);
  oikos_folder_of(job->output, folder);
  OIKOS_TRY(oikos_make_folders(folder, err));
  return check_output(job, err);
}

oikos_status oikos_import(const char *kind, const oikos_import_job *job, oikos_error *err) {
  for (int i = 0; i < N_IMPORTERS; i++)
    if (!strcmp(importers[i].name, kind)) {
      OIKOS_TRY(check(&importers[i], job, err));
      return importers[i].run(job, err);
    }
  return unknown(kind, err);
}
