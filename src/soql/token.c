/* SoQL text to tokens (token.h). Longest match wins; words are caseless. Which characters make names: Java's identifier rules, by Unicode
 * category (soql-reference, SoQLLexer.flex), but for characters that nobody sees: those are refused by their number. */
#include "soql/names.h"
#include "soql/token.h"

#include <utf8proc.h>

#include "soql/token_string.h"

static const struct {
    const char *text, *capitals;
} words[WORD_COUNT] = {
    [WORD_NONE] = {"", ""},
#define HARD(name, text) [WORD_##name] = {text, #name},
#define SOFT(name, text) [WORD_##name] = {text, #name},
#include "soql/words.def"
#undef HARD
#undef SOFT
};

static const unsigned char word_lengths[WORD_COUNT] = {
#define HARD(name, text) [WORD_##name] = sizeof(text) - 1,
#define SOFT(name, text) [WORD_##name] = sizeof(text) - 1,
#include "soql/words.def"
#undef HARD
#undef SOFT
};

enum soql_word soql_word_find(struct str text)
{
    for (int w = WORD_NONE + 1; w < WORD_COUNT; w++)
        if (word_lengths[w] == text.n && (text.p[0] | 0x20) == words[w].text[0] && str_eq_fold(text, str_make(words[w].text, text.n)))
            return (enum soql_word)w;
    return WORD_NONE;
}

bool soql_word_is_hard(enum soql_word w)
{
    return w > WORD_NONE && w <= WORD_MINUS;
}

const char *soql_word_text(enum soql_word w)
{
    return words[w].capitals;
}

/* ── characters ── */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The bytes of the character at `at` if it may stand there in a name, else 0. */
static uint32_t name_step(struct str t, uint32_t at, bool first)
{
    if (at >= t.n)
        return 0;
    char c = t.p[at];
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$')
        return 1;
    if ((unsigned char)c < 0x80)
        return !first && is_digit(c);
    utf8proc_int32_t code;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)t.p + at, (utf8proc_ssize_t)(t.n - at), &code);
    return n > 0 && (first ? name_starts_with(code) : name_goes_on_with(code)) ? (uint32_t)n : 0;
}

/* letter-or-digit*, with dashes where `dash` */
static uint32_t name_end(struct str t, uint32_t at, bool dash)
{
    for (;;) {
        uint32_t step = name_step(t, at, false);
        if (!step && dash && at < t.n && t.p[at] == '-')
            step = 1;
        if (!step)
            return at;
        at += step;
    }
}

static struct str slice(struct str s, uint32_t from, uint32_t to)
{
    return str_make(s.p + from, to - from);
}

static char byte_at(struct str t, uint32_t at)
{
    return at < t.n ? t.p[at] : 0;
}

bool soql_is_plain_name(struct str text)
{
    uint32_t first = name_step(text, 0, true);
    return first && name_end(text, first, false) == text.n && !soql_word_is_hard(soql_word_find(text));
}

/* ── tokens ── */

static void take(struct soql_lexer *l, enum soql_token_kind kind, uint32_t end, struct str text, struct soql_token *ret)
{
    *ret = (struct soql_token){.kind = kind, .text = text, .at = l->at, .end = end};
    l->at = end;
}

static void bad(enum error_code code, uint32_t at, struct str what, struct soql_token *ret)
{
    *ret = (struct soql_token){.kind = TOKEN_BAD, .bad = code, .text = what, .at = at, .end = at};
}

