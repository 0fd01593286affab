/* SPDX-License-Identifier: MIT
 * HDF5 files that are nearly right: a good one, made at the start, in which an input changes what
 * it says, through HDF5 or, if it begins with FUZZ_BYTES, behind its back. Its hash is made right
 * again, so that the readers behind it are reached.
 *
 * What HDF5 itself does not survive is no input: the hash is taken before HDF5 sees a file, so that
 * such a one has to be made on purpose. A process of its own finds that out, and our readers see
 * what is left. */
#ifndef OIKOS_TESTS_FUZZ_HDF5_H
#define OIKOS_TESTS_FUZZ_HDF5_H

#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <hdf5.h>
#include <mpi.h>
#include <sanitizer/common_interface_defs.h>

#include "dist/team.h"
#include "store/hdf5_util.h"
#include "store/seal.h"

enum {
  FUZZ_CHANGES = 6,
  FUZZ_RANK = 4,
  FUZZ_NAMES = 128,
  FUZZ_BYTES = 0xff,
  FUZZ_DEEP = 2,       /* seconds of computing that HDF5 has for a file */
  FUZZ_TICK = 20000,   /* microseconds between the signals of libFuzzer's timer */
  FUZZ_WHOLE = 1 << 26 /* bytes of a dataset that are read */
};

/** The team of this process alone. From its start on libFuzzer's timer, which looks for inputs that
 * take too long, comes often: what a signal interrupts is to go on in every run. */
static inline const oikos_team *fuzz_team(void) {
  static const struct itimerval often = {{0, FUZZ_TICK}, {0, FUZZ_TICK}};
  static oikos_team team;
  oikos_error err;
  int started, provided;
  MPI_Initialized(&started);
  if (!started) {
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    fuzz_require(oikos_team_create(MPI_COMM_SELF, &team, &err) == OIKOS_OK, "a team", "MPI");
    oikos_hdf5_silence();
    setitimer(ITIMER_REAL, &often, NULL);
  }
  return &team;
}

/** HDF5 knows files by their inode, and locks them: one that stays open after an input, refused or
 * taken, is a leak of ours, and breaks the next. */
static inline void fuzz_nothing_open(const char *after) {
  char found[64];
  ssize_t open = H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
  snprintf(found, sizeof found, "%zd open after %s", open, after);
  fuzz_require(open == 0, "no file, dataset or attribute stays open in HDF5", found);
}

/** The datasets of a file, by their paths. */
typedef struct fuzz_names {
  int n;
  char name[FUZZ_NAMES][64];
} fuzz_names;

static inline herr_t fuzz_note(hid_t object, const char *name, const H5L_info_t *info, void *user) {
  fuzz_names *names = user;
  (void)object, (void)info;
  if (names->n < FUZZ_NAMES && strlen(name) < sizeof names->name[0])
    strcpy(names->name[names->n++], name);
  return 0;
}

static inline hid_t fuzz_type(uint8_t how) {
  const hid_t types[] = {H5T_STD_U8LE,   H5T_STD_I32LE,  H5T_STD_I64BE, H5T_IEEE_F32LE,
                         H5T_IEEE_F64LE, H5T_STD_U64LE,  H5T_C_S1,      H5T_C_S1,
                         H5T_STD_I8LE,   H5T_STD_REF_OBJ};
  hid_t type = H5Tcopy(types[how % 10]);
  if (H5Tget_class(type) == H5T_STRING)
    H5Tset_size(type, how & 16 ? H5T_VARIABLE : 1 + how % 7);
  return type;
}

/** A new dataset in place of one, with nothing or a few zeros written. */
static inline void fuzz_replace(hid_t file, const char *name, fuzz_input *in) {
  hsize_t dims[FUZZ_RANK], chunk[FUZZ_RANK];
  uint8_t how = fuzz_byte(in);
  int rank = fuzz_byte(in) % (FUZZ_RANK + 1);
  for (int d = 0; d < rank; d++) {
    dims[d] = fuzz_byte(in);
    dims[d] = dims[d] < 250 ? dims[d] % 16 : (hsize_t)1 << (8 * (dims[d] - 249));
    chunk[d] = dims[d] < 4 ? dims[d] + (dims[d] == 0) : 4;
  }
  hid_t type = fuzz_type(fuzz_byte(in)), list = H5Pcreate(H5P_DATASET_CREATE);
  hid_t space =
      rank ? H5Screate_simple(rank, dims, NULL) : H5Screate(how & 4 ? H5S_NULL : H5S_SCALAR);
  if (rank && how & 1)
    H5Pset_chunk(list, rank, chunk);
  if (rank && how & 1 && how & 2)
    H5Pset_deflate(list, 1);
  if (rank && !(how & 1) && how & 8) // its bytes lie in another file
    H5Pset_external(list, "/etc/hostname", 0, H5F_UNLIMITED);
  hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  if (dataset >= 0)
    H5Dclose(dataset);
  H5Pclose(list);
  H5Sclose(space);
  H5Tclose(type);
}

