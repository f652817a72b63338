/* The signature of a function, read from its line in functions.def (the notation: functions.h). */
#ifndef SELTZER_SOQL_SIGNATURE_H
#define SELTZER_SOQL_SIGNATURE_H

#include "soql/functions.h"
#include "soql/kinds.h"

enum { SIGNATURE_ARGUMENTS_MAX = 8, SIGNATURE_VARIABLES_MAX = 2 };

/* What an argument, or the result, must be: one of the kinds; or the kind that a variable stands for. */
struct signature_slot {
    int variable;                  /* -1: none */
    enum soql_kind kind;           /* without a variable */
    bool is_multi;                 /* of the result: the multi form of the variable */
};

struct signature {
    struct signature_slot arguments[SIGNATURE_ARGUMENTS_MAX], result;
    size_t n;
    bool repeats;                  /* the last one any number of times, also never */
    soql_kinds classes[SIGNATURE_VARIABLES_MAX]; /* what each variable may stand for */
    size_t n_variables;
};

/* False: the line is malformed, which a test of the table would have shown. */
bool signature_read(const struct soql_function *f, struct signature *ret);
bool signature_takes(const struct signature *s, size_t n_arguments);
/* The slot of the argument at `at`, however often the last one repeats. */
const struct signature_slot *signature_argument(const struct signature *s, size_t at);
enum soql_kind signature_slot_kind(const struct signature_slot *slot, const enum soql_kind variables[SIGNATURE_VARIABLES_MAX]);

#endif
