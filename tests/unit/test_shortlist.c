/* Shortlists of rows by word and by place (src/store/sqlite/shortlist.h, docs/decisions/shortlists.md). */
#include "store_kit.h"

#include <math.h>

#include "base/clock.h"
#include "soql/soql.h"
#include "sql/functions/wkb.h"

enum { ROWS = 21000, WORDS = 400 };

static unsigned long long random_state;

static unsigned pick(unsigned n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % n;
}

static double pick_real(double from, double to)
{
    return from + (to - from) * pick(1000001) / 1e6;
}

static int set_up(void **state)
{
    const char *given = getenv("SELTZER_SEED");
    random_state = given ? strtoull(given, NULL, 10) : (unsigned long long)time(NULL);
    printf("SELTZER_SEED=%llu\n", random_state);
    return kit_set_up(state);
}

#define SHORTLIST_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_tear_down)

/* ── rows ── */

enum { ID, NAME, LINK, N, PLACE, LOC, COLUMNS };

static void dataset(struct kit *k)
{
    const struct column_spec columns[] = {
        {.name = STR("Id"), .field_name = STR("id"), .type_name = STR("text")},       {.name = STR("Name"), .field_name = STR("name"), .type_name = STR("text")},
        {.name = STR("Link"), .field_name = STR("link"), .type_name = STR("url")},    {.name = STR("N"), .field_name = STR("n"), .type_name = STR("number")},
        {.name = STR("Place"), .field_name = STR("place"), .type_name = STR("point")}, {.name = STR("Loc"), .field_name = STR("loc"), .type_name = STR("location")},
    };
    struct dataset_spec spec = {.name = STR("A dataset"), .columns = columns, .n_columns = COLUMNS, .row_identifier = STR("id"), .owner = "aaaa-aaaa"};
    dataset_release(k->d);
    GOOD(k->d = catalog_create_dataset(k->catalog, &actor_server, &spec, &err));
    GOOD(store_create(k->store, k->d, &err));
}

/* Words of which few are common, in forms that have one stem; some are numbers. */
static struct str words(struct arena *a)
{
    struct buf b = {0};
    static const char *const ends[] = {"", "s", "ing", "ed", ""};
    for (unsigned i = 0, n = 1 + pick(4); i < n; i++) {
        unsigned word = pick(WORDS) * pick(WORDS) / WORDS;
        if (word % 10 == 9)
            buf_printf(&b, "%u ", word);
        else
            buf_printf(&b, "Wor%c%c%s ", 'a' + (char)(word % 26), 'b' + (char)(word / 26), ends[pick(5)]);
    }
    assert_true(buf_ok(&b));
    struct str s = arena_str(a, str_trim(buf_str(&b)));
    buf_free(&b);
    return s;
}

static struct str print(struct arena *a, const char *fmt, ...) printf_like(2, 3);
static struct str print(struct arena *a, const char *fmt, ...)
{
    char text[512];
    va_list v;
    va_start(v, fmt);
    int n = vsnprintf(text, sizeof text, fmt, v);
    va_end(v);
    return arena_str(a, str_make(text, (size_t)n));
}

/* Some are on the edge of the map, some on none. */
static struct cell point(struct arena *a)
{
    char *wkb = arena_alloc(a, WKB_POINT_BYTES);
    double x = pick_real(-88, -87), y = pick_real(41, 42);
    if (pick(50) == 0)
        x = pick(2) ? 180 - pick_real(0, 1) : -180 + pick_real(0, 1);
    if (pick(100) == 0)
        x = pick_real(-400, 400);
    if (pick(100) == 0)
        y = pick_real(-120, 120);
    wkb_write_point(wkb, x, y);
    return cell_blob(str_make(wkb, WKB_POINT_BYTES));
}

static struct cell location(struct arena *a)
{
    return cell_text(print(a, "{\"latitude\":\"%.6f\",\"longitude\":\"%.6f\"}", pick_real(41, 42), pick_real(-88, -87)));
}

