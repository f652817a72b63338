/* The audit chain of the catalog: a record a change, in the change's transaction; and whatever is done to the chain shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "catalog/audit.h"
#include "sql/sql.h"
#include "catalog_kit.h"

struct fixture {
    char dir[64], path[128];
    struct catalog *c;
    struct arena a;
};

static const struct actor by = {.user = "uuuu-uuuu", .via = "password", .request_id = {"r-1", 3}, .peer = "192.0.2.7"};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err;
    if (!catalog_folder(f->dir) || !(f->c = catalog_open(f->dir, &err)))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/catalog.db", f->dir);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    catalog_close(f->c);
    catalog_folder_remove(f->dir);
    arena_free(&f->a);
    free(f);
    return 0;
}

/* ── what is recorded ── */

struct records {
    struct arena *a;
    struct json *v[64];
    size_t n;
    struct chain_head head;
};

static bool take(void *ctx, const struct chain_link *link, bool *ret_enough, struct error *err)
{
    struct records *r = ctx;
    assert_true(r->n < 64);
    *ret_enough = false;
    struct str entry = arena_str(r->a, link->entry);
    return chain_follow(&r->head, link, err) && json_parse(r->a, entry, &r->v[r->n++], err);
}

static struct records read_all(struct fixture *f)
{
    struct records r = {.a = &f->a};
    GOOD(catalog_audit_read(f->c, 0, take, &r, &err_));
    return r;
}

static const struct json *last(struct fixture *f)
{
    struct records r = read_all(f);
    assert_true(r.n > 0);
    return r.v[r.n - 1];
}

static void assert_json(const struct json *v, const char *want)
{
    struct buf b = {0};
    if (v)
        json_write(v, &b);
    if (!str_eq(buf_str(&b), str_from(want)))
        fail_msg(FMT_STR " is not %s", ARG_STR(buf_str(&b)), want);
    buf_free(&b);
}

static void assert_record(const struct json *r, const char *action, const char *kind, const char *id)
{
    assert_true(str_eq(json_get_str(r, STR("action")), str_from(action)));
    assert_true(str_eq(json_get_str(json_get(r, STR("subject")), str_from(kind)), str_from(id)));
}

static const struct dataset *make(struct fixture *f)
{
    static const struct column_spec columns[] = {
        {.name = {"Id", 2}, .field_name = {"id", 2}, .type_name = {"number", 6}},
        {.name = {"Word", 4}, .field_name = {"word", 4}, .type_name = {"text", 4}},
    };
    const struct dataset_spec spec = {.name = STR("Words"), .columns = columns, .n_columns = 2, .owner = "uuuu-uuuu", .document_json = STR("{\"tags\":[\"a\"]}")};
    const struct dataset *d = NULL;
    GOOD(d = catalog_create_dataset(f->c, &by, &spec, &err_));
    return d;
}

