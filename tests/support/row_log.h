/* A sink that writes down what a reader says, so that two readings can be compared as text and a test's table can show what
 * it expects. Short form: `many|a=0|b=1|head|#2 0:"x"@1 1:null@3 .|` and, when refused, `!code {data} message`. */
#ifndef TESTS_ROW_LOG_H
#define TESTS_ROW_LOG_H

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "format/reader.h"

struct row_log {
    struct buf text;
    int names;
    bool quiet_columns; /* leave the columns out */
    bool takes_broken;  /* rows that cannot be read are told: ~slot:"text"@column(the message begins) */
};

static bool row_log_body(void *ctx, bool many, struct error *err)
{
    (void)err;
    buf_add_z(&((struct row_log *)ctx)->text, many ? "many|" : "one|");
    return true;
}

static bool row_log_name(void *ctx, struct str name, int *ret_slot, struct error *err)
{
    struct row_log *log = ctx;
    (void)err;
    *ret_slot = log->names++;
    buf_add_str(&log->text, name);
    buf_printf(&log->text, "=%d|", *ret_slot);
    return true;
}

static bool row_log_header_end(void *ctx, struct error *err)
{
    (void)err;
    buf_add_z(&((struct row_log *)ctx)->text, "head|");
    return true;
}

static bool row_log_row(void *ctx, enum row_shape shape, struct str what, uint64_t line, struct error *err)
{
    static const char *const shapes[] = {"#", "[]#", "?#"};
    struct row_log *log = ctx;
    (void)err;
    buf_printf(&log->text, "%s%llu ", shapes[shape], (unsigned long long)line);
    if (what.n)
        buf_printf(&log->text, "(" FMT_STR ") ", ARG_STR(what));
    return true;
}

static bool row_log_value(void *ctx, int slot, const struct raw *raw, uint64_t column, struct error *err)
{
    static const char *const kinds[] = {"null", "false", "true", "", "", "", ""};
    struct row_log *log = ctx;
    (void)err;
    buf_printf(&log->text, "%d:%s", slot, kinds[raw->kind]);
    if (raw->kind == RAW_STRING)
        buf_add_json(&log->text, raw->text);
    else if (raw->kind >= RAW_NUMBER)
        buf_add_str(&log->text, raw->text);
    if (!log->quiet_columns)
        buf_printf(&log->text, "@%llu", (unsigned long long)column);
    buf_add_byte(&log->text, ' ');
    return true;
}

static bool row_log_row_end(void *ctx, struct error *err)
{
    (void)err;
    buf_add_z(&((struct row_log *)ctx)->text, ".|");
    return true;
}

static bool row_log_broken(void *ctx, const struct row_fault *fault, struct error *err)
{
    struct row_log *log = ctx;
    (void)err;
    buf_printf(&log->text, "~%d:", fault->slot);
    buf_add_json(&log->text, fault->text);
    buf_printf(&log->text, "@%llu(" FMT_STR ") ", (unsigned long long)fault->column, ARG_STR(str_head(fault->message, 22)));
    return true;
}

static inline struct row_sink row_log_sink(struct row_log *log)
{
    return (struct row_sink){log, row_log_body, row_log_name, row_log_header_end, row_log_row, row_log_value, row_log_row_end, log->takes_broken ? row_log_broken : NULL};
}

/* Reads text in slices whose lengths next_cut(ctx, left) gives (NULL: one slice); each slice is a copy of its own size, so
 * that a sanitizer sees what reads beside it. The log's text, NUL-terminated, to be freed. */
static inline char *row_log_read_to(struct row_log log, enum reader_format format, const struct reader_limits *limits, struct str text,
                                    size_t (*next_cut)(void *ctx, size_t left), void *ctx)
{
    struct row_sink sink = row_log_sink(&log);
    struct error err;
    struct reader *r = reader_new(format, limits ? limits : &reader_limits_default, &sink, &err);
    bool ok = r != NULL;
    while (ok && text.n) {
        size_t n = next_cut ? next_cut(ctx, text.n) : text.n;
        char *slice = malloc(n ? n : 1);
        memcpy(slice, text.p, n);
        ok = reader_push(r, str_make(slice, n), &err);
        free(slice);
        text = str_skip(text, n);
    }
    ok = ok && reader_finish(r, &err);
    reader_free(r);
    if (!ok)
        buf_printf(&log.text, "!%s {%s} %s", error_info(err.code)->error_code, err.data, err.message);
    buf_add_byte(&log.text, 0);
    return log.text.p;
}

static inline char *row_log_read(enum reader_format format, const struct reader_limits *limits, struct str text,
                                 size_t (*next_cut)(void *ctx, size_t left), void *ctx)
{
    return row_log_read_to((struct row_log){0}, format, limits, text, next_cut, ctx);
}

/* Cutters: once after *ctx bytes, then the rest; and at random with the state *ctx. */
static inline size_t cut_once(void *ctx, size_t left)
{
    size_t *first = ctx, n = *first && *first < left ? *first : left;
    *first = 0;
    return n;
}

static inline size_t cut_at_random(void *ctx, size_t left)
{
    uint64_t *x = ctx;
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    size_t n = 1 + (size_t)(*x >> 33) % ((*x & 7) ? 5 : 90);
    return n < left ? n : left;
}

static inline uint64_t test_seed(void)
{
    const char *z = getenv("SELTZER_SEED");
    uint64_t seed = z ? strtoull(z, NULL, 0) : random_u64();
    printf("SELTZER_SEED=%llu\n", (unsigned long long)seed);
    return seed ? seed : 1;
}

#endif
