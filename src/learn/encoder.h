/* SPDX-License-Identifier: MIT
 *
 * The home scores as a function of the support set, learned: a network E reads each support example
 * with its target, and
 *
 *   -score(t) = mean_j E_t(x_j, y_j),   p = softmax over homes (learn/homes.h, with eta and memory)
 *
 * A set_mean layer inside lets the examples know of each other; the last mean makes the whole a
 * function of a set (Zaheer et al., "Deep sets", NeurIPS 2017; as task encoder: Vuorio et al.,
 * NeurIPS 2019, section 4.1). E's parameters are shared weights: they follow the gradient of the
 * query loss through p. With c = sum_t p_t c_t and dc = dL/dc,
 *
 *   dL/dp_t = c_t . dc,   dL/dscore(t) = -eta p_t (dL/dp_t - sum_u p_u dL/dp_u)
 */
#ifndef OIKOS_LEARN_ENCODER_H
#define OIKOS_LEARN_ENCODER_H

#include "oikos/network.h"
#include "oikos/tasks.h"

/** Immutable, shared by threads. */
typedef struct oikos_encoder oikos_encoder;

/** A thread's memory. */
typedef struct oikos_encoder_pass oikos_encoder_pass;

/** For home.score encoder; else *encoder becomes NULL, which every function below takes for an
 * encoder of no parameters. */
oikos_status oikos_encoder_create(const oikos_config *config, oikos_task_shape shape,
                                  oikos_encoder **encoder, oikos_error *err);
void oikos_encoder_destroy(oikos_encoder *encoder);

const oikos_network *oikos_encoder_network(const oikos_encoder *encoder); /**< NULL: none */
size_t oikos_encoder_parameters(const oikos_encoder *encoder);            /**< E */

oikos_status oikos_encoder_pass_create(const oikos_encoder *encoder, oikos_encoder_pass **pass,
                                       oikos_error *err);
void oikos_encoder_pass_destroy(oikos_encoder_pass *pass);

/** score (T) of a support set, at the encoder's parameters theta (E). */
void oikos_encoder_score(const oikos_encoder *encoder, oikos_encoder_pass *pass,
                         const oikos_real *theta, const oikos_batch *support, oikos_real *score);

/** After oikos_encoder_score: grad (E), overwritten, from dscore (T). */
void oikos_encoder_gradient(const oikos_encoder *encoder, oikos_encoder_pass *pass,
                            const oikos_real *theta, const oikos_real *dscore, oikos_real *grad);

#endif
