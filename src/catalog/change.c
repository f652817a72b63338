/* Every change of datasets. The pattern: take `write`, copy the snapshot, change the copy, one transaction, then the copy
 * takes the place of the old one. Nothing in memory moves before the commit. */
#include <sodium.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "catalog/internal.h"

static int64_t now_s(void)
{
    return clock_wall_ms() / 1000;
}

static bool next_number(struct catalog *c, const char *counter, int64_t *ret, struct error *err)
{
    return db_int(c->writer, err, ret, "UPDATE counter SET value = value + 1 WHERE name = ?1 RETURNING value", "t", str_from(counter));
}

/* ── one change of one dataset ── */

bool change_begin(struct change *ch, struct catalog *c, const struct actor *by, const char *id, size_t more_columns, struct error *err)
{
    pthread_mutex_lock(&c->write);
    *ch = (struct change){.c = c, .by = by, .old = catalog_find_id(c, str_from(id))};
    if (!ch->old)
        dataset_not_found(err, str_from(id));
    else if ((ch->next = snapshot_new(&ch->old->d, more_columns, err))) {
        if (db_begin(c->writer, err))
            return true;
        dataset_release(&ch->next->d);
    }
    pthread_mutex_unlock(&c->write);
    return false;
}

static bool store_row(struct change *ch, struct error *err)
{
    const struct dataset *d = &ch->next->d;
    int key = d->columns.row_identifier;
    if (!db_run(ch->c->writer, err,
                "UPDATE dataset SET stage=?2, scope=?3, name=?4, resource_name=?5, document=?6, published_at=?7, modified_at=?8,"
                " generation=?9, shape_version=?10 WHERE number=?1",
                "iiitttiiii", d->number, (int64_t)d->stage, (int64_t)d->scope, d->name, d->resource_name, d->document_json,
                d->published_at, d->modified_at, d->generation, d->columns.shape_version))
        return false;
    if (key < 0)
        return db_run(ch->c->writer, err, "UPDATE dataset SET row_identifier=NULL WHERE number=?1", "i", d->number);
    return db_run(ch->c->writer, err, "UPDATE dataset SET row_identifier=?2 WHERE number=?1", "ii", d->number, d->columns.v[key].id);
}

/* A change that altered nothing (clients repeat themselves) is none. What a replace does is in the rows' own chain. */
static bool record(struct change *ch, enum audit_action action, struct error *err)
{
    struct buf details = {0};
    bool ok = audit_describe_change(&ch->old->d, &ch->next->d, &details, err);
    const struct audit_record r = {action, "dataset", str_from(ch->next->d.id), buf_str(&details)};
    ok = ok && (!details.n || audit_add(ch->c, ch->by, &r, err));
    buf_free(&details);
    return ok;
}

/* Made or deleted. */
static bool record_dataset(struct catalog *c, const struct actor *by, enum audit_action action, const struct dataset *d, struct error *err)
{
    struct buf details = {0};
    bool ok = audit_describe_dataset(d, &details, err);
    const struct audit_record r = {action, "dataset", str_from(d->id), buf_str(&details)};
    ok = ok && audit_add(c, by, &r, err);
    buf_free(&details);
    return ok;
}

const struct dataset *change_end(struct change *ch, enum audit_action action, bool ok, struct error *err)
{
    struct catalog *c = ch->c;
    const struct dataset *ret = NULL;
    ok = ok && store_row(ch, err) && snapshot_seal(ch->next, err) && record(ch, action, err);
    if (ok)
        app_tokens_flush(c);
    if (!ok)
        db_rollback(c->writer);
    else if (db_commit(c->writer, err)) {
        ret = dataset_retain(&ch->next->d);
        catalog_install(c, ch->old, ch->next);
    }
    if (!ret)
        dataset_release(&ch->next->d);
    pthread_mutex_unlock(&c->write);
    return ret;
}

/* ── making columns ── */

