/* Good texts with one byte changed, added or gone, and cut off anywhere: whatever a parser says to them, it says it in any
 * slices, keeps its promises, and never looks past the end (each text lies in memory of its own size, for the sanitizer). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

#include "../support/row_log.h"
#include "http/internal.h"
#include "rows/geometry.h"
#include "soql/soql.h"

static const char *current; /* the text's name, for failures */

static void must(bool claim, const char *what, struct str text)
{
    struct buf shown = {0};
    if (claim)
        return;
    buf_add_json(&shown, text);
    fail_msg("%s: %s: " FMT_STR, current, what, ARG_STR(buf_str(&shown)));
}

/* ── what is done with a text ── */

static void try_rows(struct str text, int format)
{
    char *whole = row_log_read((enum reader_format)format, NULL, text, NULL, NULL);
    for (uint64_t seed = 1; seed < 4; seed++) {
        uint64_t x = seed;
        char *cut = row_log_read((enum reader_format)format, NULL, text, cut_at_random, &x);
        must(strcmp(whole, cut) == 0, "another reading in slices", text);
        free(cut);
    }
    for (size_t at = 1; at < text.n; at += 1 + text.n / 40) {
        size_t first = at;
        char *cut = row_log_read((enum reader_format)format, NULL, text, cut_once, &first);
        must(strcmp(whole, cut) == 0, "another reading in two parts", text);
        free(cut);
    }
    free(whole);
}

static void try_tree(struct str text, int unused)
{
    struct arena a = {0};
    struct buf once = {0}, twice = {0};
    struct json *tree;
    struct error err;
    (void)unused;
    if (json_parse(&a, text, &tree, &err)) {
        json_write(tree, &once);
        must(json_parse(&a, buf_str(&once), &tree, &err), "what was written is refused", text);
        json_write(tree, &twice);
        must(str_eq(buf_str(&once), buf_str(&twice)), "written otherwise", text);
        int64_t i;
        bool b;
        json_get_i64(tree, STR("n"), &i);
        json_get_bool(tree, STR("ok"), &b);
    }
    arena_free(&a);
    buf_free(&once);
    buf_free(&twice);
}

/* A value: refused with an expectation, or shown in JSON that means the same. */
static void try_value(struct str text, int type)
{
    const struct type *t = type_get((enum type_id)type);
    struct arena a = {0};
    struct type_context ctx = {.arena = &a};
    struct type_refusal why = {.expected = ""};
    struct cell cell = {.kind = CELL_ABSENT};
    struct raw raw = {text.n && text.p[0] == '{' ? RAW_OBJECT : RAW_STRING, text};
    struct error err;
    struct json *tree;
    if (raw.kind == RAW_OBJECT && !json_parse(&a, text, &tree, &err))
        raw.kind = RAW_STRING; /* a reader would not have called it an object */
    if (raw.kind == RAW_STRING && !str_is_utf8(text, NULL)) {
        arena_free(&a);
        return;
    }
    if (!t->parse(t, &raw, &ctx, &cell, &why)) {
        must(why.expected[0] && cell.kind == CELL_ABSENT, "refused without a word", text);
        must(str_is_utf8(str_from(why.expected), NULL) && str_is_utf8(str_from(why.hint), NULL), "a hint that is no text", text);
    } else if (cell.kind != CELL_NULL) {
        for (int version_2 = 0; version_2 < 2; version_2++) {
            struct type_render render = {.version_2 = version_2};
            struct buf shown = {0};
            t->write_json(t, &cell, &render, &shown);
            must(json_parse(&a, buf_str(&shown), &tree, &err), "shown as what is no JSON", text);
            buf_reset(&shown);
            t->write_csv(t, &cell, &render, &shown);
            must(str_is_utf8(buf_str(&shown), NULL), "shown as what is no text", text);
            buf_free(&shown);
        }
        must(t->compare(&cell, &cell) == 0, "not equal to itself", text);
    }
    arena_free(&a);
}

/* The two readers of geometries, also on what is no JSON: their own promise is only that they stay inside. */
static void try_geometry(struct str text, int type)
{
    struct arena a = {0};
    struct type_refusal why = {.expected = ""};
    struct geometry_builder b = {.arena = &a, .why = &why};
    if (text.n && text.p[0] == '{')
        geometry_read_geojson(&b, geometry_shape_of((enum type_id)type), text);
    else
        geometry_read_wkt(&b, geometry_shape_of((enum type_id)type), text);
    arena_free(&a);
}

