/* Applications, grants and tokens stand in catalog.db and nowhere else: one connection reads them, a row in an index at a time
 * (about 15 µs), so that what another process changed counts at once. */
#include <sodium.h>

#include "catalog/internal.h"

enum { LOOKUPS_CACHE_BYTES = 1 << 20 };

bool lookups_open(struct lookups *l, const char *path, struct error *err)
{
    l->db = sql_open(path, SQL_READER, LOOKUPS_CACHE_BYTES, err);
    return l->db != NULL;
}

void lookups_close(struct lookups *l)
{
    sql_close(l->db);
    pthread_mutex_destroy(&l->lock);
}

bool catalog_change_begin(struct catalog *c, struct error *err)
{
    pthread_mutex_lock(&c->write);
    if (db_begin(c->writer, err))
        return true;
    pthread_mutex_unlock(&c->write);
    return false;
}

bool catalog_change_end(struct catalog *c, bool ok, struct error *err)
{
    if (ok) {
        app_tokens_flush(c);
        ok = db_commit(c->writer, err);
    } else {
        db_rollback(c->writer);
    }
    pthread_mutex_unlock(&c->write);
    return ok;
}

struct str hex_write(const unsigned char hash[32], char *ret)
{
    sodium_bin2hex(ret, 65, hash, 32);
    return str_make(ret, 64);
}

bool hex_read(struct str hex, unsigned char *ret, size_t n)
{
    size_t got;
    return hex.n == 2 * n && sodium_hex2bin(ret, n, hex.p, hex.n, NULL, &got, NULL) == 0 && got == n;
}
