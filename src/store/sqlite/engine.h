/* The embedded engine's inside: what the files of store/sqlite share. docs/storage.md draws it.
 *
 * A `struct table` is a dataset at work, made at first touch and kept. Its `struct generation` is the open file
 * rows-<n>.db: one writer connection (all writes, all checkpoints) and readers that come and go. Locks, in this order:
 *
 *     table->turn     who holds it may write, open, close, replace the table's file: one at a time, first come first served.
 *                     Taking it undoes a write that was begun early (early.c)
 *     table->early_lock  that early write, and the writer connection while there is one
 *     store->lock     the table of tables, table->current, the states, uses and idle readers: held for moments, never over I/O
 *
 * A generation is never closed while `uses` counts somebody; one that a newer generation replaced is closed by its last user. */
#ifndef SELTZER_STORE_SQLITE_ENGINE_H
#define SELTZER_STORE_SQLITE_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "sql/sql.h"
#include "store/sqlite/index.h"
#include "store/sqlite/shortlist.h"
#include "store/store.h"

enum {
    FORMAT_VERSION = 1,            /* PRAGMA user_version of rows-<n>.db */
    TABLE_BUCKETS = 1024,
    OPEN_FILES_MAX = 64,           /* generations kept open while nobody uses them */
    IDLE_READERS_MAX = 8,          /* of a generation */
    IDLE_READERS_ALL_MAX = 24,
    READER_CACHE_BYTES = 1 << 20,
    WRITER_CACHE_BYTES = 1 << 20,
    BULK_FROM_BYTES = 1 << 20,     /* a write from this size on borrows cache */
    CHECKPOINT_IDLE_MS = 500,
    EARLY_IDLE_MS = 3000,          /* an early write whose body brings nothing for so long is undone */
    CHECKPOINT_FRAMES = 2048,      /* 16 MiB of WAL: checkpoint even when busy */
    TICK_MS = 250,
    GONE_AGAIN_MS = 60000, /* between two looks at deletions that were held up */
    QUERY_DEADLINE_MS = 30000,
    KEEP_SECONDS = 15 * 24 * 3600, /* former generations */
    WITNESS_KEEP_MS = 24 * 3600 * 1000,
};

/* The one row of the table `meta`, and the audit chain's head: what changes together with the rows. */
struct meta {
    struct store_state state;
    int64_t next_sid;
    int64_t key_column;     /* physical number of the row identifier, 0 for none */
    int64_t key_scaled;     /* number keys: one with a decimal point was seen (apply.c) */
    struct chain_head audit;
};

/* First come, first served. */
struct turn {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t next, serving;
    bool refused; /* somebody tried and went away since it was taken */
};
void turn_init(struct turn *t);
void turn_fini(struct turn *t);
void turn_take(struct turn *t);
bool turn_try(struct turn *t); /* false when it is taken */
bool turn_is_free(struct turn *t);
bool turn_is_wanted(struct turn *t); /* while it is taken: somebody waits for it, or tried */
void turn_give(struct turn *t);

struct applier;
struct early;
struct table;

struct store_within {
    struct sql *db;
    const struct store_state *state;
};

struct generation {
    struct table *table;
    int64_t number;
    char *path;
    struct sql *writer;          /* under the turn; NULL after a fault until it is opened again */
    struct applier *applier;     /* the writer's statements */
    atomic_int wal_frames;
    atomic_llong written_ms;     /* monotonic */
    atomic_bool early;           /* the table has an early write */
    /* under store->lock */
    unsigned uses;
    bool retired;
    uint64_t used;
    struct indexes indexes;
    struct shortlists shortlists;
    struct sql *idle[IDLE_READERS_MAX];
    unsigned idle_n;
    struct generation *next;     /* of store->open */
};

struct table {
    char id[DATASET_ID_LENGTH + 1];
    struct turn turn;
    bool mend;                   /* under the turn: a fault of the disk was met and the WAL not yet put away */
    pthread_mutex_t early_lock;
    struct early *early;         /* under early_lock: a write in the writer's open transaction (early.c) */
    bool early_broken;           /* under early_lock: one met a fault of the writer's */
    /* under store->lock; changed only by the turn's holder */
    int64_t generation;
    struct generation *current;  /* NULL while closed */
    struct meta meta;
    int64_t anchored_seq;        /* as far as the catalog's chain knows of this one (audit.c) */
    bool has_meta, dropped;
    bool committing;             /* readers of the file may see more than meta says */
    unsigned refs;
    struct table *next;
};

