/* Checkbox: true or false, kept as 1 or 0 (docs/wire/types.md, checkbox). */
#include "rows/scalar.h"

#define WORD(text)                                                                                                               \
    {                                                                                                                            \
        text, sizeof(text) - 1                                                                                                   \
    }

static const struct {
    struct str word;
    int value;
} words[] = {
    {WORD("true"), 1}, {WORD("false"), 0}, {WORD("1"), 1},   {WORD("0"), 0},  {WORD("t"), 1},  {WORD("f"), 0},
    {WORD("y"), 1},    {WORD("n"), 0},     {WORD("yes"), 1}, {WORD("no"), 0}, {WORD("on"), 1}, {WORD("off"), 0},
};

static bool parse_word(struct str s, struct cell *ret, struct type_refusal *why)
{
    if (s.n == 0) {
        *ret = cell_null();
        return true;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (s.n != words[i].word.n || !str_eq_fold(s, words[i].word))
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
