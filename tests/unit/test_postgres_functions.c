/* The mapping of case in soql/postgres_functions.sql is that of SQLite's side, character by character (docs/wire/soql.md, "Two
 * engines"). Run from the project's folder, as make does. */
#include <stdlib.h>

#include <utf8proc.h>

#include "sql_kit.h"

enum { CHARACTERS = 0x110000 };

static struct buf file;

static int read_file(void **state)
{
    FILE *f = fopen("src/soql/postgres_functions.sql", "r");
    char *to;
    size_t n = 0;
    if (!f || open_sql(state))
        return -1;
    while ((to = buf_room(&file, 65536)) && (n = fread(to, 1, 65536, f)) > 0)
        file.n += n;
    fclose(f);
    buf_add_byte(&file, 0);
    return buf_ok(&file) ? 0 : -1;
}

static int free_file(void **state)
{
    buf_free(&file);
    return close_sql(state);
}

/* The characters of the literal at *at, which may go on over several lines; *at goes past it. */
static size_t literal(const char **at, utf8proc_int32_t *ret)
{
    size_t n = 0;
    for (const char *p = strchr(*at, '\'') + 1;;) {
        if (*p != '\'') {
            p += utf8proc_iterate((const utf8proc_uint8_t *)p, -1, &ret[n++]);
            continue;
        }
        size_t blanks = strspn(p + 1, " \n");
        *at = p + 1;
        if (p[1 + blanks] != '\'')
            return n;
        p += blanks + 2;
    }
}

static void check_mapping(const char *function, const char *ours)
{
    static utf8proc_int32_t mapped[CHARACTERS], from[4096], to[4096];
    const char *at = strstr(file.p, function);
    assert_non_null(at);
    at = strstr(at, "translate(");
    assert_non_null(at);
    size_t n = literal(&at, from), n_to = literal(&at, to);
    assert_true(n > 1000);
    assert_int_equal(n, n_to);
    for (utf8proc_int32_t c = 0; c < CHARACTERS; c++)
        mapped[c] = c;
    for (size_t i = 0; i < n; i++)
        mapped[from[i]] = to[i];
    struct error err;
    struct sql_statement *st = sql_prepare(sql, str_from(ours), &err);
    assert_non_null(st);
    for (utf8proc_int32_t c = 0x80; c < CHARACTERS; c++) {
        utf8proc_uint8_t bytes[4];
        if (utf8proc_category(c) == UTF8PROC_CATEGORY_CN || (c >= 0xd800 && c < 0xe000))
            continue;
        assert_true(sql_bind_i64(sql, st, 1, c, &err) && sql_step(sql, st, &err) == SQL_ROW);
        size_t length = (size_t)utf8proc_encode_char(mapped[c], bytes);
        if (!str_eq(sql_text(st, 0), str_make((const char *)bytes, length)))
            fail_msg("%s: U+%04X", function, (unsigned)c);
        sql_reset(st);
    }
    sql_finalize(st);
}

static void both_engines_have_the_same_capitals(void **state)
{
    (void)state;
    check_mapping("FUNCTION seltzer.upper(", "SELECT text_upper(char(?1))");
}

static void both_engines_have_the_same_small_letters(void **state)
{
    (void)state;
    check_mapping("FUNCTION seltzer.lower(", "SELECT text_lower(char(?1))");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_engines_have_the_same_capitals),
        cmocka_unit_test(both_engines_have_the_same_small_letters),
    };
    return cmocka_run_group_tests(tests, read_file, free_file);
}
