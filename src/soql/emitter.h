/* The emitter from inside: what emit_query.c (selects, joins, set operations), emit_expression.c (calls by their templates) and
 * dialect.c (how values of a type are read, bound, compared and handed out) share. The front door is soql_emit_sql (typed.h). */
#ifndef SELTZER_SOQL_EMITTER_H
#define SELTZER_SOQL_EMITTER_H

#include "rows/sql_text.h"
#include "soql/typed.h"

/* The select at hand: its tables are t<first>, t<first + 1>… in the text. */
struct scope {
    const struct soql_relation *relation;
    unsigned first;
};

/* Equal values share a parameter, so that an expression that stands in GROUP BY and in SELECT is the same text in both: the
 * engines would not take ?1 and ?2 for the same. */
enum { EMITTER_BUCKETS = 1024 };
struct emitter_parameters {
    int head[EMITTER_BUCKETS];     /* 1 + the latest parameter of the bucket */
    int *next;
    const struct type **types;
    size_t cap;
};

struct emitter {
    enum soql_dialect dialect;
    const struct soql_emission *how;
    const struct soql_analysis *analysis;
    struct arena *arena;
    struct soql_compiled *ret;
    struct buf *text;              /* of ret->query */
    struct emitter_parameters *parameters; /* which values have a number already */
    unsigned n_tables;             /* names given out */
    unsigned selects;              /* within each other, here */
    struct buf named;              /* WITH …: selects that would stand too deep */
    unsigned n_named;
    unsigned depth, deepest;       /* of expressions and selects within each other: now, and at ret->deepest */
};

static inline void emit_text(struct emitter *e, const char *z)
{
    buf_add_z(e->text, z);
}

/* ── emit_expression.c ── */
void emit_expression(struct emitter *e, const struct scope *s, const struct soql_expr *x);
/* Where its value is ordered by, compared, made distinct. */
void emit_compared(struct emitter *e, const struct scope *s, const struct soql_expr *x);
/* What then follows it; "" for most. */
const char *emit_collation_of(const struct emitter *e, const struct scope *s, const struct soql_expr *x);
void emit_order(struct emitter *e, const struct scope *s, const struct soql_expr_order *o);
void emit_list(struct emitter *e, const struct scope *s, struct soql_expr *const *v, size_t n,
               void (*each)(struct emitter *e, const struct scope *s, const struct soql_expr *x));
/* A value that no expression stands for: the words of a search, a limit. The same value is the same parameter. */
void emit_parameter(struct emitter *e, const struct type *type, struct cell cell);

/* ── dialect.c: "?" in a text stands for the parameter or value that it goes round ── */
const char *dialect_literal(enum soql_dialect d, const struct type *type);
const char *dialect_result(enum soql_dialect d, const struct type *type);
const char *dialect_null(const struct type *type);
/* What follows a value that is compared; "" for most. */
const char *dialect_collation(enum soql_dialect d, const struct type *type);
/* A column of a dataset's table. */
void emit_column(struct emitter *e, const struct type *type, unsigned table, int64_t physical);

#endif
