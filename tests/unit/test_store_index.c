/* Indexes that the server makes by itself (src/store/sqlite/index.h, docs/decisions/indexes.md). */
#include "store_kit.h"

#include "base/clock.h"
#include "soql/soql.h"

enum { ROWS = 21000 };

/* Rows of that many groups by name. */
static void fill(struct kit *k, int from, int n)
{
    struct buf b = {0};
    for (int i = from; i < from + n; i++)
        buf_printf(&b, "id=k%d name=g%d n=%d ok=%d; ", i, i % 7, i % 1000, i % 2);
    buf_add_byte(&b, 0);
    assert_true(buf_ok(&b));
    kit_write(k, b.p);
    buf_free(&b);
}

struct sum {
    int64_t rows, last;
};

static bool add_row(void *ctx, const struct cell *cells, struct error *err)
{
    struct sum *s = ctx;
    (void)err;
    s->rows++;
    s->last = cells[0].i;
    return true;
}

/* The groups, and how many rows there are in the last; asks for an index on these columns. */
static struct sum ask(struct kit *k, const char *sql, struct index_columns wish)
{
    struct sum s = {0};
    struct query q = {.n_columns = 1, .indexes = {wish}, .n_indexes = 1};
    struct store_reader reader = {&s, NULL, add_row, NULL};
    buf_add_z(&q.sql.text, sql);
    GOOD(store_query(k->store, k->d, &q, &reader, &err));
    buf_free(&q.sql.text);
    return s;
}

static struct sum ask_groups(struct kit *k)
{
    return ask(k, "SELECT count(*) FROM rows GROUP BY c2", (struct index_columns){{2}, 1});
}

static int64_t indexes(struct kit *k)
{
    return kit_ask(k, "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'auto_*'");
}

static void wait_for(struct kit *k, const char *name, bool there)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM sqlite_schema WHERE name='%s'", name);
    uint64_t until = clock_mono_ms() + 60000;
    while (kit_ask(k, sql) != there && clock_mono_ms() < until)
        usleep(20000);
    assert_int_equal(kit_ask(k, sql), there);
}

static void make_one(struct kit *k)
{
    kit_dataset(k, "text", true);
    fill(k, 0, ROWS);
    for (int i = 0; i < INDEX_SCANS_MIN; i++)
        assert_int_equal(ask_groups(k).rows, 7);
    wait_for(k, "auto_c2", true);
}

/* ── made ── */

static void some_scans_make_an_index(void **state)
{
    struct kit *k = *state;
    make_one(k);
    assert_int_equal(indexes(k), 1);
    struct sum s = ask_groups(k);
    assert_int_equal(s.rows, 7);
    assert_int_equal(s.last, ROWS / 7);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM sqlite_stat1 WHERE idx='auto_c2'"), 1);
    assert_int_equal(kit_state(k).version, 1);
}

static void fewer_scans_or_rows_do_not(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    fill(k, 0, INDEX_ROWS_MIN - 1);
    for (int i = 0; i < 2 * INDEX_SCANS_MIN; i++)
        ask_groups(k);
    assert_int_equal(k->store->open->indexes.n_wishes, 0);
    fill(k, INDEX_ROWS_MIN - 1, ROWS - INDEX_ROWS_MIN + 1);
    for (int i = 0; i < INDEX_SCANS_MIN - 1; i++)
        ask_groups(k);
    ask(k, "SELECT sid FROM rows WHERE c1='k7'", (struct index_columns){{2}, 1}); /* went over nothing */
    assert_int_equal(k->store->open->indexes.wishes[0].scans, INDEX_SCANS_MIN - 1);
    usleep(1000 * (INDEX_IDLE_MS + 3 * TICK_MS));
    assert_int_equal(indexes(k), 0);
    ask_groups(k);
    wait_for(k, "auto_c2", true);
}

static void it_outlives_a_restart(void **state)
{
    struct kit *k = *state;
    make_one(k);
    kit_reopen(k);
    assert_int_equal(ask_groups(k).rows, 7);
    assert_int_equal(k->store->open->indexes.n_present, 1);
    assert_int_equal(k->store->open->indexes.n_wishes, 0);
    assert_int_equal(k->store->open->indexes.present[0].columns.v[0], 2);
}

static void age(struct kit *k, unsigned at)
{
    pthread_mutex_lock(&k->store->lock);
    k->store->open->indexes.present[at].wished_ms -= INDEX_KEEP_MS;
    pthread_mutex_unlock(&k->store->lock);
}

