/* Query parameters to SQL: each line of the tables is a query string (undecoded, for reading's sake) and what becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "soql/soql.h"

static struct column shape[] = {
    {.physical = 1, .type = &type_text, .field_name = {"name", 4}, .name = {"Name", 4}},
    {.physical = 2, .type = &type_number, .field_name = {"magnitude", 9}, .name = {"Magnitude", 9}},
    {.physical = 4, .type = &type_boolean, .field_name = {"felt", 4}, .name = {"Felt", 4}},
    {.physical = 7, .type = &type_floating_timestamp, .field_name = {"at", 2}, .name = {"At", 2}},
    {.physical = 8, .type = &type_point, .field_name = {"place", 5}, .name = {"Place", 5}},
    {.physical = 9, .type = &type_url, .field_name = {"link", 4}, .name = {"Link", 4}},
    {.physical = 10, .type = &type_text, .field_name = {"order", 5}, .name = {"Order", 5}},
};
static struct columns columns;
static const struct row_id_key row_ids = {{1, 2, 3, 4}};

#define ALL "c1, c2, c4, c7, c8, c9, c10"
#define TAIL " FROM rows ORDER BY sid ASC LIMIT ?1"

static int set_up(void **state)
{
    (void)state;
    if (!random_init())
        return -1;
    columns = (struct columns){.v = shape, .n = sizeof shape / sizeof *shape, .row_identifier = -1};
    return columns_index(&columns) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    columns_unindex(&columns);
    return 0;
}

/* Splits "a=b&c=d". */
static size_t split(const char *text, struct soql_parameter ret[16])
{
    size_t n = 0;
    for (struct str rest = str_from(text), piece; rest.n; n++) {
        assert_true(n < 16);
        str_cut(rest, '&', &piece, &rest);
        ret[n] = (struct soql_parameter){0};
        str_cut(piece, '=', &ret[n].name, &ret[n].value);
    }
    return n;
}

static bool compile(const char *text, struct arena *a, struct query *ret, struct error *err)
{
    struct soql_parameter parameters[16];
    size_t n = split(text, parameters);
    const struct soql_request request = {&columns, &row_ids, parameters, n};
    return soql_compile(&request, a, ret, err);
}

/* "i3" for a number, text as it stands, joined by '|'. */
static void show_parameters(const struct query *q, struct buf *out)
{
    for (size_t i = 0; i < q->sql.n; i++) {
        const struct cell *c = &q->sql.parameters[i];
        buf_add_z(out, i ? "|" : "");
        if (c->kind == CELL_INT)
            buf_printf(out, "i%lld", (long long)c->i);
        else
            buf_add_str(out, c->s);
    }
}

