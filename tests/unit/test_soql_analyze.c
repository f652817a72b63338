/* What queries mean: each line of the tables is a query and the typed tree that it becomes, folded onto one line. Rules: docs/wire/soql.md. */
#include "analyze_kit.h"

#include "soql/request.h"
#include "soql/signature.h"
#include "soql/soql.h"

static const struct {
    const char *query, *tree;
} trees[] = {
    /* aliases stand for their expressions, in every clause */
    {"select magnitude*2 as m where m > 5 order by m desc limit 3 offset 2",
     "select stable(from @0 dataset quak-es11, column m(op$* number(@0.magnitude number, \"2\" number)), where(op$> "
     "boolean(op$* number(@0.magnitude number, \"2\" number), \"5\" number)), order desc nulls first(op$* "
     "number(@0.magnitude number, \"2\" number)), limit 3, offset 2)"},
    {"select x as y, y+1 as z, z*2 as w",
     "select stable(from @0 dataset quak-es11, column y(@0.x number), column z(op$+ number(@0.x number, \"1\" "
     "number)), column w(op$* number(op$+ number(@0.x number, \"1\" number), \"2\" number)))"},
    {"select y+1 as z, x as y where z > y",
     "select stable(from @0 dataset quak-es11, column z(op$+ number(@0.x number, \"1\" number)), column y(@0.x "
     "number), where(op$> boolean(op$+ number(@0.x number, \"1\" number), @0.x number)))"},
    {"select x+1 as x where x > 5",
     "select stable(from @0 dataset quak-es11, column x(op$+ number(@0.x number, \"1\" number)), where(op$> "
     "boolean(op$+ number(@0.x number, \"1\" number), \"5\" number)))"},
    {"select x + 1 as x, x * 2 as y",
     "select stable(from @0 dataset quak-es11, column x(op$+ number(@0.x number, \"1\" number)), column y(op$* "
     "number(op$+ number(@0.x number, \"1\" number), \"2\" number)))"},
    {"select `incident-id`, NAME",
     "select stable(from @0 dataset quak-es11, column incident_id(@0.incident_id text), column name(@0.name text))"},
    {"select name, count(*) as n group by name having n > 1",
     "select grouped(from @0 dataset quak-es11, column name(@0.name text), column n(count/* number), group(@0.name "
     "text), having(op$> boolean(count/* number, \"1\" number)))"},
    /* stars */
    {"select :* (except :id), name",
     "select stable(from @0 dataset quak-es11, column :created_at(@0.:created_at fixed_timestamp), column "
     ":updated_at(@0.:updated_at fixed_timestamp), column :version(@0.:version row_version), column name(@0.name "
     "text))"},
    {"select * (except name, magnitude, felt, at, seen, place, area, link, loc, doc), magnitude as name",
     "select stable(from @0 dataset quak-es11, column region(@0.region text), column x(@0.x number), column "
     "incident_id(@0.incident_id text), column name(@0.magnitude number))"},
    {"select @r.*, name join @regions as r on true",
     "select stable(from @0 dataset quak-es11, join @1 dataset regi-ons1(on(\"true\" boolean)), column code(@1.code text), "
     "column title(@1.title text), column population(@1.population number), column shape(@1.shape multipolygon), "
     "column x(@1.x number), column name(@0.name text))"},
    {"select name, x |> select *",
     "select stable(from @0(select stable(from @0 dataset quak-es11, column name(@0.name text), column x(@0.x "
     "number))), column name(@0.name text), column x(@0.x number))"},
    {"select group by name",
     "select grouped(from @0 dataset quak-es11, column name(@0.name text), column count(count/* number), "
     "group(@0.name text))"},
    {"select 1 group by 1",
     "select grouped(from @0 dataset quak-es11, column _1(\"1\" number))"},
    /* literals are what is needed */
    {"select name where magnitude > '3'",
     "select stable(from @0 dataset quak-es11, column name(@0.name text), where(op$> boolean(@0.magnitude number, "
     "\"3\" number)))"},
    {"select name where at between '2015-01-10T12:00:00' and '2015-01-10T14:00' and felt = 'true' and seen > '2014-01'",
     "select stable(from @0 dataset quak-es11, column name(@0.name text), where(op$and boolean(#BETWEEN "
     "boolean(@0.at floating_timestamp, \"2015-01-10T12:00:00.000\" floating_timestamp, \"2015-01-10T14:00:00.000\" "
     "floating_timestamp), op$= boolean(@0.felt boolean, \"true\" boolean), op$> boolean(@0.seen fixed_timestamp, "
     "\"2014-01-01T00:00:00.000Z\" fixed_timestamp))))"},
    {"select name where seen = '2014-01-01T10:20:30.5-0800' or felt = '0'",
     "select stable(from @0 dataset quak-es11, column name(@0.name text), where(op$or boolean(op$= boolean(@0.seen "
     "fixed_timestamp, \"2014-01-01T18:20:30.500Z\" fixed_timestamp), op$= boolean(@0.felt boolean, \"false\" "
     "boolean))))"},
    {"select '7' * 2, '7' || 2, null = null, 'a' = 'b', '5' + '3', '2014' || 1, null",
     "select stable(from @0 dataset quak-es11, column _7_2(op$* number(\"7\" number, \"2\" number)), column "
     "_7_2_1(op$|| text(\"7\" text, \"2\" number)), column null_null(op$= boolean(null text, null text)), column "
     "a_b(op$= boolean(\"a\" text, \"b\" text)), column _5_3(op$+ number(\"5\" number, \"3\" number)), column _2014_1(op$|| "
     "text(\"2014\" text, \"1\" number)), column null(null text))"},
    {"select name where within_polygon(place, 'multipolygon(((0 0,1 0,1 1,0 0)))') and link = 'http://example.com/'",
     "select stable(from @0 dataset quak-es11, column name(@0.name text), where(op$and boolean(within_polygon "
     "boolean(@0.place point, \"MULTIPOLYGON (((0.0 0.0, 1.0 0.0, 1.0 1.0, 0.0 0.0)))\" multipolygon), op$= "
     "boolean(@0.link url, \"http://example.com/\" url))))"},
    {"select at + 'P1M', at::text, date_diff_d(at, '2014-01-01')",
     "select stable(from @0 dataset quak-es11, column at_p1m(op$+ floating_timestamp(@0.at floating_timestamp, "
     "\"P1M\" interval)), column at_text(cast$text text(@0.at floating_timestamp)), column "
     "date_diff_d_at_2014_01_01(date_diff_d number(@0.at floating_timestamp, \"2014-01-01T00:00:00.000\" "
     "floating_timestamp)))"},
    {"select '1.50' = x, 1e3, 1.50, 'a''b'",
     "select stable(from @0 dataset quak-es11, column _1_50_x(op$= boolean(\"1.50\" number, @0.x number)), column "
     "_1e_3(\"1000\" number), column _1_50(\"1.50\" number), column a_b(\"a'b\" text))"},
    {"select x::double + 1, x::double = '1.5'",
     "select stable(from @0 dataset quak-es11, column x_double_1(op$+ double(cast$double double(@0.x number), \"1\" "
     "double)), column x_double_1_5(op$= boolean(cast$double double(@0.x number), \"1.5\" double)))"},
    {"select link = '{\"url\":\"http://x\"}', loc = '{\"latitude\": \"1\", \"longitude\": \"2\"}'",
     "select stable(from @0 dataset quak-es11, column link_url_http_x(op$= boolean(@0.link url, \"http://x\" url)), "
     "column loc_latitude_1_longitude_2(op$= boolean(@0.loc location, \"(1, 2)\" location)))"},
    /* casts */
    {"select x::text, 'abc'::number, '1'::number, null::number, x::double, '2014-01-01'::date, 'P1D'::interval, '10:00'::time, 'http://x'::url, ' 1 '::number",
     "select stable(from @0 dataset quak-es11, column x_text(cast$text text(@0.x number)), column "
     "abc_number(cast$number number(\"abc\" text)), column _1_number(cast$number number(\"1\" number)), column "
     "null_number(cast$number number(null number)), column x_double(cast$double double(@0.x number)), column "
     "_2014_01_01_date(cast$date date(\"2014-01-01\" date)), column p1d_interval(cast$interval interval(\"P1D\" "
     "interval)), column _10_00_time(cast$time time(\"10:00:00.000\" time)), column http_x_url(cast$url "
     "url(\"http://x\" url)), column _1_number_1(cast$number number(\" 1 \" text)))"},
    /* fields and subscripts */
    {"select doc.foo, doc['a'], doc[0], link.url, place.longitude, at.year, at.date, 'POINT (1 2)'.latitude",
     "select stable(from @0 dataset quak-es11, column doc_foo(#SUBSCRIPT json(@0.doc json, \"foo\" text)), column "
     "doc_a(#SUBSCRIPT json(@0.doc json, \"a\" text)), column doc_0(#SUBSCRIPT json(@0.doc json, \"0\" number)), column "
     "link_url(url_url text(@0.link url)), column place_longitude(point_longitude number(@0.place point)), column "
     "at_year(floating_timestamp_year number(@0.at floating_timestamp)), column at_date(floating_timestamp_date "
     "date(@0.at floating_timestamp)), column point_1_2_latitude(point_latitude number(\"POINT (1.0 2.0)\" point)))"},
    /* forms that repeat */
    {"select iif(felt, 1, '2'), coalesce(x, 0), case(felt, 'a', true, 'b'), least(1,x,'3'), case when felt then null end",
     "select stable(from @0 dataset quak-es11, column iif_felt_1_2(iif number(@0.felt boolean, \"1\" number, \"2\" "
     "number)), column coalesce_x_0(coalesce number(@0.x number, \"0\" number)), column case_felt_a_true_b(#CASE text "
     "else(@0.felt boolean, \"a\" text, \"b\" text)), column least_1_x_3(least number(\"1\" number, @0.x number, \"3\" "
     "number)), column case_when_felt_then_null_end(#CASE text(@0.felt boolean, null text)))"},
    {"select case when felt then 1 when not felt then '2' else x end",
     "select stable(from @0 dataset quak-es11, column case_when_felt_then_1_when_not_felt_then_2_else_x_end(#CASE "
     "number else(@0.felt boolean, \"1\" number, op$not boolean(@0.felt boolean), \"2\" number, @0.x number)))"},
    {"select name where felt and x > 1 and (name like 'a%' or name not in ('b', 'c'))",
     "select stable(from @0 dataset quak-es11, column name(@0.name text), where(op$and boolean(@0.felt boolean, "
     "op$> boolean(@0.x number, \"1\" number), op$or boolean(#LIKE boolean(@0.name text, \"a%\" text), #NOT_IN "
     "boolean(@0.name text, \"b\" text, \"c\" text)))))"},
    /* row ids */
    {"select :id where :id = 'row-2222~2222~2222' and :version = 'rv-2222~2222~2222'",
     "select stable(from @0 dataset quak-es11, column :id(@0.:id row_identifier), where(op$and boolean(op$= "
     "boolean(@0.:id row_identifier, \"row-2222~2222~2222\" row_identifier), op$= boolean(@0.:version row_version, "
     "\"rv-2222~2222~2222\" row_version))))"},
    {"select @r.:id join @regions as r on 'row-2222~2222~2222' = @r.:id",
     "select stable(from @0 dataset quak-es11, join @1 dataset regi-ons1(on(op$= boolean(\"row-2222~2222~2222\" "
     "row_identifier, @1.:id row_identifier))), column :id(@1.:id row_identifier))"},
    {"select :id where 'row-2222~2222~2222' = 'row-2222-2222-2222'",
     "select stable(from @0 dataset quak-es11, column :id(@0.:id row_identifier), where(op$= "
     "boolean(\"row-2222~2222~2222\" text, \"row-2222-2222-2222\" text)))"},
    {"select max(:id), max(:updated_at)",
     "select grouped(from @0 dataset quak-es11, column max_id(max row_identifier(@0.:id row_identifier)), column "
     "max_updated_at(max fixed_timestamp(@0.:updated_at fixed_timestamp)))"},
    {"select coalesce(:id, 'row-2222~2222~2222'), case when felt then :id end",
     "select stable(from @0 dataset quak-es11, column coalesce_id_row_2222_2222_2222(coalesce row_identifier(@0.:id "
     "row_identifier, \"row-2222~2222~2222\" row_identifier)), column case_when_felt_then_id_end(#CASE "
     "row_identifier(@0.felt boolean, @0.:id row_identifier)))"},
    /* tables */
    {"select name from @this as t where @t.x > 1",
     "select stable(from @0 dataset quak-es11, column name(@0.name text), where(op$> boolean(@0.x number, \"1\" "
     "number)))"},
    {"select name, @r.title join @regions as r on region = @r.code",
     "select stable(from @0 dataset quak-es11, join @1 dataset regi-ons1(on(op$= boolean(@0.region text, @1.code text))), "
     "column name(@0.name text), column title(@1.title text))"},
    {"select name, @r.x join @regions as @r on @r.code = region where x > 1",
     "select stable(from @0 dataset quak-es11, join @1 dataset regi-ons1(on(op$= boolean(@1.code text, @0.region text))), "
     "column name(@0.name text), column x(@1.x number), where(op$> boolean(@0.x number, \"1\" number)))"},
    {"select name left outer join (select code, max(population) as m from @regions group by code) as r on @r.code = region",
     "select stable(from @0 dataset quak-es11, left join @1(select grouped(from @0 dataset regi-ons1, column code(@0.code "
     "text), column m(max number(@0.population number)), group(@0.code text)), on(op$= boolean(@1.code text, "
     "@0.region text))), column name(@0.name text))"},
    {"select name full join @regi-ons1 on region = @regi-ons1.code",
     "select stable(from @0 dataset quak-es11, full join @1 dataset regi-ons1(on(op$= boolean(@0.region text, @1.code "
     "text))), column name(@0.name text))"},
    {"select name right join lateral @regions as r on @r.code = region",
     "select stable(from @0 dataset quak-es11, right join lateral @1 dataset regi-ons1(on(op$= boolean(@1.code text, "
     "@0.region text))), column name(@0.name text))"},
    {"select name join (select name) as r on name = @r.name",
     "select stable(from @0 dataset quak-es11, join @1(select stable(from @0 dataset quak-es11, column name(@0.name "
     "text)), on(op$= boolean(@0.name text, @1.name text))), column name(@0.name text))"},
    {"select @r.title as t from @single_row join @regions as r on true",
     "select(from @0 single row, join @1 dataset regi-ons1(on(\"true\" boolean)), column t(@1.title text))"},
    {"select name join @quak-es11 as q on :id = @q.:id",
     "select stable(from @0 dataset quak-es11, join @1 dataset quak-es11(on(op$= boolean(@0.:id row_identifier, @1.:id "
     "row_identifier))), column name(@0.name text))"},
    /* queries of queries */
    {"select name, count(*) group by name |> select name where count > 1",
     "select(from @0(select grouped(from @0 dataset quak-es11, column name(@0.name text), column count(count/* "
     "number), group(@0.name text))), column name(@0.name text), where(op$> boolean(@0.count number, \"1\" number)))"},
    {"select name |> select name from @this as q where @q.name = 'a'",
     "select stable(from @0(select stable(from @0 dataset quak-es11, column name(@0.name text))), column "
     "name(@0.name text), where(op$= boolean(@0.name text, \"a\" text)))"},
    {"select name union select title from @regi-ons1",
     "union(select stable(from @0 dataset quak-es11, column name(@0.name text)), select stable(from @0 dataset "
     "regi-ons1, column title(@0.title text)))"},
    {"select name union all select title from @regions |> select name order by name",
     "select(from @0(union all(select stable(from @0 dataset quak-es11, column name(@0.name text)), select "
     "stable(from @0 dataset regi-ons1, column title(@0.title text)))), column name(@0.name text), order asc nulls "
     "last(@0.name text))"},
    {"(select name minus all select region) intersect select incident_id",
     "intersect(minus all(select stable(from @0 dataset quak-es11, column name(@0.name text)), select stable(from "
     "@0 dataset quak-es11, column region(@0.region text))), select stable(from @0 dataset quak-es11, column "
     "incident_id(@0.incident_id text)))"},
    {"select name order by x desc limit 2 |> select name",
     "select stable(from @0(select stable(from @0 dataset quak-es11, column name(@0.name text), order desc nulls "
     "first(@0.x number), limit 2)), column name(@0.name text))"},
    /* groups */
    {"select felt, count(*) filter (where magnitude > 1) group by felt",
     "select grouped(from @0 dataset quak-es11, column felt(@0.felt boolean), column count_magnitude_1(count/* "
     "number(filter(op$> boolean(@0.magnitude number, \"1\" number)))), group(@0.felt boolean))"},
    {"select name group by name having count(*) > 1 and name like 'a%'",
     "select grouped(from @0 dataset quak-es11, column name(@0.name text), group(@0.name text), having(op$and "
     "boolean(op$> boolean(count/* number, \"1\" number), #LIKE boolean(@0.name text, \"a%\" text))))"},
    {"select upper(name) group by name",
     "select grouped(from @0 dataset quak-es11, column upper_name(upper text(@0.name text)), group(@0.name text))"},
    {"select upper(name) group by upper(name) order by upper(NAME), 1",
     "select grouped(from @0 dataset quak-es11, column upper_name(upper text(@0.name text)), group(upper "
     "text(@0.name text)), order asc nulls last(upper text(@0.name text)))"},
    {"select extent(place), convex_hull(spatial_union(place)), median(x), median(name)",
     "select grouped(from @0 dataset quak-es11, column extent_place(extent multipolygon(@0.place point)), column "
     "convex_hull_spatial_union_place(convex_hull multipolygon(spatial_union multipoint(@0.place point))), column "
     "median_x(median number(@0.x number)), column median_name(median text(@0.name text)))"},
    {"select sum(count(*)) over () group by name",
     "select grouped(from @0 dataset quak-es11, column sum_count_over(sum number(count/* number, over)), "
     "group(@0.name text))"},
    {"select count(*) having count(*) > 1",
     "select grouped(from @0 dataset quak-es11, column count(count/* number), having(op$> boolean(count/* number, "
     "\"1\" number)))"},
    /* windows */
    {"select row_number() over (partition by name order by x desc, at) as n order by n",
     "select stable(from @0 dataset quak-es11, column n(row_number number(over(partition(@0.name text), order desc "
     "nulls first(@0.x number), order asc nulls last(@0.at floating_timestamp)))), order asc nulls last(row_number "
     "number(over(partition(@0.name text), order desc nulls first(@0.x number), order asc nulls last(@0.at "
     "floating_timestamp)))))"},
    {"select sum(x) filter (where felt) over (order by x range 1 preceding), sum(x) over (rows between unbounded preceding and 1 following exclude ties)",
     "select stable(from @0 dataset quak-es11, column sum_x_felt_over_order_by_x_range_1_preceding(sum number(@0.x "
     "number, filter(@0.felt boolean), over range 1 preceding(order asc nulls last(@0.x number)))), column "
     "sum_x_over_rows_between_unbounded_preceding_and_1_following_exclude_ties(sum number(@0.x number, over rows "
     "unbounded preceding to 1 following exclude ties)))"},
    /* distinct, order, search */
    {"select distinct name order by name",
     "select distinct(from @0 dataset quak-es11, column name(@0.name text), order asc nulls last(@0.name text))"},
    {"select distinct on (x) name order by x, name",
     "select(from @0 dataset quak-es11, distinct on(@0.x number), column name(@0.name text), order asc nulls "
     "last(@0.x number), order asc nulls last(@0.name text))"},
    {"select distinct on (x, region) name order by region",
     "select(from @0 dataset quak-es11, distinct on(@0.x number, @0.region text), column name(@0.name text), order "
     "asc nulls last(@0.region text))"},
    {"select name order by 1, name desc, x nulls first",
     "select stable(from @0 dataset quak-es11, column name(@0.name text), order desc nulls first(@0.name text), "
     "order asc nulls first(@0.x number))"},
    {"select name search 'a b' limit 0",
     "select stable(from @0 dataset quak-es11, column name(@0.name text), search \"a b\", limit 0)"},
};

