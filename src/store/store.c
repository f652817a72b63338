/* What is the same for every engine: the names of row errors and what a fatal one says. The rest of store.h is the one
 * engine's own (store/sqlite). Rules: docs/wire/rows.md. */
#include "store/store.h"

#include <stdio.h>

#include "store/refusal.h"

static const struct {
    const char *name;
    enum error_code code;
    enum error_code in_replace;
} row_errors[ROW_ERROR_COUNT] = {
    [ROW_ERROR_NONE] = {"none", ERROR_INTERNAL, ERROR_INTERNAL},
    [ROW_ERROR_NO_SUCH_ROW_TO_DELETE] = {"no_such_row_to_delete", ERROR_ROW_NOT_FOUND, ERROR_BAD_REQUEST},
    [ROW_ERROR_NO_SUCH_ROW_TO_UPDATE] = {"no_such_row_to_update", ERROR_ROW_NOT_FOUND, ERROR_BAD_REQUEST},
    [ROW_ERROR_NO_PRIMARY_KEY] = {"no_primary_key", ERROR_ROW_NO_KEY, ERROR_ROW_NO_KEY},
    [ROW_ERROR_VERSION_MISMATCH] = {"version_mismatch", ERROR_ROW_VERSION_MISMATCH, ERROR_BAD_REQUEST},
    [ROW_ERROR_VERSION_ON_NEW_ROW] = {"version_on_new_row", ERROR_ROW_VERSION_ON_NEW, ERROR_BAD_REQUEST},
    [ROW_ERROR_INSERT_IN_UPDATE_ONLY] = {"insert_in_update_only", ERROR_ROW_NOT_FOUND, ERROR_BAD_REQUEST},
};

const char *row_error_name(enum row_error e)
{
    return row_errors[e].name;
}

/* The row as its sender named it: the key as JSON, or its :id; shown up to 200 bytes. */
static struct str key_json(const struct dataset *d, const struct row_id_key *row_ids, const struct row_result *r, struct buf *b)
{
    const struct columns *c = &d->columns;
    bool has_key = r->key.kind != CELL_ABSENT && r->key.kind != CELL_NULL;
    if (c->row_identifier >= 0 && has_key && !r->by_sid) {
        const struct type *t = c->v[c->row_identifier].type;
        struct type_render render = {.row_ids = row_ids};
        t->write_json(t, &r->key, &render, b);
    } else if (r->sid > 0) {
        char id[ROW_ID_LENGTH];
        row_id_format(row_ids, r->sid, id);
        buf_add_json(b, str_make(id, ROW_ID_LENGTH));
    } else {
        buf_add_z(b, "null");
    }
    return buf_ok(b) ? buf_str(b) : STR("null");
}

static const char *key_name(const struct dataset *d, const struct row_result *r)
{
    const struct columns *c = &d->columns;
    static _Thread_local char name[FIELD_NAME_BYTES_MAX + 1];
    if (c->row_identifier < 0 || r->by_sid)
        return ":id";
    snprintf(name, sizeof name, FMT_STR, ARG_STR(c->v[c->row_identifier].field_name));
    return name;
}

static void write_version(char ret[ROW_VERSION_LENGTH + 1], const struct row_id_key *row_ids, int64_t version)
{
    if (version < 0) {
        memcpy(ret, "none", 5);
        return;
    }
    row_version_format(row_ids, version, ret);
    ret[ROW_VERSION_LENGTH] = 0;
}

bool row_refusal(struct error *err, const struct dataset *d, const struct row_id_key *row_ids, const struct row_result *r, bool replace)
{
    struct buf b = {0};
    struct str json = key_json(d, row_ids, r, &b), key = str_head_utf8(json, 200);
    const char *name = key_name(d, r);
    enum error_code code = replace ? row_errors[r->error].in_replace : row_errors[r->error].code;
    char where[80], stored[ROW_VERSION_LENGTH + 1], given[ROW_VERSION_LENGTH + 1];
    snprintf(where, sizeof where, "row %llu (line %llu)", (unsigned long long)r->position, (unsigned long long)r->line);
    switch (r->error) {
    case ROW_ERROR_NONE:
    case ROW_ERROR_COUNT:
        error_set(err, code, "%s: refused for no reason", where);
        break;
    case ROW_ERROR_NO_SUCH_ROW_TO_DELETE:
        if (replace)
            error_set(err, code, "%s: a replace cannot delete rows: leave the row out instead (%s " FMT_STR ")", where, name, ARG_STR(key));
        else
            error_set(err, code, "%s: nothing to delete: no record is found with %s " FMT_STR, where, name, ARG_STR(key));
        break;
    case ROW_ERROR_NO_SUCH_ROW_TO_UPDATE:
    case ROW_ERROR_INSERT_IN_UPDATE_ONLY:
        error_set(err, code, "%s: nothing to update: no record is found with %s " FMT_STR, where, name, ARG_STR(key));
        break;
    case ROW_ERROR_NO_PRIMARY_KEY:
        error_set(err, code, "%s: the row identifier \"%s\" is null or missing, it needs a value", where, name);
        error_data_str(err, "field", str_from(name));
        break;
    case ROW_ERROR_VERSION_MISMATCH:
        write_version(stored, row_ids, r->expected_version);
        write_version(given, row_ids, r->given_version);
        error_set(err, code, "%s: :version of %s " FMT_STR " is %s, not %s: read the row again", where, name, ARG_STR(key), stored, given);
        error_data_str(err, "expected", str_from(stored));
        error_data_str(err, "actual", str_from(given));
        break;
    case ROW_ERROR_VERSION_ON_NEW_ROW:
        error_set(err, code, "%s: :version is given for a new row, which has none yet", where);
        break;
    }
    error_data_i64(err, "row", (int64_t)r->position);
    error_data_i64(err, "line", (int64_t)r->line);
    error_data_str(err, "error", str_from(row_error_name(r->error)));
    error_data_raw(err, "value", json.n <= 1000 ? json : STR("null"));
    buf_free(&b);
    return false;
}
