/* What the files of geometry share: WKB in, WKB out (wkb.h), and the ways to and from GEOS. */
#ifndef SELTZER_SQL_FUNCTIONS_GEOMETRY_H
#define SELTZER_SQL_FUNCTIONS_GEOMETRY_H

#include <geos_c.h>

#include "sql/functions/functions.h"
#include "sql/functions/wkb.h"

void geometry_give_point(sqlite3_context *out, double x, double y);

/* One call's use of GEOS, and its last complaint. */
struct geos {
    GEOSContextHandle_t handle;
    char message[200];
};

bool geos_start(struct geos *g); /* false: memory is short */
void geos_end(struct geos *g);
/* What went wrong, said by GEOS: out of memory, or refused at the place. */
void geos_refuse(sqlite3_context *out, int64_t place, const struct geos *g);
/* NULL: refused, and the result says so. */
GEOSGeometry *geos_read(sqlite3_context *out, struct geos *g, struct str wkb, int64_t place);
/* A copy of the geometry in the kind that is wanted: parts of other kinds left out, a single one made multi. Null when a single kind is
 * wanted and there is not exactly one. Takes `made`, which may be NULL: then the operation failed. */
void geos_give(sqlite3_context *out, struct geos *g, GEOSGeometry *made, enum wkb_type want, int64_t place);
/* The multi form of a kind. */
enum wkb_type geos_multi(enum wkb_type t);

#endif
