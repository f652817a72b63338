/* The store's promises for upserts: identity, merging, sequences on one row, row errors, versions, groups, what stands
 * after a restart (docs/wire/rows.md, docs/storage.md). */
#include "store_kit.h"

/* ── identity and merging ── */

static void keys_update_or_create(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    struct write w = kit_write(k, "id=b name=one; id=a name=two");
    kit_counts(&w, 2, 0, 0, 0);
    w = kit_write(k, "id=a name=three; id=c n=1.50");
    kit_counts(&w, 1, 1, 0, 0);
    assert_int_equal(w.counts.by_row_identifier, 1);
    assert_int_equal(w.counts.by_sid, 0);
    kit_table_is(k, "1:id=b name=one; 2:id=a name=three; 4:id=c n=1.50; ");
    assert_int_equal(w.state.rows, 3);
    assert_int_equal(w.state.version, 2);
}

static void absent_keeps_null_clears(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a name=x n=1 ok=1");
    kit_write(k, "id=a n=null");
    kit_table_is(k, "1:id=a name=x ok=1; ");
    struct write w = {.clear_absent = true};
    assert_true(kit_write_as(k, &w, "id=a n=5"));
    kit_table_is(k, "1:id=a n=5; ");
}

static void rows_without_identifier_are_known_by_id(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", false);
    kit_write(k, "id=a; :id=null id=b; id=a");
    struct write w = kit_write(k, ":id=2 name=x; :id=99 name=y; :id=? name=z; -:id=1; -:id=77");
    kit_counts(&w, 0, 1, 1, 3);
    assert_int_equal(w.counts.by_sid, 2);
    kit_table_is(k, "2:id=b name=x; 3:id=a; ");
}

static void beside_a_row_identifier_id_is_used_when_the_key_is_absent(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a; id=b");
    struct write w = kit_write(k, ":id=1 name=x; :id=2 id=c name=new; -:id=2");
    kit_counts(&w, 1, 1, 1, 0);
    assert_int_equal(w.counts.by_sid, 2);
    kit_table_is(k, "1:id=a name=x; 4:id=c name=new; ");
}

static void number_keys_are_equal_by_value(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "number", true);
    kit_write(k, "id=1 name=a; id=10 name=b; id=2 name=c");
    struct write w = kit_write(k, "id=1.00 name=d; id=2 name=e");
    kit_counts(&w, 0, 2, 0, 0);
    kit_table_is(k, "1:id=1.00 name=d; 2:id=10 name=b; 3:id=2 name=e; ");
    kit_write(k, "id=1 name=f");
    kit_table_is(k, "1:id=1 name=f; 2:id=10 name=b; 3:id=2 name=e; ");
}

static void url_keys_count_by_address(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "url", true);
    kit_write(k, "id={\"url\":\"http://a\"} name=a");
    struct write w = kit_write(k, "id={\"url\":\"http://a\",\"description\":\"d\"} name=b; id={\"url\":\"http://b\"}");
    kit_counts(&w, 1, 1, 0, 0);
    kit_table_is(k, "1:id={\"url\":\"http://a\",\"description\":\"d\"} name=b; 3:id={\"url\":\"http://b\"}; ");
}

/* ── several operations on one row: in one request or in several, the same columns result ── */

