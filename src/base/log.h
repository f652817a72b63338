/* One JSON line an event on standard error: time, level, message, and members given as printf'ed text. Control
 * characters are escaped; secrets and row values are never logged. Library folders (below api) do not log,
 * but for the gate: failed log-ins. */
#ifndef SELTZER_BASE_LOG_H
#define SELTZER_BASE_LOG_H

#include "base/buf.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
void log_set_level(enum log_level level);
bool log_has(enum log_level level); /* lines of it are written */
must_use bool log_level_parse(struct str name, enum log_level *ret);
void log_line(enum log_level level, const char *fmt, ...) printf_like(2, 3);

/* ── for lines of others ── */
/* "2026-11-25T13:40:05.123Z" */
enum { LOG_TIME_LENGTH = 24 };
void log_time(int64_t wall_ms, char ret[LOG_TIME_LENGTH + 1]);
/* A JSON string of at most so many bytes of the text, "…" at its end when it was cut. Whatever could move a terminal's cursor, end a
 * line or turn the way of writing is escaped, and what is not UTF-8 shown as U+FFFD. */
void log_add_text(struct buf *out, struct str text, size_t most);

#endif
