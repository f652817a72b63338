/* FROM and JOIN, and what names mean (analyze.h; docs/wire/soql.md, "Tables"). */
#include "soql/analyze.h"

enum { TABLES_MAX = 32 }; /* of one select: SQLite joins at most 64, and the emitter may need some of its own */

/* ── datasets ── */

static bool add_dataset(struct analyzer *az, const struct soql_dataset *d, const struct soql_place *place, int *ret, struct error *err)
{
    for (size_t i = 0; i < az->n_datasets; i++)
        if (str_eq(az->datasets[i].name, d->name)) {
            *ret = (int)i;
            return true;
        }
    if (az->n_datasets == SOQL_DATASETS_MAX)
        return problem(az, err, ERROR_LIMIT_EXCEEDED, place, "a query reads at most %d datasets", SOQL_DATASETS_MAX);
    az->datasets[az->n_datasets] = *d;
    *ret = (int)az->n_datasets++;
    return true;
}

bool find_dataset(struct analyzer *az, struct str name, const struct soql_place *place, int *ret, struct error *err)
{
    struct str folded;
    if (!name_fold(az->arena, name, &folded))
        return error_no_memory(err);
    for (size_t i = 0; i < az->n_known; i++)
        if (str_eq(az->known[i].name, folded)) {
            *ret = az->known[i].dataset;
            return true;
        }
    struct soql_dataset found;
    *err = (struct error){0};
    if (!az->catalog || !az->catalog->find(az->catalog->ctx, name, &found, err)) {
        if (err->code != ERROR_NONE)
            return false;
        problem(az, err, ERROR_QUERY_NO_SUCH_TABLE, place, "No such table: " FMT_STR "; there is no such dataset, or it is not yours to read",
                ARG_STR(shown(name)));
        error_data_str(err, "table", shown(name));
        return false;
    }
    if (!add_dataset(az, &found, place, ret, err))
        return false;
    if (az->n_known < sizeof az->known / sizeof *az->known)
        az->known[az->n_known++] = (struct known_dataset){folded, *ret};
    return true;
}

static bool index_names(struct analyzer *az, const struct soql_relation_column *columns, size_t n, struct name_table **ret, struct error *err)
{
    struct name_table *t = arena_zalloc(az->arena, sizeof *t);
    if (!t || !name_table_init(t, az->arena, n))
        return error_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        struct str folded;
        if (!name_fold(az->arena, columns[i].name, &folded))
            return error_no_memory(err);
        if (!name_table_find(t, folded) && !name_table_add(t, az->arena, folded, (int)i))
            return error_no_memory(err);
    }
    *ret = t;
    return true;
}

/* The system columns, then the dataset's own. */
static bool describe_dataset(struct analyzer *az, int at, struct error *err)
{
    const struct soql_dataset *d = &az->datasets[at];
    size_t n = SYSTEM_COUNT + d->columns->n;
    struct soql_relation_column *c = arena_alloc(az->arena, n * sizeof *c);
    if (!c)
        return error_no_memory(err);
    for (size_t i = 0; i < SYSTEM_COUNT; i++) {
        enum system_column s = (enum system_column)i;
        bool has_key = s == SYSTEM_ID || s == SYSTEM_VERSION;
        c[i] = (struct soql_relation_column){str_from(system_column_name(s)), system_column_type(s), has_key ? d->row_ids : NULL};
    }
    for (size_t i = 0; i < d->columns->n; i++)
        c[SYSTEM_COUNT + i] = (struct soql_relation_column){d->columns->v[i].field_name, d->columns->v[i].type, NULL};
    az->columns[at] = c;
    return index_names(az, c, n, &az->names[at], err);
}

/* ── tables ── */

static bool use_dataset(struct scope *s, int dataset, struct soql_table *t, struct name_table **names, struct error *err)
{
    struct analyzer *az = s->az;
    if (!az->columns[dataset] && !describe_dataset(az, dataset, err))
        return false;
    *t = (struct soql_table){.kind = TABLE_DATASET, .dataset = dataset, .columns = az->columns[dataset],
                             .n_columns = SYSTEM_COUNT + az->datasets[dataset].columns->n};
    *names = az->names[dataset];
    return true;
}

