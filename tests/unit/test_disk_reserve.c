/* The disk's reserve: how it is written, how much it is, and that a store under it reads, forgets datasets and refuses to grow.
 * The disk is the test's (linked with --wrap, Makefile). */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "store_kit.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static struct {
    uint64_t all, left;
    int fails; /* errno */
} disk;

int __wrap_statvfs(const char *path, struct statvfs *st);
int __wrap_statvfs(const char *path, struct statvfs *st)
{
    (void)path;
    if (disk.fails) {
        errno = disk.fails;
        return -1;
    }
    *st = (struct statvfs){.f_bsize = 1 << 20, .f_frsize = 4096, .f_blocks = disk.all / 4096, .f_bfree = disk.all / 4096, .f_bavail = disk.left / 4096};
    return 0;
}

/* ── how much ── */

static void a_reserve_is_read_as_it_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum disk_reserve_kind kind;
        uint64_t n;
    } good[] = {
        {"0", DISK_RESERVE_NONE, 0},           {"1", DISK_RESERVE_BYTES, 1},          {"4096", DISK_RESERVE_BYTES, 4096},
        {"800M", DISK_RESERVE_BYTES, 800 * MIB}, {"2g", DISK_RESERVE_BYTES, 2 * GIB}, {"3K", DISK_RESERVE_BYTES, 3072},
        {"1T", DISK_RESERVE_BYTES, 1024 * GIB},  {"0G", DISK_RESERVE_NONE, 0},        {"5%", DISK_RESERVE_PERCENT, 5},
        {"99%", DISK_RESERVE_PERCENT, 99},       {"9223372036854775807", DISK_RESERVE_BYTES, INT64_MAX},
    };
    static const char *const bad[] = {"", "M", "%", "-1", "1.5G", "5 %", "100%", "0%", "5%%", "1P", "1GG", "0x10", "9223372036854775808", "8388608T", " 1"};
    struct disk_reserve r;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        GOOD(disk_reserve_parse(str_from(good[i].text), &r, &err));
        if (r.kind != good[i].kind || r.n != good[i].n)
            fail_msg("%s: kind %d, %llu", good[i].text, (int)r.kind, (unsigned long long)r.n);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error err = {0};
        if (disk_reserve_parse(str_from(bad[i]), &r, &err))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(err.code, ERROR_BAD_REQUEST);
        assert_non_null(strstr(err.message, "is no reserve: a number of bytes"));
    }
}

static void the_default_is_five_percent_but_half_a_gib_and_of_small_disks_a_quarter(void **state)
{
    (void)state;
    const struct disk_reserve r = {DISK_RESERVE_DEFAULT, 0}, third = {DISK_RESERVE_PERCENT, 33}, bytes = {DISK_RESERVE_BYTES, 7}, none = {0};
    assert_int_equal(disk_reserve_bytes(&r, 100 * GIB), 5 * GIB);
    assert_int_equal(disk_reserve_bytes(&r, 10 * GIB), 512 * MIB);
    assert_int_equal(disk_reserve_bytes(&r, 2 * GIB), 512 * MIB);
    assert_int_equal(disk_reserve_bytes(&r, 1 * GIB), 256 * MIB);
    assert_int_equal(disk_reserve_bytes(&r, 8 * MIB), 2 * MIB);
    assert_int_equal(disk_reserve_bytes(&third, 1000), 330);
    assert_int_equal(disk_reserve_bytes(&third, UINT64_MAX), UINT64_MAX / 100 * 33 + UINT64_MAX % 100 * 33 / 100);
    assert_int_equal(disk_reserve_bytes(&bytes, GIB), 7);
    assert_int_equal(disk_reserve_bytes(&none, GIB), 0);
}

