/* Linked into a build of the server, beside main.c: definitions of the calls that can fail, which the dynamic linker prefers
 * to those of libc, of the sanitizer's runtime, of SQLite and of OpenSSL, for all libraries of the process. They pass on to
 * the real thing until the test's wish (faults.h) says that this one fails. The server itself knows nothing of it.
 *
 * Calls to the kernel are made directly. Memory comes from the sanitizer's allocator where there is one, so that what a
 * failed call leaves behind shows as a leak, with its stack. */
#include "faults.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
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
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <sqlite3.h>

/* The names that libraries call are those with and without 64: one each here, without libc's redirections. */
#if defined __has_feature /* clang's word for it */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined SANITIZED || defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define REAL_ALLOCATOR(name) __interceptor_##name
#else
#define REAL_ALLOCATOR(name) __libc_##name
#endif
void *REAL_ALLOCATOR(malloc)(size_t n);
void *REAL_ALLOCATOR(calloc)(size_t n, size_t size);
void *REAL_ALLOCATOR(realloc)(void *p, size_t n);

/* What others lose. In the program, not in a file: the leak checker looks at the end, when the sandbox lets it read none. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:OBJ_NAME_do_all\n" /* OpenSSL 3.0, once: a name of an algorithm, when memory runs out while it lists them all (crypto/core_namemap.c) */
           "leak:allocate_dtv\n";   /* glibc's, for each thread, through our calloc, where clang's leak checker does not follow it (elf/dl-tls.c) */
}

static struct faults *faults;

