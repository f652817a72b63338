/* The type json: any JSON value, in and out within the wrapper {"json": value}, which tells it from the body round it
 * (docs/wire/geometry.md, "json"; soda-fountain, JsonColumnRep.scala). Kept as the compact text of the bare value. */
#include "base/json.h"

#include <stdio.h>

#include "rows/type.h"

static bool refuse(struct type_refusal *why, const char *hint)
{
    snprintf(why->expected, sizeof why->expected, "an object {\"json\": value}");
    snprintf(why->hint, sizeof why->hint, FMT_STR, ARG_STR(str_head_utf8(str_from(hint), sizeof why->hint - 1)));
    return false;
}

static bool out_of_memory(struct type_refusal *why)
{
    why->expected[0] = why->hint[0] = 0;
    return false;
}

/* The value without its wrapper and without white space, written while it is read: a tree of it would be many times its size. */
struct compact {
    struct buf out;
    unsigned depth; /* 1 inside of the wrapper */
    bool first, after_name, wrong;
    unsigned members; /* of the wrapper; it has one, a second one would be lost */
};

static void separate(struct compact *c)
{
    if (c->depth > 1 && !c->after_name && !c->first)
        buf_add_byte(&c->out, ',');
    c->first = c->after_name = false;
}

static bool on_begin(void *ctx, enum json_kind kind, struct error *err)
{
    struct compact *c = ctx;
    (void)err;
    if (c->depth == 0)
        c->wrong = kind != JSON_OBJECT;
    else {
        separate(c);
        buf_add_byte(&c->out, kind == JSON_OBJECT ? '{' : '[');
    }
    c->depth++;
    c->first = true;
    return true;
}

static bool on_end(void *ctx, enum json_kind kind, struct error *err)
{
    struct compact *c = ctx;
    (void)err;
    if (--c->depth)
        buf_add_byte(&c->out, kind == JSON_OBJECT ? '}' : ']');
    c->first = false;
    return true;
}

static bool on_key(void *ctx, struct str key, struct error *err)
{
    struct compact *c = ctx;
    (void)err;
    if (c->depth == 1) {
        c->wrong |= ++c->members > 1 || !str_eq(key, STR("json"));
        return true;
    }
    separate(c);
    buf_add_json(&c->out, key);
    buf_add_byte(&c->out, ':');
    c->after_name = true;
    return true;
}

static bool on_value(void *ctx, enum json_kind kind, struct str text, struct error *err)
{
    static const char *const words[] = {[JSON_NULL] = "null", [JSON_FALSE] = "false", [JSON_TRUE] = "true"};
    struct compact *c = ctx;
    (void)err;
    c->wrong |= c->depth == 0;
    separate(c);
    if (kind == JSON_STRING)
        buf_add_json(&c->out, text);
    else if (kind == JSON_NUMBER)
        buf_add_str(&c->out, text);
    else
        buf_add_z(&c->out, words[kind]);
    return true;
}

static bool unwrap(struct compact *c, struct str text, struct arena *a, struct cell *ret, struct type_refusal *why)
{
    const struct json_events events = {.ctx = c, .begin = on_begin, .end = on_end, .key = on_key, .value = on_value};
    struct error err = {0};
    struct json_parser *p = json_parser_new(&json_limits_default, &events, &err);
    bool read = p && json_parser_push(p, text, &err) && json_parser_finish(p, &err);
    json_parser_free(p);
    if (!read)
        return err.code == ERROR_OUT_OF_MEMORY ? out_of_memory(why) : refuse(why, err.message);
    if (!buf_ok(&c->out))
        return out_of_memory(why);
    if (c->wrong || c->members == 0)
        return refuse(why, "wrap the value in an object whose only member is \"json\"");
    struct str copy = arena_str(a, buf_str(&c->out));
    if (!copy.p)
        return out_of_memory(why);
    *ret = cell_text(copy);
    return true;
}

static bool json_type_parse(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret,
                            struct type_refusal *why)
{
    (void)t;
    struct str text = str_trim(raw->text);
    if (raw->kind == RAW_STRING && text.n == 0) {
        *ret = cell_null();
        return true;
    }
    if (raw->kind != RAW_OBJECT && raw->kind != RAW_STRING)
        return refuse(why, "wrap the value in an object whose only member is \"json\"");
    struct compact c = {0};
    bool ok = unwrap(&c, text, ctx->arena, ret, why);
    buf_free(&c.out);
    return ok;
}

static void json_type_write_json(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)t, (void)r;
    buf_add_z(out, "{\"json\":");
    buf_add_str(out, c->s);
    buf_add_byte(out, '}');
}

static void json_type_write_csv(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)t, (void)r;
    buf_add_str(out, c->s);
}

static int json_type_compare(const struct cell *a, const struct cell *b)
{
    return str_cmp(a->s, b->s);
}

const struct type type_json = {
    .id = TYPE_JSON,
    .storage = STORAGE_TEXT,
    .soql_name = "json",
    .view_name = "json",
    .parse = json_type_parse,
    .write_json = json_type_write_json,
    .write_csv = json_type_write_csv,
    .compare = json_type_compare,
};
