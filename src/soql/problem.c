/* Errors that point into the user's own text (problem.h). The line is cut round the place when it is long, and the caret line repeats
 * its tabs, so that the caret stands under the place in any terminal. */
#include "soql/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <utf8proc.h>

#include "rows/nearest.h"

enum {
    QUERY_SHOWN_BYTES = 300,
    WINDOW_BEFORE = 60, /* characters of the line that are shown before and after the place */
    WINDOW_AFTER = 40,
    SHOWN_BYTES = 4 * (WINDOW_BEFORE + WINDOW_AFTER) + 16,
    CARET_BYTES = 2 * WINDOW_BEFORE + 16,
};

/* Where a place is, and what is shown of its line. */
struct sight {
    int64_t row, column; /* from 1; characters */
    char line[SHOWN_BYTES], caret[CARET_BYTES];
    size_t n_line, n_caret;
};

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* One character of the line, and under it what the caret line has there: a tab under a tab, as many blanks as it is wide. */
static size_t show_character(struct sight *s, struct str text, size_t at, bool before)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text.p + at, (utf8proc_ssize_t)(text.n - at), &c);
    bool is_shown = n > 0 && (c == '\t' || (c >= 0x20 && c != 0x7f));
    size_t step = n > 0 ? (size_t)n : 1;
    if (is_shown) {
        memcpy(s->line + s->n_line, text.p + at, step);
        s->n_line += step;
    } else {
        s->line[s->n_line++] = ' '; /* a terminal would obey control characters */
    }
    if (!before)
        return step;
    int width = is_shown && c != '\t' ? utf8proc_charwidth(c) : 1;
    for (int i = 0; i < width && s->n_caret + 2 < sizeof s->caret; i++)
        s->caret[s->n_caret++] = is_shown && c == '\t' ? '\t' : ' ';
    return step;
}

static void show_ellipsis(struct sight *s, bool before)
{
    memcpy(s->line + s->n_line, "…", strlen("…"));
    s->n_line += strlen("…");
    if (before)
        s->caret[s->n_caret++] = ' ';
}

/* [from, at, end): the line around the place. */
static void show_line(struct sight *s, struct str text, size_t from, size_t at, size_t end)
{
    size_t first = at;
    for (int i = 0; i < WINDOW_BEFORE && first > from; i++)
        do
            first--;
        while (first > from && is_continuation(text.p[first]));
    if (first > from)
        show_ellipsis(s, true);
    while (first < at)
        first += show_character(s, text, first, true);
    size_t after = at;
    for (int i = 0; i < WINDOW_AFTER && after < end; i++)
        after += show_character(s, text, after, false);
    if (after < end)
        show_ellipsis(s, false);
    s->caret[s->n_caret++] = '^';
}

static const struct soql_source nowhere = {{"the query", 9}, {"", 0}};

/* A place without a source is of what nobody wrote. */
static const struct soql_source *source_of(const struct soql_place *at)
{
    return at->source ? at->source : &nowhere;
}

static void look(const struct soql_place *at, struct sight *s)
{
    struct str text = source_of(at)->text;
    size_t place = at->at < text.n ? at->at : text.n, from = 0, end = place;
    *s = (struct sight){.row = 1, .column = 1};
    for (size_t i = 0; i < place; i++)
        if (text.p[i] == '\n')
            s->row++, from = i + 1;
    for (size_t i = from; i < place; i++)
        s->column += !is_continuation(text.p[i]);
    while (end < text.n && text.p[end] != '\n' && text.p[end] != '\r')
        end++;
    show_line(s, text, from, place, end);
}

static void add_data(struct error *err, const struct soql_place *at, const struct sight *s)
{
    struct buf position = {0}, line = {0};
    buf_add(&line, s->line, s->n_line);
    buf_add_byte(&line, '\n');
    buf_add(&line, s->caret, s->n_caret);
    buf_printf(&position, "{\"row\":%lld,\"column\":%lld,\"line\":", (long long)s->row, (long long)s->column);
    buf_add_json(&position, buf_str(&line));
    buf_add_byte(&position, '}');
    if (buf_ok(&position) && buf_ok(&line))
        error_data_raw(err, "position", buf_str(&position));
    error_data_str(err, "query", str_head_utf8(source_of(at)->text, QUERY_SHOWN_BYTES));
    buf_free(&position);
    buf_free(&line);
}

