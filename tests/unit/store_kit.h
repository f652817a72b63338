/* What the store's tests share: a store over a real catalog in a temporary folder, rows written as text, tables read back
 * as text.
 *
 *     kit_write(k, "id=1 name=a; -id=2; :id=7 name=null", …)     rows end with ';', '-' deletes, null is null, names not
 *                                                                given are absent
 *     kit_table(k, …)  →  "1:id=1 name=a; 3:id=2 name=b; "       sid first, nulls left out, in order of creation */
#ifndef SELTZER_TESTS_STORE_KIT_H
#define SELTZER_TESTS_STORE_KIT_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "store/sqlite/engine.h"
#include "store/store.h"

struct kit {
    char dir[64];
    struct catalog *catalog;
    struct store *store;
    const struct dataset *d;
    char table[1 << 16]; /* of kit_table */
};

#define GOOD(call) do { struct error err = {0}; if (!(call)) fail_msg("%s: %s", #call, err.message); } while (0)

static inline void kit_open(struct kit *k)
{
    GOOD(k->catalog = catalog_open(k->dir, &err));
    struct store_config config = {.dir = k->dir, .catalog = k->catalog};
    GOOD(k->store = store_open(&config, &err));
}

static inline void kit_shut(struct kit *k)
{
    store_close(k->store);
    catalog_close(k->catalog);
}

/* Columns id (of that type), name text, n number, ok checkbox. */
static inline void kit_dataset(struct kit *k, const char *id_type, bool keyed)
{
    const struct column_spec columns[] = {
        {.name = STR("Id"), .field_name = STR("id"), .type_name = str_from(id_type)},
        {.name = STR("Name"), .field_name = STR("name"), .type_name = STR("text")},
        {.name = STR("N"), .field_name = STR("n"), .type_name = STR("number")},
        {.name = STR("Ok"), .field_name = STR("ok"), .type_name = STR("checkbox")},
    };
    struct dataset_spec spec = {.name = STR("A dataset"), .columns = columns, .n_columns = 4, .row_identifier = keyed ? STR("id") : STR(""), .owner = "aaaa-aaaa"};
    dataset_release(k->d);
    GOOD(k->d = catalog_create_dataset(k->catalog, &actor_server, &spec, &err));
    GOOD(store_create(k->store, k->d, &err));
}

static inline struct kit *kit_new(void)
{
    struct kit *k = calloc(1, sizeof *k);
    assert_non_null(k);
    assert_true(random_init());
    snprintf(k->dir, sizeof k->dir, "/tmp/seltzer-store-XXXXXX");
    assert_non_null(mkdtemp(k->dir));
    kit_open(k);
    return k;
}

static inline void kit_remove(const char *dir)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

static inline void kit_free(struct kit *k)
{
    dataset_release(k->d);
    kit_shut(k);
    kit_remove(k->dir);
    free(k);
}

/* As after a restart: the dataset is taken from the catalog again. */
static inline void kit_reopen(struct kit *k)
{
    char id[DATASET_ID_LENGTH + 1];
    memcpy(id, k->d->id, sizeof id);
    dataset_release(k->d);
    kit_shut(k);
    kit_open(k);
    GOOD(k->d = catalog_dataset(k->catalog, str_from(id), &err));
}

static inline void kit_refresh(struct kit *k)
{
    const struct dataset *now;
    GOOD(now = catalog_dataset(k->catalog, str_from(k->d->id), &err));
    dataset_release(k->d);
    k->d = now;
}

/* ── rows from text ── */

static inline struct cell kit_cell(const struct type *t, struct str v)
{
    if (str_eq(v, STR("null")))
        return cell_null();
    uint64_t n = 0;
    if (t->storage == STORAGE_INT)
        return str_to_u64(v, &n) ? cell_int((int64_t)n) : cell_null();
    return cell_text(v);
}

static inline void kit_set(const struct columns *c, struct stage_row *row, struct str name, struct str v)
{
    uint64_t n = 0;
    if (str_eq(name, STR(":id")) || str_eq(name, STR(":version"))) {
        enum stage_sid state = str_eq(v, STR("null")) ? STAGE_SID_NULL : str_to_u64(v, &n) ? STAGE_SID_GIVEN : STAGE_SID_UNREADABLE;
        if (str_eq(name, STR(":id"))) {
            row->sid_state = state;
            row->sid = (int64_t)n;
        } else {
            row->version_state = state;
            row->version = (int64_t)n;
        }
        return;
    }
    int at = columns_find_field(c, name);
    assert_true(at >= 0);
    row->cells[at] = kit_cell(c->v[at].type, v);
}