static const struct {
    const char *query, *sql, *parameters;
} golden[] = {
    {"", "SELECT " ALL TAIL, "i1000"},
    {"$limit=5", "SELECT " ALL TAIL, "i5"},
    {"$LIMIT= 5 ", "SELECT " ALL TAIL, "i5"},
    {"$limit=0", "SELECT " ALL TAIL, "i0"},
    {"$limit=9223372036854775807", "SELECT " ALL TAIL, "i9223372036854775807"},
    {"$limit=5&$offset=10", "SELECT " ALL " FROM rows ORDER BY sid ASC LIMIT ?1 OFFSET ?2", "i5|i10"},
    {"$offset=0", "SELECT " ALL TAIL, "i1000"},
    /* $select */
    {"$select=", "SELECT " ALL TAIL, "i1000"},
    {"$select=*", "SELECT " ALL TAIL, "i1000"},
    {"$select=:*,*", "SELECT sid, created, updated, version, " ALL TAIL, "i1000"},
    {"$select=:*", "SELECT sid, created, updated, version" TAIL, "i1000"},
    {"$select=:*, name", "SELECT sid, created, updated, version, c1" TAIL, "i1000"},
    {"$select=magnitude, NAME", "SELECT c2, c1" TAIL, "i1000"},
    {"$Select=`name`,:id,`:updated_at`", "SELECT c1, sid, updated" TAIL, "i1000"},
    {"$select=`order`", "SELECT c10" TAIL, "i1000"},
    {"$$exclude_system_fields=false", "SELECT sid, created, updated, " ALL TAIL, "i1000"},
    {"$$exclude_system_fields=True", "SELECT " ALL TAIL, "i1000"},
    {"$$exclude_system_fields=false&$select=name", "SELECT c1" TAIL, "i1000"},
    /* $order: the row number breaks ties, last and once */
    {"$order=:id", "SELECT " ALL TAIL, "i1000"},
    {"$order=:id desc", "SELECT " ALL " FROM rows ORDER BY sid DESC LIMIT ?1", "i1000"},
    {"$order=name", "SELECT " ALL " FROM rows ORDER BY c1 ASC NULLS LAST, sid ASC LIMIT ?1", "i1000"},
    {"$order=name DESC, magnitude asc",
     "SELECT " ALL " FROM rows ORDER BY c1 DESC NULLS FIRST, c2 COLLATE DECIMAL1 ASC NULLS LAST, sid ASC LIMIT ?1", "i1000"},
    {"$order=magnitude nulls first", "SELECT " ALL " FROM rows ORDER BY c2 COLLATE DECIMAL1 ASC NULLS FIRST, sid ASC LIMIT ?1", "i1000"},
    {"$order=felt desc null last", "SELECT " ALL " FROM rows ORDER BY c4 DESC NULLS LAST, sid ASC LIMIT ?1", "i1000"},
    {"$order=:updated_at desc,:id desc,name", "SELECT " ALL " FROM rows ORDER BY updated DESC, sid DESC LIMIT ?1", "i1000"},
    {"$order=name,name desc", "SELECT " ALL " FROM rows ORDER BY c1 ASC NULLS LAST, sid ASC LIMIT ?1", "i1000"},
    /* filters */
    {"name=Bob", "SELECT " ALL " FROM rows WHERE c1 = ?1 ORDER BY sid ASC LIMIT ?2", "Bob|i1000"},
    {"NAME=' OR 1=1 --", "SELECT " ALL " FROM rows WHERE c1 = ?1 ORDER BY sid ASC LIMIT ?2", "' OR 1=1 --|i1000"},
    {"name=", "SELECT " ALL " FROM rows WHERE c1 = ?1 ORDER BY sid ASC LIMIT ?2", "|i1000"},
    {"magnitude=1.50", "SELECT " ALL " FROM rows WHERE c2 COLLATE DECIMAL1 = ?1 ORDER BY sid ASC LIMIT ?2", "1.50|i1000"},
    {"felt=true&name=x&$limit=2", "SELECT " ALL " FROM rows WHERE (c4 = ?1 AND c1 = ?2) ORDER BY sid ASC LIMIT ?3", "i1|x|i2"},
    {"felt=true&name=x&magnitude=1",
     "SELECT " ALL " FROM rows WHERE (c4 = ?1 AND (c1 = ?2 AND c2 COLLATE DECIMAL1 = ?3)) ORDER BY sid ASC LIMIT ?4", "i1|x|1|i1000"},
    {"at=1970-01-01T00:00:01", "SELECT " ALL " FROM rows WHERE c7 = ?1 ORDER BY sid ASC LIMIT ?2", "i1000|i1000"},
    {"link=http://example.com/", "SELECT " ALL " FROM rows WHERE json_extract(c9, '$.url') = ?1 ORDER BY sid ASC LIMIT ?2", "http://example.com/|i1000"},
    {":created_at=1970-01-01T00:00:01Z", "SELECT " ALL " FROM rows WHERE created = ?1 ORDER BY sid ASC LIMIT ?2", "i1000|i1000"},
    /* switches of others */
    {"$$version=2.0&nbe=true&app_token=x&$$app_token=y&$$read_from_nbe=true", "SELECT " ALL TAIL, "i1000"},
};

