/* SPDX-License-Identifier: MIT */
#include "dist/team.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/try.h"

enum { MAX_FILE = 16 << 20, MAX_MESSAGE = 1 << 28, PIECE = 1 << 16 };

/* The first MPI error of this process that nobody has reported yet. MPI tells a handler of errors
 * no more than the communicator, so that there is no other place for it. */
static atomic_int unreported;

/* Of every communicator of a team, and of those that are made of it: the call returns, and the next
 * agreement says what it was. */
static void store_error(MPI_Comm *comm, int *code, // NOLINT(readability-non-const-parameter): MPI's
                        ...) {
  int none = MPI_SUCCESS;
  (void)comm;
  atomic_compare_exchange_strong(&unreported, &none, *code);
}

static oikos_status mpi_fail(int code, oikos_error *err) {
  char text[MPI_MAX_ERROR_STRING] = "", host[256] = "";
  int length;
  MPI_Error_string(code, text, &length);
  gethostname(host, sizeof host - 1);
  return oikos_fail(err, OIKOS_ERROR,
                    "MPI failed on %s: %.300s; see that all ranks live and that the network and "
                    "/dev/shm have room, then continue with --resume",
                    host, text);
}

static oikos_status handle_errors(oikos_team *team, oikos_error *err) {
  MPI_Errhandler handler;
  int code = MPI_Comm_create_errhandler(store_error, &handler);
  if (code == MPI_SUCCESS)
    code = MPI_Comm_set_errhandler(team->world, handler);
  if (code == MPI_SUCCESS)
    code = MPI_Comm_set_errhandler(team->node, handler);
  if (code == MPI_SUCCESS)
    code = MPI_Errhandler_free(&handler); // freed when the last communicator is
  return code == MPI_SUCCESS ? OIKOS_OK : mpi_fail(code, err);
}

oikos_status oikos_team_create(MPI_Comm comm, oikos_team *team, oikos_error *err) {
  *team = (oikos_team){.world = MPI_COMM_NULL, .node = MPI_COMM_NULL, .hints = MPI_INFO_NULL};
  if (MPI_Comm_dup(comm, &team->world) != MPI_SUCCESS ||
      MPI_Comm_split_type(team->world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &team->node) !=
          MPI_SUCCESS)
    return oikos_fail(err, OIKOS_ERROR,
                      "the MPI communicator could not be duplicated or split by node");
  MPI_Comm_rank(team->world, &team->rank);
  MPI_Comm_size(team->world, &team->size);
  MPI_Comm_rank(team->node, &team->node_rank);
  MPI_Comm_size(team->node, &team->node_size);
  return handle_errors(team, err);
}

void oikos_team_destroy(oikos_team *team) {
  if (team->hints != MPI_INFO_NULL)
    MPI_Info_free(&team->hints);
  if (team->node != MPI_COMM_NULL)
    MPI_Comm_free(&team->node);
  if (team->world != MPI_COMM_NULL)
    MPI_Comm_free(&team->world);
}

void oikos_share(int64_t n, int part, int size, int64_t *first, int64_t *count) {
  int64_t each = n / size, left = n % size;
  *first = part * each + (part < left ? part : left);
  *count = each + (part < left);
}

int oikos_owner(int64_t n, int64_t i, int size) {
  int64_t each = n / size, left = n % size, large = left * (each + 1); // items in larger parts
  return (int)(i < large ? i / (each + 1) : left + (i - large) / each);
}

oikos_status oikos_agree(const oikos_team *team, oikos_status status, oikos_error *err) {
  int code = atomic_exchange(&unreported, MPI_SUCCESS), lowest;
  if (code != MPI_SUCCESS && status == OIKOS_OK)
    status = mpi_fail(code, err);
  int mine = status == OIKOS_OK ? team->size : team->rank;
  code = MPI_Allreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, team->world);
  if (code != MPI_SUCCESS)
    return mpi_fail(code, err);
  if (lowest == team->size)
    return OIKOS_OK;
  oikos_error told = {.status = status};
  if (team->rank == lowest && err)
    told = *err;
  if (team->rank == lowest)
    told.status = status;
  code = MPI_Bcast(&told, (int)sizeof told, MPI_BYTE, lowest, team->world);
  if (code != MPI_SUCCESS)
    return mpi_fail(code, err);
  if (err)
    *err = told;
  return told.status;
}

