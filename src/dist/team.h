/* SPDX-License-Identifier: MIT
 *
 * The ranks of a job, who owns what, and how they agree. All functions that take a team are
 * collective over it unless they say otherwise.
 */
#ifndef OIKOS_DIST_TEAM_H
#define OIKOS_DIST_TEAM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <mpi.h>

#include "base/pulse.h"
#include "oikos/error.h"

typedef struct oikos_team {
  MPI_Comm world; /* a duplicate of the caller's communicator */
  MPI_Comm node;  /* the ranks that share memory with this one */
  int rank, size;
  int node_rank, node_size;
  MPI_Info hints;     /* for MPI-IO, of the files they write; MPI_INFO_NULL: none */
  oikos_pulse *pulse; /* of this rank; NULL: nobody watches, and nobody asks to stop */
  size_t block;       /* bytes that are read or written at a time; 0: as many as is best */
} oikos_team;

/** What the MPI library calls itself, of one line or more. Not collective; also before MPI_Init. */
void oikos_mpi_version(char *text, size_t size);

oikos_status oikos_team_create(MPI_Comm comm, oikos_team *team, oikos_error *err);
void oikos_team_destroy(oikos_team *team);

/** The block of 0..n-1 that one of `size` parts owns; sizes differ by at most one, parts may be
 * empty. Not collective.
 */
void oikos_share(int64_t n, int part, int size, int64_t *first, int64_t *count);

/** Which of `size` parts owns item @p i of n by oikos_share. Not collective. */
int oikos_owner(int64_t n, int64_t i, int size);

/**
 * Make one failure everybody's: if any rank passes a status other than OIKOS_OK, every rank returns
 * that of the lowest such rank, with its message. The way by which an error on one rank ends all
 * ranks and never leaves them waiting.
 */
oikos_status oikos_agree(const oikos_team *team, oikos_status status, oikos_error *err);

/** data (n) = the sum, or whatever op says, over the ranks of a communicator, in place. */
void oikos_all_reduce(MPI_Comm comm, size_t n, void *data, MPI_Datatype type, MPI_Op op);

/** Send `bytes` bytes from rank 0 to all; from another one. */
void oikos_broadcast(const oikos_team *team, void *data, size_t bytes);
void oikos_broadcast_from(const oikos_team *team, int rank, void *data, size_t bytes);

/** Write each rank's text, one rank after the other, to rank 0's @p out. */
void oikos_write_in_turn(const oikos_team *team, const char *text, size_t length, FILE *out);

/**
 * Read a whole text file on rank 0 and give it to all.
 * @param[out] text  zero-terminated; released by free()
 */
oikos_status oikos_read_file(const oikos_team *team, const char *path, char **text, size_t *length,
                             oikos_error *err);

#endif
