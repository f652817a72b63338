/* How near two names are: "did you mean". Callers fold and decode; names longer than NEAREST_CHARS_MAX are near nothing. */
#ifndef SELTZER_ROWS_NEAREST_H
#define SELTZER_ROWS_NEAREST_H

#include <stddef.h>
#include <stdint.h>

enum { NEAREST_CHARS_MAX = 64 }; /* longer names are nobody's typing error, and the work grows with the square */
/* How many edits still look like a slip, for a name of n characters: 0 to 3. */
int nearest_edits_max(size_t n);
/* Edit distance with swaps of neighbours (optimal string alignment), or anything above `max` when it exceeds it. */
int nearest_edits(const int32_t *a, size_t an, const int32_t *b, size_t bn, int max);

#endif
