/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_NET_DERIVATIVES_H
#define OIKOS_NET_DERIVATIVES_H

#include <stdbool.h>

#include "net/profile.h"
#include "oikos/network.h"

/**
 * What oikos_network_gradient and oikos_network_hessian are made of.
 * @param direction  (M), or NULL for the gradient alone
 * @param replace    grad and product are overwritten, not added to
 * @param grad       (M), or NULL if a direction is given and only the product is wanted
 */
oikos_judgement oikos_network_derive(const oikos_network *net, oikos_workspace *ws,
                                     const oikos_real *theta, const oikos_real *direction,
                                     const oikos_batch *batch, oikos_real weight, bool replace,
                                     oikos_real *grad, oikos_real *product);

/** The outputs (n, outputs) for x (n, input), in the workspace until its next use. */
const oikos_real *oikos_network_outputs(const oikos_network *net, oikos_workspace *ws,
                                        const oikos_real *theta, size_t n, const oikos_real *x);

/**
 * After oikos_network_outputs for the same x: grad (M), overwritten, of a scalar whose derivative
 * with respect to the outputs is dy (n, outputs).
 */
void oikos_network_pull_back(const oikos_network *net, oikos_workspace *ws, const oikos_real *theta,
                             size_t n, const oikos_real *x, const oikos_real *dy, oikos_real *grad);

/** A workspace that keeps what the way back leaves in every layer, for the functions below. */
oikos_status oikos_workspace_create_keeping(const oikos_network *net, size_t max_n,
                                            oikos_workspace **ws, oikos_error *err);

/** After oikos_network_derive with weight 1 in a workspace that keeps, at the same theta on the
 * same batch: grad (M), overwritten, once more. */
void oikos_network_kept_gradient(const oikos_network *net, oikos_workspace *ws,
                                 const oikos_real *theta, const oikos_batch *batch,
                                 oikos_real *grad);

/** The same: product (M), overwritten = Hessian * direction (M), without going forward and back
 * again. */
void oikos_network_kept_product(const oikos_network *net, oikos_workspace *ws,
                                const oikos_real *theta, const oikos_real *direction,
                                const oikos_batch *batch, oikos_real *product);

/** The outputs (n, outputs) of the last batch whose loss was taken; valid until the next one. */
const oikos_real *oikos_workspace_outputs(const oikos_network *net, const oikos_workspace *ws);

/**
 * Where the first layer is `embedding`, else NULL: the derivative with respect to x (n, input) of
 * the batch at hand, weight * dLoss/dx, as the last oikos_network_derive or oikos_network_pull_back
 * left it.
 */
const oikos_real *oikos_workspace_dx(const oikos_network *net, const oikos_workspace *ws);

/** The same along the direction of the last oikos_network_derive with one, or
 * oikos_network_kept_product: weight * d/de dLoss/dx at theta + e direction. */
const oikos_real *oikos_workspace_dx_t(const oikos_network *net, const oikos_workspace *ws);

/** Measure from now on into @p profile, which must outlive its use; NULL ends it. */
void oikos_workspace_measure(oikos_workspace *ws, oikos_profile *profile);

/** What is measured into; NULL: nothing. */
oikos_profile *oikos_workspace_profile(const oikos_workspace *ws);

#endif
