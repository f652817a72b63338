/* GET /resource/{dataset} and GET /resource/{dataset}/{row}: the read river.
 *
 *     parameters ─► soql ─► store ─► writer ─► spool
 *
 * Rows go out of the store through the writer in pieces of 64 KiB; the reply is spooled, so a slow client holds no
 * snapshot, and an error in the middle still becomes an error reply. */
#include "api/resource_read.h"

#include "api/conditional.h"
#include "api/handlers.h"
#include "api/resource_query.h"
#include "api/row_format.h"
#include "api/row_url.h"
#include "base/clock.h"
#include "format/writer.h"

enum {
    PIECE_BYTES = 64 * 1024,
    FIELD_HEADERS_MAX = 5000,       /* characters of X-SODA2-Fields and -Types together */
    BODY_OF_GET_MAX = 64 * 1024,    /* soda-ruby sends "null" with every GET; it is not looked at */
};

/* ── rows through the writer ── */

/* What store_query calls. `spool` NULL: everything stays in `out`. */
struct stream {
    struct writer writer;
    struct buf out;
    struct spool *spool;
    struct store_state states[STORE_DATASETS_MAX]; /* of the snapshots, from begin on */
    size_t n_states;
    int64_t failed_at;              /* the place in the query that failed, -1 */
    /* The one who replies, told of the snapshot before the first row; NULL: nobody wants to know. */
    bool (*begun)(void *ctx, struct error *err);
    void *ctx;
};

static bool stream_flush(struct stream *s, size_t when_above, struct error *err)
{
    if (!buf_ok(&s->out))
        return error_no_memory(err);
    if (!s->spool || s->out.n <= when_above)
        return true;
    if (!spool_write(s->spool, s->out.p, s->out.n, err))
        return false;
    buf_reset(&s->out);
    return true;
}

static bool stream_begin(void *ctx, const struct store_state *states, struct error *err)
{
    struct stream *s = ctx;
    memcpy(s->states, states, s->n_states * sizeof *states);
    if (s->begun && !s->begun(s->ctx, err))
        return false;
    writer_begin(&s->writer, &s->out);
    return true;
}

static bool stream_row(void *ctx, const struct cell *cells, struct error *err)
{
    struct stream *s = ctx;
    writer_row(&s->writer, cells, &s->out);
    return stream_flush(s, PIECE_BYTES, err);
}

static void stream_failed_at(void *ctx, int64_t place)
{
    struct stream *s = ctx;
    s->failed_at = place;
}

/* Runs the query over n datasets; the public members of s->writer but the columns are set. in: NULL but within a write. */
static bool stream_run(struct stream *s, struct api *api, const struct dataset *const *datasets, size_t n, const struct store_within *in,
                       const struct query *q, struct error *err)
{
    s->n_states = n;
    s->failed_at = -1;
    s->writer.columns = q->columns;
    s->writer.n = q->n_columns;
    s->writer.render.row_ids = &s->states[0].row_ids;
    if (!writer_init(&s->writer))
        return error_no_memory(err);
    const struct store_reader reader = {.ctx = s, .begin = stream_begin, .row = stream_row, .failed_at = stream_failed_at};
    bool ok = in ? store_query_within(in, q, &reader, err) : store_query_joined(api->store, datasets, n, q, &reader, err);
    if (ok) {
        writer_end(&s->writer, &s->out);
        ok = stream_flush(s, 0, err);
    }
    writer_fini(&s->writer);
    return ok;
}

/* ── headers ── */

/* Names may hold letters of any script; a header is safe with ASCII alone (RFC 9110 section 5.5), and JSON can say the same so. */
static void add_json_ascii(struct buf *out, struct str text)
{
    struct buf json = {0};
    buf_add_json(&json, text);
    for (size_t i = 0; i < json.n;) {
        unsigned char lead = (unsigned char)json.p[i];
        size_t n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4; /* buf_add_json wrote UTF-8 */
        uint32_t c = n == 1 ? lead : lead & (0x7fu >> n);
        for (size_t k = 1; k < n; k++)
            c = c << 6 | ((unsigned char)json.p[i + k] & 0x3f);
        if (n == 1)
            buf_add_byte(out, json.p[i]);
        else if (c < 0x10000)
            buf_printf(out, "\\u%04x", (unsigned)c);
        else
            buf_printf(out, "\\u%04x\\u%04x", 0xd800u + ((c - 0x10000) >> 10), 0xdc00u + ((c - 0x10000) & 0x3ff));
        i += n;
    }
    out->failed |= !buf_ok(&json);
    buf_free(&json);
}