static void try_head(struct str text, int unused)
{
    enum parse got[3];
    struct error err[3];
    size_t n[3];
    (void)unused;
    for (int i = 0; i < 3; i++) {
        static const size_t steps[] = {1 << 20, 1, 7};
        struct head_scan scan = {0};
        got[i] = PARSE_MORE;
        for (size_t to = steps[i]; got[i] == PARSE_MORE; to += steps[i]) {
            got[i] = head_scan(&scan, str_head(text, to), &http_limits_default, &n[i], &err[i]);
            if (to >= text.n)
                break;
        }
        must(got[i] == got[0] && (got[0] != PARSE_BAD || strcmp(err[i].message, err[0].message) == 0), "another verdict in slices", text);
        must(got[0] != PARSE_DONE || n[i] == n[0], "another end in slices", text);
    }
    if (got[0] == PARSE_DONE) {
        struct request r;
        struct arena a = {0};
        if (head_build(str_head(text, n[0]), &http_limits_default, &a, &r, &err[0])) {
            size_t hosts;
            must(http_header_count(&r.head, "host", &hosts) ? hosts == 1 : r.old, "a request without its host", text);
            must(!r.chunked || !r.head.body_length_known, "two lengths", text);
        }
        arena_free(&a);
    }
}

static void try_chunked(struct str text, int unused)
{
    struct buf out[2] = {{0}};
    enum parse got[2];
    (void)unused;
    for (int i = 0; i < 2; i++) {
        struct chunked d = {0};
        struct error err;
        size_t step = i ? 1 : text.n, used, n;
        got[i] = PARSE_MORE;
        for (size_t at = 0; got[i] == PARSE_MORE && at < text.n; at += used) {
            struct str part = str_head(str_skip(text, at), step);
            got[i] = chunked_push(&d, part, 1000, buf_room(&out[i], part.n), &used, &n, &err);
            if (got[i] == PARSE_BAD)
                break;
            out[i].n += n;
        }
    }
    must(got[0] == got[1], "another verdict in slices", text);
    must(got[0] == PARSE_BAD || str_eq(buf_str(&out[0]), buf_str(&out[1])), "other data in slices", text);
    buf_free(&out[0]);
    buf_free(&out[1]);
}

static void try_query(struct str text, int unused)
{
    struct arena a = {0};
    struct http_parameter *list;
    struct error err;
    size_t n;
    (void)unused;
    if (http_decode_query(text, &a, &list, &n, &err))
        for (size_t i = 0; i < n; i++)
            must(str_is_utf8(list[i].name, NULL) && str_is_utf8(list[i].value, NULL), "decoded to what is no text", text);
    arena_free(&a);
}

static bool collect(void *ctx, struct str bytes, struct error *err)
{
    (void)err;
    buf_add_str(ctx, bytes);
    return true;
}

static void try_charset(struct str text, int which)
{
    static const char *const charsets[] = {"us-ascii", "iso-8859-1", "windows-1252", "utf-16", "utf-16le", "utf-16be"};
    struct buf out[2] = {{0}};
    bool ok[2];
    for (int i = 0; i < 2; i++) {
        struct error err;
        struct transcode *t = transcode_new(str_from(charsets[which]), collect, &out[i], &err);
        ok[i] = true;
        for (struct str rest = text; ok[i] && rest.n; rest = str_skip(rest, i ? 1 : rest.n))
            ok[i] = transcode_push(t, str_head(rest, i ? 1 : rest.n), &err);
        bool refused = !ok[i];
        ok[i] = ok[i] && transcode_finish(t, &err);
        if (refused) /* stays so */
            must(!transcode_push(t, STR("x"), &err) && !transcode_finish(t, &err), "taken after a refusal", text);
        transcode_free(t);
    }
    must(ok[0] == ok[1] && str_eq(buf_str(&out[0]), buf_str(&out[1])), "another text in slices", text);
    must(str_is_utf8(buf_str(&out[0]), NULL), "became what is no text", text);
    buf_free(&out[0]);
    buf_free(&out[1]);
}

