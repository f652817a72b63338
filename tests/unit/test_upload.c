/* A body on its way to the stage (ingest/ingest.h, ingest/coerce.h; docs/wire/rows.md): what rows it becomes, which are refused
 * and with which words. No store: the stage is read back as text,
 *
 *     name="a" n=5 other=null; -name="b"; :id=7 :version=3 name="c"; -null
 *
 * a row each, "-" deletes, columns not given are left out, ":id?" could not be read. */
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "catalog/internal.h"
#include "ingest/upload.h"

static struct column shape[] = {
    {.physical = 1, .type = &type_text, .field_name = {"name", 4}, .name = {"Full Name", 9}},
    {.physical = 2, .type = &type_number, .field_name = {"n", 1}, .name = {"Number", 6}},
    {.physical = 3, .type = &type_boolean, .field_name = {"ok", 2}, .name = {"Ok?", 3}},
    {.physical = 4, .type = &type_text, .field_name = {"note", 4}, .former_name = {"remark", 6}, .name = {"Twin", 4}},
    {.physical = 5, .type = &type_text, .field_name = {"note_2", 6}, .name = {"twin", 4}},
    {.physical = 6, .type = &type_point, .field_name = {"place", 5}, .name = {"Place", 5}},
};
/* The same columns: known by :id, by a text, by a number. */
static struct snapshot by_id = {.d = {.id = "aaaa-0001"}, .refs = 1}, by_name = {.d = {.id = "aaaa-0002"}, .refs = 1},
                       by_number = {.d = {.id = "aaaa-0003"}, .refs = 1};
static struct store_state state_now = {.row_ids = {{1, 2, 3, 4}}};
static char dir[] = "/tmp/seltzer-upload-XXXXXX";
static char reports[64];

/* ── sending ── */

struct sent {
    struct upload *u; /* NULL: not even begun */
    bool ok;
    struct error err;
};

static struct sent send_bytes(const struct snapshot *s, struct upload_options o, struct str body)
{
    struct sent sent = {.ok = true};
    o.scratch_dir = dir;
    o.reports_dir = reports;
    sent.u = upload_new(&s->d, &state_now, &o, &sent.err);
    sent.ok = sent.u != NULL;
    for (struct str rest = body; sent.ok && rest.n; rest = str_skip(rest, 7)) {
        char *slice = malloc(7); /* a loan of the call only */
        struct str part = str_head(rest, 7);
        memcpy(slice, part.p, part.n);
        sent.ok = upload_push(sent.u, str_make(slice, part.n), &sent.err);
        free(slice);
    }
    sent.ok = sent.ok && upload_finish(sent.u, &sent.err);
    return sent;
}

static struct sent send_body(const struct snapshot *s, struct upload_options o, const char *body)
{
    return send_bytes(s, o, str_from(body));
}

static void add_state(struct buf *b, const char *name, enum stage_sid state, int64_t v)
{
    if (state == STAGE_SID_NULL)
        buf_printf(b, "%s=null ", name);
    else if (state == STAGE_SID_GIVEN)
        buf_printf(b, "%s=%lld ", name, (long long)v);
    else if (state == STAGE_SID_UNREADABLE)
        buf_printf(b, "%s? ", name);
}

static void add_row(struct buf *b, const struct stage_row *row)
{
    struct type_render render = {0};
    buf_add_z(b, b->n ? "; " : "");
    buf_add_z(b, row->op == STAGE_DELETE ? "-" : "");
    if (row->key_null_delete) {
        buf_add_z(b, "null");
        return;
    }
    add_state(b, ":id", row->sid_state, row->sid);
    add_state(b, ":version", row->version_state, row->version);
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        const struct cell *c = &row->cells[i];
        if (c->kind == CELL_ABSENT)
            continue;
        buf_printf(b, FMT_STR "=", ARG_STR(shape[i].field_name));
        if (c->kind == CELL_NULL)
            buf_add_z(b, "null");
        else
            shape[i].type->write_json(shape[i].type, c, &render, b);
        buf_add_byte(b, ' ');
    }
    while (b->n && b->p[b->n - 1] == ' ')
        b->n--;
}

static char *rows_of(struct upload *u)
{
    struct buf b = {0};
    struct error err;
    struct stage_run run;
    struct cell cells[sizeof shape / sizeof *shape];
    struct stage_row row = {.cells = cells};
    struct stage_cursor *c = stage_cursor_new(u->stage, 1 << 20, &err);
    bool end = false;
    while (stage_next_run(c, &run, &end, &err) && !end)
        for (size_t i = 0; i < run.n; i++) {
            stage_decode(u->stage, run.rows[i], &row);
            add_row(&b, &row);
        }
    stage_cursor_free(c);
    return buf_take_z(&b);
}

static char *id_text(int64_t sid)
{
    static char text[4][ROW_ID_LENGTH + 1];
    static int turn;
    char *t = text[turn++ % 4];
    row_id_format(&state_now.row_ids, sid, t);
    t[ROW_ID_LENGTH] = 0;
    return t;
}

/* Bodies in which @7 stands for row 7's :id and %3 for version 3. */
static char *expand(const char *body)
{
    struct buf b = {0};
    for (; *body; body++) {
        char text[ROW_VERSION_LENGTH];
        if (*body == '@' && body[1] >= '0' && body[1] <= '9') {
            buf_add_z(&b, id_text(*++body - '0'));
        } else if (*body == '%' && body[1] >= '0' && body[1] <= '9') {
            row_version_format(&state_now.row_ids, *++body - '0', text);
            buf_add(&b, text, sizeof text);
        } else {
            buf_add_byte(&b, *body);
        }
    }
    return buf_take_z(&b);
}

