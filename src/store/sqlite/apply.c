/* How staged rows become stored ones (docs/wire/rows.md: identity, several operations on a row, versions).
 *
 * The stage is read in runs. With a row identifier a run is sorted by key, rows of one key staying in input order, so that
 * the index is walked once from end to end: half the cost of random keys. Row numbers are base + position, so the order of
 * creation is that of the input however the work is sorted. A run that names rows by :id beside keys is left unsorted:
 * two names for one row must act in input order.
 *
 * Most rows take the short way: insert, or update by key, in one statement. Rows that need to know the stored row
 * first (a version, a result to report, update_only) take the long way: find, decide, act. */
#include <stdlib.h>

#include "store/refusal.h"
#include "store/sqlite/apply.h"

enum { RUN_BYTES = 32 << 20, SORT_FROM_ROWS = 16, UPDATES_BEFORE_INSERTS = 8, ROWS_AHEAD = 6, RECORD_FIRST = 3 };

struct rows_at_work {
    struct apply *a;
    struct write *w;
    const struct columns *columns;
    const struct column *key;     /* NULL: rows are known by :id */
    struct arena arena;           /* one row's key bytes */
    struct row_id_key row_ids;
    int64_t base;                 /* row number of position 0 */
    unsigned updates_on_end;      /* of the short way's upserts, one after another */
    uint64_t positions;           /* one past the last position seen */
    struct cell *cells;           /* of the row at work */
    struct cell *record;          /* for pages: created, updated, version, cells (layout.c) */
    struct cell last_key;         /* of an indexed plain apply; in the run, between runs in last_bytes */
    struct buf last_bytes;
    bool has_fatal, not_plain;
    uint64_t fatal_position;
    struct error fatal;
};

enum apply_outcome apply_failure(struct sql *db, const struct error *err)
{
    return sql_failure_is_fault(db) || err->code == ERROR_OUT_OF_MEMORY || !sql_in_transaction(db) ? APPLY_FAULT : APPLY_REFUSED;
}

/* ── results ── */

static void report(struct rows_at_work *r, const struct stage_row *row, struct row_result *result)
{
    if (!r->a->sink.result || (!r->w->want_all_results && result->kind != ROW_FAILED))
        return;
    result->position = row->position;
    result->line = row->line;
    r->a->sink.result(r->a->sink.ctx, result);
}

static struct cell key_cell(const struct rows_at_work *r, const struct stage_row *row)
{
    return r->key ? row->cells[r->columns->row_identifier] : (struct cell){0};
}

/* An error of a row: counted, or the end of the write. Of several fatal ones in a sorted run the first of the input is told. */
static void row_failed(struct rows_at_work *r, const struct stage_row *row, struct row_result result)
{
    bool replace = r->w->replace;
    result.kind = ROW_FAILED;
    result.key = key_cell(r, row);
    result.position = row->position;
    result.line = row->line;
    if (!replace && !((r->w->fatal >> result.error) & 1)) {
        r->a->counts.errors++;
        report(r, row, &result);
        return;
    }
    if (!r->has_fatal || row->position < r->fatal_position) {
        row_refusal(&r->fatal, r->w->dataset, &r->row_ids, &result, replace);
        r->fatal_position = row->position;
        r->has_fatal = true;
    }
}

/* A replace makes rows: what :version says of the old ones is of no matter, rows that were read may be sent back. */
static void decode(const struct rows_at_work *r, const unsigned char *encoded, struct stage_row *ret)
{
    stage_decode(r->w->stage, encoded, ret);
    if (r->w->replace)
        ret->version_state = STAGE_SID_ABSENT;
}

/* ── one row ── */

enum by { BY_NOTHING, BY_KEY, BY_SID };

struct who {
    enum by by;
    struct cell key;           /* as the index knows it */
    int64_t sid;
    enum row_error error;      /* names nothing that can be */
    bool by_sid;               /* ... and that through :id */
};

