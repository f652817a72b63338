/* The disk of power.h. Files and folders are known by their inode numbers; each has what the disk holds of it for sure and the
 * changes since. Everything is under one lock, at_sync and the images too, so that a cut is a moment. */
#include "power.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 80, SECTOR = 512, PATH_BYTES = 512 };

struct change {            /* of a file: bytes at an offset, or a new size (bytes NULL) */
    size_t at, n;
    unsigned char *bytes;
};

struct name_change {       /* of a folder: `name` means node from now on, or nothing (NULL); `from` meant it until now */
    char name[NAME_MAX_BYTES], from[NAME_MAX_BYTES];
    struct node *node;
};

struct entry {
    char name[NAME_MAX_BYTES];
    struct node *node;
};

struct node {
    ino_t ino;
    bool is_folder;
    char name[NAME_MAX_BYTES]; /* the last one, for messages */
    /* of a file */
    unsigned char *bytes;
    size_t n, n_changes;
    struct change *changes;
    /* of a folder */
    struct entry *entries;
    struct name_change *name_changes;
    size_t n_entries, n_name_changes;
    struct node *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool watching;
static struct node *nodes, *root;
static power_at_sync *on_sync;
static void *on_sync_ctx;

static void give_up(const char *what)
{
    fprintf(stderr, "power: %s: %s\n", what, strerror(errno));
    abort();
}

static void *must(void *p)
{
    if (!p)
        give_up("memory");
    return p;
}

static void name_of_path(const char *path, char ret[NAME_MAX_BYTES])
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (strlen(name) >= NAME_MAX_BYTES)
        give_up(path);
    memcpy(ret, name, strlen(name) + 1);
}

/* ── nodes ── */

static struct node *add_node(ino_t ino, bool is_folder, const char *name)
{
    struct node *node = must(calloc(1, sizeof *node));
    node->ino = ino;
    node->is_folder = is_folder;
    memcpy(node->name, name, strlen(name) + 1);
    node->next = nodes; /* before a former file of the same number */
    nodes = node;
    return node;
}

static struct node *find_node(ino_t ino)
{
    struct node *node = nodes;
    while (node && node->ino != ino)
        node = node->next;
    return node;
}

static struct node *node_of_descriptor(int fd)
{
    struct stat st;
    return syscall(SYS_fstat, fd, &st) == 0 ? find_node(st.st_ino) : NULL;
}

static struct node *node_of_path(const char *path)
{
    struct stat st;
    return syscall(SYS_stat, path, &st) == 0 ? find_node(st.st_ino) : NULL;
}

/* The watched folder that holds the path's last name, or NULL. */
static struct node *folder_of(const char *path, char ret_name[NAME_MAX_BYTES])
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash - path) >= sizeof folder)
        return NULL;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = 0;
    struct node *node = node_of_path(folder);
    if (node)
        name_of_path(path, ret_name);
    return node && node->is_folder ? node : NULL;
}

static void set_entry(struct entry **entries, size_t *n, const char *name, struct node *node)
{
    size_t i = 0;
    while (i < *n && strcmp((*entries)[i].name, name) != 0)
        i++;
    if (!node) {
        if (i < *n)
            (*entries)[i] = (*entries)[--*n];
        return;
    }
    if (i == *n) {
        *entries = must(realloc(*entries, (*n + 1) * sizeof **entries));
        memcpy((*entries)[(*n)++].name, name, strlen(name) + 1);
    }
    (*entries)[i].node = node;
}

static void apply_name_change(struct entry **entries, size_t *n, const struct name_change *c)
{
    if (c->from[0])
        set_entry(entries, n, c->from, NULL);
    set_entry(entries, n, c->name, c->node);
}

static void resize(unsigned char **bytes, size_t *n, size_t size, int dirt)
{
    if (size > *n) {
        *bytes = must(realloc(*bytes, size));
        memset(*bytes + *n, dirt, size - *n);
    }
    *n = size;
}

