/* What number.c and number_aggregates.c share. */
#ifndef SELTZER_SQL_FUNCTIONS_NUMBER_H
#define SELTZER_SQL_FUNCTIONS_NUMBER_H

#include "sql/functions/decimal_math.h"
#include "sql/functions/functions.h"

/* The result, or why there is none; frees b. */
void number_give(sqlite3_context *out, int64_t place, enum math_status status, struct buf *b);

#endif
