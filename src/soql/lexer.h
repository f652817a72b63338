/* SoQL text to tokens (docs/wire/reading.md). White space is space, tab, CR and LF. */
#ifndef SELTZER_SOQL_LEXER_H
#define SELTZER_SOQL_LEXER_H

#include "base/error.h"

enum soql_token_kind {
    SOQL_END,
    SOQL_IDENTIFIER,        /* also keywords: where a word is one, the parser says */
    SOQL_QUOTED_IDENTIFIER, /* `like this`; text without the back-ticks */
    SOQL_SYSTEM_IDENTIFIER, /* :id; text with the colon */
    SOQL_STAR,
    SOQL_SYSTEM_STAR,       /* :* */
    SOQL_COMMA,
    SOQL_OTHER,             /* of the language, but not of what can be compiled today */
};

struct soql_token {
    enum soql_token_kind kind;
    struct str text;
    size_t at;              /* byte offset */
};

struct soql_lexer {
    struct str parameter;   /* the parameter's name, for errors */
    struct str text;
    size_t at;
};

must_use bool soql_next(struct soql_lexer *l, struct soql_token *ret, struct error *err);
bool soql_word_is(const struct soql_token *t, const char *word); /* an identifier without back-ticks, any case */
bool soql_word_is_reserved(struct str word);
/* 400 query.compiler.malformed with data {query, position}; the message ends with where. Always false. */
bool soql_error(struct error *err, enum error_code code, struct str parameter, struct str text, size_t at, const char *fmt, ...) printf_like(6, 7);

#endif
