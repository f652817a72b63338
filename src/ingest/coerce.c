/* Raw rows to staged rows (coerce.h). */
#include "ingest/coerce.h"

#include <stdio.h>
#include <stdlib.h>

/* System names that mean something in a row, and those that echoed rows carry and that are ignored unread
 * (docs/wire/rows.md, "System fields"). */
static const struct {
    const char *name;
    enum slot_kind kind;
} system_slots[] = {
    {":id", SLOT_ID},
    {":version", SLOT_VERSION},
    {":deleted", SLOT_DELETED},
    {":created_at", SLOT_IGNORED},
    {":updated_at", SLOT_IGNORED},
    {":created_meta", SLOT_IGNORED},
    {":updated_meta", SLOT_IGNORED},
    {":meta", SLOT_IGNORED},
    {":sid", SLOT_IGNORED},
    {":position", SLOT_IGNORED},
    /* of our own reports of set-aside rows */
    {":line", SLOT_IGNORED},
    {":error", SLOT_IGNORED},
    {":unknown", SLOT_IGNORED},
    {":text", SLOT_TEXT},
};

/* Fixed slots in front of the columns' own. */
enum { FIXED_SLOTS = SLOT_KINDS };

static int slot_of_column(int column)
{
    return FIXED_SLOTS + column;
}

bool coerce_init(struct coerce *c, struct error *err)
{
    size_t n = c->dataset->columns.n;
    c->many = true;
    c->cells = calloc(n ? n : 1, sizeof *c->cells);
    c->seen = calloc(n ? n : 1, sizeof *c->seen);
    c->row.cells = c->cells;
    c->types.arena = &c->record;
    for (int i = 0; i < FIXED_SLOTS; i++)
        c->slots[i] = (struct slot){(enum slot_kind)i, -1};
    for (size_t i = 0; i < n; i++)
        c->slots[FIXED_SLOTS + i] = (struct slot){SLOT_COLUMN, (int)i};
    c->n_slots = FIXED_SLOTS + (int)n;
    if (!c->cells || !c->seen)
        return error_no_memory(err);
    if (c->options->skip_errors && !(c->set_aside = set_aside_new(c->dataset, c->options->scratch_dir, err)))
        return false;
    return true;
}

void coerce_fini(struct coerce *c)
{
    free(c->cells);
    free(c->seen);
    buf_free(&c->unknown);
    buf_free(&c->unknown_hints);
    buf_free(&c->row_messages);
    set_aside_free(c->set_aside);
    arena_free(&c->record);
}

/* ── problems ── */

/* "row 3 (line 5)": a row is named by its index from 0, as clients count, and by its line from 1, as editors do. */
static void add_row_name(struct buf *b, const struct coerce *c)
{
    buf_printf(b, "row %llu (line %llu)", (unsigned long long)c->rows, (unsigned long long)c->row.line);
}

static bool add_problem(struct coerce *c, enum error_code code, struct str field, struct str value, uint64_t column,
                        struct str text, struct error *err)
{
    struct buf message = {0};
    add_row_name(&message, c);
    if (field.n)
        buf_printf(&message, ", column \"" FMT_STR "\"", ARG_STR(field));
    buf_add_z(&message, ": ");
    buf_add_str(&message, text);
    struct row_problem problem = {
        .position = c->rows,
        .line = c->row.line,
        .column = column,
        .code = code,
        .field = field,
        .value = str_head_utf8(value, VALUE_SHOWN_MAX),
        .message = buf_str(&message),
    };
    if (c->set_aside) {
        if (c->row_problems)
            buf_add_z(&c->row_messages, "; ");
        buf_add_str(&c->row_messages, buf_str(&message));
    }
    c->row_problems++;
    bool ok = buf_ok(&message) && problems_add(c->problems, &problem);
    buf_free(&message);
    return ok ? true : error_no_memory(err);
}

static void add_shown(struct buf *b, const struct raw *raw)
{
    static const char *const words[] = {[RAW_NULL] = "null", [RAW_FALSE] = "false", [RAW_TRUE] = "true"};
    if (raw->kind <= RAW_TRUE)
        buf_add_z(b, words[raw->kind]);
    else if (raw->kind == RAW_STRING)
        buf_add_json(b, str_head_utf8(raw->text, VALUE_SHOWN_MAX));
    else
        buf_add_str(b, str_head_utf8(raw->text, VALUE_SHOWN_MAX));
    if (raw->text.n > VALUE_SHOWN_MAX)
        buf_printf(b, "… (%zu bytes)", raw->text.n);
}

