/* Rows to bytes: the exact forms of docs/wire/reading.md, and that escaping is right wherever a byte stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/random.h"
#include "format/writer.h"
#include "format/writer_escape.h"
#include "rows/row_id.h"

static const struct row_id_key row_ids = {{1, 2, 3, 4}};
static const struct result_column shape[] = {
    {{"name", 4}, &type_text, NULL}, {{"n", 1}, &type_number, NULL}, {{"ok", 2}, &type_boolean, NULL}, {{"p", 1}, &type_point, NULL}, {{"q", 1}, &type_point, NULL},
};
enum { N = sizeof shape / sizeof *shape };

/* A point as it is stored: little-endian WKB. */
static struct cell point(struct arena *a, double x, double y)
{
    char *p = arena_alloc(a, 21);
    memcpy(p, "\1\1\0\0\0", 5);
    memcpy(p + 5, &x, 8);
    memcpy(p + 13, &y, 8);
    return cell_blob(str_make(p, 21));
}

struct case_ {
    enum writer_format format;
    bool single, bom;
    int rows; /* of: full, nulls, text with everything in it */
    const char *want;
};

#define CRS "\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:OGC:1.3:CRS84\"}}"
#define P12 "{\"type\":\"Point\",\"coordinates\":[1.0,2.5]}"
#define P34 "{\"type\":\"Point\",\"coordinates\":[-3.0,4.0]}"
#define FULL "{\"name\":\"a\",\"n\":\"1.50\",\"ok\":true,\"p\":" P12 ",\"q\":" P34 "}"
#define FEATURE_FULL "{\"type\":\"Feature\",\"geometry\":" P12 ",\"properties\":{\"name\":\"a\",\"n\":\"1.50\",\"ok\":true,\"q\":" P34 "}"
#define FEATURE_NULLS "{\"type\":\"Feature\",\"geometry\":null,\"properties\":{\"name\":null,\"n\":null,\"ok\":null,\"q\":null}"

static const struct case_ cases[] = {
    {WRITER_JSON, false, false, 0, "[]\n"},
    {WRITER_JSON, false, false, 1, "[" FULL "]\n"},
    {WRITER_JSON, false, false, 3, "[" FULL "\n,{}\n,{\"name\":\"\\\"x\\\\\\n\\u0001\xc3\xa9,\\t\",\"n\":\"-7\"}]\n"},
    {WRITER_JSON, true, false, 1, FULL "\n"},
    {WRITER_GEOJSON, false, false, 0, "{\"type\":\"FeatureCollection\",\"features\":[]," CRS "}\n"},
    {WRITER_GEOJSON, false, false, 2, "{\"type\":\"FeatureCollection\",\"features\":[" FEATURE_FULL "}\n," FEATURE_NULLS "}]," CRS "}\n"},
    {WRITER_GEOJSON, true, false, 1, FEATURE_FULL "," CRS "}\n"},
    {WRITER_CSV, false, false, 0, "\"name\",\"n\",\"ok\",\"p\",\"q\"\n"},
    {WRITER_CSV, false, false, 3,
     "\"name\",\"n\",\"ok\",\"p\",\"q\"\n\"a\",\"1.50\",\"true\",\"POINT (1.0 2.5)\",\"POINT (-3.0 4.0)\"\n,,,,\n\"\"\"x\\\n\x01\xc3\xa9,\t\",\"-7\",,,\n"},
    {WRITER_CSV, false, true, 0, "\xef\xbb\xbf\"name\",\"n\",\"ok\",\"p\",\"q\"\n"},
    {WRITER_TSV, false, false, 1, "\"name\"\t\"n\"\t\"ok\"\t\"p\"\t\"q\"\n\"a\"\t\"1.50\"\t\"true\"\t\"POINT (1.0 2.5)\"\t\"POINT (-3.0 4.0)\"\n"},
};

static void every_format_has_its_exact_form(void **state)
{
    (void)state;
    struct arena arena = {0};
    const struct cell rows[3][N] = {
        {cell_text(STR("a")), cell_text(STR("1.50")), cell_int(1), point(&arena, 1, 2.5), point(&arena, -3, 4)},
        {cell_null(), cell_null(), cell_null(), cell_null(), cell_null()},
        {cell_text(STR("\"x\\\n\x01\xc3\xa9,\t")), cell_text(STR("-7")), cell_null(), cell_null(), cell_null()},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct case_ *c = &cases[i];
        struct writer w = {.format = c->format, .single = c->single, .bom = c->bom, .columns = shape, .n = N, .render.row_ids = &row_ids};
        struct buf out = {0};
        assert_true(writer_init(&w));
        writer_begin(&w, &out);
        for (int k = 0; k < c->rows; k++)
            writer_row(&w, rows[k], &out);
        writer_end(&w, &out);
        assert_true(buf_ok(&out));
        if (!str_eq(buf_str(&out), str_from(c->want)))
            fail_msg("case %zu:\n%.*s\n%s", i, (int)out.n, out.p, c->want);
        writer_fini(&w);
        buf_free(&out);
    }
    arena_free(&arena);
}

