/* SPDX-License-Identifier: MIT */
#include "learn/weights.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/try.h"
#include "learn/homes.h"

/* Before the first step the peers' means are where they start. */
static oikos_status create_peers(const oikos_config *config, oikos_weights *s, oikos_error *err) {
  size_t owned = (size_t)s->n_homes * s->k;
  if (config->distill.weight == 0 || config->distill.teacher != OIKOS_TEACHER_PEERS)
    return OIKOS_OK;
  OIKOS_TRY(oikos_alloc(&s->peers, s->m, sizeof *s->peers, "the peers", err));
  OIKOS_TRY(oikos_alloc(&s->peer_homes, owned, sizeof *s->peer_homes, "the peers", err));
  memcpy(s->peers, s->shared, s->m * sizeof *s->peers);
  memcpy(s->peer_homes, s->homes, owned * sizeof *s->peer_homes);
  return OIKOS_OK;
}

static oikos_status allocate(const oikos_config *config, oikos_weights *s, oikos_error *err) {
  OIKOS_TRY(oikos_alloc(&s->shared, s->n, sizeof *s->shared, "the shared weights", err));
  OIKOS_TRY(oikos_alloc(&s->homes, oikos_mul((size_t)s->n_homes, s->k), sizeof *s->homes,
                        "the homes", err));
  OIKOS_TRY(oikos_optimizer_create(config, 1, s->n, &s->shared_optimizer, err));
  return oikos_optimizer_create(config, (size_t)s->n_homes, s->k, &s->home_optimizer, err);
}

oikos_status oikos_weights_create(const oikos_config *config, const oikos_network *net,
                                  const oikos_inner *inner, const oikos_encoder *encoder,
                                  oikos_weights *s, oikos_error *err) {
  oikos_init_kind init = config->model.init;
  uint64_t seed = (uint64_t)config->seed;
  *s = (oikos_weights){.m = oikos_network_parameters(net),
                       .a = oikos_inner_rates(inner),
                       .e = oikos_encoder_parameters(encoder),
                       .n_homes = config->home.count};
  s->n = s->m + s->a + s->e;
  OIKOS_TRY(oikos_home_layout_create(config, net, &s->layout, err));
  s->k = s->layout.k;
  OIKOS_TRY(allocate(config, s, err));
  oikos_network_initialise(net, init, seed, s->shared);
  oikos_inner_first_rates(inner, s->shared + s->m);
  if (encoder) // draws of its own, and never zeros: they would be a saddle
    oikos_network_initialise(oikos_encoder_network(encoder),
                             init == OIKOS_INIT_ZEROS ? OIKOS_INIT_GLOROT : init, ~seed,
                             s->shared + s->m + s->a);
  oikos_homes_initialise(config, &s->layout, s->shared, s->homes);
  return create_peers(config, s, err);
}

void oikos_weights_destroy(oikos_weights *s) {
  oikos_home_layout_destroy(&s->layout);
  free(s->shared);
  free(s->homes);
  free(s->peers);
  free(s->peer_homes);
  oikos_optimizer_destroy(&s->shared_optimizer);
  oikos_optimizer_destroy(&s->home_optimizer);
  *s = (oikos_weights){0};
}
