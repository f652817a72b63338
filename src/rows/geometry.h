/* The inside of the six geometry types: what their files share. Private to rows/geometry*.c.
 *
 * A geometry is written once, into the WKB in which it is stored, by a reader of GeoJSON or of WKT that drives a
 * geometry_builder; it is read back by a geometry_cursor. Both follow the same table of shapes, which says what a shape
 * consists of, so that no reader or writer knows more than one level at a time. Rules: docs/wire/geometry.md. */
#ifndef SELTZER_ROWS_GEOMETRY_H
#define SELTZER_ROWS_GEOMETRY_H

#include "rows/type.h"

enum { GEOMETRY_VERTICES_MAX = 1000000, GEOMETRY_RINGS_MAX = 100000 };

/* A shape is a position (SHAPE_POINT), a list of positions (element NULL), or a list of shapes. The depth of the table,
 * three lists, bounds every recursion over it. */
struct geometry_shape {
    uint32_t wkb; /* the type code; 0: no header, only a count (a ring) */
    bool is_point, is_ring;
    const struct geometry_shape *element;
    const char *geojson, *wkt; /* names */
};

/* Tables of the six types begin here: [TYPE_LINE - GEOMETRY_FIRST]. */
enum { GEOMETRY_FIRST = TYPE_POINT };

/* The shape of a column type: TYPE_POINT … TYPE_MULTIPOLYGON. */
const struct geometry_shape *geometry_shape_of(enum type_id id);

/* ── making ── */

struct geometry_builder {
    struct arena *arena;
    struct type_refusal *why; /* only its hint is written here */
    unsigned char *p;
    size_t n, cap;
    bool no_memory;
    size_t vertices, rings;
    uint64_t dropped, out_of_range;
};

/* A list under construction: where its count goes and what closing it checks. */
struct geometry_list {
    const struct geometry_shape *shape;
    size_t at, first; /* offsets of the count and of the first element */
    uint32_t n;
};

/* Each returns false when the geometry cannot be, with the reason in why->hint, or when memory is short. */
bool geometry_add_header(struct geometry_builder *b, const struct geometry_shape *shape);
bool geometry_add_position(struct geometry_builder *b, double x, double y);
bool geometry_add_empty_point(struct geometry_builder *b);
bool geometry_open(struct geometry_builder *b, const struct geometry_shape *shape, struct geometry_list *ret);
bool geometry_close(struct geometry_builder *b, const struct geometry_list *list);
/* Always returns false. */
bool geometry_refuse(struct geometry_builder *b, const char *fmt, ...) printf_like(2, 3);

/* Text to WKB. geojson: a JSON object, already checked to be JSON. wkt: trimmed. */
bool geometry_read_geojson(struct geometry_builder *b, const struct geometry_shape *shape, struct str geojson);
bool geometry_read_wkt(struct geometry_builder *b, const struct geometry_shape *shape, struct str wkt);

/* ── reading back ── */

/* Stored bytes are checked all the same: a damaged one sets `bad` and reads as nothing from there. */
struct geometry_cursor {
    const unsigned char *p, *end;
    bool bad;
};

uint32_t geometry_next_count(struct geometry_cursor *c);
void geometry_next_header(struct geometry_cursor *c, const struct geometry_shape *shape);
/* False for the empty point. */
bool geometry_next_position(struct geometry_cursor *c, double *ret_x, double *ret_y);

void geometry_write_geojson(struct geometry_cursor *c, const struct geometry_shape *shape, struct buf *out);
void geometry_write_wkt(struct geometry_cursor *c, const struct geometry_shape *shape, struct buf *out);

#endif
