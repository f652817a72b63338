/* What two engines must agree on, told from the typed tree alone. */
#ifndef SELTZER_TESTS_VERDICT_H
#define SELTZER_TESTS_VERDICT_H

#include "soql/typed.h"

/* How sure a value is. The order matters: what is made of values is as unsure as the least sure of them. */
enum certainty {
    CANONICAL, /* the same text, and equal values have equal texts */
    EXACT,     /* the same text; an equal value may have more zeros: 1.5, 1.50 */
    SCALE,     /* the same value: which of several equal ones stands for its group is the engine's choice */
    NEARLY,    /* within 1e-6: geometry, double precision, digits that depend on SCALE */
    PROPERTY,  /* not far from each other. simplify: each engine leaves out other points; distances of what is more than a point: of
                  several places that are equally near in degrees each engine measures from another */
};

struct verdict {
    const char *skipped;      /* why the answer is left to chance, NULL: it is not */
    bool is_ordered;          /* rows come in one order only */
    bool failures_are_sure;   /* every value is computed for every row: both fail or none. Else an engine may be spared a value that
                                 it need not look at: a row that a condition or LIMIT drops, a branch of CASE, a term of AND, a
                                 column that nothing above uses, arguments beside a null (SQL leaves the order of evaluation open) */
    enum certainty *columns;
};

struct verdict verdict_of(const struct soql_relation *r, struct arena *a);

#endif