/* ── what is taken ── */

struct taken {
    const struct snapshot *dataset;
    enum reader_format format;
    const char *body, *rows;
};

static const struct taken taken[] = {
    /* upserts, merges: only what is given */
    {&by_name, READER_JSON, "[{\"name\":\"a\",\"n\":5},{\"name\":\"b\",\"n\":null}]", "name=\"a\" n=\"5\"; name=\"b\" n=null"},
    {&by_name, READER_JSON, "{\"name\":\"a\"}", "name=\"a\""},
    {&by_name, READER_JSON, "[]", ""},
    {&by_id, READER_JSON, "[{}]", ""},
    /* names: field, former, display; trimmed, any case; several spellings of one column in different rows */
    {&by_name, READER_JSON, "[{\" NAME \":\"a\",\"Number\":1},{\"full name\":\"b\",\"N\":2}]", "name=\"a\" n=\"1\"; name=\"b\" n=\"2\""},
    {&by_name, READER_JSON, "[{\"name\":\"a\",\"Remark\":\"r\"}]", "name=\"a\" note=\"r\""},
    {&by_name, READER_CSV, "Full Name,Number,OK?\na,1,true\nb,,\n", "name=\"a\" n=\"1\" ok=true; name=\"b\" n=null ok=null"},
    {&by_name, READER_TSV, "name\tn\nx\t1\n", "name=\"x\" n=\"1\""},
    {&by_name, READER_FORM, "name=x&n=2", "name=\"x\" n=\"2\""},
    {&by_name, READER_NDJSON, "{\"name\":\"a\"}\n{\"name\":\"b\"}\n", "name=\"a\"; name=\"b\""},
    /* :id */
    {&by_id, READER_JSON, "[{\":id\":\"@7\",\"name\":\"a\"},{\":id\":null},{\":ID\":\"  \"},{\"name\":\"x\"}]", ":id=7 name=\"a\"; :id=null; :id=null; name=\"x\""},
    {&by_name, READER_JSON, "[{\":id\":\"@7\",\"n\":1}]", ":id=7 n=\"1\""},
    {&by_name, READER_JSON, "[{\":id\":\"@7\",\"name\":\"k\"}]", "name=\"k\""}, /* beside a key it is ignored */
    {&by_name, READER_JSON, "[{\":id\":\"nonsense\",\"name\":\"k\"}]", "name=\"k\""},
    {&by_id, READER_CSV, ":id,name\n@3,a\n,b\n", ":id=3 name=\"a\"; :id=null name=\"b\""},
    /* :version */
    {&by_name, READER_JSON, "[{\"name\":\"a\",\":version\":\"%3\"},{\"name\":\"b\",\":version\":null}]", ":version=3 name=\"a\"; :version=null name=\"b\""},
    /* deletes */
    {&by_name, READER_JSON, "[{\"name\":\"a\",\":deleted\":true},[\"b\"],[null]]", "-name=\"a\"; -name=\"b\"; -null"},
    {&by_number, READER_JSON, "[[5],[\"6.0\"]]", "-n=\"5\"; -n=\"6.0\""},
    {&by_id, READER_JSON, "[[\"@7\"],{\":id\":\"@8\",\":deleted\":true},[null]]", "-:id=7; -:id=8; -null"},
    {&by_name, READER_JSON, "[{\":id\":\"@8\",\":deleted\":true}]", "-:id=8"},
    {&by_name, READER_CSV, "name,:deleted\na,true\nb,TRUE\nc,false\nd,\n", "-name=\"a\"; -name=\"b\"; name=\"c\"; name=\"d\""},
    /* only JSON true deletes in JSON */
    {&by_name, READER_JSON, "[{\"name\":\"a\",\":deleted\":false},{\"name\":\"b\",\":deleted\":null},{\"name\":\"c\",\":deleted\":\"true\"},{\"name\":\"d\",\":deleted\":1}]",
     "name=\"a\"; name=\"b\"; name=\"c\"; name=\"d\""},
    /* echoed rows load */
    {&by_name, READER_JSON,
     "[{\":created_at\":{\"x\":[1]},\":updated_at\":\"y\",\":created_meta\":1,\":updated_meta\":null,\":meta\":\"{ }\",\":sid\":5,\":position\":1,\"name\":\"a\"}]",
     "name=\"a\""},
    {&by_name, READER_CSV, ":line,:error,:unknown,name\n5,bad,{},a\n", "name=\"a\""},
    /* a null key is the store's to count */
    {&by_name, READER_JSON, "[{\"name\":null},{\"n\":1},{\"name\":\"\"}]", "name=null; n=\"1\"; name=\"\""},
};

static void bodies_become_these_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        char *body = expand(taken[i].body);
        struct sent s = send_body(taken[i].dataset, (struct upload_options){.format = taken[i].format}, body);
        if (!s.ok)
            fail_msg("%s: %s", body, s.err.message);
        char *rows = rows_of(s.u);
        if (strcmp(rows, taken[i].rows) != 0)
            fail_msg("%s became\n%s\nnot\n%s", body, rows, taken[i].rows);
        assert_int_equal(upload_problems(s.u)->total, 0);
        free(rows);
        free(body);
        upload_free(s.u);
    }
}

/* ── what is refused ── */

