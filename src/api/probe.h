/* May requests be sent here? What /readyz says and the metrics repeat (docs/operations.md). */
#ifndef SELTZER_API_PROBE_H
#define SELTZER_API_PROBE_H

#include "api/api.h"

enum check { CHECK_CATALOG, CHECK_STORE, CHECK_DISK, CHECK_CERTIFICATE, CHECKS };

struct readiness {
    bool passed[CHECKS];
    bool all;
    bool certificate_refused; /* the one in use is good, the one in the files was refused */
};
/* Looked at once a second at most: anybody may ask, and as often as he likes. What changed since is logged. */
struct readiness probe_readiness(struct api *api);
const char *probe_check_name(enum check check);

#endif
