/* A file of lines that many threads add to and none waits for. Lines are gathered in memory, at most LOG_FILE_BYTES_MAX, and a thread of
 * its own writes them, a twentieth of a second later at most. Where that fails, or takes too long, lines are dropped: they are counted
 * (METRIC_LOG_LINES_LOST), and the first line that can be written again tells how many. */
#ifndef SELTZER_BASE_LOG_FILE_H
#define SELTZER_BASE_LOG_FILE_H

#include "base/error.h"

enum { LOG_FILE_BYTES_MAX = 1 << 20, LOG_FILE_LINE_MAX = 8192 };

struct log_file;
/* "-": standard output. Else appended to, made if it is not there (mode 0640). */
struct log_file *log_file_open(const char *path, struct error *err);
/* A line with its end, whole or not at all; of at most LOG_FILE_LINE_MAX bytes. */
void log_file_add(struct log_file *l, struct str line);
/* The path is opened again before the next line: after somebody renamed the file. */
void log_file_reopen(struct log_file *l);
/* Writes what is there; at most a second. NULL is fine. */
void log_file_close(struct log_file *l);

#endif