static void parameters_become_this_sql(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct arena arena = {0};
        struct query q;
        struct error err = {0};
        struct buf shown = {0};
        if (!compile(golden[i].query, &arena, &q, &err))
            fail_msg("%s: %s", golden[i].query, err.message);
        if (!str_eq(buf_str(&q.sql.text), str_from(golden[i].sql)))
            fail_msg("%s:\n%.*s\n%s", golden[i].query, (int)q.sql.text.n, q.sql.text.p, golden[i].sql);
        show_parameters(&q, &shown);
        if (!str_eq(buf_str(&shown), str_from(golden[i].parameters)))
            fail_msg("%s: %.*s, not %s", golden[i].query, (int)shown.n, shown.p, golden[i].parameters);
        buf_free(&shown);
        query_fini(&q);
        arena_free(&arena);
    }
}

static const struct {
    const char *query;
    enum error_code code;
    const char *says;
} refused[] = {
    {"$limit=-1", ERROR_QUERY_MALFORMED, "$limit must be a whole number"},
    {"$limit=", ERROR_QUERY_MALFORMED, "$limit must be a whole number"},
    {"$limit=1e3", ERROR_QUERY_MALFORMED, "not \"1e3\""},
    {"$offset=9223372036854775808", ERROR_QUERY_MALFORMED, "$offset must be a whole number"},
    {"$limit=1&$LIMIT=1", ERROR_BAD_PARAMETER, "more than once"},
    {"name=1&Name=1", ERROR_BAD_PARAMETER, "more than once"},
    {"$$exclude_system_fields=perhaps", ERROR_BAD_PARAMETER, "true or false"},
    {"$app_token=x", ERROR_BAD_PARAMETER, "Unrecognized arguments [$app_token]"},
    {"nope=1&$limit=1&neither=2", ERROR_BAD_PARAMETER, "Unrecognized arguments [nope, neither]"},
    {"select=name", ERROR_BAD_PARAMETER, "did you mean $select?"},
    {"magnitud=1", ERROR_BAD_PARAMETER, "did you mean magnitude?"},
    {"size>=40", ERROR_BAD_PARAMETER, "Unrecognized arguments [size>]"},
    {":nope=1", ERROR_BAD_PARAMETER, "Unrecognized arguments [:nope]"},
    {"$where=magnitude > 1", ERROR_QUERY_MALFORMED, "$where is not available yet; available are $select"},
    {"$group=name", ERROR_QUERY_MALFORMED, "$group is not available yet"},
    {"$having=name", ERROR_QUERY_MALFORMED, "$having is not available yet"},
    {"$q=name", ERROR_QUERY_MALFORMED, "$q is not available yet"},
    {"$QUERY=select *", ERROR_QUERY_MALFORMED, "$query is not available yet"},
    {"$search=x", ERROR_QUERY_MALFORMED, "$search is not available yet"},
    {"$select=nope", ERROR_QUERY_NO_SUCH_COLUMN, "No such column: nope, in $select"},
    {"$select=magnitud", ERROR_QUERY_NO_SUCH_COLUMN, "did you mean magnitude?"},
    {"$select=name,", ERROR_QUERY_MALFORMED, "the text ends"},
    {"$select=,name", ERROR_QUERY_MALFORMED, "character 1"},
    {"$select=name,name", ERROR_QUERY_MALFORMED, "Duplicate alias: name"},
    {"$select=*,name", ERROR_QUERY_MALFORMED, "Duplicate alias: name"},
    {"$select=name,*", ERROR_QUERY_MALFORMED, "Star selections must come at the start"},
    {"$select=*,:*", ERROR_QUERY_MALFORMED, "System column star selections must come before"},
    {"$select=*,*", ERROR_QUERY_MALFORMED, "twice"},
    {"$select=name as n", ERROR_QUERY_MALFORMED, "not available yet"},
    {"$select=count(*)", ERROR_QUERY_MALFORMED, "expected a comma or the end"},
    {"$select=1", ERROR_QUERY_MALFORMED, "not available yet"},
    {"$select=name; drop table rows", ERROR_QUERY_MALFORMED, "at line 1 character 5"},
    {"$select=order", ERROR_QUERY_MALFORMED, "written `order`"},
    {"$select=`na me`", ERROR_QUERY_MALFORMED, "back-tick"},
    {"$select=`name", ERROR_QUERY_MALFORMED, "back-tick"},
    {"$select=:", ERROR_QUERY_MALFORMED, "after ':'"},
    {"$select=:@", ERROR_QUERY_MALFORMED, "after ':'"},
    {"$select=:nope", ERROR_QUERY_NO_SUCH_COLUMN, "No such column: :nope"},
    {"$order=", ERROR_QUERY_MALFORMED, "the text ends"},
    {"$order=nope", ERROR_QUERY_NO_SUCH_COLUMN, "No such column: nope, in $order"},
    {"$order=name desc asc", ERROR_QUERY_MALFORMED, "character 11"},
    {"$order=name nulls", ERROR_QUERY_MALFORMED, "FIRST or LAST"},
    {"$order=*", ERROR_QUERY_MALFORMED, "expected the name of a column"},
    {"$order=place", ERROR_QUERY_TYPE_MISMATCH, "Un-orderable order by"},
    {"$order=name limit 5", ERROR_QUERY_MALFORMED, "expected a comma or the end"},
    {"magnitude=abc", ERROR_QUERY_TYPE_MISMATCH, "magnitude=abc cannot be read: expected"},
    {"magnitude=", ERROR_QUERY_TYPE_MISMATCH, "nulls are equal to none"},
    {"felt=maybe", ERROR_QUERY_TYPE_MISMATCH, "expected"},
    {":id=1", ERROR_QUERY_TYPE_MISMATCH, "a row id like row-"},
    {":version=x", ERROR_QUERY_TYPE_MISMATCH, "a row version like rv-"},
    {"name=\xff", ERROR_BAD_REQUEST, "not valid UTF-8"},
    {"\xc3=1", ERROR_BAD_REQUEST, "not valid UTF-8"},
};

