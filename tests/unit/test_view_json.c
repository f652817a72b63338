/* View documents, out and in: what old readers die of is never written, what clients habitually send is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/view_json.h"
#include "base/random.h"

static struct arena arena;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* ── out ── */

static struct column columns[] = {
    {.id = 11, .physical = 1, .type = &type_text, .field_name = {"k", 1}, .name = {"The Key", 7}, .position = 1},
    {.id = 12, .physical = 2, .type = &type_floating_timestamp, .field_name = {"d", 1}, .name = {"D", 1}, .description = {"when", 4},
     .format_json = {"{\"view\":\"date\"}", 15}, .extra_json = {"{\"width\":100,\"flags\":[\"hidden\"]}", 32}, .position = 2},
    {.id = 13, .physical = 3, .type = &type_boolean, .field_name = {"b", 1}, .name = {"B", 1}, .extra_json = {"{}", 2}, .position = 3},
};

static struct dataset example(void)
{
    return (struct dataset){.id = "abcd-efgh", .number = 7, .owner = "oooo-oooo", .name = STR("A \"name\""), .created_at = 1000, .modified_at = 2000,
                            .generation = 1, .columns = {.v = columns, .n = 3, .row_identifier = -1}};
}

static const struct principal nobody = {.kind = PRINCIPAL_ANONYMOUS}, owner = {.kind = PRINCIPAL_PASSWORD, .scope.rights = KEY_EVERYTHING, .user = {.id = "oooo-oooo", .name = "o@x.org", .display_name = "o"}};

static struct json *written(const struct dataset *d, const struct principal *caller, const struct store_state *state)
{
    struct buf out = {0};
    struct error err = {0};
    struct json *v = NULL;
    struct view view = {.dataset = d, .state = state, .owner = &owner.user, .caller = caller};
    if (!view_write(&view, &arena, &out, &err) || !json_parse(&arena, arena_str(&arena, buf_str(&out)), &v, &err))
        fail_msg("%s in " FMT_STR, err.message, ARG_STR(buf_str(&out)));
    buf_free(&out);
    return v;
}

static void assert_json(const struct json *v, const char *want)
{
    struct buf out = {0};
    if (!v) {
        if (want)
            fail_msg("absent, not %s", want);
        return;
    }
    json_write(v, &out);
    if (!want || !str_eq(buf_str(&out), str_from(want)))
        fail_msg(FMT_STR " is not %s", ARG_STR(buf_str(&out)), want ? want : "absent");
    buf_free(&out);
}

static void assert_no_nulls(const struct json *v)
{
    assert_true(v->kind != JSON_NULL);
    for (const struct json *m = v->first; m; m = m->next)
        assert_no_nulls(m);
}

