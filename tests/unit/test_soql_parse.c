/* Text to syntax (docs/wire/soql.md, "Lexis" and "Grammar"): each line of the tables is a text and the tree it becomes, as nested lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "soql/parse.h"
#include "../support/soql_dump.h"

static bool parse_query(const char *text, struct arena *a, struct soql_query **ret, struct error *err)
{
    struct soql_source *s = arena_alloc(a, sizeof *s);
    assert_non_null(s);
    *s = (struct soql_source){STR("$query"), str_from(text)};
    struct soql_parsing parsing = {.arena = a};
    return soql_parse_query(&parsing, s, ret, err);
}

static bool parse_expression(const char *text, struct arena *a, struct soql_node **ret, struct error *err)
{
    struct soql_source *s = arena_alloc(a, sizeof *s);
    assert_non_null(s);
    *s = (struct soql_source){STR("$where"), str_from(text)};
    struct soql_parsing parsing = {.arena = a};
    return soql_parse_expression(&parsing, s, ret, err);
}

struct golden {
    const char *text, *tree;
};

/* The tree, and the same tree again from its own print. */
static void check_expression(const struct golden *g)
{
    struct arena a = {0};
    struct buf tree = {0}, print = {0}, again = {0};
    struct error err = {0};
    struct soql_node *n = NULL, *m = NULL;
    if (!parse_expression(g->text, &a, &n, &err))
        fail_msg("%s: %s", g->text, err.message);
    dump_node(n, &tree);
    buf_add_byte(&tree, 0);
    assert_string_equal(tree.p, g->tree);
    soql_print_expression(n, &print);
    buf_add_byte(&print, 0);
    if (!parse_expression(print.p, &a, &m, &err))
        fail_msg("%s: printed as %s: %s", g->text, print.p, err.message);
    dump_node(m, &again);
    buf_add_byte(&again, 0);
    assert_string_equal(again.p, tree.p);
    buf_free(&tree);
    buf_free(&print);
    buf_free(&again);
    arena_free(&a);
}

static void check_query(const struct golden *g)
{
    struct arena a = {0};
    struct buf tree = {0}, print = {0}, again = {0};
    struct error err = {0};
    struct soql_query *q = NULL, *r = NULL;
    if (!parse_query(g->text, &a, &q, &err))
        fail_msg("%s: %s", g->text, err.message);
    dump_query(q, &tree);
    buf_add_byte(&tree, 0);
    assert_string_equal(tree.p, g->tree);
    soql_print_query(q, &print);
    buf_add_byte(&print, 0);
    if (!parse_query(print.p, &a, &r, &err))
        fail_msg("%s: printed as %s: %s", g->text, print.p, err.message);
    dump_query(r, &again);
    buf_add_byte(&again, 0);
    assert_string_equal(again.p, tree.p);
    buf_free(&tree);
    buf_free(&print);
    buf_free(&again);
    arena_free(&a);
}

