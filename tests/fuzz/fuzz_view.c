/* View documents and Basic credentials: whatever comes in, what is kept of it is JSON that reads back to the same. */
#include <stdlib.h>

#include "api/view_json.h"
#include "gate/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_json(struct arena *a, struct str text)
{
    struct json *v;
    struct error err;
    if (text.n && (!json_parse(a, text, &v, &err) || v->kind != JSON_OBJECT))
        abort();
}

/* A kept document, sent again, is kept as it is. */
static void check_stable(struct arena *a, struct str document)
{
    struct view_input again;
    struct error err;
    if (!view_read(a, document, &again, &err) || !str_eq(again.document_json, document))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a = {0};
    struct view_input in;
    struct basic basic;
    struct error err;
    struct str text = str_make((const char *)data, n);
    if (view_read(&a, text, &in, &err)) {
        check_json(&a, in.document_json);
        check_stable(&a, in.document_json);
        for (size_t i = 0; i < in.n_columns; i++) {
            check_json(&a, in.columns[i].spec.format_json);
            check_json(&a, in.columns[i].spec.extra_json);
        }
    }
    if (basic_parse(text, &a, &basic) && (memchr(basic.name.p, ':', basic.name.n) || memchr(basic.name.p, 0, basic.name.n)))
        abort();
    arena_free(&a);
    return 0;
}
