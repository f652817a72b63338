/* Which format a reply has, and which conditions let it go: the two decisions before a read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/conditional.h"
#include "api/row_format.h"

static const struct {
    enum api_extension extension;
    const char *accept;
    enum writer_format want;
} formats[] = {
    {EXTENSION_NONE, "", WRITER_JSON},
    {EXTENSION_CSV, "application/json, text/xml, application/xml, */*", WRITER_CSV},
    {EXTENSION_JSON, "text/csv", WRITER_JSON},
    {EXTENSION_GEOJSON, "", WRITER_GEOJSON},
    {EXTENSION_TSV, "", WRITER_TSV},
    {EXTENSION_TXT, "text/csv", WRITER_CSV},
    {EXTENSION_NONE, "text/csv", WRITER_CSV},
    {EXTENSION_NONE, "TEXT/CSV; charset=utf-8", WRITER_CSV},
    {EXTENSION_NONE, "application/rdf+xml", WRITER_RDF},
    {EXTENSION_NONE, "application/vnd.geo+json", WRITER_GEOJSON},
    {EXTENSION_NONE, "application/geo+json, application/json;q=0.9", WRITER_GEOJSON},
    {EXTENSION_NONE, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", WRITER_JSON},
    {EXTENSION_NONE, "*/*, text/csv", WRITER_CSV},
    {EXTENSION_NONE, "text/*", WRITER_CSV},
    {EXTENSION_NONE, "application/json;q=0.2, text/csv;q=0.3", WRITER_CSV},
    {EXTENSION_NONE, "text/csv, application/json", WRITER_JSON},
    {EXTENSION_NONE, "text/csv;q=0, */*;q=0.1", WRITER_JSON},
    {EXTENSION_NONE, "text/csv;q=0", WRITER_JSON},
    {EXTENSION_NONE, ",,;;q=,text/csv;q=x", WRITER_CSV},
    {EXTENSION_NONE, "text/tab-separated-values", WRITER_TSV},
};

static void the_extension_wins_then_the_heaviest_type_then_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (row_format_choose(formats[i].extension, str_from(formats[i].accept)) != formats[i].want)
            fail_msg("extension %d, Accept: %s", (int)formats[i].extension, formats[i].accept);
}

/* The tag is "a….b…"; %s in a header stands for it. */
static struct etag_half state_half, view_half;
static struct etag tag;

static int set_up(void **state)
{
    (void)state;
    memset(state_half.hex, 'a', ETAG_HALF_LENGTH);
    memset(view_half.hex, 'b', ETAG_HALF_LENGTH);
    tag = etag_join(&state_half, &view_half);
    return 0;
}

