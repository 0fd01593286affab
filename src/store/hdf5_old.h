/* SPDX-License-Identifier: MIT
 * What we call by its newest name and HDF5 before 1.12 has under an older one. */
#ifndef OIKOS_STORE_HDF5_OLD_H
#define OIKOS_STORE_HDF5_OLD_H

#include <hdf5.h>

#if !H5_VERSION_GE(1, 12, 0)
#define H5O_info2_t H5O_info_t
#define H5Ovisit3   H5Ovisit2
#endif

#endif
