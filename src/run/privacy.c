/* SPDX-License-Identifier: MIT
 * Differential privacy (learn/privacy.h): the noise's key, and how much of the privacy is spent.
 * The key is that of RUN/privacy.key if it is there (it must be the owner's alone), else a new one
 * from the operating system, which is kept there with mode 0600. It is in no checkpoint. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/try.h"
#include "learn/privacy.h"
#include "run/fields.h"
#include "run/part.h"
#include "run/trainer_impl.h"

enum { DIGITS = 16, TEXT = OIKOS_SECRET * DIGITS + 1 }; /* hexadecimal, and a line end */

static oikos_status parse(const char *path, const char *text, ssize_t length, uint64_t *key,
                          oikos_error *err) {
  bool right =
      length == TEXT && text[TEXT - 1] == '\n' && strspn(text, "0123456789abcdef") == TEXT - 1;
  for (int i = 0; right && i < OIKOS_SECRET; i++)
    right = sscanf(text + (size_t)i * DIGITS, "%16" SCNx64, &key[i]) == 1;
  if (!right)
    return oikos_fail(err, OIKOS_ERROR,
                      "%s: expected %d hexadecimal digits and a line end, the key of "
                      "privacy.noise, found %zd bytes; without it the run cannot go on with the "
                      "same noise: remove it to go on with another key",
                      path, TEXT - 1, length);
  return OIKOS_OK;
}

/* The key of a file that is there. */
static oikos_status read_key(const char *path, int file, uint64_t *key, oikos_error *err) {
  struct stat info;
  char text[TEXT + 2] = "";
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode))
    return oikos_fail(err, OIKOS_ERROR, "%s is no regular file", path);
  if (info.st_mode & (S_IRWXG | S_IRWXO))
    return oikos_fail(err, OIKOS_USAGE,
                      "%s can be read by others, who could take the noise of privacy.noise away; "
                      "chmod 600 it if nobody has, else remove it",
                      path);
  return parse(path, text, read(file, text, TEXT + 1), key, err);
}

static oikos_status write_key(const char *path, const uint64_t *key, oikos_error *err) {
  char text[TEXT + 1];
  for (int i = 0; i < OIKOS_SECRET; i++)
    snprintf(text + (size_t)i * DIGITS, DIGITS + 1, "%016" PRIx64, key[i]);
  text[TEXT - 1] = '\n';
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  bool written = file >= 0 && fchmod(file, S_IRUSR | S_IWUSR) == 0 &&
                 write(file, text, TEXT) == TEXT && fsync(file) == 0;
  int problem = errno;
  if (file >= 0 && close(file) != 0)
    written = false;
  if (!written) {
    if (file >= 0)
      unlink(path);
    return oikos_fail(err, OIKOS_ERROR, "%s, the key of privacy.noise, cannot be written: %s", path,
                      strerror(problem));
  }
  return OIKOS_OK;
}

static oikos_status find_key(oikos_trainer *t, bool resume, oikos_error *err) {
  char path[OIKOS_LONG_PATH];
  uint64_t *key = t->weights.noise_key;
  snprintf(path, sizeof path, "%s/privacy.key", t->run);
  int file = t->run[0] ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) : -1;
  if (file >= 0) {
    oikos_status status = read_key(path, file, key, err);
    close(file);
    if (status == OIKOS_OK && !resume)
      oikos_trainer_say(t,
                        "privacy.noise has the key in %s, which was there: two runs of one key on "
                        "other data give the difference away",
                        path);
    return status;
  }
  if (t->run[0] && errno != ENOENT)
    return oikos_fail(err, OIKOS_ERROR, "%s cannot be read: %s", path, strerror(errno));
  if (resume && t->step > 0)
    oikos_trainer_say(t,
                      "warning: %s is not there: the noise goes on with another key, and the bits "
                      "are not those of an uninterrupted run",
                      path);
  OIKOS_TRY(oikos_secret_create(key, err));
  return t->run[0] ? write_key(path, key, err) : OIKOS_OK;
}

static oikos_status enter(oikos_trainer *t, oikos_part_state *p, bool resume, oikos_error *err) {
  (void)p;
  oikos_status status = t->team.rank == 0 ? find_key(t, resume, err) : OIKOS_OK;
  OIKOS_TRY(oikos_agree(&t->team, status, err));
  oikos_broadcast(&t->team, t->weights.noise_key, sizeof t->weights.noise_key);
  return OIKOS_OK;
}

static double epsilon_after(const oikos_config *c, int64_t steps) {
  return oikos_privacy_epsilon(1, c->privacy.noise, steps, c->privacy.delta);
}

bool oikos_trainer_privacy(const oikos_trainer *t, double *epsilon, double *delta) {
  bool on = oikos_privacy_on(&t->config);
  *epsilon = on ? epsilon_after(&t->config, t->step) : 0;
  *delta = t->config.privacy.delta;
  return on;
}

static void read_record(const oikos_trainer *t, oikos_record *r) {
  r->epsilon = epsilon_after(&t->config, r->step);
}

static void metrics(const oikos_trainer *t, const oikos_record *r, FILE *out) {
  oikos_metrics_value(out, "epsilon", r->epsilon);
  oikos_metrics_value(out, "delta", t->config.privacy.delta);
}

static void weight_fields(const oikos_trainer *t, const oikos_part_state *p, oikos_fields *f) {
  double *spent = p->state; // epsilon, delta
  oikos_trainer_privacy(t, &spent[0], &spent[1]);
  oikos_field_within(oikos_fields_add(f, OIKOS_FIELD_DOUBLE, spent, 2, 0,
                                      "privacy spent by the weights: epsilon, delta", "privacy",
                                      "spent"),
                     0, INFINITY);
}

const oikos_part oikos_part_privacy = {.size = 2 * sizeof(double),
                                       .name = "privacy",
                                       .enter = enter,
                                       .read = read_record,
                                       .metrics = metrics,
                                       .weight_fields = weight_fields};
