/* Lines to a file by a thread (log_file.h): two buffers, one that is added to while the other is written. */
#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

enum { GATHER_MS = 50, CLOSE_MS = 1000, POLL_MS = 100, PIECE_BYTES = 4096 /* PIPE_BUF */ };

struct log_file {
    char *path;
    int fd;
    bool is_pipe;            /* written in pieces that it takes whole when it is ready */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct buf gathered;
    uint64_t lost;           /* lines that were not written, and not told of yet */
    bool stopping, reopen;
    uint64_t give_up_ms;     /* when stopping */
    /* the thread's */
    struct buf writing;
    bool in_line;            /* the file ends within a line */
    bool is_losing;          /* the last lines could not be written */
};

static void close_file(struct log_file *l)
{
    if (l->fd >= 0 && l->fd != STDOUT_FILENO)
        close(l->fd);
}

static bool open_path(struct log_file *l, struct error *err)
{
    bool is_standard = strcmp(l->path, "-") == 0;
    int fd = is_standard ? STDOUT_FILENO : open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    struct stat st;
    char what[512];
    if (fd < 0) {
        int saved = errno;
        snprintf(what, sizeof what, "open the access log \"%.400s\"", l->path);
        return error_from_errno(err, saved, what);
    }
    close_file(l);
    l->fd = fd;
    l->is_pipe = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode);
    l->in_line = false;
    return true;
}

/* ── the thread ── */

static bool gave_up(struct log_file *l)
{
    pthread_mutex_lock(&l->lock);
    bool yes = l->stopping && clock_mono_ms() >= l->give_up_ms;
    pthread_mutex_unlock(&l->lock);
    return yes;
}

/* A pipe or terminal whose reader sleeps is waited for, and meanwhile the other buffer fills; only the end does not wait. */
static bool is_ready(struct log_file *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLOUT};
    while (poll(&p, 1, POLL_MS) == 0 || (p.revents == 0 && errno == EINTR))
        if (gave_up(l)) {
            errno = EAGAIN;
            return false;
        }
    return true;
}

/* How much of it was written; less than all: errno says why. */
static size_t write_bytes(struct log_file *l, struct str bytes)
{
    size_t done = 0;
    while (done < bytes.n) {
        struct str piece = str_skip(bytes, done);
        if (l->is_pipe && !is_ready(l))
            break;
        ssize_t n = write(l->fd, piece.p, l->is_pipe && piece.n > PIECE_BYTES ? PIECE_BYTES : piece.n);
        if (n < 0 && (errno == EINTR || (errno == EAGAIN && !gave_up(l))))
            continue;
        if (n < 0)
            break;
        done += (size_t)n;
        l->in_line = piece.p[n - 1] != '\n';
    }
    return done;
}

static uint64_t lines_in(struct str s)
{
    uint64_t n = 0;
    for (const char *p = s.p; s.n && (p = memchr(p, '\n', (size_t)(s.p + s.n - p))); p++)
        n++;
    return n;
}

static void lose(struct log_file *l, uint64_t n)
{
    metrics_add(METRIC_LOG_LINES_LOST, n);
    pthread_mutex_lock(&l->lock);
    l->lost += n;
    pthread_mutex_unlock(&l->lock);
}

/* Ends a line that was cut off, and tells of those that are missing. */
static bool catch_up(struct log_file *l)
{
    char time[LOG_TIME_LENGTH + 1];
    struct buf line = {0};
    pthread_mutex_lock(&l->lock);
    uint64_t lost = l->lost;
    pthread_mutex_unlock(&l->lock);
    if (l->in_line)
        buf_add_byte(&line, '\n');
    if (lost) {
        log_time(clock_wall_ms(), time);
        buf_printf(&line, "{\"time\":\"%s\",\"level\":\"warn\",\"message\":\"%llu lines of this log could not be written\"}\n", time, (unsigned long long)lost);
    }
    bool ok = buf_ok(&line) && write_bytes(l, buf_str(&line)) == line.n;
    buf_free(&line);
    if (ok && lost) {
        pthread_mutex_lock(&l->lock);
        l->lost -= lost;
        pthread_mutex_unlock(&l->lock);
    }
    return ok;
}