/* A character that is no token, with what was probably meant. */
static const struct {
    uint32_t c;
    const char *hint;
} strays[] = {
    {';', "a query ends without `;'"},
    {'|', "`||' joins texts, `|>' pipes a query into the next, OR is written out"},
    {'&', "AND is written out"},
    {'\\', "within '…' there are no escapes; a quote is doubled: ''"},
    {'#', "a comment begins with --"},
    {'{', "the tables of a query are named @abcd-1234"},
    {'?', "?name is the parameter of a view"},
    {':', "system columns are named :id, a cast is x::number"},
    {'@', "tables are named @abcd-1234"},
    {0x2018, "a text stands between straight quotes: 'text'"},
    {0x2019, "a text stands between straight quotes: 'text'"},
    {0x201a, "a text stands between straight quotes: 'text'"},
    {0x201c, "a text stands between straight quotes: 'text'"},
    {0x201d, "a text stands between straight quotes: 'text'"},
    {0x201e, "a text stands between straight quotes: 'text'"},
    {0xb4, "a text stands between straight quotes: 'text'"},
    {0x2013, "minus is `-'"},
    {0x2014, "minus is `-'"},
    {0x2212, "minus is `-'"},
    {0x2264, "write <="},
    {0x2265, "write >="},
    {0x2260, "write !="},
    {0xa0, "it looks like a blank: write a plain one"},
    {0x3000, "it looks like a blank: write a plain one"},
};

static void lex_stray(struct soql_lexer *l, struct soql_token *ret)
{
    struct str t = l->source->text;
    utf8proc_int32_t c = 0xfffd;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)t.p + l->at, (utf8proc_ssize_t)(t.n - l->at), &c);
    const char *hint = "";
    for (size_t i = 0; i < sizeof strays / sizeof *strays; i++)
        if (strays[i].c == (uint32_t)c)
            hint = strays[i].hint;
    char shown[16] = "";
    if (c > 0x20 && c != 0x7f && n > 0 && utf8proc_charwidth(c) > 0)
        memcpy(shown, t.p + l->at, (size_t)n);
    char *what = arena_printf(l->arena, "Unexpected character: %s%sU+%04X%s%s%s", shown, *shown ? " (" : "", (unsigned)c, *shown ? ")" : "",
                              *hint ? "; " : "", hint);
    bad(what ? ERROR_QUERY_UNEXPECTED_CHARACTER : ERROR_OUT_OF_MEMORY, l->at, str_from(what), ret);
}

/* False: the comment does not end. */
static bool skip_blanks(struct soql_lexer *l)
{
    struct str t = l->source->text;
    for (;;) {
        char c = byte_at(t, l->at);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            l->at++;
        } else if (c == '-' && byte_at(t, l->at + 1) == '-') {
            while (l->at < t.n && t.p[l->at] != '\n')
                l->at++;
        } else if (c == '/' && byte_at(t, l->at + 1) == '*') {
            const char *end = memmem(t.p + l->at + 2, t.n - l->at - 2, "*/", 2);
            if (!end)
                return false;
            l->at = (uint32_t)(end - t.p) + 2;
        } else {
            return true;
        }
    }
}

/* [0-9]+ ('.' [0-9]*)? ('e' [+-]? [0-9]+)? */
static void lex_number(struct soql_lexer *l, struct soql_token *ret)
{
    struct str t = l->source->text;
    uint32_t at = l->at;
    while (is_digit(byte_at(t, at)))
        at++;
    enum soql_token_kind kind = TOKEN_INTEGER;
    if (byte_at(t, at) == '.') {
        kind = TOKEN_NUMBER;
        at++;
        while (is_digit(byte_at(t, at)))
            at++;
    }
    if ((byte_at(t, at) | 0x20) == 'e') {
        char sign = byte_at(t, at + 1);
        uint32_t digits = at + 1 + (sign == '+' || sign == '-');
        if (is_digit(byte_at(t, digits))) {
            kind = TOKEN_NUMBER;
            at = digits;
            while (is_digit(byte_at(t, at)))
                at++;
        }
    }
    take(l, kind, at, slice(t, l->at, at), ret);
}

/* ':*' | ':' '@'? letter-or-digit+ | '::' */
static void lex_colon(struct soql_lexer *l, struct soql_token *ret)
{
    struct str t = l->source->text;
    char next = byte_at(t, l->at + 1);
    if (next == '*' || next == ':') {
        take(l, next == '*' ? TOKEN_SYSTEM_STAR : TOKEN_OPERATOR, l->at + 2, slice(t, l->at, l->at + 2), ret);
        return;
    }
    uint32_t from = l->at + 1 + (next == '@'), end = name_end(t, from, false);
    if (end == from)
        lex_stray(l, ret);
    else
        take(l, TOKEN_SYSTEM_NAME, end, slice(t, l->at, end), ret);
}

