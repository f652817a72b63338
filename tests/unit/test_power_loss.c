/* Power loss at every sync: a store at work on a disk that keeps unsynced changes apart (tests/fault/power.h). Before and after
 * each sync, and between operations, images of the disk are taken as a cut would leave it. On each of them a store must open
 * and hold: all that was acknowledged, whole; of what was under way all or nothing; sound files; and it must take writes.
 *
 * A life is a few dozen operations (seeded) on a folder. The next life begins on one of the images, recovering from it under
 * the same watch: a cut in the recovery from a cut.
 *
 *     SELTZER_SEED    the seed, printed
 *     SELTZER_POWER   number of lives with an image of every kind at every sync; without it a sample of a few lives */
#include <dirent.h>
#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>
#include <time.h>

#include "../fault/power.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "ingest/set_aside.h"
#include "store_kit.h"

enum { SLOTS = 3, TABLE_BYTES = 1 << 15, IMAGES_MAX = 512, SAMPLE_LIVES = 3, OPERATIONS = 20, SAMPLE_ONE_IN = 3 };

/* Hours pass when the test says so: a checkpoint comes when a file was idle for a while. */
static atomic_ullong skipped_ms;
uint64_t __real_clock_mono_ms(void);
uint64_t __wrap_clock_mono_ms(void);
uint64_t __wrap_clock_mono_ms(void)
{
    return __real_clock_mono_ms() + atomic_load(&skipped_ms);
}

/* What a client may know of a dataset. */
struct slot {
    char id[DATASET_ID_LENGTH + 1]; /* "": there is none */
    size_t columns;
    int row_identifier;
    int64_t version;
    char table[TABLE_BYTES];
};

struct world {
    struct slot slots[SLOTS];
};

struct image {
    char dir[48];
    unsigned moment;
    char told[128];
};

static char base[40]; /* the folder of all */

static struct life {
    char dir[48];  /* what is watched; the store is in its folder "data", which it makes itself */
    struct kit *k;
    /* The operation i under way: what is known before it and, when it has ended, after it. Moments: 2i is before it, 2i + 1 in it. */
    struct world before, after;
    atomic_uint moment;
    char doing[160];
    struct {
        bool is_keyed, replace;
        int slot;
        char key[24], text[1 << 14];
    } last; /* a write with an Idempotency-Key, to be repeated on what a cut left */
    struct image images[IMAGES_MAX];
    size_t n_images, made, checked;
    size_t found_old, found_new; /* where the cut came into an operation */
    unsigned seed;
    bool every;
    /* An image on which the next life begins, and what was known then. */
    char next[48];
    struct world next_before, next_after;
} life;

/* Checkpoints run on a thread of the store: images are taken there too, one at a time (power.h), with dice of their own. */
static pthread_mutex_t images_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned cut_seed;

static unsigned cut_dice(unsigned n)
{
    return (unsigned)rand_r(&cut_seed) % n;
}

static unsigned dice(unsigned n)
{
    return (unsigned)rand_r(&life.seed) % n;
}

/* ── images ── */

static void take_image(enum power_loss how, const char *when, const char *what)
{
    pthread_mutex_lock(&images_lock);
    if (life.n_images == IMAGES_MAX)
        abort(); /* an operation syncs more often than the test has room for */
    struct image *image = &life.images[life.n_images++];
    image->moment = atomic_load(&life.moment);
    snprintf(image->dir, sizeof image->dir, "%s/%zu", base, life.made++);
    snprintf(image->told, sizeof image->told, "cut %s %s, kind %d", when, what, (int)how);
    power_image(how, &cut_seed, image->dir);
    pthread_mutex_unlock(&images_lock);
}

static void at_sync(void *ctx, const char *when, const char *what)
{
    (void)ctx;
    if (life.every) {
        for (int how = 0; how < POWER_KINDS; how++)
            take_image((enum power_loss)how, when, what);
    } else if (cut_dice(SAMPLE_ONE_IN) == 0) {
        take_image((enum power_loss)cut_dice(POWER_KINDS), when, what);
    }
}

