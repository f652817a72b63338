/* What stands in DIR/datasets/<4x4>/rows-<generation>.db (docs/storage.md, "The file"). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"
#include "store/sqlite/engine.h"

char *path_of_table(const struct store *s, const char *id)
{
    char *path;
    return asprintf(&path, "%s/datasets/%s", s->dir, id) < 0 ? NULL : path;
}

char *path_of_generation(const struct store *s, const char *id, int64_t number)
{
    char *path;
    return asprintf(&path, "%s/datasets/%s/rows-%lld.db", s->dir, id, (long long)number) < 0 ? NULL : path;
}

char *path_of_build(const struct store *s, const char *id)
{
    char *path;
    return asprintf(&path, "%s/datasets/%s/ahead-%016llx.db", s->dir, id, (unsigned long long)random_u64()) < 0 ? NULL : path;
}

void remove_database(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char *name;
        if (asprintf(&name, "%s%s", path, ends[i]) >= 0) {
            unlink(name); /* what stays is removed at the next start */
            free(name);
        }
    }
}

/* ── tables ── */

const char *layout_column_type(const struct type *type)
{
    switch (type->storage) {
    case STORAGE_TEXT:
        return type->id == TYPE_NUMBER ? "TEXT COLLATE DECIMAL1" : "TEXT";
    case STORAGE_INT:
        return "INTEGER";
    case STORAGE_BLOB:
        return "BLOB";
    }
    return "BLOB";
}

void layout_key_expression(const struct column *key, char *ret, size_t n)
{
    snprintf(ret, n, key->type->id == TYPE_URL ? "url_address(c%d)" : "c%d", key->physical);
}

/* The audit chain can only grow: the file itself refuses the rest. */
static const char beside_the_rows[] =
    "CREATE TABLE meta(one INTEGER PRIMARY KEY CHECK(one=1), version INTEGER NOT NULL, shape_version INTEGER NOT NULL,"
    " next_sid INTEGER NOT NULL, rows INTEGER NOT NULL, modified_ms INTEGER NOT NULL, incarnation INTEGER NOT NULL,"
    " id_key BLOB NOT NULL, key_column INTEGER NOT NULL, key_scaled INTEGER NOT NULL) STRICT;"
    "CREATE TABLE versions(version INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, action TEXT NOT NULL, generation INTEGER NOT NULL,"
    " user TEXT, request_id TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL, deleted INTEGER NOT NULL,"
    " errors INTEGER NOT NULL, rows INTEGER NOT NULL) STRICT;"
    "CREATE TABLE witness(idempotency_key TEXT PRIMARY KEY, digest TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " version INTEGER NOT NULL, request_id TEXT, result TEXT NOT NULL) STRICT;"
    "CREATE INDEX witness_at ON witness(at_ms);"
    "CREATE TABLE audit(seq INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash BLOB NOT NULL) STRICT;"
    "CREATE TRIGGER audit_is_not_updated BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT,'the audit chain is append-only'); END;"
    "CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT,'the audit chain is append-only'); END;"
    "PRAGMA application_id=1397511770;" /* "SLTZ" */
    "PRAGMA user_version=1;";

bool layout_create(struct sql *db, const struct columns *columns, struct error *err)
{
    struct buf b = {0};
    buf_add_z(&b, "CREATE TABLE rows(sid INTEGER PRIMARY KEY, created INTEGER NOT NULL, updated INTEGER NOT NULL, version INTEGER NOT NULL");
    for (size_t i = 0; i < columns->n; i++)
        buf_printf(&b, ", c%d %s", columns->v[i].physical, layout_column_type(columns->v[i].type));
    buf_add_z(&b, ") STRICT;");
    buf_add(&b, beside_the_rows, sizeof beside_the_rows); /* with its NUL */
    bool ok = buf_ok(&b) ? sql_exec(db, b.p, err) : error_no_memory(err);
    buf_free(&b);
    return ok;
}

bool layout_create_like(struct sql *db, struct sql *from, struct error *err)
{
    struct buf b = {0};
    struct sql_statement *st = sql_prepare(from, STR("SELECT sql FROM sqlite_schema WHERE type='table' AND name='rows'"), err);
    if (!st)
        return false;
    enum sql_step step = sql_step(from, st, err);
    if (step == SQL_ROW)
        buf_add_str(&b, sql_text(st, 0));
    sql_finalize(st);
    if (step != SQL_ROW)
        return step == SQL_DONE ? error_set(err, ERROR_STORE_UNAVAILABLE, "the dataset's file has no rows' table") : false;
    buf_add_byte(&b, ';');
    buf_add(&b, beside_the_rows, sizeof beside_the_rows); /* with its NUL */
    bool ok = buf_ok(&b) ? sql_exec(db, b.p, err) : error_no_memory(err);
    buf_free(&b);
    return ok;
}

bool layout_count_columns(struct sql *db, int64_t *ret, struct error *err)
{
    return sql_exec_i64(db, "SELECT count(*) FROM pragma_table_info('rows')", ret, err);
}

bool layout_create_key_index(struct sql *db, const struct column *key, struct error *err)
{
    char expression[64], text[128];
    layout_key_expression(key, expression, sizeof expression);
    snprintf(text, sizeof text, "CREATE UNIQUE INDEX rows_key ON rows(%s)", expression);
    return sql_exec(db, text, err);
}

