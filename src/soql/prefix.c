/* Conditions on how a text begins (prefix.h). */
#include "soql/prefix.h"

struct str soql_prefix(const struct soql_expr *x)
{
    bool literal = x->kind == EXPR_CALL && strcmp(x->function->name, "starts_with") == 0;
    bool pattern = x->kind == EXPR_CALL && strcmp(x->function->name, "#LIKE") == 0;
    if ((!literal && !pattern) || x->args[0]->kind != EXPR_COLUMN || x->args[0]->type->id != TYPE_TEXT)
        return STR_NONE;
    if (x->args[1]->kind != EXPR_LITERAL || x->args[1]->literal.kind != CELL_TEXT)
        return STR_NONE;
    struct str text = x->args[1]->literal.s;
    size_t n = 0;
    if (pattern && memchr(text.p, '\\', text.n))
        return STR_NONE; /* it may be no pattern: that is to be told whatever the rows are */
    while (n < text.n && (literal || (text.p[n] != '%' && text.p[n] != '_')))
        n++;
    return str_head(text, n);
}

/* UTF-8 has no byte 0xff, so the last one can always be raised; it is compared as bytes, and need not be text itself. */
struct str soql_prefix_end(struct str prefix, struct arena *a)
{
    struct str end = arena_str(a, prefix);
    if (end.p)
        ((char *)end.p)[end.n - 1]++;
    return end;
}
