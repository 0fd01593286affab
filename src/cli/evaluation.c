/* SPDX-License-Identifier: MIT
 * An evaluation as tables. */
#include <math.h>
#include <stdio.h>

#include "cli/cli.h"

enum { TEXT = 64 };

/* Not every step of many. */
static bool is_shown(const oikos_evaluation *v, int64_t step) {
  return step <= 1 || step == v->steps || step == 5 || step == 10 || v->steps <= 10;
}

/* "mean +- interval" into text, which is returned. */
static const char *text_of(oikos_estimate e, char text[TEXT]) {
  if (!isfinite(e.mean))
    snprintf(text, TEXT, "diverged: not finite");
  else if (isfinite(e.interval))
    snprintf(text, TEXT, "%.4f +- %.4f", e.mean, e.interval);
  else
    snprintf(text, TEXT, "%.4f (no interval)", e.mean);
  return text;
}

/* Errors in the units of the targets, a column for each. */
static void print_targets(const oikos_trainer *t, const oikos_evaluation *v) {
  char text[TEXT];
  printf(
      "root mean square error in the target's unit: of a group over all its judged rows; mean and "
      "95 %% interval over %lld %s\n  inner steps",
      (long long)v->units, v->unit);
  for (int64_t j = 0; j < v->n_targets; j++)
    printf("   %-24.24s", oikos_source_target(oikos_trainer_source(t), j).name);
  putchar('\n');
  for (int64_t k = 0; k <= v->steps; k++) {
    if (!is_shown(v, k))
      continue;
    printf("  %11lld", (long long)k);
    for (int64_t j = 0; j < v->n_targets; j++)
      printf("   %-24s", text_of(v->rmse[k * v->n_targets + j], text));
    putchar('\n');
  }
}

static void print_steps(const oikos_evaluation *v, bool classification) {
  char text[TEXT];
  printf("unseen tasks: %lld episodes in %.1f s, %.0f tasks/s\n", (long long)v->episodes,
         v->seconds, (double)v->episodes / v->seconds);
  printf("95 %% intervals (Student's t) are over %lld %s%s\n", (long long)v->units, v->unit,
         v->units > 1 ? "" : ": one alone has none");
  printf("  inner steps   query loss, 95 %% interval%s\n",
         classification ? "   accuracy, 95 % interval" : "");
  for (int64_t k = 0; k <= v->steps; k++) {
    if (!is_shown(v, k))
      continue;
    printf("  %11lld   %-25s", (long long)k, text_of(v->loss[k], text));
    if (classification)
      printf("   %s", text_of(v->accuracy[k], text));
    putchar('\n');
  }
}

/* The table may be long, and a mean may hide one unit on which the inner steps grow. */
static void warn_of_growth(const oikos_evaluation *v) {
  static const double much = 1.5;
  int64_t best = 0;
  for (int64_t k = 1; k <= v->steps; k++)
    if (v->loss[k].mean < v->loss[best].mean)
      best = k;
  double last = v->loss[v->steps].mean;
  if (!(last <= much * v->loss[best].mean))
    fprintf(stderr,
            "oikos: warning: the query loss is %.4g after %lld inner steps and %.4g after %lld: on "
            "some of the unseen tasks they diverge or fit the support set too closely; take fewer, "
            "or lower inner.rate\n",
            last, (long long)v->steps, v->loss[best].mean, (long long)best);
}

enum { FEW = 8 }; /* so many homes are shown even if they stand empty */

/* An estimate of a part of the episodes, with how many units these are of. */
static void print_over(const oikos_evaluation *v, oikos_estimate e) {
  char text[TEXT];
  printf("   %-20s over %lld %s", text_of(e, text), (long long)e.units, v->unit);
}

static void print_home(const oikos_trainer *t, const oikos_evaluation *v, int h, int64_t all) {
  printf("  home %-3d %5.1f %%", h, 100 * (double)all / (double)v->episodes);
  if (all)
    printf("   confidence %.2f", v->home_confidence[h]);
  if (all)
    print_over(v, v->home_loss[h]);
  for (int g = 0; v->n_groups > 1 && all && g < v->n_groups; g++)
    printf("  %s %.0f %%", oikos_source_group(oikos_trainer_source(t), g),
           100 * (double)v->residents[h * v->n_groups + g] / (double)all);
  putchar('\n');
}

