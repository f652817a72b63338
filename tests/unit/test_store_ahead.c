/* Building ahead: whatever happens while the body streams, the table ends as it would have without. */
#include <dirent.h>
#include <sys/types.h>

#include "ahead_kit.h"

static int files_ahead(struct kit *k)
{
    char path[256];
    int n = 0;
    snprintf(path, sizeof path, "%s/datasets/%s", k->dir, k->d->id);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += strncmp(e->d_name, "ahead-", 6) == 0;
    if (dir)
        closedir(dir);
    return n;
}

static void is_whole(struct kit *k, int64_t rows, int64_t version)
{
    assert_int_equal(files_ahead(k), 0);
    assert_int_equal(kit_state(k).rows, rows);
    assert_int_equal(kit_state(k).version, version);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows"), rows);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows WHERE created=updated AND length(c2)=300"), rows);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'"), 1);
    assert_int_equal(kit_ask(k, "SELECT max(version) FROM versions"), version);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM versions WHERE version>0"), version);
}

enum meanwhile { NOTHING, AN_UPDATE, AN_INSERT, A_REPLACE, A_DELETE };

static void happen(struct kit *k, enum meanwhile what)
{
    struct write w = {.replace = true};
    switch (what) {
    case NOTHING:
        break;
    case AN_UPDATE:
        kit_write(k, "id=1 name=b");
        break;
    case AN_INSERT:
        kit_write(k, "id=100 name=b");
        break;
    case A_DELETE:
        kit_write(k, "-id=1");
        break;
    case A_REPLACE:
        assert_true(kit_write_as(k, &w, "id=7 name=c"));
        kit_refresh(k);
        break;
    }
}

static void a_replace_is_right_whatever_comes_between(void **state)
{
    struct kit *k = *state;
    static const enum meanwhile between[] = {NOTHING, AN_UPDATE, AN_INSERT, A_REPLACE, A_DELETE};
    for (size_t i = 0; i < sizeof between / sizeof *between; i++) {
        for (int keyed = 0; keyed < 2; keyed++) {
            kit_dataset(k, "number", keyed || between[i] == AN_UPDATE || between[i] == A_DELETE);
            kit_write(k, "id=1 name=a; id=2 name=a");
            int64_t before = kit_state(k).version;
            struct body b = body_begin(k, true);
            assert_non_null(b.ahead);
            body_fill(&b, ROWS / 2);
            happen(k, between[i]);
            body_fill(&b, ROWS / 2);
            struct write w = body_end(k, &b, true);
            if (!w.done)
                fail_msg("%d: %s", (int)i, w.error.message);
            kit_counts(&w, ROWS, 0, 0, 0);
            is_whole(k, ROWS, before + (between[i] != NOTHING) + 1);
            assert_int_equal(w.state.version, kit_state(k).version);
            assert_int_equal(kit_ask(k, "SELECT min(version)*1000+max(version) FROM rows"), w.state.version * 1001);
            assert_int_equal(kit_ask(k, "SELECT min(created)=max(created) AND max(created)=(SELECT max(at_ms) FROM versions) FROM rows"), 1);
            assert_int_equal(kit_ask(k, "SELECT max(sid)-min(sid) FROM rows"), ROWS - 1);
            assert_int_equal(kit_ask(k, "SELECT max(sid)+1=(SELECT next_sid FROM meta) FROM rows"), 1);
            /* Writes go on. */
            if (k->d->columns.row_identifier >= 0) {
                struct write more = kit_write(k, "id=5 name=d; id=900000 name=d");
                kit_counts(&more, 1, 1, 0, 0);
            }
        }
    }
}

static void the_first_rows_of_an_empty_table_are_built_ahead(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    struct body b = body_begin(k, false);
    assert_non_null(b.ahead);
    body_fill(&b, ROWS);
    struct write w = body_end(k, &b, false);
    assert_true(w.done);
    kit_counts(&w, ROWS, 0, 0, 0);
    is_whole(k, ROWS, 1);
    assert_int_equal(k->d->generation, 2);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM versions WHERE action='upsert'"), 1);
    /* Rows are there now: the file stays. */
    b = body_begin(k, false);
    body_fill(&b, ROWS);
    w = body_end(k, &b, false);
    kit_counts(&w, 0, ROWS, 0, 0);
    assert_int_equal(k->d->generation, 2);
}

static void rows_that_came_meanwhile_stay(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "number", true);
    struct body b = body_begin(k, false);
    body_fill(&b, ROWS);
    kit_write(k, "id=-1 name=a; id=0 name=b");
    struct write w = body_end(k, &b, false);
    assert_true(w.done);
    kit_counts(&w, ROWS - 1, 1, 0, 0);
    assert_int_equal(kit_state(k).rows, ROWS + 1);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows"), ROWS + 1);
    assert_int_equal(files_ahead(k), 0);
}

