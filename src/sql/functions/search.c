/* Full-text search: search_matches(words, text…) and search_join(text…).
 *
 * A token is a run of letters and digits (Unicode categories L, M, N), in lower case; English stop words are none; what is left is
 * reduced to its stem by Snowball's English stemmer, as PostgreSQL's configuration "english" does. All stems of the words must be among
 * those of the texts, each in any of them. Words that are all stop words find nothing (docs/wire/soql.md, "Search"). */
#include <libstemmer.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "sql/functions/functions.h"

enum {
    WORDS_MAX = 64,       /* further ones of the query are not looked for: a page of text finds nothing anyway */
    TOKEN_BYTES_MAX = 256, /* a longer run of letters is no word: it is compared as it is, cut */
};

/* ── stop words ── */

/* Snowball's English list, in order. */
static const char *const stop_words[] = {
    "a", "about", "above", "after", "again", "against", "all", "am", "an", "and", "any", "are", "as", "at", "be", "because", "been", "before",
    "being", "below", "between", "both", "but", "by", "can", "did", "do", "does", "doing", "don", "down", "during", "each", "few", "for",
    "from", "further", "had", "has", "have", "having", "he", "her", "here", "hers", "herself", "him", "himself", "his", "how", "i", "if",
    "in", "into", "is", "it", "its", "itself", "just", "me", "more", "most", "my", "myself", "no", "nor", "not", "now", "of", "off", "on",
    "once", "only", "or", "other", "our", "ours", "ourselves", "out", "over", "own", "s", "same", "she", "should", "so", "some", "such",
    "t", "than", "that", "the", "their", "theirs", "them", "themselves", "then", "there", "these", "they", "this", "those", "through",
    "to", "too", "under", "until", "up", "very", "was", "we", "were", "what", "when", "where", "which", "while", "who", "whom", "why",
    "will", "with", "you", "your", "yours", "yourself", "yourselves",
};

static int compare_word(const void *key, const void *entry)
{
    const struct str *word = key;
    const char *const *z = entry;
    return str_cmp(*word, str_from(*z));
}

static bool is_stop_word(struct str word)
{
    return bsearch(&word, stop_words, sizeof stop_words / sizeof *stop_words, sizeof *stop_words, compare_word);
}

/* ── tokens ── */

static bool is_word_category(utf8proc_int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) || (k >= UTF8PROC_CATEGORY_MN && k <= UTF8PROC_CATEGORY_ME) ||
           (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

/* For ASCII: the character in lower case, or 0 where none is part of a word. */
static inline char ascii_word_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return c;
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : 0;
}

struct tokens {
    struct str text;
    size_t at;
    char token[TOKEN_BYTES_MAX];
    size_t n;
};

/* Adds the next character to the token. False: it ends the token. */
static bool take_char(struct tokens *t)
{
    unsigned char lead = (unsigned char)t->text.p[t->at];
    if (lead < 0x80) {
        char c = ascii_word_char((char)lead);
        if (!c)
            return false;
        t->at++;
        if (t->n < TOKEN_BYTES_MAX)
            t->token[t->n++] = c;
        return true;
    }
    utf8proc_int32_t c;
    utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)t->text.p + t->at, (utf8proc_ssize_t)(t->text.n - t->at), &c);
    if (step <= 0 || !is_word_category(c))
        return false;
    t->at += (size_t)step;
    if (t->n + 4 <= TOKEN_BYTES_MAX)
        t->n += (size_t)utf8proc_encode_char(utf8proc_tolower(c), (utf8proc_uint8_t *)t->token + t->n);
    return true;
}

static bool next_token(struct tokens *t)
{
    t->n = 0;
    while (t->at < t->text.n) {
        if (take_char(t))
            continue;
        if (t->n)
            return true;
        t->at++;
        while (t->at < t->text.n && ((unsigned char)t->text.p[t->at] & 0xc0) == 0x80)
            t->at++;
    }
    return t->n;
}

/* ── the words that are looked for ── */

struct words {
    struct sb_stemmer *stemmer;
    char *stems[WORDS_MAX]; /* malloc'ed */
    size_t lengths[WORDS_MAX], n;
    bool first[256];        /* bytes that a stem begins with: stemming leaves the first letter alone */
};

static void words_free(void *p)
{
    struct words *w = p;
    for (size_t i = 0; i < w->n; i++)
        free(w->stems[i]);
    if (w->stemmer)
        sb_stemmer_delete(w->stemmer);
    free(w);
}

static bool has_digit(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] >= '0' && p[i] <= '9')
            return true;
    return false;
}

