/* Which row a row URL means: /resource/{dataset}/{row}, with or without an extension (docs/wire/reading.md, "Row URLs").
 *
 * Row numbers and row identifiers may hold dots, so an extension is only taken off when the text as it stands names no
 * row. Tried in this order, the first that finds a row wins: the literal text as row identifier, the literal text as
 * `:id`, then both again without a known extension. Everything in the answer lives in the call's arena. */
#ifndef SELTZER_API_ROW_URL_H
#define SELTZER_API_ROW_URL_H

#include "api/api.h"

struct row_url {
    bool found;
    bool by_key;             /* found by the row identifier, else by `:id` */
    bool stripped;           /* the reading that won is the one without the extension: the extension names a format */
    struct str text;         /* that reading: what stands for the row in messages */
    /* The row identifier's cell. Found by key: the one asked for. Not found: the one under which a write may make the row,
     * CELL_ABSENT when there is none (no row identifier, text that its type does not read, text of the form row-…). */
    struct cell key;
    int64_t sid, version;    /* when found */
    struct store_state state; /* of the dataset, as it was when the row was looked up */
};

/* True, also when there is no such row: look at ret->found. */
must_use bool row_url_resolve(struct call *c, struct row_url *ret, struct error *err);
/* 404 soda.row.not-found, "Row with identifier X was not found". Always false. */
bool row_url_not_found(const struct row_url *u, struct error *err);

#endif
