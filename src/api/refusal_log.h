/* Refusals in the log: who was told 401, 403 or 429, where. They change nothing, so they are in no chain (docs/audit.md); a flood of them is
 * cut to some lines a second and their count. */
#ifndef SELTZER_API_REFUSAL_LOG_H
#define SELTZER_API_REFUSAL_LOG_H

#include "api/router.h"

enum { REFUSAL_LINES_A_SECOND = 10 };

/* Whether this refusal gets a line; *ret_left_out: how many before it did not, to be told in this line. `now_ms` is monotonic. */
struct refusal_quota {
    uint64_t second, lines, left_out;
};
bool refusal_quota_take(struct refusal_quota *q, uint64_t now_ms, uint64_t *ret_left_out);

/* c may be NULL: refused before there was a call. From any thread. */
void refusal_log(const struct call *c, const struct http_end *end);

#endif
