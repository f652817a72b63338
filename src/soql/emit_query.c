/* The typed tree to one SQL statement (typed.h, soql_emit_sql).
 *
 * A relation is a SELECT whose columns are called c0, c1…; a relation inside another is a sub-select in FROM, its table called t<n>.
 * Names of users never get into the text. What SQLite has not, it gets by row_number(): DISTINCT ON, INTERSECT ALL, EXCEPT ALL.
 *
 * Rows come in the order of their creation where the query asks for no order, and that is the last tie-break of the order it asks
 * for: paging is stable. A sub-select hands its row number on, as `s`, to the select that needs it for that. */
#include <stdio.h>

#include "rows/decimal.h"
#include "soql/emitter.h"

static void emit_relation(struct emitter *e, const struct soql_relation *r, bool is_result, bool with_sid);

/* ── relations within relations ── */

/* SQLite's parser has a stack of a hundred symbols, and fifteen selects within each other fill it: one that stands so deep is put in front of
 * the statement, by a name. It is used once, so SQLite plans it as it does one in parentheses. */
enum { INNER_SELECTS_MAX = 5 };

static void emit_named(struct emitter *e, const struct soql_relation *r, bool with_sid)
{
    struct buf own = {0}, *around = e->text;
    unsigned selects = e->selects;
    e->text = &own;
    e->selects = 0;
    emit_relation(e, r, false, with_sid);
    e->text = around;
    e->selects = selects;
    buf_printf(&e->named, "%sw%u AS (", e->n_named ? ", " : "WITH ", e->n_named);
    buf_add(&e->named, own.p, own.n);
    buf_add_byte(&e->named, ')');
    buf_printf(e->text, "w%u", e->n_named++);
    e->text->failed |= !buf_ok(&own) || !buf_ok(&e->named);
    buf_free(&own);
}

static void emit_inner(struct emitter *e, const struct soql_relation *r, bool with_sid)
{
    if (e->dialect == DIALECT_SQLITE && e->selects >= INNER_SELECTS_MAX) {
        emit_named(e, r, with_sid);
        return;
    }
    e->selects++;
    emit_text(e, "(");
    emit_relation(e, r, false, with_sid);
    emit_text(e, ")");
    e->selects--;
}

/* In front of the statement. */
static void emit_all_named(struct emitter *e)
{
    if (!e->n_named)
        return;
    buf_add_byte(&e->named, ' ');
    buf_add(&e->named, e->text->p, e->text->n);
    e->named.failed |= !buf_ok(e->text);
    buf_free(e->text);
    *e->text = e->named;
    e->named = (struct buf){0};
}

/* ── the row number, through sub-selects ── */

static bool hands_on_sid(const struct soql_relation *r);

static bool table_has_sid(const struct soql_table *t)
{
    return t->kind == TABLE_DATASET || (t->kind == TABLE_RELATION && hands_on_sid(t->relation));
}

static bool hands_on_sid(const struct soql_relation *r)
{
    return !r->is_set && !r->grouped && !r->distinct && !r->n_distinct_on && r->n_tables && table_has_sid(&r->tables[0]);
}

static void emit_sid(struct emitter *e, const struct scope *s, size_t table)
{
    const struct soql_table *t = &s->relation->tables[table];
    buf_printf(e->text, "t%u.%s", s->first + (unsigned)table, t->kind == TABLE_DATASET ? "sid" : "s");
}

/* ── FROM ── */

static void emit_table(struct emitter *e, const struct soql_table *t, unsigned number, bool with_sid)
{
    switch (t->kind) {
    case TABLE_DATASET:
        if (e->dialect == DIALECT_POSTGRES)
            emit_text(e, e->how->postgres_tables[t->dataset]);
        else if (t->dataset == 0)
            emit_text(e, "main.rows");
        else
            buf_printf(e->text, "d%d.rows", t->dataset);
        break;
    case TABLE_RELATION:
        emit_inner(e, t->relation, with_sid);
        break;
    case TABLE_SINGLE_ROW:
        emit_text(e, "(SELECT 1 AS one)");
        break;
    }
    buf_printf(e->text, " AS t%u", number);
}

