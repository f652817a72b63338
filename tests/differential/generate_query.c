/* Selects, chains, set operations and joins round the expressions. */
#include "generate.h"

#include <stdio.h>

#include "soql/functions.h"

enum { ITEMS_MAX = 4, TURN = 5 };

static const soql_kinds orderable = KIND_BIT(KIND_TEXT) | KIND_BIT(KIND_NUMBER) | KIND_BIT(KIND_BOOLEAN) | KIND_BIT(KIND_FLOATING) | KIND_BIT(KIND_FIXED) | KIND_BIT(KIND_DATE) | KIND_BIT(KIND_TIME);
static const soql_kinds groupable = KIND_BIT(KIND_TEXT) | KIND_BIT(KIND_NUMBER) | KIND_BIT(KIND_BOOLEAN) | KIND_BIT(KIND_FLOATING) | KIND_BIT(KIND_FIXED) | KIND_BIT(KIND_DATE) | KIND_BIT(KIND_URL);

/* ── fields ── */

static void add_field(struct fields *f, const char *prefix, struct str name, enum soql_kind kind)
{
    if (f->n == FIELDS_MAX)
        return;
    snprintf(f->v[f->n].ref, sizeof f->v[f->n].ref, "%s" FMT_STR, prefix, ARG_STR(name));
    f->v[f->n++].kind = kind;
}

static void add_columns(struct fields *f, const char *prefix, const struct columns *columns)
{
    for (size_t i = 0; i < columns->n; i++)
        add_field(f, prefix, columns->v[i].field_name, kind_of(columns->v[i].type));
}

static void fields_of_quakes(const struct generator *g, struct fields *ret)
{
    *ret = (struct fields){.have_id = true};
    add_columns(ret, "", g->quakes);
    add_field(ret, "", STR(":id"), KIND_ROW_IDENTIFIER);
    add_field(ret, "", STR(":version"), KIND_ROW_VERSION);
}

/* ── items ── */

/* expression AS x<n>, and the field that it becomes. */
static void generate_item(struct generator *g, const struct context *c, enum soql_kind kind, unsigned depth, struct fields *output)
{
    char name[FIELD_REF_MAX];
    generate_expression(g, c, kind, depth);
    snprintf(name, sizeof name, "x%u", g->names++);
    buf_printf(g->out, " as %s", name);
    add_field(output, "", str_from(name), kind);
}

static void generate_where(struct generator *g, const struct fields *in, unsigned percent)
{
    const struct context c = {.fields = in};
    if (!chance_percent(&g->chance, percent))
        return;
    buf_add_z(g->out, " where ");
    generate_expression(g, &c, KIND_BOOLEAN, 2);
}

static void generate_ordering(struct generator *g, const char *before, const char *ref)
{
    static const char *const ways[] = {"", " asc", " desc", " nulls first", " desc nulls last"};
    buf_printf(g->out, "%s%s%s", before, ref, chance_pick(&g->chance, ways));
}

static void generate_order(struct generator *g, const struct fields *in, unsigned percent)
{
    const struct context c = {.fields = in};
    if (!chance_percent(&g->chance, percent))
        return;
    buf_add_z(g->out, " order by ");
    generate_expression(g, &c, generate_kind(&g->chance, orderable), 2);
    generate_ordering(g, "", "");
}

/* By all that is put out, so that nothing is left to chance. */
static bool generate_order_by_all(struct generator *g, const struct fields *output)
{
    for (size_t i = 0; i < output->n; i++)
        if (!kinds_have(orderable, output->v[i].kind))
            return false;
    for (size_t i = 0; i < output->n; i++)
        generate_ordering(g, i ? ", " : " order by ", output->v[i].ref);
    return output->n > 0;
}

static void generate_limit(struct generator *g, unsigned percent)
{
    if (chance_percent(&g->chance, percent))
        buf_printf(g->out, " limit %d", chance_between(&g->chance, 0, 20));
    if (chance_percent(&g->chance, percent / 2))
        buf_printf(g->out, " offset %d", chance_between(&g->chance, 0, 10));
}

static enum soql_kind any_kind(struct generator *g)
{
    if (chance_percent(&g->chance, 2))
        return chance_percent(&g->chance, 50) ? KIND_ROW_IDENTIFIER : KIND_ROW_VERSION;
    return generate_kind(&g->chance, KINDS_ALL);
}

/* ── selects ── */

static void generate_plain(struct generator *g, const struct fields *in, const char *from, struct fields *output)
{
    const struct context c = {.fields = in, .windows = chance_percent(&g->chance, 25)};
    buf_add_z(g->out, "select ");
    for (unsigned i = 0, n = 1 + chance_below(&g->chance, ITEMS_MAX); i < n; i++) {
        buf_add_z(g->out, i ? ", " : "");
        generate_item(g, &c, any_kind(g), 3, output);
    }
    buf_add_z(g->out, from);
    generate_where(g, in, 45);
    generate_order(g, in, 35);
    generate_limit(g, 25);
}

