/* SPDX-License-Identifier: MIT
 * A census as a table: the training learners by home and by hidden group. */
#include <math.h>
#include <stdio.h>

#include "cli/cli.h"

/* Homes where nobody lives are left out of a long table. */
enum { FEW = 8 };

static void print_names(const oikos_trainer *t, const oikos_census *c) {
  printf("  %-9s", "");
  for (int g = 0; g < c->n_groups; g++)
    printf(" %9.9s", oikos_source_group(oikos_trainer_source(t), g));
  putchar('\n');
}

static void print_home(const oikos_census *c, int h) {
  const int64_t *row = c->residents + (size_t)h * (size_t)c->n_groups;
  int64_t all = 0;
  for (int g = 0; g < c->n_groups; g++)
    all += row[g];
  if (all == 0 && c->n_homes > FEW)
    return;
  printf("  home %-4d", h);
  for (int g = 0; g < c->n_groups; g++)
    printf(" %9lld", (long long)row[g]);
  putchar('\n');
}

static void print_movers(const oikos_census *c, const oikos_config *config) {
  printf(
      "  %lld learners changed groups at step %lld; %lld of them live at the home of the new one",
      (long long)c->movers, (long long)config->task.move_at, (long long)c->settled);
  if (c->settled > 0)
    printf(", since %.1f steps later on average, %lld at most", c->mean_steps,
           (long long)c->most_steps);
  putchar('\n');
}

void oikos_cli_print_census(const oikos_cli *cli, oikos_trainer *t, const oikos_config *config) {
  oikos_census c = oikos_trainer_census(t);
  if (cli->team.rank != 0 || c.n_groups == 0)
    return;
  printf("training learners by home and group:\n");
  print_names(t, &c);
  for (int h = 0; h < c.n_homes; h++)
    print_home(&c, h);
  if (isfinite(c.rand))
    printf("  homes and groups: adjusted Rand index %.3f (1: the same, 0: by chance)\n", c.rand);
  if (c.movers > 0)
    print_movers(&c, config);
  fflush(stdout);
}
