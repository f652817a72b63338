/* A dataset is deleted while others read it, wait for it or hold its snapshot: they are told that it is not there. */
#include "store_kit.h"

static void drop(struct kit *k)
{
    GOOD(catalog_delete_dataset(k->catalog, &actor_server, k->d->id, &err));
    store_drop(k->store, k->d->id);
}

static bool begin(void *ctx, const struct store_state *state, struct error *err)
{
    (void)ctx, (void)state, (void)err;
    return true;
}

struct reading {
    struct kit *k;
    int rows;
    bool dropped;
};

static bool count_rows(void *ctx, const struct cell *cells, struct error *err)
{
    struct reading *r = ctx;
    (void)cells, (void)err;
    r->rows++;
    return true;
}

static bool read_all(struct kit *k, struct reading *r, bool (*row)(void *ctx, const struct cell *cells, struct error *err), struct error *err)
{
    struct query q = {.n_columns = 1};
    struct store_reader reader = {r, begin, row, NULL};
    buf_add_z(&q.sql.text, "SELECT sid FROM rows ORDER BY sid");
    bool ok = store_query(k->store, k->d, &q, &reader, err);
    buf_free(&q.sql.text);
    return ok;
}

/* While one reader stands in the middle of the table, the dataset goes; the next readers and writers come with the old snapshot. */
static bool drop_in_the_middle(void *ctx, const struct cell *cells, struct error *err)
{
    struct reading *r = ctx;
    struct reading other = {.k = r->k};
    struct error gone = {0};
    struct store_state state;
    struct write w = {0};
    count_rows(ctx, cells, err);
    if (r->dropped)
        return true;
    r->dropped = true;
    drop(r->k);
    assert_false(read_all(r->k, &other, count_rows, &gone));
    assert_int_equal(gone.code, ERROR_DATASET_NOT_FOUND);
    assert_false(store_state(r->k->store, r->k->d, &state, &gone));
    assert_int_equal(gone.code, ERROR_DATASET_NOT_FOUND);
    assert_false(kit_write_as(r->k, &w, "id=c"));
    assert_int_equal(w.error.code, ERROR_DATASET_NOT_FOUND);
    w = (struct write){.replace = true};
    assert_false(kit_write_as(r->k, &w, "id=c"));
    assert_int_equal(w.error.code, ERROR_DATASET_NOT_FOUND);
    return true;
}

static void who_reads_a_dataset_that_is_deleted_reads_on_and_who_comes_later_finds_none(void **state)
{
    struct kit *k = *state;
    struct reading r = {.k = k};
    kit_dataset(k, "text", true);
    kit_write(k, "id=a; id=b");
    GOOD(read_all(k, &r, drop_in_the_middle, &err));
    assert_int_equal(r.rows, 2);
    char *path = path_of_table(k->store, k->d->id);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

/* The look at what is left must not be through the table, which went with its dataset: a generation in use outlives it. */
static bool drop_and_refuse(void *ctx, const struct store_state *states, struct error *err)
{
    struct reading *r = ctx;
    (void)states;
    drop(r->k);
    return error_set(err, ERROR_INTERNAL, "refused by the test");
}

static void a_read_that_fails_after_its_dataset_went_says_that_it_is_not_there(void **state)
{
    struct kit *k = *state;
    struct reading r = {.k = k};
    struct query q = {.n_columns = 1};
    const struct store_reader reader = {.ctx = &r, .begin = drop_and_refuse, .row = count_rows};
    struct error gone = {0};
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    const struct dataset *both[] = {k->d, k->d};
    buf_add_z(&q.sql.text, "SELECT main.rows.sid FROM main.rows JOIN d1.rows");
    assert_false(store_query_joined(k->store, both, 2, &q, &reader, &gone));
    assert_int_equal(gone.code, ERROR_DATASET_NOT_FOUND);
    buf_free(&q.sql.text);
}

static void what_a_crash_left_of_a_deletion_is_removed_at_the_next_start(void **state)
{
    struct kit *k = *state;
    char id[DATASET_ID_LENGTH + 1], *going, *path;
    kit_dataset(k, "text", true);
    kit_write(k, "id=a");
    memcpy(id, k->d->id, sizeof id);
    path = path_of_table(k->store, id);
    GOOD(catalog_delete_dataset(k->catalog, &actor_server, id, &err));
    assert_true(asprintf(&going, "%s/datasets/.%s" GONE, k->dir, id) > 0);
    assert_int_equal(rename(path, going), 0); /* and here the lights went out */
    kit_shut(k);
    kit_open(k);
    for (int i = 0; i < 100 && access(going, F_OK) == 0; i++)
        usleep(20000);
    assert_int_equal(access(going, F_OK), -1);
    assert_int_equal(kit_ask_catalog(k, "SELECT count(*) FROM dataset_audit"), 2); /* its history was saved first */
    free(going);
    free(path);
}

static int set_up(void **state)
{
    *state = kit_new();
    return 0;
}

static int tear_down(void **state)
{
    kit_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_reads_a_dataset_that_is_deleted_reads_on_and_who_comes_later_finds_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_read_that_fails_after_its_dataset_went_says_that_it_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_crash_left_of_a_deletion_is_removed_at_the_next_start, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
