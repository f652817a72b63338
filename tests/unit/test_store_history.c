/* What writes leave beside their rows outlasts the files it was written to: the chain is whole and in order after replaces, kills,
 * deletions and the clean-up, a changed one is not taken, and a replace takes the same few rows along however long the history is. */
#include <errno.h>
#include <signal.h>
#include <utime.h>

#include "store/sqlite/drain.h"
#include "store_kit.h"

enum { GROUP = 100 };

/* ── what fails when a test wishes so ── */

static int failing_syncs;     /* so many of our own of a WAL */
static int syncs;
static void (*at_sync)(void); /* before each */
static bool disk_is_full;     /* for the catalog */
static char warned[4096];

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    syncs++;
    if (at_sync)
        at_sync();
    if (failing_syncs == 0)
        return __real_fdatasync(fd);
    failing_syncs--;
    errno = EIO;
    return -1;
}

bool __real_catalog_add_history(struct catalog *c, const char *id, const struct history *h, struct error *err);
bool __wrap_catalog_add_history(struct catalog *c, const char *id, const struct history *h, struct error *err);
bool __wrap_catalog_add_history(struct catalog *c, const char *id, const struct history *h, struct error *err)
{
    return disk_is_full ? error_set(err, ERROR_DISK_FULL, "no room") : __real_catalog_add_history(c, id, h, err);
}

static void note_warning(const char *text)
{
    snprintf(warned, sizeof warned, "%s", text);
}

/* n writes of one row, in groups: each is a version and a link of its own. */
static void write_many(struct kit *k, int n)
{
    struct write w[GROUP], *group[GROUP];
    for (int done = 0; done < n; done += GROUP) {
        int many = n - done < GROUP ? n - done : GROUP;
        for (int i = 0; i < many; i++) {
            w[i] = (struct write){.dataset = k->d, .stage = kit_stage(k, &k->d->columns, "id=a n=1"), .request_id = "request", .user_id = "aaaa-aaaa"};
            group[i] = &w[i];
        }
        store_write_group(k->store, group, (size_t)many);
        for (int i = 0; i < many; i++) {
            if (!w[i].done)
                fail_msg("%s", w[i].error.message);
            stage_free(w[i].stage);
        }
    }
}

static void replace(struct kit *k)
{
    struct write w = {.replace = true};
    if (!kit_write_as(k, &w, "id=x n=3"))
        fail_msg("%s", w.error.message);
    kit_refresh(k);
}

/* From zeros to the link that meta's version belongs to. */
static void history_is_whole(struct kit *k, int64_t writes)
{
    unsigned char hash[CHAIN_HASH_BYTES] = {0};
    char text[512];
    struct error err = {0};
    int64_t seq = 0;
    kit_refresh(k);
    char *path = path_of_generation(k->store, k->d->id, k->d->generation);
    struct sql *db = sql_open(path, SQL_READER, 1 << 20, &err);
    snprintf(text, sizeof text, "ATTACH '%s/catalog.db' AS c", k->dir);
    assert_true(db && sql_exec(db, text, &err));
    snprintf(text, sizeof text, "SELECT seq,entry,hash FROM c.dataset_audit WHERE dataset='%s' UNION SELECT * FROM main.audit ORDER BY seq", k->d->id);
    struct sql_statement *st = sql_prepare(db, str_from(text), &err);
    assert_non_null(st);
    enum sql_step step;
    while ((step = sql_step(db, st, &err)) == SQL_ROW) {
        assert_int_equal(sql_i64(st, 0), ++seq);
        chain_hash(hash, sql_text(st, 1), hash);
        assert_int_equal(sql_text(st, 2).n, sizeof hash);
        assert_memory_equal(sql_text(st, 2).p, hash, sizeof hash);
    }
    assert_int_equal(step, SQL_DONE);
    sql_finalize(st);
    sql_close(db);
    free(path);
    assert_int_equal(seq, writes + 1); /* with the creation */
    assert_int_equal(kit_state(k).version, writes);
    assert_int_equal(kit_ask(k, "SELECT count(*)=max(version)+1 AND min(version)=0 AND max(version)=(SELECT version FROM meta) FROM versions"), 1);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM versions JOIN audit ON seq=versions.version+1 WHERE json_extract(entry,'$.action')=action"
                                " AND json_extract(entry,'$.version')=versions.version AND json_extract(entry,'$.generation')=generation"), writes + 1);
}

