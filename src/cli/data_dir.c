/* The data directory and its lock (cli.h). The lock is flock(2) on DIR/server.lock with the holder's pid inside: it goes
 * with the process, however it ends. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/folder.h"
#include "cli/cli.h"

bool data_dir_make(const char *path, struct error *err)
{
    char said[sizeof err->message];
    if (folder_make(path, err))
        return true;
    snprintf(said, sizeof said, "%s", err->message);
    return error_set(err, err->code, "%s: %s", path, said);
}

static bool lock(struct data_dir *d, struct error *err)
{
    char path[4200], text[32] = "";
    snprintf(path, sizeof path, "%s/server.lock", d->path);
    d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (d->lock_fd < 0)
        return error_from_errno(err, errno, path);
    if (flock(d->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(d->lock_fd, text, sizeof text - 1, 0);
        close(d->lock_fd);
        d->lock_fd = -1;
        return error_set(err, ERROR_STORE_BUSY, "the data directory %s is in use by pid %.*s", d->path, n > 0 ? (int)strcspn(text, "\n") : 1,
                         n > 0 ? text : "?");
    }
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(d->lock_fd, 0) != 0 || pwrite(d->lock_fd, text, (size_t)n, 0) != n)
        return error_from_errno(err, errno, path);
    return true;
}

bool data_dir_open(const char *path, bool exclusive, struct data_dir *ret, struct error *err)
{
    *ret = (struct data_dir){.path = path, .lock_fd = -1};
    if (snprintf(ret->scratch, sizeof ret->scratch, "%s/scratch", path) >= (int)sizeof ret->scratch ||
        snprintf(ret->reports, sizeof ret->reports, "%s/reports", path) >= (int)sizeof ret->reports)
        return error_set(err, ERROR_BAD_REQUEST, "the path of the data directory is too long");
    if (!data_dir_make(path, err) || !data_dir_make(ret->scratch, err))
        return false;
    if (access(path, R_OK | W_OK | X_OK) != 0)
        return error_from_errno(err, errno, path);
    return !exclusive || lock(ret, err);
}

void data_dir_close(struct data_dir *d)
{
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    d->lock_fd = -1;
}