static void queries_become_these_trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        struct arena a = {0};
        struct soql_analysis q;
        struct error err = {0};
        struct buf got = {0};
        if (!analyze(trees[i].query, &a, &q, &err))
            fail_msg("%s\n%s", trees[i].query, err.message);
        print_folded(&q, &got);
        if (strcmp(got.p, trees[i].tree) != 0)
            fail_msg("%s\nis     %s\nshould %s", trees[i].query, got.p, trees[i].tree);
        buf_free(&got);
        arena_free(&a);
    }
}

/* ── implicit aliases: every row of the table in docs/wire/soql.md, and more ── */

static const struct {
    const char *selected, *names;
} aliases[] = {
    {"max(magnitude)", "max_magnitude"},
    {"count(*)", "count"},
    {"count(*), count(*), count(*)", "count count_1 count_2"},
    {"SUM(x)", "sum_x"},
    {"count(distinct x)", "count_distinct_x"},
    {"x + 1", "x_1"},
    {"(x)", "x_1"},
    {"-x", "x_1"},
    {"+x", "x_1"},
    {"x, (x), -x", "x x_1 x_2"},
    {"magnitude + x, magnitude - x", "magnitude_x magnitude_x_1"},
    {"upper(name) || ' x'", "upper_name_x"},
    {"magnitude * 3.28", "magnitude_3_28"},
    {"1, 1", "_1 _1_1"},
    {"date_trunc_ym(at)", "date_trunc_ym_at"},
    {"x is not null, x is null", "x_is_not_null x_is_null"},
    {"name like 'a%'", "like_name_a"},
    {"name not like 'a%'", "not_like_name_a"},
    {"x in (1,2)", "in_x_1_2"},
    {"x not in (1,2)", "not_in_x_1_2"},
    {"x between 1 and 2, x not between 1 and 2", "x_between_1_and_2 x_not_between_1_and_2"},
    {"x::text", "x_text"},
    {"loc.latitude", "loc_latitude"},
    {"doc['a b']", "doc_a_b"},
    {"count(*) over (partition by name), name", "count_over_partition_by_name name"},
    {"row_number() over ()", "row_number_over"},
    {"sum(x) over (order by name, at desc rows between 2 preceding and current row exclude ties)",
     "sum_x_over_order_by_name_at_rows_between_2_preceding_and_current_row_exclude_ties"},
    {"count(*) filter (where felt)", "count_felt"},
    {"case when felt then 1 else 2 end", "case_when_felt_then_1_else_2_end"},
    {"case when felt then 1 end", "case_when_felt_then_1_end"},
    {"not felt", "not_felt"},
    {"felt and x > 1 and true", "felt_and_x_1_and_true"},
    {"felt or x != 1", "felt_or_x_1"},
    {"1e3, 2.5E-3, 0.00000001, 5., 1.50, 0, 007", "_1e_3 _0_0025 _1e_8 _5 _1_50 _0 _7"},
    {"name || '\xc3\xa9', ''", "name_\xc3\xa9 _"},
    {"null, true, false", "null true false"},
    {"name || '_x_'", "name_x_"},
    {"'a\nb'", "a_nb"},
    {"`incident-id` || 'x'", "incident_id_x"},
    {"@t.x + 1, @t.x", "_t_x_1 x"},
    {"UPPER(NAME) as `Big-Name`", "big_name"},
    {"x as max_x, max(x)", "max_x max_x_1"},
    {":id, :created_at is null", ":id created_at_is_null"},
};

