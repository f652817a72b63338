/* Content-Encoding: gzip (format/reader.h): whole members, nothing beside them, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "../support/row_log.h"

static void add_member(struct buf *to, struct str text)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, text.n) + 64;
    z.next_in = (unsigned char *)(uintptr_t)text.p;
    z.avail_in = (uInt)text.n;
    z.next_out = (unsigned char *)buf_room(to, room);
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    to->n += room - z.avail_out;
    deflateEnd(&z);
}

static bool collect(void *ctx, struct str bytes, struct error *err)
{
    (void)err;
    buf_add_str(ctx, bytes);
    return true;
}

/* What came out, then "!code {data}" when refused. slice 0: all at once. */
static struct buf inflated(struct str bytes, size_t slice, const struct gunzip_limits *limits)
{
    struct buf out = {0};
    struct error err;
    struct gunzip *g = gunzip_new(limits ? limits : &gunzip_limits_default, collect, &out, &err);
    bool ok = g != NULL;
    while (ok && bytes.n) {
        struct str part = str_head(bytes, slice ? slice : bytes.n);
        ok = gunzip_push(g, part, &err);
        bytes = str_skip(bytes, part.n);
    }
    if (!ok || !gunzip_finish(g, &err))
        buf_printf(&out, "!%s {%s}", error_info(err.code)->error_code, err.data);
    gunzip_free(g);
    return out;
}

static void expect(struct str bytes, size_t slice, const struct gunzip_limits *limits, const char *want)
{
    struct buf out = inflated(bytes, slice, limits);
    buf_add_byte(&out, 0);
    assert_string_equal(out.p, want);
    buf_free(&out);
}

static void every_member_is_read_in_any_slices(void **state)
{
    (void)state;
    struct buf z = {0};
    add_member(&z, STR("[{\"a\":1},"));
    add_member(&z, STR_NONE);
    add_member(&z, STR("{\"a\":2}]"));
    for (size_t slice = 0; slice <= z.n; slice++)
        expect(buf_str(&z), slice, NULL, "[{\"a\":1},{\"a\":2}]");
    buf_free(&z);
}

static void a_damaged_body_is_refused(void **state)
{
    (void)state;
    struct buf z = {0};
    add_member(&z, STR("some text, some text"));
    size_t whole = z.n;
    for (size_t slice = 0; slice < 3; slice++) {
        for (size_t n = 0; n < whole; n++) { /* truncated at each byte */
            struct buf out = inflated(str_make(z.p, n), slice, NULL);
            buf_add_byte(&out, 0);
            assert_non_null(strstr(out.p, "!req.body.malformed-gzip {\"byte\":0}"));
            buf_free(&out);
        }
        for (size_t i = 1; i <= 8; i++) { /* a wrong checksum or length */
            z.p[whole - i] ^= 0x55;
            struct buf out = inflated(buf_str(&z), slice, NULL);
            buf_add_byte(&out, 0);
            assert_non_null(strstr(out.p, "!req.body.malformed-gzip {\"byte\":0}"));
            buf_free(&out);
            z.p[whole - i] ^= 0x55;
        }
        buf_add_z(&z, "junk");
        char want[100];
        snprintf(want, sizeof want, "some text, some text!req.body.malformed-gzip {\"byte\":%zu}", whole);
        expect(buf_str(&z), slice, NULL, want);
        z.n = whole;
        expect(STR("[{\"a\":1}]"), slice, NULL, "!req.body.malformed-gzip {\"byte\":0}");
        expect(STR_NONE, slice, NULL, "!req.body.malformed-gzip {\"byte\":0}");
    }
    buf_free(&z);
}

static bool count(void *ctx, struct str bytes, struct error *err)
{
    (void)err;
    *(uint64_t *)ctx += bytes.n;
    return true;
}

static void limits_hold_on_both_sides(void **state)
{
    (void)state;
    size_t n = 1 << 20;
    char *zeros = calloc(1, n);
    struct buf z = {0};
    add_member(&z, str_make(zeros, n));
    static const struct {
        struct gunzip_limits limits;
        bool passes;
        const char *data;
    } cases[] = {
        {{.bytes_max = 1 << 20, .ratio_max = 2000, .ratio_from_bytes = 0}, true, ""},
        {{.bytes_max = (1 << 20) - 1, .ratio_max = 2000, .ratio_from_bytes = 0}, false, "\"limit\":1048575"},
        {{.bytes_max = 1 << 30, .ratio_max = 200, .ratio_from_bytes = 1 << 20}, true, ""},
        {{.bytes_max = 1 << 30, .ratio_max = 200, .ratio_from_bytes = 1 << 19}, false, "\"limit\":200"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t total = 0;
        struct error err = {0};
        struct gunzip *g = gunzip_new(&cases[i].limits, count, &total, &err);
        bool ok = gunzip_push(g, buf_str(&z), &err) && gunzip_finish(g, &err);
        assert_int_equal(ok, cases[i].passes);
        if (!ok) {
            assert_int_equal(err.code, ERROR_BODY_TOO_LARGE);
            assert_string_equal(err.data, cases[i].data);
        } else {
            assert_int_equal(total, n);
        }
        gunzip_free(g);
    }
    buf_free(&z);
    free(zeros);
}

static bool refuse(void *ctx, struct str bytes, struct error *err)
{
    (void)ctx, (void)bytes;
    return error_set(err, ERROR_DISK_FULL, "full");
}

static void what_the_taker_refuses_ends_it(void **state)
{
    (void)state;
    struct buf z = {0};
    struct error err;
    add_member(&z, STR("x"));
    struct gunzip *g = gunzip_new(&gunzip_limits_default, refuse, NULL, &err);
    assert_false(gunzip_push(g, buf_str(&z), &err));
    assert_int_equal(err.code, ERROR_DISK_FULL);
    assert_false(gunzip_finish(g, &err));
    gunzip_free(g);
    gunzip_free(NULL);
    buf_free(&z);
}

/* Its last byte comes when the room for what comes out is full, again and again. */
static void a_member_much_larger_than_what_it_takes_comes_out_whole(void **state)
{
    (void)state;
    struct buf plain = {0}, z = {0}, out = {0};
    struct error err;
    for (size_t n = (768 << 10) - 2; n <= (768 << 10) + 2; n++) {
        memset(buf_room(&plain, n), 'x', n);
        plain.n = n;
        add_member(&z, buf_str(&plain));
        struct gunzip *g = gunzip_new(&gunzip_limits_default, collect, &out, &err);
        assert_true(gunzip_push(g, buf_str(&z), &err) && gunzip_finish(g, &err));
        assert_true(str_eq(buf_str(&out), buf_str(&plain)));
        gunzip_free(g);
        buf_reset(&plain);
        buf_reset(&z);
        buf_reset(&out);
    }
    buf_free(&plain);
    buf_free(&z);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_read_in_any_slices),
        cmocka_unit_test(a_damaged_body_is_refused),
        cmocka_unit_test(limits_hold_on_both_sides),
        cmocka_unit_test(what_the_taker_refuses_ends_it),
        cmocka_unit_test(a_member_much_larger_than_what_it_takes_comes_out_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
