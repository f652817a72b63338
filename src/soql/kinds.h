/* The types of SoQL as the analyzer handles them: small numbers in the order of preference, and sets of them as bits
 * (docs/wire/soql.md, "Types and literals"). The order breaks ties and names the type in errors. */
#ifndef SELTZER_SOQL_KINDS_H
#define SELTZER_SOQL_KINDS_H

#include "rows/type.h"

enum soql_kind {
#define X(NAME, type) KIND_##NAME,
#include "soql/kinds.def"
#undef X
    KIND_COUNT,
};

typedef uint32_t soql_kinds; /* bit k: the kind k */

#define KIND_BIT(k) ((soql_kinds)1 << (k))
#define KINDS_ALL (KIND_BIT(KIND_COUNT) - 1)

const struct type *kind_type(enum soql_kind k);
enum soql_kind kind_of(const struct type *t);
/* By SoQL name, any case; KIND_COUNT if there is none. */
enum soql_kind kind_find(struct str name);
/* A class of functions.h: "ordered", "numlike"…; 0 if there is none. */
soql_kinds kind_class(struct str name);
/* The first in the order of preference; the set is not empty. */
enum soql_kind kind_first(soql_kinds set);
/* point → multipoint; a multi form is its own. KIND_COUNT for what is no geometry. */
enum soql_kind kind_multi(enum soql_kind k);

static inline bool kinds_have(soql_kinds set, enum soql_kind k) { return set >> k & 1; }

#endif
