/* Secrets that programs present: base/secret.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/secret.h"

/* In the place of getrandom: what the kernel gives, a byte at a time, or nothing. */
static int refuses; /* errno */
static int interruptions;
static size_t most = 64;

ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);
ssize_t __real_getrandom(void *p, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags)
{
    if (interruptions > 0 || refuses) {
        errno = interruptions > 0 ? EINTR : refuses;
        interruptions -= interruptions > 0;
        return -1;
    }
    return __real_getrandom(p, n < most ? n : most, flags);
}

static void a_secret_is_a_prefix_and_43_letters_and_digits(void **state)
{
    char a[SECRET_LENGTH + 1], b[SECRET_LENGTH + 1];
    (void)state;
    assert_true(secret_make(SECRET_KEY, a) && secret_make(SECRET_KEY, b));
    assert_int_equal(strlen(a), SECRET_LENGTH);
    assert_memory_equal(a, "slzk_", 5);
    assert_string_not_equal(a, b);
    assert_true(secret_looks_like(str_from(a), SECRET_KEY));
    assert_false(secret_looks_like(str_from(a), SECRET_TOKEN));
    assert_false(secret_looks_like(str_head(str_from(a), SECRET_LENGTH - 1), SECRET_KEY));
    assert_false(secret_looks_like(str_make("slzk_0123456789012345678901234567890123456789\0_2", SECRET_LENGTH), SECRET_KEY));
    a[20] = '-';
    assert_false(secret_looks_like(str_from(a), SECRET_KEY));
    a[20] = 0;
    assert_false(secret_looks_like(str_make(a, SECRET_LENGTH), SECRET_KEY));
}

/* 62,000 letters: a thousand of each, give or take; ten standard deviations are 310. */
static void every_letter_is_as_likely(void **state)
{
    static char text[62001];
    unsigned seen[256] = {0}, different = 0;
    (void)state;
    assert_true(secret_random_text(text, 62000));
    for (size_t i = 0; i < 62000; i++)
        seen[(unsigned char)text[i]]++;
    for (int i = 0; i < 256; i++)
        if (seen[i]) {
            different++;
            assert_in_range(seen[i], 690, 1310);
        }
    assert_int_equal(different, 62);
}

static void a_kernel_that_gives_little_or_nothing_makes_no_weak_secret(void **state)
{
    char a[SECRET_LENGTH + 1] = "before";
    (void)state;
    most = 1;
    interruptions = 3;
    assert_true(secret_make(SECRET_TOKEN, a));
    assert_true(secret_looks_like(str_from(a), SECRET_TOKEN));
    assert_int_equal(interruptions, 0);
    most = 64;
    refuses = ENOSYS;
    assert_false(secret_make(SECRET_TOKEN, a));
    assert_string_equal(a, "");
    assert_false(secret_random_text(a, 10));
    assert_string_equal(a, "");
    refuses = 0;
}

static void the_hash_is_sha_256(void **state)
{
    unsigned char got[SECRET_HASH_BYTES], other[SECRET_HASH_BYTES];
    char hex[2 * SECRET_HASH_BYTES + 1];
    (void)state;
    secret_hash(STR("abc"), got); /* FIPS 180-2, appendix B.1 */
    assert_string_equal(sodium_bin2hex(hex, sizeof hex, got, sizeof got), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    secret_hash(STR_NONE, other);
    assert_string_equal(sodium_bin2hex(hex, sizeof hex, other, sizeof other), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_false(secret_hash_is(got, other));
    secret_hash(STR("abc"), other);
    assert_true(secret_hash_is(got, other));
    secret_wipe(got, sizeof got);
    for (size_t i = 0; i < sizeof got; i++)
        assert_int_equal(got[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_a_prefix_and_43_letters_and_digits),
        cmocka_unit_test(every_letter_is_as_likely),
        cmocka_unit_test(a_kernel_that_gives_little_or_nothing_makes_no_weak_secret),
        cmocka_unit_test(the_hash_is_sha_256),
    };
    return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
