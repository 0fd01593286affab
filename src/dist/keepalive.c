/* SPDX-License-Identifier: MIT */
#include "dist/keepalive.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/try.h"

enum {
  MOST_ADDRESSES = 8,
  CONNECT_SECONDS = 1,
  HELLO_MILLISECONDS = 500,
  PROBES = 4, /* of a host that does not answer, in the last part of the time */
  LEAST = 2,  /* s until it is lost */
  GRACE = 5   /* s, for the launcher to end the job of a process that died */
};

/* Where a rank listens; the connection shows by the cookie that it is of this job. */
typedef struct endpoint {
  unsigned char cookie[16];
  int n, port;
  struct in_addr address[MOST_ADDRESSES];
} endpoint;

/* What a connection begins with. */
typedef struct hello {
  unsigned char cookie[16];
  int rank;
  long pid;
  char host[64];
} hello;

struct oikos_keepalive {
  int next[MOST_ADDRESSES]; /* connections to the next rank, which keeps one; -1: none */
  int before;               /* from the rank before; -1: none, or it has left */
  hello who;                /* is before */
  double gone;              /* when its process was found to have ended; < 0: it has not */
  int seconds;              /* until a host that does not answer is lost */
  bool silent;              /* it did not */
};

static int new_socket(int flags) {
  return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
}

static void shut(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

/* This host's addresses, of one interface or ("") of all; the one that only itself can reach comes
 * last. */
static int find_addresses(const char *interface, struct in_addr *address) {
  struct ifaddrs *all;
  int n = 0;
  if (getifaddrs(&all) != 0)
    return 0;
  for (int loopback = 0; loopback < 2; loopback++)
    for (struct ifaddrs *a = all; a && n < MOST_ADDRESSES; a = a->ifa_next)
      if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET && a->ifa_flags & IFF_UP &&
          !(a->ifa_flags & IFF_LOOPBACK) == !loopback &&
          (!*interface || strcmp(a->ifa_name, interface) == 0))
        address[n++] = ((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr;
  freeifaddrs(all);
  return n;
}

/* A socket that listens; without one nobody finds this rank. */
static int listen_at(const char *interface, endpoint *here) {
  struct sockaddr_in any = {.sin_family = AF_INET};
  socklen_t size = sizeof any;
  int fd = new_socket(SOCK_NONBLOCK);
  bool good = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any) == 0 &&
              listen(fd, 2 * MOST_ADDRESSES) == 0 &&
              getsockname(fd, (struct sockaddr *)&any, &size) == 0 &&
              getrandom(here->cookie, sizeof here->cookie, 0) == (ssize_t)sizeof here->cookie;
  if (good) {
    here->port = ntohs(any.sin_port);
    here->n = find_addresses(interface, here->address);
  } else {
    shut(&fd);
  }
  return fd;
}

/* Begin to connect to all addresses of the next rank: which of them are its own shows there. */
static void begin_to_connect(oikos_keepalive *k, const endpoint *there) {
  for (int i = 0; i < there->n; i++) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)there->port),
                             .sin_addr = there->address[i]};
    k->next[i] = new_socket(SOCK_NONBLOCK);
    if (k->next[i] >= 0 && connect(k->next[i], (struct sockaddr *)&to, sizeof to) != 0 &&
        errno != EINPROGRESS)
      shut(&k->next[i]);
  }
}

/* Say hello wherever somebody answers in time, and leave the others. */
static void say_hello(oikos_keepalive *k, const endpoint *there, const hello *me) {
  struct pollfd wait[MOST_ADDRESSES];
  double end = oikos_wall_clock() + CONNECT_SECONDS;
  int waiting = there->n;
  for (int i = 0; i < there->n; i++)
    wait[i] = (struct pollfd){.fd = k->next[i], .events = POLLOUT}; // a negative one is ignored
  while (waiting > 0 && oikos_wall_clock() < end) {
    poll(wait, (nfds_t)there->n, 50);
    waiting = 0;
    for (int i = 0; i < there->n; i++) {
      waiting += wait[i].fd >= 0 && !wait[i].revents;
      wait[i].fd = wait[i].revents ? -1 : wait[i].fd;
    }
  }
  for (int i = 0; i < there->n; i++)
    if (k->next[i] >= 0 && send(k->next[i], me, sizeof *me, MSG_NOSIGNAL) != (ssize_t)sizeof *me)
      shut(&k->next[i]);
}