/* ── what a store knows ── */

static void look_at(struct kit *k, struct slot *slot)
{
    slot->columns = k->d->columns.n;
    slot->row_identifier = k->d->columns.row_identifier;
    slot->version = kit_state(k).version;
    const char *table = kit_table(k);
    if (strlen(table) >= TABLE_BYTES)
        fail_msg("a table outgrew the test");
    memcpy(slot->table, table, strlen(table) + 1);
}

static bool use(struct kit *k, const char *id)
{
    struct error err;
    const struct dataset *d = catalog_dataset(k->catalog, str_from(id), &err);
    if (!d)
        return false;
    dataset_release(k->d);
    k->d = d;
    return true;
}

static void look(struct kit *k, struct world *ret)
{
    for (int i = 0; i < SLOTS; i++)
        if (ret->slots[i].id[0] && use(k, ret->slots[i].id))
            look_at(k, &ret->slots[i]);
}

/* ── the files, by a connection of the test's own ── */

/* From its first link on, most of them in the catalog by now. */
static void audit_holds(struct kit *k, sqlite3 *db)
{
    char text[512];
    unsigned char hash[crypto_hash_sha256_BYTES] = {0};
    sqlite3_stmt *st;
    int64_t seq = 0;
    snprintf(text, sizeof text, "ATTACH '%s/catalog.db' AS c", k->dir);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    snprintf(text, sizeof text, "SELECT seq, entry, hash FROM c.dataset_audit WHERE dataset='%s' UNION SELECT * FROM main.audit ORDER BY seq", k->d->id);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
        crypto_hash_sha256_state h;
        crypto_hash_sha256_init(&h);
        crypto_hash_sha256_update(&h, hash, sizeof hash);
        crypto_hash_sha256_update(&h, sqlite3_column_text(st, 1), (unsigned long long)sqlite3_column_bytes(st, 1));
        crypto_hash_sha256_final(&h, hash);
        assert_int_equal(sqlite3_column_int64(st, 0), ++seq);
        assert_memory_equal(sqlite3_column_blob(st, 2), hash, sizeof hash);
    }
    sqlite3_finalize(st);
    assert_true(seq > 0);
}

static void file_is_sound(struct kit *k)
{
    static const struct {
        const char *sql;
        int64_t want;
    } asked[] = {
        {"SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'", 1},
        {"SELECT journal_mode='wal' FROM pragma_journal_mode", 1},
        {"SELECT user_version FROM pragma_user_version", FORMAT_VERSION},
        {"SELECT page_size FROM pragma_page_size", SQL_PAGE_BYTES},
        {"SELECT (SELECT count(*) FROM rows)=(SELECT rows FROM meta)", 1},
        {"SELECT (SELECT max(version) FROM versions)=(SELECT version FROM meta) AND (SELECT max(version)-min(version)+1=count(*) FROM versions)", 1},
        {"SELECT coalesce((SELECT max(sid) FROM rows),0)<(SELECT next_sid FROM meta)", 1},
        {"SELECT coalesce((SELECT max(version) FROM rows),0)<=(SELECT version FROM meta)", 1},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        int64_t got = kit_ask(k, asked[i].sql);
        if (got != asked[i].want)
            fail_msg("%s: %lld", asked[i].sql, (long long)got);
    }
    char *path = path_of_generation(k->store, k->d->id, k->d->generation);
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    audit_holds(k, db);
    sqlite3_close(db);
    free(path);
}

/* ── an image holds ── */

static bool same(const struct slot *a, const struct slot *b)
{
    return a->columns == b->columns && a->row_identifier == b->row_identifier && a->version == b->version && strcmp(a->table, b->table) == 0;
}

/* A column is in the file, under a version of its own, before the catalog names it; a dataset is in the catalog before it has a
 * file. Nobody was told of either yet. */
