/* The inside of the analyzer: what its files share (typed.h is the front door).
 *
 *     analyze.c         queries: chains, set operations, the datasets named
 *     analyze_tables.c  FROM and JOIN: the tables of a select, and the look-up of columns
 *     analyze_select.c  a select: stars, aliases, clauses
 *     analyze_types.c   an expression's possible types, from the leaves up, and the functions that give them
 *     analyze_build.c   the expression of the type that was chosen, from the root down
 *     analyze_filter.c  name=value of a URL
 *     analyze_window.c  OVER and FILTER
 *     analyze_groups.c  aggregates, groups, windows: what may stand where
 *     analyze_problem.c refusals, and what may have been meant
 *
 * Only literals have several types, so an expression is first given the set of types that it may have (struct typing), each with
 * the function that makes it and what that costs in converted literals; then whoever needs it says which, and it is built. */
#ifndef SELTZER_SOQL_ANALYZE_H
#define SELTZER_SOQL_ANALYZE_H

#include "soql/names.h"
#include "soql/problem.h"
#include "soql/signature.h"
#include "soql/typed.h"

/* A relation, and into how many selects it unfolds: @this can be read twice by each link of a chain. */
struct relation_box {
    struct soql_relation relation;
    size_t selects;
};

struct known_dataset {
    struct str name;               /* folded, as the query names it */
    int dataset;                   /* -1: asked for, and there is none */
};

struct analyzer {
    struct arena *arena;
    const struct soql_catalog *catalog;
    struct soql_dataset datasets[SOQL_DATASETS_MAX];
    const struct soql_relation_column *columns[SOQL_DATASETS_MAX];
    struct name_table *names[SOQL_DATASETS_MAX]; /* column names of each */
    size_t n_datasets;
    struct known_dataset known[SOQL_SELECTS_MAX * 2];
    size_t n_known;
    size_t unfolded;               /* nodes that aliases stood for */
};

/* What a select reads: a dataset, or a relation. */
struct input {
    int dataset;                   /* -1: the relation */
    struct relation_box *relation;
    bool is_piped;                 /* what was before the pipe */
};

/* ── aliases ── */

enum alias_state { ALIAS_WAITING, ALIAS_BEGUN, ALIAS_DONE };

/* An output column. */
struct alias {
    struct str name;               /* folded */
    const struct soql_node *node;  /* NULL: of a star, its expression is there already */
    struct soql_place place;
    bool is_hidden;                /* @t.col keeps its name, but "col" goes on meaning the primary table's */
    enum alias_state state;
    struct soql_expr *expr;
    uint32_t size, depth;
};

/* Where an expression stands: the tables of its select, and the aliases. */
struct scope {
    struct analyzer *az;
    struct soql_table *tables;
    struct str *table_names;       /* folded; .p NULL: has none */
    struct name_table **names;     /* column names of each table, NULL for one without columns */
    size_t n_tables, n_visible;    /* visible: those that a join's ON can name */
    size_t selects;                /* into which this one unfolds */
    struct alias *aliases;
    size_t n_aliases;
    struct name_table alias_names;
    int defining;                  /* the alias whose definition is being read, -1: none */
    unsigned depth;
    const struct scope *around;    /* of the select that joins this one */
};

/* ── expressions ── */

enum typing_kind { TYPING_FIXED, TYPING_NUMBER, TYPING_STRING, TYPING_NULL, TYPING_CALL };

/* One way to give a call a type. */
struct choice {
    enum soql_kind kind;
    uint32_t cost;                 /* literals that become something else than what they look like */
    const struct soql_function *function;
    const struct signature *signature; /* NULL: CASE, AND, OR, which repeat */
    enum soql_kind variables[SIGNATURE_VARIABLES_MAX];
};

struct typing {
    const struct soql_node *node;
    enum typing_kind kind;
    soql_kinds kinds;              /* never empty */
    uint32_t size, depth;
    const struct row_id_key *row_ids; /* of the first :id or :version in it */
    struct soql_expr *fixed;
    struct typing **args;
    size_t n;
    struct choice *choices;        /* one a kind */
    size_t n_choices;
    struct soql_expr *filter;
    struct soql_expr_window *over;
};

