/* Any chunked body, cut anywhere and decoded in place: the same data and the same end as whole. The first byte of the input
 * chooses the length of the slices. */
#include <stdint.h>
#include <stdlib.h>

#include "http/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum parse got;
    size_t used, n;
    char *data;
};

static void decode(const uint8_t *bytes, size_t size, size_t step, struct outcome *ret)
{
    struct chunked d = {0};
    struct error err;

    *ret = (struct outcome){.got = PARSE_MORE, .data = malloc(size + 1)};
    while (ret->got == PARSE_MORE && ret->used < size) {
        size_t take = size - ret->used < step ? size - ret->used : step, used, n;
        char *slice = malloc(take); /* its own memory, so that a step over its end is seen */
        if (!slice || !ret->data)
            abort();
        memcpy(slice, bytes + ret->used, take);
        ret->got = chunked_push(&d, str_make(slice, take), 1 << 20, slice, &used, &n, &err);
        if (ret->got != PARSE_BAD) {
            if (n > used || used > take)
                abort();
            memcpy(ret->data + ret->n, slice, n);
            ret->n += n;
            ret->used += used;
        }
        free(slice);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, cut;

    if (size < 1)
        return 0;
    decode(data + 1, size - 1, size, &whole);
    decode(data + 1, size - 1, (size_t)data[0] % 40 + 1, &cut);
    if (whole.got != cut.got)
        abort();
    if (whole.got != PARSE_BAD && (whole.n != cut.n || whole.used != cut.used || memcmp(whole.data, cut.data, whole.n) != 0))
        abort();
    free(whole.data);
    free(cut.data);
    return 0;
}