static void sequences_act_in_input_order(void **state)
{
    struct kit *k = *state;
    static const struct {
        const char *rows, *table;
        uint64_t created, updated, deleted, errors;
    } cases[] = {
        {"id=k name=a n=1; id=k n=2", "1:id=k name=a n=2; ", 1, 1, 0, 0},
        {"id=k; -id=k", "", 1, 0, 1, 0},
        {"id=k name=a; -id=k; id=k n=3", "3:id=k n=3; ", 2, 0, 1, 0},
        {"id=k; -id=k; -id=k", "", 1, 0, 1, 1},
        {"-id=null; id=x", "2:id=x; ", 1, 0, 0, 1},
        {"id=null; name=a; id=x", "3:id=x; ", 1, 0, 0, 2},
        {"id=z; id=y; id=x", "1:id=z; 2:id=y; 3:id=x; ", 3, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kit_dataset(k, "text", true);
        struct write w = kit_write(k, cases[i].rows);
        kit_counts(&w, cases[i].created, cases[i].updated, cases[i].deleted, cases[i].errors);
        kit_table_is(k, cases[i].table);
        assert_int_equal(w.state.rows, cases[i].created - cases[i].deleted);
    }
}

/* A run is sorted by key from some size on: 1,000 operations on 100 keys, against a table kept by hand. */
static void a_sorted_run_acts_as_the_input_says(void **state)
{
    struct kit *k = *state;
    const char *seed_text = getenv("SELTZER_SEED");
    unsigned seed = seed_text ? (unsigned)atoi(seed_text) : (unsigned)random_u64();
    print_message("SELTZER_SEED=%u\n", seed);
    static const char *const types[] = {"text", "number"};
    for (int t = 0; t < 2; t++) {
        int model[100];
        uint64_t created = 0, updated = 0, deleted = 0, errors = 0;
        struct buf rows = {0};
        kit_dataset(k, types[t], true);
        memset(model, -1, sizeof model);
        for (int i = 0; i < 1000; i++) {
            int key = rand_r(&seed) % 100, value = rand_r(&seed) % 1000;
            if (rand_r(&seed) % 3 == 0) {
                buf_printf(&rows, "-id=%d; ", key);
                if (model[key] < 0)
                    errors++;
                else
                    deleted++;
                model[key] = -1;
            } else {
                buf_printf(&rows, "id=%d n=%d; ", key, value);
                if (model[key] < 0)
                    created++;
                else
                    updated++;
                model[key] = value;
            }
        }
        char *text = buf_take_z(&rows);
        struct write w = kit_write(k, text);
        free(text);
        kit_counts(&w, created, updated, deleted, errors);
        for (int key = 0; key < 100; key++) {
            char sql[128];
            snprintf(sql, sizeof sql, "SELECT coalesce((SELECT CAST(c%d AS INTEGER) FROM rows WHERE c%d='%d'),-1)", k->d->columns.v[2].physical, k->d->columns.v[0].physical, key);
            assert_int_equal(kit_ask(k, sql), model[key]);
        }
    }
}

/* After some updates on end the store tries the update first: new keys among and after them are still new. */
static void new_keys_after_many_updates_are_created(void **state)
{
    struct kit *k = *state;
    static const char *const types[] = {"text", "number"};
    for (int t = 0; t < 2; t++) {
        struct buf first = {0}, second = {0};
        kit_dataset(k, types[t], true);
        for (int i = 100; i < 140; i++) {
            if (i != 120)
                buf_printf(&first, "id=%d name=old; ", i);
            buf_printf(&second, "id=%d n=%d; ", i, i);
        }
        buf_add_z(&second, "-id=139; id=139 n=1; id=140 n=140; id=140 name=twice; ");
        char *one = buf_take_z(&first), *two = buf_take_z(&second);
        kit_write(k, one);
        struct write w = kit_write(k, two);
        kit_counts(&w, 3, 40, 1, 0);
        assert_int_equal(w.counts.by_row_identifier, 41);
        assert_int_equal(w.state.rows, 41);
        char sql[160];
        int name = k->d->columns.v[1].physical, n = k->d->columns.v[2].physical;
        snprintf(sql, sizeof sql, "SELECT 1000*count(c%d)+sum(c%d IS NOT NULL) FROM rows WHERE c%d='old' OR c%d='140'", name, n, name, n);
        assert_int_equal(kit_ask(k, sql), 1000 * 39 + 39);
        free(one);
        free(two);
    }
}

static void rows_are_created_in_input_order(void **state)
{
    struct kit *k = *state;
    struct buf rows = {0}, want = {0};
    kit_dataset(k, "number", true);
    for (int i = 0; i < 200; i++) {
        int key = i * 7919 % 200;
        buf_printf(&rows, "id=%d; ", key);
        buf_printf(&want, "%d:id=%d; ", i + 1, key);
    }
    char *text = buf_take_z(&rows), *table = buf_take_z(&want);
    kit_write(k, text);
    kit_table_is(k, table);
    free(text);
    free(table);
}

/* ── row errors ── */

static void fatal_row_errors_refuse_the_whole_write(void **state)
{
    struct kit *k = *state;
    static const struct {
        bool keyed, update_only;
        const char *rows;
        enum row_error error;
        enum error_code code;
        const char *says;
    } cases[] = {
        {true, false, "id=new; -id=zz", ROW_ERROR_NO_SUCH_ROW_TO_DELETE, ERROR_ROW_NOT_FOUND, "row 1 (line 2): nothing to delete: no record is found with id \"zz\""},
        {true, false, "id=new; -id=null", ROW_ERROR_NO_SUCH_ROW_TO_DELETE, ERROR_ROW_NOT_FOUND, "no record is found with id null"},
        {true, false, "id=new; id=null", ROW_ERROR_NO_PRIMARY_KEY, ERROR_ROW_NO_KEY, "row 1 (line 2): the row identifier \"id\" is null or missing"},
        {true, false, "id=new; name=x", ROW_ERROR_NO_PRIMARY_KEY, ERROR_ROW_NO_KEY, "row 1 (line 2)"},
        {true, false, "id=new; :id=900 name=x", ROW_ERROR_NO_SUCH_ROW_TO_UPDATE, ERROR_ROW_NOT_FOUND, "with :id \"row-"},
        {true, false, "id=new; id=a :version=0", ROW_ERROR_VERSION_MISMATCH, ERROR_ROW_VERSION_MISMATCH, ":version of id \"a\" is rv-"},
        {true, false, "id=new; id=a :version=null", ROW_ERROR_VERSION_MISMATCH, ERROR_ROW_VERSION_MISMATCH, "not none"},
        {true, false, "id=new; id=b :version=1", ROW_ERROR_VERSION_MISMATCH, ERROR_ROW_VERSION_MISMATCH, "is none, not rv-"},
        {true, true, "id=a; id=b", ROW_ERROR_INSERT_IN_UPDATE_ONLY, ERROR_ROW_NOT_FOUND, "nothing to update"},
        {false, false, "id=new; :id=900", ROW_ERROR_NO_SUCH_ROW_TO_UPDATE, ERROR_ROW_NOT_FOUND, "with :id \"row-"},
        {false, false, "id=new; -:id=900", ROW_ERROR_NO_SUCH_ROW_TO_DELETE, ERROR_ROW_NOT_FOUND, "no record is found with :id \"row-"},
        {false, false, "id=new; name=x :version=3", ROW_ERROR_VERSION_ON_NEW_ROW, ERROR_ROW_VERSION_ON_NEW, ":version is given for a new row"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kit_dataset(k, "text", cases[i].keyed);
        kit_write(k, "id=a name=kept");
        struct store_state before = kit_state(k);
        struct write w = {.fatal = 1u << cases[i].error, .update_only = cases[i].update_only};
        if (kit_write_as(k, &w, cases[i].rows))
            fail_msg("case %zu was not refused", i);
        assert_int_equal(w.error.code, cases[i].code);
        if (!strstr(w.error.message, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", w.error.message, cases[i].says);
        kit_table_is(k, "1:id=a name=kept; ");
        struct store_state after = kit_state(k);
        assert_memory_equal(&before, &after, sizeof before);

        /* The same, not fatal: counted, named, and the other row stands. */
        struct kit_results results = {0};
        w = (struct write){.update_only = cases[i].update_only, .result = kit_result, .ctx = &results};
        assert_true(kit_write_as(k, &w, cases[i].rows));
        assert_int_equal(w.counts.errors, 1);
        assert_int_equal(results.n, 1);
        assert_int_equal(results.v[0].kind, ROW_FAILED);
        assert_int_equal(results.v[0].error, cases[i].error);
        assert_int_equal(results.v[0].position, 1);
        assert_int_equal(w.counts.created + w.counts.updated, 1);
    }
}

static void of_several_fatal_rows_the_first_is_told(void **state)
{
    struct kit *k = *state;
    struct buf rows = {0};
    kit_dataset(k, "number", true);
    for (int i = 0; i < 100; i++)
        buf_printf(&rows, i >= 40 ? "-id=%d; " : "id=%d; ", 1000 - i);
    char *text = buf_take_z(&rows);
    struct write w = {.fatal = 1u << ROW_ERROR_NO_SUCH_ROW_TO_DELETE};
    assert_false(kit_write_as(k, &w, text));
    free(text);
    assert_non_null(strstr(w.error.message, "row 40 (line 41)"));
    assert_non_null(strstr(w.error.data, "\"row\":40"));
    kit_table_is(k, "");
}

/* ── versions and times ── */

static void row_versions_are_those_of_the_last_write(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a; id=b");
    kit_write(k, "id=a n=1");
    assert_int_equal(kit_ask(k, "SELECT version FROM rows WHERE sid=1"), 2);
    assert_int_equal(kit_ask(k, "SELECT version FROM rows WHERE sid=2"), 1);
    struct write w = {.fatal = ~0u};
    assert_true(kit_write_as(k, &w, "id=a :version=2 n=2; id=b :version=1 n=2; id=c :version=null"));
    kit_counts(&w, 1, 2, 0, 0);
    assert_int_equal(kit_ask(k, "SELECT min(version)*10+max(version) FROM rows"), 33);
}

static void one_write_has_one_time_that_never_goes_back(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    struct write first = kit_write(k, "id=a; id=b");
    struct write second = kit_write(k, "id=a n=1; id=c");
    assert_true(second.at_ms >= first.at_ms);
    assert_int_equal(second.state.modified_ms, second.at_ms);
    assert_int_equal(kit_ask(k, "SELECT count(DISTINCT created) FROM rows WHERE sid<3"), 1);
    assert_int_equal(kit_ask(k, "SELECT created FROM rows WHERE sid=1"), first.at_ms);
    assert_int_equal(kit_ask(k, "SELECT updated FROM rows WHERE sid=1"), second.at_ms);
}

static void the_expected_data_version_is_checked(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    struct write w = {.has_expected_version = true, .expected_version = 7};
    assert_false(kit_write_as(k, &w, "id=b"));
    assert_int_equal(w.error.code, ERROR_DATASET_VERSION_MISMATCH);
    w = (struct write){.has_expected_version = true, .expected_version = 1};
    assert_true(kit_write_as(k, &w, "id=b"));
    assert_int_equal(kit_state(k).version, 2);
}

static void an_empty_write_moves_the_version(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    struct write w = kit_write(k, "");
    kit_counts(&w, 0, 0, 0, 0);
    w = kit_write(k, NULL);
    assert_int_equal(w.state.version, 2);
}

static void a_dry_run_tells_and_changes_nothing(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a name=x");
    struct store_state before = kit_state(k);
    struct write w = {.dry_run = true};
    assert_true(kit_write_as(k, &w, "id=a name=y; id=b; -id=zz"));
    kit_counts(&w, 1, 1, 0, 1);
    kit_table_is(k, "1:id=a name=x; ");
    struct store_state after = kit_state(k);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM versions"), 2);
}

static void wanted_results_name_every_row(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a; id=b");
    struct kit_results r = {0};
    struct write w = {.want_all_results = true, .result = kit_result, .ctx = &r};
    assert_true(kit_write_as(k, &w, "id=c; id=a n=1; -id=b; -id=zz"));
    assert_int_equal(r.n, 4);
    static const enum row_result_kind kinds[] = {ROW_INSERTED, ROW_UPDATED, ROW_DELETED, ROW_FAILED};
    static const int64_t sids[] = {3, 1, 2, 0};
    static const char *const keys[] = {"c", "a", "b", "zz"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(r.v[i].position, i);
        assert_int_equal(r.v[i].kind, kinds[i]);
        assert_int_equal(r.v[i].sid, sids[i]);
        assert_string_equal(r.keys[i], keys[i]);
    }
    assert_int_equal(r.v[0].version, 2);
    assert_int_equal(r.v[1].version, 2);
}

/* ── groups ── */

static void a_group_is_one_commit_and_a_failing_member_fails_alone(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    static const char *const texts[] = {"id=a", "id=b; -id=zz", "id=c", "id=a n=1; -id=yy"};
    struct write w[4];
    struct write *group[4];
    struct kit_results results[4];
    memset(results, 0, sizeof results);
    for (int i = 0; i < 4; i++) {
        w[i] = (struct write){.dataset = k->d, .fatal = i == 1 ? ~0u : 0, .result = kit_result, .ctx = &results[i], .dry_run = i == 2};
        w[i].stage = kit_stage(k, &k->d->columns, texts[i]);
        group[i] = &w[i];
    }
    store_write_group(k->store, group, 4);
    for (int i = 0; i < 4; i++)
        stage_free(w[i].stage);
    assert_true(w[0].done && !w[1].done && w[2].done && w[3].done);
    assert_int_equal(w[1].error.code, ERROR_ROW_NOT_FOUND);
    assert_int_equal(results[3].n, 1);
    assert_string_equal(results[3].keys[0], "yy");
    kit_counts(&w[2], 1, 0, 0, 0);
    kit_counts(&w[3], 0, 1, 0, 1);
    kit_table_is(k, "1:id=a n=1; ");
    assert_int_equal(w[0].state.version, 1);
    assert_int_equal(w[3].state.version, 2);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM versions WHERE action='upsert'"), 2);
}

/* ── the ledger ── */

static void each_write_leaves_a_version_row_and_a_link_of_the_audit_chain(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    kit_write(k, "id=b; id=a");
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM versions WHERE version=2 AND created=1 AND updated=1 AND rows=2 AND request_id='request'"), 1);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM audit"), 3); /* with the creation */
    assert_int_equal(kit_ask(k, "SELECT count(DISTINCT hash) FROM audit WHERE length(hash)=32"), 3);
    char *path = path_of_generation(k->store, k->d->id, 1);
    struct error refused;
    struct sql *db;
    kit_shut(k);
    GOOD(db = sql_open(path, SQL_WRITER, 1 << 20, &err));
    assert_false(sql_exec(db, "UPDATE audit SET entry='' WHERE seq=1", &refused));
    assert_false(sql_exec(db, "DELETE FROM audit WHERE seq=1", &refused));
    sql_close(db);
    free(path);
    kit_open(k);
}

static void an_idempotency_key_applies_once(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    struct write w = {.idempotency_key = STR("key"), .witness = STR("digest")};
    assert_true(kit_write_as(k, &w, "id=a; -id=zz"));
    struct write again = {.idempotency_key = STR("key"), .witness = STR("digest")};
    assert_true(kit_write_as(k, &again, "id=a; -id=zz"));
    assert_memory_equal(&w.counts, &again.counts, sizeof w.counts);
    struct write other = {.idempotency_key = STR("key"), .witness = STR("another")};
    assert_false(kit_write_as(k, &other, "id=b"));
    assert_int_equal(other.error.code, ERROR_IDEMPOTENCY_MISMATCH);
    assert_int_equal(kit_state(k).version, 1);
    kit_reopen(k);
    assert_true(kit_write_as(k, &again, "id=a; -id=zz"));
    assert_int_equal(kit_state(k).version, 1);
}

/* ── files ── */

static void what_was_written_is_there_after_a_restart(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "number", true);
    kit_write(k, "id=1 name=a; id=2.50");
    struct store_state before = kit_state(k);
    kit_reopen(k);
    struct store_state after = kit_state(k);
    assert_memory_equal(&before, &after, sizeof before);
    struct write w = kit_write(k, "id=2.5 name=b; id=3");
    kit_counts(&w, 1, 1, 0, 0);
    kit_table_is(k, "1:id=1 name=a; 2:id=2.5 name=b; 4:id=3; ");
}

static void columns_can_be_added(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    struct arena a = {0};
    struct column column;
    int64_t shape = 0, again = 0;
    const struct dataset *now;
    struct column_spec spec = {.name = STR("More"), .field_name = STR("more"), .type_name = STR("number")};
    GOOD(catalog_prepare_column(k->catalog, k->d, &spec, &a, &column, &err));
    GOOD(store_add_column(k->store, k->d, &column, &shape, &err));
    GOOD(store_add_column(k->store, k->d, &column, &again, &err));
    assert_int_equal(shape, again);
    assert_int_equal(kit_state(k).shape_version, shape);
    kit_write(k, "id=b"); /* by the old shape still */
    GOOD(now = catalog_add_column(k->catalog, &actor_server, k->d->id, &column, shape, &err));
    dataset_release(k->d);
    k->d = now;
    kit_write(k, "id=c more=7; id=a more=8");
    kit_table_is(k, "1:id=a more=8; 2:id=b; 3:id=c more=7; ");
    arena_free(&a);
}

static void rows_are_found_by_key_and_by_number(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "number", true);
    kit_write(k, "id=5; id=7");
    struct cell key = cell_text(STR("7.0")), none = cell_text(STR("8"));
    bool found;
    int64_t sid, version;
    GOOD(store_find_row(k->store, k->d, &key, 0, &found, &sid, &version, &err));
    assert_true(found && sid == 2 && version == 1);
    GOOD(store_find_row(k->store, k->d, &none, 0, &found, &sid, &version, &err));
    assert_false(found);
    GOOD(store_find_row(k->store, k->d, NULL, 1, &found, &sid, &version, &err));
    assert_true(found && sid == 1);
}

