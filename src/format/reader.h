/* Bytes of a body to rows of raw values: JSON, NDJSON, CSV, TSV and form bodies behind one pushed interface.
 *
 * A reader knows texts and positions, not columns: the sink resolves each name once to a slot (any number ≥ 0 that it
 * likes) and gets values by slot from then on. All text is a loan for the call. Bytes come in any slices.
 * Readers refuse what is not their format with row (line), column and byte (docs/wire/bodies.md). */
#ifndef SELTZER_FORMAT_READER_H
#define SELTZER_FORMAT_READER_H

#include "base/error.h"
#include "base/json.h"
#include "rows/type.h"

enum row_shape {
    ROW_OBJECT,       /* named values follow */
    ROW_ONE_ELEMENT,  /* [id]: one value with slot 0 follows */
    ROW_NOT_A_ROW,    /* anything else as an element: `what` says what; no values follow, row_end does */
};

/* A row whose text cannot be read. */
struct row_fault {
    enum error_code code;
    struct str message;
    uint64_t column;  /* of the text, 0 when unknown */
    int slot;         /* whose value it is, -1: the row as a whole */
    struct str text;  /* what was sent, of the value or of the row; bytes that are no text as U+FFFD */
};

struct row_sink {
    void *ctx;
    /* Before anything else: what the body is. many: an array (or CSV, NDJSON); false for a single JSON object or form. */
    bool (*body_begin)(void *ctx, bool many, struct error *err);
    /* A name seen for the first time (JSON key, CSV header cell). *ret_slot is its slot from then on; names that are to be
     * ignored unread may all share a slot. CSV: called for each header cell in order before the first row. Spelling
     * variants are new names: the sink may give them the same slot. */
    bool (*name)(void *ctx, struct str name, int *ret_slot, struct error *err);
    /* CSV and TSV: the header is complete. */
    bool (*header_end)(void *ctx, struct error *err);
    bool (*row_begin)(void *ctx, enum row_shape shape, struct str what, uint64_t line, struct error *err);
    /* column: 1-based column of the text where the value starts. */
    bool (*value)(void *ctx, int slot, const struct raw *raw, uint64_t column, struct error *err);
    bool (*row_end)(void *ctx, struct error *err);
    /* NULL: a row whose text cannot be read refuses the body. Else it is told here, in place of a value
     * or behind all that could be read, and the reading goes on; only what leaves no end of the row in sight still refuses the body
     * (docs/wire/bodies.md, "Rows that cannot be read"). */
    bool (*row_broken)(void *ctx, const struct row_fault *fault, struct error *err);
};

enum reader_format { READER_JSON, READER_NDJSON, READER_CSV, READER_TSV, READER_FORM };

struct reader_limits {
    size_t row_bytes_max;   /* 70,000,000 → 413 req.body.too-large {limit} */
    size_t names_max;       /* 2,000 keys per row / header cells */
    size_t name_bytes_max;  /* 1 KiB */
    struct json_limits json;
};
extern const struct reader_limits reader_limits_default;

struct reader;
struct reader *reader_new(enum reader_format format, const struct reader_limits *limits, const struct row_sink *sink, struct error *err);
must_use bool reader_push(struct reader *r, struct str bytes, struct error *err);
must_use bool reader_finish(struct reader *r, struct error *err);
void reader_free(struct reader *r);

/* Content-Encoding: gzip (RFC 1952): every member, CRC checked, trailing bytes refused. Calls out for each inflated slice. */
struct gunzip_limits {
    uint64_t bytes_max;       /* 64 GiB decoded → 413 */
    unsigned ratio_max;       /* 200:1 … */
    uint64_t ratio_from_bytes; /* … after 16 MiB of output → 413 */
};
extern const struct gunzip_limits gunzip_limits_default;
struct gunzip;
struct gunzip *gunzip_new(const struct gunzip_limits *limits, bool (*out)(void *ctx, struct str bytes, struct error *err), void *ctx, struct error *err);
must_use bool gunzip_push(struct gunzip *g, struct str bytes, struct error *err);
must_use bool gunzip_finish(struct gunzip *g, struct error *err); /* truncated or empty: BODY_MALFORMED_GZIP */
void gunzip_free(struct gunzip *g);

/* Charsets other than UTF-8 that a Content-Type may declare: iso-8859-1, windows-1252, us-ascii, utf-16 (with BOM), utf-16le, utf-16be. */
struct transcode;
bool transcode_is_utf8(struct str charset); /* "utf-8", "utf8", any case: nothing to do */
struct transcode *transcode_new(struct str charset, bool (*out)(void *ctx, struct str bytes, struct error *err), void *ctx, struct error *err); /* CHARSET_UNKNOWN */
must_use bool transcode_push(struct transcode *t, struct str bytes, struct error *err);
must_use bool transcode_finish(struct transcode *t, struct error *err);
void transcode_free(struct transcode *t);

#endif
