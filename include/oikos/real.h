/* SPDX-License-Identifier: MIT
 *
 * The number type of the numeric core: float in what ships, double when the whole library is built
 * with OIKOS_DOUBLE for the derivative checks (`oikos gradcheck`).
 */
#ifndef OIKOS_REAL_H
#define OIKOS_REAL_H

#ifdef OIKOS_DOUBLE
typedef double oikos_real;
#else
typedef float oikos_real;
#endif

#endif
