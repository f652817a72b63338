/* /api/views: datasets as documents (docs/wire/views.md). */
#include <stdlib.h>

#include "api/handlers.h"
#include "api/view_json.h"

enum { ROOM_OF_DATASET_BYTES = 512 << 10, SMALL_BODY_MAX = 1 << 20, LIST_LIMIT_DEFAULT = 200, LIST_LIMIT_MAX = 1000 };

/* ── replies ── */

/* The owner of d into *room, or NULL. */
static bool find_owner(struct call *c, const struct dataset *d, struct user *room, const struct user **ret, struct error *err)
{
    bool found;
    if (!catalog_user_by_id(c->api->catalog, d->owner, room, &found, err))
        return false;
    *ret = found ? room : NULL;
    return true;
}

static void reply_view(struct call *c, const struct dataset *d)
{
    struct error err;
    struct store_state state;
    struct user owner;
    struct view v = {.dataset = d, .state = &state, .caller = &c->principal};
    struct buf out = {0};
    if (store_state(c->api->store, d, &state, &err) && find_owner(c, d, &owner, &v.owner, &err) && view_write(&v, c->arena, &out, &err))
        call_reply_json(c, 200, buf_str(&out));
    else
        call_reply_error(c, &err);
    buf_free(&out);
}

/* A change of the catalog was made (next, taken) or not (NULL). */
static void reply_changed(struct call *c, const struct dataset *next, const struct error *err)
{
    if (next) {
        http_reply_done(c->x);
        reply_view(c, next);
    } else {
        call_reply_error(c, err);
    }
    dataset_release(next);
}

/* ── create ── */

/* In a new document ids mean the document's own columns: a copied view names its key by the old id. */
static struct str own_column(const struct view_input *in, struct str reference)
{
    uint64_t id;
    if (str_to_u64(reference, &id))
        for (size_t i = 0; i < in->n_columns; i++)
            if (in->columns[i].id > 0 && (uint64_t)in->columns[i].id == id)
                return in->columns[i].spec.field_name.n ? in->columns[i].spec.field_name : in->columns[i].spec.name;
    return STR_NONE;
}

static struct str new_row_identifier(const struct view_input *in)
{
    if (in->row_identifier != ROW_IDENTIFIER_NAMED)
        return STR_NONE;
    struct str own = own_column(in, in->row_identifier_name);
    if (!own.n && in->row_identifier_instead.n) {
        own = own_column(in, in->row_identifier_instead);
        return own.n ? own : in->row_identifier_instead;
    }
    return own.n ? own : in->row_identifier_name;
}

static const struct dataset *create(struct call *c, const struct view_input *in, struct error *err)
{
    struct column_spec *columns = arena_zalloc(c->arena, (in->n_columns + 1) * sizeof *columns);
    if (!columns)
        error_no_memory(err);
    /* First the catalog, then the file; without room for that, the catalog's part may be there to stay: taking it back is a write too. */
    if (!columns || !store_has_room(c->api->store, 0, err) || !disk_can_give(c->api->scratch_dir, ROOM_OF_DATASET_BYTES, err))
        return NULL;
    for (size_t i = 0; i < in->n_columns; i++)
        columns[i] = in->columns[i].spec;
    struct dataset_spec spec = {
        .name = in->name,
        .resource_name = in->resource_name,
        .document_json = in->document_json,
        .columns = columns,
        .n_columns = in->n_columns,
        .row_identifier = new_row_identifier(in),
        .owner = c->principal.user.id,
    };
    const struct dataset *d = catalog_create_dataset(c->api->catalog, &c->actor, &spec, err);
    if (d && !store_create(c->api->store, d, err)) {
        struct error second;
        if (catalog_delete_dataset(c->api->catalog, &c->actor, d->id, &second))
            store_drop(c->api->store, d->id);
        else
            http_reply_done(c->x); /* it is there, and its file will be made at first touch */
        dataset_release(d);
        return NULL;
    }
    return d;
}

static void run_views_create(struct call *c)
{
    struct error err;
    struct view_input in;
    struct str method;
    const struct dataset *d = NULL;
    if (call_query(c, "method", &method)) /* findTables and others are between Socrata's own services */
        error_set(&err, ERROR_NOT_FOUND, "no method \"" FMT_STR "\" here; POST a view document without method to make a dataset", ARG_STR(str_head_utf8(method, 200)));
    else if (view_read(c->arena, buf_str(&c->body), &in, &err))
        d = create(c, &in, &err);
    reply_changed(c, d, &err);
}
const struct handler handler_views_create = {.body_max = VIEW_BYTES_MAX, .run = run_views_create};

/* ── get ── */

static void run_view_get(struct call *c)
{
    reply_view(c, c->dataset);
}
const struct handler handler_view_get = {.body_max = SMALL_BODY_MAX, .run = run_view_get};

