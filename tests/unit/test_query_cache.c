/* The cache of compiled queries: what is the same question, what is let go and when, and many threads at once (api/query_cache.h). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/query_cache.h"
#include "catalog_kit.h"

struct fixture {
    char dir[64];
    struct catalog *catalog;
    const struct dataset *a, *b;
    struct query_cache *cache;
};

static const struct dataset *make_dataset(struct fixture *f)
{
    const struct column_spec columns[] = {
        {.name = STR("Name"), .field_name = STR("name"), .type_name = STR("text")},
        {.name = STR("N"), .field_name = STR("n"), .type_name = STR("number")},
    };
    const struct dataset_spec spec = {.name = STR("A dataset"), .columns = columns, .n_columns = 2, .owner = "aaaa-aaaa"};
    const struct dataset *d;
    GOOD(d = catalog_create_dataset(f->catalog, &actor_server, &spec, &err_));
    return d;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err;
    if (!catalog_folder(f->dir) || !(f->catalog = catalog_open(f->dir, &err)))
        return -1;
    f->a = make_dataset(f);
    f->b = make_dataset(f);
    f->cache = query_cache_new(4, 1 << 20, &err);
    *state = f;
    return f->cache ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    query_cache_free(f->cache);
    dataset_release(f->a);
    dataset_release(f->b);
    catalog_close(f->catalog);
    catalog_folder_remove(f->dir);
    free(f);
    return 0;
}

static struct query_key key_of(const struct dataset *d, struct soql_parameter *p, const char *name, const char *value)
{
    *p = (struct soql_parameter){str_from(name), str_from(value)};
    return (struct query_key){.dataset = d, .parameters = p, .n = 1};
}

/* As the API does it; held. */
static struct cached_query *compile(const struct query_key *key)
{
    struct cached_query *q;
    GOOD(q = cached_query_new(key, &err_));
    const struct soql_dataset known = {str_from(q->key.dataset->id), &q->key.dataset->columns, &q->key.row_ids};
    const struct soql_request request = {&known, NULL, q->key.parameters, q->key.n};
    GOOD(soql_compile(&request, &q->arena, &q->compiled, &err_));
    return q;
}

static void keep(struct query_cache *cache, const struct query_key *key)
{
    struct cached_query *q = compile(key);
    query_cache_keep(cache, q);
    cached_query_release(q);
}

static bool is_kept(struct query_cache *cache, const struct query_key *key)
{
    struct cached_query *q = query_cache_find(cache, key);
    cached_query_release(q);
    return q;
}

static bool where_is_kept(struct fixture *f, const char *where)
{
    struct soql_parameter p;
    struct query_key key = key_of(f->a, &p, "$where", where);
    return is_kept(f->cache, &key);
}

static void keep_where(struct fixture *f, const char *where)
{
    struct soql_parameter p;
    struct query_key key = key_of(f->a, &p, "$where", where);
    keep(f->cache, &key);
}

static void the_same_question_finds_what_was_compiled(void **state)
{
    struct fixture *f = *state;
    char text[] = "n / 2 > 1";
    struct soql_parameter p;
    struct query_key key = key_of(f->a, &p, "$where", text);
    assert_false(is_kept(f->cache, &key));
    keep(f->cache, &key);
    memset(text, 'x', sizeof text - 1); /* what was kept does not look at the caller's text */
    key = key_of(f->a, &p, "$where", "n / 2 > 1");
    struct cached_query *q = query_cache_find(f->cache, &key);
    assert_non_null(q);
    assert_int_equal(q->compiled.n_places, 1);
    assert_true(str_eq(q->compiled.places[0].source->text, STR("n / 2 > 1")));
    assert_int_equal(q->compiled.query.n_columns, 2);
    cached_query_release(q);
}

static void any_other_question_does_not(void **state)
{
    struct fixture *f = *state;
    struct soql_parameter p, two[2];
    struct query_key key = key_of(f->a, &p, "$where", "n > 1");
    keep(f->cache, &key);
    key = key_of(f->a, &p, "$where", "n > 2");
    assert_false(is_kept(f->cache, &key));
    key = key_of(f->a, &p, "$having", "n > 1");
    assert_false(is_kept(f->cache, &key));
    key = key_of(f->a, &p, "$wheren", " > 1"); /* name and value do not run into each other */
    assert_false(is_kept(f->cache, &key));
    key = key_of(f->b, &p, "$where", "n > 1");
    assert_false(is_kept(f->cache, &key));
    key = key_of(f->a, &p, "$where", "n > 1");
    key.row_ids.k[3] = 1;
    assert_false(is_kept(f->cache, &key));
    two[0] = two[1] = p;
    key = (struct query_key){.dataset = f->a, .parameters = two, .n = 2};
    assert_false(is_kept(f->cache, &key));
    key.n = 0;
    assert_false(is_kept(f->cache, &key));
    key.n = 1;
    assert_true(is_kept(f->cache, &key));
}

