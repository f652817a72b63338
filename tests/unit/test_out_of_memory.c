/* Every allocation of every parser fails once, and every callback of every reader refuses once: the outcome is then an error
 * that says so; nothing is leaked, and nobody is called again. Linked with --wrap=malloc
 * (Makefile). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/spool.h"
#include "catalog/internal.h"
#include "format/reader.h"
#include "http/internal.h"
#include "ingest/ingest.h"
#include "ingest/problems.h"
#include "rows/row_id.h"
#include "rows/stage.h"
#include "soql/request.h"
#include "soql/soql.h"

/* ── memory that runs out ── */

static unsigned long allocations, failing; /* failing: the allocation that fails, 0 for none */
static long live; /* blocks that we freed for a library (utf8proc) count as -1 */
static bool fired;

static bool fails(void)
{
    if (++allocations != failing)
        return false;
    fired = true;
    return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t k, size_t n);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t k, size_t n);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);

void *__wrap_malloc(size_t n)
{
    void *p = fails() ? NULL : __real_malloc(n);
    live += p != NULL;
    return p;
}

void *__wrap_calloc(size_t k, size_t n)
{
    void *p = fails() ? NULL : __real_calloc(k, n);
    live += p != NULL;
    return p;
}

void *__wrap_realloc(void *old, size_t n)
{
    void *p = fails() ? NULL : __real_realloc(old, n);
    live += p && !old;
    return p;
}

void __wrap_free(void *p)
{
    live -= p != NULL;
    __real_free(p);
}

/* ── callbacks that refuse ── */

static unsigned long calls, refusing;
static bool refused;

static bool called(struct error *err)
{
    if (refused)
        fail_msg("called again after a refusal");
    if (++calls != refusing)
        return true;
    refused = true;
    return error_set(err, ERROR_MISDIRECTED, "no more");
}

static bool on_body(void *ctx, bool many, struct error *err)
{
    (void)ctx, (void)many;
    return called(err);
}

static bool on_name(void *ctx, struct str name, int *ret_slot, struct error *err)
{
    (void)ctx, (void)name;
    *ret_slot = 0;
    return called(err);
}

static bool on_plain(void *ctx, struct error *err)
{
    (void)ctx;
    return called(err);
}

static bool on_row(void *ctx, enum row_shape shape, struct str what, uint64_t line, struct error *err)
{
    (void)ctx, (void)shape, (void)what, (void)line;
    return called(err);
}

static bool on_value(void *ctx, int slot, const struct raw *raw, uint64_t column, struct error *err)
{
    (void)ctx, (void)slot, (void)raw, (void)column;
    return called(err);
}

static bool on_bytes(void *ctx, struct str bytes, struct error *err)
{
    (void)ctx, (void)bytes;
    return called(err);
}

static const struct row_sink sink = {NULL, on_body, on_name, on_plain, on_row, on_value, on_plain, NULL};

/* ── what is done with a text ── */

struct act {
    const char *name;
    bool (*run)(const struct act *act, struct str text, struct error *err);
    int what; /* a format, a type */
    size_t slice;
    const char *text;
    bool quiet; /* lack of memory may also cost a warning or a hint */
};

static bool read_rows(const struct act *act, struct str text, struct error *err)
{
    struct reader *r = reader_new((enum reader_format)act->what, &reader_limits_default, &sink, err);
    bool ok = r != NULL;
    for (; ok && text.n; text = str_skip(text, act->slice))
        ok = reader_push(r, str_head(text, act->slice), err);
    ok = ok && reader_finish(r, err);
    reader_free(r);
    return ok;
}

static bool read_tree(const struct act *act, struct str text, struct error *err)
{
    struct arena a = {0};
    struct json *tree;
    (void)act;
    bool ok = json_parse(&a, text, &tree, err);
    arena_free(&a);
    return ok;
}

static bool transcode(const struct act *act, struct str text, struct error *err)
{
    static const char *const charsets[] = {"iso-8859-1", "utf-16", "windows-1252", "us-ascii", "utf-16be"};
    struct transcode *t = transcode_new(str_from(charsets[act->what]), on_bytes, NULL, err);
    bool ok = t != NULL;
    for (; ok && text.n; text = str_skip(text, act->slice))
        ok = transcode_push(t, str_head(text, act->slice), err);
    ok = ok && transcode_finish(t, err);
    transcode_free(t);
    return ok;
}

