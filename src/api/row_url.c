/* Row URLs (row_url.h). */
#include "api/row_url.h"

/* The text as a cell of the row identifier; CELL_ABSENT when there is none or its type does not read it. */
static bool read_key(struct call *c, struct str text, struct cell *ret, struct error *err)
{
    *ret = (struct cell){.kind = CELL_ABSENT};
    const struct columns *columns = &c->dataset->columns;
    if (columns->row_identifier < 0 || text.n == 0 || !str_is_utf8(text, NULL))
        return true;
    const struct type *type = columns->v[columns->row_identifier].type;
    struct raw raw = {.kind = RAW_STRING, .text = text};
    struct type_context context = {.arena = c->arena};
    struct type_refusal why = {0};
    struct cell cell;
    if (!type->parse(type, &raw, &context, &cell, &why))
        return why.expected[0] ? true : error_no_memory(err);
    if (cell.kind != CELL_NULL)
        *ret = cell;
    return true;
}

/* One reading of the URL: first as row identifier, then as `:id`. */
static bool try_reading(struct call *c, struct str text, struct row_url *u, struct error *err)
{
    struct cell key;
    if (!read_key(c, text, &key, err))
        return false;
    u->text = text;
    u->key = key;
    if (key.kind != CELL_ABSENT) {
        if (!store_find_row(c->api->store, c->dataset, &key, 0, &u->found, &u->sid, &u->version, err))
            return false;
        u->by_key = u->found;
        if (u->found)
            return true;
    }
    int64_t sid;
    if (!row_id_parse(&u->state.row_ids, text, &sid))
        return true;
    /* What has the form of a row number is never made by a write: it is a row that is gone, not a new one. */
    u->key = (struct cell){.kind = CELL_ABSENT};
    return store_find_row(c->api->store, c->dataset, NULL, sid, &u->found, &u->sid, &u->version, err);
}

bool row_url_resolve(struct call *c, struct row_url *ret, struct error *err)
{
    struct row_url u = {0};
    if (!store_state(c->api->store, c->dataset, &u.state, err))
        return false;
    if (!try_reading(c, c->last_literal, &u, err))
        return false;
    /* With an extension that names nothing, a new row is named without it: clients append .json to every URL. */
    if (!u.found && c->extension != EXTENSION_NONE) {
        u.stripped = true;
        if (!try_reading(c, c->part[1], &u, err))
            return false;
    }
    *ret = u;
    return true;
}

bool row_url_not_found(const struct row_url *u, struct error *err)
{
    struct str shown = str_head_utf8(u->text, 200);
    error_set(err, ERROR_ROW_NOT_FOUND, "Row with identifier " FMT_STR " was not found", ARG_STR(shown));
    error_data_str(err, "value", shown);
    return false;
}