_Static_assert(COLUMNS_MAX == 1500, "the messages below say so");

/* Names in use, for one document: a small open-addressing set, so that 1,500 columns of one name stay cheap. */
enum { NAME_SLOTS = 4096 };
struct name_set {
    struct str *slot;
    uint8_t seed[crypto_shorthash_KEYBYTES];
};

static size_t name_slot(const struct name_set *set, struct str name)
{
    uint64_t h;
    crypto_shorthash((unsigned char *)&h, (const unsigned char *)name.p, name.n, set->seed);
    size_t at = h % NAME_SLOTS;
    while (set->slot[at].p && !str_eq(set->slot[at], name))
        at = (at + 1) % NAME_SLOTS;
    return at;
}

static bool name_taken(void *ctx, struct str name)
{
    const struct name_set *set = ctx;
    return set->slot[name_slot(set, name)].p != NULL;
}

static bool name_set_init(struct name_set *set, struct arena *a, struct error *err)
{
    set->slot = arena_zalloc(a, NAME_SLOTS * sizeof *set->slot);
    random_fill(set->seed, sizeof set->seed);
    return set->slot || error_no_memory(err);
}

static bool name_set_add(struct name_set *set, struct str name)
{
    struct str *slot = &set->slot[name_slot(set, name)];
    bool is_new = !slot->p;
    *slot = name;
    return is_new;
}

/* Names, type and texts; id, physical and position are the caller's. The field name is left empty when it is to be derived. */
static bool column_check(struct arena *a, const struct column_spec *spec, struct column *ret, struct error *err)
{
    const char *format = NULL;
    *ret = (struct column){.type = type_find(spec->type_name, &format)};
    if (!name_display(a, "a column's name", spec->name.n ? spec->name : spec->field_name, COLUMN_NAME_BYTES_MAX, &ret->name, err))
        return false;
    if (spec->type_name.n == 0)
        return error_set(err, ERROR_COLUMN_UNKNOWN_TYPE, "column \"" FMT_STR "\" has no dataTypeName; text, number, checkbox, calendar_date… are known", ARG_STR(ret->name));
    if (!ret->type) {
        struct str shown = str_head_utf8(spec->type_name, 200);
        error_set(err, ERROR_COLUMN_UNKNOWN_TYPE, "column \"" FMT_STR "\": no type \"" FMT_STR "\"; known are text, number, checkbox, calendar_date, date, url, location, json, point, line, polygon, multipoint, multiline, multipolygon", ARG_STR(ret->name), ARG_STR(shown));
        error_data_str(err, "column", ret->name);
        error_data_str(err, "type", shown);
        return false;
    }
    if (spec->field_name.n && !name_identifier(a, "field name", spec->field_name, &ret->field_name, err))
        return false;
    if (spec->description.n + spec->format_json.n + spec->extra_json.n > DOCUMENT_BYTES_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "column \"" FMT_STR "\": description, format and flags take over %d bytes", ARG_STR(ret->name), DOCUMENT_BYTES_MAX);
    ret->description = spec->description.n ? spec->description : STR_NONE;
    ret->format_json = spec->format_json.n ? spec->format_json : format && *format ? str_from(format) : STR_NONE;
    ret->extra_json = spec->extra_json.n ? spec->extra_json : STR_NONE;
    return true;
}

static bool column_insert(struct catalog *c, int64_t dataset, const struct column *column, struct error *err)
{
    return db_run(c->writer, err,
                  "INSERT INTO dataset_column(id, dataset, physical, position, type, field_name, former_name, name, description, format, extra)"
                  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                  "iiiittttttt", column->id, dataset, (int64_t)column->physical, (int64_t)column->position, str_from(column->type->soql_name),
                  column->field_name, column->former_name, column->name, column->description, column->format_json, column->extra_json);
}

