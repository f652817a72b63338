/* '…' with '' for a quote and no escapes; "…" with the escapes of JSON and \UXXXXXX (soql-reference, SoQLLexer.flex). Both are texts. A value
 * without doubled quotes or escapes is a loan of the source. */
#include "soql/token_string.h"

#include <utf8proc.h>

static void bad(enum error_code code, uint32_t at, struct str what, struct soql_token *ret)
{
    *ret = (struct soql_token){.kind = TOKEN_BAD, .bad = code, .text = what, .at = at, .end = at};
}

static void take(struct soql_lexer *l, uint32_t end, struct str value, struct soql_token *ret)
{
    *ret = (struct soql_token){.kind = TOKEN_STRING, .text = value, .at = l->at, .end = end};
    l->at = end;
}

static void lex_single(struct soql_lexer *l, struct soql_token *ret)
{
    struct str t = l->source->text;
    uint32_t at = l->at + 1, doubled = 0;
    for (; at < t.n; at++) {
        if (t.p[at] != '\'')
            continue;
        if (at + 1 >= t.n || t.p[at + 1] != '\'')
            break;
        at++, doubled++;
    }
    if (at >= t.n) {
        bad(ERROR_QUERY_UNTERMINATED_STRING, l->at, STR("Unterminated string; it ends with ', and a quote within it is written ''"), ret);
        return;
    }
    struct str raw = str_make(t.p + l->at + 1, at - l->at - 1);
    if (!doubled) {
        take(l, at + 1, raw, ret);
        return;
    }
    char *value = arena_alloc(l->arena, raw.n);
    if (!value) {
        bad(ERROR_OUT_OF_MEMORY, l->at, STR_NONE, ret);
        return;
    }
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        value[n++] = raw.p[i];
        i += raw.p[i] == '\'';
    }
    take(l, at + 1, str_make(value, n), ret);
}

/* ── "…" ── */

struct escape {
    utf8proc_int32_t c;
    uint32_t n; /* bytes of the text, the backslash included */
    enum error_code bad;
    const char *what;
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* n hexadecimal digits at `at`, or -1. */
static utf8proc_int32_t read_hex(struct str t, uint32_t at, uint32_t n)
{
    utf8proc_int32_t value = 0;
    for (uint32_t i = 0; i < n; i++) {
        int digit = at + i < t.n ? hex_value(t.p[at + i]) : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static struct escape refuse_escape(enum error_code code, const char *what)
{
    return (struct escape){.bad = code, .what = what};
}

/* \uXXXX, two of them for what lies past U+FFFF, or \UXXXXXX */
static struct escape read_unicode(struct str t, uint32_t at)
{
    bool is_long = t.p[at + 1] == 'U';
    utf8proc_int32_t c = read_hex(t, at + 2, is_long ? 6 : 4);
    uint32_t n = is_long ? 8 : 6;
    if (c < 0)
        return refuse_escape(ERROR_QUERY_BAD_UNICODE_ESCAPE, is_long ? "Bad unicode escape: six hexadecimal digits follow \\U"
                                                                     : "Bad unicode escape: four hexadecimal digits follow \\u");
    if (c > 0x10ffff)
        return refuse_escape(ERROR_QUERY_UNICODE_OUT_OF_RANGE, "Unicode character out of range: the last one is \\U10FFFF");
    if (!is_long && c >= 0xd800 && c < 0xdc00 && at + 8 <= t.n && t.p[at + 6] == '\\' && t.p[at + 7] == 'u') {
        utf8proc_int32_t low = read_hex(t, at + 8, 4);
        if (low >= 0xdc00 && low < 0xe000)
            return (struct escape){.c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00), .n = 12};
    }
    if (c >= 0xd800 && c < 0xe000)
        return refuse_escape(ERROR_QUERY_BAD_UNICODE_ESCAPE, "Bad unicode escape: half of a surrogate pair is no character");
    if (c == 0)
        return refuse_escape(ERROR_QUERY_BAD_UNICODE_ESCAPE, "Bad unicode escape: U+0000 stands in no text");
    return (struct escape){.c = c, .n = n};
}

/* At a backslash. */
static struct escape read_escape(struct str t, uint32_t at)
{
    static const char letters[] = "/ntbfr\"\\", values[] = "/\n\t\b\f\r\"\\";
    char c = at + 1 < t.n ? t.p[at + 1] : 0;
    if (c == 'u' || c == 'U')
        return read_unicode(t, at);
    const char *found = c ? strchr(letters, c) : NULL;
    if (!found)
        return refuse_escape(ERROR_QUERY_UNEXPECTED_ESCAPE, "Unexpected escape; within \"…\" there are \\/ \\n \\t \\b \\f \\r \\\" \\\\ \\uXXXX \\UXXXXXX");
    return (struct escape){.c = values[found - letters], .n = 2};
}

/* The value into `out`, which has room for the rest of the source: an escape is longer than what it stands for. */
static void unescape(struct soql_lexer *l, char *out, struct soql_token *ret)
{
    struct str t = l->source->text;
    size_t n = 0;
    uint32_t at = l->at + 1;
    while (at < t.n && t.p[at] != '"' && t.p[at] != '\n' && t.p[at] != '\r') {
        if (t.p[at] != '\\') {
            out[n++] = t.p[at++];
            continue;
        }
        struct escape e = read_escape(t, at);
        if (e.bad) {
            bad(e.bad, at, str_from(e.what), ret);
            return;
        }
        n += (size_t)utf8proc_encode_char(e.c, (utf8proc_uint8_t *)out + n);
        at += e.n;
    }
    take(l, at + 1, str_make(out, n), ret);
}

static void lex_double(struct soql_lexer *l, struct soql_token *ret)
{
    struct str t = l->source->text;
    bool escaped = false;
    uint32_t at = l->at + 1;
    for (; at < t.n && t.p[at] != '"' && t.p[at] != '\n' && t.p[at] != '\r'; at++) {
        bool here = t.p[at] == '\\';
        escaped |= here;
        at += here;
    }
    if (!escaped && at < t.n && t.p[at] == '"') {
        take(l, at + 1, str_make(t.p + l->at + 1, at - l->at - 1), ret);
        return;
    }
    bool ends = at < t.n && t.p[at] == '"';
    char *out = arena_alloc(l->arena, (at < t.n ? at : t.n) - l->at + 1);
    if (!out) {
        bad(ERROR_OUT_OF_MEMORY, l->at, STR_NONE, ret);
        return;
    }
    uint32_t from = l->at;
    unescape(l, out, ret);
    if (ends || ret->kind == TOKEN_BAD)
        return;
    l->at = from;
    bad(ERROR_QUERY_UNTERMINATED_STRING, from, STR("Unterminated string; it ends with \" on the same line, and a line break within it is written \\n"), ret);
}

void soql_lex_string(struct soql_lexer *l, struct soql_token *ret)
{
    if (l->source->text.p[l->at] == '\'')
        lex_single(l, ret);
    else
        lex_double(l, ret);
}
