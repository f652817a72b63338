/* What is said about a text that is no query, and where (docs/wire/soql.md, "Errors"). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "soql/parse.h"
#include "soql/problem.h"

static bool parse(const struct soql_source *s, struct arena *a, struct error *err)
{
    struct soql_parsing parsing = {.arena = a};
    struct soql_query *q;
    return soql_parse_query(&parsing, s, &q, err);
}

/* `says` stands in the message, the caret under `at` (bytes into the text). */
static const struct {
    const char *text;
    enum error_code code;
    size_t at;
    const char *says;
} refusals[] = {
    /* lexical */
    {"select a;", ERROR_QUERY_UNEXPECTED_CHARACTER, 8, "Unexpected character: ; (U+003B); a query ends without `;'"},
    {"select a | b", ERROR_QUERY_UNEXPECTED_CHARACTER, 9, "`||' joins texts"},
    {"select a && b", ERROR_QUERY_UNEXPECTED_CHARACTER, 9, "AND is written out"},
    {"select a # b", ERROR_QUERY_UNEXPECTED_CHARACTER, 9, "a comment begins with --"},
    {"select {a}", ERROR_QUERY_UNEXPECTED_CHARACTER, 7, "U+007B"},
    {"select \\a", ERROR_QUERY_UNEXPECTED_CHARACTER, 7, "a quote is doubled"},
    {"select ? a", ERROR_QUERY_UNEXPECTED_CHARACTER, 7, "?name is the parameter of a view"},
    {"select : a", ERROR_QUERY_UNEXPECTED_CHARACTER, 7, "system columns are named :id"},
    {"select :@", ERROR_QUERY_UNEXPECTED_CHARACTER, 7, "system columns are named :id"},
    {"select @ a", ERROR_QUERY_UNEXPECTED_CHARACTER, 7, "tables are named @abcd-1234"},
    {"select a where b = \xe2\x80\x98x\xe2\x80\x99", ERROR_QUERY_UNEXPECTED_CHARACTER, 19, "a text stands between straight quotes: 'text'"},
    {"select a where b = \xe2\x80\x9cx\xe2\x80\x9d", ERROR_QUERY_UNEXPECTED_CHARACTER, 19, "straight quotes"},
    {"select\xc2\xa0" "a", ERROR_QUERY_UNEXPECTED_CHARACTER, 6, "U+00A0); it looks like a blank"},
    {"select a\x0c", ERROR_QUERY_UNEXPECTED_CHARACTER, 8, "Unexpected character: U+000C"},
    {"select \xe2\x80\x8b" "a", ERROR_QUERY_UNEXPECTED_CHARACTER, 7, "Unexpected character: U+200B"},
    {"select a \xe2\x89\xa4 b", ERROR_QUERY_UNEXPECTED_CHARACTER, 9, "write <="},
    {"select \xf0\x9f\x98\x80", ERROR_QUERY_UNEXPECTED_CHARACTER, 7, "U+1F600"},
    {"select \xcc\x81" "a", ERROR_QUERY_UNEXPECTED_CHARACTER, 7, "U+0301"},
    {"select /* a", ERROR_QUERY_UNEXPECTED_EOF, 7, "Unexpected EOF; a comment"},
    {"select /*/", ERROR_QUERY_UNEXPECTED_EOF, 7, "Unexpected EOF; a comment"},
    {"select `a b`", ERROR_QUERY_UNEXPECTED_EOF, 7, "Unexpected EOF; a name between back-ticks"},
    {"select ``", ERROR_QUERY_UNEXPECTED_EOF, 7, "back-ticks"},
    {"select `1a`", ERROR_QUERY_UNEXPECTED_EOF, 7, "back-ticks"},
    {"select `a", ERROR_QUERY_UNEXPECTED_EOF, 7, "back-ticks"},
    {"select `:`", ERROR_QUERY_UNEXPECTED_EOF, 7, "back-ticks"},
    {"select 'a", ERROR_QUERY_UNTERMINATED_STRING, 7, "Unterminated string; it ends with '"},
    {"select 'a''", ERROR_QUERY_UNTERMINATED_STRING, 7, "Unterminated string"},
    {"select '", ERROR_QUERY_UNTERMINATED_STRING, 7, "Unterminated string"},
    {"select \"a", ERROR_QUERY_UNTERMINATED_STRING, 7, "ends with \" on the same line"},
    {"select \"a\nb\"", ERROR_QUERY_UNTERMINATED_STRING, 7, "ends with \" on the same line"},
    {"select \"a\r\"", ERROR_QUERY_UNTERMINATED_STRING, 7, "ends with \" on the same line"},
    {"select \"a\\n", ERROR_QUERY_UNTERMINATED_STRING, 7, "ends with \" on the same line"},
    {"select \"a\\\"", ERROR_QUERY_UNTERMINATED_STRING, 7, "ends with \" on the same line"},
    {"select \"a\\x\"", ERROR_QUERY_UNEXPECTED_ESCAPE, 9, "Unexpected escape"},
    {"select \"a\\", ERROR_QUERY_UNEXPECTED_ESCAPE, 9, "Unexpected escape"},
    {"select \"a\\\n\"", ERROR_QUERY_UNEXPECTED_ESCAPE, 9, "Unexpected escape"},
    {"select \"\\u12g4\"", ERROR_QUERY_BAD_UNICODE_ESCAPE, 8, "four hexadecimal digits"},
    {"select \"\\u12\"", ERROR_QUERY_BAD_UNICODE_ESCAPE, 8, "four hexadecimal digits"},
    {"select \"\\u12", ERROR_QUERY_BAD_UNICODE_ESCAPE, 8, "four hexadecimal digits"},
    {"select \"\\U12345\"", ERROR_QUERY_BAD_UNICODE_ESCAPE, 8, "six hexadecimal digits"},
    {"select \"\\u0000\"", ERROR_QUERY_BAD_UNICODE_ESCAPE, 8, "U+0000"},
    {"select \"\\ud800\"", ERROR_QUERY_BAD_UNICODE_ESCAPE, 8, "surrogate"},
    {"select \"\\ud800\\u0041\"", ERROR_QUERY_BAD_UNICODE_ESCAPE, 8, "surrogate"},
    {"select \"\\ud800\\ue000\"", ERROR_QUERY_BAD_UNICODE_ESCAPE, 8, "surrogate"},
    {"select \"\\ud800\\n00000\"", ERROR_QUERY_BAD_UNICODE_ESCAPE, 8, "surrogate"},
    {"select \"\\ud800xu00000\"", ERROR_QUERY_BAD_UNICODE_ESCAPE, 8, "surrogate"},
    {"select \"\\udc00\"", ERROR_QUERY_BAD_UNICODE_ESCAPE, 8, "surrogate"},
    {"select \"\\U00dfff\"", ERROR_QUERY_BAD_UNICODE_ESCAPE, 8, "surrogate"},
    {"select \"\\U110000\"", ERROR_QUERY_UNICODE_OUT_OF_RANGE, 8, "Unicode character out of range"},
    {"select a where ?x = 1", ERROR_QUERY_MALFORMED, 15, "?name stands only in a parameterised view"},
    {"select .5", ERROR_QUERY_MALFORMED, 7, "a number begins with a digit: 0.5"},
    {"select 1a", ERROR_QUERY_MALFORMED, 8, "but got `a'; a name for a column stands after AS"},
    /* what is expected, and what came */
    {"", ERROR_QUERY_MALFORMED, 0, "Expected `(' or `SELECT', but got end of input"},
    {"a, b", ERROR_QUERY_MALFORMED, 0, "but got `a'; a query begins with SELECT"},
    {"with x as (select 1) select 2", ERROR_QUERY_MALFORMED, 0, "there is no WITH"},
    {"select a) ", ERROR_QUERY_MALFORMED, 8, "but got `)'"},
    {"(select a", ERROR_QUERY_MALFORMED, 9, "`)', but got end of input"},
    {"select a,", ERROR_QUERY_MALFORMED, 9, "Expected an expression, but got end of input"},
    {"select a b", ERROR_QUERY_MALFORMED, 9, "but got `b'; a name for a column stands after AS"},
    {"select a as", ERROR_QUERY_MALFORMED, 11, "Expected an identifier, but got end of input"},
    {"select a as order", ERROR_QUERY_MALFORMED, 12, "Expected an identifier, but got `order'"},
    {"select a as :other", ERROR_QUERY_MALFORMED, 12, "Expected a non-system identifier, but got `:other'"},
    {"select a as 'b'", ERROR_QUERY_MALFORMED, 12, "Expected an identifier, but got `'b''"},
    {"select *, :*", ERROR_QUERY_MALFORMED, 10, "System column star selections must come before user column star selections"},
    {"select :*, :*", ERROR_QUERY_MALFORMED, 11, "There can be one `:*' in a select-list"},
    {"select a, *", ERROR_QUERY_MALFORMED, 10, "Star selections must come at the start of the select-list"},
    {"select a, @b.*", ERROR_QUERY_MALFORMED, 10, "Star selections must come at the start of the select-list"},
    {"select * (a)", ERROR_QUERY_MALFORMED, 10, "Expected `EXCEPT', but got `a'"},
    {"select * (except :id)", ERROR_QUERY_MALFORMED, 17, "Expected a non-system identifier, but got `:id'"},
    {"select :* (except a)", ERROR_QUERY_MALFORMED, 18, "Expected a system identifier, but got `a'"},
    {"select * (except a", ERROR_QUERY_MALFORMED, 18, "Expected `,' or `)', but got end of input"},
    {"select hint(fast) a", ERROR_QUERY_MALFORMED, 12, "Expected `)' or a hint, but got `fast'"},
    {"select hint(materialized a", ERROR_QUERY_MALFORMED, 25, "Expected `,' or `)', but got `a'"},
    {"select distinct on a", ERROR_QUERY_MALFORMED, 19, "Expected `(', but got `a'"},
    {"select order", ERROR_QUERY_MALFORMED, 7, "a column of that name is written `order`"},
    {"select a, group", ERROR_QUERY_MALFORMED, 10, "a column of that name is written `group`"},
    {"select a, limit", ERROR_QUERY_MALFORMED, 10, "a column of that name is written in back-ticks: `limit`"},
    {"select a from b", ERROR_QUERY_MALFORMED, 14, "Expected a table identifier, but got `b'; tables are named @abcd-1234"},
    {"select a from @this", ERROR_QUERY_MALFORMED, 19, "an alias for `@this'"},
    {"select a from @this as 5", ERROR_QUERY_MALFORMED, 23, "Expected an identifier or a table identifier"},
    {"select a from @b @c", ERROR_QUERY_MALFORMED, 17, "but got `@c'"},
    {"select a inner join @b on true", ERROR_QUERY_MALFORMED, 9, "JOIN alone is the inner join"},
    {"select a left @b on true", ERROR_QUERY_MALFORMED, 14, "Expected `OUTER' or `JOIN', but got `@b'"},
    {"select a join b on true", ERROR_QUERY_MALFORMED, 14, "tables are named @abcd-1234"},
    {"select a join @b where true", ERROR_QUERY_MALFORMED, 17, "`ON', but got `where'"},
    {"select a join (select b) on true", ERROR_QUERY_MALFORMED, 25, "an alias for the sub-select"},
    {"select a join @b(1 on true", ERROR_QUERY_MALFORMED, 19, "but got `on'"},
    {"select a where @b", ERROR_QUERY_MALFORMED, 17, "Expected `.', but got end of input"},
    {"select a where @b.5", ERROR_QUERY_MALFORMED, 18, "Expected an identifier, but got `5'"},
    {"select a where", ERROR_QUERY_MALFORMED, 14, "Expected an expression, but got end of input"},
    {"select a where b ilike 'x'", ERROR_QUERY_MALFORMED, 17, "caseless_contains"},
    {"select a where b like 'x' escape '!'", ERROR_QUERY_MALFORMED, 26, "LIKE has no ESCAPE"},
    {"select a where b ~ 'x'", ERROR_QUERY_MALFORMED, 17, "there are no regular expressions"},
    {"select a where not", ERROR_QUERY_MALFORMED, 18, "Expected an expression"},
    {"select a where b = not c", ERROR_QUERY_MALFORMED, 19, "NOT after an operator needs parentheses"},
    {"select a where b === c", ERROR_QUERY_MALFORMED, 19, "the operators are"},
    {"select a where b not null", ERROR_QUERY_MALFORMED, 17, "but got `not'"},
    {"select a where b is 5", ERROR_QUERY_MALFORMED, 20, "Expected `NOT' or `NULL', but got `5'"},
    {"select a where b between 1", ERROR_QUERY_MALFORMED, 26, "`AND', but got end of input"},
    {"select a where b in ()", ERROR_QUERY_MALFORMED, 21, "Expected an expression, but got `)'"},
    {"select a where b in 5", ERROR_QUERY_MALFORMED, 20, "Expected `(', but got `5'"},
    {"select a where b in (select c)", ERROR_QUERY_MALFORMED, 21, "a query cannot stand within an expression"},
    {"select a where exists (select c)", ERROR_QUERY_MALFORMED, 23, "a query cannot stand within an expression"},
    {"select a where (select c) = 1", ERROR_QUERY_MALFORMED, 16, "a query cannot stand within an expression"},
    {"select a where group = 1", ERROR_QUERY_MALFORMED, 15, "a column of that name is written `group`"},
    {"select a where b = 'it's'", ERROR_QUERY_MALFORMED, 23, "which is doubled: ''"},
    {"select a where b = 'it's fine", ERROR_QUERY_MALFORMED, 23, "which is doubled: ''"},
    {"select a where b = c d", ERROR_QUERY_MALFORMED, 21, "an operator is missing"},
    {"select a where b * * c", ERROR_QUERY_MALFORMED, 19, "a star stands at the start of a select-list"},
    {"select a.:id", ERROR_QUERY_MALFORMED, 9, "Expected a non-system identifier, but got `:id'"},
    {"select a[1", ERROR_QUERY_MALFORMED, 10, "`]', but got end of input"},
    {"select a::", ERROR_QUERY_MALFORMED, 10, "Expected an identifier, but got end of input"},
    {"select (a", ERROR_QUERY_MALFORMED, 9, "`)', but got end of input"},
    {"select f(a", ERROR_QUERY_MALFORMED, 10, "`)', but got end of input"},
    {"select f(", ERROR_QUERY_MALFORMED, 9, "Expected one of `)', `*', `DISTINCT', or an expression, but got end of input"},
    {"select f(*", ERROR_QUERY_MALFORMED, 10, "Expected `)', but got end of input"},
    {"select count(distinct a, b)", ERROR_QUERY_MALFORMED, 23, "but got `,'"},
    {"select sum(a) filter where b", ERROR_QUERY_MALFORMED, 21, "Expected `(', but got `where'"},
    {"select sum(a) filter (b)", ERROR_QUERY_MALFORMED, 22, "Expected `WHERE' or `)', but got `b'"},
    {"select sum(a) over w", ERROR_QUERY_MALFORMED, 19, "Expected `(', but got `w'"},
    {"select sum(a) over (partition k)", ERROR_QUERY_MALFORMED, 20, "`PARTITION BY', `ORDER BY', `RANGE', `ROWS', `GROUPS', or `)', but got `partition'"},
    {"select sum(a) over (rows b)", ERROR_QUERY_MALFORMED, 25, "Expected one of `BETWEEN', `UNBOUNDED', `CURRENT', or an integer, but got `b'"},
    {"select sum(a) over (rows unbounded)", ERROR_QUERY_MALFORMED, 34, "Expected `PRECEDING' or `FOLLOWING', but got `)'"},
    {"select sum(a) over (rows current)", ERROR_QUERY_MALFORMED, 32, "Expected `ROW', but got `)'"},
    {"select sum(a) over (rows between current row)", ERROR_QUERY_MALFORMED, 44, "Expected `AND', but got `)'"},
    {"select sum(a) over (rows 1 preceding exclude all)", ERROR_QUERY_MALFORMED, 45, "Expected one of `CURRENT', `GROUP', `TIES', or `NO', but got `all'"},
    {"select sum(a) over (rows 1 preceding exclude no)", ERROR_QUERY_MALFORMED, 47, "Expected `OTHERS'"},
    {"select sum(a) over (rows 9223372036854775808 preceding)", ERROR_QUERY_MALFORMED, 25, "too large; at most 9223372036854775807"},
    {"select case b when 1 then 2 end", ERROR_QUERY_MALFORMED, 12, "CASE is followed by WHEN"},
    {"select case when a end", ERROR_QUERY_MALFORMED, 19, "`THEN', but got `end'"},
    {"select case when a then 1", ERROR_QUERY_MALFORMED, 25, "`WHEN', `ELSE', or `END', but got end of input"},
    {"select case when a then 1 else 2", ERROR_QUERY_MALFORMED, 32, "`END', but got end of input"},
    {"select param(a)", ERROR_QUERY_MALFORMED, 13, "Expected a table identifier or a string, but got `a'"},
    {"select param(@a 'x')", ERROR_QUERY_MALFORMED, 16, "Expected `,', but got `'x''"},
    {"select param(@a, x)", ERROR_QUERY_MALFORMED, 17, "Expected a string, but got `x'"},
    {"select param('x'", ERROR_QUERY_MALFORMED, 16, "Expected `)', but got end of input"},
    {"select a order by b group by c", ERROR_QUERY_MALFORMED, 20, "a clause stands once, in this order: SELECT, FROM, JOIN, WHERE, GROUP BY"},
    {"select a group by b where c", ERROR_QUERY_MALFORMED, 20, "a clause stands once"},
    {"select a limit 1 limit 2", ERROR_QUERY_MALFORMED, 17, "a clause stands once"},
    {"select a where b from @c", ERROR_QUERY_MALFORMED, 17, "but got `from'"},
    {"select a group b", ERROR_QUERY_MALFORMED, 9, "GROUP BY are two words"},
    {"select a order b", ERROR_QUERY_MALFORMED, 9, "ORDER BY are two words"},
    {"select a order by b nulls", ERROR_QUERY_MALFORMED, 25, "Expected `FIRST' or `LAST', but got end of input"},
    {"select a search b", ERROR_QUERY_MALFORMED, 16, "Expected a string, but got `b'"},
    {"select a limit -1", ERROR_QUERY_MALFORMED, 15, "Expected an integer, but got `-'; it cannot be negative"},
    {"select a limit 1e3", ERROR_QUERY_MALFORMED, 15, "Expected an integer, but got `1e3'; a whole number is written out here: 10"},
    {"select a limit 9223372036854775808", ERROR_QUERY_MALFORMED, 15, "too large; at most 9223372036854775807"},
    {"select a offset b", ERROR_QUERY_MALFORMED, 16, "Expected an integer, but got `b'"},
    {"select a except select b", ERROR_QUERY_MALFORMED, 9, "the set operation is called MINUS"},
    {"select distinct on (", ERROR_QUERY_MALFORMED, 20, "Expected an expression, but got end of input"},
    {"select distinct on (a b", ERROR_QUERY_MALFORMED, 22, "`)', but got `b'"},
    {"select @a", ERROR_QUERY_MALFORMED, 9, "Expected `.', but got end of input"},
    {"select @a.'x'", ERROR_QUERY_MALFORMED, 10, "Expected an identifier, but got `'x''"},
    {"select a join (select b where) as @c on true", ERROR_QUERY_MALFORMED, 29, "Expected an expression, but got `)'"},
    {"select a join (select b", ERROR_QUERY_MALFORMED, 23, "`)', but got end of input"},
    {"select a join select b where", ERROR_QUERY_MALFORMED, 28, "Expected an expression, but got end of input"},
    {"select a join @b(,) on true", ERROR_QUERY_MALFORMED, 17, "Expected `)' or an expression, but got `,'"},
    {"select a join @b on", ERROR_QUERY_MALFORMED, 19, "Expected an expression, but got end of input"},
    {"select a group by", ERROR_QUERY_MALFORMED, 17, "Expected an expression, but got end of input"},
    {"select a having", ERROR_QUERY_MALFORMED, 15, "Expected an expression, but got end of input"},
    {"select a where b = == c", ERROR_QUERY_MALFORMED, 19, "the operators are"},
    {"select a, f(:*)", ERROR_QUERY_MALFORMED, 12, "a star stands at the start"},
    {"select a where b rlike 'x'", ERROR_QUERY_MALFORMED, 17, "caseless_contains"},
    {"select a where b regexp 'x'", ERROR_QUERY_MALFORMED, 17, "caseless_contains"},
    {"select a where b similar to 'x'", ERROR_QUERY_MALFORMED, 17, "caseless_contains"},
    {"select a where b ! c", ERROR_QUERY_MALFORMED, 17, "there are no regular expressions"},
    {"select a where b 'x'", ERROR_QUERY_MALFORMED, 17, "an operator is missing"},
    {"select a where b 5", ERROR_QUERY_MALFORMED, 17, "an operator is missing"},
    {"select a where b 5.5", ERROR_QUERY_MALFORMED, 17, "an operator is missing"},
    {"select a where b @c", ERROR_QUERY_MALFORMED, 17, "but got `@c'"},
    {"select a where b select c", ERROR_QUERY_MALFORMED, 17, "a clause stands once"},
    {"select a where b join @c on true", ERROR_QUERY_MALFORMED, 17, "a clause stands once"},
    {"select a where b left join @c on true", ERROR_QUERY_MALFORMED, 17, "a clause stands once"},
    {"select a where b right join @c on true", ERROR_QUERY_MALFORMED, 17, "a clause stands once"},
    {"select a where b full join @c on true", ERROR_QUERY_MALFORMED, 17, "a clause stands once"},
    {"select a limit 1 order by b", ERROR_QUERY_MALFORMED, 17, "a clause stands once"},
    {"select a limit 1 search 'b'", ERROR_QUERY_MALFORMED, 17, "a clause stands once"},
    {"select a order by b having c", ERROR_QUERY_MALFORMED, 20, "a clause stands once"},
    {"select a offset 1 offset 2", ERROR_QUERY_MALFORMED, 18, "a clause stands once"},
    {"select (a from @b", ERROR_QUERY_MALFORMED, 10, "a clause stands once"},
    {"select a from @b from @c", ERROR_QUERY_MALFORMED, 17, "a clause stands once"},
    {"select a from 'b'", ERROR_QUERY_MALFORMED, 14, "tables are named @abcd-1234"},
    {"select 1e", ERROR_QUERY_MALFORMED, 8, "but got `e'"},
    {"select 1e+", ERROR_QUERY_MALFORMED, 8, "but got `e'"},
    {"select case when a then", ERROR_QUERY_MALFORMED, 23, "Expected an expression, but got end of input"},
    {"select case when a then 1 else", ERROR_QUERY_MALFORMED, 30, "Expected an expression, but got end of input"},
    {"select case when", ERROR_QUERY_MALFORMED, 16, "Expected an expression, but got end of input"},
    {"select sum(a) filter (where)", ERROR_QUERY_MALFORMED, 27, "Expected an expression, but got `)'"},
    {"select count(distinct)", ERROR_QUERY_MALFORMED, 21, "Expected an expression, but got `)'"},
    {"select sum(a) over (rows between 1 preceding and b)", ERROR_QUERY_MALFORMED, 49, "an integer, but got `b'"},
    {"select sum(a) over (partition by)", ERROR_QUERY_MALFORMED, 32, "Expected an expression, but got `)'"},
    {"select sum(a) over (order by)", ERROR_QUERY_MALFORMED, 28, "Expected an expression, but got `)'"},
    {"select sum(a) over (order by b", ERROR_QUERY_MALFORMED, 30, "`)', but got end of input"},
    {"select a where b between", ERROR_QUERY_MALFORMED, 24, "Expected an expression, but got end of input"},
    {"select a where b between 1 and", ERROR_QUERY_MALFORMED, 30, "Expected an expression, but got end of input"},
    {"select a where b in (1", ERROR_QUERY_MALFORMED, 22, "Expected one of"},
    {"select a[]", ERROR_QUERY_MALFORMED, 9, "Expected an expression, but got `]'"},
    {"select a |> b", ERROR_QUERY_MALFORMED, 12, "but got `b'; a query begins with SELECT"},
    {"select a union", ERROR_QUERY_MALFORMED, 14, "Expected one of `ALL', `(', or `SELECT', but got end of input"},
    {"select a |> (select b |> select c)", ERROR_QUERY_CHAIN_NOT_LEAF, 12, "Expected a non-compound query on the right side of a pipe operator"},
    {"select a |> (select b union select c)", ERROR_QUERY_CHAIN_NOT_LEAF, 12, "Expected a non-compound query"},
    {"select a from @b as @c limit 0123456789012345678901234567890123456789012345678901234567890123456789", ERROR_QUERY_MALFORMED, 29, "too large"},
    {"select a b0123456789012345678901234567890123456789012345678901234567890123456789", ERROR_QUERY_MALFORMED, 9, "678…'"},
};