static void expressions_get_these_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        struct arena a = {0};
        struct soql_analysis q;
        struct error err = {0};
        struct buf got = {0};
        char *text = arena_printf(&a, "select %s from @this as t group by x, name, at, felt, magnitude, loc, doc, incident_id, :id, :created_at", aliases[i].selected);
        if (!analyze(text, &a, &q, &err))
            fail_msg("%s\n%s", text, err.message);
        for (size_t c = 0; c < q.relation->n_columns; c++) {
            buf_add_z(&got, c ? " " : "");
            buf_add_str(&got, q.relation->columns[c].name);
        }
        buf_add_byte(&got, 0);
        assert_string_equal(got.p, aliases[i].names);
        buf_free(&got);
        arena_free(&a);
    }
}

static void equal_expressions_get_numbers_in_their_order(void **state)
{
    (void)state;
    enum { EXPRESSIONS = 1000 };
    struct arena a = {0};
    struct soql_analysis q;
    struct error err = {0};
    struct buf text = {0};
    for (int i = 0; i < EXPRESSIONS; i++)
        buf_printf(&text, "%s upper(name), x + %d", i ? "," : "select", i);
    buf_add_byte(&text, 0);
    assert_true(analyze(text.p, &a, &q, &err));
    assert_int_equal(q.relation->n_columns, 2 * EXPRESSIONS);
    assert_true(str_eq(q.relation->columns[0].name, STR("upper_name")));
    assert_true(str_eq(q.relation->columns[2].name, STR("upper_name_1")));
    assert_true(str_eq(q.relation->columns[2 * EXPRESSIONS - 2].name, STR("upper_name_999")));
    assert_true(str_eq(q.relation->columns[2 * EXPRESSIONS - 1].name, STR("x_999")));
    buf_free(&text);
    arena_free(&a);
}

