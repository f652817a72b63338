/* The chunked transfer coding (RFC 9112 7.1), a state per byte outside of chunk data, so that any slicing gives the same.
 *
 *     chunked-body = *chunk last-chunk trailer-section CRLF
 *     chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
 *
 * Extensions and trailers are checked for their characters, limited and dropped: a trailer must never become a header. */
#include <inttypes.h>

#include "http/internal.h"

enum {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_DONE
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool bad(struct error *err, const struct chunked *d, const char *what)
{
    return error_set(err, ERROR_BAD_REQUEST, "the chunked body is damaged after %" PRIu64 " bytes of data: %s", d->total, what);
}

static bool size_byte(struct chunked *d, char c, uint64_t body_max, struct error *err)
{
    int digit = hex_digit(c);

    if (digit >= 0) {
        if (++d->digits > 16)
            return bad(err, d, "a chunk size has more than 16 digits");
        d->left = d->left << 4 | (uint64_t)digit;
        return true;
    }
    if (d->digits == 0 || (c != ';' && c != '\r'))
        return bad(err, d, "a chunk size must be hexadecimal digits and CR LF");
    if (d->left > body_max || d->total > body_max - d->left) {
        error_set(err, ERROR_BODY_TOO_LARGE, "the body is over the limit of %" PRIu64 " bytes", body_max);
        error_data_i64(err, "limit", (int64_t)body_max);
        return false;
    }
    d->extension = 0;
    d->state = c == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_LF;
    return true;
}

static bool is_text(char c)
{
    unsigned char u = (unsigned char)c;

    return u == '\t' || (u >= 0x20 && u != 0x7f);
}

static bool is_name(char c)
{
    return c > 0x20 && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static bool extension_byte(struct chunked *d, char c, struct error *err)
{
    if (c == '\r') {
        d->state = CHUNK_SIZE_LF;
        return true;
    }
    if (!is_text(c))
        return bad(err, d, "a control character in a chunk extension");
    if (++d->extension > CHUNK_EXTENSION_MAX || ++d->extensions > CHUNK_EXTENSIONS_MAX)
        return bad(err, d, "the chunk extensions are too long");
    return true;
}

static bool trailer_byte(struct chunked *d, char c, struct error *err)
{
    if (++d->trailers > TRAILERS_MAX)
        return bad(err, d, "the trailers are too long");
    if (d->state == TRAILER_START && c == '\r') {
        d->state = CHUNK_END_LF;
        return true;
    }
    if (d->state == TRAILER_VALUE) {
        if (c == '\r')
            d->state = TRAILER_LF;
        else if (!is_text(c))
            return bad(err, d, "a control character in a trailer");
        return true;
    }
    if (d->state == TRAILER_NAME && c == ':') {
        d->state = TRAILER_VALUE;
        return true;
    }
    if (!is_name(c))
        return bad(err, d, "a trailer line has no plain name before its colon");
    d->state = TRAILER_NAME;
    return true;
}

/* A byte that must be `want`. */
static bool line_byte(struct chunked *d, char c, char want, int next, struct error *err)
{
    if (c != want)
        return bad(err, d, "CR LF is missing where a chunk's line or data ends");
    d->state = next;
    return true;
}

static bool push_byte(struct chunked *d, char c, uint64_t body_max, struct error *err)
{
    switch (d->state) {
    case CHUNK_SIZE:
        return size_byte(d, c, body_max, err);
    case CHUNK_EXTENSION:
        return extension_byte(d, c, err);
    case CHUNK_SIZE_LF:
        return line_byte(d, c, '\n', d->left > 0 ? CHUNK_DATA : TRAILER_START, err);
    case CHUNK_DATA_CR:
        return line_byte(d, c, '\r', CHUNK_DATA_LF, err);
    case CHUNK_DATA_LF:
        d->digits = 0;
        return line_byte(d, c, '\n', CHUNK_SIZE, err);
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return trailer_byte(d, c, err);
    case TRAILER_LF:
        return line_byte(d, c, '\n', TRAILER_START, err);
    case CHUNK_END_LF:
        return line_byte(d, c, '\n', CHUNK_DONE, err);
    }
    return error_set(err, ERROR_INTERNAL, "the chunk reader is in no known state");
}

enum parse chunked_push(struct chunked *d, struct str in, uint64_t body_max, char *out, size_t *ret_used, size_t *ret_n,
                        struct error *err)
{
    size_t at = 0, n = 0;

    while (at < in.n && d->state != CHUNK_DONE) {
        if (d->state == CHUNK_DATA) {
            size_t take = d->left < in.n - at ? (size_t)d->left : in.n - at;
            memmove(out + n, in.p + at, take);
            at += take;
            n += take;
            d->total += take;
            d->left -= take;
            if (d->left == 0)
                d->state = CHUNK_DATA_CR;
            continue;
        }
        if (!push_byte(d, in.p[at++], body_max, err))
            return PARSE_BAD;
    }
    *ret_used = at;
    *ret_n = n;
    return d->state == CHUNK_DONE ? PARSE_DONE : PARSE_MORE;
}
