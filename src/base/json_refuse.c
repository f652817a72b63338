/* What the tokenizer refuses, and how it says so: where, what, and what to write instead (docs/wire/bodies.md, "JSON"). */
#include "base/json_parser.h"

#include <stdarg.h>
#include <stdio.h>

static void add_position(const struct json_parser *j, uint64_t at, struct error *err)
{
    error_data_i64(err, "row", (int64_t)j->place.row);
    error_data_i64(err, "column", (int64_t)(at - j->place.row_at + 1));
    error_data_i64(err, "byte", (int64_t)at);
}

bool json_refuse(const struct json_parser *j, uint64_t at, struct error *err, const char *fmt, ...)
{
    char detail[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    error_set(err, ERROR_BODY_MALFORMED_JSON, "the json request body is malformed at row %llu and column %llu: %s",
              (unsigned long long)j->place.row, (unsigned long long)(at - j->place.row_at + 1), detail);
    add_position(j, at, err);
    return false;
}

bool json_over_limit(const struct json_parser *j, enum error_code code, const char *what, size_t limit, struct error *err)
{
    uint64_t at = j->place.token_at;
    error_set(err, code, "%s at row %llu and column %llu of the json request body: %zu at most", what,
              (unsigned long long)j->place.row, (unsigned long long)(at - j->place.row_at + 1), limit);
    error_data_i64(err, "limit", (int64_t)limit);
    add_position(j, at, err);
    return false;
}

/* What people write for JSON that is not, and what to write instead. */
static const struct {
    const char *word, *hint;
} word_hints[] = {
    {"NaN", "NaN is not JSON; send null"},
    {"nan", "NaN is not JSON; send null"},
    {"Infinity", "Infinity is not JSON; send null"},
    {"Inf", "Infinity is not JSON; send null"},
    {"inf", "Infinity is not JSON; send null"},
    {"undefined", "undefined is not JSON; send null or leave the name out"},
    {"None", "None is not JSON; send null"},
    {"NULL", "write null in small letters"},
    {"Null", "write null in small letters"},
    {"True", "write true in small letters"},
    {"TRUE", "write true in small letters"},
    {"False", "write false in small letters"},
    {"FALSE", "write false in small letters"},
};

static const struct {
    unsigned char byte;
    const char *hint;
} byte_hints[] = {
    {'\'', "text takes double quotes, not single ones"},
    {'/', "JSON has no comments"},
    {'#', "JSON has no comments"},
    {'+', "a number takes no leading plus"},
    {'.', "a number takes a digit before the point: write 0.5"},
    {',', "a value is missing before the comma"},
    {':', "a value is missing before the colon"},
    {0x00, "a NUL byte; if the body is UTF-16, send UTF-8 or declare its charset in Content-Type"},
    {0xfe, "the body is UTF-16; send UTF-8 or declare its charset in Content-Type"},
    {0xff, "the body is UTF-16; send UTF-8 or declare its charset in Content-Type"},
    {0xef, "a second byte order mark, or text outside of quotes"},
};

void json_show_byte(unsigned char c, char ret[16])
{
    snprintf(ret, 16, c > ' ' && c < 0x7f ? "\"%c\"" : "byte 0x%02x", c);
}

bool json_refuse_byte(const struct json_parser *j, uint64_t at, unsigned char c, const char *expected, struct error *err)
{
    char shown[16];
    json_show_byte(c, shown);
    for (size_t i = 0; i < sizeof byte_hints / sizeof *byte_hints; i++)
        if (byte_hints[i].byte == c)
            return json_refuse(j, at, err, "expected %s, found %s (%s)", expected, shown, byte_hints[i].hint);
    return json_refuse(j, at, err, "expected %s, found %s", expected, shown);
}

bool json_refuse_word(const struct json_parser *j, struct str word, struct error *err)
{
    for (size_t i = 0; i < sizeof word_hints / sizeof *word_hints; i++)
        if (str_eq(word, str_from(word_hints[i].word)))
            return json_refuse(j, j->place.token_at, err, "%s", word_hints[i].hint);
    return json_refuse(j, j->place.token_at, err, "\"" FMT_STR "\" is not a value; text takes double quotes", ARG_STR(word));
}
