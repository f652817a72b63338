/* Writing rows: POST and PUT of datasets and rows, DELETE of both (docs/wire/rows.md).
 *
 * One state a request. The body streams into an upload; the finished upload goes to its dataset's queue; the reply is
 * made when the queue says that it is on disk, or why not. */
#include "api/body_digest.h"
#include "api/conditional.h"
#include "api/handlers.h"
#include "api/resource_read.h"
#include "api/row_url.h"
#include "api/write_reply.h"
#include "soql/soql.h"

struct writing {
    struct write_options options;
    struct body_digest digest;
    struct store_state state;
    struct upload *upload;      /* NULL until the first bytes told the format */
    bool single_row;            /* a row URL */
    bool conditional;           /* If-Match or If-None-Match must hold when the write is applied */
    struct row_url row;
    struct str deleted_id_json; /* DELETE of a row: what the reply names */
    struct buf shown;           /* one object: the row as this write left it */
    int64_t shown_sid;
};

static struct writing *begin(struct call *c)
{
    struct writing *w = arena_zalloc(c->arena, sizeof *w);
    c->state = w;
    return w;
}

static void release(struct call *c)
{
    struct writing *w = c->state;
    if (!w)
        return;
    upload_free(w->upload);
    buf_free(&w->shown);
}

static void fail(struct call *c, const struct error *err)
{
    const struct writing *w = c->state;
    if (w && w->options.upload.refusal) /* no repetition then: the first that was wrong is told, as without a key */
        call_reply_error(c, w->options.upload.refusal);
    else
        write_reply_refusal(c, err, w && w->upload ? upload_problems(w->upload) : NULL);
}

/* ── the end: the queue's answer ── */

/* Another write came between the look at the headers and the apply. */
static bool condition_was_lost(const struct writing *w, const struct error *err)
{
    return w->conditional && (err->code == ERROR_ROW_VERSION_MISMATCH || err->code == ERROR_DATASET_VERSION_MISMATCH || err->code == ERROR_ROW_NOT_FOUND);
}

static void refused(struct call *c, struct upload *u, const struct error *why)
{
    struct error err = {0};
    if (!condition_was_lost(c->state, why)) {
        write_reply_refusal(c, why, upload_problems(u));
        return;
    }
    error_set(&err, ERROR_PRECONDITION_FAILED, "If-Match or If-None-Match held, but another write came first: read it again and repeat the change");
    call_reply_error(c, &err);
}

static void on_done(void *ctx, struct upload *u, const struct write *write)
{
    struct call *c = ctx;
    struct writing *w = c->state;
    if (write->done && !w->options.upload.dry_run)
        http_reply_done(c->x);
    if (!write->done)
        refused(c, u, &write->error);
    else if (write->replayed)
        write_reply_again(c, &w->options, u, write);
    else if (w->deleted_id_json.n)
        write_reply_deleted(c, write, w->deleted_id_json);
    else if (w->options.report_rows && !upload_was_single_object(u))
        write_reply_rows(c, &w->options, u, write);
    else if (w->single_row || upload_was_single_object(u))
        write_reply_stored(c, &w->options, u, write, &w->shown);
    else
        write_reply_counts(c, &w->options, u, write);
}

/* In the write's transaction: of two writes at once each answers for its own, whatever the other then does to the row. Called
 * again when the write is tried again. */
static bool on_show(void *ctx, const struct store_within *in, int64_t sid, struct error *err)
{
    struct call *c = ctx;
    struct writing *w = c->state;
    buf_reset(&w->shown);
    w->shown_sid = sid;
    return resource_write_row_json(&(struct row_shown){c->api, c->dataset, in, sid, w->options.version_2}, &w->shown, err);
}

static bool on_keep(void *ctx, struct upload *u, const struct write *write, struct buf *out)
{
    struct call *c = ctx;
    struct writing *w = c->state;
    const struct kept_row row = {w->shown_sid, buf_str(&w->shown)};
    return write_reply_keep(c, &w->options, u, write, &row, w->deleted_id_json, out);
}

/* A key is the user's own: under another's he would be told what that one did. */
static bool own_key(struct call *c, struct str *key, struct error *err)
{
    if (!key->n)
        return true;
    char *text = arena_printf(c->arena, "%s/" FMT_STR, c->principal.user.id, ARG_STR(*key));
    if (!text)
        return error_no_memory(err);
    *key = str_from(text);
    return true;
}