/* The key as the index compares it: a url by its address alone. False: out of memory. */
static bool index_key(struct rows_at_work *r, const struct cell *cell, struct cell *ret)
{
    *ret = *cell;
    if (r->key->type->id != TYPE_URL)
        return true;
    struct str bytes;
    if (!r->key->type->key(cell, &r->arena, &bytes))
        return false;
    *ret = bytes.n ? cell_text(bytes) : cell_null();
    return true;
}

static struct who who_by_sid(const struct rows_at_work *r, const struct stage_row *row, enum row_error unknown, enum row_error missing)
{
    struct who w = {.by = BY_SID, .sid = row->sid, .by_sid = true};
    if (r->w->replace && !r->key) /* :id is ignored by a replace */
        return row->op == STAGE_UPSERT ? (struct who){.by = BY_NOTHING} : (struct who){.error = ROW_ERROR_NO_SUCH_ROW_TO_DELETE, .by_sid = true};
    switch (row->sid_state) {
    case STAGE_SID_GIVEN:
        return w;
    case STAGE_SID_UNREADABLE:
        w.error = unknown;
        return w;
    case STAGE_SID_ABSENT:
    case STAGE_SID_NULL:
        break;
    }
    if (!r->key && row->op == STAGE_UPSERT)
        return (struct who){.by = BY_NOTHING};
    w.error = row->key_null_delete || (row->op == STAGE_DELETE && row->sid_state == STAGE_SID_NULL) ? ROW_ERROR_NO_SUCH_ROW_TO_DELETE : missing;
    w.by_sid = !r->key;
    return w;
}

/* Which row is meant (docs/wire/rows.md, "Which row"). False: out of memory. */
static bool who_is_meant(struct rows_at_work *r, const struct stage_row *row, struct who *ret)
{
    bool deletes = row->op == STAGE_DELETE;
    enum row_error unknown = deletes ? ROW_ERROR_NO_SUCH_ROW_TO_DELETE : ROW_ERROR_NO_SUCH_ROW_TO_UPDATE;
    if (!r->key) {
        *ret = who_by_sid(r, row, unknown, ROW_ERROR_NO_PRIMARY_KEY);
        return true;
    }
    const struct cell *cell = &row->cells[r->columns->row_identifier];
    if (cell->kind == CELL_ABSENT && !row->key_null_delete && !r->w->replace) {
        *ret = who_by_sid(r, row, unknown, ROW_ERROR_NO_PRIMARY_KEY);
        return true;
    }
    *ret = (struct who){.by = BY_KEY, .key = cell_null()};
    if (cell->kind != CELL_ABSENT && cell->kind != CELL_NULL && !index_key(r, cell, &ret->key))
        return false;
    if (ret->key.kind == CELL_NULL)
        ret->error = deletes ? ROW_ERROR_NO_SUCH_ROW_TO_DELETE : ROW_ERROR_NO_PRIMARY_KEY;
    return true;
}

/* Whether an update by key must write the key too: it is equal to the stored one, but for numbers (1, 1.00) and urls
 * (description) equal is not the same. Writing it costs the index entry, so plain whole numbers, of which there is one
 * form each, do without until a key with a point was seen. */
static bool must_set_key(const struct rows_at_work *r, const struct cell *key)
{
    switch (r->key->type->id) {
    case TYPE_URL:
        return true;
    case TYPE_NUMBER:
        return r->a->meta->key_scaled || memchr(key->s.p, '.', key->s.n);
    default:
        return false;
    }
}

static void saw_key(struct rows_at_work *r, const struct cell *key)
{
    if (r->key->type->id == TYPE_NUMBER && !r->a->meta->key_scaled && memchr(key->s.p, '.', key->s.n))
        r->a->meta->key_scaled = 1;
}

static int64_t sid_of(const struct rows_at_work *r, const struct stage_row *row)
{
    return r->base + (int64_t)row->position;
}

