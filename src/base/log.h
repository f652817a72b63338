/* One JSON line an event on standard error: time, level, message, and members given as printf'ed text. Control
 * characters are escaped; secrets and row values are never logged. Library folders (below api) do not log,
 * but for the gate: failed log-ins. */
#ifndef SELTZER_BASE_LOG_H
#define SELTZER_BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
void log_set_level(enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) printf_like(2, 3);

#endif
