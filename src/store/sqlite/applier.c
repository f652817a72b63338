/* Statements by shape (applier.h). Each row costs as few calls as it can: what all rows of a write share is bound once,
 * text is bound in place, and one statement inserts or updates (docs/storage.md, "Applying").
 *
 * That one statement is another for each set of columns that rows give. Rows that leave nulls out give many sets, and to
 * prepare costs as much as fifty rows, so a set for which there is no room takes two statements: insert unless the key is
 * there, then update. */
#include "store/sqlite/applier.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/sqlite/engine.h"

enum {
    UPDATES_MAX = 32,
    PATIENCE = 4096, /* a statement not used for so many rows makes room */
    SET_WORDS = (COLUMNS_MAX + 63) / 64,
};

/* Parameters of every statement that writes a row: what the write gives, then what the row gives. */
enum { P_AT = 1, P_VERSION = 2, P_WHO = 3, P_CELLS = 4 };

enum update_way { UPDATE_KEY, UPDATE_SID, UPSERT };

struct update {
    struct sql_statement *st; /* NULL: free */
    enum update_way way;
    uint64_t epoch;           /* of the write whose values are bound */
    uint64_t used;
    uint64_t set[SET_WORDS];
};

enum statement { INSERT, INSERT_OR_SKIP, DELETE_KEY, DELETE_SID, FIND_KEY, FIND_SID, STATEMENT_COUNT };

struct applier {
    struct sql *db;
    int *physical;            /* the shape: physical numbers, in order */
    size_t n;
    int key;                  /* index of the row identifier, -1 */
    const struct type *key_type;
    int64_t at_ms, version;
    uint64_t epoch, uses;
    struct cell *cells;
    struct sql_statement *fixed[STATEMENT_COUNT];
    uint64_t fixed_epoch[STATEMENT_COUNT];
    struct update updates[UPDATES_MAX];
};

struct applier *applier_new(struct sql *db, struct error *err)
{
    struct applier *a = calloc(1, sizeof *a);
    if (a)
        a->db = db;
    else
        error_no_memory(err);
    return a;
}

static void forget_shape(struct applier *a)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sql_finalize(a->fixed[i]);
        a->fixed[i] = NULL;
    }
    for (int i = 0; i < UPDATES_MAX; i++) {
        sql_finalize(a->updates[i].st);
        a->updates[i] = (struct update){0};
    }
    free(a->physical);
    free(a->cells);
    a->physical = NULL;
    a->cells = NULL;
    a->n = 0;
}

void applier_free(struct applier *a)
{
    if (!a)
        return;
    forget_shape(a);
    free(a);
}

static bool shape_is(const struct applier *a, const struct columns *c)
{
    if (!a->physical || a->n != c->n || a->key != c->row_identifier)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->physical[i] != c->v[i].physical)
            return false;
    return true;
}

bool applier_begin(struct applier *a, const struct columns *columns, int64_t at_ms, int64_t version, struct error *err)
{
    a->at_ms = at_ms;
    a->version = version;
    a->epoch++;
    sql_forget_inserted(a->db);
    if (shape_is(a, columns))
        return true;
    forget_shape(a);
    a->physical = malloc((columns->n + 1) * sizeof *a->physical);
    a->cells = calloc(columns->n + 1, sizeof *a->cells);
    if (!a->physical || !a->cells)
        return error_no_memory(err);
    a->n = columns->n;
    for (size_t i = 0; i < a->n; i++)
        a->physical[i] = columns->v[i].physical;
    a->key = columns->row_identifier;
    a->key_type = a->key >= 0 ? columns->v[a->key].type : NULL;
    return true;
}

struct cell *applier_cells(struct applier *a)
{
    return a->cells;
}

/* ── statement texts ── */

static void add_key(const struct applier *a, struct buf *b)
{
    struct column key = {.physical = a->physical[a->key], .type = a->key_type};
    char expression[64];
    layout_key_expression(&key, expression, sizeof expression);
    buf_add_z(b, expression);
}

static void add_key_match(const struct applier *a, struct buf *b)
{
    buf_add_z(b, " WHERE ");
    add_key(a, b);
    buf_printf(b, "=?%d", P_WHO);
}

static void add_insert(const struct applier *a, struct buf *b)
{
    buf_add_z(b, "INSERT INTO rows(created,updated,version,sid");
    for (size_t i = 0; i < a->n; i++)
        buf_printf(b, ",c%d", a->physical[i]);
    buf_printf(b, ") VALUES(?%d,?%d,?%d,?%d", P_AT, P_AT, P_VERSION, P_WHO);
    for (size_t i = 0; i < a->n; i++)
        buf_printf(b, ",?%zu", P_CELLS + i);
    buf_add_byte(b, ')');
}

