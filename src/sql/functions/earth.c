/* Geodesics by PROJ's geodesic routines (earth.h). */
#include "sql/functions/earth.h"

#include <geodesic.h>
#include <math.h>

#include "sql/functions/wkb.h"

static struct geod_geodesic wgs84;

__attribute__((constructor)) static void make_wgs84(void)
{
    geod_init(&wgs84, 6378137, 1 / 298.257223563);
}

double earth_distance(double latitude_a, double longitude_a, double latitude_b, double longitude_b)
{
    double metres;
    geod_inverse(&wgs84, latitude_a, longitude_a, latitude_b, longitude_b, &metres, NULL, NULL);
    return metres;
}

struct circle {
    double latitude, longitude, radius;
    bool some, all;
};

/* A degree of latitude is nowhere shorter than 110,574 m: most points are refused by that. */
static const double METRES_PER_DEGREE_MIN = 110574;

static void look(void *ctx, double x, double y)
{
    struct circle *c = ctx;
    c->some = true;
    if (!c->all)
        return;
    if (fabs(y - c->latitude) * METRES_PER_DEGREE_MIN > c->radius)
        c->all = false;
    else
        c->all = earth_distance(c->latitude, c->longitude, y, x) <= c->radius;
}

bool earth_within(struct str wkb, double latitude, double longitude, double radius)
{
    struct circle c = {latitude, longitude, radius, false, true};
    double x, y;
    if (wkb_point(wkb, &x, &y))
        look(&c, x, y);
    else
        wkb_visit(wkb, &(struct wkb_visitor){.ctx = &c, .position = look});
    return c.some && c.all;
}

struct area {
    struct geod_polygon ring;
    double total;
};

static void begin(void *ctx, uint32_t index)
{
    struct area *a = ctx;
    (void)index;
    geod_polygon_init(&a->ring, 0);
}

static void add(void *ctx, double x, double y)
{
    struct area *a = ctx;
    geod_polygon_addpoint(&wgs84, &a->ring, y, x);
}

static void end(void *ctx, uint32_t index)
{
    struct area *a = ctx;
    double area = 0;
    geod_polygon_compute(&wgs84, &a->ring, 0, 1, &area, NULL);
    a->total += index == 0 ? fabs(area) : -fabs(area);
}

double earth_area(struct str wkb)
{
    struct area a = {.total = 0};
    wkb_visit(wkb, &(struct wkb_visitor){.ctx = &a, .position = add, .begin = begin, .end = end});
    return a.total;
}
