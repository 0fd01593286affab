/* SPDX-License-Identifier: MIT
 *
 * Passes of a chain of dense layers for several learners in lockstep, one in each lane of a vector
 * (math/lane_product.h): a number of an array here is OIKOS_LOCKSTEP numbers. Neither BLAS nor libm
 * is called, and every lane is a fixed order of operations: a learner's bits depend on nobody else,
 * and on no processor.
 */
#ifndef OIKOS_NET_LOCKSTEP_H
#define OIKOS_NET_LOCKSTEP_H

#include "math/lane_product.h"
#include "net/lane_activation.h"
#include "net/profile.h"
#include "oikos/network.h"

/** A dense layer and what follows it. */
typedef struct oikos_lane_stage {
  size_t in, out;
  size_t weight, bias; /* where they stand in theta */
  oikos_lane_activation activation;
  int layer; /* of the network; tanh is the next one */
} oikos_lane_stage;

typedef struct oikos_lane_chain {
  int n;
  size_t parameters, inputs, outputs;
  size_t widest; /* numbers of an example that go into or come out of a stage, at most */
  oikos_lane_stage stage[OIKOS_MAX_LAYERS];
} oikos_lane_chain;

/** Whether a network can go by lanes, and how: dense layers one after the other, each with a relu
 * or tanh or neither, and the squared error. */
bool oikos_lane_chain_of(const oikos_network *net, oikos_lane_chain *chain);

/** What a pass over n examples leaves, (units, n) of each stage: outputs, slopes of the loss at
 * what goes into the activation, and (tanh alone) at what comes out of it. Or the tangents of all
 * that. */
typedef struct oikos_lane_pass {
  size_t n;
  const oikos_real *x; /* (inputs, n); NULL of tangents: the examples do not move */
  oikos_real *y[OIKOS_MAX_LAYERS], *dz[OIKOS_MAX_LAYERS], *dy[OIKOS_MAX_LAYERS];
} oikos_lane_pass;

/** Numbers that the buffers of a pass take; with memory they are cut from it. */
size_t oikos_lane_pass_lay_out(const oikos_lane_chain *chain, size_t n, oikos_real *memory,
                               oikos_lane_pass *pass);

/** A gradient, or a part of one, as it comes: of each stage the outer product of slopes (out, n)
 * and of what went in (in, n), and for the bias of the slopes and ones, or, beside tangents, zeros.
 */
typedef struct oikos_lane_factor {
  const oikos_lane_pass *slopes, *inputs;
} oikos_lane_factor;

/** Parameters: M numbers, or (shared) one for all lanes each, + scale * the sum of factors, which
 * are applied without being multiplied out. */
typedef struct oikos_lane_matrix {
  const oikos_real *theta; /* NULL: zeros */
  bool shared;
  int n_factors;
  const oikos_lane_factor *factor;
  const oikos_real *scale; /* (OIKOS_LOCKSTEP) of the factors; NULL: 1 */
} oikos_lane_matrix;

enum { OIKOS_LANE_FACTORS = 64 }; /* at most, in a matrix */

/** Memory for what is at hand, for matrices of up to so many factors and passes of n examples. */
typedef struct oikos_lane_scratch {
  oikos_real *turned;            /* (factors, n, widest) inputs turned round */
  oikos_real *gram;              /* (2 factors, n, n) */
  size_t turned_size, gram_size; /* of one factor */
  oikos_profile *profile;        /* NULL: nothing is measured */
} oikos_lane_scratch;

size_t oikos_lane_scratch_lay_out(const oikos_lane_chain *chain, size_t n, int factors,
                                  oikos_real *memory, oikos_lane_scratch *scratch);

/** The outputs at parameters w. */
void oikos_lane_forward(const oikos_lane_chain *chain, const oikos_lane_matrix *w,
                        const oikos_lane_pass *pass, const oikos_lane_scratch *scratch);

/** The loss of each lane (OIKOS_LOCKSTEP) of the outputs that stand in the pass; and the slope at
 * them of weight * loss. */
void oikos_lane_judge(const oikos_lane_chain *chain, const oikos_lane_pass *pass,
                      const oikos_real *target, double *loss);
void oikos_lane_slope(const oikos_lane_chain *chain, const oikos_lane_pass *pass,
                      const oikos_real *target, oikos_real weight);

/** From the slope at the outputs to that at every stage. */
void oikos_lane_backward(const oikos_lane_chain *chain, const oikos_lane_matrix *w,
                         const oikos_lane_pass *pass, const oikos_lane_scratch *scratch);

/** The tangents of a pass that stands at w, for a loss of weight 1, along v in stages from `first`
 * on, and zero before: the Hessian product is the sum of the factors (tangent's slopes, inputs) and
 * (slopes, tangent's inputs). */
void oikos_lane_tangents(const oikos_lane_chain *chain, const oikos_lane_matrix *w,
                         const oikos_lane_matrix *v, int first, const oikos_lane_pass *pass,
                         const oikos_lane_pass *tangent, const oikos_lane_scratch *scratch);

/** tangent *= scale (OIKOS_LOCKSTEP): outputs and slopes. */
void oikos_lane_scale(const oikos_lane_chain *chain, const oikos_real *scale,
                      const oikos_lane_pass *tangent);

/** to (M) = a matrix, multiplied out; of stages from `first` on. */
void oikos_lane_expand(const oikos_lane_chain *chain, const oikos_lane_matrix *matrix, int first,
                       oikos_real *to, oikos_function_kind which,
                       const oikos_lane_scratch *scratch);

#endif