bool layout_find_roots(struct sql *db, uint32_t *ret_table, uint32_t *ret_index, struct error *err)
{
    int64_t table = 0, index = 0;
    if (!sql_exec_i64(db, "SELECT rootpage FROM sqlite_schema WHERE name='rows'", &table, err) ||
        !sql_exec_i64(db, "SELECT coalesce(max(rootpage),0) FROM sqlite_schema WHERE name='rows_key'", &index, err))
        return false;
    *ret_table = (uint32_t)table;
    *ret_index = (uint32_t)index;
    return true;
}

bool layout_check_format(struct sql *db, struct error *err)
{
    int64_t format = 0;
    if (!sql_exec_i64(db, "PRAGMA user_version", &format, err))
        return false;
    if (format > FORMAT_VERSION)
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the dataset's file has format %lld, this server knows up to %d: it was written by a newer one",
                         (long long)format, FORMAT_VERSION);
    if (format < FORMAT_VERSION) /* the steps from older formats will stand here */
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the dataset's file has format %lld, which no server ever wrote", (long long)format);
    return true;
}

/* ── the meta row ── */

void meta_init(struct meta *m, const struct columns *columns)
{
    *m = (struct meta){.next_sid = 1, .state.modified_ms = 0};
    m->state.incarnation = random_u64();
    random_fill(&m->state.row_ids, sizeof m->state.row_ids);
    if (columns->row_identifier >= 0)
        m->key_column = columns->v[columns->row_identifier].physical;
}

#define META_SELECT "SELECT version,shape_version,next_sid,rows,modified_ms,incarnation,id_key,key_column,key_scaled FROM "

static bool write_meta(struct sql *db, struct str text, const struct meta *m, struct error *err)
{
    struct sql_statement *st = sql_cached(db, text, err);
    const struct store_state *s = &m->state;
    const struct cell cells[] = {
        cell_int(s->version), cell_int(s->shape_version), cell_int(m->next_sid), cell_int(s->rows), cell_int(s->modified_ms),
        cell_int((int64_t)s->incarnation), cell_blob(str_make((const char *)&s->row_ids, sizeof s->row_ids)),
        cell_int(m->key_column), cell_int(m->key_scaled),
    };
    return st && sql_bind_cells(db, st, 1, cells, sizeof cells / sizeof *cells, err) && sql_run(db, st, err);
}

bool meta_insert(struct sql *db, const struct meta *m, struct error *err)
{
    return write_meta(db, STR("INSERT INTO meta VALUES(1,?1,?2,?3,?4,?5,?6,?7,?8,?9)"), m, err);
}

bool meta_update(struct sql *db, const struct meta *m, struct error *err)
{
    return write_meta(db, STR("UPDATE meta SET version=?1,shape_version=?2,next_sid=?3,rows=?4,modified_ms=?5,incarnation=?6,id_key=?7,key_column=?8,key_scaled=?9"), m, err);
}

static bool read_meta(struct sql *db, const char *schema, struct meta *ret, struct error *err)
{
    char text[sizeof META_SELECT + 32];
    snprintf(text, sizeof text, META_SELECT "%.16s.meta", schema);
    struct sql_statement *st = sql_cached(db, str_from(text), err);
    if (!st && err->code == ERROR_INTERNAL) /* the statement is ours and right: it is the table that is not there */
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the dataset's file is damaged: it has not the table that it should have");
    if (!st)
        return false;
    enum sql_step step = sql_step(db, st, err);
    if (step == SQL_DONE)
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the dataset's file is incomplete");
    if (step != SQL_ROW)
        return false;
    struct meta m = {
        .state = {
            .version = sql_i64(st, 0), .shape_version = sql_i64(st, 1), .rows = sql_i64(st, 3),
            .modified_ms = sql_i64(st, 4), .incarnation = (uint64_t)sql_i64(st, 5),
        },
        .next_sid = sql_i64(st, 2), .key_column = sql_i64(st, 7), .key_scaled = sql_i64(st, 8),
    };
    struct str id_key = sql_text(st, 6);
    bool whole = id_key.n == sizeof m.state.row_ids;
    if (whole)
        memcpy(&m.state.row_ids, id_key.p, id_key.n);
    sql_reset(st);
    if (!whole)
        return error_set(err, ERROR_STORE_UNAVAILABLE, "the dataset's file is damaged: its id key has %zu bytes", id_key.n);
    *ret = m;
    return true;
}

bool meta_read_state_of(struct sql *db, const char *schema, struct store_state *ret, struct error *err)
{
    struct meta m;
    if (!read_meta(db, schema, &m, err))
        return false;
    *ret = m.state;
    return true;
}

bool meta_read_state(struct sql *db, struct store_state *ret, struct error *err)
{
    return meta_read_state_of(db, "main", ret, err);
}

bool meta_read(struct sql *db, struct meta *ret, struct error *err)
{
    struct meta m;
    if (!read_meta(db, "main", &m, err))
        return false;
    struct sql_statement *st = sql_prepare(db, STR("SELECT seq,hash FROM audit ORDER BY seq DESC LIMIT 1"), err);
    if (!st)
        return false;
    enum sql_step step = sql_step(db, st, err);
    if (step == SQL_ROW) {
        struct str hash = sql_text(st, 1);
        m.audit.seq = sql_i64(st, 0);
        if (hash.n == CHAIN_HASH_BYTES)
            memcpy(m.audit.hash, hash.p, hash.n);
    }
    sql_finalize(st);
    if (step != SQL_ROW && step != SQL_DONE)
        return false;
    *ret = m;
    return true;
}