static void every_change_of_a_dataset_is_recorded_with_what_it_changed(void **state)
{
    struct fixture *f = *state;
    const struct dataset *d = make(f), *next = NULL;
    char id[DATASET_ID_LENGTH + 1];
    memcpy(id, d->id, sizeof id);
    const struct json *r = last(f);
    assert_record(r, "dataset.create", "dataset", id);
    assert_json(json_get(r, STR("user")), "\"uuuu-uuuu\"");
    assert_json(json_get(r, STR("via")), "\"password\"");
    assert_json(json_get(r, STR("peer")), "\"192.0.2.7\"");
    assert_json(json_get(r, STR("request_id")), "\"r-1\"");
    assert_json(json_get(json_get(r, STR("details")), STR("columns")), "{\"id\":{\"added\":\"number\"},\"word\":{\"added\":\"text\"}}");

    GOOD(next = catalog_set_scope(f->c, &by, id, SCOPE_PUBLIC, &err_));
    dataset_release(next);
    assert_record(last(f), "dataset.scope", "dataset", id);
    assert_json(json_get(last(f), STR("details")), "{\"scope\":{\"from\":\"private\",\"to\":\"public\"}}");

    const struct grant grants[] = {{"vvvv-vvvv", GRANT_VIEWER}, {"cccc-cccc", GRANT_CONTRIBUTOR}};
    GOOD(next = catalog_share(f->c, &by, id, &(struct sharing){.grants = grants, .n_grants = 2}, &err_));
    dataset_release(next);
    assert_record(last(f), "dataset.share", "dataset", id);
    assert_json(json_get(last(f), STR("details")), "{\"grants\":{\"cccc-cccc\":{\"from\":\"none\",\"to\":\"contributor\"},\"vvvv-vvvv\":{\"from\":\"none\",\"to\":\"viewer\"}}}");
    GOOD(next = catalog_grant(f->c, &by, id, "vvvv-vvvv", GRANT_OWNER, &err_));
    dataset_release(next);
    GOOD(next = catalog_share(f->c, &by, id, &(struct sharing){.owner = "vvvv-vvvv", .grants = grants + 1, .n_grants = 1}, &err_));
    dataset_release(next);
    assert_json(json_get(last(f), STR("details")), "{\"owner\":{\"from\":\"uuuu-uuuu\",\"to\":\"vvvv-vvvv\"},\"grants\":{\"vvvv-vvvv\":{\"from\":\"owner\",\"to\":\"none\"}}}");
    GOOD(next = catalog_share(f->c, &by, id, &(struct sharing){.owner = "uuuu-uuuu", .grants = grants, .n_grants = 0}, &err_));
    dataset_release(next);

    GOOD(next = catalog_update_document(f->c, &by, id, STR("More words"), STR("words"), STR("{\"tags\":null,\"category\":\"x\"}"), &err_));
    dataset_release(next);
    assert_record(last(f), "dataset.update", "dataset", id);
    assert_json(json_get(last(f), STR("details")),
                "{\"name\":{\"from\":\"Words\",\"to\":\"More words\"},\"resource_name\":{\"from\":null,\"to\":\"words\"},"
                "\"document\":{\"tags\":{\"from\":[\"a\"],\"to\":null},\"category\":{\"from\":null,\"to\":\"x\"}}}");

    const struct column_edit edit = {.id = d->columns.v[1].id, .description = STR("one word")};
    GOOD(next = catalog_edit_columns(f->c, &by, id, &edit, 1, &err_));
    dataset_release(next);
    assert_record(last(f), "dataset.edit_columns", "dataset", id);
    assert_json(json_get(last(f), STR("details")), "{\"columns\":{\"word\":{\"description\":{\"from\":null,\"to\":\"one word\"}}}}");

    const struct column_spec spec = {.name = STR("When"), .type_name = STR("calendar_date")};
    struct column column;
    GOOD(catalog_prepare_column(f->c, d, &spec, &f->a, &column, &err_));
    GOOD(next = catalog_add_column(f->c, &by, id, &column, 2, &err_));
    dataset_release(next);
    assert_record(last(f), "dataset.add_column", "dataset", id);

    const struct generation_flip flip = {.from = 1, .to = 2, .set_row_identifier = true, .row_identifier = 0};
    GOOD(next = catalog_flip_generation(f->c, &by, id, &flip, &err_));
    dataset_release(next);
    assert_record(last(f), "dataset.row_identifier", "dataset", id);
    assert_json(json_get(last(f), STR("details")), "{\"row_identifier\":{\"from\":null,\"to\":\"id\"}}");

    GOOD(next = catalog_publish(f->c, &by, id, &err_));
    dataset_release(next);
    assert_record(last(f), "dataset.publish", "dataset", id);
    GOOD(catalog_delete_dataset(f->c, &by, id, &err_));
    assert_record(last(f), "dataset.delete", "dataset", id);
    assert_json(json_get(json_get(last(f), STR("details")), STR("name")), "{\"from\":null,\"to\":\"More words\"}");
    assert_int_equal(read_all(f).n, 12);
    dataset_release(d);
}