static void created(struct rows_at_work *r, const struct stage_row *row)
{
    r->a->counts.created++;
    r->a->meta->state.rows++;
    r->a->last_sid = sid_of(r, row);
    struct row_result result = {.kind = ROW_INSERTED, .sid = sid_of(r, row), .version = r->a->version, .key = key_cell(r, row)};
    report(r, row, &result);
}

static void matched(struct rows_at_work *r, const struct stage_row *row, const struct who *who, enum row_result_kind kind, int64_t sid, int64_t version)
{
    struct write_counts *c = &r->a->counts;
    if (kind == ROW_DELETED) {
        c->deleted++;
        r->a->meta->state.rows--;
    } else {
        c->updated++;
        r->a->last_sid = sid;
    }
    if (who->by_sid)
        c->by_sid++;
    else
        c->by_row_identifier++;
    struct row_result result = {.kind = kind, .by_sid = who->by_sid, .sid = sid, .version = version, .key = key_cell(r, row)};
    report(r, row, &result);
}

static bool insert(struct rows_at_work *r, const struct stage_row *row, struct error *err)
{
    bool ok = r->a->pages ? pages_add_row(r->a->pages, sid_of(r, row), r->record, RECORD_FIRST + r->columns->n, err)
                          : applier_insert(r->a->applier, sid_of(r, row), row->cells, err);
    if (!ok)
        return false;
    if (r->key)
        saw_key(r, &row->cells[r->columns->row_identifier]);
    created(r, row);
    return true;
}

/* A new row that gives a version, or that may only be an update. */
static enum row_error error_of_new_row(const struct rows_at_work *r, const struct stage_row *row, const struct who *who)
{
    if (row->version_state == STAGE_SID_GIVEN || row->version_state == STAGE_SID_UNREADABLE)
        return who->by == BY_KEY ? ROW_ERROR_VERSION_MISMATCH : ROW_ERROR_VERSION_ON_NEW_ROW;
    return r->w->update_only ? ROW_ERROR_INSERT_IN_UPDATE_ONLY : ROW_ERROR_NONE;
}

static bool find(struct rows_at_work *r, const struct who *who, bool *ret_found, int64_t *ret_sid, int64_t *ret_version, struct error *err)
{
    switch (who->by) {
    case BY_NOTHING:
        *ret_found = false;
        return true;
    case BY_KEY:
        return applier_find_key(r->a->applier, &who->key, ret_found, ret_sid, ret_version, err);
    case BY_SID:
        *ret_sid = who->sid;
        return applier_find_sid(r->a->applier, who->sid, ret_found, ret_version, err);
    }
    return false;
}

static bool long_upsert(struct rows_at_work *r, const struct stage_row *row, const struct who *who, bool found, int64_t sid, struct error *err)
{
    if (!found && who->by == BY_SID) {
        row_failed(r, row, (struct row_result){.error = ROW_ERROR_NO_SUCH_ROW_TO_UPDATE, .by_sid = true, .sid = who->sid});
        return true;
    }
    if (!found) {
        enum row_error e = error_of_new_row(r, row, who);
        if (e == ROW_ERROR_NONE)
            return insert(r, row, err);
        row_failed(r, row, (struct row_result){.error = e, .expected_version = -1, .given_version = row->version});
        return true;
    }
    struct applier_update u = {.cells = row->cells, .clear_absent = r->w->clear_absent};
    u.set_key = who->by == BY_KEY && must_set_key(r, &row->cells[r->columns->row_identifier]);
    if (!applier_update_sid(r->a->applier, &u, sid, err))
        return false;
    if (who->by == BY_KEY)
        saw_key(r, &row->cells[r->columns->row_identifier]);
    matched(r, row, who, ROW_UPDATED, sid, r->a->version);
    return true;
}