static struct str raw_value_text(const struct raw *raw)
{
    switch (raw->kind) {
    case RAW_NULL:
        return STR_NONE;
    case RAW_FALSE:
        return STR("false");
    case RAW_TRUE:
        return STR("true");
    case RAW_NUMBER:
    case RAW_STRING:
    case RAW_OBJECT:
    case RAW_ARRAY:
        break;
    }
    return raw->text;
}

static bool refuse_value(struct coerce *c, struct str field, const char *type_name, const struct raw *raw, uint64_t column,
                         const struct type_refusal *why, struct error *err)
{
    if (!why->expected[0])
        return error_no_memory(err);
    struct buf text = {0};
    add_shown(&text, raw);
    buf_printf(&text, " is not a %s; expected %s", type_name, why->expected);
    if (why->hint[0])
        buf_printf(&text, " (%s)", why->hint);
    bool ok = buf_ok(&text) ? add_problem(c, ERROR_COLUMN_MALTYPED, field, raw_value_text(raw), column, buf_str(&text), err)
                            : error_no_memory(err);
    buf_free(&text);
    return ok;
}

/* ── names ── */

static bool body_begin(void *ctx, bool many, struct error *err)
{
    struct coerce *c = ctx;
    (void)err;
    c->many = many;
    if (c->options->only_one_object && many)
        return error_set(err, ERROR_BODY_NOT_OBJECT,
                         "the body must be one JSON object: this URL names a single row; send lists of rows to the dataset's URL");
    if (c->options->kind == UPLOAD_REPLACE && !many) {
        error_set(err, ERROR_BODY_NOT_ROWS,
                  "The json content of the request is not an array: a replace (PUT) takes a list of all the rows, [{…}, {…}]");
        error_data_str(err, "expected", STR("array"));
        return false;
    }
    return true;
}

static bool add_unknown(struct coerce *c, struct str name, struct error *err)
{
    c->n_unknown++;
    if (c->n_unknown > UNKNOWN_NAMES_MAX)
        return true;
    struct str shown = str_head_utf8(name, 100);
    if (c->unknown.n)
        buf_add_z(&c->unknown, ", ");
    buf_add_str(&c->unknown, shown);
    int near = c->n_unknown <= NAMES_HINTED_MAX ? columns_nearest(&c->dataset->columns, name) : -1;
    if (near >= 0)
        buf_printf(&c->unknown_hints, "%s\"" FMT_STR "\": did you mean \"" FMT_STR "\"?", c->unknown_hints.n ? " " : "",
                   ARG_STR(shown), ARG_STR(c->dataset->columns.v[near].field_name));
    return buf_ok(&c->unknown) && buf_ok(&c->unknown_hints) ? true : error_no_memory(err);
}

static bool name(void *ctx, struct str text, int *ret_slot, struct error *err)
{
    struct coerce *c = ctx;
    struct str trimmed = str_trim(text);
    for (size_t i = 0; i < sizeof system_slots / sizeof *system_slots; i++)
        if (str_eq_fold(trimmed, str_from(system_slots[i].name))) {
            *ret_slot = (int)system_slots[i].kind;
            return true;
        }
    int at, other;
    const struct columns *columns = &c->dataset->columns;
    switch (columns_find_loose(columns, text, &at, &other)) {
    case COLUMN_FOUND:
        *ret_slot = slot_of_column(at);
        return true;
    case COLUMN_AMBIGUOUS:
        return error_set(err, ERROR_ROW_UNKNOWN_COLUMN,
                         "the display name \"" FMT_STR "\" is that of two columns, \"" FMT_STR "\" and \"" FMT_STR
                         "\": use the field name",
                         ARG_STR(str_head_utf8(trimmed, 100)), ARG_STR(columns->v[at].field_name),
                         ARG_STR(columns->v[other].field_name));
    case COLUMN_NONE:
        break;
    }
    *ret_slot = SLOT_UNKNOWN;
    if (c->set_aside && c->n_unknown < UNKNOWN_NAMES_MAX) {
        struct str kept = arena_str(c->names, trimmed);
        if (!kept.p)
            return error_no_memory(err);
        c->unknown_names[c->n_unknown] = kept;
        *ret_slot = c->n_slots++;
        c->slots[*ret_slot] = (struct slot){SLOT_UNKNOWN, (int)c->n_unknown};
    }
    return add_unknown(c, trimmed, err);
}

