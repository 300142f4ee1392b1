/*
 * Faults for a process, by LD_PRELOAD: writes to the files of a journal fail or are torn, the wall clock is moved.
 *
 * WIPPY_FAULTS names a control file (faults.ts writes it), which is mapped: changes hold at once. WIPPY_FAULTS_PATH is a text
 * that the paths of the files concerned have in them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct control {
  int64_t clock_offset;  /* nanoseconds that CLOCK_REALTIME is ahead */
  int32_t error;         /* errno of what fails; 0: nothing does */
  int32_t calls;         /* 1: writes, 2: syncs, 4: truncations; a sum */
  int32_t spared;        /* so many calls go through before the first one fails */
  int32_t torn;          /* 1: the first write that fails has written half */
  int64_t injected;      /* counted here: calls that failed */
  int64_t seen;          /* counted here: calls that met the files at all, while something fails */
};

static struct control none;
static struct control *control = &none;
static const char *part = "";
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off64_t);
static int (*real_fallocate)(int, int, off64_t, off64_t);
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fallocate = dlsym(RTLD_NEXT, "fallocate64");
  real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  const char *path = getenv("WIPPY_FAULTS");
  if (!path) return;
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void *map = mmap(0, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (map == MAP_FAILED) return;
  part = getenv("WIPPY_FAULTS_PATH");
  if (!part) part = "journal.db";
  control = map;
}

/* Whether this call is to fail; the first one of a torn write is told apart by *half. */
static int fails(int file, int32_t call, int *half) {
  struct control *now = control;
  int32_t error = __atomic_load_n(&now->error, __ATOMIC_ACQUIRE);
  if (!error || !(now->calls & call)) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  if (!strstr(path, part)) return 0;
  __atomic_add_fetch(&now->seen, 1, __ATOMIC_RELAXED);
  if (__atomic_fetch_sub(&now->spared, 1, __ATOMIC_RELAXED) > 0) return 0;
  if (half && __atomic_exchange_n(&now->torn, 0, __ATOMIC_RELAXED)) {
    *half = 1;
  } else {
    __atomic_add_fetch(&now->injected, 1, __ATOMIC_RELAXED);
  }
  return error;
}

ssize_t write(int file, const void *bytes, size_t count) {
  int half = 0, error = fails(file, 1, &half);
  if (half && count > 1) return real_write(file, bytes, count / 2);
  if (!error) return real_write(file, bytes, count);
  errno = error;
  return -1;
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
  int half = 0, error = fails(file, 1, &half);
  if (half && count > 1) return real_pwrite(file, bytes, count / 2, offset);
  if (!error) return real_pwrite(file, bytes, count, offset);
  errno = error;
  return -1;
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  return pwrite64(file, bytes, count, offset);
}

int fsync(int file) {
  int error = fails(file, 2, 0);
  if (!error) return real_fsync(file);
  errno = error;
  return -1;
}

int fdatasync(int file) {
  int error = fails(file, 2, 0);
  if (!error) return real_fdatasync(file);
  errno = error;
  return -1;
}

int ftruncate64(int file, off64_t length) {
  int error = fails(file, 4, 0);
  if (!error) return real_ftruncate(file, length);
  errno = error;
  return -1;
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

int fallocate64(int file, int mode, off64_t offset, off64_t length) {
  int error = fails(file, 1, 0);
  if (!error) return real_fallocate(file, mode, offset, length);
  errno = error;
  return -1;
}

int fallocate(int file, int mode, off_t offset, off_t length) {
  return fallocate64(file, mode, offset, length);
}

static void shift(int64_t *seconds, int64_t *nanoseconds) {
  int64_t sum = *nanoseconds + __atomic_load_n(&control->clock_offset, __ATOMIC_RELAXED) % 1000000000;
  *seconds += control->clock_offset / 1000000000 + (sum >= 1000000000) - (sum < 0);
  *nanoseconds = (sum + 1000000000) % 1000000000;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  /* Threads may ask before the constructor has run. */
  if (!real_clock_gettime) real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  int status = real_clock_gettime(clock, time);
  if (status || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return status;
  int64_t seconds = time->tv_sec, nanoseconds = time->tv_nsec;
  shift(&seconds, &nanoseconds);
  time->tv_sec = seconds;
  time->tv_nsec = nanoseconds;
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}
