/* Random SoQL with types: every function of functions.def with arguments that fit it, in every clause. */
#ifndef SELTZER_TESTS_GENERATE_H
#define SELTZER_TESTS_GENERATE_H

#include "base/buf.h"
#include "chance.h"
#include "rows/column.h"
#include "soql/kinds.h"

enum { FIELDS_MAX = 64, FIELD_REF_MAX = 32 };

/* What an expression can name. */
struct field {
    char ref[FIELD_REF_MAX];
    enum soql_kind kind;
};

struct fields {
    struct field v[FIELDS_MAX];
    size_t n;
    bool have_id; /* a dataset's own: :id is there */
};

/* `inside`: what aggregates take their arguments from; NULL: no aggregates here. */
struct context {
    const struct fields *fields, *inside;
    bool windows;
};

struct generator {
    struct chance chance;
    struct buf *out;
    const struct columns *quakes, *regions;
    unsigned long number; /* of the query: some call the functions in turn */
    unsigned names; /* aliases given out */
};

void generate_query(struct generator *g);
/* An expression of the kind. */
void generate_expression(struct generator *g, const struct context *c, enum soql_kind kind, unsigned depth);
/* A call by that line of functions.def, counted round; the kind that it gives. */
enum soql_kind generate_call_of(struct generator *g, const struct context *c, size_t line);
void generate_literal(struct generator *g, enum soql_kind kind);
/* A value that suits the argument, where few do; false: any will do. */
bool generate_suited(struct generator *g, const char *function, size_t at, enum soql_kind kind);
enum soql_kind generate_kind(struct chance *c, soql_kinds set);

#endif
