/* The first memory_max bytes stay in memory for good; what comes after goes to the file, at its offset less memory_max.
 * Appends to the file gather in a tail buffer, so that a row of a hundred bytes is not a system call.
 *
 *     0 ............ memory_max ............ tail_at ............ size
 *     └── memory ───┴──────── file ─────────┴─────── tail ───────┘
 */
#include "base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MEMORY_MAX_DEFAULT = 1 << 20, MEMORY_FIRST = 1024, TAIL_BYTES = 64 << 10, FORGET_STEP = 1 << 20 };

struct spool {
    const char *scratch_dir;
    uint64_t memory_max, bytes_max;
    uint64_t size;
    char *memory;
    size_t memory_cap;
    int fd; /* -1 until needed */
    char *tail;
    uint64_t tail_at; /* offset in the spool of the first byte in the tail */
    size_t tail_n;
    struct spool_total *total;
    uint64_t memory_taken, file_taken; /* of the total */
    uint64_t file_end, file_gone;      /* the file's bytes: so far written, so far forgotten */
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct spool *spool_new(const struct spool_config *config, struct error *err)
{
    struct spool *s = calloc(1, sizeof(*s));

    if (!s) {
        error_no_memory(err);
        return NULL;
    }
    s->fd = -1;
    s->scratch_dir = config->scratch_dir;
    s->bytes_max = config->bytes_max;
    s->total = config->total;
    s->memory_max = config->memory_max ? config->memory_max : MEMORY_MAX_DEFAULT;
    if (!s->scratch_dir)
        s->memory_max = UINT64_MAX;
    return s;
}

void spool_free(struct spool *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    if (s->total) {
        spool_total_give_memory(s->total, s->memory_taken);
        spool_total_give_file(s->total, s->file_taken);
    }
    free(s->tail);
    free(s->memory);
    free(s);
}

uint64_t spool_bytes(const struct spool *s)
{
    return s->size;
}

static bool open_file(struct spool *s, struct error *err)
{
    char path[4096];
    int n;

    s->fd = open(s->scratch_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd >= 0)
        return true;
    /* Some file systems have no nameless files: make one and drop its name. */
    n = snprintf(path, sizeof(path), "%s/spool-XXXXXX", s->scratch_dir);
    if (n < 0 || (size_t)n >= sizeof(path))
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the path of the scratch area is too long");
    s->fd = mkostemp(path, O_CLOEXEC);
    if (s->fd < 0)
        return error_from_errno(err, errno, "create a file in the scratch area");
    unlink(path);
    return true;
}

static bool take_file(struct spool *s, uint64_t end, struct error *err)
{
    uint64_t more = end > s->file_end ? end - s->file_end : 0;

    if (more == 0)
        return true;
    if (s->total && !spool_total_take_file(s->total, more, s->file_taken, err))
        return false;
    s->file_taken += more;
    s->file_end = end;
    return true;
}

static bool write_file(struct spool *s, uint64_t offset, const char *p, size_t n, struct error *err)
{
    if (n > 0 && s->fd < 0 && !open_file(s, err))
        return false;
    if (!take_file(s, offset + n - s->memory_max, err))
        return false;
    while (n > 0) {
        ssize_t got = pwrite(s->fd, p, n, (off_t)(offset - s->memory_max));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_from_errno(err, got < 0 ? errno : ENOSPC, "write to the scratch area");
        p += got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return true;
}

static bool flush_tail(struct spool *s, struct error *err)
{
    if (s->tail_n == 0)
        return true;
    if (!write_file(s, s->tail_at, s->tail, s->tail_n, err))
        return false;
    s->tail_n = 0;
    return true;
}

/* Memory for the first `need` bytes; new bytes are zeros. When the total has no more, what is there already is all the memory
 * that this spool will have (nothing is in the file yet, for only what memory does not hold goes there). */
static bool grow_memory(struct spool *s, uint64_t need, struct error *err)
{
    size_t cap = s->memory_cap ? s->memory_cap : MEMORY_FIRST;
    uint64_t more;
    char *p;

    if (need <= s->memory_cap)
        return true;
    while (cap < need) {
        if (cap > SIZE_MAX / 2)
            return error_no_memory(err);
        cap *= 2;
    }
    if (cap > s->memory_max)
        cap = (size_t)s->memory_max;
    more = s->total && s->scratch_dir && cap > SPOOL_MEMORY_FREE ? cap - SPOOL_MEMORY_FREE - s->memory_taken : 0;
    if (more > 0 && !spool_total_take_memory(s->total, more)) {
        s->memory_max = s->memory_cap;
        return true;
    }
    s->memory_taken += more;
    p = realloc(s->memory, cap);
    if (!p)
        return error_no_memory(err);
    memset(p + s->memory_cap, 0, cap - s->memory_cap);
    s->memory = p;
    s->memory_cap = cap;
    return true;
}

static bool has_room(const struct spool *s, uint64_t end, struct error *err)
{
    if (end > INT64_MAX || (s->bytes_max && end > s->bytes_max))
        return error_set(err, ERROR_DISK_FULL, "more than the %" PRIu64 " bytes that one request may use of the scratch area",
                         s->bytes_max ? s->bytes_max : (uint64_t)INT64_MAX);
    return true;
}

/* Appends beyond memory_max. */
static bool append_tail(struct spool *s, const char *p, size_t n, struct error *err)
{
    if (n >= TAIL_BYTES || (!s->tail && !(s->tail = malloc(TAIL_BYTES))))
        return flush_tail(s, err) && write_file(s, s->size, p, n, err);
    if (s->tail_n + n > TAIL_BYTES && !flush_tail(s, err))
        return false;
    if (s->tail_n == 0)
        s->tail_at = s->size;
    memcpy(s->tail + s->tail_n, p, n);
    s->tail_n += n;
    return true;
}

bool spool_write(struct spool *s, const void *bytes, size_t n, struct error *err)
{
    const char *p = bytes;
    size_t first;

    if (n == 0)
        return true;
    if (n > INT64_MAX || !has_room(s, s->size + n, err) || !grow_memory(s, least(s->size + n, s->memory_max), err))
        return false;
    first = s->size < s->memory_max ? (size_t)least(n, s->memory_max - s->size) : 0;
    if (first > 0) {
        memcpy(s->memory + s->size, p, first);
        s->size += first;
    }
    if (first < n) {
        if (!append_tail(s, p + first, n - first, err))
            return false;
        s->size += n - first;
    }
    return true;
}

bool spool_write_at(struct spool *s, uint64_t offset, const void *bytes, size_t n, struct error *err)
{
    const char *p = bytes;
    uint64_t end = offset + n;
    uint64_t in_memory;

    if (offset == s->size)
        return spool_write(s, bytes, n, err);
    if (n == 0)
        return true;
    if (end < offset)
        end = UINT64_MAX;
    if (!has_room(s, end, err))
        return false;
    /* A gap below memory_max must be there as zeros; one in the file is a hole and reads so by itself. */
    if (!grow_memory(s, least(end, s->memory_max), err) || !flush_tail(s, err))
        return false;
    in_memory = least(end, s->memory_max);
    if (offset < in_memory) {
        size_t first = (size_t)(in_memory - offset);
        memcpy(s->memory + offset, p, first);
        p += first;
        n -= first;
        offset = in_memory;
    }
    if (n > 0 && !write_file(s, offset, p, n, err))
        return false;
    if (end > s->size)
        s->size = end;
    return true;
}

bool spool_read(struct spool *s, uint64_t offset, void *bytes, size_t n, size_t *ret_n, struct error *err)
{
    char *p = bytes;
    struct str head = spool_peek(s, offset);
    size_t done = 0;

    if (offset >= s->size)
        n = 0;
    else if (n > s->size - offset)
        n = (size_t)(s->size - offset);
    if (head.n > 0) {
        done = head.n < n ? head.n : n;
        memcpy(p, head.p, done);
    }
    if (done < n && s->tail) { /* who reads has written, as a rule */
        if (!flush_tail(s, err))
            return false;
        free(s->tail);
        s->tail = NULL;
    }
    while (done < n) {
        ssize_t got = s->fd < 0 ? 0 : pread(s->fd, p + done, n - done, (off_t)(offset + done - s->memory_max));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_from_errno(err, errno, "read from the scratch area");
        if (got == 0)
            return error_set(err, ERROR_STORE_UNAVAILABLE, "a file in the scratch area is shorter than what was written");
        done += (size_t)got;
    }
    *ret_n = n;
    return true;
}

bool spool_settle(struct spool *s, struct error *err)
{
    return flush_tail(s, err);
}

bool spool_read_file(const struct spool *s, uint64_t offset, void *bytes, size_t n, struct error *err)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(s->fd, (char *)bytes + done, n - done, (off_t)(offset + done - s->memory_max));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_from_errno(err, errno, "read from the scratch area");
        if (got == 0)
            return error_set(err, ERROR_STORE_UNAVAILABLE, "a file in the scratch area is shorter than what was written");
        done += (size_t)got;
    }
    return true;
}

void spool_forget(struct spool *s, uint64_t offset)
{
    uint64_t upto = offset > s->memory_max ? (offset - s->memory_max) / FORGET_STEP * FORGET_STEP : 0;

    if (!s->total || s->fd < 0 || upto <= s->file_gone || upto > s->file_end)
        return;
    if (fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)s->file_gone, (off_t)(upto - s->file_gone)) != 0)
        return; /* not every file system can: then all of it goes back in the end */
    spool_total_give_file(s->total, upto - s->file_gone);
    s->file_taken -= upto - s->file_gone;
    s->file_gone = upto;
}

struct str spool_peek(const struct spool *s, uint64_t offset)
{
    uint64_t end = s->size < s->memory_max ? s->size : s->memory_max;

    if (offset >= end)
        return (struct str){"", 0};
    return (struct str){s->memory + offset, (size_t)(end - offset)};
}
