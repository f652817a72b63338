/* Content-Encoding: gzip (RFC 1952), by zlib: every member, checksums checked, a little memory for any size. */
#include "format/reader.h"

#include <stdlib.h>
#include <zlib.h>

const struct gunzip_limits gunzip_limits_default = {
    .bytes_max = (uint64_t)64 << 30,
    .ratio_max = 200,
    .ratio_from_bytes = (uint64_t)16 << 20,
};

enum { OUT_BYTES = 256 << 10 };

struct gunzip {
    struct gunzip_limits limits;
    bool (*out)(void *ctx, struct str bytes, struct error *err);
    void *ctx;
    z_stream z;
    bool between, failed; /* between: no member is being read */
    uint64_t members, in_bytes, out_bytes, member_at;
    unsigned char room[OUT_BYTES];
};

struct gunzip *gunzip_new(const struct gunzip_limits *limits, bool (*out)(void *ctx, struct str bytes, struct error *err), void *ctx, struct error *err)
{
    struct gunzip *g = calloc(1, sizeof *g);
    if (!g) {
        error_no_memory(err);
        return NULL;
    }
    g->limits = *limits;
    g->out = out;
    g->ctx = ctx;
    g->between = true;
    if (inflateInit2(&g->z, 16 + MAX_WBITS) != Z_OK) {
        free(g);
        error_no_memory(err);
        return NULL;
    }
    return g;
}

static bool refuse(struct gunzip *g, const char *what, struct error *err)
{
    error_set(err, ERROR_BODY_MALFORMED_GZIP, "the gzip request body is damaged in the member that starts at byte %llu: %s",
              (unsigned long long)g->member_at, what);
    error_data_i64(err, "byte", (int64_t)g->member_at);
    return false;
}

static bool refuse_size(const char *what, uint64_t limit, struct error *err)
{
    error_set(err, ERROR_BODY_TOO_LARGE, "the gzip request body inflates to more than %llu %s", (unsigned long long)limit, what);
    error_data_i64(err, "limit", (int64_t)limit);
    return false;
}

static bool check_size(struct gunzip *g, struct error *err)
{
    if (g->out_bytes > g->limits.bytes_max)
        return refuse_size("bytes", g->limits.bytes_max, err);
    if (g->out_bytes > g->limits.ratio_from_bytes && g->out_bytes / g->limits.ratio_max > g->in_bytes)
        return refuse_size("times its size", g->limits.ratio_max, err);
    return true;
}

/* Bytes after a member are the next member or nothing: RFC 1952 knows no filling. */
static bool begin_member(struct gunzip *g, struct error *err)
{
    g->member_at = g->in_bytes;
    if (g->members && *g->z.next_in != 0x1f)
        return refuse(g, "bytes follow the end that are not gzip", err);
    if (g->members && inflateReset(&g->z) != Z_OK)
        return error_no_memory(err);
    g->between = false;
    return true;
}

static bool inflate_some(struct gunzip *g, struct error *err)
{
    g->z.next_out = g->room;
    g->z.avail_out = OUT_BYTES;
    uInt before = g->z.avail_in;
    int status = inflate(&g->z, Z_NO_FLUSH);
    size_t n = OUT_BYTES - g->z.avail_out;
    g->in_bytes += before - g->z.avail_in;
    g->out_bytes += n;
    if (status == Z_MEM_ERROR)
        return error_no_memory(err);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        return refuse(g, g->z.msg ? g->z.msg : "not gzip", err); /* coverage: zlib has always had words for it */
    if (!check_size(g, err))
        return false;
    if (status == Z_STREAM_END) {
        g->members++;
        g->between = true;
    }
    return !n || g->out(g->ctx, str_make((const char *)g->room, n), err);
}

static bool push(struct gunzip *g, struct str bytes, struct error *err)
{
    enum { SLICE_MAX = 1 << 30 }; /* zlib counts in unsigned int */
    while (bytes.n) {
        struct str part = str_head(bytes, SLICE_MAX);
        bytes = str_skip(bytes, part.n);
        g->z.next_in = (unsigned char *)(uintptr_t)part.p;
        g->z.avail_in = (uInt)part.n;
        do {
            if (g->between && !begin_member(g, err))
                return false;
            if (!inflate_some(g, err))
                return false;
        } while (g->z.avail_in || (!g->between && !g->z.avail_out));
    }
    return true;
}

bool gunzip_push(struct gunzip *g, struct str bytes, struct error *err)
{
    if (g->failed)
        return error_set(err, ERROR_BODY_MALFORMED_GZIP, "the gzip request body was refused before");
    g->failed = !push(g, bytes, err);
    return !g->failed;
}

bool gunzip_finish(struct gunzip *g, struct error *err)
{
    if (g->failed)
        return error_set(err, ERROR_BODY_MALFORMED_GZIP, "the gzip request body was refused before");
    if (g->between && g->members)
        return true;
    return refuse(g, g->in_bytes ? "the body ends inside of it" : "the body is empty", err);
}

void gunzip_free(struct gunzip *g)
{
    if (!g)
        return;
    inflateEnd(&g->z);
    free(g);
}
