/* Replies of writes (write_reply.h). */
#include "api/write_reply.h"

#include "api/resource_read.h"

static const struct str json_type = {"application/json; charset=utf-8", 31};

/* Sends what is in out, or says why it cannot. */
static void send_buffer(struct call *c, const struct write *w, struct buf *out)
{
    struct error err;
    call_reply_begin(c, 200, json_type);
    call_reply_truth(c, &w->state);
    struct spool *body = http_reply_body(c->x);
    if (!buf_ok(out)) {
        error_no_memory(&err);
        call_reply_error(c, &err);
    } else if (body && !spool_write(body, out->p, out->n, &err)) {
        call_reply_error(c, &err);
    } else {
        http_send(c->x);
    }
    buf_free(out);
}

/* "error" is a name; for $$version=2.0 it is words, in which DataSync's delete job looks for "no record is found". */
static void add_problem(struct buf *out, const struct row_problem *p, bool in_words)
{
    const struct error_info *info = error_info(p->code);
    struct str code = p->name.n ? p->name : str_from(info->error_code);
    buf_add_z(out, "{\"error\":");
    buf_add_json(out, in_words ? p->message : code);
    buf_printf(out, ",\"input_index\":%llu,\"line\":%llu", (unsigned long long)p->position, (unsigned long long)p->line);
    if (p->column)
        buf_printf(out, ",\"column\":%llu", (unsigned long long)p->column);
    if (p->field.n) {
        buf_add_z(out, ",\"field\":");
        buf_add_json(out, p->field);
    }
    buf_add_z(out, ",\"code\":");
    buf_add_json(out, code);
    if (p->value.n) {
        buf_add_z(out, ",\"value\":");
        buf_add_json(out, p->value);
    }
    if (p->primary_key_json.n) {
        buf_add_z(out, ",\"primary_key\":");
        buf_add_str(out, p->primary_key_json);
    }
    buf_add_z(out, ",\"message\":");
    buf_add_json(out, p->message);
    buf_add_byte(out, '}');
}

static void add_problems(struct buf *out, const struct problems *p, bool in_words)
{
    buf_add_byte(out, '[');
    for (size_t i = 0; i < p->n; i++) {
        if (i)
            buf_add_z(out, ",\n");
        add_problem(out, &p->v[i], in_words);
    }
    buf_add_byte(out, ']');
}

static void add_warnings(struct buf *out, struct upload *u)
{
    struct warnings w = upload_warnings(u);
    if (!w.n)
        return;
    buf_add_z(out, ",\"Warnings\":[");
    for (size_t i = 0; i < w.n; i++) {
        if (i)
            buf_add_byte(out, ',');
        buf_add_json(out, w.v[i]);
    }
    buf_add_byte(out, ']');
}

static void write_counts(struct call *c, const struct write_options *o, struct upload *u, const struct write *w, struct buf *out)
{
    const struct write_counts *n = &w->counts;
    const struct problems *p = upload_problems(u);
    buf_printf(out,
               "{\"Rows Created\":%llu,\"Rows Updated\":%llu,\"Rows Deleted\":%llu,\"By RowIdentifier\":%llu,\"By SID\":%llu,"
               "\"Errors\":%llu",
               (unsigned long long)n->created, (unsigned long long)n->updated, (unsigned long long)n->deleted,
               (unsigned long long)n->by_row_identifier, (unsigned long long)n->by_sid, (unsigned long long)(n->errors + upload_set_aside(u)));
    add_warnings(out, u);
    if (o->version_2) {
        buf_printf(out, ",\"rows_created\":%llu,\"rows_updated\":%llu,\"rows_deleted\":%llu,\"errors\":", (unsigned long long)n->created,
                   (unsigned long long)n->updated, (unsigned long long)n->deleted);
        add_problems(out, p, true);
        buf_printf(out, ",\"truth_data_version\":%lld,\"truth_data_shape_version\":%lld", (long long)w->state.version,
                   (long long)w->state.shape_version);
    } else if (p->n) {
        buf_add_z(out, ",\"rowErrors\":");
        add_problems(out, p, false);
    }
    if (upload_set_aside(u) && !w->dry_run)
        buf_printf(out, ",\"report\":\"/seltzer/reports/%s.csv\"", c->head->request_id);
    buf_add_z(out, "}\n");
}

void write_reply_counts(struct call *c, const struct write_options *o, struct upload *u, const struct write *w)
{
    struct buf out = {0};
    write_counts(c, o, u, w, &out);
    send_buffer(c, w, &out);
}

/* ── per-row results ── */

static void add_row_id(struct buf *out, const struct store_state *state, int64_t sid)
{
    struct type_render render = {.row_ids = &state->row_ids};
    struct cell cell = cell_int(sid);
    type_row_identifier.write_json(&type_row_identifier, &cell, &render, out);
}