static void write_text(const struct applier *a, enum statement which, struct buf *b)
{
    switch (which) {
    case INSERT:
    case INSERT_OR_SKIP:
        add_insert(a, b);
        if (which == INSERT_OR_SKIP)
            buf_add_z(b, " ON CONFLICT DO NOTHING");
        break;
    case DELETE_KEY:
        buf_add_z(b, "DELETE FROM rows");
        add_key_match(a, b);
        break;
    case DELETE_SID:
        buf_printf(b, "DELETE FROM rows WHERE sid=?%d", P_WHO);
        break;
    case FIND_KEY:
        buf_add_z(b, "SELECT sid,version FROM rows");
        add_key_match(a, b);
        break;
    case FIND_SID:
        buf_printf(b, "SELECT sid,version FROM rows WHERE sid=?%d", P_WHO);
        break;
    case STATEMENT_COUNT:
        break;
    }
}

static struct sql_statement *prepare(struct applier *a, struct buf *b, struct error *err)
{
    struct sql_statement *st = NULL;
    if (buf_ok(b))
        st = sql_prepare(a->db, buf_str(b), err);
    else
        error_no_memory(err);
    buf_free(b);
    /* The texts follow the catalog; a file that does not know these columns, or not that index, was damaged. */
    if (!st && err->code == ERROR_INTERNAL)
        error_set(err, ERROR_STORE_UNAVAILABLE, "the dataset's file is damaged: its table is not the one that the catalog describes");
    return st;
}

static struct sql_statement *fixed(struct applier *a, enum statement which, struct error *err)
{
    if (!a->fixed[which]) {
        struct buf b = {0};
        write_text(a, which, &b);
        a->fixed[which] = prepare(a, &b, err);
        a->fixed_epoch[which] = 0;
    }
    return a->fixed[which];
}

static bool bind_shared(struct applier *a, struct sql_statement *st, uint64_t *epoch, struct error *err)
{
    if (*epoch == a->epoch)
        return true;
    if (!sql_bind_i64(a->db, st, P_AT, a->at_ms, err) || !sql_bind_i64(a->db, st, P_VERSION, a->version, err))
        return false;
    *epoch = a->epoch;
    return true;
}

/* ── rows ── */

static bool insert(struct applier *a, enum statement which, int64_t sid, const struct cell *cells, struct error *err)
{
    struct sql_statement *st = fixed(a, which, err);
    return st && bind_shared(a, st, &a->fixed_epoch[which], err) && sql_bind_i64(a->db, st, P_WHO, sid, err) &&
           sql_bind_cells(a->db, st, P_CELLS, cells, a->n, err) && sql_run(a->db, st, err);
}

bool applier_insert(struct applier *a, int64_t sid, const struct cell *cells, struct error *err)
{
    return insert(a, INSERT, sid, cells, err);
}

static bool sets(const struct applier *a, const struct applier_update *u, size_t i)
{
    if ((int)i == a->key)
        return u->set_key && u->cells[i].kind != CELL_ABSENT;
    return u->clear_absent || u->cells[i].kind != CELL_ABSENT;
}

/* An upsert's cells have the numbers that its insert gives them. */
static struct sql_statement *prepare_update(struct applier *a, const struct applier_update *u, enum update_way way, struct error *err)
{
    struct buf b = {0};
    int at = P_CELLS;
    if (way == UPSERT) {
        add_insert(a, &b);
        buf_add_z(&b, " ON CONFLICT(");
        add_key(a, &b);
        buf_add_z(&b, ") DO UPDATE");
    } else {
        buf_add_z(&b, "UPDATE rows");
    }
    buf_printf(&b, " SET updated=?%d,version=?%d", P_AT, P_VERSION);
    for (size_t i = 0; i < a->n; i++)
        if (sets(a, u, i))
            buf_printf(&b, ",c%d=?%d", a->physical[i], way == UPSERT ? P_CELLS + (int)i : at++);
    if (way == UPDATE_SID)
        buf_printf(&b, " WHERE sid=?%d", P_WHO);
    else if (way == UPDATE_KEY)
        add_key_match(a, &b);
    return prepare(a, &b, err);
}

static size_t set_words(const struct applier *a)
{
    size_t words = a->n / 64 + 1;
    return words > SET_WORDS ? SET_WORDS : words;
}

/* The statement for this set, or the place for it; whoever was used longest ago goes. NULL: all are in use, and `patient`. */
static struct update *find_update(struct applier *a, const uint64_t *set, enum update_way way, bool patient)
{
    size_t words = set_words(a);
    struct update *oldest = &a->updates[0];
    for (int i = 0; i < UPDATES_MAX; i++) {
        struct update *u = &a->updates[i];
        if (u->st && u->way == way && memcmp(u->set, set, words * sizeof *set) == 0)
            return u;
        if (u->used < oldest->used)
            oldest = u;
    }
    if (patient && oldest->st && a->uses - oldest->used < PATIENCE)
        return NULL;
    sql_finalize(oldest->st);
    *oldest = (struct update){.way = way};
    memcpy(oldest->set, set, words * sizeof *set);
    return oldest;
}

