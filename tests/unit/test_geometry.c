/* The six geometry types: each spelling that is taken, with what comes back, and each that is refused, with why; the
 * limits; and the numbers, against the C library. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "rows/geometry.h"
#include "rows/ordinate.h"

static struct arena arena;
static struct type_context context;
static struct type_refusal refusal;

static bool parse(const struct type *t, enum raw_kind kind, struct str text, struct cell *ret)
{
    context = (struct type_context){.arena = &arena};
    memset(&refusal, 0, sizeof refusal);
    return t->parse(t, &(struct raw){kind, text}, &context, ret, &refusal);
}

static void check_output(const char *input, const struct type *t, const struct cell *c,
                         void (*write)(const struct type *, const struct cell *, const struct type_render *, struct buf *),
                         const char *wanted)
{
    struct buf out = {0};
    write(t, c, &(struct type_render){0}, &out);
    if (!str_eq(buf_str(&out), str_from(wanted)))
        fail_msg("%s came back as\n" FMT_STR "\nnot\n%s", input, ARG_STR(buf_str(&out)), wanted);
    buf_free(&out);
}

struct taken {
    const struct type *type;
    const char *text; /* an object when it begins with {, else a string */
    const char *geojson, *wkt;
    unsigned dropped, out_of_range;
};

#define POINT_JSON "{\"type\":\"Point\",\"coordinates\":[-87.6,41.9]}"
#define POINT_WKT "POINT (-87.6 41.9)"
#define RING_JSON "[[0.0,0.0],[4.0,0.0],[4.0,4.0],[0.0,0.0]]"
#define RING_WKT "(0.0 0.0, 4.0 0.0, 4.0 4.0, 0.0 0.0)"