/* What errors and limits call the clause. */
enum clause { CLAUSE_SELECT, CLAUSE_WHERE, CLAUSE_GROUP, CLAUSE_HAVING, CLAUSE_ORDER, CLAUSE_JOIN, CLAUSE_FILTER };

must_use bool type_node(struct scope *s, const struct soql_node *n, struct typing **ret, struct error *err);
uint32_t typing_cost(const struct typing *t, enum soql_kind k);
enum soql_kind typing_best(const struct typing *t);
/* row_ids: whose row ids string literals are, when nothing in the expression says so. */
must_use bool build_typing(struct scope *s, const struct typing *t, enum soql_kind k, const struct row_id_key *row_ids,
                           struct soql_expr **ret, struct error *err);
/* Both, of the type that the expression has by itself. */
must_use bool analyze_expression(struct scope *s, const struct soql_node *n, struct soql_expr **ret, struct error *err);
/* A condition. The code is that of what is no condition: `function` names the place in a type mismatch. */
must_use bool analyze_condition(struct scope *s, const struct soql_node *n, enum error_code code, const char *function,
                                struct soql_expr **ret, struct error *err);
must_use bool analyze_order(struct scope *s, const struct soql_order *order, size_t n, struct soql_expr_order *ret, struct error *err);
must_use bool analyze_calls_extras(struct scope *s, const struct soql_node *n, const struct soql_function *f, struct typing *t,
                                   struct error *err);
void expr_finish(struct soql_expr *e); /* its hash */
struct soql_expr *expr_column(struct analyzer *az, const struct soql_table *tables, int table, int column, struct soql_place place);

/* ── tables ── */

must_use bool analyze_tables(struct scope *s, const struct soql_select *sel, const struct input *in, struct error *err);
must_use bool analyze_joins_on(struct scope *s, const struct soql_select *sel, struct error *err);
/* The table of that qualifier, .p NULL for the primary one. */
must_use bool find_table(const struct scope *s, struct str qualifier, const struct soql_place *place, int *ret, struct error *err);
/* The column of that folded name, -1 if there is none. */
int find_column(const struct scope *s, int table, struct str folded);
/* A name where an expression stands: an alias, or a column. */
must_use bool type_name(struct scope *s, const struct soql_node *n, struct typing *ret, struct error *err);
must_use bool type_filter(struct scope *s, const struct soql_node *n, struct typing *ret, struct error *err);
must_use bool find_dataset(struct analyzer *az, struct str name, const struct soql_place *place, int *ret, struct error *err);

/* ── selects and queries ── */

must_use bool analyze_select(struct analyzer *az, const struct soql_select *sel, const struct input *in, const struct scope *around,
                             struct relation_box **ret, struct error *err);
must_use bool analyze_query(struct analyzer *az, const struct soql_query *q, const struct input *in, const struct scope *around,
                            struct relation_box **ret, struct error *err);
must_use bool resolve_alias(struct scope *s, size_t at, struct error *err);
must_use bool make_aliases(struct scope *s, const struct soql_select *sel, struct error *err);

/* ── what may stand where ── */

bool expr_has_aggregate(const struct soql_expr *e);
/* No aggregate and no window in the clause. */
must_use bool check_plain(struct analyzer *az, const struct soql_expr *e, enum clause clause, struct error *err);
/* Of an ungrouped select: no windows in windows. Of a grouped one: also nothing but groups and aggregates. */
must_use bool check_ungrouped(struct analyzer *az, const struct soql_expr *e, enum clause clause, struct error *err);
must_use bool check_grouped(struct scope *s, const struct soql_relation *r, const struct soql_expr *e, enum clause clause, struct error *err);

/* ── refusals: always false ── */

bool problem(const struct analyzer *az, struct error *err, enum error_code code, const struct soql_place *at, const char *fmt, ...)
    printf_like(5, 6);
bool problem_column(const struct scope *s, const struct soql_node *n, int table, struct error *err);
bool problem_function(const struct analyzer *az, const struct soql_node *n, struct str name, size_t arity, struct error *err);
bool problem_mismatch(const struct analyzer *az, const struct soql_node *n, struct str function, const struct soql_place *at,
                      soql_kinds found, soql_kinds wanted, struct error *err);

/* A string for error_data_…, without its tail when it is long. */
static inline struct str shown(struct str s) { return str_head_utf8(s, 200); }

#endif
