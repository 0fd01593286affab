/* SPDX-License-Identifier: MIT
 * oikos train --dry-run: what a run would take, on ranks that need not be there. */
#include <stdio.h>

#include "cli/cli.h"
#include "learn/cohort.h"

/* A number of bytes as people read it. */
static const char *size_text(double bytes, char text[32]) {
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  for (; bytes >= 1024 && unit < 4; unit++)
    bytes /= 1024;
  snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
  return text;
}

static void print_files(const oikos_plan *p, const oikos_config *c, const char *out) {
  char one[32], all[32];
  printf("files in %s: config.yaml; metrics.jsonl, %lld lines; checkpoints of %s, the newest %lld, "
         "%s in all; lock and ranks while it runs\n",
         out, (long long)p->records, size_text(p->checkpoint_bytes, one),
         (long long)c->checkpoint.keep,
         size_text((double)(c->checkpoint.keep + 1) * p->checkpoint_bytes, all));
  if (c->checkpoint.every > 0)
    printf("a checkpoint every %lld steps: %lld of them\n", (long long)c->checkpoint.every,
           (long long)((c->steps + c->checkpoint.every - 1) / c->checkpoint.every));
  else if (c->checkpoint.every < 0)
    printf("a checkpoint as often as its measured time and a failure every %g hours ask for\n",
           c->checkpoint.mtbf);
}

oikos_status oikos_cli_plan(oikos_cli *cli, const oikos_config *c, int64_t ranks, int64_t per_node,
                            const char *out, oikos_error *err) {
  oikos_plan p;
  char a[32], b[32], d[32];
  oikos_status status = OIKOS_OK;
  if (cli->team.rank == 0)
    status = oikos_trainer_plan(c, (int)ranks, (int)per_node, &p, err);
  if (status != OIKOS_OK || cli->team.rank != 0)
    return status;
  int64_t nodes = (ranks + per_node - 1) / per_node;
  printf("plan for %lld ranks of %d threads on %lld nodes; nothing is trained\n", (long long)ranks,
         p.threads, (long long)nodes);
  printf("%lld learners, at most %lld on a rank; %lld in a step, %lld to %lld on a rank\n",
         (long long)c->learners.count, (long long)p.most_learners, (long long)oikos_cohort_size(c),
         (long long)p.least_active, (long long)p.most_active);
  if (p.least_active == 0)
    printf("warning: some ranks have nothing to do: %lld learners in a step are fewer than ranks\n",
           (long long)oikos_cohort_size(c));
  printf("memory of a rank: about %s, of which %s before anything of the run, and beside it what "
         "MPI takes for connections; of a node: %s\n",
         size_text(p.rank_bytes, a), size_text(p.bare_bytes, b),
         size_text(p.rank_bytes * (double)(per_node < ranks ? per_node : ranks), d));
  printf("a step adds up %s over the ranks: about %s out of a node and into it\n",
         size_text(p.sum_bytes, a), size_text(p.node_bytes, b));
  if (p.row_bytes > 0)
    printf("and fetches up to %s of embedding rows to a rank\n", size_text(p.row_bytes, a));
  print_files(&p, c, out);
  return OIKOS_OK;
}
