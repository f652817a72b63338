/* Upserts applied while their body streams: whatever happens meanwhile, the table ends as it would have without, and nobody
 * waits. Whether a write was still the early one at its end shows in table->early until then. */
#include "ahead_kit.h"
#include "base/clock.h"

static bool is_early(struct kit *k)
{
    for (struct generation *g = k->store->open; g; g = g->next)
        if (atomic_load(&g->early))
            return true;
    return false;
}

static const char some_rows[] = "id=1 name=a; id=2 name=a; id=-5 name=z";

static struct body begin(struct kit *k, const char *type)
{
    kit_dataset(k, type, true);
    kit_write(k, some_rows);
    return body_begin(k, false);
}

static void step_on(struct body *b)
{
    for (int i = 0; i < 20; i++)
        store_ahead_step(b->ahead, 1 << 20);
}

static void is_as_without(struct kit *k, const struct write *w)
{
    if (!w->done)
        fail_msg("%s", w->error.message);
    assert_false(is_early(k));
    assert_int_equal(w->state.version, kit_state(k).version);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows"), kit_state(k).rows);
    assert_int_equal(kit_ask(k, "SELECT max(sid)<(SELECT next_sid FROM meta) FROM rows"), 1);
    assert_int_equal(kit_ask(k, "SELECT rows=(SELECT count(*) FROM rows) AND version=(SELECT max(version) FROM versions) FROM meta"), 1);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'"), 1);
    assert_int_equal(kit_ask(k, "SELECT max(at_ms) FROM versions"), w->at_ms);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows WHERE version=(SELECT version FROM meta) AND updated<>(SELECT max(at_ms) FROM versions)"), 0);
}

static void a_mix_of_rows_ends_as_it_would_have(void **state)
{
    struct kit *k = *state;
    static const char *const types[] = {"number", "text"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct body b = begin(k, types[i]);
        body_fill(&b, ROWS);
        for (uint64_t key = 0; key < 100; key++)
            body_add(&b, key * 7, STAGE_DELETE);
        body_add(&b, 14, STAGE_UPSERT);
        step_on(&b);
        assert_true(is_early(k));
        assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows"), 3); /* nobody sees it */
        struct write w = body_end(k, &b, false);
        is_as_without(k, &w);
        kit_counts(&w, ROWS - 2 + 1, 2, 100, 0);
        assert_int_equal(kit_state(k).rows, 3 + ROWS - 2 + 1 - 100);
        assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows WHERE sid-4<>CAST(c1 AS INTEGER) AND sid BETWEEN 4 AND 6003"), 0);
        assert_int_equal(kit_ask(k, "SELECT count(*) FROM versions WHERE action='upsert' AND created=5999 AND deleted=100"), 1);
        kit_write(k, "id=5 name=d; id=14 name=e");
    }
}

static void who_needs_the_table_does_not_wait(void **state)
{
    struct kit *k = *state;
    struct body b = begin(k, "number");
    body_fill(&b, ROWS / 2);
    step_on(&b);
    assert_true(is_early(k));
    struct write other = kit_write(k, "id=1 name=b; id=100000 name=b");
    kit_counts(&other, 1, 1, 0, 0);
    assert_int_equal(other.state.version, 2);
    assert_false(is_early(k));
    body_fill(&b, ROWS / 2);
    step_on(&b);
    assert_false(is_early(k)); /* not tried twice */
    struct write w = body_end(k, &b, false);
    is_as_without(k, &w);
    kit_counts(&w, ROWS - 2, 2, 0, 0);
    assert_int_equal(w.state.version, 3);
    assert_int_equal(kit_ask(k, "SELECT min(sid) FROM rows WHERE version=3 AND created=updated AND sid>3"), 6);
}