/* The kernel asks whether the other side is there. */
static bool keep_alive(int fd, int seconds) {
  const int yes = 1, interval = seconds / 10 > 1 ? seconds / 10 : 1,
            probes = seconds - PROBES * interval < 1 ? 1 : PROBES,
            idle = seconds - probes * interval;
  return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes) == 0 &&
         setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle) == 0 &&
         setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval) == 0 &&
         setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes) == 0;
}

/* Of the connections that were made take one of the rank before. */
static void accept_before(oikos_keepalive *k, int listener, const endpoint *here) {
  int fd;
  while (k->before < 0 && (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    hello h;
    bool good = poll(&wait, 1, HELLO_MILLISECONDS) == 1 &&
                recv(fd, &h, sizeof h, MSG_DONTWAIT) == (ssize_t)sizeof h &&
                memcmp(h.cookie, here->cookie, sizeof h.cookie) == 0 && keep_alive(fd, k->seconds);
    if (good) {
      k->before = fd;
      k->who = h;
      k->who.host[sizeof h.host - 1] = 0;
    } else {
      close(fd);
    }
  }
}

/* A name of an interface that is wrong is not to be found out when a host is lost. */
static oikos_status check_interface(const oikos_team *team, const char *interface,
                                    oikos_error *err) {
  struct in_addr address[MOST_ADDRESSES];
  char host[64] = "";
  if (!*interface || find_addresses(interface, address) > 0)
    return OIKOS_OK;
  gethostname(host, sizeof host - 1);
  return oikos_fail(err, OIKOS_USAGE,
                    "run.interface is %.64s: rank %d on %s has no such network interface with an "
                    "IPv4 address (`ip address` lists them); leave it empty to take any",
                    interface, team->rank, host);
}

oikos_status oikos_keepalive_create(const oikos_team *team, double seconds, const char *interface,
                                    oikos_keepalive **keepalive, oikos_error *err) {
  OIKOS_TRY(oikos_agree(team, check_interface(team, interface, err), err));
  oikos_status status =
      oikos_alloc(keepalive, 1, sizeof **keepalive, "the connections of the watchdog", err);
  OIKOS_TRY(oikos_agree(team, status, err));
  oikos_keepalive *k = *keepalive;
  endpoint here = {0}, there = {0};
  hello me = {.rank = team->rank, .pid = getpid()};
  int before = (team->rank + team->size - 1) % team->size, next = (team->rank + 1) % team->size;
  k->before = -1;
  k->gone = -1;
  k->seconds = seconds > LEAST ? (int)seconds : LEAST;
  for (int i = 0; i < MOST_ADDRESSES; i++)
    k->next[i] = -1;
  if (gethostname(me.host, sizeof me.host - 1) != 0)
    snprintf(me.host, sizeof me.host, "an unknown host");
  int listener = listen_at(interface, &here);
  MPI_Sendrecv(&here, sizeof here, MPI_BYTE, before, 0, &there, sizeof there, MPI_BYTE, next, 0,
               team->world, MPI_STATUS_IGNORE);
  memcpy(me.cookie, there.cookie, sizeof me.cookie);
  begin_to_connect(k, &there);
  say_hello(k, &there, &me);
  MPI_Barrier(team->world); // who could connect has done so
  if (listener >= 0)
    accept_before(k, listener, &here);
  shut(&listener);
  return OIKOS_OK;
}

/* What the connection says; of an error the kernel tells once. */
static void look(oikos_keepalive *k, double now) {
  char farewell;
  ssize_t got = k->before < 0 ? 1 : recv(k->before, &farewell, 1, MSG_DONTWAIT);
  if (got > 0)
    shut(&k->before);
  else if (got == 0 || errno == ECONNRESET)
    k->gone = now;
  else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
    k->silent = true;
}

bool oikos_keepalive_lost(oikos_keepalive *k, double now, char *text, size_t size) {
  if (!k->silent && k->gone < 0)
    look(k, now);
  if (k->silent)
    snprintf(text, size,
             "rank %d on %s (process %ld): its host has not answered for %d s (run.keepalive), it "
             "or the network to it is lost",
             k->who.rank, k->who.host, k->who.pid, k->seconds);
  else if (k->gone >= 0 && now - k->gone >= GRACE)
    snprintf(text, size, "rank %d on %s (process %ld) is gone, and nobody ended the job",
             k->who.rank, k->who.host, k->who.pid);
  else
    return false;
  return true;
}

void oikos_keepalive_destroy(oikos_keepalive *k) {
  if (!k)
    return;
  for (int i = 0; i < MOST_ADDRESSES; i++) {
    if (k->next[i] >= 0)
      send(k->next[i], "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    shut(&k->next[i]);
  }
  shut(&k->before);
  free(k);
}