static void what_changes_nothing_leaves_no_record(void **state)
{
    struct fixture *f = *state;
    const struct dataset *d = make(f), *next = NULL;
    GOOD(next = catalog_set_scope(f->c, &by, d->id, SCOPE_PRIVATE, &err_));
    dataset_release(next);
    GOOD(next = catalog_update_document(f->c, &by, d->id, STR("Words"), STR_NONE, STR("{\"tags\":[\"a\"]}"), &err_));
    dataset_release(next);
    const struct generation_flip replaced = {.from = 1, .to = 2}; /* the rows' chain has it */
    GOOD(next = catalog_flip_generation(f->c, &by, d->id, &replaced, &err_));
    dataset_release(next);
    struct error err;
    assert_null(catalog_update_document(f->c, &by, d->id, STR(""), STR_NONE, STR_NONE, &err)); /* refused */
    assert_int_equal(read_all(f).n, 1);
    dataset_release(d);
}

static void a_long_value_stands_as_its_length_and_hash(void **state)
{
    struct fixture *f = *state;
    const struct dataset *d = make(f), *next = NULL;
    struct buf b = {0};
    buf_add_z(&b, "{\"description\":\"");
    for (int i = 0; i < 2000; i++)
        buf_add_byte(&b, 'x');
    buf_add_z(&b, "\"}");
    GOOD(next = catalog_update_document(f->c, &by, d->id, STR_NONE, STR_NONE, buf_str(&b), &err_));
    dataset_release(next);
    assert_json(json_get(json_get(json_get(last(f), STR("details")), STR("document")), STR("description")), /* sha256sum of "xxx…" with its quotes */
                "{\"from\":null,\"to\":{\"bytes\":2002,\"sha256\":\"94bfe6f3d049c2f74b5506f7db3325ead9914e9063fc9e88274510a5aa70641f\"}}");
    buf_free(&b);
    dataset_release(d);
}

static void users_changes_are_recorded_without_their_secrets(void **state)
{
    struct fixture *f = *state;
    struct user u;
    GOOD(catalog_create_user(f->c, &by, STR("J\xC3\xB6rg"), STR("planted-secret-1"), ROLE_ADMINISTRATOR, &u, &err_));
    assert_record(last(f), "user.create", "user", u.id);
    assert_json(json_get(json_get(last(f), STR("details")), STR("name")), "\"J\xC3\xB6rg\"");
    GOOD(catalog_set_password(f->c, &by, STR("j\xC3\xB6rg"), STR("planted-secret-2"), &err_));
    assert_record(last(f), "user.password", "user", u.id);
    GOOD(catalog_set_disabled(f->c, &actor_server, STR("j\xC3\xB6rg"), true, &err_));
    assert_record(last(f), "user.disable", "user", u.id);
    assert_json(json_get(last(f), STR("user")), "null");
    assert_json(json_get(last(f), STR("via")), "\"server\"");
    GOOD(catalog_set_disabled(f->c, &by, STR("j\xC3\xB6rg"), false, &err_));
    assert_record(last(f), "user.enable", "user", u.id);
    GOOD(catalog_set_role(f->c, &by, STR("j\xC3\xB6rg"), ROLE_EDITOR, &err_));
    assert_record(last(f), "user.role", "user", u.id);
    assert_json(json_get(last(f), STR("details")), "{\"role\":\"editor\"}");
    struct error err;
    assert_false(catalog_set_disabled(f->c, &by, STR("nobody"), true, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_int_equal(read_all(f).n, 5);
    for (size_t i = 0; i < 5; i++) {
        struct buf b = {0};
        json_write(read_all(f).v[i], &b);
        buf_add_byte(&b, 0);
        assert_null(strstr(b.p, "planted"));
        assert_null(strstr(b.p, "argon2"));
        buf_free(&b);
    }
}

static void every_action_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < AUDIT_ACTIONS; i++) {
        assert_non_null(strchr(audit_action_name((enum audit_action)i), '.'));
        assert_true(strlen(audit_action_sentence((enum audit_action)i)) > 10);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(audit_action_name((enum audit_action)i), audit_action_name((enum audit_action)k));
    }
}