/* ── parameters ── */

static bool analyze_parameters(struct soql_parameter *p, size_t n, struct arena *a, struct soql_analysis *ret, struct error *err)
{
    struct soql_parsing parsing = {.arena = a};
    struct soql_query *q;
    return soql_request_query(p, n, &quake_columns, &parsing, &q, err) && soql_analyze(q, &quakes, NULL, a, ret, err);
}

static const struct {
    const char *column, *value, *where; /* NULL: refused */
} filters[] = {
    {"name", "", "op$= boolean(@0.name text, \"\" text)"},
    {"magnitude", " 1.50 ", "op$= boolean(@0.magnitude number, \"1.50\" number)"},
    {"felt", "yes", "op$= boolean(@0.felt boolean, \"true\" boolean)"},
    {"at", "01/02/2014", "op$= boolean(@0.at floating_timestamp, \"2014-01-02T00:00:00.000\" floating_timestamp)"},
    {"link", "http://x", "op$= boolean(url_url text(@0.link url), \"http://x\" text)"},
    {":id", "row-2222~2222~2222", "op$= boolean(@0.:id row_identifier, \"row-2222~2222~2222\" row_identifier)"},
    {":version", "rv-2222~2222~2222", "op$= boolean(@0.:version row_version, \"rv-2222~2222~2222\" row_version)"},
    {"magnitude", "abc", NULL},
    {"magnitude", "", NULL},
    {":id", "1", NULL},
    {":version", "row-2222~2222~2222", NULL},
};