/* c<n>, a value, and n, how many rows have it: from the least value to the next greater one, and so on; null first, as an index has it. */
static void emit_counted(struct emitter *e, unsigned number)
{
    int c = e->how->counted_column;
    buf_printf(e->text,
               "(SELECT NULL AS c%d, (SELECT count(*) FROM main.rows WHERE c%d IS NULL) AS n WHERE n > 0 UNION ALL SELECT * FROM"
               " (WITH RECURSIVE g(v) AS (SELECT min(c%d) FROM main.rows UNION ALL SELECT (SELECT min(c%d) FROM main.rows WHERE c%d > g.v) FROM g WHERE v IS NOT NULL)"
               " SELECT v, (SELECT count(*) FROM main.rows WHERE c%d = g.v) FROM g WHERE v IS NOT NULL)) AS t%u",
               c, c, c, c, c, c, number);
}

static void emit_from(struct emitter *e, const struct scope *s, bool needs_sid)
{
    static const char *const joins[] = {[JOIN_INNER] = " JOIN ", [JOIN_LEFT] = " LEFT JOIN ", [JOIN_RIGHT] = " RIGHT JOIN ", [JOIN_FULL] = " FULL JOIN "};
    const struct soql_relation *r = s->relation;
    emit_text(e, " FROM ");
    if (r == e->how->counted) {
        emit_counted(e, s->first);
        return;
    }
    for (size_t i = 0; i < r->n_tables; i++) {
        const struct soql_table *t = &r->tables[i];
        if (i)
            emit_text(e, joins[t->join]);
        emit_table(e, t, s->first + (unsigned)i, needs_sid && t->kind == TABLE_RELATION && hands_on_sid(t->relation));
        if (i) {
            emit_text(e, " ON ");
            emit_expression(e, s, t->on);
        }
    }
}

/* ── WHERE ── */

static bool is_searched(const struct soql_table *t, size_t column)
{
    enum type_id id = t->columns[column].type->id;
    return id == TYPE_TEXT || id == TYPE_URL;
}

static void emit_searched(struct emitter *e, const struct scope *s, size_t column)
{
    const struct type *type = s->relation->tables[0].columns[column].type;
    const struct soql_expr x = {.kind = EXPR_COLUMN, .type = type, .column = (int)column};
    const char *before = type->id != TYPE_URL ? "" : e->dialect == DIALECT_SQLITE ? "url_text(" : "seltzer.url_text(";
    emit_text(e, before);
    emit_expression(e, s, &x);
    emit_text(e, *before ? ")" : "");
}

/* All texts of a row, in calls of so many as a function takes: with few of them, one call and no other round it. */
static void emit_texts(struct emitter *e, const struct scope *s, const char *join)
{
    enum { ARGUMENTS_MAX = 90 }; /* SQLite takes 127, PostgreSQL 100 */
    const struct soql_table *t = &s->relation->tables[0];
    size_t count = 0, n = 0;
    for (size_t i = 0; i < t->n_columns; i++)
        count += is_searched(t, i);
    for (size_t i = 0; i < t->n_columns; i++) {
        if (!is_searched(t, i))
            continue;
        bool opens = count > ARGUMENTS_MAX && n % ARGUMENTS_MAX == 0;
        emit_text(e, opens && n ? "), " : ", ");
        emit_text(e, opens ? join : "");
        emit_searched(e, s, i);
        n++;
    }
    emit_text(e, count > ARGUMENTS_MAX ? ")" : "");
}

/* When the words are a number, numbers that equal it are found too. */
static void emit_searched_numbers(struct emitter *e, const struct scope *s, struct str canonical)
{
    const struct soql_table *t = &s->relation->tables[0];
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].type->id != TYPE_NUMBER)
            continue;
        const struct soql_expr column = {.kind = EXPR_COLUMN, .type = &type_number, .column = (int)i};
        emit_text(e, " OR ");
        emit_compared(e, s, &column);
        emit_text(e, " = ");
        emit_parameter(e, &type_number, cell_text(canonical));
    }
}

/* (docs/wire/soql.md, "Search") */
static void emit_search(struct emitter *e, const struct scope *s)
{
    struct str words = s->relation->search, canonical;
    enum decimal_status status = decimal_parse(str_trim(words), e->arena, &canonical);
    if (status == DECIMAL_NO_MEMORY)
        e->text->failed = true;
    emit_text(e, status == DECIMAL_OK ? "(" : "");
    if (e->dialect == DIALECT_SQLITE) {
        emit_text(e, "search_matches(");
        emit_parameter(e, &type_text, cell_text(words));
        emit_texts(e, s, "search_join(");
        emit_text(e, ")");
    } else {
        emit_text(e, "to_tsvector('english', concat_ws(' '");
        emit_texts(e, s, "concat_ws(' ', ");
        emit_text(e, ")) @@ plainto_tsquery('english', ");
        emit_parameter(e, &type_text, cell_text(words));
        emit_text(e, ")");
    }
    if (status != DECIMAL_OK)
        return;
    emit_searched_numbers(e, s, canonical);
    emit_text(e, ")");
}

