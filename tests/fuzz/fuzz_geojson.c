/* Any bytes as a GeoJSON object, also such as no JSON reader would let through, and as a stored geometry: nothing breaks,
 * and what is taken comes back the same. The first byte picks the type. */
#include <stdlib.h>

#include "rows/type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_object(const struct type *t, struct str text, struct arena *a)
{
    struct type_context ctx = {.arena = a};
    struct type_refusal why;
    struct cell c, again;
    if (!t->parse(t, &(struct raw){RAW_OBJECT, text}, &ctx, &c, &why))
        return;
    struct buf out = {0};
    t->write_json(t, &c, &(struct type_render){0}, &out);
    if (!t->parse(t, &(struct raw){RAW_OBJECT, buf_str(&out)}, &ctx, &again, &why) || t->compare(&c, &again) != 0)
        abort();
    buf_free(&out);
}

/* A file may be damaged: writing what it holds must come to an end, within the bytes. */
static void check_stored(const struct type *t, struct str bytes)
{
    struct cell c = cell_blob(bytes);
    struct buf out = {0};
    t->write_json(t, &c, &(struct type_render){0}, &out);
    t->write_csv(t, &c, &(struct type_render){0}, &out);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct type *t = type_get((enum type_id)(TYPE_POINT + data[0] % (TYPE_MULTIPOLYGON - TYPE_POINT + 1)));
    struct str text = str_make((const char *)data + 1, size - 1);
    struct arena a = {0};
    check_object(t, text, &a);
    check_stored(t, text);
    arena_free(&a);
    return 0;
}