/* ── what goes along ── */

static void a_replace_takes_along_the_same_few_rows_whatever_the_history(void **state)
{
    struct kit *k = *state;
    static const int writes[] = {1, DRAIN_ROWS - 2, DRAIN_ROWS - 1, DRAIN_ROWS, 2 * DRAIN_ROWS + 50};
    int64_t pages = 0;
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        kit_dataset(k, "text", true);
        write_many(k, writes[i]);
        replace(k);
        assert_int_equal(kit_ask(k, "SELECT count(*) FROM main.audit"), 2);
        assert_int_equal(kit_ask(k, "SELECT count(*) FROM main.versions"), 1);
        int64_t now = kit_ask(k, "SELECT page_count FROM pragma_page_count");
        assert_true(!pages || now == pages);
        pages = now;
        history_is_whole(k, writes[i] + 1);
    }
}

static void history_is_whole_after_each_way_to_leave_a_file(void **state)
{
    struct kit *k = *state;
    int64_t writes = 0;
    kit_dataset(k, "text", true);
    for (int i = 0; i < 6; i++) {
        const struct dataset *d;
        struct write truncate = {.truncate = true};
        replace(k);
        history_is_whole(k, ++writes);
        replace(k); /* with nothing between */
        write_many(k, i);
        assert_true(kit_write_as(k, &truncate, NULL));
        GOOD(d = store_set_row_identifier(k->store, &actor_server, k->d, i % 2 ? 0 : -1, &err));
        dataset_release(d);
        kit_refresh(k);
        writes += 3 + i;
        history_is_whole(k, writes);
        if (i % 2)
            kit_reopen(k);
    }
}

static void what_is_not_done_moves_nothing(void **state)
{
    struct kit *k = *state;
    struct write dry = {.replace = true, .dry_run = true}, bad = {.replace = true, .has_expected_version = true, .expected_version = 77};
    kit_dataset(k, "text", true);
    write_many(k, 3);
    assert_true(kit_write_as(k, &dry, "id=x"));
    assert_false(kit_write_as(k, &bad, "id=x"));
    assert_int_equal(kit_ask_catalog(k, "SELECT (SELECT count(*) FROM dataset_audit)+(SELECT count(*) FROM dataset_version)"), 0);
    history_is_whole(k, 3);
}

/* By a connection of the test's own, while the server is away. */
static void change_file(const char *path, const char *sql)
{
    struct error err;
    struct sql *db = sql_open(path, SQL_WRITER, 1 << 20, &err);
    if (!db || !sql_exec(db, sql, &err))
        fail_msg("%s: %s", sql, err.message);
    sql_close(db);
}

static void change_closed(struct kit *k, int64_t generation, const char *of_file, const char *of_catalog)
{
    char *path = path_of_generation(k->store, k->d->id, generation), catalog[96];
    char id[DATASET_ID_LENGTH + 1];
    snprintf(catalog, sizeof catalog, "%s/catalog.db", k->dir);
    memcpy(id, k->d->id, sizeof id);
    dataset_release(k->d);
    k->d = NULL;
    kit_shut(k);
    if (of_file)
        change_file(path, of_file);
    if (of_catalog)
        change_file(catalog, of_catalog);
    kit_open(k);
    GOOD(k->d = catalog_dataset(k->catalog, str_from(id), &err));
    free(path);
}

