/* Percent-decoding and query strings (RFC 3986 2.1; the form encoding of the URL standard for queries). Decoded once, and the
 * result is UTF-8 without NUL, or it is refused. */
#include "http/internal.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_decode_percent(struct str s, bool plus_is_space, struct arena *a, struct str *ret, struct error *err)
{
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0, bad_at;

    if (!out)
        return error_no_memory(err);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            bool whole = s.n - i > 2;
            int high = whole ? hex_value(s.p[i + 1]) : -1;
            int low = whole ? hex_value(s.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return error_set(err, ERROR_BAD_REQUEST,
                                 "\"" FMT_STR "\" in the URL: a %% must be followed by two hexadecimal digits", ARG_STR(str_head(str_skip(s, i), 3)));
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == 0)
            return error_set(err, ERROR_BAD_REQUEST, "%%00 in the URL");
        out[n++] = c;
    }
    out[n] = 0;
    if (!str_is_utf8(str_make(out, n), &bad_at))
        return error_set(err, ERROR_BAD_REQUEST, "the URL is not UTF-8 once decoded (byte %zu)", bad_at + 1);
    *ret = str_make(out, n);
    return true;
}

bool http_decode_query(struct str query, struct arena *a, struct http_parameter **ret, size_t *ret_n, struct error *err)
{
    struct http_parameter *list;
    size_t n = 0, pieces = 1;

    for (size_t i = 0; i < query.n; i++)
        pieces += query.p[i] == '&';
    if (pieces > PARAMETERS_MAX + 1) /* a trailing & is common */
        return error_set(err, ERROR_LIMIT_EXCEEDED, "more than %d parameters in the query", PARAMETERS_MAX);
    list = arena_alloc(a, pieces * sizeof(*list));
    if (!list)
        return error_no_memory(err);
    while (query.n > 0) {
        struct str piece, name, value;
        if (!str_cut(query, '&', &piece, &query))
            query = STR_NONE;
        if (piece.n == 0)
            continue;
        if (!str_cut(piece, '=', &name, &value))
            value = STR("");
        if (!http_decode_percent(name, true, a, &list[n].name, err) ||
            !http_decode_percent(value, true, a, &list[n].value, err))
            return false;
        n++;
    }
    if (n > PARAMETERS_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "more than %d parameters in the query", PARAMETERS_MAX);
    *ret = list;
    *ret_n = n;
    return true;
}