/* The caret line of a message: its last one, and the line above. */
static void last_lines(const char *message, struct str *ret_line, struct str *ret_caret)
{
    struct str s = str_from(message);
    size_t n = s.n, caret, line;
    while (n && s.p[n - 1] != '\n')
        n--;
    caret = n;
    assert_true(n > 0);
    for (n--; n && s.p[n - 1] != '\n'; n--)
        ;
    line = n;
    *ret_line = str_make(s.p + line, caret - 1 - line);
    *ret_caret = str_skip(s, caret);
}

static void refusals_say_what_and_where(void **state)
{
    (void)state;
    int failed = 0;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct arena a = {0};
        struct error err = {0};
        struct soql_source s = {STR("$query"), str_from(refusals[i].text)};
        if (parse(&s, &a, &err))
            fail_msg("%s: taken", s.text.p);
        if (err.code != refusals[i].code || !strstr(err.message, refusals[i].says))
            failed++, print_error("%s: \"%s\" does not say \"%s\"\n", s.text.p, err.message, refusals[i].says);
        if (!str_starts(str_from(err.message), STR("Could not parse SoQL query \"")))
            fail_msg("%s", err.message);
        /* the character under the caret, counted in the text's last line before the place */
        size_t from = refusals[i].at, column = 1;
        while (from && s.text.p[from - 1] != '\n')
            from--;
        for (size_t k = from; k < refusals[i].at; k++)
            column += ((unsigned char)s.text.p[k] & 0xc0) != 0x80;
        char want[80];
        snprintf(want, sizeof want, " character %zu: ", column);
        if (!strstr(err.message, want))
            failed++, print_error("%s: \"%s\" is not at \"%s\"\n", s.text.p, err.message, want);
        struct str line, caret;
        last_lines(err.message, &line, &caret);
        assert_true(str_ends(caret, STR("^")));
        assert_non_null(strstr(err.data, "\"position\":{\"row\":"));
        assert_non_null(strstr(err.data, "\"query\":"));
        arena_free(&a);
    }
    assert_int_equal(failed, 0);
}