static void what_cannot_be_compiled_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct arena arena = {0};
        struct query q;
        struct error err = {0};
        if (compile(refused[i].query, &arena, &q, &err))
            fail_msg("%s was compiled to %.*s", refused[i].query, (int)q.sql.text.n, q.sql.text.p);
        if (err.code != refused[i].code || !strstr(err.message, refused[i].says))
            fail_msg("%s: %s (%s), not %s", refused[i].query, err.message, error_info(err.code)->error_code, refused[i].says);
        arena_free(&arena);
    }
}

static void a_row_id_filters_by_its_number(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct query q;
    struct error err = {0};
    char text[32 + ROW_ID_LENGTH] = ":id=";
    row_id_format(&row_ids, 77, text + 4);
    assert_true(compile(text, &arena, &q, &err));
    assert_int_equal(q.sql.parameters[0].i, 77);
    query_fini(&q);
    arena_free(&arena);
}

static void one_row_is_found_by_its_number(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct query q;
    struct error err = {0};
    assert_true(soql_compile_row(&columns, true, 5, &arena, &q, &err));
    assert_true(str_eq(buf_str(&q.sql.text), STR("SELECT sid, created, updated, version, " ALL " FROM rows WHERE sid = ?1")));
    assert_int_equal(q.sql.n, 1);
    assert_int_equal(q.sql.parameters[0].i, 5);
    assert_int_equal(q.n_columns, SYSTEM_COUNT + columns.n);
    assert_true(str_eq(q.columns[0].name, STR(":id")) && q.columns[0].type == &type_row_identifier);
    assert_true(str_eq(q.columns[4].name, STR("name")) && q.columns[4].type == &type_text);
    query_fini(&q);
    assert_true(soql_compile_row(&columns, false, 5, &arena, &q, &err));
    assert_int_equal(q.n_columns, columns.n);
    query_fini(&q);
    arena_free(&arena);
}

