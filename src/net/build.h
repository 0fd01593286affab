/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_NET_BUILD_H
#define OIKOS_NET_BUILD_H

#include "oikos/network.h"

/** What a network is made from. */
typedef struct oikos_blueprint {
  const char *file, *key; /* where the list of layers stands, for messages */
  int n_layers;
  const oikos_layer_spec *layers;
  oikos_loss_kind loss;
} oikos_blueprint;

/** oikos_network_create from any list of layers. */
oikos_status oikos_network_build(const oikos_blueprint *blueprint, oikos_shape input,
                                 int64_t outputs, oikos_network **net, oikos_error *err);

#endif
