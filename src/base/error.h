/* What went wrong, for the one who can mend it. The line that knows the fact fills it in; everyone above passes it on.
 * `message` alone must be enough to mend the input. `data` holds the members of the reply's "data" object, already
 * JSON, without braces. Fixed size: an error never needs memory. errors.def maps codes to status and strings. */
#ifndef SELTZER_BASE_ERROR_H
#define SELTZER_BASE_ERROR_H

#include "base/buf.h"

enum error_code {
#define X(name, status, code, error_code, title) ERROR_##name,
#include "base/errors.def"
#undef X
    ERROR_COUNT
};

struct error {
    enum error_code code;
    char message[2048];
    char data[2048];
    uint32_t retry_after_s; /* Retry-After, 0 for none */
};

struct error_info {
    int status;
    const char *code, *error_code, *title;
};

const struct error_info *error_info(enum error_code code);
/* Sets code and message, clears data. Always returns false, so that `return error_set(err, …)` reads well. */
bool error_set(struct error *err, enum error_code code, const char *fmt, ...) printf_like(3, 4);
/* Adds a member to data; dropped whole when it does not fit. */
void error_data_str(struct error *err, const char *key, struct str value);
void error_data_i64(struct error *err, const char *key, int64_t value);
void error_data_raw(struct error *err, const char *key, struct str json);
bool error_no_memory(struct error *err); /* sets OUT_OF_MEMORY, returns false */
/* From errno: ENOSPC, EDQUOT, EFBIG → DISK_FULL; ENOMEM → OUT_OF_MEMORY; else STORE_UNAVAILABLE. `what` names the act. */
bool error_from_errno(struct error *err, int saved_errno, const char *what);
/* {"code","errorCode","error":true,"message","data":{…}} (docs/wire/errors.md) */
void error_write_json(const struct error *err, struct buf *out);

#endif
