/* gzip: the first byte says how the rest is cut. What comes out before a refusal may differ in length with the cut, not in
 * content; whether it is refused may not differ. The second byte picks a charset, to which the same applies. */
#include "../support/row_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { OUT_MAX = 1 << 20 };

static bool collect(void *ctx, struct str bytes, struct error *err)
{
    struct buf *out = ctx;
    buf_add_str(out, bytes);
    return out->n <= OUT_MAX || error_set(err, ERROR_BODY_TOO_LARGE, "enough");
}

static bool inflated(struct str bytes, uint64_t *cuts, struct buf *out)
{
    static const struct gunzip_limits limits = {.bytes_max = OUT_MAX, .ratio_max = 1000000, .ratio_from_bytes = OUT_MAX};
    struct error err;
    struct gunzip *g = gunzip_new(&limits, collect, out, &err);
    bool ok = true;
    while (ok && bytes.n) {
        struct str part = str_head(bytes, cuts ? cut_at_random(cuts, bytes.n) : bytes.n);
        ok = gunzip_push(g, part, &err);
        bytes = str_skip(bytes, part.n);
    }
    ok = ok && gunzip_finish(g, &err);
    gunzip_free(g);
    return ok;
}

static bool transcoded(const char *charset, struct str bytes, uint64_t *cuts, struct buf *out)
{
    struct error err;
    struct transcode *t = transcode_new(str_from(charset), collect, out, &err);
    bool ok = true;
    while (ok && bytes.n) {
        struct str part = str_head(bytes, cuts ? cut_at_random(cuts, bytes.n) : bytes.n);
        ok = transcode_push(t, part, &err);
        bytes = str_skip(bytes, part.n);
    }
    ok = ok && transcode_finish(t, &err);
    transcode_free(t);
    if (!str_is_utf8(buf_str(out), NULL))
        abort();
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const charsets[] = {"us-ascii", "iso-8859-1", "windows-1252", "utf-16", "utf-16le", "utf-16be"};
    if (n < 2)
        return 0;
    uint64_t cuts = 0x9e3779b97f4a7c15u * (data[0] + 1u);
    struct str bytes = str_make((const char *)data + 2, n - 2);
    struct buf whole = {0}, cut = {0};
    bool whole_ok = inflated(bytes, NULL, &whole), cut_ok = inflated(bytes, &cuts, &cut);
    size_t same = whole.n < cut.n ? whole.n : cut.n;
    if (whole_ok != cut_ok || (whole_ok && whole.n != cut.n) || (same && memcmp(whole.p, cut.p, same) != 0))
        abort();
    buf_reset(&whole);
    buf_reset(&cut);
    const char *charset = charsets[data[1] % 6];
    whole_ok = transcoded(charset, bytes, NULL, &whole);
    cut_ok = transcoded(charset, bytes, &cuts, &cut);
    if (whole_ok != cut_ok || !str_eq(buf_str(&whole), buf_str(&cut)))
        abort();
    buf_free(&whole);
    buf_free(&cut);
    return 0;
}
