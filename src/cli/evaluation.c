/* SPDX-License-Identifier: MIT
 * An evaluation as tables. */
#include <math.h>
#include <stdio.h>

#include "cli/cli.h"

/* Not every step of many. */
static bool is_shown(const oikos_evaluation *v, int64_t step) {
  return step <= 1 || step == v->steps || step == 5 || step == 10 || v->steps <= 10;
}

/* Errors in the units of the targets, a column for each. */
static void print_targets(const oikos_trainer *t, const oikos_evaluation *v) {
  printf("root mean square error in the target's unit: mean over %lld groups, 95 %% interval over "
         "groups\n  inner steps",
         (long long)v->units);
  for (int64_t j = 0; j < v->n_targets; j++)
    printf("   %-22.22s", oikos_source_target(oikos_trainer_source(t), j).name);
  putchar('\n');
  for (int64_t k = 0; k <= v->steps; k++) {
    if (!is_shown(v, k))
      continue;
    printf("  %11lld", (long long)k);
    for (int64_t j = 0; j < v->n_targets; j++) {
      const oikos_estimate *e = &v->rmse[k * v->n_targets + j];
      if (isfinite(e->mean))
        printf("   %10.4f +- %-8.4f", e->mean, e->interval);
      else
        printf("   %-22s", "diverged: not finite");
    }
    putchar('\n');
  }
}

static void print_steps(const oikos_evaluation *v, bool classification) {
  printf("unseen tasks: %lld episodes in %.1f s, %.0f tasks/s\n", (long long)v->episodes,
         v->seconds, (double)v->episodes / v->seconds);
  printf("  inner steps   query loss, 95 %% interval%s\n",
         classification ? "   accuracy, 95 % interval" : "");
  for (int64_t k = 0; k <= v->steps; k++) {
    if (!is_shown(v, k))
      continue;
    if (isfinite(v->loss[k].mean))
      printf("  %11lld   %10.4f +- %-11.4f", (long long)k, v->loss[k].mean, v->loss[k].interval);
    else
      printf("  %11lld   %-25s", (long long)k, "diverged: not finite");
    if (classification)
      printf("   %8.4f +- %.4f", v->accuracy[k].mean, v->accuracy[k].interval);
    putchar('\n');
  }
}

enum { FEW = 8 }; /* so many homes are shown even if they stand empty */

static void print_home(const oikos_trainer *t, const oikos_evaluation *v, int h, int64_t all) {
  printf("  home %-3d %5.1f %%", h, 100 * (double)all / (double)v->episodes);
  if (all)
    printf("   sure %.2f", v->home_sure[h]);
  if (all > 1)
    printf("   %8.4f +- %-8.4f", v->home_loss[h].mean, v->home_loss[h].interval);
  else if (v->n_groups > 1 && all)
    printf("   %-20s", "");
  for (int g = 0; v->n_groups > 1 && all && g < v->n_groups; g++)
    printf("  %s %.0f %%", oikos_source_group(oikos_trainer_source(t), g),
           100 * (double)v->residents[h * v->n_groups + g] / (double)all);
  putchar('\n');
}

static void print_homes(const oikos_trainer *t, const oikos_evaluation *v) {
  int groups = v->n_groups ? v->n_groups : 1, empty = 0;
  printf("homes: share of the episodes, how sure they are (%.2f of all), loss after adaptation%s\n",
         v->sure, v->n_groups > 1 ? ", and who lives there" : "");
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
    if (all > 1)
      printf(" %8.4f +- %.4f\n", v->group_loss[g].mean, v->group_loss[g].interval);
    else
      printf(" too few episodes: %lld\n", (long long)all);
  }
  if (isfinite(v->rand))
    printf("  homes and groups: adjusted Rand index %.3f (1: the same, 0: by chance)\n", v->rand);
}

void oikos_cli_print_evaluation(const oikos_cli *cli, const oikos_trainer *t,
                                const oikos_evaluation *v) {
  bool classification = v->accuracy[v->steps].mean > 0 && v->n_rated == 0; // else below
  if (cli->team.rank != 0)
    return;
  print_steps(v, classification);
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
  oikos_estimate loss = v->loss[v->steps], accuracy = v->accuracy[v->steps];
  printf("  %-8s %11zu %12lld   %10.4f +- %-11.4f", name,
         oikos_network_parameters(oikos_trainer_network(t)), (long long)v->steps, loss.mean,
         loss.interval);
  if (classification)
    printf("   %8.4f +- %-12.4f", accuracy.mean, accuracy.interval);
  printf("   %9.3f\n", 1e3 * v->seconds / (double)v->episodes);
}

void oikos_cli_print_comparison(const oikos_cli *cli, const oikos_trainer *teacher,
                                const oikos_evaluation *of_teacher, const oikos_trainer *student,
                                const oikos_evaluation *of_student) {
  bool classification = of_student->accuracy[of_student->steps].mean > 0;
  if (cli->team.rank != 0)
    return;
  printf("teacher and student on the same unseen tasks:\n"
         "  %8s %11s %12s   %-25s%s   %9s\n",
         "", "parameters", "inner steps", "query loss, 95 % interval",
         classification ? "   accuracy, 95 % interval" : "", "ms a task");
  print_row("teacher", teacher, of_teacher, classification);
  print_row("student", student, of_student, classification);
  fflush(stdout);
}
