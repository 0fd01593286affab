/* SPDX-License-Identifier: MIT
 *
 * A learner's own inner rate: r_i alpha, where the factor r_i follows how its inner steps went, by
 * the rule of the "bold driver" (Battiti, "Accelerated backpropagation learning: two optimization
 * methods", Complex Systems 3, 1989, section 2): if the support loss fell from the start to the
 * last inner step, r_i grows a little, else, or if a number is not finite, it is halved:
 *
 *   r <- min(1.05 r, range)  if L_support(theta_S) < L_support(theta_0),  else max(r / 2, 1 /
 * range)
 *
 * The growth of 1.05 is that of Vogl et al., "Accelerating the convergence of the back-propagation
 * method", Biological Cybernetics 59, 1988. Here the rule sees one episode a step, each with a
 * start and examples of its own, so r_i means something where a learner's episodes have something
 * in common. The meta-gradient takes r_i as given; learned rates get it by the chain rule,
 * d(r alpha g) / d alpha = r g.
 */
#ifndef OIKOS_LEARN_BOLD_DRIVER_H
#define OIKOS_LEARN_BOLD_DRIVER_H

/** The factor after a step whose support loss went from @p before to @p after. */
double oikos_bold_driver(double factor, double range, double before, double after);

#endif
