/* Any bytes as a floating and as a fixed timestamp: never a crash, what is taken lies in the years 0001 to 9999, and what
 * is written for it reads back as the same instant and is written the same again. What both types take without an offset
 * is the same date and time. */
#include <stdlib.h>

#include "rows/timestamp.h"

#define MUST(x)                                                                                                                  \
    do {                                                                                                                         \
        if (!(x))                                                                                                                \
            abort();                                                                                                             \
    } while (0)

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static bool take(const struct type *t, struct str text, int64_t *ret)
{
    struct type_refusal why = {{0}, {0}};
    struct type_context ctx = {0};
    struct raw raw = {RAW_STRING, text};
    struct cell c, again;
    if (!t->parse(t, &raw, &ctx, &c, &why)) {
        MUST(why.expected[0] != 0);
        return false;
    }
    if (c.kind == CELL_NULL)
        return false;
    MUST(c.i >= TIMESTAMP_MS_MIN && c.i <= TIMESTAMP_MS_MAX);
    struct buf first = {0}, second = {0};
    t->write_csv(t, &c, NULL, &first);
    raw.text = buf_str(&first);
    MUST(first.n == (t == &type_fixed_timestamp ? 24 : 23));
    MUST(t->parse(t, &raw, &ctx, &again, &why) && again.kind == CELL_INT && again.i == c.i);
    t->write_csv(t, &again, NULL, &second);
    MUST(str_eq(buf_str(&first), buf_str(&second)));
    buf_free(&first);
    buf_free(&second);
    *ret = c.i;
    return true;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct str text = str_make((const char *)data, n);
    int64_t floating, fixed;
    if (take(&type_floating_timestamp, text, &floating))
        MUST(take(&type_fixed_timestamp, text, &fixed) && fixed == floating);
    else
        take(&type_fixed_timestamp, text, &fixed);
    return 0;
}
