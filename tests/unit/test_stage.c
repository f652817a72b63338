/* The stage (rows/stage.h): what is appended comes back, whatever the row, the run and the place where it lay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "rows/stage.h"

enum { COLUMNS = 9 };

static struct column shape[COLUMNS];
static struct columns columns = {.v = shape, .n = COLUMNS, .row_identifier = 1};
static char dir[] = "/tmp/seltzer-stage-XXXXXX";

static struct stage *open_stage(const struct columns *c, size_t memory_max)
{
    struct error err;
    struct stage_config config = {.columns = c, .scratch_dir = dir, .memory_max = memory_max};
    struct stage *s = stage_new(&config, &err);
    assert_non_null(s);
    return s;
}

static void append(struct stage *s, const struct stage_row *row)
{
    struct error err = {0};
    if (!stage_append(s, row, &err))
        fail_msg("%s", err.message);
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
    return a->kind == b->kind && (a->kind != CELL_INT || a->i == b->i) && (a->kind < CELL_TEXT || str_eq(a->s, b->s));
}

static void assert_same_row(const struct stage_row *got, const struct stage_row *want, size_t n)
{
    assert_int_equal(got->position, want->position);
    assert_int_equal(got->line, want->line);
    assert_int_equal(got->op, want->op);
    assert_int_equal(got->sid_state, want->sid_state);
    assert_int_equal(got->version_state, want->version_state);
    assert_int_equal(got->key_null_delete, want->key_null_delete);
    if (want->sid_state == STAGE_SID_GIVEN)
        assert_int_equal(got->sid, want->sid);
    if (want->version_state == STAGE_SID_GIVEN)
        assert_int_equal(got->version, want->version);
    for (size_t i = 0; i < n; i++)
        if (!same_cell(&got->cells[i], &want->cells[i]))
            fail_msg("row %d, cell %d differs", (int)want->position, (int)i);
}

/* ── rows made from their number ── */

static char pattern[1 << 20];

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9u;
    return x ^ (x >> 32);
}

static struct cell cell_of(uint64_t seed, size_t text_max)
{
    static const int64_t edges[] = {0, 1, -1, 63, 64, -64, -65, 127, 128, 1 << 20, INT64_MAX, INT64_MIN};
    uint64_t r = mix(seed);
    struct str text = str_make(pattern + (r >> 8) % 1000, (size_t)(r >> 20) % (text_max + 1));
    switch ((enum cell_kind)(r % 5)) {
    case CELL_ABSENT:
        break;
    case CELL_NULL:
        return cell_null();
    case CELL_INT:
        return cell_int((r >> 4) % 2 ? edges[(r >> 8) % 12] : (int64_t)mix(r));
    case CELL_TEXT:
        return cell_text(text);
    case CELL_BLOB:
        return cell_blob(text);
    }
    return (struct cell){.kind = CELL_ABSENT};
}

static struct stage_row row_of(uint64_t seed, uint64_t i, struct cell *cells, size_t text_max)
{
    uint64_t r = mix(seed + i);
    for (size_t k = 0; k < COLUMNS; k++)
        cells[k] = cell_of(seed * 31 + i * COLUMNS + k, text_max);
    return (struct stage_row){
        .position = i * 3,
        .line = i * 3 + r % 7,
        .op = r >> 8 & 1 ? STAGE_DELETE : STAGE_UPSERT,
        .sid_state = (enum stage_sid)(r >> 9 & 3),
        .sid = (int64_t)(r >> 4),
        .version_state = (enum stage_sid)(r >> 11 & 3),
        .version = -(int64_t)(r >> 5),
        .key_null_delete = r >> 13 & 1,
        .cells = cells,
    };
}

static void fill(struct stage *s, uint64_t seed, uint64_t n, size_t text_max)
{
    struct cell cells[COLUMNS];
    struct error err;
    for (uint64_t i = 0; i < n; i++) {
        struct stage_row row = row_of(seed, i, cells, text_max);
        append(s, &row);
    }
    assert_true(stage_finish(s, &err));
    assert_int_equal(stage_rows(s), n);
    assert_ptr_equal(stage_columns(s), &columns);
}

