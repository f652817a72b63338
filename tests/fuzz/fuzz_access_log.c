/* Any address and any agent in a line of the access log: one line of JSON, nothing that acts on a terminal, and no secret. The
 * secret stands behind what the input makes of the query, as one more parameter. */
#include <stdint.h>
#include <stdlib.h>

#include "api/access_log.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char secret[] = "9f86d081884c7d65";

static void expect(bool it_is)
{
    if (!it_is)
        abort();
}

static void check_line(struct str text, size_t most)
{
    struct buf line = {0};
    log_add_text(&line, text, most);
    expect(buf_ok(&line) && line.n >= 2 && line.p[0] == '"' && line.p[line.n - 1] == '"');
    expect(str_is_utf8(buf_str(&line), NULL));
    for (size_t i = 0; i < line.n; i++)
        expect((unsigned char)line.p[i] >= 0x20 && line.p[i] != 0x7f);
    expect(line.n <= 6 * most + 2 + 3);
    buf_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *)data, size);
    struct buf query = {0}, out = {0};
    check_line(input, 1 + size / 2);
    check_line(input, 1000000);

    access_log_write_cut(input, &out);
    expect(buf_ok(&out));
    buf_reset(&out);

    buf_add_str(&query, input);
    buf_add_z(&query, "&acc%65ss_token=");
    buf_add_z(&query, secret);
    buf_add_z(&query, "&x=slzk_");
    buf_add_z(&query, secret);
    expect(buf_ok(&query));
    for (int names_only = 0; names_only < 2; names_only++) {
        access_log_write_query(buf_str(&query), names_only, &out);
        expect(buf_ok(&out) && (memmem(input.p, input.n, secret, sizeof secret - 1) || !memmem(out.p, out.n, secret, sizeof secret - 1)));
        expect(out.n <= 3 * query.n + 20);
        buf_reset(&out);
    }
    buf_free(&query);
    buf_free(&out);
    return 0;
}
