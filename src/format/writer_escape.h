/* Text into JSON strings and CSV cells, fast: the writer's hot path. Text of cells is valid UTF-8 by contract (rows/cell.h),
 * so nothing is validated here; what comes from elsewhere goes through buf_add_json(). */
#ifndef SELTZER_FORMAT_WRITER_ESCAPE_H
#define SELTZER_FORMAT_WRITER_ESCAPE_H

#include "base/buf.h"

/* `before` as it stands, then the text as a JSON string with its quotes. */
void escape_json(struct buf *out, struct str before, struct str text);
/* The text as a quoted CSV cell: quotes doubled. */
void escape_csv(struct buf *out, struct str text);
/* Doubles the quotes in everything that `out` holds from `from` on. */
void escape_csv_in_place(struct buf *out, size_t from);

#endif