/* Given names first, so that a derived one never takes a name that somebody chose. */
static bool make_columns(struct arena *a, const struct dataset_spec *spec, struct column *v, struct error *err)
{
    struct name_set names;
    if (spec->n_columns > COLUMNS_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "%zu columns, at most 1,500 are taken", spec->n_columns);
    if (!name_set_init(&names, a, err))
        return false;
    for (size_t i = 0; i < spec->n_columns; i++) {
        if (!column_check(a, &spec->columns[i], &v[i], err))
            return false;
        if (v[i].field_name.n && !name_set_add(&names, v[i].field_name))
            return error_set(err, ERROR_DATASET_MALTYPED, "two columns have the field name \"" FMT_STR "\"", ARG_STR(v[i].field_name));
        v[i].physical = v[i].position = (int)i + 1;
    }
    for (size_t i = 0; i < spec->n_columns; i++) {
        if (v[i].field_name.n)
            continue;
        if (!name_derive(a, v[i].name, name_taken, &names, &v[i].field_name, err))
            return false;
        name_set_add(&names, v[i].field_name);
    }
    return true;
}

/* By field name, else by display name. */
static bool find_row_identifier(struct arena *a, struct str wanted, const struct column *v, size_t n, int *ret, struct error *err)
{
    struct str key, field;
    struct error not_a_name;
    *ret = -1;
    if (wanted.n == 0)
        return true;
    if (!text_nfc(a, str_trim(wanted), &key, err))
        return false;
    if (name_identifier(a, "row identifier", key, &field, &not_a_name))
        for (size_t i = 0; i < n && *ret < 0; i++)
            if (str_eq(v[i].field_name, field))
                *ret = (int)i;
    for (size_t i = 0; i < n && *ret < 0; i++)
        if (name_is_same(v[i].name, key))
            *ret = (int)i;
    if (*ret < 0)
        return error_set(err, ERROR_DATASET_MALTYPED, "the row identifier \"" FMT_STR "\" is not one of the columns", ARG_STR(str_head_utf8(key, 200)));
    const struct type *type = v[*ret].type;
    return type->can_identify_rows ||
           error_set(err, ERROR_COLUMN_BAD_IDENTIFIER_TYPE, "column \"" FMT_STR "\" is of type %s, which cannot identify rows; text, number, checkbox, timestamps and url can", ARG_STR(v[*ret].field_name), type->view_name);
}

/* ── resource names and documents ── */

static bool check_resource_name(struct catalog *c, struct arena *a, const char *own_id, struct str given, struct str *ret, struct error *err)
{
    if (given.n == 0) {
        *ret = STR_NONE;
        return true;
    }
    if (!name_identifier(a, "resource name", given, ret, err))
        return false;
    if (name_is_4x4(*ret))
        return error_set(err, ERROR_DATASET_MALTYPED, "resource name \"" FMT_STR "\" has the form of a dataset id", ARG_STR(*ret));
    const struct snapshot *other = catalog_find_name(c, *ret);
    if (other && (!own_id || strcmp(other->d.id, own_id) != 0))
        return error_set(err, ERROR_DATASET_MALTYPED, "resource name \"" FMT_STR "\" is in use", ARG_STR(*ret));
    return true;
}

/* The members of `given` replace those of `have` one by one; null takes one away. */
static bool merge_documents(struct arena *a, struct str have, struct str given, struct str *ret, struct error *err)
{
    struct json *old, *new;
    if (!json_parse(a, have.n ? have : STR("{}"), &old, err) || !json_parse(a, given.n ? given : STR("{}"), &new, err))
        return false;
    struct buf b = {0};
    buf_add_byte(&b, '{');
    const struct json *const both[] = {old, new};
    for (int side = 0; side < 2; side++)
        for (const struct json *m = both[side]->first; m; m = m->next) {
            /* The last of equal keys counts, and the new side counts before the old. */
            bool counts = json_get(both[side], m->key) == m && !(side == 0 && json_get(new, m->key)) && m->kind != JSON_NULL;
            if (!counts)
                continue;
            if (b.n > 1)
                buf_add_byte(&b, ',');
            buf_add_json(&b, m->key);
            buf_add_byte(&b, ':');
            json_write(m, &b);
        }
    buf_add_byte(&b, '}');
    bool ok = buf_ok(&b) || error_no_memory(err);
    if (ok && b.n > DOCUMENT_BYTES_MAX)
        ok = error_set(err, ERROR_LIMIT_EXCEEDED, "the view document takes %zu bytes, at most %d are kept", b.n, DOCUMENT_BYTES_MAX);
    if (ok) {
        *ret = arena_str(a, buf_str(&b));
        ok = ret->p || error_no_memory(err);
    }
    buf_free(&b);
    return ok;
}

