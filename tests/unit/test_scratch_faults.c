/* Files beside the databases under faults: spools, stages and reports of set-aside rows. A call that does half of what it was asked
 * for, or is interrupted, is made again and nobody sees it; a call that fails is told for what it is, at every call that can
 * meet it. The calls are the test's (linked with --wrap, Makefile). */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/spool.h"
#include "ingest/set_aside.h"
#include "rows/stage.h"

enum call { CALL_WRITE, CALL_READ, CALL_SYNC };
enum { HALF = -1 }; /* instead of an errno */

static struct {
    bool armed;
    enum call call;
    int at, times, what, seen;
} fault;

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at);
ssize_t __real_pread(int fd, void *p, size_t n, off_t at);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __real_write(int fd, const void *p, size_t n);
int __wrap_fsync(int fd);
int __real_fsync(int fd);

/* False: it fails, errno is set. */
static bool goes_on(enum call call, size_t *n)
{
    if (!fault.armed || fault.call != call)
        return true;
    int nth = ++fault.seen;
    if (nth < fault.at || nth >= fault.at + fault.times)
        return true;
    if (fault.what == HALF) {
        *n = *n > 1 ? *n / 2 : *n;
        return true;
    }
    errno = fault.what;
    return false;
}

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    return goes_on(CALL_WRITE, &n) ? __real_pwrite(fd, p, n, at) : -1;
}

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    return goes_on(CALL_WRITE, &n) ? __real_write(fd, p, n) : -1;
}

ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at)
{
    return goes_on(CALL_READ, &n) ? __real_pread(fd, p, n, at) : -1;
}

int __wrap_fsync(int fd)
{
    size_t n = 0;
    return goes_on(CALL_SYNC, &n) ? __real_fsync(fd) : -1;
}

static void arm(enum call call, int at, int times, int what)
{
    fault.call = call;
    fault.at = at;
    fault.times = times;
    fault.what = what;
    fault.seen = 0;
    fault.armed = true;
}

static bool struck(void)
{
    fault.armed = false;
    return fault.seen >= fault.at;
}

/* ── what is done under them; false with an error ── */

static char dir[] = "/tmp/seltzer-scratch-XXXXXX";
static char bytes[200000];

static bool spool_goes_round(struct error *err)
{
    static char back[sizeof bytes];
    struct spool_config config = {.scratch_dir = dir, .memory_max = 1000};
    struct spool *s = spool_new(&config, err);
    bool ok = s;
    size_t got = 0;
    for (size_t at = 0; ok && at < sizeof bytes; at += 5000)
        ok = spool_write(s, bytes + at, 5000, err);
    ok = ok && spool_write_at(s, 70000, bytes + 70000, 3000, err) && spool_settle(s, err);
    for (size_t at = 0; ok && at < sizeof bytes; at += 40000) {
        ok = spool_read(s, at, back + at, 40000, &got, err);
        assert_true(!ok || got == 40000);
    }
    ok = ok && spool_read_file(s, 1000, back + 1000, 9000, err);
    if (ok)
        assert_memory_equal(back, bytes, sizeof bytes);
    spool_free(s);
    return ok;
}

static struct column shape[1];
static struct columns columns = {.v = shape, .n = 1, .row_identifier = -1};

static bool stage_reads(struct stage *s, uint64_t rows, struct error *err)
{
    struct stage_cursor *c = stage_cursor_new(s, 100000, err);
    struct stage_run run;
    struct cell cell = {0};
    uint64_t seen = 0;
    bool end = false, ok = c;
    while (ok && !end) {
        ok = stage_next_run(c, &run, &end, err);
        for (size_t i = 0; ok && i < run.n; i++, seen++) {
            struct stage_row row = {.cells = &cell};
            stage_decode(s, run.rows[i], &row);
            assert_int_equal(row.position, seen);
            assert_true(str_eq(cell.s, str_make(bytes + seen, 1000)));
        }
    }
    assert_true(!ok || seen == rows);
    stage_cursor_free(c);
    return ok;
}

static bool stage_goes_round(bool live, struct error *err)
{
    enum { ROWS = 1200 };
    struct stage_config config = {.columns = &columns, .scratch_dir = dir, .memory_max = 1, .live = live};
    struct stage *s = stage_new(&config, err);
    bool ok = s;
    for (uint64_t i = 0; ok && i < ROWS; i++) {
        struct cell cell = cell_text(str_make(bytes + i, 1000));
        struct stage_row row = {.position = i, .line = i + 1, .cells = &cell};
        ok = stage_append(s, &row, err);
    }
    ok = ok && stage_finish(s, err) && stage_reads(s, ROWS, err);
    stage_free(s);
    return ok;
}

