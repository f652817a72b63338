/* Reading: a pooled reader, one snapshot a query, a deadline. */
#include <stdio.h>
#include <stdlib.h>

#include "store/sqlite/engine.h"

static bool run(struct sql *db, struct str text, struct error *err)
{
    struct sql_statement *st = sql_cached(db, text, err);
    return st && sql_run(db, st, err);
}

/* The file may have gone under somebody who still holds a snapshot of the dataset: then that is the error. The table may have gone too,
 * though its generation is in use: it is not asked. */
static void tell_if_deleted(struct store *s, const struct dataset *d, struct error *err)
{
    struct error now = {0};
    const struct dataset *known = catalog_dataset(s->catalog, str_from(d->id), &now);
    if (!known && now.code == ERROR_DATASET_NOT_FOUND)
        *err = now;
    dataset_release(known);
}

/* A reader inside a snapshot. */
static struct sql *begin(struct store *s, const struct dataset *d, struct generation *g, struct store_state *ret, struct error *err)
{
    struct sql *db = reader_take(s, g, err);
    if (db) {
        sql_set_deadline(db, s->query_deadline_ms);
        if (run(db, STR("BEGIN"), err) && meta_read_state(db, ret, err))
            return db;
        reader_give(s, g, db, false);
    }
    tell_if_deleted(s, d, err);
    return NULL;
}

static void end(struct store *s, struct generation *g, struct sql *db)
{
    struct error ignored;
    sql_set_deadline(db, 0);
    bool good = !sql_is_broken(db) && run(db, STR("COMMIT"), &ignored);
    reader_give(s, g, db, good);
}

void state_in_file(struct store *s, const struct dataset *d, struct store_state *ret)
{
    struct error ignored; /* what follows will meet it too, and says it */
    struct store_state state;
    struct generation *g = generation_use(s, d, &ignored);
    struct sql *db = g ? begin(s, d, g, &state, &ignored) : NULL;
    if (db) {
        *ret = state;
        end(s, g, db);
    }
    if (g)
        generation_leave(s, g);
}

/* Which of a query's texts is run. rows: of the narrowed one, those that it is to look at, as a JSON array; .p NULL: another text. */
struct plan {
    const struct buf *text;
    struct str rows;
};

static bool bind_all(struct sql *db, struct sql_statement *st, const struct query *q, struct str rows, struct error *err)
{
    return sql_bind_cells(db, st, 1, q->sql.parameters, q->sql.n, err) && (!rows.p || sql_bind_text(db, st, (int)q->sql.n + 1, rows, err));
}

static bool send_rows(struct sql *db, struct sql_statement *st, const struct query *q, const struct store_reader *reader, struct error *err)
{
    struct cell *cells = calloc(q->n_columns + 1, sizeof *cells);
    if (!cells)
        return error_no_memory(err);
    bool ok = true;
    enum sql_step step = SQL_DONE;
    while (ok && (step = sql_step(db, st, err)) == SQL_ROW)
        ok = sql_cells(db, st, cells, q->n_columns, err) && reader->row(reader->ctx, cells, err);
    free(cells);
    if (!ok)
        sql_reset(st);
    return ok && step == SQL_DONE;
}

/* The query is over `db`, which is inside its snapshot, whose states were read. *ret_scanned: rows that it went over one by
 * one. */
static bool run_query(struct sql *db, const struct query *q, const struct plan *plan, const struct store_state *states, const struct store_reader *reader,
                      int64_t *ret_scanned, struct error *err)
{
    struct sql_statement *st = sql_cached(db, buf_str(plan->text), err);
    bool ok = st && bind_all(db, st, q, plan->rows, err) && (!reader->begin || reader->begin(reader->ctx, states, err)) && send_rows(db, st, q, reader, err);
    *ret_scanned = st ? sql_scanned(st) : 0;
    if (!ok && err->code == ERROR_QUERY_RUNTIME && reader->failed_at)
        reader->failed_at(reader->ctx, sql_failure_place(db));
    return ok;
}

/* Our SQL compiles unless the file has not the columns that it should have: then it is damaged, and no bug of ours. */
static void tell_if_damaged(struct sql *db, const char *schema, const struct dataset *d, struct error *err)
{
    if (err->code != ERROR_INTERNAL)
        return;
    struct buf text = {0};
    struct error why = {0};
    buf_add_z(&text, "SELECT sid,created,updated,version");
    for (size_t i = 0; i < d->columns.n; i++)
        buf_printf(&text, ",c%d", d->columns.v[i].physical);
    buf_printf(&text, " FROM %s.rows", schema);
    struct sql_statement *st = buf_ok(&text) ? sql_prepare(db, buf_str(&text), &why) : NULL;
    if (!st && buf_ok(&text) && why.code != ERROR_OUT_OF_MEMORY)
        error_set(err, ERROR_STORE_UNAVAILABLE, "the dataset's file is damaged: its columns are not those of the catalog");
    sql_finalize(st);
    buf_free(&text);
}

bool store_query(struct store *s, const struct dataset *d, const struct query *q, const struct store_reader *reader, struct error *err)
{
    struct store_state state;
    struct generation *g = generation_use(s, d, err);
    if (!g)
        return false;
    struct sql *db = begin(s, d, g, &state, err);
    bool ok = db;
    if (ok) {
        int64_t scanned;
        struct buf rows = {0};
        struct plan plan = {.text = &q->sql.text};
        bool narrowed = shortlists_find(s, g, q, &state, &rows);
        if (narrowed)
            plan = (struct plan){&q->narrowing.text, buf_str(&rows)};
        else if (indexes_serve_counting(s, g, q, db, state.rows))
            plan.text = &q->counting.text;
        ok = run_query(db, q, &plan, &state, reader, &scanned, err);
        if (!ok)
            tell_if_damaged(db, "main", d, err);
        end(s, g, db);
        buf_free(&rows);
        indexes_note(s, g, q, scanned);
        if (!narrowed)
            shortlists_note(s, g, q, scanned);
    }
    generation_leave(s, g);
    return ok;
}

