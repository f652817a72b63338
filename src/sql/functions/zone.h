/* Time zones of the tz database, read from the system's files (RFC 9636), which the C library would only use for one zone of the
 * whole process. A zone is read once and kept until the process ends. */
#ifndef SELTZER_SQL_ZONE_H
#define SELTZER_SQL_ZONE_H

#include "base/str.h"

struct zone;

enum zone_status { ZONE_OK, ZONE_UNKNOWN, ZONE_NO_MEMORY };

/* By its name, like America/Chicago or UTC. */
enum zone_status zone_find(struct str name, const struct zone **ret);
/* How many seconds the clocks are ahead of UTC at that moment (seconds since 1970, UTC). */
int64_t zone_offset(const struct zone *z, int64_t at);

#endif