static void filters_read_their_value_as_an_upload_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct arena a = {0};
        struct soql_analysis q;
        struct error err = {0};
        struct buf got = {0};
        struct soql_parameter p[] = {{.name = STR("$select"), .value = STR("x")}, {.name = str_from(filters[i].column), .value = str_from(filters[i].value)}};
        bool ok = analyze_parameters(p, 2, &a, &q, &err);
        if (ok != !!filters[i].where)
            fail_msg("%s=%s: %s", filters[i].column, filters[i].value, err.message);
        if (ok) {
            print_folded(&q, &got);
            assert_non_null(strstr(got.p, filters[i].where));
        } else {
            assert_int_equal(err.code, ERROR_QUERY_TYPE_MISMATCH);
            assert_non_null(strstr(err.message, "cannot be read: expected a "));
            assert_non_null(strstr(err.data, "\"value\""));
        }
        buf_free(&got);
        arena_free(&a);
    }
}

static void the_limit_of_a_set_operation_keeps_all_its_columns(void **state)
{
    (void)state;
    struct arena a = {0};
    struct soql_analysis q;
    struct error err = {0};
    struct soql_parameter p = {.name = STR("$query"), .value = STR("select :id, name union select :id, region")};
    assert_true(analyze_parameters(&p, 1, &a, &q, &err));
    assert_int_equal(q.relation->n_columns, 2);
    assert_true(str_eq(q.relation->columns[0].name, STR(":id")));
    assert_ptr_equal(q.relation->columns[0].row_ids, &quake_key);
    assert_int_equal(q.relation->limit, 1000);
    arena_free(&a);
}

