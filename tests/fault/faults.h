/* The page that a test and a server under faults (faults.c) share: a file, named by SELTZER_FAULTS, mapped by both. The test
 * writes the wish and arms it; the server counts the calls of each kind while it is armed and makes the wished ones fail.
 * tests/wire/faults.py knows the same layout: 32-bit words, in this order. */
#ifndef SELTZER_TESTS_FAULTS_H
#define SELTZER_TESTS_FAULTS_H

#include <stdatomic.h>

enum fault_kind {
    FAULT_MALLOC,    /* malloc calloc realloc strdup: of our code, SQLite, OpenSSL and libc alike */
    FAULT_OPEN,      /* open openat mkostemp fopen fdopen opendir */
    FAULT_READ,      /* read pread, of files */
    FAULT_WRITE,     /* write pwrite fflush, of files */
    FAULT_SYNC,      /* fsync fdatasync sync_file_range */
    FAULT_SIZE,      /* ftruncate fallocate */
    FAULT_NAME,      /* rename unlink unlinkat remove mkdir mkdtemp rmdir */
    FAULT_MAP,       /* mmap mremap */
    FAULT_RECEIVE,   /* read recv, of sockets */
    FAULT_SEND,      /* write send, of sockets */
    FAULT_ACCEPT,    /* accept4 */
    FAULT_EPOLL,     /* epoll_ctl */
    FAULT_THREAD,    /* pthread_create */
    FAULT_SQL,       /* sqlite3_open_v2 prepare_v3 step exec bind_… create_… wal_checkpoint_v2 file_control db_config */
    FAULT_TLS,       /* SSL_…, SSL_CTX_…, X509_…, EVP_… and PEM_… that we call */
    FAULT_LOCK,      /* fcntl that locks, flock */
    FAULT_LOOK,      /* stat fstat lstat fstatat statvfs access readdir */
    FAULT_CLOSE,     /* close, of files and sockets: it is closed, and says that it failed */
    FAULT_SETUP,     /* socket bind listen setsockopt getsockopt chmod fchmod getsockname shutdown eventfd epoll_create1 getrlimit setrlimit prctl
                      getaddrinfo getnameinfo */
    FAULT_RANDOM,    /* getrandom, RAND_bytes */
    FAULT_WAIT,      /* epoll_wait poll */
    FAULT_CRYPT,     /* crypto_pwhash crypto_pwhash_str sodium_init */
    FAULT_KINDS
};

enum fault_action {
    FAULT_COUNT,     /* nothing fails */
    FAULT_FAIL,      /* with `number` in errno (of SQL: as the result code) */
    FAULT_KILL,      /* the process ends there, before the call, as by kill -9 */
    FAULT_SHORT,     /* reads and writes do half of what was asked for */
};

struct faults {
    atomic_uint armed;
    atomic_uint action, kind, first, times, number;
    atomic_uint fired;
    atomic_uint only_rows; /* calls on files other than rows-*.db do not count */
    atomic_uint seen[FAULT_KINDS];
};

#endif
