/* Names of columns, aliases and tables: equal when their folded forms are (docs/wire/soql.md, "Names and aliases"), and a table of
 * them in the arena. */
#ifndef SELTZER_SOQL_NAMES_H
#define SELTZER_SOQL_NAMES_H

#include "base/arena.h"

/* Which characters a name may begin with, and which it may hold: Java's identifiers, by Unicode category. A "-" in back-ticks besides. */
bool name_starts_with(int32_t c);
bool name_goes_on_with(int32_t c);

/* Case folded, "-" as "_". *ret is the name itself when there is nothing to change. False: out of memory. */
must_use bool name_fold(struct arena *a, struct str name, struct str *ret);

struct name_slot {
    uint64_t hash;
    struct str name;               /* .p NULL: free */
    int value;
};

struct name_table {
    struct name_slot *slots;
    size_t mask, n;
};

/* Room for n names; it grows. */
must_use bool name_table_init(struct name_table *t, struct arena *a, size_t n);
/* The folded name's slot, NULL if it is not there. */
struct name_slot *name_table_find(const struct name_table *t, struct str folded);
/* Not yet there. */
must_use bool name_table_add(struct name_table *t, struct arena *a, struct str folded, int value);

#endif