static const struct taken taken[] = {
    {&type_point, "{\"type\":\"Point\",\"coordinates\":[-87.6,41.9]}", POINT_JSON, POINT_WKT, 0, 0},
    {&type_point, " { \"coordinates\" : [ -87.6 , 41.9 , 7 ] , \"bbox\" : [1,{\"a\":\"]\\\"\"}], \"type\" : \"Point\" } ",
     POINT_JSON, POINT_WKT, 1, 0},
    {&type_point, "{\"type\":\"Point\",\"coordinates\":[1,2]}", "{\"type\":\"Point\",\"coordinates\":[1.0,2.0]}",
     "POINT (1.0 2.0)", 0, 0},
    {&type_point, "{\"type\":\"Point\",\"coordinates\":[]}", "{\"type\":\"Point\",\"coordinates\":[]}", "POINT EMPTY", 0, 0},
    {&type_point, "{\"type\":\"Point\",\"coordinates\":[-8.76E1,0.419e+2]}", POINT_JSON, POINT_WKT, 0, 0},
    {&type_point, "POINT (-87.6 41.9)", POINT_JSON, POINT_WKT, 0, 0},
    {&type_point, "point(-87.6 41.9)", POINT_JSON, POINT_WKT, 0, 0},
    {&type_point, "Point\t(\n-87.6   +41.9 ) ", POINT_JSON, POINT_WKT, 0, 0},
    {&type_point, "POINT Z (-87.6 41.9 3)", POINT_JSON, POINT_WKT, 1, 0},
    {&type_point, "POINTZ(-87.6 41.9 3)", POINT_JSON, POINT_WKT, 1, 0},
    {&type_point, "POINT M (-87.6 41.9 3)", POINT_JSON, POINT_WKT, 1, 0},
    {&type_point, "POINT ZM (-87.6 41.9 3 4)", POINT_JSON, POINT_WKT, 2, 0},
    {&type_point, "POINT (-87.6 41.9 3)", POINT_JSON, POINT_WKT, 1, 0},
    {&type_point, "SRID=4326;POINT(-87.6 41.9)", POINT_JSON, POINT_WKT, 0, 0},
    {&type_point, "srid=4326; point(-87.6 41.9)", POINT_JSON, POINT_WKT, 0, 0},
    {&type_point, "POINT EMPTY", "{\"type\":\"Point\",\"coordinates\":[]}", "POINT EMPTY", 0, 0},
    {&type_point, "POINT Z EMPTY", "{\"type\":\"Point\",\"coordinates\":[]}", "POINT EMPTY", 0, 0},
    {&type_point, "(41.9, -87.6)", POINT_JSON, POINT_WKT, 0, 0},
    {&type_point, "( 41.9,-87.6 )", POINT_JSON, POINT_WKT, 0, 0},
    {&type_point, "POINT (200 95)", "{\"type\":\"Point\",\"coordinates\":[200.0,95.0]}", "POINT (200.0 95.0)", 0, 1},
    {&type_point, "POINT (180 -90)", "{\"type\":\"Point\",\"coordinates\":[180.0,-90.0]}", "POINT (180.0 -90.0)", 0, 0},
    {&type_point, "(95, 10)", "{\"type\":\"Point\",\"coordinates\":[10.0,95.0]}", "POINT (10.0 95.0)", 0, 1},
    {&type_multipoint, "MULTIPOINT (1 2, 3 4)", "{\"type\":\"MultiPoint\",\"coordinates\":[[1.0,2.0],[3.0,4.0]]}",
     "MULTIPOINT ((1.0 2.0), (3.0 4.0))", 0, 0},
    {&type_multipoint, "MULTIPOINT ((1 2), (3 4))", "{\"type\":\"MultiPoint\",\"coordinates\":[[1.0,2.0],[3.0,4.0]]}",
     "MULTIPOINT ((1.0 2.0), (3.0 4.0))", 0, 0},
    {&type_multipoint, "{\"type\":\"MultiPoint\",\"coordinates\":[[1,2,3],[3,4]]}",
     "{\"type\":\"MultiPoint\",\"coordinates\":[[1.0,2.0],[3.0,4.0]]}", "MULTIPOINT ((1.0 2.0), (3.0 4.0))", 1, 0},
    {&type_multipoint, "MULTIPOINT EMPTY", "{\"type\":\"MultiPoint\",\"coordinates\":[]}", "MULTIPOINT EMPTY", 0, 0},
    {&type_multipoint, "MULTIPOINT (EMPTY, 1 2)", "{\"type\":\"MultiPoint\",\"coordinates\":[[],[1.0,2.0]]}",
     "MULTIPOINT (EMPTY, (1.0 2.0))", 0, 0},
    {&type_line, "LINESTRING (1 2, 3 4)", "{\"type\":\"LineString\",\"coordinates\":[[1.0,2.0],[3.0,4.0]]}",
     "LINESTRING (1.0 2.0, 3.0 4.0)", 0, 0},
    {&type_line, "LINESTRING EMPTY", "{\"type\":\"LineString\",\"coordinates\":[]}", "LINESTRING EMPTY", 0, 0},
    {&type_line, "{\"type\":\"LineString\",\"coordinates\":[[1,2],[3,4]]}",
     "{\"type\":\"LineString\",\"coordinates\":[[1.0,2.0],[3.0,4.0]]}", "LINESTRING (1.0 2.0, 3.0 4.0)", 0, 0},
    {&type_multiline, "multilinestring((1 2,3 4),(5 6,7 8))",
     "{\"type\":\"MultiLineString\",\"coordinates\":[[[1.0,2.0],[3.0,4.0]],[[5.0,6.0],[7.0,8.0]]]}",
     "MULTILINESTRING ((1.0 2.0, 3.0 4.0), (5.0 6.0, 7.0 8.0))", 0, 0},
    {&type_polygon, "POLYGON ((0 0, 4 0, 4 4, 0 0))", "{\"type\":\"Polygon\",\"coordinates\":[" RING_JSON "]}",
     "POLYGON (" RING_WKT ")", 0, 0},
    {&type_polygon, "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]],[[0,0],[4,0],[4,4],[0,0]]]}",
     "{\"type\":\"Polygon\",\"coordinates\":[" RING_JSON "," RING_JSON "]}", "POLYGON (" RING_WKT ", " RING_WKT ")", 0, 0},
    {&type_polygon, "POLYGON ((0 0, 4 4, 4 0, 0 4, 0 0))", /* crosses itself: stored as it is */
     "{\"type\":\"Polygon\",\"coordinates\":[[[0.0,0.0],[4.0,4.0],[4.0,0.0],[0.0,4.0],[0.0,0.0]]]}",
     "POLYGON ((0.0 0.0, 4.0 4.0, 4.0 0.0, 0.0 4.0, 0.0 0.0))", 0, 0},
    {&type_polygon, "POLYGON EMPTY", "{\"type\":\"Polygon\",\"coordinates\":[]}", "POLYGON EMPTY", 0, 0},
    {&type_polygon, "POLYGON Z ((0 0 1, 4 0 1, 4 4 1, 0 0 1))", "{\"type\":\"Polygon\",\"coordinates\":[" RING_JSON "]}",
     "POLYGON (" RING_WKT ")", 4, 0},
    {&type_multipolygon, "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 0)), ((0 0, 4 0, 4 4, 0 0), (0 0, 4 0, 4 4, 0 0)))",
     "{\"type\":\"MultiPolygon\",\"coordinates\":[[" RING_JSON "],[" RING_JSON "," RING_JSON "]]}",
     "MULTIPOLYGON ((" RING_WKT "), (" RING_WKT ", " RING_WKT "))", 0, 0},
    {&type_multipolygon, "MULTIPOLYGON (EMPTY, ((0 0, 4 0, 4 4, 0 0)))",
     "{\"type\":\"MultiPolygon\",\"coordinates\":[[],[" RING_JSON "]]}", "MULTIPOLYGON (EMPTY, (" RING_WKT "))", 0, 0},
};

