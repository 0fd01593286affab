/* SPDX-License-Identifier: MIT
 * Student's t distribution ("The probable error of a mean", Biometrika 6, 1908): how many standard
 * errors of a mean, estimated from few numbers, reach as far as 1.96 true ones. */
#ifndef OIKOS_MATH_STUDENT_H
#define OIKOS_MATH_STUDENT_H

#include <stdint.h>

/** The t with P(|T| <= t) = 0.95 for T of that many degrees of freedom: 12.7 for 1, 4.30 for 2,
 * 1.96 in the limit; to 1e-9 of itself. NaN for fewer than one. */
double oikos_student_95(int64_t degrees);

#endif
