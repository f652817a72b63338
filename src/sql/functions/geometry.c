/* Functions of geometries. Points are handled here in their 21 bytes; what needs topology is asked of GEOS. Relations with a constant
 * geometry keep it prepared for the whole statement. */
#include "sql/functions/geometry.h"

#include <math.h>
#include <stdlib.h>

#include "rows/query_types.h"
#include "sql/functions/earth.h"

void geometry_give_point(sqlite3_context *out, double x, double y)
{
    char bytes[WKB_POINT_BYTES];
    wkb_write_point(bytes, x, y);
    sqlite3_result_blob(out, bytes, sizeof bytes, SQLITE_TRANSIENT);
}

/* ── bounds ── */

struct box {
    double x_min, y_min, x_max, y_max;
    int64_t n;
};

static void extend(void *ctx, double x, double y)
{
    struct box *b = ctx;
    if (b->n++ == 0)
        *b = (struct box){x, y, x, y, 1};
    b->x_min = fmin(b->x_min, x);
    b->y_min = fmin(b->y_min, y);
    b->x_max = fmax(b->x_max, x);
    b->y_max = fmax(b->y_max, y);
}

static bool box_of(sqlite3_context *out, sqlite3_value *v, struct box *ret)
{
    struct str wkb;
    *ret = (struct box){.n = 0};
    if (!function_blob(out, v, &wkb))
        return false;
    wkb_visit(wkb, &(struct wkb_visitor){.ctx = ret, .position = extend});
    return true;
}

static void x_min(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct box b;
    (void)n;
    if (box_of(out, v[0], &b) && b.n)
        sqlite3_result_double(out, b.x_min);
}

static void y_min(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct box b;
    (void)n;
    if (box_of(out, v[0], &b) && b.n)
        sqlite3_result_double(out, b.y_min);
}

static void x_max(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct box b;
    (void)n;
    if (box_of(out, v[0], &b) && b.n)
        sqlite3_result_double(out, b.x_max);
}

static void y_max(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct box b;
    (void)n;
    if (box_of(out, v[0], &b) && b.n)
        sqlite3_result_double(out, b.y_max);
}

static void add_u32(struct buf *b, uint32_t v)
{
    buf_add(b, &v, sizeof v);
}

/* A multipolygon of one rectangle, which may have no area. */
static void box(sqlite3_context *out, int n, sqlite3_value **v)
{
    double x0 = sqlite3_value_double(v[0]), y0 = sqlite3_value_double(v[1]), x1 = sqlite3_value_double(v[2]), y1 = sqlite3_value_double(v[3]);
    const double ring[] = {x0, y0, x0, y1, x1, y1, x1, y0, x0, y0};
    struct buf b = {0};
    (void)n;
    buf_add(&b, "\1\6\0\0\0\1\0\0\0\1\3\0\0\0", 14);
    add_u32(&b, 1);
    add_u32(&b, 5);
    buf_add(&b, ring, sizeof ring);
    if (buf_ok(&b))
        sqlite3_result_blob64(out, b.p, b.n, SQLITE_TRANSIENT);
    else
        sqlite3_result_error_nomem(out);
    buf_free(&b);
}

static void within_box(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct box b;
    double north, west, south, east;
    (void)n;
    if (!function_real(out, v[1], v[5], &north) || !function_real(out, v[2], v[5], &west) || !function_real(out, v[3], v[5], &south) ||
        !function_real(out, v[4], v[5], &east) || !box_of(out, v[0], &b))
        return;
    sqlite3_result_int(out, b.n && b.x_min >= fmin(west, east) && b.x_max <= fmax(west, east) && b.y_min >= fmin(north, south) &&
                                b.y_max <= fmax(north, south));
}

/* ── what can be counted or read off ── */

static void num_points(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct box b;
    (void)n;
    if (box_of(out, v[0], &b))
        function_give_number(out, b.n);
}

static void is_empty(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct box b = {.n = 0};
    (void)n;
    if (sqlite3_value_type(v[0]) == SQLITE_NULL || box_of(out, v[0], &b))
        sqlite3_result_int(out, b.n == 0);
}

static void point_x(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str wkb;
    double x, y;
    (void)n;
    if (function_blob(out, v[0], &wkb) && wkb_point(wkb, &x, &y))
        function_give_rounded(out, x);
}