static void reply_fields(struct call *c, const struct result_column *columns, size_t n)
{
    struct buf fields = {0}, types = {0};
    for (size_t i = 0; i < n; i++) {
        buf_add_byte(&fields, i ? ',' : '[');
        add_json_ascii(&fields, columns[i].name);
        buf_add_byte(&types, i ? ',' : '[');
        buf_add_json(&types, str_from(columns[i].type->soql_name));
    }
    buf_add_z(&fields, n ? "]" : "[]");
    buf_add_z(&types, n ? "]" : "[]");
    bool fits = buf_ok(&fields) && buf_ok(&types) && fields.n + types.n <= FIELD_HEADERS_MAX;
    if (fits) {
        http_reply_header(c->x, "X-SODA2-Fields", buf_str(&fields));
        http_reply_header(c->x, "X-SODA2-Types", buf_str(&types));
    }
    http_reply_header(c->x, "X-SODA2-Warning",
                      fits ? STR("X-SODA2-Fields and X-SODA2-Types are deprecated.  Use the c-json output format if you "
                                 "require this information.")
                           : STR("X-SODA2-Fields and X-SODA2-Types are deprecated and have been suppressed for being too "
                                 "large.  Use the c-json output format if you require this information."));
    buf_free(&fields);
    buf_free(&types);
}

static void reply_date(struct call *c, const char *name, int64_t ms)
{
    struct buf date = {0};
    clock_add_http_date(&date, ms);
    if (buf_ok(&date))
        http_reply_header(c->x, name, buf_str(&date));
    buf_free(&date);
}

/* What 200 and 304 share. tag NULL: none can be given. */
static void reply_validators(struct call *c, const struct etag *tag, int64_t modified)
{
    if (tag)
        http_reply_header(c->x, "ETag", str_from(tag->text));
    reply_date(c, "Last-Modified", modified);
    http_reply_header(c->x, "Vary", STR("Accept,Accept-Charset,Accept-Language,Content-Type"));
}

/* ── one read ── */

struct reading {
    struct call *c;
    struct resource_query query;    /* with the states before it ran */
    struct stream stream;
    bool is_row;                    /* one row: the next two say which */
    int64_t sid, version;
    bool same_after_all;            /* the snapshot was newer than the state, and is what the client has */
};

/* What is asked of the clock changes with it, though nobody writes; 0 where it does not. */
static int64_t clock_of(const struct reading *r)
{
    return r->query.compiled.reads_clock ? clock_wall_ms() : 0;
}

static struct etag tag_of(const struct reading *r, const struct store_state *states)
{
    const struct resource_query *q = &r->query;
    struct etag_half stored = r->is_row ? etag_of_row(r->c->dataset, states, r->sid, r->version) : etag_of_dataset(r->c->dataset, states);
    struct etag_half view = etag_of_view(r->c, (int)r->stream.writer.format, &q->compiled.query, clock_of(r), states + 1, q->n - 1);
    return etag_join(&stored, &view);
}

/* When the latest of what this reply shows last changed. */
static int64_t modified_of(const struct reading *r, const struct store_state *states)
{
    int64_t latest = clock_of(r);
    for (size_t i = 0; i < r->query.n; i++) {
        int64_t ms = modified_of_dataset(r->query.datasets[i], &states[i]);
        latest = ms > latest ? ms : latest;
    }
    return latest;
}

static bool have_moved(const struct reading *r, const struct store_state *states)
{
    for (size_t i = 0; i < r->query.n; i++)
        if (states[i].version != r->query.states[i].version)
            return true;
    return false;
}

static bool refuse_condition(struct error *err)
{
    return error_set(err, ERROR_PRECONDITION_FAILED, "If-Match does not name what is stored now");
}

