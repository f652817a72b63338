/* Watching the certificate's files (certificate_watch.h). */
#include "cli/certificate_watch.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

enum { LOOK_MS = 1000, HOUR_MS = 3600 * 1000, DAY_S = 86400 };

static struct file_mark mark_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return (struct file_mark){.missing = errno};
    return (struct file_mark){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim, 0};
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_mark(const struct file_mark *a, const struct file_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes && same_time(a->written, b->written) &&
           same_time(a->changed, b->changed) && a->missing == b->missing;
}

static bool same_marks(const struct file_mark *a, const struct file_mark *b)
{
    return same_mark(&a[0], &b[0]) && same_mark(&a[1], &b[1]);
}

static void look_at(const struct certificate_watch *w, struct file_mark *ret)
{
    for (int i = 0; i < 2; i++)
        ret[i] = mark_of(w->paths[i]);
}

static void date_of(int64_t seconds, char *ret, size_t n)
{
    int64_t year;
    unsigned month, day;
    clock_civil_from_days(seconds / DAY_S, &year, &month, &day);
    snprintf(ret, n, "%04lld-%02u-%02u", (long long)year, month, day);
}

int certificate_days_left(int64_t ends_s, int64_t now_s)
{
    static const int warnings[] = {0, 3, 14, 30};
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++)
        if (ends_s - now_s <= (int64_t)warnings[i] * DAY_S)
            return warnings[i];
    return CERTIFICATE_UNWARNED;
}

/* Once at each of the steps, for the certificate in use. */
static void warn_of_end(struct certificate_watch *w)
{
    struct http_tls_state state;
    char date[32];
    int64_t now_s = clock_wall_ms() / 1000;
    http_server_tls_state(w->http, &state);
    if (!state.has_tls)
        return;
    int left = certificate_days_left(state.ends_s, now_s);
    if (left >= w->warned_days)
        return;
    w->warned_days = left;
    date_of(state.ends_s, date, sizeof date);
    if (left == 0)
        log_line(LOG_ERROR, "the certificate %s has expired on %s: clients refuse it; put a new one in its place", w->paths[0], date);
    else
        log_line(LOG_WARN, "the certificate %s ends in %lld days, on %s: put a new one in its place, it is taken without a restart", w->paths[0],
                 (long long)((state.ends_s - now_s) / DAY_S), date);
}

void certificate_watch_read(struct certificate_watch *w)
{
    struct error err = {0};
    struct http_tls_state state;
    char date[32];
    look_at(w, w->tried); /* before they are read: what changes meanwhile is tried again */
    memcpy(w->seen, w->tried, sizeof w->seen);
    if (!http_server_reload_tls(w->http, &err)) {
        log_line(LOG_ERROR, "the new certificate is refused and the one before goes on: %s", err.message);
        return;
    }
    http_server_tls_state(w->http, &state);
    date_of(state.ends_s, date, sizeof date);
    log_line(LOG_INFO, "the certificate was read again: serial %s, ends on %s", state.serial, date);
    w->warned_days = CERTIFICATE_UNWARNED;
    warn_of_end(w);
}

static void renew_self_made(const struct certificate_watch *w)
{
    struct certificate unused;
    struct error err = {0};
    if (w->data_dir && !certificate_ensure(w->data_dir, w->hosts, w->n_hosts, &unused, &err))
        log_line(LOG_ERROR, "the self-made certificate cannot be renewed: %s", err.message);
}

void certificate_watch_start(struct certificate_watch *w, struct http_server *http, const char *cert, const char *key)
{
    w->http = http;
    w->paths[0] = cert;
    w->paths[1] = key;
    w->warned_days = CERTIFICATE_UNWARNED;
    look_at(w, w->tried);
    memcpy(w->seen, w->tried, sizeof w->seen);
    w->next_ms = clock_mono_ms() + LOOK_MS;
    w->next_hour_ms = clock_mono_ms() + HOUR_MS;
    warn_of_end(w);
}

void certificate_watch_look(struct certificate_watch *w)
{
    struct file_mark now[2];
    uint64_t now_ms = clock_mono_ms();
    if (now_ms < w->next_ms)
        return;
    w->next_ms = now_ms + LOOK_MS;
    if (now_ms >= w->next_hour_ms) {
        w->next_hour_ms = now_ms + HOUR_MS;
        renew_self_made(w);
        warn_of_end(w);
    }
    look_at(w, now);
    bool settled = same_marks(now, w->seen);
    memcpy(w->seen, now, sizeof now);
    if (settled && !same_marks(now, w->tried))
        certificate_watch_read(w);
}
