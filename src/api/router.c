/* A path to its route (router.h). The table is short and scanned whole: a path is compared piece by piece. */
#include "api/router.h"

#include "api/handlers.h"

#define NO false
#define YES true
static const struct route routes[] = {
#define X(method, pattern, dataset, action, handler) {HTTP_##method, pattern, dataset, GATE_##action, &handler_##handler},
#include "api/routes.def"
#undef X
};
#undef NO
#undef YES

unsigned router_number(const struct route *r)
{
    return (unsigned)(r - routes);
}

const struct route *router_route(unsigned number)
{
    return number < ROUTES ? &routes[number] : NULL;
}

const struct route *router_routes(size_t *ret_n)
{
    *ret_n = ROUTES;
    return routes;
}

static const struct {
    const char *text;
    enum api_extension extension;
} extensions[] = {
    {".json", EXTENSION_JSON}, {".csv", EXTENSION_CSV}, {".geojson", EXTENSION_GEOJSON}, {".tsv", EXTENSION_TSV}, {".xml", EXTENSION_XML}, {".rdf", EXTENSION_RDF}, {".txt", EXTENSION_TXT},
};

enum { PIECES_MAX = 8 };

/* Splits at '/', decodes each piece once. Empty pieces inside, "." and ".." match nothing; one trailing slash is fine. */
static bool split_path(struct call *c, struct str pieces[PIECES_MAX], size_t *ret_n, bool *ret_sane, struct error *err)
{
    struct str rest = c->head->path;
    size_t n = 0;
    *ret_sane = rest.n > 0 && rest.p[0] == '/';
    rest = str_skip(rest, 1);
    while (rest.n && *ret_sane) {
        struct str piece;
        str_cut(rest, '/', &piece, &rest);
        if (n == PIECES_MAX || piece.n == 0) {
            *ret_sane = false;
            break;
        }
        if (!http_decode_percent(piece, false, c->arena, &pieces[n], err))
            return false;
        struct str p = pieces[n++];
        if (!str_is_utf8(p, NULL) || str_eq(p, STR(".")) || str_eq(p, STR("..")))
            *ret_sane = false;
    }
    *ret_n = n;
    return true;
}

static struct str strip_extension(struct str piece, enum api_extension *ret)
{
    *ret = EXTENSION_NONE;
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        struct str text = str_from(extensions[i].text);
        if (piece.n > text.n && str_eq_fold(str_skip(piece, piece.n - text.n), text)) {
            *ret = extensions[i].extension;
            return str_head(piece, piece.n - text.n);
        }
    }
    return piece;
}

static bool matches(const char *pattern, const struct str *pieces, size_t n, struct str part[CALL_PARTS_MAX])
{
    struct str rest = str_from(pattern + 1);
    size_t parts = 0;
    for (size_t i = 0; i < n; i++) {
        struct str want;
        if (rest.n == 0)
            return false;
        str_cut(rest, '/', &want, &rest);
        if (want.n && want.p[0] == ':')
            part[parts++] = pieces[i];
        else if (!str_eq(want, pieces[i]))
            return false;
    }
    return rest.n == 0;
}

/* The path's methods, as Allow wants them; empty when the path is nobody's. */
static struct str allowed(struct call *c, const struct str *pieces, size_t n)
{
    static const char *const names[] = {[HTTP_GET] = "GET, HEAD",    [HTTP_POST] = "POST",     [HTTP_PUT] = "PUT",
                                        [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE"};
    struct str unused[CALL_PARTS_MAX];
    char *text = arena_zalloc(c->arena, 64);
    unsigned seen = 0;
    if (!text)
        return STR_NONE;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (!(seen & 1u << routes[i].method) && matches(routes[i].pattern, pieces, n, unused)) {
            seen |= 1u << routes[i].method;
            strcat(text, names[routes[i].method]);
            strcat(text, ", ");
        }
    if (seen)
        strcat(text, "OPTIONS");
    return str_from(text);
}

bool router_match(struct call *c, struct str *ret_allow, struct error *err)
{
    struct str pieces[PIECES_MAX];
    size_t n;
    bool sane;
    *ret_allow = STR_NONE;
    if (!split_path(c, pieces, &n, &sane, err))
        return false;
    if (sane && n) {
        c->last_literal = pieces[n - 1];
        pieces[n - 1] = strip_extension(pieces[n - 1], &c->extension);
        enum http_method method = c->head->method == HTTP_HEAD ? HTTP_GET : c->head->method;
        for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
            if (routes[i].method == method && matches(routes[i].pattern, pieces, n, c->part)) {
                c->route = &routes[i];
                return true;
            }
        *ret_allow = allowed(c, pieces, n);
    }
    if (ret_allow->n) {
        error_set(err, ERROR_METHOD_NOT_ALLOWED, "HTTP method " FMT_STR " is not allowed for this request; allowed are " FMT_STR,
                  ARG_STR(str_head(c->head->method_text, 32)), ARG_STR(*ret_allow));
        error_data_str(err, "method", str_head(c->head->method_text, 32));
        error_data_str(err, "allowed", *ret_allow);
        return false;
    }
    struct str shown = str_head(c->head->path, 200);
    error_set(err, ERROR_NOT_FOUND, "Path not found: " FMT_STR, ARG_STR(shown));
    error_data_str(err, "path", shown);
    return false;
}