/* ── update ── */

static bool wished_column(const struct dataset *d, struct str reference, int *ret)
{
    uint64_t id;
    if (str_to_u64(reference, &id))
        for (size_t i = 0; i < d->columns.n; i++)
            if ((uint64_t)d->columns.v[i].id == id) {
                *ret = (int)i;
                return true;
            }
    int other;
    return columns_find_loose(&d->columns, reference, ret, &other) == COLUMN_FOUND;
}

/* *ret: the column's index or -1; the present one when nothing is wished. */
static bool find_wished(const struct dataset *d, const struct view_input *in, int *ret, struct error *err)
{
    switch (in->row_identifier) {
    case ROW_IDENTIFIER_AS_IT_IS: *ret = d->columns.row_identifier; return true;
    case ROW_IDENTIFIER_NONE: *ret = -1; return true;
    case ROW_IDENTIFIER_NAMED: break;
    }
    struct str name = in->row_identifier_name;
    if (!wished_column(d, name, ret))
        return error_set(err, ERROR_DATASET_MALTYPED, "the row identifier \"" FMT_STR "\" is not one of the columns", ARG_STR(str_head_utf8(name, 200)));
    const struct column *column = &d->columns.v[*ret];
    return column->type->can_identify_rows ||
           error_set(err, ERROR_COLUMN_BAD_IDENTIFIER_TYPE, "column \"" FMT_STR "\" is of type %s, which cannot identify rows; text, number, checkbox, timestamps and url can", ARG_STR(column->field_name), column->type->view_name);
}

static const struct column *edited_column(const struct dataset *d, const struct column_input *in)
{
    for (size_t i = 0; i < d->columns.n; i++)
        if (d->columns.v[i].id == in->id || (in->id == 0 && in->spec.field_name.n && name_is_same(d->columns.v[i].field_name, str_trim(in->spec.field_name))))
            return &d->columns.v[i];
    return NULL;
}

static bool differs(struct str given, struct str have)
{
    return given.p && !str_eq(given, have);
}

/* Only what would change: most clients echo the columns they read. */
static size_t column_edits(const struct dataset *d, const struct view_input *in, struct column_edit *edits)
{
    size_t n = 0;
    for (size_t i = 0; i < in->n_columns; i++) {
        const struct column *have = edited_column(d, &in->columns[i]);
        if (!have)
            continue;
        const struct column_spec *s = &in->columns[i].spec;
        struct column_edit e = {.id = have->id};
        if (s->name.n && differs(s->name, have->name))
            e.name = s->name;
        if (differs(s->description, have->description))
            e.description = s->description;
        if (differs(s->format_json, have->format_json))
            e.format_json = s->format_json;
        if (differs(str_eq(s->extra_json, STR("{}")) ? STR("") : s->extra_json, have->extra_json))
            e.extra_json = str_eq(s->extra_json, STR("{}")) ? STR("") : s->extra_json;
        if (in->columns[i].position && in->columns[i].position != have->position)
            e.position = in->columns[i].position;
        if (e.name.p || e.description.p || e.format_json.p || e.extra_json.p || e.position)
            edits[n++] = e;
    }
    return n;
}

/* The row identifier first: it is what can fail for the rows' sake. Takes d, gives back the last snapshot or NULL. */
static const struct dataset *apply_update(struct call *c, const struct view_input *in, struct error *err)
{
    const struct dataset *d = dataset_retain(c->dataset), *next = d;
    struct catalog *catalog = c->api->catalog;
    int wished;
    struct column_edit *edits = arena_zalloc(c->arena, (in->n_columns + 1) * sizeof *edits);
    if (!edits) {
        error_no_memory(err);
        dataset_release(d);
        return NULL;
    }
    size_t n = column_edits(d, in, edits);
    if (!find_wished(d, in, &wished, err))
        next = NULL;
    else if (wished != d->columns.row_identifier)
        next = store_set_row_identifier(c->api->store, &c->actor, d, wished, err);
    bool moved = next && next != d, edited = false;
    if (next != d)
        dataset_release(d);
    if (next && n) {
        d = next;
        next = catalog_edit_columns(catalog, &c->actor, d->id, edits, n, err);
        edited = next;
        dataset_release(d);
    }
    if (next) {
        d = next;
        next = catalog_update_document(catalog, &c->actor, d->id, in->name, in->resource_name, in->document_json, err);
        dataset_release(d);
    }
    /* Three changes of the catalog; a fault between them must not be told as if there had been none. */
    if (!next && (moved || edited) && error_info(err->code)->status >= 500)
        http_reply_done(c->x);
    return next;
}

