/* The catalog over a real folder: names, snapshots, what survives a restart, users and passwords. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "catalog/catalog.h"
#include "catalog/history.h"
#include "sql/sql.h"
#include "catalog_kit.h"

/* Ids come out of this: one may be put in front. */
static char next_text[16];
void __real_random_text(char *ret, size_t n, const char *alphabet);
void __wrap_random_text(char *ret, size_t n, const char *alphabet);
void __wrap_random_text(char *ret, size_t n, const char *alphabet)
{
    __real_random_text(ret, n, alphabet);
    if (next_text[0])
        memcpy(ret, next_text, n);
    next_text[0] = 0;
}

struct fixture {
    char dir[64];
    struct catalog *c;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err;
    if (!catalog_folder(f->dir) || !(f->c = catalog_open(f->dir, &err)))
        return -1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    catalog_close(f->c);
    catalog_folder_remove(f->dir);
    free(f);
    return 0;
}

static void reopen(struct fixture *f)
{
    struct error err;
    catalog_close(f->c);
    f->c = catalog_open(f->dir, &err);
    assert_non_null(f->c);
}

static struct column_spec spec(const char *name, const char *field, const char *type)
{
    return (struct column_spec){.name = str_from(name), .field_name = str_from(field), .type_name = str_from(type)};
}

static const struct dataset *make(struct catalog *c, const struct column_spec *columns, size_t n, const char *key, struct error *err)
{
    struct dataset_spec s = {.name = STR("A dataset"), .columns = columns, .n_columns = n, .row_identifier = str_from(key), .owner = "aaaa-aaaa"};
    return catalog_create_dataset(c, &actor_server, &s, err);
}

static void assert_str(struct str have, const char *want)
{
    if (!str_eq(have, str_from(want)))
        fail_msg("\"" FMT_STR "\" is not \"%s\"", ARG_STR(have), want);
}

/* ── names ── */

static void field_names_come_from_display_names(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[][2] = {
        {"Case Number", "case_number"}, {" A, B ", "a_b"}, {"123 go", "_123_go"}, {"Été & more", "été_more"}, {"E\xCC\x81t", "ét"},
        {"__x__", "x"}, {"😀", "column"}, {"\"; DROP TABLE rows; --", "drop_table_rows"}, {"select", "select"}, {"__proto__", "proto"},
        {":id", "id"}, {"A", "a"}, {"a", "a_1"}, {"A!", "a_2"}, {"\xD0\x90\xD0\x91", "\xD0\xB0\xD0\xB1"}, {"\xE2\x80\xAE" "rtl", "rtl"},
        {"tab\there", "tab_here"},
    };
    struct column_spec columns[sizeof cases / sizeof *cases];
    const size_t n = sizeof cases / sizeof *cases;
    for (size_t i = 0; i < n; i++)
        columns[i] = spec(cases[i][0], "", "text");
    const struct dataset *d = NULL;
    GOOD(d = make(f->c, columns, n, "", &err_));
    for (size_t i = 0; i < n; i++)
        assert_str(d->columns.v[i].field_name, cases[i][1]);
    dataset_release(d);
}

static void a_chosen_field_name_beats_a_derived_one(void **state)
{
    struct fixture *f = *state;
    struct column_spec columns[] = {spec("A", "", "text"), spec("Other", "A", "text")};
    const struct dataset *d = NULL;
    GOOD(d = make(f->c, columns, 2, "", &err_));
    assert_str(d->columns.v[0].field_name, "a_1");
    assert_str(d->columns.v[1].field_name, "a");
    dataset_release(d);
}

static void a_thousand_columns_of_one_name_are_told_apart(void **state)
{
    struct fixture *f = *state;
    static struct column_spec columns[COLUMNS_MAX + 1];
    for (size_t i = 0; i <= COLUMNS_MAX; i++)
        columns[i] = spec("Same", "", "text");
    const struct dataset *d = NULL;
    struct error err;
    GOOD(d = make(f->c, columns, COLUMNS_MAX, "", &err_));
    assert_str(d->columns.v[COLUMNS_MAX - 1].field_name, "same_1499");
    dataset_release(d);
    assert_null(make(f->c, columns, COLUMNS_MAX + 1, "", &err));
    assert_int_equal(err.code, ERROR_LIMIT_EXCEEDED);
}

