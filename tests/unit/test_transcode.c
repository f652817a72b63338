/* Declared charsets to UTF-8 (format/reader.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/row_log.h"

static bool collect(void *ctx, struct str bytes, struct error *err)
{
    (void)err;
    buf_add_str(ctx, bytes);
    return true;
}

static char *converted(struct str charset, struct str bytes, size_t slice)
{
    struct buf out = {0};
    struct error err;
    struct transcode *t = transcode_new(charset, collect, &out, &err);
    bool ok = t != NULL;
    while (ok && bytes.n) {
        struct str part = str_head(bytes, slice ? slice : bytes.n);
        ok = transcode_push(t, part, &err);
        bytes = str_skip(bytes, part.n);
    }
    if (!ok || !transcode_finish(t, &err))
        buf_printf(&out, "!%s {%s}", error_info(err.code)->error_code, err.data);
    transcode_free(t);
    return buf_take_z(&out);
}

#define BYTES(literal) {literal, sizeof(literal) - 1}

static void bytes_become_this_utf_8(void **state)
{
    (void)state;
    static const struct {
        const char *charset;
        struct str bytes;
        const char *utf8;
    } cases[] = {
        {"us-ascii", BYTES("abc"), "abc"},
        {"US-ASCII", BYTES("ab\xe9"), "ab!req.body.malformed-text {\"byte\":2}"},
        {"iso-8859-1", BYTES("caf\xe9 \x80"), "caf\xc3\xa9 \xc2\x80"},
        {"Latin1", BYTES("\xff"), "\xc3\xbf"},
        {"windows-1252", BYTES("\x93\x80\x94\xe9"), "\xe2\x80\x9c\xe2\x82\xac\xe2\x80\x9d\xc3\xa9"},
        {"CP1252", BYTES("a\x81"), "a!req.body.malformed-text {\"byte\":1}"},
        {"utf-16", BYTES("\xff\xfe" "a\0\xac\x20"), "a\xe2\x82\xac"},
        {"utf-16", BYTES("\xfe\xff\0a\x20\xac"), "a\xe2\x82\xac"},
        {"utf-16", BYTES("a\0b\0"), "!req.body.malformed-text {\"byte\":0}"},
        {"utf-16le", BYTES("\x3d\xd8\0\xde"), "\xf0\x9f\x98\x80"},
        {"utf-16be", BYTES("\xd8\x3d\xde\0"), "\xf0\x9f\x98\x80"},
        {"utf-16be", BYTES("\0a\xd8\x3d\0b"), "a!req.body.malformed-text {\"byte\":2}"},
        {"utf-16be", BYTES("\0a\xde\0"), "a!req.body.malformed-text {\"byte\":2}"},
        {"utf-16be", BYTES("\0a\xd8\x3d"), "a!req.body.malformed-text {\"byte\":2}"},
        {"utf-16be", BYTES("\0a\0"), "a!req.body.malformed-text {\"byte\":2}"},
        {"utf-16be", BYTES("\xfe\xff\0a"), "\xef\xbb\xbf" "a"},
        {"ebcdic", BYTES("a"), "!req.content-type.unknown-charset {\"charset\":\"ebcdic\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t slice = 0; slice < 4; slice++) {
            char *got = converted(str_from(cases[i].charset), cases[i].bytes, slice);
            assert_string_equal(got, cases[i].utf8);
            free(got);
        }
}

static void utf_8_needs_no_conversion(void **state)
{
    (void)state;
    assert_true(transcode_is_utf8(STR("UTF-8")));
    assert_true(transcode_is_utf8(STR("utf8")));
    assert_false(transcode_is_utf8(STR("iso-8859-1")));
}

static void more_than_its_buffer_holds_passes_whole(void **state)
{
    (void)state;
    size_t n = 300001;
    char *bytes = malloc(n);
    memset(bytes, 0xe9, n);
    char *got = converted(STR("iso-8859-1"), str_make(bytes, n), 0);
    assert_int_equal(strlen(got), n * 2);
    assert_true(str_is_utf8(str_from(got), NULL));
    free(got);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_this_utf_8),
        cmocka_unit_test(utf_8_needs_no_conversion),
        cmocka_unit_test(more_than_its_buffer_holds_passes_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
