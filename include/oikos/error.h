/* SPDX-License-Identifier: MIT
 *
 * How liboikos reports errors.
 *
 * Every function that can fail returns an oikos_status and takes an oikos_error as its last
 * argument. On failure the error holds one message that says what was expected, what was found,
 * where, and what to do. The library never prints an error and never exits: only the program does.
 */
#ifndef OIKOS_ERROR_H
#define OIKOS_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/** Result of a call. The values are the exit statuses of the program. */
typedef enum oikos_status {
  OIKOS_OK = 0,     /**< done */
  OIKOS_ERROR = 1,  /**< it could not be done: the message says why */
  OIKOS_USAGE = 2,  /**< wrong use: a bad option, configuration or input file */
  OIKOS_BUSY = 69,  /**< another job works in the run directory: try again later */
  OIKOS_STUCK = 70, /**< the job stood still, lost a rank, or lost its run directory
                         (run.watchdog): continue with --resume */
  OIKOS_STOPPED =
      75, /**< stopped on request: run it again; training after a checkpoint, with --resume */
} oikos_status;

/** The last error of the calls it was passed to. Owned by the caller; needs no initialisation and
 * no clean-up. */
typedef struct oikos_error {
  oikos_status status;
  char message[1024]; /**< one or more lines, UTF-8, no final newline */
} oikos_error;

/**
 * Record an error.
 * @param[out] err  where to record it; NULL to drop the message
 * @param status    the status to record and return, not OIKOS_OK
 * @param format    printf format of the message
 * @return status, so that `return oikos_fail(...)` reads well
 */
oikos_status oikos_fail(oikos_error *err, oikos_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Put a printf-formatted prefix ("reading x.h5: ") before the message already in @p err. Returns
 * err's status. */
oikos_status oikos_fail_prefix(oikos_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif
#endif