static void set_cells(struct arena *a, unsigned id, struct cell cells[COLUMNS])
{
    cells[ID] = cell_text(print(a, "k%u", id));
    cells[NAME] = pick(10) ? cell_text(words(a)) : cell_null();
    struct str of_link = words(a);
    cells[LINK] = pick(3) ? cell_null() : cell_text(print(a, "{\"url\":\"https://x.example/%u\",\"description\":\"" FMT_STR "\"}", pick(100), ARG_STR(of_link)));
    cells[N] = pick(5) ? cell_text(print(a, pick(3) ? "%u" : "%u.00", pick(WORDS))) : cell_null();
    cells[PLACE] = pick(8) ? point(a) : cell_null();
    cells[LOC] = pick(4) ? cell_null() : location(a);
}

static void write_stage(struct kit *k, struct stage *stage, bool replace)
{
    struct write w = {.stage = stage, .dataset = k->d, .replace = replace, .request_id = "request", .user_id = "aaaa-aaaa"};
    struct write *one = &w;
    GOOD(stage_finish(stage, &err));
    store_write_group(k->store, &one, 1);
    if (!w.done)
        fail_msg("%s", w.error.message);
    stage_free(stage);
    if (replace)
        kit_refresh(k);
}

/* n rows of ids below `ids`, some of them deletions. */
static void write_rows(struct kit *k, unsigned n, unsigned ids, unsigned deletions, bool replace)
{
    struct stage *stage;
    struct arena a = {0};
    struct stage_config config = {.columns = &k->d->columns, .scratch_dir = k->dir};
    GOOD(stage = stage_new(&config, &err));
    for (unsigned i = 0; i < n; i++) {
        struct cell cells[COLUMNS] = {{0}};
        struct stage_row row = {.position = i, .line = i + 1, .cells = cells};
        bool is_deletion = pick(100) < deletions;
        set_cells(&a, n == ids ? i : pick(ids), cells);
        row.op = is_deletion ? STAGE_DELETE : STAGE_UPSERT;
        for (size_t c = 1; is_deletion && c < COLUMNS; c++)
            cells[c] = (struct cell){0};
        GOOD(stage_append(stage, &row, &err));
        arena_reset(&a);
    }
    write_stage(k, stage, replace);
    arena_free(&a);
}

/* ── questions ── */

struct answer {
    struct buf rows;
    size_t n;
};

static bool add_row(void *ctx, const struct cell *cells, struct error *err)
{
    struct answer *answer = ctx;
    (void)err;
    buf_printf(&answer->rows, "%lld ", (long long)cells[0].i);
    answer->n++;
    return true;
}

static struct soql_compiled compile(struct kit *k, struct arena *a, const char *name, struct str value)
{
    static struct soql_dataset d;
    static const struct row_id_key key;
    struct soql_compiled compiled = {0};
    struct soql_parameter *parameters = arena_zalloc(a, 3 * sizeof *parameters);
    d = (struct soql_dataset){str_from(k->d->id), &k->d->columns, &key};
    parameters[0] = (struct soql_parameter){str_from(name), value};
    parameters[1] = (struct soql_parameter){STR("$select"), STR(":id")};
    parameters[2] = (struct soql_parameter){STR("$limit"), STR("1000000")};
    const struct soql_request request = {.primary = &d, .parameters = parameters, .n = 3};
    GOOD(soql_compile(&request, a, &compiled, &err));
    return compiled;
}

static struct answer run(struct kit *k, const struct query *q)
{
    struct answer answer = {.n = 0};
    struct store_reader reader = {&answer, NULL, add_row, NULL};
    GOOD(store_query(k->store, k->d, q, &reader, &err));
    assert_true(buf_ok(&answer.rows));
    return answer;
}

