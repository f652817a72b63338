/* What became of the requests: counted by route, method and status, with how long they took (docs/operations.md). The names of routes are
 * those of routes.def, so that no page of counters tells which datasets there are. */
#ifndef SELTZER_API_TRAFFIC_H
#define SELTZER_API_TRAFFIC_H

#include "api/router.h"

/* http_app's `ended`: counts, and tells the access log (access_log.h). */
void traffic_ended(void *ctx, struct http_exchange *x, const struct http_end *end);
/* Families seltzer_requests_total and seltzer_request_seconds, in the form of metrics.h. */
void traffic_write(struct buf *out);

#endif