static bool unknown_columns(struct coerce *c, struct error *err)
{
    if (!c->n_unknown)
        return true;
    char more[64] = "";
    if (c->n_unknown > UNKNOWN_NAMES_MAX)
        snprintf(more, sizeof more, " and %llu more", (unsigned long long)(c->n_unknown - UNKNOWN_NAMES_MAX));
    error_set(err, ERROR_ROW_UNKNOWN_COLUMN, "Illegal field name sent: %.*s%s. %.*s%sThe dataset has no such column", (int)(c->unknown.n > 1000 ? 1000 : c->unknown.n),
              c->unknown.p, more, (int)(c->unknown_hints.n > 800 ? 800 : c->unknown_hints.n), c->unknown_hints.n ? c->unknown_hints.p : "",
              c->unknown_hints.n ? " " : "");
    error_data_str(err, "value", str_head_utf8(buf_str(&c->unknown), 600));
    return false;
}

static bool header_end(void *ctx, struct error *err)
{
    return unknown_columns(ctx, err);
}

/* ── rows ── */

static bool row_begin(void *ctx, enum row_shape shape, struct str what, uint64_t line, struct error *err)
{
    struct coerce *c = ctx;
    c->shape = shape;
    c->row.line = line;
    c->row.position = c->rows;
    c->id_given = c->version_given = c->deleted = c->broken = false;
    c->row_problems = 0;
    for (size_t i = 0; i < c->dataset->columns.n; i++)
        c->cells[i].kind = CELL_ABSENT;
    if (c->set_aside) {
        set_aside_row(c->set_aside, line);
        buf_reset(&c->row_messages);
    }
    if (shape != ROW_NOT_A_ROW)
        return true;
    struct buf text = {0};
    buf_printf(&text, "Row is not parseable as a json object: " FMT_STR "; expected {\"column\": value, …}, or [id] to delete",
               ARG_STR(str_head_utf8(what, VALUE_SHOWN_MAX)));
    bool ok = buf_ok(&text) ? add_problem(c, ERROR_ROW_NOT_OBJECT, STR_NONE, what, 0, buf_str(&text), err) : error_no_memory(err);
    buf_free(&text);
    return ok;
}

static bool duplicate(struct coerce *c, struct str field, uint64_t column, struct error *err)
{
    return add_problem(c, ERROR_ROW_DUPLICATE_FIELD, field, STR_NONE, column,
                       STR("the row gives this column twice; give it once"), err);
}

/* Readers lend text for the call only, and types may hand that very text on. */
static bool keep_text(struct coerce *c, struct cell *cell, const struct raw *raw, struct error *err)
{
    if (cell->kind < CELL_TEXT || cell->s.n == 0)
        return true;
    if (cell->s.p < raw->text.p || cell->s.p >= raw->text.p + raw->text.n)
        return true;
    cell->s = arena_str(&c->record, cell->s);
    return cell->s.p ? true : error_no_memory(err);
}

static bool column_value(struct coerce *c, int at, const struct raw *raw, uint64_t column, struct error *err)
{
    const struct column *col = &c->dataset->columns.v[at];
    struct cell *cell = &c->cells[at];
    struct type_refusal why;
    if (c->seen[at] == c->rows + 1)
        return duplicate(c, col->field_name, column, err);
    c->seen[at] = c->rows + 1;
    if (raw->kind == RAW_NULL) {
        cell->kind = CELL_NULL;
        return true;
    }
    why.expected[0] = why.hint[0] = 0;
    if (!col->type->parse(col->type, raw, &c->types, cell, &why)) {
        cell->kind = CELL_NULL;
        return refuse_value(c, col->field_name, col->type->view_name, raw, column, &why, err);
    }
    return keep_text(c, cell, raw, err);
}

static bool keep_raw(struct coerce *c, const struct raw *raw, struct raw *ret, struct error *err)
{
    *ret = *raw;
    if (raw->text.n == 0)
        return true;
    ret->text = arena_str(&c->record, raw->text);
    return ret->text.p ? true : error_no_memory(err);
}

