/* Checkbox: true or false, kept as 1 or 0 (docs/wire/types.md, checkbox). */
#include "rows/scalar.h"

static const struct {
    const char *word;
    int value;
} words[] = {
    {"true", 1}, {"false", 0}, {"t", 1},  {"f", 0},   {"yes", 1}, {"no", 0},
    {"y", 1},    {"n", 0},     {"on", 1}, {"off", 0}, {"1", 1},   {"0", 0},
};

static bool parse_word(struct str s, struct cell *ret, struct type_refusal *why)
{
    if (s.n == 0) {
        *ret = cell_null();
        return true;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!str_eq_fold(s, str_from(words[i].word)))
            continue;
        *ret = cell_int(words[i].value);
        return true;
    }
    return scalar_refuse(why, "true or false (also yes/no, t/f, y/n, on/off, 1/0 as text)", NULL);
}

static bool parse(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret,
                  struct type_refusal *why)
{
    (void)t, (void)ctx;
    switch (raw->kind) {
    case RAW_TRUE:
    case RAW_FALSE:
        *ret = cell_int(raw->kind == RAW_TRUE);
        return true;
    case RAW_STRING:
        return parse_word(scalar_trim(raw->text), ret, why);
    case RAW_NUMBER:
        return scalar_refuse(why, "true or false", "a JSON number is no checkbox; send true or false");
    case RAW_OBJECT:
    case RAW_ARRAY:
        return scalar_refuse(why, "true or false", NULL);
    case RAW_NULL:
        break;
    }
    *ret = cell_null();
    return true;
}

static void write(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)t, (void)r;
    buf_add_str(out, c->i ? STR("true") : STR("false"));
}

const struct type type_boolean = {
    .id = TYPE_CHECKBOX,
    .storage = STORAGE_INT,
    .can_identify_rows = true,
    .soql_name = "boolean",
    .view_name = "checkbox",
    .parse = parse,
    .write_json = write,
    .write_csv = write,
    .compare = scalar_compare_int,
    .key = scalar_key_int,
};