static bool use_relation(struct scope *s, struct relation_box *r, const struct soql_place *place, struct soql_table *t, struct name_table **names,
                         struct error *err)
{
    s->selects += r->selects;
    if (s->selects > SOQL_SELECTS_MAX)
        return problem(s->az, err, ERROR_LIMIT_EXCEEDED, place, "a query has at most %d selects, those counted again that @this reads again",
                       SOQL_SELECTS_MAX);
    *t = (struct soql_table){.kind = TABLE_RELATION, .dataset = -1, .relation = &r->relation, .columns = r->relation.columns,
                             .n_columns = r->relation.n_columns};
    return index_names(s->az, t->columns, t->n_columns, names, err);
}

static bool use_input(struct scope *s, const struct input *in, const struct soql_place *place, struct soql_table *t, struct name_table **names,
                      struct error *err)
{
    if (in->dataset >= 0)
        return use_dataset(s, in->dataset, t, names, err);
    return use_relation(s, in->relation, place, t, names, err);
}

/* The n-th table is called `name`, which must be free. */
static bool name_table_as(struct scope *s, size_t n, struct str name, bool is_alias, const struct soql_place *place, struct error *err)
{
    struct str folded;
    if (!name_fold(s->az->arena, name, &folded))
        return error_no_memory(err);
    if (str_eq(folded, STR("this")) || str_eq(folded, STR("single_row"))) {
        if (!is_alias && str_eq(folded, STR("single_row")))
            return true; /* it has no columns that one could name */
        problem(s->az, err, ERROR_QUERY_RESERVED_TABLE_ALIAS, place,
                is_alias ? "Reserved table alias: @" FMT_STR "; choose another name" : "@" FMT_STR " needs an alias: write AS @name", ARG_STR(folded));
        error_data_str(err, "description", folded);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!s->table_names[i].p || !str_eq(s->table_names[i], folded))
            continue;
        problem(s->az, err, ERROR_QUERY_DUPLICATE_ALIAS, place, "Duplicate alias: @" FMT_STR "; give each table a name of its own with AS",
                ARG_STR(shown(folded)));
        error_data_str(err, "name", shown(folded));
        return false;
    }
    s->table_names[n] = folded;
    return true;
}

static bool use_named(struct scope *s, size_t n, const struct soql_table_name *name, const struct input *in, struct error *err)
{
    struct soql_table *t = &s->tables[n];
    struct str folded;
    if (!name_fold(s->az->arena, name->name, &folded))
        return error_no_memory(err);
    bool ok;
    if (str_eq(folded, STR("this"))) {
        ok = use_input(s, in, &name->place, t, &s->names[n], err);
    } else if (str_eq(folded, STR("single_row"))) {
        *t = (struct soql_table){.kind = TABLE_SINGLE_ROW, .dataset = -1};
        ok = true;
    } else {
        int dataset = 0;
        ok = find_dataset(s->az, name->name, &name->place, &dataset, err) && use_dataset(s, dataset, t, &s->names[n], err);
    }
    bool is_alias = name->alias.p;
    return ok && name_table_as(s, n, is_alias ? name->alias : name->name, is_alias, is_alias ? &name->alias_place : &name->place, err);
}

static bool use_from(struct scope *s, const struct soql_select *sel, const struct input *in, struct error *err)
{
    if (!sel->has_from)
        return use_input(s, in, &sel->place, &s->tables[0], &s->names[0], err);
    if (in->is_piped && !str_eq_fold(sel->from.name, STR("this")))
        return problem(s->az, err, ERROR_QUERY_BAD_USE, &sel->from.place,
                       "Bad parse: after |> a query reads what is before it, FROM @this AS @name; others come in by JOIN");
    return use_named(s, 0, &sel->from, in, err);
}

