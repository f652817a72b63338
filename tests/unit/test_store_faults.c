/* Disk full and I/O errors at every call that can meet one: the error says so, nothing of the write stands, and the next
 * write works without a restart. A VFS of the test's own fails the n-th write or sync. */
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "store_kit.h"

/* ── the VFS: SQLite's own, but for calls that are made to fail ── */

enum fault { FAULT_NONE, FAULT_WRITE_IO, FAULT_WRITE_FULL, FAULT_SYNC, FAULT_READ, FAULT_INDEX };

static struct {
    enum fault kind;
    int at;       /* fails the at-th call of its kind, and then `times - 1` more */
    int times;
    int calls;
} armed;

static pthread_mutex_t armed_lock = PTHREAD_MUTEX_INITIALIZER;

static bool strikes(enum fault kind)
{
    pthread_mutex_lock(&armed_lock);
    int n = armed.kind == kind ? ++armed.calls : 0;
    bool strikes_now = n >= armed.at && n < armed.at + armed.times && armed.kind == kind;
    pthread_mutex_unlock(&armed_lock);
    return strikes_now;
}

struct shim {
    sqlite3_file base;
    sqlite3_file *real; /* follows in memory */
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs shim_vfs;
static sqlite3_io_methods methods;

#define REAL(f) (((struct shim *)(f))->real)
#define CALL(f, name, ...) (REAL(f)->pMethods->name(REAL(f), ##__VA_ARGS__))

static int shim_close(sqlite3_file *f) { return REAL(f)->pMethods ? CALL(f, xClose) : SQLITE_OK; }
static int shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) { return strikes(FAULT_READ) ? SQLITE_IOERR_READ : CALL(f, xRead, p, n, at); }
static int shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (strikes(FAULT_WRITE_IO))
        return SQLITE_IOERR_WRITE;
    return strikes(FAULT_WRITE_FULL) ? SQLITE_FULL : CALL(f, xWrite, p, n, at);
}
static int shim_truncate(sqlite3_file *f, sqlite3_int64 n) { return CALL(f, xTruncate, n); }
static int shim_sync(sqlite3_file *f, int flags) { return strikes(FAULT_SYNC) ? SQLITE_IOERR_FSYNC : CALL(f, xSync, flags); }
static int shim_size(sqlite3_file *f, sqlite3_int64 *n) { return CALL(f, xFileSize, n); }
static int shim_lock(sqlite3_file *f, int l) { return CALL(f, xLock, l); }
static int shim_unlock(sqlite3_file *f, int l) { return CALL(f, xUnlock, l); }
static int shim_reserved(sqlite3_file *f, int *r) { return CALL(f, xCheckReservedLock, r); }
static int shim_control(sqlite3_file *f, int op, void *p) { return CALL(f, xFileControl, op, p); }
static int shim_sector(sqlite3_file *f) { return CALL(f, xSectorSize); }
static int shim_traits(sqlite3_file *f) { return CALL(f, xDeviceCharacteristics); }
static int shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
    return extend && strikes(FAULT_INDEX) ? SQLITE_IOERR_SHMSIZE : CALL(f, xShmMap, page, size, extend, p);
}
static int shim_shm_lock(sqlite3_file *f, int at, int n, int flags) { return CALL(f, xShmLock, at, n, flags); }
static void shim_shm_barrier(sqlite3_file *f) { CALL(f, xShmBarrier); }
static int shim_shm_unmap(sqlite3_file *f, int del) { return CALL(f, xShmUnmap, del); }

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct shim *s = (struct shim *)f;
    (void)vfs;
    s->real = (sqlite3_file *)(s + 1);
    int rc = real_vfs->xOpen(real_vfs, name, s->real, flags, out);
    s->base.pMethods = s->real->pMethods ? &methods : NULL;
    return rc;
}

