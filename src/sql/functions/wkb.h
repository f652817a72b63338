/* A walk over stored geometries: little-endian two-dimensional WKB (docs/wire/geometry.md). */
#ifndef SELTZER_SQL_FUNCTIONS_WKB_H
#define SELTZER_SQL_FUNCTIONS_WKB_H

#include "base/buf.h"

enum wkb_type { WKB_POINT = 1, WKB_LINE, WKB_POLYGON, WKB_MULTIPOINT, WKB_MULTILINE, WKB_MULTIPOLYGON };

enum { WKB_POINT_BYTES = 21, WKB_HEADER_BYTES = 5 };

struct wkb_visitor {
    void *ctx;
    void (*position)(void *ctx, double x, double y); /* not for the empty point */
    /* Before and after each list of positions: a line, or the index-th ring of a polygon (0: the outer one). May be NULL. */
    void (*begin)(void *ctx, uint32_t index);
    void (*end)(void *ctx, uint32_t index);
};

enum wkb_type wkb_type(struct str wkb); /* 0: damaged */
bool wkb_visit(struct str wkb, const struct wkb_visitor *v); /* false: damaged; what was sound has been visited */
/* A point that is not empty: the quick way of the commonest geometry. */
bool wkb_point(struct str wkb, double *ret_x, double *ret_y);
void wkb_write_point(char to[WKB_POINT_BYTES], double x, double y);

#endif
