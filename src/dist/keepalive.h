/* SPDX-License-Identifier: MIT
 *
 * Whether the rank before this one is still there, without MPI: each rank holds a TCP connection to
 * the next one (the last to the first), over which, between a hello and a farewell, nothing goes
 * but the kernel's own keepalive. A host that is lost, or cut off, no longer answers; a process
 * that dies closes its end; one that stands still, or was stopped, does neither. MPI itself may
 * wait for a lost host for ever.
 */
#ifndef OIKOS_DIST_KEEPALIVE_H
#define OIKOS_DIST_KEEPALIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "dist/team.h"

typedef struct oikos_keepalive oikos_keepalive;

/**
 * Connect. Collective. Where a firewall does not let ranks connect, nothing is noticed, and that is
 * no error.
 * @param seconds    without an answer after which a host is lost; at least 2 are taken
 * @param interface  the network interface to connect over; "": any
 * @return OIKOS_USAGE if a rank has no such interface
 */
oikos_status oikos_keepalive_create(const oikos_team *team, double seconds, const char *interface,
                                    oikos_keepalive **keepalive, oikos_error *err);

/**
 * Whether the rank before seems lost: for so long its host has not answered, or its process ended
 * without oikos_keepalive_destroy 5 s ago and nobody ended the job upon that. From any thread, one
 * at a time; not collective. Once true it stays true.
 * @param      now   oikos_wall_clock()
 * @param[out] text  if so: which rank, where, and what happened
 */
bool oikos_keepalive_lost(oikos_keepalive *keepalive, double now, char *text, size_t size);

/** Say farewell and disconnect. NULL does nothing. Not collective. */
void oikos_keepalive_destroy(oikos_keepalive *keepalive);

#endif
