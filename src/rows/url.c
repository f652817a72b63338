/* Url: an address and what to call it, kept as compact JSON, {"url":…,"description":…} with absent parts left out
 * (docs/wire/types.md, url). Whether an address is one, and safe to follow, is for those who show it. */
#include "base/json.h"
#include "rows/scalar.h"
#include "rows/text.h"

static const char expected_url[] = "an object {\"url\": …, \"description\": …} of strings, or an address as text";

struct parts {
    struct str url, description; /* .p NULL: absent */
};

static const struct str prefix_url = {"{\"url\":", 7};
static const struct str prefix_description = {"\"description\":", 14};

/* Half of an object, in normal form; strings only. */
static bool take_part(const struct json *v, struct type_context *ctx, struct str *ret, struct type_refusal *why)
{
    *ret = STR_NONE;
    if (!v || v->kind == JSON_NULL)
        return true;
    if (v->kind != JSON_STRING)
        return scalar_refuse(why, expected_url, "url and description must be strings");
    struct str s = v->text.p ? v->text : STR("");
    switch (text_normalize(s, ctx->arena, &ctx->nul_removed, ret)) {
    case TEXT_OK:
        return true;
    case TEXT_TOO_MANY_MARKS:
        return scalar_refuse(why, "text with at most 128 combining marks on one letter", NULL);
    case TEXT_NO_MEMORY:
        break;
    }
    return scalar_no_memory(why);
}

/* The stored form. */
static bool store(struct parts parts, struct type_context *ctx, struct cell *ret, struct type_refusal *why)
{
    if (!parts.url.p && !parts.description.p) {
        *ret = cell_null();
        return true;
    }
    struct buf b = {0};
    buf_add_byte(&b, '{');
    if (parts.url.p) {
        buf_add_z(&b, "\"url\":");
        buf_add_json(&b, parts.url);
    }
    if (parts.description.p) {
        if (parts.url.p)
            buf_add_byte(&b, ',');
        buf_add_str(&b, prefix_description);
        buf_add_json(&b, parts.description);
    }
    buf_add_byte(&b, '}');
    struct str s = buf_ok(&b) ? arena_str(ctx->arena, buf_str(&b)) : STR_NONE;
    buf_free(&b);
    if (!s.p)
        return scalar_no_memory(why);
    *ret = cell_text(s);
    return true;
}

static bool parse_object(struct str text, struct type_context *ctx, struct cell *ret, struct type_refusal *why)
{
    struct json *object;
    struct error err;
    if (!json_parse(ctx->arena, text, &object, &err)) {
        if (err.code == ERROR_OUT_OF_MEMORY)
            return scalar_no_memory(why);
        return scalar_refuse(why, expected_url, "text that starts with { must be the JSON of such an object");
    }
    if (object->kind != JSON_OBJECT)
        return scalar_refuse(why, expected_url, NULL);
    /* Losing what was given without a word is worse than a refusal: {"URL": …} is not an empty url. */
    if (object->n && !json_get(object, STR("url")) && !json_get(object, STR("description")))
        return scalar_refuse(why, expected_url, "the object has neither a member url nor a member description");
    struct parts parts;
    if (!take_part(json_get(object, STR("url")), ctx, &parts.url, why) ||
        !take_part(json_get(object, STR("description")), ctx, &parts.description, why))
        return false;
    return store(parts, ctx, ret, why);
}

