/* What `seltzer version`, /api/version and the metrics call this build. */
#ifndef SELTZER_BASE_VERSION_H
#define SELTZER_BASE_VERSION_H

#define SELTZER_VERSION "0.1.0"

#endif
