#include <stdio.h>

#include "api/licenses.h"
#include "api/view_json.h"

/* Members are written through these, so that commas are right and what is not set is left out (old readers die of null). */
static void key(struct buf *b, const char *name)
{
    if (b->n && b->p[b->n - 1] != '{')
        buf_add_byte(b, ',');
    buf_add_json(b, str_from(name));
    buf_add_byte(b, ':');
}

static void text(struct buf *b, const char *name, struct str value)
{
    if (value.n == 0)
        return;
    key(b, name);
    buf_add_json(b, value);
}

static void number(struct buf *b, const char *name, int64_t value)
{
    key(b, name);
    buf_add_i64(b, value);
}

static void time_if_set(struct buf *b, const char *name, int64_t seconds)
{
    if (seconds > 0)
        number(b, name, seconds);
}

static void raw(struct buf *b, const char *name, const char *json)
{
    key(b, name);
    buf_add_z(b, json);
}

/* A kept member as it stands, or `otherwise`, or nothing. */
static void kept(struct buf *b, const struct json *document, const char *name, const char *otherwise)
{
    const struct json *v = json_get(document, str_from(name));
    if (v && v->kind != JSON_NULL) {
        key(b, name);
        json_write(v, b);
    } else if (otherwise) {
        raw(b, name, otherwise);
    }
}

/* Members of a kept object, after those that were written. */
static void spread(struct buf *b, const struct json *object)
{
    for (const struct json *m = object ? object->first : NULL; m; m = m->next) {
        if (b->n && b->p[b->n - 1] != '{')
            buf_add_byte(b, ',');
        buf_add_json(b, m->key);
        buf_add_byte(b, ':');
        json_write(m, b);
    }
}

void view_write_user(const struct user *u, bool bare, struct buf *b)
{
    if (!bare)
        buf_add_byte(b, '{');
    text(b, "id", str_from(u->id));
    text(b, "displayName", str_from(u->display_name));
    text(b, "screenName", str_from(u->display_name));
    raw(b, "type", "\"interactive\"");
    if (u->role != ROLE_NONE)
        text(b, "roleName", str_from(user_role_name(u->role)));
    if (bare)
        return;
    raw(b, "rights", "[]");
    raw(b, "flags", "[]");
    buf_add_byte(b, '}');
}

static void write_owner(struct buf *b, const char *name, const struct view *v)
{
    key(b, name);
    if (v->owner) {
        view_write_user(v->owner, false, b);
        return;
    }
    buf_add_z(b, "{\"id\":");
    buf_add_json(b, str_from(v->dataset->owner));
    buf_add_z(b, ",\"displayName\":\"\",\"screenName\":\"\",\"rights\":[],\"flags\":[]}");
}

void view_write_column(const struct column *c, struct buf *b)
{
    buf_add_byte(b, '{');
    number(b, "id", c->id);
    text(b, "name", c->name);
    text(b, "dataTypeName", str_from(c->type->view_name));
    text(b, "description", c->description);
    text(b, "fieldName", c->field_name);
    number(b, "position", c->position);
    text(b, "renderTypeName", str_from(c->type->view_name));
    number(b, "tableColumnId", c->id);
    key(b, "format");
    if (c->format_json.n)
        buf_add_str(b, c->format_json);
    else
        buf_add_z(b, "{}");
    if (c->extra_json.n > 2) { /* an object that is not empty */
        buf_add_byte(b, ',');
        buf_add_str(b, str_make(c->extra_json.p + 1, c->extra_json.n - 2));
    }
    buf_add_byte(b, '}');
}

static void write_columns(struct buf *b, const struct columns *c)
{
    key(b, "columns");
    buf_add_byte(b, '[');
    for (size_t i = 0; i < c->n; i++) {
        if (i)
            buf_add_byte(b, ',');
        view_write_column(&c->v[i], b);
    }
    buf_add_byte(b, ']');
}

static const struct column *row_identifier(const struct dataset *d)
{
    return d->columns.row_identifier < 0 ? NULL : &d->columns.v[d->columns.row_identifier];
}

/* rowIdentifier is answered as the column's id in a string: soda-java reads text there, SODA.NET takes both. */
static void write_metadata(struct buf *b, const struct dataset *d, const struct json *document)
{
    key(b, "metadata");
    buf_add_byte(b, '{');
    spread(b, json_get(document, STR("metadata")));
    if (row_identifier(d)) {
        char id[24];
        snprintf(id, sizeof id, "%lld", (long long)row_identifier(d)->id);
        text(b, "rowIdentifier", str_from(id));
    }
    buf_add_byte(b, '}');
}