static const struct golden lexis[] = {
    /* blanks and comments */
    {" \t\r\na\n", "a"},
    {"1--1\n", "1"},
    {"1 - -1", "(op$- 1 (op$- 1))"},
    {"a -- + b\n + c", "(op$+ a c)"},
    {"a /* x\n ' ` */ + /**/ b", "(op$+ a b)"},
    {"a/* /* */+b", "(op$+ a b)"},
    {"a/b", "(op$/ a b)"},
    {"a--", "a"},
    /* names */
    {"_a1$b", "_a1$b"},
    {"größe", "größe"},
    {"名前", "名前"},
    {"a\xcc\x81", "a\xcc\x81"},
    {"`a-b`", "a-b"},
    {"`-a`", "-a"},
    {"a-b", "(op$- a b)"},
    {"`order`", "order"},
    {":id", ":id"},
    {":@computed_region_abcd_1234", ":@computed_region_abcd_1234"},
    {"`:id`", ":id"},
    {"`:@a-b`", ":@a-b"},
    {":1", ":1"},
    {"@a.b", "@a.b"},
    {"@abcd-1234.`x-y`", "@abcd-1234.x-y"},
    {"@a.:id", "@a.:id"},
    {"@-1 . b", "@-1.b"},
    {"Région", "Région"},
    /* numbers */
    {"0", "0"},
    {"007", "007"},
    {"5.", "5."},
    {"1.50", "1.50"},
    {"1e3", "1e3"},
    {"2.5E-3", "2.5E-3"},
    {"2.E+3", "2.E+3"},
    {"123456789012345678901234567890.5", "123456789012345678901234567890.5"},
    {"1 .e", "(#FIELD 1 \"e\")"},
    /* strings */
    {"''", "\"\""},
    {"'it''s'", "\"it's\""},
    {"''''", "\"'\""},
    {"'a\\n'", "\"a\\\\n\""},
    {"'a\nb'", "\"a\\nb\""},
    {"\"a'b\"", "\"a'b\""},
    {"\"\"", "\"\""},
    {"\"\\/\\n\\t\\b\\f\\r\\\"\\\\\"", "\"/\\n\\t\\b\\f\\r\\\"\\\\\""},
    {"\"\\u00e9\\u00C9\"", "\"éÉ\""},
    {"\"\\uD83D\\uDE00\"", "\"😀\""},
    {"\"\\U01F600\"", "\"😀\""},
    {"\"\\U10FFFF\"", "\"\xf4\x8f\xbf\xbf\""},
    {"'😀 --'", "\"😀 --\""},
    /* words in any case, names like words */
    {"TRUE and False", "(op$AND TRUE FALSE)"},
    {"NuLl", "NULL"},
    {"case", "case"},
    {"end + first + range + row + over + by + all", "(op$+ (op$+ (op$+ (op$+ (op$+ (op$+ end first) range) row) over) by) all)"},
    {"param", "param"},
    {"PARAM('x')", "(PARAM \"x\")"},
};

