/* One body on its way to the stage (ingest.h): the pipeline, its end, and what the apply reported. */
#include "ingest/upload.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* A row's URL takes one object; what the reader says of other values would offer an array too. */
static bool name_the_object(const struct upload *u, struct error *err)
{
    if (u->options.only_one_object && err->code == ERROR_BODY_NOT_ROWS)
        error_set(err, ERROR_BODY_NOT_OBJECT, "the body must be one JSON object: this URL names a single row");
    return false;
}

static bool to_reader(void *ctx, struct str bytes, struct error *err)
{
    struct upload *u = ctx;
    uint64_t rows = u->coerce.rows;
    if (!reader_push(u->reader, bytes, err))
        return name_the_object(u, err);
    u->row_bytes = u->coerce.rows == rows ? u->row_bytes + bytes.n : 0;
    return large_take(&u->large, u->row_bytes, err);
}

static bool to_transcode(void *ctx, struct str bytes, struct error *err)
{
    struct upload *u = ctx;
    return u->transcode ? transcode_push(u->transcode, bytes, err) : to_reader(u, bytes, err);
}

static bool open_pipeline(struct upload *u, struct error *err)
{
    struct row_sink sink = coerce_sink(&u->coerce);
    const struct upload_options *o = &u->options;
    u->reader = reader_new(o->format, &reader_limits_default, &sink, err);
    if (!u->reader)
        return false;
    if (o->charset.n && !transcode_is_utf8(o->charset) && !(u->transcode = transcode_new(o->charset, to_reader, u, err)))
        return false;
    if (o->gzip && !(u->gunzip = gunzip_new(&gunzip_limits_default, to_transcode, u, err)))
        return false;
    return true;
}

/* Uploads under way. A few may each keep some megabytes of rows in memory before they use a file; hundreds may not. */
static atomic_size_t uploads;
static atomic_bool crowded;
enum { UPLOADS_FEW = 6, CROWD = 64, STAGE_BYTES_OF_MANY = 256 << 10, MUCH_BYTES = 8 << 20 };

/* Rows may be written while the body streams, as far as the request tells; the rows themselves may say otherwise. */
static bool may_work_ahead(const struct upload_options *o)
{
    return !o->dry_run && !o->want_all_results && !o->has_row_key && !o->only_one_object && !o->update_only;
}

struct upload *upload_new(const struct dataset *d, const struct store_state *state, const struct upload_options *o, struct error *err)
{
    struct upload *u = calloc(1, sizeof *u);
    if (!u) {
        error_no_memory(err);
        return NULL;
    }
    bool few = atomic_fetch_add(&uploads, 1) < UPLOADS_FEW;
    u->dataset = dataset_retain(d);
    u->state = *state;
    u->options = *o;
    struct stage_config config = {.columns = &d->columns, .scratch_dir = o->scratch_dir, .memory_max = few ? 0 : STAGE_BYTES_OF_MANY,
                                  .live = few && may_work_ahead(o)};
    u->stage = stage_new(&config, err);
    u->coerce.dataset = d;
    u->coerce.row_ids = &u->state.row_ids;
    u->coerce.options = &u->options;
    u->coerce.stage = u->stage;
    u->coerce.problems = &u->problems;
    u->coerce.names = &u->arena;
    if (!u->stage || !coerce_init(&u->coerce, err) || !open_pipeline(u, err)) {
        upload_free(u);
        return NULL;
    }
    return u;
}

void upload_free(struct upload *u)
{
    if (!u)
        return;
    bool much = u->large.held || (u->stage && stage_bytes(u->stage) >= MUCH_BYTES);
    gunzip_free(u->gunzip);
    transcode_free(u->transcode);
    reader_free(u->reader);
    if (u->ahead)
        ahead_free(u->ahead); /* with the stage */
    else
        stage_free(u->stage);
    spool_free(u->results);
    coerce_fini(&u->coerce);
    problems_clear(&u->problems);
    problems_clear(&u->row_errors);
    problems_clear(&u->report);
    buf_free(&u->write.kept);
    arena_free(&u->arena);
    dataset_release(u->dataset);
    large_give(&u->large);
    free(u);
    /* The pages of a bulk write were small blocks, and so were the beginnings of a crowd's bodies: those stay with malloc unless it is told. */
    size_t left = atomic_fetch_sub(&uploads, 1) - 1;
    if (left >= CROWD)
        atomic_store(&crowded, true);
    if (much || (left == 0 && atomic_exchange(&crowded, false)))
        malloc_trim(0);
}

void upload_build_ahead(struct upload *u, struct ingest_queue *q)
{
    u->queue = q;
}

