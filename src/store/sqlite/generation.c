/* The next generation (docs/storage.md, "Generations").
 *
 *     build ahead-<random>.db beside rows-<g>.db ─► sync, name it rows-<g+1>.db ─► one catalog transaction flips the pointer
 *                                                                                  (that is the commit) ─► readers of g finish
 *
 * The file is built without journal and syncs: until the flip nobody knows it, and at start files beyond the catalog's
 * pointer are removed. The former file stays for restore (clean.c tells for how long). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "store/sqlite/apply.h"
#include "store/sqlite/generation.h"
#include "store/stop_point.h"

enum { BUILD_CACHE_BYTES = 4 << 20 };

/* The columns are those of the file that it follows: one may have been added since the write, or the wish for another row
 * identifier, began, and must not be lost. */
static bool build_open(struct build *b, struct error *err)
{
    remove_database(b->path);
    b->db = sql_open(b->path, SQL_BUILD, b->lent ? b->lent : BUILD_CACHE_BYTES, err);
    b->applier = b->db ? applier_new(b->db, err) : NULL;
    return b->applier && sql_exec(b->db, "BEGIN", err) && layout_create_like(b->db, b->t->current->writer, err);
}

static void build_close(struct build *b)
{
    applier_free(b->applier);
    sql_close(b->db);
    b->applier = NULL;
    b->db = NULL;
}

static bool build_init(struct build *b, struct store *s, struct table *t, bool bulk, struct error *err)
{
    *b = (struct build){.s = s, .t = t, .number = t->generation + 1, .meta = t->meta};
    b->path = path_of_build(s, t->id);
    if (!b->path)
        return error_no_memory(err);
    b->lent = bulk ? cache_lend(s) : 0;
    return true;
}

/* Whatever is still of it goes. */
static void build_fini(struct build *b, bool keep_file)
{
    build_close(b);
    if (b->path && !keep_file)
        remove_database(b->path);
    if (b->lent)
        cache_return(b->s, b->lent);
    free(b->path);
    arena_free(&b->history.arena);
}

/* Only now that it is whole it is a generation: who clears up after a crash takes what has the name for one. */
static bool take_name(struct build *b, struct error *err)
{
    char *name = path_of_generation(b->s, b->t->id, b->number);
    if (!name)
        return error_no_memory(err);
    remove_database(name); /* of a former try; a WAL that stayed would be taken for the new file's */
    if (rename(b->path, name) != 0) {
        error_from_errno(err, errno, "naming the rows' new file");
        free(name);
        return false;
    }
    free(b->path);
    b->path = name;
    return true;
}

/* On disk, entry and all, with no connection open on it. */
static bool build_settle(struct build *b, struct error *err)
{
    if (!meta_insert(b->db, &b->meta, err) || !sql_exec(b->db, "COMMIT", err))
        return false;
    applier_free(b->applier);
    b->applier = NULL;
    struct sql *db = b->db;
    b->db = NULL;
    char *folder = path_of_table(b->s, b->t->id);
    bool ok = folder ? sql_build_finish(db, err) && take_name(b, err) && folder_sync(folder, err) : error_no_memory(err);
    if (!folder)
        sql_close(db);
    free(folder);
    return ok;
}

static const struct dataset *build_flip(struct build *b, const struct actor *by, bool set_row_identifier, int row_identifier, int64_t row_identifier_id, struct error *err)
{
    const struct generation_flip flip = {
        .from = b->t->generation, .to = b->number, .set_row_identifier = set_row_identifier, .row_identifier = row_identifier,
        .row_identifier_id = row_identifier_id,
        .shape_version = set_row_identifier ? b->meta.state.shape_version : 0,
        .history = &b->history,
    };
    struct generation *next = generation_prepare(b->s, b->t, b->number, err);
    if (!next)
        return NULL;
    stop_point("replace_synced");
    const struct dataset *d = catalog_flip_generation(b->s->catalog, by, b->t->id, &flip, err);
    if (!d) {
        generation_discard(next);
        return NULL;
    }
    stop_point("replace_flipped");
    table_advance(b->s, b->t, next, &b->meta);
    return d;
}

