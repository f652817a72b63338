/* What stands behind reader.h: one constructor a format. Each reader begins with its struct reader. */
#ifndef SELTZER_FORMAT_READER_KINDS_H
#define SELTZER_FORMAT_READER_KINDS_H

#include "format/reader.h"

struct reader_kind {
    bool (*push)(struct reader *r, struct str bytes, struct error *err);
    bool (*finish)(struct reader *r, struct error *err);
    void (*free)(struct reader *r);
};

struct reader {
    const struct reader_kind *kind;
    struct row_sink sink;
    struct reader_limits limits;
};

/* NULL: *err is set. */
struct reader *json_reader_new(const struct reader_limits *limits, const struct row_sink *sink, bool one_a_line, struct error *err);
struct reader *csv_reader_new(const struct reader_limits *limits, const struct row_sink *sink, char separator, struct error *err);
struct reader *form_reader_new(const struct reader_limits *limits, const struct row_sink *sink, struct error *err);

/* A row longer than it may be: 413 with the limit. */
bool reader_refuse_row_bytes(const struct reader *r, uint64_t line, struct error *err);

#endif
