#include "compare.h"

#include <geos_c.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "rows/decimal.h"

#define TOLERANCE 1e-6
#define APART 0.02     /* of distances: a degree of longitude at 9 degrees of latitude is so much shorter than one of latitude */
#define SIMPLIFIED 2.0 /* degrees: twice the largest tolerance that is asked for */

/* ── values ── */

static double real_of(struct str s)
{
    char z[512];
    snprintf(z, sizeof z, FMT_STR, ARG_STR(str_head(s, sizeof z - 1)));
    return strtod(z, NULL);
}

static bool nearly_equal(double a, double b, double tolerance)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return a == b || fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b)) || fabs(a - b) < 1e-12;
}

static void quiet(const char *fmt, ...)
{
    (void)fmt;
}

static GEOSGeometry *geometry_of(struct str hex)
{
    GEOSWKBReader *reader = GEOSWKBReader_create();
    GEOSGeometry *g = GEOSWKBReader_readHEX(reader, (const unsigned char *)hex.p, hex.n);
    GEOSWKBReader_destroy(reader);
    if (g)
        GEOSNormalize(g);
    return g;
}

/* How far apart at most; both empty: not at all. */
static bool geometries_agree(struct str a, struct str b, double far)
{
    initGEOS(quiet, quiet);
    GEOSGeometry *x = geometry_of(a), *y = geometry_of(b);
    double distance = INFINITY;
    bool ok = x && y && GEOSGeomTypeId(x) == GEOSGeomTypeId(y);
    if (ok && (GEOSisEmpty(x) == 1 || GEOSisEmpty(y) == 1))
        ok = GEOSisEmpty(x) == GEOSisEmpty(y) || far >= SIMPLIFIED;
    else if (ok)
        ok = GEOSEqualsExact(x, y, far) == 1 || (GEOSHausdorffDistance(x, y, &distance) && distance <= far);
    GEOSGeom_destroy(x);
    GEOSGeom_destroy(y);
    finishGEOS();
    return ok;
}

static bool values_agree(const struct type *type, enum certainty of, struct str a, struct str b)
{
    if (!a.p || !b.p)
        return a.p == b.p || of == PROPERTY;
    if (str_eq(a, b))
        return true;
    if (type->is_geometry)
        return geometries_agree(a, b, of == PROPERTY ? SIMPLIFIED : TOLERANCE);
    if (type->id == TYPE_NUMBER && of == SCALE)
        return decimal_compare(a, b) == 0;
    return (type->id == TYPE_NUMBER || type->id == TYPE_DOUBLE) && of >= SCALE && nearly_equal(real_of(a), real_of(b), of == PROPERTY ? APART : TOLERANCE);
}

static bool rows_agree(const struct query *q, const struct verdict *v, const struct str *a, const struct str *b, size_t *ret_column)
{
    for (*ret_column = 0; *ret_column < q->n_columns; ++*ret_column)
        if (!values_agree(q->columns[*ret_column].type, v->columns[*ret_column], a[*ret_column], b[*ret_column]))
            return false;
    return true;
}

/* ── rows without order ── */

static size_t sorted_columns;

static int by_text(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    for (size_t i = 0; i < sorted_columns; i++) {
        if (!x[i].p != !y[i].p)
            return x[i].p ? 1 : -1;
        int c = x[i].p ? str_cmp(x[i], y[i]) : 0;
        if (c)
            return c;
    }
    return 0;
}

static void sort_rows(struct answer *a)
{
    sorted_columns = a->n_columns;
    if (a->n_rows && a->n_columns)
        qsort(a->values, a->n_rows, a->n_columns * sizeof *a->values, by_text);
}

/* A row of b that agrees with row `at` of a changes places with row `at` of b. */
static bool pair_up(const struct query *q, const struct verdict *v, const struct answer *a, struct answer *b, size_t at)
{
    size_t n = q->n_columns, column;
    for (size_t i = at; i < b->n_rows; i++) {
        if (!rows_agree(q, v, a->values + at * n, b->values + i * n, &column))
            continue;
        for (size_t k = 0; i != at && k < n; k++) {
            struct str other = b->values[at * n + k];
            b->values[at * n + k] = b->values[i * n + k];
            b->values[i * n + k] = other;
        }
        return true;
    }
    return false;
}

bool answers_agree(const struct query *q, const struct verdict *v, struct answer *sqlite, struct answer *postgres, char *ret_why, size_t why_size)
{
    size_t n = q->n_columns, column = 0;
    if (sqlite->n_rows != postgres->n_rows) {
        snprintf(ret_why, why_size, "%zu rows, and %zu", sqlite->n_rows, postgres->n_rows);
        return false;
    }
    if (!v->is_ordered) {
        sort_rows(sqlite);
        sort_rows(postgres);
    }
    for (size_t row = 0; row < sqlite->n_rows; row++) {
        struct str *a = sqlite->values + row * n, *b = postgres->values + row * n;
        if (rows_agree(q, v, a, b, &column) || (!v->is_ordered && pair_up(q, v, sqlite, postgres, row)))
            continue;
        if (column >= n)
            rows_agree(q, v, a, b, &column);
        snprintf(ret_why, why_size, "row %zu%s, column " FMT_STR " (%s): \"" FMT_STR "\"%s, and \"" FMT_STR "\"%s", row, v->is_ordered ? "" : " of the sorted ones",
                 ARG_STR(q->columns[column].name), q->columns[column].type->soql_name, ARG_STR(str_head(a[column], 300)), a[column].p ? "" : " (null)",
                 ARG_STR(str_head(b[column], 300)), b[column].p ? "" : " (null)");
        return false;
    }
    return true;
}
