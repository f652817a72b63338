/* Paths to routes (api/router.h): every line of routes.def, and every way to spell a path that means nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/handlers.h"
#include "api/router.h"

static const struct {
    enum http_method method;
    const char *pattern;
    const struct handler *handler;
} lines[] = {
#define X(method, pattern, dataset, action, handler) {HTTP_##method, pattern, &handler_##handler},
#include "api/routes.def"
#undef X
};
enum { LINES = sizeof lines / sizeof *lines };

static const char *const method_texts[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"};

/* What a path comes to; the call's texts are in a. */
struct found {
    bool ok;
    struct call call;
    struct str allow;
    struct error err;
    struct http_head head;
};

static struct found *match(struct arena *a, enum http_method method, const char *path)
{
    struct found *f = arena_zalloc(a, sizeof *f);
    assert_non_null(f);
    f->head = (struct http_head){.method = method, .method_text = str_from(method_texts[method]), .path = str_from(path)};
    f->call.head = &f->head;
    f->call.arena = a;
    f->ok = router_match(&f->call, &f->allow, &f->err);
    return f;
}

/* A pattern with :names replaced; their values in order in ret. */
static char *path_of(struct arena *a, const char *pattern, const char *last)
{
    struct str rest = str_from(pattern + 1), piece;
    struct buf b = {0};
    int n = 0;
    while (rest.n) {
        str_cut(rest, '/', &piece, &rest);
        buf_add_byte(&b, '/');
        if (piece.p[0] == ':')
            buf_printf(&b, "part.%d", ++n);
        else
            buf_add_str(&b, piece);
    }
    buf_add_z(&b, last);
    char *path = arena_printf(a, FMT_STR, ARG_STR(buf_str(&b)));
    buf_free(&b);
    return path;
}

static size_t parts_of(const char *pattern)
{
    size_t n = 0;
    for (; *pattern; pattern++)
        n += *pattern == ':';
    return n;
}

static void every_line_of_the_table_is_reached(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum api_extension extension;
    } endings[] = {{"", EXTENSION_NONE}, {"/", EXTENSION_NONE}, {".json", EXTENSION_JSON}, {".JSON", EXTENSION_JSON}, {".json/", EXTENSION_JSON},
                   {".csv", EXTENSION_CSV}, {".tsv", EXTENSION_TSV}, {".geojson", EXTENSION_GEOJSON}, {".txt", EXTENSION_TXT}};
    for (int i = 0; i < LINES; i++)
        for (size_t e = 0; e < sizeof endings / sizeof *endings; e++) {
            struct arena a = {0};
            char *path = path_of(&a, lines[i].pattern, endings[e].text);
            struct found *f = match(&a, lines[i].method, path);
            if (!f->ok || f->call.route->handler != lines[i].handler || strcmp(f->call.route->pattern, lines[i].pattern) != 0)
                fail_msg("%s %s: %s", method_texts[lines[i].method], path, f->ok ? f->call.route->pattern : f->err.message);
            assert_int_equal(f->call.extension, endings[e].extension);
            for (size_t k = 0; k < parts_of(lines[i].pattern); k++) {
                char want[32];
                snprintf(want, sizeof want, "part.%d", (int)k + 1);
                assert_true(str_eq(f->call.part[k], str_from(want)));
            }
            arena_free(&a);
        }
}

/* No two lines answer the same request, so their order means nothing. */
static void no_two_lines_are_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < LINES; i++)
        for (int k = 0; k < i; k++)
            assert_false(lines[i].method == lines[k].method && strcmp(lines[i].pattern, lines[k].pattern) == 0);
}

static void head_is_answered_where_get_is(void **state)
{
    (void)state;
    for (int i = 0; i < LINES; i++) {
        struct arena a = {0};
        struct found *f = match(&a, HTTP_HEAD, path_of(&a, lines[i].pattern, ""));
        if (lines[i].method == HTTP_GET)
            assert_true(f->ok && f->call.route->handler == lines[i].handler);
        arena_free(&a);
    }
}

