/* The analyzer's front: queries made of selects (typed.h, analyze.h). */
#include "soql/analyze.h"

#include <stdio.h>

/* ── set operations ── */

static bool refuse_sides(const struct analyzer *az, enum error_code code, const struct soql_place *at, const char *what, const char *left,
                         const char *right, struct error *err)
{
    problem(az, err, code, at, "Two selects must have the same %s: %s, %s", what, left, right);
    char description[200];
    snprintf(description, sizeof description, "Two selects must have the same %s: %s, %s", what, left, right);
    error_data_str(err, "description", str_from(description));
    return false;
}

static bool sides_match(const struct analyzer *az, const struct soql_relation *l, const struct soql_relation *r, const struct soql_place *at,
                        struct error *err)
{
    if (l->n_columns != r->n_columns) {
        char left[24], right[24];
        snprintf(left, sizeof left, "%zu", l->n_columns);
        snprintf(right, sizeof right, "%zu", r->n_columns);
        return refuse_sides(az, ERROR_QUERY_COLUMN_COUNT_MISMATCH, at, "number of columns", left, right, err);
    }
    for (size_t i = 0; i < l->n_columns; i++) {
        const struct soql_relation_column *a = &l->columns[i], *b = &r->columns[i];
        if (a->type != b->type)
            return refuse_sides(az, ERROR_QUERY_COLUMN_TYPES_MISMATCH, at, "column type", a->type->soql_name, b->type->soql_name, err);
        if (a->row_ids && b->row_ids && memcmp(a->row_ids, b->row_ids, sizeof *a->row_ids) != 0)
            return refuse_sides(az, ERROR_QUERY_COLUMN_TYPES_MISMATCH, at, "column type", "row ids of one dataset", "row ids of another", err);
    }
    return true;
}

static bool combine(struct analyzer *az, const struct soql_query *q, struct relation_box *l, struct relation_box *r, struct relation_box **ret,
                    struct error *err)
{
    if (!sides_match(az, &l->relation, &r->relation, &q->place, err))
        return false;
    struct relation_box *box = arena_zalloc(az->arena, sizeof *box);
    if (!box)
        return error_no_memory(err);
    box->relation = (struct soql_relation){
        .columns = l->relation.columns, .n_columns = l->relation.n_columns, .is_set = true, .operation = q->operation,
        .left = &l->relation, .right = &r->relation,
    };
    box->selects = l->selects + r->selects;
    if (box->selects > SOQL_SELECTS_MAX)
        return problem(az, err, ERROR_LIMIT_EXCEEDED, &q->place, "a query has at most %d selects, those counted again that @this reads again",
                       SOQL_SELECTS_MAX);
    *ret = box;
    return true;
}

/* Recursion: as many levels as the query has selects, at most SOQL_SELECTS_MAX. */
bool analyze_query(struct analyzer *az, const struct soql_query *q, const struct input *in, const struct scope *around, struct relation_box **ret,
                   struct error *err)
{
    struct relation_box *left, *right;
    switch (q->kind) {
    case QUERY_SELECT:
        return analyze_select(az, q->select, in, around, ret, err);
    case QUERY_CHAIN:
        return analyze_query(az, q->left, in, around, &left, err) &&
               analyze_query(az, q->right, &(struct input){.dataset = -1, .relation = left, .is_piped = true}, around, ret, err);
    case QUERY_SET:
        return analyze_query(az, q->left, in, around, &left, err) && analyze_query(az, q->right, in, around, &right, err) &&
               combine(az, q, left, right, ret, err);
    }
    return error_set(err, ERROR_INTERNAL, "a query of no kind");
}

bool soql_analyze(const struct soql_query *q, const struct soql_dataset *primary, const struct soql_catalog *catalog, struct arena *a,
                  struct soql_analysis *ret, struct error *err)
{
    struct analyzer *az = arena_zalloc(a, sizeof *az);
    if (!az)
        return error_no_memory(err);
    *az = (struct analyzer){.arena = a, .catalog = catalog, .n_datasets = 1, .n_known = 1};
    az->datasets[0] = *primary;
    if (!name_fold(a, primary->name, &az->known[0].name))
        return error_no_memory(err);
    struct relation_box *box;
    if (!analyze_query(az, q, &(struct input){.dataset = 0}, NULL, &box, err))
        return false;
    *ret = (struct soql_analysis){&box->relation, az->datasets, az->n_datasets};
    return true;
}