static bool use_subselect(struct scope *s, size_t n, const struct soql_join *j, const struct input *in, struct error *err)
{
    struct input inner = *in;
    inner.is_piped = false;
    struct relation_box *r;
    return analyze_query(s->az, j->subselect, &inner, s, &r, err) && use_relation(s, r, &j->place, &s->tables[n], &s->names[n], err) &&
           name_table_as(s, n, j->table.alias, true, &j->table.alias_place, err);
}

static bool use_join(struct scope *s, size_t n, const struct soql_join *j, const struct input *in, struct error *err)
{
    if (j->has_arguments)
        return problem(s->az, err, ERROR_QUERY_BAD_USE, &j->table.place, "Bad parse: @" FMT_STR " takes no arguments; there are no parameterised views here",
                       ARG_STR(shown(j->table.name)));
    if (!(j->subselect ? use_subselect(s, n, j, in, err) : use_named(s, n, &j->table, in, err)))
        return false;
    s->tables[n].join = j->kind;
    s->tables[n].lateral = j->lateral;
    return true;
}

bool analyze_tables(struct scope *s, const struct soql_select *sel, const struct input *in, struct error *err)
{
    struct arena *a = s->az->arena;
    size_t n = 1 + sel->n_joins;
    if (n > TABLES_MAX)
        return problem(s->az, err, ERROR_LIMIT_EXCEEDED, &sel->joins[TABLES_MAX - 1].place, "a select has at most %d tables", TABLES_MAX);
    s->tables = arena_zalloc(a, n * sizeof *s->tables);
    s->table_names = arena_zalloc(a, n * sizeof *s->table_names);
    s->names = arena_zalloc(a, n * sizeof(struct name_table *));
    if (!s->tables || !s->table_names || !s->names)
        return error_no_memory(err);
    if (!use_from(s, sel, in, err))
        return false;
    s->n_tables = 1;
    for (size_t i = 0; i < sel->n_joins; i++) {
        if (!use_join(s, i + 1, &sel->joins[i], in, err))
            return false;
        s->n_tables++;
    }
    s->n_visible = s->n_tables;
    return true;
}

/* ── ON ── */

static int last_table(const struct soql_expr *e)
{
    int last = e->kind == EXPR_COLUMN ? e->table : 0;
    for (size_t i = 0; e->kind == EXPR_CALL && i < e->n; i++) {
        int t = last_table(e->args[i]);
        last = t > last ? t : last;
    }
    return last;
}

/* a = a holds for every pair of rows: nobody means that. */
static const struct soql_expr *find_trivial(const struct soql_expr *e)
{
    if (e->kind != EXPR_CALL)
        return NULL;
    if (str_eq(str_from(e->function->name), STR("op$and"))) {
        for (size_t i = 0; i < e->n; i++) {
            const struct soql_expr *found = find_trivial(e->args[i]);
            if (found)
                return found;
        }
        return NULL;
    }
    bool compares = e->n == 2 && e->type == &type_boolean && str_starts(str_from(e->function->name), STR("op$"));
    return compares && e->args[0]->kind != EXPR_LITERAL && soql_expr_equal(e->args[0], e->args[1]) ? e : NULL;
}

bool analyze_joins_on(struct scope *s, const struct soql_select *sel, struct error *err)
{
    for (size_t i = 0; i < sel->n_joins; i++) {
        struct soql_table *t = &s->tables[i + 1];
        s->n_visible = i + 2;
        if (!analyze_condition(s, sel->joins[i].on, ERROR_QUERY_TYPE_MISMATCH, "JOIN", &t->on, err) ||
            !check_plain(s->az, t->on, CLAUSE_JOIN, err))
            return false;
        if (last_table(t->on) > (int)i + 1)
            return problem(s->az, err, ERROR_QUERY_NO_SUCH_TABLE, &sel->joins[i].on->place,
                           "No such table: a condition of JOIN sees the tables before it and its own, and an alias in it means one of a later JOIN");
        const struct soql_expr *trivial = find_trivial(t->on);
        if (trivial)
            return problem(s->az, err, ERROR_QUERY_INVALID_JOIN, &trivial->place,
                           "Invalid join: the same expression stands on both sides; columns of the joined table are written @table.column");
    }
    s->n_visible = s->n_tables;
    return true;
}