/* *ret NULL: no room, and `patient`. */
static bool update_for(struct applier *a, const struct applier_update *u, enum update_way way, bool patient, struct update **ret, struct error *err)
{
    uint64_t set[SET_WORDS];
    memset(set, 0, set_words(a) * sizeof *set);
    for (size_t i = 0; i < a->n; i++)
        if (sets(a, u, i))
            set[i / 64] |= (uint64_t)1 << (i % 64);
    struct update *found = find_update(a, set, way, patient);
    a->uses++;
    *ret = found;
    if (!found)
        return true;
    if (!found->st)
        found->st = prepare_update(a, u, way, err);
    found->used = a->uses;
    return found->st && bind_shared(a, found->st, &found->epoch, err);
}

static bool run_update(struct applier *a, const struct applier_update *u, struct update *with, bool *ret_found, struct error *err)
{
    int at = P_CELLS;
    for (size_t i = 0; i < a->n; i++)
        if ((with->set[i / 64] >> (i % 64)) & 1)
            if (!sql_bind(a->db, with->st, at++, &u->cells[i], err))
                return false;
    if (!sql_run(a->db, with->st, err))
        return false;
    *ret_found = sql_changes(a->db) != 0;
    return true;
}

static bool run_upsert(struct applier *a, int64_t sid, const struct applier_update *u, const struct update *with, bool *ret_inserted, struct error *err)
{
    if (!sql_bind_i64(a->db, with->st, P_WHO, sid, err) || !sql_bind_cells(a->db, with->st, P_CELLS, u->cells, a->n, err) ||
        !sql_run(a->db, with->st, err))
        return false;
    *ret_inserted = sql_last_inserted(a->db) == sid;
    return true;
}

bool applier_upsert(struct applier *a, int64_t sid, const struct applier_update *u, const struct cell *key, bool *ret_inserted, struct error *err)
{
    struct update *with;
    bool found;
    if (!update_for(a, u, UPSERT, true, &with, err))
        return false;
    if (with)
        return run_upsert(a, sid, u, with, ret_inserted, err);
    if (!insert(a, INSERT_OR_SKIP, sid, u->cells, err))
        return false;
    *ret_inserted = sql_changes(a->db) != 0;
    if (*ret_inserted)
        return true;
    return applier_update_key(a, u, key, &found, err) && (found || error_set(err, ERROR_INTERNAL, "a key is there to an insert and not to an update"));
}

bool applier_update_key(struct applier *a, const struct applier_update *u, const struct cell *key, bool *ret_found, struct error *err)
{
    struct update *with;
    return update_for(a, u, UPDATE_KEY, false, &with, err) && sql_bind(a->db, with->st, P_WHO, key, err) && run_update(a, u, with, ret_found, err);
}

bool applier_update_sid(struct applier *a, const struct applier_update *u, int64_t sid, struct error *err)
{
    struct update *with;
    bool found = false;
    if (!update_for(a, u, UPDATE_SID, false, &with, err) || !sql_bind_i64(a->db, with->st, P_WHO, sid, err) || !run_update(a, u, with, &found, err))
        return false;
    return found || error_set(err, ERROR_INTERNAL, "the row to be updated went away");
}

static bool run_delete(struct applier *a, enum statement which, const struct cell *who, bool *ret, struct error *err)
{
    struct sql_statement *st = fixed(a, which, err);
    if (!st || !sql_bind(a->db, st, P_WHO, who, err) || !sql_run(a->db, st, err))
        return false;
    *ret = sql_changes(a->db) != 0;
    return true;
}

bool applier_delete_key(struct applier *a, const struct cell *key, bool *ret_deleted, struct error *err)
{
    return run_delete(a, DELETE_KEY, key, ret_deleted, err);
}

bool applier_delete_sid(struct applier *a, int64_t sid, bool *ret_deleted, struct error *err)
{
    const struct cell who = cell_int(sid);
    return run_delete(a, DELETE_SID, &who, ret_deleted, err);
}

static bool find(struct applier *a, enum statement which, const struct cell *who, bool *ret_found, int64_t *ret_sid, int64_t *ret_version, struct error *err)
{
    struct sql_statement *st = fixed(a, which, err);
    if (!st || !sql_bind(a->db, st, P_WHO, who, err))
        return false;
    enum sql_step step = sql_step(a->db, st, err);
    *ret_found = step == SQL_ROW;
    if (step == SQL_ROW) {
        *ret_sid = sql_i64(st, 0);
        *ret_version = sql_i64(st, 1);
        sql_reset(st);
    }
    return step == SQL_ROW || step == SQL_DONE;
}

bool applier_find_key(struct applier *a, const struct cell *key, bool *ret_found, int64_t *ret_sid, int64_t *ret_version, struct error *err)
{
    return find(a, FIND_KEY, key, ret_found, ret_sid, ret_version, err);
}

bool applier_find_sid(struct applier *a, int64_t sid, bool *ret_found, int64_t *ret_version, struct error *err)
{
    const struct cell who = cell_int(sid);
    int64_t same;
    return find(a, FIND_SID, &who, ret_found, &same, ret_version, err);
}
