/* The log (log.h): one write a line, so that lines of several threads never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

static enum log_level least = LOG_INFO;
static const char *const names[] = {"debug", "info", "warn", "error"};
enum { LEVELS = sizeof names / sizeof *names };

void log_set_level(enum log_level level)
{
    least = level;
}

bool log_has(enum log_level level)
{
    return level >= least;
}

bool log_level_parse(struct str name, enum log_level *ret)
{
    for (unsigned i = 0; i < LEVELS; i++)
        if (str_eq(name, str_from(names[i]))) {
            *ret = i;
            return true;
        }
    return false;
}

void log_time(int64_t wall_ms, char ret[LOG_TIME_LENGTH + 1])
{
    int64_t year, days = wall_ms / 86400000;
    unsigned month, day, ms = (unsigned)(wall_ms % 86400000);
    char text[64];
    clock_civil_from_days(days, &year, &month, &day);
    snprintf(text, sizeof text, "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ", (int)year, month, day, ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
    memcpy(ret, text, LOG_TIME_LENGTH);
    ret[LOG_TIME_LENGTH] = 0;
}

/* The length of a character at s that JSON leaves as it is and a terminal does not; *ret is its number. 0: another. DEL; C1, among them
 * CSI, which begins what ESC [ begins; the separators of lines and paragraphs; and what turns the way of writing (Unicode TR 36, 3.). */
static size_t acting_character(struct str s, unsigned *ret)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (p[0] == 0x7f) {
        *ret = 0x7f;
        return 1;
    }
    if (s.n >= 2 && p[0] == 0xc2 && p[1] < 0xa0) {
        *ret = p[1];
        return 2;
    }
    if (s.n < 3 || p[0] != 0xe2)
        return 0;
    *ret = 0x2000 | (unsigned)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    bool acts = (*ret >= 0x2028 && *ret <= 0x202e) || (*ret >= 0x2066 && *ret <= 0x2069);
    return acts ? 3 : 0;
}

void log_add_text(struct buf *out, struct str text, size_t most)
{
    struct buf json = {0};
    buf_add_json(&json, str_head_utf8(text, most));
    for (struct str rest = buf_str(&json); buf_ok(&json) && rest.n;) {
        unsigned number;
        size_t n = acting_character(rest, &number);
        if (rest.n == 1 && text.n > most)
            buf_add_z(out, "…");
        if (n)
            buf_printf(out, "\\u%04x", number);
        else
            buf_add(out, rest.p, n = 1);
        rest = str_skip(rest, n);
    }
    if (!buf_ok(&json))
        out->failed = true;
    buf_free(&json);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (!log_has(level))
        return;
    char text[2048], time[LOG_TIME_LENGTH + 1];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);

    struct buf line = {0};
    log_time(clock_wall_ms(), time);
    buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", time, names[level]);
    log_add_text(&line, str_from(text), sizeof text);
    buf_add_z(&line, "}\n");
    /* A log that cannot be written must not stop the data path (docs/reliability.md); there is nobody to tell. */
    if (buf_ok(&line) && write(STDERR_FILENO, line.p, line.n) < 0) {
    }
    buf_free(&line);
}
