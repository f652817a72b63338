/* Literals, and the arguments of functions that take only some values. */
#include "generate.h"

#include <stdio.h>

void generate_literal(struct generator *g, enum soql_kind kind)
{
    static const char *const texts[] = {"''", "'a'", "'A'", "'abc'", "'Ridge'", "'ridge'", "'north'", "' two words '", "'ä ö'", "'Œuvre'", "'12'", "'x_y%z'", "'it''s'", "'😀b'"};
    static const char *const numbers[] = {"0", "1", "2", "3", "7", "10", "100", "0.5", "1.50", "2.25", "3.125", "1e3", "12345678901234567890.5", "0.001"};
    static const char *const doubles[] = {"0::double", "1::double", "2.5::double", "0.1::double", "1e10::double", "3.75::double"};
    static const char *const floatings[] = {"'2020-01-31'", "'2020-02-29T12:34:56.789'", "'1999-12-31T23:59:59.999'", "'2021-01-01'", "'2024-12-30T00:00:00'", "'1969-07-20T20:17:40'"};
    static const char *const fixeds[] = {"'2020-01-31T00:00:00Z'", "'2020-03-29T01:30:00Z'", "'1999-12-31T23:59:59.999Z'", "'2021-11-07T06:30:00Z'", "'1969-07-20T20:17:40Z'"};
    static const char *const dates[] = {"'2020-01-31'", "'2020-02-29'", "'1999-12-31'", "'2024-12-30'", "'1970-01-01'"};
    static const char *const times[] = {"'00:00:00'", "'12:34:56.789'", "'23:59:59.999'", "'06:30'"};
    static const char *const intervals[] = {"'P1D'", "'P1M'", "'P1Y2M3DT4H5M6.5S'", "'PT1H'", "'PT0.25S'", "'P1W'", "'P11M'", "'PT36H'"};
    static const char *const points[] = {"'POINT (0 0)'", "'POINT (1 2)'", "'POINT (-3.5 4.25)'", "'POINT (5 5)'"};
    static const char *const multipoints[] = {"'MULTIPOINT ((0 0), (1 1))'", "'MULTIPOINT ((2 3))'", "'MULTIPOINT ((0 0), (4 0), (4 4))'"};
    static const char *const lines[] = {"'LINESTRING (0 0, 4 4)'", "'LINESTRING (0 4, 4 0)'", "'LINESTRING (1 1, 2 1, 2 3)'"};
    static const char *const multilines[] = {"'MULTILINESTRING ((0 0, 4 4))'", "'MULTILINESTRING ((0 0, 1 1), (2 0, 2 5))'"};
    static const char *const polygons[] = {"'POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))'", "'POLYGON ((2 2, 6 2, 6 6, 2 2))'", "'POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (2 2, 2 3, 3 3, 3 2, 2 2))'"};
    static const char *const multipolygons[] = {"'MULTIPOLYGON (((0 0, 4 0, 4 4, 0 4, 0 0)))'", "'MULTIPOLYGON (((0 0, 2 0, 2 2, 0 0)), ((5 5, 7 5, 7 7, 5 5)))'"};
    static const char *const locations[] = {"'{\"latitude\":\"1.5\",\"longitude\":\"2.25\"}'", "'{\"latitude\":\"-3\",\"longitude\":\"4\",\"human_address\":\"{\\\"address\\\":\\\"1 Main St\\\",\\\"city\\\":\\\"Lodi\\\",\\\"state\\\":\\\"\\\",\\\"zip\\\":\\\"\\\"}\"}'"};
    static const char *const urls[] = {"'https://example.org/'", "'https://example.org/a?b=1'", "'{\"url\":\"https://example.org/\",\"description\":\"home\"}'"};
    static const char *const jsons[] = {"'{\"a\":1,\"b\":[1,2.50,\"x\"]}'", "'[1,2,{\"a\":null}]'", "'\"text\"'", "'17'"};
    struct chance *c = &g->chance;
    const char *text = "null";
    if (chance_percent(c, 6)) {
        buf_printf(g->out, "(null::%s)", kind_type(kind)->soql_name);
        return;
    }
    switch (kind) {
    case KIND_TEXT: text = chance_pick(c, texts); break;
    case KIND_NUMBER: text = chance_pick(c, numbers); break;
    case KIND_DOUBLE: text = chance_pick(c, doubles); break;
    case KIND_BOOLEAN: text = chance_percent(c, 50) ? "true" : "false"; break;
    case KIND_FIXED: text = chance_pick(c, fixeds); break;
    case KIND_FLOATING: text = chance_pick(c, floatings); break;
    case KIND_DATE: text = chance_pick(c, dates); break;
    case KIND_TIME: text = chance_pick(c, times); break;
    case KIND_INTERVAL: text = chance_pick(c, intervals); break;
    case KIND_POINT: text = chance_pick(c, points); break;
    case KIND_MULTIPOINT: text = chance_pick(c, multipoints); break;
    case KIND_LINE: text = chance_pick(c, lines); break;
    case KIND_MULTILINE: text = chance_pick(c, multilines); break;
    case KIND_POLYGON: text = chance_pick(c, polygons); break;
    case KIND_MULTIPOLYGON: text = chance_pick(c, multipolygons); break;
    case KIND_LOCATION: text = chance_pick(c, locations); break;
    case KIND_URL: text = chance_pick(c, urls); break;
    case KIND_JSON: text = chance_pick(c, jsons); break;
    case KIND_ROW_IDENTIFIER:
    case KIND_ROW_VERSION:
    case KIND_COUNT: break;
    }
    if (kind == KIND_NUMBER || kind == KIND_BOOLEAN || kind == KIND_TEXT || kind == KIND_DOUBLE)
        buf_add_z(g->out, text);
    else
        buf_printf(g->out, "(%s::%s)", text, kind_type(kind)->soql_name);
}