static void every_spelling_comes_back_as_geojson_and_wkt(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        const struct taken *k = &taken[i];
        bool is_object = str_trim(str_from(k->text)).p[0] == '{';
        struct cell c, again;
        for (int as_string = !is_object; as_string < 2; as_string++) { /* an object is also taken as a CSV cell */
            if (!parse(k->type, as_string ? RAW_STRING : RAW_OBJECT, str_from(k->text), &c))
                fail_msg("%s: expected %s, %s", k->text, refusal.expected, refusal.hint);
            assert_int_equal(c.kind, CELL_BLOB);
            assert_int_equal(context.ordinates_dropped, k->dropped);
            assert_int_equal(context.degrees_out_of_range, k->out_of_range);
            check_output(k->text, k->type, &c, k->type->write_json, k->geojson);
            check_output(k->text, k->type, &c, k->type->write_csv, k->wkt);
        }
        assert_true(parse(k->type, RAW_OBJECT, str_from(k->geojson), &again));
        assert_int_equal(k->type->compare(&c, &again), 0);
        assert_true(parse(k->type, RAW_STRING, str_from(k->wkt), &again));
        assert_int_equal(k->type->compare(&c, &again), 0);
    }
    arena_free(&arena);
}

struct refused {
    const struct type *type;
    enum raw_kind kind;
    const char *text, *hint; /* a part of the hint */
};