static void a_newer_file_is_refused_by_name(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    char *path = path_of_generation(k->store, k->d->id, 1);
    struct sql *db;
    GOOD(db = sql_open(path, SQL_WRITER, 1 << 20, &err));
    GOOD(sql_exec(db, "PRAGMA user_version=99", &err));
    sql_close(db);
    free(path);
    struct write w = {0};
    assert_false(kit_write_as(k, &w, "id=a"));
    assert_non_null(strstr(w.error.message, "format 99"));
}

static void a_dropped_dataset_takes_its_files_along(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    char *path = path_of_table(k->store, k->d->id);
    GOOD(catalog_delete_dataset(k->catalog, &actor_server, k->d->id, &err));
    store_drop(k->store, k->d->id);
    assert_int_not_equal(access(path, F_OK), 0);
    /* Who still holds the snapshot is told, and does not bring it back. */
    struct write w = {0};
    assert_false(kit_write_as(k, &w, "id=b"));
    assert_int_equal(w.error.code, ERROR_DATASET_NOT_FOUND);
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
}

/* The server ended between the catalog's row and the folder. */
static void a_dataset_without_its_folder_is_an_empty_one(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    char *path = path_of_table(k->store, k->d->id);
    remove_folder(path);
    free(path);
    kit_write(k, "id=a");
    kit_table_is(k, "1:id=a; ");
}

