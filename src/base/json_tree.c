/* The tree for small documents (json.h), built by the same tokenizer that reads rows. */
#include "base/json.h"

/* A node is forty times the two bytes that it can cost to send one; a view of 1,500 columns with all that belongs to them has
 * fewer than a hundred thousand. */
enum { TREE_NODES_MAX = 250000, TREE_DEPTH_MAX = 64 };

struct builder {
    struct arena *arena;
    struct json *root;
    struct json *open[TREE_DEPTH_MAX + 1], *last[TREE_DEPTH_MAX + 1]; /* by depth: the container and its last child */
    unsigned depth;
    size_t nodes;
    struct str key;
};

static struct json *add_node(struct builder *b, enum json_kind kind, struct error *err)
{
    if (++b->nodes > TREE_NODES_MAX) {
        error_set(err, ERROR_LIMIT_EXCEEDED, "the json document has too many values: %d at most", TREE_NODES_MAX);
        error_data_i64(err, "limit", TREE_NODES_MAX);
        return NULL;
    }
    struct json *v = arena_zalloc(b->arena, sizeof *v);
    if (!v) {
        error_no_memory(err);
        return NULL;
    }
    v->kind = kind;
    v->key = b->key;
    b->key = STR_NONE;
    if (!b->depth) {
        b->root = v;
        return v;
    }
    struct json *parent = b->open[b->depth], *before = b->last[b->depth];
    if (before)
        before->next = v;
    else
        parent->first = v;
    b->last[b->depth] = v;
    parent->n++;
    return v;
}

static bool on_begin(void *ctx, enum json_kind kind, struct error *err)
{
    struct builder *b = ctx;
    struct json *v = add_node(b, kind, err);
    if (!v)
        return false;
    b->open[++b->depth] = v;
    b->last[b->depth] = NULL;
    return true;
}

static bool on_end(void *ctx, enum json_kind kind, struct error *err)
{
    (void)kind, (void)err;
    ((struct builder *)ctx)->depth--;
    return true;
}

static bool keep(struct builder *b, struct str text, struct str *ret, struct error *err)
{
    *ret = arena_str(b->arena, text);
    return ret->p || error_no_memory(err);
}

static bool on_key(void *ctx, struct str key, struct error *err)
{
    struct builder *b = ctx;
    return keep(b, key, &b->key, err);
}

static bool on_value(void *ctx, enum json_kind kind, struct str text, struct error *err)
{
    struct builder *b = ctx;
    struct json *v = add_node(b, kind, err);
    if (!v)
        return false;
    return (kind != JSON_STRING && kind != JSON_NUMBER) || keep(b, text, &v->text, err);
}

bool json_parse(struct arena *a, struct str text, struct json **ret, struct error *err)
{
    struct builder b = {.arena = a};
    struct json_events events = {.ctx = &b, .begin = on_begin, .end = on_end, .key = on_key, .value = on_value};
    struct json_limits limits = json_limits_default;
    limits.depth_max = TREE_DEPTH_MAX;
    struct json_parser *p = json_parser_new(&limits, &events, err);
    if (!p)
        return false;
    bool ok = json_parser_push(p, text, err) && json_parser_finish(p, err);
    json_parser_free(p);
    if (ok)
        *ret = b.root;
    return ok;
}

const struct json *json_get(const struct json *object, struct str key)
{
    const struct json *found = NULL;
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (const struct json *v = object->first; v; v = v->next)
        if (str_eq(v->key, key))
            found = v;
    return found;
}

struct str json_get_str(const struct json *object, struct str key)
{
    const struct json *v = json_get(object, key);
    return v && v->kind == JSON_STRING ? v->text : STR_NONE;
}

bool json_get_i64(const struct json *object, struct str key, int64_t *ret)
{
    const struct json *v = json_get(object, key);
    if (!v || (v->kind != JSON_NUMBER && v->kind != JSON_STRING))
        return false;
    bool negative = str_starts(v->text, STR("-"));
    uint64_t n;
    if (!str_to_u64(negative ? str_skip(v->text, 1) : v->text, &n) || n > (uint64_t)INT64_MAX + negative)
        return false;
    *ret = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

bool json_get_bool(const struct json *object, struct str key, bool *ret)
{
    const struct json *v = json_get(object, key);
    if (!v || (v->kind != JSON_TRUE && v->kind != JSON_FALSE))
        return false;
    *ret = v->kind == JSON_TRUE;
    return true;
}

/* Recursive: a tree is never deeper than TREE_DEPTH_MAX. */
void json_write(const struct json *v, struct buf *out)
{
    switch (v->kind) {
    case JSON_NULL:
        buf_add_z(out, "null");
        return;
    case JSON_FALSE:
        buf_add_z(out, "false");
        return;
    case JSON_TRUE:
        buf_add_z(out, "true");
        return;
    case JSON_NUMBER:
        buf_add_str(out, v->text);
        return;
    case JSON_STRING:
        buf_add_json(out, v->text);
        return;
    case JSON_OBJECT:
    case JSON_ARRAY:
        break;
    }
    bool object = v->kind == JSON_OBJECT;
    buf_add_byte(out, object ? '{' : '[');
    for (const struct json *child = v->first; child; child = child->next) {
        if (child != v->first)
            buf_add_byte(out, ',');
        if (object) {
            buf_add_json(out, child->key);
            buf_add_byte(out, ':');
        }
        json_write(child, out);
    }
    buf_add_byte(out, object ? '}' : ']');
}