static const struct golden expressions[] = {
    /* precedence, lowest first */
    {"a or b and c", "(op$OR a (op$AND b c))"},
    {"a and b or c", "(op$OR (op$AND a b) c)"},
    {"a or b or c", "(op$OR a b c)"},
    {"(a or b) or c", "(op$OR (() (op$OR a b)) c)"},
    {"a and b and c and d", "(op$AND a b c d)"},
    {"not a and b", "(op$AND (op$NOT a) b)"},
    {"a and not b", "(op$AND a (op$NOT b))"},
    {"not a = b", "(op$NOT (op$= a b))"},
    {"not not a", "(op$NOT (op$NOT a))"},
    {"not a is null", "(op$NOT (#IS_NULL a))"},
    {"a = b is null", "(#IS_NULL (op$= a b))"},
    {"a is not null is null", "(#IS_NULL (#IS_NOT_NULL a))"},
    {"a like 'x%'", "(#LIKE a \"x%\")"},
    {"a not like b || 'x'", "(#NOT_LIKE a (op$|| b \"x\"))"},
    {"a like b is null", "(#LIKE a (#IS_NULL b))"},
    {"a between 1 and 2", "(#BETWEEN a 1 2)"},
    {"a between 1 and 2 and b", "(op$AND (#BETWEEN a 1 2) b)"},
    {"a not between 1 and 2 is null", "(#NOT_BETWEEN a 1 (#IS_NULL 2))"},
    {"a between b between 1 and 2 and 3", "(#BETWEEN a (#BETWEEN b 1 2) 3)"},
    {"a in (1)", "(#IN a 1)"},
    {"a in (1, 2, 3) is null", "(#IS_NULL (#IN a 1 2 3))"},
    {"a not in ('x', b = c)", "(#NOT_IN a \"x\" (op$= b c))"},
    {"a = b = c", "(op$= (op$= a b) c)"},
    {"a < b < c", "(op$< (op$< a b) c)"},
    {"a == b", "(op$=[==] a b)"},
    {"a != b or a <> c", "(op$OR (op$<>[!=] a b) (op$<> a c))"},
    {"a <= b and a >= c and a > d", "(op$AND (op$<= a b) (op$>= a c) (op$> a d))"},
    {"a + b < c - d", "(op$< (op$+ a b) (op$- c d))"},
    {"a - b - c", "(op$- (op$- a b) c)"},
    {"a || b + c", "(op$+ (op$|| a b) c)"},
    {"a + b * c", "(op$+ a (op$* b c))"},
    {"a * b / c % d", "(op$% (op$/ (op$* a b) c) d)"},
    {"2 ^ 3 ^ 2", "(op$^ 2 (op$^ 3 2))"},
    {"a * b ^ c", "(op$* a (op$^ b c))"},
    {"-2 ^ 2", "(op$^ (op$- 2) 2)"},
    {"2 ^ -2", "(op$^ 2 (op$- 2))"},
    {"- + -a", "(op$- (op$+ (op$- a)))"},
    {"-x::text", "(op$- (cast$text x))"},
    {"x::text::Number", "(cast$Number (cast$text x))"},
    {"x::`text`", "(cast$text x)"},
    {"a.b::text", "(cast$text (#FIELD a \"b\"))"},
    {"a.b.c", "(#FIELD (#FIELD a \"b\") \"c\")"},
    {"a['k'][0].c", "(#FIELD (#SUBSCRIPT (#SUBSCRIPT a \"k\") 0) \"c\")"},
    {"@t.loc.latitude", "(#FIELD @t.loc \"latitude\")"},
    {"(a)", "(() a)"},
    {"((a + b)) * c", "(op$* (() (() (op$+ a b))) c)"},
    {"(a).b", "(#FIELD (() a) \"b\")"},
    {"a.`order`", "(#FIELD a \"order\")"},
    /* calls */
    {"f()", "(f)"},
    {"F(a, 1, 'x')", "(F a 1 \"x\")"},
    {"`f-g`(a)", "(f-g a)"},
    {"`order`(a)", "(order a)"},
    {"hint(a)", "(hint a)"},
    {"count(*)", "(count/*)"},
    {"Count( * )", "(Count/*)"},
    {"Count(DISTINCT a + 1)", "(count_distinct (op$+ a 1))"},
    {"f1$(distinct a)", "(f1$_distinct a)"},
    {"`-f`(a)", "(-f a)"},
    {"count_distinct(a)", "(count_distinct a)"},
    {"case(a, 1, true, 2)", "(case a 1 TRUE 2)"},
    {"sum(a) filter (where b > 1)", "(sum a (filter (op$> b 1)))"},
    {"sum(a) filter ()", "(sum a (filter ))"},
    {"sum(a) over ()", "(sum a (over))"},
    {"over(a)", "(over a)"},
    {"sum(a) filter (where b) over (partition by c, d order by e desc, f nulls first)",
     "(sum a (filter b) (over (by c d) (order e desc f nulls-first)))"},
    {"f() over (order by a asc null last)", "(f (over (order a nulls-last)))"},
    {"f() over (partition by k)", "(f (over (by k)))"},
    {"f() over (rows unbounded preceding)", "(f (over rows unbounded-preceding))"},
    {"f() over (order by a range between 1 preceding and current row)", "(f (over (order a) range preceding:1 current-row))"},
    {"f() over (groups between unbounded preceding and unbounded following exclude ties)",
     "(f (over groups unbounded-preceding unbounded-following -ties))"},
    {"f() over (partition by a rows between current row and 2 following exclude current row)",
     "(f (over (by a) rows current-row following:2 -current-row))"},
    {"f() over (rows 2 following exclude group)", "(f (over rows following:2 -group))"},
    {"f() over (rows 0 preceding exclude no others)", "(f (over rows preceding -no-others))"},
    {"f() over (partition by partition order by rows rows current row)", "(f (over (by partition) (order rows) rows current-row))"},
    {"f(a)::text", "(cast$text (f a))"},
    /* case */
    {"case when a then 1 end", "(#CASE a 1 FALSE NULL)"},
    {"case when a then 1 when b then 2 else 3 end", "(#CASE+else a 1 b 2 TRUE 3)"},
    {"CASE WHEN case when a then b else c end THEN 1 END + 1", "(op$+ (#CASE (#CASE+else a b TRUE c) 1 FALSE NULL) 1)"},
    /* parameters */
    {"param('x')", "(param x)"},
    {"param(@a, 'x')", "(param @a.x)"},
    {"`param`('x')", "(param \"x\")"},
};

