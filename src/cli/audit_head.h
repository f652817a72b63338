/* Where the head of the audit is kept beside the chain itself: that records were cut off its end shows nowhere else. The server writes it,
 * synced, within a minute of a change, and when it stops; and it logs it, for logs go to other machines. */
#ifndef SELTZER_CLI_AUDIT_HEAD_H
#define SELTZER_CLI_AUDIT_HEAD_H

#include "catalog/audit.h"
#include "store/store.h"

enum { AUDIT_HEAD_S = 60, AUDIT_HEAD_PATH_MAX = 4200 };

/* --audit-head, else DIR/audit-head. */
void audit_head_path(const char *dir, const char *given, char ret[AUDIT_HEAD_PATH_MAX]);
must_use bool audit_head_write(const char *path, const struct chain_head *head, struct error *err);
/* *ret_found false: there is no such file. */
must_use bool audit_head_read(const char *path, struct chain_head *ret, bool *ret_found, struct error *err);
/* "7:" and the hash in hexadecimal, as the log has it. */
must_use bool audit_head_parse(struct str text, struct chain_head *ret);
void audit_head_print(const struct chain_head *head, char ret[96]);

/* The server's: once a minute, and with `now` at once. Anchors the chains of datasets that were written, then keeps the catalog's head if it
 * has moved. What fails is logged, and tried again the next time. */
struct audit_head_keeper {
    struct catalog *catalog;
    struct store *store;
    const char *path;
    uint64_t kept_at_ms;
    int64_t kept_seq;
};
void audit_head_keep(struct audit_head_keeper *k, bool now);

#endif
