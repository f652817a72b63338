/* Who is at the other end: addresses, the networks of trusted proxies, connections counted by client. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "http/internal.h"

static const unsigned char v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_v4(const struct address *a)
{
    return memcmp(a->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

/* "1.2.3.4", "::1", "[::1]"; with a port after a v4 address or brackets, as some proxies write it. */
bool address_parse(struct str text, struct address *ret)
{
    char z[64];
    size_t at;
    unsigned char v4[4];

    if (text.n > 0 && text.p[0] == '[') {
        if (!str_find_byte(text, ']', &at))
            return false;
        text = str_make(text.p + 1, at - 1);
    } else if (memchr(text.p, '.', text.n) && str_find_byte(text, ':', &at) && !memchr(text.p + at + 1, ':', text.n - at - 1)) {
        text.n = at;
    }
    if (text.n == 0 || text.n >= sizeof(z))
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = 0;
    if (inet_pton(AF_INET, z, v4) == 1) {
        memcpy(ret->bytes, v4_prefix, sizeof(v4_prefix));
        memcpy(ret->bytes + 12, v4, sizeof(v4));
        return true;
    }
    return inet_pton(AF_INET6, z, ret->bytes) == 1;
}

void address_text(const struct address *a, char *ret, size_t n)
{
    if (!inet_ntop(is_v4(a) ? AF_INET : AF_INET6, is_v4(a) ? a->bytes + 12 : a->bytes, ret, (socklen_t)n))
        ret[0] = 0;
}

void address_from_socket(const struct sockaddr *sa, struct address *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (sa->sa_family == AF_INET) {
        memcpy(ret->bytes, v4_prefix, sizeof(v4_prefix));
        memcpy(ret->bytes + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        memcpy(ret->bytes, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
    }
}

/* "10.0.0.0/8", "fd00::/8", or one address */
bool network_parse(const char *cidr, struct network *ret)
{
    struct str head, bits;
    struct network n = {.bits = 128};
    uint64_t given;
    bool cut = str_cut(str_from(cidr), '/', &head, &bits);

    if (!address_parse(head, &n.address))
        return false;
    if (cut) {
        uint64_t most = is_v4(&n.address) ? 32 : 128;
        if (!str_to_u64(bits, &given) || given > most)
            return false;
        n.bits = (unsigned)(128 - most + given);
    }
    *ret = n;
    return true;
}

bool network_has(const struct network *n, const struct address *a)
{
    unsigned whole = n->bits / 8, rest = n->bits % 8;

    if (memcmp(n->address.bytes, a->bytes, whole) != 0)
        return false;
    return rest == 0 || ((n->address.bytes[whole] ^ a->bytes[whole]) >> (8 - rest)) == 0;
}

/* The client as the nearest trusted proxy knows it: the last address of X-Forwarded-For that is no proxy of ours. False: the proxy
 * passes somebody on whose address it does not say ("unknown"). */
static bool client_address(const struct connection *c, const struct http_head *h, struct address *ret)
{
    for (size_t i = h->n_headers; i-- > 0;) {
        struct str list = h->headers[i].value;
        if (!str_eq_fold(h->headers[i].name, STR("X-Forwarded-For")))
            continue;
        do {
            struct address a;
            bool trusted = false;
            size_t start = list.n;
            while (start > 0 && list.p[start - 1] != ',')
                start--;
            if (!address_parse(str_trim(str_skip(list, start)), &a))
                return false;
            *ret = a;
            for (size_t k = 0; k < c->server->n_proxies; k++)
                trusted = trusted || network_has(&c->server->proxies[k], &a);
            if (!trusted)
                return true;
            list.n = start ? start - 1 : 0;
        } while (list.n > 0);
    }
    return true;
}

/* What the proxy says of the client's way to it; its word counts both ways, for TLS between us and the proxy says nothing about the client.
 * Said more than once, by a proxy that adds its own to what the client sent, all must say https. */
static bool is_secure(const struct http_head *h, bool ours)
{
    bool said = false, secure = true;

    for (size_t i = 0; i < h->n_headers; i++) {
        if (!str_eq_fold(h->headers[i].name, STR("X-Forwarded-Proto")))
            continue;
        said = true;
        secure = secure && str_eq_fold(h->headers[i].value, STR("https"));
    }
    return said ? secure : ours;
}

void peer_set_client(const struct connection *c, struct http_head *h)
{
    const struct http_server *s = c->server;
    struct address a = c->address;
    bool is_known = true;

    h->secure = c->ssl != NULL;
    if (c->from_proxy) {
        h->secure = is_secure(h, h->secure);
        is_known = client_address(c, h, &a);
    }
    /* The proxy itself may be an operator's machine; who comes through it unnamed is not. */
    for (size_t i = 0; is_known && i < s->n_operators; i++)
        h->from_operator = h->from_operator || network_has(&s->operators[i], &a);
    address_text(&a, h->peer, sizeof(h->peer));
}

/* ── connections by client: a chained hash table under a lock; entries leave with their last connection ── */

enum { PEER_LISTS = 1024 };

struct peer {
    struct peer *next;
    struct address key;
    size_t n;
};

struct peers {
    pthread_mutex_t lock;
    uint64_t seed;
    struct peer *lists[PEER_LISTS];
};

struct peers *peers_new(void)
{
    struct peers *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    p->seed = random_u64() | 1;
    return p;
}

void peers_free(struct peers *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < PEER_LISTS; i++)
        for (struct peer *e = p->lists[i], *next; e; e = next) {
            next = e->next;
            free(e);
        }
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static struct address peer_key(const struct address *a)
{
    struct address key = *a;

    if (!is_v4(a))
        memset(key.bytes + 8, 0, 8);
    return key;
}

/* Where the entry of a key is, or would be. */
static struct peer **peer_find(struct peers *p, const struct address *key)
{
    uint64_t high, low, h;
    struct peer **at;

    memcpy(&high, key->bytes, 8);
    memcpy(&low, key->bytes + 8, 8);
    h = (high ^ p->seed) * 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 29) ^ low) * (p->seed | 1);
    at = &p->lists[(h >> 40) % PEER_LISTS];
    while (*at && memcmp((*at)->key.bytes, key->bytes, sizeof(key->bytes)) != 0)
        at = &(*at)->next;
    return at;
}

size_t peers_enter(struct peers *p, const struct address *a)
{
    struct address key = peer_key(a);
    struct peer **at;
    size_t n = 1;

    pthread_mutex_lock(&p->lock);
    at = peer_find(p, &key);
    if (!*at) {
        *at = calloc(1, sizeof(**at));
        if (*at)
            (*at)->key = key;
    }
    if (*at)
        n = ++(*at)->n;
    pthread_mutex_unlock(&p->lock);
    return n;
}

void peers_leave(struct peers *p, const struct address *a)
{
    struct address key = peer_key(a);
    struct peer **at, *e;

    pthread_mutex_lock(&p->lock);
    at = peer_find(p, &key);
    e = *at;
    if (e && --e->n == 0) {
        *at = e->next;
        free(e);
    }
    pthread_mutex_unlock(&p->lock);
}