static const struct golden queries[] = {
    {"select", "(select)"},
    {"SELECT *", "(select *)"},
    {"select :*, *", "(select :* *)"},
    {"select * (except a, `b-c`), @t.* (except d), e", "(select * (except a b-c) @t.* (except d) e)"},
    {"select :* (except :id), @t.*", "(select :* (except :id) @t.*)"},
    {"select @t.:*, *", "(select @t.:* *)"},
    {"select a, b as c, d + 1 AS `e-f`", "(select a b as c (op$+ d 1) as e-f)"},
    {"select a as :id, :created_at as :created_at, :@x as :@X", "(select a as :id :created_at as :created_at :@x as :@X)"},
    {"select first, last, range", "(select first last range)"},
    {"select distinct a", "(select distinct a)"},
    {"select distinct on (a, b) c", "(select distinct (on a b) c)"},
    {"select hint(materialized, no_rollup, no_chain_merge, compound_rollup, rollup_at_join) distinct a", "(select distinct a)"},
    {"select hint() a", "(select a)"},
    {"select hint, a", "(select hint a)"},
    {"select `hint`(a)", "(select (hint a))"},
    {"select not a", "(select (op$NOT a))"},
    {"select true", "(select TRUE)"},
    {"select false", "(select FALSE)"},
    {"select null", "(select NULL)"},
    {"(select)", "(select)"},
    {"select |> select a", "(|> (select) (select a))"},
    {"select where a", "(select (where a))"},
    {"select group by a", "(select (group a))"},
    {"select limit 1", "(select (limit 1))"},
    {"select a from @this as t", "(select a (from @this as t))"},
    {"select a from @abcd-1234", "(select a (from @abcd-1234))"},
    {"select a from @abcd-1234 as @x", "(select a (from @abcd-1234 as x))"},
    {"select a from @single_row", "(select a (from @single_row))"},
    {"select a where b group by c, d having e order by f search 'g' limit 1 offset 2",
     "(select a (where b) (group c d) (having e) (order f) (search \"g\") (limit 1) (offset 2))"},
    {"select a search 'g' order by f desc nulls last offset 2 limit 1", "(select a (order f desc nulls-last) (search \"g\") (limit 1) (offset 2))"},
    {"select a having b", "(select a (having b))"},
    {"select a limit 9223372036854775807", "(select a (limit 9223372036854775807))"},
    {"select a limit 007", "(select a (limit 7))"},
    /* joins */
    {"select a join @b on @b.x = y", "(select a (join @b (on (op$= @b.x y))))"},
    {"select a join @abcd-1234 as b on true left join @c on true right outer join @d as @e on true full outer join @f on true",
     "(select a (join @abcd-1234 as b (on TRUE)) (left-join @c (on TRUE)) (right-join @d as e (on TRUE)) (full-join @f (on TRUE)))"},
    {"select a join lateral (select b limit 1) as c on true where d",
     "(select a (join lateral (select b (limit 1)) @ as c (on TRUE)) (where d))"},
    {"select a join (select b |> select c) as @d on true", "(select a (join (|> (select b) (select c)) @ as d (on TRUE)))"},
    {"select a join select b as b from @t limit 1 as c on true", "(select a (join (select b as b (from @t) (limit 1)) @ as c (on TRUE)))"},
    {"select a join @u(1, 'x') as v on true join @w() on true", "(select a (join @u as v () (with 1 \"x\") (on TRUE)) (join @w () (on TRUE)))"},
    /* compound */
    {"select a |> select b |> select c", "(|> (|> (select a) (select b)) (select c))"},
    {"select a union select b |> select c", "(|> (union (select a) (select b)) (select c))"},
    {"select a |> select b union all select c", "(union-all (|> (select a) (select b)) (select c))"},
    {"select a intersect select b minus select c", "(minus (intersect (select a) (select b)) (select c))"},
    {"select a INTERSECT  ALL select b MINUS\nALL select c", "(minus-all (intersect-all (select a) (select b)) (select c))"},
    {"select a union (select b minus select c)", "(union (select a) (minus (select b) (select c)))"},
    {"(select a)", "(select a)"},
    {"((select a) union (select b))", "(union (select a) (select b))"},
    {"select a |> (select b)", "(|> (select a) (select b))"},
    {"select a limit 1 union select b limit 2", "(union (select a (limit 1)) (select b (limit 2)))"},
};

