/* /api/views/{4x4}/columns (docs/wire/views.md). */
#include "api/handlers.h"
#include "api/view_json.h"

enum { COLUMNS_BODY_MAX = 4 << 20 };

static void run_columns_list(struct call *c)
{
    struct buf out = {0};
    struct error err;
    const struct columns *columns = &c->dataset->columns;
    buf_add_byte(&out, '[');
    for (size_t i = 0; i < columns->n; i++) {
        if (i)
            buf_add_byte(&out, ',');
        view_write_column(&columns->v[i], &out);
    }
    buf_add_byte(&out, ']');
    if (buf_ok(&out)) {
        call_reply_json(c, 200, buf_str(&out));
    } else {
        error_no_memory(&err);
        call_reply_error(c, &err);
    }
    buf_free(&out);
}
const struct handler handler_columns_list = {.body_max = 1 << 20, .run = run_columns_list};

/* The rows' file first, then the catalog: a column that readers can see is always there. Returns the new snapshot. */
static const struct dataset *add(struct call *c, const struct dataset *d, const struct json *object, struct buf *out, struct error *err)
{
    struct column_input in;
    struct column column;
    int64_t shape_version;
    if (!view_read_column(c->arena, object, &in, err) || !catalog_prepare_column(c->api->catalog, d, &in.spec, c->arena, &column, err) ||
        !store_add_column(c->api->store, d, &column, &shape_version, err))
        return NULL;
    const struct dataset *next = catalog_add_column(c->api->catalog, &c->actor, d->id, &column, shape_version, err);
    if (next)
        view_write_column(&next->columns.v[next->columns.n - 1], out);
    return next;
}

/* One after another; an error names what was added before it, for that stays. */
static bool add_many(struct call *c, const struct json *list, struct buf *out, struct error *err)
{
    const struct dataset *d = dataset_retain(c->dataset);
    bool ok = true;
    buf_add_byte(out, '[');
    for (const struct json *m = list->first; ok && m; m = m->next) {
        if (out->n > 1)
            buf_add_byte(out, ',');
        const struct dataset *next = add(c, d, m, out, err);
        ok = next != NULL;
        if (ok) {
            dataset_release(d);
            d = next;
        } else {
            error_data_i64(err, "columnsAdded", (int64_t)(d->columns.n - c->dataset->columns.n));
        }
    }
    buf_add_byte(out, ']');
    dataset_release(d);
    return ok;
}

static bool add_what_was_sent(struct call *c, struct buf *out, struct error *err)
{
    struct json *body;
    if (!json_parse(c->arena, buf_str(&c->body), &body, err))
        return false;
    if (call_query_is(c, "method", "multiCreate")) {
        const struct json *list = body->kind == JSON_ARRAY ? body : json_get(body, STR("columns"));
        if (!list || list->kind != JSON_ARRAY)
            return error_set(err, ERROR_DATASET_MALTYPED, "multiCreate takes {\"columns\":[…]}");
        return add_many(c, list, out, err);
    }
    if (body->kind != JSON_OBJECT)
        return error_set(err, ERROR_BODY_NOT_OBJECT, "one column object is expected, like {\"name\":\"Case Number\",\"fieldName\":\"case_number\",\"dataTypeName\":\"text\"}");
    const struct dataset *next = add(c, c->dataset, body, out, err);
    dataset_release(next);
    return next != NULL;
}

static void run_columns_add(struct call *c)
{
    struct error err;
    struct buf out = {0};
    bool added = add_what_was_sent(c, &out, &err);
    if (added)
        http_reply_done(c->x);
    if (added && (buf_ok(&out) || error_no_memory(&err)))
        call_reply_json(c, 200, buf_str(&out));
    else
        call_reply_error(c, &err);
    buf_free(&out);
}
const struct handler handler_columns_add = {.body_max = COLUMNS_BODY_MAX, .run = run_columns_add};
