/* Functions of text. Positions and lengths count characters, which are code points; case is mapped code point by code point, so that
 * both engines agree and no text changes its length (docs/wire/soql.md, "Text"). */
#include <utf8proc.h>

#include "sql/functions/functions.h"
#include "sql/functions/unaccent.h"

/* ── characters ── */

static bool is_lead(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* The bytes of the first n characters. */
static size_t bytes_of(struct str s, int64_t n)
{
    size_t i = 0;
    while (i < s.n && n > 0) {
        i++;
        while (i < s.n && !is_lead(s.p[i]))
            i++;
        n--;
    }
    return i;
}

static int64_t characters(struct str s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += is_lead(s.p[i]);
    return n;
}

static bool too_long(sqlite3_context *out, sqlite3_value *place, uint64_t bytes)
{
    if (bytes <= FUNCTION_TEXT_MAX)
        return false;
    function_refuse(out, place, "the text would have more than %d bytes", FUNCTION_TEXT_MAX);
    return true;
}

/* ── case and accents ── */

static void map(sqlite3_context *out, sqlite3_value *v, utf8proc_int32_t (*to)(utf8proc_int32_t), char first, char last)
{
    struct str s;
    struct buf b = {0};
    if (!function_text(out, v, &s))
        return;
    while (s.n) {
        utf8proc_int32_t c;
        size_t ascii = 0;
        char *p = buf_room(&b, s.n + 4);
        if (!p)
            break;
        for (; ascii < s.n && (unsigned char)s.p[ascii] < 0x80; ascii++)
            p[ascii] = (char)(s.p[ascii] >= first && s.p[ascii] <= last ? s.p[ascii] ^ 0x20 : s.p[ascii]);
        b.n += ascii;
        s = str_skip(s, ascii);
        utf8proc_ssize_t taken = utf8proc_iterate((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &c);
        if (taken <= 0)
            break; /* the end; damaged text ends here too */
        b.n += (size_t)utf8proc_encode_char(to(c), (utf8proc_uint8_t *)p + ascii);
        s = str_skip(s, (size_t)taken);
    }
    function_give_buf(out, &b);
}

/* Unicode's simple mapping has no capital for the sharp s; the library gives it U+1E9E. */
static utf8proc_int32_t to_upper(utf8proc_int32_t c)
{
    return c == 0xdf ? c : utf8proc_toupper(c);
}

static void upper(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    map(out, v[0], to_upper, 'a', 'z');
}

static void lower(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    map(out, v[0], utf8proc_tolower, 'A', 'Z');
}

static void text_unaccent(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s;
    struct buf b = {0};
    (void)n;
    if (!function_text(out, v[0], &s))
        return;
    unaccent(s, &b);
    function_give_buf(out, &b);
}

/* ── searching ── */

static bool holds(struct str s, struct str part)
{
    return part.n == 0 || memmem(s.p, s.n, part.p, part.n);
}

static void starts_with(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s, part;
    (void)n;
    if (function_text(out, v[0], &s) && function_text(out, v[1], &part))
        sqlite3_result_int(out, str_starts(s, part));
}

static void contains(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s, part;
    (void)n;
    if (function_text(out, v[0], &s) && function_text(out, v[1], &part))
        sqlite3_result_int(out, holds(s, part));
}

/* One character of s by one element of the pattern (not %): how many bytes of both, 0 for none. */
static bool match_one(struct str *s, struct str *pattern)
{
    if (!s->n)
        return false;
    if (pattern->p[0] == '_') {
        *s = str_skip(*s, bytes_of(*s, 1));
        *pattern = str_skip(*pattern, 1);
        return true;
    }
    size_t at = pattern->p[0] == '\\';
    if (s->p[0] != pattern->p[at])
        return false;
    *s = str_skip(*s, 1);
    *pattern = str_skip(*pattern, at + 1);
    return true;
}

/* A mismatch goes back to the last % alone: what was matched before it need never be tried anew. At most text × pattern steps. */
static bool like(struct str s, struct str pattern)
{
    struct str retry = STR_NONE, retry_pattern = STR_NONE;
    while (s.n || pattern.n) {
        if (pattern.n && pattern.p[0] == '%') {
            pattern = str_skip(pattern, 1);
            retry = s;
            retry_pattern = pattern;
            if (!pattern.n)
                return true;
            continue;
        }
        if (pattern.n && match_one(&s, &pattern))
            continue;
        if (!retry.p || !retry.n)
            return false;
        retry = str_skip(retry, bytes_of(retry, 1));
        s = retry;
        pattern = retry_pattern;
    }
    return true;
}

/* \ takes something with it. */
static bool ends_in_escape(struct str pattern)
{
    size_t n = 0;
    while (n < pattern.n && pattern.p[pattern.n - 1 - n] == '\\')
        n++;
    return n % 2 == 1;
}

static void text_like(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s, pattern;
    (void)n;
    if (!function_text(out, v[0], &s) || !function_text(out, v[1], &pattern))
        return;
    if (pattern.n > FUNCTION_PATTERN_MAX)
        function_refuse(out, v[2], "a LIKE pattern has at most %d bytes", FUNCTION_PATTERN_MAX);
    else if (ends_in_escape(pattern))
        function_refuse(out, v[2], "LIKE pattern must not end with escape character");
    else
        sqlite3_result_int(out, like(s, pattern));
}

static bool equal_caseless(struct str a, struct str b)
{
    while (a.n && b.n) {
        utf8proc_int32_t c, d;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)a.p, (utf8proc_ssize_t)a.n, &c);
        utf8proc_ssize_t m = utf8proc_iterate((const utf8proc_uint8_t *)b.p, (utf8proc_ssize_t)b.n, &d);
        if (n <= 0 || m <= 0 || (c != d && to_upper(c) != to_upper(d)))
            return false;
        a = str_skip(a, (size_t)n);
        b = str_skip(b, (size_t)m);
    }
    return !a.n && !b.n;
}

