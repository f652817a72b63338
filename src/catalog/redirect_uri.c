/* Redirect URIs, taken apart and compared (redirect_uri.h). */
#include "catalog/redirect_uri.h"

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What RFC 3986 lets stand in a path or query; everything else must be percent-encoded. */
static bool is_uri_character(char c)
{
    return is_letter_or_digit(c) || (c && strchr("-._~:/?[]@!$&'()*+,;=%", c));
}

/* scheme "://" authority path [ "?" query ] */
static bool split(struct str text, struct str *ret_authority, struct redirect_uri *ret, struct error *err)
{
    struct str rest;
    if (str_starts(text, STR("https://")))
        rest = str_skip(text, 8);
    else if (str_starts(text, STR("http://"))) {
        rest = str_skip(text, 7);
        ret->is_loopback = true; /* or it is refused below */
    } else
        return error_set(err, ERROR_BAD_REQUEST, "a redirect URI must begin with https:// (or be http://127.0.0.1… or http://[::1]… for an application on the user's machine)");
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    *ret_authority = str_head(rest, n);
    ret->origin = str_head(text, (size_t)(rest.p - text.p) + n);
    ret->has_query = str_cut(str_skip(rest, n), '?', &ret->path, &ret->query);
    return true;
}

static bool check_characters(struct str text, struct error *err)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '#')
            return error_set(err, ERROR_BAD_REQUEST, "a redirect URI has no fragment (RFC 6749 section 3.1.2)");
        if (!is_uri_character(text.p[i]))
            return error_set(err, ERROR_BAD_REQUEST, "byte %zu of the redirect URI cannot stand in one: blanks, backslashes, quotes and letters beyond ASCII are percent-encoded", i + 1);
        if (text.p[i] == '%' && (text.n - i < 3 || hex_value(text.p[i + 1]) < 0 || hex_value(text.p[i + 2]) < 0))
            return error_set(err, ERROR_BAD_REQUEST, "byte %zu of the redirect URI: a %% must be followed by two hexadecimal digits", i + 1);
    }
    return true;
}

static bool check_host(struct redirect_uri *u, struct error *err)
{
    bool bracketed = u->host.n > 2 && u->host.p[0] == '[' && u->host.p[u->host.n - 1] == ']', ok = u->host.n > 0;
    for (size_t i = 0; ok && i < u->host.n; i++) {
        char c = u->host.p[i];
        ok = bracketed ? i == 0 || i == u->host.n - 1 || hex_value(c) >= 0 || c == ':' || c == '.' : is_letter_or_digit(c) || c == '-' || c == '.';
    }
    if (!ok || u->host.n > 255 || u->host.p[0] == '.' || u->host.p[u->host.n - 1] == '.')
        return error_set(err, ERROR_BAD_REQUEST, "the redirect URI names no host: a name of letters, digits, '-' and '.', or an address, is expected after the //");
    if (u->is_loopback && !str_eq(u->host, STR("127.0.0.1")) && !str_eq(u->host, STR("[::1]")))
        return error_set(err, ERROR_BAD_REQUEST, "http:// is taken for 127.0.0.1 and [::1] alone; a redirect URI of another host must begin with https://");
    return true;
}

/* host [ ":" port ], and no user before it: what stands there only ever misleads the eye. */
static bool split_authority(struct str authority, struct redirect_uri *ret, struct error *err)
{
    size_t at, end = 0;
    struct str port;
    if (str_find_byte(authority, '@', &at) || str_find_byte(authority, '%', &at))
        return error_set(err, ERROR_BAD_REQUEST, "a redirect URI names neither user nor password before its host");
    if (authority.n && authority.p[0] == '[' && str_find_byte(authority, ']', &end))
        end++;
    else if (!str_find_byte(authority, ':', &end))
        end = authority.n;
    ret->host = str_head(authority, end);
    port = str_skip(authority, end);
    ret->port = ret->is_loopback ? 80 : 443;
    uint64_t number;
    if (port.n) {
        bool ok = port.p[0] == ':' && port.n <= 6 && str_to_u64(str_skip(port, 1), &number) && number >= 1 && number <= 65535 && port.p[1] != '0';
        if (!ok)
            return error_set(err, ERROR_BAD_REQUEST, "the redirect URI's port must be a number from 1 to 65535");
        ret->port = (unsigned)number;
    }
    return check_host(ret, err);
}