static void try_gunzip(struct str text, int unused)
{
    struct buf out[2] = {{0}};
    bool ok[2];
    (void)unused;
    for (int i = 0; i < 2; i++) {
        struct error err;
        struct gunzip *g = gunzip_new(&gunzip_limits_default, collect, &out[i], &err);
        ok[i] = true;
        for (struct str rest = text; ok[i] && rest.n; rest = str_skip(rest, i ? 1 : rest.n))
            ok[i] = gunzip_push(g, str_head(rest, i ? 1 : rest.n), &err);
        bool refused = !ok[i];
        ok[i] = ok[i] && gunzip_finish(g, &err);
        if (refused) /* stays so */
            must(!gunzip_push(g, STR("x"), &err), "taken after a refusal", text);
        gunzip_free(g);
    }
    must(ok[0] == ok[1] && (!ok[0] || str_eq(buf_str(&out[0]), buf_str(&out[1]))), "other bytes in slices", text);
    buf_free(&out[0]);
    buf_free(&out[1]);
}

static struct column shape[] = {
    {.physical = 1, .type = &type_text, .field_name = {"name", 4}, .name = {"Name", 4}},
    {.physical = 2, .type = &type_number, .field_name = {"n", 1}, .name = {"N", 1}},
};
static struct columns columns = {.v = shape, .n = 2, .row_identifier = 0};

static void try_soql(struct str text, int order)
{
    static const struct row_id_key row_ids = {{1, 2, 3, 4}};
    struct soql_parameter parameter = {order ? STR("$order") : STR("$select"), text};
    const struct soql_dataset primary = {STR("four-by44"), &columns, &row_ids};
    const struct soql_request request = {.primary = &primary, .parameters = &parameter, .n = 1};
    struct arena a = {0};
    struct soql_compiled q = {0};
    struct error err = {0};
    if (!soql_compile(&request, &a, &q, &err))
        must(err.message[0] && str_is_utf8(str_from(err.message), NULL), "refused in what is no text", text);
    query_fini(&q.query);
    arena_free(&a);
}

/* ── the texts ── */

struct good {
    const char *name;
    void (*act)(struct str text, int what);
    int what;
    const char *text;
    size_t n; /* 0: up to the NUL */
};