/* ── replace ── */

static const struct column *key_of(const struct columns *c)
{
    return c->row_identifier >= 0 ? &c->v[c->row_identifier] : NULL;
}

static struct apply apply_for(struct build *b, struct write *w)
{
    const struct meta *was = &b->t->meta;
    return (struct apply){
        .db = b->db, .applier = b->applier, .write = w, .meta = &b->meta, .at_ms = write_time(was), .version = was->state.version + 1,
        .sink = {w->result, w->ctx},
    };
}

static void empty_meta(struct build *b)
{
    b->meta = b->t->meta;
    b->meta.state.rows = 0;
    b->meta.key_scaled = 0;
}

/* All rows new: inserts in input order, then the index in one go. APPLY_DUPLICATE: some key came twice, or some row is
 * not an insert. */
static enum apply_outcome fill_plainly(struct build *b, struct apply *a, struct error *err)
{
    const struct columns *c = &a->write->dataset->columns;
    empty_meta(b);
    if (!build_open(b, err))
        return APPLY_FAULT;
    *a = apply_for(b, a->write);
    enum apply_outcome outcome = apply_plain(a, err);
    if (outcome != APPLY_DONE || !key_of(c) || layout_create_key_index(b->db, key_of(c), err))
        return outcome;
    return sql_failure_is_fault(b->db) ? APPLY_FAULT : APPLY_DUPLICATE;
}

/* The same as an upsert into an empty table. */
static enum apply_outcome fill_by_key(struct build *b, struct apply *a, struct error *err)
{
    const struct columns *c = &a->write->dataset->columns;
    build_close(b);
    empty_meta(b);
    if (!build_open(b, err) || (key_of(c) && !layout_create_key_index(b->db, key_of(c), err)))
        return APPLY_FAULT;
    *a = apply_for(b, a->write);
    return apply_rows(a, err);
}

/* What was built ahead knew the columns of the write's snapshot alone. */
static bool has_all_columns(struct build *b)
{
    int64_t have = 0, wanted = 0;
    struct error ignored;
    if (layout_count_columns(b->db, &have, &ignored) && layout_count_columns(b->t->current->writer, &wanted, &ignored) && have == wanted)
        return true;
    build_close(b);
    return false;
}

static bool fill(struct build *b, struct apply *a, struct error *err)
{
    if (a->write->ahead && ahead_take(a->write->ahead, b, a->write, &a->counts, &a->at_ms) && has_all_columns(b)) {
        a->version = b->t->meta.state.version + 1;
        return true;
    }
    enum apply_outcome outcome = fill_plainly(b, a, err);
    if (outcome == APPLY_DUPLICATE)
        outcome = fill_by_key(b, a, err);
    return outcome == APPLY_DONE;
}

/* The chain goes on from its head, and keys are known as before. */
static bool add_ledger(struct build *b, const struct apply *a, const char *action, struct error *err)
{
    struct write *w = a->write;
    b->meta.state.version = a->version;
    b->meta.state.modified_ms = a->at_ms;
    return ledger_begin(b->t->current->writer, b->db, &b->t->meta, a->at_ms, err) && write_show(b->db, &b->meta, w, a->last_sid, err) &&
           write_ledger(b->db, &b->meta, w, action, b->number, a->at_ms, &a->counts, err);
}

static const char *action_of(const struct write *w)
{
    return w->replace ? "replace" : w->truncate ? "truncate" : "upsert";
}

static bool replace(struct build *b, struct write *w, struct error *err)
{
    struct apply a = {.write = w};
    if (!write_check(&b->t->meta, w, err) || !write_has_room(b->s, w, err) || !fill(b, &a, err) || !add_ledger(b, &a, action_of(w), err))
        return false;
    const struct dataset *flipped = NULL;
    if (!w->dry_run) {
        const struct actor by = write_actor(w);
        flipped = drain_current(b->s, b->t, &b->history, err) && build_settle(b, err) ? build_flip(b, &by, false, -1, 0, err) : NULL;
        if (!flipped)
            return false;
        dataset_release(flipped);
    }
    w->counts = a.counts;
    w->at_ms = a.at_ms;
    w->state = b->t->meta.state;
    return true;
}

