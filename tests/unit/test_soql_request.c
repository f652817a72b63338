/* Query parameters to one tree (docs/wire/reading.md): each line of the tables is a query string (undecoded, for reading's sake) and the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "soql/request.h"
#include "soql/soql.h"
#include "../support/soql_dump.h"

static struct column shape[] = {
    {.physical = 1, .type = &type_text, .field_name = {"name", 4}, .name = {"Name", 4}},
    {.physical = 2, .type = &type_number, .field_name = {"magnitude", 9}, .name = {"Magnitude", 9}},
    {.physical = 3, .type = &type_text, .field_name = {"order", 5}, .name = {"Order", 5}},
};
static struct columns columns;

static int set_up(void **state)
{
    (void)state;
    columns = (struct columns){.v = shape, .n = sizeof shape / sizeof *shape, .row_identifier = -1};
    return random_init() && columns_index(&columns) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    columns_unindex(&columns);
    return 0;
}

/* Splits "a=b&c=d" at & and at the first =. */
static bool read(const char *text, struct arena *a, struct soql_query **ret, struct error *err)
{
    struct soql_parameter parameters[16];
    size_t n = 0;
    for (struct str rest = str_from(text), piece; rest.n; n++) {
        assert_true(n < 16);
        str_cut(rest, '&', &piece, &rest);
        parameters[n] = (struct soql_parameter){0};
        str_cut(piece, '=', &parameters[n].name, &parameters[n].value);
    }
    struct soql_parsing parsing = {.arena = a};
    return soql_request_query(parameters, n, &columns, &parsing, ret, err);
}

static const struct {
    const char *text, *tree;
} golden[] = {
    {"", "(select (limit 1000))"},
    {"$limit=5&$offset= 7 ", "(select (limit 5) (offset 7))"},
    {"$LIMIT=0", "(select (limit 0))"},
    {"$select=", "(select (limit 1000))"},
    {"$select=distinct name", "(select distinct name (limit 1000))"},
    {"$select=name, count(*) as n&$where=magnitude > 5 or name is null&$group=name&$having=n > 1&$order=n desc&$limit=10&$offset=20&$q=it's",
     "(select name (count/*) as n (where (op$OR (op$> magnitude 5) (#IS_NULL name))) (group name) (having (op$> n 1)) (order n desc)"
     " (search \"it's\") (limit 10) (offset 20))"},
    {"$having=count(*) > 1&$select=count(*)", "(select (count/*) (having (op$> (count/*) 1)) (limit 1000))"},
    {"$search=x", "(select (search \"x\") (limit 1000))"},
    {"$q=", "(select (limit 1000))"},
    {"$q=  ", "(select (limit 1000))"},
    /* filters */
    {"name=it's", "(select (where (op$= name \"it's\")) (limit 1000))"},
    {"name=", "(select (where (op$= name \"\")) (limit 1000))"},
    {"ORDER=a&:id=row-1", "(select (where (op$AND (op$= ORDER \"a\") (op$= :id \"row-1\"))) (limit 1000))"},
    {"magnitude=5&$where=name = 'a' or true", "(select (where (op$AND (() (op$OR (op$= name \"a\") TRUE)) (op$= magnitude \"5\"))) (limit 1000))"},
    {"name=' or 1=1 --", "(select (where (op$= name \"' or 1=1 --\")) (limit 1000))"},
    /* switches, and what is ignored */
    {"$$exclude_system_fields=false", "(select :* (except :version) * (limit 1000))"},
    {"$$exclude_system_fields=False&$select=name", "(select name (limit 1000))"},
    {"$$exclude_system_fields=true", "(select (limit 1000))"},
    {"$$exclude_system_fields=false&$query=select name", "(select name (limit 1000))"},
    {"$$version=2.0&nbe=true&app_token=x&$$app_token=y", "(select (limit 1000))"},
    /* $query: the default limit is that of what comes out last */
    {"$query=select name", "(select name (limit 1000))"},
    {"$query=select name limit 5", "(select name (limit 5))"},
    {"$query=select name limit 5 |> select *", "(|> (select name (limit 5)) (select * (limit 1000)))"},
    {"$query=select name |> select * limit 5", "(|> (select name) (select * (limit 5)))"},
    {"$query=select name union select name limit 5", "(|> (union (select name) (select name (limit 5))) (select ** (limit 1000)))"},
    {"$query=select name offset 5", "(select name (limit 1000) (offset 5))"},
    {"$query=select name&$$version=2.0&nbe=true", "(select name (limit 1000))"},
};

