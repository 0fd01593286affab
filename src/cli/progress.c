/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/console.h"
#include "learn/cohort.h"
#include "math/order_statistics.h"

static void erase(oikos_progress *p) {
  if (p->drawn)
    oikos_console_clear_line();
  p->drawn = false;
}

static void write_time(double seconds, char *text, size_t size) {
  long s = (long)(seconds + 0.5);
  if (s >= 3600)
    snprintf(text, size, "%ldh%02ldm", s / 3600, s / 60 % 60);
  else
    snprintf(text, size, "%ldm%02lds", s / 60, s % 60);
}

/* Of a reader that has left (`| head`) training learns here, not by SIGPIPE. */
static void flush(oikos_progress *p) {
  if (fflush(stdout) != 0 && errno == EPIPE)
    atomic_store(&p->unread, true);
}

/* The median of the last steps. */
static double recent(const oikos_progress *p, const oikos_real *of) {
  oikos_real sorted[OIKOS_RECENT];
  size_t n = p->recent < OIKOS_RECENT ? (size_t)p->recent : OIKOS_RECENT;
  memcpy(sorted, of, n * sizeof *sorted);
  return (double)oikos_median(n, sorted);
}

static void draw(oikos_progress *p, int64_t step, double now) {
  double rate = (double)(step - p->last_step) / (now - p->shown); // steps per second
  char left[32], accuracy[48] = "";
  write_time((double)(p->config->steps - step) * (now - p->started) /
                 (double)(step - p->first_step),
             left, sizeof left);
  if (p->classification)
    snprintf(accuracy, sizeof accuracy, "  accuracy %.4f", recent(p, p->accuracy));
  erase(p);
  printf("step %lld/%lld  %.0f tasks/s  query loss %.4f%s%s%s  left %s", (long long)step,
         (long long)p->config->steps, rate * (double)oikos_cohort_size(p->config),
         recent(p, p->loss), accuracy, p->homes, p->slowest, left);
  p->drawn = p->terminal;
  if (!p->terminal)
    putchar('\n');
  flush(p);
  p->shown = now;
  p->last_step = step;
}

static void on_step(void *user, int64_t step, double query_loss, double accuracy) {
  oikos_progress *p = user;
  double now = oikos_wall_clock(), pause = p->terminal ? 0.3 : 5;
  p->first = step == p->first_step + 1 ? query_loss : p->first;
  p->loss[p->recent % OIKOS_RECENT] = (oikos_real)query_loss;
  p->accuracy[p->recent % OIKOS_RECENT] = (oikos_real)accuracy;
  p->recent++;
  if (now - p->shown >= pause || step == p->config->steps)
    draw(p, step, now);
}

/* Who lives where (of many homes, in how many somebody does), with what confidence, and who moved.
 */
static void format_homes(oikos_progress *p, const oikos_record *r) {
  enum { FEW = 8 };
  int used = 0, lived_in = 0;
  if (r->n_homes < 2)
    return;
  for (int h = 0; h < r->n_homes; h++)
    lived_in += r->members[h] > 0;
  if (r->n_homes > FEW) {
    used = snprintf(p->homes, sizeof p->homes, "  homes lived in %d/%d", lived_in, r->n_homes);
  } else {
    used = snprintf(p->homes, sizeof p->homes, "  homes");
    for (int h = 0; h < r->n_homes; h++)
      used += snprintf(p->homes + used, sizeof p->homes - (size_t)used, "%s%.0f", h ? "/" : " ",
                       100 * r->members[h]);
    used += snprintf(p->homes + used, sizeof p->homes - (size_t)used, "%%");
  }
  used += snprintf(p->homes + used, sizeof p->homes - (size_t)used,
                   "  confidence %.2f  moved %.0f%%", r->confidence, 100 * r->moved);
  if (isfinite(r->rand))
    snprintf(p->homes + used, sizeof p->homes - (size_t)used, "  Rand index %.3f", r->rand);
}

/* A rank that takes a third longer than the mean is worth a word. */
static void on_record(void *user, const oikos_record *r) {
  oikos_progress *p = user;
  format_homes(p, r);
  p->slowest[0] = 0;
  if (r->slowest > 1.33)
    snprintf(p->slowest, sizeof p->slowest, "  rank %d on %s takes %.1f times the mean",
             r->slowest_rank, r->slowest_host, r->slowest);
}

static void on_message(void *user, const char *text) {
  oikos_progress *p = user;
  erase(p);
  printf("%s\n", text);
  flush(p);
}

bool oikos_output_is_terminal(void) {
  char path[64];
  if (!isatty(STDOUT_FILENO) || !getenv("OMPI_COMM_WORLD_RANK"))
    return isatty(STDOUT_FILENO);
  // mpirun gives its ranks a terminal of its own: what counts is where mpirun itself writes
  snprintf(path, sizeof path, "/proc/%ld/fd/1", (long)getppid());
  int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
  bool terminal = fd >= 0 && isatty(fd);
  if (fd >= 0)
    close(fd);
  return terminal;
}

static bool on_stop(void *user) {
  const oikos_progress *p = user;
  return p->unread || oikos_stop_asked(p->cli->stop);
}

/* MPI waits, so it cannot be finalised: mpirun and srun end the others when this process ends. */
static void on_stuck(void *user, const char *text) {
  const oikos_progress *p = user;
  oikos_stop_enter(p->cli->stop, OIKOS_STOP_TAKEN);
  fprintf(stderr, "%soikos: %s\n", p->drawn ? "\n" : "", text);
  _exit(OIKOS_STUCK);
}

oikos_observer oikos_progress_observer(oikos_progress *p, const oikos_cli *cli,
                                       const oikos_config *config) {
  *p = (oikos_progress){.cli = cli,
                        .config = config,
                        .terminal = oikos_output_is_terminal(),
                        .classification = config->model.loss != OIKOS_LOSS_MSE};
  oikos_progress_start(p, 0);
  oikos_observer o = {.user = p, .stop = on_stop, .stuck = on_stuck};
  if (cli->team.rank == 0) {
    o.step = on_step;
    o.record = on_record;
    o.message = on_message;
  }
  return o;
}

void oikos_progress_start(oikos_progress *p, int64_t step) {
  p->first_step = p->last_step = step;
  p->started = p->shown = oikos_wall_clock();
}

bool oikos_progress_diverged(const oikos_progress *p, double *now) {
  *now = p->recent > 0 ? recent(p, p->loss) : 0;
  return p->recent > 0 && !(*now <= 30 * p->first);
}

void oikos_progress_end(oikos_progress *p) {
  if (p->drawn)
    putchar('\n');
  p->drawn = false;
}
