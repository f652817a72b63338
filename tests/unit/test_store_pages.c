/* Pages written without SQLite are pages that SQLite reads: it finds the file whole, each row as it was given, each by its key,
 * and goes on writing. */
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "store/sqlite/pages.h"
#include "store_kit.h"

enum { COLUMNS = 5, TEXT_MAX_BYTES = 60000 };

struct file {
    char dir[64], path[96];
    struct pages *pages;
    int64_t sum; /* of all that was added */
};

static void file_make(struct file *f, bool indexed, uint32_t pending_byte)
{
    struct pages_config config = {.path = f->path, .pending_byte = pending_byte};
    struct sql *db;
    int64_t root = 0, index = 0;
    snprintf(f->dir, sizeof f->dir, "/tmp/seltzer-pages-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/rows.db", f->dir);
    f->sum = 0;
    GOOD(db = sql_open(f->path, SQL_BUILD, 1 << 20, &err));
    GOOD(sql_exec(db, "CREATE TABLE rows(sid INTEGER PRIMARY KEY, n INTEGER, k TEXT, t TEXT, b BLOB, x TEXT) STRICT", &err));
    GOOD(!indexed || sql_exec(db, "CREATE UNIQUE INDEX rows_key ON rows(k)", &err));
    GOOD(sql_exec_i64(db, "SELECT rootpage FROM sqlite_schema WHERE name='rows'", &root, &err));
    if (indexed)
        GOOD(sql_exec_i64(db, "SELECT rootpage FROM sqlite_schema WHERE name='rows_key'", &index, &err));
    sql_close(db);
    config.table_root = (uint32_t)root;
    config.index_root = (uint32_t)index;
    GOOD(f->pages = pages_open(&config, &err));
}

static void file_remove(struct file *f)
{
    kit_remove(f->dir);
}

/* Deterministic in i, so that a row can be looked up without keeping it. */
static int64_t a_number(uint64_t i)
{
    static const int64_t edges[] = {0, 1, -1, 2, 127, 128, -128, -129, 32767, 32768, -32769, 8388607, 8388608, -8388609, 2147483647,
                                    2147483648, -2147483649, 140737488355327, 140737488355328, -140737488355329, INT64_MAX, INT64_MIN};
    return edges[i % (sizeof edges / sizeof *edges)];
}

static size_t a_length(uint64_t i, size_t often)
{
    if (i % often)
        return i % 200;
    return (size_t)(i * 7919 % TEXT_MAX_BYTES);
}

static const char filler[TEXT_MAX_BYTES];

static void add(struct file *f, int64_t sid, const char *key, uint64_t i, size_t often, bool indexed)
{
    size_t t = a_length(i, often), b = a_length(i + 3, often);
    char *text = malloc(t + 1);
    assert_non_null(text);
    memset(text, 'a' + (int)(i % 26), t);
    const struct cell cells[COLUMNS] = {
        i % 13 ? cell_int(a_number(i)) : cell_null(), cell_text(str_from(key)), cell_text(str_make(text, t)), cell_blob(str_make(filler, b)), cell_null(),
    };
    GOOD(pages_add_row(f->pages, sid, cells, COLUMNS, &err));
    if (indexed)
        GOOD(pages_add_key(f->pages, &cells[1], sid, &err));
    f->sum += (int64_t)(t + b);
    free(text);
}

static int64_t ask(struct sql *db, const char *text)
{
    int64_t n = -1;
    GOOD(sql_exec_i64(db, text, &n, &err));
    return n;
}

