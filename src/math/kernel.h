/* SPDX-License-Identifier: MIT
 *
 * The OpenBLAS kernel in use. Left alone OpenBLAS takes one by the CPU's model when it is loaded,
 * on models newer than itself a slow one; the launcher (cli/main.c) asks for one beforehand, by
 * OPENBLAS_CORETYPE, that goes with the level of the library.
 */
#ifndef OIKOS_MATH_KERNEL_H
#define OIKOS_MATH_KERNEL_H

#include <stdbool.h>

/** The kernel in use. */
const char *oikos_kernel_name(void);

/** Whether a kernel uses less than this library is compiled for. */
bool oikos_kernel_is_poor(const char *name);

/** Whether the kernel in use computes small products (up to 10^6 multiply-adds) without packing
 * their operands: those for AVX-512 of OpenBLAS 0.3.16 and
 * later, which the build asks for. */
bool oikos_kernel_has_small_products(void);

/** Whether the products of the kernel in use agree with naive ones, over shapes and transpositions.
 */
bool oikos_kernel_self_test(void);

#endif