static bool gunzip(const struct act *act, struct str text, struct error *err)
{
    unsigned char packed[4096];
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)text.p, .avail_in = (unsigned)text.n, .next_out = packed, .avail_out = sizeof packed};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    text = str_make((char *)packed, z.total_out);
    deflateEnd(&z);
    struct gunzip *g = gunzip_new(&gunzip_limits_default, on_bytes, NULL, err);
    bool ok = g != NULL;
    for (; ok && text.n; text = str_skip(text, act->slice))
        ok = gunzip_push(g, str_head(text, act->slice), err);
    ok = ok && gunzip_finish(g, err);
    gunzip_free(g);
    return ok;
}

static bool head(const struct act *act, struct str text, struct error *err)
{
    struct head_scan scan = {0};
    struct request r;
    struct arena a = {0};
    size_t n;
    (void)act;
    bool ok = head_scan(&scan, text, &http_limits_default, &n, err) == PARSE_DONE && head_build(str_head(text, n), &http_limits_default, &a, &r, err);
    arena_free(&a);
    return ok;
}

static bool query(const struct act *act, struct str text, struct error *err)
{
    struct http_parameter *list;
    struct arena a = {0};
    size_t n;
    (void)act;
    bool ok = http_decode_query(text, &a, &list, &n, err);
    arena_free(&a);
    return ok;
}

/* Reads with a column's type, and writes what was read. Lack of memory is a refusal without an expectation. */
static bool value(const struct act *act, struct str text, struct error *err)
{
    struct arena a = {0};
    struct type_context ctx = {.arena = &a};
    struct type_refusal why = {.expected = ""};
    struct type_render render = {.version_2 = true};
    struct raw raw = {text.p[0] == '{' ? RAW_OBJECT : RAW_STRING, text};
    const struct type *t = type_get((enum type_id)act->what);
    struct buf out = {0};
    struct cell cell;
    bool ok = t->parse(t, &raw, &ctx, &cell, &why);
    if (ok && cell.kind != CELL_NULL) {
        t->write_json(t, &cell, &render, &out);
        t->write_csv(t, &cell, &render, &out);
        struct str key;
        ok = buf_ok(&out) && (!t->can_identify_rows || t->key(&cell, &a, &key));
    }
    buf_free(&out);
    arena_free(&a);
    if (!ok && !why.expected[0])
        error_no_memory(err);
    else if (!ok)
        error_set(err, ERROR_COLUMN_MALTYPED, "%s", why.expected);
    return ok;
}

static struct column shape[] = {
    {.physical = 1, .type = &type_text, .field_name = {"name", 4}, .name = {"Name", 4}},
    {.physical = 2, .type = &type_number, .field_name = {"magnitude", 9}, .name = {"Magnitude", 9}},
    {.physical = 3, .type = &type_point, .field_name = {"place", 5}, .name = {"Place", 5}},
};
static struct columns columns = {.v = shape, .n = sizeof shape / sizeof *shape, .row_identifier = 0};

/* "name=value" pairs, one a line: to a tree, printed. act->what: how often its condition is repeated, so that it takes several blocks of memory. */
static bool soql_tree(const struct act *act, struct str text, struct error *err)
{
    struct soql_parameter parameters[8];
    size_t n = 0;
    struct arena a = {0};
    struct buf where = {0}, print = {0};
    buf_add_z(&where, "name = \"x\\n\" and 'it''s' like name");
    for (int i = 0; i < act->what; i++)
        buf_add_z(&where, " and coalesce(name, 'it''s', \"\\u00e9\", magnitude::text) in ('a', 'b') and count(distinct a) over (partition by b order by c) > 1");
    bool ok = buf_ok(&where) || error_no_memory(err);
    for (struct str line; ok && text.n; n++) {
        str_cut(text, '\n', &line, &text);
        str_cut(line, '=', &parameters[n].name, &parameters[n].value);
    }
    if (act->what)
        parameters[n++] = (struct soql_parameter){STR("$where"), buf_str(&where)};
    struct soql_parsing parsing = {.arena = &a};
    struct soql_query *q;
    ok = ok && soql_request_query(parameters, n, &columns, &parsing, &q, err);
    if (ok)
        soql_print_query(q, &print);
    ok = ok && (buf_ok(&print) || error_no_memory(err));
    buf_free(&where);
    buf_free(&print);
    arena_free(&a);
    return ok;
}

