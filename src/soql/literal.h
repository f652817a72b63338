/* What a literal may be: a text in quotes can also stand for a number, a date, a geometry…, if it has exactly the form that
 * docs/wire/soql.md lists ("Types and literals"). Stricter than uploads are: US dates, for one, stay text. */
#ifndef SELTZER_SOQL_LITERAL_H
#define SELTZER_SOQL_LITERAL_H

#include "base/arena.h"
#include "rows/row_id.h"
#include "soql/kinds.h"

/* Every kind that the text of a string literal can be read as; text is always one. False: out of memory. */
must_use bool literal_kinds(struct str text, struct arena *a, soql_kinds *ret);
/* The cell, of a kind of that set. Row ids are decoded with the key. False: out of memory, or not of that kind. */
must_use bool literal_read(enum soql_kind kind, struct str text, const struct row_id_key *row_ids, struct arena *a, struct cell *ret);

#endif