/* What can be known to be wrong before anything changes; also the whole of ?validateOnly=true. */
static const struct dataset *preview(struct call *c, const struct view_input *in, struct error *err)
{
    int wished;
    if (!find_wished(c->dataset, in, &wished, err))
        return NULL;
    return catalog_preview_document(c->api->catalog, c->dataset, in->name, in->resource_name, in->document_json, err);
}

static void update(struct call *c, bool only_validate)
{
    struct error err;
    struct view_input in;
    const struct dataset *seen = NULL, *next = NULL;
    if (view_read(c->arena, buf_str(&c->body), &in, &err) && (seen = preview(c, &in, &err))) {
        if (only_validate)
            next = dataset_retain(seen);
        else
            next = apply_update(c, &in, &err);
    }
    dataset_release(seen);
    reply_changed(c, next, &err);
}

/* ?value=, else the body when it is a JSON text; other bodies ("method=setPermission" from soda-java) are no JSON. */
static bool permission_value(struct call *c, struct str *ret, struct error *err)
{
    struct json *body;
    struct error not_json;
    if (call_query(c, "value", ret))
        return true;
    if (c->body.n && json_parse(c->arena, buf_str(&c->body), &body, &not_json) && body->kind == JSON_STRING) {
        *ret = body->text;
        return true;
    }
    return error_set(err, ERROR_BAD_PARAMETER, "setPermission needs value=public.read, value=site or value=private");
}

static const struct {
    const char *value;
    enum dataset_scope scope;
} permissions[] = {{"public.read", SCOPE_PUBLIC}, {"public", SCOPE_PUBLIC}, {"site", SCOPE_SITE}, {"private", SCOPE_PRIVATE}};

static bool scope_of(struct str value, enum dataset_scope *ret, struct error *err)
{
    for (size_t i = 0; i < sizeof permissions / sizeof *permissions; i++)
        if (str_eq(value, str_from(permissions[i].value))) {
            *ret = permissions[i].scope;
            return true;
        }
    return error_set(err, ERROR_BAD_PARAMETER, "no permission \"" FMT_STR "\"; public.read, site and private are known", ARG_STR(str_head_utf8(value, 200)));
}

static void set_permission(struct call *c)
{
    struct error err;
    struct str value;
    const struct dataset *next = NULL;
    enum dataset_scope scope = SCOPE_PRIVATE;
    if (gate_authorize(&c->principal, GATE_GRANT, c->dataset, &err) && permission_value(c, &value, &err) && scope_of(value, &scope, &err))
        next = catalog_set_scope(c->api->catalog, &c->actor, c->dataset->id, scope, &err);
    reply_changed(c, next, &err);
}

static void run_view_update(struct call *c)
{
    struct error err;
    struct str method;
    bool only_validate = false;
    if (!call_query(c, "method", &method)) {
        if (call_query_bool(c, "validateOnly", &only_validate, &err))
            update(c, only_validate);
        else
            call_reply_error(c, &err);
    } else if (str_eq(method, STR("setPermission"))) {
        set_permission(c);
    } else if (str_eq(method, STR("validate"))) {
        update(c, true);
    } else {
        error_set(&err, ERROR_NOT_FOUND, "no method \"" FMT_STR "\" on a view; setPermission and validate are known", ARG_STR(str_head_utf8(method, 200)));
        call_reply_error(c, &err);
    }
}
const struct handler handler_view_update = {.body_max = VIEW_BYTES_MAX, .run = run_view_update};

/* ── delete and publish ── */

static void run_view_delete(struct call *c)
{
    struct error err;
    if (!catalog_delete_dataset(c->api->catalog, &c->actor, c->dataset->id, &err)) {
        call_reply_error(c, &err);
        return;
    }
    store_drop(c->api->store, c->dataset->id);
    http_reply_done(c->x);
    call_reply_json(c, 200, STR("{}"));
}
const struct handler handler_view_delete = {.body_max = SMALL_BODY_MAX, .run = run_view_delete};

/* Publishing twice is fine: clients repeat it. The body is whatever (soda-java: viewId=…&async=false). */
static void run_view_publish(struct call *c)
{
    struct error err;
    struct str method;
    const struct dataset *next = NULL;
    if (call_query(c, "method", &method))
        error_set(&err, ERROR_BAD_PARAMETER, "working copies (method=" FMT_STR ") are not made yet: columns and rows of a published dataset can be changed directly", ARG_STR(str_head_utf8(method, 200)));
    else
        next = catalog_publish(c->api->catalog, &c->actor, c->dataset->id, &err);
    reply_changed(c, next, &err);
}
const struct handler handler_view_publish = {.body_max = SMALL_BODY_MAX, .run = run_view_publish};

/* ── lists ── */

struct list {
    struct call *c;
    struct spool *out;
    size_t n;
};

