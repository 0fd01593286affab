/* SPDX-License-Identifier: MIT */
#ifndef OIKOS_BASE_CLOCK_H
#define OIKOS_BASE_CLOCK_H

/** Seconds on a clock that never jumps; only differences mean anything. */
double oikos_wall_clock(void);

#endif