/* ── datasets ── */

static void the_catalog_is_asked_once_a_name(void **state)
{
    (void)state;
    struct arena a = {0};
    struct soql_analysis q;
    struct error err = {0};
    asked = 0;
    assert_true(analyze("select name join @regions as a on true join @Regions as b on true join @regi-ons1 as c on true join @quak-es11 as d on true", &a, &q, &err));
    assert_int_equal(asked, 2);
    assert_int_equal(q.n_datasets, 2);
    assert_true(str_eq(q.datasets[1].name, STR("regi-ons1")));
    assert_int_equal(q.relation->tables[4].dataset, 0);
    arena_free(&a);
}

static void a_catalog_that_fails_says_why_itself(void **state)
{
    (void)state;
    struct arena a = {0};
    struct soql_analysis q;
    struct error err = {0};
    assert_false(analyze("select name join @down on true", &a, &q, &err));
    assert_int_equal(err.code, ERROR_STORE_UNAVAILABLE);
    arena_free(&a);
}

/* ── limits, on each side ── */

static void check_limit(const char *what, struct str text, bool fits)
{
    struct arena a = {0};
    struct soql_analysis q;
    struct error err = {0};
    struct str z = arena_str(&a, text);
    bool ok = analyze(z.p, &a, &q, &err);
    if (ok != fits)
        fail_msg("%s: %s", what, ok ? "was taken" : err.message);
    if (!ok)
        assert_int_equal(err.code, ERROR_LIMIT_EXCEEDED);
    arena_free(&a);
}

