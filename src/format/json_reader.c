/* JSON and NDJSON bodies to rows (docs/wire/bodies.md, "JSON rows").
 *
 *   an array: its elements are rows      an object: the one row      NDJSON: each line is a row
 *   { … }     ROW_OBJECT, its members are values; nested ones are handed on as the JSON text that they are
 *   [ id ]    ROW_ONE_ELEMENT: held until its end, since only then it is known to be one
 *   the rest  ROW_NOT_A_ROW
 *
 * For a sink that takes broken rows NDJSON is read line by line: what is wrong with a line ends with it, and a row is whole
 * only when its line is. */
#include "format/reader_kinds.h"

#include <stdlib.h>

#include "format/names.h"

enum level { LEVEL_TOP, LEVEL_ROWS, LEVEL_MEMBERS, LEVEL_ELEMENTS };

struct json_reader {
    struct reader reader;
    struct json_parser *parser;
    struct names names;
    bool one_a_line, begun;
    const struct json_place *place;
    struct str *guess;
    enum level level;
    int slot;
    size_t names_in_row, elements;
    uint64_t row_line, row_byte, column;
    struct raw element; /* of a one-element array, its text in element_text */
    struct buf element_text;
    struct error *why;        /* for a sink that takes broken rows: of the element, or of the line */
    bool element_broken;
    /* NDJSON for such a sink */
    bool by_line, row_open, line_broken;
    uint64_t line, line_at, at; /* its number, where it begins and where we are in the body */
    struct buf line_text;     /* of earlier slices */
};

static const enum raw_kind raw_of[] = {
    [JSON_NULL] = RAW_NULL,     [JSON_FALSE] = RAW_FALSE,   [JSON_TRUE] = RAW_TRUE,   [JSON_NUMBER] = RAW_NUMBER,
    [JSON_STRING] = RAW_STRING, [JSON_OBJECT] = RAW_OBJECT, [JSON_ARRAY] = RAW_ARRAY,
};