static bool was_done_before(struct table *t, struct write *w, bool *ret_done, struct error *err)
{
    *ret_done = false;
    if (!w->idempotency_key.n)
        return true;
    if (!witness_find(t->current->writer, w, ret_done, err))
        return false;
    int64_t version = w->state.version, shape_version = w->state.shape_version;
    w->state = t->meta.state;
    if (*ret_done) {
        w->state.version = version;
        w->state.shape_version = shape_version;
    }
    return true;
}

/* Reading the former generation may have met a fault of its file. */
static void leave_table(struct store *s, struct table *t)
{
    if (t->current && t->current->writer && sql_is_broken(t->current->writer))
        generation_break_writer(t->current);
    table_give(s, t);
}

/* only_ahead: what was not built ahead is not done here; false then. */
static bool replace_table(struct store *s, struct write *w, bool only_ahead)
{
    struct build b;
    bool done = false;
    w->done = false;
    if (w->ahead && !ahead_complete(w->ahead)) {
        if (only_ahead)
            return false;
        w->ahead = NULL;
    }
    if (!w->dry_run)
        drain_before(s, w->dataset);
    struct table *t = table_take(s, w->dataset, &w->error);
    if (!t)
        return true;
    if (only_ahead && !ahead_is_first_load(w->ahead, &t->meta)) {
        leave_table(s, t);
        return false;
    }
    bool ok = was_done_before(t, w, &done, &w->error);
    if (ok && !done) {
        bool bulk = w->stage && stage_bytes(w->stage) >= BULK_FROM_BYTES;
        int64_t from = t->generation;
        ok = build_init(&b, s, t, bulk, &w->error);
        if (ok) {
            ok = replace(&b, w, &w->error);
            build_fini(&b, t->generation != from);
        }
    }
    w->done = ok;
    leave_table(s, t);
    return true;
}

void generation_replace(struct store *s, struct write *w)
{
    replace_table(s, w, false);
}

bool generation_load(struct store *s, struct write *w)
{
    return replace_table(s, w, true);
}

/* ── a new row identifier ── */

/* Rows that stand in the way of a row identifier: two of them and what they have. */
struct in_the_way {
    const struct column *key;
    const struct row_id_key *row_ids;
    struct buf text;  /* "a" in rows row-… and row-…; "b" in … */
    struct buf first; /* the first value alone */
    unsigned found;
};
enum { IN_THE_WAY_SHOWN = 5 };

static void add_in_the_way(struct in_the_way *w, struct sql_statement *st)
{
    char one[ROW_ID_LENGTH], other[ROW_ID_LENGTH];
    struct type_render render = {.row_ids = w->row_ids};
    const struct type *type = w->key->type;
    struct buf value = {0};
    struct cell c;
    row_id_format(w->row_ids, sql_i64(st, 0), one);
    row_id_format(w->row_ids, sql_i64(st, 1), other);
    sql_cell(st, 2, &c);
    if (c.kind == CELL_INT)
        type->write_csv(type, &c, &render, &value);
    else if (c.kind == CELL_TEXT)
        buf_add_str(&value, str_head_utf8(c.s, 200));
    if (w->found++)
        buf_add_z(&w->text, "; ");
    else
        buf_add_str(&w->first, buf_str(&value));
    if (c.kind != CELL_NULL)
        buf_printf(&w->text, "\"" FMT_STR "\" in ", ARG_STR(buf_str(&value)));
    buf_printf(&w->text, memcmp(one, other, sizeof one) == 0 ? "row %.*s" : "rows %.*s and %.*s", ROW_ID_LENGTH, one, ROW_ID_LENGTH, other);
    w->text.failed |= value.failed;
    buf_free(&value);
}