static const struct refused refused[] = {
    {&type_point, RAW_NUMBER, "1", "object or a string"},
    {&type_point, RAW_TRUE, "true", "object or a string"},
    {&type_point, RAW_ARRAY, "[-87.6,41.9]", "object or a string"},
    {&type_point, RAW_STRING, "somewhere", "begins with somewhere, not POINT"},
    {&type_point, RAW_STRING, "-87.6 41.9", "does not begin with POINT"},
    {&type_point, RAW_STRING, "POINT(1,2)", "blank, not a comma"},
    {&type_point, RAW_STRING, "POINT(1)", "a number is missing"},
    {&type_point, RAW_STRING, "POINT()", "a number is missing"},
    {&type_point, RAW_STRING, "POINT(1 2", "missing at the end"},
    {&type_point, RAW_STRING, "POINT 1 2", "\"(\" is missing"},
    {&type_point, RAW_STRING, "POINT(1 2) x", "text after"},
    {&type_point, RAW_STRING, "POINT(1 2)POINT(1 2)", "text after"},
    {&type_point, RAW_STRING, "POINT(1 2 3 4 5)", "is missing before"},
    {&type_point, RAW_STRING, "POINT(1 2x)", "a blank after the number"},
    {&type_point, RAW_STRING, "POINT(NaN 2)", "a number is missing"},
    {&type_point, RAW_STRING, "POINT(1 Infinity)", "a number is missing"},
    {&type_point, RAW_STRING, "POINT(1 1e999)", "finite"},
    {&type_point, RAW_STRING, "POINT(0x10 2)", "a blank after the number"},
    {&type_point, RAW_STRING, "POINT Z (1 2)", "should have 3 numbers"},
    {&type_point, RAW_STRING, "POINT ZM (1 2 3)", "should have 4 numbers"},
    {&type_point, RAW_STRING, "POINT Q (1 2)", "may stand Z, M or ZM, not Q"},
    {&type_point, RAW_STRING, "POINTS (1 2)", "may stand Z, M or ZM, not S"},
    {&type_point, RAW_STRING, "SRID=3857;POINT(1 2)", "SRID 3857"},
    {&type_point, RAW_STRING, "SRID=;POINT(1 2)", "SRID"},
    {&type_point, RAW_STRING, "SRID=4326 POINT(1 2)", "semicolon"},
    {&type_point, RAW_STRING, "LINESTRING(1 2, 3 4)", "LINESTRING, not POINT"},
    {&type_point, RAW_STRING, "GEOMETRYCOLLECTION(POINT(1 2))", "GEOMETRYCOLLECTION, not POINT"},
    {&type_point, RAW_STRING, "(41.9)", "(latitude, longitude)"},
    {&type_point, RAW_STRING, "(41.9 -87.6)", "(latitude, longitude)"},
    {&type_point, RAW_STRING, "(41.9, -87.6, 1)", "(latitude, longitude)"},
    {&type_point, RAW_STRING, "(41.9, -87.6) x", "text after"},
    {&type_point, RAW_STRING, "(41.9, -87.6", "(latitude, longitude)"},
    {&type_point, RAW_STRING, "(nan, 1)", "(latitude, longitude)"},
    {&type_point, RAW_STRING, "(", "(latitude, longitude)"},
    {&type_line, RAW_STRING, "(41.9, -87.6)", "does not begin with LINESTRING"},
    {&type_point, RAW_STRING, "{\"type\":\"Point\",\"coordinates\":[1,2]", "GeoJSON"},
    {&type_point, RAW_STRING, "{\"type\":\"Point\",\"coordinates\":[1,2]} x", "GeoJSON"},
    {&type_point, RAW_STRING, "{\"type\":\"Point\",\"coordinates\":[+1,2]}", "GeoJSON"},
    {&type_point, RAW_OBJECT, "{}", "no \"type\""},
    {&type_point, RAW_OBJECT, "{\"latitude\":1,\"longitude\":2}", "no \"type\""},
    {&type_point, RAW_OBJECT, "{\"type\":\"Point\"}", "no \"coordinates\""},
    {&type_point, RAW_OBJECT, "{\"type\":\"point\",\"coordinates\":[1,2]}", "\"point\", not \"Point\""},
    {&type_point, RAW_OBJECT, "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,2]}}", "Feature"},
    {&type_point, RAW_OBJECT, "{\"type\":\"GeometryCollection\",\"geometries\":[]}", "GeometryCollection"},
    {&type_point, RAW_OBJECT, "{\"type\":\"LineString\",\"coordinates\":[[1,2],[3,4]]}", "LineString"},
    {&type_point, RAW_OBJECT, "{\"type\":\"Point\",\"coordinates\":[1]}", "2 or 3 numbers"},
    {&type_point, RAW_OBJECT, "{\"type\":\"Point\",\"coordinates\":[1,2,3,4]}", "2 or 3 numbers"},
    {&type_point, RAW_OBJECT, "{\"type\":\"Point\",\"coordinates\":[\"1\",\"2\"]}", "2 or 3 numbers"},
    {&type_point, RAW_OBJECT, "{\"type\":\"Point\",\"coordinates\":[1,null]}", "2 or 3 numbers"},
    {&type_point, RAW_OBJECT, "{\"type\":\"Point\",\"coordinates\":[[1,2]]}", "2 or 3 numbers"},
    {&type_point, RAW_OBJECT, "{\"type\":\"Point\",\"coordinates\":null}", "2 or 3 numbers"},
    {&type_point, RAW_OBJECT, "{\"type\":\"Point\",\"coordinates\":[1,1e400]}", "finite"},
    {&type_line, RAW_STRING, "LINESTRING(1 2)", "at least 2 positions"},
    {&type_line, RAW_STRING, "LINESTRING()", "a number is missing"},
    {&type_line, RAW_OBJECT, "{\"type\":\"LineString\",\"coordinates\":[[1,2]]}", "at least 2 positions"},
    {&type_line, RAW_OBJECT, "{\"type\":\"LineString\",\"coordinates\":[1,2]}", "2 or 3 numbers"},
    {&type_line, RAW_OBJECT, "{\"type\":\"LineString\",\"coordinates\":[[[1,2],[3,4]]]}", "2 or 3 numbers"},
    {&type_line, RAW_OBJECT, "{\"type\":\"LineString\",\"coordinates\":[[1,2],[]]}", "2 or 3 numbers"},
    {&type_multiline, RAW_OBJECT, "{\"type\":\"MultiLineString\",\"coordinates\":[1]}", "nested"},
    {&type_polygon, RAW_STRING, "POLYGON((0 0, 4 0, 4 4, 0 4))", "not closed"},
    {&type_polygon, RAW_STRING, "POLYGON((0 0, 4 0, 0 0))", "at least 4 positions"},
    {&type_polygon, RAW_STRING, "POLYGON(EMPTY)", "at least 4 positions"},
    {&type_polygon, RAW_STRING, "POLYGON(0 0, 4 0, 4 4, 0 0)", "\"(\" is missing"},
    {&type_polygon, RAW_OBJECT, "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,4]]]}", "not closed"},
    {&type_polygon, RAW_OBJECT, "{\"type\":\"Polygon\",\"coordinates\":[[]]}", "at least 4 positions"},
    {&type_multipolygon, RAW_STRING, "POLYGON((0 0, 4 0, 4 4, 0 0))", "POLYGON, not MULTIPOLYGON"},
    {&type_multipolygon, RAW_STRING, "MULTIPOLYGON(((0 0, 4 0, 4 4, 0 4)))", "not closed"},
    {&type_multipoint, RAW_STRING, "MULTIPOINT((1 2, 3 4))", "\")\" is missing"},
};