struct refused {
    const struct snapshot *dataset;
    struct upload_options o;
    const char *body;
    const char *code;    /* errorCode */
    const char *message; /* a part of it */
    uint64_t problems;
};

#define REPLACE {.kind = UPLOAD_REPLACE}
#define FORMAT(f) {.format = READER_##f}
static const struct refused refused[] = {
    {&by_name, {0}, "[{\"name\":\"a\",\"n\":\"x\"}]", "soda.column.maltyped", "row 0 (line 1), column \"n\": \"x\" is not a number", 1},
    {&by_name, {0}, "[{\"name\":\"a\",\"n\":\"x\"},\n{\"name\":\"b\",\"ok\":5},{\"name\":\"c\"}]", "soda.column.maltyped", "2 values were refused", 2},
    {&by_name, {0}, "[{\"name\":\"a\",\"n\":\"x\"},\n{\"name\":\"b\",\"ok\":5}]", "soda.column.maltyped", "row 1 (line 2), column \"ok\"", 2},
    {&by_name, {0}, "[{\"name\":\"a\",\"place\":\"POINT (1)\"}]", "soda.column.maltyped", "column \"place\"", 1},
    {&by_name, {0}, "[{\"name\":\"a\",\"nam\":1,\"zzzzz\":2}]", "soda.row.column-not-found", "Illegal field name sent: nam, zzzzz. \"nam\": did you mean \"name\"?", 0},
    {&by_name, FORMAT(CSV), "name,nmae\na,b\n", "soda.row.column-not-found", "Illegal field name sent: nmae", 0},
    {&by_name, {0}, "[{\":nothing\":1}]", "soda.row.column-not-found", ":nothing", 0},
    {&by_name, {0}, "[{\"Twin\":1}]", "soda.row.column-not-found", "that of two columns, \"note\" and \"note_2\"", 0},
    {&by_name, {0}, "[{\"name\":\"a\",\"Full Name\":\"b\"}]", "soda.row.duplicate-field", "column \"name\": the row gives this column twice", 1},
    {&by_name, {0}, "[{\"name\":\"a\",\":deleted\":true,\":DELETED\":true}]", "soda.row.duplicate-field", "\":deleted\"", 1},
    {&by_id, {0}, "[{\":id\":null,\":id\":null}]", "soda.row.duplicate-field", "\":id\"", 1},
    {&by_id, {0}, "[{\":version\":null,\":version\":null}]", "soda.row.duplicate-field", "\":version\"", 1},
    {&by_id, {0}, "[{\"name\":\"a\"},5]", "soda.row.upsert-row-not-an-object", "row 1 (line 1): Row is not parseable as a json object", 1},
    {&by_id, {0}, "[[]]", "soda.row.upsert-row-not-an-object", "row 0", 1},
    {&by_id, {0}, "[{\":id\":\"nonsense\"}]", "soda.column.maltyped", "an id like row-", 1},
    {&by_id, {0}, "[{\":id\":7}]", "soda.column.maltyped", "an id like row-", 1},
    {&by_name, {0}, "[{\":version\":\"@1\",\"name\":\"a\"}]", "soda.column.maltyped", "a version like rv-", 1},
    {&by_id, {0}, "[{\":deleted\":true,\"name\":\"a\"}]", "soda.row.delete-without-primary-key", "row 0", 1},
    {&by_name, {0}, "5", "req.content.json.invalid", "not an array or object", 0},
    {&by_name, {0}, "[{\"name\":\"a\"}", "req.body.malformed-json", "", 0},
    /* replace */
    {&by_name, REPLACE, "{\"name\":\"a\"}", "req.content.json.invalid", "not an array", 0},
    {&by_name, REPLACE, "[[\"a\"]]", "soda.row.upsert-row-not-an-object", "a replace (PUT) takes no deletes", 1},
    {&by_name, REPLACE, "[{\"name\":\"a\",\":deleted\":true}]", "soda.row.upsert-row-not-an-object", "a replace (PUT) takes no deletes", 1},
    {&by_name, REPLACE, "[{\"name\":\"a\"},{\"n\":1},{\"name\":null}]", "soda.row.primary-key-nonexistent-or-null", "2 values were refused", 2},
    /* X-Expect-Rows */
    {&by_name, {.has_expected_rows = true, .expected_rows = 3}, "[{\"name\":\"a\"},{\"name\":\"b\"}]", "req.digest-mismatch", "says 3 rows, the body holds 2", 0},
    {&by_name, {.has_expected_rows = true, .expected_rows = 0}, "[{\"name\":\"a\"}]", "req.digest-mismatch", "says 0 rows, the body holds 1", 0},
    /* row URLs */
    {&by_name, {.only_one_object = true}, "[{\"name\":\"a\"}]", "req.content.json.not-object", "one JSON object", 0},
    {&by_name, {.only_one_object = true}, "5", "req.content.json.not-object", "one JSON object", 0},
    {&by_name, {.only_one_object = true, .has_row_key = true, .row_key = {CELL_TEXT, 0, {"k", 1}}}, "{\"name\":\"other\"}", "soda.row.key-contradicts-url", "another row than the URL", 1},
    {&by_name, {.only_one_object = true, .has_row_key = true, .row_key = {CELL_TEXT, 0, {"k", 1}}}, "{\"name\":null}", "soda.row.key-contradicts-url", "the row identifier is null", 1},
    {&by_id, {.only_one_object = true, .has_row_key = true, .row_sid = 7}, "{\":id\":\"@8\"}", "soda.row.key-contradicts-url", "another row than the URL", 1},
    /* onError */
    {&by_name, {.skip_errors = true, .skip_rows_max = 1, .skip_share_max = 10000}, "[{\"n\":\"x\"},{\"n\":\"y\"},{\"name\":\"a\"}]", "soda.column.maltyped", "2 values were refused", 2},
    {&by_name, {.skip_errors = true, .skip_rows_max = UINT64_MAX, .skip_share_max = 3333}, "[{\"n\":\"x\"},{\"name\":\"b\"},{\"name\":\"a\"}]", "soda.column.maltyped", "1 value was refused", 1},
};

