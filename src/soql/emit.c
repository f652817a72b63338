/* A tree to SQL (emit.h). What goes into the text is ours alone: c<n>, the system columns, parameters by number. */
#include "soql/emit.h"

#include "soql/lexer.h"

/* A column by one number: the system columns first, then the dataset's in their order. */
typedef size_t source;

static const char *const system_sql[SYSTEM_COUNT] = {
    [SYSTEM_ID] = "sid", [SYSTEM_CREATED_AT] = "created", [SYSTEM_UPDATED_AT] = "updated", [SYSTEM_VERSION] = "version",
};

struct emitter {
    const struct columns *columns;
    const struct row_id_key *row_ids;
    struct arena *arena;
    struct query *query;
    bool *seen; /* per source, of the clause at hand */
};

static size_t n_sources(const struct emitter *e)
{
    return SYSTEM_COUNT + e->columns->n;
}

static const struct type *source_type(const struct emitter *e, source s)
{
    return s < SYSTEM_COUNT ? system_column_type((enum system_column)s) : e->columns->v[s - SYSTEM_COUNT].type;
}

static struct str source_name(const struct emitter *e, source s)
{
    return s < SYSTEM_COUNT ? str_from(system_column_name((enum system_column)s)) : e->columns->v[s - SYSTEM_COUNT].field_name;
}

static bool find_source(const struct emitter *e, struct str name, source *ret)
{
    enum system_column system;
    if (system_column_find(name, &system)) {
        *ret = (source)system;
        return true;
    }
    int at = columns_find_field(e->columns, name);
    if (at >= 0)
        *ret = SYSTEM_COUNT + (source)at;
    return at >= 0;
}

static bool resolve(const struct emitter *e, const struct soql_name *name, source *ret, struct error *err)
{
    if (find_source(e, name->text, ret))
        return true;
    struct str shown = str_head_utf8(name->text, 200);
    int near = columns_nearest(e->columns, name->text);
    struct str hint = near >= 0 ? e->columns->v[near].field_name : STR_NONE;
    soql_error(err, ERROR_QUERY_NO_SUCH_COLUMN, name->parameter, name->clause, name->at,
               "No such column: " FMT_STR "%s" FMT_STR "%s", ARG_STR(shown), hint.n ? " (did you mean " : "", ARG_STR(hint),
               hint.n ? "?)" : "");
    error_data_str(err, "column", shown);
    return false;
}

static void add_text(struct emitter *e, const char *z)
{
    buf_add_z(&e->query->sql.text, z);
}

static void add_source(struct emitter *e, source s)
{
    if (s < SYSTEM_COUNT) {
        add_text(e, system_sql[s]);
        return;
    }
    buf_add_byte(&e->query->sql.text, 'c');
    buf_add_i64(&e->query->sql.text, e->columns->v[s - SYSTEM_COUNT].physical);
}

/* The column where it is compared: SQLite would compare number texts by their bytes, and an expression loses the
 * column's collation, so every comparison and ordering says it. */
static void add_compared(struct emitter *e, source s)
{
    add_source(e, s);
    if (source_type(e, s)->id == TYPE_NUMBER)
        add_text(e, " COLLATE DECIMAL1");
}

static bool add_parameter(struct emitter *e, struct cell cell, struct error *err)
{
    struct sql_text *sql = &e->query->sql;
    if (sql->n == sql->cap) {
        size_t cap = sql->cap ? sql->cap * 2 : 8;
        struct cell *more = cap <= SQL_PARAMETERS_MAX ? arena_grow(e->arena, sql->parameters, sql->n * sizeof *more, cap * sizeof *more) : NULL;
        if (!more)
            return error_no_memory(err);
        sql->parameters = more;
        sql->cap = cap;
    }
    sql->parameters[sql->n++] = cell;
    buf_add_byte(&sql->text, '?');
    buf_add_u64(&sql->text, sql->n);
    return true;
}

/* ── SELECT ── */

static bool select_source(struct emitter *e, source s, struct error *err)
{
    if (e->seen[s]) {
        error_set(err, ERROR_QUERY_MALFORMED, "Duplicate alias: " FMT_STR " (a column can be selected once)", ARG_STR(source_name(e, s)));
        error_data_str(err, "name", source_name(e, s));
        return false;
    }
    e->seen[s] = true;
    add_text(e, e->query->n_columns ? ", " : "SELECT ");
    add_source(e, s);
    e->query->columns[e->query->n_columns++] = (struct result_column){.name = source_name(e, s), .type = source_type(e, s)};
    return true;
}

static bool select_range(struct emitter *e, source from, source to, struct error *err)
{
    for (source s = from; s < to; s++)
        if (!select_source(e, s, err))
            return false;
    return true;
}

