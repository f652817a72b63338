/* The six geometry types: point, multipoint, line, multiline, polygon, multipolygon (docs/wire/geometry.md).
 *
 * In: a GeoJSON object, WKT, and for a point the text "(latitude, longitude)". Out: GeoJSON, and WKT in CSV. Kept as
 * two-dimensional WKB, exactly as given otherwise: nothing is repaired, reordered or bounded to the globe. */
#include "rows/geometry.h"

#include <stdio.h>

#include "base/json.h"
#include "rows/ordinate.h"

/* ── "(latitude, longitude)" ── */

/* The order of the old backend and of people, the other way round than everywhere else. */
static bool read_lat_long(struct geometry_builder *b, const struct geometry_shape *shape, struct str text)
{
    double v[2];
    struct str rest = str_skip(text, 1);
    for (int i = 0; i < 2; i++) {
        rest = str_trim(rest);
        size_t n = ordinate_read(rest, &v[i]);
        rest = str_trim(str_skip(rest, n));
        if (n == 0 || rest.n == 0 || *rest.p != (i == 0 ? ',' : ')'))
            return geometry_refuse(b, "text in parentheses is (latitude, longitude), two numbers");
        rest = str_skip(rest, 1);
    }
    if (rest.n)
        return geometry_refuse(b, "text after (latitude, longitude)");
    return geometry_add_header(b, shape) && geometry_add_position(b, v[1], v[0]);
}

/* ── parsing ── */

/* A CSV cell, or a JSON string, may hold the GeoJSON object as text. That text has not been checked yet, and a tree of a
 * large polygon would take many times its size, so it runs past callbacks that ignore everything. */
static bool ignore_kind(void *ctx, enum json_kind kind, struct error *err)
{
    (void)ctx, (void)kind, (void)err;
    return true;
}

static bool ignore_key(void *ctx, struct str key, struct error *err)
{
    (void)ctx, (void)key, (void)err;
    return true;
}

static bool ignore_value(void *ctx, enum json_kind kind, struct str text, struct error *err)
{
    (void)ctx, (void)kind, (void)text, (void)err;
    return true;
}

static bool check_json(struct geometry_builder *b, struct str text)
{
    static const struct json_events ignore = {NULL, ignore_kind, ignore_kind, ignore_key, ignore_value, NULL};
    struct error err = {0};
    struct json_parser *p = json_parser_new(&json_limits_default, &ignore, &err);
    if (!p) {
        b->no_memory = true;
        return false;
    }
    bool ok = json_parser_push(p, text, &err) && json_parser_finish(p, &err);
    json_parser_free(p);
    return ok || geometry_refuse(b, "text that begins with { must be a GeoJSON object: " FMT_STR,
                                 ARG_STR(str_head_utf8(str_from(err.message), 120)));
}

static bool read_text(struct geometry_builder *b, const struct geometry_shape *shape, struct str text)
{
    if (*text.p == '(' && shape->is_point)
        return read_lat_long(b, shape, text);
    if (*text.p == '{')
        return check_json(b, text) && geometry_read_geojson(b, shape, text);
    return geometry_read_wkt(b, shape, text);
}

static const char *const examples[] = {
    [TYPE_POINT - GEOMETRY_FIRST] = "a GeoJSON Point, WKT like POINT (-87.6 41.9), or text (41.9, -87.6)",
    [TYPE_MULTIPOINT - GEOMETRY_FIRST] = "a GeoJSON MultiPoint or WKT like MULTIPOINT ((-87.6 41.9), (-87.7 41.8))",
    [TYPE_LINE - GEOMETRY_FIRST] = "a GeoJSON LineString or WKT like LINESTRING (-87.6 41.9, -87.7 41.8)",
    [TYPE_MULTILINE - GEOMETRY_FIRST] = "a GeoJSON MultiLineString or WKT like MULTILINESTRING ((-87.6 41.9, -87.7 41.8))",
    [TYPE_POLYGON - GEOMETRY_FIRST] = "a GeoJSON Polygon or WKT like POLYGON ((-87.6 41.9, -87.7 41.8, -87.5 41.8, -87.6 41.9))",
    [TYPE_MULTIPOLYGON -
        TYPE_POINT] = "a GeoJSON MultiPolygon or WKT like MULTIPOLYGON (((-87.6 41.9, -87.7 41.8, -87.5 41.8, -87.6 41.9)))",
};

static bool geometry_parse(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret,
                           struct type_refusal *why)
{
    const struct geometry_shape *shape = geometry_shape_of(t->id);
    struct geometry_builder b = {.arena = ctx->arena, .why = why};
    struct str text = str_trim(raw->text);
    bool ok;
    why->hint[0] = 0;
    if (raw->kind == RAW_OBJECT) {
        ok = geometry_read_geojson(&b, shape, text);
    } else if (raw->kind != RAW_STRING) {
        ok = geometry_refuse(&b, "send an object or a string");
    } else if (text.n == 0) {
        *ret = cell_null();
        return true;
    } else {
        ok = read_text(&b, shape, text);
    }
    if (!ok) {
        snprintf(why->expected, sizeof why->expected, "%s", b.no_memory ? "" : examples[t->id - GEOMETRY_FIRST]);
        return false;
    }
    ctx->ordinates_dropped += b.dropped;
    ctx->degrees_out_of_range += b.out_of_range;
    *ret = cell_blob(str_make((const char *)b.p, b.n));
    return true;
}

/* ── writing ── */

/* Bytes that are no geometry can only come from a damaged file; they are shown as `instead`. */
static void write_with(void (*write)(struct geometry_cursor *, const struct geometry_shape *, struct buf *), const struct type *t,
                       const struct cell *cell, const char *instead, struct buf *out)
{
    const unsigned char *p = (const unsigned char *)cell->s.p;
    struct geometry_cursor c = {p, p + cell->s.n, false};
    size_t start = out->n;
    write(&c, geometry_shape_of(t->id), out);
    if ((c.bad || c.p != c.end) && !out->failed) {
        out->n = start;
        buf_add_z(out, instead);
    }
}

static void geometry_write_json(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)r;
    write_with(geometry_write_geojson, t, c, "null", out);
}

static void geometry_write_csv(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)r;
    write_with(geometry_write_wkt, t, c, "", out);
}

/* Any fixed order will do: there is no natural one. */
static int geometry_compare(const struct cell *a, const struct cell *b)
{
    return str_cmp(a->s, b->s);
}

#define GEOMETRY(ID, soql, view)                                                                                                 \
    const struct type type_##soql = {                                                                                            \
        .id = TYPE_##ID,                                                                                                         \
        .storage = STORAGE_BLOB,                                                                                                 \
        .is_geometry = true,                                                                                                     \
        .soql_name = #soql,                                                                                                      \
        .view_name = view,                                                                                                       \
        .parse = geometry_parse,                                                                                                 \
        .write_json = geometry_write_json,                                                                                       \
        .write_csv = geometry_write_csv,                                                                                         \
        .compare = geometry_compare,                                                                                             \
    }
GEOMETRY(POINT, point, "point");
GEOMETRY(MULTIPOINT, multipoint, "multipoint");
GEOMETRY(LINE, line, "line");
GEOMETRY(MULTILINE, multiline, "multiline");
GEOMETRY(POLYGON, polygon, "polygon");
GEOMETRY(MULTIPOLYGON, multipolygon, "multipolygon");