/* ── the caret ── */

static const struct {
    const char *text;
    uint32_t at;
    const char *line, *caret;
    int row, column;
} sights[] = {
    {"abc", 1, "abc", " ^", 1, 2},
    {"abc", 3, "abc", "   ^", 1, 4},
    {"abc", 99, "abc", "   ^", 1, 4},
    {"", 0, "", "^", 1, 1},
    {"a\nbc\nd", 3, "bc", " ^", 2, 2},
    {"a\r\nbc\r\nd", 3, "bc", "^", 2, 1},
    {"\ta\tb", 3, "\ta\tb", "\t \t^", 1, 4},
    {"größe x", 8, "größe x", "      ^", 1, 7},
    {"名前 x", 7, "名前 x", "     ^", 1, 4},
    {"a\xcc\x81 x", 4, "a\xcc\x81 x", "  ^", 1, 4},
    {"a\xff x", 3, "a  x", "   ^", 1, 4},
    {"a\x01\x1b[m x", 6, "a  [m x", "      ^", 1, 7},
    {"012345678901234567890123456789012345678901234567890123456789012345x789012345678901234567890123456789012345678901234567890", 66,
     "…678901234567890123456789012345678901234567890123456789012345x789012345678901234567890123456789012345…",
     "                                                             ^", 1, 67},
};

