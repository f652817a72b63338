/* Entity tags and conditional requests (RFC 9110 sections 8.8 and 13; docs/wire/reading.md).
 *
 * A tag is "STATE.VIEW": the first half names what is stored (incarnation and version of a dataset or row), the second how
 * this request shows it. Reads compare the whole tag. A write with If-Match compares the first half only: whoever read
 * the row as CSV may write it as JSON. */
#ifndef SELTZER_API_CONDITIONAL_H
#define SELTZER_API_CONDITIONAL_H

#include "api/api.h"

enum { ETAG_HALF_LENGTH = 24 };

struct etag_half {
    char hex[ETAG_HALF_LENGTH + 1];
};

struct etag {
    char text[2 * ETAG_HALF_LENGTH + 4]; /* with its quotes and a NUL */
};

struct etag_half etag_of_dataset(const struct dataset *d, const struct store_state *state);
struct etag_half etag_of_row(const struct dataset *d, const struct store_state *state, int64_t sid, int64_t version);
/* Of the request (query string, Accept), the format and the query: all that decides how stored rows look. n others: the states of
 * the datasets that the query joins. now: the time, of a query that asks for it, else 0. */
struct etag_half etag_of_view(const struct call *c, int format, const struct query *q, int64_t now, const struct store_state *others, size_t n);
struct etag etag_join(const struct etag_half *state, const struct etag_half *view);

/* When what a reply shows last changed: its rows, or the dataset's names and columns. */
int64_t modified_of_dataset(const struct dataset *d, const struct store_state *state);

enum condition { CONDITION_GO, CONDITION_NOT_MODIFIED, CONDITION_FAILED };
/* If-Match, else If-Unmodified-Since; then If-None-Match, else If-Modified-Since. Lists that cannot be read match nothing. */
enum condition condition_of_read(const struct http_head *head, const struct etag *tag, int64_t modified_ms);

/* What a write meets: its dataset or row, if it is there. */
struct stored {
    bool exists;
    struct etag_half tag;
    int64_t modified_ms;
};
/* If-Match, else If-Unmodified-Since; then If-None-Match; true when none was sent. False: PRECONDITION_FAILED, or BAD_REQUEST
 * for a list that cannot be read. */
must_use bool condition_of_write(const struct http_head *head, const struct stored *stored, struct error *err);

/* What those headers ask to be so still when the write is applied: other writes may come between. */
enum condition_pin { PIN_NOTHING, PIN_STATE, PIN_PRESENT, PIN_ABSENT };
enum condition_pin condition_pin(const struct http_head *head);

#endif