static void emit_where(struct emitter *e, const struct scope *s)
{
    const struct soql_relation *r = s->relation;
    bool narrowed = r == e->how->narrowed, alone = !narrowed && !r->search.p;
    if (!r->where && !r->search.p)
        return;
    emit_text(e, " WHERE ");
    if (narrowed)
        buf_printf(e->text, "t%u.sid IN (SELECT value FROM json_each(?%zu))", s->first, e->how->narrowed_parameter);
    if (narrowed && r->search.p)
        emit_text(e, " AND ");
    if (r->search.p)
        emit_search(e, s);
    if (r->where && !alone)
        emit_text(e, " AND (");
    if (r->where)
        emit_expression(e, s, r->where);
    if (r->where && !alone)
        emit_text(e, ")");
}

/* ── GROUP BY, ORDER BY, LIMIT ── */

static bool any_aggregate(struct soql_expr *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct soql_expr *x = v[i];
        if (x->kind == EXPR_CALL && ((x->function->kind == FUNCTION_AGGREGATE && !x->over) || any_aggregate(x->args, x->n)))
            return true;
    }
    return false;
}

/* One group of all rows, though nothing is counted in it: HAVING says so to PostgreSQL, to SQLite only an aggregate in the list. */
static bool is_one_group(const struct soql_relation *r)
{
    return r->grouped && !r->n_group && !any_aggregate(r->selected, r->n_columns);
}

/* Not compared by code point here: equality is the same in every collation, and PostgreSQL must find the same text in SELECT. */
static void emit_group(struct emitter *e, const struct scope *s)
{
    const struct soql_relation *r = s->relation;
    for (size_t i = 0; i < r->n_group; i++) {
        emit_text(e, i ? ", " : " GROUP BY ");
        if (e->dialect == DIALECT_SQLITE)
            emit_compared(e, s, r->group[i]);
        else
            emit_expression(e, s, r->group[i]);
    }
    if (r->having) {
        emit_text(e, " HAVING ");
        emit_expression(e, s, r->having);
    } else if (is_one_group(r)) {
        emit_text(e, e->dialect == DIALECT_POSTGRES ? " HAVING true" : "");
    }
}

static bool is_sid(const struct soql_relation *r, const struct soql_expr *x)
{
    return x->kind == EXPR_COLUMN && r->tables[x->table].kind == TABLE_DATASET && x->column == SYSTEM_ID;
}

/* Whether the order as written leaves nothing to decide: the row number of the only table is in it. */
static bool order_is_total(const struct soql_relation *r)
{
    for (size_t i = 0; i < r->n_order; i++)
        if (r->n_tables == 1 && is_sid(r, r->order[i].by))
            return true;
    return false;
}

static bool breaks_ties(const struct soql_relation *r)
{
    return r->stable_order && hands_on_sid(r) && !order_is_total(r);
}

/* :id is never null, and a plain ORDER BY sid is the table's own order. */
static void emit_order_item(struct emitter *e, const struct scope *s, const struct soql_expr_order *o)
{
    if (s->relation->n_tables > 1 || !is_sid(s->relation, o->by)) {
        emit_order(e, s, o);
        return;
    }
    emit_expression(e, s, o->by);
    emit_text(e, o->descending ? " DESC" : " ASC");
}

static void emit_order_by(struct emitter *e, const struct scope *s)
{
    const struct soql_relation *r = s->relation;
    const char *between = " ORDER BY ";
    for (size_t i = 0; i < r->n_order; i++, between = ", ") {
        emit_text(e, between);
        emit_order_item(e, s, &r->order[i]);
    }
    if (!breaks_ties(r))
        return;
    for (size_t i = 0; i < r->n_tables; i++) {
        if (!table_has_sid(&r->tables[i]))
            continue;
        emit_text(e, between);
        emit_sid(e, s, i);
        emit_text(e, r->n_tables == 1 ? " ASC" : " ASC NULLS LAST");
        between = ", ";
    }
}