/* Reads all in runs of run_bytes and compares; the number of runs. */
static size_t check(struct stage *s, uint64_t seed, uint64_t n, size_t text_max, size_t run_bytes)
{
    struct cell want_cells[COLUMNS], got_cells[COLUMNS], key;
    struct error err = {0};
    struct stage_cursor *c = stage_cursor_new(s, run_bytes, &err);
    struct stage_run run;
    uint64_t i = 0, position;
    size_t runs = 0;
    bool end = false;
    assert_non_null(c);
    for (;;) {
        if (!stage_next_run(c, &run, &end, &err))
            fail_msg("%s", err.message);
        if (end)
            break;
        assert_true(run.n > 0);
        runs++;
        for (size_t k = 0; k < run.n; k++, i++) {
            struct stage_row want = row_of(seed, i, want_cells, text_max), got = {.cells = got_cells};
            stage_decode(s, run.rows[k], &got);
            assert_same_row(&got, &want, COLUMNS);
            for (int column = 0; column < COLUMNS; column += 4) {
                stage_decode_key(s, run.rows[k], column, &key, &position);
                assert_true(same_cell(&key, &want.cells[column]));
                assert_int_equal(position, want.position);
            }
        }
    }
    assert_int_equal(run.n, 0);
    assert_int_equal(i, n);
    stage_cursor_free(c);
    return runs;
}

static uint64_t seed_of_test(void)
{
    const char *z = getenv("SELTZER_SEED");
    uint64_t seed = z ? strtoull(z, NULL, 0) : random_u64();
    print_message("SELTZER_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* ── claims ── */

static void rows_of_every_kind_come_back(void **state)
{
    (void)state;
    struct cell cells[COLUMNS] = {
        cell_null(), cell_int(INT64_MIN), cell_int(INT64_MAX), cell_int(0), cell_text(STR("")), cell_text(STR("t\xc3\xa9xt")),
        cell_blob(str_make("\0\1\xff", 3)), cell_blob(STR_NONE), {.kind = CELL_ABSENT},
    };
    for (int op = STAGE_UPSERT; op <= STAGE_DELETE; op++)
        for (int sid = STAGE_SID_ABSENT; sid <= STAGE_SID_UNREADABLE; sid++)
            for (int version = STAGE_SID_ABSENT; version <= STAGE_SID_UNREADABLE; version++) {
                struct cell got_cells[COLUMNS];
                struct stage_row got = {.cells = got_cells};
                struct stage_row want = {.position = UINT64_MAX, .line = 1, .op = (enum stage_op)op, .sid_state = (enum stage_sid)sid,
                                         .sid = (int64_t)1 << 59, .version_state = (enum stage_sid)version, .version = 7,
                                         .key_null_delete = op == STAGE_DELETE, .cells = cells};
                struct stage *s = open_stage(&columns, 0);
                struct error err;
                struct stage_run run;
                bool end;
                append(s, &want);
                assert_true(stage_finish(s, &err));
                struct stage_cursor *c = stage_cursor_new(s, 0, &err);
                assert_true(stage_next_run(c, &run, &end, &err) && !end && run.n == 1);
                stage_decode(s, run.rows[0], &got);
                assert_same_row(&got, &want, COLUMNS);
                stage_cursor_free(c);
                stage_free(s);
            }
}

static void runs_of_any_size_give_the_same_rows(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 7, 100, 1000, 4096, 65536, 1 << 20, (size_t)1 << 40};
    uint64_t seed = seed_of_test();
    struct stage *s = open_stage(&columns, 0);
    fill(s, seed, 400, 90);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t runs = check(s, seed, 400, 90, sizes[i]);
        if (sizes[i] <= 1)
            assert_int_equal(runs, 400);
        if (sizes[i] > stage_bytes(s))
            assert_int_equal(runs, 1);
    }
    stage_free(s);
}

static void rows_that_went_to_the_scratch_file_come_back(void **state)
{
    (void)state;
    static const size_t memory[] = {1, 64 << 10, 1 << 20, 0};
    uint64_t seed = seed_of_test();
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) {
        struct stage *s = open_stage(&columns, memory[i]);
        fill(s, seed, 12000, 200);
        assert_true(stage_bytes(s) > 2 << 20);
        check(s, seed, 12000, 200, 300000);
        check(s, seed, 12000, 200, 1 << 30); /* again, and from the start */
        stage_free(s);
    }
}