static const char *const what_of[] = {
    [JSON_NULL] = "null",         [JSON_FALSE] = "false",      [JSON_TRUE] = "true",      [JSON_NUMBER] = "a number",
    [JSON_STRING] = "a string",   [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",
};

/* The column where the token stands, whose text is n bytes long; refuses a row that has grown too long. */
static inline bool locate(struct json_reader *r, size_t n, uint64_t *ret_column, struct error *err)
{
    *ret_column = r->place->token_at - r->place->row_at + 1;
    if (r->place->token_at - r->row_byte + n <= r->reader.limits.row_bytes_max)
        return true;
    return reader_refuse_row_bytes(&r->reader, r->row_line, err);
}

static bool begin_body(struct json_reader *r, bool many, struct error *err)
{
    r->begun = true;
    return r->reader.sink.body_begin(r->reader.sink.ctx, many, err);
}

static void mark_row(struct json_reader *r)
{
    json_parser_position(r->parser, &r->row_line, &r->column, &r->row_byte);
}

static bool begin_row(struct json_reader *r, enum row_shape shape, struct str what, struct error *err)
{
    r->row_open = true;
    return r->reader.sink.row_begin(r->reader.sink.ctx, shape, what, r->row_line, err);
}

static bool end_row(struct json_reader *r, struct error *err)
{
    if (r->by_line)
        return true; /* with the line */
    return r->reader.sink.row_end(r->reader.sink.ctx, err);
}

static bool not_a_row(struct json_reader *r, const char *what, struct error *err)
{
    return begin_row(r, ROW_NOT_A_ROW, str_from(what), err) && end_row(r, err);
}

static bool tell_broken(struct json_reader *r, const struct error *why, int slot, uint64_t column, struct str raw, struct error *err)
{
    const struct row_sink *s = &r->reader.sink;
    struct buf text = {0};
    buf_add_utf8(&text, raw);
    struct row_fault fault = {why->code, str_from(why->message), column, slot, text.n ? buf_str(&text) : STR("")};
    bool ok = buf_ok(&text) ? s->row_broken(s->ctx, &fault, err) : error_no_memory(err);
    buf_free(&text);
    return ok;
}

static bool begin_object_row(struct json_reader *r, struct error *err)
{
    mark_row(r);
    r->level = LEVEL_MEMBERS;
    r->names_in_row = 0;
    names_row_begin(&r->names);
    *r->guess = names_guess(&r->names);
    return begin_row(r, ROW_OBJECT, STR_NONE, err);
}

static void begin_array_row(struct json_reader *r)
{
    mark_row(r);
    r->level = LEVEL_ELEMENTS;
    r->elements = 0;
    r->element_broken = false;
}

static bool end_array_row(struct json_reader *r, struct error *err)
{
    const struct row_sink *s = &r->reader.sink;
    if (r->elements != 1)
        return not_a_row(r, r->elements ? "an array of several values" : "an empty array", err);
    r->element.text = r->element_text.n ? buf_str(&r->element_text) : STR("");
    if (!begin_row(r, ROW_ONE_ELEMENT, STR_NONE, err))
        return false;
    bool ok = r->element_broken ? tell_broken(r, r->why, 0, r->column, r->element.text, err) : s->value(s->ctx, 0, &r->element, r->column, err);
    return ok && end_row(r, err);
}

static bool keep_element(struct json_reader *r, enum json_kind kind, struct str text, struct error *err)
{
    uint64_t column;
    if (!locate(r, text.n, &column, err))
        return false;
    if (r->elements++)
        return true;
    r->column = column;
    r->element.kind = raw_of[kind];
    buf_reset(&r->element_text);
    buf_add_str(&r->element_text, text);
    return buf_ok(&r->element_text) || error_no_memory(err);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static bool refuse_top(struct json_reader *r, enum json_kind kind, struct error *err)
{
    uint64_t row, column, byte;
    json_parser_position(r->parser, &row, &column, &byte);
    error_set(err, ERROR_BODY_NOT_ROWS, "The json content of the request is not an array or object");
    error_data_str(err, "expected", STR("array, object"));
    error_data_str(err, "found", str_from(what_of[kind]));
    error_data_i64(err, "row", (int64_t)row);
    error_data_i64(err, "column", (int64_t)column);
    return false;
}

static bool on_begin(void *ctx, enum json_kind kind, struct error *err)
{
    struct json_reader *r = ctx;
    switch (r->level) {
    case LEVEL_TOP:
        if (kind == JSON_ARRAY) {
            r->level = LEVEL_ROWS;
            return begin_body(r, true, err);
        }
        return begin_body(r, false, err) && begin_object_row(r, err);
    case LEVEL_ROWS:
        if (kind == JSON_OBJECT)
            return begin_object_row(r, err);
        begin_array_row(r);
        return true;
    case LEVEL_MEMBERS:
    case LEVEL_ELEMENTS:
        json_parser_take_text(r->parser);
        return true;
    }
    return false;
}

static bool on_end(void *ctx, enum json_kind kind, struct error *err)
{
    (void)kind;
    struct json_reader *r = ctx;
    uint64_t column;
    switch (r->level) {
    case LEVEL_TOP:
    case LEVEL_ROWS: /* of the whole body */
        r->level = LEVEL_TOP;
        return true;
    case LEVEL_MEMBERS:
        r->level = LEVEL_ROWS;
        return locate(r, 1, &column, err) && end_row(r, err);
    case LEVEL_ELEMENTS:
        r->level = LEVEL_ROWS;
        return end_array_row(r, err);
    }
    return false;
}

static bool refuse_names(struct json_reader *r, struct error *err)
{
    error_set(err, ERROR_LIMIT_EXCEEDED, "the row at line %llu has too many names: %zu at most", (unsigned long long)r->row_line,
              r->reader.limits.names_max);
    error_data_i64(err, "limit", (int64_t)r->reader.limits.names_max);
    error_data_i64(err, "line", (int64_t)r->row_line);
    return false;
}

static bool on_key(void *ctx, struct str key, struct error *err)
{
    struct json_reader *r = ctx;
    if (++r->names_in_row > r->reader.limits.names_max)
        return refuse_names(r, err);
    if (!names_slot(&r->names, key, &r->reader.sink, &r->slot, err))
        return false;
    *r->guess = names_guess(&r->names);
    return true;
}

static bool on_value(void *ctx, enum json_kind kind, struct str text, struct error *err)
{
    struct json_reader *r = ctx;
    switch (r->level) {
    case LEVEL_MEMBERS: {
        uint64_t column;
        struct raw raw = {.kind = raw_of[kind], .text = text};
        return locate(r, text.n, &column, err) && r->reader.sink.value(r->reader.sink.ctx, r->slot, &raw, column, err);
    }
    case LEVEL_TOP:
        return refuse_top(r, kind, err);
    case LEVEL_ROWS:
        mark_row(r);
        return not_a_row(r, what_of[kind], err);
    case LEVEL_ELEMENTS:
        return keep_element(r, kind, text, err);
    }
    return false;
}

/* Text that is none, in place of on_value: its row is broken, but it ends where it would. */
static bool on_broken(void *ctx, enum json_kind kind, struct str raw, const struct error *why, struct error *err)
{
    struct json_reader *r = ctx;
    uint64_t column;
    switch (r->level) {
    case LEVEL_MEMBERS:
        return locate(r, raw.n, &column, err) && tell_broken(r, why, r->slot, column, raw, err);
    case LEVEL_TOP:
    case LEVEL_ROWS: /* wrong anyhow */
        return on_value(ctx, kind, raw, err);
    case LEVEL_ELEMENTS:
        r->element_broken = true;
        *r->why = *why;
        return keep_element(r, kind, raw, err);
    }
    return false;
}

/* --- line by line ------------------------------------------------------------------------------------------------- */

/* Is it the line that is wrong, and not the body, the sink or the machine? */
static bool ends_with_line(const struct error *err)
{
    return err->code == ERROR_BODY_MALFORMED_JSON || err->code == ERROR_LIMIT_EXCEEDED;
}

static bool break_line(struct json_reader *r, struct error *err)
{
    if (!ends_with_line(err))
        return false;
    r->line_broken = true;
    *r->why = *err;
    return true;
}

static bool tell_line(struct json_reader *r, struct str text, struct error *err)
{
    r->row_line = r->line;
    if (!r->row_open && !begin_row(r, ROW_OBJECT, STR_NONE, err))
        return false;
    uint64_t row, column, byte;
    json_parser_position(r->parser, &row, &column, &byte);
    return tell_broken(r, r->why, -1, row == r->line && byte >= r->line_at ? column : 0, text, err);
}

/* part: the rest of the line, without its line break; at: where the next one begins. */
static bool end_line(struct json_reader *r, struct str part, struct error *err)
{
    const struct row_sink *s = &r->reader.sink;
    bool ok = true;
    if (r->line_broken) {
        struct str text = part;
        if (r->line_text.n) {
            buf_add_str(&r->line_text, part);
            text = buf_str(&r->line_text);
        }
        ok = buf_ok(&r->line_text) ? tell_line(r, str_trim(text), err) : error_no_memory(err);
        json_parser_restart(r->parser, r->at, r->line + 1);
        r->level = LEVEL_ROWS;
    }
    ok = ok && (!r->row_open || s->row_end(s->ctx, err));
    r->row_open = r->line_broken = false;
    r->line++;
    r->line_at = r->at;
    buf_free(&r->line_text);
    return ok;
}

static bool feed_line(struct json_reader *r, struct str bytes, bool whole, struct error *err)
{
    if (r->line_broken)
        return true;
    if (!json_parser_push(r->parser, bytes, err))
        return break_line(r, err);
    if (!whole || json_parser_is_between(r->parser))
        return true;
    error_set(err, ERROR_BODY_MALFORMED_JSON, "the row at line %llu does not end on its line: under a failure policy a row is a line", (unsigned long long)r->line);
    return break_line(r, err);
}

static bool push_lines(struct json_reader *r, struct str bytes, struct error *err)
{
    size_t n;
    while (str_find_byte(bytes, '\n', &n)) {
        r->at += n + 1;
        if (!feed_line(r, str_head(bytes, n + 1), true, err) || !end_line(r, str_head(bytes, n), err))
            return false;
        bytes = str_skip(bytes, n + 1);
    }
    if (!bytes.n)
        return true;
    r->at += bytes.n;
    if (r->at - r->line_at > r->reader.limits.row_bytes_max)
        return reader_refuse_row_bytes(&r->reader, r->line, err);
    buf_add_str(&r->line_text, bytes);
    return (buf_ok(&r->line_text) || error_no_memory(err)) && feed_line(r, bytes, false, err);
}

/* A last line without its line break. */
static bool finish_lines(struct json_reader *r, struct error *err)
{
    if (!r->line_broken && !json_parser_finish(r->parser, err) && !break_line(r, err))
        return false;
    return end_line(r, STR(""), err);
}

/* --- the reader --------------------------------------------------------------------------------------------------- */

/* NDJSON is many rows before its first byte is read. */
static bool begin_lines(struct json_reader *r, struct error *err)
{
    if (!r->one_a_line || r->begun)
        return true;
    r->level = LEVEL_ROWS;
    return begin_body(r, true, err);
}

static bool json_push(struct reader *reader, struct str bytes, struct error *err)
{
    struct json_reader *r = (struct json_reader *)reader;
    return begin_lines(r, err) && (r->by_line ? push_lines(r, bytes, err) : json_parser_push(r->parser, bytes, err));
}

static bool json_finish(struct reader *reader, struct error *err)
{
    struct json_reader *r = (struct json_reader *)reader;
    return begin_lines(r, err) && (r->by_line ? finish_lines(r, err) : json_parser_finish(r->parser, err));
}

static void json_free(struct reader *reader)
{
    struct json_reader *r = (struct json_reader *)reader;
    json_parser_free(r->parser);
    names_free(&r->names);
    buf_free(&r->element_text);
    buf_free(&r->line_text);
    free(r->why);
    free(r);
}

static const struct reader_kind json_kind = {json_push, json_finish, json_free};

struct reader *json_reader_new(const struct reader_limits *limits, const struct row_sink *sink, bool one_a_line, struct error *err)
{
    struct json_reader *r = calloc(1, sizeof *r);
    if (!r) {
        error_no_memory(err);
        return NULL;
    }
    r->reader = (struct reader){.kind = &json_kind, .sink = *sink, .limits = *limits};
    r->one_a_line = one_a_line;
    r->by_line = one_a_line && sink->row_broken;
    r->line = 1;
    names_init(&r->names);
    struct json_limits json = limits->json;
    json.key_bytes_max = limits->name_bytes_max;
    struct json_events events = {.ctx = r, .begin = on_begin, .end = on_end, .key = on_key, .value = on_value, .broken = sink->row_broken ? on_broken : NULL};
    if (sink->row_broken && !(r->why = malloc(sizeof *r->why)))
        error_no_memory(err);
    else
        r->parser = json_parser_new(&json, &events, err);
    if (!r->parser) {
        json_free(&r->reader);
        return NULL;
    }
    r->place = json_parser_place(r->parser);
    r->guess = json_parser_guess(r->parser);
    if (one_a_line)
        json_parser_allow_many(r->parser);
    return &r->reader;
}
