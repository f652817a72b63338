/* Order of two values that are not null and of one type: whole numbers, doubles, texts by code point, blobs by bytes. */
#ifndef SELTZER_SQL_FUNCTIONS_VALUE_H
#define SELTZER_SQL_FUNCTIONS_VALUE_H

#include <sqlite3.h>

int value_compare(sqlite3_value *a, sqlite3_value *b);

#endif