static void witnesses_of_a_day_go_along(void **state)
{
    struct kit *k = *state;
    struct write w = {.idempotency_key = STR("new"), .witness = STR("d")}, again = w;
    kit_dataset(k, "text", true);
    assert_true(kit_write_as(k, &w, "id=a"));
    buf_free(&w.kept);
    change_closed(k, 1, "INSERT INTO witness VALUES('old','d',1000,1,NULL,'{}')", NULL);
    replace(k);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM witness WHERE idempotency_key='new'"), 1);
    assert_int_equal(kit_ask(k, "SELECT count(*) FROM witness"), 1);
    assert_true(kit_write_as(k, &again, "id=a"));
    assert_true(again.replayed);
    buf_free(&again.kept);
}

/* ── a chain that does not hold ── */

#define UNLOCK "DROP TRIGGER audit_is_not_updated; DROP TRIGGER audit_is_not_deleted; "

static void a_chain_that_was_changed_is_not_taken(void **state)
{
    struct kit *k = *state;
    static const struct {
        const char *of_file, *of_catalog, *says;
        bool key; /* by a new row identifier instead of a replace */
    } cases[] = {
        {UNLOCK "UPDATE audit SET entry=replace(entry,'\"created\":0','\"created\":7') WHERE seq=6", NULL, "at entry 6 ", false},
        {UNLOCK "UPDATE audit SET hash=x'00' WHERE seq=5", NULL, "at entry 5 ", true},
        {UNLOCK "DELETE FROM audit WHERE seq=6", NULL, "at entry 7 ", false},
        {UNLOCK "UPDATE audit SET hash=zeroblob(32) WHERE seq=3", NULL, "at entry 3 ", false}, /* the head where the file begins */
        {NULL, "INSERT INTO dataset_audit SELECT dataset,99,entry,hash FROM dataset_audit WHERE seq=1", "at entry 8 ", true}, /* the file is of an earlier time */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        struct write w = {.replace = true};
        kit_dataset(k, "text", true);
        write_many(k, 2);
        replace(k);
        write_many(k, 3);
        char *want = strdup(kit_table(k));
        assert_non_null(want);
        change_closed(k, 2, cases[i].of_file, cases[i].of_catalog);
        if (cases[i].key)
            assert_null(store_set_row_identifier(k->store, &actor_server, k->d, -1, &err));
        else
            assert_false(kit_write_as(k, &w, "id=y"));
        const struct error *said = cases[i].key ? &err : &w.error;
        assert_int_equal(said->code, ERROR_STORE_UNAVAILABLE);
        if (!strstr(said->message, cases[i].says))
            fail_msg("%s: %s", cases[i].says, said->message);
        kit_table_is(k, want);
        free(want);
        assert_int_equal(k->d->generation, 2);
        kit_write(k, "id=z");
    }
}

/* ── files that go ── */

static char *dataset_folder(struct kit *k, const char *before, const char *id, const char *after)
{
    char *path;
    assert_true(asprintf(&path, "%s/datasets/%s%s%s", k->dir, before, id, after) > 0);
    return path;
}

static int64_t links_of(struct kit *k, const char *id)
{
    char text[128];
    snprintf(text, sizeof text, "SELECT count(*) FROM dataset_audit WHERE dataset='%s'", id);
    return kit_ask_catalog(k, text);
}

static void make_old(const char *path)
{
    struct utimbuf old = {0, 0};
    assert_int_equal(utime(path, &old), 0);
}

static void the_history_of_a_deleted_dataset_stays(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    write_many(k, 3);
    replace(k);
    write_many(k, 2);
    char *folder = dataset_folder(k, "", k->d->id, ""), *gone = dataset_folder(k, ".", k->d->id, GONE);
    GOOD(catalog_delete_dataset(k->catalog, &actor_server, k->d->id, &err));
    store_drop(k->store, k->d->id);
    assert_int_equal(access(folder, F_OK), -1);
    assert_int_equal(access(gone, F_OK), -1);
    assert_int_equal(links_of(k, k->d->id), 7);
    assert_int_equal(kit_ask_catalog(k, "SELECT count(*) FROM dataset_version"), 7);
    free(folder);
    free(gone);
}