static void print_homes(const oikos_trainer *t, const oikos_evaluation *v) {
  int groups = v->n_groups ? v->n_groups : 1, empty = 0;
  printf("homes: share of the episodes, confidence (%.2f of all), loss after adaptation%s\n",
         v->confidence, v->n_groups > 1 ? ", and who lives there" : "");
  for (int h = 0; h < v->n_homes; h++) {
    int64_t all = 0;
    for (int g = 0; g < groups; g++)
      all += v->residents[h * groups + g];
    empty += all == 0;
    if (all > 0 || v->n_homes <= FEW)
      print_home(t, v, h, all);
  }
  if (empty > 0 && v->n_homes > FEW)
    printf("  %d more homes stand empty\n", empty);
}

/* The hidden truth beside what was found. */
static void print_groups(const oikos_trainer *t, const oikos_evaluation *v) {
  printf("groups: loss after adaptation\n");
  for (int g = 0; g < v->n_groups; g++) {
    int64_t all = 0;
    for (int h = 0; h < v->n_homes; h++)
      all += v->residents[h * v->n_groups + g];
    printf("  %-12.40s", oikos_source_group(oikos_trainer_source(t), g));
    if (all > 0)
      print_over(v, v->group_loss[g]);
    printf(all > 0 ? "\n" : " no episode\n");
  }
  if (isfinite(v->rand))
    printf("  homes and groups: adjusted Rand index %.3f (1: the same, 0: by chance)\n", v->rand);
}

void oikos_cli_print_evaluation(const oikos_cli *cli, const oikos_trainer *t,
                                const oikos_evaluation *v) {
  bool classification =
      oikos_network_classifies(oikos_trainer_network(t)) && v->n_rated == 0; // else below
  if (cli->team.rank != 0)
    return;
  print_steps(v, classification);
  fflush(stdout);
  warn_of_growth(v);
  if (v->transductive)
    printf("batch_norm takes its statistics from each query set as a whole (transductive); "
           "eval.norm_statistics=support takes those of the support set\n");
  if (v->n_targets > 0)
    print_targets(t, v);
  if (v->n_rated > 0)
    oikos_cli_print_rated(v);
  if (v->n_homes > 1)
    print_homes(t, v);
  if (v->n_groups > 1 && v->n_groups <= FEW && v->n_rated == 0)
    print_groups(t, v);
  fflush(stdout);
}

static void print_row(const char *name, const oikos_trainer *t, const oikos_evaluation *v,
                      bool classification) {
  char text[TEXT];
  printf("  %-8s %11zu %12lld   %-25s", name, oikos_network_parameters(oikos_trainer_network(t)),
         (long long)v->steps, text_of(v->loss[v->steps], text));
  if (classification)
    printf("   %-25s", text_of(v->accuracy[v->steps], text));
  printf("   %9.3f\n", 1e3 * v->seconds / (double)v->episodes);
}

void oikos_cli_print_comparison(const oikos_cli *cli, const oikos_trainer *teacher,
                                const oikos_evaluation *of_teacher, const oikos_trainer *student,
                                const oikos_evaluation *of_student) {
  bool classification = oikos_network_classifies(oikos_trainer_network(student));
  if (cli->team.rank != 0)
    return;
  printf("teacher and student on the same unseen tasks, 95 %% intervals over %lld %s:\n"
         "  %8s %11s %12s   %-25s%-28s   %9s\n",
         (long long)of_student->units, of_student->unit, "", "parameters", "inner steps",
         "query loss, 95 % interval", classification ? "   accuracy, 95 % interval" : "",
         "ms a task");
  print_row("teacher", teacher, of_teacher, classification);
  print_row("student", student, of_student, classification);
  fflush(stdout);
}