static void there_are_so_many_and_the_one_not_wished_for_goes(void **state)
{
    struct kit *k = *state;
    const struct index_columns wishes[] = {{{2}, 1}, {{3}, 1}, {{4}, 1}, {{2, 3}, 2}, {{3, 2, 4}, 3}};
    const char *names[] = {"auto_c2", "auto_c3", "auto_c4", "auto_c2_c3", "auto_c3_c2_c4"};
    make_one(k);
    for (int i = 1; i < 4; i++) {
        for (int n = 0; n < INDEX_SCANS_MIN; n++)
            ask(k, "SELECT sum(length(c1)) FROM rows NOT INDEXED", wishes[i]);
        wait_for(k, names[i], true);
    }
    for (int n = 0; n < INDEX_SCANS_MIN; n++)
        ask(k, "SELECT sum(length(c1)) FROM rows NOT INDEXED", wishes[4]);
    usleep(1000 * (INDEX_IDLE_MS + 3 * TICK_MS));
    assert_int_equal(indexes(k), INDEXES_MAX);
    wait_for(k, names[4], false);
    age(k, 2);
    wait_for(k, names[4], true);
    wait_for(k, names[2], false);
    assert_int_equal(indexes(k), INDEXES_MAX);
}

static void one_too_large_is_not_tried_again(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    fill(k, 0, ROWS);
    pthread_mutex_lock(&k->store->lock);
    k->store->open->table->meta.state.rows = (int64_t)1 << 40;
    pthread_mutex_unlock(&k->store->lock);
    for (int i = 0; i < INDEX_SCANS_MIN; i++)
        ask_groups(k);
    long long not_before = 0;
    for (int i = 0; i < 500 && not_before != INT64_MAX; i++) {
        usleep(20000);
        pthread_mutex_lock(&k->store->lock);
        not_before = k->store->open->indexes.wishes[0].not_before_ms;
        pthread_mutex_unlock(&k->store->lock);
    }
    assert_true(not_before == INT64_MAX);
    assert_int_equal(indexes(k), 0);
}

/* ── writes ── */

static void few_written_rows_keep_it_many_drop_it(void **state)
{
    struct kit *k = *state;
    make_one(k);
    fill(k, 0, INDEX_WRITTEN_MIN / 2);
    fill(k, ROWS, INDEX_WRITTEN_MIN / 2);
    assert_int_equal(indexes(k), 1);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows INDEXED BY auto_c2 WHERE c2 IS NOT NULL"), ROWS + INDEX_WRITTEN_MIN / 2);
    fill(k, 0, 1);
    assert_int_equal(indexes(k), 0);
    assert_int_equal(ask_groups(k).rows, 7);
    assert_int_equal(kit_state(k).rows, ROWS + INDEX_WRITTEN_MIN / 2);
    for (int i = 1; i < INDEX_SCANS_MIN; i++)
        ask_groups(k);
    wait_for(k, "auto_c2", true);
}

static void a_write_that_is_undone_drops_nothing(void **state)
{
    struct kit *k = *state;
    make_one(k);
    struct buf b = {0};
    for (int i = 0; i < 2 * INDEX_WRITTEN_MIN; i++)
        buf_printf(&b, "id=x%d name=other; ", i);
    buf_add_byte(&b, 0);
    struct write w = {.has_expected_version = true, .expected_version = 99};
    assert_false(kit_write_as(k, &w, b.p));
    assert_int_equal(indexes(k), 1);
    assert_int_equal(ask_groups(k).rows, 7);
    w = (struct write){.dry_run = true};
    assert_true(kit_write_as(k, &w, b.p));
    assert_int_equal(indexes(k), 1);
    assert_true(kit_write_as(k, &(struct write){0}, b.p));
    assert_int_equal(indexes(k), 0);
    assert_int_equal(ask_groups(k).rows, 8);
    buf_free(&b);
}

static void a_replace_begins_without(void **state)
{
    struct kit *k = *state;
    make_one(k);
    struct write w = {.replace = true};
    assert_true(kit_write_as(k, &w, "id=a name=b"));
    assert_int_equal(indexes(k), 0);
    kit_refresh(k);
    assert_int_equal(ask_groups(k).rows, 1);
}

/* ── who waits ── */

/* The file looks idle to the index thread all the time: it takes the turn between writes, and is in their way again and again. */
static void look_idle(struct kit *k)
{
    pthread_mutex_lock(&k->store->lock);
    atomic_store(&k->store->open->written_ms, 0);
    atomic_store(&k->store->open->wal_frames, 0);
    k->store->open->indexes.wishes[0].not_before_ms = k->store->open->indexes.wishes[0].failures = 0;
    pthread_cond_signal(&k->store->index_wake);
    pthread_mutex_unlock(&k->store->lock);
}

