/* SPDX-License-Identifier: MIT
 * Memory that the ranks of a node share. It has no name in any file system, and does not depend on
 * the size of /dev/shm; it is taken when it is asked for, so that lacking memory is an error then,
 * and no signal later. */
#ifndef OIKOS_DIST_NODE_MEMORY_H
#define OIKOS_DIST_NODE_MEMORY_H

#include <stdbool.h>

#include "dist/team.h"

typedef struct oikos_node_memory {
  char *memory; /* NULL: none */
  size_t bytes;
} oikos_node_memory;

/**
 * Map `bytes` zeroed bytes, the same on all ranks of the node, or nothing on any of them: memory
 * cannot be had, or the ranks do not see each other, in containers of their own. Each rank takes
 * its part from the system, bytes first to first + count - 1, so that it is near to it. Collective
 * over the node.
 * @return whether it is there, the same on all ranks of the node
 */
bool oikos_node_memory_map(const oikos_team *team, size_t bytes, size_t first, size_t count,
                           oikos_node_memory *m);

/** Not collective. */
void oikos_node_memory_unmap(oikos_node_memory *m);

/** Whether this machine has so much memory left, as far as the system tells. Not collective. */
bool oikos_node_memory_has(size_t bytes, size_t *available);

#endif