static bool half_way(const struct slot *have, const struct slot *old, const struct slot *new)
{
    if (!old->id[0])
        return have->table[0] == 0;
    return new->columns > old->columns && have->columns == old->columns && have->version == new->version && strcmp(have->table, old->table) == 0;
}

static void slot_holds(struct kit *k, const char *told, const struct slot *old, const struct slot *new)
{
    static struct slot have;
    const char *id = old->id[0] ? old->id : new->id;
    if (!id[0])
        return;
    if (!use(k, id)) {
        if (old->id[0] && new->id[0])
            fail_msg("%s, %s: dataset %s is lost", life.doing, told, id);
        return;
    }
    look_at(k, &have);
    bool is_old = old->id[0] && same(&have, old), is_new = new->id[0] && same(&have, new);
    if (!is_old && !is_new && !half_way(&have, old, new))
        fail_msg("%s, %s\nhas  %d columns, key %d, version %lld: %s\nold  %d, %d, %lld: %s\nnew  %d, %d, %lld: %s", life.doing, told, (int)have.columns,
                 have.row_identifier, (long long)have.version, have.table, (int)old->columns, old->row_identifier, (long long)old->version, old->table,
                 (int)new->columns, new->row_identifier, (long long)new->version, new->table);
    life.found_old += is_old && !is_new;
    life.found_new += is_new && !is_old;
    file_is_sound(k);
}

static bool knows(const struct world *w, const char *id)
{
    for (int i = 0; i < SLOTS; i++)
        if (strcmp(w->slots[i].id, id) == 0)
            return true;
    return false;
}

static void world_holds(struct kit *k, const char *told, const struct world *old, const struct world *new)
{
    char(*ids)[DATASET_ID_LENGTH + 1];
    size_t n;
    for (int i = 0; i < SLOTS; i++)
        slot_holds(k, told, &old->slots[i], &new->slots[i]);
    GOOD(catalog_list(k->catalog, &ids, &n, &err));
    for (size_t i = 0; i < n; i++)
        if (!knows(old, ids[i]) && !knows(new, ids[i]))
            fail_msg("%s, %s: dataset %s came back", life.doing, told, ids[i]);
    free(ids);
}

/* Sent again with its key, a write is done once, whether the cut had left it or not. */
static void repetition_is_done_once(struct kit *k, const char *told)
{
    static struct slot have;
    const struct slot *want = &life.after.slots[life.last.slot];
    struct write w = {.replace = life.last.replace, .idempotency_key = str_from(life.last.key), .witness = STR("digest")};
    assert_true(use(k, want->id));
    if (!kit_write_as(k, &w, life.last.text))
        fail_msg("%s, %s, sent again: %s", life.doing, told, w.error.message);
    buf_free(&w.kept);
    kit_refresh(k);
    look_at(k, &have);
    if (!same(&have, want))
        fail_msg("%s, %s, sent again\nhas  version %lld: %s\nwant %lld: %s", life.doing, told, (long long)have.version, have.table, (long long)want->version, want->table);
}

/* Writes work again, and stay. */
static void takes_writes(struct kit *k)
{
    static struct world now;
    char(*ids)[DATASET_ID_LENGTH + 1];
    size_t n;
    memset(&now, 0, sizeof now);
    GOOD(catalog_list(k->catalog, &ids, &n, &err));
    assert_true(n <= SLOTS);
    for (size_t i = 0; i < n; i++) {
        memcpy(now.slots[i].id, ids[i], sizeof ids[i]);
        assert_true(use(k, ids[i]));
        int64_t version = kit_state(k).version;
        kit_write(k, "id=after name=power n=1");
        assert_int_equal(kit_state(k).version, version + 1);
        look_at(k, &now.slots[i]);
        assert_non_null(strstr(now.slots[i].table, "name=power"));
    }
    free(ids);
    dataset_release(k->d);
    k->d = NULL;
    kit_shut(k);
    kit_open(k);
    world_holds(k, "then written to and opened again", &now, &now);
}

