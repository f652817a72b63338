/* Errors (error.h): the table, and the text that clients read. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const struct error_info table[ERROR_COUNT] = {
#define X(name, status, code, error_code, title) [ERROR_##name] = {status, code, error_code, title},
#include "base/errors.def"
#undef X
};

const struct error_info *error_info(enum error_code code)
{
    return &table[code];
}

/* vsnprintf may cut a character in two; a message is always whole UTF-8. */
static void trim_cut_character(char *text)
{
    struct str s = str_from(text);
    size_t bad;
    if (!str_is_utf8(s, &bad) && s.n - bad < 4)
        text[bad] = 0;
}

bool error_set(struct error *err, enum error_code code, const char *fmt, ...)
{
    va_list args;
    err->code = code;
    err->data[0] = 0;
    err->retry_after_s = 0;
    va_start(args, fmt);
    int n = vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    if (n < 0)
        err->message[0] = 0;
    if (n >= (int)sizeof err->message)
        trim_cut_character(err->message);
    return false;
}

void error_data_raw(struct error *err, const char *key, struct str json)
{
    size_t had = strlen(err->data), left = sizeof err->data - had;
    int n = snprintf(err->data + had, left, "%s\"%s\":" FMT_STR, had ? "," : "", key, ARG_STR(json));
    if (n < 0 || (size_t)n >= left)
        err->data[had] = 0;
}

void error_data_str(struct error *err, const char *key, struct str value)
{
    struct buf b = {0};
    buf_add_json(&b, value);
    if (buf_ok(&b))
        error_data_raw(err, key, buf_str(&b));
    buf_free(&b);
}

void error_data_i64(struct error *err, const char *key, int64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)value);
    error_data_raw(err, key, str_make(text, (size_t)n));
}

bool error_no_memory(struct error *err)
{
    error_set(err, ERROR_OUT_OF_MEMORY, "the server is out of memory; nothing was changed, try again");
    err->retry_after_s = 5;
    return false;
}

bool error_from_errno(struct error *err, int saved_errno, const char *what)
{
    switch (saved_errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return error_set(err, ERROR_DISK_FULL, "%s: the disk is full; nothing was changed", what);
    case ENOMEM:
        return error_no_memory(err);
    }
    char text[128];
    error_set(err, ERROR_STORE_UNAVAILABLE, "%s: %s", what, strerror_r(saved_errno, text, sizeof text));
    err->retry_after_s = 5;
    return false;
}

void error_write_json(const struct error *err, struct buf *out)
{
    const struct error_info *info = error_info(err->code);
    buf_printf(out, "{\"code\":\"%s\",\"errorCode\":\"%s\",\"error\":true,\"message\":", info->code, info->error_code);
    buf_add_json(out, str_from(err->message));
    buf_add_z(out, ",\"data\":{");
    buf_add_z(out, err->data);
    buf_add_z(out, "}}\n");
}
