/* SoQL text to tokens, one at a time (docs/wire/soql.md, "Lexis"). The text must be UTF-8 without U+0000: whoever starts a lexer checks that.
 * What is no token is a TOKEN_BAD, which the grammar takes nowhere: so the parser refuses at it, and says what is in it. */
#ifndef SELTZER_SOQL_TOKEN_H
#define SELTZER_SOQL_TOKEN_H

#include "base/arena.h"
#include "base/error.h"
#include "soql/syntax.h"

enum soql_word {
    WORD_NONE,
#define HARD(name, text) WORD_##name,
#define SOFT(name, text) WORD_##name,
#include "soql/words.def"
#undef HARD
#undef SOFT
    WORD_COUNT
};

enum soql_token_kind {
    TOKEN_END,
    TOKEN_NAME,        /* an identifier, quoted or not; `word` when it is not quoted and a soft word */
    TOKEN_WORD,        /* a hard word */
    TOKEN_SYSTEM_NAME, /* :id; text with the colon, without back-ticks */
    TOKEN_TABLE,       /* @abcd-1234; text without @ */
    TOKEN_SYSTEM_STAR, /* :* */
    TOKEN_HOLE,        /* ?name */
    TOKEN_INTEGER,
    TOKEN_NUMBER,
    TOKEN_STRING,      /* text: the value */
    TOKEN_OPERATOR,    /* text: the operator */
    TOKEN_BAD,
};

struct soql_token {
    enum soql_token_kind kind;
    enum soql_word word;
    struct str text;
    uint32_t at, end;       /* bytes of the source, quotes and all */
    enum error_code bad;    /* TOKEN_BAD: the code; text: what is wrong (OUT_OF_MEMORY: nothing) */
};

struct soql_lexer {
    const struct soql_source *source;
    struct arena *arena;    /* of strings that are unescaped, and of messages */
    uint32_t at;
};

void soql_lex(struct soql_lexer *l, struct soql_token *ret);
enum soql_word soql_word_find(struct str text); /* any case */
bool soql_word_is_hard(enum soql_word w);
const char *soql_word_text(enum soql_word w);   /* in capitals, as errors and the printer write it */
bool soql_is_plain_name(struct str text);       /* needs no back-ticks */

#endif