static void room_is_what_is_free_above_the_reserve(void **state)
{
    (void)state;
    const struct disk_reserve r = {DISK_RESERVE_BYTES, 100 * MIB};
    struct error err = {0};
    disk.all = 10 * GIB;
    disk.left = 100 * MIB;
    assert_true(disk_has_room(&r, "/", 0, &err));
    assert_false(disk_has_room(&r, "/", 1, &err));
    assert_non_null(strstr(err.message, "100.0 MiB are free, 100.0 MiB are kept in reserve and this needs about 1 bytes more"));
    disk.left = 100 * MIB - 4096;
    assert_false(disk_has_room(&r, "/", 0, &err));
    assert_int_equal(err.code, ERROR_DISK_FULL);
    assert_non_null(strstr(err.message, "free some space, or lower --disk-reserve"));
    assert_string_equal(err.data, "\"free_bytes\":104853504,\"reserve_bytes\":104857600");
    disk.left = GIB;
    assert_true(disk_has_room(&r, "/", GIB - 100 * MIB, &err));
    assert_false(disk_has_room(&r, "/", UINT64_MAX, &err));
    disk.all = 0; /* a file system that does not tell */
    disk.left = 0;
    assert_true(disk_has_room(&r, "/", 1, &err));
    disk.fails = EIO;
    assert_false(disk_has_room(&r, "/", 0, &err));
    assert_int_equal(err.code, ERROR_STORE_UNAVAILABLE);
    assert_true(disk_has_room(&(struct disk_reserve){0}, "/", 0, &err)); /* not asked at all */
    disk.fails = 0;
}

