/* How values of a type stand in SQL (dialect.def). */
#include "soql/emitter.h"

#include <stdio.h>

static const struct dialect_type {
    const char *name;
    const char *literal[2], *result[2], *postgres_null;
} types[] = {
#define X(name, sqlite_literal, sqlite_result, postgres_literal, postgres_result, postgres_null) \
    {#name, {sqlite_literal, postgres_literal}, {sqlite_result, postgres_result}, postgres_null},
#include "soql/dialect.def"
#undef X
};

static const struct dialect_type *find(const struct type *type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, type->soql_name) == 0)
            return &types[i];
    return &types[0]; /* a type without a line is text to the engines; the test of the table sees to it that there is none */
}

const char *dialect_literal(enum soql_dialect d, const struct type *type)
{
    return find(type)->literal[d];
}

const char *dialect_result(enum soql_dialect d, const struct type *type)
{
    return find(type)->result[d];
}

const char *dialect_null(const struct type *type)
{
    return find(type)->postgres_null;
}

/* SQLite compares number texts by their bytes, and an expression loses its column's collation, so every comparison says it.
 * PostgreSQL orders text by the database's collation; ours is code points on both engines. */
const char *dialect_collation(enum soql_dialect d, const struct type *type)
{
    if (d == DIALECT_SQLITE)
        return type->id == TYPE_NUMBER ? " COLLATE DECIMAL1" : "";
    return type->storage == STORAGE_TEXT && (type->id == TYPE_TEXT || type->id == TYPE_URL) ? " COLLATE \"C\"" : "";
}

void emit_column(struct emitter *e, const struct type *type, unsigned table, int64_t physical)
{
    bool geometry = type->is_geometry && e->dialect == DIALECT_POSTGRES; /* stored as bytes: a cluster without PostGIS keeps them too */
    buf_printf(e->text, "%st%u.c%lld%s", geometry ? "ST_GeomFromWKB(" : "", table, (long long)physical, geometry ? ", 4326)" : "");
}
