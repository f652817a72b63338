/* What the tests of the SQL functions share: an expression is run on a connection as any query runs it, and its value shown as text. */
#ifndef SELTZER_TESTS_SQL_KIT_H
#define SELTZER_TESTS_SQL_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "sql/sql.h"

struct value_case {
    const char *expression, *value; /* NULL: null; "x'…" a blob, in hex */
};

struct refusal_case {
    const char *expression, *message; /* refused at place 7 */
};

static struct sql *sql;

static inline int open_sql(void **state)
{
    struct error err;
    (void)state;
    sql = sql_open(":memory:", SQL_BUILD, 1 << 20, &err);
    return sql ? 0 : -1;
}

static inline int close_sql(void **state)
{
    (void)state;
    sql_close(sql);
    return 0;
}

static inline void show(const struct cell *c, struct buf *out)
{
    if (c->kind == CELL_INT)
        buf_add_i64(out, c->i);
    else if (c->kind == CELL_TEXT)
        buf_add_str(out, c->s);
    else if (c->kind == CELL_BLOB) {
        buf_add_z(out, "x'");
        for (size_t i = 0; i < c->s.n; i++)
            buf_printf(out, "%02x", (unsigned char)c->s.p[i]);
    }
}

/* All rows of the first column, separated by |; a null is "null". */
static inline bool run(const char *expression, struct buf *out, bool *ret_is_null, struct error *err)
{
    struct buf text = {0};
    buf_printf(&text, "SELECT %s", expression);
    struct sql_statement *st = sql_prepare(sql, buf_str(&text), err);
    buf_free(&text);
    enum sql_step step = SQL_FAILED;
    size_t rows = 0;
    while (st && (step = sql_step(sql, st, err)) == SQL_ROW) {
        struct cell c;
        sql_cell(st, 0, &c);
        *ret_is_null = c.kind == CELL_NULL;
        if (rows++)
            buf_add_byte(out, '|');
        if (*ret_is_null && rows > 1)
            buf_add_z(out, "null");
        show(&c, out);
    }
    sql_finalize(st);
    return st && step == SQL_DONE;
}

static inline void check_values(const struct value_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct buf out = {0};
        struct error err = {0};
        bool is_null = false;
        if (!run(cases[i].expression, &out, &is_null, &err))
            fail_msg("%s: %s", cases[i].expression, err.message);
        bool ok = cases[i].value ? !is_null && str_eq(buf_str(&out), str_from(cases[i].value)) : is_null;
        if (!ok)
            fail_msg("%s is %s" FMT_STR ", not %s", cases[i].expression, is_null ? "null" : "", ARG_STR(buf_str(&out)),
                     cases[i].value ? cases[i].value : "null");
        buf_free(&out);
    }
}

static inline void check_refusals(const struct refusal_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct buf out = {0};
        struct error err = {0};
        bool is_null;
        if (run(cases[i].expression, &out, &is_null, &err))
            fail_msg("%s gives " FMT_STR, cases[i].expression, ARG_STR(buf_str(&out)));
        buf_free(&out);
        if (err.code != ERROR_QUERY_RUNTIME || sql_failure_place(sql) != 7 || strcmp(err.message, cases[i].message) != 0)
            fail_msg("%s: \"%s\" at %lld, not \"%s\"", cases[i].expression, err.message, (long long)sql_failure_place(sql), cases[i].message);
    }
}

#define N_OF(a) (sizeof(a) / sizeof *(a))

#endif