/* The snapshot stands. It may be newer than the state that was decided on; what it says goes into the reply. */
static bool reading_begun(void *ctx, struct error *err)
{
    struct reading *r = ctx;
    const struct store_state *states = r->stream.states;
    struct etag tag = tag_of(r, states);
    int64_t modified = modified_of(r, states);
    bool moved = have_moved(r, states);
    enum condition condition = moved ? condition_of_read(r->c->head, &tag, modified) : CONDITION_GO;
    if (condition == CONDITION_FAILED)
        return refuse_condition(err);
    r->same_after_all = condition == CONDITION_NOT_MODIFIED && !r->is_row;
    if (r->same_after_all)
        return error_set(err, ERROR_INTERNAL, "the client has this version already"); /* the query stops; reading_answer says 304 */
    call_reply_begin(r->c, 200, writer_content_type(r->stream.writer.format));
    /* A row's tag is made of the version that was looked up: when a write came between, it may be another row's by now. */
    reply_validators(r->c, moved && r->is_row ? NULL : &tag, modified);
    call_reply_truth(r->c, states);
    reply_date(r->c, "X-SODA2-Secondary-Last-Modified", states->modified_ms);
    http_reply_header(r->c->x, "X-SODA2-Data-Out-Of-Date", STR("false"));
    if (r->stream.writer.format != WRITER_GEOJSON)
        reply_fields(r->c, r->query.compiled.query.columns, r->query.compiled.query.n_columns);
    return true;
}

/* https://HOST/resource/4x4, by the name under which the client reached us: XML and RDF say of what they tell. */
static struct str address_of(struct call *c)
{
    struct str host = http_header(c->head, "Host");
    char *address = arena_printf(c->arena, "https://" FMT_STR "/resource/%s", ARG_STR(host), c->dataset->id);
    return address ? str_from(address) : STR_NONE;
}

static bool read_options(struct call *c, struct writer *w, struct error *err)
{
    w->about = address_of(c);
    if (!w->about.p)
        return error_no_memory(err);
    w->render.version_2 = call_query_is(c, "$$version", "2.0");
    return call_query_bool(c, "$$bom", &w->bom, err);
}

static void reply_not_modified(struct call *c, const struct etag *tag, int64_t modified)
{
    http_reply_status(c->x, 304);
    reply_validators(c, tag, modified);
    http_send(c->x);
}

/* The query is compiled, the state known: decides what the conditions say, and answers. */
static bool reading_answer(struct reading *r, struct error *err)
{
    struct call *c = r->c;
    const struct resource_query *q = &r->query;
    struct etag tag = tag_of(r, q->states);
    int64_t modified = modified_of(r, q->states);
    switch (condition_of_read(c->head, &tag, modified)) {
    case CONDITION_FAILED:
        return refuse_condition(err);
    case CONDITION_NOT_MODIFIED:
        reply_not_modified(c, &tag, modified);
        return true;
    case CONDITION_GO:
        break;
    }
    r->stream.spool = http_reply_body(c->x);
    if (!r->stream.spool)
        return error_no_memory(err);
    r->stream.begun = reading_begun;
    r->stream.ctx = r;
    if (!stream_run(&r->stream, c->api, q->datasets, q->n, NULL, &q->compiled.query, err)) {
        if (!r->same_after_all) {
            resource_query_explain(q, r->stream.failed_at, err);
            return false;
        }
        http_reply_reset(c->x);
        tag = tag_of(r, r->stream.states);
        reply_not_modified(c, &tag, modified_of(r, r->stream.states));
        return true;
    }
    if (r->is_row && r->stream.writer.rows == 0) /* deleted between the look-up and the query */
        return error_set(err, ERROR_ROW_NOT_FOUND, "Row with identifier " FMT_STR " was not found", ARG_STR(c->last_literal));
    http_send(c->x);
    return true;
}

static void reading_run(struct call *c, bool (*prepare)(struct reading *r, struct error *err))
{
    struct reading r = {.c = c};
    struct error err = {0};
    if (!resource_query_begin(c, &r.query, &err) || !prepare(&r, &err) || !reading_answer(&r, &err)) {
        http_reply_reset(c->x);
        call_reply_error(c, &err);
    }
    resource_query_fini(&r.query);
    buf_free(&r.stream.out);
}

