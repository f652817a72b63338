/* The SQL functions of geometries (sql/functions/): known answers, which are those of PostGIS 3.3 with the helpers of
 * soql/postgres_geometry.sql (docs/wire/soql.md, "Geometry"). */
#include "sql_kit.h"

static void circles_are_geodesic(void **state)
{
    static const struct value_case cases[] = {
        {"geo_within_circle(geo_parse('POINT (-87.62 41.88)','point',7),'41.88','-87.63','829',7)", "0"},
        {"geo_within_circle(geo_parse('POINT (-87.62 41.88)','point',7),'41.88','-87.63','830.1',7)", "1"},
        {"geo_within_circle(geo_parse('POINT (-87.62 41.88)','point',7),'41.88','-87.63','831',7)", "1"},
        {"geo_within_circle(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),'1','1','157000',7)", "1"},
        {"geo_within_circle(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),'1','1','156000',7)", "0"},
        {"geo_within_circle(geo_parse('MULTIPOLYGON EMPTY','multipolygon',7),'1','1','1000',7)", "0"},
        {"geo_within_circle(NULL,'1','1','1000',7)", NULL},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void circles_are_geodesic_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"geo_within_circle(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),'91','1','1000',7)", "a latitude is between -90 and 90: the circle's centre is latitude, longitude, in this order"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void boxes_include_their_edges(void **state)
{
    static const struct value_case cases[] = {
        {"geo_within_box(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),'2','0','0','2',7)", "1"},
        {"geo_within_box(geo_parse('POINT (2 2)','point',7),'2','0','0','2',7)", "1"},
        {"geo_within_box(geo_parse('POINT (2.1 2)','point',7),'2','0','0','2',7)", "0"},
        {"geo_within_box(geo_parse('MULTIPOLYGON EMPTY','multipolygon',7),'2','0','0','2',7)", "0"},
        {"geo_within_box(geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),'2','0','0','2',7)", "0"},
        {"geo_within_box(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),'0','2','2','0',7)", "1"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void relations(void **state)
{
    static const struct value_case cases[] = {
        {"geo_within(geo_parse('POINT (1 1)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "1"},
        {"geo_within(geo_parse('POINT (0 1)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "0"},
        {"geo_within(geo_parse('POINT (9 9)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "0"},
        {"geo_within(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "0"},
        {"geo_within(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),7)", "0"},
        {"geo_within(geo_parse('POINT (1.5 1.5)','point',7),geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),7)", "0"},
        {"geo_intersects(geo_parse('POINT (1 1)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "1"},
        {"geo_intersects(geo_parse('POINT (0 1)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "1"},
        {"geo_intersects(geo_parse('POINT (9 9)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "0"},
        {"geo_intersects(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "1"},
        {"geo_intersects(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),7)", "1"},
        {"geo_intersects(geo_parse('POINT (1.5 1.5)','point',7),geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),7)", "0"},
        {"geo_crosses(geo_parse('POINT (1 1)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "0"},
        {"geo_crosses(geo_parse('POINT (0 1)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "0"},
        {"geo_crosses(geo_parse('POINT (9 9)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "0"},
        {"geo_crosses(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "1"},
        {"geo_crosses(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),7)", "0"},
        {"geo_crosses(geo_parse('POINT (1.5 1.5)','point',7),geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),7)", "0"},
        {"geo_overlaps(geo_parse('POINT (1 1)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "0"},
        {"geo_overlaps(geo_parse('POINT (0 1)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "0"},
        {"geo_overlaps(geo_parse('POINT (9 9)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "0"},
        {"geo_overlaps(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "0"},
        {"geo_overlaps(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),7)", "1"},
        {"geo_overlaps(geo_parse('POINT (1.5 1.5)','point',7),geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),7)", "0"},
        {"sum(geo_within(column1,geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)) FROM (VALUES (geo_parse('POINT (1 1)','point',7)),(geo_parse('POINT (0.5 0.5)','point',7)),(geo_parse('POINT (3 3)','point',7))) AS t", "2"},
        {"sum(geo_intersects(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),column1,7)) FROM (VALUES (geo_parse('POINT (1 1)','point',7)),(geo_parse('POINT (0.5 0.5)','point',7)),(geo_parse('POINT (3 3)','point',7))) AS t", "2"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void relations_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"geo_within(x'0102','x',7)", "geometry: ParseException: Unexpected EOF parsing WKB"},
        {"geo_within(geo_parse('POINT (1 1)','point',7),x'01',7)", "geometry: ParseException: Unexpected EOF parsing WKB"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void lengths_and_areas_are_on_the_ellipsoid(void **state)
{
    static const struct value_case cases[] = {
        {"geo_distance(geo_parse('POINT (0 0)','point',7),geo_parse('POINT (1 0)','point',7),7)", "111319.49079327"},
        {"geo_distance(geo_parse('POINT (0 0)','point',7),geo_parse('POINT (0 1)','point',7),7)", "110574.3885578"},
        {"geo_distance(geo_parse('POINT (-87.63 41.88)','point',7),geo_parse('POINT (-87.62 41.88)','point',7),7)", "830.06239507"},
        {"geo_distance(geo_parse('POINT (1 1)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "0"},
        {"geo_distance(geo_parse('POINT (3 1)','point',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "111302.64933943"},
        {"geo_distance(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),7)", "0"},
        {"geo_distance(geo_parse('POINT (0 0)','point',7),geo_parse('MULTIPOLYGON EMPTY','multipolygon',7),7)", NULL},
        {"geo_area(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "49231584297.431"},
        {"geo_area(geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),7)", "184564470319.762"},
        {"geo_area(geo_parse('MULTIPOLYGON EMPTY','multipolygon',7),7)", "0"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void lengths_and_areas_are_on_the_ellipsoid_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"geo_distance(geo_parse('POINT (0 0)','point',7),geo_parse('POINT (0 95)','point',7),7)", "a latitude is not within -90 and 90"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void geometries_are_counted_and_taken_apart(void **state)
{
    static const struct value_case cases[] = {
        {"geo_num_points(geo_parse('POINT (1 2)','point',7),7)", "1"},
        {"geo_num_points(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "5"},
        {"geo_num_points(geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),7)", "10"},
        {"geo_num_points(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),7)", "4"},
        {"geo_num_points(geo_parse('MULTIPOINT ((0 0),(1 1),(2 0))','multipoint',7),7)", "3"},
        {"geo_num_points(geo_parse('MULTILINESTRING ((0 0,1 1),(2 2,3 3))','multiline',7),7)", "4"},
        {"geo_num_points(geo_parse('MULTIPOLYGON EMPTY','multipolygon',7),7)", "0"},
        {"geo_is_empty(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7))", "0"},
        {"geo_is_empty(geo_parse('MULTIPOLYGON EMPTY','multipolygon',7))", "1"},
        {"geo_is_empty(NULL)", "1"},
        {"geo_is_empty(geo_parse('POINT EMPTY','point',7))", "1"},
        {"geo_x(geo_parse('POINT (-87.123456789012345 1)','point',7))", "-87.1234567890124"},
        {"geo_y(geo_parse('POINT (1 41.5)','point',7))", "41.5"},
        {"geo_point('41.5','-87.25',7)", "x'01010000000000000000d055c00000000000c04440"},
        {"geo_text(geo_point('41.5','-87.25',7))", "POINT (-87.25 41.5)"},
        {"geo_text(geo_multi(geo_parse('POINT (1 2)','point',7)))", "MULTIPOINT ((1.0 2.0))"},
        {"geo_text(geo_multi(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7)))", "MULTIPOLYGON (((0.0 0.0, 0.0 2.0, 2.0 2.0, 2.0 0.0, 0.0 0.0)))"},
        {"geo_text(geo_multi(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7)))", "MULTILINESTRING ((0.0 0.0, 1.0 0.01, 2.0 0.0, 3.0 1.0))"},
        {"geo_text(geo_multi(geo_parse('MULTIPOINT ((0 0),(1 1),(2 0))','multipoint',7)))", "MULTIPOINT ((0.0 0.0), (1.0 1.0), (2.0 0.0))"},
        {"geo_text(geo_multi(geo_parse('POINT EMPTY','point',7)))", "MULTIPOINT EMPTY"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void hulls(void **state)
{
    static const struct value_case cases[] = {
        {"geo_text(geo_convex_hull(geo_parse('MULTIPOINT ((0 0),(1 1),(2 0))','multipoint',7),7))", "MULTIPOLYGON (((0.0 0.0, 1.0 1.0, 2.0 0.0, 0.0 0.0)))"},
        {"geo_text(geo_convex_hull(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),7))", "MULTIPOLYGON (((0.0 0.0, 3.0 1.0, 2.0 0.0, 0.0 0.0)))"},
        {"geo_text(geo_convex_hull(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7))", "MULTIPOLYGON (((0.0 0.0, 0.0 2.0, 2.0 2.0, 2.0 0.0, 0.0 0.0)))"},
        {"geo_text(geo_convex_hull(geo_parse('POINT (1 1)','point',7),7))", "MULTIPOLYGON EMPTY"},
        {"geo_text(geo_convex_hull(geo_parse('MULTIPOLYGON EMPTY','multipolygon',7),7))", "MULTIPOLYGON EMPTY"},
        {"geo_text(geo_convex_hull(geo_parse('MULTIPOINT ((0 0),(1 1))','multipoint',7),7))", "MULTIPOLYGON EMPTY"},
        {"geo_area(geo_concave_hull(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),'1',7),7) = geo_area(geo_convex_hull(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),7),7)", "1"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void hulls_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"geo_concave_hull(geo_parse('MULTIPOINT ((0 0),(1 1),(2 0))','multipoint',7),'1.5',7)", "the ratio of a concave hull is between 0 and 1"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void geometries_are_made_simpler(void **state)
{
    static const struct value_case cases[] = {
        {"geo_text(geo_simplify(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),'0.1',7))", "LINESTRING (0.0 0.0, 2.0 0.0, 3.0 1.0)"},
        {"geo_text(geo_simplify(geo_parse('MULTILINESTRING ((0 0,1 1),(2 2,3 3))','multiline',7),'0.1',7))", "MULTILINESTRING ((0.0 0.0, 1.0 1.0), (2.0 2.0, 3.0 3.0))"},
        {"geo_text(geo_simplify(geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),'10',7))", "MULTIPOLYGON EMPTY"},
        {"geo_simplify(geo_parse('POLYGON ((0 0,0 1,1 1,0 0))','polygon',7),'10',7)", NULL},
        {"geo_text(geo_simplify_topology(geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),'10',7))", "MULTIPOLYGON (((0.0 0.0, 0.0 4.0, 4.0 4.0, 4.0 0.0, 0.0 0.0), (1.0 1.0, 2.0 1.0, 2.0 2.0, 1.0 2.0, 1.0 1.0)))"},
        {"geo_text(geo_simplify_topology(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),'0.1',7))", "LINESTRING (0.0 0.0, 2.0 0.0, 3.0 1.0)"},
        {"geo_text(geo_reduce_precision(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),'0.1',7))", "LINESTRING (0.0 0.0, 1.0 0.0, 2.0 0.0, 3.0 1.0)"},
        {"geo_text(geo_reduce_precision(geo_parse('MULTIPOINT ((0 0),(1 1),(2 0))','multipoint',7),'0.5',7))", "MULTIPOINT ((0.0 0.0), (1.0 1.0), (2.0 0.0))"},
        {"geo_text(geo_snap(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),'0.5',7))", "LINESTRING (0.0 0.0, 1.0 0.0, 2.0 0.0, 3.0 1.0)"},
        {"geo_text(geo_snap(geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),'1',7))", "MULTIPOLYGON (((0.0 0.0, 0.0 4.0, 4.0 4.0, 4.0 0.0, 0.0 0.0), (1.0 1.0, 2.0 1.0, 2.0 2.0, 1.0 2.0, 1.0 1.0)))"},
        {"geo_snap(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),'10',7)", NULL},
        {"geo_snap(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),'10',7)", NULL},
        {"geo_text(geo_snap(geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),'3',7))", "MULTIPOLYGON (((0.0 0.0, 0.0 3.0, 3.0 3.0, 3.0 0.0, 0.0 0.0), (0.0 0.0, 3.0 0.0, 3.0 3.0, 0.0 3.0, 0.0 0.0)))"},
        {"geo_text(geo_snap(geo_parse('POINT (7 -1)','point',7),'5',7))", "POINT (5.0 0.0)"},
        {"geo_text(geo_snap(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),'0',7))", "LINESTRING (0.0 0.0, 1.0 0.01, 2.0 0.0, 3.0 1.0)"},
        {"geo_text(geo_snap(geo_parse('MULTIPOINT ((0 0),(1 1),(2 0))','multipoint',7),'5',7))", "MULTIPOINT ((0.0 0.0), (0.0 0.0), (0.0 0.0))"},
        {"geo_snap(geo_parse('MULTIPOLYGON EMPTY','multipolygon',7),'5',7)", NULL},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void geometries_are_made_simpler_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"geo_simplify(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7),'-1',7)", "a tolerance is zero or more degrees"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void geometries_are_combined(void **state)
{
    static const struct value_case cases[] = {
        {"geo_area(geo_union(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7),7) = geo_area(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),7)", "1"},
        {"geo_text(geo_union(geo_parse('POINT (1 1)','point',7),geo_parse('POINT (2 2)','point',7),7))", "MULTIPOINT ((1.0 1.0), (2.0 2.0))"},
        {"geo_text(geo_union(geo_parse('POINT (1 1)','point',7),geo_parse('POINT (1 1)','point',7),7))", "MULTIPOINT ((1.0 1.0))"},
        {"geo_area(geo_polygon_intersection(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),geo_parse('MULTIPOLYGON (((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 2,1 1)))','multipolygon',7),7),7)", "36922685473.9818"},
        {"geo_text(geo_polygon_intersection(geo_parse('POLYGON ((0 0,0 2,2 2,2 0,0 0))','polygon',7),geo_parse('POLYGON ((5 5,5 6,6 6,5 5))','polygon',7),7))", "MULTIPOLYGON EMPTY"},
        {"geo_num_points(geo_make_valid(geo_multi(geo_parse('POLYGON ((0 0,2 2,2 0,0 2,0 0))','polygon',7)),7),7)", "8"},
        {"geo_text(geo_make_valid(geo_parse('POINT (1 1)','point',7),7))", "POINT (1.0 1.0)"},
        {"geo_text(geo_make_valid(geo_multi(geo_parse('LINESTRING (0 0,1 0.01,2 0,3 1)','line',7)),7))", "MULTILINESTRING ((0.0 0.0, 1.0 0.01, 2.0 0.0, 3.0 1.0))"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void geometries_are_gathered(void **state)
{
    static const struct value_case cases[] = {
        {"geo_text(geo_collect_union(column1,7)) FROM (VALUES (geo_parse('POINT (1 1)','point',7)),(geo_parse('POINT (2 2)','point',7)),(NULL),(geo_parse('POINT (1 1)','point',7))) AS t", "MULTIPOINT ((1.0 1.0), (2.0 2.0))"},
        {"geo_collect_union(column1,7) FROM (VALUES (NULL)) AS t", NULL},
        {"geo_num_points(geo_collect_union(column1,7) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW),7) FROM (VALUES (geo_parse('POINT (1 1)','point',7)),(geo_parse('POINT (2 2)','point',7)),(geo_parse('POINT (2 2)','point',7)),(geo_parse('POINT (3 3)','point',7))) AS t", "1|2|1|2"},
        {"geo_text(geo_box(min(geo_x_min(column1)),min(geo_y_min(column1)),max(geo_x_max(column1)),max(geo_y_max(column1)))) FROM (VALUES (geo_parse('POINT (1 1)','point',7)),(geo_parse('POINT (2 5)','point',7)),(NULL),(geo_parse('MULTIPOLYGON EMPTY','multipolygon',7))) AS t", "MULTIPOLYGON (((1.0 1.0, 1.0 5.0, 2.0 5.0, 2.0 1.0, 1.0 1.0)))"},
        {"geo_box(min(geo_x_min(column1)),min(geo_y_min(column1)),max(geo_x_max(column1)),max(geo_y_max(column1))) FROM (VALUES (geo_parse('MULTIPOLYGON EMPTY','multipolygon',7))) AS t", NULL},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void texts_are_read_as_geometries(void **state)
{
    static const struct value_case cases[] = {
        {"geo_text(geo_parse('point(1 2)','point',7))", "POINT (1.0 2.0)"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void texts_are_read_as_geometries_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"geo_parse('POINT (1 2)','line',7)", "expected a GeoJSON LineString or WKT like LINESTRING (-87.6 41.9, -87.7 41.8): the text begins with POINT, not LINESTRING"},
        {"geo_parse('','point',7)", "invalid input syntax for type point: \"\""},
        {"geo_parse('POLYGON ((0 0,1 1))','polygon',7)", "expected a GeoJSON Polygon or WKT like POLYGON ((-87.6 41.9, -87.7 41.8, -87.5 41.8, -87.6 41.9)): a ring is not closed: its last position must equal its first"},
        {"geo_parse('nothing','multipoint',7)", "expected a GeoJSON MultiPoint or WKT like MULTIPOINT ((-87.6 41.9), (-87.7 41.8)): the text begins with nothing, not MULTIPOINT"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(circles_are_geodesic),
        cmocka_unit_test(circles_are_geodesic_refuse),
        cmocka_unit_test(boxes_include_their_edges),
        cmocka_unit_test(relations),
        cmocka_unit_test(relations_refuse),
        cmocka_unit_test(lengths_and_areas_are_on_the_ellipsoid),
        cmocka_unit_test(lengths_and_areas_are_on_the_ellipsoid_refuse),
        cmocka_unit_test(geometries_are_counted_and_taken_apart),
        cmocka_unit_test(hulls),
        cmocka_unit_test(hulls_refuse),
        cmocka_unit_test(geometries_are_made_simpler),
        cmocka_unit_test(geometries_are_made_simpler_refuse),
        cmocka_unit_test(geometries_are_combined),
        cmocka_unit_test(geometries_are_gathered),
        cmocka_unit_test(texts_are_read_as_geometries),
        cmocka_unit_test(texts_are_read_as_geometries_refuse),
    };
    return cmocka_run_group_tests(tests, open_sql, close_sql);
}