/* The id in its own form: the row identifier's value (a number as a JSON number), else row-…, null when the row named none. */
static void add_result_id(struct buf *out, const struct call *c, const struct store_state *state, const struct stage_row *row,
                          const struct row_result *r)
{
    int key = c->dataset->columns.row_identifier;
    struct type_render render = {.row_ids = &state->row_ids};
    if (key < 0 || r->by_sid || row->cells[key].kind < CELL_INT) {
        if (r->sid)
            add_row_id(out, state, r->sid);
        else
            buf_add_z(out, "null");
        return;
    }
    const struct type *type = c->dataset->columns.v[key].type;
    if (type->id == TYPE_NUMBER)
        buf_add_str(out, row->cells[key].s);
    else
        type->write_json(type, &row->cells[key], &render, out);
}

static void add_version(struct buf *out, const char *name, const struct store_state *state, int64_t version)
{
    struct type_render render = {.row_ids = &state->row_ids};
    struct cell cell = cell_int(version);
    buf_printf(out, ",\"%s\":", name);
    if (version < 0)
        buf_add_z(out, "null");
    else
        type_row_version.write_json(&type_row_version, &cell, &render, out);
}

static void add_result(struct buf *out, const struct call *c, const struct store_state *state, const struct stage_row *row,
                       const struct row_result *r)
{
    static const char *const typ[] = {[ROW_INSERTED] = "insert", [ROW_UPDATED] = "update", [ROW_DELETED] = "delete", [ROW_FAILED] = "error"};
    buf_printf(out, "{\"typ\":\"%s\"", typ[r->kind]);
    if (r->kind == ROW_FAILED)
        buf_printf(out, ",\"err\":\"%s\"", row_error_name(r->error));
    if (r->error != ROW_ERROR_NO_PRIMARY_KEY && r->error != ROW_ERROR_VERSION_ON_NEW_ROW) {
        buf_add_z(out, ",\"id\":");
        add_result_id(out, c, state, row, r);
    }
    if (r->kind == ROW_INSERTED || r->kind == ROW_UPDATED)
        add_version(out, "ver", state, r->version);
    if (r->error == ROW_ERROR_VERSION_MISMATCH) {
        add_version(out, "expected", state, r->expected_version);
        add_version(out, "actual", state, r->given_version);
    }
    buf_add_byte(out, '}');
}

/* Where the list of rows goes: into a reply, or into a witness as far as it has room. */
struct rows_out {
    struct spool *spool;
    struct buf *kept;
    bool too_long;
};

static bool put_rows(struct rows_out *to, struct buf *piece, struct error *err)
{
    bool ok = buf_ok(piece) || error_no_memory(err);
    if (ok && to->spool) {
        ok = spool_write(to->spool, piece->p, piece->n, err);
    } else if (ok) {
        to->too_long |= to->kept->n + piece->n > KEPT_REPLY_BYTES_MAX;
        if (!to->too_long)
            buf_add_str(to->kept, buf_str(piece));
        ok = buf_ok(to->kept) || error_no_memory(err);
    }
    buf_reset(piece);
    return ok;
}

static void add_separator(struct buf *out, uint64_t at)
{
    if (at)
        buf_add_z(out, "\n,");
}

/* Rows that the failure policy left out never came to the stage; rowErrors of the counts and the report tell of them. */
static void add_set_aside(struct buf *out, uint64_t *at, uint64_t position)
{
    for (; *at < position; ++*at) {
        add_separator(out, *at);
        buf_add_z(out, "{\"typ\":\"error\",\"err\":\"set_aside\"}");
    }
}

/* The stage is read once more, in input order, for the keys. */
static bool write_rows(struct call *c, struct upload *u, const struct write *w, struct rows_out *to, struct error *err)
{
    enum { RUN_BYTES = 4 << 20, FLUSH_AT = 64 << 10 };
    struct stage *stage = w->stage;
    struct stage_cursor *cursor = stage_cursor_new(stage, RUN_BYTES, err);
    struct cell *cells = arena_alloc(c->arena, (stage_columns(stage)->n + 1) * sizeof *cells);
    struct stage_row row = {.cells = cells};
    struct buf out = {0};
    bool ok = cursor && (cells || error_no_memory(err)), end = false;
    buf_add_byte(&out, '[');
    uint64_t at = 0;
    while (ok && !end && !to->too_long) {
        struct stage_run run;
        ok = stage_next_run(cursor, &run, &end, err);
        for (size_t i = 0; ok && !end && i < run.n; i++) {
            struct row_result result;
            stage_decode(stage, run.rows[i], &row);
            ok = upload_result(u, row.position, &result, err);
            if (!ok)
                break;
            add_set_aside(&out, &at, row.position);
            add_separator(&out, at++);
            add_result(&out, c, &w->state, &row, &result);
            if (out.n >= FLUSH_AT)
                ok = put_rows(to, &out, err);
        }
    }
    if (!to->too_long)
        add_set_aside(&out, &at, upload_rows(u));
    buf_add_z(&out, "]\n");
    ok = ok && put_rows(to, &out, err);
    buf_free(&out);
    stage_cursor_free(cursor);
    return ok;
}