static void finish(struct call *c)
{
    struct ingest_watcher watcher = {c, on_done, on_show, on_keep};
    struct writing *w = c->state;
    struct error err = {0};
    struct str witness = STR_NONE;
    if (body_digest_finish(&w->digest, c, &witness, &err) && own_key(c, &w->digest.key, &err) && upload_finish(w->upload, &err)) {
        upload_set_witness(w->upload, w->digest.key, witness);
        ingest_submit(c->api->queue, w->upload, &watcher);
    } else {
        fail(c, &err);
    }
}

/* ── the body ── */

static bool open_upload(struct call *c, struct str first, struct error *err)
{
    struct writing *w = c->state;
    if (!write_options_sniff(&w->options, c->head, first, err))
        return false;
    w->upload = upload_new(c->dataset, &w->state, &w->options.upload, err);
    if (w->upload)
        upload_build_ahead(w->upload, c->api->queue);
    return w->upload;
}

static void body(struct call *c, struct str bytes)
{
    struct writing *w = c->state;
    struct error err = {0};
    body_digest_push(&w->digest, bytes);
    if (!w->upload && w->options.naming != BODY_NAMED && str_trim(bytes).n == 0)
        return; /* leading blanks: nothing to sniff yet, and nothing that any format would miss */
    if ((!w->upload && !open_upload(c, bytes, &err)) || !upload_push(w->upload, bytes, &err))
        fail(c, &err);
}

static void end(struct call *c)
{
    struct writing *w = c->state;
    struct error err = {0};
    if (!w->upload && !open_upload(c, STR_NONE, &err))
        fail(c, &err);
    else
        finish(c);
}

/* Before the body is asked for. What was done under its key before is answered as it was: then the store asks. */
static bool has_room(const struct call *c, struct writing *w, struct error *err)
{
    w->options.upload.store = c->api->store;
    return w->digest.has_key || store_has_room(c->api->store, 0, err);
}

/* A condition that no longer holds, a row that is no longer there: what is asked for under an Idempotency-Key may have been done
 * before, and be the reason. Then the store knows, and answers as it did; else it tells *err. False: it cannot be. */
static bool may_be_repetition(struct call *c, struct error *err)
{
    struct writing *w = c->state;
    if (!w->digest.has_key || (err->code != ERROR_PRECONDITION_FAILED && err->code != ERROR_ROW_NOT_FOUND))
        return false;
    struct error *kept = arena_alloc(c->arena, sizeof *kept);
    if (!kept)
        return error_no_memory(err);
    *kept = *err;
    w->options.upload.refusal = kept;
    return true;
}

/* ── datasets ── */

static bool begin_dataset(struct call *c, enum upload_kind kind)
{
    struct error err = {0};
    struct writing *w = begin(c);
    if (!w) {
        error_no_memory(&err);
    } else if (write_options_read(c, kind, false, &w->options, &err) && body_digest_init(&w->digest, c, &err) && has_room(c, w, &err) &&
               store_state(c->api->store, c->dataset, &w->state, &err)) {
        const struct stored stored = {true, etag_of_dataset(c->dataset, &w->state), modified_of_dataset(c->dataset, &w->state)};
        if (condition_of_write(c->head, &stored, &err) || may_be_repetition(c, &err)) {
            if (condition_pin(c->head) == PIN_STATE && !w->options.upload.has_expected_version) {
                w->conditional = true;
                w->options.upload.has_expected_version = true;
                w->options.upload.expected_version = w->state.version;
            }
            return true;
        }
    }
    call_reply_error(c, &err);
    return false;
}

static bool begin_upsert(struct call *c)
{
    return begin_dataset(c, UPLOAD_UPSERT);
}

static bool begin_replace(struct call *c)
{
    return begin_dataset(c, UPLOAD_REPLACE);
}

const struct handler handler_resource_upsert = {.begin = begin_upsert, .body = body, .end = end, .release = release};
const struct handler handler_resource_replace = {.begin = begin_replace, .body = body, .end = end, .release = release};