static void a_foreign_lock_is_waited_for_and_then_told(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    char *path = path_of_generation(k->store, k->d->id, 1);
    struct sql *db;
    GOOD(db = sql_open(path, SQL_WRITER, 1 << 20, &err));
    GOOD(sql_exec(db, "BEGIN IMMEDIATE", &err));
    struct write w = {0};
    assert_false(kit_write_as(k, &w, "id=b"));
    assert_int_equal(w.error.code, ERROR_STORE_BUSY);
    GOOD(sql_exec(db, "ROLLBACK", &err));
    sql_close(db);
    free(path);
    kit_write(k, "id=b");
    kit_table_is(k, "1:id=a; 2:id=b; ");
}

/* ── threads ── */

enum { WRITERS = 3, WRITES = 40 };

struct busy {
    struct kit *k;
    int n;
    bool *stop;
};

static void *write_much(void *ctx)
{
    struct busy *b = ctx;
    for (int i = 0; i < WRITES; i++) {
        char text[64];
        snprintf(text, sizeof text, "id=%d-%d n=%d; id=shared n=%d", b->n, i, i, i);
        struct write w = {0};
        if (!kit_write_as(b->k, &w, text))
            return "a write failed";
    }
    return NULL;
}

static bool read_begin(void *ctx, const struct store_state *state, struct error *err)
{
    (void)err;
    *(int64_t *)ctx -= state->rows;
    return true;
}