static void these_bodies_are_refused_in_words_that_help(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char *body = expand(refused[i].body);
        struct sent s = send_body(refused[i].dataset, refused[i].o, body);
        if (s.ok)
            fail_msg("%s was taken", body);
        if (strcmp(error_info(s.err.code)->error_code, refused[i].code) != 0 || !strstr(s.err.message, refused[i].message))
            fail_msg("%s: %s: %s", body, error_info(s.err.code)->error_code, s.err.message);
        assert_int_equal(upload_problems(s.u)->total, refused[i].problems);
        free(body);
        upload_free(s.u);
    }
}

static void all_values_are_named_not_only_the_first(void **state)
{
    (void)state;
    struct buf body = {0};
    for (int i = 0; i < 1500; i++)
        buf_printf(&body, "%s{\"name\":\"k%d\",\"n\":\"bad\"}", i ? ",\n" : "[", i);
    buf_add_z(&body, "]");
    struct sent s = send_bytes(&by_name, (struct upload_options){0}, buf_str(&body));
    assert_false(s.ok);
    const struct problems *p = upload_problems(s.u);
    assert_int_equal(p->total, 1500);
    assert_int_equal(p->n, REPORT_ERRORS_MAX);
    for (size_t i = 0; i < p->n; i++) {
        assert_int_equal(p->v[i].position, i);
        assert_int_equal(p->v[i].line, i + 1);
        assert_true(str_eq(p->v[i].field, STR("n")));
        assert_true(str_eq(p->v[i].value, STR("bad")));
    }
    assert_non_null(strstr(s.err.message, "1500 values were refused"));
    assert_non_null(strstr(s.err.message, "1495 more"));
    upload_free(s.u);
    buf_free(&body);
}

static void a_long_value_is_shown_cut_at_a_character(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_add_z(&body, "[{\"name\":\"a\",\"n\":\"x");
    for (int i = 0; i < 500; i++)
        buf_add_z(&body, "\xe2\x82\xac");
    buf_add_z(&body, "\"}]");
    struct sent s = send_bytes(&by_name, (struct upload_options){0}, buf_str(&body));
    const struct row_problem *p = &upload_problems(s.u)->v[0];
    assert_true(p->value.n <= VALUE_SHOWN_MAX && p->value.n > VALUE_SHOWN_MAX - 4);
    assert_true(str_is_utf8(p->value, NULL) && str_is_utf8(p->message, NULL));
    assert_non_null(strstr(s.err.message, "(1501 bytes)"));
    upload_free(s.u);
    buf_free(&body);
}

static void row_keys_have_1024_bytes_at_most(void **state)
{
    (void)state;
    for (size_t n = 1024; n <= 1025; n++) {
        struct buf body = {0};
        buf_add_z(&body, "[{\"name\":\"");
        for (size_t i = 0; i < n; i++)
            buf_add_byte(&body, 'k');
        buf_add_z(&body, "\"}]");
        struct sent s = send_bytes(&by_name, (struct upload_options){0}, buf_str(&body));
        assert_int_equal(s.ok, n == 1024);
        if (!s.ok)
            assert_non_null(strstr(s.err.message, "at most 1024 bytes, this one has 1025"));
        upload_free(s.u);
        buf_free(&body);
    }
}

static void more_than_fifty_unknown_names_are_counted(void **state)
{
    (void)state;
    for (int skip = 0; skip < 2; skip++) {
        struct buf body = {0};
        for (int i = 0; i < 80; i++)
            buf_printf(&body, "%s\"unknown_%d\":1", i ? "," : "[{", i);
        buf_add_z(&body, ",\"name\":\"a\"}]");
        struct sent s = send_bytes(&by_name, (struct upload_options){.skip_errors = skip, .skip_rows_max = 9, .skip_share_max = 10000}, buf_str(&body));
        assert_int_equal(s.ok, skip);
        if (!skip)
            assert_non_null(strstr(s.err.message, "unknown_49 and 30 more"));
        else
            assert_int_equal(upload_set_aside(s.u), 1);
        upload_free(s.u);
        buf_free(&body);
    }
}

/* ── codings ── */

static struct str gzipped(const char *text, unsigned char room[4096])
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)text, .avail_in = (unsigned)strlen(text), .next_out = room, .avail_out = 4096};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    struct str s = str_make((char *)room, z.total_out);
    deflateEnd(&z);
    return s;
}