/* A write whose rows we make ourselves, as JSON text through the same door. */
static void run_text(struct call *c, struct str text)
{
    struct writing *w = c->state;
    struct error err = {0};
    w->options.naming = BODY_NAMED;
    w->options.upload.format = READER_JSON;
    w->options.upload.gzip = false;
    w->options.upload.charset = STR_NONE;
    if (open_upload(c, text, &err) && upload_push(w->upload, text, &err))
        finish(c);
    else
        fail(c, &err);
}

static void run_truncate(struct call *c)
{
    if (begin_dataset(c, UPLOAD_REPLACE))
        run_text(c, STR("[]"));
}

const struct handler handler_resource_truncate = {.run = run_truncate, .release = release};

/* ── rows ── */

struct key_reader {
    int column;
    struct arena *arena;
    struct cell *ret;
};

static bool take_key(void *ctx, const struct cell *cells, struct error *err)
{
    struct key_reader *r = ctx;
    *r->ret = cells[r->column];
    if (r->ret->kind >= CELL_TEXT) {
        r->ret->s = arena_str(r->arena, r->ret->s);
        if (!r->ret->s.p)
            return error_no_memory(err);
    }
    return true;
}

static bool take_state(void *ctx, const struct store_state *state, struct error *err)
{
    (void)ctx, (void)state, (void)err;
    return true;
}

/* Of these types equal keys may differ: 1 is 1.00, and a url is known by its address alone. */
static bool key_has_spellings(const struct type *type)
{
    return type->id == TYPE_NUMBER || type->id == TYPE_URL;
}

/* The key that the row has: what the body must not contradict and, when it gives none, what stays. The URL's own spelling
 * would do only where there is but one. */
static bool load_key(struct call *c, struct row_url *row, struct error *err)
{
    int key = c->dataset->columns.row_identifier;
    if (key < 0 || (row->by_key && !key_has_spellings(c->dataset->columns.v[key].type)))
        return true;
    struct soql_compiled compiled = {0};
    struct key_reader key_reader = {key, c->arena, &row->key};
    const struct store_reader reader = {.ctx = &key_reader, .begin = take_state, .row = take_key};
    const struct soql_dataset known = {.columns = &c->dataset->columns};
    bool ok = soql_compile_row(&known, false, row->sid, c->arena, &compiled, err) &&
              store_query(c->api->store, c->dataset, &compiled.query, &reader, err);
    query_fini(&compiled.query);
    return ok;
}

/* Rows have no date of their own: theirs is the dataset's, as in a reply's Last-Modified. */
static struct stored stored_row(const struct call *c, const struct writing *w)
{
    struct stored stored = {.exists = w->row.found, .modified_ms = modified_of_dataset(c->dataset, &w->state)};
    if (w->row.found)
        stored.tag = etag_of_row(c->dataset, &w->state, w->row.sid, w->row.version);
    return stored;
}

/* What the headers say of the row as it is must be so still when the write is applied. */
static void pin_row(const struct call *c, struct writing *w)
{
    struct upload_options *o = &w->options.upload;
    enum condition_pin pin = condition_pin(c->head);
    w->conditional = pin != PIN_NOTHING;
    switch (pin) {
    case PIN_NOTHING:
        break;
    case PIN_STATE:
        if (!w->row.found) /* no If-Match then, but a date, which nothing there is later than */
            break;
        o->row_version_state = STAGE_SID_GIVEN;
        o->row_version = w->row.version;
        break;
    case PIN_PRESENT:
        o->update_only = true;
        break;
    case PIN_ABSENT:
        o->row_version_state = STAGE_SID_NULL;
        break;
    }
}

static bool begin_row_write(struct call *c, struct writing *w, struct error *err)
{
    struct upload_options *o = &w->options.upload;
    if (!row_url_resolve(c, &w->row, err))
        return false;
    w->state = w->row.state;
    if (!w->row.found && w->row.key.kind < CELL_INT &&
        (row_url_not_found(&w->row, err) || !may_be_repetition(c, err) || !row_id_parse(&w->state.row_ids, w->row.text, &w->row.sid)))
        return false;
    const struct stored stored = stored_row(c, w);
    if ((!condition_of_write(c->head, &stored, err) && !may_be_repetition(c, err)) || (w->row.found && !load_key(c, &w->row, err)))
        return false;
    o->has_row_key = true;
    o->row_key = w->row.key;
    o->row_sid = w->row.sid;
    o->update_only = w->row.found && !w->row.by_key;
    pin_row(c, w);
    return true;
}