static void install_vfs(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    shim_vfs = *real_vfs;
    shim_vfs.zName = "faults";
    shim_vfs.szOsFile = (int)sizeof(struct shim) + real_vfs->szOsFile;
    shim_vfs.xOpen = shim_open;
    methods = (sqlite3_io_methods){
        .iVersion = 2, .xClose = shim_close, .xRead = shim_read, .xWrite = shim_write, .xTruncate = shim_truncate, .xSync = shim_sync,
        .xFileSize = shim_size, .xLock = shim_lock, .xUnlock = shim_unlock, .xCheckReservedLock = shim_reserved, .xFileControl = shim_control,
        .xSectorSize = shim_sector, .xDeviceCharacteristics = shim_traits, .xShmMap = shim_shm_map, .xShmLock = shim_shm_lock,
        .xShmBarrier = shim_shm_barrier, .xShmUnmap = shim_shm_unmap,
    };
    sqlite3_vfs_register(&shim_vfs, 1);
}

static void arm(enum fault kind, int at, int times)
{
    pthread_mutex_lock(&armed_lock);
    armed.at = at;
    armed.times = times;
    armed.calls = 0;
    armed.kind = kind;
    pthread_mutex_unlock(&armed_lock);
}

static bool disarm(void) /* whether it struck */
{
    pthread_mutex_lock(&armed_lock);
    bool struck = armed.calls >= armed.at;
    armed.kind = FAULT_NONE;
    pthread_mutex_unlock(&armed_lock);
    return struck;
}

static enum error_code code_of(enum fault kind)
{
    return kind == FAULT_WRITE_FULL ? ERROR_DISK_FULL : ERROR_STORE_UNAVAILABLE;
}

/* ── cases ── */

static const enum fault kinds[] = {FAULT_WRITE_IO, FAULT_WRITE_FULL, FAULT_SYNC};

static void a_fault_in_a_write_leaves_the_old_table(void **state)
{
    struct kit *k = *state;
    int struck = 0;
    for (size_t i = 0; i < 3; i++) {
        for (int at = 1; at < 12; at++) {
            kit_dataset(k, "text", true);
            kit_write(k, "id=a n=1");
            arm(kinds[i], at, 1);
            struct write w = {0};
            bool done = kit_write_as(k, &w, "id=a n=2; id=b");
            bool hit = disarm();
            struck += hit;
            assert_true(done || hit); /* on a slow machine a checkpoint may have met the fault instead */
            if (!done)
                assert_int_equal(w.error.code, code_of(kinds[i]));
            kit_table_is(k, done ? "1:id=a n=2; 3:id=b; " : "1:id=a n=1; ");
            assert_int_equal(kit_state(k).rows, done ? 2 : 1);
            kit_write(k, "id=c");
            kit_reopen(k);
            assert_int_equal(kit_state(k).rows, done ? 3 : 2);
            kit_write(k, "id=d");
        }
    }
    assert_true(struck > 5);
}

static void a_fault_in_a_replace_leaves_the_old_table(void **state)
{
    struct kit *k = *state;
    int struck = 0;
    for (size_t i = 0; i < 2; i++) { /* the build does not sync through SQLite */
        for (int at = 1; at < 25; at += 2) {
            kit_dataset(k, "text", true);
            kit_write(k, "id=a n=1");
            arm(kinds[i], at, 1);
            struct write w = {.replace = true};
            bool done = kit_write_as(k, &w, "id=x; id=y; id=x n=2");
            bool hit = disarm();
            struck += hit;
            assert_true(done || hit); /* a fault while the former file is put away is none of the write's */
            if (!done)
                assert_int_equal(w.error.code, code_of(kinds[i]));
            kit_refresh(k);
            kit_table_is(k, done ? "2:id=x n=2; 3:id=y; " : "1:id=a n=1; ");
            struct write again = {.replace = true};
            assert_true(kit_write_as(k, &again, "id=z"));
            kit_refresh(k);
            assert_int_equal(kit_state(k).rows, 1);
        }
    }
    assert_true(struck > 5);
}

