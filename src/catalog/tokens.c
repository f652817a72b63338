/* Application tokens that were seen. They identify, never authenticate, and anybody may send any: so they are counted in
 * a bounded table in memory and written along with the next change of the catalog, never with a commit of their own. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "catalog/internal.h"

void catalog_record_app_token(struct catalog *c, struct str token)
{
    struct app_tokens *t = &c->tokens;
    if (token.n == 0 || token.n > APP_TOKEN_BYTES_MAX || !str_is_utf8(token, NULL) || memchr(token.p, 0, token.n))
        return;
    int64_t now = clock_wall_ms() / 1000;
    pthread_mutex_lock(&t->lock);
    if (!t->v)
        t->v = calloc(APP_TOKENS_MAX, sizeof *t->v);
    size_t i = 0;
    while (t->v && i < t->n && !str_eq(str_from(t->v[i].text), token))
        i++;
    if (t->v && i == t->n && t->n < APP_TOKENS_MAX) {
        t->v[t->n] = (struct app_token){.first_seen = now};
        snprintf(t->v[t->n++].text, sizeof t->v->text, FMT_STR, ARG_STR(token));
    }
    if (t->v && i < t->n) {
        t->v[i].last_seen = now;
        t->v[i].uses++;
    }
    pthread_mutex_unlock(&t->lock);
}

/* A lost count is no loss: on an error the uses stay for the next time. */
void app_tokens_flush(struct catalog *c)
{
    struct app_tokens *t = &c->tokens;
    struct error ignored;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++) {
        struct app_token *token = &t->v[i];
        if (token->uses == 0)
            continue;
        if (!db_run(c->writer, &ignored,
                    "INSERT INTO app_token(token, first_seen, last_seen, uses) VALUES(?1, ?2, ?3, ?4)"
                    " ON CONFLICT(token) DO UPDATE SET last_seen = excluded.last_seen, uses = uses + excluded.uses",
                    "tiii", str_from(token->text), token->first_seen, token->last_seen, token->uses))
            break;
        token->uses = 0;
    }
    pthread_mutex_unlock(&t->lock);
}
