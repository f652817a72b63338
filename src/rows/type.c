/* The list of types, and the two system types (type.h). */
#include "rows/type.h"

#include <assert.h>

#include "rows/row_id.h"
#include "rows/scalar.h"

static const struct type *const types[TYPE_COUNT] = {
#define X(ID, soql, view, storage, postgres) [TYPE_##ID] = &type_##soql,
#include "rows/types.def"
#undef X
};

static const struct {
    const char *alias;
    const struct type *type;
    const char *format_json;
} aliases[] = {
#define X(alias, soql, format_json) {alias, &type_##soql, format_json},
#include "rows/type_aliases.def"
#undef X
};

const struct type *type_get(enum type_id id)
{
    if (id == TYPE_ROW_IDENTIFIER)
        return &type_row_identifier;
    if (id == TYPE_ROW_VERSION)
        return &type_row_version;
    return types[id];
}

const char *type_postgres(enum type_id id)
{
    static const char *const columns[TYPE_COUNT] = {
#define X(ID, soql, view, storage, postgres) [TYPE_##ID] = postgres,
#include "rows/types.def"
#undef X
    };
    return columns[id];
}

const struct type *type_find(struct str name, const char **ret_format)
{
    if (ret_format)
        *ret_format = "";
    for (int id = 0; id < TYPE_COUNT; id++)
        if (str_eq_fold(name, str_from(types[id]->soql_name)) || str_eq_fold(name, str_from(types[id]->view_name)))
            return types[id];
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (!str_eq_fold(name, str_from(aliases[i].alias)))
            continue;
        if (ret_format)
            *ret_format = aliases[i].format_json;
        return aliases[i].type;
    }
    return NULL;
}

/* Ids and versions are decoded where rows are told apart, with the dataset's key (row_id_parse); as values they are only
 * given out (docs/wire/row-ids.md). */
static bool refuse_system_value(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret,
                                struct type_refusal *why)
{
    (void)t, (void)raw, (void)ctx, (void)ret;
    return scalar_refuse(why, "no value: the server gives row ids and versions", NULL);
}

static void write_public(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    assert(r && r->row_ids);
    char *to = buf_room(out, ROW_ID_LENGTH);
    if (!to)
        return;
    if (t->id == TYPE_ROW_IDENTIFIER) {
        row_id_format(r->row_ids, c->i, to);
        out->n += ROW_ID_LENGTH;
    } else {
        row_version_format(r->row_ids, c->i, to);
        out->n += ROW_VERSION_LENGTH;
    }
}

static void write_public_json(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    buf_add_byte(out, '"');
    write_public(t, c, r, out);
    buf_add_byte(out, '"');
}

const struct type type_row_identifier = {
    .id = TYPE_ROW_IDENTIFIER,
    .storage = STORAGE_INT,
    .soql_name = "row_identifier",
    .view_name = "row_identifier",
    .parse = refuse_system_value,
    .write_json = write_public_json,
    .write_csv = write_public,
    .compare = scalar_compare_int,
    .key = scalar_key_int,
};

const struct type type_row_version = {
    .id = TYPE_ROW_VERSION,
    .storage = STORAGE_INT,
    .soql_name = "row_version",
    .view_name = "row_version",
    .parse = refuse_system_value,
    .write_json = write_public_json,
    .write_csv = write_public,
    .compare = scalar_compare_int,
    .key = scalar_key_int,
};