static void generate_grouped(struct generator *g, const struct fields *in, const char *from, struct fields *output)
{
    const struct context plain = {.fields = in};
    struct fields keys = {0};
    unsigned n_keys = chance_below(&g->chance, 3), items = 1 + chance_below(&g->chance, ITEMS_MAX - 1);
    buf_add_z(g->out, "select ");
    for (unsigned i = 0; i < n_keys; i++) {
        generate_item(g, &plain, generate_kind(&g->chance, groupable), chance_below(&g->chance, 3), &keys);
        buf_add_z(g->out, ", ");
    }
    *output = keys;
    const struct context grouped = {.fields = &keys, .inside = in};
    for (unsigned i = 0; i < items; i++) {
        buf_add_z(g->out, i ? ", " : "");
        generate_item(g, &grouped, any_kind(g), 3, output);
    }
    buf_add_z(g->out, from);
    generate_where(g, in, 35);
    for (size_t i = 0; i < keys.n; i++)
        buf_printf(g->out, "%s%s", i ? ", " : " group by ", keys.v[i].ref);
    if (chance_percent(&g->chance, 25)) {
        buf_add_z(g->out, " having ");
        generate_expression(g, &grouped, KIND_BOOLEAN, 2);
    }
    if (chance_percent(&g->chance, 40) && generate_order_by_all(g, &keys))
        generate_limit(g, 30);
}

static void generate_distinct(struct generator *g, const struct fields *in, const char *from, struct fields *output)
{
    const struct context c = {.fields = in};
    buf_add_z(g->out, "select distinct ");
    for (unsigned i = 0, n = 1 + chance_below(&g->chance, 3); i < n; i++) {
        buf_add_z(g->out, i ? ", " : "");
        generate_item(g, &c, generate_kind(&g->chance, groupable), 1, output);
    }
    buf_add_z(g->out, from);
    generate_where(g, in, 30);
    if (chance_percent(&g->chance, 50) && generate_order_by_all(g, output))
        generate_limit(g, 40);
}

static void generate_distinct_on(struct generator *g, const struct fields *in, const char *from, struct fields *output)
{
    const struct context c = {.fields = in};
    struct buf key = {0}, *out = g->out;
    g->out = &key;
    generate_expression(g, &c, generate_kind(&g->chance, orderable), 1);
    g->out = out;
    buf_printf(g->out, "select distinct on (" FMT_STR ") ", ARG_STR(buf_str(&key)));
    for (unsigned i = 0, n = 1 + chance_below(&g->chance, 3); i < n; i++) {
        buf_add_z(g->out, i ? ", " : "");
        generate_item(g, &c, any_kind(g), 2, output);
    }
    buf_add_z(g->out, from);
    generate_where(g, in, 30);
    if (chance_percent(&g->chance, 60)) {
        buf_printf(g->out, " order by " FMT_STR, ARG_STR(buf_str(&key)));
        generate_ordering(g, "", "");
        buf_add_z(g->out, ", ");
        generate_expression(g, &c, generate_kind(&g->chance, orderable), 1);
    }
    generate_limit(g, 30);
    buf_free(&key);
}

static void generate_select(struct generator *g, const struct fields *in, const char *from, struct fields *output)
{
    unsigned which = chance_below(&g->chance, 100);
    *output = (struct fields){0};
    if (which < 50)
        generate_plain(g, in, from, output);
    else if (which < 80)
        generate_grouped(g, in, from, output);
    else if (which < 92)
        generate_distinct(g, in, from, output);
    else
        generate_distinct_on(g, in, from, output);
}

/* ── joins ── */

static void generate_joined(struct generator *g, struct fields *output)
{
    static const char *const kinds[] = {" join ", " left join ", " right outer join ", " full join "};
    static const char *const conditions[] = {"region = @r.code", "region = @r.code", "depth = @r.depth", "felt = @r.coastal", "caseless_eq(name, @r.title)", "region = @r.code and depth <> @r.depth"};
    static const char *const handed_on[] = {"code", "depth", "coastal", "title"}; /* by the sub-select */
    struct fields in, regions = {0};
    struct buf from = {0}, *out = g->out;
    fields_of_quakes(g, &in);
    add_columns(&regions, "", g->regions);
    if (chance_percent(&g->chance, 25)) {
        buf_printf(&from, "%s(select code, depth, coastal, title from @regions", chance_pick(&g->chance, kinds));
        g->out = &from;
        generate_where(g, &regions, 50);
        g->out = out;
        buf_add_z(&from, ") as r on ");
        for (size_t i = 0; i < sizeof handed_on / sizeof *handed_on; i++)
            add_field(&in, "@r.", str_from(handed_on[i]), kind_of(g->regions->v[columns_find_field(g->regions, str_from(handed_on[i]))].type));
    } else {
        buf_printf(&from, "%s@regions as r on ", chance_pick(&g->chance, kinds));
        add_columns(&in, "@r.", g->regions);
    }
    buf_add_z(&from, chance_pick(&g->chance, conditions));
    buf_add_byte(&from, 0);
    in.have_id = false; /* it does not tell joined rows apart */
    generate_select(g, &in, from.p, output);
    buf_free(&from);
}

