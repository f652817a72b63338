/* Basic credentials: base64 of UTF-8 text, cut at the first colon (RFC 7617 section 2). */
#include <sodium.h>

#include "gate/internal.h"

/* The final '=' may be missing: some clients cut them. Nothing else is repaired. */
static bool decode(struct str token, struct arena *a, struct str *ret)
{
    size_t n = 0;
    char *p = arena_alloc(a, token.n + 1);
    while (token.n && token.p[token.n - 1] == '=')
        token.n--;
    if (!p || sodium_base642bin((unsigned char *)p, token.n + 1, token.p, token.n, NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0)
        return false;
    *ret = str_make(p, n);
    return true;
}

bool basic_parse(struct str token, struct arena *a, struct basic *ret)
{
    struct str text;
    token = str_trim(token);
    if (token.n == 0 || token.n > AUTHORIZATION_BYTES_MAX || !decode(token, a, &text))
        return false;
    if (memchr(text.p, 0, text.n) || !str_is_utf8(text, NULL))
        return false;
    return str_cut(text, ':', &ret->name, &ret->password);
}

bool gate_read_basic(struct str authorization, struct arena *a, struct str *ret_name, struct str *ret_password)
{
    struct str scheme, token;
    struct basic basic;
    str_cut(str_trim(authorization), ' ', &scheme, &token);
    if (!str_eq_fold(scheme, STR("Basic")) || !basic_parse(token, a, &basic))
        return false;
    *ret_name = basic.name;
    *ret_password = basic.password;
    return true;
}
