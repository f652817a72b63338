/* What a fatal row error says: the code and a message that names the row, its line and its key. */
#ifndef SELTZER_STORE_REFUSAL_H
#define SELTZER_STORE_REFUSAL_H

#include "store/store.h"

/* replace: PUT, where a fault of a row is always 400. Always returns false. */
bool row_refusal(struct error *err, const struct dataset *d, const struct row_id_key *row_ids, const struct row_result *r, bool replace);

#endif
