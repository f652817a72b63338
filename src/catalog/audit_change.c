/* What a change of a dataset changed, for its audit record: found by holding the old snapshot against the new one, so that no
 * function that changes something can forget to tell.
 *
 *     "name":{"from":"A","to":"B"},"document":{"tags":{"from":null,"to":["a"]}},"columns":{"amount":{"added":"number"}}
 *
 * Values over 1,000 bytes stand as their length and SHA-256: a record is kept for ever. */
#include <sodium.h>

#include "base/json.h"
#include "catalog/internal.h"

enum { VALUE_BYTES_MAX = 1000 };

struct out {
    struct buf *b;
    size_t begins; /* nothing since: no comma */
};

static void comma(struct out *o)
{
    if (o->b->n > o->begins)
        buf_add_byte(o->b, ',');
}

static void key(struct out *o, struct str name)
{
    comma(o);
    buf_add_json(o->b, name);
    buf_add_byte(o->b, ':');
}

/* name:{members}, if there are any. Frees them. */
static void add_object(struct out *o, struct str name, struct buf *members)
{
    if (members->n) {
        key(o, name);
        buf_add_byte(o->b, '{');
        buf_add_str(o->b, buf_str(members));
        buf_add_byte(o->b, '}');
    }
    if (!buf_ok(members))
        o->b->failed = true;
    buf_free(members);
}

/* JSON text, or what stands for a long one. */
static void add_value(struct buf *b, struct str json)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof hash + 1];
    if (json.n <= VALUE_BYTES_MAX) {
        buf_add_str(b, json.n ? json : STR("null"));
        return;
    }
    crypto_hash_sha256(hash, (const unsigned char *)json.p, json.n);
    buf_printf(b, "{\"bytes\":%zu,\"sha256\":\"%s\"}", json.n, sodium_bin2hex(hex, sizeof hex, hash, sizeof hash));
}

static void add_text_value(struct buf *b, struct str text)
{
    struct buf json = {0};
    if (text.n)
        buf_add_json(&json, text);
    if (!buf_ok(&json))
        b->failed = true;
    add_value(b, buf_str(&json));
    buf_free(&json);
}

static void changed_text(struct out *o, const char *name, struct str from, struct str to)
{
    if (str_eq(from, to))
        return;
    key(o, str_from(name));
    buf_add_z(o->b, "{\"from\":");
    add_text_value(o->b, from);
    buf_add_z(o->b, ",\"to\":");
    add_text_value(o->b, to);
    buf_add_byte(o->b, '}');
}

static void changed_int(struct out *o, const char *name, int64_t from, int64_t to)
{
    if (from == to)
        return;
    key(o, str_from(name));
    buf_printf(o->b, "{\"from\":%lld,\"to\":%lld}", (long long)from, (long long)to);
}

/* ── the document ── */

static void member_text(const struct json *document, struct str name, struct buf *ret)
{
    const struct json *m = json_get(document, name);
    if (m)
        json_write(m, ret);
}

static void changed_member(struct out *o, struct str name, const struct json *old, const struct json *new)
{
    struct buf from = {0}, to = {0};
    member_text(old, name, &from);
    member_text(new, name, &to);
    if (!buf_ok(&from) || !buf_ok(&to)) {
        o->b->failed = true;
    } else if (!str_eq(buf_str(&from), buf_str(&to))) {
        key(o, name);
        buf_add_z(o->b, "{\"from\":");
        add_value(o->b, buf_str(&from));
        buf_add_z(o->b, ",\"to\":");
        add_value(o->b, buf_str(&to));
        buf_add_byte(o->b, '}');
    }
    buf_free(&from);
    buf_free(&to);
}

static bool parse(struct arena *a, struct str document, struct json **ret, struct error *err)
{
    return json_parse(a, document.n ? document : STR("{}"), ret, err);
}

static bool changed_document(struct out *o, struct str from, struct str to, struct error *err)
{
    struct arena a = {0};
    struct json *old, *new;
    if (str_eq(from, to))
        return true;
    bool ok = parse(&a, from, &old, err) && parse(&a, to, &new, err);
    if (ok) {
        struct buf members = {0};
        struct out inner = {&members, 0};
        for (const struct json *m = old->first; m; m = m->next)
            changed_member(&inner, m->key, old, new);
        for (const struct json *m = new->first; m; m = m->next)
            if (!json_get(old, m->key))
                changed_member(&inner, m->key, old, new);
        add_object(o, STR("document"), &members);
    }
    arena_free(&a);
    return ok;
}

