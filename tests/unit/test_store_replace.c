/* Replaces, truncates and new row identifiers: the next generation takes over whole or not at all; what went is kept. */
#include <dirent.h>
#include <utime.h>

#include "store_kit.h"

static struct write replace(struct kit *k, const char *text)
{
    struct write w = {.replace = true};
    if (!kit_write_as(k, &w, text))
        fail_msg("%s: %s", text, w.error.message);
    kit_refresh(k);
    return w;
}

static bool has_file(struct kit *k, int64_t generation)
{
    char *path = path_of_generation(k->store, k->d->id, generation);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static void the_rows_become_the_table(void **state)
{
    struct kit *k = *state;
    static const char *const types[] = {"text", "number", "url"};
    for (int i = 0; i < 6; i++) {
        bool keyed = i < 3;
        kit_dataset(k, types[i % 3], keyed);
        kit_write(k, "name=a; name=b");
        kit_write(k, i % 3 == 2 ? "id={\"url\":\"a\"}" : "id=1; id=2");
        int64_t next = i % 3 == 2 ? 2 : 3;
        struct write w = replace(k, i % 3 == 2 ? "id={\"url\":\"a\"} n=5; id={\"url\":\"b\"}" : "id=2 n=5; id=1");
        kit_counts(&w, 2, 0, 0, 0);
        assert_int_equal(w.state.version, 3);
        assert_int_equal(w.state.rows, 2);
        assert_int_equal(k->d->generation, 2);
        /* Row numbers go on. */
        assert_int_equal(kit_ask(k, "SELECT min(sid) FROM rows"), next + (int64_t)(2));
        assert_int_equal(kit_ask(k, "SELECT max(version)*10+min(version) FROM rows"), 33);
        assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows WHERE created=updated"), 2);
        assert_true(has_file(k, 1));
        assert_true(has_file(k, 2));
    }
}

static void upserts_go_on_after_a_replace(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "number", true);
    kit_write(k, "id=1 name=a");
    replace(k, "id=2.0 name=b; id=10 name=c");
    struct write w = kit_write(k, "id=2 name=d; id=1 name=e");
    kit_counts(&w, 1, 1, 0, 0);
    kit_table_is(k, "2:id=2 name=d; 3:id=10 name=c; 5:id=1 name=e; ");
    kit_reopen(k);
    kit_table_is(k, "2:id=2 name=d; 3:id=10 name=c; 5:id=1 name=e; ");
    assert_int_equal(kit_state(k).version, 3);
}

static void the_same_key_twice_merges(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    struct write w = replace(k, "id=a name=x n=1; id=b; id=a n=2");
    kit_counts(&w, 2, 1, 0, 0);
    kit_table_is(k, "1:id=a name=x n=2; 2:id=b; ");
    assert_int_equal(kit_state(k).rows, 2);
}

static void ids_and_versions_in_rows_are_ignored(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", false);
    kit_write(k, "id=a");
    replace(k, ":id=1 :version=1 id=b; :id=77 id=c");
    kit_table_is(k, "2:id=b; 3:id=c; ");
}

static void an_empty_replace_and_a_truncate_empty_the_table(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a; id=b");
    struct write w = replace(k, "");
    kit_counts(&w, 0, 0, 0, 0);
    kit_table_is(k, "");
    kit_write(k, "id=a");
    w = (struct write){.truncate = true};
    assert_true(kit_write_as(k, &w, NULL));
    kit_refresh(k);
    kit_counts(&w, 0, 0, 0, 0);
    kit_table_is(k, "");
    assert_int_equal(kit_state(k).rows, 0);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM versions WHERE action='truncate' AND generation=3"), 1);
}

static void a_truncate_with_rows_counts_row_errors(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a; id=b");
    struct kit_results r = {0};
    struct write w = {.truncate = true, .result = kit_result, .ctx = &r};
    assert_true(kit_write_as(k, &w, "id=c; -id=a; id=d; id=d n=1"));
    kit_refresh(k);
    kit_counts(&w, 2, 1, 0, 1);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.v[0].position, 1);
    kit_table_is(k, "3:id=c; 5:id=d n=1; ");
}