static void every_mistake_is_refused_with_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct refused *k = &refused[i];
        struct cell c;
        if (parse(k->type, k->kind, str_from(k->text), &c))
            fail_msg("%s was taken as %s", k->text, k->type->soql_name);
        if (!strstr(refusal.hint, k->hint) || !refusal.expected[0])
            fail_msg("%s: expected %s, hint %s", k->text, refusal.expected, refusal.hint);
        assert_int_equal(context.ordinates_dropped + context.degrees_out_of_range, 0);
    }
    struct cell c;
    assert_true(parse(&type_polygon, RAW_STRING, STR(" \t"), &c));
    assert_int_equal(c.kind, CELL_NULL);
    arena_free(&arena);
}

static void a_point_takes_21_bytes(void **state)
{
    (void)state;
    static const unsigned char wkb[21] = {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0};
    struct cell c;
    assert_true(parse(&type_point, RAW_STRING, STR("POINT(1 -2)"), &c));
    assert_int_equal(c.s.n, 21);
    assert_memory_equal(c.s.p, wkb, 21);
    arena_free(&arena);
}

/* "LINESTRING (0 0,0 1,0 0,…)" of n positions, or "MULTILINESTRING ((0 0,0 1),…)" of n lines. */
static void write_many(struct buf *b, bool lines, int n)
{
    buf_add_z(b, lines ? "MULTILINESTRING (" : "LINESTRING (");
    for (int i = 0; i < n; i++)
        buf_printf(b, "%s%s", i ? "," : "", lines ? "(0 0,0 1)" : i % 2 ? "0 1" : "0 0");
    buf_add_byte(b, ')');
    assert_true(buf_ok(b));
}

