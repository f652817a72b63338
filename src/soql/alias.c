/* Implicit aliases (alias.h). The expression becomes a list of words; each is copied character by character, and what no name can
 * hold, as well as every seam between words, is an underscore to come: written only between two characters neither of which is
 * an underscore or hyphen of the query's own. */
#include "soql/alias.h"
#include "soql/names.h"

#include <stdio.h>
#include <utf8proc.h>

struct alias {
    struct buf *out;
    size_t start;
    bool is_seam;                  /* an underscore to come */
};

static bool is_line(char c)
{
    return c == '_' || c == '-';
}

static void add_character(struct alias *a, struct str bytes)
{
    bool is_first = a->out->n == a->start;
    if (a->is_seam && !is_first && !a->out->failed && !is_line(a->out->p[a->out->n - 1]) && !is_line(*bytes.p))
        buf_add_byte(a->out, '_');
    a->is_seam = false;
    buf_add_str(a->out, bytes);
}

static void add_part_of_word(struct alias *a, struct str word)
{
    for (utf8proc_ssize_t n; word.n; word = str_skip(word, (size_t)n)) {
        utf8proc_int32_t c;
        n = utf8proc_iterate((const utf8proc_uint8_t *)word.p, (utf8proc_ssize_t)word.n, &c);
        if (n > 0 && (name_goes_on_with(c) || c == '-')) {
            add_character(a, str_head(word, (size_t)n));
        } else {
            a->is_seam = true;
            n = n > 0 ? n : 1;
        }
    }
    a->is_seam = true;
}

static void add_word(struct alias *a, struct str word)
{
    a->is_seam = true;
    add_part_of_word(a, word);
}

static void add_z(struct alias *a, const char *word)
{
    add_word(a, str_from(word));
}

/* A string as JSON writes it: a line feed in it is \n, whose n counts. */
static void add_string(struct alias *a, struct str text)
{
    struct buf json = {0};
    buf_add_json(&json, text);
    if (buf_ok(&json))
        add_word(a, buf_str(&json));
    else
        a->out->failed = true;
    buf_free(&json);
}

/* A number as java.math.BigDecimal writes it: digits without leading zeros; an exponent only when it was given a positive one, or when
 * more than six zeros would follow the point. */
static void add_number(struct alias *a, struct str lexeme)
{
    struct str digits, exponent = STR_NONE, whole, fraction = STR_NONE;
    if (!str_cut(lexeme, 'e', &digits, &exponent) && !str_cut(lexeme, 'E', &digits, &exponent))
        digits = lexeme;
    if (!str_cut(digits, '.', &whole, &fraction))
        whole = digits;
    bool is_negative = exponent.n && *exponent.p == '-';
    if (exponent.n && (*exponent.p == '-' || *exponent.p == '+'))
        exponent = str_skip(exponent, 1);
    uint64_t power = 0;
    if ((exponent.n && !str_to_u64(exponent, &power)) || power > INT32_MAX) {
        add_word(a, lexeme); /* a number that no engine takes: refused elsewhere */
        return;
    }
    struct buf all = {0}, text = {0};
    buf_add_str(&all, whole);
    buf_add_str(&all, fraction);
    struct str unscaled = buf_str(&all);
    while (unscaled.n > 1 && *unscaled.p == '0')
        unscaled = str_skip(unscaled, 1);
    int64_t scale = (int64_t)fraction.n - (is_negative ? -(int64_t)power : (int64_t)power);
    int64_t adjusted = (int64_t)unscaled.n - 1 - scale;
    if (scale < 0 || adjusted < -6) {
        buf_add_str(&text, str_head(unscaled, 1));
        if (unscaled.n > 1)
            buf_add_byte(&text, '.');
        buf_add_str(&text, str_skip(unscaled, 1));
        buf_printf(&text, "E%c%lld", adjusted < 0 ? '-' : '+', (long long)(adjusted < 0 ? -adjusted : adjusted));
    } else if (adjusted >= 0) {
        buf_add_str(&text, str_head(unscaled, unscaled.n - (size_t)scale));
        buf_add_byte(&text, '.');
        buf_add_str(&text, str_skip(unscaled, unscaled.n - (size_t)scale));
    } else {
        buf_add_z(&text, "0.");
        for (int64_t i = (int64_t)unscaled.n; i < scale; i++)
            buf_add_byte(&text, '0');
        buf_add_str(&text, unscaled);
    }
    a->out->failed |= !buf_ok(&all) || !buf_ok(&text);
    if (!a->out->failed)
        add_word(a, buf_str(&text));
    buf_free(&all);
    buf_free(&text);
}

static void add_node(struct alias *a, const struct soql_node *n);

static void add_nodes(struct alias *a, struct soql_node *const *nodes, size_t n, const char *between)
{
    for (size_t i = 0; i < n; i++) {
        if (i && between)
            add_z(a, between);
        add_node(a, nodes[i]);
    }
}

/* case (when condition then value)… [else value] end */
static void add_case(struct alias *a, const struct soql_node *n)
{
    add_z(a, "case");
    for (size_t i = 0; i + 3 < n->n; i += 2) {
        add_z(a, "when");
        add_node(a, n->args[i]);
        add_z(a, "then");
        add_node(a, n->args[i + 1]);
    }
    if (n->has_else) {
        add_z(a, "else");
        add_node(a, n->args[n->n - 1]);
    }
    add_z(a, "end");
}

