/* Any text as WKT, or as the other texts that a geometry takes: nothing breaks, and what is taken comes back the same
 * from both of its spellings. The first byte picks the type. */
#include <stdlib.h>

#include "rows/type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct type *t, const struct cell *c, enum raw_kind kind,
                             void (*write)(const struct type *, const struct cell *, const struct type_render *, struct buf *),
                             struct arena *a)
{
    struct type_context ctx = {.arena = a};
    struct type_refusal why;
    struct buf text = {0};
    struct cell again;
    write(t, c, &(struct type_render){0}, &text);
    struct raw raw = {kind, buf_str(&text)};
    if (!t->parse(t, &raw, &ctx, &again, &why) || t->compare(c, &again) != 0)
        abort();
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct type *t = type_get((enum type_id)(TYPE_POINT + data[0] % (TYPE_MULTIPOLYGON - TYPE_POINT + 1)));
    struct str text = str_make((const char *)data + 1, size - 1);
    struct arena a = {0};
    struct type_context ctx = {.arena = &a};
    struct type_refusal why;
    struct cell c;
    size_t bad_at;
    if (!str_is_utf8(text, &bad_at))
        return 0;
    if (t->parse(t, &(struct raw){RAW_STRING, text}, &ctx, &c, &why) && c.kind != CELL_NULL) {
        check_round_trip(t, &c, RAW_STRING, t->write_csv, &a);
        check_round_trip(t, &c, RAW_OBJECT, t->write_json, &a);
    }
    arena_free(&a);
    return 0;
}
