/* What the scalar types have in common: how they refuse, and how a cell of 64 bits is ordered and identified. */
#ifndef SELTZER_ROWS_SCALAR_H
#define SELTZER_ROWS_SCALAR_H

#include "rows/type.h"

/* Both return false, so that `return scalar_refuse(…)` reads well. hint may be NULL. */
bool scalar_refuse(struct type_refusal *why, const char *expected, const char *hint);
bool scalar_no_memory(struct type_refusal *why);

/* For the types whose storage is INT. The key is eight bytes whose order is that of the numbers. */
int scalar_compare_int(const struct cell *a, const struct cell *b);
bool scalar_key_int(const struct cell *c, struct arena *a, struct str *ret);

/* Without blanks at both ends. Most values have none, and then nothing is called. */
static inline struct str scalar_trim(struct str s)
{
    if (s.n && ((unsigned char)s.p[0] <= ' ' || (unsigned char)s.p[s.n - 1] <= ' '))
        return str_trim(s);
    return s;
}

#endif
