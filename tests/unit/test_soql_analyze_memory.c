/* The analyzer when memory is short: the n-th request for memory fails, for every n, and each time that is what is said. */
#include "analyze_kit.h"

static int left = -1; /* requests that still succeed; negative: all */

static bool refused(void)
{
    return left >= 0 && left-- == 0;
}

void *__real_arena_alloc(struct arena *a, size_t n);
void *__real_arena_zalloc(struct arena *a, size_t n);
void *__real_arena_grow(struct arena *a, void *p, size_t old_n, size_t n);
struct str __real_arena_str(struct arena *a, struct str s);
void *__wrap_arena_alloc(struct arena *a, size_t n);
void *__wrap_arena_zalloc(struct arena *a, size_t n);
void *__wrap_arena_grow(struct arena *a, void *p, size_t old_n, size_t n);
struct str __wrap_arena_str(struct arena *a, struct str s);

void *__wrap_arena_alloc(struct arena *a, size_t n)
{
    return refused() ? NULL : __real_arena_alloc(a, n);
}

void *__wrap_arena_zalloc(struct arena *a, size_t n)
{
    return refused() ? NULL : __real_arena_zalloc(a, n);
}

void *__wrap_arena_grow(struct arena *a, void *p, size_t old_n, size_t n)
{
    return refused() ? NULL : __real_arena_grow(a, p, old_n, n);
}

struct str __wrap_arena_str(struct arena *a, struct str s)
{
    return refused() ? STR_NONE : __real_arena_str(a, s);
}

static const char *const queries[] = {
    "select *, x + 1, x + 1, `incident-id` || '\xc3\xa9' as n where name like 'a%' and :id = 'row-2222~2222~2222' and not felt order by x, n",
    "select name, max(x) as m, case when count(*) > 1 then '1' else 2 end group by name having m > 1 |> select name where m in (1, 2, '3')",
    "select @r.*, link.url, doc['a'] join @regions as r on region = @r.code and within_polygon(place, 'MULTIPOLYGON (((0 0,1 0,1 1,0 0)))')",
    "select sum(x) filter (where felt) over (partition by name order by at rows 1 preceding) as s union select x::number from @this as t",
    "select distinct on (x) name, loc = '{\"latitude\":1,\"longitude\":2}', link = 'http://x' join (select code from @regi-ons1) as q on true",
    "select group by name order by upper(name)",
};

static void short_memory_is_said_wherever_it_is_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        struct arena parsed = {0};
        struct soql_source source = {STR("$query"), str_from(queries[i])};
        struct soql_parsing parsing = {.arena = &parsed};
        const struct soql_catalog catalog = {&asked, find_test_dataset};
        struct soql_query *q;
        struct error err = {0};
        left = -1;
        if (!soql_parse_query(&parsing, &source, &q, &err))
            fail_msg("%s", err.message);
        bool ok = false;
        int n = 0;
        for (; !ok && n < 10000; n++) {
            struct arena a = {0};
            struct soql_analysis ret;
            err = (struct error){0};
            left = n;
            ok = soql_analyze(q, &quakes, &catalog, &a, &ret, &err);
            if (!ok && err.code != ERROR_OUT_OF_MEMORY)
                fail_msg("%s, request %d: %s", queries[i], n, err.message);
            arena_free(&a);
        }
        left = -1;
        assert_true(ok && n > 20);
        arena_free(&parsed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(short_memory_is_said_wherever_it_is_short)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