static inline struct stage *kit_stage(struct kit *k, const struct columns *c, const char *text)
{
    struct stage *stage;
    struct stage_config config = {.columns = c, .scratch_dir = k->dir};
    struct str rest = str_from(text);
    struct cell *cells = calloc(c->n + 1, sizeof *cells);
    GOOD(stage = stage_new(&config, &err));
    for (uint64_t position = 0; str_trim(rest).n; position++) {
        struct str line, word;
        str_cut(rest, ';', &line, &rest);
        line = str_trim(line);
        struct stage_row row = {.position = position, .line = position + 1, .cells = cells};
        if (str_starts(line, STR("-"))) {
            row.op = STAGE_DELETE;
            line = str_skip(line, 1);
        }
        for (size_t i = 0; i < c->n; i++)
            cells[i] = (struct cell){0};
        while (line.n) {
            struct str name, v;
            bool more = str_cut(line, ' ', &word, &line);
            assert_true(str_cut(word, '=', &name, &v));
            kit_set(c, &row, name, v);
            if (!more)
                break;
        }
        GOOD(stage_append(stage, &row, &err));
    }
    GOOD(stage_finish(stage, &err));
    free(cells);
    return stage;
}

/* ── writes ── */

struct kit_results {
    struct row_result v[256];
    char keys[256][32];
    size_t n;
};

static inline void kit_result(void *ctx, const struct row_result *r)
{
    struct kit_results *all = ctx;
    if (all->n == 256)
        return;
    all->v[all->n] = *r;
    snprintf(all->keys[all->n], 32, FMT_STR, ARG_STR(r->key.kind == CELL_TEXT ? r->key.s : STR("")));
    all->v[all->n++].key = (struct cell){0};
}

static inline void kit_begin(void *ctx) /* another try: what was told before does not count */
{
    ((struct kit_results *)ctx)->n = 0;
}

/* The options of `w` are kept; the outcome is in it. */
static inline bool kit_write_as(struct kit *k, struct write *w, const char *text)
{
    w->dataset = k->d;
    w->request_id = "request";
    w->user_id = "aaaa-aaaa";
    w->stage = text ? kit_stage(k, &k->d->columns, text) : NULL;
    struct write *one = w;
    store_write_group(k->store, &one, 1);
    stage_free(w->stage);
    w->stage = NULL;
    return w->done;
}

static inline struct write kit_write(struct kit *k, const char *text)
{
    struct write w = {0};
    if (!kit_write_as(k, &w, text))
        fail_msg("%s: %s", text ? text : "no stage", w.error.message);
    return w;
}

static inline void kit_counts(const struct write *w, uint64_t created, uint64_t updated, uint64_t deleted, uint64_t errors)
{
    const struct write_counts *c = &w->counts;
    if (c->created != created || c->updated != updated || c->deleted != deleted || c->errors != errors)
        fail_msg("created %d updated %d deleted %d errors %d", (int)c->created, (int)c->updated, (int)c->deleted, (int)c->errors);
}

/* ── reading ── */

struct kit_reading {
    struct kit *k;
    struct buf out;
    struct store_state state;
};

static inline bool kit_reading_begin(void *ctx, const struct store_state *state, struct error *err)
{
    struct kit_reading *r = ctx;
    (void)err;
    r->state = *state;
    return true;
}

static inline bool kit_reading_row(void *ctx, const struct cell *cells, struct error *err)
{
    struct kit_reading *r = ctx;
    const struct columns *c = &r->k->d->columns;
    (void)err;
    buf_printf(&r->out, "%lld:", (long long)cells[0].i);
    const char *between = "";
    for (size_t i = 0; i < c->n; i++) {
        const struct cell *v = &cells[i + 1];
        if (v->kind == CELL_NULL)
            continue;
        buf_printf(&r->out, "%s" FMT_STR "=", between, ARG_STR(c->v[i].field_name));
        between = " ";
        if (v->kind == CELL_INT)
            buf_add_i64(&r->out, v->i);
        else
            buf_add_str(&r->out, v->s);
    }
    buf_add_z(&r->out, "; ");
    return true;
}

