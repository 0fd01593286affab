/* SPDX-License-Identifier: MIT
 * What an evaluation says of ratings: both tasks side by side. */
#include <math.h>
#include <stdio.h>

#include "cli/cli.h"

enum { LABEL = 30, COLUMN = 24 };

static void print_label(const char *label) {
  printf("  %-*s", LABEL, label);
}

/* With the number of learners that the interval is over, where these are not all of the column. */
static void print_estimate(oikos_estimate e, int64_t learners, double scale, const char *unit) {
  char text[96], over[32] = "";
  int digits = scale > 1 ? 1 : 4;
  if (e.units != learners)
    snprintf(over, sizeof over, " (%lld)", (long long)e.units);
  if (isfinite(e.interval))
    snprintf(text, sizeof text, "%.*f%s +- %.*f%s", digits, scale * e.mean, unit, digits,
             scale * e.interval, over);
  else
    snprintf(text, sizeof text, "%.*f%s (no interval)%s", digits, scale * e.mean, unit, over);
  printf("  %-*s", COLUMN, isfinite(e.mean) ? text : "-");
}

static void print_counts(const oikos_evaluation *v) {
  print_label("learners / judged ratings");
  for (int i = 0; i < v->n_rated; i++) {
    char text[64];
    snprintf(text, sizeof text, "%lld / %lld", (long long)v->rated[i].learners,
             (long long)v->rated[i].ratings);
    printf("  %-*s", COLUMN, text);
  }
  putchar('\n');
}

/* One line of the table; the estimate is found in each column by its offset. */
static void print_line(const oikos_evaluation *v, const char *label, size_t offset, double scale,
                       const char *unit) {
  print_label(label);
  for (int i = 0; i < v->n_rated; i++)
    print_estimate(*(const oikos_estimate *)((const char *)&v->rated[i] + offset),
                   v->rated[i].learners, scale, unit);
  putchar('\n');
}

/* The same of what is known after each inner step. */
static void print_step(const oikos_evaluation *v, const char *what, size_t offset, int64_t step) {
  char label[64];
  snprintf(label, sizeof label, "%s, %lld inner steps", what, (long long)step);
  print_label(label);
  for (int i = 0; i < v->n_rated; i++)
    print_estimate((*(oikos_estimate *const *)((const char *)&v->rated[i] + offset))[step],
                   v->rated[i].learners, 1, "");
  putchar('\n');
}

void oikos_cli_print_rated(const oikos_evaluation *v) {
  static const char *const what[] = {"items for a user", "users for an item", "mean of both"};
  printf("ratings, 95 %% intervals over the learners (in brackets, if over fewer: of recall those "
         "with "
         "something to find)\n");
  print_label("");
  for (int i = 0; i < v->n_rated; i++)
    printf("  %-*s", COLUMN, what[v->rated[i].side]);
  putchar('\n');
  print_counts(v);
  if (v->steps > 0)
    print_step(v, "RMSE", offsetof(oikos_rated, rmse), 0);
  print_step(v, "RMSE", offsetof(oikos_rated, rmse), v->steps);
  print_line(v, "RMSE of biases alone", offsetof(oikos_rated, bias_rmse), 1, "");
  print_line(v, "better than biases by", offsetof(oikos_rated, gain), 100, " %");
  print_step(v, "MAE", offsetof(oikos_rated, mae), v->steps);
  print_step(v, "accuracy", offsetof(oikos_rated, accuracy), v->steps);
  print_line(v, "nDCG@5 of the judged", offsetof(oikos_rated, ndcg[0]), 1, "");
  print_line(v, "nDCG@10 of the judged", offsetof(oikos_rated, ndcg[1]), 1, "");
  print_line(v, "recall@10 of all", offsetof(oikos_rated, recall), 1, "");
  print_line(v, "recall@10 by chance", offsetof(oikos_rated, chance), 1, "");
}