static void point_y(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str wkb;
    double x, y;
    (void)n;
    if (function_blob(out, v[0], &wkb) && wkb_point(wkb, &x, &y))
        function_give_rounded(out, y);
}

static void point(sqlite3_context *out, int n, sqlite3_value **v)
{
    double latitude, longitude;
    (void)n;
    if (function_real(out, v[0], v[2], &latitude) && function_real(out, v[1], v[2], &longitude))
        geometry_give_point(out, longitude, latitude);
}

static void multi(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str wkb;
    struct buf b = {0};
    double x, y;
    (void)n;
    if (!function_blob(out, v[0], &wkb))
        return;
    enum wkb_type t = wkb_type(wkb);
    if (!t || t >= WKB_MULTIPOINT) {
        sqlite3_result_value(out, v[0]);
        return;
    }
    bool is_empty_point = t == WKB_POINT && !wkb_point(wkb, &x, &y);
    buf_add_byte(&b, 1);
    add_u32(&b, geos_multi(t));
    add_u32(&b, !is_empty_point);
    if (!is_empty_point)
        buf_add_str(&b, wkb);
    if (buf_ok(&b))
        sqlite3_result_blob64(out, b.p, b.n, SQLITE_TRANSIENT);
    else
        sqlite3_result_error_nomem(out);
    buf_free(&b);
}

static void text(sqlite3_context *out, int n, sqlite3_value **v)
{
    static const struct type *const types[] = {
        [WKB_POINT] = &type_point, [WKB_LINE] = &type_line, [WKB_POLYGON] = &type_polygon, [WKB_MULTIPOINT] = &type_multipoint,
        [WKB_MULTILINE] = &type_multiline, [WKB_MULTIPOLYGON] = &type_multipolygon,
    };
    struct cell c = {.kind = CELL_BLOB};
    struct buf b = {0};
    (void)n;
    if (!function_blob(out, v[0], &c.s) || !wkb_type(c.s))
        return;
    const struct type *t = types[wkb_type(c.s)];
    t->write_csv(t, &c, NULL, &b);
    function_give_buf(out, &b);
}

/* ── on the earth ── */

static void within_circle(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str wkb;
    double latitude, longitude, radius;
    (void)n;
    if (!function_real(out, v[1], v[4], &latitude) || !function_real(out, v[2], v[4], &longitude) || !function_real(out, v[3], v[4], &radius) ||
        !function_blob(out, v[0], &wkb))
        return;
    if (fabs(latitude) > 90)
        function_refuse(out, v[4], "a latitude is between -90 and 90: the circle's centre is latitude, longitude, in this order");
    else
        sqlite3_result_int(out, earth_within(wkb, latitude, longitude, radius));
}

static void area(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str wkb;
    (void)n;
    if (function_blob(out, v[0], &wkb))
        function_give_rounded(out, earth_area(wkb));
}

static bool nearest(struct geos *g, const GEOSGeometry *a, const GEOSGeometry *b, double at[4])
{
    bool ok = false;
    GEOSCoordSequence *points = GEOSNearestPoints_r(g->handle, a, b);
    if (!points)
        return false;
    ok = GEOSCoordSeq_getXY_r(g->handle, points, 0, &at[0], &at[1]) && GEOSCoordSeq_getXY_r(g->handle, points, 1, &at[2], &at[3]);
    GEOSCoordSeq_destroy_r(g->handle, points);
    return ok;
}

/* Lengths are told to ten nanometres: beyond that they are noise of the coordinates. */
static const double PARTS_OF_A_METRE = 1e8;

/* Between the two points that are nearest in degrees; null when one of the two has no points. */
static void give_distance(sqlite3_context *out, sqlite3_value *place, const double at[4])
{
    double metres = earth_distance(at[1], at[0], at[3], at[2]);
    if (isnan(metres))
        function_refuse(out, place, "a latitude is not within -90 and 90");
    else
        function_give_rounded(out, round(metres * PARTS_OF_A_METRE) / PARTS_OF_A_METRE);
}

