/* Two small datasets with a column of every type: the world of the golden files and of the differential test.
 *
 *     quak-es11            the primary one: earthquakes
 *     regi-ons1, regions   the other one, by 4x4 or by resource name; t-0001 … t-0099 are the regions again
 *
 * Every other name is unknown, as is a dataset that the caller may not read. */
#ifndef SELTZER_TESTS_SOQL_WORLD_H
#define SELTZER_TESTS_SOQL_WORLD_H

#include <stdio.h>

#include "base/random.h"
#include "rows/row_id.h"
#include "soql/typed.h"

#define WORLD_COLUMN(number, kind, field) \
    {.physical = number, .type = &type_##kind, .field_name = {field, sizeof field - 1}, .name = {field, sizeof field - 1}}
static struct column world_quake_shape[] = {
    WORLD_COLUMN(1, text, "name"),          WORLD_COLUMN(2, text, "region"),
    WORLD_COLUMN(3, number, "magnitude"),   WORLD_COLUMN(4, number, "depth"),
    WORLD_COLUMN(5, boolean, "felt"),       WORLD_COLUMN(6, floating_timestamp, "at"),
    WORLD_COLUMN(7, fixed_timestamp, "seen"), WORLD_COLUMN(8, point, "place"),
    WORLD_COLUMN(9, multipoint, "stations"), WORLD_COLUMN(10, line, "fault"),
    WORLD_COLUMN(11, multiline, "faults"),  WORLD_COLUMN(12, polygon, "plate"),
    WORLD_COLUMN(13, multipolygon, "area"), WORLD_COLUMN(14, url, "link"),
    WORLD_COLUMN(15, location, "loc"),      WORLD_COLUMN(16, json, "doc"),
};
static struct column world_region_shape[] = {
    WORLD_COLUMN(1, text, "code"),      WORLD_COLUMN(2, text, "title"),
    WORLD_COLUMN(3, number, "population"), WORLD_COLUMN(4, number, "depth"),
    WORLD_COLUMN(5, boolean, "coastal"), WORLD_COLUMN(6, floating_timestamp, "founded"),
    WORLD_COLUMN(7, multipolygon, "shape"),
};
static struct columns world_quake_columns = {.v = world_quake_shape, .n = sizeof world_quake_shape / sizeof *world_quake_shape, .row_identifier = -1};
static struct columns world_region_columns = {.v = world_region_shape, .n = sizeof world_region_shape / sizeof *world_region_shape, .row_identifier = -1};
static const struct row_id_key world_quake_key = {{1, 2, 3, 4}}, world_region_key = {{5, 6, 7, 8}};
static const struct soql_dataset world_quakes = {{"quak-es11", 9}, &world_quake_columns, &world_quake_key};
static const struct soql_dataset world_regions = {{"regi-ons1", 9}, &world_region_columns, &world_region_key};

static inline bool world_open(void)
{
    return random_init() && columns_index(&world_quake_columns) && columns_index(&world_region_columns);
}

static inline void world_close(void)
{
    columns_unindex(&world_quake_columns);
    columns_unindex(&world_region_columns);
}

static inline bool world_find(void *ctx, struct str name, struct soql_dataset *ret, struct error *err)
{
    static char again[100][8];
    char z[16] = "";
    unsigned n;
    (void)ctx;
    err->code = ERROR_NONE;
    *ret = world_regions;
    snprintf(z, sizeof z, FMT_STR, ARG_STR(str_head(name, sizeof z - 1)));
    if (sscanf(z, "t-%4u", &n) == 1 && n < sizeof again / sizeof *again) {
        snprintf(again[n], sizeof again[n], "t-%04u", n);
        ret->name = str_from(again[n]);
        return true;
    }
    if (str_eq(name, STR("quak-es11")))
        *ret = world_quakes;
    return str_eq(name, STR("regi-ons1")) || str_eq(name, STR("regions")) || str_eq(name, STR("quak-es11"));
}

static const struct soql_catalog world_catalog = {.find = world_find};

#endif