/* ── columns ── */

static const struct column *column_of(const struct columns *c, int64_t id)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].id == id)
            return &c->v[i];
    return NULL;
}

static void changed_column(struct out *o, const struct column *was, const struct column *is)
{
    struct buf members = {0};
    struct out inner = {&members, 0};
    if (!was)
        buf_printf(&members, "\"added\":\"%s\"", is->type->soql_name);
    else {
        changed_text(&inner, "name", was->name, is->name);
        changed_text(&inner, "description", was->description, is->description);
        changed_text(&inner, "format", was->format_json, is->format_json);
        changed_text(&inner, "extra", was->extra_json, is->extra_json);
        changed_int(&inner, "position", was->position, is->position);
    }
    add_object(o, is->field_name, &members);
}

static void changed_columns(struct out *o, const struct columns *was, const struct columns *is)
{
    struct buf members = {0};
    struct out inner = {&members, 0};
    for (size_t i = 0; i < is->n; i++)
        changed_column(&inner, i < was->n && was->v[i].id == is->v[i].id ? &was->v[i] : column_of(was, is->v[i].id), &is->v[i]);
    add_object(o, STR("columns"), &members);
}

static struct str row_identifier(const struct columns *c)
{
    return c->row_identifier < 0 ? STR_NONE : c->v[c->row_identifier].field_name;
}

/* ── grants ── */

static enum grant_level level_in(const struct dataset *d, const char *user)
{
    for (size_t i = 0; i < d->n_grants; i++)
        if (strcmp(d->grants[i].user, user) == 0)
            return d->grants[i].level;
    return GRANT_NONE;
}

static void changed_grants(struct out *o, const struct dataset *was, const struct dataset *is)
{
    struct buf members = {0};
    struct out inner = {&members, 0};
    if (was->n_grants == is->n_grants && (is->n_grants == 0 || memcmp(was->grants, is->grants, is->n_grants * sizeof *is->grants) == 0))
        return;
    for (size_t i = 0; i < was->n_grants; i++)
        changed_text(&inner, was->grants[i].user, str_from(grant_level_name(was->grants[i].level)), str_from(grant_level_name(level_in(is, was->grants[i].user))));
    for (size_t i = 0; i < is->n_grants; i++)
        if (level_in(was, is->grants[i].user) == GRANT_NONE)
            changed_text(&inner, is->grants[i].user, str_from(grant_level_name(GRANT_NONE)), str_from(grant_level_name(is->grants[i].level)));
    add_object(o, STR("grants"), &members);
}

/* ── the dataset ── */

static struct str scope_name(enum dataset_scope scope)
{
    static const char *const names[] = {[SCOPE_PRIVATE] = "private", [SCOPE_PUBLIC] = "public", [SCOPE_SITE] = "site"};
    return str_from(names[scope]);
}

static struct str stage_name(enum dataset_stage stage)
{
    return stage == DATASET_PUBLISHED ? STR("published") : STR("unpublished");
}

bool audit_describe_change(const struct dataset *was, const struct dataset *is, struct buf *ret, struct error *err)
{
    struct out o = {ret, ret->n};
    changed_text(&o, "owner", str_from(was->owner), str_from(is->owner));
    changed_text(&o, "name", was->name, is->name);
    changed_text(&o, "resource_name", was->resource_name, is->resource_name);
    changed_text(&o, "stage", stage_name(was->stage), stage_name(is->stage));
    changed_text(&o, "scope", scope_name(was->scope), scope_name(is->scope));
    if (!changed_document(&o, was->document_json, is->document_json, err))
        return false;
    changed_columns(&o, &was->columns, &is->columns);
    changed_grants(&o, was, is);
    changed_text(&o, "row_identifier", row_identifier(&was->columns), row_identifier(&is->columns));
    return buf_ok(ret) || error_no_memory(err);
}

bool audit_describe_dataset(const struct dataset *d, struct buf *ret, struct error *err)
{
    const struct dataset nothing = {.columns.row_identifier = -1};
    return audit_describe_change(&nothing, d, ret, err);
}