static void rows_larger_than_any_buffer_come_back(void **state)
{
    (void)state;
    uint64_t seed = seed_of_test();
    struct stage *s = open_stage(&columns, 1 << 20);
    fill(s, seed, 20, 900000);
    check(s, seed, 20, 900000, 1000);
    check(s, seed, 20, 900000, 1 << 21);
    stage_free(s);
}

static void two_cursors_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct error err;
    struct stage *s = open_stage(&columns, 1);
    fill(s, 5, 3000, 200);
    struct stage_cursor *one = stage_cursor_new(s, 1000, &err);
    struct stage_run run;
    struct cell cells[COLUMNS];
    struct stage_row row = {.cells = cells};
    bool end;
    assert_true(stage_next_run(one, &run, &end, &err));
    check(s, 5, 3000, 200, 5000);
    stage_decode(s, run.rows[0], &row);
    assert_int_equal(row.position, 0);
    stage_cursor_free(one);
    stage_free(s);
}

static void an_empty_stage_ends_at_once(void **state)
{
    (void)state;
    struct stage *s = open_stage(&columns, 0);
    fill(s, 1, 0, 0);
    assert_int_equal(check(s, 1, 0, 0, 100), 0);
    assert_int_equal(stage_bytes(s), 0);
    stage_free(s);
    stage_free(NULL);
    stage_cursor_free(NULL);
}

static void a_dataset_without_columns_has_rows_all_the_same(void **state)
{
    (void)state;
    static struct columns none = {.row_identifier = -1};
    struct error err;
    struct stage *s = open_stage(&none, 0);
    struct stage_run run;
    struct stage_row row = {.position = 3, .line = 4, .sid_state = STAGE_SID_GIVEN, .sid = 5}, got = {0};
    bool end;
    append(s, &row);
    assert_true(stage_finish(s, &err));
    struct stage_cursor *c = stage_cursor_new(s, 100, &err);
    assert_true(stage_next_run(c, &run, &end, &err) && run.n == 1);
    stage_decode(s, run.rows[0], &got);
    assert_same_row(&got, &row, 0);
    stage_cursor_free(c);
    stage_free(s);
}

/* The process's stages share 64 MiB; one more keeps only its tail in memory, and works. */
static void over_the_budget_of_all_stages_rows_still_come_back(void **state)
{
    (void)state;
    enum { STAGES = 12 }; /* 8 MiB each by default */
    struct stage *s[STAGES];
    for (int i = 0; i < STAGES; i++) {
        s[i] = open_stage(&columns, 0);
        fill(s[i], (uint64_t)i, 2000, 300);
    }
    for (int i = 0; i < STAGES; i++) {
        check(s[i], (uint64_t)i, 2000, 300, 100000);
        stage_free(s[i]);
    }
}

static void a_scratch_folder_that_fails_is_an_error_not_a_loss(void **state)
{
    (void)state;
    struct error err = {0};
    struct cell cells[COLUMNS];
    struct stage_config config = {.columns = &columns, .scratch_dir = "/nowhere/at/all", .memory_max = 1};
    struct stage *s = stage_new(&config, &err);
    bool ok = true;
    uint64_t i = 0;
    for (; ok && i < 100000; i++) {
        struct stage_row row = row_of(1, i, cells, 200);
        ok = stage_append(s, &row, &err);
    }
    assert_false(ok);
    assert_true(i > 100); /* the tail needs no file */
    assert_int_not_equal(err.code, ERROR_NONE);
    assert_true(err.message[0] != 0);
    stage_free(s);
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)(i * 7 % 251);
    return random_init() && mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(dir); /* nothing stays in the scratch folder */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_every_kind_come_back),
        cmocka_unit_test(runs_of_any_size_give_the_same_rows),
        cmocka_unit_test(rows_that_went_to_the_scratch_file_come_back),
        cmocka_unit_test(rows_larger_than_any_buffer_come_back),
        cmocka_unit_test(two_cursors_do_not_disturb_each_other),
        cmocka_unit_test(an_empty_stage_ends_at_once),
        cmocka_unit_test(a_dataset_without_columns_has_rows_all_the_same),
        cmocka_unit_test(over_the_budget_of_all_stages_rows_still_come_back),
        cmocka_unit_test(a_scratch_folder_that_fails_is_an_error_not_a_loss),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