/* Deletes, keys that come twice: the ordinary way does them. */
static void rows_that_are_not_plainly_new_go_the_ordinary_way(void **state)
{
    struct kit *k = *state;
    for (int replace = 0; replace < 2; replace++) {
        for (int deletes = 0; deletes < 2 - replace; deletes++) {
            kit_dataset(k, "text", true);
            struct body b = body_begin(k, replace);
            body_fill(&b, ROWS);
            body_add(&b, deletes || replace ? 17 : ROWS - 1, deletes ? STAGE_DELETE : STAGE_UPSERT);
            struct write w = body_end(k, &b, replace);
            if (!w.done)
                fail_msg("%s", w.error.message);
            kit_counts(&w, ROWS, !deletes, (uint64_t)deletes, 0);
            is_whole(k, ROWS - deletes, 1);
        }
    }
}

/* While keys rise their index grows with the rows; from the first that falls on it is made at the end. */
static void keys_may_rise_or_fall(void **state)
{
    struct kit *k = *state;
    static const char *const types[] = {"number", "text"};
    for (int falls = 0; falls < 4; falls++) {
        kit_dataset(k, types[falls & 1], true);
        struct body b = body_begin(k, true);
        for (uint64_t i = 0; i < ROWS; i++) /* of one length, so that text rises as numbers do */
            body_add(&b, falls >= 2 && i == ROWS / 2 ? 50000 : 100000 + i, STAGE_UPSERT);
        struct write w = body_end(k, &b, true);
        assert_true(w.done);
        kit_counts(&w, ROWS, 0, 0, 0);
        is_whole(k, ROWS, 1);
        assert_int_equal(kit_ask(k, "SELECT count(*) FROM sqlite_schema WHERE name='rows_key'"), 1);
        assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows WHERE c1='50000'"), falls >= 2);
    }
}

static void what_is_not_used_leaves_nothing(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    for (int stepped = 0; stepped < 2; stepped++) {
        struct body b = body_begin(k, true);
        body_fill(&b, ROWS);
        if (stepped) {
            store_ahead_step(b.ahead, 1 << 20);
            assert_int_equal(files_ahead(k), 1);
        }
        body_free(&b);
        assert_int_equal(files_ahead(k), 0);
    }
}

static void what_a_killed_server_left_goes_at_start(void **state)
{
    struct kit *k = *state;
    char path[256];
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    snprintf(path, sizeof path, "%s/datasets/%s/ahead-0123456789abcdef.db", k->dir, k->d->id);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fclose(f);
    kit_reopen(k);
    assert_int_equal(files_ahead(k), 0);
    kit_table_is(k, "1:id=a; ");
}

static void a_dataset_that_went_meanwhile_is_not_found(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    struct body b = body_begin(k, true);
    body_fill(&b, ROWS / 2);
    GOOD(catalog_delete_dataset(k->catalog, &actor_server, k->d->id, &err));
    store_drop(k->store, k->d->id);
    body_fill(&b, ROWS / 2);
    struct write w = {.stage = b.stage, .dataset = k->d, .replace = true, .ahead = b.ahead};
    struct write *one = &w;
    GOOD(stage_finish(b.stage, &err));
    store_write_group(k->store, &one, 1);
    assert_false(w.done);
    assert_int_equal(w.error.code, ERROR_DATASET_NOT_FOUND);
    body_free(&b);
}

/* One thread appends, another steps. */
static atomic_bool appended;

static void *step_until_appended(void *ctx)
{
    while (!atomic_load(&appended))
        store_ahead_step(ctx, 100000);
    return NULL;
}

static void steps_run_beside_the_appending(void **state)
{
    struct kit *k = *state;
    pthread_t stepper;
    kit_dataset(k, "number", true);
    struct body b = body_begin(k, true);
    struct store_ahead *ahead = b.ahead;
    b.ahead = NULL; /* not stepped here */
    atomic_store(&appended, false);
    assert_int_equal(pthread_create(&stepper, NULL, step_until_appended, ahead), 0);
    body_fill(&b, 5 * ROWS);
    atomic_store(&appended, true);
    pthread_join(stepper, NULL);
    b.ahead = ahead;
    struct write w = body_end(k, &b, true);
    assert_true(w.done);
    kit_counts(&w, 5 * ROWS, 0, 0, 0);
    is_whole(k, 5 * ROWS, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_replace_is_right_whatever_comes_between),
        KIT_TEST(the_first_rows_of_an_empty_table_are_built_ahead),
        KIT_TEST(rows_that_came_meanwhile_stay),
        KIT_TEST(rows_that_are_not_plainly_new_go_the_ordinary_way),
        KIT_TEST(keys_may_rise_or_fall),
        KIT_TEST(what_is_not_used_leaves_nothing),
        KIT_TEST(what_a_killed_server_left_goes_at_start),
        KIT_TEST(a_dataset_that_went_meanwhile_is_not_found),
        KIT_TEST(steps_run_beside_the_appending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