static void the_caret_stands_under_the_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sights / sizeof *sights; i++) {
        struct error err = {0};
        struct soql_source s = {STR("$select"), str_from(sights[i].text)};
        struct soql_place at = {&s, sights[i].at, sights[i].at};
        assert_false(soql_problem(&err, ERROR_QUERY_NO_SUCH_COLUMN, &at, "No such column: %s", "x"));
        struct str line, caret;
        last_lines(err.message, &line, &caret);
        if (!str_eq(line, str_from(sights[i].line)) || !str_eq(caret, str_from(sights[i].caret)))
            fail_msg("%s: \"%.*s\", \"%.*s\"", s.text.p, ARG_STR(line), ARG_STR(caret));
        char want[64];
        snprintf(want, sizeof want, "position: Map(row -> %d, column -> %d), in $select:\n", sights[i].row, sights[i].column);
        if (!strstr(err.message, want))
            fail_msg("\"%s\" does not say \"%s\"", err.message, want);
    }
}

static void codes_of_the_analyzer_have_the_coordinator_s_words(void **state)
{
    (void)state;
    struct error err = {0};
    struct soql_source s = {STR("$select"), STR("foo\tbar")};
    struct soql_place at = {&s, 4, 7}, nowhere = {0};
    soql_problem(&err, ERROR_QUERY_NO_SUCH_COLUMN, &at, "No such column: bar");
    assert_string_equal(err.message, "Query coordinator error: query.soql.no-such-column; No such column: bar; "
                                     "position: Map(row -> 1, column -> 5), in $select:\nfoo\tbar\n   \t^");
    assert_string_equal(err.data, "\"position\":{\"row\":1,\"column\":5,\"line\":\"foo\\tbar\\n   \\t^\"},\"query\":\"foo\\tbar\"");
    soql_problem(&err, ERROR_QUERY_NO_SUCH_COLUMN, &nowhere, "No such column: bar");
    assert_non_null(strstr(err.message, "No such column: bar"));
}