__attribute__((constructor)) static void open_page(void)
{
    const char *path = getenv("SELTZER_FAULTS");
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
    if (fd < 0)
        return;
    void *page = (void *)syscall(SYS_mmap, NULL, 4096L, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L); /* an int would leave half of the offset to chance */
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

/* The next definition of this function after ours. */
#define NEXT(name) ((__typeof__(&name))next(#name))

static void *next(const char *name)
{
    void *p = dlsym(RTLD_NEXT, name);
    if (!p)
        abort();
    return p;
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

char *strdup(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);
    return copy ? memcpy(copy, text, n) : NULL;
}

void *mmap64(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    return fails(FAULT_MAP) ? MAP_FAILED : (void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset);
}

void *mremap(void *at, size_t n, size_t wanted, int flags, ...)
{
    return fails(FAULT_MAP) ? MAP_FAILED : (void *)syscall(SYS_mremap, at, n, wanted, flags, NULL);
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

int sync_file_range(int fd, off_t at, off_t n, unsigned flags)
{
    return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_sync_file_range, fd, at, n, flags);
}

int ftruncate64(int fd, off_t n)
{
    return fails(FAULT_SIZE) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    return fails(FAULT_SIZE) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, n);
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

int openat(int folder, const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int fd = open_as(folder, path, flags, rest);
    va_end(rest);
    return fd;
}

int mkostemp(char *path, int flags)
{
    return fails(FAULT_OPEN) ? -1 : NEXT(mkostemp)(path, flags);
}

FILE *fopen(const char *path, const char *mode)
{
    return fails(FAULT_OPEN) ? NULL : NEXT(fopen)(path, mode);
}

FILE *fdopen(int fd, const char *mode)
{
    return fails(FAULT_OPEN) ? NULL : NEXT(fdopen)(fd, mode);
}

DIR *opendir(const char *path)
{
    return fails(FAULT_OPEN) ? NULL : NEXT(opendir)(path);
}

/* What the stream held is lost, as on a full disk. */
int fflush(FILE *f)
{
    size_t whole = 1;
    return f && !may_move(fileno(f), FAULT_WRITE, FAULT_SEND, &whole) ? EOF : NEXT(fflush)(f);
}

int close(int fd)
{
    int kind = faults && atomic_load(&faults->armed) ? kind_of(fd, FAULT_CLOSE, FAULT_CLOSE) : NEITHER;
    long rc = syscall(SYS_close, fd);
    return kind == FAULT_CLOSE && fails(FAULT_CLOSE) ? -1 : (int)rc;
}

#define FAILING(kind, type, name, parameters, call) \
    type name parameters                            \
    {                                               \
        return fails(kind) ? (type)-1 : (type)call; \
    }

FAILING(FAULT_NAME, int, rename, (const char *from, const char *to), syscall(SYS_rename, from, to))
FAILING(FAULT_NAME, int, unlink, (const char *path), syscall(SYS_unlink, path))
FAILING(FAULT_NAME, int, unlinkat, (int folder, const char *path, int flags), syscall(SYS_unlinkat, folder, path, flags))
FAILING(FAULT_NAME, int, remove, (const char *path), NEXT(remove)(path))
FAILING(FAULT_NAME, int, mkdir, (const char *path, mode_t mode), syscall(SYS_mkdir, path, mode))
FAILING(FAULT_NAME, int, rmdir, (const char *path), syscall(SYS_rmdir, path))
FAILING(FAULT_ACCEPT, int, accept4, (int fd, struct sockaddr *from, socklen_t *n, int flags), syscall(SYS_accept4, fd, from, n, flags))
FAILING(FAULT_EPOLL, int, epoll_ctl, (int epoll, int op, int fd, struct epoll_event *event), syscall(SYS_epoll_ctl, epoll, op, fd, event))
FAILING(FAULT_WAIT, int, poll, (struct pollfd *fds, nfds_t n, int ms), syscall(SYS_poll, fds, n, ms))
FAILING(FAULT_WAIT, int, epoll_wait, (int epoll, struct epoll_event *events, int n, int ms), NEXT(epoll_wait)(epoll, events, n, ms))

char *mkdtemp(char *path)
{
    return fails(FAULT_NAME) ? NULL : NEXT(mkdtemp)(path);
}

/* Only commands that lock can fail for a reason of the system's: what is unlocked is. */
static int control(int fd, int command, void *argument)
{
    bool locks = (command == F_SETLK || command == F_SETLKW || command == F_GETLK) && ((const struct flock *)argument)->l_type != F_UNLCK;
    return locks && fails(FAULT_LOCK) ? -1 : (int)syscall(SYS_fcntl, fd, command, argument);
}

int fcntl64(int fd, int command, ...)
{
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return control(fd, command, argument);
}

FAILING(FAULT_LOCK, int, flock, (int fd, int operation), syscall(SYS_flock, fd, operation))
FAILING(FAULT_LOOK, int, stat, (const char *path, struct stat *st), syscall(SYS_newfstatat, AT_FDCWD, path, st, 0))
FAILING(FAULT_LOOK, int, statvfs, (const char *path, struct statvfs *st), NEXT(statvfs)(path, st))
FAILING(FAULT_LOOK, int, fstat, (int fd, struct stat *st), syscall(SYS_fstat, fd, st))
FAILING(FAULT_LOOK, int, fstatat, (int folder, const char *path, struct stat *st, int flags), syscall(SYS_newfstatat, folder, path, st, flags))
FAILING(FAULT_LOOK, int, stat64, (const char *path, struct stat64 *st), syscall(SYS_newfstatat, AT_FDCWD, path, st, 0))
FAILING(FAULT_LOOK, int, lstat64, (const char *path, struct stat64 *st), syscall(SYS_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW))
FAILING(FAULT_LOOK, int, fstat64, (int fd, struct stat64 *st), syscall(SYS_fstat, fd, st))
FAILING(FAULT_LOOK, int, access, (const char *path, int mode), syscall(SYS_faccessat, AT_FDCWD, path, mode))
FAILING(FAULT_SETUP, int, socket, (int family, int kind, int protocol), syscall(SYS_socket, family, kind, protocol))
FAILING(FAULT_SETUP, int, bind, (int fd, const struct sockaddr *a, socklen_t n), syscall(SYS_bind, fd, a, n))
FAILING(FAULT_SETUP, int, listen, (int fd, int n), syscall(SYS_listen, fd, n))
FAILING(FAULT_SETUP, int, setsockopt, (int fd, int level, int name, const void *p, socklen_t n), syscall(SYS_setsockopt, fd, level, name, p, n))
FAILING(FAULT_SETUP, int, getsockopt, (int fd, int level, int name, void *p, socklen_t *n), syscall(SYS_getsockopt, fd, level, name, p, n))
FAILING(FAULT_SETUP, int, chmod, (const char *path, mode_t mode), syscall(SYS_fchmodat, AT_FDCWD, path, mode))
FAILING(FAULT_SETUP, int, fchmod, (int fd, mode_t mode), syscall(SYS_fchmod, fd, mode))
FAILING(FAULT_SETUP, int, getsockname, (int fd, struct sockaddr *a, socklen_t *n), syscall(SYS_getsockname, fd, a, n))
FAILING(FAULT_SETUP, int, shutdown, (int fd, int how), syscall(SYS_shutdown, fd, how))
FAILING(FAULT_SETUP, int, eventfd, (unsigned value, int flags), syscall(SYS_eventfd2, value, flags))
FAILING(FAULT_SETUP, int, epoll_create1, (int flags), syscall(SYS_epoll_create1, flags))

int prctl(int option, ...)
{
    va_list rest;
    va_start(rest, option);
    unsigned long a = va_arg(rest, unsigned long), b = va_arg(rest, unsigned long);
    va_end(rest);
    return fails(FAULT_SETUP) ? -1 : (int)syscall(SYS_prctl, option, a, b, 0UL, 0UL);
}

FAILING(FAULT_RANDOM, ssize_t, getrandom, (void *p, size_t n, unsigned flags), syscall(SYS_getrandom, p, n, flags))

int getrlimit(__rlimit_resource_t what, struct rlimit *ret)
{
    return fails(FAULT_SETUP) ? -1 : NEXT(getrlimit)(what, ret);
}

int setrlimit(__rlimit_resource_t what, const struct rlimit *wish)
{
    return fails(FAULT_SETUP) ? -1 : NEXT(setrlimit)(what, wish);
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
    return fails(FAULT_SETUP) ? EAI_MEMORY : NEXT(getaddrinfo)(host, port, hints, ret);
}

int getnameinfo(const struct sockaddr *a, socklen_t n, char *host, socklen_t host_n, char *port, socklen_t port_n, int flags)
{
    return fails(FAULT_SETUP) ? EAI_MEMORY : NEXT(getnameinfo)(a, n, host, host_n, port, port_n, flags);
}

/* The end of the folder seems to be here; errno tells that it is not. */
struct dirent *readdir(DIR *folder)
{
    return fails(FAULT_LOOK) ? NULL : NEXT(readdir)(folder);
}

/* ── libraries ── */

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

int sqlite3_open_v2(const char *path, sqlite3 **ret, int flags, const char *vfs)
{
    if (!sql_fails(CALLER))
        return NEXT(sqlite3_open_v2)(path, ret, flags, vfs);
    *ret = NULL; /* not even memory for the handle */
    return SQLITE_NOMEM;
}

/* Values and texts that are not taken over are given back as SQLite would. */
static int refuse_value(const void *p, void (*destroy)(void *))
{
    if (destroy != SQLITE_STATIC && destroy != SQLITE_TRANSIENT)
        destroy((void *)(uintptr_t)p);
    return SQLITE_NOMEM;
}

int sqlite3_bind_blob64(sqlite3_stmt *st, int i, const void *p, sqlite3_uint64 n, void (*destroy)(void *))
{
    return sql_fails(CALLER) ? refuse_value(p, destroy) : NEXT(sqlite3_bind_blob64)(st, i, p, n, destroy);
}

int sqlite3_bind_text64(sqlite3_stmt *st, int i, const char *p, sqlite3_uint64 n, void (*destroy)(void *), unsigned char encoding)
{
    return sql_fails(CALLER) ? refuse_value(p, destroy) : NEXT(sqlite3_bind_text64)(st, i, p, n, destroy, encoding);
}

int sqlite3_bind_int64(sqlite3_stmt *st, int i, sqlite3_int64 value)
{
    return sql_fails(CALLER) ? errno : NEXT(sqlite3_bind_int64)(st, i, value);
}

int sqlite3_bind_null(sqlite3_stmt *st, int i)
{
    return sql_fails(CALLER) ? errno : NEXT(sqlite3_bind_null)(st, i);
}

int sqlite3_create_collation_v2(sqlite3 *db, const char *name, int encoding, void *ctx,
                                int (*compare)(void *, int, const void *, int, const void *), void (*destroy)(void *))
{
    return sql_fails(CALLER) ? errno : NEXT(sqlite3_create_collation_v2)(db, name, encoding, ctx, compare, destroy);
}

int sqlite3_create_function_v2(sqlite3 *db, const char *name, int n, int encoding, void *ctx,
                               void (*run)(sqlite3_context *, int, sqlite3_value **), void (*step)(sqlite3_context *, int, sqlite3_value **),
                               void (*finish)(sqlite3_context *), void (*destroy)(void *))
{
    if (!sql_fails(CALLER))
        return NEXT(sqlite3_create_function_v2)(db, name, n, encoding, ctx, run, step, finish, destroy);
    if (destroy)
        destroy(ctx);
    return errno;
}

int sqlite3_create_window_function(sqlite3 *db, const char *name, int n, int encoding, void *ctx,
                                   void (*step)(sqlite3_context *, int, sqlite3_value **), void (*finish)(sqlite3_context *),
                                   void (*value)(sqlite3_context *), void (*inverse)(sqlite3_context *, int, sqlite3_value **),
                                   void (*destroy)(void *))
{
    if (!sql_fails(CALLER))
        return NEXT(sqlite3_create_window_function)(db, name, n, encoding, ctx, step, finish, value, inverse, destroy);
    if (destroy)
        destroy(ctx);
    return errno;
}

int sqlite3_wal_checkpoint_v2(sqlite3 *db, const char *schema, int mode, int *ret_log, int *ret_done)
{
    return sql_fails(CALLER) ? errno : NEXT(sqlite3_wal_checkpoint_v2)(db, schema, mode, ret_log, ret_done);
}

int sqlite3_file_control(sqlite3 *db, const char *schema, int op, void *argument)
{
    return sql_fails(CALLER) ? errno : NEXT(sqlite3_file_control)(db, schema, op, argument);
}

/* All that we set with it are switches. */
int sqlite3_db_config(sqlite3 *db, int op, ...)
{
    va_list rest;
    va_start(rest, op);
    int wish = va_arg(rest, int), *now = va_arg(rest, int *);
    va_end(rest);
    return sql_fails(CALLER) ? errno : NEXT(sqlite3_db_config)(db, op, wish, now);
}

/* As a fault inside OpenSSL looks: an entry in its queue of errors. */
static bool tls_fails(void)
{
    if (!fails(FAULT_TLS))
        return false;
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    return true;
}

#define TLS_FAILING(failed, type, name, parameters, arguments)  \
    type name parameters                                        \
    {                                                           \
        return tls_fails() ? (type)failed : NEXT(name)arguments; \
    }

TLS_FAILING(NULL, SSL *, SSL_new, (SSL_CTX *ctx), (ctx))
TLS_FAILING(0, int, SSL_set_fd, (SSL *s, int fd), (s, fd))
TLS_FAILING(-1, int, SSL_do_handshake, (SSL *s), (s))
TLS_FAILING(-1, int, SSL_shutdown, (SSL *s), (s))
TLS_FAILING(0, int, SSL_read_ex, (SSL *s, void *p, size_t n, size_t *ret), (s, p, n, ret))
TLS_FAILING(0, int, SSL_write_ex, (SSL *s, const void *p, size_t n, size_t *ret), (s, p, n, ret))
TLS_FAILING(NULL, SSL_CTX *, SSL_CTX_new, (const SSL_METHOD *method), (method))
TLS_FAILING(0, int, SSL_CTX_set_cipher_list, (SSL_CTX *ctx, const char *list), (ctx, list))
TLS_FAILING(0, int, SSL_CTX_use_certificate_chain_file, (SSL_CTX *ctx, const char *path), (ctx, path))
TLS_FAILING(0, int, SSL_CTX_use_PrivateKey_file, (SSL_CTX *ctx, const char *path, int kind), (ctx, path, kind))
TLS_FAILING(0, int, SSL_CTX_check_private_key, (const SSL_CTX *ctx), (ctx))
TLS_FAILING(NULL, X509 *, SSL_CTX_get0_certificate, (const SSL_CTX *ctx), (ctx))
TLS_FAILING(0, int, SSL_CTX_set_ex_data, (SSL_CTX *ctx, int at, void *p), (ctx, at, p))
TLS_FAILING(0, int, SSL_CTX_set_tlsext_ticket_key_evp_cb,
            (SSL_CTX *ctx, int (*give)(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *, EVP_MAC_CTX *, int)), (ctx, give))
TLS_FAILING(0, int, EVP_EncryptInit_ex, (EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, ENGINE *engine, const unsigned char *key, const unsigned char *iv),
            (ctx, cipher, engine, key, iv))
TLS_FAILING(0, int, EVP_DecryptInit_ex, (EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, ENGINE *engine, const unsigned char *key, const unsigned char *iv),
            (ctx, cipher, engine, key, iv))
TLS_FAILING(0, int, EVP_MAC_CTX_set_params, (EVP_MAC_CTX *ctx, const OSSL_PARAM *parameters), (ctx, parameters))
TLS_FAILING(NULL, X509 *, X509_new, (void), ())
/* The one kind of key that we make: of a named curve. */
EVP_PKEY *EVP_PKEY_Q_keygen(OSSL_LIB_CTX *library, const char *properties, const char *kind, ...)
{
    va_list rest;
    va_start(rest, kind);
    const char *curve = va_arg(rest, const char *);
    va_end(rest);
    return tls_fails() ? NULL : NEXT(EVP_PKEY_Q_keygen)(library, properties, kind, curve);
}

TLS_FAILING(0, int, X509_sign, (X509 *x, EVP_PKEY *key, const EVP_MD *md), (x, key, md))
TLS_FAILING(0, int, X509_set_pubkey, (X509 *x, EVP_PKEY *key), (x, key))
TLS_FAILING(0, int, X509_add_ext, (X509 *x, X509_EXTENSION *extension, int at), (x, extension, at))
TLS_FAILING(NULL, X509_EXTENSION *, X509V3_EXT_conf_nid, (LHASH_OF(CONF_VALUE) *conf, X509V3_CTX *ctx, int nid, const char *value), (conf, ctx, nid, value))
TLS_FAILING(NULL, X509 *, PEM_read_X509, (FILE *f, X509 **x, pem_password_cb *password, void *ctx), (f, x, password, ctx))
TLS_FAILING(NULL, EVP_PKEY *, PEM_read_PrivateKey, (FILE *f, EVP_PKEY **key, pem_password_cb *password, void *ctx), (f, key, password, ctx))
TLS_FAILING(0, int, PEM_write_X509, (FILE *f, const X509 *x), (f, x))
TLS_FAILING(0, int, PEM_write_PrivateKey, (FILE *f, const EVP_PKEY *key, const EVP_CIPHER *cipher, const unsigned char *word, int n, pem_password_cb *password, void *ctx),
            (f, key, cipher, word, n, password, ctx))

/* ── chance and passwords ── */

int RAND_bytes(unsigned char *p, int n)
{
    return fails(FAULT_RANDOM) ? 0 : NEXT(RAND_bytes)(p, n);
}

FAILING(FAULT_CRYPT, int, sodium_init, (void), NEXT(sodium_init)())
FAILING(FAULT_CRYPT, int, crypto_pwhash_str, (char ret[crypto_pwhash_STRBYTES], const char *password, unsigned long long n, unsigned long long passes, size_t memory),
        NEXT(crypto_pwhash_str)(ret, password, n, passes, memory))
FAILING(FAULT_CRYPT, int, crypto_pwhash,
        (unsigned char *ret, unsigned long long ret_n, const char *password, unsigned long long n, const unsigned char *salt,
         unsigned long long passes, size_t memory, int algorithm),
        NEXT(crypto_pwhash)(ret, ret_n, password, n, salt, passes, memory, algorithm))
