/* TZif files and the rule at their end (zone.h). */
#include "sql/functions/zone.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    ZONE_NAME_MAX = 64,
    ZONE_FILE_MAX = 64 * 1024, /* the longest are under 4 KiB */
    ZONES_MAX = 1024,          /* names kept; there are some 600 */
    HEADER_BYTES = 44,
    SECONDS_PER_DAY = 86400,
    DAYS_PER_WEEK = 7,
};

/* When the clocks change every year, by the rule at the file's end: "M3.2.0/2". */
struct change {
    char kind; /* 'M': month, week, day of the week; 'J': day 1–365 without 29 February; 'D': day 0–365 */
    int month, week, day;
    int64_t time; /* seconds after local midnight */
};

struct zone {
    char name[ZONE_NAME_MAX];
    int64_t *at; /* transitions, ascending */
    int32_t *offset; /* [0]: before the first; [i + 1]: after the i-th */
    size_t n;
    bool has_rule, has_summer, no_memory;
    int64_t standard, summer;
    struct change begins, ends;
};

static struct zone *zones[ZONES_MAX];
static size_t n_zones;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ── the rule: std offset [dst [offset] "," date ["/" time] "," date ["/" time]] ── */

static bool take(struct str *s, char c)
{
    if (!s->n || s->p[0] != c)
        return false;
    *s = str_skip(*s, 1);
    return true;
}