static bool plain_stage_goes_round(struct error *err)
{
    return stage_goes_round(false, err);
}

static bool live_stage_goes_round(struct error *err)
{
    return stage_goes_round(true, err);
}

static int files_in(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

/* A report is there whole, or not at all. */
static bool report_goes_round(struct error *err)
{
    static const struct dataset d = {.id = "abcd-efgh"};
    enum { ROWS = 1010 }; /* a little beyond what a spool keeps in memory */
    const struct raw bad = {.kind = RAW_STRING, .text = str_make(bytes, 1000)};
    char reports[64], path[128];
    struct stat st;
    snprintf(reports, sizeof reports, "%s/reports", dir);
    snprintf(path, sizeof path, "%s/request~abcd-efgh.csv", reports);
    struct set_aside *s = set_aside_new(&d, dir, err);
    bool ok = s;
    for (uint64_t i = 0; ok && i < ROWS; i++) {
        set_aside_row(s, i);
        set_aside_note(s, SET_ASIDE_ID, STR(":id"), &bad);
        ok = set_aside_keep(s, STR("no such row"), err);
    }
    ok = ok && set_aside_write(s, reports, "request", err);
    set_aside_free(s);
    assert_int_equal(files_in(reports), ok);
    if (ok) {
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size > ROWS * 1000);
        unlink(path);
    }
    rmdir(reports);
    return ok;
}

static const struct {
    const char *name;
    bool (*run)(struct error *err);
    int writes, reads, syncs; /* so many at least */
} trips[] = {
    {"spool", spool_goes_round, 3, 4, 0},
    {"stage", plain_stage_goes_round, 4, 8, 0},
    {"live stage", live_stage_goes_round, 4, 8, 0},
    {"report", report_goes_round, 3, 2, 3},
};
enum { TRIPS = sizeof trips / sizeof *trips };

/* ── claims ── */

static void half_and_interrupted_calls_are_made_again(void **state)
{
    (void)state;
    struct error err = {0};
    static const int whats[] = {HALF, EINTR};
    for (int t = 0; t < TRIPS; t++)
        for (int call = CALL_WRITE; call <= CALL_READ; call++)
            for (int w = 0; w < 2; w++) {
                int n = 1;
                for (bool hit = true; hit && n < 200; n++) {
                    arm((enum call)call, n, whats[w] == HALF ? 5 : 2, whats[w]);
                    if (!trips[t].run(&err))
                        fail_msg("%s, call %d of kind %d, %d: %s", trips[t].name, n, call, whats[w], err.message);
                    hit = struck();
                }
                if (n <= (call == CALL_WRITE ? trips[t].writes : trips[t].reads) || n == 200)
                    fail_msg("%s makes %d calls of kind %d", trips[t].name, n - 1, call);
            }
}

static void a_call_that_fails_is_told_for_what_it_is(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int what;
        enum error_code code;
    } cases[] = {
        {CALL_WRITE, ENOSPC, ERROR_DISK_FULL},       {CALL_WRITE, EDQUOT, ERROR_DISK_FULL}, {CALL_WRITE, EFBIG, ERROR_DISK_FULL},
        {CALL_WRITE, EIO, ERROR_STORE_UNAVAILABLE},  {CALL_READ, EIO, ERROR_STORE_UNAVAILABLE}, {CALL_SYNC, EIO, ERROR_STORE_UNAVAILABLE},
        {CALL_SYNC, ENOSPC, ERROR_DISK_FULL},
    };
    for (int t = 0; t < TRIPS; t++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            int n = 1;
            for (; n < 200; n++) {
                struct error err = {0};
                arm(cases[i].call, n, 1, cases[i].what);
                bool ok = trips[t].run(&err), hit = struck();
                if (ok == hit)
                    fail_msg("%s, call %d of kind %d, errno %d: %s", trips[t].name, n, (int)cases[i].call, cases[i].what, ok ? "nobody was told" : err.message);
                if (!hit)
                    break;
                assert_int_equal(err.code, cases[i].code);
                assert_non_null(err.message[0] ? err.message : NULL);
                assert_null(strstr(err.message, dir));
            }
            const int least[] = {trips[t].writes, trips[t].reads, trips[t].syncs};
            if (n <= least[cases[i].call] || n == 200)
                fail_msg("%s makes %d calls of kind %d", trips[t].name, n - 1, (int)cases[i].call);
        }
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)('a' + i * 7 % 23);
    shape[0] = (struct column){.physical = 1, .type = &type_text, .field_name = STR("name"), .name = STR("Name")};
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
        cmocka_unit_test(half_and_interrupted_calls_are_made_again),
        cmocka_unit_test(a_call_that_fails_is_told_for_what_it_is),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