static bool is_words_format(const struct coerce *c)
{
    enum reader_format f = c->options->format;
    return f == READER_CSV || f == READER_TSV || f == READER_FORM;
}

/* Only true deletes: JSON true, and in CSV the word. Other values are what echoed and exported rows carry
 * (docs/wire/rows.md, ":deleted"). */
static void deleted_value(struct coerce *c, const struct raw *raw)
{
    bool yes;
    if (raw->kind == RAW_TRUE) {
        c->deleted = true;
    } else if (raw->kind == RAW_STRING && str_trim(raw->text).n == 0) {
        return;
    } else if (raw->kind == RAW_STRING && is_words_format(c) && str_to_bool(str_trim(raw->text), &yes)) {
        c->deleted = yes;
    } else if (raw->kind != RAW_NULL && raw->kind != RAW_FALSE) {
        c->odd_deleted_flags++;
    }
}

static bool system_value(struct coerce *c, enum slot_kind kind, const struct raw *raw, uint64_t column, struct error *err)
{
    static const char *const names[] = {[SLOT_ID] = ":id", [SLOT_VERSION] = ":version", [SLOT_DELETED] = ":deleted"};
    if (c->seen_system[kind] == c->rows + 1)
        return duplicate(c, str_from(names[kind]), column, err);
    c->seen_system[kind] = c->rows + 1;
    if (kind == SLOT_DELETED) {
        deleted_value(c, raw);
        return true;
    }
    if (kind == SLOT_ID) {
        c->id_given = true;
        c->id_column = column;
        return keep_raw(c, raw, &c->id, err);
    }
    c->version_given = true;
    c->version_column = column;
    return keep_raw(c, raw, &c->version, err);
}

/* Under a failure policy an unknown name costs only its row. */
static struct str unknown_name(const struct coerce *c, struct slot s)
{
    return s.column >= 0 ? c->unknown_names[s.column] : STR("(more)");
}

static bool unknown_value(struct coerce *c, struct slot s, const struct raw *raw, uint64_t column, struct error *err)
{
    if (!c->set_aside)
        return true;
    return add_problem(c, ERROR_ROW_UNKNOWN_COLUMN, unknown_name(c, s), raw_value_text(raw), column, STR("the dataset has no such column"), err);
}

/* A row of a report is not mended while it still holds the text that could not be read: its columns need not be what was meant. */
static bool text_value(struct coerce *c, const struct raw *raw, uint64_t column, struct error *err)
{
    if (raw->kind == RAW_NULL || raw->text.n == 0)
        return true;
    return add_problem(c, ERROR_COLUMN_MALTYPED, STR(":text"), raw_value_text(raw), column,
                       STR("the text of the row is still as it could not be read: put its values into their columns and empty :text"), err);
}

static void note_value(struct coerce *c, struct slot s, const struct raw *raw)
{
    static const int places[SLOT_KINDS] = {[SLOT_ID] = SET_ASIDE_ID,
                                           [SLOT_VERSION] = SET_ASIDE_VERSION,
                                           [SLOT_DELETED] = SET_ASIDE_DELETED,
                                           [SLOT_TEXT] = SET_ASIDE_TEXT,
                                           [SLOT_UNKNOWN] = SET_ASIDE_UNKNOWN};
    if (s.kind == SLOT_COLUMN)
        set_aside_note(c->set_aside, s.column, STR_NONE, raw);
    else if (s.kind != SLOT_IGNORED)
        set_aside_note(c->set_aside, places[s.kind], s.kind == SLOT_UNKNOWN ? unknown_name(c, s) : STR_NONE, raw);
}

/* What a slot of the row means; the one element of [id] is the row identifier, else the :id. */
static struct slot slot_of(const struct coerce *c, int slot)
{
    int key = c->dataset->columns.row_identifier;
    if (c->shape != ROW_ONE_ELEMENT)
        return c->slots[slot];
    return key >= 0 ? (struct slot){SLOT_COLUMN, key} : (struct slot){SLOT_ID, -1};
}

static bool value(void *ctx, int slot, const struct raw *raw, uint64_t column, struct error *err)
{
    struct coerce *c = ctx;
    struct slot s = slot_of(c, slot);
    if (c->set_aside)
        note_value(c, s, raw);
    switch (s.kind) {
    case SLOT_COLUMN:
        return column_value(c, s.column, raw, column, err);
    case SLOT_ID:
    case SLOT_VERSION:
    case SLOT_DELETED:
        return system_value(c, s.kind, raw, column, err);
    case SLOT_TEXT:
        return text_value(c, raw, column, err);
    case SLOT_UNKNOWN:
        return unknown_value(c, s, raw, column, err);
    case SLOT_IGNORED:
    case SLOT_KINDS:
        break;
    }
    return true;
}

