/* The log (log.h): one write a line, so that lines of several threads never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

static enum log_level least = LOG_INFO;
static const char *const names[] = {"debug", "info", "warn", "error"};

void log_set_level(enum log_level level)
{
    least = level;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (level < least)
        return;
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);

    int64_t now = clock_wall_ms();
    int64_t year, days = now / 86400000;
    unsigned month, day, ms = (unsigned)(now % 86400000);
    clock_civil_from_days(days, &year, &month, &day);
    struct buf line = {0};
    buf_printf(&line, "{\"time\":\"%04lld-%02u-%02uT%02u:%02u:%02u.%03uZ\",\"level\":\"%s\",\"message\":", (long long)year, month, day,
               ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000, names[level]);
    buf_add_json(&line, str_from(text));
    buf_add_z(&line, "}\n");
    /* A log that cannot be written must not stop the data path (docs/reliability.md); there is nobody to tell. */
    if (buf_ok(&line) && write(STDERR_FILENO, line.p, line.n) < 0) {
    }
    buf_free(&line);
}