static void build_ahead(struct upload *u)
{
    bool hopeless = u->problems.total && !u->options.skip_errors;
    if (hopeless || !stage_is_live(u->stage) || stage_settled(u->stage) < AHEAD_FROM_BYTES)
        return;
    if (!u->ahead && !(u->ahead = ingest_build_ahead(u->queue, u))) {
        u->queue = NULL;
        return;
    }
    ahead_nudge(u->ahead);
}

/* A long body would else fill the disk up with what is then refused. */
static bool leaves_room(struct upload *u, struct error *err)
{
    enum { ASK_EACH_BYTES = 8 << 20 };
    uint64_t staged = stage_bytes(u->stage);
    if (!u->options.store || staged - u->room_asked_at < ASK_EACH_BYTES)
        return true;
    u->room_asked_at = staged;
    return store_has_room(u->options.store, 0, err);
}

bool upload_push(struct upload *u, struct str bytes, struct error *err)
{
    if (!(u->gunzip ? gunzip_push(u->gunzip, bytes, err) : to_transcode(u, bytes, err)) || !leaves_room(u, err))
        return false;
    if (u->queue)
        build_ahead(u);
    return true;
}

/* The clients of old show only the message, so the first few problems stand in it whole (docs/wire/errors.md). */
static bool refuse(const struct upload *u, struct error *err)
{
    const struct problems *p = &u->problems;
    enum { SHOWN = 5, TEXT_MAX = 1700 };
    struct buf text = {0};
    const char *fix = p->total == 1 ? "1 value was refused and nothing was changed: " : NULL;
    if (fix)
        buf_add_z(&text, fix);
    else
        buf_printf(&text, "%llu values were refused and nothing was changed: ", (unsigned long long)p->total);
    size_t shown = 0;
    for (; shown < p->n && shown < SHOWN && text.n + p->v[shown].message.n < TEXT_MAX; shown++) {
        if (shown)
            buf_add_z(&text, "; ");
        buf_add_str(&text, p->v[shown].message);
    }
    if (shown == 0 && p->n)
        buf_add_str(&text, str_head_utf8(p->v[0].message, TEXT_MAX));
    if (p->total > (shown ? shown : 1))
        buf_printf(&text, "; and %llu more, see data.errors", (unsigned long long)(p->total - shown));
    if (!buf_ok(&text)) {
        buf_free(&text);
        return error_no_memory(err);
    }
    error_set(err, p->n ? p->v[0].code : ERROR_ROW_VALUES_REFUSED, FMT_STR, ARG_STR(buf_str(&text)));
    buf_free(&text);
    if (p->n && p->v[0].field.n)
        error_data_str(err, "field", p->v[0].field);
    const struct columns *columns = &u->dataset->columns;
    int at = p->n && p->v[0].code == ERROR_COLUMN_MALTYPED ? columns_find_field(columns, p->v[0].field) : -1;
    if (at >= 0)
        error_data_str(err, "expected", str_from(columns->v[at].type->soql_name));
    if (p->n && p->v[0].value.n)
        error_data_str(err, "got", p->v[0].value);
    return false;
}

/* onError=skip:N and skip:P%: more set aside than that refuses the whole, as abort would. */
static bool within_policy(const struct upload *u)
{
    const struct upload_options *o = &u->options;
    uint64_t bad = upload_set_aside(u), rows = u->coerce.rows;
    return o->skip_errors && bad <= o->skip_rows_max && bad * 10000.0 <= (double)rows * o->skip_share_max;
}

static bool check_expected_rows(const struct upload *u, struct error *err)
{
    const struct upload_options *o = &u->options;
    if (!o->has_expected_rows || o->expected_rows == u->coerce.rows)
        return true;
    error_set(err, ERROR_DIGEST_MISMATCH, "X-Expect-Rows says %llu rows, the body holds %llu; nothing was changed", (unsigned long long)o->expected_rows,
              (unsigned long long)u->coerce.rows);
    error_data_i64(err, "expected", (int64_t)o->expected_rows);
    error_data_i64(err, "got", (int64_t)u->coerce.rows);
    return false;
}

bool upload_finish(struct upload *u, struct error *err)
{
    if (u->gunzip && !gunzip_finish(u->gunzip, err))
        return false;
    if (u->transcode && !transcode_finish(u->transcode, err))
        return false;
    if (!reader_finish(u->reader, err))
        return name_the_object(u, err);
    if (!coerce_finish(&u->coerce, err) || !check_expected_rows(u, err))
        return false;
    u->finished = true;
    reader_free(u->reader); /* it may hold a large row's text still */
    u->reader = NULL;
    if (u->problems.total) {
        problems_sort(&u->problems);
        if (!within_policy(u))
            return refuse(u, err);
        if (u->options.request_id && !u->options.dry_run &&
            !set_aside_write(u->coerce.set_aside, u->options.reports_dir, u->options.request_id, err))
            return false;
    }
    return stage_finish(u->stage, err);
}