static void expressions_become_trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lexis / sizeof *lexis; i++)
        check_expression(&lexis[i]);
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++)
        check_expression(&expressions[i]);
}

static void queries_become_trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        check_query(&queries[i]);
}

/* ── clauses ── */

enum clause { CLAUSE_SELECT, CLAUSE_GROUP, CLAUSE_ORDER };

static bool parse_clause(enum clause clause, const char *text, struct arena *a, struct soql_select *into, struct error *err)
{
    struct soql_source *s = arena_alloc(a, sizeof *s);
    assert_non_null(s);
    *s = (struct soql_source){STR("$clause"), str_from(text)};
    struct soql_parsing parsing = {.arena = a};
    switch (clause) {
    case CLAUSE_SELECT:
        return soql_parse_selection(&parsing, s, into, err);
    case CLAUSE_GROUP:
        return soql_parse_group(&parsing, s, into, err);
    case CLAUSE_ORDER:
        return soql_parse_order(&parsing, s, into, err);
    }
    return false;
}

/* tree NULL: refused */
static const struct {
    enum clause clause;
    const char *text, *tree;
} clauses[] = {
    {CLAUSE_SELECT, "", "(select)"},
    {CLAUSE_SELECT, "distinct a, b", "(select distinct a b)"},
    {CLAUSE_SELECT, ":*, *, count(*) as n", "(select :* * (count/*) as n)"},
    {CLAUSE_SELECT, "a from @b", NULL},
    {CLAUSE_SELECT, "a where b", NULL},
    {CLAUSE_SELECT, "a,", NULL},
    {CLAUSE_SELECT, "limit 5", NULL},
    {CLAUSE_GROUP, "a, upper(b)", "(select (group a (upper b)))"},
    {CLAUSE_GROUP, "", NULL},
    {CLAUSE_GROUP, "a having b", NULL},
    {CLAUSE_GROUP, "a desc", NULL},
    {CLAUSE_ORDER, "a desc, b nulls first", "(select (order a desc b nulls-first))"},
    {CLAUSE_ORDER, "", NULL},
    {CLAUSE_ORDER, "a limit 5", NULL},
    {CLAUSE_ORDER, "a nulls", NULL},
    {CLAUSE_ORDER, "a;", NULL},
};

static void a_clause_is_the_whole_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++) {
        struct arena a = {0};
        struct buf tree = {0};
        struct error err = {0};
        struct soql_select select = {0};
        bool ok = parse_clause(clauses[i].clause, clauses[i].text, &a, &select, &err);
        if (ok != (clauses[i].tree != NULL))
            fail_msg("%s: %s", clauses[i].text, ok ? "taken" : err.message);
        if (ok) {
            dump_select(&select, &tree);
            buf_add_byte(&tree, 0);
            assert_string_equal(tree.p, clauses[i].tree);
        }
        buf_free(&tree);
        arena_free(&a);
    }
}

/* Every door checks the text before it reads it. */
static void every_door_refuses_what_is_no_text(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct arena a = {0};
        struct error err = {0};
        struct soql_select select = {0};
        struct soql_query *q;
        struct soql_node *n;
        const char *text = "\xff";
        bool ok = i < 3 ? parse_clause((enum clause)i, text, &a, &select, &err) : i == 3 ? parse_query(text, &a, &q, &err) : parse_expression(text, &a, &n, &err);
        assert_false(ok);
        assert_non_null(strstr(err.message, "is not UTF-8 at byte 0"));
        arena_free(&a);
    }
}

