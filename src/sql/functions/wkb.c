/* Reading WKB (wkb.h). Counts are believed only as far as there are bytes. */
#include "sql/functions/wkb.h"

#include <math.h>

struct reader {
    const char *p, *end;
    bool bad;
};

static bool has(struct reader *r, size_t n)
{
    if (!r->bad && (size_t)(r->end - r->p) >= n)
        return true;
    r->bad = true;
    return false;
}

static uint32_t next_u32(struct reader *r)
{
    uint32_t v = 0;
    if (has(r, sizeof v)) {
        memcpy(&v, r->p, sizeof v);
        r->p += sizeof v;
    }
    return v;
}

static bool next_position(struct reader *r, double *x, double *y)
{
    if (!has(r, 2 * sizeof(double)))
        return false;
    memcpy(x, r->p, sizeof *x);
    memcpy(y, r->p + sizeof *x, sizeof *y);
    r->p += 2 * sizeof *x;
    return true;
}

static uint32_t next_header(struct reader *r)
{
    if (!has(r, WKB_HEADER_BYTES))
        return 0;
    r->bad = *r->p++ != 1;
    return next_u32(r);
}

static void visit_positions(struct reader *r, uint32_t index, const struct wkb_visitor *v)
{
    double x, y;
    uint32_t n = next_u32(r);
    if (v->begin)
        v->begin(v->ctx, index);
    for (uint32_t i = 0; i < n && next_position(r, &x, &y); i++)
        v->position(v->ctx, x, y);
    if (v->end)
        v->end(v->ctx, index);
}

static void visit_single(struct reader *r, uint32_t type, const struct wkb_visitor *v)
{
    double x, y;
    if (type == WKB_POINT) {
        if (next_position(r, &x, &y) && !isnan(x))
            v->position(v->ctx, x, y);
    } else if (type == WKB_LINE) {
        visit_positions(r, 0, v);
    } else if (type == WKB_POLYGON) {
        uint32_t n = next_u32(r);
        for (uint32_t i = 0; i < n && !r->bad; i++)
            visit_positions(r, i, v);
    } else {
        r->bad = true;
    }
}

bool wkb_visit(struct str wkb, const struct wkb_visitor *v)
{
    struct reader r = {wkb.p, wkb.p + wkb.n, false};
    uint32_t type = next_header(&r);
    if (type < WKB_MULTIPOINT) {
        visit_single(&r, type, v);
        return !r.bad;
    }
    uint32_t n = next_u32(&r);
    for (uint32_t i = 0; i < n && !r.bad; i++)
        visit_single(&r, next_header(&r), v);
    return !r.bad;
}

enum wkb_type wkb_type(struct str wkb)
{
    struct reader r = {wkb.p, wkb.p + wkb.n, false};
    uint32_t type = next_header(&r);
    return r.bad || type > WKB_MULTIPOLYGON ? 0 : (enum wkb_type)type;
}

bool wkb_point(struct str wkb, double *ret_x, double *ret_y)
{
    if (wkb.n != WKB_POINT_BYTES || wkb_type(wkb) != WKB_POINT)
        return false;
    memcpy(ret_x, wkb.p + WKB_HEADER_BYTES, sizeof *ret_x);
    memcpy(ret_y, wkb.p + WKB_HEADER_BYTES + sizeof *ret_x, sizeof *ret_y);
    return !isnan(*ret_x);
}

void wkb_write_point(char to[WKB_POINT_BYTES], double x, double y)
{
    memcpy(to, "\1\1\0\0\0", WKB_HEADER_BYTES);
    memcpy(to + WKB_HEADER_BYTES, &x, sizeof x);
    memcpy(to + WKB_HEADER_BYTES + sizeof x, &y, sizeof y);
}