static void a_bare_view_has_all_that_readers_need_and_no_nulls(void **state)
{
    (void)state;
    struct dataset d = example();
    struct store_state rows = {.modified_ms = 3000999};
    struct json *v = written(&d, &owner, &rows);
    static const char *const want[][2] = {
        {"id", "\"abcd-efgh\""}, {"name", "\"A \\\"name\\\"\""}, {"viewType", "\"tabular\""}, {"displayType", "\"table\""}, {"newBackend", "true"},
        {"publicationStage", "\"unpublished\""}, {"createdAt", "1000"}, {"viewLastModified", "2000"}, {"rowsUpdatedAt", "3000"}, {"tableId", "7"},
        {"oid", "7"}, {"publicationGroup", "7"}, {"averageRating", "0"}, {"viewCount", "0"}, {"query", "{}"}, {"metadata", "{}"}, {"tags", "[]"},
        {"publicationAppendEnabled", "true"}, {"permissions", "{\"scope\":\"private\"}"}, {"flags", "[\"default\"]"},
        /* only when set */
        {"grants", NULL}, {"description", NULL}, {"publicationDate", NULL}, {"rowIdentifierColumnId", NULL}, {"resourceName", NULL},
        {"license", NULL}, {"licenseId", NULL}, {"privateMetadata", NULL},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_json(json_get(v, str_from(want[i][0])), want[i][1]);
    assert_no_nulls(v);
    assert_json(json_get(json_get(v, STR("owner")), STR("id")), "\"oooo-oooo\"");
    assert_true(json_get(json_get(v, STR("tableAuthor")), STR("rights"))->kind == JSON_ARRAY);
    assert_int_equal(json_get(v, STR("rights"))->n, 10);
}

static void columns_are_written_as_readers_want_them(void **state)
{
    (void)state;
    struct dataset d = example();
    const struct json *c = json_get(written(&d, &owner, NULL), STR("columns"))->first;
    assert_json(c, "{\"id\":11,\"name\":\"The Key\",\"dataTypeName\":\"text\",\"fieldName\":\"k\",\"position\":1,\"renderTypeName\":\"text\",\"tableColumnId\":11,\"format\":{}}");
    c = c->next;
    assert_json(c, "{\"id\":12,\"name\":\"D\",\"dataTypeName\":\"calendar_date\",\"description\":\"when\",\"fieldName\":\"d\",\"position\":2,"
                   "\"renderTypeName\":\"calendar_date\",\"tableColumnId\":12,\"format\":{\"view\":\"date\"},\"width\":100,\"flags\":[\"hidden\"]}");
    assert_json(json_get(c->next, STR("dataTypeName")), "\"checkbox\"");
}

static void a_public_view_tells_strangers_less(void **state)
{
    (void)state;
    struct dataset d = example();
    d.scope = SCOPE_PUBLIC;
    d.stage = DATASET_PUBLISHED;
    d.published_at = 1500;
    d.columns.row_identifier = 0;
    d.resource_name = STR("res");
    d.document_json = STR("{\"description\":\"x\",\"privateMetadata\":{\"contactEmail\":\"e\"},\"metadata\":{\"rowLabel\":\"Row\"},\"licenseId\":\"CC0_10\",\"tags\":[\"t\"]}");
    struct json *v = written(&d, &nobody, NULL);
    assert_json(json_get(v, STR("rights")), "[\"read\"]");
    struct principal key = owner; /* that may do one thing, and not the first of the list */
    key.kind = PRINCIPAL_KEY;
    key.scope.rights = KEY_METADATA;
    struct dataset hidden = d;
    hidden.scope = SCOPE_PRIVATE;
    assert_json(json_get(written(&hidden, &key, NULL), STR("rights")), "[\"add_column\",\"remove_column\",\"update_column\",\"update_view\"]");
    assert_json(json_get(v, STR("privateMetadata")), NULL);
    assert_json(json_get(v, STR("grants")), "[{\"inherited\":false,\"type\":\"viewer\",\"flags\":[\"public\"]}]");
    assert_json(json_get(v, STR("publicationStage")), "\"published\"");
    assert_json(json_get(v, STR("publicationDate")), "1500");
    assert_json(json_get(v, STR("rowIdentifierColumnId")), "11");
    assert_json(json_get(v, STR("metadata")), "{\"rowLabel\":\"Row\",\"rowIdentifier\":\"11\"}");
    assert_json(json_get(v, STR("rowsUpdatedAt")), NULL);
    const struct json *license = json_get(v, STR("license"));
    assert_json(json_get(license, STR("name")), "\"Creative Commons 1.0 Universal (Public Domain Dedication)\"");
    for (const struct json *m = license->first; m; m = m->next)
        assert_true(str_eq(m->key, STR("name")) || str_eq(m->key, STR("termsLink")));
    assert_json(json_get(written(&d, &owner, NULL), STR("privateMetadata")), "{\"contactEmail\":\"e\"}");
}

/* soda-java's and exsoda's tests want grants absent unless public. */
static void each_scope_is_told_and_only_public_has_a_grant(void **state)
{
    (void)state;
    static const struct {
        enum dataset_scope scope;
        const char *permissions;
        bool grants;
    } cases[] = {{SCOPE_PRIVATE, "{\"scope\":\"private\"}", false}, {SCOPE_PUBLIC, "{\"scope\":\"public\"}", true}, {SCOPE_SITE, "{\"scope\":\"site\"}", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dataset d = example();
        d.scope = cases[i].scope;
        struct json *v = written(&d, &owner, NULL);
        assert_json(json_get(v, STR("permissions")), cases[i].permissions);
        assert_true(!json_get(v, STR("grants")) == !cases[i].grants);
    }
}

/* ── in ── */

static struct view_input read_good(const char *text)
{
    struct view_input in;
    struct error err = {0};
    if (!view_read(&arena, str_from(text), &in, &err))
        fail_msg("%s: %s", text, err.message);
    return in;
}

static void assert_str(struct str have, const char *want)
{
    if (!str_eq(have, str_from(want)))
        fail_msg("\"" FMT_STR "\" is not \"%s\"", ARG_STR(have), want);
}

static void writable_members_are_kept_and_the_rest_passed_over(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"name\":\"n\",\"id\":\"x\",\"createdAt\":1.0,\"rights\":[],\"grants\":[{}],\"owner\":{},\"newBackend\":false,\"viewType\":\"DatasetInfo\",\"what\":[]}", "{}"},
        {"{\"description\":\"d\",\"category\":null,\"licenseId\":\"\"}", "{\"description\":\"d\",\"category\":null,\"licenseId\":null,\"license\":null}"},
        {"{\"tags\":[\"a\",\"b\"],\"hideFromCatalog\":true}", "{\"tags\":[\"a\",\"b\"],\"hideFromCatalog\":true}"},
        {"{\"description\":\"a\",\"description\":\"b\"}", "{\"description\":\"b\"}"},
        {"{\"metadata\":{\"rowIdentifier\":\"k\",\"rowLabel\":\"R\",\"x\":null,\"jsonQuery\":{\"a\":[1]}}}", "{\"metadata\":{\"rowLabel\":\"R\",\"jsonQuery\":{\"a\":[1]}}}"},
        {"{\"metadata\":{\"custom_fields\":{\"S\":{\"a\":\"x\",\"b\":5,\"c\":true,\"d\":null}}}}", "{\"metadata\":{\"custom_fields\":{\"S\":{\"a\":\"x\",\"b\":\"5\",\"c\":\"true\"}}}}"},
        {"{\"license\":{\"name\":\"public domain\",\"extra\":1}}", "{\"licenseId\":\"PUBLIC_DOMAIN\",\"license\":{\"name\":\"public domain\"}}"},
        {"{\"license\":{\"name\":\"Mine\",\"termsLink\":\"http:\\/\\/x\"}}", "{\"licenseId\":null,\"license\":{\"name\":\"Mine\",\"termsLink\":\"http://x\"}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(read_good(cases[i][0]).document_json, cases[i][1]);
}

static void documents_that_would_be_misread_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum error_code code;
    } cases[] = {
        {"", ERROR_BODY_MALFORMED_JSON}, {"viewId=x", ERROR_BODY_MALFORMED_JSON}, {"[]", ERROR_BODY_NOT_OBJECT}, {"\"x\"", ERROR_BODY_NOT_OBJECT},
        {"null", ERROR_BODY_NOT_OBJECT}, {"{\"name\":5}", ERROR_DATASET_MALTYPED}, {"{\"tags\":\"a\"}", ERROR_DATASET_MALTYPED},
        {"{\"tags\":[1]}", ERROR_DATASET_MALTYPED}, {"{\"metadata\":[]}", ERROR_DATASET_MALTYPED}, {"{\"description\":{}}", ERROR_DATASET_MALTYPED},
        {"{\"metadata\":{\"custom_fields\":{\"S\":{\"a\":{}}}}}", ERROR_DATASET_MALTYPED}, {"{\"metadata\":{\"custom_fields\":{\"S\":\"a\"}}}", ERROR_DATASET_MALTYPED},
        {"{\"columns\":\"none\"}", ERROR_DATASET_MALTYPED}, {"{\"columns\":[5]}", ERROR_DATASET_MALTYPED}, {"{\"columns\":[{\"name\":1}]}", ERROR_DATASET_MALTYPED},
        {"{\"columns\":[{\"format\":{\"a\":[]}}]}", ERROR_DATASET_MALTYPED}, {"{\"rowIdentifierColumnId\":{}}", ERROR_DATASET_MALTYPED},
        {"{\"hideFromCatalog\":\"yes\"}", ERROR_DATASET_MALTYPED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct view_input in;
        struct error err = {0};
        assert_false(view_read(&arena, str_from(cases[i].text), &in, &err));
        if (err.code != cases[i].code)
            fail_msg("%s: %s", cases[i].text, err.message);
    }
}

static void columns_are_read_with_their_habits(void **state)
{
    (void)state;
    struct view_input in = read_good("{\"columns\":[{\"id\":0,\"name\":\"A\",\"fieldName\":\"a\",\"dataTypeName\":\"Text\",\"flags\":null,\"format\":null,\"width\":1e99},"
                                     "{\"id\":5,\"name\":\"B\",\"dataTypeName\":\"number\",\"format\":{\"precision\":2,\"noCommas\":true,\"align\":\"right\",\"x\":null},"
                                     "\"width\":100,\"flags\":[\"hidden\"],\"position\":3,\"cachedContents\":{\"top\":[]},\"tableColumnId\":9}]}");
    assert_int_equal(in.n_columns, 2);
    assert_int_equal(in.columns[0].id, 0);
    assert_str(in.columns[0].spec.type_name, "Text");
    assert_str(in.columns[0].spec.extra_json, "{}");
    assert_null(in.columns[0].spec.description.p);
    assert_int_equal(in.columns[1].id, 5);
    assert_int_equal(in.columns[1].position, 3);
    assert_str(in.columns[1].spec.format_json, "{\"precision\":\"2\",\"noCommas\":\"true\",\"align\":\"right\"}");
    assert_str(in.columns[1].spec.extra_json, "{\"width\":100,\"flags\":[\"hidden\"]}");
}

static void the_row_identifier_is_named_in_several_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        enum row_identifier_wish wish;
    } cases[] = {
        {"{}", "", ROW_IDENTIFIER_AS_IT_IS},
        {"{\"metadata\":{}}", "", ROW_IDENTIFIER_AS_IT_IS},
        {"{\"metadata\":{\"rowIdentifier\":\"case_number\"}}", "case_number", ROW_IDENTIFIER_NAMED},
        {"{\"metadata\":{\"rowIdentifier\":12}}", "12", ROW_IDENTIFIER_NAMED},
        {"{\"metadata\":{\"rowIdentifier\":null}}", "", ROW_IDENTIFIER_NONE},
        {"{\"metadata\":{\"rowIdentifier\":\"0\"}}", "", ROW_IDENTIFIER_NONE},
        {"{\"rowIdentifierColumnId\":12}", "12", ROW_IDENTIFIER_NAMED},
        {"{\"rowIdentifierColumnId\":null}", "", ROW_IDENTIFIER_NONE},
        {"{\"rowIdentifierColumnId\":0,\"metadata\":{\"rowIdentifier\":\"b\"}}", "", ROW_IDENTIFIER_NONE},
        {"{\"rowIdentifierColumnId\":12,\"metadata\":{\"rowIdentifier\":\"b\"}}", "12", ROW_IDENTIFIER_NAMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct view_input in = read_good(cases[i].text);
        if (in.row_identifier != cases[i].wish)
            fail_msg("%s: %d", cases[i].text, in.row_identifier);
        assert_str(in.row_identifier_name, cases[i].name);
    }
}