static bool has_scheme(struct str s)
{
    size_t i = 0;
    while (i < s.n && ((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z'))
        i++;
    return i > 0 && i < s.n && s.p[i] == ':';
}

/* "description (address)", as a CSV export writes it, else all of it is the address. The address in parentheses must
 * have a scheme and no blank. */
static struct parts cut_text(struct str s)
{
    size_t open = 0;
    for (size_t i = s.n; i-- > 1;)
        if (s.p[i] == ' ') {
            open = i + 1;
            break;
        }
    if (open == 0 || s.p[open] != '(' || s.p[s.n - 1] != ')')
        return (struct parts){.url = s};
    struct str address = str_make(s.p + open + 1, s.n - open - 2);
    if (!has_scheme(address))
        return (struct parts){.url = s};
    return (struct parts){.url = address, .description = str_head(s, open - 1)};
}

static bool parse_text(struct str s, struct type_context *ctx, struct cell *ret, struct type_refusal *why)
{
    if (s.p[0] == '{')
        return parse_object(s, ctx, ret, why);
    struct json text = {.kind = JSON_STRING, .text = s};
    struct str clean;
    if (!take_part(&text, ctx, &clean, why))
        return false;
    return store(clean.n ? cut_text(clean) : (struct parts){{0, 0}, {0, 0}}, ctx, ret, why);
}

static bool parse(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret,
                  struct type_refusal *why)
{
    (void)t;
    struct str s;
    switch (raw->kind) {
    case RAW_OBJECT:
        return parse_object(raw->text, ctx, ret, why);
    case RAW_STRING:
        s = scalar_trim(raw->text);
        if (s.n)
            return parse_text(s, ctx, ret, why);
        break;
    case RAW_NUMBER:
    case RAW_TRUE:
    case RAW_FALSE:
    case RAW_ARRAY:
        return scalar_refuse(why, expected_url, NULL);
    case RAW_NULL:
        break;
    }
    *ret = cell_null();
    return true;
}

/* The stored form is our own, so that finding its strings needs no parser: they end at the first quote without a
 * backslash before it. */
static struct str cut_string(struct str *rest)
{
    struct str s = str_skip(*rest, 1);
    size_t n = 0;
    while (n < s.n && s.p[n] != '"')
        n += s.p[n] == '\\' ? 2 : 1;
    *rest = str_skip(s, n + 1);
    return str_head(s, n);
}

/* The two strings as they stand in the stored form, still escaped. */
static struct parts cut_stored(struct str s)
{
    struct parts parts = {{0, 0}, {0, 0}};
    if (str_starts(s, prefix_url)) {
        s = str_skip(s, prefix_url.n);
        parts.url = cut_string(&s);
    }
    s = str_skip(s, 1); /* "{" or "," */
    if (str_starts(s, prefix_description)) {
        s = str_skip(s, prefix_description.n);
        parts.description = cut_string(&s);
    }
    return parts;
}

static unsigned hex(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 32) - 'a' + 10);
}

/* The next byte of an escaped string, 0 at its end: what we write needs no more than this (a NUL is never kept). */
static unsigned char next_byte(struct str *s)
{
    static const char escapes[] = "b\bf\fn\nr\rt\t";
    if (s->n == 0)
        return 0;
    char c = s->p[0];
    if (c != '\\' || s->n < 2) {
        *s = str_skip(*s, 1);
        return (unsigned char)c;
    }
    c = s->p[1];
    if (c == 'u' && s->n >= 6) {
        c = (char)(hex(s->p[4]) << 4 | hex(s->p[5]));
        *s = str_skip(*s, 6);
        return (unsigned char)c;
    }
    *s = str_skip(*s, 2);
    for (size_t i = 0; escapes[i]; i += 2)
        if (escapes[i] == c)
            return (unsigned char)escapes[i + 1];
    return (unsigned char)c;
}

static int compare_escaped(struct str a, struct str b)
{
    for (;;) {
        unsigned char x = next_byte(&a), y = next_byte(&b);
        if (x != y)
            return x < y ? -1 : 1;
        if (x == 0)
            return 0;
    }
}

static void write_json(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)t, (void)r;
    buf_add_str(out, c->s);
}

static void add_unescaped(struct str s, struct buf *out)
{
    for (unsigned char c; (c = next_byte(&s)) != 0;)
        buf_add_byte(out, (char)c);
}

static void write_csv(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)t, (void)r;
    struct parts parts = cut_stored(c->s);
    add_unescaped(parts.description, out);
    if (!parts.url.p)
        return;
    if (parts.description.n)
        buf_add_z(out, " (");
    add_unescaped(parts.url, out);
    if (parts.description.n)
        buf_add_byte(out, ')');
}

/* By address, then by description. */
static int compare(const struct cell *a, const struct cell *b)
{
    struct parts x = cut_stored(a->s), y = cut_stored(b->s);
    int c = compare_escaped(x.url, y.url);
    return c ? c : compare_escaped(x.description, y.description);
}

/* The address alone; without one, the empty text. */
static bool key(const struct cell *c, struct arena *a, struct str *ret)
{
    struct str escaped = cut_stored(c->s).url;
    size_t at, n = 0;
    if (!str_find_byte(escaped, '\\', &at)) {
        *ret = escaped;
        return true;
    }
    char *p = arena_alloc(a, escaped.n);
    if (!p)
        return false;
    for (unsigned char byte; (byte = next_byte(&escaped)) != 0;)
        p[n++] = (char)byte;
    *ret = str_make(p, n);
    return true;
}

const struct type type_url = {
    .id = TYPE_URL,
    .storage = STORAGE_TEXT,
    .can_identify_rows = true,
    .soql_name = "url",
    .view_name = "url",
    .parse = parse,
    .write_json = write_json,
    .write_csv = write_csv,
    .compare = compare,
    .key = key,
};
