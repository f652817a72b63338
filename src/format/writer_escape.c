/* Fast escaping (writer_escape.h). JSON text is looked at eight bytes at a time: most cells need no escape at all, and
 * then cost little more than their copy. */
#include "format/writer_escape.h"

enum {
    ESCAPED_BYTES_MAX = 6,    /* \u001f */
    RESERVE_TEXT_MAX = 4096,  /* up to here room for the worst case is taken at once; beyond, piece by piece */
};

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))
#define HIGH_BITS EACH_BYTE(0x80)

/* A high bit in some byte of `w` that is zero (and perhaps, above it, in bytes that are not: only zero or not counts). */
static inline uint64_t zero_bytes(uint64_t w)
{
    return (w - EACH_BYTE(0x01)) & ~w & HIGH_BITS;
}

static inline bool needs_escape(uint64_t w)
{
    uint64_t control = (w - EACH_BYTE(0x20)) & ~w & HIGH_BITS;
    return (control | zero_bytes(w ^ EACH_BYTE('"')) | zero_bytes(w ^ EACH_BYTE('\\'))) != 0;
}

/* One byte, escaped where it must be. Returns where the next one goes. */
static inline char *put_byte(char *to, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[0x20] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (c >= 0x20 && c != '"' && c != '\\') {
        *to++ = (char)c;
        return to;
    }
    *to++ = '\\';
    if (c >= 0x20) {
        *to++ = (char)c;
    } else if (letters[c]) {
        *to++ = letters[c];
    } else {
        memcpy(to, "u00", 3);
        to[3] = hex[c >> 4];
        to[4] = hex[c & 15];
        to += 5;
    }
    return to;
}

static char *put_escaped(char *to, const char *p, size_t n)
{
    size_t i = 0;
    for (uint64_t w; i + 8 <= n; i += 8) {
        memcpy(&w, p + i, 8);
        if (!needs_escape(w)) {
            memcpy(to, &w, 8);
            to += 8;
            continue;
        }
        for (size_t k = 0; k < 8; k++)
            to = put_byte(to, (unsigned char)p[i + k]);
    }
    for (; i < n; i++)
        to = put_byte(to, (unsigned char)p[i]);
    return to;
}

/* Text of any length, a piece at a time, so that the room for the worst case stays small. */
static void add_long_json(struct buf *out, struct str before, struct str text)
{
    buf_add_str(out, before);
    buf_add_byte(out, '"');
    while (text.n) {
        struct str piece = str_head(text, RESERVE_TEXT_MAX);
        char *to = buf_room(out, piece.n * ESCAPED_BYTES_MAX);
        if (!to)
            return;
        out->n += (size_t)(put_escaped(to, piece.p, piece.n) - to);
        text = str_skip(text, piece.n);
    }
    buf_add_byte(out, '"');
}

void escape_json(struct buf *out, struct str before, struct str text)
{
    if (text.n > RESERVE_TEXT_MAX) {
        add_long_json(out, before, text);
        return;
    }
    char *from = buf_room(out, before.n + text.n * ESCAPED_BYTES_MAX + 2), *to = from;
    if (!from)
        return;
    if (before.n)
        to = (char *)memcpy(to, before.p, before.n) + before.n;
    *to++ = '"';
    to = put_escaped(to, text.p, text.n);
    *to++ = '"';
    out->n += (size_t)(to - from);
}

void escape_csv(struct buf *out, struct str text)
{
    buf_add_byte(out, '"');
    size_t at;
    while (str_find_byte(text, '"', &at)) {
        buf_add(out, text.p, at + 1);
        buf_add_byte(out, '"');
        text = str_skip(text, at + 1);
    }
    buf_add_str(out, text);
    buf_add_byte(out, '"');
}

void escape_csv_in_place(struct buf *out, size_t from)
{
    if (out->failed)
        return;
    size_t quotes = 0;
    for (size_t i = from; i < out->n; i++)
        quotes += out->p[i] == '"';
    if (quotes == 0 || !buf_room(out, quotes))
        return;
    /* From the end backwards, so that every byte moves once and none is overwritten before it moved. */
    size_t to = out->n + quotes;
    for (size_t i = out->n; i > from; i--) {
        out->p[--to] = out->p[i - 1];
        if (out->p[i - 1] == '"')
            out->p[--to] = '"';
    }
    out->n += quotes;
}