static void the_document_lists_every_action_and_no_other(void **state)
{
    (void)state;
    struct buf want = {0};
    char text[16384];
    FILE *f = fopen("docs/audit.md", "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    for (int i = 0; i < AUDIT_ACTIONS; i++)
        buf_printf(&want, "| `%s` | %s |\n", audit_action_name((enum audit_action)i), audit_action_sentence((enum audit_action)i));
    buf_add_byte(&want, 0);
    if (!strstr(text, want.p))
        fail_msg("docs/audit.md does not have this table, as src/catalog/audit_actions.def has it:\n%s", want.p);
    buf_free(&want);
}

/* ── the change and its record are one ── */

static void touch(struct fixture *f, const char *sql)
{
    struct sql *db = NULL;
    GOOD(db = sql_open(f->path, SQL_WRITER, 1 << 20, &err_));
    GOOD(sql_exec(db, sql, &err_));
    sql_close(db);
}

static void a_change_whose_record_cannot_be_written_is_not_made(void **state)
{
    struct fixture *f = *state;
    struct error err;
    const struct dataset *d = make(f), *again = NULL;
    struct user u;
    GOOD(catalog_create_user(f->c, &by, STR("a"), STR("12 45 78"), ROLE_EDITOR, &u, &err_));
    touch(f, "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END");
    assert_null(catalog_set_scope(f->c, &by, d->id, SCOPE_PUBLIC, &err));
    assert_null(catalog_update_document(f->c, &by, d->id, STR("Other"), STR_NONE, STR_NONE, &err));
    assert_false(catalog_delete_dataset(f->c, &by, d->id, &err));
    assert_false(catalog_set_disabled(f->c, &by, STR("a"), true, &err));
    assert_false(catalog_set_password(f->c, &by, STR("a"), STR("another one"), &err));
    assert_false(catalog_create_user(f->c, &by, STR("b"), STR("12 45 78"), ROLE_EDITOR, &u, &err));
    const struct dataset_spec spec = {.name = STR("Words"), .owner = "uuuu-uuuu"};
    assert_null(catalog_create_dataset(f->c, &by, &spec, &err));
    catalog_close(f->c);
    GOOD(f->c = catalog_open(f->dir, &err_));
    GOOD(again = catalog_dataset(f->c, str_from(d->id), &err_));
    assert_true(again->scope == SCOPE_PRIVATE && str_eq(again->name, STR("Words")));
    bool found = true, good = false;
    GOOD(catalog_user_by_name(f->c, STR("b"), &u, &found, &err_));
    assert_false(found);
    GOOD(catalog_verify_password(f->c, STR("a"), STR("12 45 78"), &u, &good, &err_));
    assert_true(good);
    char(*ids)[DATASET_ID_LENGTH + 1];
    size_t n;
    GOOD(catalog_list(f->c, &ids, &n, &err_));
    assert_int_equal(n, 1);
    free(ids);
    assert_int_equal(read_all(f).n, 2);
    dataset_release(again);
    dataset_release(d);
}

static void the_chain_goes_on_after_a_restart(void **state)
{
    struct fixture *f = *state;
    const struct dataset *d = make(f), *next = NULL;
    struct chain_head before, after;
    GOOD(catalog_audit_head(f->c, &before, &err_));
    assert_int_equal(before.seq, 1);
    catalog_close(f->c);
    GOOD(f->c = catalog_open(f->dir, &err_));
    GOOD(catalog_audit_head(f->c, &after, &err_));
    assert_memory_equal(&before, &after, sizeof before);
    GOOD(next = catalog_publish(f->c, &by, d->id, &err_));
    dataset_release(next);
    assert_int_equal(read_all(f).n, 2);
    dataset_release(d);
}

/* ── what is done to the chain ── */

static void the_file_refuses_to_change_or_delete_a_record(void **state)
{
    struct fixture *f = *state;
    dataset_release(make(f));
    static const char *const tries[] = {"UPDATE audit SET entry='{}'", "DELETE FROM audit", "REPLACE INTO audit SELECT * FROM audit"};
    struct sql *db = NULL;
    GOOD(db = sql_open(f->path, SQL_WRITER, 1 << 20, &err_));
    struct error err;
    for (size_t i = 0; i < 3; i++)
        assert_false(sql_exec(db, tries[i], &err));
    sql_close(db);
    assert_int_equal(read_all(f).n, 1);
}

/* Five records; who owns the file takes the triggers off and does something. Where does the chain break? */
static void whatever_is_done_to_the_chain_is_found_at_the_first_record_that_suffers(void **state)
{
    static const struct {
        const char *sql, *message;
    } tries[] = {
        {"UPDATE audit SET entry=replace(entry,'192.0.2.7','192.0.2.8') WHERE seq=3", "record 3 does not follow"},
        {"UPDATE audit SET hash=zeroblob(32) WHERE seq=2", "record 2 does not follow"},
        {"UPDATE audit SET hash=x'00' WHERE seq=2", "record 2 does not follow"},
        {"DELETE FROM audit WHERE seq=1", "record 1 is missing"},
        {"DELETE FROM audit WHERE seq=3", "record 3 is missing"},
        {"DELETE FROM audit WHERE seq=3; UPDATE audit SET seq=seq-1 WHERE seq>3", "record 3 does not follow"},
        {"UPDATE audit SET seq=seq+100 WHERE seq>3; INSERT INTO audit SELECT 4, entry, hash FROM audit WHERE seq=3; UPDATE audit SET seq=seq-99 WHERE seq>100", "record 4 does not follow"},
        {"UPDATE audit SET seq=99 WHERE seq=2; UPDATE audit SET seq=2 WHERE seq=3; UPDATE audit SET seq=3 WHERE seq=99", "record 2 does not follow"},
        {"UPDATE audit SET seq=0 WHERE seq=1", "record 0 does not follow"},
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        struct fixture *f = *state;
        if (i) {
            tear_down(state);
            assert_int_equal(set_up(state), 0);
            f = *state;
        }
        for (int k = 0; k < 5; k++)
            dataset_release(make(f));
        touch(f, "DROP TRIGGER audit_is_not_updated; DROP TRIGGER audit_is_not_deleted; DROP TRIGGER audit_only_grows");
        touch(f, tries[i].sql);
        struct records r = {.a = &f->a};
        struct error err = {0};
        assert_false(catalog_audit_read(f->c, 0, take, &r, &err));
        if (!strstr(err.message, tries[i].message))
            fail_msg("%s: %s, not \"%s\"", tries[i].sql, err.message, tries[i].message);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_change_of_a_dataset_is_recorded_with_what_it_changed),
        TEST(what_changes_nothing_leaves_no_record),
        TEST(a_long_value_stands_as_its_length_and_hash),
        TEST(users_changes_are_recorded_without_their_secrets),
        TEST(every_action_has_a_name_of_its_own),
        TEST(the_document_lists_every_action_and_no_other),
        TEST(a_change_whose_record_cannot_be_written_is_not_made),
        TEST(the_chain_goes_on_after_a_restart),
        TEST(the_file_refuses_to_change_or_delete_a_record),
        TEST(whatever_is_done_to_the_chain_is_found_at_the_first_record_that_suffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