static bool is_narrowed(struct kit *k, const struct query *q)
{
    struct buf rows = {0};
    struct store_state state = kit_state(k);
    struct error err;
    struct generation *g = generation_use(k->store, k->d, &err);
    assert_non_null(g);
    bool yes = shortlists_find(k->store, g, q, &state, &rows);
    generation_leave(k->store, g);
    buf_free(&rows);
    return yes;
}

/* The rows that it finds are those that going over all of them finds. */
static size_t compare(struct kit *k, const char *name, struct str value, bool *ret_narrowed)
{
    struct arena a = {0};
    struct soql_compiled compiled = compile(k, &a, name, value);
    struct query scan = compiled.query;
    assert_int_not_equal(scan.narrowing.kind, NARROWING_NONE);
    scan.narrowing.kind = NARROWING_NONE;
    bool narrowed = is_narrowed(k, &compiled.query);
    struct answer want = run(k, &scan), got = run(k, &compiled.query);
    if (!str_eq(buf_str(&want.rows), buf_str(&got.rows)))
        fail_msg("%s=" FMT_STR ": %zu rows, not %zu, %s", name, ARG_STR(value), got.n, want.n, narrowed ? "narrowed" : "not narrowed");
    size_t n = want.n;
    if (ret_narrowed)
        *ret_narrowed = narrowed;
    buf_free(&want.rows);
    buf_free(&got.rows);
    query_fini(&compiled.query);
    arena_free(&a);
    return n;
}

enum kind { OF_WORDS, OF_NUMBERS, OF_POINTS, OF_LOCATIONS, KINDS };
static const struct {
    const char *name, *value;
} rare[KINDS] = {
    [OF_WORDS] = {"$q", "nowhere"},
    [OF_NUMBERS] = {"$q", "123456"}, /* its list serves words too, and takes the place of theirs */
    [OF_POINTS] = {"$where", "within_box(place, 41.52, -87.52, 41.51, -87.51)"},
    [OF_LOCATIONS] = {"$where", "within_circle(loc, 41.5, -87.5, 300)"},
};

static struct shortlist *at(struct kit *k, enum kind kind)
{
    for (unsigned i = 0; i < SHORTLISTS_MAX && k->store->open; i++) {
        struct shortlist *l = k->store->open->shortlists.v[i];
        bool of_words = kind == OF_WORDS || kind == OF_NUMBERS;
        enum listed_as as = kind == OF_POINTS ? LISTED_POINT : LISTED_LOCATION;
        if (l && l->is_of_words == of_words && (of_words ? kind == OF_WORDS || l->n_columns == 4 : l->columns[0].as == as))
            return l;
    }
    return NULL;
}

/* Asked under the lock, since the index thread works on them. */
static bool is_ready(struct kit *k, enum kind kind, bool caught_up)
{
    pthread_mutex_lock(&k->store->lock);
    const struct shortlist *l = at(k, kind);
    bool yes = l && l->state == SHORTLIST_READY && (!caught_up || l->log.n == l->listed);
    pthread_mutex_unlock(&k->store->lock);
    return yes;
}

static void wait_until_ready(struct kit *k, enum kind kind, bool caught_up)
{
    uint64_t until = clock_mono_ms() + 120000;
    while (!is_ready(k, kind, caught_up) && clock_mono_ms() < until)
        usleep(20000);
    assert_true(is_ready(k, kind, caught_up));
}

static void wish(struct kit *k, enum kind kind)
{
    for (int i = 0; i < INDEX_SCANS_MIN; i++)
        compare(k, rare[kind].name, str_from(rare[kind].value), NULL);
}

/* A table, and lists of all kinds of it. */
static void make_all(struct kit *k)
{
    dataset(k);
    write_rows(k, ROWS, ROWS, 0, false);
    for (enum kind i = 0; i < KINDS; i++) {
        wish(k, i);
        wait_until_ready(k, i, false);
    }
}

static void ask_words(struct kit *k, unsigned *narrowed)
{
    struct arena a = {0};
    bool is = false;
    if (pick(4))
        compare(k, "$q", words(&a), &is);
    else
        compare(k, "$q", print(&a, pick(2) ? "%u" : "%u.0", pick(WORDS)), &is);
    *narrowed += is;
    arena_free(&a);
}