static bool long_delete(struct rows_at_work *r, const struct stage_row *row, const struct who *who, bool found, int64_t sid, int64_t version, struct error *err)
{
    bool deleted = false;
    if (found && !applier_delete_sid(r->a->applier, sid, &deleted, err))
        return false;
    if (deleted)
        matched(r, row, who, ROW_DELETED, sid, version);
    else
        row_failed(r, row, (struct row_result){.error = ROW_ERROR_NO_SUCH_ROW_TO_DELETE, .by_sid = who->by_sid, .sid = who->sid});
    return true;
}

/* Find, decide, act. */
static bool long_way(struct rows_at_work *r, const struct stage_row *row, const struct who *who, struct error *err)
{
    bool found;
    int64_t sid = 0, version = 0;
    if (!find(r, who, &found, &sid, &version, err))
        return false;
    bool version_is_stored = row->version_state == STAGE_SID_GIVEN && row->version == version;
    if (found && row->version_state != STAGE_SID_ABSENT && !version_is_stored) {
        int64_t given = row->version_state == STAGE_SID_GIVEN ? row->version : -1;
        row_failed(r, row, (struct row_result){.error = ROW_ERROR_VERSION_MISMATCH, .by_sid = who->by_sid, .sid = sid, .expected_version = version, .given_version = given});
        return true;
    }
    if (row->op == STAGE_DELETE)
        return long_delete(r, row, who, found, sid, version, err);
    return long_upsert(r, row, who, found, sid, err);
}

static void updated_by_key(struct rows_at_work *r, const struct stage_row *row, const struct who *who)
{
    saw_key(r, &row->cells[r->columns->row_identifier]);
    matched(r, row, who, ROW_UPDATED, 0, r->a->version);
}

/* One statement that inserts or updates: the cheapest for a mix. Where one update followed another for a while, an update alone
 * is tried first: it finds its row by one search less. */
static bool short_upsert(struct rows_at_work *r, const struct stage_row *row, const struct who *who, struct error *err)
{
    const struct cell *key = &row->cells[r->columns->row_identifier];
    struct applier_update u = {.cells = row->cells, .clear_absent = r->w->clear_absent, .set_key = must_set_key(r, key)};
    bool inserted, found;
    if (r->updates_on_end >= UPDATES_BEFORE_INSERTS) {
        if (!applier_update_key(r->a->applier, &u, &who->key, &found, err))
            return false;
        if (found) {
            updated_by_key(r, row, who);
            return true;
        }
        r->updates_on_end = 0;
        return insert(r, row, err);
    }
    if (!applier_upsert(r->a->applier, sid_of(r, row), &u, &who->key, &inserted, err))
        return false;
    r->updates_on_end = inserted ? 0 : r->updates_on_end + 1;
    if (inserted) {
        saw_key(r, key);
        created(r, row);
    } else {
        updated_by_key(r, row, who);
    }
    return true;
}

static bool short_delete(struct rows_at_work *r, const struct stage_row *row, const struct who *who, struct error *err)
{
    bool deleted;
    if (!applier_delete_key(r->a->applier, &who->key, &deleted, err))
        return false;
    if (deleted)
        matched(r, row, who, ROW_DELETED, 0, 0);
    else
        row_failed(r, row, (struct row_result){.error = ROW_ERROR_NO_SUCH_ROW_TO_DELETE});
    return true;
}

static bool apply_row(struct rows_at_work *r, const struct stage_row *row, struct error *err)
{
    struct who who;
    if (r->arena.used)
        arena_reset(&r->arena);
    if (!who_is_meant(r, row, &who))
        return error_no_memory(err);
    if (who.error == ROW_ERROR_NONE && r->w->replace && row->op == STAGE_DELETE)
        who.error = ROW_ERROR_NO_SUCH_ROW_TO_DELETE;
    if (who.error != ROW_ERROR_NONE) {
        row_failed(r, row, (struct row_result){.error = who.error, .by_sid = who.by_sid, .sid = who.sid});
        return true;
    }
    bool needs_stored = r->w->want_all_results || r->w->update_only || row->version_state != STAGE_SID_ABSENT;
    if (who.by == BY_KEY && !needs_stored)
        return row->op == STAGE_DELETE ? short_delete(r, row, &who, err) : short_upsert(r, row, &who, err);
    return long_way(r, row, &who, err);
}