static void check_image(const struct image *image, unsigned moment)
{
    struct kit *k = calloc(1, sizeof *k);
    struct error err;
    assert_non_null(k);
    snprintf(k->dir, sizeof k->dir, "%s/data", image->dir);
    struct store_config config = {.dir = k->dir};
    config.catalog = k->catalog = catalog_open(k->dir, &err);
    k->store = k->catalog ? store_open(&config, &err) : NULL;
    if (!k->store)
        fail_msg("%s, %s: the store does not open: %s", life.doing, image->told, err.message);
    world_holds(k, image->told, image->moment == moment ? &life.after : &life.before, image->moment <= moment - 2 ? &life.before : &life.after);
    if (life.last.is_keyed && image->moment == moment - 1)
        repetition_is_done_once(k, image->told);
    if (life.every || dice(2) == 0)
        takes_writes(k);
    dataset_release(k->d);
    kit_shut(k);
    free(k);
    life.checked++;
}

/* One in a while is kept: the next life begins on it. */
static void maybe_keep(const struct image *image, unsigned moment)
{
    char command[160];
    if (life.next[0] || image->moment != moment - 1 || dice(30) != 0)
        return;
    snprintf(life.next, sizeof life.next, "%s-next", image->dir);
    snprintf(command, sizeof command, "cp -r '%s' '%s'", image->dir, life.next);
    assert_int_equal(system(command), 0);
    life.next_before = life.before;
    life.next_after = life.after;
}

/* All images since the last time. The moment is the one after the operation that has ended. */
static void check_images(unsigned moment)
{
    static struct image taken[IMAGES_MAX];
    pthread_mutex_lock(&images_lock);
    const size_t n = life.n_images;
    memcpy(taken, life.images, n * sizeof *taken);
    life.n_images = 0;
    pthread_mutex_unlock(&images_lock);
    for (size_t i = 0; i < n; i++) {
        maybe_keep(&taken[i], moment);
        check_image(&taken[i], moment);
        kit_remove(taken[i].dir);
    }
}

/* ── operations ── */

static struct slot *pick(bool there)
{
    unsigned from = dice(SLOTS);
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *slot = &life.after.slots[(from + i) % SLOTS];
        if ((slot->id[0] != 0) == there)
            return slot;
    }
    return NULL;
}