static void a_replace_or_a_new_identifier_meanwhile_counts(void **state)
{
    struct kit *k = *state;
    struct body b = begin(k, "number");
    body_fill(&b, ROWS);
    step_on(&b);
    struct write r = {.replace = true};
    assert_true(kit_write_as(k, &r, "id=1 name=x; id=77777 name=x"));
    struct write w = body_end(k, &b, false);
    is_as_without(k, &w);
    kit_counts(&w, ROWS - 1, 1, 0, 0);

    b = begin(k, "text");
    body_fill(&b, ROWS);
    step_on(&b);
    assert_true(is_early(k));
    const struct dataset *unkeyed;
    GOOD(unkeyed = store_set_row_identifier(k->store, &actor_server, k->d, -1, &err));
    dataset_release(unkeyed);
    w = (struct write){0};
    body_write(k, &b, &w);
    assert_false(w.done);
    assert_int_equal(w.error.code, ERROR_DATASET_SHAPE_CHANGED);
}

static void what_is_freed_leaves_nothing(void **state)
{
    struct kit *k = *state;
    struct body b = begin(k, "text");
    body_fill(&b, ROWS);
    step_on(&b);
    assert_true(is_early(k));
    body_free(&b);
    assert_false(is_early(k));
    kit_table_is(k, "1:id=1 name=a; 2:id=2 name=a; 3:id=-5 name=z; ");
    assert_int_equal(k->store->cache_lent, 0);
    kit_write(k, "id=9");
    kit_table_is(k, "1:id=1 name=a; 2:id=2 name=a; 3:id=-5 name=z; 4:id=9; ");
}

/* A client that stalls does not keep cache and space. */
static void a_body_that_stalls_gives_up_its_place(void **state)
{
    struct kit *k = *state;
    struct body b = begin(k, "text");
    body_fill(&b, ROWS);
    step_on(&b);
    assert_true(is_early(k));
    for (int tenths = 0; tenths < 300 && is_early(k); tenths++)
        usleep(100000);
    assert_false(is_early(k));
    struct write w = body_end(k, &b, false);
    is_as_without(k, &w);
    kit_counts(&w, ROWS - 2, 2, 0, 0);
}

/* Readers of "changed since" may have asked meanwhile: rows of before are given the time of the commit. */
static void a_body_that_takes_long_has_the_time_of_its_end(void **state)
{
    struct kit *k = *state;
    struct body b = begin(k, "number");
    body_fill(&b, ROWS);
    for (int tenths = 0; tenths < 55; tenths++) {
        store_ahead_step(b.ahead, 1 << 20);
        usleep(100000);
    }
    assert_true(is_early(k));
    int64_t before_the_end = clock_wall_ms();
    struct write w = body_end(k, &b, false);
    is_as_without(k, &w);
    kit_counts(&w, ROWS - 2, 2, 0, 0);
    assert_true(w.at_ms >= before_the_end);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows WHERE version=2 AND created=updated"), ROWS - 2);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows WHERE version=2 AND created<updated AND sid<=3"), 2);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows WHERE version=1 AND created=updated AND c1='-5'"), 1);
}

static void count_failed(void *ctx, const struct row_result *r)
{
    *(int *)ctx += r->kind == ROW_FAILED;
}

static void errors_of_rows_are_told_once(void **state)
{
    struct kit *k = *state;
    for (int fatal = 0; fatal < 2; fatal++) {
        int failed = 0;
        struct body b = begin(k, "text");
        body_fill(&b, ROWS / 2);
        step_on(&b);
        assert_true(is_early(k));
        body_add(&b, 123456, STAGE_DELETE);
        body_fill(&b, ROWS / 2);
        body_add(&b, 654321, STAGE_DELETE);
        struct write w = {.result = count_failed, .ctx = &failed, .fatal = fatal ? 1u << ROW_ERROR_NO_SUCH_ROW_TO_DELETE : 0};
        body_write(k, &b, &w);
        assert_int_equal(w.done, !fatal);
        assert_int_equal(failed, fatal ? 0 : 2);
        if (fatal)
            kit_table_is(k, "1:id=1 name=a; 2:id=2 name=a; 3:id=-5 name=z; ");
        else
            is_as_without(k, &w);
    }
}