static void a_bad_row_leaves_all_as_it_was(void **state)
{
    struct kit *k = *state;
    static const struct {
        const char *rows;
        enum error_code code;
        const char *says;
    } cases[] = {
        {"id=x; id=null", ERROR_ROW_NO_KEY, "row 1 (line 2)"},
        {"id=x; name=y", ERROR_ROW_NO_KEY, "row 1 (line 2)"},
        {"id=x; -id=x", ERROR_BAD_REQUEST, "row 1 (line 2): a replace cannot delete rows"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kit_dataset(k, "text", true);
        kit_write(k, "id=a");
        struct store_state before = kit_state(k);
        struct write w = {.replace = true};
        assert_false(kit_write_as(k, &w, cases[i].rows));
        assert_int_equal(w.error.code, cases[i].code);
        assert_non_null(strstr(w.error.message, cases[i].says));
        kit_refresh(k);
        assert_int_equal(k->d->generation, 1);
        struct store_state after = kit_state(k);
        assert_memory_equal(&before, &after, sizeof before);
        kit_table_is(k, "1:id=a; ");
        assert_false(has_file(k, 2));
    }
}

static void a_dry_replace_changes_nothing(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    struct write w = {.replace = true, .dry_run = true};
    assert_true(kit_write_as(k, &w, "id=b; id=c; id=b"));
    kit_counts(&w, 2, 1, 0, 0);
    assert_int_equal(w.state.version, 1);
    kit_table_is(k, "1:id=a; ");
    assert_false(has_file(k, 2));
}

static void the_expected_version_holds_for_replaces(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    struct write w = {.replace = true, .has_expected_version = true, .expected_version = 3};
    assert_false(kit_write_as(k, &w, "id=a"));
    assert_int_equal(w.error.code, ERROR_DATASET_VERSION_MISMATCH);
}

static void the_ledger_goes_along(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    struct write w = {.replace = true, .idempotency_key = STR("once"), .witness = STR("d")};
    assert_true(kit_write_as(k, &w, "id=b"));
    kit_refresh(k);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM versions"), 3);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM audit"), 3);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM main.versions"), 1);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM main.audit"), 2); /* the head of what is in the catalog, and its own */
    struct write again = {.replace = true, .idempotency_key = STR("once"), .witness = STR("d")};
    assert_true(kit_write_as(k, &again, "id=b"));
    kit_refresh(k);
    assert_int_equal(k->d->generation, 2);
    assert_int_equal(again.counts.created, 1);
}

/* ── readers meanwhile ── */

struct replacing {
    struct kit *k;
    atomic_bool stop;
};

static void *replace_often(void *ctx)
{
    struct replacing *r = ctx;
    for (int i = 0; i < 30; i++) {
        char text[256] = "";
        for (int j = 0; j < 1 + i % 5; j++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "id=%d n=%d; ", j, 1 + i % 5);
        struct write w = {.replace = true};
        if (!kit_write_as(r->k, &w, text))
            return "a replace failed";
    }
    atomic_store(&r->stop, true);
    return NULL;
}

static bool no_begin(void *ctx, const struct store_state *state, struct error *err)
{
    (void)err;
    ((int64_t *)ctx)[0] = state->rows;
    return true;
}

static bool count_row(void *ctx, const struct cell *cells, struct error *err)
{
    int64_t *v = ctx;
    (void)err;
    v[1]++;
    if (cells[0].kind != CELL_INT || cells[0].i != v[0])
        v[2]++;
    return true;
}

/* Each table has as many rows as each of its rows says. */
static void readers_see_the_old_or_the_new_table(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=x n=1");
    struct replacing r = {.k = k};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, replace_often, &r), 0);
    const struct dataset *old = dataset_retain(k->d);
    while (!atomic_load(&r.stop)) {
        int64_t v[3] = {0};
        struct query q = {.n_columns = 1};
        struct store_reader reader = {v, no_begin, count_row, NULL};
        buf_printf(&q.sql.text, "SELECT CAST(c%d AS INTEGER) FROM rows", k->d->columns.v[2].physical);
        GOOD(store_query(k->store, old, &q, &reader, &err));
        buf_free(&q.sql.text);
        assert_int_equal(v[0], v[1]);
        assert_int_equal(v[2], 0);
    }
    void *why;
    pthread_join(thread, &why);
    if (why)
        fail_msg("%s", (const char *)why);
    dataset_release(old);
}

