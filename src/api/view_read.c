/* View documents as clients write them: liberal with what does not matter (read-only members, nulls, key order, repeated
 * keys), strict with what would be lost or misread. */
#include <stdio.h>

#include "api/licenses.h"
#include "api/view_json.h"

/* ── one member after another ── */

enum kind { KIND_TEXT, KIND_BOOL, KIND_TEXTS, KIND_OBJECT, KIND_METADATA, KIND_LICENSE };

static const struct member {
    const char *name;
    enum kind kind;
} members[] = {
    {"description", KIND_TEXT},       {"category", KIND_TEXT},    {"attribution", KIND_TEXT},   {"attributionLink", KIND_TEXT},
    {"licenseId", KIND_TEXT},         {"license", KIND_LICENSE},  {"tags", KIND_TEXTS},         {"externalId", KIND_TEXT},
    {"provenance", KIND_TEXT},        {"query", KIND_OBJECT},     {"metadata", KIND_METADATA},  {"privateMetadata", KIND_OBJECT},
    {"hideFromCatalog", KIND_BOOL},   {"hideFromDataJson", KIND_BOOL},
};

static bool maltyped(struct error *err, const char *name, const char *expected)
{
    return error_set(err, ERROR_DATASET_MALTYPED, "\"%s\" must be %s", name, expected);
}

static bool is_scalar(const struct json *v)
{
    return v->kind != JSON_OBJECT && v->kind != JSON_ARRAY;
}

/* Text of a scalar: true, 5 and "5" as text, as readers of string maps want them. */
static void add_scalar_as_text(const struct json *v, struct buf *out)
{
    if (v->kind == JSON_STRING) {
        buf_add_json(out, v->text);
        return;
    }
    buf_add_byte(out, '"'); /* true, false and numbers need no escapes */
    json_write(v, out);
    buf_add_byte(out, '"');
}

static void add_key(struct buf *out, struct str key)
{
    if (out->n && out->p[out->n - 1] != '{')
        buf_add_byte(out, ',');
    buf_add_json(out, key);
    buf_add_byte(out, ':');
}

/* An object of scalars becomes an object of strings; nulls go. */
static bool add_string_map(const char *what, const struct json *object, struct buf *out, struct error *err)
{
    buf_add_byte(out, '{');
    for (const struct json *m = object->first; m; m = m->next) {
        if (m->kind == JSON_NULL)
            continue;
        if (!is_scalar(m))
            return error_set(err, ERROR_DATASET_MALTYPED, "\"" FMT_STR "\" in %s must be a text, not an object or array", ARG_STR(str_head_utf8(m->key, 200)), what);
        add_key(out, m->key);
        add_scalar_as_text(m, out);
    }
    buf_add_byte(out, '}');
    return true;
}

/* custom_fields: sets of fields of texts, exactly two levels (old readers take nothing else). */
static bool add_custom_fields(const struct json *sets, struct buf *out, struct error *err)
{
    if (sets->kind != JSON_OBJECT)
        return maltyped(err, "metadata.custom_fields", "an object of objects of texts");
    buf_add_byte(out, '{');
    for (const struct json *set = sets->first; set; set = set->next) {
        if (set->kind == JSON_NULL)
            continue;
        if (set->kind != JSON_OBJECT)
            return maltyped(err, "metadata.custom_fields", "an object of objects of texts");
        add_key(out, set->key);
        if (!add_string_map("metadata.custom_fields", set, out, err))
            return false;
    }
    buf_add_byte(out, '}');
    return true;
}

/* Everything is kept as it stands but rowIdentifier, which is a property of the columns, and custom_fields, checked. */
static bool add_metadata(const struct json *v, struct buf *out, struct error *err)
{
    if (v->kind != JSON_OBJECT)
        return maltyped(err, "metadata", "an object");
    buf_add_byte(out, '{');
    for (const struct json *m = v->first; m; m = m->next) {
        if (m->kind == JSON_NULL || str_eq(m->key, STR("rowIdentifier")))
            continue;
        add_key(out, m->key);
        if (!str_eq(m->key, STR("custom_fields")))
            json_write(m, out);
        else if (!add_custom_fields(m, out, err))
            return false;
    }
    buf_add_byte(out, '}');
    return true;
}

/* Three members only: soda-java refuses the whole view for a fourth. */
static bool add_license(const struct json *v, struct buf *out, struct error *err)
{
    if (v->kind != JSON_OBJECT)
        return maltyped(err, "license", "an object with name, termsLink and logoUrl");
    static const char *const names[] = {"name", "termsLink", "logoUrl"};
    buf_add_byte(out, '{');
    for (size_t i = 0; i < 3; i++) {
        struct str s = json_get_str(v, str_from(names[i]));
        if (s.n == 0)
            continue;
        add_key(out, str_from(names[i]));
        buf_add_json(out, s);
    }
    buf_add_byte(out, '}');
    return true;
}