static void writes_go_on_while_one_is_made(void **state)
{
    struct kit *k = *state;
    enum { WRITES = 300 };
    kit_dataset(k, "text", true);
    fill(k, 0, ROWS);
    for (int i = 0; i < INDEX_SCANS_MIN; i++)
        ask_groups(k);
    for (int i = 0; i < WRITES; i++) {
        look_idle(k);
        fill(k, i % 2 ? ROWS + i : i, 1);
    }
    look_idle(k);
    wait_for(k, "auto_c2", true);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows INDEXED BY auto_c2 WHERE c2 IS NOT NULL"), ROWS + WRITES / 2);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check<>'ok'"), 0);
    assert_int_equal(kit_state(k).rows, ROWS + WRITES / 2);
}

static void a_turn_tells_its_holder_that_it_is_wanted(void **state)
{
    (void)state;
    struct turn t;
    turn_init(&t);
    turn_take(&t);
    assert_false(turn_is_wanted(&t));
    assert_false(turn_try(&t));
    assert_true(turn_is_wanted(&t));
    turn_give(&t);
    assert_true(turn_try(&t));
    assert_false(turn_is_wanted(&t));
    turn_give(&t);
    turn_fini(&t);
}

static bool yes(void *ctx)
{
    ++*(int *)ctx;
    return true;
}

static void an_index_in_the_making_gives_way(void **state)
{
    struct kit *k = *state;
    struct error refusal = {0};
    int asked = 0;
    kit_dataset(k, "text", true);
    fill(k, 0, 5000);
    struct sql *db = k->store->open->writer;
    GOOD(sql_exec(db, "BEGIN", &err));
    sql_set_interrupt(db, yes, &asked);
    assert_false(sql_exec(db, "CREATE INDEX auto_c2 ON rows(c2)", &refusal));
    assert_int_equal(refusal.code, ERROR_QUERY_TIMEOUT);
    assert_int_equal(asked, 1);
    sql_set_interrupt(db, NULL, NULL);
    if (sql_in_transaction(db))
        GOOD(sql_exec(db, "ROLLBACK", &err));
    assert_int_equal(indexes(k), 0);
    fill(k, 0, 1);
    assert_int_equal(kit_state(k).rows, 5000);
}

/* ── plans: what the emitted text makes of an index ── */

static const struct {
    const char *index, *query, *plan; /* lines, "; " between them */
} plans[] = {
    {"rows(c2)", "select name where name = 'x'", "SEARCH t0 USING COVERING INDEX i (c2=?)"},
    {"rows(c2)", "select * where name = 'x'", "SEARCH t0 USING INDEX i (c2=?)"},
    {"rows(c3)", "select * where n = 3", "SEARCH t0 USING INDEX i (c3=?)"},
    {"rows(c3)", "select n where n > 3 and n < 9 order by n", "SEARCH t0 USING COVERING INDEX i (c3>? AND c3<?)"},
    {"rows(c3)", "select n where n between 3 and 9 order by n", "SEARCH t0 USING COVERING INDEX i (c3>? AND c3<?)"},
    {"rows(c4)", "select * where ok = true", "SEARCH t0 USING INDEX i (c4=?)"},
    {"rows(c2)", "select * where name is null", "SEARCH t0 USING INDEX i (c2=?)"},
    {"rows(c2)", "select name where starts_with(name, 'x') order by name", "SEARCH t0 USING COVERING INDEX i (c2>? AND c2<?)"},
    {"rows(c2)", "select name where name like 'x_y%' order by name", "SEARCH t0 USING COVERING INDEX i (c2>? AND c2<?)"},
    {"rows(c2, c3)", "select * where name = 'x' and n > 3 order by n", "SEARCH t0 USING INDEX i (c2=? AND c3>?)"},
    {"rows(c2, c4, c3)", "select * where n > 3 and name = 'x' and ok = true order by n", "SEARCH t0 USING INDEX i (c2=? AND c4=? AND c3>?)"},
    {"rows(c2, c3)", "select * where name = 'x' order by n", "SEARCH t0 USING INDEX i (c2=?)"},
    {"rows(c3)", "select * order by n", "SCAN t0 USING INDEX i"},
    {"rows(c3)", "select * order by n limit 10 offset 500", "SCAN t0 USING INDEX i"},
    {"rows(c2)", "select name, count(*) group by name", "SCAN t0 USING COVERING INDEX i"},
    {"rows(c3)", "select n, count(*) group by n", "SCAN t0 USING COVERING INDEX i"},
    {"rows(c2, c3)", "select name, sum(n) group by name", "SCAN t0 USING COVERING INDEX i"},
    {"rows(c4, c2)", "select name, count(*) where ok = true group by name", "SEARCH t0 USING COVERING INDEX i (c4=?)"},
    {"rows(c3)", "select max(n)", "SEARCH t0 USING COVERING INDEX i"},
};