static void deep_and_wide_documents_end_in_an_answer(void **state)
{
    (void)state;
    struct buf b = {0};
    struct view_input in;
    struct error err = {0};
    buf_add_z(&b, "{\"metadata\":");
    for (int i = 0; i < 100000; i++)
        buf_add_z(&b, "{\"a\":");
    assert_false(view_read(&arena, buf_str(&b), &in, &err));
    buf_reset(&b);
    buf_add_z(&b, "{\"columns\":[");
    for (int i = 0; i <= COLUMNS_MAX; i++)
        buf_add_z(&b, i ? ",{}" : "{}");
    buf_add_z(&b, "]}");
    assert_false(view_read(&arena, buf_str(&b), &in, &err));
    assert_int_equal(err.code, ERROR_LIMIT_EXCEEDED);
    assert_non_null(strstr(err.message, "1,500"));
    buf_free(&b);
}

#define TEST(f) cmocka_unit_test_teardown(f, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bare_view_has_all_that_readers_need_and_no_nulls),
        TEST(columns_are_written_as_readers_want_them),
        TEST(a_public_view_tells_strangers_less),
        TEST(each_scope_is_told_and_only_public_has_a_grant),
        TEST(writable_members_are_kept_and_the_rest_passed_over),
        TEST(documents_that_would_be_misread_are_refused),
        TEST(columns_are_read_with_their_habits),
        TEST(the_row_identifier_is_named_in_several_ways),
        TEST(deep_and_wide_documents_end_in_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