static void queries_have_named_limits(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct buf b = {0};
        buf_add_z(&b, "select name");
        for (int i = 1; i < SOQL_DATASETS_MAX + over; i++)
            buf_printf(&b, " join @t-%04d as t%d on true", i, i);
        check_limit("datasets", buf_str(&b), !over);
        buf_reset(&b);
        buf_add_z(&b, "select name");
        for (int i = 1; i < 32 + over; i++)
            buf_printf(&b, " join @regions as t%d on true", i);
        check_limit("tables", buf_str(&b), !over);
        buf_reset(&b);
        /* 100 deep, then 99, or 100, deeper */
        buf_add_z(&b, "select ");
        for (int i = 0; i < SOQL_DEPTH_MAX / 2 - 1; i++)
            buf_add_z(&b, "- ");
        buf_add_z(&b, "x as a, ");
        for (int i = 0; i < SOQL_DEPTH_MAX / 2 + over; i++)
            buf_add_z(&b, "- ");
        buf_add_z(&b, "a as b");
        check_limit("depth", buf_str(&b), !over);
        buf_reset(&b);
        /* each alias is twice the one before: 2^13 columns, then 2^14, are used for the last */
        buf_add_z(&b, "select x as a0");
        for (int i = 1; i < 13 + over; i++)
            buf_printf(&b, ", a%d + a%d as a%d", i - 1, i - 1, i);
        check_limit("unfolded", buf_str(&b), !over);
        buf_reset(&b);
        buf_add_z(&b, "select x");
        for (int i = 0; i < 5 + over; i++)
            buf_add_z(&b, " |> select x join @this as t on x = @t.x");
        check_limit("selects read again", buf_str(&b), !over);
        buf_reset(&b);
        buf_add_z(&b, "select ");
        for (int i = 0; i < 4096 + over; i++)
            buf_add_byte(&b, '1');
        check_limit("digits", buf_str(&b), !over);
        buf_free(&b);
    }
}