static void space_that_cannot_be_had_is_a_full_disk(void **state)
{
    (void)state;
    struct error err = {0};
    struct rlimit was, now;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    now = was;
    now.rlim_cur = 100000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    bool little = disk_can_give("/tmp", 100000, &err), much = disk_can_give("/tmp", 100001, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_true(little);
    assert_false(much);
    assert_int_equal(err.code, ERROR_DISK_FULL);
    assert_false(disk_can_give("/tmp/no such folder", 1, &err));
    assert_int_equal(err.code, ERROR_STORE_UNAVAILABLE);
}

/* ── a store under it ── */

static int set_up(void **state)
{
    struct kit *k = *state = kit_new();
    disk.all = 10 * GIB;
    disk.left = 5 * GIB;
    disk.fails = 0;
    store_close(k->store);
    struct store_config config = {.dir = k->dir, .catalog = k->catalog, .reserve = {DISK_RESERVE_DEFAULT, 0}};
    GOOD(k->store = store_open(&config, &err));
    kit_dataset(k, "text", true);
    kit_write(k, "id=a n=1; id=b n=2");
    return 0;
}

static void refused(bool done, const struct error *err)
{
    assert_false(done);
    assert_int_equal(err->code, ERROR_DISK_FULL);
    assert_non_null(strstr(err->message, "511.0 MiB are free, 512.0 MiB are kept in reserve"));
}

static void a_nearly_full_disk_is_read_and_not_written(void **state)
{
    struct kit *k = *state;
    struct error why = {0};
    struct arena a = {0};
    struct column column;
    int64_t shape;
    const struct column_spec spec = {.name = STR("More"), .field_name = STR("more"), .type_name = STR("text")};
    GOOD(catalog_prepare_column(k->catalog, k->d, &spec, &a, &column, &err));
    disk.left = 511 * MIB;
    struct write upsert = {0}, replace = {.replace = true}, truncate = {.truncate = true}, dry = {.dry_run = true};
    refused(kit_write_as(k, &upsert, "id=c"), &upsert.error);
    refused(kit_write_as(k, &replace, "id=c"), &replace.error);
    refused(kit_write_as(k, &truncate, "id=c"), &truncate.error);
    refused(kit_write_as(k, &dry, "id=c"), &dry.error);
    refused(store_add_column(k->store, k->d, &column, &shape, &why), &why);
    refused(store_set_row_identifier(k->store, &actor_server, k->d, -1, &why) != NULL, &why);
    refused(store_has_room(k->store, 0, &why), &why);
    arena_free(&a);

    const struct dataset *was = dataset_retain(k->d), *other;
    struct dataset_spec empty = {.name = STR("Another"), .owner = "aaaa-aaaa"};
    GOOD(other = catalog_create_dataset(k->catalog, &actor_server, &empty, &err));
    refused(store_create(k->store, other, &why), &why);
    /* Its file is made when it is first looked at: a reader is not refused. */
    struct store_state state_of_other;
    GOOD(store_state(k->store, other, &state_of_other, &err));
    assert_int_equal(state_of_other.rows, 0);
    GOOD(catalog_delete_dataset(k->catalog, &actor_server, other->id, &err));
    store_drop(k->store, other->id);
    dataset_release(other);
    dataset_release(was);

    kit_table_is(k, "1:id=a n=1; 2:id=b n=2; ");
    assert_int_equal(kit_state(k).version, 1);
    disk.left = 513 * MIB;
    kit_write(k, "-id=a");
    kit_table_is(k, "2:id=b n=2; ");
}

static void each_of_a_group_is_refused_alone_and_by_its_size(void **state)
{
    struct kit *k = *state;
    struct write w[3];
    struct write *group[3];
    struct buf rows = {0};
    for (int i = 0; i < 3; i++) {
        buf_reset(&rows);
        buf_printf(&rows, "id=k%d name=", i);
        for (int n = 0; i == 1 && n < 10000; n++)
            buf_add_byte(&rows, 'x');
        if (i != 1)
            buf_add_byte(&rows, 'y');
        buf_add_byte(&rows, 0);
        w[i] = (struct write){.dataset = k->d, .stage = kit_stage(k, &k->d->columns, rows.p), .request_id = "request", .user_id = "aaaa-aaaa"};
        group[i] = &w[i];
    }
    buf_free(&rows);
    disk.left = 512 * MIB + 4096;
    store_write_group(k->store, group, 3);
    for (int i = 0; i < 3; i++)
        stage_free(w[i].stage);
    assert_true(w[0].done && !w[1].done && w[2].done);
    assert_int_equal(w[1].error.code, ERROR_DISK_FULL);
    assert_non_null(strstr(w[1].error.message, "this needs about 10"));
    kit_table_is(k, "1:id=a n=1; 2:id=b n=2; 3:id=k0 name=y; 4:id=k2 name=y; ");
}

/* The disk fills up between the rows' coming and their commit. */
static void rows_worked_on_ahead_are_refused_too(void **state)
{
    struct kit *k = *state;
    for (int replace = 0; replace < 2; replace++) {
        disk.left = 5 * GIB;
        const struct ahead_rows rows = {.replace = replace};
        struct stage_config config = {.columns = &k->d->columns, .scratch_dir = k->dir, .live = true};
        struct write w = {.dataset = k->d, .replace = replace, .request_id = "request", .user_id = "aaaa-aaaa"};
        struct write *one = &w;
        struct cell cells[5] = {cell_text(STR("c")), cell_null(), cell_null(), cell_null()};
        GOOD(w.stage = stage_new(&config, &err));
        struct store_ahead *ahead = w.ahead = store_ahead_new(k->store, k->d, w.stage, &rows);
        assert_non_null(ahead);
        for (uint64_t i = 0; i < 2000; i++) {
            char id[24], name[301];
            memset(name, 'x', 300);
            cells[0] = cell_text(str_make(id, (size_t)snprintf(id, sizeof id, "k%d", (int)i)));
            cells[1] = cell_text(str_make(name, 300));
            struct stage_row row = {.position = i, .line = i + 1, .cells = cells};
            GOOD(stage_append(w.stage, &row, &err));
            store_ahead_step(ahead, 1 << 20);
        }
        GOOD(stage_finish(w.stage, &err));
        disk.left = 511 * MIB;
        store_write_group(k->store, &one, 1);
        refused(w.done, &w.error);
        store_ahead_free(ahead);
        stage_free(w.stage);
        kit_refresh(k);
        kit_table_is(k, "1:id=a n=1; 2:id=b n=2; ");
    }
}

static void what_was_done_under_a_key_is_answered_though_the_disk_is_full(void **state)
{
    struct kit *k = *state;
    for (int replace = 0; replace < 2; replace++) {
        struct write w = {.replace = replace, .idempotency_key = replace ? STR("r") : STR("u"), .witness = STR("digest")}, again = w;
        disk.left = 5 * GIB;
        assert_true(kit_write_as(k, &w, "id=c") && !w.replayed);
        kit_refresh(k);
        disk.left = 0;
        assert_true(kit_write_as(k, &again, "id=c") && again.replayed);
        buf_free(&w.kept);
        buf_free(&again.kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reserve_is_read_as_it_is_written),
        cmocka_unit_test(the_default_is_five_percent_but_half_a_gib_and_of_small_disks_a_quarter),
        cmocka_unit_test(space_that_cannot_be_had_is_a_full_disk),
        cmocka_unit_test(room_is_what_is_free_above_the_reserve),
        cmocka_unit_test_setup_teardown(a_nearly_full_disk_is_read_and_not_written, set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(each_of_a_group_is_refused_alone_and_by_its_size, set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(rows_worked_on_ahead_are_refused_too, set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(what_was_done_under_a_key_is_answered_though_the_disk_is_full, set_up, kit_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