enum { HEADERS_MAX = 3, MODIFIED_S = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */

struct request {
    struct http_header headers[HEADERS_MAX];
    char values[HEADERS_MAX][256];
    struct http_head head;
};

static void add(struct request *r, const char *name, const char *value)
{
    if (!value)
        return;
    struct str v = str_from(value), before, after;
    char *to = r->values[r->head.n_headers];
    if (str_cut(v, '%', &before, &after))
        snprintf(to, 256, FMT_STR "%s" FMT_STR, ARG_STR(before), tag.text, ARG_STR(after));
    else
        snprintf(to, 256, "%s", value);
    r->headers[r->head.n_headers++] = (struct http_header){str_from(name), str_from(to)};
    r->head.headers = r->headers;
}

static const struct {
    const char *if_match, *if_none_match, *since;
    enum condition want;
} reads[] = {
    {NULL, NULL, NULL, CONDITION_GO},
    {NULL, "%", NULL, CONDITION_NOT_MODIFIED},
    {NULL, "W/%", NULL, CONDITION_NOT_MODIFIED},
    {NULL, "*", NULL, CONDITION_NOT_MODIFIED},
    {NULL, "\"x\", \"a,b\" ,%", NULL, CONDITION_NOT_MODIFIED},
    {NULL, "\"x\"", NULL, CONDITION_GO},
    {NULL, "", NULL, CONDITION_GO},
    {NULL, "\"", NULL, CONDITION_GO},
    {NULL, "W/", NULL, CONDITION_GO},
    {NULL, "\"x\"", "Sun, 06 Nov 1994 08:49:37 GMT", CONDITION_GO}, /* the tag decides alone */
    {NULL, NULL, "Sun, 06 Nov 1994 08:49:37 GMT", CONDITION_NOT_MODIFIED},
    {NULL, NULL, "Sun, 06 Nov 1994 08:49:38 GMT", CONDITION_NOT_MODIFIED},
    {NULL, NULL, "Sun, 06 Nov 1994 08:49:36 GMT", CONDITION_GO},
    {NULL, NULL, "yesterday", CONDITION_GO},
    {"%", NULL, NULL, CONDITION_GO},
    {"*", NULL, NULL, CONDITION_GO},
    {"\"x\", %", NULL, NULL, CONDITION_GO},
    {"\"x\"", NULL, NULL, CONDITION_FAILED},
    {"W/%", NULL, NULL, CONDITION_FAILED},
    {"", NULL, NULL, CONDITION_FAILED},
    {"\"x\"", "%", NULL, CONDITION_FAILED},
    {"%", "%", NULL, CONDITION_NOT_MODIFIED},
    {"%", NULL, "Sun, 06 Nov 1994 08:49:37 GMT", CONDITION_GO},
};

static const struct {
    const char *unmodified, *if_match, *if_none_match;
    enum condition want;
} unmodified_reads[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", NULL, NULL, CONDITION_GO},
    {"Sun, 06 Nov 1994 08:49:36 GMT", NULL, NULL, CONDITION_FAILED},
    {"Sun, 06 Nov 1994 08:49:36 GMT", "%", NULL, CONDITION_GO}, /* the tag decides alone */
    {"Sun, 06 Nov 1994 08:49:36 GMT", NULL, "%", CONDITION_FAILED},
    {"Sun, 06 Nov 1994 08:49:37 GMT", NULL, "%", CONDITION_NOT_MODIFIED},
    {"tomorrow", NULL, NULL, CONDITION_GO},
};

static void conditions_of_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        struct request r = {.head.n_headers = 0};
        add(&r, "If-Match", reads[i].if_match);
        add(&r, "If-None-Match", reads[i].if_none_match);
        add(&r, "If-Modified-Since", reads[i].since);
        enum condition got = condition_of_read(&r.head, &tag, MODIFIED_S * INT64_C(1000) + 999);
        if (got != reads[i].want)
            fail_msg("case %zu: %d", i, (int)got);
    }
    for (size_t i = 0; i < sizeof unmodified_reads / sizeof *unmodified_reads; i++) {
        struct request r = {.head.n_headers = 0};
        add(&r, "If-Match", unmodified_reads[i].if_match);
        add(&r, "If-None-Match", unmodified_reads[i].if_none_match);
        add(&r, "If-Unmodified-Since", unmodified_reads[i].unmodified);
        enum condition got = condition_of_read(&r.head, &tag, MODIFIED_S * INT64_C(1000) + 999);
        if (got != unmodified_reads[i].want)
            fail_msg("unmodified, case %zu: %d", i, (int)got);
    }
}

enum { GOES = ERROR_COUNT, FAILS = ERROR_PRECONDITION_FAILED, BAD = ERROR_BAD_REQUEST };

static const struct {
    const char *if_match, *if_none_match, *unmodified;
    bool exists;
    int want;
} writes[] = {
    {NULL, NULL, NULL, true, GOES},
    {NULL, NULL, NULL, false, GOES},
    {"%", NULL, NULL, true, GOES},
    {"\"aaaaaaaaaaaaaaaaaaaaaaaa.cccccccccccccccccccccccc\"", NULL, NULL, true, GOES}, /* the same row, seen in another format */
    {"\"cccccccccccccccccccccccc.bbbbbbbbbbbbbbbbbbbbbbbb\"", NULL, NULL, true, FAILS},
    {"*", NULL, NULL, true, GOES},
    {"*", NULL, NULL, false, FAILS},
    {"%", NULL, NULL, false, FAILS},
    {"W/%", NULL, NULL, true, FAILS},
    {"\"\"", NULL, NULL, true, FAILS},
    {"\"x\" ,, %,", NULL, NULL, true, GOES},
    {NULL, "*", NULL, true, FAILS},
    {NULL, "*", NULL, false, GOES},
    {NULL, "%", NULL, true, FAILS},
    {NULL, "W/%", NULL, true, FAILS},
    {NULL, "\"x\"", NULL, true, GOES},
    {"%", "%", NULL, true, FAILS},
    /* what cannot be read lets nothing through */
    {"", NULL, NULL, true, BAD},
    {" , ", NULL, NULL, true, BAD},
    {"abc", NULL, NULL, true, BAD},
    {"\"", NULL, NULL, true, BAD},
    {"\"a\"b\"", NULL, NULL, true, BAD},
    {"\"a b\"", NULL, NULL, true, BAD},
    {"W/", NULL, NULL, true, BAD},
    {"w/\"x\"", NULL, NULL, true, BAD},
    {"W/*", NULL, NULL, true, BAD},
    {"*x", NULL, NULL, true, BAD},
    {"*, %", NULL, NULL, true, BAD},
    {"%, *", NULL, NULL, true, BAD},
    {"% \"x\"", NULL, NULL, true, BAD},
    {NULL, "nonsense", NULL, true, BAD},
    {NULL, "nonsense", NULL, false, BAD},
    {NULL, "", NULL, false, BAD},
    {"%", "'x'", NULL, true, BAD},
    /* dates */
    {NULL, NULL, "Sun, 06 Nov 1994 08:49:37 GMT", true, GOES},
    {NULL, NULL, "Sun, 06 Nov 1994 08:49:36 GMT", true, FAILS},
    {NULL, NULL, "Sun, 06 Nov 1994 08:49:36 GMT", false, GOES},
    {NULL, NULL, "yesterday", true, GOES},
    {"%", NULL, "Sun, 06 Nov 1994 08:49:36 GMT", true, GOES},
};