static void emit_limit(struct emitter *e, const struct soql_relation *r)
{
    bool sqlite = e->dialect == DIALECT_SQLITE;
    if (r->has_limit) {
        emit_text(e, " LIMIT ");
        emit_parameter(e, &type_row_identifier, cell_int(r->limit));
    } else if (r->has_offset && r->offset && sqlite) {
        emit_text(e, " LIMIT -1"); /* it knows no OFFSET alone */
    }
    if (r->has_offset && r->offset) {
        emit_text(e, " OFFSET ");
        emit_parameter(e, &type_row_identifier, cell_int(r->offset));
    }
}

/* ── SELECT ── */

/* c<i>, as replies are made of it. */
static void emit_handed_out(struct emitter *e, const struct type *type, const char *value)
{
    const char *round = dialect_result(e->dialect, type), *mark = strchr(round, '?');
    buf_add(e->text, round, (size_t)(mark - round));
    emit_text(e, value);
    emit_text(e, mark + 1);
}

static void emit_selected(struct emitter *e, const struct scope *s, size_t i, bool is_result, bool compared)
{
    const struct soql_expr *x = s->relation->selected[i];
    const char *round = is_result ? dialect_result(e->dialect, x->type) : "?", *mark = strchr(round, '?');
    buf_add(e->text, round, (size_t)(mark - round));
    bool plain = mark == round && mark[1] == 0;
    if (!plain)
        emit_text(e, "(");
    (compared ? emit_compared : emit_expression)(e, s, x);
    emit_text(e, plain ? "" : ")");
    emit_text(e, mark + 1);
    buf_printf(e->text, " AS c%zu", i);
}

static void emit_select_list(struct emitter *e, const struct scope *s, bool is_result, bool compared)
{
    const struct soql_relation *r = s->relation;
    for (size_t i = 0; i < r->n_columns; i++) {
        emit_text(e, i ? ", " : "");
        emit_selected(e, s, i, is_result, compared);
    }
    if (r->n_columns == 0)
        emit_text(e, "NULL AS none"); /* SQL wants something to select; the row is {} all the same */
    if (e->dialect == DIALECT_SQLITE && is_one_group(r))
        emit_text(e, ", count(*) AS g");
}

/* The list of what an inner select calls c0, c1… */
static void emit_outer_list(struct emitter *e, const struct soql_relation *r, bool is_result)
{
    for (size_t i = 0; i < r->n_columns; i++) {
        char name[32];
        snprintf(name, sizeof name, "c%zu", i);
        emit_text(e, i ? ", " : "");
        if (is_result)
            emit_handed_out(e, r->columns[i].type, name);
        else
            emit_text(e, name);
        if (is_result && strcmp(dialect_result(e->dialect, r->columns[i].type), "?") != 0)
            buf_printf(e->text, " AS c%zu", i);
    }
    if (r->n_columns == 0)
        emit_text(e, "NULL AS none");
}

static void emit_numbered_in_order(struct emitter *e, const struct scope *s, bool ties)
{
    const struct soql_relation *r = s->relation;
    const char *between = " ORDER BY ";
    emit_text(e, ", row_number() OVER (PARTITION BY ");
    emit_list(e, s, r->distinct_on, r->n_distinct_on, emit_compared);
    for (size_t i = 0; i < r->n_order; i++, between = ", ") {
        emit_text(e, between);
        emit_order(e, s, &r->order[i]);
    }
    for (size_t i = 0; ties && i < r->n_tables; i++) {
        if (!table_has_sid(&r->tables[i]))
            continue;
        emit_text(e, between);
        emit_sid(e, s, i);
        emit_text(e, " ASC NULLS LAST");
        between = ", ";
    }
    emit_text(e, ") AS n");
}

/* What the rows are ordered by, kept aside as o0, o1…, and their row numbers as s0, s1… */
static void emit_kept_aside(struct emitter *e, const struct scope *s, bool ties)
{
    const struct soql_relation *r = s->relation;
    for (size_t i = 0; i < r->n_order; i++) {
        emit_text(e, ", ");
        emit_compared(e, s, r->order[i].by);
        buf_printf(e->text, " AS o%zu", i);
    }
    for (size_t i = 0; ties && i < r->n_tables; i++) {
        if (!table_has_sid(&r->tables[i]))
            continue;
        emit_text(e, ", ");
        emit_sid(e, s, i);
        buf_printf(e->text, " AS s%zu", i);
    }
}

/* DISTINCT ON, which SQLite has not, and which in PostgreSQL would lose the order of creation: the first of each group, by the order that
 * was asked for and then by row number. */
