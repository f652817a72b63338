/* Which indexes a query wishes for (src/soql/wish.c). */
#include "analyze_kit.h"

static const struct {
    const char *query, *wishes; /* physical numbers; wishes are separated by ; */
} cases[] = {
    {"select *", ""},
    {"select * where region = 'x'", "11"},
    {"select * where 'x' = region", "11"},
    {"select * where region in ('x', 'y') and felt = true and magnitude > 3", "11 3 2"},
    {"select * where magnitude > 3 and region = 'x'", "11 2"},
    {"select * where magnitude between 3 and 4", "2"},
    {"select * where region is null", "11"},
    {"select * where starts_with(region, 'x')", "11"},
    {"select * where starts_with(region, '')", ""},
    {"select * where region like 'x%'", "11"},
    {"select * where region like '%x'", ""},
    {"select * where region like 'x\\_y%'", ""},
    {"select * where region not like 'x%'", ""},
    {"select * where region = name", ""},
    {"select * where upper(region) = 'X'", ""},
    {"select * where region = 'x' or magnitude = 3", ""},
    {"select * where not region = 'x'", ""},
    {"select * where link is null and doc is null", ""},
    {"select * where region = 'x' order by at desc", "11 4"},
    {"select * order by magnitude, at", "2 4"},
    {"select * order by magnitude, at desc", "2"},
    {"select * order by magnitude, upper(region)", "2"},
    {"select * order by upper(region), magnitude", ""},
    {"select * order by :id", ""},
    {"select * order by name, magnitude, felt, at", "1 2 3"},
    {"select * where magnitude > 3 order by at", "2"},
    {"select region, count(*) group by region", "11"},
    {"select region, count(*) group by region order by count(*) desc", "11"},
    {"select region, max(magnitude) where felt = true group by region", "3 11 2"},
    {"select region, max(magnitude) where upper(name) = 'X' group by region", "11 2 1"},
    {"select region, max(magnitude), max(at) where felt = true group by region", "3"},
    {"select region, max(:updated_at) group by region", ""},
    {"select region, count(:id) group by region", "11"},
    {"select date_trunc_y(at), count(*) group by date_trunc_y(at)", "4"},
    {"select region, count(link) group by region", ""},
    {"select region, count(*) group by region having max(magnitude) > 3", "11 2"},
    {"select region, count(*) filter (where felt) group by region", "11 3"},
    {"select region, count(*) group by region search 'x'", ""},
    {"select sum(magnitude)", "2"},
    {"select count(*)", ""},
    {"select distinct region", ""},
    {"select region where magnitude = 3 |> select region, count(*) group by region", "2"},
    {"select * where region = 'x' |> select * where magnitude = 3", "11"},
    {"(select region where magnitude = 3) union (select region where felt = false)", "2;3"},
    {"(select region where magnitude = 3) union (select region where magnitude = 4)", "2"},
    {"select * join @regions as r on region = @r.code where region = 'x' and @r.population > 3", ""},
    {"select @r.title join @regions as r on region = @r.code where region = 'x'", ""},
};

static void every_select_wishes_for_the_index_that_serves_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a = {0};
        struct soql_analysis q;
        struct query query = {0};
        struct buf got = {0};
        struct error err = {0};
        bool ok = analyze(cases[i].query, &a, &q, &err);
        if (ok)
            soql_wish_indexes(&q, &query);
        for (size_t k = 0; k < query.n_indexes; k++)
            for (size_t c = 0; c < query.indexes[k].n; c++)
                buf_printf(&got, "%s%d", c ? " " : k ? ";" : "", query.indexes[k].v[c]);
        bool same = ok && str_eq(buf_str(&got), str_from(cases[i].wishes));
        if (!same)
            print_error("%s: \"" FMT_STR "\", not \"%s\" %s\n", cases[i].query, ARG_STR(buf_str(&got)), cases[i].wishes, ok ? "" : err.message);
        buf_free(&got);
        arena_free(&a);
        assert_true(same);
    }
}

static void wishes_have_a_bound(void **state)
{
    (void)state;
    struct arena a = {0};
    struct soql_analysis q;
    struct query query = {0};
    struct error err = {0};
    assert_true(analyze("((((select x where name = 'x') union (select x where magnitude = 3)) union (select x where felt = true)) union"
                        " (select x where region = 'x')) union (select x where x = 1)", &a, &q, &err));
    soql_wish_indexes(&q, &query);
    assert_int_equal(query.n_indexes, QUERY_INDEXES_MAX);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_select_wishes_for_the_index_that_serves_it),
        cmocka_unit_test(wishes_have_a_bound),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