/* "name=value" pairs, one a line. */
static bool soql(const struct act *act, struct str text, struct error *err)
{
    static const struct row_id_key row_ids = {{1, 2, 3, 4}};
    struct soql_parameter parameters[8];
    const struct soql_dataset primary = {STR("four-by44"), &columns, &row_ids};
    struct soql_request request = {.primary = &primary, .parameters = parameters};
    struct arena a = {0};
    struct soql_compiled q = {0};
    (void)act;
    for (struct str line; text.n; request.n++) {
        str_cut(text, '\n', &line, &text);
        str_cut(line, '=', &parameters[request.n].name, &parameters[request.n].value);
    }
    bool ok = soql_compile(&request, &a, &q, err);
    query_fini(&q.query);
    arena_free(&a);
    return ok;
}

/* A body to staged rows: everything of ingest but the queue. The dataset has three columns, the first its row identifier. */
static bool upload(const struct act *act, struct str text, struct error *err)
{
    static struct snapshot snapshot = {.refs = 1};
    struct dataset *d = &snapshot.d;
    struct store_state state = {0};
    struct upload_options o = {.format = (enum reader_format)act->what, .scratch_dir = "/tmp", .reports_dir = "/tmp/seltzer-oom-reports",
                               .request_id = "r", .skip_errors = strstr(act->name, "set aside") != NULL, .skip_rows_max = UINT64_MAX, .skip_share_max = 10000};
    bool ok;
    memcpy(d->id, "abcd-1234", 10);
    d->columns = columns;
    struct upload *u = upload_new(d, &state, &o, err);
    ok = u != NULL;
    for (; ok && text.n; text = str_skip(text, act->slice))
        ok = upload_push(u, str_head(text, act->slice), err);
    ok = ok && upload_finish(u, err);
    if (ok && act->quiet) /* a warning may be lost */
        upload_warnings(u);
    upload_free(u);
    return ok;
}

static bool stage(const struct act *act, struct str text, struct error *err)
{
    struct stage_config config = {.columns = &columns, .scratch_dir = "/tmp", .memory_max = 1 << 16};
    struct stage *s = stage_new(&config, err);
    struct cell cells[3] = {cell_text(text), cell_text(text), cell_null()};
    bool ok = s != NULL, end = false;
    for (uint64_t i = 0; ok && i < (uint64_t)act->what; i++)
        ok = stage_append(s, &(struct stage_row){.position = i, .cells = cells}, err);
    ok = ok && stage_finish(s, err);
    struct stage_cursor *c = ok ? stage_cursor_new(s, act->slice, err) : NULL;
    struct stage_run run;
    ok = c != NULL;
    while (ok && !end)
        ok = stage_next_run(c, &run, &end, err);
    stage_cursor_free(c);
    stage_free(s);
    return ok;
}

static bool problem(const struct act *act, struct str text, struct error *err)
{
    struct problems p = {0};
    bool ok = true;
    for (int i = act->what; ok && i > 0; i--)
        ok = problems_add(&p, &(struct row_problem){.position = (uint64_t)i, .message = text});
    problems_sort(&p);
    problems_clear(&p);
    return ok || error_no_memory(err);
}

