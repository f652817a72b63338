/* The access log: a JSON line a request (docs/operations.md). What a client sends cannot end a line, act on a terminal or make a line long,
 * and no secret of his goes in. Rows neither: of an address only its route's literal pieces and the dataset are shown, of a query its
 * parameters' names; with --log-level debug the whole address, secrets cut. */
#ifndef SELTZER_API_ACCESS_LOG_H
#define SELTZER_API_ACCESS_LOG_H

#include "api/api.h"

/* c: NULL when the application never heard of the request. */
void access_log_add(struct log_file *l, const struct call *c, const struct http_end *end);

/* ── for its tests ── */
/* The query with the values of secret parameters cut, or (names_only) without any value. */
void access_log_write_query(struct str query, bool names_only, struct buf *out);
/* Whatever looks like a secret of ours (base/secret.h) is cut from a text. */
void access_log_write_cut(struct str text, struct buf *out);

#endif