/* As IN: null when the text is, or when it is none of the list and the list holds a null. */
static void caseless_one_of(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s, one;
    bool has_null = false;
    if (sqlite3_value_type(v[0]) == SQLITE_NULL || !function_text(out, v[0], &s))
        return;
    for (int i = 1; i < n; i++) {
        if (sqlite3_value_type(v[i]) == SQLITE_NULL) {
            has_null = true;
            continue;
        }
        if (!function_text(out, v[i], &one))
            return;
        if (equal_caseless(s, one)) {
            sqlite3_result_int(out, 1);
            return;
        }
    }
    if (!has_null)
        sqlite3_result_int(out, 0);
}

/* ── parts ── */

/* Characters from `start` on, the first being 1; what lies before the first counts towards the length. */
static void substring(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s;
    int64_t start, length = INT32_MAX;
    sqlite3_value *place = v[n - 1];
    if (!function_text(out, v[0], &s) || !function_int(out, v[1], place, &start) || (n == 4 && !function_int(out, v[2], place, &length)))
        return;
    if (length < 0) {
        function_refuse(out, place, "negative substring length not allowed");
        return;
    }
    int64_t end = n == 4 ? start + length : INT64_MAX;
    if (start < 1)
        start = 1;
    s = str_skip(s, bytes_of(s, start - 1));
    function_give_text(out, end <= start ? STR("") : str_head(s, bytes_of(s, end - start)));
}

static int64_t count_parts(struct str s, struct str delimiter)
{
    const char *p;
    int64_t n = 1;
    for (; (p = memmem(s.p, s.n, delimiter.p, delimiter.n)) != NULL; n++)
        s = str_skip(s, (size_t)(p - s.p) + delimiter.n);
    return n;
}

/* The n-th part, from 1. */
static struct str part_of(struct str s, struct str delimiter, int64_t n)
{
    for (;;) {
        const char *p = memmem(s.p, s.n, delimiter.p, delimiter.n);
        if (n == 1)
            return p ? str_head(s, (size_t)(p - s.p)) : s;
        if (!p)
            return STR("");
        s = str_skip(s, (size_t)(p - s.p) + delimiter.n);
        n--;
    }
}