static void write_license(struct buf *b, const struct json *document)
{
    struct str id = json_get_str(document, STR("licenseId"));
    const struct license *known = license_by_id(id);
    if (!known) {
        kept(b, document, "licenseId", NULL);
        kept(b, document, "license", NULL);
        return;
    }
    text(b, "licenseId", id);
    key(b, "license");
    buf_add_byte(b, '{');
    text(b, "name", str_from(known->name));
    text(b, "termsLink", str_from(known->terms_link));
    buf_add_byte(b, '}');
}

/* The documented names, by what the caller may do. */
static void write_rights(struct buf *b, const struct view *v)
{
    static const struct {
        enum gate_action action;
        const char *names;
    } rights[] = {
        {GATE_READ_VIEW, ",\"read\""},
        {GATE_APPEND_ROWS, ",\"write\",\"add\",\"delete\""},
        {GATE_GRANT, ",\"grant\""},
        {GATE_UPDATE_METADATA, ",\"add_column\",\"remove_column\",\"update_column\",\"update_view\""},
        {GATE_DELETE, ",\"delete_view\""},
    };
    struct error no;
    key(b, "rights");
    buf_add_byte(b, '[');
    bool first = true;
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
        if (gate_authorize(v->caller, rights[i].action, v->dataset, &no)) {
            buf_add_z(b, rights[i].names + first);
            first = false;
        }
    buf_add_byte(b, ']');
    raw(b, "flags", "[\"default\"]");
}

static void write_dates(struct buf *b, const struct view *v)
{
    const struct dataset *d = v->dataset;
    time_if_set(b, "createdAt", d->created_at);
    time_if_set(b, "publicationDate", d->published_at);
    if (v->state)
        time_if_set(b, "rowsUpdatedAt", v->state->modified_ms > 0 ? v->state->modified_ms / 1000 : d->created_at);
    time_if_set(b, "viewLastModified", d->modified_at);
}

static void write_constants(struct buf *b)
{
    static const char *const zeros[] = {"averageRating", "downloadCount", "numberOfComments", "totalTimesRated", "viewCount"};
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
        number(b, zeros[i], 0);
    raw(b, "displayType", "\"table\"");
    raw(b, "viewType", "\"tabular\""); /* soda-java picks its class by it: never absent */
    raw(b, "newBackend", "true");
    raw(b, "state", "\"normal\"");
    raw(b, "publicationAppendEnabled", "true");
}

bool view_write(const struct view *v, struct arena *a, struct buf *b, struct error *err)
{
    const struct dataset *d = v->dataset;
    struct json *document;
    struct error nobody;
    bool is_editor = gate_authorize(v->caller, GATE_UPDATE_METADATA, d, &nobody);
    if (!json_parse(a, d->document_json.n ? d->document_json : STR("{}"), &document, err))
        return false;
    static const char *const texts[] = {"description", "category", "attribution", "attributionLink", "provenance", "externalId", "hideFromCatalog", "hideFromDataJson"};
    buf_add_byte(b, '{');
    text(b, "id", str_from(d->id));
    text(b, "name", d->name);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        kept(b, document, texts[i], NULL);
    write_license(b, document);
    text(b, "resourceName", d->resource_name);
    write_constants(b);
    write_dates(b, v);
    number(b, "oid", d->number);
    number(b, "tableId", d->number);
    number(b, "publicationGroup", d->number);
    raw(b, "publicationStage", d->stage == DATASET_PUBLISHED ? "\"published\"" : "\"unpublished\"");
    if (row_identifier(d))
        number(b, "rowIdentifierColumnId", row_identifier(d)->id);
    if (!v->without_columns)
        write_columns(b, &d->columns);
    if (d->scope == SCOPE_PUBLIC)
        raw(b, "grants", "[{\"inherited\":false,\"type\":\"viewer\",\"flags\":[\"public\"]}]");
    static const char *const scopes[] = {[SCOPE_PRIVATE] = "{\"scope\":\"private\"}", [SCOPE_PUBLIC] = "{\"scope\":\"public\"}", [SCOPE_SITE] = "{\"scope\":\"site\"}"};
    raw(b, "permissions", scopes[d->scope]);
    write_metadata(b, d, document);
    if (is_editor)
        kept(b, document, "privateMetadata", NULL);
    write_owner(b, "owner", v);
    kept(b, document, "query", "{}");
    write_rights(b, v);
    write_owner(b, "tableAuthor", v);
    kept(b, document, "tags", "[]");
    buf_add_byte(b, '}');
    return buf_ok(b) || error_no_memory(err);
}