static void random_rows(char *ret, size_t size, unsigned rows, bool deletes)
{
    static const char long_text[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    size_t n = 0;
    ret[0] = 0;
    for (unsigned i = 0; i < rows && n < size - 160; i++) {
        if (deletes && dice(4) == 0)
            n += (size_t)snprintf(ret + n, size - n, "-id=k%u; ", dice(60));
        else
            n += (size_t)snprintf(ret + n, size - n, "id=k%u n=%u name=%.*s; ", dice(60), dice(100000), (int)dice(78), long_text);
    }
}

static void create(struct slot *slot)
{
    snprintf(life.doing, sizeof life.doing, "create");
    kit_dataset(life.k, "text", dice(3) != 0);
    memcpy(slot->id, life.k->d->id, sizeof slot->id);
}

static void drop(struct slot *slot)
{
    snprintf(life.doing, sizeof life.doing, "drop");
    GOOD(catalog_delete_dataset(life.k->catalog, &actor_server, slot->id, &err));
    store_drop(life.k->store, slot->id);
    slot->id[0] = 0;
}

static void write_rows(bool replace, bool truncate, unsigned rows, bool keyed)
{
    static unsigned keys;
    struct write w = {.replace = replace, .truncate = truncate};
    bool deletes = !replace && !truncate && life.k->d->columns.row_identifier >= 0;
    random_rows(life.last.text, sizeof life.last.text, rows, deletes);
    if (keyed) {
        life.last.is_keyed = true;
        life.last.replace = replace;
        snprintf(life.last.key, sizeof life.last.key, "key-%u", keys++);
        w.idempotency_key = str_from(life.last.key);
        w.witness = STR("digest");
    }
    snprintf(life.doing, sizeof life.doing, "%s of %u rows", replace ? "replace" : truncate ? "truncate" : "upsert", rows);
    if (!kit_write_as(life.k, &w, life.last.text))
        fail_msg("%s: %s", life.doing, w.error.message);
    buf_free(&w.kept);
}

static void write_group(void)
{
    enum { N = 4 };
    struct write w[N];
    struct write *group[N];
    char text[2048];
    snprintf(life.doing, sizeof life.doing, "group");
    for (int i = 0; i < N; i++) {
        random_rows(text, sizeof text, 1 + dice(5), false);
        w[i] = (struct write){.dataset = life.k->d, .stage = kit_stage(life.k, &life.k->d->columns, text), .request_id = "request", .user_id = "aaaa-aaaa"};
        group[i] = &w[i];
    }
    store_write_group(life.k->store, group, N);
    for (int i = 0; i < N; i++) {
        if (!w[i].done)
            fail_msg("group: %s", w[i].error.message);
        stage_free(w[i].stage);
    }
}

/* Rows that are worked on while the body still streams: a replace, or an upsert. */
static void write_ahead(bool replace)
{
    struct kit *k = life.k;
    char id[24], name[64];
    struct cell *cells = calloc(k->d->columns.n + 1, sizeof *cells);
    struct stage_config config = {.columns = &k->d->columns, .scratch_dir = k->dir, .live = true};
    struct write w = {.dataset = k->d, .replace = replace, .request_id = "request", .user_id = "aaaa-aaaa"};
    struct write *one = &w;
    const struct ahead_rows rows_ahead = {.replace = replace};
    snprintf(life.doing, sizeof life.doing, "%s ahead", replace ? "replace" : "upsert");
    GOOD(w.stage = stage_new(&config, &err));
    struct store_ahead *ahead = store_ahead_new(k->store, k->d, w.stage, &rows_ahead); /* the write forgets one that was undone */
    w.ahead = ahead;
    assert_true(w.ahead || !replace);
    for (unsigned i = 0, rows = 1 + dice(60); i < rows; i++) {
        struct stage_row row = {.position = i, .line = i + 1, .cells = cells};
        cells[0] = cell_text(str_make(id, (size_t)snprintf(id, sizeof id, "k%u", i)));
        cells[1] = cell_text(str_make(name, (size_t)snprintf(name, sizeof name, "ahead-%u", dice(1000))));
        GOOD(stage_append(w.stage, &row, &err));
        if (w.ahead && dice(10) == 0)
            store_ahead_step(w.ahead, 1 << 20);
    }
    GOOD(stage_finish(w.stage, &err));
    store_write_group(k->store, &one, 1);
    if (!w.done)
        fail_msg("%s: %s", life.doing, w.error.message);
    store_ahead_free(ahead);
    stage_free(w.stage);
    free(cells);
}

static void add_column(void)
{
    struct kit *k = life.k;
    char name[24];
    struct arena a = {0};
    struct column column;
    int64_t shape;
    snprintf(life.doing, sizeof life.doing, "add column");
    snprintf(name, sizeof name, "more_%zu", k->d->columns.n);
    const struct column_spec spec = {.name = str_from(name), .field_name = str_from(name), .type_name = STR("text")};
    GOOD(catalog_prepare_column(k->catalog, k->d, &spec, &a, &column, &err));
    GOOD(store_add_column(k->store, k->d, &column, &shape, &err));
    const struct dataset *d;
    GOOD(d = catalog_add_column(k->catalog, &actor_server, k->d->id, &column, shape, &err));
    dataset_release(d);
    arena_free(&a);
}

static void identify(void)
{
    struct error err;
    int key = life.k->d->columns.row_identifier < 0 ? 0 : -1;
    snprintf(life.doing, sizeof life.doing, "row identifier %d", key);
    const struct dataset *d = store_set_row_identifier(life.k->store, &actor_server, life.k->d, key, &err);
    if (!d && err.code != ERROR_COLUMN_NOT_UNIQUE && err.code != ERROR_COLUMN_HAS_NULLS)
        fail_msg("%s: %s", life.doing, err.message);
    dataset_release(d);
}

/* The files become idle, and the store's thread puts their WALs away. */
static void wait_for_checkpoint(void)
{
    const struct timespec a_tick = {0, (long)TICK_MS * 1300000};
    snprintf(life.doing, sizeof life.doing, "checkpoint");
    atomic_fetch_add(&skipped_ms, 2 * CHECKPOINT_IDLE_MS);
    nanosleep(&a_tick, NULL);
}

/* Closing empties and removes the WALs. */
static void reopen(void)
{
    snprintf(life.doing, sizeof life.doing, "close and open");
    dataset_release(life.k->d);
    life.k->d = NULL;
    kit_shut(life.k);
    kit_open(life.k);
}

static void operate(void)
{
    unsigned what = dice(100);
    struct slot *empty = pick(false), *slot = pick(true);
    life.last.is_keyed = false;
    life.last.slot = slot ? (int)(slot - life.after.slots) : 0;
    if (empty && (!slot || what < 8)) {
        create(empty);
        return;
    }
    assert_true(use(life.k, slot->id));
    if (what < 12)
        drop(slot);
    else if (what < 40)
        write_rows(false, false, 1 + dice(12), what % 2);
    else if (what < 46)
        write_rows(false, false, 60 + dice(60), false);
    else if (what < 54)
        write_group();
    else if (what < 66)
        write_rows(true, false, dice(40), what % 2);
    else if (what < 70)
        write_rows(false, true, dice(8), false);
    else if (what < 77)
        write_ahead(what % 2);
    else if (what < 82)
        add_column();
    else if (what < 88)
        identify();
    else if (what < 93)
        wait_for_checkpoint();
    else
        reopen();
}

/* ── lives ── */

/* On what a cut left, or in a folder where nothing is yet. The start is the operation 0. */
static void begin_life(void)
{
    static unsigned lives;
    snprintf(life.dir, sizeof life.dir, "%s/life-%u", base, lives++);
    if (life.next[0]) {
        assert_int_equal(rename(life.next, life.dir), 0);
        life.before = life.next_before;
        life.after = life.next_after;
        life.next[0] = 0;
    } else {
        assert_int_equal(mkdir(life.dir, 0700), 0);
        memset(&life.before, 0, sizeof life.before);
        memset(&life.after, 0, sizeof life.after);
    }
    life.k = calloc(1, sizeof *life.k);
    assert_non_null(life.k);
    snprintf(life.k->dir, sizeof life.k->dir, "%s/data", life.dir);
    snprintf(life.doing, sizeof life.doing, "the start");
    life.last.is_keyed = false;
    atomic_store(&life.moment, 1);
    power_watch(life.dir, at_sync, NULL);
    kit_open(life.k);
    world_holds(life.k, "the life after", &life.before, &life.after);
    check_images(2);
    for (int i = 0; i < SLOTS; i++) {
        struct slot *slot = &life.after.slots[i];
        memcpy(slot->id, slot->id[0] ? slot->id : life.before.slots[i].id, sizeof slot->id);
        if (slot->id[0] && !use(life.k, slot->id))
            slot->id[0] = 0;
    }
    look(life.k, &life.after); /* what was under way at the cut: old or new, and that it is from now on */
    atomic_store(&life.moment, 2); /* not sooner: until here an image of the checkpoint's thread may be held against either */
}

static void live(void)
{
    begin_life();
    for (int i = 0; i < OPERATIONS; i++) {
        life.before = life.after;
        power_cut(at_sync, NULL);
        atomic_fetch_add(&life.moment, 1);
        operate();
        atomic_fetch_add(&life.moment, 1);
        look(life.k, &life.after);
        check_images(atomic_load(&life.moment));
    }
    power_forget();
    check_images(atomic_load(&life.moment)); /* those of a checkpoint since; the next life must not take them for its own */
    dataset_release(life.k->d);
    kit_shut(life.k);
    kit_remove(life.dir);
    free(life.k);
}

static void a_cut_at_any_sync_loses_nothing_acknowledged(void **state)
{
    (void)state;
    const char *seed = getenv("SELTZER_SEED"), *lives = getenv("SELTZER_POWER");
    life.seed = seed ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)time(NULL);
    cut_seed = ~life.seed;
    life.every = lives != NULL;
    const int n = lives ? atoi(lives) : SAMPLE_LIVES;
    print_message("SELTZER_SEED=%u\n", life.seed);
    /* Images need no disk: a sync in memory costs nothing. */
    snprintf(base, sizeof base, "%s/seltzer-power-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(base));
    assert_true(random_init());
    for (int i = 0; i < n; i++)
        live();
    kit_remove(base);
    print_message("%d lives, %zu cuts: %zu left the old, %zu the new of what was under way\n", n, life.checked, life.found_old, life.found_new);
    assert_true(life.checked > 0 && life.found_old > 0 && life.found_new > 0);
}

/* ── files beside the databases ── */

static void cut_now(void *ctx, const char *when, const char *what)
{
    (void)when, (void)what;
    power_image(POWER_NOTHING, &life.seed, ctx);
}

static void watch_new(char ret[48], char image[64])
{
    snprintf(ret, 48, "%s", "/tmp/seltzer-power-XXXXXX");
    assert_non_null(mkdtemp(ret));
    snprintf(image, 64, "%s-cut", ret);
    power_watch(ret, NULL, NULL);
}

static void same_file(const char *dir, const char *other, const char *name)
{
    char command[256];
    snprintf(command, sizeof command, "test -s '%s/%s' && cmp '%s/%s' '%s/%s'", dir, name, dir, name, other, name);
    if (system(command) != 0)
        fail_msg("%s is not what it was before the cut", name);
}

static void a_report_of_set_aside_rows_is_on_disk_when_it_is_named(void **state)
{
    char dir[48], image[64], reports[64];
    (void)state;
    struct dataset d = {.id = "abcd-efgh"};
    struct set_aside *s;
    const struct raw bad = {.kind = RAW_STRING, .text = STR("x")};
    watch_new(dir, image);
    snprintf(reports, sizeof reports, "%s/reports", dir);
    GOOD(s = set_aside_new(&d, dir, &err));
    set_aside_row(s, 7);
    set_aside_note(s, SET_ASIDE_ID, STR(":id"), &bad);
    GOOD(set_aside_keep(s, STR("no such row"), &err));
    GOOD(set_aside_write(s, reports, "request", &err));
    set_aside_free(s);
    power_cut(cut_now, image);
    power_forget();
    same_file(dir, image, "reports/request~abcd-efgh.csv");
    kit_remove(dir);
    kit_remove(image);
}

static void certificates_are_on_disk_before_anybody_sees_them(void **state)
{
    char dir[48], image[64];
    static const char *const hosts[] = {"localhost"};
    static struct certificate c;
    (void)state;
    watch_new(dir, image);
    GOOD(certificate_ensure(dir, hosts, 1, &c, &err));
    power_cut(cut_now, image);
    power_forget();
    static const char *const names[] = {"tls/ca.pem", "tls/ca-key.pem", "tls/server.pem", "tls/server-key.pem"};
    for (size_t i = 0; i < 4; i++)
        same_file(dir, image, names[i]);
    kit_remove(dir);
    kit_remove(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_at_any_sync_loses_nothing_acknowledged),
        cmocka_unit_test(a_report_of_set_aside_rows_is_on_disk_when_it_is_named),
        cmocka_unit_test(certificates_are_on_disk_before_anybody_sees_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