static struct str place_condition(struct arena *a)
{
    double x = pick_real(-88, -87), y = pick_real(41, 42), size = pow(10, pick_real(-4, -1));
    if (pick(20) == 0)
        x = pick(2) ? 179.9 : -179.9;
    switch (pick(6)) {
    case 0:
        return print(a, "within_box(place, %.6f, %.6f, %.6f, %.6f)", y + size, x - size, y - size, x + size);
    case 1:
        return print(a, "n > 3 and within_circle(place, %.6f, %.6f, %.3f)", y, x, size * 111000);
    case 2:
        return print(a, "within_polygon(place, 'MULTIPOLYGON (((%.6f %.6f, %.6f %.6f, %.6f %.6f, %.6f %.6f)))')", x, y, x + size, y, x, y + size, x, y);
    case 3:
        return print(a, "intersects('POLYGON ((%.6f %.6f, %.6f %.6f, %.6f %.6f, %.6f %.6f))', place)", x, y, x + size, y, x, y + size, x, y);
    case 4:
        return print(a, "within_circle(loc, %.6f, %.6f, %.3f)", y, x, size * 111000);
    default:
        return print(a, "within_box(loc, %.6f, %.6f, %.6f, %.6f)", y + size, x - size, y - size, x + size);
    }
}

static void ask_places(struct kit *k, unsigned *narrowed)
{
    struct arena a = {0};
    bool is;
    compare(k, "$where", place_condition(&a), &is);
    *narrowed += is;
    arena_free(&a);
}

/* ── tests ── */

static void a_list_takes_the_place_of_one_of_fewer_columns(void **state)
{
    struct kit *k = *state;
    dataset(k);
    write_rows(k, ROWS, ROWS, 0, false);
    wish(k, OF_WORDS);
    wait_until_ready(k, OF_WORDS, false);
    assert_int_equal(at(k, OF_WORDS)->n_columns, 3);
    wish(k, OF_NUMBERS);
    wait_until_ready(k, OF_NUMBERS, false);
    assert_int_equal(at(k, OF_WORDS)->n_columns, 4);
}

static void narrowed_queries_find_what_scans_find_whatever_is_written(void **state)
{
    struct kit *k = *state;
    unsigned narrowed = 0, asked = 0;
    make_all(k);
    for (int round = 0; round < 60; round++) {
        write_rows(k, 1 + pick(200), ROWS + ROWS / 10, 20, false);
        for (int i = 0; i < 3; i++, asked += 2) {
            ask_words(k, &narrowed);
            ask_places(k, &narrowed);
        }
        if (round % 20 == 19)
            for (enum kind i = 0; i < KINDS; i++) {
                wish(k, i); /* what nobody asks for is not kept up */
                wait_until_ready(k, i, true);
            }
    }
    print_message("%u of %u queries were narrowed\n", narrowed, asked);
    assert_true(narrowed > asked / 2);
}

static void a_row_is_found_by_its_new_words_at_once(void **state)
{
    struct kit *k = *state;
    bool narrowed;
    make_all(k);
    assert_int_equal(compare(k, "$q", STR("zebra"), &narrowed), 0);
    assert_true(narrowed);
    kit_write(k, "id=k7 name=zebras; id=new name=zebra");
    assert_int_equal(compare(k, "$q", STR("zebra"), &narrowed), 2);
    assert_true(narrowed);
    wait_until_ready(k, OF_WORDS, true);
    assert_int_equal(compare(k, "$q", STR("zebra"), &narrowed), 2);
    assert_true(narrowed);
    kit_write(k, "id=k7 name=horse; -id=new");
    assert_int_equal(compare(k, "$q", STR("zebra"), &narrowed), 0);
    assert_int_equal(compare(k, "$q", STR("horses"), &narrowed), 1);
    assert_true(narrowed);
}