static void without_geometry_a_feature_has_null(void **state)
{
    (void)state;
    struct writer w = {.format = WRITER_GEOJSON, .columns = shape, .n = 1};
    struct buf out = {0};
    struct cell cell = cell_text(STR("x"));
    assert_true(writer_init(&w));
    writer_row(&w, &cell, &out);
    assert_true(str_eq(buf_str(&out), STR("{\"type\":\"Feature\",\"geometry\":null,\"properties\":{\"name\":\"x\"}}")));
    writer_fini(&w);
    buf_free(&out);
}

static void no_columns_make_empty_rows(void **state)
{
    (void)state;
    struct writer w = {.format = WRITER_JSON};
    struct buf out = {0};
    assert_true(writer_init(&w));
    writer_begin(&w, &out);
    writer_row(&w, NULL, &out);
    writer_row(&w, NULL, &out);
    writer_end(&w, &out);
    assert_true(str_eq(buf_str(&out), STR("[{}\n,{}]\n")));
    writer_fini(&w);
    buf_free(&out);
}

/* Every byte at every place of the eight that are looked at together comes back from our own JSON reader. */
static void escaped_text_reads_back_wherever_a_byte_stands(void **state)
{
    (void)state;
    struct buf out = {0};
    struct arena arena = {0};
    for (int c = 1; c < 0x80; c++) {
        for (size_t n = 1; n < 20; n++) {
            for (size_t at = 0; at < n; at++) {
                char text[20];
                memset(text, 'x', n);
                text[at] = (char)c;
                buf_reset(&out);
                arena_reset(&arena);
                escape_json(&out, STR_NONE, str_make(text, n));
                struct json *json;
                struct error err;
                if (!json_parse(&arena, buf_str(&out), &json, &err) || !str_eq(json->text, str_make(text, n)))
                    fail_msg("byte %d at %zu of %zu: %.*s", c, at, n, (int)out.n, out.p);
            }
        }
    }
    buf_free(&out);
    arena_free(&arena);
}

static void text_longer_than_a_piece_is_whole(void **state)
{
    (void)state;
    enum { LONG = 3 * 4096 + 5 };
    static char text[LONG];
    memset(text, '"', sizeof text);
    struct buf out = {0};
    escape_json(&out, STR("k"), str_make(text, sizeof text));
    assert_int_equal(out.n, 1 + 2 + 2 * LONG);
    assert_memory_equal(out.p, "k\"\\\"", 4);
    for (size_t i = 2; i + 1 < out.n; i += 2)
        assert_memory_equal(out.p + i, "\\\"", 2);
    buf_free(&out);
}

static void quotes_double_in_place_as_they_do_in_a_copy(void **state)
{
    (void)state;
    const char *given = getenv("SELTZER_SEED");
    assert_true(random_init());
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)random_u64();
    print_message("SELTZER_SEED=%u\n", seed);
    for (int round = 0; round < 2000; round++) {
        char text[64];
        size_t n = (unsigned)rand_r(&seed) % sizeof text;
        for (size_t i = 0; i < n; i++)
            text[i] = "\"a,"[rand_r(&seed) % 3];
        struct buf copied = {0}, in_place = {0};
        escape_csv(&copied, str_make(text, n));
        buf_add_byte(&in_place, '"');
        buf_add(&in_place, text, n);
        escape_csv_in_place(&in_place, 1);
        buf_add_byte(&in_place, '"');
        assert_true(str_eq(buf_str(&copied), buf_str(&in_place)));
        buf_free(&copied);
        buf_free(&in_place);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_has_its_exact_form),
        cmocka_unit_test(without_geometry_a_feature_has_null),
        cmocka_unit_test(no_columns_make_empty_rows),
        cmocka_unit_test(escaped_text_reads_back_wherever_a_byte_stands),
        cmocka_unit_test(text_longer_than_a_piece_is_whole),
        cmocka_unit_test(quotes_double_in_place_as_they_do_in_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