static void what_cannot_be_drained_is_not_removed(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    write_many(k, 3);
    change_closed(k, 1, UNLOCK "UPDATE audit SET entry='{}' WHERE seq=2", NULL);
    char *gone = dataset_folder(k, ".", k->d->id, GONE), *file;
    assert_true(asprintf(&file, "%s/rows-1.db", gone) > 0);
    GOOD(catalog_delete_dataset(k->catalog, &actor_server, k->d->id, &err));
    store_drop(k->store, k->d->id);
    assert_int_equal(access(file, F_OK), 0);
    kit_shut(k);
    kit_open(k);
    assert_int_equal(access(file, F_OK), 0);
    kit_shut(k);
    change_file(file, "DELETE FROM audit WHERE seq>1");
    kit_open(k);
    assert_int_equal(access(gone, F_OK), -1);
    assert_int_equal(links_of(k, k->d->id), 1);
    free(gone);
    free(file);
}

/* A folder that the catalog does not know, and former generations as a server left them that copied all into the next. */
static void the_clean_up_drains_what_it_removes(void **state)
{
    struct kit *k = *state;
    char *file, *folder;
    kit_dataset(k, "text", true);
    write_many(k, 3);
    replace(k);
    replace(k);
    history_is_whole(k, 5);
    change_closed(k, 3, NULL, "DROP TRIGGER dataset_audit_is_not_deleted; DELETE FROM dataset_audit; DELETE FROM dataset_version");
    file = path_of_generation(k->store, k->d->id, 1);
    make_old(file);
    kit_reopen(k);
    assert_int_equal(access(file, F_OK), -1);
    assert_int_equal(links_of(k, k->d->id), 4);
    free(file);
    /* The next one goes on where that ended; in the wrong order it would have to stay. */
    file = path_of_generation(k->store, k->d->id, 2);
    make_old(file);
    kit_reopen(k);
    assert_int_equal(access(file, F_OK), -1);
    history_is_whole(k, 5);
    folder = path_of_table(k->store, k->d->id);
    GOOD(catalog_delete_dataset(k->catalog, &actor_server, k->d->id, &err));
    kit_shut(k);
    make_old(folder);
    kit_open(k);
    assert_int_equal(access(folder, F_OK), -1);
    assert_int_equal(links_of(k, k->d->id), 6);
    free(file);
    free(folder);
}

static void a_former_generation_that_does_not_join_the_chain_stays(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    write_many(k, 3);
    replace(k);
    replace(k);
    change_closed(k, 3, NULL, "DROP TRIGGER dataset_audit_is_not_deleted; DELETE FROM dataset_audit; DELETE FROM dataset_version");
    char *file = path_of_generation(k->store, k->d->id, 2);
    make_old(file);
    kit_reopen(k);
    assert_int_equal(access(file, F_OK), 0);
    free(file);
}

/* The file was put back from before its last link, and written to: it has another one of that number, and nothing beyond. */
static void a_file_with_a_link_of_its_own_is_not_removed_though_the_catalog_has_more(void **state)
{
    struct kit *k = *state;
    char text[256];
    kit_dataset(k, "text", true);
    write_many(k, 3);
    char *gone = dataset_folder(k, ".", k->d->id, GONE);
    snprintf(text, sizeof text, "INSERT INTO dataset_audit VALUES('%s',4,'{}',zeroblob(32)),('%s',9,'{}',zeroblob(32))", k->d->id, k->d->id);
    change_closed(k, 1, NULL, text);
    GOOD(catalog_delete_dataset(k->catalog, &actor_server, k->d->id, &err));
    k->store->warn = note_warning;
    store_drop(k->store, k->d->id);
    assert_int_equal(access(gone, F_OK), 0);
    snprintf(text, sizeof text, "datasets/.%s" GONE " stays: the history of dataset %s could not be taken out of it: ", k->d->id, k->d->id);
    assert_memory_equal(warned, text, strlen(text));
    assert_non_null(strstr(warned, "at entry 4 "));
    free(gone);
}