/* ── sorting a run ── */

struct sorted {
    uint64_t prefix;           /* never greater for a smaller key; equal keys have equal ones */
    const unsigned char *row;
    uint32_t at;               /* in the run */
};

/* Keys that order as their prefixes do, when those differ. */
static uint64_t text_prefix(struct str s)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 8; i++)
        v = v << 8 | (i < s.n ? (unsigned char)s.p[i] : 0);
    return v;
}

/* The whole part, held at ±10^18. */
static uint64_t number_prefix(struct str s)
{
    bool negative = s.n && s.p[0] == '-';
    int64_t v = 0;
    size_t digits = 0;
    for (size_t i = negative; i < s.n && s.p[i] != '.'; i++) {
        if (++digits > 18) {
            v = 1000000000000000000;
            break;
        }
        v = v * 10 + (s.p[i] - '0');
    }
    return (uint64_t)(negative ? -v : v) + ((uint64_t)1 << 63);
}

static uint64_t prefix_of(const struct type *t, const struct cell *c)
{
    switch (c->kind) {
    case CELL_ABSENT:
    case CELL_NULL:
        return 0;
    case CELL_INT:
        return (uint64_t)c->i + ((uint64_t)1 << 63);
    case CELL_TEXT:
    case CELL_BLOB:
        break;
    }
    return t->id == TYPE_NUMBER ? number_prefix(c->s) : text_prefix(c->s);
}

static int compare_keys(const struct rows_at_work *r, const struct sorted *a, const struct sorted *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    const struct stage *stage = r->w->stage;
    struct cell x, y;
    uint64_t position;
    stage_decode_key(stage, a->row, r->columns->row_identifier, &x, &position);
    stage_decode_key(stage, b->row, r->columns->row_identifier, &y, &position);
    bool x_null = x.kind == CELL_NULL || x.kind == CELL_ABSENT, y_null = y.kind == CELL_NULL || y.kind == CELL_ABSENT;
    if (x_null || y_null)
        return (int)y_null - (int)x_null;
    return r->key->type->compare(&x, &y);
}

static int compare_sorted(const void *a, const void *b, void *ctx)
{
    const struct sorted *x = a, *y = b;
    int c = compare_keys(ctx, x, y);
    return c ? c : x->at < y->at ? -1 : 1;
}

/* The run by key into *ret_order (NULL: leave it as it is). Not for urls, whose order is not that of their addresses. */
static bool sort_run(struct rows_at_work *r, const struct stage_run *run, struct sorted **ret_order, struct error *err)
{
    *ret_order = NULL;
    if (!r->key || r->key->type->id == TYPE_URL || run->n < SORT_FROM_ROWS)
        return true;
    struct sorted *order = malloc(run->n * sizeof *order);
    if (!order)
        return error_no_memory(err);
    bool in_order = true, mixed = false;
    for (size_t i = 0; i < run->n && !mixed; i++) {
        struct cell c;
        uint64_t position;
        stage_decode_key(r->w->stage, run->rows[i], r->columns->row_identifier, &c, &position);
        mixed = c.kind == CELL_ABSENT;
        order[i] = (struct sorted){.prefix = prefix_of(r->key->type, &c), .row = run->rows[i], .at = (uint32_t)i};
        in_order = in_order && (i == 0 || compare_keys(r, &order[i - 1], &order[i]) <= 0);
    }
    if (mixed || in_order) {
        free(order);
        return true;
    }
    qsort_r(order, run->n, sizeof *order, compare_sorted, r);
    *ret_order = order;
    return true;
}

/* ── all rows ── */

static enum apply_outcome outcome(struct rows_at_work *r, bool ok, struct error *err)
{
    if (!ok)
        return r->a->pages ? APPLY_FAULT : apply_failure(r->a->db, err);
    if (r->not_plain)
        return APPLY_DUPLICATE;
    if (!r->has_fatal)
        return APPLY_DONE;
    *err = r->fatal;
    return APPLY_REFUSED;
}

