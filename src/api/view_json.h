/* The view document: the JSON in which clients create, read and change a dataset's description (docs/wire/views.md). */
#ifndef SELTZER_API_VIEW_JSON_H
#define SELTZER_API_VIEW_JSON_H

#include "base/json.h"
#include "gate/gate.h"
#include "store/store.h"

/* ── out: view_json.c ── */
struct view {
    const struct dataset *dataset;
    const struct store_state *state;    /* NULL in lists, where no rows' file is opened: rowsUpdatedAt is left out then */
    const struct user *owner;           /* NULL when the user is gone */
    const struct principal *caller;
    bool without_columns;
};
must_use bool view_write(const struct view *v, struct arena *a, struct buf *b, struct error *err);
void view_write_column(const struct column *c, struct buf *b);
/* {"id","displayName",…}, without braces when `bare`, so that more members can follow. */
void view_write_user(const struct user *u, bool bare, struct buf *b);

/* ── in: view_read.c ── */
enum { VIEW_BYTES_MAX = 4 << 20 };

enum row_identifier_wish { ROW_IDENTIFIER_AS_IT_IS, ROW_IDENTIFIER_NONE, ROW_IDENTIFIER_NAMED };

struct column_input {
    int64_t id;                         /* 0 when absent */
    struct column_spec spec;            /* texts with p NULL were not given */
    int position;
};
/* What a client wrote, checked member by member; read-only members are passed over. Texts live in the arena. */
struct view_input {
    struct str name, resource_name;     /* p NULL: not given; resource_name empty: take it away */
    struct str document_json;           /* the writable members, checked; null where one is to be taken away */
    struct column_input *columns;
    size_t n_columns;
    enum row_identifier_wish row_identifier;
    struct str row_identifier_name;     /* a column id in digits, a field name or a display name */
    struct str row_identifier_instead;  /* metadata.rowIdentifier where rowIdentifierColumnId was given too */
};
must_use bool view_read(struct arena *a, struct str body, struct view_input *ret, struct error *err);
/* A column object as POST …/columns takes it. */
must_use bool view_read_column(struct arena *a, const struct json *object, struct column_input *ret, struct error *err);

#endif
