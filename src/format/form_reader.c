/* application/x-www-form-urlencoded: the one row that an HTML form sends (WHATWG URL, section 5.1; docs/wire/bodies.md).
 *
 * The body is a single row, so it is gathered whole, up to row_bytes_max, and read at the end. An empty value is null, as
 * in CSV: a form cannot say it otherwise. */
#include "format/reader_kinds.h"

#include <stdlib.h>

struct form_reader {
    struct reader reader;
    struct buf body, text;
};

static int hex(char c)
{
    char low = (char)(c | 0x20);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool refuse(size_t at, const char *what, struct error *err)
{
    error_set(err, ERROR_BODY_MALFORMED_TEXT, "the form request body is malformed at byte %zu: %s", at, what);
    error_data_i64(err, "byte", (int64_t)at);
    return false;
}

/* Appends the decoded text of s, which stands `at` bytes into the body. */
static bool decode(struct form_reader *r, struct str s, size_t at, struct str *ret, struct error *err)
{
    buf_reset(&r->text);
    char *to = buf_room(&r->text, s.n + 1);
    if (!to)
        return error_no_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            to[n++] = s.p[i] == '+' ? ' ' : s.p[i];
            continue;
        }
        if (s.n - i < 3 || hex(s.p[i + 1]) < 0 || hex(s.p[i + 2]) < 0)
            return refuse(at + i, "% takes two hexadecimal digits", err);
        to[n++] = (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
        i += 2;
    }
    *ret = str_make(to, n);
    return str_is_utf8(*ret, NULL) || refuse(at, "not UTF-8", err);
}

static bool read_pair(struct form_reader *r, struct str pair, size_t at, struct error *err)
{
    const struct row_sink *s = &r->reader.sink;
    struct str name, value, text;
    int slot;
    if (!str_cut(pair, '=', &name, &value))
        value = STR_NONE;
    if (!decode(r, name, at, &text, err))
        return false;
    if (text.n > r->reader.limits.name_bytes_max) {
        error_set(err, ERROR_LIMIT_EXCEEDED, "a name at byte %zu is longer than %zu bytes", at, r->reader.limits.name_bytes_max);
        error_data_i64(err, "limit", (int64_t)r->reader.limits.name_bytes_max);
        return false;
    }
    if (!s->name(s->ctx, text, &slot, err))
        return false;
    size_t value_at = at + pair.n - value.n;
    if (!decode(r, value, value_at, &text, err))
        return false;
    struct raw raw = {.kind = text.n ? RAW_STRING : RAW_NULL, .text = text};
    return s->value(s->ctx, slot, &raw, value_at + 1, err);
}

static bool form_push(struct reader *reader, struct str bytes, struct error *err)
{
    struct form_reader *r = (struct form_reader *)reader;
    if (bytes.n > reader->limits.row_bytes_max - r->body.n)
        return reader_refuse_row_bytes(reader, 1, err);
    buf_add_str(&r->body, bytes);
    return buf_ok(&r->body) || error_no_memory(err);
}

static bool form_finish(struct reader *reader, struct error *err)
{
    struct form_reader *r = (struct form_reader *)reader;
    const struct row_sink *s = &reader->sink;
    struct str rest = buf_str(&r->body), pair;
    size_t names = 0;
    if (!rest.n)
        return refuse(0, "it is empty", err);
    if (!s->body_begin(s->ctx, true, err) || !s->row_begin(s->ctx, ROW_OBJECT, STR_NONE, 1, err))
        return false;
    for (bool more = true; more;) {
        more = str_cut(rest, '&', &pair, &rest);
        if (!pair.n)
            continue;
        if (++names > reader->limits.names_max) {
            error_set(err, ERROR_LIMIT_EXCEEDED, "the form has too many names: %zu at most", reader->limits.names_max);
            error_data_i64(err, "limit", (int64_t)reader->limits.names_max);
            return false;
        }
        if (!read_pair(r, pair, (size_t)(pair.p - r->body.p), err))
            return false;
    }
    return s->row_end(s->ctx, err);
}

static void form_free(struct reader *reader)
{
    struct form_reader *r = (struct form_reader *)reader;
    buf_free(&r->body);
    buf_free(&r->text);
    free(r);
}

static const struct reader_kind form_kind = {form_push, form_finish, form_free};

struct reader *form_reader_new(const struct reader_limits *limits, const struct row_sink *sink, struct error *err)
{
    struct form_reader *r = calloc(1, sizeof *r);
    if (!r) {
        error_no_memory(err);
        return NULL;
    }
    r->reader = (struct reader){.kind = &form_kind, .sink = *sink, .limits = *limits};
    return &r->reader;
}
