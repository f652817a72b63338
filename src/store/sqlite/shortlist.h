/* Shortlists: which rows of a generation can be the answer to a search for words, or be at a place; why so: docs/decisions/shortlists.md.
 *
 *     query ─► shortlists_note(): went over many rows? ─► often? ─► the index thread lists every row, a few thousand a snapshot
 *     write ─► rows that it touched go onto the log, before its commit can be seen
 *     query ─► shortlists_find(): rows listed for it + the log ─► the query reads only these, and asks each for itself
 *
 * A list may have rows too many (deleted, changed since, of a word with the same hash), never one too few: all that changed since a row was
 * listed is on the log, which the index thread works off by listing those rows again. So nothing is ever taken off a list, and a write costs
 * a number in memory a row. A log that grows too long ends the list.
 *
 * Lists are of nameless files and end with the generation's being open: nothing of them outlives the process. */
#ifndef SELTZER_STORE_SQLITE_SHORTLIST_H
#define SELTZER_STORE_SQLITE_SHORTLIST_H

#include "rows/sql_text.h"
#include "store/sqlite/postings.h"

enum {
    SHORTLISTS_MAX = 4,            /* of a generation, wished for or made */
    SHORTLIST_SHARE = 16,          /* more than the table's rows by this and a query goes over all of them … */
    SHORTLIST_ROWS_MIN = 1000,     /* … but so many are never too many, … */
    SHORTLIST_ROWS_MAX = 50000,    /* … and more always: they are in memory, a few MiB a query */
    SHORTLIST_LOG_MIN = 20000,     /* rows on the log, … */
    SHORTLIST_LOG_SHARE = 10,      /* … or the table's rows by this, if that is more, … */
    SHORTLIST_LOG_MAX = 200000,    /* … but not more than these */
    SHORTLIST_CHUNK_ROWS = 5000,   /* listed in a snapshot */
    SHORTLIST_BYTES_MAX = 256 << 20,
    SHORTLIST_BUSY_DOUBLINGS = 3,  /* of INDEX_RETRY_MS, while the table's turn is taken */
    SHORTLIST_MAKE_MS = 120000,    /* what takes longer is given up */
    SHORTLIST_REST_SHARE = 10,     /* the log is not worked off again before so many times what that took last … */
    SHORTLIST_REST_MS = 500,       /* … and this */
};

struct store;
struct generation;
struct store_state;

/* Rows by key, held by the shortlist and by queries that read it. `holders` under store->lock. */
struct listing {
    struct postings *postings;
    unsigned holders;
};

enum shortlist_state { SHORTLIST_WISHED, SHORTLIST_IN_THE_MAKING, SHORTLIST_READY };

struct shortlist {
    struct listed_column columns[LISTED_COLUMNS_MAX];
    size_t n_columns;
    bool is_of_words;              /* else of the places in the one column */
    enum shortlist_state state;
    bool busy;                     /* the index thread is at it: it stays where it is */
    unsigned scans, failures;      /* wished for */
    int64_t scanned;
    long long wished_ms, not_before_ms, caught_up_ms;
    struct listing *base, *later;  /* of all rows; of those at the log's beginning, as they were after */
    int64_t version;               /* of the table, as last looked at: older snapshots may have had rows that neither lists */
    struct sids log;               /* touched since `base` was begun */
    size_t listed;                 /* of the log, by number: in `later` */
};

/* Of a generation. Under store->lock, but for `touched` and `watched`, which are the writer connection's. */
struct shortlists {
    struct store *store;
    struct shortlist *v[SHORTLISTS_MAX]; /* NULL: none */
    struct sids touched;           /* in the open transaction */
    bool watched;
};

/* Under the turn, the writer just opened. */
void shortlists_watch(struct generation *g);
/* A query that was not narrowed was run and went over so many rows. */
void shortlists_note(struct store *s, struct generation *g, const struct query *q, int64_t scanned);
/* How many rows a query may be narrowed to, of a table of so many. */
size_t shortlist_rows_max(int64_t rows);
/* The rows that the query is to look at, as a JSON array, in a snapshot with that state that was begun before. False: all of them, for whatever
 * reason. */
bool shortlists_find(struct store *s, struct generation *g, const struct query *q, const struct store_state *state, struct buf *ret_rows);
/* The index thread, under store->lock, which it leaves for the work. False: nothing is to be done, now or soon. */
bool shortlists_work(struct store *s);
void shortlists_free(struct generation *g); /* nobody uses it */

/* ── shortlist_rows.c: what rows are listed by ── */

/* A key for a word's stem, or for a number by its value; for a place. */
uint32_t listed_word(struct str stem);
uint32_t listed_number(struct str canonical);
uint32_t listed_place(double x, double y);
#define LISTED_ELSEWHERE UINT32_MAX /* points that are not on the map */

/* Lists rows: all (those == NULL), or those. *ret_version: the table's, as last looked at. NULL: failed, or unwanted by now. */
struct postings *shortlist_rows(struct store *s, struct generation *g, const struct shortlist *l, const struct sids *those, int64_t *ret_version, bool *ret_too_large);
/* The rows that one listing has for the narrowing; over: too many. False: it cannot be read, or memory is short. */
struct listings {
    const struct postings *v[2];
    size_t n;
};
must_use bool shortlist_candidates(const struct listings *from, const struct narrowing *narrowing, struct sids *ret, struct error *err);

#endif