static void gzip_and_charset_are_undone_first(void **state)
{
    (void)state;
    unsigned char room[4096];
    struct str packed = gzipped("name,n\ncaf\xe9,1\n", room);
    struct sent s = send_bytes(&by_name, (struct upload_options){.format = READER_CSV, .gzip = true, .charset = STR("iso-8859-1")}, packed);
    assert_true(s.ok);
    char *rows = rows_of(s.u);
    assert_string_equal(rows, "name=\"caf\xc3\xa9\" n=\"1\"");
    free(rows);
    upload_free(s.u);
    s = send_bytes(&by_name, (struct upload_options){.format = READER_CSV, .gzip = true, .charset = STR("iso-8859-1")}, str_head(packed, packed.n - 3));
    assert_false(s.ok);
    assert_int_equal(s.err.code, ERROR_BODY_MALFORMED_GZIP);
    upload_free(s.u);
    s = send_body(&by_name, (struct upload_options){.format = READER_CSV, .charset = STR("UTF-8")}, "name\na\n");
    assert_true(s.ok);
    upload_free(s.u);
    s = send_body(&by_name, (struct upload_options){.format = READER_CSV, .charset = STR("utf-16le")}, "n");
    assert_false(s.ok); /* half a character */
    upload_free(s.u);
    s = send_body(&by_name, (struct upload_options){.format = READER_CSV, .charset = STR("ebcdic")}, "n");
    assert_null(s.u);
    assert_int_equal(s.err.code, ERROR_CHARSET_UNKNOWN);
}

/* ── row URLs, kinds of body ── */