/* ── set operations ── */

static void generate_side(struct generator *g, const enum soql_kind *kinds, unsigned n, bool regions, struct fields *output)
{
    struct fields in = {0};
    if (regions)
        add_columns(&in, "", g->regions);
    else
        fields_of_quakes(g, &in);
    const struct context c = {.fields = &in};
    buf_add_z(g->out, "select ");
    for (unsigned i = 0; i < n; i++) {
        buf_add_z(g->out, i ? ", " : "");
        generate_item(g, &c, kinds[i], 1, output);
    }
    buf_add_z(g->out, regions ? " from @regions" : "");
    generate_where(g, &in, 40);
}

static void generate_set(struct generator *g, struct fields *output)
{
    static const char *const words[] = {" union ", " union all ", " intersect ", " intersect all ", " minus ", " minus all "};
    enum soql_kind kinds[3];
    unsigned n = 1 + chance_below(&g->chance, 3);
    for (unsigned i = 0; i < n; i++)
        kinds[i] = generate_kind(&g->chance, groupable);
    *output = (struct fields){0};
    generate_side(g, kinds, n, false, output);
    for (unsigned sides = 1 + chance_below(&g->chance, 2); sides > 0; sides--) {
        struct fields ignored = {0};
        bool grouped = chance_percent(&g->chance, 20);
        buf_printf(g->out, "%s%s", chance_pick(&g->chance, words), grouped ? "(" : "");
        generate_side(g, kinds, n, true, &ignored);
        if (grouped) {
            buf_add_z(g->out, chance_pick(&g->chance, words));
            generate_side(g, kinds, n, true, &ignored);
            buf_add_z(g->out, ")");
        }
    }
}

/* ── queries ── */

static void generate_search(struct generator *g, struct fields *output)
{
    /* Words and whole numbers: text that both tokenizers split alike (docs/wire/soql.md, "Search"). */
    static const char *const words[] = {"ridge", "north", "quakes", "running", "two words", "the", "abc", "straße", "ABC Ridge", "-17"};
    struct fields in;
    const struct context c = {.fields = &in};
    fields_of_quakes(g, &in);
    *output = (struct fields){0};
    buf_add_z(g->out, "select ");
    generate_item(g, &c, KIND_TEXT, 0, output);
    buf_add_z(g->out, ", ");
    generate_item(g, &c, any_kind(g), 1, output);
    generate_where(g, &in, 30);
    buf_printf(g->out, " search '%s'", chance_pick(&g->chance, words));
}

/* A function by its turn, so that none is left out: over the rows, or over the values of groups. */
static void generate_in_turn(struct generator *g, struct fields *output)
{
    struct fields in;
    size_t n;
    const struct soql_function *all = soql_functions(&n), *f = &all[g->number / TURN % n];
    fields_of_quakes(g, &in);
    bool grouped = f->kind == FUNCTION_AGGREGATE && chance_percent(&g->chance, 70);
    const struct context c = {.fields = &in, .inside = grouped ? &in : NULL, .windows = !grouped};
    *output = (struct fields){0};
    buf_add_z(g->out, grouped ? "select region as x0, " : "select ");
    enum soql_kind kind = generate_call_of(g, &c, g->number / TURN);
    buf_add_z(g->out, " as x1");
    add_field(output, "", STR("x1"), kind);
    generate_where(g, &in, 20);
    buf_add_z(g->out, grouped ? " group by region" : "");
}

void generate_query(struct generator *g)
{
    struct fields in, output;
    if (g->number % TURN == 0) {
        generate_in_turn(g, &output);
        return;
    }
    unsigned which = chance_below(&g->chance, 100);
    g->names = 0;
    fields_of_quakes(g, &in);
    if (which < 66)
        generate_select(g, &in, "", &output);
    else if (which < 82)
        generate_joined(g, &output);
    else if (which < 95)
        generate_set(g, &output);
    else
        generate_search(g, &output);
    for (unsigned links = chance_percent(&g->chance, 25) ? 1 + chance_below(&g->chance, 2) : 0; links > 0; links--) {
        in = output;
        in.have_id = false;
        buf_add_z(g->out, " |> ");
        generate_select(g, &in, "", &output);
    }
}
