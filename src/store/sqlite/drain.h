/* The way of version and audit rows from a dataset's file to the catalog. */
#ifndef SELTZER_STORE_SQLITE_DRAIN_H
#define SELTZER_STORE_SQLITE_DRAIN_H

#include "catalog/history.h"
#include "store/sqlite/engine.h"

enum { DRAIN_ROWS = 1024 }; /* of a portion */

/* What the file has beyond the catalog goes there in whole portions; the rest, less than one, is the caller's to add or to leave. */
must_use bool drain(struct store *s, const char *id, struct sql *db, struct history *ret_rest, struct error *err);
/* Under the turn, of the file that is about to be left: the rest goes with the flip. */
must_use bool drain_current(struct store *s, struct table *t, struct history *ret_rest, struct error *err);
/* Most of the same, before the turn is taken, so that nobody waits for it. What fails here is met again, and told, in the turn. */
void drain_before(struct store *s, const struct dataset *d);
/* All of a file, to which nobody writes meanwhile; false: it must stay. */
must_use bool drain_file(struct store *s, const char *id, const char *path, struct error *err);
/* The folder of a dataset that is no more goes: one generation after the other is drained and removed, then all else. None is fine. */
must_use bool drain_away(struct store *s, const char *id, const char *path, struct error *err);
/* Says that what is at path has to stay, which is below the data directory. */
void drain_warn(const struct store *s, const char *id, const char *path, const struct error *why);

#endif
