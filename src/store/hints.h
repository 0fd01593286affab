/* SPDX-License-Identifier: MIT
 * What the MPI-IO library is told about a file: "striping_factor=8 striping_unit=4194304". */
#ifndef OIKOS_STORE_HINTS_H
#define OIKOS_STORE_HINTS_H

#include <mpi.h>

#include "oikos/error.h"

/** @param[out] hints  MPI_INFO_NULL for an empty text; else released by MPI_Info_free
 * @return OIKOS_USAGE if the text is not KEY=VALUE KEY=VALUE ... Not collective. */
oikos_status oikos_hints_create(const char *text, MPI_Info *hints, oikos_error *err);

#endif