/* Only under a failure policy (coerce_sink): the row is set aside with what could be read of it and with its text. */
static bool row_broken(void *ctx, const struct row_fault *fault, struct error *err)
{
    struct coerce *c = ctx;
    struct str field = STR_NONE;
    struct raw raw = {.kind = RAW_STRING, .text = fault->text};
    c->broken = true;
    if (fault->slot >= 0) {
        struct slot s = slot_of(c, fault->slot);
        note_value(c, s, &raw);
        if (s.kind == SLOT_COLUMN)
            field = c->dataset->columns.v[s.column].field_name;
    }
    set_aside_note(c->set_aside, SET_ASIDE_TEXT, STR_NONE, &raw);
    return add_problem(c, fault->code, field, fault->text, fault->column, fault->message, err);
}

/* The number behind :id or :version, or a problem. Null and empty are as if absent. */
static bool read_token(struct coerce *c, bool given, const struct raw *raw, bool version, uint64_t column, enum stage_sid *ret_state,
                       int64_t *ret, struct error *err)
{
    *ret_state = STAGE_SID_ABSENT;
    if (!given)
        return true;
    if (raw->kind == RAW_NULL || (raw->kind == RAW_STRING && str_trim(raw->text).n == 0)) {
        *ret_state = STAGE_SID_NULL;
        return true;
    }
    if (raw->kind == RAW_STRING && (version ? row_version_parse(c->row_ids, str_trim(raw->text), ret)
                                            : row_id_parse(c->row_ids, str_trim(raw->text), ret))) {
        *ret_state = STAGE_SID_GIVEN;
        return true;
    }
    *ret_state = STAGE_SID_UNREADABLE;
    struct type_refusal why = {.expected = ""};
    snprintf(why.expected, sizeof why.expected, "%s as replies show it", version ? "a version like rv-2a3b~4c5d~6e7f" : "an id like row-2a3b~4c5d~6e7f");
    return refuse_value(c, version ? STR(":version") : STR(":id"), version ? "row version" : "row identifier", raw, column, &why, err);
}

static bool check_key_length(struct coerce *c, int key, struct error *err)
{
    const struct cell *cell = &c->cells[key];
    const struct column *column = &c->dataset->columns.v[key];
    struct str identity;
    if (cell->kind != CELL_TEXT || column->type->id == TYPE_NUMBER || cell->s.n <= ROW_KEY_BYTES_MAX)
        return true;
    if (!column->type->key(cell, &c->record, &identity))
        return error_no_memory(err);
    if (identity.n <= ROW_KEY_BYTES_MAX) /* a url counts by its address */
        return true;
    char text[96];
    int n = snprintf(text, sizeof text, "a row identifier has at most %d bytes, this one has %zu", ROW_KEY_BYTES_MAX, identity.n);
    return add_problem(c, ERROR_COLUMN_MALTYPED, column->field_name, cell->s, 0, (struct str){text, (size_t)n}, err);
}

/* Which row the row means, when the URL does not say. */
static bool resolve_identity(struct coerce *c, struct error *err)
{
    int key = c->dataset->columns.row_identifier;
    if (key >= 0 && !check_key_length(c, key, err))
        return false;
    bool key_given = key >= 0 && c->cells[key].kind != CELL_ABSENT;
    c->row.sid_state = STAGE_SID_ABSENT;
    c->row.version_state = STAGE_SID_ABSENT;
    c->row.key_null_delete = false;
    if (c->options->kind == UPLOAD_REPLACE) {
        if (c->deleted || c->shape == ROW_ONE_ELEMENT)
            return add_problem(c, ERROR_ROW_NOT_OBJECT, STR_NONE, STR_NONE, 0,
                               STR("a replace (PUT) takes no deletes: leave the row out, or use POST"), err);
        if (key >= 0 && c->cells[key].kind < CELL_INT && !c->row_problems)
            return add_problem(c, ERROR_ROW_NO_KEY, c->dataset->columns.v[key].field_name, STR_NONE, 0,
                               STR("Row in dataset lacks a primary key or has the primary key column set to null"), err);
        return true;
    }
    if (!read_token(c, c->version_given, &c->version, true, c->version_column, &c->row.version_state, &c->row.version, err))
        return false;
    if (key_given) {
        c->row.key_null_delete = c->row.op == STAGE_DELETE && c->cells[key].kind == CELL_NULL;
        return true;
    }
    if (!read_token(c, c->id_given, &c->id, false, c->id_column, &c->row.sid_state, &c->row.sid, err))
        return false;
    if (c->row.op == STAGE_DELETE && key < 0 && c->row.sid_state == STAGE_SID_NULL)
        c->row.key_null_delete = true;
    if (c->row.op == STAGE_DELETE && key < 0 && c->row.sid_state == STAGE_SID_ABSENT)
        return add_problem(c, ERROR_ROW_DELETE_NO_KEY, STR(":id"), STR_NONE, 0,
                           STR("Cannot delete an individual row without giving the primary key/row-identifier value: give its :id"), err);
    return true;
}

