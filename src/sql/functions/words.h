/* Words of texts, as full-text search takes them (docs/wire/soql.md, "Search"): a token is a run of letters, marks and digits (Unicode
 * categories L, M, N), in lower case; English stop words are told apart; a word is reduced to its stem by Snowball's English stemmer, as
 * PostgreSQL's configuration "english" does. */
#ifndef SELTZER_SQL_FUNCTIONS_WORDS_H
#define SELTZER_SQL_FUNCTIONS_WORDS_H

#include "base/str.h"

enum {
    WORDS_MAX = 64,        /* of a query; further ones are not looked for: a page of text finds nothing anyway */
    TOKEN_BYTES_MAX = 256, /* a longer run of letters is no word: it is compared as it is, cut */
};

struct tokens {
    struct str text;
    size_t at;
    char token[TOKEN_BYTES_MAX];
    size_t n;
};

bool tokens_next(struct tokens *t); /* false: there is none left */

struct stemmer; /* of one thread at a time */
struct stemmer *stemmer_new(void);
void stemmer_free(struct stemmer *s); /* NULL is fine */
/* A loan of the token or of the stemmer; words with digits are compared as they are. .p NULL: no memory. */
struct str stem_of(struct stemmer *s, const struct tokens *t);

/* The words that are looked for: their stems, each once, without stop words. */
struct words {
    struct stemmer *stemmer;
    char *stems[WORDS_MAX]; /* malloc'ed */
    size_t lengths[WORDS_MAX], n;
    bool first[256];        /* bytes that a stem begins with: stemming leaves the first letter alone */
};
struct words *words_new(struct str text); /* NULL: no memory */
void words_free(struct words *w);         /* NULL is fine */

#endif