static void the_key_of_the_url_is_the_rows_in_any_spelling_of_its_value(void **state)
{
    (void)state;
    static const struct {
        const struct snapshot *dataset;
        struct upload_options o;
        const char *body, *rows;
    } cases[] = {
        {&by_name, {.has_row_key = true, .row_key = {CELL_TEXT, 0, {"k", 1}}}, "{\"n\":1}", "name=\"k\" n=\"1\""},
        {&by_name, {.has_row_key = true, .row_key = {CELL_TEXT, 0, {"k", 1}}}, "{\"name\":\"k\"}", "name=\"k\""},
        {&by_number, {.has_row_key = true, .row_key = {CELL_TEXT, 0, {"5", 1}}}, "{\"n\":5.00}", "n=\"5.00\""},
        {&by_id, {.has_row_key = true, .row_sid = 7}, "{\"n\":1}", ":id=7 n=\"1\""},
        {&by_id, {.has_row_key = true, .row_sid = 7}, "{\":id\":\"@7\"}", ":id=7"},
        {&by_name, {.has_row_key = true, .row_sid = 7}, "{\"n\":1}", ":id=7 n=\"1\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct upload_options o = cases[i].o;
        char *body = expand(cases[i].body);
        o.only_one_object = true;
        struct sent s = send_body(cases[i].dataset, o, body);
        if (!s.ok)
            fail_msg("%s: %s", body, s.err.message);
        char *rows = rows_of(s.u);
        if (strcmp(rows, cases[i].rows) != 0)
            fail_msg("%s became %s", body, rows);
        free(rows);
        free(body);
        upload_free(s.u);
    }
}

static void an_upload_knows_what_its_body_was(void **state)
{
    (void)state;
    static const struct {
        enum reader_format format;
        const char *body;
        bool single, single_delete;
        uint64_t rows;
    } cases[] = {
        {READER_JSON, "{\"name\":\"a\"}", true, false, 1},
        {READER_JSON, "{\"name\":\"a\",\":deleted\":true}", true, true, 1},
        {READER_JSON, "[{\"name\":\"a\"}]", false, false, 1},
        {READER_JSON, "[{\"name\":\"a\",\":deleted\":true},[\"b\"]]", false, false, 2},
        {READER_FORM, "name=a", false, false, 1},
        {READER_CSV, "name\na\nb\nc\n", false, false, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sent s = send_body(&by_name, (struct upload_options){.format = cases[i].format}, cases[i].body);
        assert_true(s.ok);
        assert_int_equal(upload_was_single_object(s.u), cases[i].single);
        assert_int_equal(upload_single_is_delete(s.u), cases[i].single_delete);
        assert_int_equal(upload_rows(s.u), cases[i].rows);
        upload_free(s.u);
    }
}

static void warnings_say_what_was_done_to_the_rows(void **state)
{
    (void)state;
    static const struct {
        const struct snapshot *dataset;
        struct upload_options o;
        const char *body;
        const char *warning; /* a part, or NULL for none at all */
    } cases[] = {
        {&by_name, {0}, "[{\"name\":\"a\"}]", NULL},
        {&by_id, {0}, "[{\"name\":\"a\"},{\"name\":\"b\"}]", "2 rows without :id were added as new rows"},
        {&by_id, {0}, "[{\":id\":\"@1\"}]", NULL},
        {&by_id, {0}, "{\"name\":\"a\"}", NULL},
        {&by_id, {.truncate = true}, "[{\"name\":\"a\"}]", NULL},
        {&by_id, {.kind = UPLOAD_REPLACE}, "[{\"name\":\"a\"}]", NULL},
        {&by_name, {0}, "[{\"name\":\"a\\u0000b\\u0000\"}]", "2 U+0000 characters were removed"},
        {&by_name, {0}, "[{\"name\":\"a\",\"place\":\"POINT Z (1 2 3)\"}]", "1 third ordinates"},
        {&by_name, {0}, "[{\"name\":\"a\",\"place\":\"POINT (41 -187)\"}]", "1 positions lie outside"},
        {&by_name, {0}, "[{\"name\":\"a\",\":deleted\":\"true\"},{\"name\":\"b\",\":deleted\":0}]", "2 rows had a :deleted that is not true"},
        {&by_name, {0}, "[{\"name\":\"a\",\":deleted\":false}]", NULL},
        {&by_name, FORMAT(CSV), "name,:deleted\na,no\nb,false\n", "1 rows had a :deleted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *body = expand(cases[i].body);
        struct sent s = send_body(cases[i].dataset, cases[i].o, body);
        if (!s.ok)
            fail_msg("%s: %s", body, s.err.message);
        struct warnings w = upload_warnings(s.u);
        if (w.n != (cases[i].warning != NULL) || (w.n && !strstr(w.v[0].p, cases[i].warning)))
            fail_msg("%s: %d warnings: %s", body, (int)w.n, w.n ? w.v[0].p : "");
        free(body);
        upload_free(s.u);
    }
}

/* ── rows set aside ── */

static struct buf report_of(const struct snapshot *s, const char *request)
{
    char path[256];
    struct buf b = {0};
    snprintf(path, sizeof path, "%s/%s~%s.csv", reports, request, s->d.id);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s is not there", path);
    for (int c; (c = fgetc(f)) != EOF;)
        buf_add_byte(&b, (char)c);
    fclose(f);
    return b;
}

#define SKIP .skip_errors = true, .skip_rows_max = UINT64_MAX, .skip_share_max = 10000, .request_id = "request"
static const char mixed[] = "[{\"name\":\"a\",\"n\":1},\n"
                            "{\"name\":\"b\",\"n\":\"t\\\"wo\",\"note\":\"x,\\ny\"},\n"
                            "{\"name\":\"c\",\"n\":3,\"nme\":{\"z\":1}},\n"
                            "{\"name\":\"d\",\"n\":4,\"n\":5},\n"
                            "7,\n"
                            "{\"name\":\"e\",\":id\":\"@2\",\":version\":\"?\",\"ok\":true},\n"
                            "{\"name\":\"f\",\":deleted\":true},\n"
                            "{\"name\":\"g\",\"ok\":\"perhaps\",\":deleted\":false}]";

static void bad_rows_are_set_aside_and_the_others_staged(void **state)
{
    (void)state;
    char *body = expand(mixed);
    struct sent s = send_body(&by_name, (struct upload_options){SKIP}, body);
    if (!s.ok)
        fail_msg("%s", s.err.message);
    char *rows = rows_of(s.u);
    assert_string_equal(rows, "name=\"a\" n=\"1\"; -name=\"f\"");
    assert_int_equal(upload_set_aside(s.u), 6);
    assert_int_equal(upload_rows(s.u), 8);
    assert_int_equal(upload_problems(s.u)->total, 6);
    struct buf report = report_of(&by_name, "request");
    buf_add_byte(&report, 0);
    static const char *const parts[] = {
        "\":line\",\":error\",\":id\",\":version\",\":deleted\",\"name\",\"n\",\"ok\",\"note\",\":unknown\"\n",
        "\n\"2\",\"row 1 (line 2), column \"\"n\"\": \"\"t\\\"\"wo\"\" is not a number", ",\"b\",\"t\"\"wo\",,\"x,\ny\",\n", ",\"c\",\"3\",,,\"{\"\"nme\"\":{\"\"z\"\":1}}\"\n",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(report.p, parts[i]))
            fail_msg("no %s in\n%s", parts[i], report.p);
    buf_free(&report);
    free(rows);
    free(body);
    upload_free(s.u);
}

static char *replaced(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);
    assert_non_null(at);
    struct buf b = {0};
    buf_add(&b, text, (size_t)(at - text));
    buf_add_z(&b, to);
    buf_add_z(&b, at + strlen(from));
    free(text);
    return buf_take_z(&b);
}

static void the_report_mended_and_sent_again_loads(void **state)
{
    (void)state;
    char *body = expand(mixed);
    struct sent s = send_body(&by_name, (struct upload_options){SKIP}, body);
    assert_true(s.ok);
    upload_free(s.u);
    free(body);
    struct buf report = report_of(&by_name, "request");
    char *text = buf_take_z(&report);
    text = replaced(text, "\"t\"\"wo\",", "\"2\",");
    text = replaced(text, ",\"?\"", ",");
    text = replaced(text, ",\"perhaps\"", ",\"false\"");
    s = send_body(&by_name, (struct upload_options){.format = READER_CSV}, text);
    if (!s.ok)
        fail_msg("%s\n%s", s.err.message, text);
    char *rows = rows_of(s.u);
    assert_string_equal(rows, ":version=null name=\"b\" n=\"2\" ok=null note=\"x,\\ny\"; :version=null name=\"c\" n=\"3\" ok=null note=null; "
                              ":version=null name=\"d\" n=\"4\" ok=null note=null; :version=null name=null n=null ok=null note=null; "
                              ":version=null name=\"e\" n=null ok=true note=null; :version=null name=\"g\" n=null ok=false note=null");
    free(rows);
    free(text);
    upload_free(s.u);
}

/* Rows whose text cannot be read: what was read of them in its columns, and the text behind, which must go before they load. */
static void rows_that_cannot_be_read_are_set_aside_as_their_text(void **state)
{
    (void)state;
    static const struct {
        enum reader_format format;
        const char *body, *rows, *report;
    } cases[] = {
        {READER_CSV, "name,n\na,1\nb\nc,2,3\n5\" d,4\n\ncaf\xe9,5\ne,6\n", "name=\"a\" n=\"1\"; name=\"e\" n=\"6\"",
         "\"b\",,\"b\"\n" "\"c\",\"2\",\"c,2,3\"\n" "\"5\"\" d\",\"4\",\"5\"\" d,4\"\n" ",,\"\n\"\n" "\"caf?\",\"5\",\"caf\xef\xbf\xbd,5\"\n"},
        {READER_CSV, "name,:deleted\na,true,1\nb,true\n", "-name=\"b\"", "\"true\",\"a\",\"a,true,1\"\n"},
        {READER_NDJSON, "{\"name\":\"a\"}\n{\"name\":\"b\",\"n\":2\n{\"n\":\"x\\\n\n[\"c\"] 1\n{\"name\":\"d\"}", "name=\"a\"; name=\"d\"",
         "\"b\",\"2\",\"{\"\"name\"\":\"\"b\"\",\"\"n\"\":2\"\n" ",,\"{\"\"n\"\":\"\"x\\\"\n" "\"c\",,\"[\"\"c\"\"] 1\"\n"},
        {READER_JSON, "[{\"name\":\"caf\xe9\",\"n\":1},{\"name\":\"b\",\"n\":\"\\u00\"},[\"\xff\"],{\"name\":\"d\",\"x\":\"\xff\"},{\"name\":\"e\"}]", "name=\"e\"",
         "\"caf\xef\xbf\xbd\",\"1\",,\"caf\xef\xbf\xbd\"\n" "\"b\",\"\\u00\",,\"\\u00\"\n" "\"\xef\xbf\xbd\",,,\"\xef\xbf\xbd\"\n"
         "\"d\",,\"{\"\"x\"\":\"\"\xef\xbf\xbd\"\"}\",\"\xef\xbf\xbd\"\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sent s = send_body(&by_name, (struct upload_options){SKIP, .format = cases[i].format}, cases[i].body);
        if (!s.ok)
            fail_msg("%s: %s", cases[i].body, s.err.message);
        char *rows = rows_of(s.u);
        assert_string_equal(rows, cases[i].rows);
        uint64_t n = upload_set_aside(s.u);
        free(rows);
        upload_free(s.u);
        struct buf report = report_of(&by_name, "request"), tails = {0};
        /* a row of the report without its line and its error, which no quote-comma-quote of these texts looks like */
        for (struct str rest = buf_str(&report), line = STR_NONE; str_cut(rest, '\n', &line, &rest);) {
            char *at = memmem(line.p, line.n, "\"row ", 5);
            char *end = at ? memmem(at, (size_t)(line.p + line.n - at), "\",", 2) : NULL;
            struct str tail = end ? str_make(end + 2, (size_t)(line.p + line.n - end - 2)) : at || !tails.n ? STR_NONE : line;
            if (tail.n || tails.n) {
                buf_add_str(&tails, tail);
                buf_add_byte(&tails, '\n');
            }
        }
        buf_add_byte(&tails, 0);
        if (strcmp(tails.p, cases[i].report) != 0)
            fail_msg("%s\n  wanted\n%s\n  got\n%s", cases[i].body, cases[i].report, tails.p);
        buf_free(&tails);
        /* sent back as it is, every row of it is bad again */
        s = send_bytes(&by_name, (struct upload_options){.format = READER_CSV}, buf_str(&report));
        assert_false(s.ok);
        assert_true(upload_problems(s.u)->total >= n);
        upload_free(s.u);
        s = send_bytes(&by_name, (struct upload_options){SKIP, .format = READER_CSV}, buf_str(&report));
        assert_true(s.ok && upload_set_aside(s.u) == n && upload_rows(s.u) == n);
        upload_free(s.u);
        buf_free(&report);
    }
}

static void a_body_without_an_end_of_its_rows_is_refused_under_any_policy(void **state)
{
    (void)state;
    static const struct {
        enum reader_format format;
        const char *body;
        enum error_code code;
    } cases[] = {
        {READER_CSV, "name,n\na,1\n\"b,2\n", ERROR_BODY_MALFORMED_CSV},
        {READER_CSV, "name,n\n\"x\"y\",1\na,1\n", ERROR_BODY_MALFORMED_CSV},
        {READER_CSV, "name,n,n\n", ERROR_BODY_MALFORMED_CSV},
        {READER_CSV, "name,\xff\n", ERROR_BODY_MALFORMED_TEXT},
        {READER_JSON, "[{\"name\":\"a\"},{\"name\":b},{\"name\":\"c\"}]", ERROR_BODY_MALFORMED_JSON},
        {READER_FORM, "name=%", ERROR_BODY_MALFORMED_TEXT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sent s = send_body(&by_name, (struct upload_options){SKIP, .format = cases[i].format}, cases[i].body);
        assert_false(s.ok);
        assert_int_equal(s.err.code, cases[i].code);
        upload_free(s.u);
    }
}

static void nothing_is_kept_of_a_dry_run_or_when_the_policy_refuses(void **state)
{
    (void)state;
    struct sent s = send_body(&by_id, (struct upload_options){SKIP, .dry_run = true}, "[{\"n\":\"x\"},{\"n\":1}]");
    assert_true(s.ok);
    assert_int_equal(upload_set_aside(s.u), 1);
    upload_free(s.u);
    s = send_body(&by_id, (struct upload_options){.skip_errors = true, .skip_share_max = 10000, .request_id = "request"}, "[{\"n\":\"x\"},{\"n\":1}]");
    assert_false(s.ok); /* skip:0 */
    upload_free(s.u);
    DIR *d = opendir(reports);
    if (d) {
        for (struct dirent *e; (e = readdir(d));)
            assert_null(strstr(e->d_name, by_id.d.id));
        closedir(d);
    }
}

static void a_policy_has_two_sides(void **state)
{
    (void)state;
    static const struct {
        uint64_t rows_max;
        uint32_t share_max;
        bool ok;
    } cases[] = {{1, 10000, true}, {0, 10000, false}, {UINT64_MAX, 2500, true}, {UINT64_MAX, 2499, false}, {UINT64_MAX, 0, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct upload_options o = {.skip_errors = true, .skip_rows_max = cases[i].rows_max, .skip_share_max = cases[i].share_max};
        struct sent s = send_body(&by_name, o, "[{\"n\":\"x\"},{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}]");
        assert_int_equal(s.ok, cases[i].ok);
        upload_free(s.u);
    }
}

static void a_report_that_cannot_be_kept_refuses_the_write(void **state)
{
    (void)state;
    struct upload_options o = {SKIP, .scratch_dir = dir, .reports_dir = "/nowhere/at/all"};
    struct error err;
    struct upload *u = upload_new(&by_name.d, &state_now, &o, &err);
    assert_true(upload_push(u, STR("[{\"n\":\"x\"}]"), &err));
    assert_false(upload_finish(u, &err));
    assert_int_equal(err.code, ERROR_STORE_UNAVAILABLE);
    upload_free(u);
    upload_free(NULL);
}

enum { TWIN_ROWS = 200, TWIN_TIMES = 40 };

/* Sets TWIN_ROWS rows aside under one request id, over and over; the argument is the letter they are made of. */
static void *set_twins_aside(void *letter)
{
    struct buf body = {0};
    bool ok = true;
    for (int i = 0; i < TWIN_ROWS; i++)
        buf_printf(&body, "%c{\"n\":\"%c\"}", i ? ',' : '[', *(const char *)letter);
    buf_add_byte(&body, ']');
    for (int i = 0; ok && i < TWIN_TIMES; i++) {
        struct upload_options o = {.skip_errors = true, .skip_rows_max = UINT64_MAX, .skip_share_max = 10000, .request_id = "twin"};
        struct sent s = send_bytes(&by_number, o, buf_str(&body));
        ok = s.ok;
        upload_free(s.u);
    }
    buf_free(&body);
    return ok ? letter : NULL;
}

static void reports_under_one_request_id_at_once_do_not_mix(void **state)
{
    (void)state;
    pthread_t twins[2];
    char letters[] = "xy";
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&twins[i], NULL, set_twins_aside, &letters[i]), 0);
    for (int i = 0; i < 2; i++) {
        void *made;
        assert_int_equal(pthread_join(twins[i], &made), 0);
        assert_ptr_equal(made, &letters[i]);
    }
    struct buf report = report_of(&by_number, "twin");
    size_t n[2] = {0}, lines = 0;
    for (size_t i = 0; i + 2 < report.n; i++) {
        lines += report.p[i] == '\n';
        for (int k = 0; k < 2; k++)
            n[k] += memcmp(report.p + i, k ? ",\"y" : ",\"x", 3) == 0;
    }
    buf_free(&report);
    assert_int_equal(lines, TWIN_ROWS);
    assert_true((n[0] == TWIN_ROWS && n[1] == 0) || (n[0] == 0 && n[1] == TWIN_ROWS));
    DIR *d = opendir(reports);
    for (struct dirent *e; (e = readdir(d));)
        if (strstr(e->d_name, "twin"))
            assert_string_equal(e->d_name, "twin~aaaa-0003.csv");
    closedir(d);
}

static int set_up(void **state)
{
    struct snapshot *all[] = {&by_id, &by_name, &by_number};
    static const int keys[] = {-1, 0, 1};
    (void)state;
    if (!random_init() || !mkdtemp(dir))
        return -1;
    snprintf(reports, sizeof reports, "%s/reports", dir);
    for (int i = 0; i < 3; i++) {
        all[i]->d.columns = (struct columns){.v = shape, .n = sizeof shape / sizeof *shape, .row_identifier = keys[i]};
        if (!columns_index(&all[i]->d.columns))
            return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    columns_unindex(&by_id.d.columns);
    columns_unindex(&by_name.d.columns);
    columns_unindex(&by_number.d.columns);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_become_these_rows),
        cmocka_unit_test(these_bodies_are_refused_in_words_that_help),
        cmocka_unit_test(all_values_are_named_not_only_the_first),
        cmocka_unit_test(a_long_value_is_shown_cut_at_a_character),
        cmocka_unit_test(row_keys_have_1024_bytes_at_most),
        cmocka_unit_test(more_than_fifty_unknown_names_are_counted),
        cmocka_unit_test(gzip_and_charset_are_undone_first),
        cmocka_unit_test(the_key_of_the_url_is_the_rows_in_any_spelling_of_its_value),
        cmocka_unit_test(an_upload_knows_what_its_body_was),
        cmocka_unit_test(warnings_say_what_was_done_to_the_rows),
        cmocka_unit_test(bad_rows_are_set_aside_and_the_others_staged),
        cmocka_unit_test(the_report_mended_and_sent_again_loads),
        cmocka_unit_test(rows_that_cannot_be_read_are_set_aside_as_their_text),
        cmocka_unit_test(a_body_without_an_end_of_its_rows_is_refused_under_any_policy),
        cmocka_unit_test(nothing_is_kept_of_a_dry_run_or_when_the_policy_refuses),
        cmocka_unit_test(a_policy_has_two_sides),
        cmocka_unit_test(a_report_that_cannot_be_kept_refuses_the_write),
        cmocka_unit_test(reports_under_one_request_id_at_once_do_not_mix),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
