/* SPDX-License-Identifier: MIT
 *
 * Step 1 of the method, train: adapt a start to a support set by S inner steps
 *
 *   theta_{k+1} = P_beta( theta_k - alpha * sum_j grad L_support_j(theta_k) )
 *
 * and the gradient of the query loss with respect to the start (and to learned rates alpha),
 * through all of it. P_beta scales each unit's incoming weights to norm <= beta. The exact gradient
 * needs no tape: with v_S = grad L_query(theta_S),
 *
 *   u = J_P(z_k)^T v_{k+1},   v_k = u - H_support(theta_k) (alpha * u),   z_k = theta_k - alpha *
 * grad L_support(theta_k)
 *
 * so only S parameter vectors are kept (and the activations of networks of dense layers, where they
 * are small beside the parameters and cost less to keep than to compute again). With a multi-step
 * share e the loss is (1 - e) L_query(theta_S) + e L_query(theta_0). First order (FOMAML) drops the
 * H term. MAML: Finn, Abbeel and Levine 2017; Meta-SGD: Li et al. 2017; rates per step and layer:
 * Antoniou, Edwards and Storkey 2019 (MAML++; section 3 also has the multi-step loss); ANIL: Raghu
 * et al. 2020. Nothing here is collective; the rule is immutable, each thread has its own path.
 */
#ifndef OIKOS_INNER_H
#define OIKOS_INNER_H

#include "oikos/network.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The inner rule: a network and how it is adapted. */
typedef struct oikos_inner oikos_inner;

/** A thread's memory of one adaptation: S + 1 parameter vectors and a workspace. */
typedef struct oikos_path oikos_path;

/** @param net must outlive the rule. */
oikos_status oikos_inner_create(const oikos_network *net, const oikos_config *config,
                                oikos_inner **inner, oikos_error *err);
void oikos_inner_destroy(oikos_inner *inner);

size_t oikos_inner_rates(const oikos_inner *inner); /**< A: learned rates; 0 if alpha is fixed */

/** The first learned rates, all alpha, into rates (A). */
void oikos_inner_first_rates(const oikos_inner *inner, oikos_real *rates);

/**
 * @param max_steps  most inner steps of any call
 * @param max_n      most examples of an episode, support and query together
 */
oikos_status oikos_path_create(const oikos_inner *inner, int64_t max_steps, size_t max_n,
                               oikos_path **path, oikos_error *err);
void oikos_path_destroy(oikos_path *path);

/** The start theta_0 (M), to be written by the caller before oikos_adapt. */
oikos_real *oikos_path_start(oikos_path *path);

/** theta_k (M) of the last adaptation; valid until the next call on this path. */
const oikos_real *oikos_path_parameters(const oikos_inner *inner, oikos_path *path, int64_t k);

oikos_workspace *oikos_path_workspace(oikos_path *path);

/**
 * Take @p steps inner steps from the start. Steps beyond those trained use the last step's rates.
 * @param rates  learned rates (A); ignored if alpha is fixed
 * @return the support loss at the start (of the whole set; zero if there is no step)
 */
oikos_judgement oikos_adapt(const oikos_inner *inner, oikos_path *path, const oikos_real *rates,
                            const oikos_batch *support, int64_t steps);

/**
 * After oikos_adapt on this path with the same support set and @p steps, with nothing in between:
 * the query loss at the trained parameters, and the gradient with respect to the start and the
 * learned rates of that loss, or of its multi-step mixture.
 * @param[out] gradient (M + A), overwritten
 */
oikos_judgement oikos_meta_gradient(const oikos_inner *inner, oikos_path *path,
                                    const oikos_real *rates, const oikos_batch *support,
                                    const oikos_batch *query, int64_t steps, oikos_real *gradient);

/**
 * After oikos_meta_gradient: the derivative of the same loss with respect to the examples, support
 * then query, (n, input), where the network begins with an embedding layer; else NULL. With S inner
 * steps the support examples x act through each of them,
 *
 *   dL/dx = - sum_k d/dx (grad L_support(theta_k; x) . rate_k u_k)
 *
 * where u_k = dL/dtheta after step k and its projection: what tangent_backward gives beside the
 * Hessian product. First order takes the support gradients as constants, and gives zeros there.
 */
const oikos_real *oikos_path_dx(const oikos_path *path);

#ifdef __cplusplus
}
#endif
#endif