static bool begin_row(struct call *c, bool clear_absent)
{
    struct error err = {0};
    struct writing *w = begin(c);
    if (!w) {
        error_no_memory(&err);
    } else if (write_options_read(c, UPLOAD_UPSERT, true, &w->options, &err) && body_digest_init(&w->digest, c, &err) && has_room(c, w, &err)) {
        w->single_row = true;
        w->options.upload.clear_absent |= clear_absent;
        if (begin_row_write(c, w, &err))
            return true;
    }
    call_reply_error(c, &err);
    return false;
}

static bool begin_row_merge(struct call *c)
{
    return begin_row(c, false);
}

static bool begin_row_replace(struct call *c)
{
    return begin_row(c, true);
}

const struct handler handler_resource_row_merge = {.begin = begin_row_merge, .body = body, .end = end, .release = release};
const struct handler handler_resource_row_replace = {.begin = begin_row_replace, .body = body, .end = end, .release = release};

/* ── DELETE of a row: [{":deleted":true,"key or :id":…}], through the same door ── */

static bool write_delete(struct call *c, struct writing *w, struct buf *rows, struct error *err)
{
    struct type_render render = {.row_ids = &w->state.row_ids};
    struct cell sid = cell_int(w->row.sid);
    int key = c->dataset->columns.row_identifier;
    struct buf id = {0};
    if (w->row.by_key) {
        const struct type *type = c->dataset->columns.v[key].type;
        if (type->id == TYPE_NUMBER)
            buf_add_str(&id, w->row.key.s);
        else
            type->write_json(type, &w->row.key, &render, &id);
    } else {
        type_row_identifier.write_json(&type_row_identifier, &sid, &render, &id);
    }
    buf_add_z(rows, "[{\":deleted\":true,");
    buf_add_json(rows, w->row.by_key ? c->dataset->columns.v[key].field_name : STR(":id"));
    buf_printf(rows, ":" FMT_STR, ARG_STR(buf_str(&id)));
    if (condition_pin(c->head) == PIN_STATE && w->row.found) {
        struct cell version = cell_int(w->row.version);
        buf_add_z(rows, ",\":version\":");
        type_row_version.write_json(&type_row_version, &version, &render, rows);
    }
    buf_add_z(rows, "}]");
    /* .json answers the documented list; SODA.NET, which sends no extension, needs an object (docs/wire/rows.md) */
    bool ok = buf_ok(&id) && buf_ok(rows);
    if (ok && w->row.stripped && c->extension == EXTENSION_JSON) {
        w->deleted_id_json = arena_str(c->arena, buf_str(&id));
        ok = w->deleted_id_json.p;
    }
    buf_free(&id);
    return ok ? true : error_no_memory(err);
}

/* A row that is gone may have been deleted under this very key. */
static bool may_have_been_deleted(struct writing *w)
{
    if (!w->digest.has_key)
        return false;
    w->row.by_key = w->row.key.kind >= CELL_INT;
    w->row.stripped = w->row.stripped || !w->row.found;
    return w->row.by_key || row_id_parse(&w->state.row_ids, w->row.text, &w->row.sid);
}

static void run_row_delete(struct call *c)
{
    struct error err = {0};
    struct buf rows = {0};
    struct writing *w = begin(c);
    if (!w) {
        error_no_memory(&err);
        call_reply_error(c, &err);
        return;
    }
    bool ok = write_options_read(c, UPLOAD_UPSERT, false, &w->options, &err) && body_digest_init(&w->digest, c, &err) && has_room(c, w, &err) &&
              row_url_resolve(c, &w->row, &err);
    if (ok) {
        w->state = w->row.state;
        w->options.upload.errors_are_fatal = true;
        w->conditional = condition_pin(c->head) != PIN_NOTHING;
        const struct stored stored = stored_row(c, w);
        ok = (condition_of_write(c->head, &stored, &err) || may_be_repetition(c, &err)) &&
             (w->row.found || may_have_been_deleted(w) || row_url_not_found(&w->row, &err)) &&
             write_delete(c, w, &rows, &err);
    }
    if (ok)
        run_text(c, buf_str(&rows));
    else
        call_reply_error(c, &err);
    buf_free(&rows);
}

const struct handler handler_resource_row_delete = {.run = run_row_delete, .release = release};