#define OBJECTS "[{\"a\\u00e9\":\"b\\n\\ud83d\\ude00\", \"geo\":{\"x\":[1,{\"y\":2}]}, \"n\":-1.5e3}, [\"k\"], [7], 3, {\"a\":null,\"z\":[true,false]}]"
static const struct act acts[] = {
    {"json whole", read_rows, READER_JSON, 1000, OBJECTS, false},
    {"json in bytes", read_rows, READER_JSON, 1, OBJECTS, false},
    {"one object", read_rows, READER_JSON, 3, "{\"name\":\"x\",\"list\":[1,[2]]}", false},
    {"ndjson", read_rows, READER_NDJSON, 2, "{\"a\":1}\n[3]\n{\"b\":\"x\\ty\"}\n4\n", false},
    {"ndjson, empty", read_rows, READER_NDJSON, 2, "\n", false},
    {"csv whole", read_rows, READER_CSV, 1000, "a,\"b \"\"c\"\"\"\n1,\"x\ny\"\n,\"\"\n\"q\"\"r\",\n", false},
    {"csv in bytes", read_rows, READER_CSV, 1, "a,\"b \"\"c\"\"\"\n1,\"x\ny\"\n,\"\"\n\"q\"\"r\",caf\xc3\xa9\r\n2,3", false},
    {"csv of one column", read_rows, READER_CSV, 2, "a\n1\n\n\n2\n", false},
    {"tsv", read_rows, READER_TSV, 3, "a\tb\n1\t\"2\"\n\"x\ty\"\t\n", false},
    {"form", read_rows, READER_FORM, 4, "a=1&b=x+y%C3%A9&c=&d", false},
    {"tree", read_tree, 0, 0, "{\"a\":[1,\"two\",{\"b\":null,\"\\u0063\":true}],\"long\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}", false},
    {"transcode latin", transcode, 0, 3, "caf\xe9 cr\xe8me", false},
    {"transcode utf-16", transcode, 1, 3, "\xff\xfe" "a\0b\0", false},
    {"transcode windows", transcode, 2, 1, "\x93quoted\x94 \x80", false},
    {"gunzip", gunzip, 0, 7, "some text, some text, some text", false},
    {"head", head, 0, 0, "POST /a?b=c HTTP/1.1\r\nHost: a.example\r\nAccept: x\r\nAccept: y\r\nContent-Length: 3\r\nX-Request-Id: q\r\n\r\n", false},
    {"query", query, 0, 0, "a=b&c=%20+x&&d", false},
    {"number", value, TYPE_NUMBER, 0, "0001234567890123456789.500e3", false},
    {"text", value, TYPE_TEXT, 0, "caf\x65\xcc\x81", false},
    {"url", value, TYPE_URL, 0, "{\"url\":\"http://a/\",\"description\":\"d\"}", false},
    {"location", value, TYPE_LOCATION, 0, "{\"latitude\":\"47.5\",\"longitude\":-122,\"human_address\":{\"address\":\"1 Main St\",\"city\":\"S\",\"state\":\"WA\",\"zip\":\"98101\"}}", false},
    {"location text", value, TYPE_LOCATION, 0, "1 Main St, Seattle, WA 98101 (47.5, -122.25)", false},
    {"location address as text", value, TYPE_LOCATION, 0, "{\"human_address\":\"{\\\"city\\\":\\\"S\\\",\\\"zip\\\":\\\"98101\\\"}\"}", false},
    {"point geojson", value, TYPE_POINT, 0, "{\"type\":\"Point\",\"coordinates\":[-87.6,41.9]}", false},
    {"polygon wkt", value, TYPE_MULTIPOLYGON, 0, "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 0), (1 1, 2 1, 2 2, 1 1)), ((5 5, 6 5, 6 6, 5 5)))", false},
    {"polygon geojson", value, TYPE_POLYGON, 0, "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]}", false},
    {"json value", value, TYPE_JSON, 0, "{\"a\": [1, 2]}", false},
    {"soql", soql, 0, 0, "$select=:id, name, `magnitude`, :updated_at, place\n$order=name desc, magnitude, :id\n$limit=5\nname=it's\nmagnitude=3.50", false},
    {"soql tree", soql_tree, 60, 0, "$select=:id, name as `n`, case when true then 1 end\n$order=name desc nulls last\n$limit=5\nname=it's\nmagnitude=3.50", false},
    {"soql tree of $query", soql_tree, 0, 0, "$query=select * join (select a) as @b on true union select hint(materialized) @c.d |> select :*", false},
    {"soql tree, refused", soql_tree, 0, 0, "$query=select name where group = 1", true},
    {"soql tree, an unknown name", soql_tree, 0, 0, "nmae=1\n$slect=2", true},
    {"soql, a near name", soql, 0, 0, "$select=nome", true},
    {"stage", stage, 300, 500, "text of a row that is staged, text of a row that is staged", false},
    {"stage that spills", stage, 3000, 100000, "text of a row that is staged, text of a row that is staged, and more of it", false},
    {"problems", problem, 1100, 0, "this is wrong", false},
    {"upload", upload, READER_JSON, 5, "[{\"name\":\"a\",\"magnitude\":1,\"place\":\"POINT (1 2)\",\":version\":null},[\"b\"],{\"name\":\"c\",\":deleted\":true}]", false},
    {"upload of csv", upload, READER_CSV, 5, "Name,Magnitude,:id\na,1,\nb,2,x\n", false},
    {"upload refused", upload, READER_JSON, 50, "[{\"name\":\"a\",\"magnitude\":\"x\",\"place\":{\"type\":\"Pointe\"},\"nme\":5},[\"b\"],9]", true},
    {"upload with rows set aside", upload, READER_JSON, 50, "[{\"name\":\"a\",\"magnitude\":\"x\",\"place\":[1],\"nme\":true},[\"b\"],{\"name\":\"c\"},{\"name\":\"d\",\"name\":\"e\"},{\"name\":\"\"}]", true},
};