static struct sql *finish(struct file *f)
{
    struct sql *db;
    GOOD(pages_finish(f->pages, &err));
    pages_free(f->pages);
    GOOD(db = sql_open(f->path, SQL_BUILD, 1 << 20, &err));
    assert_int_equal(ask(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'"), 1);
    return db;
}

static void is_what_was_added(struct sql *db, const struct file *f, uint64_t rows)
{
    char text[200];
    assert_int_equal(ask(db, "SELECT count(*) FROM rows"), rows);
    assert_int_equal(ask(db, "SELECT coalesce(sum(length(t)+length(b)),0) FROM rows"), f->sum);
    assert_int_equal(ask(db, "SELECT count(*) FROM rows WHERE x IS NOT NULL OR typeof(b)<>'blob' OR typeof(t)<>'text'"), 0);
    assert_int_equal(ask(db, "SELECT count(*) FROM rows WHERE replace(t,substr(t,1,1),'')<>'' OR (t<>'' AND unicode(t)<>97+(sid-1)%26)"), 0);
    for (uint64_t i = 0; i < rows && i < 26; i++) {
        snprintf(text, sizeof text, "SELECT coalesce(n,-99) FROM rows WHERE sid=%llu", (unsigned long long)i + 1);
        assert_int_equal(ask(db, text), i % 13 ? a_number(i) : -99);
    }
    assert_int_equal(ask(db, "SELECT count(*) FROM rows AS r WHERE r.sid<>(SELECT s.sid FROM rows AS s WHERE s.k=r.k)"), 0);
    /* SQLite goes on with it. */
    GOOD(sql_exec(db, "BEGIN; DELETE FROM rows WHERE sid%3=0; UPDATE rows SET t=t||k WHERE sid%5=0;"
                      "INSERT INTO rows SELECT sid+1000000,n,'z'||k,t,b,x FROM rows WHERE sid%2=0; COMMIT", &err));
    assert_int_equal(ask(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'"), 1);
}

static void rows_of_all_sizes_are_read_back(void **state)
{
    static const uint64_t counts[] = {0, 1, 2, 20, 300, 5000};
    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (int indexed = 0; indexed < 2; indexed++) {
            struct file f;
            char key[32];
            file_make(&f, indexed, 0);
            for (uint64_t i = 0; i < counts[c]; i++) {
                snprintf(key, sizeof key, "k%09llu", (unsigned long long)i);
                add(&f, (int64_t)i + 1, key, i, 17, indexed);
            }
            struct sql *db = finish(&f);
            is_what_was_added(db, &f, counts[c]);
            sql_close(db);
            file_remove(&f);
        }
    }
}

/* Three levels in the table and in the index. */
static void trees_grow_deep(void **state)
{
    struct file f;
    char key[2000];
    enum { ROWS = 30000 };
    (void)state;
    file_make(&f, true, 0);
    for (uint64_t i = 0; i < ROWS; i++) {
        int n = snprintf(key, sizeof key, "%09llu", (unsigned long long)i);
        memset(key + n, 'x', i % 8 ? 300 : 1900); /* four of the longest to a page; some have pages of their own */
        key[n + (i % 8 ? 300 : 1900)] = 0;
        add(&f, (int64_t)i + 1, key, i, UINT16_MAX, true);
    }
    struct sql *db = finish(&f);
    is_what_was_added(db, &f, ROWS);
    sql_close(db);
    file_remove(&f);
}

static void keys_longer_than_a_page_have_pages_of_their_own(void **state)
{
    struct file f;
    static char key[30000];
    (void)state;
    file_make(&f, true, 0);
    for (uint64_t i = 0; i < 400; i++) {
        int n = snprintf(key, sizeof key, "%09llu", (unsigned long long)i);
        size_t more = (size_t)(i * 997 % 20000);
        memset(key + n, 'y', more);
        key[(size_t)n + more] = 0;
        add(&f, (int64_t)i + 1, key, i, 7, true);
    }
    struct sql *db = finish(&f);
    is_what_was_added(db, &f, 400);
    sql_close(db);
    file_remove(&f);
}

static void a_dropped_index_leaves_free_pages(void **state)
{
    (void)state;
    for (uint64_t indexed = 1; indexed < 6000; indexed = indexed * 9 + 1) {
        struct file f;
        char key[200];
        file_make(&f, true, 0);
        for (uint64_t i = 0; i < 6000; i++) {
            snprintf(key, sizeof key, "%0150llu", (unsigned long long)i);
            if (i == indexed)
                pages_drop_index(f.pages);
            add(&f, (int64_t)i + 1, key, i, 50, i < indexed);
        }
        GOOD(pages_finish(f.pages, &err));
        pages_free(f.pages);
        struct sql *db;
        GOOD(db = sql_open(f.path, SQL_BUILD, 1 << 20, &err));
        GOOD(sql_exec(db, "DROP INDEX rows_key; CREATE UNIQUE INDEX rows_key ON rows(k)", &err));
        assert_int_equal(ask(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'"), 1);
        is_what_was_added(db, &f, 6000);
        sql_close(db);
        file_remove(&f);
    }
}

/* The page at 1 GiB is SQLite's; here it is told that it lies lower. */
static void the_page_of_the_locks_is_left_out(void **state)
{
    enum { BYTE = 64 * 8192 + 4096 };
    (void)state;
    sqlite3_test_control(SQLITE_TESTCTRL_PENDING_BYTE, BYTE);
    for (size_t often = 3; often < 40; often += 9) { /* it falls among leaves, and among a row's own pages */
        struct file f;
        char key[32];
        file_make(&f, true, BYTE);
        for (uint64_t i = 0; i < 400; i++) {
            snprintf(key, sizeof key, "k%09llu", (unsigned long long)i);
            add(&f, (int64_t)i + 1, key, i, often, true);
        }
        struct sql *db = finish(&f);
        assert_true(ask(db, "SELECT page_count FROM pragma_page_count") > 65);
        is_what_was_added(db, &f, 400);
        sql_close(db);
        file_remove(&f);
    }
    sqlite3_test_control(SQLITE_TESTCTRL_PENDING_BYTE, PAGES_PENDING_BYTE);
}

static void what_is_no_such_file_is_refused(void **state)
{
    struct error err = {0};
    char dir[] = "/tmp/seltzer-pages-XXXXXX", path[64];
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/rows.db", dir);
    const struct pages_config config = {.path = path, .table_root = 2};
    assert_null(pages_open(&config, &err));
    assert_int_equal(err.code, ERROR_STORE_UNAVAILABLE);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (int i = 0; i < 100; i++)
        fputc('x', file);
    fclose(file);
    assert_null(pages_open(&config, &err));
    assert_int_equal(err.code, ERROR_INTERNAL);
    kit_remove(dir);
}

static void a_full_disk_is_told(void **state)
{
    struct file f;
    struct error err = {0};
    struct rlimit before, small;
    (void)state;
    file_make(&f, true, 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 3 << 20;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const struct cell cells[] = {cell_text(str_make(filler, TEXT_MAX_BYTES))};
    bool ok = true;
    int rows = 0;
    for (; ok && rows < 1000; rows++)
        ok = pages_add_row(f.pages, rows + 1, cells, 1, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_false(ok);
    assert_in_range(rows, 40, 70);
    assert_int_equal(err.code, ERROR_DISK_FULL);
    pages_free(f.pages);
    file_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_all_sizes_are_read_back),
        cmocka_unit_test(trees_grow_deep),
        cmocka_unit_test(keys_longer_than_a_page_have_pages_of_their_own),
        cmocka_unit_test(a_dropped_index_leaves_free_pages),
        cmocka_unit_test(the_page_of_the_locks_is_left_out),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(what_is_no_such_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