/* ── places ── */

static void check_place(struct soql_place at, const char *text)
{
    struct str s = str_make(at.source->text.p + at.at, at.end - at.at);
    if (!str_eq(s, str_from(text)))
        fail_msg("\"%.*s\" is not \"%s\"", ARG_STR(s), text);
}

static void nodes_know_where_they_stand(void **state)
{
    (void)state;
    struct arena a = {0};
    struct error err = {0};
    struct soql_query *q = NULL;
    assert_true(parse_query(" select (a  + f(b) ), @t.c not  like 'x' as `d` from @x as y |> select `e` union (select g)", &a, &q, &err));
    assert_int_equal(q->kind, QUERY_SET);
    check_place(q->place, "union");
    check_place(q->left->place, "|>");
    const struct soql_select *s = q->left->left->select;
    check_place(s->place, "select (a  + f(b) ), @t.c not  like 'x' as `d` from @x as y");
    check_place(s->selected[0].expr->place, "(a  + f(b) )");
    const struct soql_node *sum = s->selected[0].expr->args[0];
    check_place(sum->place, "a  + f(b)");
    check_place(sum->name_place, "+");
    check_place(sum->args[1]->place, "f(b)");
    check_place(sum->args[1]->name_place, "f");
    check_place(s->selected[1].expr->place, "@t.c not  like 'x'");
    check_place(s->selected[1].expr->name_place, "not  like");
    check_place(s->selected[1].expr->args[0]->place, "@t.c");
    check_place(s->selected[1].expr->args[0]->name_place, "c");
    check_place(s->selected[1].alias_place, "`d`");
    check_place(s->from.place, "@x");
    check_place(s->from.alias_place, "y");
    check_place(q->left->right->select->selected[0].expr->place, "`e`");
    arena_free(&a);
}

/* ── limits: the last that is taken, and the first that is not ── */

static char *repeat(struct arena *a, const char *before, const char *middle, size_t n, const char *after)
{
    struct buf b = {0};
    buf_add_z(&b, before);
    for (size_t i = 0; i < n; i++)
        buf_add_z(&b, middle);
    buf_add_z(&b, after);
    char *text = (char *)arena_str(a, buf_str(&b)).p;
    assert_non_null(text);
    buf_free(&b);
    return text;
}

static void check_limit(const char *text, enum error_code want, const char *says)
{
    struct arena a = {0};
    struct error err = {0};
    struct soql_query *q;
    bool ok = parse_query(text, &a, &q, &err);
    if (ok != (want == ERROR_NONE))
        fail_msg("%.60s…: %s", text, ok ? "taken" : err.message);
    if (!ok) {
        assert_int_equal(err.code, want);
        if (!strstr(err.message, says))
            fail_msg("\"%s\" does not say \"%s\"", err.message, says);
    }
    arena_free(&a);
}

/* n + extra repetitions are refused, n are taken. */
static void check_both_sides(const char *before, const char *middle, size_t n, const char *after, const char *says)
{
    struct arena a = {0};
    check_limit(repeat(&a, before, middle, n, after), ERROR_NONE, "");
    check_limit(repeat(&a, before, middle, n + 1, after), ERROR_QUERY_TOO_LARGE, says);
    arena_free(&a);
}