/* ── row identifiers ── */

static void a_row_identifier_can_be_set_and_unset(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "number", false);
    kit_write(k, "id=1.5 name=a; id=2");
    const struct dataset *now;
    GOOD(now = store_set_row_identifier(k->store, &actor_server, k->d, 0, &err));
    dataset_release(k->d);
    k->d = now;
    assert_int_equal(k->d->columns.row_identifier, 0);
    kit_table_is(k, "1:id=1.5 name=a; 2:id=2; ");
    assert_int_equal(kit_state(k).shape_version, 2);
    struct write w = kit_write(k, "id=1.50 name=b; id=3");
    kit_counts(&w, 1, 1, 0, 0);
    kit_table_is(k, "1:id=1.50 name=b; 2:id=2; 4:id=3; ");
    GOOD(now = store_set_row_identifier(k->store, &actor_server, k->d, -1, &err));
    dataset_release(k->d);
    k->d = now;
    assert_int_equal(k->d->columns.row_identifier, -1);
    w = kit_write(k, "id=3");
    kit_counts(&w, 1, 0, 0, 0);
}

static void nulls_and_duplicates_cannot_identify(void **state)
{
    struct kit *k = *state;
    struct error refused = {0};
    kit_dataset(k, "number", false);
    kit_write(k, "id=1; id=2; id=1.0");
    assert_null(store_set_row_identifier(k->store, &actor_server, k->d, 0, &refused));
    assert_int_equal(refused.code, ERROR_COLUMN_NOT_UNIQUE);
    assert_non_null(strstr(refused.message, "more than once: \"1"));
    assert_null(store_set_row_identifier(k->store, &actor_server, k->d, 1, &refused));
    assert_int_equal(refused.code, ERROR_COLUMN_HAS_NULLS);
    kit_refresh(k);
    assert_int_equal(k->d->generation, 1);
    assert_false(has_file(k, 2));
    kit_write(k, "id=5");
}

static void a_write_of_the_former_identifier_is_refused(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", false);
    const struct dataset *now;
    GOOD(now = store_set_row_identifier(k->store, &actor_server, k->d, 0, &err));
    struct write w = {0};
    assert_false(kit_write_as(k, &w, "id=a"));
    assert_int_equal(w.error.code, ERROR_DATASET_SHAPE_CHANGED);
    dataset_release(now);
}

/* ── columns that came while somebody held the former snapshot ── */

static const struct dataset *add_column(struct kit *k, const char *name)
{
    struct arena a = {0};
    struct column column;
    int64_t shape_version;
    const struct dataset *next;
    struct column_spec spec = {.name = str_from(name), .field_name = str_from(name), .type_name = STR("text")};
    GOOD(catalog_prepare_column(k->catalog, k->d, &spec, &a, &column, &err));
    GOOD(store_add_column(k->store, k->d, &column, &shape_version, &err));
    GOOD(next = catalog_add_column(k->catalog, &actor_server, k->d->id, &column, shape_version, &err));
    arena_free(&a);
    return next;
}

static void a_replace_begun_before_a_column_was_added_keeps_the_column(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a name=x");
    const struct dataset *later = add_column(k, "later");
    replace(k, "id=b"); /* k->d does not know the column */
    dataset_release(k->d);
    k->d = later;
    kit_write(k, "id=c later=y");
    kit_table_is(k, "2:id=b; 3:id=c later=y; ");
}

