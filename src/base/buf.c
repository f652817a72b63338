/* A growing byte buffer (buf.h). */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

char *buf_room(struct buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (b->cap - b->n >= n && b->p)
        return b->p + b->n;
    size_t want;
    if (__builtin_add_overflow(b->n, n, &want)) {
        b->failed = true;
        return NULL;
    }
    size_t cap = b->cap ? b->cap : 64;
    while (cap < want)
        cap = cap > SIZE_MAX / 2 ? want : cap * 2;
    char *p = realloc(b->p, cap);
    if (!p) {
        b->failed = true;
        return NULL;
    }
    b->p = p;
    b->cap = cap;
    return p + b->n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (n == 0)
        return;
    char *to = buf_room(b, n);
    if (!to)
        return;
    memcpy(to, p, n);
    b->n += n;
}

void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_add_z(struct buf *b, const char *z)
{
    buf_add(b, z, strlen(z));
}

void buf_add_byte(struct buf *b, char c)
{
    char *to = buf_room(b, 1);
    if (to) {
        *to = c;
        b->n++;
    }
}

void buf_add_u64(struct buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_add(b, digits + at, sizeof digits - at);
}

void buf_add_i64(struct buf *b, int64_t v)
{
    if (v < 0)
        buf_add_byte(b, '-');
    buf_add_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char small[256];
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < sizeof small) {
        buf_add(b, small, (size_t)n);
    } else {
        char *to = buf_room(b, (size_t)n + 1);
        if (to) {
            vsnprintf(to, (size_t)n + 1, fmt, again);
            b->n += (size_t)n;
        }
    }
    va_end(again);
}

/* What a byte below 0x80 needs in a JSON string: 0 nothing, 'u' a \u00xx, else the letter after the backslash. */
static char json_escape(unsigned char c)
{
    switch (c) {
    case '"':
        return '"';
    case '\\':
        return '\\';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    }
    return c < 0x20 || c == 0x7f ? 'u' : 0;
}

static void add_json_valid(struct buf *b, struct str s)
{
    if (s.n == 0) /* its pointer may be NULL */
        return;
    static const char hex[] = "0123456789abcdef";
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        char e = json_escape(c);
        if (!e)
            continue;
        buf_add(b, s.p + from, i - from);
        from = i + 1;
        if (e == 'u') {
            char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            buf_add(b, text, sizeof text);
        } else {
            char text[2] = {'\\', e};
            buf_add(b, text, sizeof text);
        }
    }
    buf_add(b, s.p + from, s.n - from);
}

static void add_mended(struct buf *b, struct str s, void (*add)(struct buf *b, struct str s))
{
    size_t bad;
    while (!str_is_utf8(s, &bad)) {
        add(b, str_head(s, bad));
        buf_add(b, "\xef\xbf\xbd", 3);
        s = str_skip(s, bad + 1);
    }
    add(b, s);
}

void buf_add_json(struct buf *b, struct str s)
{
    buf_add_byte(b, '"');
    add_mended(b, s, add_json_valid);
    buf_add_byte(b, '"');
}

void buf_add_utf8(struct buf *b, struct str s)
{
    add_mended(b, s, buf_add_str);
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->failed = false;
}

void buf_free(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}

char *buf_take_z(struct buf *b)
{
    buf_add_byte(b, 0);
    char *p = b->failed ? NULL : b->p;
    if (!p)
        free(b->p);
    *b = (struct buf){0};
    return p;
}
