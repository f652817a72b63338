/* The table of unaccent.def, sorted by character once, and the replacement (unaccent.h). */
#include "sql/functions/unaccent.h"

#include <pthread.h>
#include <stdlib.h>
#include <utf8proc.h>

static const struct {
    const char *to, *from;
} rules[] = {
#define X(to, from) {to, from},
#include "sql/functions/unaccent.def"
#undef X
};

struct replacement {
    utf8proc_int32_t from;
    uint16_t rule;
};

enum { REPLACEMENTS_MAX = 2048 };

static struct replacement replacements[REPLACEMENTS_MAX];
static size_t n_replacements;
static pthread_once_t made = PTHREAD_ONCE_INIT;

static int by_character(const void *a, const void *b)
{
    const struct replacement *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

static void make(void)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const char *p = rules[i].from;
        while (*p && n_replacements < REPLACEMENTS_MAX) {
            utf8proc_int32_t c;
            utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)p, -1, &c);
            if (n <= 0)
                break;
            replacements[n_replacements++] = (struct replacement){c, (uint16_t)i};
            p += n;
        }
    }
    qsort(replacements, n_replacements, sizeof *replacements, by_character);
}

void unaccent(struct str s, struct buf *out)
{
    pthread_once(&made, make);
    size_t start = 0; /* of what is copied as it is */
    for (size_t i = 0; i < s.n;) {
        struct replacement key = {0, 0};
        if ((unsigned char)s.p[i] < 0x80) {
            i++;
            continue;
        }
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s.p + i, (utf8proc_ssize_t)(s.n - i), &key.from);
        if (n <= 0) {
            i++;
            continue;
        }
        const struct replacement *r = bsearch(&key, replacements, n_replacements, sizeof key, by_character);
        if (r) {
            buf_add(out, s.p + start, i - start);
            buf_add_z(out, rules[r->rule].to);
            start = i + (size_t)n;
        }
        i += (size_t)n;
    }
    buf_add(out, s.p + start, s.n - start);
}
