/* Time. clock_mono_* for deadlines and rates, never goes back; clock_wall_ms for what is stored. */
#ifndef SELTZER_BASE_CLOCK_H
#define SELTZER_BASE_CLOCK_H

#include <stdint.h>

#include "base/buf.h"

uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void);
int64_t clock_wall_ms(void);
/* Days since 1970-01-01 in the proleptic Gregorian calendar, and back. */
int64_t clock_days_from_civil(int64_t year, unsigned month, unsigned day);
void clock_civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);
void clock_add_http_date(struct buf *b, int64_t wall_ms);   /* Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110 5.6.7) */
bool clock_parse_http_date(struct str s, int64_t *ret_seconds); /* IMF-fixdate only */

#endif