#define HUMAN "\"human_address\":\"{\\\"address\\\":\\\"1 Main St\\\",\\\"city\\\":\\\"S\\\",\\\"state\\\":\\\"WA\\\",\\\"zip\\\":\\\"98101\\\"}\""
static const struct good goods[] = {
    {"json rows", try_rows, READER_JSON, "\xef\xbb\xbf[{\"a\": 1.5e-3, \"b\\u00e9\\n\" :\"x\\ud83d\\ude00\\/\", \"c\":{\"d\":[true ,null]}},\n[\"k\"], false]\n", 0},
    {"json numbers", try_rows, READER_JSON, "[{\"a\":-0,\"b\":0.10E+5,\"c\":12}, [-1]]", 0},
    {"json object", try_rows, READER_JSON, "{\"a\":[[],{}],\"b\":\"\",\"a\":false}", 0},
    {"ndjson", try_rows, READER_NDJSON, "{\"a\":1}\r\n[\"k\"]\n\n{\"b\":\"t\xc3\xa9\"}", 0},
    {"csv", try_rows, READER_CSV, "a,\"b \"\"c\"\r\n1,\"x\ny\"\r\n,\"\"\n\"q\"\"r\",caf\xc3\xa9\r2,3", 0},
    {"csv of one column", try_rows, READER_CSV, "a\n1\n\n\"\"\n2\n\n", 0},
    {"csv of three columns", try_rows, READER_CSV, "a;b,c,\xe2\x82\xac\n1,2,3\n", 0},
    {"tsv", try_rows, READER_TSV, "a\tb\n1\t\"2\"\nx\"y\t\"p\tq\"\n", 0},
    {"form", try_rows, READER_FORM, "a=1&b=x+y%C3%A9&c=%0A&d&=e", 0},
    {"tree", try_tree, 0, "{\"n\":5,\"ok\":true,\"a\":[1,\"two\",{\"b\":null,\"\\u0063\":false}],\"e\":\"\"}", 0},
    {"tree of a number", try_tree, 0, "{\"n\":\"-12\",\"ok\":\"false\"}", 0},
    {"text", try_value, TYPE_TEXT, "t\xc3\xa9xt", 0},
    {"number", try_value, TYPE_NUMBER, "-012.50e-03", 0},
    {"number with a scale", try_value, TYPE_NUMBER, "0.00000000000000000000123", 0},
    {"checkbox", try_value, TYPE_CHECKBOX, "true", 0},
    {"url", try_value, TYPE_URL, "{\"url\":\"http://a/\",\"description\":\"d\"}", 0},
    {"url as text", try_value, TYPE_URL, "Text (http://a.example/b)", 0},
    {"date", try_value, TYPE_FLOATING_TIMESTAMP, "2014-10-13", 0},
    {"time", try_value, TYPE_FLOATING_TIMESTAMP, "2014-10-13T05:06:07.123", 0},
    {"american time", try_value, TYPE_FLOATING_TIMESTAMP, "10/13/2014 05:06:07 AM", 0},
    {"american date", try_value, TYPE_FLOATING_TIMESTAMP, "1/2/14", 0},
    {"week date", try_value, TYPE_FLOATING_TIMESTAMP, "2014-W42-1", 0},
    {"day of the year", try_value, TYPE_FIXED_TIMESTAMP, "2014-286T05:06Z", 0},
    {"offset", try_value, TYPE_FIXED_TIMESTAMP, "2014-10-13T05:06:07,5+05:30", 0},
    {"basic form", try_value, TYPE_FIXED_TIMESTAMP, "20141013T050607-0800", 0},
    {"words", try_value, TYPE_FIXED_TIMESTAMP, "13 Oct 2014 05:06:07 +0000", 0},
    {"mail date", try_value, TYPE_FIXED_TIMESTAMP, "Mon, 13 Oct 2014 05:06:07 GMT", 0},
    {"location", try_value, TYPE_LOCATION, "{\"latitude\":\"47.5\",\"longitude\":-122," HUMAN ",\"needs_recoding\":false}", 0},
    {"location with an address as object", try_value, TYPE_LOCATION, "{\"latitude\":91,\"longitude\":181,\"human_address\":{\"city\":\"S\",\"zip\":\"9\"}}", 0},
    {"location as text", try_value, TYPE_LOCATION, "1 Main St, Seattle, WA 98101-1234 (47.5, -122.25)", 0},
    {"location in lines", try_value, TYPE_LOCATION, "1 Main St\nSeattle WA 98101\n(47.5,-122.25)", 0},
    {"location of a city", try_value, TYPE_LOCATION, "Seattle, WA", 0},
    {"json value", try_value, TYPE_JSON, "{\"json\": {\"a\": [1, \"2\"]}}", 0},
    {"point", try_value, TYPE_POINT, "POINT Z (-87.6 41.9 1e1)", 0},
    {"point with its system", try_value, TYPE_POINT, "SRID=4326;POINT(1 2)", 0},
    {"point of pairs", try_value, TYPE_POINT, "(47.5, -122.25)", 0},
    {"point geojson", try_value, TYPE_POINT, "{\"type\": \"Point\", \"coordinates\": [ -87.6, 41.9, 3 ], \"bbox\":[1,{\"a\":\"]\\\"\"}]}", 0},
    {"line", try_geometry, TYPE_LINE, "LINESTRING (0 0, 1 1)", 0},
    {"multipoint", try_geometry, TYPE_MULTIPOINT, "MULTIPOINT ((0 0), 1 1)", 0},
    {"polygon", try_geometry, TYPE_MULTIPOLYGON, "MULTIPOLYGON M (((0 0 1, 4 0 1, 4 4 1, 0 0 1)), EMPTY)", 0},
    {"point geojson, raw", try_geometry, TYPE_POINT, "{\"a\":\"\\\\\",\"type\": \"Point\" ,\t\"coordinates\"\r:\n[ -87.6 , 41.9,3 ] , \"b\" : {\"c\":[1,{}]}}", 0},
    {"polygon geojson, raw", try_geometry, TYPE_POLYGON, "{\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]],[]],\"type\":\"Polygon\"}", 0},
    {"head", try_head, 0, "POST /a%20b?c=d HTTP/1.1\r\nHost: a.example:80\r\nContent-Length: 12\r\nExpect: 100-continue\r\nConnection: close, x\r\n\r\n", 0},
    {"head of absolute form", try_head, 0, "\r\nGET http://[::1]:8080?q HTTP/1.0\r\nHost: [::1]:8080\r\nX-Socrata-RequestId: abc\r\n\r\n", 0},
    {"head of a chunked body", try_head, 0, "PUT /x HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\nAccept:\t x \r\n\r\n", 0},
    {"chunked", try_chunked, 0, "5\r\nhello\r\nA;x=\"y\tz\"\r\n0123456789\r\n0\r\nTrailer-1: \tx\r\n\r\n", 0},
    {"query", try_query, 0, "a=b&c=%20+x&&d=%C3%a9&e%5B%5D=f", 0},
    {"us-ascii", try_charset, 0, "plain", 0},
    {"iso-8859-1", try_charset, 1, "caf\xe9", 0},
    {"windows-1252", try_charset, 2, "\x93q\x94 \x80", 0},
    {"utf-16 little", try_charset, 3, "\xff\xfe" "a\0\xe9\0\x3d\xd8\0\xde", 10},
    {"utf-16 big", try_charset, 3, "\xfe\xff\0a\xd8\x3d\xde\0", 8},
    {"utf-16le", try_charset, 4, "a\0\xff\xdb\xff\xdf", 6},
    {"utf-16be", try_charset, 5, "\0a\xd8\x3d\xde\0", 6},
    {"selection", try_soql, 0, ":*, name,`n` , :id", 0},
    {"selection of all", try_soql, 0, "*, :updated_at", 0},
    {"order", try_soql, 1, "name ASC null last, `n` desc,\n:id", 0},
};