/* The codes that Socrata's analyzer has are their own `code`; those of its parser share one. */
static bool is_semantic(enum error_code code)
{
    return strcmp(error_info(code)->code, error_info(code)->error_code) == 0;
}

bool soql_problem(struct error *err, enum error_code code, const struct soql_place *at, const char *fmt, ...)
{
    char what[1000];
    va_list args;
    va_start(args, fmt);
    bool is_cut = vsnprintf(what, sizeof what, fmt, args) >= (int)sizeof what;
    va_end(args);
    struct str shown = str_from(what);
    if (is_cut)
        shown = str_head_utf8(shown, shown.n - 1); /* a character may have been cut in two */

    struct sight s;
    look(at, &s);
    struct str name = source_of(at)->name, text = source_of(at)->text, head = str_head_utf8(text, QUERY_SHOWN_BYTES);
    if (is_semantic(code))
        error_set(err, code, "Query coordinator error: %s; " FMT_STR "; position: Map(row -> %lld, column -> %lld), in " FMT_STR ":\n" FMT_STR "\n" FMT_STR,
                  error_info(code)->error_code, ARG_STR(shown), (long long)s.row, (long long)s.column, ARG_STR(name),
                  (int)s.n_line, s.line, (int)s.n_caret, s.caret);
    else
        error_set(err, code, "Could not parse SoQL query \"" FMT_STR "%s\" at line %lld character %lld: " FMT_STR ", in " FMT_STR ":\n" FMT_STR "\n" FMT_STR,
                  ARG_STR(head), head.n < text.n ? "…" : "", (long long)s.row, (long long)s.column, ARG_STR(shown), ARG_STR(name),
                  (int)s.n_line, s.line, (int)s.n_caret, s.caret);
    add_data(err, at, &s);
    return false;
}

void soql_problem_place(struct error *err, const struct soql_place *at)
{
    struct sight s;
    look(at, &s);
    char had[1001];
    struct str name = source_of(at)->name, kept = str_head_utf8(str_make(err->message, strlen(err->message)), sizeof had - 1);
    memcpy(had, err->message, kept.n);
    had[kept.n] = 0;
    snprintf(err->message, sizeof err->message, "%s, in " FMT_STR ":\n" FMT_STR "\n" FMT_STR, had, ARG_STR(name), (int)s.n_line, s.line,
             (int)s.n_caret, s.caret);
    add_data(err, at, &s);
}

/* ── did you mean ── */

/* Code points in lower case, `-` as `_`: how names are compared. 0: none, or too many. */
static size_t code_points(struct str s, int32_t ret[NEAREST_CHARS_MAX])
{
    size_t n = 0;
    for (size_t at = 0; at < s.n; n++) {
        utf8proc_int32_t c;
        utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)s.p + at, (utf8proc_ssize_t)(s.n - at), &c);
        if (step <= 0 || n == NEAREST_CHARS_MAX)
            return 0;
        ret[n] = c == '-' ? '_' : utf8proc_tolower(c);
        at += (size_t)step;
    }
    return n;
}

const char *soql_nearest(struct str name, const char *const *names, size_t n_names)
{
    int32_t want[NEAREST_CHARS_MAX], have[NEAREST_CHARS_MAX];
    size_t n = code_points(name, want);
    int best = nearest_edits_max(n) + 1;
    const char *nearest = NULL;
    for (size_t i = 0; best > 1 && i < n_names; i++) {
        size_t m = code_points(str_from(names[i]), have);
        int edits = m ? nearest_edits(want, n, have, m, best - 1) : best;
        if (edits < best) {
            best = edits;
            nearest = names[i];
        }
    }
    return nearest;
}