/* '`' (':' '@'?)? ('-' | letter) ('-' | letter-or-digit)* '`' */
static void lex_quoted(struct soql_lexer *l, struct soql_token *ret)
{
    struct str t = l->source->text;
    uint32_t from = l->at + 1, name = from;
    bool system = byte_at(t, name) == ':';
    name += system;
    name += system && byte_at(t, name) == '@';
    uint32_t end = name_end(t, name, true);
    bool starts = system || byte_at(t, name) == '-' || name_step(t, name, true);
    if (end == name || !starts || byte_at(t, end) != '`') {
        bad(ERROR_QUERY_UNEXPECTED_EOF, l->at,
            STR("Unexpected EOF; a name between back-ticks begins with a letter, _ or -, holds letters, digits, _ and -, and ends with a back-tick"), ret);
        return;
    }
    take(l, system ? TOKEN_SYSTEM_NAME : TOKEN_NAME, end + 1, slice(t, from, end), ret);
}

/* '@' ('-' | letter-or-digit)+ */
static void lex_table(struct soql_lexer *l, struct soql_token *ret)
{
    struct str t = l->source->text;
    uint32_t from = l->at + 1, end = name_end(t, from, true);
    if (end == from)
        lex_stray(l, ret);
    else
        take(l, TOKEN_TABLE, end, slice(t, from, end), ret);
}

static void lex_name(struct soql_lexer *l, uint32_t first, struct soql_token *ret)
{
    struct str t = l->source->text;
    uint32_t end = name_end(t, l->at + first, false);
    struct str text = slice(t, l->at, end);
    enum soql_word word = soql_word_find(text);
    take(l, soql_word_is_hard(word) ? TOKEN_WORD : TOKEN_NAME, end, text, ret);
    ret->word = word;
}

static void lex_hole(struct soql_lexer *l, struct soql_token *ret)
{
    struct str t = l->source->text;
    uint32_t from = l->at + 1, first = name_step(t, from, true), end = name_end(t, from + first, false);
    if (!first)
        lex_stray(l, ret);
    else
        take(l, TOKEN_HOLE, end, slice(t, from, end), ret);
}

/* Two characters before one. */
static void lex_operator(struct soql_lexer *l, struct soql_token *ret)
{
    static const char *const two[] = {"||", "|>", "==", "<>", "<=", ">=", "!="};
    static const char one[] = "+-*/%^=<>.[](),~!";
    struct str t = l->source->text;
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (byte_at(t, l->at) == two[i][0] && byte_at(t, l->at + 1) == two[i][1]) {
            take(l, TOKEN_OPERATOR, l->at + 2, str_make(two[i], 2), ret);
            return;
        }
    const char *found = strchr(one, t.p[l->at]);
    if (found)
        take(l, TOKEN_OPERATOR, l->at + 1, str_make(found, 1), ret);
    else
        lex_stray(l, ret);
}

void soql_lex(struct soql_lexer *l, struct soql_token *ret)
{
    struct str t = l->source->text;
    if (!skip_blanks(l)) {
        bad(ERROR_QUERY_UNEXPECTED_EOF, l->at, STR("Unexpected EOF; a comment that begins with /* ends with */"), ret);
        return;
    }
    if (l->at >= t.n) {
        *ret = (struct soql_token){.kind = TOKEN_END, .at = (uint32_t)t.n, .end = (uint32_t)t.n};
        return;
    }
    char c = t.p[l->at];
    uint32_t first = name_step(t, l->at, true);
    if (first)
        lex_name(l, first, ret);
    else if (is_digit(c))
        lex_number(l, ret);
    else if (c == '\'' || c == '"')
        soql_lex_string(l, ret);
    else if (c == ':')
        lex_colon(l, ret);
    else if (c == '`')
        lex_quoted(l, ret);
    else if (c == '@')
        lex_table(l, ret);
    else if (c == '?')
        lex_hole(l, ret);
    else
        lex_operator(l, ret);
}