/* A copy to the byte. */
static void try(const struct good *g, const char *p, size_t n)
{
    char *copy = malloc(n ? n : 1);
    memcpy(copy, p, n);
    g->act(str_make(n ? copy : "", n), g->what);
    free(copy);
}

static void change_every_byte(const struct good *g, struct str text)
{
    static const char others[] = "\0\t\n\r \"#%&'()*+,-./019:;<=@ADEFITWZ[\\]_`aefinuz{|}~\x7f\x80\xc3\xff";
    char *room = malloc(text.n + 1);
    current = g->name;
    for (size_t at = 0; at <= text.n; at++) {
        try(g, text.p, at);
        for (size_t k = 0; at < text.n && k < sizeof others - 1; k++) {
            memcpy(room, text.p, text.n);
            room[at] = others[k];
            try(g, room, text.n); /* changed */
        }
        for (size_t k = 0; k < sizeof others - 1; k += 3) {
            memcpy(room, text.p, at);
            room[at] = others[k];
            memcpy(room + at + 1, text.p + at, text.n - at);
            try(g, room, text.n + 1); /* added */
        }
        if (at < text.n) {
            memcpy(room, text.p, at);
            memcpy(room + at, text.p + at + 1, text.n - at - 1);
            try(g, room, text.n - 1); /* gone */
        }
    }
    free(room);
}

static void one_byte_off_is_read_the_same_in_any_slices(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++)
        change_every_byte(&goods[i], str_make(goods[i].text, goods[i].n ? goods[i].n : strlen(goods[i].text)));
}

static void a_gzip_body_one_byte_off_is_read_the_same_in_any_slices(void **state)
{
    (void)state;
    static const struct good g = {"gzip", try_gunzip, 0, "", 0};
    unsigned char packed[512];
    for (int level = 0; level <= 9; level += 9) {
        z_stream z = {.next_in = (unsigned char *)(uintptr_t) "some text, some text, some text", .avail_in = 31, .next_out = packed, .avail_out = sizeof packed};
        assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        size_t n = z.total_out;
        deflateEnd(&z);
        memcpy(packed + n, packed, n); /* two members */
        change_every_byte(&g, str_make((char *)packed, n * 2));
    }
}

static int set_up(void **state)
{
    (void)state;
    return random_init() && columns_index(&columns) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    columns_unindex(&columns);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_byte_off_is_read_the_same_in_any_slices),
        cmocka_unit_test(a_gzip_body_one_byte_off_is_read_the_same_in_any_slices),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
