/* Functions that make geometries of geometries, by GEOS but for the grid. */
#include <math.h>
#include <stdlib.h>

#include "sql/functions/geometry.h"

/* ── one geometry ── */

typedef GEOSGeometry *maker(struct geos *g, const GEOSGeometry *a, double number);

/* want 0: of the argument's own kind. */
static void make(sqlite3_context *out, sqlite3_value *v, sqlite3_value *number, sqlite3_value *place, maker *make_it, enum wkb_type want)
{
    struct str wkb;
    struct geos g;
    int64_t at = sqlite3_value_int64(place);
    double d = 0;
    if ((number && !function_real(out, number, place, &d)) || !function_blob(out, v, &wkb))
        return;
    if (!geos_start(&g)) {
        sqlite3_result_error_nomem(out);
        return;
    }
    GEOSGeometry *a = geos_read(out, &g, wkb, at);
    if (a) {
        geos_give(out, &g, make_it(&g, a, d), want ? want : wkb_type(wkb), at);
        GEOSGeom_destroy_r(g.handle, a);
    }
    geos_end(&g);
}

/* What has an area; a hull of fewer than three points has none. Takes `hull`. */
static GEOSGeometry *area_of(struct geos *g, GEOSGeometry *hull)
{
    if (!hull)
        return NULL;
    GEOSGeometry *area = GEOSBuffer_r(g->handle, hull, 0, 8);
    GEOSGeom_destroy_r(g->handle, hull);
    return area;
}

static GEOSGeometry *make_convex_hull(struct geos *g, const GEOSGeometry *a, double number)
{
    (void)number;
    return area_of(g, GEOSConvexHull_r(g->handle, a));
}

static GEOSGeometry *make_concave_hull(struct geos *g, const GEOSGeometry *a, double ratio)
{
    return area_of(g, GEOSConcaveHull_r(g->handle, a, ratio, 0));
}

static GEOSGeometry *make_simple(struct geos *g, const GEOSGeometry *a, double tolerance)
{
    return GEOSSimplify_r(g->handle, a, tolerance);
}

static GEOSGeometry *make_simple_topology(struct geos *g, const GEOSGeometry *a, double tolerance)
{
    return GEOSTopologyPreserveSimplify_r(g->handle, a, tolerance);
}

static GEOSGeometry *make_precise(struct geos *g, const GEOSGeometry *a, double size)
{
    return GEOSGeom_setPrecision_r(g->handle, a, size, 0);
}

static GEOSGeometry *make_valid(struct geos *g, const GEOSGeometry *a, double number)
{
    (void)number;
    return GEOSMakeValid_r(g->handle, a);
}

static void convex_hull(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    make(out, v[0], NULL, v[1], make_convex_hull, WKB_MULTIPOLYGON);
}

static void concave_hull(sqlite3_context *out, int n, sqlite3_value **v)
{
    double ratio;
    (void)n;
    if (!function_real(out, v[1], v[2], &ratio))
        return;
    if (ratio < 0 || ratio > 1)
        function_refuse(out, v[2], "the ratio of a concave hull is between 0 and 1");
    else
        make(out, v[0], v[1], v[2], make_concave_hull, WKB_MULTIPOLYGON);
}

static void make_simpler(sqlite3_context *out, sqlite3_value **v, maker *make_it)
{
    double tolerance;
    if (!function_real(out, v[1], v[2], &tolerance))
        return;
    if (tolerance < 0)
        function_refuse(out, v[2], "a tolerance is zero or more degrees");
    else
        make(out, v[0], v[1], v[2], make_it, 0);
}

static void simplify(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    make_simpler(out, v, make_simple);
}

static void simplify_topology(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    make_simpler(out, v, make_simple_topology);
}

static void reduce_precision(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    make(out, v[0], v[1], v[2], make_precise, 0);
}

static void geo_make_valid(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    make(out, v[0], NULL, v[1], make_valid, 0);
}

/* ── two geometries ── */