/* The first failure of a row is told in the other log. */
static void write_gathered(struct log_file *l)
{
    struct str all = buf_str(&l->writing);
    size_t done = catch_up(l) ? write_bytes(l, all) : 0;
    int saved = errno;
    uint64_t lost = lines_in(str_skip(all, done));
    if (lost && !l->is_losing)
        log_line(LOG_ERROR, "the access log cannot be written: %s; its lines are lost until that is mended", strerrordesc_np(saved));
    l->is_losing = lost > 0;
    if (lost)
        lose(l, lost);
    buf_reset(&l->writing);
}

static void open_again(struct log_file *l)
{
    struct error err;
    if (!open_path(l, &err))
        log_line(LOG_ERROR, "%s: the old file goes on", err.message);
}

/* Waits for lines, then a little longer for more of them, unless it is the end. False: it is, and there are none. */
static bool wait_for_lines(struct log_file *l)
{
    struct timespec until;
    while (!l->gathered.n && !l->stopping && !l->reopen)
        pthread_cond_wait(&l->wake, &l->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += GATHER_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    while (!l->stopping && pthread_cond_timedwait(&l->wake, &l->lock, &until) == 0)
        ;
    return l->gathered.n || !l->stopping;
}

static void *run(void *arg)
{
    struct log_file *l = arg;
    pthread_setname_np(pthread_self(), "log");
    pthread_mutex_lock(&l->lock);
    while (wait_for_lines(l)) {
        struct buf empty = l->writing;
        bool reopen = l->reopen;
        l->writing = l->gathered;
        l->gathered = empty;
        l->reopen = false;
        pthread_mutex_unlock(&l->lock);
        if (reopen)
            open_again(l);
        if (l->writing.n)
            write_gathered(l);
        pthread_mutex_lock(&l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* ── everybody's ── */

void log_file_add(struct log_file *l, struct str line)
{
    pthread_mutex_lock(&l->lock);
    bool fits = line.n <= LOG_FILE_LINE_MAX && l->gathered.n + line.n <= LOG_FILE_BYTES_MAX, first = l->gathered.n == 0;
    if (fits) {
        buf_add_str(&l->gathered, line);
        if (l->gathered.failed) { /* for want of memory: what was there before stays */
            l->gathered.failed = false;
            fits = false;
        }
    }
    if (!fits)
        l->lost++;
    pthread_mutex_unlock(&l->lock);
    metrics_add(METRIC_LOG_LINES_LOST, !fits);
    if (first)
        pthread_cond_signal(&l->wake);
}

void log_file_reopen(struct log_file *l)
{
    pthread_mutex_lock(&l->lock);
    l->reopen = true;
    pthread_mutex_unlock(&l->lock);
    pthread_cond_signal(&l->wake);
}

static void free_all(struct log_file *l)
{
    close_file(l);
    buf_free(&l->gathered);
    buf_free(&l->writing);
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->lock);
    free(l->path);
    free(l);
}

static int start_thread(struct log_file *l)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are for the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&l->thread, NULL, run, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

struct log_file *log_file_open(const char *path, struct error *err)
{
    struct log_file *l = calloc(1, sizeof *l);
    pthread_condattr_t attr;
    int rc;
    if (!l) {
        error_no_memory(err);
        return NULL;
    }
    l->fd = -1;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->wake, &attr);
    pthread_condattr_destroy(&attr);
    l->path = strdup(path);
    if (!l->path)
        error_no_memory(err);
    else if (open_path(l, err) && (rc = start_thread(l)) != 0)
        error_from_errno(err, rc, "start the access log's thread");
    else if (l->fd >= 0)
        return l;
    free_all(l);
    return NULL;
}

void log_file_close(struct log_file *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    l->give_up_ms = clock_mono_ms() + CLOSE_MS;
    pthread_mutex_unlock(&l->lock);
    pthread_cond_signal(&l->wake);
    pthread_join(l->thread, NULL);
    free_all(l);
}
