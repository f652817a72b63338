/* What the two timestamp types share: one reader and one writer of dates and times (docs/wire/types.md, timestamps).
 * A time is milliseconds since 1970-01-01T00:00:00.000 in the proleptic Gregorian calendar, without leap seconds. */
#ifndef SELTZER_ROWS_TIMESTAMP_H
#define SELTZER_ROWS_TIMESTAMP_H

#include "rows/type.h"

enum timestamp_kind { TIMESTAMP_FLOATING, TIMESTAMP_FIXED };

/* 0001-01-01T00:00:00.000 and 9999-12-31T23:59:59.999 */
#define TIMESTAMP_MS_MIN (-62135596800000LL)
#define TIMESTAMP_MS_MAX 253402300799999LL

/* Reads trimmed, non-empty text. A fixed time with an offset is brought to UTC. On refusal *ret_hint is a constant text
 * for a person, or NULL. */
bool timestamp_parse(struct str s, enum timestamp_kind kind, int64_t *ret_ms, const char **ret_hint);
/* 2014-10-13T05:06:07.000, with a Z when fixed; years outside 0000–9999 (a query can make them) with sign and all digits. */
void timestamp_write(int64_t ms, enum timestamp_kind kind, struct buf *out);
/* The whole of type.parse for both types. */
bool timestamp_parse_raw(const struct raw *raw, enum timestamp_kind kind, struct cell *ret, struct type_refusal *why);

#endif
