/* Text as it is kept: NFC, without U+0000 (docs/wire/types.md, text). */
#ifndef SELTZER_ROWS_TEXT_H
#define SELTZER_ROWS_TEXT_H

#include "base/arena.h"

/* More marks than this one after another on one letter are refused: putting them in order takes time square to their
 * number. Unicode's own stream-safe form stops at 30 (UAX #15, section 13). */
enum { TEXT_MARKS_MAX = 128 };

enum text_status { TEXT_OK, TEXT_TOO_MANY_MARKS, TEXT_NO_MEMORY };
/* *ret is s itself when there is nothing to change, as is usual, else bytes from the arena. s is valid UTF-8.
 * *nul_removed counts up. */
enum text_status text_normalize(struct str s, struct arena *a, uint64_t *nul_removed, struct str *ret);

#endif