uint64_t upload_set_aside(const struct upload *u)
{
    return u->coerce.set_aside ? set_aside_rows(u->coerce.set_aside) : 0;
}

void upload_set_witness(struct upload *u, struct str key, struct str witness)
{
    u->idempotency_key = key;
    u->witness = witness;
}

const struct problems *upload_problems(const struct upload *u)
{
    return u->reported ? &u->report : &u->problems;
}

bool upload_was_single_object(const struct upload *u)
{
    return !u->coerce.many && u->options.format == READER_JSON;
}

bool upload_single_is_delete(const struct upload *u)
{
    return upload_was_single_object(u) && u->coerce.single_is_delete;
}

uint64_t upload_rows(const struct upload *u)
{
    return u->coerce.rows;
}

/* ── warnings ── */

static void warn(struct warnings *w, char *text)
{
    if (text)
        w->v[w->n++] = str_from(text);
}

struct warnings upload_warnings(struct upload *u)
{
    enum { WARNINGS_MAX = 8 };
    const struct coerce *c = &u->coerce;
    struct warnings w = {.v = arena_alloc(&u->arena, WARNINGS_MAX * sizeof *w.v)};
    if (!w.v)
        return w;
    if (u->options.kind == UPLOAD_UPSERT && !u->options.truncate && u->dataset->columns.row_identifier < 0 && c->rows_without_id && c->many)
        warn(&w, arena_printf(&u->arena,
                                 "this dataset has no row identifier: %llu rows without :id were added as new rows, and sending them "
                                 "again would add them again; set a row identifier to update rows by their key",
                                 (unsigned long long)c->rows_without_id));
    if (c->types.nul_removed)
        warn(&w, arena_printf(&u->arena, "%llu U+0000 characters were removed from text", (unsigned long long)c->types.nul_removed));
    if (c->types.ordinates_dropped)
        warn(&w, arena_printf(&u->arena, "%llu third ordinates of geometries were dropped: positions have two",
                                 (unsigned long long)c->types.ordinates_dropped));
    if (c->types.degrees_out_of_range)
        warn(&w, arena_printf(&u->arena,
                                 "%llu positions lie outside longitude ±180 or latitude ±90 and were stored as given; is the order "
                                 "longitude, latitude?",
                                 (unsigned long long)c->types.degrees_out_of_range));
    if (c->odd_deleted_flags)
        warn(&w, arena_printf(&u->arena, "%llu rows had a :deleted that is not true and were upserted; only true deletes a row",
                                 (unsigned long long)c->odd_deleted_flags));
    return w;
}

/* ── what the apply reports ── */

/* Row errors in words. "no record is found" is what DataSync's delete job looks for (docs/wire/rows.md). */
static const char *const row_error_texts[ROW_ERROR_COUNT] = {
    [ROW_ERROR_NO_SUCH_ROW_TO_DELETE] = "no record is found to delete",
    [ROW_ERROR_NO_SUCH_ROW_TO_UPDATE] = "no row with this :id to update",
    [ROW_ERROR_NO_PRIMARY_KEY] = "the row identifier is missing or null",
    [ROW_ERROR_VERSION_MISMATCH] = "the row's :version is not the stored one: somebody changed it since it was read",
    [ROW_ERROR_VERSION_ON_NEW_ROW] = ":version given for a row that does not exist",
    [ROW_ERROR_INSERT_IN_UPDATE_ONLY] = "the row does not exist and may only be updated",
};

static void write_key_json(struct upload *u, const struct row_result *r, struct buf *out)
{
    int key = u->dataset->columns.row_identifier;
    struct type_render render = {.row_ids = &u->state.row_ids};
    if (key >= 0 && !r->by_sid && r->key.kind >= CELL_INT) {
        const struct type *type = u->dataset->columns.v[key].type;
        type->write_json(type, &r->key, &render, out);
    } else if (r->sid) {
        struct cell sid = cell_int(r->sid);
        type_row_identifier.write_json(&type_row_identifier, &sid, &render, out);
    } else {
        buf_add_z(out, "null");
    }
}

static void add_row_error(struct upload *u, const struct row_result *r)
{
    struct buf key = {0}, message = {0};
    write_key_json(u, r, &key);
    buf_printf(&message, "row %llu (line %llu), row identifier " FMT_STR ": %s", (unsigned long long)r->position,
               (unsigned long long)r->line, ARG_STR(str_head_utf8(buf_str(&key), VALUE_SHOWN_MAX)), row_error_texts[r->error]);
    struct row_problem problem = {
        .position = r->position,
        .line = r->line,
        .code = ERROR_ROW_NOT_FOUND,
        .message = buf_str(&message),
        .name = str_from(row_error_name(r->error)),
        .primary_key_json = buf_str(&key),
    };
    if (!buf_ok(&key) || !buf_ok(&message) || !problems_add(&u->row_errors, &problem))
        error_no_memory(&u->result_error);
    buf_free(&key);
    buf_free(&message);
}