static void combine(sqlite3_context *out, sqlite3_value **v, GEOSGeometry *(*op)(struct geos *, const GEOSGeometry *, const GEOSGeometry *))
{
    struct str x, y;
    struct geos g;
    int64_t place = sqlite3_value_int64(v[2]);
    if (!function_blob(out, v[0], &x) || !function_blob(out, v[1], &y))
        return;
    if (!geos_start(&g)) {
        sqlite3_result_error_nomem(out);
        return;
    }
    GEOSGeometry *a = geos_read(out, &g, x, place), *b = a ? geos_read(out, &g, y, place) : NULL;
    if (a && b)
        geos_give(out, &g, op(&g, a, b), geos_multi(wkb_type(x)), place);
    if (b)
        GEOSGeom_destroy_r(g.handle, b);
    if (a)
        GEOSGeom_destroy_r(g.handle, a);
    geos_end(&g);
}

static GEOSGeometry *make_union(struct geos *g, const GEOSGeometry *a, const GEOSGeometry *b)
{
    return GEOSUnion_r(g->handle, a, b);
}

static GEOSGeometry *make_intersection(struct geos *g, const GEOSGeometry *a, const GEOSGeometry *b)
{
    return area_of(g, GEOSIntersection_r(g->handle, a, b));
}

static void geo_union(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    combine(out, v, make_union);
}

static void polygon_intersection(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    combine(out, v, make_intersection);
}

/* ── the grid: each position rounded, those that repeat the one before left out, and what is then too short ── */

struct list {
    size_t at;  /* of its count in the output */
    uint32_t n;
};

struct snap {
    struct buf out;
    double size, last_x, last_y;
    struct list points; /* of the list at hand */
    uint32_t n_min;
    uint32_t rings, parts;
    size_t part_at;
    enum wkb_type kind; /* of a part */
    bool is_multi;
};

static double on_grid(double v, double size)
{
    return size > 0 ? rint(v / size) * size + 0.0 : v; /* + 0.0: never -0 */
}

static void put_u32(struct buf *b, size_t at, uint32_t v)
{
    if (buf_ok(b))
        memcpy(b->p + at, &v, sizeof v);
}

static void add_u32(struct buf *b, uint32_t v)
{
    buf_add(b, &v, sizeof v);
}

static void begin_part(struct snap *s)
{
    s->part_at = s->out.n;
    buf_add_byte(&s->out, 1);
    add_u32(&s->out, s->kind);
    s->rings = 0;
    if (s->kind == WKB_POLYGON)
        add_u32(&s->out, 0);
}

static void snap_begin(void *ctx, uint32_t index)
{
    struct snap *s = ctx;
    if (index == 0)
        begin_part(s);
    s->points = (struct list){s->out.n, 0};
    add_u32(&s->out, 0);
}

static void snap_position(void *ctx, double x, double y)
{
    struct snap *s = ctx;
    x = on_grid(x, s->size);
    y = on_grid(y, s->size);
    if (s->kind == WKB_POINT) {
        begin_part(s);
        s->parts++;
    } else if (s->points.n && x == s->last_x && y == s->last_y) {
        return;
    }
    s->last_x = x;
    s->last_y = y;
    s->points.n++;
    buf_add(&s->out, &x, sizeof x);
    buf_add(&s->out, &y, sizeof y);
}

static void snap_end(void *ctx, uint32_t index)
{
    struct snap *s = ctx;
    bool is_first = index == 0, is_kept = s->points.n >= s->n_min && (is_first || s->rings);
    if (!buf_ok(&s->out))
        return;
    if (!is_kept) {
        s->out.n = is_first ? s->part_at : s->points.at;
        return;
    }
    put_u32(&s->out, s->points.at, s->points.n);
    s->rings++;
    s->parts += is_first;
    if (s->kind == WKB_POLYGON)
        put_u32(&s->out, s->part_at + WKB_HEADER_BYTES, s->rings);
}

static void snap(sqlite3_context *out, int n, sqlite3_value **v)
{
    static const uint32_t shortest[] = {[WKB_POINT] = 1, [WKB_LINE] = 2, [WKB_POLYGON] = 4};
    struct snap s = {.size = 0};
    struct str wkb;
    (void)n;
    if (!function_real(out, v[1], v[2], &s.size) || !function_blob(out, v[0], &wkb))
        return;
    enum wkb_type t = wkb_type(wkb);
    if (!t)
        return;
    s.is_multi = t >= WKB_MULTIPOINT;
    s.kind = s.is_multi ? t - (WKB_MULTIPOINT - WKB_POINT) : t;
    s.n_min = shortest[s.kind];
    if (s.is_multi) {
        buf_add_byte(&s.out, 1);
        add_u32(&s.out, t);
        add_u32(&s.out, 0);
    }
    wkb_visit(wkb, &(struct wkb_visitor){.ctx = &s, .position = snap_position, .begin = snap_begin, .end = snap_end});
    if (s.is_multi)
        put_u32(&s.out, WKB_HEADER_BYTES, s.parts);
    if (!buf_ok(&s.out))
        sqlite3_result_error_nomem(out);
    else if (s.parts)
        sqlite3_result_blob64(out, s.out.p, s.out.n, SQLITE_TRANSIENT);
    buf_free(&s.out);
}