static void what_a_refused_write_touched_is_still_found(void **state)
{
    struct kit *k = *state;
    make_all(k);
    kit_write(k, "id=k7 name=zebra");
    struct write w = {.dry_run = true};
    assert_true(kit_write_as(k, &w, "id=k7 name=horse"));
    assert_int_equal(at(k, OF_WORDS)->log.n, 1);
    assert_int_equal(compare(k, "$q", STR("zebra"), NULL), 1);
    assert_int_equal(compare(k, "$q", STR("horse"), NULL), 0);
}

static void an_older_snapshot_is_not_narrowed(void **state)
{
    struct kit *k = *state;
    struct arena a = {0};
    struct buf rows = {0};
    make_all(k);
    kit_write(k, "id=k7 name=zebra");
    compare(k, "$q", STR("zebra"), NULL);
    wait_until_ready(k, OF_WORDS, true);
    struct soql_compiled compiled = compile(k, &a, "$q", STR("zebra"));
    struct store_state now = kit_state(k), before = now;
    before.version--;
    assert_false(shortlists_find(k->store, k->store->open, &compiled.query, &before, &rows));
    assert_true(shortlists_find(k->store, k->store->open, &compiled.query, &now, &rows));
    buf_free(&rows);
    query_fini(&compiled.query);
    arena_free(&a);
}

static void a_common_word_is_no_narrowing(void **state)
{
    struct kit *k = *state;
    bool narrowed;
    make_all(k);
    assert_true(compare(k, "$q", STR("x example"), &narrowed) > ROWS / SHORTLIST_SHARE);
    assert_false(narrowed);
    compare(k, "$q", STR("x example 7 nowhere"), &narrowed);
    assert_true(narrowed);
    assert_int_equal(compare(k, "$q", STR("the of"), &narrowed), 0);
    assert_true(compare(k, "$where", STR("within_circle(place, 41.5, -87.5, 90000)"), &narrowed) > 1000);
    assert_false(narrowed);
    compare(k, "$where", STR("within_circle(place, 41.5, -87.5, 900000000)"), &narrowed);
    assert_false(narrowed);
    compare(k, "$where", STR("within_circle(place, 90, -87.5, 10)"), &narrowed);
    assert_false(narrowed);
}

static void a_query_is_narrowed_to_a_share_of_the_rows_within_bounds(void **state)
{
    (void)state;
    assert_int_equal(shortlist_rows_max(0), SHORTLIST_ROWS_MIN);
    assert_int_equal(shortlist_rows_max(SHORTLIST_SHARE * (SHORTLIST_ROWS_MIN + 1)), SHORTLIST_ROWS_MIN + 1);
    assert_int_equal(shortlist_rows_max(SHORTLIST_SHARE * (SHORTLIST_ROWS_MAX - 1)), SHORTLIST_ROWS_MAX - 1);
    assert_int_equal(shortlist_rows_max(SHORTLIST_SHARE * (SHORTLIST_ROWS_MAX + 1)), SHORTLIST_ROWS_MAX);
    assert_int_equal(shortlist_rows_max(INT64_MAX), SHORTLIST_ROWS_MAX);
}

static void a_log_that_grows_too_long_ends_the_list_and_wishes_make_it_anew(void **state)
{
    struct kit *k = *state;
    make_all(k);
    write_rows(k, SHORTLIST_LOG_MIN - 1, 4 * ROWS, 0, false);
    assert_true(is_ready(k, OF_WORDS, false));
    write_rows(k, SHORTLIST_LOG_MIN + 1, 4 * ROWS, 0, false);
    assert_int_equal(at(k, OF_WORDS)->state, SHORTLIST_WISHED);
    assert_int_equal(at(k, OF_WORDS)->scans, 0);
    wish(k, OF_WORDS);
    wait_until_ready(k, OF_WORDS, false);
    unsigned narrowed = 0;
    for (int i = 0; i < 20; i++)
        ask_words(k, &narrowed);
}

