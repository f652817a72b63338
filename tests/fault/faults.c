/* Linked into a build of the server, beside main.c: definitions of the calls that can fail, which the dynamic linker prefers
 * to those of libc, of the sanitizer's runtime, of SQLite and of OpenSSL, for all libraries of the process. They pass on to
 * the real thing until the test's wish (faults.h) says that this one fails. The server itself knows nothing of it.
 *
 * Calls to the kernel are made directly. Memory comes from the sanitizer's allocator where there is one, so that what a
 * failed call leaves behind shows as a leak, with its stack. */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sqlite3.h>

/* The names that libraries call are those with and without 64: one each here, without libc's redirections. */
#ifdef __SANITIZE_ADDRESS__
#define REAL_ALLOCATOR(name) __interceptor_##name
#else
#define REAL_ALLOCATOR(name) __libc_##name
#endif
void *REAL_ALLOCATOR(malloc)(size_t n);
void *REAL_ALLOCATOR(calloc)(size_t n, size_t size);
void *REAL_ALLOCATOR(realloc)(void *p, size_t n);

static struct faults *faults;

__attribute__((constructor)) static void open_page(void)
{
    const char *path = getenv("SELTZER_FAULTS");
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
    if (fd < 0)
        return;
    void *page = (void *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (page != MAP_FAILED)
        faults = page;
}

/* What should become of this call. */
static enum fault_action ask(enum fault_kind kind)
{
    struct faults *f = faults;
    if (!f || !atomic_load(&f->armed))
        return FAULT_COUNT;
    unsigned n = atomic_fetch_add(&f->seen[kind], 1) + 1, first = atomic_load(&f->first);
    if (atomic_load(&f->action) == FAULT_COUNT || atomic_load(&f->kind) != kind || n < first || n - first >= atomic_load(&f->times))
        return FAULT_COUNT;
    atomic_fetch_add(&f->fired, 1);
    if (atomic_load(&f->action) == FAULT_KILL)
        syscall(SYS_kill, getpid(), SIGKILL);
    return atomic_load(&f->action);
}

static bool fails(enum fault_kind kind)
{
    if (ask(kind) != FAULT_FAIL)
        return false;
    errno = (int)atomic_load(&faults->number);
    return true;
}

/* ── memory ── */

void *malloc(size_t n)
{
    return fails(FAULT_MALLOC) ? NULL : REAL_ALLOCATOR(malloc)(n);
}

void *calloc(size_t n, size_t size)
{
    return fails(FAULT_MALLOC) ? NULL : REAL_ALLOCATOR(calloc)(n, size);
}

void *realloc(void *p, size_t n)
{
    return fails(FAULT_MALLOC) ? NULL : REAL_ALLOCATOR(realloc)(p, n);
}

void *mmap64(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    return fails(FAULT_MAP) ? MAP_FAILED : (void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset);
}

/* ── files and sockets ── */

enum { NEITHER = -1 };

/* Files and sockets fail; what the process tells itself through (eventfd) and its terminal do not. */
static int kind_of(int fd, enum fault_kind file, enum fault_kind socket)
{
    struct stat st;
    if (syscall(SYS_fstat, fd, &st) != 0)
        return NEITHER;
    return S_ISREG(st.st_mode) ? (int)file : S_ISSOCK(st.st_mode) ? (int)socket : NEITHER;
}

static bool is_counted(int fd)
{
    char link[64], path[512];
    if (!faults || !atomic_load(&faults->armed) || !atomic_load(&faults->only_rows))
        return true;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = syscall(SYS_readlink, link, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = 0;
    const char *name = strrchr(path, '/');
    return name && strncmp(name, "/rows-", 6) == 0 && strcmp(name + strlen(name) - 3, ".db") == 0;
}

/* False: the call is to fail. A short one does half. */
static bool may_move(int fd, enum fault_kind file, enum fault_kind socket, size_t *n)
{
    if (!faults || !atomic_load(&faults->armed) || !is_counted(fd))
        return true;
    int kind = kind_of(fd, file, socket);
    if (kind == NEITHER)
        return true;
    enum fault_action action = ask((enum fault_kind)kind);
    if (action == FAULT_SHORT && *n > 1)
        *n /= 2;
    if (action != FAULT_FAIL)
        return true;
    errno = (int)atomic_load(&faults->number);
    return false;
}

ssize_t read(int fd, void *p, size_t n)
{
    return may_move(fd, FAULT_READ, FAULT_RECEIVE, &n) ? syscall(SYS_read, fd, p, n) : -1;
}

ssize_t recv(int fd, void *p, size_t n, int flags)
{
    return may_move(fd, FAULT_READ, FAULT_RECEIVE, &n) ? syscall(SYS_recvfrom, fd, p, n, flags, NULL, NULL) : -1;
}

ssize_t pread64(int fd, void *p, size_t n, off_t at)
{
    return may_move(fd, FAULT_READ, FAULT_RECEIVE, &n) ? syscall(SYS_pread64, fd, p, n, at) : -1;
}

ssize_t write(int fd, const void *p, size_t n)
{
    return may_move(fd, FAULT_WRITE, FAULT_SEND, &n) ? syscall(SYS_write, fd, p, n) : -1;
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    return may_move(fd, FAULT_WRITE, FAULT_SEND, &n) ? syscall(SYS_sendto, fd, p, n, flags, NULL, 0) : -1;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    return may_move(fd, FAULT_WRITE, FAULT_SEND, &n) ? syscall(SYS_pwrite64, fd, p, n, at) : -1;
}

/* The sanitizer's runtime writes its reports by calls of its own; programs name these with and without 64. */
ssize_t pread(int fd, void *p, size_t n, off_t at)
{
    return pread64(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return pwrite64(fd, p, n, at);
}

int fsync(int fd)
{
    return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int ftruncate64(int fd, off_t n)
{
    return fails(FAULT_SIZE) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int ftruncate(int fd, off_t n)
{
    return ftruncate64(fd, n);
}

static int open_as(int folder, const char *path, int flags, va_list rest)
{
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    return fails(FAULT_OPEN) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int fd = open_as(AT_FDCWD, path, flags, rest);
    va_end(rest);
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int fd = open_as(AT_FDCWD, path, flags, rest);
    va_end(rest);
    return fd;
}

int rename(const char *from, const char *to)
{
    return fails(FAULT_NAME) ? -1 : (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path)
{
    return fails(FAULT_NAME) ? -1 : (int)syscall(SYS_unlink, path);
}

int mkdir(const char *path, mode_t mode)
{
    return fails(FAULT_NAME) ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

int rmdir(const char *path)
{
    return fails(FAULT_NAME) ? -1 : (int)syscall(SYS_rmdir, path);
}

int accept4(int fd, struct sockaddr *from, socklen_t *n, int flags)
{
    return fails(FAULT_ACCEPT) ? -1 : (int)syscall(SYS_accept4, fd, from, n, flags);
}

int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
    return fails(FAULT_EPOLL) ? -1 : (int)syscall(SYS_epoll_ctl, epoll, op, fd, event);
}

/* ── libraries ── */

/* The next definition of this function after ours. */
#define NEXT(name) ((__typeof__(&name))next(#name))

static void *next(const char *name)
{
    void *p = dlsym(RTLD_NEXT, name);
    if (!p)
        abort();
    return p;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    return fails(FAULT_THREAD) ? EAGAIN : NEXT(pthread_create)(thread, attr, run, arg);
}

/* SQLite calls itself through these names too, and there the reason of a failure must be in its own state: only calls
 * from outside of it may be told so. */
static bool sql_fails(const void *caller)
{
    Dl_info inside, from;
    if (!faults || !atomic_load(&faults->armed) || !dladdr(NEXT(sqlite3_step), &inside) || !dladdr(caller, &from) || inside.dli_fbase == from.dli_fbase)
        return false;
    return fails(FAULT_SQL);
}

#define CALLER __builtin_extract_return_addr(__builtin_return_address(0))

int sqlite3_prepare_v3(sqlite3 *db, const char *text, int n, unsigned flags, sqlite3_stmt **ret, const char **tail)
{
    return sql_fails(CALLER) ? errno : NEXT(sqlite3_prepare_v3)(db, text, n, flags, ret, tail);
}

int sqlite3_step(sqlite3_stmt *st)
{
    return sql_fails(CALLER) ? errno : NEXT(sqlite3_step)(st);
}

int sqlite3_exec(sqlite3 *db, const char *text, int (*row)(void *, int, char **, char **), void *ctx, char **message)
{
    return sql_fails(CALLER) ? errno : NEXT(sqlite3_exec)(db, text, row, ctx, message);
}

/* As a fault inside OpenSSL looks: an entry in its queue of errors. */
static bool tls_fails(void)
{
    if (!fails(FAULT_TLS))
        return false;
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    return true;
}

SSL *SSL_new(SSL_CTX *ctx)
{
    return tls_fails() ? NULL : NEXT(SSL_new)(ctx);
}

int SSL_do_handshake(SSL *s)
{
    return tls_fails() ? -1 : NEXT(SSL_do_handshake)(s);
}

int SSL_read_ex(SSL *s, void *p, size_t n, size_t *ret)
{
    return tls_fails() ? 0 : NEXT(SSL_read_ex)(s, p, n, ret);
}

int SSL_write_ex(SSL *s, const void *p, size_t n, size_t *ret)
{
    return tls_fails() ? 0 : NEXT(SSL_write_ex)(s, p, n, ret);
}