const struct function functions_geometry_make[] = {
    {"geo_convex_hull", 2, false, convex_hull},
    {"geo_concave_hull", 3, false, concave_hull},
    {"geo_simplify", 3, false, simplify},
    {"geo_simplify_topology", 3, false, simplify_topology},
    {"geo_reduce_precision", 3, false, reduce_precision},
    {"geo_make_valid", 2, false, geo_make_valid},
    {"geo_union", 3, false, geo_union},
    {"geo_polygon_intersection", 3, false, polygon_intersection},
    {"geo_snap", 3, false, snap},
    {NULL, 0, false, NULL},
};

/* ── the union of many: kept until an answer is asked for; a moving window drops the oldest ── */

struct collected {
    sqlite3_value **values; /* ours */
    size_t first, n, cap;
    int64_t place;
};

static void union_step(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct collected *c = sqlite3_aggregate_context(out, sizeof *c);
    (void)n;
    if (c && c->n == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 16;
        sqlite3_value **p = realloc(c->values, cap * sizeof(sqlite3_value *));
        if (p) {
            c->values = p;
            c->cap = cap;
        }
    }
    sqlite3_value *copy = c && c->n < c->cap ? sqlite3_value_dup(v[0]) : NULL;
    if (copy) {
        c->values[c->n++] = copy;
        c->place = sqlite3_value_int64(v[1]);
    } else {
        sqlite3_result_error_nomem(out);
    }
}

static void union_inverse(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct collected *c = sqlite3_aggregate_context(out, sizeof *c);
    (void)n, (void)v;
    if (c && c->first < c->n)
        sqlite3_value_free(c->values[c->first++]);
}

/* All in one collection of GEOS; NULL and the result settled when that cannot be. */
static GEOSGeometry *collection_of(sqlite3_context *out, struct geos *g, const struct collected *c)
{
    size_t n = c->n - c->first, got = 0;
    GEOSGeometry **all = calloc(n, sizeof(GEOSGeometry *)), *made = NULL;
    struct str wkb;
    if (!all) {
        sqlite3_result_error_nomem(out);
        return NULL;
    }
    while (got < n && function_blob(out, c->values[c->first + got], &wkb) && (all[got] = geos_read(out, g, wkb, c->place)))
        got++;
    if (got == n && !(made = GEOSGeom_createCollection_r(g->handle, GEOS_GEOMETRYCOLLECTION, all, (unsigned)n))) {
        geos_refuse(out, c->place, g);
        got = 0; /* GEOS has freed them */
    }
    for (size_t i = 0; !made && i < got; i++)
        GEOSGeom_destroy_r(g->handle, all[i]);
    free(all);
    return made;
}

static void union_value(sqlite3_context *out)
{
    const struct collected *c = sqlite3_aggregate_context(out, 0);
    struct geos g;
    struct str wkb;
    if (!c || c->first == c->n)
        return;
    if (!geos_start(&g)) {
        sqlite3_result_error_nomem(out);
        return;
    }
    GEOSGeometry *all = collection_of(out, &g, c);
    if (all && function_blob(out, c->values[c->first], &wkb))
        geos_give(out, &g, GEOSUnaryUnion_r(g.handle, all), geos_multi(wkb_type(wkb)), c->place);
    if (all)
        GEOSGeom_destroy_r(g.handle, all);
    geos_end(&g);
}

static void union_final(sqlite3_context *out)
{
    struct collected *c = sqlite3_aggregate_context(out, 0);
    union_value(out);
    if (!c)
        return;
    for (size_t i = c->first; i < c->n; i++)
        sqlite3_value_free(c->values[i]);
    free(c->values);
    *c = (struct collected){.n = 0};
}

const struct aggregate aggregates_geometry[] = {
    {"geo_collect_union", 2, union_step, union_inverse, union_value, union_final},
    {NULL, 0, NULL, NULL, NULL, NULL},
};