/* :* is :id, :created_at, :updated_at, :version; * is the dataset's columns; nothing selected is *, with the three that
 * $$exclude_system_fields=false has always meant before it. */
static bool emit_selection(struct emitter *e, const struct soql_tree *tree, struct error *err)
{
    const struct soql_selection *s = &tree->selection;
    bool nothing = !s->system_star && !s->user_star && s->n == 0;
    source systems = s->system_star ? SYSTEM_COUNT : nothing && tree->system_fields ? SYSTEM_VERSION : 0;
    if (!select_range(e, 0, systems, err))
        return false;
    if ((s->user_star || nothing) && !select_range(e, SYSTEM_COUNT, n_sources(e), err))
        return false;
    for (size_t i = 0; i < s->n; i++) {
        source at = 0;
        if (!resolve(e, &s->names[i], &at, err) || !select_source(e, at, err))
            return false;
    }
    /* A dataset without columns: SQL wants something to select, the row is {} all the same. */
    add_text(e, e->query->n_columns ? " FROM rows" : "SELECT NULL FROM rows");
    return true;
}

/* ── WHERE ── */

static bool refuse_value(struct emitter *e, source s, struct str value, const char *expected, const char *hint, struct error *err)
{
    struct str shown = str_head_utf8(value, 200), name = source_name(e, s);
    error_set(err, ERROR_QUERY_TYPE_MISMATCH, "the filter " FMT_STR "=" FMT_STR " cannot be read: expected %s%s%s", ARG_STR(name),
              ARG_STR(shown), expected, hint[0] ? "; " : "", hint);
    error_data_str(err, "column", name);
    error_data_str(err, "value", shown);
    error_data_str(err, "type", str_from(source_type(e, s)->soql_name));
    return false;
}

/* The value as a cell of its column's storage, as the same text in a CSV upload would become one. */
static bool read_value(struct emitter *e, source s, struct str value, struct cell *ret, struct error *err)
{
    const struct type *type = source_type(e, s);
    int64_t number;
    if (type->id == TYPE_ROW_IDENTIFIER || type->id == TYPE_ROW_VERSION) {
        bool is_id = type->id == TYPE_ROW_IDENTIFIER;
        struct str text = str_trim(value);
        if (!(is_id ? row_id_parse(e->row_ids, text, &number) : row_version_parse(e->row_ids, text, &number)))
            return refuse_value(e, s, value, is_id ? "a row id like row-abcd~efgh~ijkm" : "a row version like rv-abcd~efgh~ijkm", "", err);
        *ret = cell_int(number);
        return true;
    }
    struct raw raw = {RAW_STRING, value};
    struct type_context context = {.arena = e->arena};
    struct type_refusal why = {0};
    if (!type->parse(type, &raw, &context, ret, &why))
        return why.expected[0] ? refuse_value(e, s, value, why.expected, why.hint, err) : error_no_memory(err);
    if (ret->kind == CELL_NULL)
        return refuse_value(e, s, value, "a value", "a filter compares with a value, nulls are equal to none", err);
    return true;
}

static bool emit_filter(struct emitter *e, const struct soql_filter *f, struct error *err)
{
    source s;
    struct cell value;
    if (!find_source(e, f->column, &s)) /* the parameters were told apart by this very look-up */
        return error_set(err, ERROR_INTERNAL, "a filter lost its column");
    if (!read_value(e, s, f->value, &value, err))
        return false;
    const struct type *type = source_type(e, s);
    if (type->id == TYPE_URL) {
        /* A url counts by its address: its description is no part of what is asked for. */
        struct str address;
        if (!type->key(&value, e->arena, &address))
            return error_no_memory(err);
        add_text(e, "json_extract(");
        add_source(e, s);
        add_text(e, ", '$.url')");
        value = cell_text(address);
    } else {
        add_compared(e, s);
    }
    add_text(e, " = ");
    return add_parameter(e, value, err);
}

/* A balanced tree of ANDs: engines limit the depth of an expression, not its size. Depth here: log2 of the parameters. */
static bool emit_filters(struct emitter *e, const struct soql_filter *f, size_t n, struct error *err)
{
    if (n == 1)
        return emit_filter(e, f, err);
    size_t half = n / 2;
    add_text(e, "(");
    if (!emit_filters(e, f, half, err))
        return false;
    add_text(e, " AND ");
    if (!emit_filters(e, f + half, n - half, err))
        return false;
    add_text(e, ")");
    return true;
}

/* ── ORDER BY ── */