static bool add_texts(const char *name, const struct json *v, struct buf *out, struct error *err)
{
    bool good = v->kind == JSON_ARRAY;
    for (const struct json *m = v->first; good && m; m = m->next)
        good = m->kind == JSON_STRING;
    if (!good)
        return maltyped(err, name, "an array of texts");
    json_write(v, out);
    return true;
}

static bool add_member(const struct member *m, const struct json *v, struct buf *out, struct error *err)
{
    if (v->kind == JSON_NULL || (v->kind == JSON_STRING && v->text.n == 0)) { /* takes it away */
        buf_add_z(out, "null");
        return true;
    }
    switch (m->kind) {
    case KIND_METADATA: return add_metadata(v, out, err);
    case KIND_LICENSE: return add_license(v, out, err);
    case KIND_TEXTS: return add_texts(m->name, v, out, err);
    case KIND_TEXT:
        if (v->kind != JSON_STRING)
            return maltyped(err, m->name, "a text");
        break;
    case KIND_BOOL:
        if (v->kind != JSON_TRUE && v->kind != JSON_FALSE)
            return maltyped(err, m->name, "true or false");
        break;
    case KIND_OBJECT:
        if (v->kind != JSON_OBJECT)
            return maltyped(err, m->name, "an object");
        break;
    }
    json_write(v, out);
    return true;
}

/* licenseId and license say one thing: where only one is given the other follows, so that no stale half stays. */
static void add_other_half(const struct json *root, const char *name, struct buf *out)
{
    bool id_is_missing = strcmp(name, "licenseId") == 0 && json_get(root, STR("license"));
    bool license_is_missing = strcmp(name, "license") == 0 && json_get(root, STR("licenseId"));
    if (!id_is_missing && !license_is_missing)
        return;
    const struct license *known = id_is_missing ? license_by_name(json_get_str(json_get(root, STR("license")), STR("name"))) : NULL;
    add_key(out, str_from(name));
    if (known)
        buf_add_json(out, str_from(known->id));
    else
        buf_add_z(out, "null");
}

static bool take(struct arena *a, struct buf *b, bool ok, struct str *ret, struct error *err)
{
    if (ok && !buf_ok(b))
        ok = error_no_memory(err);
    if (ok) {
        *ret = arena_str(a, buf_str(b));
        ok = ret->p || error_no_memory(err);
    }
    buf_free(b);
    return ok;
}

static bool read_document(struct arena *a, const struct json *root, struct str *ret, struct error *err)
{
    struct buf b = {0};
    bool ok = true;
    buf_add_byte(&b, '{');
    for (size_t i = 0; ok && i < sizeof members / sizeof *members; i++) {
        const struct json *v = json_get(root, str_from(members[i].name));
        if (!v) {
            add_other_half(root, members[i].name, &b);
            continue;
        }
        add_key(&b, str_from(members[i].name));
        ok = add_member(&members[i], v, &b, err);
    }
    buf_add_byte(&b, '}');
    return take(a, &b, ok, ret, err);
}

/* ── columns ── */

/* Text members: absent leaves p NULL; null clears. */
static bool read_text(const struct json *object, const char *name, struct str *ret, struct error *err)
{
    const struct json *v = json_get(object, str_from(name));
    if (!v)
        return true;
    if (v->kind == JSON_NULL) {
        *ret = STR("");
        return true;
    }
    if (v->kind != JSON_STRING)
        return maltyped(err, name, "a text");
    *ret = v->text.p ? v->text : STR("");
    return true;
}

static bool read_format(struct arena *a, const struct json *object, struct str *ret, struct error *err)
{
    const struct json *v = json_get(object, STR("format"));
    if (!v)
        return true;
    if (v->kind == JSON_NULL || (v->kind == JSON_OBJECT && !v->first)) {
        *ret = STR("");
        return true;
    }
    if (v->kind != JSON_OBJECT)
        return maltyped(err, "format", "an object of texts");
    struct buf b = {0};
    bool ok = add_string_map("a column's format", v, &b, err);
    return take(a, &b, ok, ret, err);
}

