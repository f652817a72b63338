/* SoQL text to tokens (lexer.h). */
#include "soql/lexer.h"

#include <stdarg.h>
#include <stdio.h>

/* Words that an unquoted identifier cannot be (soql-reference, LexerReader.scala). Back-ticks lift the ban. */
static const char *const reserved[] = {
    "select", "distinct", "except", "as", "where", "group", "having", "order", "limit", "offset", "search", "asc", "desc",
    "filter", "from", "full", "in", "inner", "join", "left", "right", "on", "outer", "lateral", "and", "or", "not", "is",
    "between", "like", "true", "false", "null", "union", "intersect", "minus",
};

bool soql_word_is_reserved(struct str word)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (str_eq_fold(word, str_from(reserved[i])))
            return true;
    return false;
}

bool soql_word_is(const struct soql_token *t, const char *word)
{
    return t->kind == SOQL_IDENTIFIER && str_eq_fold(t->text, str_from(word));
}

bool soql_error(struct error *err, enum error_code code, struct str parameter, struct str text, size_t at, const char *fmt, ...)
{
    char what[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);

    int64_t row = 1;
    size_t line_from = 0;
    for (size_t i = 0; i < at && i < text.n; i++)
        if (text.p[i] == '\n')
            row++, line_from = i + 1;
    int64_t column = 1;
    for (size_t i = line_from; i < at && i < text.n; i++)
        column += ((unsigned char)text.p[i] & 0xc0) != 0x80; /* characters, not bytes */

    struct str shown = str_head_utf8(text, 300);
    error_set(err, code, "%s, in " FMT_STR " \"" FMT_STR "%s\" at line %lld character %lld", what, ARG_STR(parameter),
              ARG_STR(shown), shown.n < text.n ? "…" : "", (long long)row, (long long)column);
    error_data_str(err, "query", shown);
    char position[80];
    int n = snprintf(position, sizeof position, "{\"row\":%lld,\"column\":%lld}", (long long)row, (long long)column);
    error_data_raw(err, "position", str_make(position, (size_t)n));
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Letters beyond ASCII count as letters: which ones Java would take decides nothing here, no column has such a name. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static bool is_letter_or_digit(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static size_t word_end(struct str text, size_t at, bool dash)
{
    while (at < text.n && (is_letter_or_digit(text.p[at]) || (dash && text.p[at] == '-')))
        at++;
    return at;
}

static struct str slice(struct str s, size_t from, size_t to)
{
    return str_make(s.p + from, to - from);
}

/* :* | ':' '@'? word */
static bool lex_system(struct soql_lexer *l, struct soql_token *ret, struct error *err)
{
    struct str t = l->text;
    size_t at = l->at + 1;
    if (at < t.n && t.p[at] == '*') {
        *ret = (struct soql_token){SOQL_SYSTEM_STAR, slice(t, l->at, at + 1), l->at};
        l->at = at + 1;
        return true;
    }
    size_t from = at + (at < t.n && t.p[at] == '@');
    size_t end = word_end(t, from, false);
    if (end == from)
        return soql_error(err, ERROR_QUERY_MALFORMED, l->parameter, t, l->at,
                          "expected * or the name of a system column after ':'");
    *ret = (struct soql_token){SOQL_SYSTEM_IDENTIFIER, slice(t, l->at, end), l->at};
    l->at = end;
    return true;
}

/* '`' (':' '@'?)? (word with dashes) '`' */
static bool lex_quoted(struct soql_lexer *l, struct soql_token *ret, struct error *err)
{
    struct str t = l->text;
    size_t from = l->at + 1, word = from;
    bool system = word < t.n && t.p[word] == ':';
    word += system;
    word += system && word < t.n && t.p[word] == '@';
    size_t end = word_end(t, word, true);
    if (end == word || end >= t.n || t.p[end] != '`')
        return soql_error(err, ERROR_QUERY_MALFORMED, l->parameter, t, l->at,
                          "a name between back-ticks holds letters, digits, _ and -, and ends with a back-tick");
    *ret = (struct soql_token){system ? SOQL_SYSTEM_IDENTIFIER : SOQL_QUOTED_IDENTIFIER, slice(t, from, end), l->at};
    l->at = end + 1;
    return true;
}

bool soql_next(struct soql_lexer *l, struct soql_token *ret, struct error *err)
{
    struct str t = l->text;
    while (l->at < t.n && is_space(t.p[l->at]))
        l->at++;
    if (l->at >= t.n) {
        *ret = (struct soql_token){SOQL_END, STR_NONE, t.n};
        return true;
    }
    char c = t.p[l->at];
    if (c == ':')
        return lex_system(l, ret, err);
    if (c == '`')
        return lex_quoted(l, ret, err);
    if (is_letter(c)) {
        size_t end = word_end(t, l->at, false);
        *ret = (struct soql_token){SOQL_IDENTIFIER, slice(t, l->at, end), l->at};
        l->at = end;
        return true;
    }
    enum soql_token_kind kind = c == '*' ? SOQL_STAR : c == ',' ? SOQL_COMMA : SOQL_OTHER;
    *ret = (struct soql_token){kind, slice(t, l->at, l->at + 1), l->at};
    l->at++;
    return true;
}