/* An error that the engine made gets its place; what it says and its other data stay. */
static void a_place_is_added_to_an_error(void **state)
{
    (void)state;
    struct error err = {0};
    struct soql_source s = {STR("$select"), STR("1 / 0")};
    struct soql_place at = {&s, 2, 3};
    error_set(&err, ERROR_BAD_REQUEST, "division by zero");
    error_data_str(&err, "source", STR("x"));
    soql_problem_place(&err, &at);
    assert_int_equal(err.code, ERROR_BAD_REQUEST);
    assert_string_equal(err.message, "division by zero, in $select:\n1 / 0\n  ^");
    assert_string_equal(err.data, "\"source\":\"x\",\"position\":{\"row\":1,\"column\":3,\"line\":\"1 / 0\\n  ^\"},\"query\":\"1 / 0\"");
}

/* However long the words and the text: the message is whole UTF-8, and its caret is there. */
static void long_texts_are_cut(void **state)
{
    (void)state;
    char text[5000], words[3000];
    for (size_t i = 0; i + 3 < sizeof text; i += 3)
        memcpy(text + i, "\xe5\x90\x8d", 4);
    for (size_t i = 0; i + 3 < sizeof words; i += 3)
        memcpy(words + i, "\xe5\x90\x8d", 4);
    struct soql_source s = {STR("$where"), str_from(text)};
    struct soql_place at = {&s, 3000, 3003};
    const enum error_code codes[] = {ERROR_QUERY_MALFORMED, ERROR_QUERY_NO_SUCH_COLUMN};
    for (size_t i = 0; i < 2; i++) {
        struct error err = {0};
        soql_problem(&err, codes[i], &at, "%s", words);
        assert_true(str_is_utf8(str_from(err.message), NULL));
        assert_true(str_ends(str_from(err.message), STR(" ^")));
        assert_non_null(strstr(err.data, "\"query\":"));
    }
    struct error err = {0};
    error_set(&err, ERROR_BAD_REQUEST, "%s", words);
    soql_problem_place(&err, &at);
    assert_true(str_is_utf8(str_from(err.message), NULL));
    assert_true(str_ends(str_from(err.message), STR(" ^")));
}

