/* How long it takes to make SQL of a query: parameters, parse, analysis, emission; what the API does for a query that it has not seen. Over the
 * workload's 22 columns. Median of batches. Output: name, ours, reference, ratio, goal; the reference is the goal. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "rows/type.h"
#include "soql/soql.h"
#include "workload.h"

enum { BATCHES = 1001, IN_BATCH = 10 }; /* short ones: nothing else runs in most of them */
#define GOAL_US 50.0

static const struct soql_parameter typical[] = {
    {STR("$select"), STR("primary_type, date_trunc_ym(date) AS month, count(*) AS n, sum(ward) AS wards")},
    {STR("$where"), STR("arrest = true AND date > '2015-01-01T00:00:00' AND district IN ('001', '002', '007') AND NOT starts_with(block, '0')")},
    {STR("$group"), STR("primary_type, month")},
    {STR("$having"), STR("n > 10")},
    {STR("$order"), STR("month, n DESC")},
    {STR("$limit"), STR("100")},
};
static const struct soql_parameter simple[] = {{STR("district"), STR("007")}, {STR("$order"), STR("date DESC")}, {STR("$limit"), STR("100")}};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool compile(const struct soql_dataset *d, const struct soql_parameter *parameters, size_t n, struct arena *a, struct error *err)
{
    const struct soql_request request = {d, NULL, parameters, n};
    struct soql_compiled compiled = {0};
    bool ok = soql_compile(&request, a, &compiled, err);
    query_fini(&compiled.query);
    arena_reset(a);
    return ok;
}

static bool measure(const struct soql_dataset *d, const char *name, const struct soql_parameter *parameters, size_t n)
{
    double us[BATCHES];
    struct arena a = {0};
    struct error err = {0};
    bool ok = true;
    for (int b = 0; b < BATCHES && ok; b++) {
        uint64_t start = clock_mono_us();
        for (int i = 0; i < IN_BATCH && ok; i++)
            ok = compile(d, parameters, n, &a, &err);
        us[b] = (double)(clock_mono_us() - start) / IN_BATCH;
    }
    arena_free(&a);
    if (!ok) {
        fprintf(stderr, "bench_compile: %s\n", err.message);
        return false;
    }
    qsort(us, BATCHES, sizeof *us, compare);
    printf("compiling %s\t%.1f us\t%.1f us\t%.2f\t< 50 us\n", name, us[BATCHES / 2], GOAL_US, us[BATCHES / 2] / GOAL_US);
    return true;
}

int main(void)
{
    struct column columns[WORKLOAD_COLUMNS] = {0};
    struct columns all = {.v = columns, .n = WORKLOAD_COLUMNS, .row_identifier = WORKLOAD_KEY_COLUMN};
    const struct row_id_key key = {{1, 2, 3, 4}};
    const struct soql_dataset d = {STR("abcd-efgh"), &all, &key};
    for (int i = 0; i < WORKLOAD_COLUMNS; i++)
        columns[i] = (struct column){.physical = i + 1, .type = type_get(workload_columns[i].type),
                                     .field_name = str_from(workload_columns[i].field_name), .name = str_from(workload_columns[i].name)};
    if (!random_init() || !columns_index(&all))
        return 1;
    bool ok = measure(&d, "an aggregation of six clauses", typical, sizeof typical / sizeof *typical) &&
              measure(&d, "a filter by equality, with an order", simple, sizeof simple / sizeof *simple);
    columns_unindex(&all);
    return ok ? 0 : 1;
}
