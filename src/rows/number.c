/* Number: an exact decimal, kept as its canonical text (decimal.h; docs/wire/types.md, number). */
#include "rows/decimal.h"
#include "rows/scalar.h"

static const char expected_number[] = "a number like 42, -1.50 or 6.02e23";

/* Words that other programs write where a number is missing or has no value. */
static const char *const missing_words[] = {
    "nan", "na", "n/a", "null", "none", "nil", "-", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity", "#n/a",
};

/* What people leave in a number, by the mark that gives it away; the first that is found is named. */
static const struct {
    const char *mark, *hint;
} marks[] = {
    {"$", "remove the currency sign"},
    {"\xe2\x82\xac", "remove the currency sign"},
    {"\xc2\xa3", "remove the currency sign"},
    {"%", "remove the percent sign"},
    {"_", "remove the underscores"},
    {"0x", "write the number in decimal"},
    {"0X", "write the number in decimal"},
    {",", "remove the thousands separators; the decimal sign is a point"},
    {" ", "remove the blanks"},
    {"\xc2\xa0", "remove the blanks"},
    {"\xe2\x88\x92", "write the minus sign as -"},
};

static const char *hint_for(struct str s)
{
    for (size_t i = 0; i < sizeof missing_words / sizeof *missing_words; i++)
        if (str_eq_fold(s, str_from(missing_words[i])))
            return "send null, or leave the CSV cell empty, when there is no number";
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (s.n && memmem(s.p, s.n, marks[i].mark, strlen(marks[i].mark)))
            return marks[i].hint;
    return NULL;
}

static bool parse_lexeme(struct str s, struct type_context *ctx, struct cell *ret, struct type_refusal *why)
{
    struct str canonical = STR_NONE;
    switch (decimal_parse(s, ctx->arena, &canonical)) {
    case DECIMAL_OK:
        *ret = cell_text(canonical);
        return true;
    case DECIMAL_NOT_A_NUMBER:
        return scalar_refuse(why, expected_number, hint_for(s));
    case DECIMAL_TOO_LONG:
        return scalar_refuse(why, "a number of at most 4,096 digits when written out without exponent", NULL);
    case DECIMAL_NO_MEMORY:
        break;
    }
    return scalar_no_memory(why);
}

static bool parse(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret,
                  struct type_refusal *why)
{
    (void)t;
    struct str s;
    switch (raw->kind) {
    case RAW_NUMBER:
        return parse_lexeme(raw->text, ctx, ret, why);
    case RAW_STRING:
        s = scalar_trim(raw->text);
        if (s.n)
            return parse_lexeme(s, ctx, ret, why);
        break;
    case RAW_TRUE:
    case RAW_FALSE:
        return scalar_refuse(why, expected_number, "true and false need a checkbox column");
    case RAW_OBJECT:
    case RAW_ARRAY:
        return scalar_refuse(why, expected_number, NULL);
    case RAW_NULL:
        break;
    }
    *ret = cell_null();
    return true;
}

/* As text, because a JSON reader would round it to a double. */
static void write_json(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)t, (void)r;
    buf_add_byte(out, '"');
    decimal_write(c->s, out);
    buf_add_byte(out, '"');
}

static void write_csv(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)t, (void)r;
    decimal_write(c->s, out);
}

static int compare(const struct cell *a, const struct cell *b)
{
    return decimal_compare(a->s, b->s);
}

static bool key(const struct cell *c, struct arena *a, struct str *ret)
{
    (void)a;
    *ret = decimal_trim(c->s);
    return true;
}

const struct type type_number = {
    .id = TYPE_NUMBER,
    .storage = STORAGE_TEXT,
    .can_identify_rows = true,
    .soql_name = "number",
    .view_name = "number",
    .parse = parse,
    .write_json = write_json,
    .write_csv = write_csv,
    .compare = compare,
    .key = key,
};