/* Dots and slashes that hide, and segments that go back: two parsers would see two paths. */
static bool check_path(struct str path, struct error *err)
{
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] != '%')
            continue;
        int byte = hex_value(path.p[i + 1]) << 4 | hex_value(path.p[i + 2]);
        if (byte < 0x20 || byte == 0x7f || byte == '.' || byte == '/' || byte == '\\' || byte == '%')
            return error_set(err, ERROR_BAD_REQUEST, "the redirect URI's path must not hold an encoded dot, slash, backslash, percent or control character");
    }
    struct str rest = path;
    while (rest.n) {
        struct str segment;
        str_cut(rest, '/', &segment, &rest);
        if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
            return error_set(err, ERROR_BAD_REQUEST, "the redirect URI's path must not hold the segments . and ..");
    }
    return true;
}

/* The names that the answer adds: one that is there already would be read in its place. */
static bool check_query(struct str query, struct error *err)
{
    static const char *const ours[] = {"code", "state", "iss", "error", "error_description"};
    while (query.n) {
        struct str piece, name, value;
        size_t at;
        str_cut(query, '&', &piece, &query);
        str_cut(piece, '=', &name, &value);
        bool clash = str_find_byte(name, '%', &at) || str_find_byte(name, '+', &at);
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
            clash |= str_eq(name, str_from(ours[i]));
        if (clash)
            return error_set(err, ERROR_BAD_REQUEST, "the redirect URI's own query must not name code, state, iss, error or error_description, nor an encoded name");
    }
    return true;
}

bool redirect_uri_parse(struct str text, struct redirect_uri *ret, struct error *err)
{
    struct redirect_uri u = {0};
    struct str authority = STR_NONE;
    if (text.n == 0 || text.n > REDIRECT_URI_BYTES_MAX)
        return error_set(err, ERROR_BAD_REQUEST, "the redirect URI has %zu bytes; 1 to %d are taken", text.n, REDIRECT_URI_BYTES_MAX);
    if (!check_characters(text, err) || !split(text, &authority, &u, err) || !split_authority(authority, &u, err) || !check_path(u.path, err) ||
        !check_query(u.query, err))
        return false;
    *ret = u;
    return true;
}

bool redirect_uri_check_prefix(struct str text, struct error *err)
{
    struct redirect_uri u;
    if (!redirect_uri_parse(text, &u, err))
        return false;
    return !u.has_query || error_set(err, ERROR_BAD_REQUEST, "a callback prefix has no query: it ends with its host or its path");
}

bool redirect_uri_is(struct str registered, struct str given)
{
    struct redirect_uri r, g;
    struct error why;
    if (!redirect_uri_parse(given, &g, &why) || !redirect_uri_parse(registered, &r, &why))
        return false;
    if (str_eq(registered, given))
        return true;
    return r.is_loopback && g.is_loopback && str_eq(r.host, g.host) && str_eq(r.path, g.path) && r.has_query == g.has_query && str_eq(r.query, g.query);
}

bool redirect_uri_is_below(struct str prefix, struct str given)
{
    struct redirect_uri p, g;
    struct error why;
    if (!redirect_uri_parse(given, &g, &why) || !redirect_uri_parse(prefix, &p, &why) || p.has_query)
        return false;
    if (p.is_loopback != g.is_loopback || !str_eq_fold(p.host, g.host) || p.port != g.port || !str_starts(g.path, p.path))
        return false;
    struct str further = str_skip(g.path, p.path.n);
    return further.n == 0 || p.path.n == 0 || str_ends(p.path, STR("/")) || str_starts(further, STR("/"));
}
