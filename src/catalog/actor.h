/* Who changes something: what every change of the catalog is told, for the record that is kept of it (docs/storage.md).
 * All of it is borrowed for the call. Never a secret: a key, a token or a session is named by its public id. */
#ifndef SELTZER_CATALOG_ACTOR_H
#define SELTZER_CATALOG_ACTOR_H

#include "base/str.h"

struct actor {
    const char *user;      /* 4x4, "" or NULL for none, as of the others */
    const char *via;       /* "password", "session", "key <id>", "token <id>", "command line", "server" */
    struct str request_id; /* empty for none */
    const char *peer;      /* the client's address; of the command line the system's name of who ran it; "" for none */
};

/* The server by itself, with nobody asking: its first administrator, for one. */
extern const struct actor actor_server;

#endif