/** Write into the elements of a dataset as bytes: whatever these are of the type. */
static inline void fuzz_overwrite(hid_t file, const char *name, fuzz_input *in) {
  enum { MOST = 1 << 16 };
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (dataset < 0)
    return;
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  size_t size = H5Tget_size(type);
  hssize_t n = H5Sget_simple_extent_npoints(space);
  char *data = n > 0 && n <= MOST && H5Tis_variable_str(type) <= 0 ? calloc((size_t)n, size) : NULL;
  if (data && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0) {
    size_t at = (size_t)fuzz_word(in) % ((size_t)n * size);
    for (size_t k = 0, count = 1 + fuzz_byte(in) % 8; k < count && at + k < (size_t)n * size; k++)
      data[at + k] = (char)fuzz_byte(in);
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  }
  free(data);
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(dataset);
}

/** An attribute of the root or of a dataset: gone, or another. */
static inline void fuzz_attribute(hid_t file, const char *name, fuzz_input *in) {
  enum { BYTES = 64 };
  char attribute[64] = "", bytes[BYTES] = "";
  uint8_t how = fuzz_byte(in);
  hid_t object = how & 1 ? H5Oopen(file, name, H5P_DEFAULT) : H5Oopen(file, "/", H5P_DEFAULT);
  if (object < 0)
    return;
  int attributes = H5Aget_num_attrs(object);
  hsize_t n = attributes > 0 ? (hsize_t)(fuzz_byte(in) % attributes) : 0;
  H5Aget_name_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, n, attribute, sizeof attribute,
                     H5P_DEFAULT);
  H5Adelete(object, attribute);
  if (how & 2) {
    hsize_t dims[1] = {fuzz_byte(in) % 3};
    hid_t type = fuzz_type(fuzz_byte(in) & 15);
    hid_t space = how & 4 ? H5Screate_simple(1, dims, NULL) : H5Screate(H5S_SCALAR);
    hid_t made = H5Acreate2(object, attribute, type, space, H5P_DEFAULT, H5P_DEFAULT);
    for (int k = 0; k < 16; k++)
      bytes[k] = (char)fuzz_byte(in);
    if (made >= 0) {
      H5Awrite(made, type, bytes);
      H5Aclose(made);
    }
    H5Sclose(space);
    H5Tclose(type);
  }
  H5Oclose(object);
}

static inline void fuzz_change(hid_t file, const char *name, const char *other, fuzz_input *in) {
  switch (fuzz_byte(in) % 8) {
  case 0:
  case 1:
  case 2:
    fuzz_overwrite(file, name, in);
    return;
  case 3:
    H5Ldelete(file, name, H5P_DEFAULT);
    fuzz_replace(file, name, in);
    return;
  case 4:
    fuzz_attribute(file, name, in);
    return;
  case 5:
    H5Ldelete(file, name, H5P_DEFAULT);
    return;
  case 6:
    H5Ldelete(file, name, H5P_DEFAULT);
    H5Lcreate_hard(file, fuzz_byte(in) & 1 ? other : "/", file, name, H5P_DEFAULT, H5P_DEFAULT);
    return;
  default:
    H5Ldelete(file, name, H5P_DEFAULT);
    if (fuzz_byte(in) & 1)
      H5Lcreate_soft(other, file, name, H5P_DEFAULT, H5P_DEFAULT);
    else
      H5Lcreate_external("other.h5", other, file, name, H5P_DEFAULT, H5P_DEFAULT);
  }
}

/** What HDF5 is asked of one object by whoever reads a file: its attributes, and a dataset's shape,
 * layout and data. */
static inline herr_t fuzz_attribute_read(hid_t object, const char *name, const H5A_info_t *info,
                                         void *user) {
  (void)info, (void)user;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0)
    return 0;
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  size_t size = H5Tget_size(type);
  hssize_t n = H5Sget_simple_extent_npoints(space);
  if (n > 0 && size > 0 && (size_t)n <= FUZZ_WHOLE / size) {
    void *value = calloc((size_t)n, size);
    if (H5Aread(attribute, type, value) >= 0)
      H5Dvlen_reclaim(type, space, H5P_DEFAULT, value);
    free(value);
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(attribute);
  return 0;
}