static void the_one_not_asked_for_longest_goes_first(void **state)
{
    struct fixture *f = *state;
    size_t bytes;
    keep_where(f, "n = 1");
    keep_where(f, "n = 2");
    keep_where(f, "n = 3");
    keep_where(f, "n = 4");
    assert_true(where_is_kept(f, "n = 1"));
    keep_where(f, "n = 5");
    assert_int_equal(query_cache_entries(f->cache, &bytes), 4);
    assert_false(where_is_kept(f, "n = 2"));
    assert_true(where_is_kept(f, "n = 1"));
    assert_true(where_is_kept(f, "n = 5"));
}

static void what_is_held_outlives_the_cache(void **state)
{
    struct fixture *f = *state;
    struct soql_parameter p;
    struct query_key key = key_of(f->a, &p, "$select", "upper(name) AS u");
    keep(f->cache, &key);
    struct cached_query *q = query_cache_find(f->cache, &key);
    keep_where(f, "n = 1");
    keep_where(f, "n = 2");
    keep_where(f, "n = 3");
    keep_where(f, "n = 4");
    assert_false(is_kept(f->cache, &key));
    query_cache_free(f->cache);
    f->cache = NULL;
    assert_true(str_eq(q->compiled.query.columns[0].name, STR("u")));
    assert_int_equal(q->compiled.query.columns[0].type->id, TYPE_TEXT);
    cached_query_release(q);
}

static void bytes_are_bounded_too(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    size_t bytes, one;
    keep_where(f, "n = 1");
    assert_int_equal(query_cache_entries(f->cache, &one), 1);
    struct query_cache *small = query_cache_new(100, one * 2 + one / 2, &err);
    assert_non_null(small);
    char text[32];
    for (int i = 0; i < 20; i++) {
        struct soql_parameter p;
        snprintf(text, sizeof text, "n = %d", i % 10);
        struct query_key key = key_of(f->a, &p, "$where", text);
        keep(small, &key);
    }
    assert_int_equal(query_cache_entries(small, &bytes), 2);
    assert_true(bytes <= one * 2 + one / 2);
    query_cache_free(small);
}

static void a_large_query_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct buf where = {0};
    for (int i = 0; i < 3000; i++)
        buf_printf(&where, "%sn = %d", i ? " OR " : "", i);
    buf_add_byte(&where, 0);
    assert_true(buf_ok(&where));
    size_t bytes;
    keep_where(f, where.p);
    assert_int_equal(query_cache_entries(f->cache, &bytes), 0);
    buf_free(&where);
}

static void a_change_of_the_columns_makes_another_question(void **state)
{
    struct fixture *f = *state;
    struct arena arena = {0};
    struct column column;
    size_t bytes;
    const struct column_spec spec = {.name = STR("More"), .field_name = STR("more"), .type_name = STR("number")};
    keep_where(f, "n = 1");
    keep_where(f, "n = 2");
    GOOD(catalog_prepare_column(f->catalog, f->a, &spec, &arena, &column, &err_));
    const struct dataset *changed;
    GOOD(changed = catalog_add_column(f->catalog, &actor_server, f->a->id, &column, 1, &err_));
    dataset_release(f->a);
    f->a = changed;
    assert_false(where_is_kept(f, "n = 1"));
    keep_where(f, "more = 1");
    assert_int_equal(query_cache_entries(f->cache, &bytes), 1); /* those of the former columns are gone with the first of the new ones */
    arena_free(&arena);
}

/* ── threads ── */

enum { THREADS = 4, ROUNDS = 400 };

struct worker {
    struct fixture *f;
    unsigned seed;
    int wrong;
};

static void *ask_and_keep(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < ROUNDS; i++) {
        char text[32], found[32];
        int n = (int)(rand_r(&w->seed) % 8);
        snprintf(text, sizeof text, "%d", n);
        struct soql_parameter p;
        struct query_key key = key_of(rand_r(&w->seed) % 2 ? w->f->a : w->f->b, &p, "$limit", text);
        struct cached_query *q = query_cache_find(w->f->cache, &key);
        if (!q) {
            q = compile(&key);
            query_cache_keep(w->f->cache, q);
        }
        const struct sql_text *sql = &q->compiled.query.sql;
        snprintf(found, sizeof found, "%lld", (long long)sql->parameters[sql->n - 1].i);
        w->wrong += strcmp(found, text) != 0;
        cached_query_release(q);
    }
    return NULL;
}

static void many_threads_share_it(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    size_t bytes;
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){f, i + 1, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_and_keep, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].wrong, 0);
    }
    assert_true(query_cache_entries(f->cache, &bytes) <= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_question_finds_what_was_compiled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_other_question_does_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_one_not_asked_for_longest_goes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_held_outlives_the_cache, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_are_bounded_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_large_query_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_of_the_columns_makes_another_question, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_threads_share_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