/* 999 filters must not make an expression 999 deep: SQLite's ceiling is 1,000. */
static void many_filters_stay_shallow(void **state)
{
    (void)state;
    enum { N = 999 };
    static struct column many[N];
    static struct soql_parameter parameters[N];
    static char names[N][8];
    for (int i = 0; i < N; i++) {
        int n = snprintf(names[i], sizeof names[i], "f%d", i);
        many[i] = (struct column){.physical = i, .type = &type_text, .field_name = {names[i], (size_t)n}};
        parameters[i] = (struct soql_parameter){many[i].field_name, STR("x")};
    }
    struct columns wide = {.v = many, .n = N, .row_identifier = -1};
    assert_true(columns_index(&wide));
    struct arena arena = {0};
    struct query q;
    struct error err = {0};
    assert_true(soql_compile(&(struct soql_request){&wide, &row_ids, parameters, N}, &arena, &q, &err));
    int depth = 0, deepest = 0;
    for (size_t i = 0; i < q.sql.text.n; i++) {
        depth += (q.sql.text.p[i] == '(') - (q.sql.text.p[i] == ')');
        deepest = depth > deepest ? depth : deepest;
    }
    assert_int_equal(depth, 0);
    assert_true(deepest <= 12);
    assert_int_equal(q.sql.n, N + 1);
    query_fini(&q);
    arena_free(&arena);
    columns_unindex(&wide);
}

/* Whatever stands in a clause, the compiler answers, and never with text of the user's in the SQL. */
static void random_clauses_never_reach_the_sql(void **state)
{
    (void)state;
    const char *given = getenv("SELTZER_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)random_u64();
    static const char *const words[] = {"name", "magnitude", ":id", ":*", "*", ",", " ", "`", "desc", "asc", "nulls", "first", "'", "\"", "--", "/*",
                                        "(", ")", ";", ":", "@", "\n", "1", "order", "\xc3\xa9", "$", "ZZZ"};
    print_message("SELTZER_SEED=%u\n", seed);
    for (int round = 0; round < 20000; round++) {
        char text[256] = "";
        for (int n = rand_r(&seed) % 8; n > 0; n--)
            strcat(text, words[(unsigned)rand_r(&seed) % (sizeof words / sizeof *words)]);
        struct soql_parameter parameter = {rand_r(&seed) % 2 ? STR("$select") : STR("$order"), str_from(text)};
        struct arena arena = {0};
        struct query q;
        struct error err = {0};
        if (soql_compile(&(struct soql_request){&columns, &row_ids, &parameter, 1}, &arena, &q, &err)) {
            for (size_t i = 0; i < q.sql.text.n; i++)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,?", q.sql.text.p[i]))
                    fail_msg("%s became %.*s", text, (int)q.sql.text.n, q.sql.text.p);
            query_fini(&q);
        } else {
            assert_int_equal(error_info(err.code)->status, 400);
            assert_true(err.message[0]);
        }
        arena_free(&arena);
    }
}

/* The place is counted in the whole of it. */
static void a_long_clause_is_shown_cut_at_a_character(void **state)
{
    (void)state;
    struct buf text = {0};
    struct arena arena = {0};
    struct query q;
    struct error err;
    for (int i = 0; i < 60; i++)
        buf_add_z(&text, "`\xe2\x82\xac\xe2\x82\xac`,\n");
    struct soql_parameter parameter = {STR("$select"), buf_str(&text)};
    assert_false(soql_compile(&(struct soql_request){&columns, &row_ids, &parameter, 1}, &arena, &q, &err));
    assert_true(str_is_utf8(str_from(err.message), NULL));
    assert_non_null(strstr(err.message, "…"));
    assert_true(strlen(err.message) < 700);
    arena_free(&arena);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_become_this_sql),
        cmocka_unit_test(what_cannot_be_compiled_says_why),
        cmocka_unit_test(a_row_id_filters_by_its_number),
        cmocka_unit_test(one_row_is_found_by_its_number),
        cmocka_unit_test(many_filters_stay_shallow),
        cmocka_unit_test(random_clauses_never_reach_the_sql),
        cmocka_unit_test(a_long_clause_is_shown_cut_at_a_character),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
