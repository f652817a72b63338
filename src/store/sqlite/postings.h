/* Which rows have a key: a nameless file of 32-bit keys, each with the numbers of its rows. Made once, then only read, by any number of
 * threads at a time. What a key stands for is the caller's: the hash of a word, a place on the map (shortlist.c).
 *
 *     postings_builder_add(b, key, sid) … ─► runs, each sorted by key and row ─► postings_finish() ─► postings_collect(p, from, to, …)
 *
 * The file is gone with the process, as is everything of it: it is never damaged by others, and nothing has to be cleared away. */
#ifndef SELTZER_STORE_SQLITE_POSTINGS_H
#define SELTZER_STORE_SQLITE_POSTINGS_H

#include "base/error.h"

struct postings_builder;
/* folder: where the file is made, borrowed; bytes_max: beyond it, DISK_FULL. */
struct postings_builder *postings_builder_new(const char *folder, uint64_t bytes_max, struct error *err);
/* The same pair may come again. Row numbers are positive. */
must_use bool postings_builder_add(struct postings_builder *b, uint32_t key, int64_t sid, struct error *err);
bool postings_builder_is_full(const struct postings_builder *b); /* it would be larger than bytes_max */
void postings_builder_free(struct postings_builder *b); /* NULL is fine */

struct postings;
/* The builder is gone either way. */
struct postings *postings_finish(struct postings_builder *b, struct error *err);
void postings_free(struct postings *p); /* NULL is fine */
uint64_t postings_bytes(const struct postings *p);

/* Numbers of rows, up to `max` of them; more than that set `over`, and what is in it then says nothing. */
struct sids {
    int64_t *v; /* malloc'ed */
    size_t n, cap, max;
    bool over;
};
must_use bool sids_add(struct sids *s, int64_t sid); /* false: no memory. Sets over instead of adding one too many */
void sids_settle(struct sids *s);                     /* sorted, each once */
void sids_free(struct sids *s);
/* Adds the rows of all keys from..to, in no order, some perhaps twice. False: memory is short, or the file cannot be read. */
must_use bool postings_collect(const struct postings *p, uint32_t from, uint32_t to, struct sids *ret, struct error *err);

#endif