/* A text that is none is refused before it is read. */
static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    const struct {
        struct str text;
        enum error_code code;
        const char *says;
    } cases[] = {
        {STR("select \xff"), ERROR_QUERY_MALFORMED, "$query is not UTF-8 at byte 7"},
        {STR("select 'a\0b'"), ERROR_QUERY_UNEXPECTED_CHARACTER, "U+0000, at byte 9 of $query"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct arena a = {0};
        struct error err = {0};
        struct soql_source s = {STR("$query"), cases[i].text};
        assert_false(parse(&s, &a, &err));
        assert_int_equal(err.code, cases[i].code);
        assert_non_null(strstr(err.message, cases[i].says));
        arena_free(&a);
    }
}

static void the_nearest_name_is_offered(void **state)
{
    (void)state;
    static const char *const names[] = {"magnitude", "depth", "count", "date_trunc_ym", "größe", "ab"};
    static const struct {
        const char *name, *nearest;
    } cases[] = {
        {"magnitud", "magnitude"}, {"MAGNITUDE", "magnitude"}, {"magntiude", "magnitude"}, {"dpeth", "depth"},
        {"date-trunc-ym", "date_trunc_ym"}, {"groesse", NULL}, {"GRÖSE", "größe"}, {"conut", "count"}, {"xyz", NULL}, {"ac", NULL}, {"", NULL},
        {"a234567890123456789012345678901234567890123456789012345678901234567890", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = soql_nearest(str_from(cases[i].name), names, sizeof names / sizeof *names);
        if (got != cases[i].nearest && (!got || !cases[i].nearest || strcmp(got, cases[i].nearest) != 0))
            fail_msg("%s: %s, not %s", cases[i].name, got ? got : "none", cases[i].nearest ? cases[i].nearest : "none");
    }
    assert_null(soql_nearest(STR("\xff\xff\xff\xff"), names, 6));
    assert_null(soql_nearest(STR("depth"), names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_say_what_and_where),
        cmocka_unit_test(the_caret_stands_under_the_place),
        cmocka_unit_test(codes_of_the_analyzer_have_the_coordinator_s_words),
        cmocka_unit_test(a_place_is_added_to_an_error),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(the_nearest_name_is_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