static void apply_change(unsigned char **bytes, size_t *n, const struct change *c, size_t length, int dirt)
{
    if (!c->bytes) {
        resize(bytes, n, c->at, dirt);
        return;
    }
    if (length == 0)
        return;
    if (c->at + length > *n)
        resize(bytes, n, c->at + length, dirt);
    memcpy(*bytes + c->at, c->bytes, length);
}

/* ── changes ── */

static void note_change(struct node *node, size_t at, const void *bytes, size_t n)
{
    if (!node || node->is_folder)
        return;
    node->changes = must(realloc(node->changes, (node->n_changes + 1) * sizeof *node->changes));
    struct change *c = &node->changes[node->n_changes++];
    *c = (struct change){.at = at, .n = n};
    if (bytes)
        c->bytes = memcpy(must(malloc(n)), bytes, n);
}

static void note_name(struct node *folder, const char *name, const char *from, struct node *node)
{
    folder->name_changes = must(realloc(folder->name_changes, (folder->n_name_changes + 1) * sizeof *folder->name_changes));
    struct name_change *c = &folder->name_changes[folder->n_name_changes++];
    *c = (struct name_change){.node = node};
    memcpy(c->name, name, strlen(name) + 1);
    if (from)
        memcpy(c->from, from, strlen(from) + 1);
}

static void note_made(const char *path, bool is_folder)
{
    char name[NAME_MAX_BYTES];
    struct stat st;
    struct node *folder = folder_of(path, name);
    if (folder && syscall(SYS_stat, path, &st) == 0)
        note_name(folder, name, NULL, add_node(st.st_ino, is_folder, name));
}

/* The file system may give the number to another file, which may be none of ours. */
static void lose_number(struct node *node)
{
    if (node)
        node->ino = 0;
}

static void settle(struct node *node)
{
    for (size_t i = 0; i < node->n_changes; i++) {
        apply_change(&node->bytes, &node->n, &node->changes[i], node->changes[i].n, 0);
        free(node->changes[i].bytes);
    }
    for (size_t i = 0; i < node->n_name_changes; i++)
        apply_name_change(&node->entries, &node->n_entries, &node->name_changes[i]);
    node->n_changes = node->n_name_changes = 0;
}

/* ── the calls ── */

static bool begin(void)
{
    if (!atomic_load(&watching))
        return false;
    pthread_mutex_lock(&lock);
    return true;
}

static void end(bool begun)
{
    int saved = errno;
    if (begun)
        pthread_mutex_unlock(&lock);
    errno = saved;
}

static int open_as(const char *path, int flags, va_list rest)
{
    struct stat st;
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    bool begun = begin(), is_new = begun && (flags & O_CREAT) && syscall(SYS_stat, path, &st) != 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (begun && fd >= 0 && is_new)
        note_made(path, false);
    else if (begun && fd >= 0 && (flags & O_TRUNC))
        note_change(node_of_descriptor(fd), 0, NULL, 0);
    end(begun);
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int fd = open_as(path, flags, rest);
    va_end(rest);
    return fd;
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int fd = open_as(path, flags, rest);
    va_end(rest);
    return fd;
}

int mkostemp(char *path, int flags)
{
    int (*real)(char *, int) = (int (*)(char *, int))dlsym(RTLD_NEXT, "mkostemp");
    bool begun = begin();
    int fd = real(path, flags);
    if (begun && fd >= 0)
        note_made(path, false);
    end(begun);
    return fd;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    bool begun = begin();
    ssize_t did = syscall(SYS_pwrite64, fd, p, n, at);
    if (begun && did > 0)
        note_change(node_of_descriptor(fd), (size_t)at, p, (size_t)did);
    end(begun);
    return did;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return pwrite64(fd, p, n, at);
}

ssize_t write(int fd, const void *p, size_t n)
{
    bool begun = begin();
    struct node *node = begun ? node_of_descriptor(fd) : NULL;
    off_t at = node ? (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR) : 0;
    ssize_t did = syscall(SYS_write, fd, p, n);
    if (node && did > 0)
        note_change(node, (size_t)at, p, (size_t)did);
    end(begun);
    return did;
}

int ftruncate64(int fd, off_t size)
{
    bool begun = begin();
    int rc = (int)syscall(SYS_ftruncate, fd, size);
    if (begun && rc == 0)
        note_change(node_of_descriptor(fd), (size_t)size, NULL, 0);
    end(begun);
    return rc;
}

