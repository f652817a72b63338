/* A request's line in the access log (access_log.h). */
#include "api/access_log.h"

#include "api/router.h"
#include "base/clock.h"
#include "base/log.h"

enum { TEXT_MAX = 256, QUERY_MAX = 1024, NAME_MAX = 64 };

/* ── secrets ── */

/* Parameters whose values are never shown: RFC 6749, RFC 7636 and RFC 7009 have most of these, clients of this API the others. */
static const char *const secret_names[] = {
    "access_token", "refresh_token", "token",      "client_secret", "code",      "code_verifier", "client_assertion", "assertion",
    "password",     "passwd",        "secret",     "api_key",       "apikey",    "app_token",     "$$app_token",      "authorization",
    "session",      "key_secret",    "keysecret",  "csrf_token",    "csrf",
};

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* What the parameter is called once decoded: it may have been sent as "acc%65ss_token". A name that is longer than any here is none of them. */
static bool is_secret(struct str name)
{
    char text[NAME_MAX];
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        bool coded = name.p[i] == '%' && i + 2 < name.n && digit_of(name.p[i + 1]) >= 0 && digit_of(name.p[i + 2]) >= 0;
        if (n == sizeof text)
            return false;
        text[n++] = coded ? (char)(digit_of(name.p[i + 1]) << 4 | digit_of(name.p[i + 2])) : name.p[i];
        i += coded ? 2 : 0;
    }
    for (size_t i = 0; i < sizeof secret_names / sizeof *secret_names; i++)
        if (str_eq_fold(str_make(text, n), str_from(secret_names[i])))
            return true;
    return false;
}

/* Ours begin so, that scanners find them: slzk_, slzt_… and at least this many characters of secret. */
enum { PREFIX_LENGTH = 5, SECRET_LEAST = 8 };

static bool is_secret_character(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c == '-';
}

/* The length of the secret that the text begins with; 0: it does with none. */
static size_t secret_at(struct str s)
{
    size_t n = PREFIX_LENGTH;
    if (s.n < PREFIX_LENGTH + SECRET_LEAST || memcmp(s.p, "slz", 3) != 0 || s.p[3] < 'a' || s.p[3] > 'z' || s.p[4] != '_')
        return 0;
    while (n < s.n && is_secret_character(s.p[n]))
        n++;
    return n >= PREFIX_LENGTH + SECRET_LEAST ? n : 0;
}

void access_log_write_cut(struct str text, struct buf *out)
{
    while (text.n) {
        size_t n = secret_at(text);
        buf_add(out, text.p, n ? PREFIX_LENGTH : 1);
        if (n)
            buf_add_z(out, "[cut]");
        text = str_skip(text, n ? n : 1);
    }
}

/* ';' divides too, as for those who wrote such a query; the server itself knows only '&'. */
static struct str next_parameter(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] != '&' && rest->p[n] != ';')
        n++;
    struct str one = str_head(*rest, n);
    *rest = str_skip(*rest, n + 1);
    return one;
}

void access_log_write_query(struct str query, bool names_only, struct buf *out)
{
    for (struct str rest = query; rest.n;) {
        struct str name, value, one = next_parameter(&rest);
        bool has_value = str_cut(one, '=', &name, &value);
        access_log_write_cut(name, out);
        if (has_value && !names_only) {
            buf_add_byte(out, '=');
            if (is_secret(name))
                buf_add_z(out, "[cut]");
            else
                access_log_write_cut(value, out);
        }
        if (rest.n)
            buf_add_byte(out, '&');
    }
}

/* ── the line ── */

static void add_member(struct buf *line, const char *name, struct str text, size_t most)
{
    buf_printf(line, ",\"%s\":", name);
    log_add_text(line, text, most);
}

static void add_cut(struct buf *line, const char *name, struct str text, size_t most)
{
    struct buf cut = {0};
    access_log_write_cut(str_head(text, 2 * most), &cut);
    add_member(line, name, buf_str(&cut), most);
    buf_free(&cut);
}

/* The piece of a path that a row's key may stand in, and what follows: not shown. Of a route with :row its last piece; where no route was
 * found, everything after the second piece, for the row of a method that there is not would stand there. */
static struct str without_rows(const struct route *route, struct str path, struct str *ret_instead)
{
    size_t slashes = 0, end = path.n, keep = 3;
    *ret_instead = STR_NONE;
    if (route && !str_ends(str_from(route->pattern), STR("/:row")))
        return path;
    if (route) {
        keep = 0;
        for (const char *p = route->pattern; *p; p++)
            keep += *p == '/';
    }
    for (size_t i = 0; i < path.n && end == path.n; i++)
        if (path.p[i] == '/' && ++slashes == keep)
            end = i;
    if (end < path.n)
        *ret_instead = STR("/…");
    return str_head(path, end);
}

static void add_address(struct buf *line, const struct route *route, const struct http_head *head)
{
    bool all = log_has(LOG_DEBUG);
    struct str instead = STR_NONE, path = all ? head->path : without_rows(route, head->path, &instead);
    struct buf text = {0};
    buf_add_str(&text, str_head_utf8(path, TEXT_MAX));
    buf_add_str(&text, instead);
    add_cut(line, "path", buf_str(&text), TEXT_MAX + 4);
    buf_free(&text);
    if (!head->query.n)
        return;
    access_log_write_query(str_head(head->query, 4 * QUERY_MAX), !all, &text);
    add_member(line, "query", buf_str(&text), all ? QUERY_MAX : TEXT_MAX);
    buf_free(&text);
}

static void add_caller(struct buf *line, const struct call *c)
{
    if (!c || principal_is_anonymous(&c->principal))
        return;
    add_member(line, "user", str_from(c->principal.user.id), TEXT_MAX);
    add_member(line, "via", str_from(c->principal.via), TEXT_MAX);
}

void access_log_add(struct log_file *l, const struct call *c, const struct http_end *end)
{
    static const char *const failures[] = {[HTTP_OK] = NULL, [HTTP_CLIENT_GONE] = "client gone", [HTTP_CLIENT_SLOW] = "client slow",
                                           [HTTP_FRAMING] = "framing", [HTTP_STOPPING] = "stopping"};
    const struct http_head *head = end->head;
    const struct route *route = c ? c->route : NULL;
    struct buf line = {0};
    char time[LOG_TIME_LENGTH + 1];
    log_time(clock_wall_ms(), time);
    buf_printf(&line, "{\"time\":\"%s\",\"id\":", time);
    log_add_text(&line, str_from(head->request_id), TEXT_MAX);
    add_member(&line, "peer", str_from(head->peer), TEXT_MAX);
    add_member(&line, "method", head->method_text, TEXT_MAX);
    if (route)
        add_member(&line, "route", str_from(route->pattern), TEXT_MAX);
    add_address(&line, route, head);
    buf_printf(&line, ",\"status\":%d,\"received\":%llu,\"sent\":%llu,\"ms\":%llu.%03llu", end->status, (unsigned long long)end->received_bytes,
               (unsigned long long)end->sent_bytes, (unsigned long long)(end->us / 1000), (unsigned long long)(end->us % 1000));
    add_caller(&line, c);
    struct str agent = http_header(head, "User-Agent");
    if (agent.n)
        add_cut(&line, "agent", agent, TEXT_MAX);
    if (failures[end->failed])
        add_member(&line, "failed", str_from(failures[end->failed]), TEXT_MAX);
    buf_add_z(&line, "}\n");
    if (buf_ok(&line))
        log_file_add(l, buf_str(&line));
    buf_free(&line);
}