static void a_row_identifier_set_under_an_older_snapshot_loses_no_column(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", false);
    const struct dataset *later = add_column(k, "later"), *old = k->d, *now;
    k->d = later;
    kit_write(k, "id=a later=y");
    GOOD(now = store_set_row_identifier(k->store, &actor_server, old, 0, &err));
    dataset_release(old);
    dataset_release(k->d);
    k->d = now;
    assert_int_equal(k->d->columns.n, 5);
    kit_table_is(k, "1:id=a later=y; ");
}

static void a_row_identifier_is_the_column_that_was_meant_though_columns_moved(void **state)
{
    struct kit *k = *state;
    const struct dataset *now;
    kit_dataset(k, "text", false);
    kit_write(k, "id=a name=x");
    const struct column_edit edit = {.id = k->d->columns.v[0].id, .position = 4};
    GOOD(now = catalog_edit_columns(k->catalog, &actor_server, k->d->id, &edit, 1, &err));
    dataset_release(now);
    GOOD(now = store_set_row_identifier(k->store, &actor_server, k->d, 0, &err)); /* id was the first when it was asked for */
    dataset_release(k->d);
    k->d = now;
    assert_true(k->d->columns.row_identifier >= 0 && str_eq(k->d->columns.v[k->d->columns.row_identifier].field_name, STR("id")));
    kit_reopen(k);
    assert_true(k->d->columns.row_identifier >= 0 && str_eq(k->d->columns.v[k->d->columns.row_identifier].field_name, STR("id")));
    struct write w = kit_write(k, "id=a name=z");
    kit_counts(&w, 0, 1, 0, 0);
}

/* ── what is kept ── */

static void former_generations_are_kept_for_fifteen_days(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    replace(k, "id=b");
    replace(k, "id=c");
    kit_reopen(k);
    assert_true(has_file(k, 1) && has_file(k, 2) && has_file(k, 3));
    char *first = path_of_generation(k->store, k->d->id, 1), *beyond = path_of_generation(k->store, k->d->id, 4);
    struct utimbuf old = {0, 0};
    assert_int_equal(utime(first, &old), 0);
    FILE *f = fopen(beyond, "w");
    assert_non_null(f);
    fclose(f);
    kit_reopen(k);
    assert_false(has_file(k, 1));
    assert_true(has_file(k, 2) && has_file(k, 3));
    assert_false(has_file(k, 4));
    kit_table_is(k, "3:id=c; ");
    free(first);
    free(beyond);
}

static void a_kept_generation_is_whole(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a; id=b");
    replace(k, "id=c");
    char *path = path_of_generation(k->store, k->d->id, 1);
    struct sql *db;
    int64_t n = 0;
    GOOD(db = sql_open(path, SQL_READER, 1 << 20, &err));
    GOOD(sql_exec_i64(db, "SELECT count(*) FROM rows", &n, &err));
    assert_int_equal(n, 2);
    sql_close(db);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(the_rows_become_the_table),
        KIT_TEST(upserts_go_on_after_a_replace),
        KIT_TEST(the_same_key_twice_merges),
        KIT_TEST(ids_and_versions_in_rows_are_ignored),
        KIT_TEST(an_empty_replace_and_a_truncate_empty_the_table),
        KIT_TEST(a_truncate_with_rows_counts_row_errors),
        KIT_TEST(a_bad_row_leaves_all_as_it_was),
        KIT_TEST(a_dry_replace_changes_nothing),
        KIT_TEST(the_expected_version_holds_for_replaces),
        KIT_TEST(the_ledger_goes_along),
        KIT_TEST(readers_see_the_old_or_the_new_table),
        KIT_TEST(a_replace_begun_before_a_column_was_added_keeps_the_column),
        KIT_TEST(a_row_identifier_set_under_an_older_snapshot_loses_no_column),
        KIT_TEST(a_row_identifier_is_the_column_that_was_meant_though_columns_moved),
        KIT_TEST(a_row_identifier_can_be_set_and_unset),
        KIT_TEST(nulls_and_duplicates_cannot_identify),
        KIT_TEST(a_write_of_the_former_identifier_is_refused),
        KIT_TEST(former_generations_are_kept_for_fifteen_days),
        KIT_TEST(a_kept_generation_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