static void explain(struct sql *db, struct str query, struct buf *out)
{
    struct buf text = {0};
    struct sql_statement *st;
    enum sql_step step;
    struct error failure = {0};
    buf_printf(&text, "EXPLAIN QUERY PLAN " FMT_STR, ARG_STR(query));
    GOOD(st = sql_prepare(db, buf_str(&text), &err));
    while ((step = sql_step(db, st, &failure)) == SQL_ROW) {
        buf_add_z(out, out->n ? "; " : "");
        buf_add_str(out, sql_text(st, 3));
    }
    assert_int_equal(step, SQL_DONE);
    sql_finalize(st);
    buf_free(&text);
}

static void the_plan_is(const struct columns *columns, const char *index, const char *query, const char *plan)
{
    struct arena a = {0};
    struct sql *db;
    struct buf got = {0}, create = {0};
    const struct row_id_key key = {{1, 2, 3, 4}};
    const struct soql_dataset dataset = {STR("abcd-efgh"), columns, &key};
    const struct soql_parameter parameter = {STR("$query"), str_from(query)};
    const struct soql_request request = {&dataset, NULL, &parameter, 1};
    struct soql_compiled compiled = {0};
    GOOD(db = sql_open(":memory:", SQL_BUILD, 1 << 20, &err));
    GOOD(layout_create(db, columns, &err));
    buf_printf(&create, "CREATE INDEX i ON %s", index);
    buf_add_byte(&create, 0);
    GOOD(sql_exec(db, create.p, &err));
    GOOD(soql_compile(&request, &a, &compiled, &err));
    explain(db, buf_str(&compiled.query.sql.text), &got);
    bool same = str_eq(buf_str(&got), str_from(plan));
    if (!same)
        print_error("%s: " FMT_STR "\n  not %s\n  " FMT_STR "\n", query, ARG_STR(buf_str(&got)), plan, ARG_STR(buf_str(&compiled.query.sql.text)));
    query_fini(&compiled.query);
    buf_free(&got);
    buf_free(&create);
    sql_close(db);
    arena_free(&a);
    assert_true(same);
}

static void queries_use_the_index_that_serves_them(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        the_plan_is(&k->d->columns, plans[i].index, plans[i].query, plans[i].plan);
}

/* ── counting from value to value ── */

struct text {
    struct buf rows;
};

static bool add_text(void *ctx, const struct cell *cells, struct error *err)
{
    struct text *t = ctx;
    (void)err;
    for (int i = 0; i < 2; i++) {
        if (cells[i].kind == CELL_INT)
            buf_add_i64(&t->rows, cells[i].i);
        else
            buf_add_str(&t->rows, cells[i].kind == CELL_TEXT ? cells[i].s : STR("null"));
        buf_add_byte(&t->rows, i ? ';' : ' ');
    }
    return true;
}

static struct buf answer(struct kit *k, const struct query *q)
{
    struct text t = {.rows = {0}};
    struct store_reader reader = {&t, NULL, add_text, NULL};
    GOOD(store_query(k->store, k->d, q, &reader, &err));
    assert_true(buf_ok(&t.rows));
    return t.rows;
}

static bool serves_counting(struct kit *k, const struct query *q)
{
    struct error err;
    struct generation *g = generation_use(k->store, k->d, &err);
    struct sql *db = reader_take(k->store, g, &err);
    bool yes = indexes_serve_counting(k->store, g, q, db, kit_state(k).rows);
    reader_give(k->store, g, db, true);
    generation_leave(k->store, g);
    return yes;
}

