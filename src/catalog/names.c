/* What may be a name, and how field names come from display names (docs/wire/views.md, "Names"). */
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "catalog/internal.h"

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

static bool map(struct arena *a, struct str s, utf8proc_option_t options, struct str *ret, struct error *err)
{
    size_t bad_at;
    if (!str_is_utf8(s, &bad_at))
        return error_set(err, ERROR_BODY_MALFORMED_TEXT, "byte %zu of a name or password is not UTF-8", bad_at + 1);
    utf8proc_uint8_t *out = NULL;
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)(s.p ? s.p : ""), (utf8proc_ssize_t)s.n, &out, UTF8PROC_STABLE | options);
    if (n < 0)
        return error_no_memory(err);
    *ret = arena_str(a, str_make((const char *)out, (size_t)n));
    free(out);
    return ret->p || error_no_memory(err);
}

bool text_nfc(struct arena *a, struct str s, struct str *ret, struct error *err)
{
    if (!is_ascii(s))
        return map(a, s, UTF8PROC_COMPOSE, ret, err);
    *ret = arena_str(a, s);
    return ret->p || error_no_memory(err);
}

bool text_fold(struct arena *a, struct str s, struct str *ret, struct error *err)
{
    size_t bad_at;
    struct folded f;
    if (!str_is_utf8(s, &bad_at))
        return error_set(err, ERROR_BODY_MALFORMED_TEXT, "byte %zu of a name is not UTF-8", bad_at + 1);
    if (!folded_init(s, &f))
        return error_no_memory(err);
    *ret = arena_str(a, f.s);
    folded_fini(&f);
    return ret->p || error_no_memory(err);
}

bool name_is_4x4(struct str s)
{
    if (s.n != DATASET_ID_LENGTH || s.p[4] != '-')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (i != 4 && !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            return false;
    }
    return true;
}

bool name_display(struct arena *a, const char *what, struct str s, size_t bytes_max, struct str *ret, struct error *err)
{
    struct str t = STR_NONE;
    if (s.n > 4 * bytes_max) /* before any work is put into it; NFC can shrink a name */
        return error_set(err, ERROR_DATASET_MALTYPED, "%s of %zu bytes, at most %zu are taken", what, s.n, bytes_max);
    if (!text_nfc(a, s, &t, err))
        return false;
    char *p = (char *)t.p; /* ours: the arena's copy */
    for (size_t i = 0; i < t.n; i++)
        if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
            p[i] = ' ';
    t = str_trim(t);
    if (t.n == 0)
        return error_set(err, ERROR_DATASET_MALTYPED, "%s must not be empty", what);
    if (t.n > bytes_max)
        return error_set(err, ERROR_DATASET_MALTYPED, "%s of %zu bytes, at most %zu are taken", what, t.n, bytes_max);
    *ret = arena_str(a, t);
    return ret->p || error_no_memory(err);
}

enum part { PART_NONE, PART_LETTER, PART_DIGIT, PART_MARK };

static enum part part_of(utf8proc_int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL: return PART_LETTER;
    case UTF8PROC_CATEGORY_ND: return PART_DIGIT;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC: return PART_MARK;
    default: return PART_NONE;
    }
}

/* Walks the characters of s; false at the end. */
static bool next_character(struct str *s, utf8proc_int32_t *ret)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t n = s->n ? utf8proc_iterate((const utf8proc_uint8_t *)s->p, (utf8proc_ssize_t)s->n, &c) : 0;
    if (n <= 0)
        return false;
    *s = str_skip(*s, (size_t)n);
    *ret = c;
    return true;
}

bool text_has_control(struct str s, const char *but)
{
    enum { ZERO_WIDTH_NON_JOINER = 0x200c, ZERO_WIDTH_JOINER = 0x200d };
    utf8proc_int32_t c;
    while (next_character(&s, &c))
        switch (utf8proc_category(c)) {
        case UTF8PROC_CATEGORY_CC:
            if (c == 0 || c > 0x7f || !strchr(but, (int)c))
                return true;
            break;
        case UTF8PROC_CATEGORY_CF:
            if (c != ZERO_WIDTH_NON_JOINER && c != ZERO_WIDTH_JOINER)
                return true;
            break;
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP: return true;
        default: break;
        }
    return false;
}