void write_reply_rows(struct call *c, const struct write_options *o, struct upload *u, const struct write *w)
{
    struct error err;
    (void)o;
    call_reply_begin(c, 200, json_type);
    call_reply_truth(c, &w->state);
    struct rows_out to = {.spool = http_reply_body(c->x)};
    if (to.spool && !write_rows(c, u, w, &to, &err))
        call_reply_error(c, &err);
    else
        http_send(c->x);
}

void write_reply_stored(struct call *c, const struct write_options *o, struct upload *u, const struct write *w, struct buf *shown)
{
    struct buf mine = *shown;
    if (!mine.n) {
        write_reply_counts(c, o, u, w);
        return;
    }
    *shown = (struct buf){0}; /* once the reply is sent the call may be gone, and what it owned */
    send_buffer(c, w, &mine);
}

/* ── repetitions ── */

/* What is kept is the reply's text, or for a row that is too long its number. */
enum { KEPT_TEXT = 'T', KEPT_ROW = 'R' };

/* False: the list is too long, or cannot be read now. */
static bool keep_rows(struct call *c, struct upload *u, const struct write *w, struct buf *out)
{
    struct error ignored;
    struct buf rows = {0};
    struct rows_out to = {.kept = &rows};
    bool ok = write_rows(c, u, w, &to, &ignored) && !to.too_long;
    if (ok)
        buf_add_str(out, buf_str(&rows));
    buf_free(&rows);
    return ok;
}

bool write_reply_keep(struct call *c, const struct write_options *o, struct upload *u, const struct write *w, const struct kept_row *row,
                      struct str deleted_id_json, struct buf *out)
{
    if (row->sid && row->json.n > KEPT_REPLY_BYTES_MAX) {
        buf_printf(out, "%c%lld", KEPT_ROW, (long long)row->sid);
        return buf_ok(out);
    }
    buf_add_byte(out, KEPT_TEXT);
    if (row->sid)
        buf_add_str(out, row->json);
    else if (deleted_id_json.n)
        buf_printf(out, "[{\"typ\":\"delete\",\"id\":" FMT_STR "}]\n", ARG_STR(deleted_id_json));
    else if (!o->report_rows || upload_was_single_object(u) || !keep_rows(c, u, w, out))
        write_counts(c, o, u, w, out);
    return buf_ok(out);
}

void write_reply_again(struct call *c, const struct write_options *o, struct upload *u, const struct write *w)
{
    struct str kept = buf_str(&w->kept);
    struct buf out = {0};
    struct error err;
    uint64_t sid;
    http_reply_header(c->x, "Idempotency-Replayed", STR("true"));
    bool told = true;
    if (kept.n > 1 && kept.p[0] == KEPT_TEXT)
        buf_add_str(&out, str_skip(kept, 1));
    else /* the row as it is now: it was too long to keep */
        told = kept.n > 1 && kept.p[0] == KEPT_ROW && str_to_u64(str_skip(kept, 1), &sid) &&
               resource_write_row_json(&(struct row_shown){c->api, c->dataset, NULL, (int64_t)sid, o->version_2}, &out, &err);
    if (!told) {
        buf_reset(&out);
        write_counts(c, o, u, w, &out);
    }
    send_buffer(c, w, &out);
}

/* ── refusals ── */

void write_reply_refusal(struct call *c, const struct error *err, const struct problems *problems)
{
    struct error own;
    if (!problems || !problems->n) {
        call_reply_error(c, err);
        return;
    }
    const struct error_info *info = error_info(err->code);
    struct buf out = {0};
    buf_printf(&out, "{\"code\":\"%s\",\"errorCode\":\"%s\",\"error\":true,\"message\":", info->code, info->error_code);
    buf_add_json(&out, str_from(err->message));
    buf_printf(&out, ",\"data\":{%s%s\"total_errors\":%llu,\"errors\":", err->data, err->data[0] ? "," : "",
               (unsigned long long)problems->total);
    add_problems(&out, problems, false);
    buf_add_z(&out, "}}\n");
    if (!buf_ok(&out)) {
        error_no_memory(&own);
        call_reply_error(c, &own);
    } else {
        call_reply_json(c, info->status, buf_str(&out));
    }
    buf_free(&out);
}

void write_reply_deleted(struct call *c, const struct write *w, struct str id_json)
{
    struct buf out = {0};
    buf_add_z(&out, "[{\"typ\":\"delete\",\"id\":");
    buf_add_str(&out, id_json);
    buf_add_z(&out, "}]\n");
    send_buffer(c, w, &out);
}