static void a_deletion_removes_what_is_drained_and_keeps_the_rest(void **state)
{
    struct kit *k = *state;
    char *first, *second = NULL, *gone;
    kit_dataset(k, "text", true);
    replace(k);
    write_many(k, 2);
    change_closed(k, 2, UNLOCK "UPDATE audit SET hash=x'00' WHERE seq=4", NULL);
    gone = dataset_folder(k, ".", k->d->id, GONE);
    assert_true(asprintf(&first, "%s/rows-1.db", gone) > 0 && asprintf(&second, "%s/rows-2.db", gone) > 0);
    GOOD(catalog_delete_dataset(k->catalog, &actor_server, k->d->id, &err));
    store_drop(k->store, k->d->id);
    assert_int_equal(access(first, F_OK), -1);
    assert_int_equal(access(second, F_OK), 0);
    free(gone);
    free(first);
    free(second);
}

static void what_a_full_disk_kept_of_a_deletion_goes_when_there_is_room(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    write_many(k, 3);
    char *gone = dataset_folder(k, ".", k->d->id, GONE);
    GOOD(catalog_delete_dataset(k->catalog, &actor_server, k->d->id, &err));
    k->store->warn = note_warning;
    disk_is_full = true;
    store_drop(k->store, k->d->id);
    assert_non_null(strstr(warned, "no room"));
    warned[0] = 0;
    clean_gone(k->store);
    assert_int_equal(access(gone, F_OK), 0);
    assert_string_equal(warned, ""); /* once is enough */
    disk_is_full = false;
    clean_gone(k->store);
    assert_int_equal(access(gone, F_OK), -1);
    assert_int_equal(links_of(k, k->d->id), 4);
    free(gone);
}

/* ── what the catalog has, the file will have after a power cut ── */

static void a_portion_waits_until_the_files_wal_is_on_disk(void **state)
{
    struct kit *k = *state;
    struct write w = {.replace = true};
    kit_dataset(k, "text", true);
    write_many(k, DRAIN_ROWS);
    failing_syncs = 2; /* before the turn, and in it */
    assert_false(kit_write_as(k, &w, "id=x"));
    assert_int_equal(w.error.code, ERROR_STORE_UNAVAILABLE);
    assert_int_equal(failing_syncs, 0);
    assert_int_equal(links_of(k, k->d->id), 0);
    replace(k);
    history_is_whole(k, DRAIN_ROWS + 1);
    syncs = 0;
    replace(k); /* the rest goes with the flip: no sync of its own */
    assert_int_equal(syncs, 0);
}

static struct kit *watched;
static bool saw_generation, saw_build;

static void look_into_folder(void)
{
    char text[128];
    snprintf(text, sizeof text, "ls '%s/datasets/%s' | grep -q '^rows-2'", watched->dir, watched->d->id);
    saw_generation |= system(text) == 0;
    snprintf(text, sizeof text, "ls '%s/datasets/%s' | grep -q '^ahead-'", watched->dir, watched->d->id);
    saw_build |= system(text) == 0;
}

/* Else a file that is half made would be drained when its dataset is deleted and the server killed, and stay for ever. */
static void a_file_in_the_making_is_not_called_a_generation(void **state)
{
    struct kit *k = *state;
    kit_dataset(k, "text", true);
    write_many(k, DRAIN_ROWS);
    watched = k;
    failing_syncs = 1; /* so that the portion is left for when the file is filled */
    at_sync = look_into_folder;
    replace(k);
    at_sync = NULL;
    assert_true(saw_build);
    assert_false(saw_generation);
    assert_int_equal(k->d->generation, 2);
}

/* ── kills ── */

enum { KILLED_WRITES = 3 * DRAIN_ROWS + 7 };

static void begin_killed(struct kit *k)
{
    kit_dataset(k, "text", true);
    write_many(k, KILLED_WRITES);
}

static void replace_found(struct kit *k)
{
    kit_find(k);
    replace(k);
}

static void identify_found(struct kit *k)
{
    const struct dataset *d;
    kit_find(k);
    GOOD(d = store_set_row_identifier(k->store, &actor_server, k->d, -1, &err));
    dataset_release(d);
}

static void drop_found(struct kit *k)
{
    kit_find(k);
    GOOD(catalog_delete_dataset(k->catalog, &actor_server, k->d->id, &err));
    store_drop(k->store, k->d->id);
}