/* *ret_none: nothing stands in the way. */
static bool look_in_the_way(struct sql *db, const char *text, struct in_the_way *w, bool *ret_none, struct error *err)
{
    enum sql_step step = SQL_DONE;
    struct sql_statement *st = sql_prepare(db, str_from(text), err);
    if (!st)
        return false;
    while (w->found < IN_THE_WAY_SHOWN && (step = sql_step(db, st, err)) == SQL_ROW)
        add_in_the_way(w, st);
    sql_finalize(st);
    *ret_none = w->found == 0;
    if (step != SQL_ROW && step != SQL_DONE)
        return false;
    return (buf_ok(&w->text) && buf_ok(&w->first)) || error_no_memory(err);
}

/* Nulls, texts too long for an index, values that come twice; each refusal names rows and values. */
static bool check_identifies_in(struct sql *db, struct in_the_way *w, struct error *err)
{
    const struct column *key = w->key;
    char expression[64], text[256];
    bool none = true;
    layout_key_expression(key, expression, sizeof expression);
    snprintf(text, sizeof text, "SELECT min(sid),max(sid),NULL FROM rows WHERE %s IS NULL HAVING count(*)>0", expression);
    if (!look_in_the_way(db, text, w, &none, err))
        return false;
    if (!none) {
        error_set(err, ERROR_COLUMN_HAS_NULLS, "column \"" FMT_STR "\" has no value in %s" FMT_STR ": it cannot identify rows", ARG_STR(key->field_name),
                  str_starts(buf_str(&w->text), STR("rows")) ? "some rows, among them " : "", ARG_STR(buf_str(&w->text)));
        return false;
    }
    if (key->type->storage == STORAGE_TEXT && key->type->id != TYPE_NUMBER) {
        snprintf(text, sizeof text, "SELECT sid,sid,%s AS k FROM rows WHERE length(CAST(k AS BLOB))>%d ORDER BY sid LIMIT %d", expression, ROW_KEY_BYTES_MAX,
                 IN_THE_WAY_SHOWN);
        if (!look_in_the_way(db, text, w, &none, err))
            return false;
        if (!none)
            return error_set(err, ERROR_COLUMN_LONG_VALUES, "column \"" FMT_STR "\" has values of more than %d bytes, which cannot identify rows: " FMT_STR,
                             ARG_STR(key->field_name), ROW_KEY_BYTES_MAX, ARG_STR(buf_str(&w->text)));
    }
    snprintf(text, sizeof text, "SELECT min(sid),max(sid),%s AS k FROM rows GROUP BY k HAVING count(*)>1 LIMIT %d", expression, IN_THE_WAY_SHOWN);
    if (!look_in_the_way(db, text, w, &none, err))
        return false;
    return none || error_set(err, ERROR_COLUMN_NOT_UNIQUE, "column \"" FMT_STR "\" cannot identify rows, since values come more than once: " FMT_STR "%s",
                             ARG_STR(key->field_name), ARG_STR(buf_str(&w->text)), w->found == IN_THE_WAY_SHOWN ? "; and perhaps more" : "");
}

static bool check_identifies(struct sql *db, const struct column *key, const struct row_id_key *row_ids, struct error *err)
{
    struct in_the_way w = {.key = key, .row_ids = row_ids};
    bool ok = check_identifies_in(db, &w, err);
    if (w.found) {
        error_data_str(err, "column", key->field_name);
        error_data_str(err, "value", buf_str(&w.first));
    }
    buf_free(&w.text);
    buf_free(&w.first);
    return ok;
}

