#include "engines.h"

#include <postgresql/libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "sql/sql.h"

enum { ROWS_MAX = 60, VALUES_MAX = 32 };

struct table {
    const char *sqlite, *postgres;
    const struct columns *columns;
};

struct engines {
    struct sql *sqlite;
    PGconn *postgres;
    struct table tables[2];
};

/* ── random cells ── */

static struct str copy(struct arena *a, const char *z)
{
    return arena_str(a, str_from(z));
}

static struct cell random_text_cell(struct chance *c)
{
    static const char *const texts[] = {"", "a", "A", "abc", "Abc", "Ridge", "ridge", "north", "South", " two words ", "running quakes", "quake", "ä ö", "Œuvre é", "12", "12.50",
                                        "x_y%z", "it's", "😀b", "true", "2020-02-29", "line\nbreak", "a,b,c", "ΑΣ", "ı", "straße"};
    return cell_text(str_from(chance_pick(c, texts)));
}

/* Equal numbers have equal texts, but for depths: which of them stands for its group is then the same in both engines. */
static struct cell random_number_cell(struct chance *c, struct arena *a, bool zeros)
{
    static const char *const scaled[] = {"1.0", "1", "1.00", "2.50", "2.5", "0.0", "-0.50", "10", "10.0", "100.000", "3.140"};
    static const char *const numbers[] = {"0", "1", "-1", "2", "10", "0.5", "-0.25", "1000000", "123456789012345678901234567890", "0.000001", "3.14159", "-17", "2.5", "99.99"};
    if (zeros && chance_percent(c, 50))
        return cell_text(str_from(chance_pick(c, scaled)));
    if (chance_percent(c, 60))
        return cell_text(str_from(chance_pick(c, numbers)));
    return cell_text(str_from(arena_printf(a, "%d", chance_between(c, -20, 20))));
}

/* 1899 … 2090, some at midnight, some at the end of a month. */
static struct cell random_time_cell(struct chance *c)
{
    int64_t day = chance_between(c, -25900, 44000), ms = (int64_t)chance_below(c, 86400000);
    if (chance_percent(c, 30))
        day = 18262 + 31 * (int64_t)chance_below(c, 12) - 1;
    return cell_int(day * 86400000 + (chance_percent(c, 30) ? 0 : ms));
}

static struct cell random_geometry_cell(struct chance *c, struct arena *a, const struct type *type)
{
    double x = chance_between(c, -10, 10) / 2.0, y = chance_between(c, -10, 10) / 2.0, w = chance_between(c, 1, 8) / 2.0;
    const char *wkt = "";
    switch (type->id) {
    case TYPE_POINT: wkt = arena_printf(a, "POINT (%g %g)", x, y); break;
    case TYPE_MULTIPOINT: wkt = arena_printf(a, "MULTIPOINT ((%g %g), (%g %g))", x, y, x + w, y); break;
    case TYPE_LINE: wkt = arena_printf(a, "LINESTRING (%g %g, %g %g, %g %g)", x, y, x + w, y, x + w, y + w); break;
    case TYPE_MULTILINE: wkt = arena_printf(a, "MULTILINESTRING ((%g %g, %g %g), (%g %g, %g %g))", x, y, x + w, y, y, x, y, x + w); break;
    case TYPE_POLYGON: wkt = arena_printf(a, "POLYGON ((%g %g, %g %g, %g %g, %g %g, %g %g))", x, y, x + w, y, x + w, y + w, x, y + w, x, y); break;
    default: wkt = arena_printf(a, "MULTIPOLYGON (((%g %g, %g %g, %g %g, %g %g)))", x, y, x + w, y, x + w, y + w, x, y); break;
    }
    struct raw raw = {RAW_STRING, str_from(wkt)};
    struct type_context context = {.arena = a};
    struct type_refusal why;
    struct cell cell;
    if (!type->parse(type, &raw, &context, &cell, &why))
        abort(); /* the text is ours */
    return cell;
}

static struct cell random_json_like_cell(struct chance *c, const struct type *type)
{
    static const char *const urls[] = {"{\"url\":\"https://example.org/\"}", "{\"url\":\"https://example.org/\",\"description\":\"home\"}", "{\"description\":\"only words\"}", "{\"url\":\"https://example.com/about\"}"};
    static const char *const locations[] = {"{\"latitude\":\"1.5\",\"longitude\":\"2.25\"}", "{\"latitude\":\"-3\",\"longitude\":\"4\",\"human_address\":\"{\\\"address\\\":\\\"1 Main St\\\",\\\"city\\\":\\\"Lodi\\\",\\\"state\\\":\\\"CA\\\",\\\"zip\\\":\\\"95240\\\"}\"}",
                                            "{\"human_address\":\"{\\\"address\\\":\\\"\\\",\\\"city\\\":\\\"Lodi\\\",\\\"state\\\":\\\"\\\",\\\"zip\\\":\\\"\\\"}\"}"};
    static const char *const jsons[] = {"{\"a\":1,\"b\":[1,2.50,\"x\"]}", "[1,2,{\"a\":null}]", "\"text\"", "17", "null", "{\"zz\":{\"a\":\"é\"}}", "true"};
    return cell_text(str_from(type->id == TYPE_URL ? chance_pick(c, urls) : type->id == TYPE_LOCATION ? chance_pick(c, locations) : chance_pick(c, jsons)));
}

