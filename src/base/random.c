/* Random bytes (random.h). */
#include "base/random.h"

#include <sodium.h>

bool random_init(void)
{
    return sodium_init() >= 0;
}

void random_fill(void *p, size_t n)
{
    randombytes_buf(p, n);
}

uint64_t random_u64(void)
{
    uint64_t v;
    random_fill(&v, sizeof v);
    return v;
}

void random_text(char *ret, size_t n, const char *alphabet)
{
    uint32_t letters = (uint32_t)strlen(alphabet);
    for (size_t i = 0; i < n; i++)
        ret[i] = alphabet[randombytes_uniform(letters)];
}