static bool run(const struct act *act, struct error *err)
{
    *err = (struct error){0};
    allocations = calls = 0;
    fired = refused = false;
    long before = live;
    size_t n = act->run == transcode && act->what == 1 ? 6 : strlen(act->text);
    bool ok = act->run(act, str_make(act->text, n), err);
    if (live > before)
        fail_msg("%s: %ld blocks stay behind (allocation %lu failing, callback %lu refusing)", act->name, live - before, failing, refusing);
    return ok;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        const struct act *act = &acts[i];
        struct error plain, err;
        failing = 0;
        bool good = run(act, &plain);
        for (failing = 1; failing < 10000; failing++) {
            bool ok = run(act, &err);
            if (!fired)
                break;
            bool same = act->quiet && ok == good && (ok || err.code == plain.code); /* but for a hint */
            bool told = !ok && err.code == ERROR_OUT_OF_MEMORY;
            if (!same && !told)
                fail_msg("%s, allocation %lu: %s %s", act->name, failing, ok ? "done" : error_info(err.code)->error_code, err.message);
        }
        if (failing == 1 && act->run != head)
            fail_msg("%s allocates nothing", act->name);
        failing = 0;
    }
}

static void every_callback_may_refuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        struct error err;
        for (refusing = 1; refusing < 10000; refusing++) {
            bool ok = run(&acts[i], &err);
            if (!refused)
                break;
            if (ok || err.code != ERROR_MISDIRECTED)
                fail_msg("%s, callback %lu: %s", acts[i].name, refusing, ok ? "done" : err.message);
        }
        refusing = 0;
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
    return system("rm -rf /tmp/seltzer-oom-reports");
}

/* The block of the request's memory ends at each place in turn, and there is no other. */
static void a_query_may_run_out_of_memory_anywhere(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } texts[] = {
        {"$query", "select hint(no_rollup) distinct on (a) :* (except :id), @t.* (except b, c), d as e, f(DISTINCT g), count(*), F(1, 'it''s').h[1]::text from @i as j"
                   " join @k(1, 2) as l on true left join (select m) as n on o = p where q is null and r like s or not t between 1 and -2 and u in (1, 2)"
                   " group by v having w order by x desc, y search \"z\\n\" limit 1 offset 2 |> select case when a then b else c end,"
                   " sum(a) filter (where b) over (partition by c, d order by e, f rows between 1 preceding and current row)"
                   " union select (a + b * c ^ d), param('x'), param(@a, 'y') |> select a.b, x and y and z minus select 1"},
        {"$select", "a, b as c"}, {"$where", "a = 1 and b = 2"}, {"$group", "a, b"}, {"$order", "a, b desc"}, {"$$exclude_system_fields", "false"},
        {"$query", "select ~"}, {"$query", "select a \x01"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct soql_parameter parameters[] = {{str_from(texts[i].name), str_from(texts[i].value)}, {STR("name"), STR("x")}, {STR("magnitude"), STR("1")}};
        size_t n = strcmp(texts[i].name, "$query") == 0 ? 1 : 3;
        if (strcmp(texts[i].name, "$group") == 0)
            parameters[1] = (struct soql_parameter){STR("$select"), STR("a")};
        size_t keep = 0;
        const bool is_refused = i >= 6; /* what says so takes memory of its own, so there is no end to it */
        for (fired = true; fired && (!is_refused || keep < 2000); keep += 16) {
            assert_true(keep < 90000);
            struct arena a = {0};
            assert_non_null(arena_alloc(&a, 100000));
            arena_reset(&a);
            assert_non_null(arena_alloc(&a, (size_t)(a.end - a.at) - keep));
            struct soql_parsing parsing = {.arena = &a};
            struct soql_query *q;
            struct error err = {0};
            fired = false;
            allocations = 0;
            failing = 1;
            bool ok = soql_request_query(parameters, n, &columns, &parsing, &q, &err);
            failing = 0;
            if (!ok && !is_refused && err.code != ERROR_OUT_OF_MEMORY)
                fail_msg("%s: %s", texts[i].value, err.message);
            if (fired && ok)
                fail_msg("%s with %zu bytes left: taken", texts[i].value, keep);
            arena_free(&a);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail), cmocka_unit_test(a_query_may_run_out_of_memory_anywhere),
        cmocka_unit_test(every_callback_may_refuse),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