struct store {
    char *dir;
    struct catalog *catalog;
    size_t cache_bytes, cache_lent;
    struct disk_reserve reserve;
    unsigned query_deadline_ms;
    void (*warn)(const char *text); /* NULL: nobody wants to know */
    atomic_bool gone_left;       /* a deletion could not be ended */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct table *buckets[TABLE_BUCKETS];
    struct generation *open;
    unsigned open_n, idle_readers;
    uint64_t clock;              /* of `used` */
    bool stopping, thread_runs, index_thread_runs;
    pthread_t thread, index_thread;
    pthread_cond_t index_wake;
};

/* ── engine.c: tables and their open files ── */

/* The table with its turn taken and its file open, writer included. Give back with table_give(). */
struct table *table_take(struct store *s, const struct dataset *d, struct error *err);
void table_give(struct store *s, struct table *t);
/* The same, but that early write is not undone. */
struct table *table_take_keeping(struct store *s, const struct dataset *d, const struct early *keep, struct error *err);
/* The same for the beginning of an early write: only when nobody wants the table and none is under way; else NULL. */
struct table *table_try(struct store *s, const struct dataset *d);
/* An early write is under way, or has left a connection that is to be closed. */
bool table_has_early(struct table *t);
struct timespec store_tick(void); /* when the store's threads look again */
/* Keeps the struct, nothing else. */
struct table *table_ref(struct store *s, struct table *t);
void table_unref(struct store *s, struct table *t);
/* The open file for reading, without the turn when it is open already. */
struct generation *generation_use(struct store *s, const struct dataset *d, struct error *err);
void generation_leave(struct store *s, struct generation *g);
struct generation *generation_again(struct store *s, struct generation *g); /* one more use of what is in use */
/* Under the turn: the writer ran into a fault; close it. table_take() opens a new one. */
void generation_break_writer(struct generation *g);
/* Under the turn, before a commit and when it failed. Readers of the file see it a moment before table_publish(): who asks for the
 * state meanwhile is told what the file says, so that nobody is told less than somebody has seen. */
void table_committing(struct store *s, struct table *t, bool yes);
void state_in_file(struct store *s, const struct dataset *d, struct store_state *ret); /* read.c; *ret stays when the file cannot be read */
/* Under the turn, after a commit: what readers of store_state see. */
void table_publish(struct store *s, struct table *t, const struct meta *m);
/* Under the turn: the generation `number`, whose file is complete and synced, opened before anybody is told of it: what cannot be
 * opened (a full disk has no room for a WAL's index) must not become the table. Then it takes over with its meta, or is closed. */
struct generation *generation_prepare(struct store *s, struct table *t, int64_t number, struct error *err);
void generation_discard(struct generation *g);
void table_advance(struct store *s, struct table *t, struct generation *next, const struct meta *m);
/* The turn alone, nothing opened; table_forget() and table_release() end it. */
struct table *table_find(struct store *s, const char *id); /* under store->lock; NULL: nobody has opened it yet */
struct table *table_hold(struct store *s, const struct dataset *d, struct error *err);
/* Nobody finds the table again; its files are closed when their users leave. */
void table_forget(struct store *s, struct table *t);
void table_release(struct store *s, struct table *t);
/* The table's meta row as of its last write; false: nobody has opened it yet. */
bool table_meta(struct store *s, const struct dataset *d, struct meta *ret);
struct sql *reader_take(struct store *s, struct generation *g, struct error *err);
void reader_give(struct store *s, struct generation *g, struct sql *reader, bool good);
/* Cache for a bulk write: how much was lent; give the same back. */
size_t cache_lend(struct store *s);
void cache_return(struct store *s, size_t bytes);

/* ── shape.c ── */

/* What store_create does, whatever is left of the disk: a reader may find a dataset without its file. */
must_use bool create_files(struct store *s, const struct dataset *d, struct error *err);