/* Sorted rows lie anywhere in the run: without this each costs a few misses of the cache. */
static void fetch_ahead(const unsigned char *row)
{
    for (size_t line = 0; line < 4; line++)
        __builtin_prefetch(row + 64 * line);
}

static bool apply_run(struct rows_at_work *r, const struct stage_run *run, struct error *err)
{
    struct sorted *order;
    if (!sort_run(r, run, &order, err))
        return false;
    struct stage_row row = {.cells = r->cells};
    bool ok = true;
    for (size_t i = 0; i < run->n && ok; i++) {
        if (order && i + ROWS_AHEAD < run->n)
            fetch_ahead(order[i + ROWS_AHEAD].row);
        decode(r, order ? order[i].row : run->rows[i], &row);
        if (row.position >= r->positions)
            r->positions = row.position + 1;
        if (!r->has_fatal)
            ok = apply_row(r, &row, err);
        else if (!order)
            break;
        else if (row.position < r->fatal_position)
            ok = apply_row(r, &row, err); /* perhaps fatal too, and earlier in the input */
    }
    free(order);
    return ok;
}

static bool make_room_for_record(struct rows_at_work *r, struct error *err)
{
    r->record = calloc(RECORD_FIRST + r->columns->n, sizeof *r->record);
    if (!r->record)
        return error_no_memory(err);
    r->record[0] = r->record[1] = cell_int(r->a->at_ms);
    r->record[2] = cell_int(r->a->version);
    r->cells = r->record + RECORD_FIRST;
    return true;
}

static bool start(struct rows_at_work *r, struct apply *a, struct error *err)
{
    const struct columns *c = &a->write->dataset->columns;
    *r = (struct rows_at_work){.a = a, .w = a->write, .columns = c, .row_ids = a->meta->state.row_ids, .base = a->meta->next_sid};
    if (c->row_identifier >= 0)
        r->key = &c->v[c->row_identifier];
    a->counts = (struct write_counts){0};
    a->last_sid = 0;
    if (a->write->begin)
        a->write->begin(a->write->ctx);
    if (a->pages)
        return make_room_for_record(r, err);
    if (!applier_begin(a->applier, c, a->at_ms, a->version, err))
        return false;
    r->cells = applier_cells(a->applier);
    return true;
}

static void finish_rows(struct rows_at_work *r)
{
    r->a->meta->next_sid += (int64_t)r->positions;
    arena_free(&r->arena);
    buf_free(&r->last_bytes);
    free(r->record);
}

static enum apply_outcome each_run(struct apply *a, bool (*run_rows)(struct rows_at_work *r, const struct stage_run *run, struct error *err), struct error *err)
{
    struct rows_at_work r;
    if (!start(&r, a, err)) {
        finish_rows(&r);
        return APPLY_FAULT;
    }
    struct stage_cursor *cursor = a->write->stage ? stage_cursor_new(a->write->stage, RUN_BYTES, err) : NULL;
    bool ok = cursor || !a->write->stage, end = !cursor;
    if (!ok) {
        finish_rows(&r);
        return APPLY_REFUSED; /* the stage's trouble, not the file's */
    }
    while (ok && !end && !r.has_fatal && !r.not_plain) {
        struct stage_run run;
        if (!stage_next_run(cursor, &run, &end, err)) {
            stage_cursor_free(cursor);
            finish_rows(&r);
            return APPLY_REFUSED;
        }
        ok = end && run.n == 0 ? true : run_rows(&r, &run, err);
    }
    enum apply_outcome result = outcome(&r, ok, err);
    stage_cursor_free(cursor);
    finish_rows(&r);
    return result;
}

enum apply_outcome apply_rows(struct apply *a, struct error *err)
{
    return each_run(a, apply_run, err);
}