void oikos_mpi_version(char *text, size_t size) {
  char version[MPI_MAX_LIBRARY_VERSION_STRING];
  int length;
  MPI_Get_library_version(version, &length);
  snprintf(text, size, "%s", version);
}

void oikos_all_reduce(MPI_Comm comm, size_t n, void *data, MPI_Datatype type, MPI_Op op) {
  int size, ranks;
  MPI_Comm_size(comm, &ranks);
  MPI_Type_size(type, &size);
  for (size_t offset = 0; ranks > 1 && offset < n; offset += MAX_MESSAGE) {
    size_t count = n - offset < MAX_MESSAGE ? n - offset : MAX_MESSAGE;
    MPI_Allreduce(MPI_IN_PLACE, (char *)data + offset * (size_t)size, (int)count, type, op, comm);
  }
}

void oikos_broadcast(const oikos_team *team, void *data, size_t bytes) {
  oikos_broadcast_from(team, 0, data, bytes);
}

void oikos_broadcast_from(const oikos_team *team, int rank, void *data, size_t bytes) {
  for (size_t offset = 0; offset < bytes; offset += MAX_MESSAGE) {
    size_t count = bytes - offset < MAX_MESSAGE ? bytes - offset : MAX_MESSAGE;
    MPI_Bcast((char *)data + offset, (int)count, MPI_BYTE, rank, team->world);
  }
}

/* Send a text to rank 0, piece by piece; an empty piece ends it. */
static void send_text(const oikos_team *team, const char *text, size_t length) {
  for (size_t offset = 0; offset < length; offset += PIECE)
    MPI_Send(text + offset, (int)(length - offset < PIECE ? length - offset : PIECE), MPI_CHAR, 0,
             0, team->world);
  MPI_Send(text, 0, MPI_CHAR, 0, 0, team->world);
}

static void receive_text(const oikos_team *team, int rank, FILE *out) {
  char piece[PIECE];
  MPI_Status status;
  int count;
  do {
    MPI_Recv(piece, PIECE, MPI_CHAR, rank, 0, team->world, &status);
    MPI_Get_count(&status, MPI_CHAR, &count);
    fwrite(piece, 1, (size_t)count, out);
  } while (count > 0);
}

void oikos_write_in_turn(const oikos_team *team, const char *text, size_t length, FILE *out) {
  if (team->rank != 0) {
    send_text(team, text, length);
    return;
  }
  fwrite(text, 1, length, out);
  for (int rank = 1; rank < team->size; rank++)
    receive_text(team, rank, out);
}

static oikos_status slurp(const char *path, char **text, size_t *length, oikos_error *err) {
  FILE *in = fopen(path, "rb");
  if (!in)
    return oikos_fail(err, OIKOS_USAGE, "%s cannot be read: %s", path, strerror(errno));
  oikos_status status = oikos_alloc(text, MAX_FILE + 1, 1, "a text file", err);
  if (status == OIKOS_OK) {
    *length = fread(*text, 1, MAX_FILE + 1, in);
    if (ferror(in))
      status = oikos_fail(err, OIKOS_USAGE, "%s cannot be read: %s", path, strerror(errno));
    else if (*length > MAX_FILE)
      status = oikos_fail(err, OIKOS_USAGE, "%s is larger than %d MiB: not a configuration", path,
                          MAX_FILE >> 20);
    else
      (*text)[*length] = 0;
  }
  fclose(in);
  return status;
}

oikos_status oikos_read_file(const oikos_team *team, const char *path, char **text, size_t *length,
                             oikos_error *err) {
  oikos_status status = OIKOS_OK;
  uint64_t bytes = 0;
  *text = NULL;
  *length = 0;
  if (team->rank == 0)
    status = slurp(path, text, length, err);
  status = oikos_agree(team, status, err);
  if (status == OIKOS_OK) {
    bytes = *length;
    oikos_broadcast(team, &bytes, sizeof bytes);
    *length = (size_t)bytes;
    if (team->rank != 0)
      status = oikos_alloc(text, *length + 1, 1, "a text file", err);
    status = oikos_agree(team, status, err);
  }
  if (status == OIKOS_OK) {
    oikos_broadcast(team, *text, *length + 1);
  } else {
    free(*text);
    *text = NULL;
  }
  return status;
}