static void emit_distinct_on(struct emitter *e, const struct scope *s, bool is_result)
{
    const struct soql_relation *r = s->relation;
    bool ties = !r->grouped && table_has_sid(&r->tables[0]);
    const char *between = " ORDER BY ";
    emit_text(e, "SELECT ");
    emit_outer_list(e, r, is_result);
    emit_text(e, " FROM (SELECT ");
    emit_select_list(e, s, false, false);
    emit_kept_aside(e, s, ties);
    emit_numbered_in_order(e, s, ties);
    e->selects++;
    emit_from(e, s, true);
    e->selects--;
    emit_where(e, s);
    emit_group(e, s);
    buf_printf(e->text, ") AS t%u WHERE n = 1", e->n_tables++);
    for (size_t i = 0; i < r->n_order; i++, between = ", ")
        buf_printf(e->text, "%so%zu%s %s NULLS %s", between, i, dialect_collation(e->dialect, r->order[i].by->type),
                   r->order[i].descending ? "DESC" : "ASC", r->order[i].nulls_first ? "FIRST" : "LAST");
    for (size_t i = 0; ties && i < r->n_tables; i++) {
        if (!table_has_sid(&r->tables[i]))
            continue;
        buf_printf(e->text, "%ss%zu ASC NULLS LAST", between, i);
        between = ", ";
    }
    emit_limit(e, r);
}

/* `s`, by which the select around this one keeps its order: the row number, or the place in the order that was asked for. */
static void emit_place_in_order(struct emitter *e, const struct scope *s)
{
    const struct soql_relation *r = s->relation;
    emit_text(e, r->n_order ? ", row_number() OVER (" : ", ");
    for (size_t i = 0; i < r->n_order; i++) {
        emit_text(e, i ? ", " : "ORDER BY ");
        emit_order(e, s, &r->order[i]);
    }
    emit_text(e, r->n_order ? ", " : "");
    emit_sid(e, s, 0);
    emit_text(e, r->n_order ? ") AS s" : " AS s");
}

static void emit_select(struct emitter *e, const struct soql_relation *r, bool is_result, bool compared, bool with_sid);

static bool is_ordered_by_window(const struct soql_relation *r)
{
    for (size_t i = 0; i < r->n_order; i++)
        if (expr_has_window(r->order[i].by))
            return true;
    return false;
}

/* Windows do not nest: the rows are numbered as they come out of their order, by a select around. */
static void emit_numbered(struct emitter *e, const struct soql_relation *r, bool compared)
{
    emit_text(e, "SELECT ");
    for (size_t i = 0; i < r->n_columns; i++)
        buf_printf(e->text, "c%zu, ", i);
    emit_text(e, "row_number() OVER () AS s FROM (");
    e->selects++;
    emit_select(e, r, false, compared, false);
    e->selects--;
    buf_printf(e->text, ") AS t%u", e->n_tables++);
}

static void emit_select(struct emitter *e, const struct soql_relation *r, bool is_result, bool compared, bool with_sid)
{
    if (with_sid && is_ordered_by_window(r)) {
        emit_numbered(e, r, compared);
        return;
    }
    struct scope s = {r, e->n_tables};
    e->n_tables += (unsigned)r->n_tables;
    if (r->n_distinct_on) {
        emit_distinct_on(e, &s, is_result);
        return;
    }
    emit_text(e, r->distinct ? "SELECT DISTINCT " : "SELECT ");
    emit_select_list(e, &s, is_result, compared || r->distinct);
    if (with_sid)
        emit_place_in_order(e, &s);
    emit_from(e, &s, with_sid || breaks_ties(r));
    emit_where(e, &s);
    emit_group(e, &s);
    emit_order_by(e, &s);
    emit_limit(e, r);
}

/* ── set operations ── */

/* By what a side's column is compared with the other side's. */
static const char *side_collation(const struct emitter *e, const struct soql_relation *side, size_t i)
{
    const struct scope s = {side, 0};
    return side->is_set ? dialect_collation(e->dialect, side->columns[i].type) : emit_collation_of(e, &s, side->selected[i]);
}

static void emit_names(struct emitter *e, const struct soql_relation *r, bool compared)
{
    for (size_t i = 0; i < r->n_columns; i++)
        buf_printf(e->text, "%sc%zu%s", i ? ", " : "", i, compared ? side_collation(e, r, i) : "");
    if (r->n_columns == 0)
        emit_text(e, "none");
}