static bool is_ordered(const struct type *t)
{
    switch ((int)t->id) { /* int: the two system types stand outside the enum's list */
    case TYPE_TEXT:
    case TYPE_NUMBER:
    case TYPE_CHECKBOX:
    case TYPE_FLOATING_TIMESTAMP:
    case TYPE_FIXED_TIMESTAMP:
    case TYPE_ROW_IDENTIFIER:
    case TYPE_ROW_VERSION:
        return true;
    }
    return false;
}

/* Nulls come last upwards and first downwards, as in PostgreSQL; SQLite's own default is the other way round. */
static void add_ordering(struct emitter *e, source s, const struct soql_ordering *o)
{
    add_compared(e, s);
    add_text(e, o->descending ? " DESC" : " ASC");
    if (s < SYSTEM_COUNT)
        return; /* never null */
    bool first = o->nulls == SOQL_NULLS_DEFAULT ? o->descending : o->nulls == SOQL_NULLS_FIRST;
    add_text(e, first ? " NULLS FIRST" : " NULLS LAST");
}

static bool emit_order(struct emitter *e, const struct soql_tree *tree, struct error *err)
{
    memset(e->seen, 0, n_sources(e) * sizeof *e->seen);
    add_text(e, " ORDER BY ");
    for (size_t i = 0; i < tree->n_order; i++) {
        const struct soql_ordering *o = &tree->order[i];
        source s = 0;
        if (!resolve(e, &o->name, &s, err))
            return false;
        if (!is_ordered(source_type(e, s))) {
            soql_error(err, ERROR_QUERY_TYPE_MISMATCH, o->name.parameter, o->name.clause, o->name.at,
                       "Un-orderable order by: " FMT_STR " is a %s, which has no order", ARG_STR(source_name(e, s)),
                       source_type(e, s)->soql_name);
            error_data_str(err, "column", source_name(e, s));
            return false;
        }
        /* What is already ordered by says nothing new, and after the row number nothing is left to say. */
        if (e->seen[s] || e->seen[SYSTEM_ID])
            continue;
        e->seen[s] = true;
        add_ordering(e, s, o);
        if (s != SYSTEM_ID)
            add_text(e, ", ");
    }
    if (!e->seen[SYSTEM_ID])
        add_text(e, "sid ASC");
    return true;
}

static bool begin(struct emitter *e, struct error *err)
{
    *e->query = (struct query){0};
    e->query->columns = arena_alloc(e->arena, n_sources(e) * sizeof *e->query->columns);
    e->seen = arena_zalloc(e->arena, n_sources(e) * sizeof *e->seen);
    return e->query->columns && e->seen ? true : error_no_memory(err);
}

/* The query goes to the caller when all went well, else nowhere. */
static bool finish(struct emitter *e, bool ok, struct query *ret, struct error *err)
{
    if (ok && !buf_ok(&e->query->sql.text))
        ok = error_no_memory(err);
    if (ok)
        *ret = *e->query;
    else
        query_fini(e->query);
    return ok;
}

static bool emit_all(struct emitter *e, const struct soql_tree *tree, struct error *err)
{
    if (!begin(e, err) || !emit_selection(e, tree, err))
        return false;
    if (tree->n_filters) {
        add_text(e, " WHERE ");
        if (!emit_filters(e, tree->filters, tree->n_filters, err))
            return false;
    }
    if (!emit_order(e, tree, err))
        return false;
    add_text(e, " LIMIT ");
    if (!add_parameter(e, cell_int(tree->limit), err))
        return false;
    if (tree->offset == 0)
        return true;
    add_text(e, " OFFSET ");
    return add_parameter(e, cell_int(tree->offset), err);
}

bool soql_emit(const struct soql_request *request, const struct soql_tree *tree, struct arena *a, struct query *ret, struct error *err)
{
    struct query query;
    struct emitter e = {.columns = request->columns, .row_ids = request->row_ids, .arena = a, .query = &query};
    return finish(&e, emit_all(&e, tree, err), ret, err);
}

static bool emit_row(struct emitter *e, bool system_columns, int64_t sid, struct error *err)
{
    struct soql_tree tree = {.selection = {.system_star = system_columns, .user_star = true}};
    if (!begin(e, err) || !emit_selection(e, &tree, err))
        return false;
    add_text(e, " WHERE sid = ");
    return add_parameter(e, cell_int(sid), err);
}

bool soql_compile_row(const struct columns *columns, bool system_columns, int64_t sid, struct arena *a, struct query *ret, struct error *err)
{
    struct query query;
    struct emitter e = {.columns = columns, .arena = a, .query = &query};
    return finish(&e, emit_row(&e, system_columns, sid, err), ret, err);
}

void query_fini(struct query *q)
{
    buf_free(&q->sql.text);
    q->sql.n = q->sql.cap = 0;
    q->n_columns = 0;
}
