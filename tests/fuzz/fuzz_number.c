/* Any bytes as a number: never a crash, and what is taken is stable. The canonical form is its own canonical form, what a
 * reply shows reads back as the same, and trimming changes no value. With a second number (after a ';') the order is
 * antisymmetric and agrees with the bytes of the keys. */
#include <stdlib.h>

#include "rows/decimal.h"
#include "rows/type.h"

#define MUST(x)                                                                                                                  \
    do {                                                                                                                         \
        if (!(x))                                                                                                                \
            abort();                                                                                                             \
    } while (0)

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static bool take(struct str text, struct type_context *ctx, struct cell *ret)
{
    struct type_refusal why = {{0}, {0}};
    struct raw raw = {RAW_STRING, text};
    if (!type_number.parse(&type_number, &raw, ctx, ret, &why)) {
        MUST(why.expected[0] != 0 && memchr(why.hint, 0, sizeof why.hint));
        return false;
    }
    if (ret->kind == CELL_NULL)
        return false;
    struct str again = STR_NONE, shown = STR_NONE;
    MUST(decimal_parse(ret->s, ctx->arena, &again) == DECIMAL_OK && str_eq(again, ret->s));
    struct buf out = {0};
    type_number.write_csv(&type_number, ret, NULL, &out);
    MUST(decimal_parse(buf_str(&out), ctx->arena, &shown) == DECIMAL_OK && str_eq(shown, ret->s));
    buf_free(&out);
    struct str trimmed = decimal_trim(ret->s);
    MUST(decimal_compare(trimmed, ret->s) == 0);
    MUST(decimal_parse(trimmed, ctx->arena, &again) == DECIMAL_OK && str_eq(again, trimmed));
    return true;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct arena arena = {0};
    struct type_context ctx = {.arena = &arena};
    struct str first = str_make((const char *)data, n), second;
    struct cell a, b;
    if (str_cut(first, ';', &first, &second) && take(first, &ctx, &a) && take(second, &ctx, &b)) {
        int order = decimal_compare(a.s, b.s);
        MUST(order == -decimal_compare(b.s, a.s));
        MUST((order == 0) == str_eq(decimal_trim(a.s), decimal_trim(b.s)));
    } else {
        take(first, &ctx, &a);
    }
    arena_free(&arena);
    return 0;
}
