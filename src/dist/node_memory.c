/* SPDX-License-Identifier: MIT
 * A file in memory alone (memfd), made by one rank; the others open it by way of /proc. */
#include "dist/node_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the file is found, and how it is known to be that file and no other. */
typedef struct memory_place {
  long pid;
  int file;
  dev_t device;
  ino_t inode, space; /* space: the process numbers' namespace */
} memory_place;

static ino_t space_here(void) {
  struct stat info;
  return stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0;
}

static memory_place make(size_t bytes) {
  struct stat info = {0};
  memory_place p = {
      .pid = (long)getpid(), .file = memfd_create("oikos", MFD_CLOEXEC), .space = space_here()};
  if (p.file >= 0 && (ftruncate(p.file, (off_t)bytes) != 0 || fstat(p.file, &info) != 0)) {
    close(p.file);
    p.file = -1;
  }
  p.device = info.st_dev;
  p.inode = info.st_ino;
  return p;
}

static int find(const memory_place *p) {
  char path[64];
  struct stat info;
  if (p->file < 0 || p->space == 0 || p->space != space_here())
    return -1;
  snprintf(path, sizeof path, "/proc/%ld/fd/%d", p->pid, p->file);
  if (stat(path, &info) != 0 || info.st_dev != p->device || info.st_ino != p->inode)
    return -1;
  return open(path, O_RDWR | O_CLOEXEC);
}

static bool map(int file, size_t bytes, size_t first, size_t count, oikos_node_memory *m) {
  if (file < 0 || (count > 0 && posix_fallocate(file, (off_t)first, (off_t)count) != 0))
    return false;
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED)
    return false;
  *m = (oikos_node_memory){memory, bytes};
  return true;
}

bool oikos_node_memory_map(const oikos_team *team, size_t bytes, size_t first, size_t count,
                           oikos_node_memory *m) {
  memory_place p = {.file = -1};
  *m = (oikos_node_memory){0};
  if (team->node_rank == 0 && bytes <= SIZE_MAX / 4)
    p = make(bytes);
  MPI_Bcast(&p, (int)sizeof p, MPI_BYTE, 0, team->node);
  int file = team->node_rank == 0 ? p.file : find(&p), all;
  int mapped = map(file, bytes, first, count, m);
  MPI_Allreduce(&mapped, &all, 1, MPI_INT, MPI_MIN, team->node); // all have it: it may be closed
  if (file >= 0)
    close(file);
  if (!all)
    oikos_node_memory_unmap(m);
  return all;
}

void oikos_node_memory_unmap(oikos_node_memory *m) {
  if (m->memory)
    munmap(m->memory, m->bytes);
  *m = (oikos_node_memory){0};
}

bool oikos_node_memory_has(size_t bytes, size_t *available) {
  char line[128];
  unsigned long long kib;
  FILE *in = fopen("/proc/meminfo", "r");
  *available = SIZE_MAX;
  while (in && fgets(line, sizeof line, in))
    if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
      *available = (size_t)kib * 1024;
  if (in)
    fclose(in);
  return bytes <= *available;
}