static void add_bound(struct alias *a, const struct soql_bound *b)
{
    static const char *const words[] = {
        [BOUND_UNBOUNDED_PRECEDING] = "unbounded_preceding", [BOUND_PRECEDING] = "preceding",
        [BOUND_CURRENT_ROW] = "current_row", [BOUND_FOLLOWING] = "following", [BOUND_UNBOUNDED_FOLLOWING] = "unbounded_following",
    };
    if (b->kind == BOUND_PRECEDING || b->kind == BOUND_FOLLOWING) {
        char digits[24];
        snprintf(digits, sizeof digits, "%lld", (long long)b->n);
        add_z(a, digits);
    }
    add_z(a, words[b->kind]);
}

static void add_window(struct alias *a, const struct soql_window *w)
{
    static const char *const modes[] = {[FRAME_RANGE] = "range", [FRAME_ROWS] = "rows", [FRAME_GROUPS] = "groups"};
    static const char *const excludes[] = {
        [EXCLUDE_CURRENT_ROW] = "current_row", [EXCLUDE_GROUP] = "group", [EXCLUDE_TIES] = "ties", [EXCLUDE_NO_OTHERS] = "no_others",
    };
    add_z(a, "over");
    if (w->n_partition)
        add_z(a, "partition_by");
    add_nodes(a, w->partition, w->n_partition, NULL);
    if (w->n_order)
        add_z(a, "order_by");
    for (size_t i = 0; i < w->n_order; i++)
        add_node(a, w->order[i].by);
    if (w->mode == FRAME_NONE)
        return;
    add_z(a, modes[w->mode]);
    if (w->between)
        add_z(a, "between");
    add_bound(a, &w->from);
    if (w->between) {
        add_z(a, "and");
        add_bound(a, &w->to);
    }
    if (w->exclude != EXCLUDE_NONE) {
        add_z(a, "exclude");
        add_z(a, excludes[w->exclude]);
    }
}

static void add_infix(struct alias *a, const struct soql_node *n)
{
    struct str op = str_skip(n->text, 3); /* "op$" */
    for (size_t i = 0; i < n->n; i++) {
        if (i && !str_eq(op, STR("-")))
            add_word(a, op);
        add_node(a, n->args[i]);
    }
}

static void add_between(struct alias *a, const struct soql_node *n)
{
    add_node(a, n->args[0]);
    if (str_eq(n->text, STR("#NOT_BETWEEN")))
        add_z(a, "not");
    add_z(a, "between");
    add_nodes(a, n->args + 1, n->n - 1, "and");
}

static void add_call(struct alias *a, const struct soql_node *n)
{
    switch (n->form) {
    case FORM_UNARY:
        if (!str_eq(n->text, STR("op$-")))
            add_word(a, str_skip(n->text, 3));
        add_nodes(a, n->args, n->n, NULL);
        break;
    case FORM_BINARY:
    case FORM_FILTER:
        add_infix(a, n);
        break;
    case FORM_CAST:
        add_nodes(a, n->args, n->n, NULL);
        add_word(a, str_skip(n->text, 5)); /* "cast$" */
        break;
    case FORM_IS_NULL:
        add_nodes(a, n->args, n->n, NULL);
        add_z(a, str_eq(n->text, STR("#IS_NULL")) ? "is_null" : "is_not_null");
        break;
    case FORM_BETWEEN:
        add_between(a, n);
        break;
    case FORM_CASE:
        add_case(a, n);
        break;
    case FORM_FIELD:
    case FORM_SUBSCRIPT:
        add_nodes(a, n->args, n->n, NULL);
        break;
    case FORM_FUNCTION:
    case FORM_STAR:
    case FORM_DISTINCT:
    case FORM_LIKE:
    case FORM_IN:
        add_word(a, n->text);
        add_nodes(a, n->args, n->n, NULL);
        break;
    }
    if (n->filter)
        add_node(a, n->filter);
    if (n->over)
        add_window(a, n->over);
}

static void add_column(struct alias *a, const struct soql_node *n)
{
    if (n->qualifier.p) {
        /* the tables' own names begin with an underscore there, and it is one of the query's own */
        a->is_seam = true;
        add_character(a, STR("_"));
        add_part_of_word(a, n->qualifier);
    }
    add_word(a, n->text);
}

static void add_node(struct alias *a, const struct soql_node *n)
{
    switch (n->kind) {
    case NODE_NUMBER:
        add_number(a, n->text);
        break;
    case NODE_STRING:
        add_string(a, n->text);
        break;
    case NODE_BOOLEAN:
        add_z(a, n->is_true ? "TRUE" : "FALSE");
        break;
    case NODE_NULL:
        add_z(a, "null");
        break;
    case NODE_COLUMN:
        add_column(a, n);
        break;
    case NODE_PARENS:
        add_nodes(a, n->args, n->n, NULL);
        break;
    case NODE_CALL:
        add_call(a, n);
        break;
    case NODE_PARAM:
        add_z(a, "param");
        add_string(a, n->text);
        break;
    }
}

void alias_of(const struct soql_node *n, struct buf *out)
{
    struct alias a = {.out = out, .start = out->n};
    add_node(&a, n);
    if (out->failed)
        return;
    if (out->n == a.start) {
        buf_add_byte(out, '_');
        return;
    }
    utf8proc_int32_t first = 0;
    struct str made = str_make(out->p + a.start, out->n - a.start);
    if (utf8proc_iterate((const utf8proc_uint8_t *)made.p, (utf8proc_ssize_t)made.n, &first) > 0 && (name_starts_with(first) || first == '-'))
        return;
    buf_add_byte(out, '_');
    if (out->failed)
        return;
    memmove(out->p + a.start + 1, out->p + a.start, out->n - 1 - a.start);
    out->p[a.start] = '_';
}
