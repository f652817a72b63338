/* The inside of an upload, shared by upload.c and queue.c. */
#ifndef SELTZER_INGEST_UPLOAD_H
#define SELTZER_INGEST_UPLOAD_H

#include "base/spool.h"
#include "ingest/ahead.h"
#include "ingest/coerce.h"
#include "ingest/large.h"

struct upload {
    const struct dataset *dataset;   /* held */
    struct store_state state;
    struct upload_options options;
    struct arena arena;
    struct coerce coerce;
    struct str idempotency_key, witness;
    struct problems problems;        /* of the body */
    struct problems row_errors;      /* of the apply */
    struct problems report;          /* both, in input order, when the apply is over */
    bool reported;
    uint64_t row_bytes; /* of the row that has not ended yet, roughly */
    struct large large;
    uint64_t room_asked_at;          /* bytes of the stage when the disk was last asked for room */
    struct stage *stage;             /* ahead's, once there is one */
    /* building while the body streams: NULL until enough came, or never */
    struct ahead *ahead;
    struct ingest_queue *queue;      /* where it may be done; NULL: not at all, or no more */
    /* bytes ─► gunzip ─► transcode ─► reader; NULL where nothing is to be done */
    struct gunzip *gunzip;
    struct transcode *transcode;
    struct reader *reader;
    bool finished;
    /* the apply */
    struct write write;
    struct spool *results;           /* a struct row_result a row, when all are wanted */
    struct row_result last_result;
    bool has_result;
    struct error result_error;       /* results could not be kept */
    struct ingest_watcher watcher;
    uint64_t queued_ms;
    struct upload *next;
};

/* The apply is over: its row errors join the body's problems, in input order. */
void upload_close_report(struct upload *u);
/* queue.c: on its pool and store. */
struct ahead *ingest_build_ahead(struct ingest_queue *owner, struct upload *u);
/* Fills in u->write from the options and what the body turned out to be. */
void upload_prepare_write(struct upload *u);

#endif
