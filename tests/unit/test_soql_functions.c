/* The table of SoQL's functions (soql/functions.def): every line can be read, and every name is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rows/query_types.h"
#include "soql/functions.h"
#include "sql/sql.h"

static const char *const classes[] = {
    "any", "ordered", "ranked", "equatable", "numlike", "timestamplike", "stringable", "geometry", "puntal", "lineal", "polygonal",
};

static bool is_class(struct str s)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (str_eq(s, str_from(classes[i])))
            return true;
    return false;
}

/* The variables that a signature has introduced, and how many arguments it has at least. */
struct signature {
    char variables[8];
    size_t n_variables, n;
    bool is_variadic;
};

static bool is_variable(const struct signature *g, struct str s)
{
    return s.n == 1 && memchr(g->variables, s.p[0], g->n_variables);
}

static void check_argument(struct signature *g, struct str s, const char *arguments)
{
    struct str class, variable;
    if (str_ends(s, STR("..."))) {
        g->is_variadic = true;
        s = str_head(s, s.n - 3);
    } else {
        g->n++;
    }
    if (str_cut(s, ' ', &class, &variable)) {
        if (!is_class(class) || variable.n != 1)
            fail_msg("%s: no class \"" FMT_STR "\"", arguments, ARG_STR(s));
        g->variables[g->n_variables++] = variable.p[0];
    } else if (!is_variable(g, s) && !type_find_query(s)) {
        fail_msg("%s: no type \"" FMT_STR "\"", arguments, ARG_STR(s));
    }
}

static void check_template(const struct signature *g, const char *template, bool takes_f, const char *name)
{
    bool has_f = false;
    for (const char *p = template; *p; p++) {
        if (*p != '$')
            continue;
        p++;
        if (*p >= '1' && *p <= '9') {
            if ((size_t)(*p - '0') > g->n + g->is_variadic)
                fail_msg("%s: no argument %c: %s", name, *p, template);
        } else if (*p == 'f') {
            has_f = true;
        } else if (*p != '*' && *p != '@') {
            fail_msg("%s: $%c in %s", name, *p, template);
        }
    }
    if (*template && has_f != takes_f)
        fail_msg("%s: $f in %s", name, template);
}

static void every_line_is_well_formed(void **state)
{
    (void)state;
    size_t n;
    const struct soql_function *all = soql_functions(&n);
    assert_true(n > 200);
    for (size_t i = 0; i < n; i++) {
        const struct soql_function *f = &all[i];
        struct signature g = {.n = 0};
        struct str rest = str_from(f->arguments), one;
        while (rest.n) {
            str_cut(rest, ',', &one, &rest);
            check_argument(&g, str_trim(one), f->arguments);
        }
        struct str result = str_from(f->result);
        if (str_starts(result, STR("multi ")) && result.n == 7)
            result = str_skip(result, 6);
        if (!is_variable(&g, result) && !type_find_query(result))
            fail_msg("%s: no type \"%s\"", f->name, f->result);
        check_template(&g, f->sqlite, f->kind != FUNCTION_SCALAR, f->name);
        check_template(&g, f->postgres, f->kind != FUNCTION_SCALAR, f->name);
        assert_int_equal(*f->sqlite == 0, *f->postgres == 0);
        assert_true(*f->group && *f->description);
    }
}

static void every_name_is_found_with_all_its_overloads(void **state)
{
    (void)state;
    size_t n, found;
    const struct soql_function *all = soql_functions(&n);
    for (size_t i = 0; i < n;) {
        const struct soql_function *f = soql_functions_named(str_from(all[i].name), &found);
        assert_ptr_equal(f, &all[i]); /* overloads stand together, or the second group would not be found */
        assert_true(found >= 1);
        i += found;
    }
}

/* A template with nulls for its arguments, two where it takes any number. */
static void fill(const struct soql_function *f, struct buf *out)
{
    for (const char *p = f->sqlite; *p; p++) {
        if (*p != '$') {
            buf_add_byte(out, *p);
            continue;
        }
        p++;
        if (*p == 'f')
            buf_add_z(out, f->kind == FUNCTION_WINDOW ? " OVER ()" : "");
        else
            buf_add_z(out, *p == '@' ? "7" : p[*p != '*'] == '*' ? "NULL,NULL" : "NULL");
        p += p[1] == '*';
        p += p[1] == '=' || p[1] == '~';
    }
}

static void every_function_that_a_template_names_exists_and_takes_nulls(void **state)
{
    (void)state;
    size_t n;
    struct error err = {0};
    struct sql *sql = sql_open(":memory:", SQL_BUILD, 1 << 20, &err);
    assert_non_null(sql);
    const struct soql_function *all = soql_functions(&n);
    for (size_t i = 0; i < n; i++) {
        struct buf text = {0};
        if (!*all[i].sqlite)
            continue;
        buf_add_z(&text, "SELECT ");
        fill(&all[i], &text);
        struct sql_statement *st = sql_prepare(sql, buf_str(&text), &err);
        if (!st || (sql_step(sql, st, &err) != SQL_ROW && err.code != ERROR_QUERY_RUNTIME))
            fail_msg("%s: " FMT_STR ": %s", all[i].name, ARG_STR(buf_str(&text)), err.message);
        sql_finalize(st);
        buf_free(&text);
    }
    sql_close(sql);
}

static void names_fold_case_and_dash(void **state)
{
    (void)state;
    size_t n;
    assert_string_equal(soql_functions_named(STR("Date-Trunc-YM"), &n)->name, "date_trunc_ym");
    assert_int_equal(n, 3);
    assert_string_equal(soql_functions_named(STR("op$-"), &n)->name, "op$-");
    assert_string_equal(soql_functions_named(STR("op$AND"), &n)->name, "op$and");
    assert_string_equal(soql_functions_named(STR("#is_null"), &n)->name, "#IS_NULL");
    assert_string_equal(soql_functions_named(STR("CAST$Fixed-Timestamp"), &n)->name, "cast$fixed_timestamp");
    assert_null(soql_functions_named(STR("op$_"), &n));
    assert_null(soql_functions_named(STR("sqrt"), &n));
    assert_null(soql_functions_named(STR(""), &n));
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_well_formed),
        cmocka_unit_test(every_name_is_found_with_all_its_overloads),
        cmocka_unit_test(every_function_that_a_template_names_exists_and_takes_nulls),
        cmocka_unit_test(names_fold_case_and_dash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
