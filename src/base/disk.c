/* The disk's reserve (disk.h). */
#include "base/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { DEFAULT_PERCENT = 5, DEFAULT_SHARE = 4, PERCENT_MAX = 99 };
static const uint64_t default_least = (uint64_t)512 << 20;

static bool refuse(struct str text, struct error *err)
{
    return error_set(err, ERROR_BAD_REQUEST, "\"" FMT_STR "\" is no reserve: a number of bytes, with K, M, G or T behind it, a share from 1%% to 99%%, or 0 for none",
                     ARG_STR(str_head_utf8(text, 100)));
}

static unsigned shift_of(char unit)
{
    static const char units[] = "KMGT";
    for (unsigned i = 0; units[i]; i++)
        if (unit == units[i] || unit == units[i] + ('a' - 'A'))
            return 10 * (i + 1);
    return 0;
}

bool disk_reserve_parse(struct str text, struct disk_reserve *ret, struct error *err)
{
    struct str digits = text;
    uint64_t n;
    unsigned shift = text.n ? shift_of(text.p[text.n - 1]) : 0;
    bool percent = str_ends(text, STR("%"));
    if (shift || percent)
        digits = str_head(text, text.n - 1);
    if (!str_to_u64(digits, &n) || n > UINT64_MAX >> 1 >> shift || (percent && (n == 0 || n > PERCENT_MAX)))
        return refuse(text, err);
    *ret = (struct disk_reserve){n == 0 ? DISK_RESERVE_NONE : percent ? DISK_RESERVE_PERCENT : DISK_RESERVE_BYTES, n << shift};
    return true;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t share(uint64_t bytes, uint64_t percent)
{
    return bytes / 100 * percent + bytes % 100 * percent / 100;
}

uint64_t disk_reserve_bytes(const struct disk_reserve *r, uint64_t file_system_bytes)
{
    switch (r->kind) {
    case DISK_RESERVE_NONE:
        return 0;
    case DISK_RESERVE_DEFAULT: {
        uint64_t quarter = file_system_bytes / DEFAULT_SHARE;
        return larger(share(file_system_bytes, DEFAULT_PERCENT), default_least < quarter ? default_least : quarter);
    }
    case DISK_RESERVE_PERCENT:
        return share(file_system_bytes, r->n);
    case DISK_RESERVE_BYTES:
        return r->n;
    }
    return 0;
}

/* "1.4 GiB", "310 MiB" */
static void write_size(char ret[24], uint64_t bytes)
{
    if (bytes >= (uint64_t)1 << 30)
        snprintf(ret, 24, "%.1f GiB", (double)bytes / (double)((uint64_t)1 << 30));
    else if (bytes >= (uint64_t)1 << 20)
        snprintf(ret, 24, "%.1f MiB", (double)bytes / (double)((uint64_t)1 << 20));
    else
        snprintf(ret, 24, "%llu bytes", (unsigned long long)bytes);
}

bool disk_space(const char *path, uint64_t *ret_free, uint64_t *ret_all, struct error *err)
{
    struct statvfs st;
    if (statvfs(path, &st) != 0)
        return error_from_errno(err, errno, "look at the space on the disk");
    *ret_all = (uint64_t)st.f_blocks * st.f_frsize;
    *ret_free = (uint64_t)st.f_bavail * st.f_frsize;
    return true;
}

bool disk_has_room(const struct disk_reserve *r, const char *path, uint64_t bytes, struct error *err)
{
    uint64_t all = 0, free_bytes = 0; /* gcc sees no further than that a refusal returns something */
    char has[24], keeps[24], wants[24], what[64] = "";
    if (r->kind == DISK_RESERVE_NONE)
        return true;
    if (!disk_space(path, &free_bytes, &all, err))
        return false;
    uint64_t reserve = disk_reserve_bytes(r, all);
    if (all == 0 || (free_bytes >= reserve && free_bytes - reserve >= bytes))
        return true; /* some file systems do not know their size: then the disk itself has to say when it is full */
    write_size(has, free_bytes);
    write_size(keeps, reserve);
    write_size(wants, bytes);
    if (free_bytes >= reserve)
        snprintf(what, sizeof what, " and this needs about %s more", wants);
    error_set(err, ERROR_DISK_FULL, "the disk is nearly full: %s are free, %s are kept in reserve%s; nothing was written: free some space, or lower --disk-reserve, and send it again",
              has, keeps, what);
    error_data_i64(err, "free_bytes", (int64_t)free_bytes);
    error_data_i64(err, "reserve_bytes", (int64_t)reserve);
    return false;
}

bool disk_can_give(const char *folder, uint64_t bytes, struct error *err)
{
    static const char act[] = "take space on the disk";
    int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EOPNOTSUPP || errno == EISDIR || error_from_errno(err, errno, act);
    int rc = fallocate(fd, 0, 0, (off_t)bytes), saved = errno;
    close(fd);
    return rc == 0 || saved == EOPNOTSUPP || saved == EINTR || error_from_errno(err, saved, act);
}