/* The row that the URL names: the body may repeat the key, in any spelling of the same value, but not contradict it. */
static bool apply_row_url(struct coerce *c, struct error *err)
{
    const struct upload_options *o = c->options;
    int key = c->dataset->columns.row_identifier;
    if (c->row.version_state == STAGE_SID_ABSENT) {
        c->row.version_state = o->row_version_state;
        c->row.version = o->row_version;
    }
    if (key >= 0 && o->row_key.kind >= CELL_INT) {
        struct cell *cell = &c->cells[key];
        const struct type *type = c->dataset->columns.v[key].type;
        struct str given, wanted;
        if (cell->kind == CELL_ABSENT) {
            *cell = o->row_key;
            return true;
        }
        if (cell->kind == CELL_NULL)
            return add_problem(c, ERROR_ROW_KEY_CONTRADICTS, c->dataset->columns.v[key].field_name, STR_NONE, 0,
                               STR("the row identifier is null, but the URL names a row: leave it out or repeat it"), err);
        if (!type->key(cell, &c->record, &given) || !type->key(&o->row_key, &c->record, &wanted))
            return error_no_memory(err);
        return str_eq(given, wanted) ||
               add_problem(c, ERROR_ROW_KEY_CONTRADICTS, c->dataset->columns.v[key].field_name, given, 0,
                           STR("the body names another row than the URL: leave the row identifier out or repeat it"), err);
    }
    if (c->row.sid_state == STAGE_SID_GIVEN && c->row.sid != o->row_sid)
        return add_problem(c, ERROR_ROW_KEY_CONTRADICTS, STR(":id"), STR_NONE, 0,
                           STR("the body names another row than the URL: leave :id out or repeat it"), err);
    c->row.sid_state = STAGE_SID_GIVEN;
    c->row.sid = o->row_sid;
    return true;
}

static bool row_end(void *ctx, struct error *err)
{
    struct coerce *c = ctx;
    bool ok = true;
    if (c->shape != ROW_NOT_A_ROW && !c->broken) {
        c->row.op = c->deleted || c->shape == ROW_ONE_ELEMENT ? STAGE_DELETE : STAGE_UPSERT;
        ok = resolve_identity(c, err) && (!c->options->has_row_key || apply_row_url(c, err));
        if (!c->many)
            c->single_is_delete = c->row.op == STAGE_DELETE;
        if (c->row.op == STAGE_UPSERT && c->row.sid_state != STAGE_SID_GIVEN)
            c->rows_without_id++;
        /* Once something was refused nothing will be applied: the rest is only checked. */
        bool good = c->set_aside ? c->row_problems == 0 : c->problems->total == 0 && c->n_unknown == 0;
        if (ok && good)
            ok = stage_append(c->stage, &c->row, err);
    }
    if (ok && c->set_aside && c->row_problems)
        ok = set_aside_keep(c->set_aside, buf_str(&c->row_messages), err);
    c->rows++;
    arena_reset(&c->record);
    return ok;
}

struct row_sink coerce_sink(struct coerce *c)
{
    return (struct row_sink){c, body_begin, name, header_end, row_begin, value, row_end, c->set_aside ? row_broken : NULL};
}

bool coerce_finish(struct coerce *c, struct error *err)
{
    return c->set_aside || unknown_columns(c, err);
}