/* ── datasets ── */

/* With `write` held. Nor that of a dataset whose history alone is left. */
static bool new_id(struct catalog *c, char ret[DATASET_ID_LENGTH + 1], struct error *err)
{
    bool taken = true;
    while (taken) {
        random_text(ret, DATASET_ID_LENGTH, "abcdefghijklmnopqrstuvwxyz0123456789");
        ret[4] = '-';
        ret[DATASET_ID_LENGTH] = 0;
        taken = catalog_find_id(c, str_from(ret));
        if (!taken && !history_knows(c, ret, &taken, err))
            return false;
    }
    return true;
}

static bool insert_dataset(struct catalog *c, struct dataset *d, struct error *err)
{
    if (!next_number(c, "dataset", &d->number, err))
        return false;
    if (d->number > INT32_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "no dataset numbers are left");
    for (size_t i = 0; i < d->columns.n; i++) {
        if (!next_number(c, "column", &d->columns.v[i].id, err))
            return false;
        if (d->columns.v[i].id > INT32_MAX)
            return error_set(err, ERROR_LIMIT_EXCEEDED, "no column ids are left");
    }
    int key = d->columns.row_identifier;
    if (!db_run(c->writer, err,
                "INSERT INTO dataset(number, id, owner, stage, scope, name, resource_name, document, created_at, published_at, modified_at,"
                " generation, row_identifier, shape_version, next_physical) VALUES(?1, ?2, ?3, 0, 0, ?4, ?5, ?6, ?7, 0, ?7, 1, nullif(?8, 0), 0, ?9)",
                "itttttiii", d->number, str_from(d->id), str_from(d->owner), d->name, d->resource_name, d->document_json, d->created_at,
                key < 0 ? (int64_t)0 : d->columns.v[key].id, (int64_t)d->columns.n + 1))
        return false;
    for (size_t i = 0; i < d->columns.n; i++)
        if (!column_insert(c, d->number, &d->columns.v[i], err))
            return false;
    return true;
}

/* With `write` held, d checked. */
static const struct dataset *create(struct catalog *c, const struct actor *by, struct dataset *d, struct error *err)
{
    if (c->n >= DATASETS_MAX) {
        error_set(err, ERROR_LIMIT_EXCEEDED, "this server holds %d datasets, which is all it takes", DATASETS_MAX);
        return NULL;
    }
    struct snapshot *s = NULL;
    if (!new_id(c, d->id, err) || !catalog_reserve(c, err) || !db_begin(c->writer, err))
        return NULL;
    bool ok = insert_dataset(c, d, err) && (s = snapshot_new(d, 0, err)) && snapshot_seal(s, err) && record_dataset(c, by, AUDIT_DATASET_CREATE, &s->d, err);
    if (!ok)
        db_rollback(c->writer);
    if (ok && db_commit(c->writer, err)) {
        const struct dataset *ret = dataset_retain(&s->d);
        catalog_install(c, NULL, s);
        return ret;
    }
    dataset_release(s ? &s->d : NULL);
    return NULL;
}

