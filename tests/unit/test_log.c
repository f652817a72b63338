/* Lines of the logs: what goes into them (base/log.h, api/access_log.h), and how they reach a file (base/log_file.h). */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/access_log.h"
#include "base/log.h"
#include "base/metrics.h"

static void says(struct buf *got, const char *want)
{
    assert_true(buf_ok(got));
    if (!str_eq(buf_str(got), str_from(want)))
        fail_msg("got " FMT_STR "\ninstead of %s", ARG_STR(buf_str(got)), want);
    buf_free(got);
}

static void a_text_cannot_end_its_line_or_act_on_a_terminal(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"plain", "\"plain\""},
        {"a\r\nb\tc\x1b[31m", "\"a\\r\\nb\\tc\\u001b[31m\""},
        {"\x7f \xc2\x9b \xc2\x85 \xc2\xa0", "\"\\u007f \\u009b \\u0085 \xc2\xa0\""},
        {"\xe2\x80\xa8 \xe2\x80\xa9 \xe2\x80\xae \xe2\x81\xa6 \xe2\x80\xa7", "\"\\u2028 \\u2029 \\u202e \\u2066 \xe2\x80\xa7\""},
        {"\"quoted\\", "\"\\\"quoted\\\\\""},
        {"\xff\xfe ü 漢 😀", "\"\xef\xbf\xbd\xef\xbf\xbd ü 漢 😀\""},
        {"", "\"\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        log_add_text(&out, str_from(cases[i].text), 1000);
        says(&out, cases[i].json);
    }
}

static void a_long_text_is_cut_between_characters_and_says_so(void **state)
{
    struct buf out = {0};
    (void)state;
    log_add_text(&out, STR("1234567"), 7);
    says(&out, "\"1234567\"");
    log_add_text(&out, STR("12345678"), 7);
    says(&out, "\"1234567…\"");
    log_add_text(&out, STR("123456üx"), 7);
    says(&out, "\"123456…\"");
}

static void levels_are_known_by_name(void **state)
{
    enum log_level level = LOG_ERROR;
    (void)state;
    assert_true(log_level_parse(STR("debug"), &level) && level == LOG_DEBUG);
    assert_true(log_level_parse(STR("warn"), &level) && level == LOG_WARN);
    assert_false(log_level_parse(STR("loud"), &level));
    assert_int_equal(level, LOG_WARN);
    log_set_level(LOG_WARN);
    assert_false(log_has(LOG_INFO));
    assert_true(log_has(LOG_WARN) && log_has(LOG_ERROR));
    log_set_level(LOG_INFO);
}

/* ── secrets ── */

static void values_of_secret_parameters_are_cut_however_they_are_spelt(void **state)
{
    static const struct {
        const char *query, *all, *names;
    } cases[] = {
        {"$limit=5&a=b", "$limit=5&a=b", "$limit&a"},
        {"access_token=tell", "access_token=[cut]", "access_token"},
        {"ACCESS_Token=tell&x=1", "ACCESS_Token=[cut]&x=1", "ACCESS_Token&x"},
        {"acc%65ss%5Ftoken=tell", "acc%65ss%5Ftoken=[cut]", "acc%65ss%5Ftoken"},
        {"%24%24app_token=tell&$$app_token=tell", "%24%24app_token=[cut]&$$app_token=[cut]", "%24%24app_token&$$app_token"},
        {"code=tell&state=s&client_secret=tell=tell", "code=[cut]&state=s&client_secret=[cut]", "code&state&client_secret"},
        {"a=1;password=tell", "a=1&password=[cut]", "a&password"},
        {"access_token", "access_token", "access_token"},
        {"a=&&=b", "a=&&=b", "a&&"},
        {"access_token%", "access_token%", "access_token%"},
        {"slzt_0123456789abcdef=1&b=slzk_ABCDEFGH-_9!", "slzt_[cut]=1&b=slzk_[cut]!", "slzt_[cut]&b"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        access_log_write_query(str_from(cases[i].query), false, &out);
        says(&out, cases[i].all);
        access_log_write_query(str_from(cases[i].query), true, &out);
        says(&out, cases[i].names);
    }
}

static void only_what_looks_like_a_secret_is_cut_from_a_text(void **state)
{
    static const char *const same[] = {"slz", "slzk_", "slzk_short", "slz1_0123456789abcdef", "SLZK_0123456789abcdef", "slzk-0123456789abcdef", "x"};
    struct buf out = {0};
    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        access_log_write_cut(str_from(same[i]), &out);
        says(&out, same[i]);
    }
    access_log_write_cut(STR("a slza_0123456789abcdef,slzs_0123456789abcdef"), &out);
    says(&out, "a slza_[cut],slzs_[cut]");
}

/* ── the file ── */

struct place {
    char dir[64], path[96];
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    strcpy(p->dir, "/tmp/test-log-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->path, sizeof p->path, "%s/log", p->dir);
    *state = p;
    signal(SIGXFSZ, SIG_IGN);
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    char old[128];
    snprintf(old, sizeof old, "%s.old", p->path);
    unlink(p->path);
    unlink(old);
    assert_int_equal(rmdir(p->dir), 0);
    free(p);
    return 0;
}

static struct log_file *open_log(const char *path)
{
    struct error err;
    struct log_file *l = log_file_open(path, &err);
    if (!l)
        fail_msg("%s", err.message);
    return l;
}

static void content(const char *path, char *ret, size_t n)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    ret[fread(ret, 1, n - 1, f)] = 0;
    fclose(f);
}

