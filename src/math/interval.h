/* SPDX-License-Identifier: MIT
 *
 * How often to write a checkpoint, when the configuration leaves it open. Nothing here
 * communicates.
 */
#ifndef OIKOS_MATH_INTERVAL_H
#define OIKOS_MATH_INTERVAL_H

/**
 * Seconds of training between two checkpoints that make a job of Poisson failures end soonest: with
 * d the time to write one and M the mean time between failures,
 *
 *     sqrt(2 d M) (1 + sqrt(d / 2M) / 3 + (d / 2M) / 9) - d   for d < 2M, else M
 *
 * (Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps", Future
 * Generation Computer Systems 22, 2006, equation 37; the first factor is Young's, Communications of
 * the ACM 17, 1974). But never less than 19 d, so that writing takes at most a twentieth of the
 * time.
 */
double oikos_checkpoint_interval(double write_seconds, double mean_seconds_between_failures);

#endif