int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

static void load_file(struct node *node, const char *path);

/* What stdio wrote went past our write(). */
static void settle_all(struct node *node, int fd)
{
    struct stat st;
    char path[40];
    settle(node);
    if (node->is_folder || syscall(SYS_fstat, fd, &st) != 0 || (size_t)st.st_size == node->n)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    load_file(node, path);
}

static int sync_as(long call, int fd)
{
    bool begun = begin();
    struct node *node = begun ? node_of_descriptor(fd) : NULL;
    if (node && on_sync)
        on_sync(on_sync_ctx, "before", node->name);
    int rc = (int)syscall(call, fd);
    if (node && rc == 0) {
        settle_all(node, fd);
        if (on_sync)
            on_sync(on_sync_ctx, "after", node->name);
    }
    end(begun);
    return rc;
}

int fsync(int fd)
{
    return sync_as(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_as(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
    char old[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
    bool begun = begin();
    struct node *folder = begun ? folder_of(from, old) : NULL, *target = begun ? folder_of(to, name) : NULL;
    struct node *node = folder ? node_of_path(from) : NULL, *replaced = target ? node_of_path(to) : NULL;
    if (folder != target)
        give_up("a rename from one folder to another is not foreseen");
    int rc = (int)syscall(SYS_rename, from, to);
    if (folder && rc == 0 && node) {
        lose_number(replaced);
        note_name(folder, name, old, node);
        memcpy(node->name, name, sizeof name);
    }
    end(begun);
    return rc;
}

static void note_gone(int folder_fd, const char *path, struct node *node)
{
    char name[NAME_MAX_BYTES];
    struct node *folder;
    lose_number(node);
    if (folder_fd == AT_FDCWD) {
        folder = folder_of(path, name);
    } else {
        folder = node_of_descriptor(folder_fd);
        name_of_path(path, name);
    }
    if (folder)
        note_name(folder, name, NULL, NULL);
}

int unlinkat(int folder, const char *path, int flags)
{
    struct stat st;
    bool begun = begin();
    struct node *node = begun && syscall(SYS_newfstatat, folder, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? find_node(st.st_ino) : NULL;
    int rc = (int)syscall(SYS_unlinkat, folder, path, flags);
    if (begun && rc == 0)
        note_gone(folder, path, node);
    end(begun);
    return rc;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdir(const char *path, mode_t mode)
{
    bool begun = begin();
    int rc = (int)syscall(SYS_mkdir, path, mode);
    if (begun && rc == 0)
        note_made(path, true);
    end(begun);
    return rc;
}

/* ── watching ── */

static void load_file(struct node *node, const char *path)
{
    struct stat st;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || syscall(SYS_fstat, fd, &st) != 0)
        give_up(path);
    resize(&node->bytes, &node->n, (size_t)st.st_size, 0);
    if (node->n && syscall(SYS_pread64, fd, node->bytes, node->n, 0) != (long)node->n)
        give_up(path);
    syscall(SYS_close, fd);
}

static struct node *load(const char *path)
{
    struct stat st;
    char name[NAME_MAX_BYTES], below[PATH_BYTES];
    if (syscall(SYS_stat, path, &st) != 0)
        give_up(path);
    name_of_path(path, name);
    struct node *node = add_node(st.st_ino, S_ISDIR(st.st_mode), name);
    if (!node->is_folder) {
        load_file(node, path);
        return node;
    }
    DIR *dir = opendir(path);
    if (!dir)
        give_up(path);
    for (struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if ((size_t)snprintf(below, sizeof below, "%s/%s", path, e->d_name) >= sizeof below)
            give_up(path);
        struct node *child = load(below);
        set_entry(&node->entries, &node->n_entries, child->name, child);
    }
    closedir(dir);
    return node;
}

void power_watch(const char *folder, power_at_sync *at_sync, void *ctx)
{
    pthread_mutex_lock(&lock);
    root = load(folder);
    on_sync = at_sync;
    on_sync_ctx = ctx;
    atomic_store(&watching, true);
    pthread_mutex_unlock(&lock);
}

void power_forget(void)
{
    pthread_mutex_lock(&lock);
    atomic_store(&watching, false);
    while (nodes) {
        struct node *node = nodes;
        nodes = node->next;
        settle(node);
        free(node->bytes);
        free(node->changes);
        free(node->entries);
        free(node->name_changes);
        free(node);
    }
    root = NULL;
    pthread_mutex_unlock(&lock);
}

void power_cut(power_at_sync *now, void *ctx)
{
    pthread_mutex_lock(&lock);
    now(ctx, "between", "");
    pthread_mutex_unlock(&lock);
}

/* ── images ── */

static bool one_of(unsigned *seed, unsigned n)
{
    return (unsigned)rand_r(seed) % n == 0;
}

static void shuffle(size_t *order, size_t n, unsigned *seed)
{
    for (size_t i = n; i > 1; i--) {
        size_t other = (size_t)rand_r(seed) % i, was = order[i - 1];
        order[i - 1] = order[other];
        order[other] = was;
    }
}

/* What the disk holds of a change: all of it, or the sectors up to some place. */
static size_t length_kept(const struct change *c, enum power_loss how, unsigned *seed)
{
    if (how != POWER_TORN || !c->bytes || !one_of(seed, 2))
        return c->n;
    size_t first = SECTOR - c->at % SECTOR, sectors = c->n > first ? (c->n - first) / SECTOR + 1 : 0;
    size_t kept = (size_t)rand_r(seed) % (sectors + 1);
    return kept == 0 ? 0 : first + (kept - 1) * SECTOR;
}

static void apply_some(struct node *node, enum power_loss how, unsigned *seed, unsigned char **bytes, size_t *n)
{
    size_t *order = must(malloc((node->n_changes + 1) * sizeof *order));
    for (size_t i = 0; i < node->n_changes; i++)
        order[i] = i;
    if (how == POWER_SOME)
        shuffle(order, node->n_changes, seed);
    for (size_t i = 0; i < node->n_changes; i++) {
        const struct change *c = &node->changes[order[i]];
        if (how == POWER_EVERYTHING || !one_of(seed, 2))
            apply_change(bytes, n, c, length_kept(c, how, seed), how == POWER_SOME ? 0xa5 : 0);
    }
    free(order);
}

static void write_file(struct node *node, enum power_loss how, unsigned *seed, const char *to)
{
    unsigned char *bytes = must(malloc(node->n + 1));
    size_t n = node->n;
    if (n)
        memcpy(bytes, node->bytes, n);
    if (how != POWER_NOTHING)
        apply_some(node, how, seed, &bytes, &n);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || syscall(SYS_pwrite64, fd, bytes, n, 0) != (long)n)
        give_up(to);
    syscall(SYS_close, fd);
    free(bytes);
}

static bool is_shared_memory(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, "-shm") == 0; /* SQLite's own, written through a mapping and made anew by who comes first */
}

static void write_folder(struct node *node, enum power_loss how, unsigned *seed, const char *to)
{
    char below[PATH_BYTES];
    size_t n = node->n_entries;
    struct entry *entries = must(malloc((n + 1) * sizeof *entries));
    if (n)
        memcpy(entries, node->entries, n * sizeof *entries);
    for (size_t i = 0; how != POWER_NOTHING && i < node->n_name_changes; i++)
        if (how == POWER_EVERYTHING || !one_of(seed, 2))
            apply_name_change(&entries, &n, &node->name_changes[i]);
    if (syscall(SYS_mkdir, to, 0700) != 0)
        give_up(to);
    for (size_t i = 0; i < n; i++) {
        if (is_shared_memory(entries[i].name))
            continue;
        if ((size_t)snprintf(below, sizeof below, "%s/%s", to, entries[i].name) >= sizeof below)
            give_up(to);
        if (entries[i].node->is_folder)
            write_folder(entries[i].node, how, seed, below);
        else
            write_file(entries[i].node, how, seed, below);
    }
    free(entries);
}

void power_image(enum power_loss how, unsigned *seed, const char *to)
{
    write_folder(root, how, seed, to);
}
