/* Any head, cut anywhere: the same outcome as whole, and what is taken keeps the promises of a request. The input's first two
 * bytes choose where it is cut. */
#include <stdint.h>
#include <stdlib.h>

#include "base/random.h"
#include "http/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = {.request_line_max = 200, .head_max = 1000, .headers_max = 10, .body_max = 100000};

struct outcome {
    enum parse got;
    size_t n;
    struct error err;
};

static void scan_in_steps(struct str text, size_t step, struct outcome *ret)
{
    struct head_scan scan = {0};

    ret->got = PARSE_MORE;
    ret->n = 0;
    for (size_t n = step; ret->got == PARSE_MORE; n += step) {
        ret->got = head_scan(&scan, str_head(text, n), &limits, &ret->n, &ret->err);
        if (n >= text.n)
            break;
    }
}

static void must(bool claim)
{
    if (!claim)
        abort();
}

static void check_request(struct str head)
{
    struct arena a = {0};
    struct request r;
    struct error err;
    struct str decoded;
    struct http_parameter *parameters;
    size_t n;

    if (head_build(head, &limits, &a, &r, &err)) {
        must(r.head.n_headers <= limits.headers_max);
        must(!r.chunked || (r.head.has_body && !r.head.body_length_known));
        must(r.chunked || (r.head.body_length_known && r.head.has_body == (r.head.body_length > 0)));
        must(r.head.body_length <= limits.body_max);
        must(!(http_header(&r.head, "content-length").p && http_header(&r.head, "transfer-encoding").p));
        must(r.head.path.n > 0 && (r.head.path.p[0] == '/' || str_eq(r.head.path, STR("*"))));
        must(http_header_count(&r.head, "host", &n) ? n == 1 : r.old);
        for (size_t i = 0; i < r.head.n_headers; i++)
            for (size_t k = 0; k < r.head.headers[i].value.n; k++)
                must(!memchr("\r\n\0", r.head.headers[i].value.p[k], 3));
        if (http_decode_percent(r.head.path, false, &a, &decoded, &err))
            must(!memchr(decoded.p, 0, decoded.n) && str_is_utf8(decoded, &n));
        if (http_decode_query(r.head.query, &a, &parameters, &n, &err))
            must(n <= PARAMETERS_MAX);
    }
    must(strlen(r.head.request_id) <= REQUEST_ID_MAX);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, cut;
    static bool ready;
    struct str text;
    char *copy; /* exactly as long as the input, so that a read past it is seen */

    if (!ready)
        ready = random_init();
    if (size < 2)
        return 0;
    copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data + 2, size - 2);
    text = str_make(copy, size - 2);
    scan_in_steps(text, text.n ? text.n : 1, &whole);
    scan_in_steps(text, (size_t)data[0] % 16 + 1 + data[1], &cut);
    must(whole.got == cut.got);
    must(whole.got != PARSE_BAD || (whole.err.code == cut.err.code && strcmp(whole.err.message, cut.err.message) == 0));
    must(whole.got != PARSE_DONE || (whole.n == cut.n && whole.n <= text.n));
    if (whole.got == PARSE_DONE)
        check_request(str_head(text, whole.n));
    free(copy);
    return 0;
}
