/* Which reader for which format (reader.h). */
#include "format/reader_kinds.h"

const struct reader_limits reader_limits_default = {
    .row_bytes_max = 70000000,
    .names_max = 2000,
    .name_bytes_max = 1024,
    .json = {.depth_max = 64, .token_bytes_max = 70000000, .key_bytes_max = 1024, .number_bytes_max = 4096},
};

struct reader *reader_new(enum reader_format format, const struct reader_limits *limits, const struct row_sink *sink, struct error *err)
{
    switch (format) {
    case READER_JSON:
        return json_reader_new(limits, sink, false, err);
    case READER_NDJSON:
        return json_reader_new(limits, sink, true, err);
    case READER_CSV:
        return csv_reader_new(limits, sink, ',', err);
    case READER_TSV:
        return csv_reader_new(limits, sink, '\t', err);
    case READER_FORM:
        return form_reader_new(limits, sink, err);
    }
    error_set(err, ERROR_INTERNAL, "no reader for format %d", (int)format);
    return NULL;
}

bool reader_push(struct reader *r, struct str bytes, struct error *err)
{
    return bytes.n == 0 || r->kind->push(r, bytes, err);
}

bool reader_finish(struct reader *r, struct error *err)
{
    return r->kind->finish(r, err);
}

void reader_free(struct reader *r)
{
    if (r)
        r->kind->free(r);
}

bool reader_refuse_row_bytes(const struct reader *r, uint64_t line, struct error *err)
{
    error_set(err, ERROR_BODY_TOO_LARGE, "the row at line %llu is larger than %zu bytes", (unsigned long long)line, r->limits.row_bytes_max);
    error_data_i64(err, "limit", (int64_t)r->limits.row_bytes_max);
    error_data_i64(err, "line", (int64_t)line);
    return false;
}