/* A side as a plain select: SQLite takes no ORDER BY, LIMIT or parentheses in it, and compares by the collation of its columns. */
static void emit_side(struct emitter *e, const struct soql_relation *side, bool numbered)
{
    emit_text(e, "SELECT ");
    for (size_t i = 0; i < side->n_columns; i++)
        buf_printf(e->text, "%sc%zu%s AS c%zu", i ? ", " : "", i, side_collation(e, side, i), i);
    if (side->n_columns == 0)
        emit_text(e, "none");
    if (numbered) {
        emit_text(e, ", row_number() OVER (");
        if (side->n_columns) {
            emit_text(e, "PARTITION BY ");
            emit_names(e, side, true);
        }
        emit_text(e, ") AS n");
    }
    emit_text(e, " FROM ");
    emit_inner(e, side, false);
    buf_printf(e->text, " AS t%u", e->n_tables++);
}

static void emit_set(struct emitter *e, const struct soql_relation *r)
{
    static const struct {
        const char *word;
        bool numbered; /* in SQLite, which has no … ALL of it: equal rows are told apart by their count */
    } operations[] = {
        [SET_UNION] = {" UNION ", false},         [SET_UNION_ALL] = {" UNION ALL ", false},     [SET_INTERSECT] = {" INTERSECT ", false},
        [SET_INTERSECT_ALL] = {" INTERSECT ", true}, [SET_MINUS] = {" EXCEPT ", false},         [SET_MINUS_ALL] = {" EXCEPT ", true},
    };
    bool all = operations[r->operation].numbered, numbered = all && e->dialect == DIALECT_SQLITE;
    if (numbered) {
        emit_text(e, "SELECT ");
        emit_names(e, r, false);
        emit_text(e, " FROM (");
    }
    e->selects += numbered;
    emit_side(e, r->left, numbered);
    emit_text(e, operations[r->operation].word);
    emit_text(e, all && !numbered ? "ALL " : "");
    emit_side(e, r->right, numbered);
    e->selects -= numbered;
    if (numbered)
        buf_printf(e->text, ") AS t%u", e->n_tables++);
}

/* ── relations ── */

static bool is_handed_out_as_it_is(const struct emitter *e, const struct soql_relation *r)
{
    for (size_t i = 0; i < r->n_columns; i++)
        if (strcmp(dialect_result(e->dialect, r->columns[i].type), "?") != 0)
            return false;
    return true;
}

/* A result whose rows are compared with each other is handed out by a select around it: what is compared are the values. */
static bool needs_outer_select(const struct emitter *e, const struct soql_relation *r)
{
    return (r->is_set || r->distinct) && !is_handed_out_as_it_is(e, r);
}

static void emit_relation(struct emitter *e, const struct soql_relation *r, bool is_result, bool with_sid)
{
    e->depth++;
    if (is_result && needs_outer_select(e, r)) {
        emit_text(e, "SELECT ");
        emit_outer_list(e, r, true);
        emit_text(e, " FROM (");
        emit_relation(e, r, false, false);
        buf_printf(e->text, ") AS t%u", e->n_tables++);
    } else if (r->is_set) {
        emit_set(e, r);
    } else {
        emit_select(e, r, is_result, false, with_sid);
    }
    e->depth--;
}

bool soql_emit_sql(const struct soql_analysis *q, const struct soql_emission *how, struct arena *a, struct soql_compiled *ret, struct error *err)
{
    const struct soql_relation *r = q->relation;
    *ret = (struct soql_compiled){.datasets = q->datasets, .n_datasets = q->n_datasets};
    struct emitter e = {.dialect = how->dialect, .how = how, .analysis = q, .arena = a, .ret = ret, .text = &ret->query.sql.text};
    e.parameters = arena_zalloc(a, sizeof *e.parameters);
    struct result_column *columns = arena_alloc(a, (r->n_columns + 1) * sizeof *columns);
    if (!e.parameters || !columns)
        return error_no_memory(err);
    for (size_t i = 0; i < r->n_columns; i++)
        columns[i] = (struct result_column){r->columns[i].name, r->columns[i].type, r->columns[i].row_ids};
    ret->query.columns = columns;
    ret->query.n_columns = r->n_columns;
    emit_relation(&e, r, true, false);
    emit_all_named(&e);
    buf_free(&e.named);
    if (!buf_ok(e.text))
        return error_no_memory(err);
    return ret->query.sql.n <= SQL_PARAMETERS_MAX ||
           error_set(err, ERROR_LIMIT_EXCEEDED, "the query has %zu different values; at most %d are taken", ret->query.sql.n, SQL_PARAMETERS_MAX);
}
