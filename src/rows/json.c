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

/* The wrapper has one member; a second one would be lost, so it is refused. */
static bool unwrap(const struct json *wrapper, struct arena *a, struct cell *ret, struct type_refusal *why)
{
    if (wrapper->kind != JSON_OBJECT || wrapper->n != 1 || !str_eq(wrapper->first->key, STR("json")))
        return refuse(why, "wrap the value in an object whose only member is \"json\"");
    struct buf text = {0};
    json_write(wrapper->first, &text);
    struct str copy = buf_ok(&text) ? arena_str(a, buf_str(&text)) : STR_NONE;
    buf_free(&text);
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
    struct arena tree = {0};
    struct error err = {0};
    struct json *wrapper;
    bool ok;
    if (json_parse(&tree, text, &wrapper, &err))
        ok = unwrap(wrapper, ctx->arena, ret, why);
    else if (err.code == ERROR_OUT_OF_MEMORY)
        ok = out_of_memory(why);
    else
        ok = refuse(why, err.message);
    arena_free(&tree);
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