static void a_repetition_and_a_wrong_version_change_nothing(void **state)
{
    struct kit *k = *state;
    struct body b = begin(k, "text");
    body_fill(&b, ROWS);
    struct write w = {.idempotency_key = STR("key"), .witness = STR("digest")};
    step_on(&b);
    assert_true(is_early(k));
    body_write(k, &b, &w);
    is_as_without(k, &w);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM witness"), 1);

    b = body_begin(k, false);
    body_fill(&b, ROWS);
    step_on(&b);
    assert_true(is_early(k));
    struct write again = {.idempotency_key = STR("key"), .witness = STR("digest")};
    body_write(k, &b, &again);
    assert_true(again.done && again.replayed);
    assert_int_equal(again.counts.created, ROWS - 2);
    buf_free(&again.kept);

    for (int wrong = 0; wrong < 2; wrong++) {
        b = body_begin(k, false);
        body_fill(&b, ROWS);
        step_on(&b);
        assert_true(is_early(k));
        struct write other = {.has_expected_version = wrong, .expected_version = 1};
        if (!wrong)
            other.idempotency_key = STR("key"), other.witness = STR("another");
        body_write(k, &b, &other);
        assert_false(other.done);
        assert_int_equal(other.error.code, wrong ? ERROR_DATASET_VERSION_MISMATCH : ERROR_IDEMPOTENCY_MISMATCH);
        assert_int_equal(kit_state(k).version, 2);
    }
}

/* Beyond the cache one long sorted run is better than many short ones. */
static void a_table_larger_than_the_cache_is_left_alone(void **state)
{
    struct kit *k = *state;
    struct body b = begin(k, "text");
    body_fill(&b, 4 * ROWS);
    struct write w = body_end(k, &b, false);
    is_as_without(k, &w);
    k->store->cache_bytes = 1;
    b = body_begin(k, false);
    body_fill(&b, ROWS);
    step_on(&b);
    assert_false(is_early(k));
    w = body_end(k, &b, false);
    is_as_without(k, &w);
    kit_counts(&w, 0, ROWS, 0, 0);
}

static atomic_bool appended;

static void *step_until_appended(void *ctx)
{
    while (!atomic_load(&appended))
        store_ahead_step(ctx, 100000);
    return NULL;
}

/* One appends, one steps, one writes now and then, one reads. */
static void all_at_once(void **state)
{
    struct kit *k = *state;
    pthread_t stepper;
    struct body b = begin(k, "number");
    struct store_ahead *ahead = b.ahead;
    b.ahead = NULL;
    atomic_store(&appended, false);
    assert_int_equal(pthread_create(&stepper, NULL, step_until_appended, ahead), 0);
    for (int i = 0; i < 4; i++) {
        body_fill(&b, ROWS);
        if (i == 2)
            kit_write(k, "id=1 name=c");
        assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows"), 3);
    }
    atomic_store(&appended, true);
    pthread_join(stepper, NULL);
    b.ahead = ahead;
    struct write w = body_end(k, &b, false);
    is_as_without(k, &w);
    kit_counts(&w, 4 * ROWS - 2, 2, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_mix_of_rows_ends_as_it_would_have),
        KIT_TEST(who_needs_the_table_does_not_wait),
        KIT_TEST(a_replace_or_a_new_identifier_meanwhile_counts),
        KIT_TEST(what_is_freed_leaves_nothing),
        KIT_TEST(a_body_that_stalls_gives_up_its_place),
        KIT_TEST(a_body_that_takes_long_has_the_time_of_its_end),
        KIT_TEST(errors_of_rows_are_told_once),
        KIT_TEST(a_repetition_and_a_wrong_version_change_nothing),
        KIT_TEST(a_table_larger_than_the_cache_is_left_alone),
        KIT_TEST(all_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
