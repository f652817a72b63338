/* Any text as a redirect URI: its parts are parts of the text, what is taken matches itself and its own prefix, and a callback prefix never
 * lets a code out of its host. The input is cut at its first line feed into a prefix and an address. */
#include <stdint.h>
#include <stdlib.h>

#include "catalog/redirect_uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct str part, struct str whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void check(struct str text)
{
    struct redirect_uri u;
    struct error err;
    if (!redirect_uri_parse(text, &u, &err))
        return;
    if (!is_within(u.origin, text) || !is_within(u.host, text) || !is_within(u.path, text) || !is_within(u.query, text))
        abort();
    if (!redirect_uri_is(text, text) || u.port == 0 || u.port > 65535 || u.host.n == 0 || memchr(text.p, '#', text.n) || memchr(text.p, '\\', text.n) || memchr(u.origin.p, '@', u.origin.n))
        abort();
    if (!u.has_query && !redirect_uri_is_below(text, text))
        abort();
    if (!redirect_uri_is_below(u.origin, text))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *own = malloc(size + 1); /* its own memory, so that a step over its end is seen */
    struct str prefix, given;
    struct redirect_uri p, g;
    struct error err;
    if (!own)
        abort();
    if (size)
        memcpy(own, data, size);
    str_cut(str_make(own, size), '\n', &prefix, &given);
    check(prefix);
    check(given);
    if (redirect_uri_is_below(prefix, given)) {
        if (!redirect_uri_parse(prefix, &p, &err) || !redirect_uri_parse(given, &g, &err) || !str_eq_fold(p.host, g.host) || p.port != g.port || p.is_loopback != g.is_loopback ||
            !str_starts(g.path, p.path))
            abort();
    }
    free(own);
    return 0;
}