static void columns_that_cannot_be_are_refused(void **state)
{
    struct fixture *f = *state;
    static char long_name[COLUMN_NAME_BYTES_MAX + 2], long_field[FIELD_NAME_BYTES_MAX + 2];
    memset(long_name, 'x', COLUMN_NAME_BYTES_MAX + 1);
    memset(long_field, 'x', FIELD_NAME_BYTES_MAX + 1);
    const struct {
        const char *name, *field, *type;
        enum error_code code;
        const char *says;
    } cases[] = {
        {"", "", "text", ERROR_DATASET_MALTYPED, "empty"},
        {"  \n", "", "text", ERROR_DATASET_MALTYPED, "empty"},
        {"A", ":id", "text", ERROR_DATASET_MALTYPED, "':'"},
        {"A", ":@computed", "text", ERROR_DATASET_MALTYPED, "':'"},
        {"A", "a b", "text", ERROR_DATASET_MALTYPED, "\"a_b\" would do"},
        {"A", "1a", "text", ERROR_DATASET_MALTYPED, "\"_1a\" would do"},
        {"A", "add,ress", "text", ERROR_DATASET_MALTYPED, "add_ress"},
        {"A", "a", "nested_table", ERROR_COLUMN_UNKNOWN_TYPE, "nested_table"},
        {"A", "a", "", ERROR_COLUMN_UNKNOWN_TYPE, "dataTypeName"},
        {long_name, "a", "text", ERROR_DATASET_MALTYPED, "1025 bytes"},
        {"A", long_field, "text", ERROR_DATASET_MALTYPED, "256 bytes"},
        {"A\xFF", "a", "text", ERROR_BODY_MALFORMED_TEXT, "byte 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct column_spec column = spec(cases[i].name, cases[i].field, cases[i].type);
        struct error err;
        assert_null(make(f->c, &column, 1, "", &err));
        assert_int_equal(err.code, cases[i].code);
        if (!strstr(err.message, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.message, cases[i].says);
    }
    struct column_spec twice[] = {spec("A", "a", "text"), spec("B", "A", "text")};
    struct error err;
    assert_null(make(f->c, twice, 2, "", &err));
    assert_int_equal(err.code, ERROR_DATASET_MALTYPED);
    long_name[COLUMN_NAME_BYTES_MAX] = 0;
    long_field[FIELD_NAME_BYTES_MAX] = 0;
    struct column_spec longest = spec(long_name, long_field, "text");
    const struct dataset *d = NULL;
    GOOD(d = make(f->c, &longest, 1, "", &err_));
    dataset_release(d);
}

static void given_field_names_are_taken_in_lower_case(void **state)
{
    struct fixture *f = *state;
    static const char *const good[] = {"address", "add_ress", "add-ress", "ID", "_1", "$x", "-x", "été"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct column_spec column = spec("A", good[i], "Text");
        const struct dataset *d = NULL;
        GOOD(d = make(f->c, &column, 1, "", &err_));
        assert_true(str_eq_fold(d->columns.v[0].field_name, str_from(good[i])));
        dataset_release(d);
    }
}

/* ── row identifiers ── */

static void a_row_identifier_is_a_column_of_a_type_that_can(void **state)
{
    struct fixture *f = *state;
    struct column_spec columns[] = {spec("The Key", "k", "text"), spec("Place", "p", "point")};
    struct error err;
    const struct dataset *d = NULL;
    static const char *const ways[] = {"k", "K", "The Key", " the key "};
    for (size_t i = 0; i < 4; i++) {
        GOOD(d = make(f->c, columns, 2, ways[i], &err_));
        assert_int_equal(d->columns.row_identifier, 0);
        dataset_release(d);
    }
    GOOD(d = make(f->c, columns, 2, "", &err_));
    assert_int_equal(d->columns.row_identifier, -1);
    dataset_release(d);
    assert_null(make(f->c, columns, 2, "nope", &err));
    assert_int_equal(err.code, ERROR_DATASET_MALTYPED);
    assert_null(make(f->c, columns, 2, "p", &err));
    assert_int_equal(err.code, ERROR_COLUMN_BAD_IDENTIFIER_TYPE);
}

/* ── snapshots ── */

static void a_dataset_is_found_by_id_and_by_resource_name(void **state)
{
    struct fixture *f = *state;
    struct dataset_spec s = {.name = STR("A"), .resource_name = STR("My-Name"), .owner = "aaaa-aaaa"};
    const struct dataset *d = NULL, *other = NULL;
    struct error err;
    GOOD(d = catalog_create_dataset(f->c, &actor_server, &s, &err_));
    char id[DATASET_ID_LENGTH + 1];
    snprintf(id, sizeof id, "%s", d->id);
    assert_true(id[4] == '-' && strlen(id) == 9);
    GOOD(other = catalog_dataset(f->c, str_from(id), &err_));
    assert_ptr_equal(other, d);
    dataset_release(other);
    GOOD(other = catalog_dataset(f->c, STR("my-NAME"), &err_));
    assert_ptr_equal(other, d);
    dataset_release(other);
    dataset_release(d);

    assert_null(catalog_create_dataset(f->c, &actor_server, &s, &err));
    assert_non_null(strstr(err.message, "in use"));
    s.resource_name = STR("abcd-efgh");
    assert_null(catalog_create_dataset(f->c, &actor_server, &s, &err));
    static const char *const unknown[] = {"zzzz-zzzz", "", "no name", "other", "\xFF", ":id"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_null(catalog_dataset(f->c, str_from(unknown[i]), &err));
        assert_int_equal(err.code, ERROR_DATASET_NOT_FOUND);
        assert_string_equal(err.message, "Not found");
    }
}

static void who_holds_a_snapshot_goes_on_seeing_what_was(void **state)
{
    struct fixture *f = *state;
    struct column_spec column = spec("A", "a", "text");
    const struct dataset *before = NULL, *after = NULL;
    GOOD(before = make(f->c, &column, 1, "", &err_));
    struct arena a = {0};
    struct column added;
    struct column_spec more = spec("B Two", "", "number");
    GOOD(catalog_prepare_column(f->c, before, &more, &a, &added, &err_));
    assert_str(added.field_name, "b_two");
    assert_int_equal(added.physical, 2);
    assert_true(added.id != before->columns.v[0].id);
    GOOD(after = catalog_add_column(f->c, &actor_server, before->id, &added, 7, &err_));
    assert_int_equal(before->columns.n, 1);
    assert_int_equal(after->columns.n, 2);
    assert_int_equal(after->columns.shape_version, 7);
    assert_int_equal(after->columns.v[1].position, 2);
    struct error err;
    assert_null(catalog_add_column(f->c, &actor_server, before->id, &added, 8, &err));
    assert_int_equal(err.code, ERROR_COLUMN_EXISTS);
    GOOD(catalog_prepare_column(f->c, after, &more, &a, &added, &err_));
    assert_str(added.field_name, "b_two_1");
    more.field_name = STR("B_TWO");
    assert_false(catalog_prepare_column(f->c, after, &more, &a, &added, &err));
    assert_int_equal(err.code, ERROR_COLUMN_EXISTS);
    arena_free(&a);
    dataset_release(before);
    dataset_release(after);
}

static void physical_numbers_are_never_given_out_twice(void **state)
{
    struct fixture *f = *state;
    const struct dataset *d = NULL;
    struct column_spec column = spec("A", "a", "text");
    GOOD(d = make(f->c, &column, 1, "", &err_));
    struct arena a = {0};
    struct column first, second;
    struct column_spec more = spec("B", "", "text");
    GOOD(catalog_prepare_column(f->c, d, &more, &a, &first, &err_));
    reopen(f);
    GOOD(catalog_prepare_column(f->c, d, &more, &a, &second, &err_));
    assert_true(second.physical > first.physical && second.id > first.id);
    arena_free(&a);
    dataset_release(d);
}

static void everything_survives_a_restart(void **state)
{
    struct fixture *f = *state;
    struct column_spec columns[] = {spec("Key", "k", "text"), spec("Cost", "cost", "money")};
    columns[0].description = STR("what it is");
    columns[0].extra_json = STR("{\"width\":100}");
    struct dataset_spec s = {.name = STR("Name"), .resource_name = STR("res"), .document_json = STR("{\"tags\":[\"a\"],\"category\":\"Fun\"}"),
                             .columns = columns, .n_columns = 2, .row_identifier = STR("k"), .owner = "aaaa-aaaa"};
    const struct dataset *d = NULL, *next = NULL;
    GOOD(d = catalog_create_dataset(f->c, &actor_server, &s, &err_));
    char id[DATASET_ID_LENGTH + 1];
    snprintf(id, sizeof id, "%s", d->id);
    dataset_release(d);
    GOOD(next = catalog_publish(f->c, &actor_server, id, &err_));
    dataset_release(next);
    GOOD(next = catalog_set_scope(f->c, &actor_server, id, SCOPE_SITE, &err_));
    dataset_release(next);
    struct generation_flip flip = {.from = 1, .to = 2, .set_row_identifier = true, .row_identifier = 1, .shape_version = 9};
    GOOD(next = catalog_flip_generation(f->c, &actor_server, id, &flip, &err_));
    dataset_release(next);
    struct error err;
    assert_null(catalog_flip_generation(f->c, &actor_server, id, &flip, &err));
    assert_int_equal(err.code, ERROR_DATASET_SHAPE_CHANGED);
    reopen(f);
    GOOD(d = catalog_dataset(f->c, STR("res"), &err_));
    assert_string_equal(d->id, id);
    assert_true(d->scope == SCOPE_SITE);
    assert_int_equal(d->stage, DATASET_PUBLISHED);
    assert_true(d->published_at > 0);
    assert_int_equal(d->generation, 2);
    assert_int_equal(d->columns.row_identifier, 1);
    assert_int_equal(d->columns.shape_version, 9);
    assert_int_equal(d->columns.n, 2);
    assert_str(d->columns.v[0].description, "what it is");
    assert_str(d->columns.v[0].extra_json, "{\"width\":100}");
    assert_true(d->columns.v[1].type == &type_number && d->columns.v[1].format_json.n > 2);
    assert_str(d->document_json, "{\"tags\":[\"a\"],\"category\":\"Fun\"}");
    dataset_release(d);
    flip = (struct generation_flip){.from = 2, .to = 3, .set_row_identifier = true, .row_identifier = -1};
    GOOD(next = catalog_flip_generation(f->c, &actor_server, id, &flip, &err_));
    assert_int_equal(next->columns.row_identifier, -1);
    dataset_release(next);
    reopen(f);
    GOOD(d = catalog_dataset(f->c, str_from(id), &err_));
    assert_int_equal(d->columns.row_identifier, -1);
    dataset_release(d);
}

static void document_members_are_replaced_one_by_one(void **state)
{
    struct fixture *f = *state;
    struct dataset_spec s = {.name = STR("Name"), .resource_name = STR("old"), .document_json = STR("{\"a\":1,\"b\":2,\"n\":null}"), .owner = "aaaa-aaaa"};
    const struct dataset *d = NULL, *next = NULL;
    GOOD(d = catalog_create_dataset(f->c, &actor_server, &s, &err_));
    assert_str(d->document_json, "{\"a\":1,\"b\":2}");
    GOOD(next = catalog_preview_document(f->c, d, STR("Other"), STR(""), STR("{\"b\":null,\"c\":[3]}"), &err_));
    assert_str(next->document_json, "{\"a\":1,\"c\":[3]}");
    assert_str(next->name, "Other");
    dataset_release(next);
    GOOD(next = catalog_dataset(f->c, STR("old"), &err_));
    assert_ptr_equal(next, d);
    dataset_release(next);
    GOOD(next = catalog_update_document(f->c, &actor_server, d->id, STR_NONE, STR("new"), STR("{\"b\":null,\"c\":[3],\"c\":{\"x\":4}}"), &err_));
    assert_str(next->name, "Name");
    assert_str(next->document_json, "{\"a\":1,\"c\":{\"x\":4}}");
    dataset_release(next);
    struct error err;
    assert_null(catalog_dataset(f->c, STR("old"), &err));
    assert_null(catalog_update_document(f->c, &actor_server, d->id, STR(""), STR_NONE, STR_NONE, &err));
    assert_int_equal(err.code, ERROR_DATASET_MALTYPED);
    GOOD(next = catalog_update_document(f->c, &actor_server, d->id, STR_NONE, STR(""), STR_NONE, &err_));
    assert_int_equal(next->resource_name.n, 0);
    dataset_release(next);
    assert_null(catalog_dataset(f->c, STR("new"), &err));
    dataset_release(d);
}

static void columns_are_edited_and_reordered(void **state)
{
    struct fixture *f = *state;
    struct column_spec columns[] = {spec("A", "a", "text"), spec("B", "b", "text")};
    const struct dataset *d = NULL, *next = NULL;
    GOOD(d = make(f->c, columns, 2, "b", &err_));
    struct column_edit edits[] = {
        {.id = d->columns.v[0].id, .name = STR("Alpha"), .description = STR("first"), .position = 2},
        {.id = d->columns.v[1].id, .position = 1},
        {.id = 999999, .name = STR("nobody")},
    };
    GOOD(next = catalog_edit_columns(f->c, &actor_server, d->id, edits, 3, &err_));
    assert_str(next->columns.v[1].name, "Alpha");
    assert_str(next->columns.v[1].description, "first");
    assert_str(next->columns.v[0].field_name, "b");
    assert_int_equal(next->columns.row_identifier, 0);
    dataset_release(next);
    /* An index taken before the reordering means another column now; the id does not. */
    struct generation_flip flip = {.from = 1, .to = 2, .set_row_identifier = true, .row_identifier = 0, .row_identifier_id = d->columns.v[0].id};
    GOOD(next = catalog_flip_generation(f->c, &actor_server, d->id, &flip, &err_));
    assert_str(next->columns.v[next->columns.row_identifier].field_name, "a");
    dataset_release(next);
    dataset_release(d);
}

static void deleted_datasets_are_gone_and_the_list_keeps_order(void **state)
{
    struct fixture *f = *state;
    char made[20][DATASET_ID_LENGTH + 1], (*ids)[DATASET_ID_LENGTH + 1];
    size_t n = 0;
    for (size_t i = 0; i < 20; i++) {
        const struct dataset *d = NULL;
        GOOD(d = make(f->c, NULL, 0, "", &err_));
        memcpy(made[i], d->id, sizeof made[i]);
        dataset_release(d);
    }
    struct error err;
    GOOD(catalog_delete_dataset(f->c, &actor_server, made[7], &err_));
    assert_false(catalog_delete_dataset(f->c, &actor_server, made[7], &err));
    assert_int_equal(err.code, ERROR_DATASET_NOT_FOUND);
    for (int again = 0; again < 2; again++) {
        assert_null(catalog_dataset(f->c, str_from(made[7]), &err));
        GOOD(catalog_list(f->c, &ids, &n, &err_));
        assert_int_equal(n, 19);
        for (size_t i = 0; i < 19; i++)
            assert_string_equal(ids[i], made[i + (i >= 7)]);
        free(ids);
        reopen(f);
    }
}

/* ── what is left of files that are left ── */

static const char an_id[] = "aaaa-bbbb";

static void have_history(struct history *h, int64_t seq, const char *entry)
{
    static char hash[CHAIN_HASH_BYTES];
    hash[0] = (char)seq;
    hash[1] = 9;
    h->n_links = h->n_versions = 1;
    h->links[0] = (struct chain_link){seq, str_from(entry), str_make(hash, sizeof hash)};
    for (size_t i = 0; i < HISTORY_VERSION_CELLS; i++)
        h->versions[0].cells[i] = i == 4 || i == 5 ? cell_null() : cell_int(7);
    h->versions[0].cells[0] = cell_int(seq - 1);
    h->versions[0].cells[2] = cell_text(STR("upsert"));
}

static int64_t ask(struct fixture *f, const char *sql)
{
    char path[128];
    struct error err;
    int64_t n = -1;
    snprintf(path, sizeof path, "%s/catalog.db", f->dir);
    struct sql *db = sql_open(path, SQL_READER, 1 << 20, &err);
    if (!db || !sql_exec_i64(db, sql, &n, &err))
        fail_msg("%s: %s", sql, err.message);
    sql_close(db);
    return n;
}

static void history_is_added_once_and_only_grows(void **state)
{
    struct fixture *f = *state;
    struct chain_link link;
    struct history_version version;
    struct history h = {.links = &link, .versions = &version};
    struct history_head head;
    struct error err;
    GOOD(catalog_history_head(f->c, an_id, &head, &err_));
    assert_true(head.chain.seq == 0 && head.version == -1);
    for (int64_t seq = 1; seq <= 3; seq++) {
        have_history(&h, seq, "{}");
        GOOD(catalog_add_history(f->c, an_id, &h, &err_));
        have_history(&h, seq, "{\"another\":1}");
        GOOD(catalog_add_history(f->c, an_id, &h, &err_));
    }
    reopen(f);
    GOOD(catalog_history_head(f->c, an_id, &head, &err_));
    assert_true(head.chain.seq == 3 && head.version == 2 && head.chain.hash[0] == 3 && head.chain.hash[1] == 9);
    assert_int_equal(ask(f, "SELECT count(*) FROM dataset_audit WHERE entry='{}'"), 3);
    assert_int_equal(ask(f, "SELECT count(*) FROM dataset_version WHERE user IS NULL AND action='upsert'"), 3);
    /* Another's, and one that cannot be: all of it or nothing. */
    GOOD(catalog_history_head(f->c, "aaaa-cccc", &head, &err_));
    assert_true(head.chain.seq == 0);
    have_history(&h, 4, "{}");
    version.cells[3] = cell_null();
    assert_false(catalog_add_history(f->c, an_id, &h, &err));
    assert_int_equal(ask(f, "SELECT count(*) FROM dataset_audit"), 3);
    have_history(&h, 4, "{}");
    GOOD(catalog_add_history(f->c, an_id, &h, &err_));
    char path[128];
    snprintf(path, sizeof path, "%s/catalog.db", f->dir);
    struct sql *db = sql_open(path, SQL_WRITER, 1 << 20, &err);
    assert_non_null(db);
    assert_false(sql_exec(db, "UPDATE dataset_audit SET entry='' WHERE seq=1", &err));
    assert_false(sql_exec(db, "DELETE FROM dataset_audit WHERE seq=1", &err));
    assert_true(sql_exec(db, "INSERT INTO dataset_audit VALUES('aaaa-bbbb',5,'{}',x'00')", &err));
    sql_close(db);
    assert_false(catalog_history_head(f->c, an_id, &head, &err));
    assert_int_equal(err.code, ERROR_STORE_UNAVAILABLE);
}

static void a_flip_takes_history_along_or_leaves_both(void **state)
{
    struct fixture *f = *state;
    struct chain_link link;
    struct history_version version;
    struct history h = {.links = &link, .versions = &version};
    struct generation_flip flip = {.from = 1, .to = 2, .history = &h};
    const struct dataset *d = NULL, *next = NULL;
    struct error err;
    GOOD(d = make(f->c, NULL, 0, "", &err_));
    have_history(&h, 1, "{}");
    version.cells[3] = cell_null();
    assert_null(catalog_flip_generation(f->c, &actor_server, d->id, &flip, &err));
    GOOD(next = catalog_dataset(f->c, str_from(d->id), &err_));
    assert_int_equal(next->generation, 1);
    dataset_release(next);
    assert_int_equal(ask(f, "SELECT count(*) FROM dataset_audit"), 0);
    have_history(&h, 1, "{}");
    GOOD(next = catalog_flip_generation(f->c, &actor_server, d->id, &flip, &err_));
    dataset_release(next);
    assert_null(catalog_flip_generation(f->c, &actor_server, d->id, &flip, &err)); /* no longer 1 */
    assert_int_equal(ask(f, "SELECT count(*) FROM dataset_audit"), 1);
    dataset_release(d);
}

static void an_id_with_a_history_is_not_given_again(void **state)
{
    struct fixture *f = *state;
    struct chain_link link;
    struct history_version version;
    struct history h = {.links = &link, .versions = &version};
    const struct dataset *d = NULL;
    have_history(&h, 1, "{}");
    GOOD(catalog_add_history(f->c, an_id, &h, &err_));
    memcpy(next_text, an_id, sizeof an_id);
    GOOD(d = make(f->c, NULL, 0, "", &err_));
    assert_string_not_equal(d->id, an_id);
    assert_int_equal(next_text[0], 0);
    dataset_release(d);
    memcpy(next_text, "aaaa-dddd", sizeof an_id);
    GOOD(d = make(f->c, NULL, 0, "", &err_));
    assert_string_equal(d->id, "aaaa-dddd");
    dataset_release(d);
}

/* ── users ── */

static bool verify(struct catalog *c, const char *name, const char *password)
{
    struct user u;
    bool good = false;
    GOOD(catalog_verify_password(c, str_from(name), str_from(password), &u, &good, &err_));
    return good;
}

static void passwords_are_checked_by_folded_name_and_nfc(void **state)
{
    struct fixture *f = *state;
    struct user u, found;
    bool has = true, is = false;
    struct error err;
    GOOD(catalog_has_users(f->c, &has, &err_));
    assert_false(has);
    GOOD(catalog_create_user(f->c, &actor_server, STR("J\xC3\xB6rg@example.org"), STR("pass w\xC3\xB6rd"), ROLE_ADMINISTRATOR, &u, &err_));
    assert_true(u.role == ROLE_ADMINISTRATOR && u.id[4] == '-');
    assert_string_equal(u.display_name, "J\xC3\xB6rg");
    assert_true(verify(f->c, "J\xC3\xB6rg@example.org", "pass w\xC3\xB6rd"));
    assert_true(verify(f->c, "j\xC3\x96RG@EXAMPLE.org", "pass wo\xCC\x88rd"));
    assert_false(verify(f->c, "J\xC3\xB6rg@example.org", "pass word"));
    assert_false(verify(f->c, "J\xC3\xB6rg@example.org", ""));
    assert_false(verify(f->c, "nobody", "pass w\xC3\xB6rd"));
    assert_false(verify(f->c, "\xFF", "\xFF"));
    assert_false(verify(f->c, "", ""));
    GOOD(catalog_user_by_id(f->c, u.id, &found, &is, &err_));
    assert_true(is);
    assert_string_equal(found.name, u.name);
    assert_false(catalog_create_user(f->c, &actor_server, STR("J\xC3\x96RG@example.org"), STR("another one"), ROLE_PUBLISHER, &u, &err));
    assert_non_null(strstr(err.message, "exists"));
    reopen(f);
    assert_true(verify(f->c, "J\xC3\xB6rg@example.org", "pass w\xC3\xB6rd"));
}

static void passwords_have_8_to_1024_bytes(void **state)
{
    struct fixture *f = *state;
    static char long_one[1026];
    memset(long_one, 'p', 1025);
    long_one[0] = 'q';
    struct user u;
    struct error err;
    assert_false(catalog_create_user(f->c, &actor_server, STR("a"), STR("1234567"), ROLE_PUBLISHER, &u, &err));
    assert_non_null(strstr(err.message, "8 to 1024"));
    assert_false(catalog_create_user(f->c, &actor_server, STR("a"), str_from(long_one), ROLE_PUBLISHER, &u, &err));
    assert_false(catalog_create_user(f->c, &actor_server, STR("a"), str_make("1234567\0x", 9), ROLE_PUBLISHER, &u, &err));
    GOOD(catalog_create_user(f->c, &actor_server, STR("a"), STR("12 45 78"), ROLE_PUBLISHER, &u, &err_));
    assert_true(verify(f->c, "a", "12 45 78"));
    long_one[1024] = 0;
    GOOD(catalog_set_password(f->c, &actor_server, STR("A"), str_from(long_one), &err_));
    assert_true(verify(f->c, "a", long_one));
    long_one[1024] = 'p';
    assert_false(verify(f->c, "a", long_one));
    static const char *const bad_names[] = {"", " ", "a:b", "a\nb", "a\x7f"};
    for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++)
        assert_false(catalog_create_user(f->c, &actor_server, str_from(bad_names[i]), STR("12 45 78"), ROLE_PUBLISHER, &u, &err));
    assert_false(catalog_set_password(f->c, &actor_server, STR("nobody"), STR("12 45 78"), &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
}

static bool takes(struct fixture *f, const char *name, const char *password, const char *why)
{
    struct user u;
    struct error err = {0};
    if (catalog_create_user(f->c, &actor_server, str_from(name), str_from(password), ROLE_NONE, &u, &err))
        return true;
    if (err.code != ERROR_BAD_REQUEST || !strstr(err.message, why))
        fail_msg("%s for %s: %s", password, name, err.message);
    return false;
}

static void what_is_tried_first_is_no_password(void **state)
{
    struct fixture *f = *state;
    struct error err;
    static const char *const common[] = {"password", "PassWord", "12345678", "qwertyuiop", "trustno1", "1qaz2wsx", "iloveyou", "aaaaaaaa", "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f", "hijklmnop", "98765432",
                                         "                    "};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        assert_false(takes(f, "somebody", common[i], "most common"));
    assert_false(takes(f, "Jane.Doe@example.org", "jane.doe@EXAMPLE.org", "the user's name"));
    assert_false(takes(f, "Jane.Doe@example.org", "JANE.DOE", "the user's name"));
    assert_false(takes(f, "stra\xC3\x9F" "en", "STRASSEN", "the user's name"));
    /* Only the whole of it counts: a word of the list within another password is no fault. */
    static const char *const good[] = {"password of jane", "ssword 1", "12345678 and more", "my trustno1", "aaaaaaab", "abcdefgi", "passwor\xC3\xA4", "baseball football"};
    char name[16];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(name, sizeof name, "user%zu", i);
        assert_true(takes(f, name, good[i], ""));
    }
    assert_false(catalog_set_password(f->c, &actor_server, STR("user0"), STR("football"), &err));
    assert_true(verify(f->c, "user0", "password of jane"));
}

static void a_password_changed_by_another_process_counts_within_a_second(void **state)
{
    struct fixture *f = *state;
    struct user u, seen;
    bool found = false;
    GOOD(catalog_create_user(f->c, &actor_server, STR("a"), STR("12 45 78"), ROLE_PUBLISHER, &u, &err_));
    assert_true(verify(f->c, "a", "12 45 78"));
    struct catalog *other = NULL; /* a second set of connections is what another process has */
    GOOD(other = catalog_open(f->dir, &err_));
    GOOD(catalog_set_password(other, &actor_server, STR("a"), STR("another password"), &err_));
    catalog_close(other);
    usleep(1050 * 1000);
    GOOD(catalog_user_by_name(f->c, STR("a"), &seen, &found, &err_));
    assert_true(found && seen.secret_version > u.secret_version);
    assert_false(verify(f->c, "a", "12 45 78"));
    assert_true(verify(f->c, "a", "another password"));
}

static void the_file_of_hashes_is_its_owners_alone(void **state)
{
    struct fixture *f = *state;
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/catalog.db", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* ── threads ── */

struct crowd {
    struct catalog *c;
    char id[DATASET_ID_LENGTH + 1];
    bool failed;
};

static void *read_and_change(void *arg)
{
    struct crowd *crowd = arg;
    struct error err;
    for (int i = 0; i < 40; i++) {
        const struct dataset *d = catalog_dataset(crowd->c, str_from(crowd->id), &err);
        if (!d || d->columns.n != 1 || !d->name.n)
            crowd->failed = true;
        dataset_release(d);
        catalog_record_app_token(crowd->c, STR("token"));
        if (i % 8 == 0) {
            d = catalog_set_scope(crowd->c, &actor_server, crowd->id, i % 16 == 0 ? SCOPE_PUBLIC : SCOPE_PRIVATE, &err);
            crowd->failed |= !d;
            dataset_release(d);
        }
    }
    return NULL;
}

static void readers_and_changers_get_along(void **state)
{
    struct fixture *f = *state;
    struct column_spec column = spec("A", "a", "text");
    const struct dataset *d = NULL;
    GOOD(d = make(f->c, &column, 1, "", &err_));
    struct crowd crowd[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        crowd[i] = (struct crowd){.c = f->c};
        memcpy(crowd[i].id, d->id, sizeof d->id);
        pthread_create(&threads[i], NULL, read_and_change, &crowd[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_false(crowd[i].failed);
    }
    dataset_release(d);
}

struct login {
    struct catalog *c;
    pthread_barrier_t *start;
    enum error_code code;
};

static void *log_in(void *arg)
{
    struct login *l = arg;
    struct user u;
    struct error err = {0};
    bool good = true;
    pthread_barrier_wait(l->start);
    if (!catalog_verify_password(l->c, STR("nobody"), STR("wrong"), &u, &good, &err))
        l->code = err.code;
    return NULL;
}

static void a_crowd_at_the_log_in_waits_or_is_told_to_come_back(void **state)
{
    struct fixture *f = *state;
    enum { CROWD = 160 };
    static struct login login[CROWD];
    pthread_t threads[CROWD];
    pthread_barrier_t start;
    size_t refused = 0;
    pthread_barrier_init(&start, NULL, CROWD);
    for (int i = 0; i < CROWD; i++) {
        login[i] = (struct login){.c = f->c, .start = &start};
        assert_int_equal(pthread_create(&threads[i], NULL, log_in, &login[i]), 0);
    }
    for (int i = 0; i < CROWD; i++) {
        pthread_join(threads[i], NULL);
        assert_true(login[i].code == ERROR_NONE || login[i].code == ERROR_TOO_MANY_REQUESTS);
        refused += login[i].code == ERROR_TOO_MANY_REQUESTS;
    }
    pthread_barrier_destroy(&start);
    assert_true(refused > 0 && refused <= CROWD - 64);
    assert_false(verify(f->c, "nobody", "wrong")); /* and afterwards all is as before */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(field_names_come_from_display_names),
        TEST(a_chosen_field_name_beats_a_derived_one),
        TEST(a_thousand_columns_of_one_name_are_told_apart),
        TEST(columns_that_cannot_be_are_refused),
        TEST(given_field_names_are_taken_in_lower_case),
        TEST(a_row_identifier_is_a_column_of_a_type_that_can),
        TEST(a_dataset_is_found_by_id_and_by_resource_name),
        TEST(who_holds_a_snapshot_goes_on_seeing_what_was),
        TEST(physical_numbers_are_never_given_out_twice),
        TEST(everything_survives_a_restart),
        TEST(document_members_are_replaced_one_by_one),
        TEST(columns_are_edited_and_reordered),
        TEST(deleted_datasets_are_gone_and_the_list_keeps_order),
        TEST(history_is_added_once_and_only_grows),
        TEST(a_flip_takes_history_along_or_leaves_both),
        TEST(an_id_with_a_history_is_not_given_again),
        TEST(passwords_are_checked_by_folded_name_and_nfc),
        TEST(passwords_have_8_to_1024_bytes),
        TEST(what_is_tried_first_is_no_password),
        TEST(a_password_changed_by_another_process_counts_within_a_second),
        TEST(the_file_of_hashes_is_its_owners_alone),
        TEST(readers_and_changers_get_along),
        TEST(a_crowd_at_the_log_in_waits_or_is_told_to_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
