/* Tokens, stop words, stems (words.h). */
#include "sql/functions/words.h"

#include <libstemmer.h>
#include <stdlib.h>
#include <utf8proc.h>

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

bool tokens_next(struct tokens *t)
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

/* ── stems ── */

static bool has_digit(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] >= '0' && p[i] <= '9')
            return true;
    return false;
}

struct stemmer *stemmer_new(void)
{
    return (struct stemmer *)sb_stemmer_new("english", "UTF_8");
}

void stemmer_free(struct stemmer *s)
{
    if (s)
        sb_stemmer_delete((struct sb_stemmer *)s);
}

struct str stem_of(struct stemmer *s, const struct tokens *t)
{
    struct sb_stemmer *own = (struct sb_stemmer *)s;
    if (has_digit(t->token, t->n))
        return str_make(t->token, t->n);
    const sb_symbol *stem = sb_stemmer_stem(own, (const sb_symbol *)t->token, (int)t->n);
    return stem ? str_make((const char *)stem, (size_t)sb_stemmer_length(own)) : STR_NONE;
}

/* ── the words that are looked for ── */

void words_free(struct words *w)
{
    for (size_t i = 0; w && i < w->n; i++)
        free(w->stems[i]);
    if (w)
        stemmer_free(w->stemmer);
    free(w);
}

static bool has_stem(const struct words *w, struct str s)
{
    for (size_t i = 0; i < w->n; i++)
        if (str_eq(s, str_make(w->stems[i], w->lengths[i])))
            return true;
    return false;
}

struct words *words_new(struct str text)
{
    struct words *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->stemmer = stemmer_new();
    bool ok = w->stemmer;
    struct tokens t = {.text = text};
    while (ok && w->n < WORDS_MAX && tokens_next(&t)) {
        if (is_stop_word(str_make(t.token, t.n)))
            continue;
        struct str s = stem_of(w->stemmer, &t);
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
