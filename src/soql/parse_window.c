/* Orderings, and the windows of OVER. */
#include "soql/parse_state.h"

bool parse_integer(struct parser *p, int64_t *ret)
{
    const struct soql_token *t = peek(p, 0);
    if (t->kind != TOKEN_INTEGER) {
        missed(p, "an integer");
        return refuse(p);
    }
    uint64_t n;
    if (!str_to_u64(t->text, &n) || n > INT64_MAX)
        return refuse_at(p, ERROR_QUERY_MALFORMED, place_of(p, t), "`" FMT_STR "' is too large; at most 9223372036854775807 can stand here",
                         ARG_STR(str_head_utf8(t->text, 60)));
    take(p);
    *ret = (int64_t)n;
    return true;
}

/* ordering = expression [ASC | DESC] [(NULL | NULLS) (FIRST | LAST)] */
static bool parse_ordering(struct parser *p, struct soql_order *ret)
{
    *ret = (struct soql_order){.by = parse_expression(p)};
    if (!ret->by)
        return false;
    if (!accept_word(p, WORD_ASC))
        ret->descending = accept_word(p, WORD_DESC);
    if (!accept_word(p, WORD_NULL) && !accept_word(p, WORD_NULLS))
        return true;
    if (accept_word(p, WORD_FIRST)) {
        ret->nulls = NULLS_FIRST;
        return true;
    }
    ret->nulls = NULLS_LAST;
    return expect_word(p, WORD_LAST);
}

bool parse_orderings(struct parser *p, struct soql_order **ret, size_t *ret_n)
{
    struct soql_order *v = NULL;
    size_t n = 0;
    do {
        if (!grow(p, &v, n, sizeof *v) || !parse_ordering(p, &v[n]))
            return false;
        n++;
    } while (accept_operator(p, ","));
    *ret = v;
    *ret_n = n;
    return true;
}

/* ── frames ── */

/* bound = UNBOUNDED PRECEDING | UNBOUNDED FOLLOWING | CURRENT ROW | integer PRECEDING | integer FOLLOWING */
static bool parse_bound(struct parser *p, struct soql_bound *ret)
{
    uint32_t at = peek(p, 0)->at;
    bool is_unbounded = accept_word(p, WORD_UNBOUNDED);
    *ret = (struct soql_bound){.kind = BOUND_CURRENT_ROW};
    if (!is_unbounded && accept_word(p, WORD_CURRENT)) {
        if (!expect_word(p, WORD_ROW))
            return false;
    } else {
        if (!is_unbounded && !parse_integer(p, &ret->n))
            return false;
        bool is_preceding = accept_word(p, WORD_PRECEDING);
        if (!is_preceding && !expect_word(p, WORD_FOLLOWING))
            return false;
        if (is_unbounded)
            ret->kind = is_preceding ? BOUND_UNBOUNDED_PRECEDING : BOUND_UNBOUNDED_FOLLOWING;
        else
            ret->kind = is_preceding ? BOUND_PRECEDING : BOUND_FOLLOWING;
    }
    ret->place = place_from(p, at);
    return true;
}

/* EXCLUDE (CURRENT ROW | GROUP | TIES | NO OTHERS) */
static bool parse_exclude(struct parser *p, struct soql_window *w)
{
    if (!accept_word(p, WORD_EXCLUDE))
        return true;
    if (accept_word(p, WORD_CURRENT)) {
        w->exclude = EXCLUDE_CURRENT_ROW;
        return expect_word(p, WORD_ROW);
    }
    if (accept_word(p, WORD_GROUP)) {
        w->exclude = EXCLUDE_GROUP;
        return true;
    }
    if (accept_word(p, WORD_TIES)) {
        w->exclude = EXCLUDE_TIES;
        return true;
    }
    w->exclude = EXCLUDE_NO_OTHERS;
    return expect_word(p, WORD_NO) && expect_word(p, WORD_OTHERS);
}

/* frame = (RANGE | ROWS | GROUPS) (bound | BETWEEN bound AND bound) [EXCLUDE …] */
static bool parse_frame(struct parser *p, struct soql_window *w)
{
    if (accept_word(p, WORD_RANGE))
        w->mode = FRAME_RANGE;
    else if (accept_word(p, WORD_ROWS))
        w->mode = FRAME_ROWS;
    else if (accept_word(p, WORD_GROUPS))
        w->mode = FRAME_GROUPS;
    else
        return true;
    w->between = accept_word(p, WORD_BETWEEN);
    if (!parse_bound(p, &w->from))
        return false;
    if (w->between && (!expect_word(p, WORD_AND) || !parse_bound(p, &w->to)))
        return false;
    return parse_exclude(p, w);
}

/* window = '(' [PARTITION BY expression {',' expression}] [ORDER BY ordering {',' ordering}] [frame] ')' */
bool parse_window(struct parser *p, struct soql_window **ret)
{
    uint32_t at = peek(p, 0)->at;
    struct soql_window *w = arena_zalloc(p->shared->arena, sizeof *w);
    if (!w)
        return no_memory(p);
    if (!expect_operator(p, "(") ||
        (accept_words(p, WORD_PARTITION, WORD_BY, "PARTITION BY") && !parse_list(p, &w->partition, &w->n_partition)) ||
        (accept_words(p, WORD_ORDER, WORD_BY, "ORDER BY") && !parse_orderings(p, &w->order, &w->n_order)) || !parse_frame(p, w) ||
        !expect_operator(p, ")"))
        return false;
    w->place = place_from(p, at);
    *ret = w;
    return true;
}
