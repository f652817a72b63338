/* A wall clock that jumps: an hour ahead and back, to 1970, past 2038, at any write. Times of rows and versions never go back, the
 * audit chain neither, keys are remembered, and what counts how long something takes does not look at that clock at all. The
 * clock is the test's (linked with --wrap, Makefile). */
#include "store_kit.h"

#include "base/clock.h"

static int64_t wall_ms;

int64_t __wrap_clock_wall_ms(void);
int64_t __wrap_clock_wall_ms(void)
{
    return wall_ms;
}

enum { HOUR = 3600 * 1000 };
static const int64_t now = 1700000000000;
/* 2^31 s is in January 2038. */
static const int64_t jumps[] = {0, HOUR, 0, -HOUR, 24 * HOUR, 0, -1700000000000, 0, (int64_t)((1LL << 31) + 3600) * 1000 - 1700000000000, 0, -25LL * HOUR, 30LL * 365 * 24 * HOUR, 0};
enum { JUMPS = sizeof jumps / sizeof *jumps };

static void times_never_go_back(struct kit *k)
{
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM versions a JOIN versions b ON b.version=a.version+1 WHERE b.at_ms<a.at_ms"), 0);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM audit a JOIN audit b ON b.seq=a.seq+1 WHERE json_extract(b.entry,'$.at_ms')<json_extract(a.entry,'$.at_ms')"), 0);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows WHERE updated<created"), 0);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows a JOIN rows b ON b.version>a.version WHERE b.updated<a.updated"), 0);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM rows WHERE updated<>(SELECT at_ms FROM versions WHERE versions.version=rows.version)"), 0);
    assert_int_equal(kit_ask(k, "SELECT modified_ms=(SELECT max(at_ms) FROM versions) FROM meta"), 1);
}

static void change(struct kit *k, int how, int i)
{
    char text[64];
    struct write replace = {.replace = true};
    snprintf(text, sizeof text, "id=k%d n=%d; id=all n=%d", i, i, i);
    switch (how) {
    case 0:
        kit_write(k, text);
        break;
    case 1:
        if (!kit_write_as(k, &replace, text))
            fail_msg("%s", replace.error.message);
        break;
    case 2: {
        const struct dataset *d;
        GOOD(d = store_set_row_identifier(k->store, &actor_server, k->d, k->d->columns.row_identifier < 0 ? 0 : -1, &err));
        dataset_release(d);
        break;
    }
    case 3:
        kit_reopen(k);
        kit_write(k, "-id=all");
        break;
    }
    kit_refresh(k);
}

static void times_and_versions_never_go_back(void **state)
{
    struct kit *k = *state;
    for (int how = 0; how < 4; how++) {
        wall_ms = now;
        kit_dataset(k, "text", true);
        kit_write(k, "id=all n=0");
        struct store_state was = kit_state(k);
        for (int i = 0; i < JUMPS; i++) {
            wall_ms = now + jumps[i];
            change(k, how, i);
            struct store_state is = kit_state(k);
            assert_int_equal(is.version, was.version + 1);
            assert_true(is.modified_ms >= was.modified_ms && is.modified_ms >= wall_ms);
            was = is;
        }
        times_never_go_back(k);
    }
}

/* An hour of daylight saving, a day's mistake backwards: a repetition is one still. Beyond a day ahead the day is over. */
static void a_key_is_remembered_for_a_day_of_the_latest_time_seen(void **state)
{
    struct kit *k = *state;
    static const struct {
        int64_t jump;
        bool replayed;
    } cases[] = {{HOUR, true}, {-HOUR, true}, {-25 * HOUR, true}, {-1700000000000, true}, {23 * HOUR, true}, {25 * HOUR, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct write w = {.idempotency_key = STR("key"), .witness = STR("digest")}, again = w, other = {.idempotency_key = STR("other"), .witness = STR("digest")};
        wall_ms = now;
        kit_dataset(k, "text", true);
        assert_true(kit_write_as(k, &w, "id=a"));
        wall_ms = now + cases[i].jump;
        assert_true(kit_write_as(k, &other, "id=b")); /* a write with a key is what forgets old ones */
        assert_true(kit_write_as(k, &again, "id=a"));
        assert_int_equal(again.replayed, cases[i].replayed);
        buf_free(&w.kept);
        buf_free(&again.kept);
        buf_free(&other.kept);
    }
}

/* The clock jumps while the body streams: the rows get the time of their write, not of its beginning. */
static void rows_built_ahead_are_never_older_than_what_readers_saw(void **state)
{
    struct kit *k = *state;
    for (int i = 0; i < JUMPS; i++) {
        wall_ms = now + jumps[i];
        kit_dataset(k, "text", true);
        kit_write(k, "id=old");
        struct store_state was = kit_state(k);
        struct stage_config config = {.columns = &k->d->columns, .scratch_dir = k->dir, .live = true};
        struct write w = {.dataset = k->d, .replace = true, .request_id = "request", .user_id = "aaaa-aaaa"};
        struct write *one = &w;
        struct cell cells[5] = {cell_text(STR("a")), cell_null(), cell_null(), cell_null()};
        struct stage_row row = {.line = 1, .cells = cells};
        GOOD(w.stage = stage_new(&config, &err));
        struct store_ahead *const ahead = w.ahead = store_ahead_new(k->store, k->d, w.stage, &(const struct ahead_rows){.replace = true});
        GOOD(stage_append(w.stage, &row, &err));
        GOOD(stage_finish(w.stage, &err));
        store_ahead_step(w.ahead, 1 << 20);
        wall_ms = now + jumps[(i + 1) % JUMPS];
        store_write_group(k->store, &one, 1);
        if (!w.done)
            fail_msg("%s", w.error.message);
        store_ahead_free(ahead);
        stage_free(w.stage);
        kit_refresh(k);
        assert_true(kit_state(k).modified_ms >= was.modified_ms);
        times_never_go_back(k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(times_and_versions_never_go_back),
        KIT_TEST(a_key_is_remembered_for_a_day_of_the_latest_time_seen),
        KIT_TEST(rows_built_ahead_are_never_older_than_what_readers_saw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