static bool take_number(struct str *s, int64_t *ret)
{
    size_t n = 0;
    int64_t v = 0;
    for (; n < s->n && n < 4 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        v = v * 10 + (s->p[n] - '0');
    *s = str_skip(*s, n);
    *ret = v;
    return n > 0;
}

/* name = letter letter letter+ | "<" … ">" */
static bool take_name(struct str *s)
{
    size_t n = 0;
    if (take(s, '<')) {
        if (!str_find_byte(*s, '>', &n))
            return false;
        *s = str_skip(*s, n + 1);
        return true;
    }
    while (n < s->n && ((s->p[n] | 0x20) >= 'a' && (s->p[n] | 0x20) <= 'z'))
        n++;
    *s = str_skip(*s, n);
    return n >= 3;
}

/* time = ["+" | "-"] hours [":" minutes [":" seconds]] */
static bool take_time(struct str *s, int64_t *ret)
{
    int64_t h, m = 0, sec = 0;
    bool negative = take(s, '-');
    if (!negative)
        take(s, '+');
    if (!take_number(s, &h) || (take(s, ':') && (!take_number(s, &m) || (take(s, ':') && !take_number(s, &sec)))))
        return false;
    *ret = (negative ? -1 : 1) * (h * 3600 + m * 60 + sec);
    return true;
}

static bool take_change(struct str *s, struct change *ret)
{
    int64_t a, b = 0, c = 0;
    *ret = (struct change){.kind = 'D', .time = 2 * 3600};
    if (take(s, 'M')) {
        ret->kind = 'M';
        if (!take_number(s, &a) || !take(s, '.') || !take_number(s, &b) || !take(s, '.') || !take_number(s, &c))
            return false;
        ret->month = (int)a;
        ret->week = (int)b;
        ret->day = (int)c;
    } else {
        if (take(s, 'J'))
            ret->kind = 'J';
        if (!take_number(s, &a))
            return false;
        ret->day = (int)a;
    }
    return !take(s, '/') || take_time(s, &ret->time);
}

static bool read_rule(struct zone *z, struct str s)
{
    int64_t west;
    if (!take_name(&s) || !take_time(&s, &west))
        return false;
    z->standard = -west;
    z->has_rule = true;
    if (!s.n)
        return true;
    if (!take_name(&s))
        return false;
    z->summer = z->standard + 3600;
    if (s.n && s.p[0] != ',') {
        if (!take_time(&s, &west))
            return false;
        z->summer = -west;
    }
    z->has_summer = true;
    return take(&s, ',') && take_change(&s, &z->begins) && take(&s, ',') && take_change(&s, &z->ends) && s.n == 0;
}

static int64_t change_in_year(const struct change *c, int64_t year)
{
    int64_t first = clock_days_from_civil(year, c->kind == 'M' ? (unsigned)c->month : 1, 1), day;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (c->kind == 'M') {
        int64_t next = c->month == 12 ? clock_days_from_civil(year + 1, 1, 1) : clock_days_from_civil(year, (unsigned)c->month + 1, 1);
        int64_t weekday = ((first + 4) % DAYS_PER_WEEK + DAYS_PER_WEEK) % DAYS_PER_WEEK; /* 1970-01-01 was a Thursday */
        day = first + (c->day - weekday + DAYS_PER_WEEK) % DAYS_PER_WEEK + (c->week - 1) * DAYS_PER_WEEK;
        while (day >= next)
            day -= DAYS_PER_WEEK;
    } else if (c->kind == 'J') {
        day = first + c->day - 1 + (is_leap && c->day >= 60);
    } else {
        day = first + c->day;
    }
    return day * SECONDS_PER_DAY + c->time;
}

static int64_t offset_by_rule(const struct zone *z, int64_t at)
{
    int64_t year;
    unsigned month, day, seconds = SECONDS_PER_DAY;
    if (!z->has_summer)
        return z->standard;
    int64_t local = at + z->standard;
    clock_civil_from_days(local >= 0 ? local / seconds : -((-local + seconds - 1) / seconds), &year, &month, &day);
    int64_t begins = change_in_year(&z->begins, year) - z->standard, ends = change_in_year(&z->ends, year) - z->summer;
    bool is_summer = begins < ends ? at >= begins && at < ends : at >= begins || at < ends;
    return is_summer ? z->summer : z->standard;
}

/* ── the file ── */

static int64_t big_endian(const unsigned char *p, int n)
{
    uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

struct counts {
    size_t isutc, isstd, leap, time, type, chars;
};

static bool read_header(struct str s, struct counts *c)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (s.n < HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
        return false;
    size_t *fields[] = {&c->isutc, &c->isstd, &c->leap, &c->time, &c->type, &c->chars};
    for (size_t i = 0; i < 6; i++) {
        int64_t v = big_endian(p + 20 + 4 * i, 4);
        if (v < 0 || v > ZONE_FILE_MAX)
            return false;
        *fields[i] = (size_t)v;
    }
    return true;
}

static size_t block_bytes(const struct counts *c, size_t time_bytes)
{
    return c->time * time_bytes + c->time + c->type * 6 + c->chars + c->leap * (time_bytes + 4) + c->isstd + c->isutc;
}

/* The second block: 64-bit times, their types, the types' offsets; then the rule between two newlines. */
static bool read_block(struct zone *z, struct str s)
{
    struct counts c;
    if (!read_header(s, &c) || s.n < HEADER_BYTES + block_bytes(&c, 8) || c.type == 0)
        return false;
    const unsigned char *times = (const unsigned char *)s.p + HEADER_BYTES, *kinds = times + 8 * c.time, *types = kinds + c.time;
    z->at = calloc(c.time + 1, sizeof *z->at);
    z->offset = calloc(c.time + 1, sizeof *z->offset);
    z->no_memory = !z->at || !z->offset;
    if (z->no_memory)
        return false;
    z->n = c.time;
    z->offset[0] = (int32_t)big_endian(types, 4);
    for (size_t i = 0; i < c.time; i++) {
        if (kinds[i] >= c.type)
            return false;
        z->at[i] = big_endian(times + 8 * i, 8);
        z->offset[i + 1] = (int32_t)big_endian(types + 6 * (size_t)kinds[i], 4);
    }
    struct str rule = str_skip(s, HEADER_BYTES + block_bytes(&c, 8));
    size_t end;
    if (!take(&rule, '\n') || !str_find_byte(rule, '\n', &end) || end == 0)
        return true;
    return read_rule(z, str_head(rule, end));
}

static bool read_file(struct zone *z, struct str s)
{
    struct counts c;
    if (!read_header(s, &c) || s.p[4] < '2')
        return false;
    return read_block(z, str_skip(s, HEADER_BYTES + block_bytes(&c, 4)));
}

/* name = part {"/" part}, part = letter {letter | digit | "_" | "+" | "-"}: nothing that leaves the folder. */
static bool is_name(struct str s)
{
    bool at_start = true;
    if (!s.n || s.n >= ZONE_NAME_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], lower = (char)(c | 0x20);
        bool is_letter = lower >= 'a' && lower <= 'z';
        if (at_start ? !is_letter : !is_letter && !(c >= '0' && c <= '9') && c != '_' && c != '+' && c != '-' && c != '/')
            return false;
        at_start = c == '/';
    }
    return !at_start;
}

static ssize_t read_all(const char *path, char *to, size_t n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t got = 0;
    ssize_t r = fd < 0 ? -1 : 1;
    while (r > 0 && got < n) {
        r = read(fd, to + got, n - got);
        if (r > 0)
            got += (size_t)r;
    }
    if (fd >= 0)
        close(fd);
    return r < 0 ? -1 : (ssize_t)got;
}

static enum zone_status load(struct str name, struct zone **ret)
{
    static const char folder[] = "/usr/share/zoneinfo/";
    char path[sizeof folder + ZONE_NAME_MAX];
    struct zone *z = calloc(1, sizeof *z);
    char *bytes = malloc(ZONE_FILE_MAX);
    enum zone_status status = ZONE_NO_MEMORY;
    if (z && bytes) {
        memcpy(path, folder, sizeof folder - 1);
        memcpy(path + sizeof folder - 1, name.p, name.n);
        path[sizeof folder - 1 + name.n] = 0;
        memcpy(z->name, name.p, name.n);
        ssize_t n = read_all(path, bytes, ZONE_FILE_MAX);
        status = n > 0 && read_file(z, str_make(bytes, (size_t)n)) ? ZONE_OK : z->no_memory ? ZONE_NO_MEMORY : ZONE_UNKNOWN;
    }
    free(bytes);
    if (status == ZONE_OK) {
        *ret = z;
        return status;
    }
    if (z) {
        free(z->at);
        free(z->offset);
    }
    free(z);
    return status;
}

enum zone_status zone_find(struct str name, const struct zone **ret)
{
    struct zone *z = NULL;
    enum zone_status status = ZONE_UNKNOWN;
    if (!is_name(name))
        return ZONE_UNKNOWN;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < n_zones && !z; i++)
        if (str_eq(name, str_from(zones[i]->name)))
            z = zones[i];
    if (z) {
        status = ZONE_OK;
    } else if (n_zones < ZONES_MAX) {
        status = load(name, &z);
        if (status == ZONE_OK)
            zones[n_zones++] = z;
    }
    pthread_mutex_unlock(&lock);
    *ret = z;
    return status;
}

int64_t zone_offset(const struct zone *z, int64_t at)
{
    size_t low = 0, high = z->n;
    if (z->has_rule && (z->n == 0 || at >= z->at[z->n - 1]))
        return offset_by_rule(z, at);
    while (low < high) { /* how many transitions are at or before it */
        size_t middle = (low + high) / 2;
        if (z->at[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return z->offset[low];
}