static void a_replace_begins_anew(void **state)
{
    struct kit *k = *state;
    bool narrowed;
    make_all(k);
    write_rows(k, ROWS, ROWS, 0, true);
    assert_null(at(k, OF_WORDS));
    compare(k, "$q", STR("wordb"), &narrowed);
    assert_false(narrowed);
    wish(k, OF_WORDS);
    wait_until_ready(k, OF_WORDS, false);
    unsigned n = 0;
    for (int i = 0; i < 20; i++)
        ask_words(k, &n);
    assert_true(n > 0);
}

static void a_new_writer_connection_is_watched_too(void **state)
{
    struct kit *k = *state;
    make_all(k);
    struct table *t;
    GOOD(t = table_take(k->store, k->d, &err));
    generation_break_writer(t->current);
    table_give(k->store, t);
    kit_write(k, "id=k7 name=zebra");
    assert_int_equal(compare(k, "$q", STR("zebra"), NULL), 1);
}

static void few_rows_or_questions_make_no_list(void **state)
{
    struct kit *k = *state;
    dataset(k);
    write_rows(k, INDEX_ROWS_MIN - 1, INDEX_ROWS_MIN - 1, 0, false);
    wish(k, OF_WORDS);
    assert_null(at(k, OF_WORDS));
    write_rows(k, ROWS, ROWS, 0, false);
    compare(k, rare[0].name, str_from(rare[0].value), NULL);
    assert_int_equal(at(k, OF_WORDS)->scans, 1);
    usleep(1000 * 3 * TICK_MS);
    assert_int_equal(at(k, OF_WORDS)->state, SHORTLIST_WISHED);
}

static void age(struct kit *k, enum kind kind)
{
    pthread_mutex_lock(&k->store->lock);
    at(k, kind)->wished_ms -= INDEX_KEEP_MS;
    pthread_mutex_unlock(&k->store->lock);
}

static void what_nobody_asks_for_goes(void **state)
{
    struct kit *k = *state;
    make_all(k);
    age(k, OF_NUMBERS);
    uint64_t until = clock_mono_ms() + 60000;
    while (is_ready(k, OF_NUMBERS, false) && clock_mono_ms() < until)
        usleep(20000);
    assert_int_equal(at(k, OF_NUMBERS)->state, SHORTLIST_WISHED);
    assert_true(is_ready(k, OF_POINTS, false));
    bool narrowed;
    compare(k, "$where", STR("intersects(place, 'POINT (-87.5 41.5)')"), &narrowed);
    assert_true(narrowed);
}

static void a_dataset_that_is_dropped_takes_its_lists_along(void **state)
{
    struct kit *k = *state;
    make_all(k);
    wish(k, OF_WORDS);
    store_drop(k->store, k->d->id);
    assert_null(k->store->open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHORTLIST_TEST(narrowed_queries_find_what_scans_find_whatever_is_written),
        SHORTLIST_TEST(a_list_takes_the_place_of_one_of_fewer_columns),
        SHORTLIST_TEST(a_row_is_found_by_its_new_words_at_once),
        SHORTLIST_TEST(what_a_refused_write_touched_is_still_found),
        SHORTLIST_TEST(an_older_snapshot_is_not_narrowed),
        SHORTLIST_TEST(a_common_word_is_no_narrowing),
        cmocka_unit_test(a_query_is_narrowed_to_a_share_of_the_rows_within_bounds),
        SHORTLIST_TEST(a_log_that_grows_too_long_ends_the_list_and_wishes_make_it_anew),
        SHORTLIST_TEST(a_replace_begins_anew),
        SHORTLIST_TEST(a_new_writer_connection_is_watched_too),
        SHORTLIST_TEST(few_rows_or_questions_make_no_list),
        SHORTLIST_TEST(what_nobody_asks_for_goes),
        SHORTLIST_TEST(a_dataset_that_is_dropped_takes_its_lists_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