const struct dataset *catalog_create_dataset(struct catalog *c, const struct actor *by, const struct dataset_spec *spec, struct error *err)
{
    struct arena a = {0};
    struct dataset d = {.generation = 1, .created_at = now_s(), .modified_at = now_s()};
    const struct dataset *ret = NULL;
    d.columns.v = arena_zalloc(&a, (spec->n_columns + 1) * sizeof *d.columns.v);
    snprintf(d.owner, sizeof d.owner, "%s", spec->owner ? spec->owner : "");
    bool ok = d.columns.v || error_no_memory(err);
    ok = ok && name_display(&a, "a dataset's name", spec->name, COLUMN_NAME_BYTES_MAX, &d.name, err) &&
         merge_documents(&a, STR_NONE, spec->document_json, &d.document_json, err) && make_columns(&a, spec, d.columns.v, err) &&
         find_row_identifier(&a, spec->row_identifier, d.columns.v, spec->n_columns, &d.columns.row_identifier, err);
    if (ok) {
        d.columns.n = spec->n_columns;
        pthread_mutex_lock(&c->write);
        if (check_resource_name(c, &a, NULL, spec->resource_name, &d.resource_name, err))
            ret = create(c, by, &d, err);
        pthread_mutex_unlock(&c->write);
    }
    arena_free(&a);
    return ret;
}

/* With `write` held: the next id in the server and the next number in the dataset, never given out again. */
static bool take_numbers(struct catalog *c, int64_t dataset, struct column *ret, struct error *err)
{
    int64_t id = 0, physical = 0;
    if (!db_begin(c->writer, err))
        return false;
    bool ok = next_number(c, "column", &id, err) &&
              db_int(c->writer, err, &physical, "UPDATE dataset SET next_physical = next_physical + 1 WHERE number = ?1 RETURNING next_physical - 1", "i", dataset);
    if (ok && physical == 0)
        ok = error_set(err, ERROR_DATASET_NOT_FOUND, "Not found");
    if (ok && (id > INT32_MAX || physical > INT32_MAX))
        ok = error_set(err, ERROR_LIMIT_EXCEEDED, "no column ids are left");
    if (!ok) {
        db_rollback(c->writer);
        return false;
    }
    if (!db_commit(c->writer, err))
        return false;
    ret->id = id;
    ret->physical = (int)physical;
    return true;
}

bool catalog_prepare_column(struct catalog *c, const struct dataset *d, const struct column_spec *spec, struct arena *a, struct column *ret, struct error *err)
{
    struct column column;
    struct name_set names;
    if (d->columns.n >= COLUMNS_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "the dataset has %zu columns, at most 1,500 are taken", d->columns.n);
    if (!column_check(a, spec, &column, err) || !name_set_init(&names, a, err))
        return false;
    for (size_t i = 0; i < d->columns.n; i++)
        name_set_add(&names, d->columns.v[i].field_name);
    if (column.field_name.n && name_taken(&names, column.field_name))
        return error_set(err, ERROR_COLUMN_EXISTS, "a column with the field name \"" FMT_STR "\" exists", ARG_STR(column.field_name));
    if (!column.field_name.n && !name_derive(a, column.name, name_taken, &names, &column.field_name, err))
        return false;
    column.position = (int)d->columns.n + 1;
    pthread_mutex_lock(&c->write);
    bool ok = take_numbers(c, d->number, &column, err);
    pthread_mutex_unlock(&c->write);
    if (ok)
        *ret = column;
    return ok;
}

/* Two changes of shape may reach the catalog in another order than they had in the rows' file. */
static void raise_shape_version(struct columns *c, int64_t shape_version)
{
    if (shape_version > c->shape_version)
        c->shape_version = shape_version;
}