static void allow_names_what_the_path_takes(void **state)
{
    (void)state;
    static const struct {
        const char *path, *allow;
    } cases[] = {
        {"/resource/abcd-1234.json", "GET, HEAD, POST, PUT, DELETE, OPTIONS"},
        {"/id/abcd-1234", "GET, HEAD, POST, PUT, DELETE, OPTIONS"},
        {"/api/id/abcd-1234/row-1", "GET, HEAD, POST, PUT, DELETE, OPTIONS"},
        {"/api/views", "GET, HEAD, POST, OPTIONS"},
        {"/api/views.json", "GET, HEAD, POST, OPTIONS"},
        {"/views/abcd-1234.json", "GET, HEAD, PUT, DELETE, OPTIONS"},
        {"/api/views/abcd-1234/publication.json", "POST, OPTIONS"},
        {"/api/views/abcd-1234/columns", "GET, HEAD, POST, OPTIONS"},
        {"/api/users/current.json", "GET, HEAD, OPTIONS"},
        {"/api/version", "GET, HEAD, OPTIONS"},
        {"/seltzer/reports/x.csv", "GET, HEAD, OPTIONS"},
    };
    static const enum http_method others[] = {HTTP_PATCH, HTTP_OTHER, HTTP_OPTIONS};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t m = 0; m < 3; m++) {
            struct arena a = {0};
            struct found *f = match(&a, others[m], cases[i].path);
            assert_false(f->ok);
            assert_int_equal(f->err.code, ERROR_METHOD_NOT_ALLOWED);
            if (!str_eq(f->allow, str_from(cases[i].allow)))
                fail_msg("%s: " FMT_STR, cases[i].path, ARG_STR(f->allow));
            assert_non_null(strstr(f->err.message, method_texts[others[m]]));
            arena_free(&a);
        }
}

static void a_path_that_is_nobodys_is_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "", "/", "//", "x", "resource/abcd-1234", "/nothing", "/resource", "/resource/", "/Resource/abcd-1234", "/resource//abcd-1234",
        "//resource/abcd-1234", "/resource/abcd-1234//", "/resource/./abcd-1234", "/resource/../resource/abcd-1234", "/resource/..",
        "/resource/abcd-1234/..", "/resource/%2e%2e", "/resource/%2E", "/resource/abcd-1234/x/y", "/api", "/api/", "/api/views/abcd-1234/nothing",
        "/api/views/abcd-1234/columns/1", "/api/users/current/x", "/resource/\xff", "/resource/%ff", "/a/b/c/d/e/f/g/h/i", "/resource/%",
        "/resource/%2", "/resource/%zz", "/resource/%00", "/resource%2fabcd-1234", "/api/version/x", "*",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct arena a = {0};
        struct found *f = match(&a, HTTP_GET, paths[i]);
        if (f->ok || f->allow.n || (f->err.code != ERROR_NOT_FOUND && f->err.code != ERROR_BAD_REQUEST))
            fail_msg("%s: %s", paths[i], f->ok ? f->call.route->pattern : f->err.message);
        assert_true(str_is_utf8(str_from(f->err.message), NULL) || strstr(paths[i], "\xff"));
        arena_free(&a);
    }
}

static void each_piece_is_decoded_once(void **state)
{
    (void)state;
    static const struct {
        const char *path, *id, *row;
        enum api_extension extension;
    } cases[] = {
        {"/resource/a%2Fb/c%20d.json", "a/b", "c d", EXTENSION_JSON},
        {"/resource/a%252Fb/+", "a%2Fb", "+", EXTENSION_NONE},
        {"/resource/%E2%82%AC/a%2ejson", "\xe2\x82\xac", "a", EXTENSION_JSON},
        {"/resource/x/.json", "x", ".json", EXTENSION_NONE},
        {"/resource/x/a.json.json", "x", "a.json", EXTENSION_JSON},
        {"/resource/x.json/a.b", "x.json", "a.b", EXTENSION_NONE},
        {"/res%6Furce/x/y", "x", "y", EXTENSION_NONE},
        {"/resource/x/...", "x", "...", EXTENSION_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a = {0};
        struct found *f = match(&a, HTTP_GET, cases[i].path);
        if (!f->ok)
            fail_msg("%s: %s", cases[i].path, f->err.message);
        if (!str_eq(f->call.part[0], str_from(cases[i].id)) || !str_eq(f->call.part[1], str_from(cases[i].row)) || f->call.extension != cases[i].extension)
            fail_msg("%s: " FMT_STR " " FMT_STR, cases[i].path, ARG_STR(f->call.part[0]), ARG_STR(f->call.part[1]));
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_of_the_table_is_reached),
        cmocka_unit_test(no_two_lines_are_the_same),
        cmocka_unit_test(head_is_answered_where_get_is),
        cmocka_unit_test(allow_names_what_the_path_takes),
        cmocka_unit_test(a_path_that_is_nobodys_is_not_found),
        cmocka_unit_test(each_piece_is_decoded_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