/* A line a function, its name and the argument's place, and what may stand there, separated by tabs. The same value may repeat: it is likelier. */
static const struct suited {
    const char *function;
    size_t at;
    const char *values;
} suited[] = {
    {"round", 1, "0\t1\t2\t5\t-1\t-2"},
    {"left_pad", 1, "0\t3\t8\t-1"},          {"right_pad", 1, "0\t3\t8\t2.5"},
    {"left_pad", 2, "'*'\t'ab'\t' '\t''"},   {"right_pad", 2, "'*'\t'ab'\t' '\t''"},
    {"substring", 1, "1\t2\t2.5\t0\t-1\t3"}, {"substring", 2, "0\t1\t3\t100"},
    {"split_part", 1, "' '\t'a'\t'e'\t','"}, {"split_part", 2, "1\t2\t-1\t-2"},
    {"replace", 1, "'a'\t'e'\t' '\t''"},     {"replace", 2, "''\t'xx'\t'é'"},
    {"chr", 0, "65\t233\t8364\t128512"},
    {"op$^", 1, "2\t3\t0.5\t-1\t0\t2::double\t0.5::double"},
    {"op$/", 1, "2\t3\t7\t0.3\t-4\t2::double\t0.7::double"}, {"op$%", 1, "2\t3\t7\t0.3\t-4\t3::double\t0.7::double"},
    {"ln", 0, "2\t10.5\t0.001\t1\t123456789\t3::double\t0.25::double"},
    {"#LIKE", 1, "'a%'\t'%e'\t'%i_g%'\t'_'\t'%'\t''\t'A\\%'"}, {"#NOT_LIKE", 1, "'a%'\t'%e'\t'%i_g%'\t'_'\t'R%'"},
    {"to_floating_timestamp", 1, "'America/Chicago'\t'Asia/Tokyo'\t'UTC'\t'Europe/Berlin'\t'Australia/Lord_Howe'"},
    {"date_trunc_y", 1, "'America/Chicago'\t'Asia/Tokyo'\t'UTC'"}, {"date_trunc_ym", 1, "'America/Chicago'\t'Asia/Tokyo'\t'UTC'"},
    {"date_trunc_ymd", 1, "'America/Chicago'\t'Asia/Tokyo'\t'UTC'"}, {"date_diff_business_days", 2, "'America/Chicago'\t'Asia/Tokyo'"},
    {"within_circle", 1, "0\t1\t45.5\t-3"},  {"within_circle", 2, "0\t1\t2\t-3.5"}, {"within_circle", 3, "1000\t200000\t1000000\t0"},
    {"within_box", 1, "5\t9\t90"},           {"within_box", 2, "-5\t0\t-180"}, {"within_box", 3, "-5\t0\t-90"}, {"within_box", 4, "5\t9\t180"},
    {"simplify", 1, "0.1\t1\t0\t-1"},        {"simplify_preserve_topology", 1, "0.1\t1\t0\t-1"},
    {"reduce_precision", 1, "0.5\t1\t0\t-1"}, {"snap_to_grid", 1, "0.5\t1\t3\t0\t-1"}, {"concave_hull", 1, "0.3\t1\t0\t-1\t2"},
    {"make_point", 0, "0\t1\t2.5\t-3"},      {"make_point", 1, "0\t1\t2.5\t-3"},
    {"ntile", 0, "1\t2\t3\t5"},
    {"lead", 1, "0\t1\t2\t1.5"},             {"lag", 1, "0\t1\t2"},
    {"width_bucket", 1, "0\t-10"},           {"width_bucket", 2, "10\t20.5"}, {"width_bucket", 3, "1\t4\t10"},
    {"signed_magnitude_linear", 1, "1\t5\t0.5\t5::double\t1::double"},
    {"#SUBSCRIPT", 1, "'a'\t'b'\t'zz'\t0\t1\t-1\t7"},
    {"cast$number", 0, "'12.50'\t' 7 '\t'1e3'\t'-0.10'\t'x'"},
    {"cast$boolean", 0, "'true'\t'F'\t'yes'\t'off'\t'maybe'"},
    {"cast$fixed_timestamp", 0, "'2020-01-31T01:02:03.456Z'\t'2020-06-01'\t'2020-06-01T10:00:00+02:00'"},
    {"cast$floating_timestamp", 0, "'2020-01-31T01:02:03.456'\t'2020-06-01'\t'x'"},
    {"cast$date", 0, "'2020-01-31'\t'1999-12-31'\t'2020-02-30'"},
    {"cast$time", 0, "'05:06'\t'05:06:07.250'\t'25:00'"},
    {"cast$interval", 0, "'P1D'\t'P1Y2M3DT4H5M6.5S'\t'PT90M'\t'P'"},
    {"cast$point", 0, "'POINT (1 2)'\t'POINT(-3.5 4)'\t'POINT'"},
    {"cast$multipoint", 0, "'MULTIPOINT ((1 2), (3 4))'"}, {"cast$line", 0, "'LINESTRING (0 0, 1 1)'"},
    {"cast$multiline", 0, "'MULTILINESTRING ((0 0, 1 1))'"}, {"cast$polygon", 0, "'POLYGON ((0 0, 1 0, 1 1, 0 0))'"},
    {"cast$multipolygon", 0, "'MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))'"},
    {"cast$json", 0, "'{\"a\":1}'\t'[1,2]'\t'1.50'\t'{'"},
};

/* A number where a number is wanted, a double where a double, a text where a text. */
static bool is_of_kind(struct str value, enum soql_kind kind)
{
    bool text = value.p[0] == '\'', real = str_ends(value, STR("::double"));
    return kind == (text ? KIND_TEXT : real ? KIND_DOUBLE : KIND_NUMBER);
}

bool generate_suited(struct generator *g, const char *function, size_t at, enum soql_kind kind)
{
    for (size_t i = 0; i < sizeof suited / sizeof *suited; i++) {
        if (strcmp(suited[i].function, function) != 0 || suited[i].at != at)
            continue;
        struct str fitting[16], rest = str_from(suited[i].values), value;
        size_t n = 0;
        while (rest.n && n < 16) {
            str_cut(rest, '\t', &value, &rest);
            if (is_of_kind(value, kind))
                fitting[n++] = value;
        }
        if (n == 0)
            return false;
        /* A literal would be cast when it is compiled; the test is of the cast while the query runs. */
        bool cast = strncmp(function, "cast$", 5) == 0;
        value = fitting[chance_below(&g->chance, (unsigned)n)];
        buf_printf(g->out, cast ? "(" FMT_STR " || '')" : FMT_STR, ARG_STR(value));
        return true;
    }
    return false;
}
