/* Every allocation of every SQL function that allocates fails once: the query then fails for want of memory, nothing is leaked, and the
 * next run gives the answer. Linked with --wrap=malloc (Makefile). */
#include <stdlib.h>

#include "sql_kit.h"
#include "failing_allocation.h"

#define BIG "'1234567890123456789012345678901234567890'"
#define ROWS " FROM (VALUES ('1'),('2.50')," "(" BIG "),('4')) AS t"
#define FRAME " OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)"
#define SQUARE "geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7)"

static const char *const expressions[] = {
    "num_add('1','2',7)",
    "num_add(" BIG ",'1',7)",
    "num_divide(" BIG ",'7',7)",
    "num_power('2','0.5',7)",
    "num_power('1.0000001','12345678',7)",
    "num_ln('2.5',7)",
    "num_ln('1.05',7)",
    "num_floor('-1.5')",
    "num_negate('1')",
    "num_signed_magnitude_linear('-25','10',7)",
    "num_width_bucket('5','0','10','5',7)",
    "num_parse('1e3',7)",
    "num_sum(column1,7)" ROWS,
    "num_avg(column1,7)" ROWS,
    "num_stddev_samp(column1,7)" ROWS,
    "num_sum(column1,7)" FRAME ROWS,
    "num_median(column1,7)" ROWS,
    "num_median(column1,7)" FRAME ROWS,
    "any_median(column1)" FRAME ROWS,
    "num_regr_slope(column1,column1||'1',7)" ROWS,
    "real_text(0.1)",
    "real_number(0.1)",
    "text_upper('é')",
    "text_unaccent('é')",
    "text_replace('banana','an','X',7)",
    "text_concat('a','b',7)",
    "text_left_pad('a','100','xy',7)",
    "floating_text(0)",
    "date_text(0)",
    "time_text(0)",
    "interval_parse('P1DT1.5S',7)",
    "ts_second(1)",
    "ts_epoch_seconds(1)",
    "ts_to_zone(0,'Pacific/Auckland',7)",
    "json_parse('{\"a\":[1,2]}',7)",
    "json_field('{\"a\":[1,2]}','a')",
    "json_element('[1,2]','1',7)",
    "url_make('http://a','b')",
    "url_text('{\"url\":\"http://a\"}')",
    "url_description('{\"url\":\"http://a\",\"description\":\"b\"}')",
    "loc_point('{\"latitude\":\"1\",\"longitude\":\"2\"}')",
    "loc_latitude('{\"latitude\":\"1\",\"longitude\":\"2\"}')",
    "geo_text(" SQUARE ")",
    "geo_multi(" SQUARE ")",
    "geo_snap(" SQUARE ",'0.5',7)",
    "geo_box(1.0,2.0,3.0,4.0)",
    "geo_within(geo_point('1','1',7)," SQUARE ",7)",
    "geo_convex_hull(geo_multi(" SQUARE "),7)",
    "geo_collect_union(column1,7) FROM (VALUES (" SQUARE "),(" SQUARE ")) AS t",
};

/* False: the allocation did not come to fail, the answer is there. */
static bool runs_short(const char *expression, unsigned long at)
{
    struct buf text = {0};
    struct error err = {0};
    enum sql_step step;
    buf_printf(&text, "SELECT %s", expression);
    struct sql_statement *st = sql_prepare(sql, buf_str(&text), &err);
    buf_free(&text);
    assert_non_null(st);
    allocations = 0;
    failing = at;
    while ((step = sql_step(sql, st, &err)) == SQL_ROW)
        ;
    failing = 0;
    bool fired = at && allocations >= at;
    sql_finalize(st);
    if (fired ? step == SQL_DONE || err.code != ERROR_OUT_OF_MEMORY : step != SQL_DONE)
        fail_msg("%s, allocation %lu: %s", expression, at, step == SQL_DONE ? "done" : err.message);
    return fired;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(expressions); i++) {
        unsigned long at = 1;
        while (runs_short(expressions[i], at))
            if (++at > 100000)
                fail_msg("%s: no end of allocations", expressions[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, open_sql, close_sql);
}
