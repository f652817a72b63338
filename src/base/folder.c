/* Folders on disk (folder.h). */
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4500 };

/* ret_denied: a folder that may be passed through but not read cannot be opened for its sync. */
static bool sync_one(const char *path, bool *ret_denied, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *ret_denied = fd < 0 && errno == EACCES;
    if (fd < 0)
        return error_from_errno(err, errno, "open a folder of the data directory");
    int rc = fsync(fd), saved = errno;
    close(fd);
    return rc == 0 || error_from_errno(err, saved, "sync a folder of the data directory");
}

bool folder_sync(const char *path, struct error *err)
{
    bool denied;
    return sync_one(path, &denied, err);
}

/* "a/b" → "a", "/a" → "/", "a" → ".", "a/b/" → "a" */
static bool holder_of(const char *path, char ret[PATH_BYTES], struct error *err)
{
    size_t n = strlen(path);
    if (n >= PATH_BYTES)
        return error_set(err, ERROR_BAD_REQUEST, "a path of %zu bytes is too long", n);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    memcpy(ret, path, n);
    ret[n] = 0;
    if (n == 0)
        memcpy(ret, ".", 2);
    return true;
}

bool folder_sync_name(const char *path, struct error *err)
{
    char holder[PATH_BYTES];
    return holder_of(path, holder, err) && folder_sync(holder, err);
}

/* One that is there may be the work of a process that was killed before its sync, so its name is synced all the same; in a
 * folder that is not ours to read it was there before us. */
bool folder_make(const char *path, struct error *err)
{
    char holder[PATH_BYTES];
    struct stat st;
    bool made = mkdir(path, 0700) == 0, denied;
    int saved = errno;
    if (!made && saved != EEXIST)
        return error_from_errno(err, saved, "make a folder of the data directory");
    if (!made && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
        return error_from_errno(err, ENOTDIR, "make a folder of the data directory");
    return holder_of(path, holder, err) && (sync_one(holder, &denied, err) || (!made && denied));
}