static struct cell random_cell(struct chance *c, struct arena *a, const struct type *type, bool zeros, unsigned null_percent)
{
    if (chance_percent(c, null_percent))
        return cell_null();
    switch (type->id) {
    case TYPE_TEXT: return random_text_cell(c);
    case TYPE_NUMBER: return random_number_cell(c, a, zeros);
    case TYPE_CHECKBOX: return cell_int(chance_percent(c, 50));
    case TYPE_FLOATING_TIMESTAMP:
    case TYPE_FIXED_TIMESTAMP: return random_time_cell(c);
    default: return type->is_geometry ? random_geometry_cell(c, a, type) : random_json_like_cell(c, type);
    }
}

/* ── PostgreSQL ── */

static bool postgres_run(struct engines *e, const char *text)
{
    PGresult *r = PQexec(e->postgres, text);
    ExecStatusType status = PQresultStatus(r);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!ok)
        fprintf(stderr, "PostgreSQL: %s", PQerrorMessage(e->postgres));
    PQclear(r);
    return ok;
}

static bool postgres_run_file(struct engines *e, const char *path)
{
    struct buf text = {0};
    char piece[65536];
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return false;
    }
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        buf_add(&text, piece, n);
    fclose(f);
    buf_add_byte(&text, 0);
    bool ok = buf_ok(&text) && postgres_run(e, text.p);
    buf_free(&text);
    return ok;
}

/* A parameter as libpq takes it: text, binary data as \x…. */
static const char *parameter_text(struct arena *a, const struct cell *c)
{
    switch (c->kind) {
    case CELL_INT: return arena_printf(a, "%lld", (long long)c->i);
    case CELL_TEXT: return arena_str(a, c->s).p;
    case CELL_BLOB: {
        char *hex = arena_alloc(a, 2 * c->s.n + 3);
        strcpy(hex, "\\x");
        for (size_t i = 0; i < c->s.n; i++)
            sprintf(hex + 2 + 2 * i, "%02x", (unsigned char)c->s.p[i]);
        return hex;
    }
    case CELL_NULL:
    case CELL_ABSENT: break;
    }
    return NULL;
}

static const char *postgres_value(const struct type *type)
{
    switch (type->id) {
    case TYPE_FLOATING_TIMESTAMP: return "timestamp 'epoch' + $%zu::bigint * interval '1 millisecond'";
    case TYPE_FIXED_TIMESTAMP: return "timestamptz 'epoch' + $%zu::bigint * interval '1 millisecond'";
    case TYPE_CHECKBOX: return "$%zu::int::boolean";
    case TYPE_NUMBER: return "$%zu::numeric";
    default: return type->is_geometry ? "$%zu::bytea" : "$%zu::text";
    }
}

/* ── tables ── */

static const struct type *column_type(const struct columns *c, size_t at)
{
    return at < SYSTEM_COUNT ? system_column_type((enum system_column)at) : c->v[at - SYSTEM_COUNT].type;
}

static bool make_tables(struct engines *e)
{
    bool ok = postgres_run(e, "CREATE EXTENSION IF NOT EXISTS postgis") && postgres_run_file(e, "src/soql/postgres_functions.sql") &&
              postgres_run_file(e, "src/soql/postgres_geometry.sql") && postgres_run(e, "CREATE SCHEMA q");
    struct error err;
    for (size_t t = 0; ok && t < 2; t++) {
        struct buf lite = {0}, post = {0};
        const struct table *table = &e->tables[t];
        buf_printf(&lite, "CREATE TABLE %s(sid INTEGER PRIMARY KEY, created INTEGER NOT NULL, updated INTEGER NOT NULL, version INTEGER NOT NULL", table->sqlite);
        buf_printf(&post, "CREATE TABLE %s(sid bigint PRIMARY KEY, created timestamptz(3) NOT NULL, updated timestamptz(3) NOT NULL, version bigint NOT NULL", table->postgres);
        for (size_t i = 0; i < table->columns->n; i++) {
            const struct column *c = &table->columns->v[i];
            buf_printf(&lite, ", c%d %s", c->physical, c->type->storage == STORAGE_INT ? "INTEGER" : c->type->storage == STORAGE_BLOB ? "BLOB" : c->type->id == TYPE_NUMBER ? "TEXT COLLATE DECIMAL1" : "TEXT");
            buf_printf(&post, ", c%d %s", c->physical, type_postgres(c->type->id));
        }
        buf_add(&lite, ") STRICT", 9);
        buf_add(&post, ")", 2);
        ok = postgres_run(e, post.p);
        if (ok && !sql_exec(e->sqlite, lite.p, &err)) {
            fprintf(stderr, "SQLite: %s\n", err.message);
            ok = false;
        }
        buf_free(&lite);
        buf_free(&post);
    }
    return ok;
}