/* ── several datasets ── */

/* A connection of its own, thrown away afterwards: what is attached to a pooled one would stay. */
struct joined {
    struct generation *generations[STORE_DATASETS_MAX];
    struct store_state states[STORE_DATASETS_MAX];
    size_t n;
    struct sql *db;
};

static void schema_name(size_t i, char ret[32])
{
    snprintf(ret, 32, i ? "d%zu" : "main", i);
}

static bool attach(struct joined *j, size_t i, struct error *err)
{
    char text[48];
    snprintf(text, sizeof text, "ATTACH ?1 AS d%zu", i);
    struct sql_statement *st = sql_prepare(j->db, str_from(text), err);
    bool ok = st && sql_bind_text(j->db, st, 1, str_from(j->generations[i]->path), err) && sql_run(j->db, st, err);
    sql_finalize(st);
    return ok;
}

/* The first look at each file begins its snapshot. */
static bool begin_joined(const struct store *s, struct joined *j, struct error *err)
{
    sql_set_deadline(j->db, s->query_deadline_ms);
    if (!sql_exec(j->db, "BEGIN", err))
        return false;
    for (size_t i = 0; i < j->n; i++) {
        char schema[32];
        schema_name(i, schema);
        if (!meta_read_state_of(j->db, schema, &j->states[i], err))
            return false;
    }
    return true;
}

bool store_query_joined(struct store *s, const struct dataset *const *datasets, size_t n, const struct query *q, const struct store_reader *reader, struct error *err)
{
    if (n == 1)
        return store_query(s, datasets[0], q, reader, err);
    if (n < 1 || n > STORE_DATASETS_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "a query may read %d datasets, not %zu", STORE_DATASETS_MAX, n);
    struct joined j = {0};
    int64_t ignored;
    bool ok = true;
    while (ok && j.n < n) {
        j.generations[j.n] = generation_use(s, datasets[j.n], err);
        ok = j.generations[j.n];
        j.n += ok;
    }
    ok = ok && (j.db = sql_open(j.generations[0]->path, SQL_READER, READER_CACHE_BYTES, err));
    for (size_t i = 1; ok && i < j.n; i++)
        ok = attach(&j, i, err);
    ok = ok && begin_joined(s, &j, err) && run_query(j.db, q, &(struct plan){.text = &q->sql.text}, j.states, reader, &ignored, err);
    for (size_t i = 0; !ok && j.db && i < n; i++) {
        char schema[32];
        schema_name(i, schema);
        tell_if_damaged(j.db, schema, datasets[i], err);
    }
    if (!ok && j.n)
        tell_if_deleted(s, datasets[j.n - 1], err);
    sql_close(j.db);
    for (size_t i = 0; i < j.n; i++)
        generation_leave(s, j.generations[i]);
    return ok;
}

bool store_query_within(const struct store_within *in, const struct query *q, const struct store_reader *reader, struct error *err)
{
    int64_t ignored;
    return run_query(in->db, q, &(struct plan){.text = &q->sql.text}, in->state, reader, &ignored, err);
}

/* ── one row's number ── */

static bool find(struct sql *db, const struct column *key_column, const struct cell *who, bool *ret_found, int64_t *ret_sid, int64_t *ret_version, struct error *err)
{
    char expression[64] = "sid", text[160];
    if (key_column)
        layout_key_expression(key_column, expression, sizeof expression);
    snprintf(text, sizeof text, "SELECT sid,version FROM rows WHERE %s=?1", expression);
    struct sql_statement *st = sql_cached(db, str_from(text), err);
    if (!st || !sql_bind(db, st, 1, who, err))
        return false;
    enum sql_step step = sql_step(db, st, err);
    if (step == SQL_FAILED || step == SQL_CONSTRAINT)
        return false;
    *ret_found = step == SQL_ROW;
    if (step == SQL_ROW) {
        *ret_sid = sql_i64(st, 0);
        *ret_version = sql_i64(st, 1);
        sql_reset(st);
    }
    return true;
}

/* What the index knows a key by: a url's address. */
static bool index_key(const struct column *c, const struct cell *key, struct arena *a, struct cell *ret, struct error *err)
{
    *ret = *key;
    if (c->type->id != TYPE_URL)
        return true;
    struct str bytes;
    if (!c->type->key(key, a, &bytes))
        return error_no_memory(err);
    *ret = cell_text(bytes);
    return true;
}

bool store_find_row(struct store *s, const struct dataset *d, const struct cell *key, int64_t sid, bool *ret_found, int64_t *ret_sid, int64_t *ret_version, struct error *err)
{
    const struct columns *c = &d->columns;
    const struct column *key_column = key && c->row_identifier >= 0 ? &c->v[c->row_identifier] : NULL;
    struct arena a = {0};
    struct store_state state;
    struct cell who = cell_int(sid);
    if (key && !key_column)
        return error_set(err, ERROR_INTERNAL, "a key for a dataset without row identifier");
    if (key && !index_key(key_column, key, &a, &who, err))
        return false;
    struct generation *g = generation_use(s, d, err);
    struct sql *db = g ? begin(s, d, g, &state, err) : NULL;
    bool ok = db && find(db, key_column, &who, ret_found, ret_sid, ret_version, err);
    if (db && !ok)
        tell_if_damaged(db, "main", d, err);
    if (db)
        end(s, g, db);
    if (g)
        generation_leave(s, g);
    arena_free(&a);
    return ok;
}