static void parameters_become_a_tree(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct arena a = {0};
        struct buf tree = {0};
        struct error err = {0};
        struct soql_query *q = NULL;
        if (!read(golden[i].text, &a, &q, &err))
            fail_msg("%s: %s", golden[i].text, err.message);
        dump_query(q, &tree);
        buf_add_byte(&tree, 0);
        assert_string_equal(tree.p, golden[i].tree);
        buf_free(&tree);
        arena_free(&a);
    }
}

#define LONG "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"

static const struct {
    const char *text;
    enum error_code code;
    const char *says;
} refusals[] = {
    {"$frobnicate=1&nme=2", ERROR_BAD_PARAMETER, "Unrecognized arguments [$frobnicate, nme]; did you mean name?"},
    {"select=name&group=name", ERROR_BAD_PARAMETER, "Unrecognized arguments [select, group]; did you mean $select?; did you mean $group?"},
    {"=x", ERROR_BAD_PARAMETER, "Unrecognized arguments []"},
    {"nme=1&nmae=1&nam=1&ame=1&namee=1&naem=1", ERROR_BAD_PARAMETER, "did you mean name?; did you mean name?; did you mean name?; did you mean name?; did you mean name?"},
    {"x" LONG "=1&y" LONG "=1&z" LONG "=1&a" LONG "=1&b" LONG "=1&c" LONG "=1&d" LONG "=1&e" LONG "=1&f" LONG "=1&g" LONG "=1&h" LONG "=1&i" LONG "=1", ERROR_BAD_PARAMETER, "Unrecognized arguments [x123"},
    {"\xff=1", ERROR_BAD_REQUEST, "query parameter 1 is not valid UTF-8"},
    {"size>=40", ERROR_BAD_PARAMETER, "Unrecognized arguments [size>]"},
    {"$limit=1&$LIMIT=2", ERROR_BAD_PARAMETER, "stands more than once"},
    {"name=a&name=b", ERROR_BAD_PARAMETER, "the parameter \"name\" stands more than once"},
    {"$q=a&$search=b", ERROR_BAD_PARAMETER, "$q and $search are the same"},
    {"$limit=", ERROR_QUERY_MALFORMED, "$limit must be a whole number"},
    {"$limit=-1", ERROR_QUERY_MALFORMED, "not \"-1\""},
    {"$offset=9223372036854775808", ERROR_QUERY_MALFORMED, "$offset must be a whole number from 0 to 9223372036854775807"},
    {"$$exclude_system_fields=maybe", ERROR_BAD_PARAMETER, "must be true or false, not \"maybe\""},
    {"$query=select name&$limit=5", ERROR_BAD_PARAMETER, "\"$limit\" cannot be given beside it"},
    {"name=a&$query=select name", ERROR_BAD_PARAMETER, "\"name\" cannot be given beside it"},
    {"$query=select name&$q=x", ERROR_BAD_PARAMETER, "\"$q\" cannot be given beside it"},
    {"$group=name", ERROR_QUERY_MALFORMED, "$group must be used together with $select"},
    {"$group=name&$select= ", ERROR_QUERY_MALFORMED, "$group must be used together with $select"},
    /* nothing is smuggled from one clause into another */
    {"$where=name = 'a' limit 5", ERROR_QUERY_MALFORMED, "but got `limit'"},
    {"$where=name = 'a' |> select 1", ERROR_QUERY_MALFORMED, "but got `|>'"},
    {"$where=true) or (true", ERROR_QUERY_MALFORMED, "but got `)'"},
    {"$select=name from @abcd-1234", ERROR_QUERY_MALFORMED, "but got `from'; FROM stands after the select-list, in $query alone"},
    {"$order=name limit 5", ERROR_QUERY_MALFORMED, "but got `limit'"},
    {"$group=name having true&$select=name", ERROR_QUERY_MALFORMED, "but got `having'"},
    {"$having=true order by name", ERROR_QUERY_MALFORMED, "but got `order'"},
    {"$where=", ERROR_QUERY_MALFORMED, "Expected an expression, but got end of input"},
    {"$order=", ERROR_QUERY_MALFORMED, "Expected an expression, but got end of input"},
    {"$query=", ERROR_QUERY_MALFORMED, "Expected `(' or `SELECT', but got end of input"},
    {"name=\xff", ERROR_BAD_REQUEST, "query parameter 1 is not valid UTF-8"},
};

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct arena a = {0};
        struct error err = {0};
        struct soql_query *q;
        if (read(refusals[i].text, &a, &q, &err))
            fail_msg("%s: taken", refusals[i].text);
        if (err.code != refusals[i].code || !strstr(err.message, refusals[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", refusals[i].text, err.message, refusals[i].says);
        arena_free(&a);
    }
}

/* Text that is no text: U+0000 in a value, and values of one byte too many. */
static void values_have_their_bounds(void **state)
{
    (void)state;
    static char long_value[SOQL_TEXT_MAX + 1];
    memset(long_value, 'a', sizeof long_value);
    const struct {
        struct str name, value;
        enum error_code code;
    } cases[] = {
        {STR("name"), STR("a\0b"), ERROR_QUERY_UNEXPECTED_CHARACTER},
        {STR("$q"), STR("a\0b"), ERROR_QUERY_UNEXPECTED_CHARACTER},
        {STR("$where"), STR("a = '\0'"), ERROR_QUERY_UNEXPECTED_CHARACTER},
        {STR("name"), {long_value, SOQL_TEXT_MAX}, ERROR_NONE},
        {STR("name"), {long_value, SOQL_TEXT_MAX + 1}, ERROR_QUERY_TOO_LARGE},
        {STR("$q"), {long_value, SOQL_TEXT_MAX}, ERROR_NONE},
        {STR("$q"), {long_value, SOQL_TEXT_MAX + 1}, ERROR_QUERY_TOO_LARGE},
        {STR("$where"), {long_value, SOQL_TEXT_MAX}, ERROR_NONE},
        {STR("$where"), {long_value, SOQL_TEXT_MAX + 1}, ERROR_QUERY_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a = {0};
        struct error err = {0};
        struct soql_query *q;
        struct soql_parameter parameter = {cases[i].name, cases[i].value};
        struct soql_parsing parsing = {.arena = &a};
        bool ok = soql_request_query(&parameter, 1, &columns, &parsing, &q, &err);
        assert_int_equal(ok ? ERROR_NONE : err.code, cases[i].code);
        arena_free(&a);
    }
}

/* The nodes and the depth of a request are counted over all of its parameters. */
static void limits_are_those_of_the_whole_request(void **state)
{
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        struct arena a = {0};
        struct error err = {0};
        struct soql_query *q;
        struct buf select = {0}, deep = {0};
        buf_add_z(&select, "name");
        for (int i = 4; i < SOQL_NODES_MAX + extra; i++) /* a filter has three nodes */
            buf_add_z(&select, ",a");
        buf_add_z(&deep, "a");
        for (int i = 3; i < SOQL_DEPTH_MAX + extra; i++) /* parentheses, and the AND of the filter */
            buf_add_z(&deep, "+a");
        struct soql_parameter wide[] = {{STR("$select"), buf_str(&select)}, {STR("name"), STR("x")}};
        struct soql_parameter tall[] = {{STR("$where"), buf_str(&deep)}, {STR("name"), STR("x")}};
        struct soql_parsing one = {.arena = &a}, other = {.arena = &a};
        assert_int_equal(soql_request_query(wide, 2, &columns, &one, &q, &err), !extra);
        assert_int_equal(soql_request_query(tall, 2, &columns, &other, &q, &err), !extra);
        if (extra)
            assert_int_equal(err.code, ERROR_QUERY_TOO_LARGE);
        buf_free(&select);
        buf_free(&deep);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_become_a_tree),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(values_have_their_bounds),
        cmocka_unit_test(limits_are_those_of_the_whole_request),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