static void add_character(struct buf *b, utf8proc_int32_t c)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t n = utf8proc_encode_char(c, bytes);
    buf_add(b, bytes, n > 0 ? (size_t)n : 0);
}

static bool finish(struct arena *a, struct buf *b, struct str *ret, struct error *err)
{
    bool ok = buf_ok(b) && text_nfc(a, buf_str(b), ret, err);
    if (!buf_ok(b))
        error_no_memory(err);
    buf_free(b);
    return ok;
}

/* Letters and digits, folded, runs of all else one '_', none at the ends, '_' before a leading digit. */
static bool sanitise(struct arena *a, struct str display, size_t bytes_max, struct str *ret, struct error *err)
{
    struct str s = STR_NONE;
    if (!text_fold(a, display, &s, err))
        return false;
    struct buf b = {0};
    bool gap = false;
    utf8proc_int32_t c;
    while (next_character(&s, &c) && b.n + 6 <= bytes_max) {
        enum part part = part_of(c);
        if (part == PART_NONE || (part == PART_MARK && b.n == 0)) {
            gap = true;
            continue;
        }
        if ((gap && b.n) || (b.n == 0 && part == PART_DIGIT))
            buf_add_byte(&b, '_');
        gap = false;
        add_character(&b, c);
    }
    if (b.n == 0)
        buf_add_z(&b, "column");
    return finish(a, &b, ret, err);
}

/* Start: a letter, '_', '$' or '-'; then also digits and marks (soql-reference's identifier rule). */
static bool is_identifier(struct str s)
{
    bool first = true;
    utf8proc_int32_t c;
    if (s.n == 0)
        return false;
    for (; next_character(&s, &c); first = false) {
        if (c == '_' || c == '$' || c == '-')
            continue;
        enum part part = part_of(c);
        if (part == PART_NONE || (first && part != PART_LETTER))
            return false;
    }
    return true;
}

bool name_identifier(struct arena *a, const char *what, struct str s, struct str *ret, struct error *err)
{
    struct str t = STR_NONE, near = STR_NONE;
    s = str_trim(s);
    if (s.n > FIELD_NAME_BYTES_MAX)
        return error_set(err, ERROR_DATASET_MALTYPED, "%s of %zu bytes, at most %d are taken", what, s.n, FIELD_NAME_BYTES_MAX);
    if (!text_fold(a, s, &t, err))
        return false;
    if (t.n > 0 && t.p[0] == ':')
        return error_set(err, ERROR_DATASET_MALTYPED, "%s \"" FMT_STR "\" cannot be used: names that start with ':' belong to the system", what, ARG_STR(t));
    if (is_identifier(t) && t.n <= FIELD_NAME_BYTES_MAX) {
        *ret = t;
        return true;
    }
    if (!sanitise(a, t, FIELD_NAME_BYTES_MAX, &near, err))
        return false;
    return error_set(err, ERROR_DATASET_MALTYPED, "%s \"" FMT_STR "\" cannot be used: letters, digits, '_' and '-' only, and no digit first; \"" FMT_STR "\" would do", what, ARG_STR(t), ARG_STR(near));
}

bool name_derive(struct arena *a, struct str display, bool (*taken)(void *ctx, struct str name), void *ctx, struct str *ret, struct error *err)
{
    struct str base = STR_NONE;
    const size_t suffix_max = 8;
    if (!sanitise(a, display, FIELD_NAME_BYTES_MAX - suffix_max, &base, err))
        return false;
    struct str name = base;
    for (unsigned i = 1; taken(ctx, name); i++) {
        name = str_from(arena_printf(a, FMT_STR "_%u", ARG_STR(base), i));
        if (!name.p)
            return error_no_memory(err);
    }
    *ret = name;
    return true;
}