static bool read_row(void *ctx, const struct cell *cells, struct error *err)
{
    (void)err;
    *(int64_t *)ctx += cells[0].i;
    return true;
}

/* Every snapshot's rows are as many as its state says. */
static void *read_much(void *ctx)
{
    struct busy *b = ctx;
    for (int i = 0; i < 100; i++) {
        int64_t difference = 0;
        struct error err;
        struct query q = {.n_columns = 1};
        struct store_reader reader = {&difference, read_begin, read_row, NULL};
        buf_add_z(&q.sql.text, "SELECT count(*) FROM rows");
        bool ok = store_query(b->k->store, b->k->d, &q, &reader, &err);
        buf_free(&q.sql.text);
        if (!ok || difference != 0)
            return "a snapshot was mixed";
    }
    return NULL;
}

static void readers_and_writers_do_not_mix(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    pthread_t threads[WRITERS + 2];
    struct busy busy[WRITERS + 2];
    for (int i = 0; i < WRITERS + 2; i++) {
        busy[i] = (struct busy){.k = k, .n = i};
        assert_int_equal(pthread_create(&threads[i], NULL, i < WRITERS ? write_much : read_much, &busy[i]), 0);
    }
    for (int i = 0; i < WRITERS + 2; i++) {
        void *why;
        pthread_join(threads[i], &why);
        if (why)
            fail_msg("%s", (const char *)why);
    }
    assert_int_equal(kit_state(k).version, WRITERS * WRITES);
    assert_int_equal(kit_state(k).rows, WRITERS * WRITES + 1);
}

