/* To GEOS and back (geometry.h). */
#include <stdlib.h>
#include <stdio.h>

#include "sql/functions/geometry.h"

static void keep_message(const char *message, void *ctx)
{
    struct geos *g = ctx;
    snprintf(g->message, sizeof g->message, "%s", message);
}

bool geos_start(struct geos *g)
{
    g->message[0] = 0;
    g->handle = GEOS_init_r();
    if (!g->handle)
        return false;
    GEOSContext_setErrorMessageHandler_r(g->handle, keep_message, g);
    return true;
}

void geos_end(struct geos *g)
{
    if (g->handle)
        GEOS_finish_r(g->handle);
}

void geos_refuse(sqlite3_context *out, int64_t place, const struct geos *g)
{
    /* What GEOS itself refuses it says; the rest is an allocation of ours. */
    if (!g->message[0] || strstr(g->message, "bad_alloc"))
        sqlite3_result_error_nomem(out);
    else
        function_refuse_at(out, place, "geometry: %s", g->message);
}

GEOSGeometry *geos_read(sqlite3_context *out, struct geos *g, struct str wkb, int64_t place)
{
    GEOSGeometry *made = NULL;
    GEOSWKBReader *reader = GEOSWKBReader_create_r(g->handle);
    if (reader) {
        made = GEOSWKBReader_read_r(g->handle, reader, (const unsigned char *)wkb.p, wkb.n);
        GEOSWKBReader_destroy_r(g->handle, reader);
    }
    if (!made)
        geos_refuse(out, place, g);
    return made;
}

enum wkb_type geos_multi(enum wkb_type t)
{
    return t < WKB_MULTIPOINT ? t + (WKB_MULTIPOINT - WKB_POINT) : t;
}

static enum wkb_type type_of(const struct geos *g, const GEOSGeometry *geometry)
{
    switch (GEOSGeomTypeId_r(g->handle, geometry)) {
    case GEOS_POINT:
        return WKB_POINT;
    case GEOS_LINESTRING:
    case GEOS_LINEARRING:
        return WKB_LINE;
    case GEOS_POLYGON:
        return WKB_POLYGON;
    default:
        return 0;
    }
}

/* The parts of one kind, empty ones left out. */
struct parts {
    GEOSGeometry **p;
    unsigned n, cap;
};

static bool add_part(const struct geos *g, struct parts *parts, const GEOSGeometry *geometry)
{
    if (GEOSisEmpty_r(g->handle, geometry))
        return true;
    if (parts->n == parts->cap) {
        unsigned cap = parts->cap ? 2 * parts->cap : 8;
        GEOSGeometry **p = realloc(parts->p, cap * sizeof(GEOSGeometry *));
        if (!p)
            return false;
        parts->p = p;
        parts->cap = cap;
    }
    GEOSGeometry *copy = GEOSGeom_clone_r(g->handle, geometry);
    if (!copy)
        return false;
    parts->p[parts->n++] = copy;
    return true;
}

/* Collections of GEOS' own operations are one level deep, or two: a collection of multi geometries. */
static bool collect(const struct geos *g, const GEOSGeometry *geometry, enum wkb_type kind, int depth, struct parts *parts)
{
    enum wkb_type t = type_of(g, geometry);
    if (t)
        return t != kind || add_part(g, parts, geometry);
    int n = GEOSGetNumGeometries_r(g->handle, geometry);
    bool ok = true;
    for (int i = 0; i < n && ok && depth > 0; i++)
        ok = collect(g, GEOSGetGeometryN_r(g->handle, geometry, i), kind, depth - 1, parts);
    return ok;
}

static const int collections[] = {
    [WKB_MULTIPOINT] = GEOS_MULTIPOINT, [WKB_MULTILINE] = GEOS_MULTILINESTRING, [WKB_MULTIPOLYGON] = GEOS_MULTIPOLYGON,
};

static bool write(sqlite3_context *out, const struct geos *g, const GEOSGeometry *geometry)
{
    size_t n = 0;
    unsigned char *bytes = NULL;
    GEOSWKBWriter *writer = GEOSWKBWriter_create_r(g->handle);
    if (writer) {
        GEOSWKBWriter_setOutputDimension_r(g->handle, writer, 2);
        GEOSWKBWriter_setByteOrder_r(g->handle, writer, GEOS_WKB_NDR);
        bytes = GEOSWKBWriter_write_r(g->handle, writer, geometry, &n);
        GEOSWKBWriter_destroy_r(g->handle, writer);
    }
    if (bytes)
        sqlite3_result_blob64(out, bytes, n, SQLITE_TRANSIENT);
    GEOSFree_r(g->handle, bytes);
    return bytes != NULL;
}

void geos_give(sqlite3_context *out, struct geos *g, GEOSGeometry *made, enum wkb_type want, int64_t place)
{
    struct parts parts = {0};
    bool is_multi = want >= WKB_MULTIPOINT;
    enum wkb_type kind = is_multi ? want - (WKB_MULTIPOINT - WKB_POINT) : want;
    bool ok = made && collect(g, made, kind, 3, &parts);
    GEOSGeometry *result = NULL;
    if (ok && is_multi) {
        result = GEOSGeom_createCollection_r(g->handle, collections[want], parts.p, parts.n);
        parts.n = 0; /* the collection's */
    } else if (ok && parts.n == 1) {
        result = parts.p[0];
        parts.n = 0;
    }
    if (result)
        ok = write(out, g, result);
    if (!ok || (is_multi && !result))
        geos_refuse(out, place, g);
    for (unsigned i = 0; i < parts.n; i++)
        GEOSGeom_destroy_r(g->handle, parts.p[i]);
    free(parts.p);
    if (result)
        GEOSGeom_destroy_r(g->handle, result);
    if (made)
        GEOSGeom_destroy_r(g->handle, made);
}