static void on_begin(void *ctx)
{
    struct upload *u = ctx;
    problems_clear(&u->row_errors);
    u->has_result = false;
    u->result_error.code = ERROR_NONE;
}

static void on_result(void *ctx, const struct row_result *r)
{
    struct upload *u = ctx;
    if (r->kind == ROW_FAILED)
        add_row_error(u, r);
    u->last_result = *r;
    u->last_result.key = (struct cell){.kind = CELL_ABSENT};
    u->has_result = true;
    if (!u->options.want_all_results)
        return;
    if (!u->results) {
        struct spool_config config = {.scratch_dir = u->options.scratch_dir};
        u->results = spool_new(&config, &u->result_error);
        if (!u->results)
            return;
    }
    if (!spool_write_at(u->results, r->position * sizeof *r, &u->last_result, sizeof *r, &u->result_error))
        u->has_result = false;
}

bool upload_result(struct upload *u, uint64_t position, struct row_result *ret, struct error *err)
{
    size_t got;
    if (u->result_error.code) {
        *err = u->result_error;
        return false;
    }
    if (!u->results)
        return error_set(err, ERROR_INTERNAL, "no results were kept");
    if (!spool_read(u->results, position * sizeof *ret, ret, sizeof *ret, &got, err))
        return false;
    return got == sizeof *ret ? true : error_set(err, ERROR_INTERNAL, "no result of row %llu", (unsigned long long)position);
}

bool upload_single_result(const struct upload *u, struct row_result *ret)
{
    if (!u->has_result || u->last_result.kind == ROW_FAILED)
        return false;
    *ret = u->last_result;
    return true;
}

static void add_all(struct upload *u, const struct problems *from)
{
    for (size_t i = 0; i < from->n; i++)
        if (!problems_add(&u->report, &from->v[i]))
            error_no_memory(&u->result_error);
    u->report.total += from->total - from->n;
}

void upload_close_report(struct upload *u)
{
    problems_clear(&u->report);
    add_all(u, &u->problems);
    add_all(u, &u->row_errors);
    problems_sort(&u->report);
    u->reported = true;
}

/* Called in the transaction, before its commit. */
static bool on_keep(void *ctx, const struct write_counts *counts, int64_t version, int64_t shape_version, struct buf *out)
{
    struct upload *u = ctx;
    struct write so_far = u->write;
    if (!u->watcher.keep)
        return true;
    so_far.counts = *counts;
    so_far.state = u->state; /* the key of its row ids stays */
    so_far.state.version = version;
    so_far.state.shape_version = shape_version;
    upload_close_report(u);
    return u->watcher.keep(u->watcher.ctx, u, &so_far, out);
}

static bool on_show(void *ctx, const struct store_within *in, int64_t sid, struct error *err)
{
    const struct upload *u = ctx;
    return u->watcher.show(u->watcher.ctx, in, sid, err);
}

static uint32_t fatal_errors(const struct upload *u)
{
    const struct upload_options *o = &u->options;
    uint32_t all = (1u << ROW_ERROR_COUNT) - 1;
    if (o->kind == UPLOAD_REPLACE)
        return all;
    if (o->has_row_key || (upload_was_single_object(u) && !upload_single_is_delete(u)))
        return all;
    return o->errors_are_fatal ? all & ~o->nonfatal : 0;
}

void upload_prepare_write(struct upload *u)
{
    const struct upload_options *o = &u->options;
    u->write = (struct write){
        .stage = u->stage,
        .dataset = u->dataset,
        .replace = o->kind == UPLOAD_REPLACE,
        .truncate = o->truncate,
        .clear_absent = o->clear_absent,
        .update_only = o->update_only,
        .dry_run = o->dry_run,
        .fatal = fatal_errors(u),
        .has_expected_version = o->has_expected_version,
        .expected_version = o->expected_version,
        .request_id = o->request_id,
        .user_id = o->user_id,
        .via = o->via,
        .peer = o->peer,
        .idempotency_key = u->idempotency_key,
        .witness = u->witness,
        .refusal = o->refusal,
        .want_all_results = o->want_all_results || upload_was_single_object(u) || o->has_row_key,
        .show = u->watcher.show && upload_was_single_object(u) && !upload_single_is_delete(u) ? on_show : NULL,
        .keep = on_keep,
        .begin = on_begin,
        .result = on_result,
        .ctx = u,
    };
}