static inline const char *kit_table(struct kit *k)
{
    struct kit_reading r = {.k = k};
    struct query q = {.n_columns = k->d->columns.n + 1};
    struct store_reader reader = {&r, kit_reading_begin, kit_reading_row, NULL};
    buf_add_z(&q.sql.text, "SELECT sid");
    for (size_t i = 0; i < k->d->columns.n; i++)
        buf_printf(&q.sql.text, ",c%d", k->d->columns.v[i].physical);
    buf_add_z(&q.sql.text, " FROM rows ORDER BY sid");
    GOOD(store_query(k->store, k->d, &q, &reader, &err));
    snprintf(k->table, sizeof k->table, FMT_STR, ARG_STR(buf_str(&r.out)));
    buf_free(&r.out);
    buf_free(&q.sql.text);
    return k->table;
}

static inline void kit_table_is(struct kit *k, const char *want)
{
    assert_string_equal(kit_table(k), want);
}

static inline struct store_state kit_state(struct kit *k)
{
    struct store_state state = {0};
    GOOD(store_state(k->store, k->d, &state, &err));
    return state;
}

/* A number out of the dataset's current file, by a connection of the test's own. `versions` and `audit` are the dataset's whole history,
 * what the catalog has of it included; main.versions and main.audit are the file's. */
static inline int64_t kit_ask(struct kit *k, const char *sql)
{
    int64_t n = -1;
    char text[4096];
    kit_refresh(k);
    char *path = path_of_generation(k->store, k->d->id, k->d->generation);
    struct sql *db;
    GOOD(db = sql_open(path, SQL_READER, 1 << 20, &err));
    snprintf(text, sizeof text, "ATTACH '%s/catalog.db' AS c", k->dir);
    GOOD(sql_exec(db, text, &err));
    snprintf(text, sizeof text,
             "WITH versions AS (SELECT version,at_ms,action,generation,user,request_id,created,updated,deleted,errors,rows FROM c.dataset_version WHERE dataset='%s'"
             " UNION SELECT * FROM main.versions), audit AS (SELECT seq,entry,hash FROM c.dataset_audit WHERE dataset='%s' UNION SELECT * FROM main.audit) %s",
             k->d->id, k->d->id, sql);
    GOOD(sql_exec_i64(db, text, &n, &err));
    sql_close(db);
    free(path);
    return n;
}

/* A number out of catalog.db. */
static inline int64_t kit_ask_catalog(struct kit *k, const char *sql)
{
    int64_t n = -1;
    char path[96];
    struct sql *db;
    snprintf(path, sizeof path, "%s/catalog.db", k->dir);
    GOOD(db = sql_open(path, SQL_READER, 1 << 20, &err));
    GOOD(sql_exec_i64(db, sql, &n, &err));
    sql_close(db);
    return n;
}

/* The only dataset. */
static inline void kit_find(struct kit *k)
{
    char(*ids)[DATASET_ID_LENGTH + 1];
    size_t n;
    GOOD(catalog_list(k->catalog, &ids, &n, &err));
    if (n != 1)
        _exit(3);
    GOOD(k->d = catalog_dataset(k->catalog, str_from(ids[0]), &err));
    free(ids);
}

/* part(k) over the folder, with the stop point set (NULL: none); then the end of this process. */
static inline void kit_live(const char *dir, const char *stop, void (*part)(struct kit *k))
{
    struct kit *k = calloc(1, sizeof *k);
    if (!k || !random_init())
        _exit(2);
    if (stop)
        setenv("SELTZER_TEST_STOP", stop, 1);
    snprintf(k->dir, sizeof k->dir, "%s", dir);
    kit_open(k);
    part(k);
    dataset_release(k->d);
    kit_shut(k);
    fflush(NULL);
    _exit(0);
}

/* That in a child, since what is to stop is read but once: the test's own process opens no store before. How it ended: 0 well, SIGKILL
 * when stopped. */
static inline int kit_run_apart(const char *dir, const char *stop, void (*part)(struct kit *k))
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        kit_live(dir, stop, part);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static inline int kit_set_up(void **state)
{
    *state = kit_new();
    return 0;
}

static inline int kit_tear_down(void **state)
{
    kit_free(*state);
    return 0;
}

#define KIT_TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

#endif