/* More datasets than files are kept open. */
static void files_close_and_open_again(void **state)
{
    struct kit *k = *state;
    enum { MANY = OPEN_FILES_MAX + 10 };
    const struct dataset *all[MANY];
    for (int i = 0; i < MANY; i++) {
        kit_dataset(k, "text", true);
        all[i] = dataset_retain(k->d);
        kit_write(k, "id=a");
    }
    assert_true(k->store->open_n <= OPEN_FILES_MAX);
    for (int i = 0; i < MANY; i++) {
        dataset_release(k->d);
        k->d = dataset_retain(all[i]);
        kit_write(k, "id=b");
        kit_table_is(k, "1:id=a; 2:id=b; ");
        dataset_release(all[i]);
    }
}

/* A commit is in the file a moment before the store says so: who has read it must not then be told of an older state. */
static void while_a_commit_runs_the_state_is_what_the_file_says(void **state)
{
    struct kit *k = *state;
    struct table *t;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    kit_write(k, "id=b");
    GOOD(t = table_take(k->store, k->d, &err));
    struct meta published = t->meta, before = published;
    before.state.version--;
    table_publish(k->store, t, &before);
    assert_int_equal(kit_state(k).version, 1);
    table_committing(k->store, t, true);
    assert_int_equal(kit_state(k).version, 2);
    table_committing(k->store, t, false);
    assert_int_equal(kit_state(k).version, 1);
    table_committing(k->store, t, true);
    table_publish(k->store, t, &published);
    assert_false(t->committing);
    table_give(k->store, t);
    kit_write(k, "id=c");
    assert_false(t->committing);
    assert_int_equal(kit_state(k).version, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(keys_update_or_create),
        KIT_TEST(absent_keeps_null_clears),
        KIT_TEST(rows_without_identifier_are_known_by_id),
        KIT_TEST(beside_a_row_identifier_id_is_used_when_the_key_is_absent),
        KIT_TEST(number_keys_are_equal_by_value),
        KIT_TEST(url_keys_count_by_address),
        KIT_TEST(sequences_act_in_input_order),
        KIT_TEST(a_sorted_run_acts_as_the_input_says),
        KIT_TEST(new_keys_after_many_updates_are_created),
        KIT_TEST(rows_are_created_in_input_order),
        KIT_TEST(fatal_row_errors_refuse_the_whole_write),
        KIT_TEST(of_several_fatal_rows_the_first_is_told),
        KIT_TEST(row_versions_are_those_of_the_last_write),
        KIT_TEST(one_write_has_one_time_that_never_goes_back),
        KIT_TEST(the_expected_data_version_is_checked),
        KIT_TEST(an_empty_write_moves_the_version),
        KIT_TEST(a_dry_run_tells_and_changes_nothing),
        KIT_TEST(wanted_results_name_every_row),
        KIT_TEST(a_group_is_one_commit_and_a_failing_member_fails_alone),
        KIT_TEST(while_a_commit_runs_the_state_is_what_the_file_says),
        KIT_TEST(each_write_leaves_a_version_row_and_a_link_of_the_audit_chain),
        KIT_TEST(an_idempotency_key_applies_once),
        KIT_TEST(what_was_written_is_there_after_a_restart),
        KIT_TEST(columns_can_be_added),
        KIT_TEST(rows_are_found_by_key_and_by_number),
        KIT_TEST(a_newer_file_is_refused_by_name),
        KIT_TEST(a_dropped_dataset_takes_its_files_along),
        KIT_TEST(a_dataset_without_its_folder_is_an_empty_one),
        KIT_TEST(a_foreign_lock_is_waited_for_and_then_told),
        KIT_TEST(readers_and_writers_do_not_mix),
        KIT_TEST(files_close_and_open_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