/* A loan of the token or of the stemmer; words with digits are compared as they are. .p NULL: no memory. */
static struct str stem(struct words *w, const struct tokens *t)
{
    if (has_digit(t->token, t->n))
        return str_make(t->token, t->n);
    const sb_symbol *s = sb_stemmer_stem(w->stemmer, (const sb_symbol *)t->token, (int)t->n);
    return s ? str_make((const char *)s, (size_t)sb_stemmer_length(w->stemmer)) : STR_NONE;
}

static bool has_stem(const struct words *w, struct str s)
{
    for (size_t i = 0; i < w->n; i++)
        if (str_eq(s, str_make(w->stems[i], w->lengths[i])))
            return true;
    return false;
}

static struct words *words_new(struct str text)
{
    struct words *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->stemmer = sb_stemmer_new("english", "UTF_8");
    bool ok = w->stemmer;
    struct tokens t = {.text = text};
    while (ok && w->n < WORDS_MAX && next_token(&t)) {
        if (is_stop_word(str_make(t.token, t.n)))
            continue;
        struct str s = stem(w, &t);
        if (s.p && has_stem(w, s))
            continue;
        char *copy = s.p ? str_dup_z(s) : NULL;
        ok = copy;
        if (ok) {
            w->stems[w->n] = copy;
            w->lengths[w->n++] = s.n;
            w->first[(unsigned char)copy[0]] = true;
        }
    }
    if (ok)
        return w;
    words_free(w);
    return NULL;
}

/* Kept by SQLite for the statement: the words are the same for every row. */
static struct words *words_of(sqlite3_context *out, sqlite3_value *value)
{
    struct words *w = sqlite3_get_auxdata(out, 0);
    struct str text;
    if (w)
        return w;
    if (!function_text(out, value, &text))
        return NULL;
    w = words_new(text);
    if (!w) {
        sqlite3_result_error_nomem(out);
        return NULL;
    }
    sqlite3_set_auxdata(out, 0, w, words_free);
    w = sqlite3_get_auxdata(out, 0);
    if (!w)
        sqlite3_result_error_nomem(out);
    return w;
}

static const bool ascii_word[256] = {['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true};

/* Goes over words that begin with another letter than those that are looked for, which are nearly all: without taking them apart, as long
 * as they are ASCII. t->at is between words, before and after. */
static void skip_other_words(const struct words *w, struct tokens *t)
{
    const unsigned char *p = (const unsigned char *)t->text.p;
    size_t at = t->at, n = t->text.n;
    while (at < n && p[at] < 0x80 && !(ascii_word[p[at]] && w->first[p[at] | 0x20])) {
        size_t end = at + 1;
        while (ascii_word[p[at]] && end < n && ascii_word[p[end]])
            end++;
        if (ascii_word[p[at]] && end < n && p[end] >= 0x80)
            break; /* the word may go on */
        at = end;
    }
    t->at = at;
}

/* Marks the words that the text has. False: no memory. */
static bool look_in(struct words *w, struct str text, uint64_t *found, uint64_t all)
{
    struct tokens t = {.text = text};
    while (*found != all) {
        skip_other_words(w, &t);
        if (!next_token(&t))
            break;
        if (!w->first[(unsigned char)t.token[0]])
            continue;
        struct str s = stem(w, &t);
        if (!s.p)
            return false;
        for (size_t i = 0; i < w->n; i++)
            if (str_eq(s, str_make(w->stems[i], w->lengths[i])))
                *found |= (uint64_t)1 << i;
    }
    return true;
}

/* search_matches(words, text…): null texts have no words. */
static void search_matches(sqlite3_context *out, int n, sqlite3_value **values)
{
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) {
        sqlite3_result_null(out);
        return;
    }
    struct words *w = words_of(out, values[0]);
    if (!w)
        return;
    uint64_t found = 0, all = w->n == WORDS_MAX ? UINT64_MAX : ((uint64_t)1 << w->n) - 1;
    for (int i = 1; i < n && w->n && found != all; i++) {
        struct str text;
        if (sqlite3_value_type(values[i]) == SQLITE_NULL)
            continue;
        if (!function_text(out, values[i], &text))
            return;
        if (!look_in(w, text, &found, all)) {
            sqlite3_result_error_nomem(out);
            return;
        }
    }
    sqlite3_result_int(out, w->n && found == all);
}

/* search_join(text…): one text of many, for a row with more columns than a function takes arguments. */
static void search_join(sqlite3_context *out, int n, sqlite3_value **values)
{
    struct buf b = {0};
    for (int i = 0; i < n; i++) {
        struct str text;
        if (sqlite3_value_type(values[i]) == SQLITE_NULL)
            continue;
        if (!function_text(out, values[i], &text)) {
            buf_free(&b);
            return;
        }
        buf_add_str(&b, text);
        buf_add_byte(&b, ' ');
    }
    function_give_buf(out, &b);
}

const struct function functions_search[] = {
    {"search_matches", -1, true, search_matches},
    {"search_join", -1, true, search_join},
    {0},
};