/* Both tables have the same columns in the same order (build_open). */
static bool copy_rows(struct sql *from, struct sql *to, struct error *err)
{
    int64_t n = 0;
    struct buf out = {0};
    if (!layout_count_columns(from, &n, err))
        return false;
    for (int64_t i = 1; i <= n; i++)
        buf_printf(&out, "%s?%lld", i == 1 ? "INSERT INTO rows VALUES(" : ",", (long long)i);
    buf_add_z(&out, ")");
    struct cell *cells = calloc((size_t)n + 1, sizeof *cells);
    bool ok = (buf_ok(&out) && cells) || error_no_memory(err);
    struct sql_statement *read = ok ? sql_prepare(from, STR("SELECT * FROM rows ORDER BY sid"), err) : NULL;
    struct sql_statement *write = read ? sql_prepare(to, buf_str(&out), err) : NULL;
    enum sql_step step = SQL_DONE;
    ok = write;
    while (ok && (step = sql_step(from, read, err)) == SQL_ROW)
        ok = sql_cells(from, read, cells, (size_t)n, err) && sql_bind_cells(to, write, 1, cells, (size_t)n, err) && sql_run(to, write, err);
    sql_finalize(read);
    sql_finalize(write);
    free(cells);
    buf_free(&out);
    return ok && step == SQL_DONE;
}

/* key_scaled as the rows have it. */
static bool look_at_keys(struct build *b, const struct column *key, struct error *err)
{
    char text[128];
    b->meta.key_column = key ? key->physical : 0;
    b->meta.key_scaled = 0;
    if (!key || key->type->id != TYPE_NUMBER)
        return true;
    snprintf(text, sizeof text, "SELECT EXISTS(SELECT 1 FROM rows WHERE instr(c%d,'.')>0)", key->physical);
    return sql_exec_i64(b->db, text, &b->meta.key_scaled, err);
}

/* The next generation will be about as large as this one. */
static bool has_room_for_copy(const struct build *b, struct error *err)
{
    struct stat st;
    if (stat(b->t->current->path, &st) != 0)
        return error_from_errno(err, errno, "look at the file of the dataset's rows");
    return store_has_room(b->s, (uint64_t)st.st_size, err);
}

static bool rekey(struct build *b, const struct actor *by, const struct column *key, struct error *err)
{
    struct store_state *state = &b->meta.state;
    struct sql *old = b->t->current->writer;
    if (!has_room_for_copy(b, err))
        return false;
    if (key && !check_identifies(old, key, &state->row_ids, err))
        return false;
    if (!build_open(b, err) || !copy_rows(old, b->db, err) || !look_at_keys(b, key, err))
        return false;
    if (key && !layout_create_key_index(b->db, key, err))
        return false;
    state->version++;
    state->shape_version = state->version;
    state->modified_ms = write_time(&b->t->meta);
    const struct ledger_entry entry = {.dataset = b->t->id, .action = "row_identifier", .by = by, .at_ms = state->modified_ms, .generation = b->number};
    return ledger_begin(old, b->db, &b->t->meta, entry.at_ms, err) && ledger_add(b->db, &b->meta, &entry, err) &&
           drain_current(b->s, b->t, &b->history, err) && build_settle(b, err);
}

const struct dataset *store_set_row_identifier(struct store *s, const struct actor *by, const struct dataset *d, int column, struct error *err)
{
    struct build b;
    if (column >= (int)d->columns.n) {
        error_set(err, ERROR_INTERNAL, "no column %d", column);
        return NULL;
    }
    const struct column *key = column >= 0 ? &d->columns.v[column] : NULL;
    if (key && !key->type->can_identify_rows) {
        error_set(err, ERROR_COLUMN_BAD_IDENTIFIER_TYPE, "column \"" FMT_STR "\" is of type %s, which cannot identify rows", ARG_STR(key->field_name), key->type->soql_name);
        error_data_str(err, "column", key->field_name);
        return NULL;
    }
    drain_before(s, d);
    struct table *t = table_take(s, d, err);
    if (!t)
        return NULL;
    int64_t from = t->generation;
    const struct dataset *flipped = NULL;
    if (build_init(&b, s, t, t->meta.state.rows > 10000, err)) {
        if (rekey(&b, by, key, err))
            flipped = build_flip(&b, by, true, column, key ? key->id : 0, err);
        build_fini(&b, t->generation != from);
    }
    leave_table(s, t);
    return flipped;
}
