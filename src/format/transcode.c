/* Declared charsets to UTF-8 (docs/wire/bodies.md, "Charsets"). Bytes that mean nothing in the declared charset are refused
 * with their offset; nothing is replaced. */
#include "format/reader.h"

#include <stdlib.h>

enum charset { ASCII, LATIN_1, WINDOWS_1252, UTF_16, UTF_16LE, UTF_16BE };

static const struct {
    const char *name;
    enum charset charset;
} charsets[] = {
    {"us-ascii", ASCII},          {"ascii", ASCII},         {"iso-8859-1", LATIN_1}, {"iso8859-1", LATIN_1}, {"iso_8859-1", LATIN_1},
    {"latin1", LATIN_1},          {"l1", LATIN_1},          {"utf-16", UTF_16},      {"utf16", UTF_16},      {"utf-16le", UTF_16LE},
    {"utf-16be", UTF_16BE},       {"cp1252", WINDOWS_1252}, {"x-cp1252", WINDOWS_1252},
    {"windows-1252", WINDOWS_1252},
};

/* 0x80 to 0x9f of windows-1252 (WHATWG Encoding, index windows-1252); 0 has no meaning. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
    0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

enum { OUT_BYTES = 64 << 10, CHARACTER_BYTES_MAX = 4 };

struct transcode {
    enum charset charset;
    bool (*out)(void *ctx, struct str bytes, struct error *err);
    void *ctx;
    bool failed, half, order_known; /* half: `first` is one byte of a UTF-16 unit */
    unsigned char first;
    unsigned high; /* a high surrogate that waits for its low one */
    uint64_t at;   /* bytes read */
    size_t n;
    char room[OUT_BYTES];
};

bool transcode_is_utf8(struct str charset)
{
    return str_eq_fold(charset, STR("utf-8")) || str_eq_fold(charset, STR("utf8"));
}

struct transcode *transcode_new(struct str charset, bool (*out)(void *ctx, struct str bytes, struct error *err), void *ctx, struct error *err)
{
    size_t i = 0, n = sizeof charsets / sizeof *charsets;
    while (i < n && !str_eq_fold(charset, str_from(charsets[i].name)))
        i++;
    if (i == n) {
        error_set(err, ERROR_CHARSET_UNKNOWN,
                  "the charset \"" FMT_STR "\" is not taken; send utf-8 (also taken: iso-8859-1, windows-1252, us-ascii, utf-16, utf-16le, utf-16be)",
                  ARG_STR(str_head_utf8(charset, 100)));
        error_data_str(err, "charset", str_head_utf8(charset, 100));
        return NULL;
    }
    struct transcode *t = malloc(sizeof *t);
    if (!t) {
        error_no_memory(err);
        return NULL;
    }
    memset(t, 0, offsetof(struct transcode, room));
    t->charset = charsets[i].charset;
    t->out = out;
    t->ctx = ctx;
    t->order_known = t->charset != UTF_16;
    return t;
}

static bool flush(struct transcode *t, struct error *err)
{
    size_t n = t->n;
    t->n = 0;
    return !n || t->out(t->ctx, str_make(t->room, n), err);
}

/* The caller sees to the room. */
static void put(struct transcode *t, unsigned c)
{
    char *to = t->room + t->n;
    if (c < 0x80) {
        to[0] = (char)c;
        t->n += 1;
    } else if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        t->n += 2;
    } else if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        t->n += 3;
    } else {
        to[0] = (char)(0xf0 | c >> 18);
        to[1] = (char)(0x80 | (c >> 12 & 0x3f));
        to[2] = (char)(0x80 | (c >> 6 & 0x3f));
        to[3] = (char)(0x80 | (c & 0x3f));
        t->n += 4;
    }
}

/* What was read before the bad byte is handed on first, as it would be had the slice ended there. */
static bool refuse(struct transcode *t, uint64_t at, const char *what, struct error *err)
{
    if (!flush(t, err))
        return false;
    error_set(err, ERROR_BODY_MALFORMED_TEXT, "the request body is not what its charset says at byte %llu: %s", (unsigned long long)at, what);
    error_data_i64(err, "byte", (int64_t)at);
    return false;
}

static bool put_byte(struct transcode *t, unsigned char c, struct error *err)
{
    unsigned code = c;
    if (c >= 0x80 && t->charset == ASCII)
        return refuse(t, t->at, "a byte above 0x7f in us-ascii", err);
    if (c >= 0x80 && c < 0xa0 && t->charset == WINDOWS_1252 && !(code = windows_1252[c - 0x80]))
        return refuse(t, t->at, "a byte without meaning in windows-1252", err);
    put(t, code);
    t->at++;
    return true;
}

static bool put_unit(struct transcode *t, unsigned unit, uint64_t at, struct error *err)
{
    bool low = unit >= 0xdc00 && unit <= 0xdfff;
    if (t->high && !low)
        return refuse(t, at - 2, "half a surrogate pair", err);
    if (low && !t->high)
        return refuse(t, at, "half a surrogate pair", err);
    if (low) {
        put(t, 0x10000 + ((t->high - 0xd800) << 10) + (unit - 0xdc00));
        t->high = 0;
    } else if (unit >= 0xd800 && unit <= 0xdbff) {
        t->high = unit;
    } else {
        put(t, unit);
    }
    return true;
}

static bool put_half(struct transcode *t, unsigned char c, struct error *err)
{
    t->at++;
    if (!t->half) {
        t->half = true;
        t->first = c;
        return true;
    }
    t->half = false;
    if (!t->order_known) {
        bool little = t->first == 0xff && c == 0xfe;
        if (!little && !(t->first == 0xfe && c == 0xff))
            return refuse(t, 0, "utf-16 without byte order mark; say utf-16le or utf-16be", err);
        t->charset = little ? UTF_16LE : UTF_16BE;
        t->order_known = true;
        return true;
    }
    unsigned unit = t->charset == UTF_16LE ? t->first | (unsigned)c << 8 : c | (unsigned)t->first << 8;
    return put_unit(t, unit, t->at - 2, err);
}

static bool push(struct transcode *t, struct str bytes, struct error *err)
{
    bool wide = t->charset == UTF_16 || t->charset == UTF_16LE || t->charset == UTF_16BE;
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        if (t->n > OUT_BYTES - CHARACTER_BYTES_MAX && !flush(t, err))
            return false;
        if (!(wide ? put_half(t, c, err) : put_byte(t, c, err)))
            return false;
    }
    return flush(t, err);
}

bool transcode_push(struct transcode *t, struct str bytes, struct error *err)
{
    if (t->failed)
        return error_set(err, ERROR_BODY_MALFORMED_TEXT, "the request body was refused before");
    t->failed = !push(t, bytes, err);
    return !t->failed;
}

bool transcode_finish(struct transcode *t, struct error *err)
{
    if (t->failed)
        return error_set(err, ERROR_BODY_MALFORMED_TEXT, "the request body was refused before");
    if (t->half)
        return refuse(t, t->at - 1, "it ends inside of a utf-16 unit", err);
    return !t->high || refuse(t, t->at - 2, "it ends inside of a surrogate pair", err);
}

void transcode_free(struct transcode *t)
{
    free(t);
}