static void a_write_is_held_to_what_is_stored_not_to_how_it_was_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        struct request r = {.head.n_headers = 0};
        struct error err = {.code = ERROR_COUNT};
        const struct stored stored = {writes[i].exists, state_half, MODIFIED_S * INT64_C(1000) + 999};
        add(&r, "If-Match", writes[i].if_match);
        add(&r, "If-None-Match", writes[i].if_none_match);
        add(&r, "If-Unmodified-Since", writes[i].unmodified);
        bool goes = condition_of_write(&r.head, &stored, &err);
        if (goes != (writes[i].want == GOES) || (!goes && (int)err.code != writes[i].want))
            fail_msg("case %zu: %d %s", i, (int)goes, err.message);
    }
}

static void a_list_may_come_on_several_lines(void **state)
{
    (void)state;
    const struct stored stored = {true, state_half, 0};
    static const struct {
        const char *first, *second;
        int want;
    } cases[] = {{"\"x\"", "%", GOES}, {"%", "\"x\"", GOES}, {"\"x\"", "\"y\"", FAILS}, {"*", "%", BAD}, {"%", "y", BAD}, {"", "%", GOES}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct request r = {.head.n_headers = 0};
        struct error err = {.code = ERROR_COUNT};
        add(&r, "If-Match", cases[i].first);
        add(&r, "if-match", cases[i].second);
        bool goes = condition_of_write(&r.head, &stored, &err);
        if (goes != (cases[i].want == GOES) || (!goes && (int)err.code != cases[i].want))
            fail_msg("case %zu: %d %s", i, (int)goes, err.message);
        r.head.headers = r.headers;
        r.headers[0].name = r.headers[1].name = STR("If-None-Match");
        bool hit = i == 0 || i == 1 || i == 3 || i == 4 || i == 5;
        assert_int_equal(condition_of_read(&r.head, &tag, 0), hit ? CONDITION_NOT_MODIFIED : CONDITION_GO);
    }
}

static void a_tag_moves_with_everything_that_decides_the_answer(void **state)
{
    (void)state;
    struct dataset d = {.id = "abcd-efgh", .generation = 1}, generation = d;
    generation.generation = 2;
    struct store_state s = {.version = 1, .shape_version = 1, .incarnation = 7}, version = s, shape = s, restored = s;
    version.version = 2;
    shape.shape_version = 2;
    restored.incarnation = 8;
    const struct etag_half halves[] = {
        etag_of_dataset(&d, &s),     etag_of_dataset(&d, &version), etag_of_dataset(&d, &shape),        etag_of_dataset(&d, &restored),
        etag_of_row(&d, &s, 1, 1),   etag_of_row(&d, &s, 2, 1),     etag_of_row(&d, &s, 1, 2),          etag_of_row(&d, &shape, 1, 1),
        etag_of_row(&d, &restored, 1, 1), etag_of_row(&generation, &s, 1, 1),
    };
    enum { N = sizeof halves / sizeof *halves };
    for (int i = 0; i < N; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(halves[i].hex, halves[k].hex);
    const struct etag_half again = etag_of_row(&d, &version, 1, 1); /* a write elsewhere leaves the row's tag */
    assert_string_equal(again.hex, halves[4].hex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_extension_wins_then_the_heaviest_type_then_json),
        cmocka_unit_test(conditions_of_reads),
        cmocka_unit_test(a_write_is_held_to_what_is_stored_not_to_how_it_was_shown),
        cmocka_unit_test(a_list_may_come_on_several_lines),
        cmocka_unit_test(a_tag_moves_with_everything_that_decides_the_answer),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