static inline void fuzz_dataset_read(hid_t dataset) {
  hsize_t chunks, dims[H5S_MAX_RANK], chunk[H5S_MAX_RANK];
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset),
        list = H5Dget_create_plist(dataset);
  size_t size = H5Tget_size(type);
  hssize_t n = H5Sget_simple_extent_npoints(space);
  H5Sget_simple_extent_dims(space, dims, NULL);
  H5Dget_storage_size(dataset);
  H5Dget_offset(dataset);
  H5Pget_external_count(list);
  if (H5Pget_layout(list) == H5D_CHUNKED) {
    H5Pget_chunk(list, H5S_MAX_RANK, chunk);
    H5Dget_num_chunks(dataset, space, &chunks);
  }
  if (n > 0 && size > 0 && (size_t)n <= FUZZ_WHOLE / size) {
    void *data = calloc((size_t)n, size);
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0)
      H5Dvlen_reclaim(type, space, H5P_DEFAULT, data);
    free(data);
  }
  H5Pclose(list);
  H5Sclose(space);
  H5Tclose(type);
}

static inline herr_t fuzz_object_read(hid_t file, const char *name, const H5L_info_t *info,
                                      void *user) {
  (void)info;
  hid_t object = H5Oopen(file, name, H5P_DEFAULT);
  if (object < 0)
    return 0;
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, fuzz_attribute_read, user);
  if (H5Iget_type(object) == H5I_DATASET)
    fuzz_dataset_read(object);
  H5Oclose(object);
  return 0;
}

static inline void fuzz_die(void) {
  _exit(1);
}

/** The child that tries: its end is all that is told of it. */
static inline void fuzz_try(const char *path) {
  const int ends[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU};
  const struct rlimit deep = {FUZZ_DEEP, FUZZ_DEEP};
  for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
    signal(ends[k], SIG_DFL);
  __sanitizer_set_death_callback(fuzz_die); // before libFuzzer keeps the input
  dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
  setrlimit(RLIMIT_CPU, &deep);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file >= 0) {
    H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, NULL, fuzz_attribute_read, NULL);
    H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, fuzz_object_read, NULL);
    H5Fclose(file);
  }
  _exit(0);
}

/** Whether HDF5 survives to read a file from end to end. How many it did not is said at the end. */
static struct { long survived, not_survived; } fuzz_files;

static inline void fuzz_say_files(void) {
  fprintf(stderr, "files with changed bytes: %ld, and %ld more that HDF5 does not survive\n",
          fuzz_files.survived, fuzz_files.not_survived);
}

static inline bool fuzz_survives(const char *path) {
  int status = -1;
  pid_t child = fork(), ended;
  fuzz_require(child >= 0, "a process can be started", path);
  if (child == 0)
    fuzz_try(path);
  do // libFuzzer's timer interrupts; a child that is left would lock the next input's file
    ended = waitpid(child, &status, 0);
  while (ended < 0 && errno == EINTR);
  fuzz_require(ended == child, "the process is waited for", path);
  if (fuzz_files.survived + fuzz_files.not_survived == 0)
    atexit(fuzz_say_files);
  fuzz_files.survived += status == 0;
  fuzz_files.not_survived += status != 0;
  return status == 0;
}

/** Change bytes of the file behind its seal, HDF5's own records among them. */
static inline void fuzz_flip(fuzz_input file, fuzz_input *in) {
  uint8_t *bytes = (uint8_t *)(uintptr_t)file.data;
  for (int k = 0; k < FUZZ_CHANGES && in->size > 0; k++) {
    size_t at = OIKOS_SEAL + fuzz_word(in) % (file.size - OIKOS_SEAL);
    for (size_t n = 1 + fuzz_byte(in) % 8; n > 0 && at < file.size; n--, at++)
      bytes[at] ^= fuzz_byte(in);
  }
}

static inline void fuzz_change_all(const char *path, fuzz_input *in) {
  fuzz_names names = {0};
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  fuzz_require(file >= 0, "the good file can be opened", path);
  H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, fuzz_note, &names);
  for (int k = 0; names.n && k < FUZZ_CHANGES && in->size > 0; k++) {
    const char *name = names.name[fuzz_byte(in) % names.n],
               *other = names.name[(names.n - 1) - k % names.n];
    fuzz_change(file, name, other, in);
  }
  H5Fclose(file);
  fuzz_nothing_open("the changes");
}

/** Make `path` the good file with an input's changes, sealed; false if it is nothing to read. */
static inline bool fuzz_make(const char *path, fuzz_input good, const char *seal, fuzz_input *in) {
  oikos_error err = {.status = OIKOS_OK};
  bool bytes = in->size > 0 && *in->data == FUZZ_BYTES;
  unlink(path); // HDF5, which knows files by their inode, may still hold the broken one before
  fuzz_put(path, good);
  if (bytes) {
    fuzz_input file = fuzz_get(path);
    fuzz_byte(in);
    fuzz_flip(file, in);
    fuzz_put(path, file);
    free((void *)(uintptr_t)file.data);
  } else {
    fuzz_change_all(path, in);
  }
  fuzz_require(oikos_seal_write(NULL, path, seal, &err) == OIKOS_OK, "it is sealed", err.message);
  return !bytes || fuzz_survives(path);
}

#endif
