/* Two answers, value by value. */
#ifndef SELTZER_TESTS_COMPARE_H
#define SELTZER_TESTS_COMPARE_H

#include "engines.h"
#include "verdict.h"

/* False: *ret_why says where they differ. Sorts rows that have no order. */
bool answers_agree(const struct query *q, const struct verdict *v, struct answer *sqlite, struct answer *postgres, char *ret_why, size_t why_size);

#endif