static void split_part(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s, delimiter;
    int64_t at;
    (void)n;
    if (!function_text(out, v[0], &s) || !function_text(out, v[1], &delimiter) || !function_int(out, v[2], v[3], &at))
        return;
    if (at == 0) {
        function_refuse(out, v[3], "field position must not be zero");
        return;
    }
    if (s.n == 0 || delimiter.n == 0) {
        function_give_text(out, s.n && (at == 1 || at == -1) ? s : STR(""));
        return;
    }
    if (at < 0)
        at += count_parts(s, delimiter) + 1;
    function_give_text(out, at < 1 ? STR("") : part_of(s, delimiter, at));
}

static void replace(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str s, from, to;
    struct buf b = {0};
    (void)n;
    if (!function_text(out, v[0], &s) || !function_text(out, v[1], &from) || !function_text(out, v[2], &to))
        return;
    const char *p;
    while (from.n && (p = memmem(s.p, s.n, from.p, from.n)) != NULL) {
        size_t at = (size_t)(p - s.p);
        buf_add_str(&b, str_head(s, at));
        buf_add_str(&b, to);
        s = str_skip(s, at + from.n);
        if (too_long(out, v[3], b.n + s.n)) {
            buf_free(&b);
            return;
        }
    }
    buf_add_str(&b, s);
    function_give_buf(out, &b);
}

/* ── making ── */

static void concat(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str a, b;
    struct buf both = {0};
    (void)n;
    if (!function_text(out, v[0], &a) || !function_text(out, v[1], &b) || too_long(out, v[2], (uint64_t)a.n + b.n))
        return;
    buf_add_str(&both, a);
    buf_add_str(&both, b);
    function_give_buf(out, &both);
}

/* `fill` repeated and cut to n characters. */
static bool add_fill(sqlite3_context *out, sqlite3_value *place, struct str fill, int64_t n, struct buf *b)
{
    int64_t width = characters(fill), times = width ? n / width : 0;
    if (!width)
        return true; /* nothing, or damaged */
    size_t rest = bytes_of(fill, n % width);
    if (too_long(out, place, (uint64_t)times * fill.n + rest + b->n))
        return false;
    for (; times > 0; times--)
        buf_add_str(b, fill);
    buf_add_str(b, str_head(fill, rest));
    return true;
}

static void pad(sqlite3_context *out, sqlite3_value **v, bool is_left)
{
    struct str s, fill;
    struct buf b = {0};
    int64_t n;
    if (!function_text(out, v[0], &s) || !function_int(out, v[1], v[3], &n) || !function_text(out, v[2], &fill))
        return;
    int64_t have = characters(s);
    if (n < 0)
        n = 0;
    if (have > n)
        s = str_head(s, bytes_of(s, n));
    bool ok = true;
    if (!is_left)
        buf_add_str(&b, s);
    if (have < n)
        ok = add_fill(out, v[3], fill, n - have, &b);
    if (is_left)
        buf_add_str(&b, s);
    if (ok)
        function_give_buf(out, &b);
    else
        buf_free(&b);
}

static void left_pad(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    pad(out, v, true);
}

static void right_pad(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    pad(out, v, false);
}

static void chr(sqlite3_context *out, int n, sqlite3_value **v)
{
    int64_t c;
    utf8proc_uint8_t bytes[4];
    (void)n;
    if (!function_int(out, v[0], v[1], &c))
        return;
    if (c == 0)
        function_refuse(out, v[1], "null character not permitted");
    else if (c < 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        function_refuse(out, v[1], "requested character not valid for encoding: %lld", (long long)c);
    else
        function_give_text(out, str_make((const char *)bytes, (size_t)utf8proc_encode_char((utf8proc_int32_t)c, bytes)));
}

const struct function functions_text[] = {
    {"text_upper", 1, false, upper},
    {"text_lower", 1, false, lower},
    {"text_unaccent", 1, false, text_unaccent},
    {"text_starts_with", 2, false, starts_with},
    {"text_contains", 2, false, contains},
    {"text_like", 3, false, text_like},
    {"text_caseless_one_of", -1, true, caseless_one_of},
    {"text_substring", 3, false, substring},
    {"text_substring", 4, false, substring},
    {"text_split_part", 4, false, split_part},
    {"text_replace", 4, false, replace},
    {"text_concat", 3, false, concat},
    {"text_left_pad", 4, false, left_pad},
    {"text_right_pad", 4, false, right_pad},
    {"text_chr", 2, false, chr},
    {NULL, 0, false, NULL},
};