/* Whether it goes from value to value; either way it answers what the plain text does. */
static bool counts_by_values(struct kit *k, const char *text)
{
    static const struct row_id_key key;
    struct arena a = {0};
    struct soql_compiled compiled;
    const struct soql_dataset d = {str_from(k->d->id), &k->d->columns, &key};
    const struct soql_parameter query = {STR("$query"), str_from(text)};
    const struct soql_request request = {.primary = &d, .parameters = &query, .n = 1};
    GOOD(soql_compile(&request, &a, &compiled, &err));
    struct query plain = compiled.query;
    plain.counting.column = 0;
    bool yes = serves_counting(k, &compiled.query);
    struct buf want = answer(k, &plain), got = answer(k, &compiled.query);
    if (!str_eq(buf_str(&want), buf_str(&got)))
        fail_msg("%s: " FMT_STR " not " FMT_STR, text, ARG_STR(buf_str(&got)), ARG_STR(buf_str(&want)));
    assert_true(want.n > 0);
    buf_free(&want);
    buf_free(&got);
    query_fini(&compiled.query);
    arena_free(&a);
    return yes;
}

static void counts_over_an_index_are_those_of_a_scan(void **state)
{
    static const char *const texts[] = {
        "SELECT name, count(*) GROUP BY name",
        "SELECT count(*), name GROUP BY name ORDER BY count(*) DESC, name DESC LIMIT 3",
        "SELECT upper(name) AS a, count(*) * 2 AS b GROUP BY name HAVING count(*) > 1 ORDER BY name DESC NULLS LAST",
        "SELECT 'x' AS a, name GROUP BY name",
        "SELECT name, count(*) AS n GROUP BY name |> SELECT sum(n), max(name)",
        "SELECT name, count(*) AS n GROUP BY name |> SELECT n, name WHERE n > 1 |> SELECT max(n), count(*)",
        "SELECT CASE WHEN count(*) > 3000 THEN 'many' ELSE 'few' END AS a, coalesce(name, 'none') AS b GROUP BY name ORDER BY 2",
    };
    static const char *const others[] = {
        "SELECT name, count(*) WHERE ok GROUP BY name",          "SELECT name, max(n) GROUP BY name", "SELECT name, count(n) GROUP BY name",
        "SELECT name, count(*) FILTER (WHERE ok) GROUP BY name", "SELECT ok, count(*) GROUP BY ok",   "SELECT name, ok GROUP BY name, ok",
        "SELECT DISTINCT name, count(*) GROUP BY name",          "SELECT n, count(*) GROUP BY n",     "SELECT count(*), 1 AS x",
        "SELECT name, row_number() OVER (ORDER BY name) AS r GROUP BY name",
    };
    struct kit *k = *state;
    make_one(k);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            assert_true(counts_by_values(k, texts[i]));
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            assert_false(counts_by_values(k, others[i]));
        kit_write(k, "id=k3 name=null; id=k4 name=null; id=k5 name=Aa; id=new name=zz; -id=k6");
    }
    kit_reopen(k);
    assert_false(serves_counting(k, &(struct query){.counting = {.column = 9}}));
    assert_int_equal(ask_groups(k).rows, 10);
    assert_true(counts_by_values(k, texts[0]));
    fill(k, 0, INDEX_WRITTEN_MIN + 1); /* the index goes */
    assert_false(counts_by_values(k, texts[0]));
}

static void a_column_of_many_values_is_counted_entry_by_entry(void **state)
{
    struct kit *k = *state;
    make_one(k);
    for (int i = 0; i < INDEX_SCANS_MIN; i++)
        ask(k, "SELECT count(*) FROM rows GROUP BY c1", (struct index_columns){{1}, 1});
    wait_for(k, "auto_c1", true);
    assert_false(counts_by_values(k, "SELECT id, count(*) GROUP BY id ORDER BY id LIMIT 5"));
    assert_true(counts_by_values(k, "SELECT name, count(*) GROUP BY name"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(some_scans_make_an_index),
        KIT_TEST(fewer_scans_or_rows_do_not),
        KIT_TEST(it_outlives_a_restart),
        KIT_TEST(there_are_so_many_and_the_one_not_wished_for_goes),
        KIT_TEST(one_too_large_is_not_tried_again),
        KIT_TEST(few_written_rows_keep_it_many_drop_it),
        KIT_TEST(a_write_that_is_undone_drops_nothing),
        KIT_TEST(a_replace_begins_without),
        KIT_TEST(writes_go_on_while_one_is_made),
        cmocka_unit_test(a_turn_tells_its_holder_that_it_is_wanted),
        KIT_TEST(an_index_in_the_making_gives_way),
        KIT_TEST(queries_use_the_index_that_serves_them),
        KIT_TEST(counts_over_an_index_are_those_of_a_scan),
        KIT_TEST(a_column_of_many_values_is_counted_entry_by_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
