// Preloaded into a program and its children: from the N-th write below a folder on, the disk is full.
//
// FAILING_ROOT names the folder (other folders keep working), FAILING_COUNT a file of 8 bytes that all processes
// share as their counter, FAILING_AT the N (0 counts only), FAILING_ERRNO the error. FAILING_ONCE=1 lets later
// writes work again. The C library's own stdio calls the kernel directly, so that fopen and fwrite stand here too.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static const char* root;
static unsigned long* counter;
static unsigned long fails_at;
static int once, error_number;

__attribute__((constructor)) static void begin(void) {
  const char *file = getenv("FAILING_COUNT"), *at = getenv("FAILING_AT"), *code = getenv("FAILING_ERRNO");
  int (*real_open)(const char*, int, ...) = dlsym(RTLD_NEXT, "open");
  int descriptor = file ? real_open(file, O_RDWR | O_CLOEXEC) : -1;
  if (descriptor < 0) return;
  void* shared = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  close(descriptor);
  if (shared == MAP_FAILED) return;
  fails_at = at ? strtoul(at, NULL, 10) : 0;
  error_number = code ? atoi(code) : ENOSPC;
  once = getenv("FAILING_ONCE") != NULL;
  root = getenv("FAILING_ROOT");
  counter = shared;
}

static int fails(void) {
  unsigned long number = __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
  if (!fails_at || (once ? number != fails_at : number < fails_at)) return 0;
  errno = error_number;
  return 1;
}

static int below_root(const char* path) {
  size_t length = strlen(root);
  return !strncmp(path, root, length) && (path[length] == '/' || path[length] == 0);
}

static int descriptor_path(int descriptor, char* path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return 1;
}

static int descriptor_fails(int descriptor) {
  char path[4096];
  int before = errno;
  if (!counter || !root || !descriptor_path(descriptor, path, sizeof path) || !below_root(path)) {
    errno = before;
    return 0;
  }
  errno = before;
  return fails();
}

static int path_fails(int folder, const char* path) {
  char whole[8192], start[4096];
  int before = errno;
  if (!counter || !root || !path) return 0;
  if (*path == '/') {
    snprintf(whole, sizeof whole, "%s", path);
  } else {
    if (folder == AT_FDCWD ? !getcwd(start, sizeof start) : !descriptor_path(folder, start, sizeof start)) return 0;
    snprintf(whole, sizeof whole, "%s/%s", start, path);
  }
  errno = before;
  return below_root(whole) && fails();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int d, const void* b, size_t n) {
  return descriptor_fails(d) ? -1 : REAL(write)(d, b, n);
}
ssize_t writev(int d, const struct iovec* v, int n) {
  return descriptor_fails(d) ? -1 : REAL(writev)(d, v, n);
}
ssize_t pwrite(int d, const void* b, size_t n, off_t o) {
  return descriptor_fails(d) ? -1 : REAL(pwrite)(d, b, n, o);
}
ssize_t pwrite64(int d, const void* b, size_t n, off64_t o) {
  return descriptor_fails(d) ? -1 : REAL(pwrite64)(d, b, n, o);
}
ssize_t sendfile(int out, int in, off_t* o, size_t n) {
  ssize_t (*real)(int, int, off_t*, size_t) = dlsym(RTLD_NEXT, "sendfile");
  return descriptor_fails(out) ? -1 : real(out, in, o, n);
}
ssize_t sendfile64(int out, int in, off64_t* o, size_t n) {
  ssize_t (*real)(int, int, off64_t*, size_t) = dlsym(RTLD_NEXT, "sendfile64");
  return descriptor_fails(out) ? -1 : real(out, in, o, n);
}
ssize_t copy_file_range(int in, off64_t* io, int out, off64_t* oo, size_t n, unsigned f) {
  return descriptor_fails(out) ? -1 : REAL(copy_file_range)(in, io, out, oo, n, f);
}
int fsync(int d) {
  return descriptor_fails(d) ? -1 : REAL(fsync)(d);
}
int fdatasync(int d) {
  return descriptor_fails(d) ? -1 : REAL(fdatasync)(d);
}
int ftruncate(int d, off_t n) {
  return descriptor_fails(d) ? -1 : REAL(ftruncate)(d, n);
}
int ftruncate64(int d, off64_t n) {
  return descriptor_fails(d) ? -1 : REAL(ftruncate64)(d, n);
}
int mkdir(const char* p, mode_t m) {
  return path_fails(AT_FDCWD, p) ? -1 : REAL(mkdir)(p, m);
}
int mkdirat(int f, const char* p, mode_t m) {
  return path_fails(f, p) ? -1 : REAL(mkdirat)(f, p, m);
}
int rename(const char* a, const char* b) {
  return path_fails(AT_FDCWD, b) ? -1 : REAL(rename)(a, b);
}
int renameat(int f, const char* a, int g, const char* b) {
  return path_fails(g, b) ? -1 : REAL(renameat)(f, a, g, b);
}
int link(const char* a, const char* b) {
  return path_fails(AT_FDCWD, b) ? -1 : REAL(link)(a, b);
}
int symlink(const char* a, const char* b) {
  return path_fails(AT_FDCWD, b) ? -1 : REAL(symlink)(a, b);
}

#define OPEN(name, parameters, folder, ...)                                 \
  int name parameters {                                                     \
    va_list rest;                                                           \
    va_start(rest, flags);                                                  \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                           \
    if (flags & O_CREAT && path_fails(folder, path)) return -1;             \
    return REAL(name)(__VA_ARGS__, mode);                                   \
  }
OPEN(open, (const char* path, int flags, ...), AT_FDCWD, path, flags)
OPEN(open64, (const char* path, int flags, ...), AT_FDCWD, path, flags)
OPEN(openat, (int folder, const char* path, int flags, ...), folder, folder, path, flags)
OPEN(openat64, (int folder, const char* path, int flags, ...), folder, folder, path, flags)

FILE* fopen(const char* path, const char* mode) {
  return strpbrk(mode, "wa+") && path_fails(AT_FDCWD, path) ? NULL : REAL(fopen)(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
  return strpbrk(mode, "wa+") && path_fails(AT_FDCWD, path) ? NULL : REAL(fopen64)(path, mode);
}
size_t fwrite(const void* b, size_t size, size_t n, FILE* f) {
  return descriptor_fails(fileno(f)) ? 0 : REAL(fwrite)(b, size, n, f);
}