/* ── names ── */

static int table_called(const struct scope *s, struct str folded)
{
    for (size_t i = 0; i < s->n_tables; i++)
        if (s->table_names[i].p && str_eq(s->table_names[i], folded))
            return (int)i;
    return -1;
}

static const char *why_no_table(const struct scope *s, struct str folded)
{
    if (table_called(s, folded) >= 0)
        return "; it is joined only later";
    for (const struct scope *around = s->around; around; around = around->around)
        if (table_called(around, folded) >= 0)
            return "; it is a table of the select around this one, which a sub-select cannot see, LATERAL or not: join on its columns with ON";
    return "";
}

static const char *near_table(const struct scope *s, struct str folded)
{
    const char *names[TABLES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < s->n_visible; i++) {
        struct str z = s->table_names[i].p ? arena_str(s->az->arena, s->table_names[i]) : STR_NONE;
        if (z.p)
            names[n++] = z.p;
    }
    return soql_nearest(folded, names, n);
}

bool find_table(const struct scope *s, struct str qualifier, const struct soql_place *place, int *ret, struct error *err)
{
    *ret = 0;
    if (!qualifier.p)
        return true;
    struct str folded;
    if (!name_fold(s->az->arena, qualifier, &folded))
        return error_no_memory(err);
    *ret = table_called(s, folded);
    if (*ret >= 0 && (size_t)*ret < s->n_visible)
        return true;
    const char *why = why_no_table(s, folded), *near = *why ? NULL : near_table(s, folded);
    problem(s->az, err, ERROR_QUERY_NO_SUCH_TABLE, place, "No such table: " FMT_STR "%s%s%s%s", ARG_STR(shown(qualifier)), why,
            near ? "; did you mean @" : "", near ? near : "", near ? "?" : "");
    error_data_str(err, "table", shown(qualifier));
    return false;
}

int find_column(const struct scope *s, int table, struct str folded)
{
    const struct name_slot *slot = s->names[table] ? name_table_find(s->names[table], folded) : NULL;
    return slot ? slot->value : -1;
}

/* Aliases stand for their expressions, so a few of them can stand for a great deal. */
static bool unfold(struct scope *s, const struct alias *a, const struct soql_node *n, struct typing *ret, struct error *err)
{
    s->az->unfolded += a->size;
    if (s->az->unfolded > SOQL_NODES_MAX)
        return problem(s->az, err, ERROR_LIMIT_EXCEEDED, &n->place, "aliases unfold into more than %d parts", SOQL_NODES_MAX);
    ret->fixed = a->expr;
    ret->size = a->size;
    ret->depth = a->depth;
    return true;
}

bool type_name(struct scope *s, const struct soql_node *n, struct typing *ret, struct error *err)
{
    struct str folded;
    if (!name_fold(s->az->arena, n->text, &folded))
        return error_no_memory(err);
    const struct name_slot *slot = n->qualifier.p ? NULL : name_table_find(&s->alias_names, folded);
    if (slot && slot->value != s->defining && !s->aliases[slot->value].is_hidden) {
        size_t at = (size_t)slot->value;
        if (!resolve_alias(s, at, err) || !unfold(s, &s->aliases[at], n, ret, err))
            return false;
    } else {
        int table, column;
        if (!find_table(s, n->qualifier, &n->place, &table, err))
            return false;
        column = find_column(s, table, folded);
        if (column < 0)
            return problem_column(s, n, table, err);
        ret->fixed = expr_column(s->az, s->tables, table, column, n->place);
        if (!ret->fixed)
            return error_no_memory(err);
    }
    ret->kinds = KIND_BIT(kind_of(ret->fixed->type));
    ret->row_ids = ret->fixed->row_ids;
    return true;
}
