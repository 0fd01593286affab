/* SPDX-License-Identifier: MIT
 *
 * The OpenBLAS kernel. OpenBLAS picks one when it is loaded, by CPU model; on models newer than
 * itself it may fall back to one without AVX, several times slower. The choice can only be made
 * from outside, by OPENBLAS_CORETYPE, so a program that finds a poor one sets the variable and
 * starts itself again. The choice is by instruction set, not by measurement: it must be the same on
 * all ranks, since the bits depend on it.
 */
#ifndef OIKOS_MATH_KERNEL_H
#define OIKOS_MATH_KERNEL_H

#include <stdbool.h>

/** The kernel in use. */
const char *oikos_kernel_name(void);

/** The n-th best kernel for this CPU's instruction set, from 0; NULL when there is none left. */
const char *oikos_kernel_candidate(int n);

/** Whether a kernel uses less than this CPU offers. */
bool oikos_kernel_is_poor(const char *name);

/** Whether the kernel in use computes small products (up to 10^6 multiply-adds) without packing
 * their operands: those for AVX-512 of OpenBLAS 0.3.16 and
 * later, which the build asks for. */
bool oikos_kernel_has_small_products(void);

/** Whether the products of the kernel in use agree with naive ones, over shapes and transpositions.
 */
bool oikos_kernel_self_test(void);

#endif