static void distance(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str a, b;
    double at[4];
    struct geos g;
    (void)n;
    if (!function_blob(out, v[0], &a) || !function_blob(out, v[1], &b))
        return;
    if (wkb_point(a, &at[0], &at[1]) && wkb_point(b, &at[2], &at[3])) {
        give_distance(out, v[2], at);
        return;
    }
    if (!geos_start(&g)) {
        sqlite3_result_error_nomem(out);
        return;
    }
    GEOSGeometry *x = geos_read(out, &g, a, sqlite3_value_int64(v[2])), *y = x ? geos_read(out, &g, b, sqlite3_value_int64(v[2])) : NULL;
    if (x && y && nearest(&g, x, y, at))
        give_distance(out, v[2], at);
    else if (x && y && g.message[0])
        geos_refuse(out, sqlite3_value_int64(v[2]), &g);
    if (y)
        GEOSGeom_destroy_r(g.handle, y);
    if (x)
        GEOSGeom_destroy_r(g.handle, x);
    geos_end(&g);
}

/* ── relations ── */

struct prepared {
    struct geos g;
    GEOSGeometry *geometry;
    const GEOSPreparedGeometry *prepared;
};

static void prepared_free(void *p)
{
    struct prepared *own = p;
    if (!own)
        return;
    if (own->prepared)
        GEOSPreparedGeom_destroy_r(own->g.handle, own->prepared);
    if (own->geometry)
        GEOSGeom_destroy_r(own->g.handle, own->geometry);
    geos_end(&own->g);
    free(own);
}

static struct prepared *prepare(sqlite3_context *out, sqlite3_value *v, int64_t place)
{
    struct str wkb;
    struct prepared *own = calloc(1, sizeof *own);
    if (!own || !geos_start(&own->g)) {
        free(own);
        sqlite3_result_error_nomem(out);
        return NULL;
    }
    if (!function_blob(out, v, &wkb) || !(own->geometry = geos_read(out, &own->g, wkb, place))) {
        prepared_free(own);
        return NULL;
    }
    own->prepared = GEOSPrepare_r(own->g.handle, own->geometry);
    if (own->prepared)
        return own;
    geos_refuse(out, place, &own->g);
    prepared_free(own);
    return NULL;
}

typedef char relation(GEOSContextHandle_t handle, const GEOSPreparedGeometry *a, const GEOSGeometry *b);

/* relation(prepared argument `at`, the other argument). */
static void relate(sqlite3_context *out, sqlite3_value **v, int at, relation *holds)
{
    struct str wkb;
    int64_t place = sqlite3_value_int64(v[2]);
    struct prepared *kept = sqlite3_get_auxdata(out, at), *own = kept ? kept : prepare(out, v[at], place);
    if (!own)
        return;
    own->g.message[0] = 0;
    GEOSGeometry *other = function_blob(out, v[1 - at], &wkb) ? geos_read(out, &own->g, wkb, place) : NULL;
    if (other) {
        char answer = holds(own->g.handle, own->prepared, other);
        if (answer == 2)
            geos_refuse(out, place, &own->g);
        else
            sqlite3_result_int(out, answer);
        GEOSGeom_destroy_r(own->g.handle, other);
    }
    if (!kept)
        sqlite3_set_auxdata(out, at, own, prepared_free); /* for the next row, if the argument is the same for all */
}

static void within(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    relate(out, v, 1, GEOSPreparedContains_r);
}

static void intersects(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    relate(out, v, sqlite3_get_auxdata(out, 0) ? 0 : 1, GEOSPreparedIntersects_r);
}

static void crosses(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    relate(out, v, 0, GEOSPreparedCrosses_r);
}

static void overlaps(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    relate(out, v, 1, GEOSPreparedOverlaps_r);
}

const struct function functions_geometry[] = {
    {"geo_x_min", 1, false, x_min},
    {"geo_y_min", 1, false, y_min},
    {"geo_x_max", 1, false, x_max},
    {"geo_y_max", 1, false, y_max},
    {"geo_box", 4, false, box},
    {"geo_within_box", 6, false, within_box},
    {"geo_num_points", 2, false, num_points},
    {"geo_is_empty", 1, true, is_empty},
    {"geo_x", 1, false, point_x},
    {"geo_y", 1, false, point_y},
    {"geo_point", 3, false, point},
    {"geo_multi", 1, false, multi},
    {"geo_text", 1, false, text},
    {"geo_within_circle", 5, false, within_circle},
    {"geo_area", 2, false, area},
    {"geo_distance", 3, false, distance},
    {"geo_within", 3, false, within},
    {"geo_intersects", 3, false, intersects},
    {"geo_crosses", 3, false, crosses},
    {"geo_overlaps", 3, false, overlaps},
    {NULL, 0, false, NULL},
};
