/* The two forms of strings, for token.c alone. */
#ifndef SELTZER_SOQL_TOKEN_STRING_H
#define SELTZER_SOQL_TOKEN_STRING_H

#include "soql/token.h"

void soql_lex_string(struct soql_lexer *l, struct soql_token *ret); /* the lexer stands at the quote */

#endif
