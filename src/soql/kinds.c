/* Types as numbers and sets (kinds.h). */
#include "soql/kinds.h"

#include <assert.h>

#include "rows/query_types.h"

static const struct type *const types[KIND_COUNT] = {
#define X(NAME, type) [KIND_##NAME] = &type_##type,
#include "soql/kinds.def"
#undef X
};

#define B(NAME) KIND_BIT(KIND_##NAME)
enum {
    PUNTAL = B(POINT) | B(MULTIPOINT),
    LINEAL = B(LINE) | B(MULTILINE),
    POLYGONAL = B(POLYGON) | B(MULTIPOLYGON),
    GEOMETRY = PUNTAL | LINEAL | POLYGONAL,
    NUMLIKE = B(NUMBER) | B(DOUBLE),
    TIMESTAMPLIKE = B(FIXED) | B(FLOATING),
    ROW_IDS = B(ROW_IDENTIFIER) | B(ROW_VERSION),
    ORDERED = B(TEXT) | NUMLIKE | B(BOOLEAN) | TIMESTAMPLIKE | B(DATE) | B(TIME) | ROW_IDS | B(URL),
    EQUATABLE = ORDERED | GEOMETRY | B(LOCATION) | B(JSON),
};

static const struct {
    const char *name;
    soql_kinds set;
} classes[] = {
    {"any", KINDS_ALL},       {"ordered", ORDERED}, {"ranked", ORDERED & ~B(BOOLEAN)},     {"equatable", EQUATABLE},
    {"numlike", NUMLIKE},     {"geometry", GEOMETRY}, {"timestamplike", TIMESTAMPLIKE}, {"stringable", KINDS_ALL & ~(soql_kinds)ROW_IDS},
    {"puntal", PUNTAL},       {"lineal", LINEAL},   {"polygonal", POLYGONAL},
};

const struct type *kind_type(enum soql_kind k)
{
    assert(k < KIND_COUNT);
    return types[k];
}

enum soql_kind kind_of(const struct type *t)
{
    enum soql_kind k = 0;
    while (k < KIND_COUNT && types[k] != t)
        k++;
    assert(k < KIND_COUNT);
    return k;
}

enum soql_kind kind_find(struct str name)
{
    enum soql_kind k = 0;
    while (k < KIND_COUNT && !str_eq_fold(name, str_from(types[k]->soql_name)))
        k++;
    return k;
}

soql_kinds kind_class(struct str name)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (str_eq(name, str_from(classes[i].name)))
            return classes[i].set;
    return 0;
}

enum soql_kind kind_first(soql_kinds set)
{
    assert(set);
    return (enum soql_kind)__builtin_ctz(set);
}

enum soql_kind kind_multi(enum soql_kind k)
{
    if (!kinds_have(GEOMETRY, k))
        return KIND_COUNT;
    return kinds_have(B(POINT) | B(LINE) | B(POLYGON), k) ? k + 1 : k;
}