/* ── GET /resource/{dataset} ── */

static bool prepare_query(struct reading *r, struct error *err)
{
    struct call *c = r->c;
    r->stream.writer.format = row_format_choose(c->extension, http_header(c->head, "Accept"));
    return read_options(c, &r->stream.writer, err) && resource_query_compile(c, &r->query, err);
}

static void query_run(struct call *c)
{
    reading_run(c, prepare_query);
}

const struct handler handler_resource_query = {.body_max = BODY_OF_GET_MAX, .run = query_run};

/* ── GET /resource/{dataset}/{row} ── */

/* A row is shown whole: there is nothing to select, filter or page. */
static bool check_row_parameters(const struct call *c, bool *ret_system_columns, struct error *err)
{
    bool exclude = false;
    for (size_t i = 0; i < c->n_query; i++) {
        struct str name = c->query[i].name;
        if (str_starts(name, STR("$$")) || str_eq(name, STR("nbe")) || str_eq(name, STR("app_token")))
            continue;
        struct str shown = str_head_utf8(name, 200);
        error_set(err, ERROR_BAD_PARAMETER, "Unrecognized arguments [" FMT_STR "]; one row is read whole, without query clauses",
                  ARG_STR(shown));
        error_data_str(err, "parameter", shown);
        return false;
    }
    if (!call_query_bool(c, "$$exclude_system_fields", &exclude, err))
        return false;
    *ret_system_columns = !exclude;
    return true;
}

static bool prepare_row(struct reading *r, struct error *err)
{
    struct call *c = r->c;
    struct row_url url;
    bool system_columns;
    if (!check_row_parameters(c, &system_columns, err) || !read_options(c, &r->stream.writer, err))
        return false;
    if (!row_url_resolve(c, &url, err))
        return false;
    if (!url.found)
        return row_url_not_found(&url, err);
    r->query.states[0] = url.state;
    r->is_row = true;
    r->sid = url.sid;
    r->version = url.version;
    r->stream.writer.single = true;
    r->stream.writer.format = row_format_choose(url.stripped ? c->extension : EXTENSION_NONE, http_header(c->head, "Accept"));
    return soql_compile_row(&r->query.known[0], system_columns, url.sid, c->arena, &r->query.compiled, err);
}

static void row_get_run(struct call *c)
{
    reading_run(c, prepare_row);
}

const struct handler handler_resource_row_get = {.body_max = BODY_OF_GET_MAX, .run = row_get_run};

/* ── for the replies to writes ── */

bool resource_write_row_json(const struct row_shown *row, struct buf *out, struct error *err)
{
    struct arena arena = {0};
    struct soql_compiled compiled = {0};
    const struct soql_dataset known = {.columns = &row->dataset->columns}; /* its key of row numbers is that of the snapshot */
    struct stream s = {.writer = {.format = WRITER_JSON, .single = true, .render = {.version_2 = row->version_2}}};
    bool ok = soql_compile_row(&known, true, row->sid, &arena, &compiled, err) &&
              stream_run(&s, row->api, &row->dataset, 1, row->in, &compiled.query, err);
    if (ok && s.writer.rows == 0)
        ok = error_set(err, ERROR_ROW_NOT_FOUND, "the row is not there any more");
    if (ok) {
        buf_add_str(out, buf_str(&s.out));
        ok = buf_ok(out) ? true : error_no_memory(err);
    }
    query_fini(&compiled.query);
    buf_free(&s.out);
    arena_free(&arena);
    return ok;
}

void resource_reply_row_fields(struct call *c, const struct dataset *d)
{
    struct error ignored;
    struct soql_compiled compiled = {0};
    const struct soql_dataset known = {.columns = &d->columns};
    /* The row itself is in the reply: without memory for its description the reply goes without it. */
    if (soql_compile_row(&known, true, 0, c->arena, &compiled, &ignored))
        reply_fields(c, compiled.query.columns, compiled.query.n_columns);
    query_fini(&compiled.query);
}
