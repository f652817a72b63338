/* Well-known binary, little-endian and two-dimensional (OGC 06-103r4 section 8; docs/wire/geometry.md): the form in which
 * geometries are stored. The empty point, which WKB forgot, is a point of two NaNs, as PostGIS has it. */
#include "rows/geometry.h"

#include <endian.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static const struct geometry_shape shape_point = {.wkb = 1, .is_point = true, .geojson = "Point", .wkt = "POINT"};
static const struct geometry_shape shape_line = {.wkb = 2, .geojson = "LineString", .wkt = "LINESTRING"};
static const struct geometry_shape shape_ring = {.is_ring = true};
static const struct geometry_shape shape_polygon = {.wkb = 3, .element = &shape_ring, .geojson = "Polygon", .wkt = "POLYGON"};

static const struct geometry_shape shape_multipoint = {
    .wkb = 4, .element = &shape_point, .geojson = "MultiPoint", .wkt = "MULTIPOINT"};
static const struct geometry_shape shape_multiline = {
    .wkb = 5, .element = &shape_line, .geojson = "MultiLineString", .wkt = "MULTILINESTRING"};
static const struct geometry_shape shape_multipolygon = {
    .wkb = 6, .element = &shape_polygon, .geojson = "MultiPolygon", .wkt = "MULTIPOLYGON"};

const struct geometry_shape *geometry_shape_of(enum type_id id)
{
    static const struct geometry_shape *const shapes[] = {
        [TYPE_POINT - GEOMETRY_FIRST] = &shape_point,     [TYPE_MULTIPOINT - GEOMETRY_FIRST] = &shape_multipoint,
        [TYPE_LINE - GEOMETRY_FIRST] = &shape_line,       [TYPE_MULTILINE - GEOMETRY_FIRST] = &shape_multiline,
        [TYPE_POLYGON - GEOMETRY_FIRST] = &shape_polygon, [TYPE_MULTIPOLYGON - GEOMETRY_FIRST] = &shape_multipolygon,
    };
    return shapes[id - GEOMETRY_FIRST];
}

/* ── making ── */

bool geometry_refuse(struct geometry_builder *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(b->why->hint, sizeof b->why->hint, fmt, args);
    va_end(args);
    return false;
}

static unsigned char *room(struct geometry_builder *b, size_t n)
{
    if (b->cap - b->n < n) {
        size_t cap = b->cap ? 2 * b->cap : 21; /* a point needs no more */
        while (cap - b->n < n)
            cap *= 2;
        unsigned char *p = arena_grow(b->arena, b->p, b->cap, cap);
        if (!p) {
            b->no_memory = true;
            return NULL;
        }
        b->p = p;
        b->cap = cap;
    }
    b->n += n;
    return b->p + b->n - n;
}

static void put_u32(unsigned char *p, uint32_t v)
{
    v = htole32(v);
    memcpy(p, &v, sizeof v);
}

static void put_double(unsigned char *p, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    bits = htole64(bits);
    memcpy(p, &bits, sizeof bits);
}

bool geometry_add_header(struct geometry_builder *b, const struct geometry_shape *shape)
{
    if (!shape->wkb)
        return true;
    unsigned char *p = room(b, 5);
    if (!p)
        return false;
    p[0] = 1; /* little-endian */
    put_u32(p + 1, shape->wkb);
    return true;
}

static bool add_ordinates(struct geometry_builder *b, double x, double y)
{
    if (b->vertices == GEOMETRY_VERTICES_MAX)
        return geometry_refuse(b, "more than %d positions", GEOMETRY_VERTICES_MAX);
    b->vertices++;
    unsigned char *p = room(b, 16);
    if (!p)
        return false;
    put_double(p, x);
    put_double(p + 8, y);
    return true;
}

bool geometry_add_position(struct geometry_builder *b, double x, double y)
{
    if (!isfinite(x) || !isfinite(y))
        return geometry_refuse(b, "an ordinate that is not a finite number");
    if (fabs(x) > 180 || fabs(y) > 90)
        b->out_of_range++;
    return add_ordinates(b, x, y);
}

bool geometry_add_empty_point(struct geometry_builder *b)
{
    return add_ordinates(b, NAN, NAN);
}

bool geometry_open(struct geometry_builder *b, const struct geometry_shape *shape, struct geometry_list *ret)
{
    bool is_ring_or_line = !shape->element;
    if (is_ring_or_line && b->rings++ == GEOMETRY_RINGS_MAX)
        return geometry_refuse(b, "more than %d rings or lines", GEOMETRY_RINGS_MAX);
    unsigned char *p = room(b, 4);
    if (!p)
        return false;
    put_u32(p, 0);
    *ret = (struct geometry_list){.shape = shape, .at = b->n - 4, .first = b->n};
    return true;
}

static double get_double(const unsigned char *p)
{
    uint64_t bits;
    double v;
    memcpy(&bits, p, sizeof bits);
    bits = le64toh(bits);
    memcpy(&v, &bits, sizeof v);
    return v;
}

static bool is_same_position(const unsigned char *a, const unsigned char *b) /* 0 and -0 are one place */
{
    return get_double(a) == get_double(b) && get_double(a + 8) == get_double(b + 8);
}

/* A ring needs four positions, the last where the first is; a line two. An empty line is a line, an empty ring is none. */
bool geometry_close(struct geometry_builder *b, const struct geometry_list *list)
{
    put_u32(b->p + list->at, list->n);
    if (list->shape->element)
        return true;
    if (!list->shape->is_ring)
        return list->n != 1 || geometry_refuse(b, "a line needs at least 2 positions, this one has 1");
    if (list->n >= 2 && !is_same_position(b->p + list->first, b->p + b->n - 16))
        return geometry_refuse(b, "a ring is not closed: its last position must equal its first");
    if (list->n < 4)
        return geometry_refuse(b, "a ring needs at least 4 positions, the last equal to the first; this one has %u", list->n);
    return true;
}

/* ── reading back ── */

static const unsigned char *take(struct geometry_cursor *c, size_t n)
{
    if (c->bad || (size_t)(c->end - c->p) < n) {
        c->bad = true;
        return NULL;
    }
    c->p += n;
    return c->p - n;
}

static uint32_t get_u32(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

uint32_t geometry_next_count(struct geometry_cursor *c)
{
    const unsigned char *p = take(c, 4);
    return p ? get_u32(p) : 0;
}

void geometry_next_header(struct geometry_cursor *c, const struct geometry_shape *shape)
{
    if (!shape->wkb)
        return;
    const unsigned char *p = take(c, 5);
    if (p && (p[0] != 1 || get_u32(p + 1) != shape->wkb))
        c->bad = true;
}

bool geometry_next_position(struct geometry_cursor *c, double *ret_x, double *ret_y)
{
    *ret_x = *ret_y = 0;
    const unsigned char *p = take(c, 16);
    if (!p)
        return false;
    double x = get_double(p), y = get_double(p + 8);
    if (isnan(x) && isnan(y))
        return false;
    if (!isfinite(x) || !isfinite(y)) {
        c->bad = true;
        return false;
    }
    *ret_x = x;
    *ret_y = y;
    return true;
}
