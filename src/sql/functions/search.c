/* Full-text search: search_matches(words, text…) and search_join(text…). All stems of the words must be among those of the texts, each in
 * any of them. Words that are all stop words find nothing. What words are: words.h. */
#include <stdlib.h>

#include "sql/functions/functions.h"
#include "sql/functions/words.h"

static void forget_words(void *p)
{
    words_free(p);
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
    sqlite3_set_auxdata(out, 0, w, forget_words);
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
        if (!tokens_next(&t))
            break;
        if (!w->first[(unsigned char)t.token[0]])
            continue;
        struct str s = stem_of(w->stemmer, &t);
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