struct engines *engines_open(const char *postgres, const struct columns *quakes, const struct columns *regions)
{
    struct engines *e = calloc(1, sizeof *e);
    struct error err = {0};
    if (!e)
        return NULL;
    e->tables[0] = (struct table){"main.rows", "q.quakes", quakes};
    e->tables[1] = (struct table){"d1.rows", "q.regions", regions};
    e->postgres = PQconnectdb(postgres);
    e->sqlite = sql_open(":memory:", SQL_BUILD, 8 << 20, &err);
    char deadline[64];
    snprintf(deadline, sizeof deadline, "SET statement_timeout = %d", DEADLINE_MS);
    bool ok = PQstatus(e->postgres) == CONNECTION_OK && e->sqlite && sql_exec(e->sqlite, "ATTACH ':memory:' AS d1", &err) &&
              postgres_run(e, "SET client_min_messages = warning; SET TimeZone = 'UTC'; SET jit = off") && postgres_run(e, deadline) && make_tables(e);
    if (!ok) {
        fprintf(stderr, "%s%s\n", PQerrorMessage(e->postgres), err.message);
        engines_close(e);
        return NULL;
    }
    return e;
}

void engines_close(struct engines *e)
{
    if (!e)
        return;
    PQfinish(e->postgres);
    sql_close(e->sqlite);
    free(e);
}

/* ── rows ── */

static bool insert(struct engines *e, const struct table *t, const struct cell *cells, size_t n, const char *lite, const char *post, struct arena *a)
{
    struct error err;
    const char *values[VALUES_MAX];
    for (size_t i = 0; i < n; i++)
        values[i] = parameter_text(a, &cells[i]);
    PGresult *r = PQexecParams(e->postgres, post, (int)n, NULL, values, NULL, NULL, 0);
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;
    if (!ok)
        fprintf(stderr, "PostgreSQL, %s: %s", t->postgres, PQerrorMessage(e->postgres));
    PQclear(r);
    struct sql_statement *st = sql_prepare(e->sqlite, str_from(lite), &err);
    if (!st || !sql_bind_cells(e->sqlite, st, 1, cells, n, &err) || !sql_run(e->sqlite, st, &err)) {
        fprintf(stderr, "SQLite, %s: %s\n", t->sqlite, err.message);
        ok = false;
    }
    sql_finalize(st);
    return ok;
}

static bool is_depth(const struct columns *c, size_t at)
{
    return at >= SYSTEM_COUNT && str_eq(c->v[at - SYSTEM_COUNT].field_name, STR("depth"));
}

static bool fill_table(struct engines *e, const struct table *t, struct chance *c)
{
    struct arena a = {0};
    struct buf lite = {0}, post = {0};
    size_t n = SYSTEM_COUNT + t->columns->n;
    buf_printf(&lite, "INSERT INTO %s VALUES(", t->sqlite);
    buf_printf(&post, "INSERT INTO %s VALUES(", t->postgres);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&lite, i ? ",?%zu" : "?%zu", i + 1);
        buf_add_z(&post, i ? ", " : "");
        char value[128];
        const struct type *type = column_type(t->columns, i);
        const char *form = type->id >= TYPE_COUNT ? "$%zu::bigint" : postgres_value(type);
        size_t mark = strcspn(form, "%");
        snprintf(value, sizeof value, "%.*s%zu%s", (int)mark, form, i + 1, form + mark + 3);
        buf_add_z(&post, value);
    }
    buf_add(&lite, ")", 2);
    buf_add(&post, ")", 2);
    unsigned rows = chance_percent(c, 5) ? 0 : 1 + chance_below(c, ROWS_MAX), null_percent = chance_percent(c, 20) ? 0 : 5 + chance_below(c, 25);
    bool ok = buf_ok(&lite) && buf_ok(&post);
    int64_t sid = 0;
    for (unsigned row = 0; ok && row < rows; row++) {
        struct cell cells[VALUES_MAX];
        sid += 1 + chance_below(c, 3);
        for (size_t i = 0; i < n; i++)
            cells[i] = i == SYSTEM_ID || i == SYSTEM_VERSION ? cell_int(sid)
                                                             : random_cell(c, &a, column_type(t->columns, i), is_depth(t->columns, i), i < SYSTEM_COUNT ? 0 : null_percent);
        ok = insert(e, t, cells, n, lite.p, post.p, &a);
    }
    buf_free(&lite);
    buf_free(&post);
    arena_free(&a);
    return ok;
}