static void the_limits_hold_on_both_sides(void **state)
{
    (void)state;
    for (int lines = 0; lines < 2; lines++) {
        int limit = lines ? GEOMETRY_RINGS_MAX : GEOMETRY_VERTICES_MAX;
        for (int over = 0; over < 2; over++) {
            struct buf text = {0};
            struct cell c;
            write_many(&text, lines, limit + over);
            bool ok = parse(lines ? &type_multiline : &type_line, RAW_STRING, buf_str(&text), &c);
            assert_int_equal(ok, !over);
            if (over)
                assert_non_null(strstr(refusal.hint, "more than"));
            buf_free(&text);
            arena_free(&arena);
        }
    }
}

static void damaged_bytes_are_written_as_nothing(void **state)
{
    (void)state;
    struct cell c;
    assert_true(parse(&type_multipolygon, RAW_STRING, STR("MULTIPOLYGON (((0 0, 4 0, 4 4, 0 0)), ((0 0, 4 0, 4 4, 0 0)))"), &c));
    for (size_t n = 0; n < c.s.n; n++) {
        struct cell cut = cell_blob(str_head(c.s, n));
        check_output("cut bytes", &type_multipolygon, &cut, type_multipolygon.write_json, "null");
        check_output("cut bytes", &type_multipolygon, &cut, type_multipolygon.write_csv, "");
    }
    check_output("another type", &type_point, &c, type_point.write_json, "null");
    arena_free(&arena);
}

/* ── the numbers ── */

static void numbers_print_in_the_fewest_digits(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-1, "-1.0"},
        {0.1, "0.1"},
        {100, "100.0"},
        {-87.123456789, "-87.123456789"},
        {1.0 / 3, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e15, "1000000000000000.0"},
        {1e20, "100000000000000000000.0"},
        {1e21, "1.0e+21"},
        {1.5e300, "1.5e+300"},
        {1e-6, "0.000001"},
        {1e-7, "0.0000001"},
        {1.25e-8, "1.25e-8"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_TRUE_MIN, "5.0e-324"},
        {999999999999999, "999999999999999.0"},
        {9.999999999999999, "9.999999999999998"},
        {123456.789, "123456.789"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        ordinate_write(cases[i].v, &out);
        if (!str_eq(buf_str(&out), str_from(cases[i].text)))
            fail_msg("%.17g came out as " FMT_STR, cases[i].v, ARG_STR(buf_str(&out)));
        buf_free(&out);
    }
}