static void limits_hold_on_both_sides(void **state)
{
    (void)state;
    /* the text */
    check_both_sides("select a", " ", SOQL_TEXT_MAX - strlen("select a"), "", "at most 65536");
    /* depth: of the tree, of the rules */
    check_both_sides("select a", "+a", SOQL_DEPTH_MAX - 1, "", "deeper than 200");
    check_both_sides("select a", " is null", SOQL_DEPTH_MAX - 1, "", "deeper than 200");
    check_both_sides("select a", "::text", SOQL_DEPTH_MAX - 1, "", "deeper than 200");
    check_both_sides("select a", ".b", SOQL_DEPTH_MAX - 1, "", "deeper than 200");
    check_both_sides("select ", "- ", SOQL_DEPTH_MAX - 1, "a", "deeper than 200");
    check_both_sides("select ", "not ", SOQL_DEPTH_MAX - 1, "a", "deeper than 200");
    check_both_sides("select ", "a ^ ", SOQL_DEPTH_MAX - 1, "a", "deeper than 200");
    check_both_sides("select ", "a like ", SOQL_DEPTH_MAX - 1, "a", "deeper than 200");
    struct arena a = {0};
    check_limit(repeat(&a, repeat(&a, "", "(", SOQL_DEPTH_MAX - 1, "select a"), ")", SOQL_DEPTH_MAX - 1, ""), ERROR_NONE, "");
    check_limit(repeat(&a, repeat(&a, "", "(", SOQL_DEPTH_MAX + 1, "select a"), ")", SOQL_DEPTH_MAX + 1, ""), ERROR_QUERY_TOO_LARGE, "deeper than 200");
    check_limit(repeat(&a, repeat(&a, "select ", "(", SOQL_DEPTH_MAX - 1, "a"), ")", SOQL_DEPTH_MAX - 1, ""), ERROR_NONE, "");
    check_limit(repeat(&a, repeat(&a, "select ", "(", SOQL_DEPTH_MAX, "a"), ")", SOQL_DEPTH_MAX, ""), ERROR_QUERY_TOO_LARGE, "deeper than 200");
    check_limit(repeat(&a, "select ", "(", 100000 / 2, ""), ERROR_QUERY_TOO_LARGE, "deeper than 200");
    check_limit(repeat(&a, "select ", "f(", 30000, ""), ERROR_QUERY_TOO_LARGE, "deeper than 200");
    check_limit(repeat(&a, "select ", "case when ", 6000, ""), ERROR_QUERY_TOO_LARGE, "deeper than 200");
    check_limit(repeat(&a, "select sum(a) filter (where a", "+a", 199, ")"), ERROR_QUERY_TOO_LARGE, "deeper than 200");
    check_limit(repeat(&a, "select sum(a) over (partition by a", "+a", 199, ")"), ERROR_QUERY_TOO_LARGE, "deeper than 200");
    check_limit(repeat(&a, "select sum(a) over (order by a", "+a", 199, ")"), ERROR_QUERY_TOO_LARGE, "deeper than 200");
    check_limit(repeat(&a, "select f(a", "+a", 199, ")"), ERROR_QUERY_TOO_LARGE, "deeper than 200");
    check_limit(repeat(&a, "select b in (a", "+a", 199, ")"), ERROR_QUERY_TOO_LARGE, "deeper than 200");
    check_limit(repeat(&a, "select b and a", "+a", 199, ""), ERROR_QUERY_TOO_LARGE, "deeper than 200");
    check_limit(repeat(&a, "select case when b then a", "+a", 199, " end"), ERROR_QUERY_TOO_LARGE, "deeper than 200");
    check_limit(repeat(&a, "select a", " join (select a", 201, ""), ERROR_QUERY_TOO_LARGE, "more than 64 selects");
    /* a chain of ANDs or ORs is no depth */
    check_limit(repeat(&a, "select a", " and a", 5000, ""), ERROR_NONE, "");
    check_limit(repeat(&a, "select a", " or a", 5000, ""), ERROR_NONE, "");
    arena_free(&a);
    /* nodes, values of IN, selects */
    check_both_sides("select a", ",a", SOQL_NODES_MAX - 1, "", "more than 20000");
    check_both_sides("select a in (1", ",1", SOQL_IN_MAX - 1, ")", "more than 10000");
    check_both_sides("select a", " |> select a", SOQL_SELECTS_MAX - 1, "", "more than 64 selects");
    check_both_sides("select a", " union select a", SOQL_SELECTS_MAX - 1, "", "more than 64 selects");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_become_trees), cmocka_unit_test(queries_become_trees),        cmocka_unit_test(a_clause_is_the_whole_text), cmocka_unit_test(every_door_refuses_what_is_no_text),
        cmocka_unit_test(nodes_know_where_they_stand), cmocka_unit_test(limits_hold_on_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