bool engines_fill(struct engines *e, struct chance *c)
{
    struct error err;
    bool ok = postgres_run(e, "BEGIN; TRUNCATE q.quakes, q.regions") && sql_exec(e->sqlite, "BEGIN; DELETE FROM main.rows; DELETE FROM d1.rows", &err) &&
              fill_table(e, &e->tables[0], c) && fill_table(e, &e->tables[1], c);
    return ok && sql_exec(e->sqlite, "COMMIT", &err) && postgres_run(e, "COMMIT; ANALYZE q.quakes, q.regions");
}

/* ── queries ── */

static void fail(struct answer *ret, const char *message)
{
    ret->failed = true;
    snprintf(ret->message, sizeof ret->message, "%s", message);
}

static struct str cell_shown(struct arena *a, const struct cell *c)
{
    const char *text = parameter_text(a, c);
    return text ? str_from(c->kind == CELL_BLOB ? text + 2 : text) : STR_NONE;
}

/* room[0]: values that there is room for; room[1]: how many there are. */
static void add_value(struct answer *ret, struct arena *a, size_t room[2], struct str value)
{
    if (room[1] == room[0]) {
        size_t more = room[0] ? 2 * room[0] : 256;
        ret->values = arena_grow(a, ret->values, room[0] * sizeof *ret->values, more * sizeof *ret->values);
        room[0] = more;
    }
    ret->values[room[1]++] = value;
}

void engines_ask_sqlite(struct engines *e, const struct query *q, struct arena *a, struct answer *ret)
{
    struct error err = {0};
    size_t room[2] = {0};
    *ret = (struct answer){.n_columns = q->n_columns};
    sql_set_deadline(e->sqlite, DEADLINE_MS);
    struct sql_statement *st = sql_prepare(e->sqlite, buf_str(&q->sql.text), &err);
    enum sql_step step = SQL_FAILED;
    if (st && sql_bind_cells(e->sqlite, st, 1, q->sql.parameters, q->sql.n, &err))
        while ((step = sql_step(e->sqlite, st, &err)) == SQL_ROW) {
            for (size_t i = 0; i < q->n_columns; i++) {
                struct cell c;
                sql_cell(st, (int)i, &c);
                add_value(ret, a, room, cell_shown(a, &c));
            }
            ret->n_rows++;
        }
    if (step != SQL_DONE) {
        fail(ret, err.message);
        ret->is_own = err.code == ERROR_QUERY_RUNTIME;
        ret->is_late = err.code == ERROR_QUERY_TIMEOUT;
    }
    sql_finalize(st);
    sql_set_deadline(e->sqlite, 0);
}

/* The classes of failures that a reply says 400 to: data exceptions, limits of the engine (chr(0)), and what PostGIS refuses. */
static bool is_own_state(const char *state)
{
    return state && (strncmp(state, "22", 2) == 0 || strncmp(state, "54", 2) == 0 || strcmp(state, "XX000") == 0);
}

void engines_ask_postgres(struct engines *e, const struct query *q, struct arena *a, struct answer *ret)
{
    const char **values = arena_zalloc(a, (q->sql.n + 1) * sizeof *values);
    size_t room[2] = {0};
    *ret = (struct answer){.n_columns = q->n_columns};
    for (size_t i = 0; i < q->sql.n; i++)
        values[i] = parameter_text(a, &q->sql.parameters[i]);
    const char *text = arena_str(a, buf_str(&q->sql.text)).p;
    PGresult *r = PQexecParams(e->postgres, text, (int)q->sql.n, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(r) != PGRES_TUPLES_OK) {
        const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE), *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
        fail(ret, arena_printf(a, "%s: %s", state ? state : "?", message ? message : PQerrorMessage(e->postgres)));
        ret->is_own = is_own_state(state);
        ret->is_late = state && strcmp(state, "57014") == 0;
    } else {
        ret->n_rows = (size_t)PQntuples(r);
        for (size_t row = 0; row < ret->n_rows; row++)
            for (size_t i = 0; i < q->n_columns; i++) {
                const char *value = PQgetisnull(r, (int)row, (int)i) ? NULL : PQgetvalue(r, (int)row, (int)i);
                bool is_geometry = value && q->columns[i].type->is_geometry;
                add_value(ret, a, room, value ? copy(a, is_geometry ? value + 2 : value) : STR_NONE);
            }
    }
    PQclear(r);
}