static void only_whole_numbers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
    } cases[] = {{"", 0},   {"-", 0},   {".", 0},     {"+.", 0},    {"e5", 0},  {"1", 1},   {"1.", 2},  {".5", 2}, {"-.5x", 3},
                 {"1e", 1}, {"1e+", 1}, {"1e+5 ", 4}, {"1.5.5", 3}, {"nan", 0}, {"inf", 0}, {"0x1", 1}, {"--1", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double v;
        if (ordinate_read(str_from(cases[i].text), &v) != cases[i].n)
            fail_msg("\"%s\": %zu bytes read", cases[i].text, ordinate_read(str_from(cases[i].text), &v));
    }
    char digits[ORDINATE_BYTES_MAX + 1];
    double v;
    memset(digits, '0', sizeof digits);
    assert_int_equal(ordinate_read(str_make(digits, ORDINATE_BYTES_MAX), &v), ORDINATE_BYTES_MAX);
    assert_int_equal(ordinate_read(str_make(digits, ORDINATE_BYTES_MAX + 1), &v), 0);
}

static uint64_t random_state;

static uint64_t next_random(void)
{
    uint64_t z = random_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void check_number(const char *text)
{
    double v, wanted = strtod(text, NULL);
    struct buf out = {0};
    assert_int_equal(ordinate_read(str_from(text), &v), strlen(text));
    if (memcmp(&v, &wanted, sizeof v) != 0)
        fail_msg("%s was read as %.17g, not %.17g", text, v, wanted);
    ordinate_write(v, &out);
    buf_add_byte(&out, 0);
    double back = strtod(out.p, NULL);
    if (memcmp(&back, &v, sizeof v) != 0)
        fail_msg("%.17g was written as %s", v, out.p);
    for (int precision = 1; precision < 17; precision++) { /* nothing shorter is the same number */
        char shorter[40];
        snprintf(shorter, sizeof shorter, "%.*e", precision - 1, v);
        if (strtod(shorter, NULL) != v)
            continue;
        int digits = 0, zeros = 0;
        for (const char *p = out.p; *p && *p != 'e'; p++) {
            if (*p >= '0' && *p <= '9' && (digits || *p != '0'))
                digits++, zeros = *p == '0' ? zeros + 1 : 0;
        }
        if (digits - zeros > precision)
            fail_msg("%.17g was written as %s, %s is shorter", v, out.p, shorter);
        break;
    }
    buf_free(&out);
}

static void numbers_agree_with_the_c_library(void **state)
{
    (void)state;
    const char *seed = getenv("SELTZER_SEED");
    random_state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    print_message("SELTZER_SEED=%" PRIu64 "\n", random_state);
    char text[64];
    for (int i = 0; i < 200000; i++) {
        uint64_t r = next_random();
        double v;
        switch (i % 4) {
        case 0: /* degrees */
            snprintf(text, sizeof text, "%s%u.%0*" PRIu64, r & 1 ? "-" : "", (unsigned)(r >> 1) % 181, (int)(1 + i % 15),
                     next_random() % 1000000000);
            break;
        case 1: /* any double */
            memcpy(&v, &r, sizeof v);
            if (!isfinite(v))
                continue;
            snprintf(text, sizeof text, "%.17g", v);
            break;
        case 2: /* any digits and exponent */
            snprintf(text, sizeof text, "%" PRIu64 "e%d", r >> (i % 60), (int)(next_random() % 80) - 40);
            break;
        case 3:
            snprintf(text, sizeof text, "%" PRIu64 ".%06" PRIu64 "E-%u", r % 1000, next_random() % 1000000,
                     (unsigned)(r >> 40) % 12);
            break;
        }
        check_number(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_comes_back_as_geojson_and_wkt),
        cmocka_unit_test(every_mistake_is_refused_with_its_reason),
        cmocka_unit_test(a_point_takes_21_bytes),
        cmocka_unit_test(the_limits_hold_on_both_sides),
        cmocka_unit_test(damaged_bytes_are_written_as_nothing),
        cmocka_unit_test(numbers_print_in_the_fewest_digits),
        cmocka_unit_test(only_whole_numbers_are_read),
        cmocka_unit_test(numbers_agree_with_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