const struct dataset *catalog_add_column(struct catalog *c, const struct actor *by, const char *id, const struct column *column, int64_t shape_version, struct error *err)
{
    struct change ch;
    if (!change_begin(&ch, c, by, id, 1, err))
        return NULL;
    struct columns *columns = &ch.next->d.columns;
    struct column *added = &columns->v[columns->n];
    bool ok = true;
    for (size_t i = 0; ok && i < columns->n; i++)
        if (str_eq(columns->v[i].field_name, column->field_name))
            ok = error_set(err, ERROR_COLUMN_EXISTS, "a column with the field name \"" FMT_STR "\" exists", ARG_STR(column->field_name));
    if (ok && columns->n >= COLUMNS_MAX)
        ok = error_set(err, ERROR_LIMIT_EXCEEDED, "the dataset has 1,500 columns, which is all it takes");
    ok = ok && snapshot_column(ch.next, column, added, err);
    if (ok) {
        added->position = (int)columns->n + 1;
        columns->n++;
        raise_shape_version(columns, shape_version);
        ch.next->d.modified_at = now_s();
        ok = column_insert(c, ch.next->d.number, added, err);
    }
    return change_end(&ch, AUDIT_DATASET_ADD_COLUMN, ok, err);
}

static bool flipped_column(const struct columns *c, const struct generation_flip *flip, int *ret)
{
    for (size_t i = 0; i < c->n; i++)
        if (flip->row_identifier_id ? c->v[i].id == flip->row_identifier_id : (int)i == flip->row_identifier) {
            *ret = (int)i;
            return true;
        }
    return false;
}

const struct dataset *catalog_flip_generation(struct catalog *c, const struct actor *by, const char *id, const struct generation_flip *flip, struct error *err)
{
    struct change ch;
    if (!change_begin(&ch, c, by, id, 0, err))
        return NULL;
    struct dataset *d = &ch.next->d;
    bool ok = d->generation == flip->from ||
              error_set(err, ERROR_DATASET_SHAPE_CHANGED, "generation %lld of the rows was expected, it is %lld: somebody else replaced them; send the request again", (long long)flip->from, (long long)d->generation);
    int key = flip->row_identifier < 0 ? -1 : flip->row_identifier;
    if (ok && flip->set_row_identifier && key >= 0 && !flipped_column(&d->columns, flip, &key))
        ok = error_set(err, ERROR_COLUMN_NOT_FOUND, "the new row identifier is no longer a column");
    if (ok) {
        d->generation = flip->to;
        if (flip->set_row_identifier)
            d->columns.row_identifier = key;
        if (flip->shape_version) {
            raise_shape_version(&d->columns, flip->shape_version);
            d->modified_at = now_s();
        }
    }
    ok = ok && (!flip->history || history_insert(c->writer, id, flip->history, err));
    return change_end(&ch, AUDIT_DATASET_ROW_IDENTIFIER, ok, err);
}

const struct dataset *catalog_publish(struct catalog *c, const struct actor *by, const char *id, struct error *err)
{
    struct change ch;
    if (!change_begin(&ch, c, by, id, 0, err))
        return NULL;
    if (ch.next->d.stage != DATASET_PUBLISHED) {
        ch.next->d.stage = DATASET_PUBLISHED;
        ch.next->d.published_at = ch.next->d.modified_at = now_s();
    }
    return change_end(&ch, AUDIT_DATASET_PUBLISH, true, err);
}

const struct dataset *catalog_set_scope(struct catalog *c, const struct actor *by, const char *id, enum dataset_scope scope, struct error *err)
{
    struct change ch;
    if (!change_begin(&ch, c, by, id, 0, err))
        return NULL;
    ch.next->d.scope = scope;
    ch.next->d.modified_at = now_s();
    return change_end(&ch, AUDIT_DATASET_SCOPE, true, err);
}

/* Into the copy: what was given, checked. */
static bool apply_document(struct catalog *c, struct snapshot *s, struct str name, struct str resource_name, struct str document_json, struct error *err)
{
    struct dataset *d = &s->d;
    struct arena *a = &s->arena;
    if (name.p && !name_display(a, "a dataset's name", name, COLUMN_NAME_BYTES_MAX, &d->name, err))
        return false;
    if (resource_name.p && !check_resource_name(c, a, d->id, resource_name, &d->resource_name, err))
        return false;
    if (document_json.n && !merge_documents(a, d->document_json, document_json, &d->document_json, err))
        return false;
    d->modified_at = now_s();
    return true;
}