static void the_signature_of_every_function_can_be_read(void **state)
{
    (void)state;
    size_t n;
    const struct soql_function *f = soql_functions(&n);
    assert_true(n > 100);
    for (size_t i = 0; i < n; i++) {
        struct signature s;
        if (!signature_read(&f[i], &s))
            fail_msg("%s(%s) gives %s", f[i].name, f[i].arguments, f[i].result);
    }
    static const struct soql_function bad[] = {
        {.arguments = "nothing", .result = "text"}, {.arguments = "any a", .result = "b"},  {.arguments = "odd a", .result = "a"},
        {.arguments = "any a, any a", .result = "a"}, {.arguments = "any a...,text", .result = "a"}, {.arguments = "any a, any b, any c", .result = "a"},
        {.arguments = "text,text,text,text,text,text,text,text,text", .result = "text"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct signature s;
        assert_false(signature_read(&bad[i], &s));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_become_these_trees),
        cmocka_unit_test(expressions_get_these_names),
        cmocka_unit_test(equal_expressions_get_numbers_in_their_order),
        cmocka_unit_test(filters_read_their_value_as_an_upload_does),
        cmocka_unit_test(the_limit_of_a_set_operation_keeps_all_its_columns),
        cmocka_unit_test(the_catalog_is_asked_once_a_name),
        cmocka_unit_test(a_catalog_that_fails_says_why_itself),
        cmocka_unit_test(queries_have_named_limits),
        cmocka_unit_test(the_signature_of_every_function_can_be_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