/* ── the plain way ── */

/* A key greater than the one before it goes to the index's end; from the first that is not on, the index is made afterwards. */
static bool add_key_while_keys_rise(struct rows_at_work *r, const struct cell *key, int64_t sid, struct error *err)
{
    int c = r->last_key.kind == CELL_ABSENT ? -1 : r->key->type->compare(&r->last_key, key);
    r->last_key = *key;
    r->not_plain = c == 0;
    if (c < 0)
        return pages_add_key(r->a->pages, key, sid, err);
    pages_drop_index(r->a->pages);
    r->a->indexed = false;
    return true;
}

static bool keep_last_key(struct rows_at_work *r, struct error *err)
{
    if (r->last_key.kind < CELL_TEXT)
        return true;
    buf_reset(&r->last_bytes);
    buf_add_str(&r->last_bytes, r->last_key.s);
    r->last_key.s = buf_str(&r->last_bytes);
    return buf_ok(&r->last_bytes) || error_no_memory(err);
}

/* Rows that are all new, as far as they show it themselves; equal keys show when the index is built. */
static bool plain_run(struct rows_at_work *r, const struct stage_run *run, struct error *err)
{
    struct stage_row row = {.cells = r->cells};
    for (size_t i = 0; i < run->n; i++) {
        struct who who;
        decode(r, run->rows[i], &row);
        r->positions = row.position + 1;
        if (r->arena.used)
            arena_reset(&r->arena);
        if (!who_is_meant(r, &row, &who))
            return error_no_memory(err);
        if (who.error != ROW_ERROR_NONE || who.by == BY_SID || row.op == STAGE_DELETE || row.version_state != STAGE_SID_ABSENT || r->w->update_only) {
            r->not_plain = true;
            return true;
        }
        if (r->a->indexed && !add_key_while_keys_rise(r, &who.key, sid_of(r, &row), err))
            return false;
        if (r->not_plain)
            return true;
        if (!insert(r, &row, err))
            return false;
    }
    return !r->a->indexed || keep_last_key(r, err);
}

enum apply_outcome apply_plain(struct apply *a, struct error *err)
{
    /* Results are told once, so a first attempt that may be thrown away is not for those who want them. */
    if (a->write->want_all_results && a->sink.result)
        return APPLY_DUPLICATE;
    struct meta before = *a->meta;
    enum apply_outcome result = each_run(a, plain_run, err);
    if (result == APPLY_DUPLICATE)
        *a->meta = before;
    return result;
}

/* ── in steps ── */

struct steps {
    struct rows_at_work r;
    struct stage_cursor *cursor;
    bool plain;
    size_t run_bytes;
};

struct steps *steps_begin(struct apply *a, bool plain, size_t run_bytes, struct error *err)
{
    struct steps *p = calloc(1, sizeof *p);
    if (!p) {
        error_no_memory(err);
        return NULL;
    }
    p->plain = plain;
    p->run_bytes = run_bytes;
    if (start(&p->r, a, err) && (p->cursor = stage_cursor_new(a->write->stage, run_bytes, err)))
        return p;
    finish_rows(&p->r);
    free(p);
    return NULL;
}

enum apply_outcome steps_go(struct steps *p, size_t bytes, bool *ret_idle, struct error *err)
{
    *ret_idle = false;
    for (size_t done = 0; done < bytes; done += p->run_bytes) {
        struct stage_run run;
        if (!stage_next_run(p->cursor, &run, ret_idle, err))
            return APPLY_REFUSED;
        if (*ret_idle)
            break;
        bool ok = p->plain ? plain_run(&p->r, &run, err) : apply_run(&p->r, &run, err);
        if (!ok || p->r.not_plain || p->r.has_fatal)
            return outcome(&p->r, ok, err);
    }
    return APPLY_DONE;
}

void steps_end(struct steps *p)
{
    stage_cursor_free(p->cursor);
    finish_rows(&p->r);
    free(p);
}