const struct dataset *catalog_update_document(struct catalog *c, const struct actor *by, const char *id, struct str name, struct str resource_name, struct str document_json, struct error *err)
{
    struct change ch;
    if (!change_begin(&ch, c, by, id, 0, err))
        return NULL;
    bool ok = apply_document(c, ch.next, name, resource_name, document_json, err);
    return change_end(&ch, AUDIT_DATASET_UPDATE, ok, err);
}

const struct dataset *catalog_preview_document(struct catalog *c, const struct dataset *d, struct str name, struct str resource_name, struct str document_json, struct error *err)
{
    struct snapshot *s = snapshot_new(d, 0, err);
    if (!s)
        return NULL;
    pthread_mutex_lock(&c->write);
    bool ok = apply_document(c, s, name, resource_name, document_json, err);
    pthread_mutex_unlock(&c->write);
    if (ok && snapshot_seal(s, err))
        return &s->d;
    dataset_release(&s->d);
    return NULL;
}

static bool edit_column(struct snapshot *s, struct column *column, const struct column_edit *e, struct error *err)
{
    if (e->name.p && !name_display(&s->arena, "a column's name", e->name, COLUMN_NAME_BYTES_MAX, &column->name, err))
        return false;
    if (e->description.n + e->format_json.n + e->extra_json.n > DOCUMENT_BYTES_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "column \"" FMT_STR "\": description, format and flags take over %d bytes", ARG_STR(column->name), DOCUMENT_BYTES_MAX);
    const struct str given[] = {e->description, e->format_json, e->extra_json};
    struct str *const kept[] = {&column->description, &column->format_json, &column->extra_json};
    for (int i = 0; i < 3; i++)
        if (given[i].p && !snapshot_text(s, given[i].n ? given[i] : STR_NONE, kept[i], err))
            return false;
    if (e->position > 0)
        column->position = e->position;
    return true;
}

static bool column_update(struct catalog *c, const struct column *column, struct error *err)
{
    return db_run(c->writer, err, "UPDATE dataset_column SET name=?2, description=?3, format=?4, extra=?5, position=?6 WHERE id=?1", "itttti",
                  column->id, column->name, column->description, column->format_json, column->extra_json, (int64_t)column->position);
}

const struct dataset *catalog_edit_columns(struct catalog *c, const struct actor *by, const char *id, const struct column_edit *edits, size_t n, struct error *err)
{
    struct change ch;
    if (!change_begin(&ch, c, by, id, 0, err))
        return NULL;
    struct columns *columns = &ch.next->d.columns;
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        for (size_t k = 0; ok && k < columns->n; k++)
            if (columns->v[k].id == edits[i].id)
                ok = edit_column(ch.next, &columns->v[k], &edits[i], err) && column_update(c, &columns->v[k], err);
    ch.next->d.modified_at = now_s();
    return change_end(&ch, AUDIT_DATASET_EDIT_COLUMNS, ok, err);
}

bool catalog_delete_dataset(struct catalog *c, const struct actor *by, const char *id, struct error *err)
{
    pthread_mutex_lock(&c->write);
    struct snapshot *s = catalog_find_id(c, str_from(id));
    bool ok = s && db_begin(c->writer, err);
    if (!s)
        dataset_not_found(err, str_from(id));
    if (ok) {
        ok = db_run(c->writer, err, "DELETE FROM dataset WHERE number = ?1", "i", s->d.number) && record_dataset(c, by, AUDIT_DATASET_DELETE, &s->d, err);
        if (!ok)
            db_rollback(c->writer);
        else
            ok = db_commit(c->writer, err);
    }
    if (ok)
        catalog_install(c, s, NULL);
    pthread_mutex_unlock(&c->write);
    return ok;
}
