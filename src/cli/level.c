/* SPDX-License-Identifier: MIT */
#include "cli/level.h"

#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

/* OpenBLAS's own choice goes by the model's number: on models newer than itself it is a slow one,
 * and on neighbours of one cluster it may be two. */
static const oikos_level levels[] = {
#ifdef __x86_64__
    {"x86-64-v2", "", "Nehalem", "about two thirds"},
    {"x86-64-v3", "glibc-hwcaps/x86-64-v3/", "Haswell", "about a quarter"},
    {"x86-64-v4", "glibc-hwcaps/x86-64-v4/", "SkylakeX", "nothing"},
#elif defined __aarch64__
    {"arm64", "", NULL, "nothing"},
#else
    {"generic", "", NULL, "nothing"},
#endif
};

enum { LEVELS = sizeof levels / sizeof *levels };

const oikos_level *oikos_level_at(int n) {
  return n >= 0 && n < LEVELS ? &levels[n] : NULL;
}

int oikos_level_named(const char *name) {
  for (int n = 0; n < LEVELS; n++)
    if (strcmp(levels[n].name, name) == 0)
      return n;
  return -1;
}

#ifdef __x86_64__

/* Those without registers of their own, which the compiler's builtin does not know everywhere. */
static int has_scalar_v3(void) {
  unsigned a, b, c, d, extended;
  if (!__get_cpuid(1, &a, &b, &c, &d))
    return 0;
  if (!__get_cpuid(0x80000001, &a, &b, &extended, &d))
    return 0;
  return (c & bit_MOVBE) && (c & bit_F16C) && (extended & bit_LZCNT);
}

int oikos_level_of_processor(void) {
  if (!(__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") &&
        __builtin_cpu_supports("popcnt")))
    return -1;
  if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && has_scalar_v3()))
    return 0;
  if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")))
    return 1;
  return 2;
}

#else

int oikos_level_of_processor(void) {
  return 0;
}

#endif