/* What is echoed: width, flags, computationStrategy. Given at all, they replace what was there. */
static bool read_extra(struct arena *a, const struct json *object, struct str *ret, struct error *err)
{
    static const char *const names[] = {"width", "flags", "computationStrategy"};
    static const enum json_kind kinds[] = {JSON_NUMBER, JSON_ARRAY, JSON_OBJECT};
    struct buf b = {0};
    bool given = false;
    int64_t width;
    buf_add_byte(&b, '{');
    for (size_t i = 0; i < 3; i++) {
        const struct json *v = json_get(object, str_from(names[i]));
        given |= v != NULL;
        if (!v || v->kind != kinds[i])
            continue;
        if (i == 0 && (!json_get_i64(object, STR("width"), &width) || width < 0 || width > INT32_MAX))
            continue; /* readers take an int32 there; a width is no reason to refuse a dataset */
        add_key(&b, str_from(names[i]));
        json_write(v, &b);
    }
    buf_add_byte(&b, '}');
    if (given)
        return take(a, &b, true, ret, err);
    buf_free(&b);
    return true;
}

bool view_read_column(struct arena *a, const struct json *object, struct column_input *ret, struct error *err)
{
    int64_t position = 0;
    *ret = (struct column_input){0};
    if (object->kind != JSON_OBJECT)
        return error_set(err, ERROR_DATASET_MALTYPED, "a column must be an object like {\"name\":\"Case Number\",\"fieldName\":\"case_number\",\"dataTypeName\":\"text\"}");
    json_get_i64(object, STR("id"), &ret->id);
    if (json_get_i64(object, STR("position"), &position) && position > 0 && position <= COLUMNS_MAX)
        ret->position = (int)position;
    struct column_spec *s = &ret->spec;
    return read_text(object, "name", &s->name, err) && read_text(object, "fieldName", &s->field_name, err) &&
           read_text(object, "description", &s->description, err) && read_text(object, "dataTypeName", &s->type_name, err) &&
           read_format(a, object, &s->format_json, err) && read_extra(a, object, &s->extra_json, err);
}

static bool read_columns(struct arena *a, const struct json *root, struct view_input *ret, struct error *err)
{
    const struct json *v = json_get(root, STR("columns"));
    if (!v || v->kind == JSON_NULL)
        return true;
    if (v->kind != JSON_ARRAY)
        return maltyped(err, "columns", "an array of column objects");
    if (v->n > COLUMNS_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "%zu columns, at most 1,500 are taken", v->n);
    ret->columns = arena_zalloc(a, (v->n + 1) * sizeof *ret->columns);
    if (!ret->columns)
        return error_no_memory(err);
    for (const struct json *m = v->first; m; m = m->next)
        if (!view_read_column(a, m, &ret->columns[ret->n_columns++], err))
            return false;
    return true;
}

/* ── the row identifier ── */

/* A text or a number; empty, null and 0 mean none. False: neither. */
static bool read_reference(const struct json *v, struct str *ret)
{
    *ret = STR_NONE;
    if (v->kind == JSON_NULL)
        return true;
    if (v->kind != JSON_STRING && v->kind != JSON_NUMBER)
        return false;
    *ret = str_eq(v->text, STR("0")) ? STR_NONE : str_trim(v->text);
    return true;
}

/* rowIdentifierColumnId beats metadata.rowIdentifier; neither given leaves things as they are. */
static bool read_row_identifier(const struct json *root, struct view_input *ret, struct error *err)
{
    const struct json *by_id = json_get(root, STR("rowIdentifierColumnId"));
    const struct json *by_name = json_get(json_get(root, STR("metadata")), STR("rowIdentifier"));
    struct str first = STR_NONE, second = STR_NONE;
    if (by_id && !read_reference(by_id, &first))
        return maltyped(err, "rowIdentifierColumnId", "a column's id");
    if (by_name && !read_reference(by_name, &second))
        return maltyped(err, "metadata.rowIdentifier", "a column's field name or id");
    if (!by_id && !by_name)
        return true;
    ret->row_identifier_name = by_id ? first : second;
    ret->row_identifier_instead = by_id ? second : STR_NONE;
    ret->row_identifier = ret->row_identifier_name.n ? ROW_IDENTIFIER_NAMED : ROW_IDENTIFIER_NONE;
    return true;
}

bool view_read(struct arena *a, struct str body, struct view_input *ret, struct error *err)
{
    struct json *root;
    *ret = (struct view_input){0};
    if (!json_parse(a, body, &root, err))
        return false;
    if (root->kind != JSON_OBJECT)
        return error_set(err, ERROR_BODY_NOT_OBJECT, "a view document must be a JSON object like {\"name\":\"My dataset\",\"columns\":[…]}");
    return read_text(root, "name", &ret->name, err) && read_text(root, "resourceName", &ret->resource_name, err) &&
           read_document(a, root, &ret->document_json, err) && read_columns(a, root, ret, err) && read_row_identifier(root, ret, err);
}
