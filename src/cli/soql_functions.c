/* The functions of SoQL for people: `seltzer soql functions`, as plain text, or as the tables of docs/soql.md. */
#include <stdio.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "soql/functions.h"

/* How forms that are not calls are written; "%1" … are the arguments, "%*" those from the second on. What is not here is name(arguments). */
static const struct {
    const char *name, *one, *two, *three;
} forms[] = {
    {"op$and", NULL, "%1 AND %2", NULL},
    {"op$or", NULL, "%1 OR %2", NULL},
    {"op$not", "NOT %1", NULL, NULL},
    {"#IS_NULL", "%1 IS NULL", NULL, NULL},
    {"#IS_NOT_NULL", "%1 IS NOT NULL", NULL, NULL},
    {"#BETWEEN", NULL, NULL, "%1 BETWEEN %2 AND %3"},
    {"#NOT_BETWEEN", NULL, NULL, "%1 NOT BETWEEN %2 AND %3"},
    {"#IN", NULL, NULL, "%1 IN (%*)"},
    {"#NOT_IN", NULL, NULL, "%1 NOT IN (%*)"},
    {"#LIKE", NULL, "%1 LIKE %2", NULL},
    {"#NOT_LIKE", NULL, "%1 NOT LIKE %2", NULL},
    {"#CASE", NULL, "CASE WHEN %1 THEN %2 … ELSE a END", NULL},
    {"#SUBSCRIPT", NULL, "%1[%2]", NULL},
    {"#TEXT", "%1 || text", NULL, NULL},
};

enum {
    ARGUMENTS_MAX = 9,
    COLUMN = 64, /* where descriptions begin */
};

struct call {
    struct str args[ARGUMENTS_MAX]; /* "ordered a", "text", "a..." */
    size_t n;
};

static struct call split(const char *arguments)
{
    struct call c = {.n = 0};
    struct str rest = str_from(arguments), one;
    while (rest.n && c.n < ARGUMENTS_MAX) {
        bool last = !str_cut(rest, ',', &one, &rest);
        if (last)
            rest = STR_NONE;
        c.args[c.n++] = str_trim(one);
    }
    return c;
}

/* a... is "a, …": the function takes any number of them. */
static void add_argument(struct buf *out, struct str argument)
{
    bool more = str_ends(argument, STR("..."));
    buf_add_str(out, more ? STR("…") : argument);
}

static void add_arguments(struct buf *out, const struct call *c, size_t from)
{
    for (size_t i = from; i < c->n; i++) {
        if (i > from)
            buf_add_z(out, ", ");
        add_argument(out, c->args[i]);
    }
}

static void add_form(struct buf *out, const char *form, const struct call *c)
{
    for (const char *p = form; *p; p++)
        if (*p == '%' && p[1] == '*') {
            add_arguments(out, c, 1);
            p++;
        } else if (*p == '%' && p[1] >= '1' && (size_t)(p[1] - '1') < c->n) {
            add_argument(out, c->args[*++p - '1']);
        } else {
            buf_add_byte(out, *p);
        }
}

static const char *form_of(const struct soql_function *f, size_t n)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(f->name, forms[i].name) == 0)
            return n == 1 ? forms[i].one : n == 2 ? forms[i].two : forms[i].three;
    return NULL;
}

/* As it is written in a query: "number + number", "text::number", "upper(text)". */
static void add_call(struct buf *out, const struct soql_function *f)
{
    struct call c = split(f->arguments);
    const char *form = form_of(f, c.n);
    bool distinct = str_ends(str_from(f->name), STR("_distinct"));
    if (form) {
        add_form(out, form, &c);
    } else if (strncmp(f->name, "op$", 3) == 0) {
        if (c.n == 2)
            add_argument(out, c.args[0]);
        buf_printf(out, c.n == 2 ? " %s " : "%s", f->name + 3);
        add_argument(out, c.args[c.n - 1]);
    } else if (strncmp(f->name, "cast$", 5) == 0) {
        add_argument(out, c.args[0]);
        buf_printf(out, "::%s", f->name + 5);
    } else if (str_ends(str_from(f->name), STR("/*"))) {
        buf_printf(out, "%.*s(*)", (int)strlen(f->name) - 2, f->name);
    } else {
        buf_printf(out, distinct ? "%.*s(DISTINCT " : "%.*s(", (int)(strlen(f->name) - (distinct ? strlen("_distinct") : 0)), f->name);
        add_arguments(out, &c, 0);
        if (strcmp(f->name, "case") == 0)
            buf_add_z(out, ", …");
        buf_add_byte(out, ')');
    }
}

/* ── plain ── */

static void add_plain(struct buf *out, const struct soql_function *f)
{
    struct buf call = {0};
    add_call(&call, f);
    buf_printf(&call, " -> %s", f->result);
    out->failed |= !buf_ok(&call);
    buf_printf(out, "  " FMT_STR, ARG_STR(buf_str(&call)));
    size_t width = 0;
    for (size_t i = 0; i < call.n; i++)
        width += ((unsigned char)call.p[i] & 0xc0) != 0x80; /* characters, not bytes */
    for (; width < COLUMN; width++)
        buf_add_byte(out, ' ');
    buf_printf(out, "  %s\n", f->description);
    buf_free(&call);
}

/* ── Markdown ── */

/* A bar would end the cell. */
static void add_cell(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '|')
            buf_add_byte(out, '\\');
        buf_add_byte(out, text.p[i]);
    }
}

static void add_row(struct buf *out, const struct soql_function *f)
{
    struct buf call = {0};
    add_call(&call, f);
    out->failed |= !buf_ok(&call);
    buf_add_z(out, "| `");
    add_cell(out, buf_str(&call));
    buf_printf(out, "` | %s | ", f->result);
    add_cell(out, str_from(f->description));
    buf_add_z(out, " |\n");
    buf_free(&call);
}

/* ── all of them ── */

static void add_group(struct buf *out, const char *group, bool markdown)
{
    size_t n;
    const struct soql_function *f = soql_functions(&n);
    if (markdown)
        buf_printf(out, "<!-- functions: %s -->\n| | result | |\n|---|---|---|\n", group);
    else
        buf_printf(out, "%s%s\n", out->n ? "\n" : "", group);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(f[i].group, group) != 0)
            continue;
        if (markdown)
            add_row(out, &f[i]);
        else
            add_plain(out, &f[i]);
    }
    if (markdown)
        buf_add_z(out, "<!-- end -->\n");
}

static bool is_first_of_group(const struct soql_function *f, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(f[k].group, f[i].group) == 0)
            return false;
    return true;
}

void cli_add_functions(bool markdown, struct buf *out)
{
    size_t n;
    const struct soql_function *f = soql_functions(&n);
    for (size_t i = 0; i < n; i++)
        if (is_first_of_group(f, i))
            add_group(out, f[i].group, markdown);
}