static bool list_add(struct list *l, const struct dataset *d, struct error *err)
{
    struct arena a = {0};
    struct user owner;
    struct buf b = {0};
    struct view v = {.dataset = d, .caller = &l->c->principal, .without_columns = true};
    bool ok = find_owner(l->c, d, &owner, &v.owner, err) && view_write(&v, &a, &b, err) &&
              spool_write(l->out, l->n ? "," : "[", 1, err) && spool_write(l->out, b.p, b.n, err);
    l->n += ok;
    buf_free(&b);
    arena_free(&a);
    return ok;
}

static bool may_read(struct call *c, const struct dataset *d)
{
    struct error no;
    return gate_authorize(&c->principal, GATE_READ_VIEW, d, &no);
}

static bool list_named(struct list *l, struct str id, struct error *err)
{
    struct error missing;
    const struct dataset *d = catalog_dataset(l->c->api->catalog, id, &missing);
    bool ok = !d || !may_read(l->c, d) || list_add(l, d, err);
    dataset_release(d);
    return ok;
}

static bool list_ids(struct list *l, struct error *err)
{
    size_t asked = 0;
    for (size_t i = 0; i < l->c->n_query; i++) {
        if (!str_eq(l->c->query[i].name, STR("ids")) && !str_eq(l->c->query[i].name, STR("ids[]")))
            continue;
        struct str one, rest = l->c->query[i].value;
        while (rest.n && asked++ < LIST_LIMIT_MAX) {
            str_cut(rest, ',', &one, &rest);
            if (!list_named(l, one, err))
                return false;
        }
    }
    return true;
}

/* Newest first, page 1 first. */
static bool list_page(struct list *l, uint64_t page, uint64_t limit, struct error *err)
{
    char(*ids)[DATASET_ID_LENGTH + 1];
    size_t n;
    uint64_t readable = 0;
    bool ok = true;
    if (!catalog_list(l->c->api->catalog, &ids, &n, err))
        return false;
    while (ok && n > 0 && l->n < limit) {
        struct error gone;
        const struct dataset *d = catalog_dataset(l->c->api->catalog, str_from(ids[--n]), &gone);
        if (d && may_read(l->c, d) && readable++ >= (page - 1) * limit)
            ok = list_add(l, d, err);
        dataset_release(d);
    }
    free(ids);
    return ok;
}

static bool query_number(struct call *c, const char *name, uint64_t max, uint64_t *ret, struct error *err)
{
    struct str value;
    if (!call_query(c, name, &value))
        return true;
    if (!str_to_u64(value, ret) || *ret < 1 || *ret > max)
        return error_set(err, ERROR_BAD_PARAMETER, "%s must be a whole number from 1 to %llu", name, (unsigned long long)max);
    return true;
}

static void reply_list(struct call *c, bool by_ids)
{
    struct error err;
    uint64_t page = 1, limit = LIST_LIMIT_DEFAULT;
    call_reply_begin(c, 200, STR("application/json; charset=utf-8"));
    struct list l = {.c = c, .out = http_reply_body(c->x)};
    bool ok = l.out || error_no_memory(&err);
    ok = ok && query_number(c, "page", 1000000, &page, &err) && query_number(c, "limit", LIST_LIMIT_MAX, &limit, &err);
    ok = ok && (by_ids ? list_ids(&l, &err) : list_page(&l, page, limit, &err));
    ok = ok && spool_write(l.out, l.n ? "]" : "[]", l.n ? 1 : 2, &err);
    if (ok) {
        http_send(c->x);
        return;
    }
    http_reply_reset(c->x);
    call_reply_error(c, &err);
}

/* One view through the list's address: by default view or by resource name. */
static void reply_looked_up(struct call *c, const char *parameter)
{
    struct error err;
    struct str id;
    const struct dataset *d = NULL;
    if (!call_query(c, parameter, &id))
        error_set(&err, ERROR_BAD_PARAMETER, "the parameter %s is missing", parameter);
    else
        d = call_dataset(c, id, GATE_READ_VIEW, &err);
    if (d)
        reply_view(c, d);
    else
        call_reply_error(c, &err);
    dataset_release(d);
}

static void run_views_list(struct call *c)
{
    struct error err;
    struct str method;
    if (!call_query(c, "method", &method)) {
        reply_list(c, false);
    } else if (str_eq(method, STR("getByIds"))) {
        reply_list(c, true);
    } else if (str_eq(method, STR("getDefaultView"))) {
        reply_looked_up(c, "id");
    } else if (str_eq(method, STR("getByResourceName"))) {
        reply_looked_up(c, "name");
    } else {
        error_set(&err, ERROR_NOT_FOUND, "no method \"" FMT_STR "\" on views; getByIds, getDefaultView and getByResourceName are known", ARG_STR(str_head_utf8(method, 200)));
        call_reply_error(c, &err);
    }
}
const struct handler handler_views_list = {.body_max = SMALL_BODY_MAX, .run = run_views_list};