/* No room for the index of its WAL: a file that nobody could open must not become the table. */
static void a_new_file_that_cannot_be_opened_does_not_become_the_table(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a n=1");
    arm(FAULT_INDEX, 1, 1000);
    struct write w = {.replace = true};
    assert_false(kit_write_as(k, &w, "id=x"));
    kit_refresh(k);
    kit_table_is(k, "1:id=a n=1; ");
    assert_true(disarm());
    kit_write(k, "id=b");
    char *beyond = path_of_generation(k->store, k->d->id, k->d->generation + 1);
    assert_int_not_equal(access(beyond, F_OK), 0);
    free(beyond);
    assert_true(kit_write_as(k, &w, "id=x"));
    kit_refresh(k);
    arm(FAULT_INDEX, 1, 1000);
    assert_int_equal(kit_state(k).rows, 1);
    assert_non_null(strstr(kit_table(k), "id=x"));
    disarm();
}

static void a_fault_in_a_group_leaves_each_member_its_own_try(void **state)
{
    struct kit *k = *state;
    for (size_t i = 0; i < 3; i++) {
        kit_dataset(k, "text", true);
        kit_write(k, "id=a n=1");
        struct write w[3];
        struct write *group[3];
        struct kit_results results[3];
        memset(results, 0, sizeof results);
        for (int j = 0; j < 3; j++) {
            char text[64];
            snprintf(text, sizeof text, "id=%d; -id=none", j);
            w[j] = (struct write){.dataset = k->d, .stage = kit_stage(k, &k->d->columns, text), .begin = kit_begin, .result = kit_result, .ctx = &results[j]};
            group[j] = &w[j];
        }
        arm(kinds[i], 1, 1);
        store_write_group(k->store, group, 3);
        assert_true(disarm());
        for (int j = 0; j < 3; j++) {
            stage_free(w[j].stage);
            if (!w[j].done)
                fail_msg("fault %d, member %d: %s", (int)i, j, w[j].error.message);
            assert_int_equal(results[j].n, 1); /* told once */
        }
        assert_int_equal(kit_state(k).rows, 4);
        assert_int_equal(kit_state(k).version, 4);
    }
}

static void a_fault_in_a_checkpoint_loses_nothing(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    arm(FAULT_SYNC, 1, 1);
    usleep(1500000);
    assert_true(disarm());
    kit_table_is(k, "1:id=a; ");
    kit_write(k, "id=b");
    kit_reopen(k);
    kit_table_is(k, "1:id=a; 2:id=b; ");
}

static void a_fault_in_a_read_is_told_and_the_next_read_works(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    kit_reopen(k);
    kit_state(k);
    arm(FAULT_READ, 1, 1);
    bool found;
    int64_t sid, version;
    struct error told = {0};
    bool ok = store_find_row(k->store, k->d, NULL, 1, &found, &sid, &version, &told);
    assert_true(disarm());
    assert_false(ok);
    assert_int_equal(told.code, ERROR_STORE_UNAVAILABLE);
    assert_true(told.retry_after_s > 0);
    kit_table_is(k, "1:id=a; ");
}

/* The kernel's own way: a file that may not grow. */
static void a_full_disk_heals(void **state)
{
    struct kit *k = *state;
    struct rlimit was, now;
    struct buf rows = {0};
    signal(SIGXFSZ, SIG_IGN);
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    for (int i = 0; i < 3000; i++)
        buf_printf(&rows, "id=%d name=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz; ", i);
    char *text = buf_take_z(&rows);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    now = was;
    now.rlim_cur = 100000;
    for (int kind = 0; kind < 2; kind++) {
        struct write w = {.replace = kind};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
        bool done = kit_write_as(k, &w, text);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_false(done);
        if (w.error.code != ERROR_DISK_FULL)
            fail_msg("%s", w.error.message);
        kit_refresh(k);
        kit_table_is(k, "1:id=a; ");
    }
    kit_write(k, text);
    assert_int_equal(kit_state(k).rows, 3001);
    free(text);
}

int main(void)
{
    install_vfs();
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_fault_in_a_write_leaves_the_old_table),
        KIT_TEST(a_fault_in_a_replace_leaves_the_old_table),
        KIT_TEST(a_new_file_that_cannot_be_opened_does_not_become_the_table),
        KIT_TEST(a_fault_in_a_group_leaves_each_member_its_own_try),
        KIT_TEST(a_fault_in_a_checkpoint_loses_nothing),
        KIT_TEST(a_fault_in_a_read_is_told_and_the_next_read_works),
        KIT_TEST(a_full_disk_heals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