/* ── layout.c: files, tables, the meta row ── */

char *path_of_table(const struct store *s, const char *id); /* malloc'ed */
char *path_of_generation(const struct store *s, const char *id, int64_t number);
char *path_of_build(const struct store *s, const char *id); /* of a file in the making, which is no generation yet */
void remove_database(const char *path); /* with -wal, -shm and -journal */
/* Creates the tables in a SQL_BUILD file, inside its transaction. The index on the row identifier is apart. */
must_use bool layout_create(struct sql *db, const struct columns *columns, struct error *err);
/* The same with the columns of another file, which may have more than any snapshot that a write was begun under. */
must_use bool layout_create_like(struct sql *db, struct sql *from, struct error *err);
must_use bool layout_count_columns(struct sql *db, int64_t *ret, struct error *err); /* of `rows`, the four of our own included */
must_use bool layout_create_key_index(struct sql *db, const struct column *key, struct error *err);
/* The first pages of `rows` and of the index on the row identifier, 0 when there is none. */
must_use bool layout_find_roots(struct sql *db, uint32_t *ret_table, uint32_t *ret_index, struct error *err);
must_use bool layout_check_format(struct sql *db, struct error *err);
/* "c3", or what of it identifies: url_address(c3). */
void layout_key_expression(const struct column *key, char *ret, size_t n);
const char *layout_column_type(const struct type *type); /* "TEXT COLLATE DECIMAL1"… */
void meta_init(struct meta *m, const struct columns *columns);
must_use bool meta_insert(struct sql *db, const struct meta *m, struct error *err);
must_use bool meta_update(struct sql *db, const struct meta *m, struct error *err);
must_use bool meta_read(struct sql *db, struct meta *ret, struct error *err);
must_use bool meta_read_state(struct sql *db, struct store_state *ret, struct error *err);
must_use bool meta_read_state_of(struct sql *db, const char *schema, struct store_state *ret, struct error *err); /* of an attached file */

/* ── ledger.c: the rows that a write leaves beside its data ── */

struct ledger_entry {
    const char *action;  /* "upsert", "replace", "truncate", "create", "add_column", "row_identifier" */
    const char *dataset; /* so that a chain cannot be taken for another's */
    const struct actor *by;
    int64_t at_ms, generation;
    struct write_counts counts;
};
struct actor write_actor(const struct write *w); /* write.c */
/* A version row and an audit row for the version that m->state.version is by now. Moves the audit head in m. */
must_use bool ledger_add(struct sql *db, struct meta *m, const struct ledger_entry *e, struct error *err);
/* *ret_found: this key was seen with this witness; the write's counts, kept and replayed are then filled in. Another witness:
 * IDEMPOTENCY_MISMATCH. */
must_use bool witness_find(struct sql *db, struct write *w, bool *ret_found, struct error *err);
must_use bool witness_add(struct sql *db, const struct write *w, const struct store_state *state, int64_t at_ms, const struct write_counts *counts, struct error *err);
/* What a file begins with that follows another: the chain's head, which m has, and witnesses that still count at that time. */
must_use bool ledger_begin(struct sql *from, struct sql *to, const struct meta *m, int64_t at_ms, struct error *err);

/* ── audit.c ── */

/* The file's part of the chain, from that record on. */
must_use bool audit_read(struct sql *db, int64_t from, chain_reader take, void *ctx, struct error *err);

/* ── early.c ── */

/* Under the turn: an early write, but for that one, is undone; a connection that it left broken is closed. */
void early_undo(struct table *t, const struct early *keep);

/* ── clean.c ── */

void clean_up(struct store *s);
/* A deleted dataset's folder, its history first. What has to stay, for want of room or memory, is tried again every minute:
 * then nobody is told a second time. */
void finish_gone(struct store *s, const char *id, const char *path, bool again);
void clean_gone(struct store *s);
bool table_is_known(struct store *s, const char *id); /* engine.c: somebody has it in hand */
#define GONE ".gone" /* datasets/.<4x4>.gone: deleted, its history perhaps not yet in the catalog */
bool generation_number(const char *name, int64_t *ret); /* of "rows-12.db" */
void remove_folder(const char *path);

#endif