static int64_t expected;

static void is_whole_as_expected(struct kit *k)
{
    kit_find(k);
    history_is_whole(k, expected);
}

static void all_is_in_the_catalog_alone(struct kit *k)
{
    char command[128];
    if (kit_ask_catalog(k, "SELECT max(seq)=count(*) AND count(*)=(SELECT count(*) FROM dataset_version) FROM dataset_audit") != 1 ||
        kit_ask_catalog(k, "SELECT count(*) FROM dataset_audit") != expected + 1)
        _exit(4);
    snprintf(command, sizeof command, "test -z \"$(ls -A '%s/datasets')\"", k->dir);
    if (system(command) != 0)
        _exit(5);
}

static void ends(const char *dir, const char *stop, void (*part)(struct kit *k), int want)
{
    int how = kit_run_apart(dir, stop, part);
    if (how != want)
        fail_msg("%s: ended with %d", stop ? stop : "what was found", how);
}

static void a_kill_on_the_way_loses_nothing_and_doubles_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *stop;
        void (*part)(struct kit *k);
        int done;
    } cases[] = {
        /* Each goes on from what the one before left. */
        {"portion_drained", replace_found, 0},  {"portion_drained:2", replace_found, 0}, {"replace_synced", identify_found, 0},
        {"replace_flipped", identify_found, 1}, {"replace_synced", replace_found, 0},    {"replace_flipped", replace_found, 1},
    };
    char dir[64] = "/tmp/seltzer-history-XXXXXX";
    assert_non_null(mkdtemp(dir));
    ends(dir, NULL, begin_killed, 0);
    expected = KILLED_WRITES;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ends(dir, cases[i].stop, cases[i].part, SIGKILL);
        expected += cases[i].done;
        ends(dir, NULL, is_whole_as_expected, 0);
    }
    ends(dir, NULL, replace_found, 0);
    expected++;
    ends(dir, NULL, is_whole_as_expected, 0);
    ends(dir, "dropped", drop_found, SIGKILL);
    ends(dir, NULL, all_is_in_the_catalog_alone, 0);
    kit_remove(dir);
}

static void a_deletion_killed_half_way_of_its_history_is_ended_at_the_next_start(void **state)
{
    (void)state;
    char dir[64] = "/tmp/seltzer-history-XXXXXX";
    assert_non_null(mkdtemp(dir));
    ends(dir, NULL, begin_killed, 0);
    expected = KILLED_WRITES;
    ends(dir, "portion_drained:2", drop_found, SIGKILL);
    ends(dir, NULL, all_is_in_the_catalog_alone, 0);
    kit_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* Before anything opens a store in this process. */
        cmocka_unit_test(a_kill_on_the_way_loses_nothing_and_doubles_nothing),
        cmocka_unit_test(a_deletion_killed_half_way_of_its_history_is_ended_at_the_next_start),
        KIT_TEST(a_replace_takes_along_the_same_few_rows_whatever_the_history),
        KIT_TEST(history_is_whole_after_each_way_to_leave_a_file),
        KIT_TEST(what_is_not_done_moves_nothing),
        KIT_TEST(witnesses_of_a_day_go_along),
        KIT_TEST(a_chain_that_was_changed_is_not_taken),
        KIT_TEST(the_history_of_a_deleted_dataset_stays),
        KIT_TEST(what_cannot_be_drained_is_not_removed),
        KIT_TEST(the_clean_up_drains_what_it_removes),
        KIT_TEST(a_former_generation_that_does_not_join_the_chain_stays),
        KIT_TEST(a_file_with_a_link_of_its_own_is_not_removed_though_the_catalog_has_more),
        KIT_TEST(a_deletion_removes_what_is_drained_and_keeps_the_rest),
        KIT_TEST(what_a_full_disk_kept_of_a_deletion_goes_when_there_is_room),
        KIT_TEST(a_portion_waits_until_the_files_wal_is_on_disk),
        KIT_TEST(a_file_in_the_making_is_not_called_a_generation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