static uint64_t lost(void)
{
    return atomic_load(&metrics_counts[METRIC_LOG_LINES_LOST]);
}

/* Until so many bytes are in the file, a few seconds at most. */
static void wait_for_size(const char *path, off_t least)
{
    struct stat st = {0};
    for (int i = 0; i < 500 && (stat(path, &st) != 0 || st.st_size < least); i++)
        usleep(10000);
    assert_true(st.st_size >= least);
}

static void lines_are_appended_in_order_and_all_before_the_end(void **state)
{
    struct place *p = *state;
    char got[100];
    for (int i = 0; i < 2; i++) {
        struct log_file *l = open_log(p->path);
        log_file_add(l, i ? STR("three\n") : STR("one\n"));
        log_file_add(l, i ? STR("four\n") : STR("two\n"));
        log_file_close(l);
    }
    content(p->path, got, sizeof got);
    assert_string_equal(got, "one\ntwo\nthree\nfour\n");
    struct stat st;
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 07, 0);
}

static void a_renamed_file_keeps_its_lines_and_a_new_one_begins(void **state)
{
    struct place *p = *state;
    char old[128], got[100];
    snprintf(old, sizeof old, "%s.old", p->path);
    struct log_file *l = open_log(p->path);
    log_file_add(l, STR("before\n"));
    wait_for_size(p->path, 7);
    assert_int_equal(rename(p->path, old), 0);
    log_file_reopen(l);
    wait_for_size(p->path, 0);
    log_file_add(l, STR("after\n"));
    log_file_close(l);
    content(old, got, sizeof got);
    assert_string_equal(got, "before\n");
    content(p->path, got, sizeof got);
    assert_string_equal(got, "after\n");
}

/* The limit of a file's size stands for a full disk: it lets in a part of a write. */
static void what_a_full_disk_lost_is_told_when_there_is_room_and_no_line_is_glued(void **state)
{
    struct place *p = *state;
    struct rlimit before, small;
    char got[1000];
    uint64_t lost_before = lost();
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 10;
    struct log_file *l = open_log(p->path);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    log_file_add(l, STR("first\n"));
    log_file_add(l, STR("second\n"));
    log_file_add(l, STR("third\n"));
    for (int i = 0; i < 500 && lost() == lost_before; i++)
        usleep(10000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(lost(), lost_before + 2);
    log_file_add(l, STR("fourth\n"));
    log_file_close(l);
    content(p->path, got, sizeof got);
    char *line = strchr(got, '{');
    assert_non_null(line);
    assert_memory_equal(got, "first\nseco\n", 11);
    assert_ptr_equal(line, got + 11);
    assert_non_null(strstr(line, "\"message\":\"2 lines of this log could not be written\"}\nfourth\n"));
    assert_int_equal(lost(), lost_before + 2);
}

static void a_reader_that_sleeps_keeps_nobody_waiting_and_memory_is_bounded(void **state)
{
    struct place *p = *state;
    static char line[LOG_FILE_LINE_MAX + 2];
    uint64_t lost_before = lost();
    assert_int_equal(mkfifo(p->path, 0600), 0);
    int reader = open(p->path, O_RDONLY | O_NONBLOCK);
    struct log_file *l = open_log(p->path);
    memset(line, 'x', sizeof line);
    line[LOG_FILE_LINE_MAX - 1] = '\n';
    for (int i = 0; i < 1000; i++) /* 8 MB: a pipe, and two buffers of 1 MiB, hold less */
        log_file_add(l, str_make(line, LOG_FILE_LINE_MAX));
    assert_true(lost() - lost_before > 600);
    uint64_t lost_until = lost();
    line[LOG_FILE_LINE_MAX] = '\n';
    log_file_add(l, str_make(line, LOG_FILE_LINE_MAX + 1));
    assert_int_equal(lost(), lost_until + 1);
    log_file_close(l); /* nobody reads any more: it gives up */
    close(reader);
}

static void a_path_that_cannot_be_opened_is_named(void **state)
{
    struct error err;
    (void)state;
    assert_null(log_file_open("/nowhere/log", &err));
    assert_non_null(strstr(err.message, "/nowhere/log"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_cannot_end_its_line_or_act_on_a_terminal),
        cmocka_unit_test(a_long_text_is_cut_between_characters_and_says_so),
        cmocka_unit_test(levels_are_known_by_name),
        cmocka_unit_test(values_of_secret_parameters_are_cut_however_they_are_spelt),
        cmocka_unit_test(only_what_looks_like_a_secret_is_cut_from_a_text),
        cmocka_unit_test_setup_teardown(lines_are_appended_in_order_and_all_before_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_renamed_file_keeps_its_lines_and_a_new_one_begins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_full_disk_lost_is_told_when_there_is_room_and_no_line_is_glued, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reader_that_sleeps_keeps_nobody_waiting_and_memory_is_bounded, set_up, tear_down),
        cmocka_unit_test(a_path_that_cannot_be_opened_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
