/* Who the process runs as. A server that is started as root binds its ports and then becomes a user who owns nothing but the data
 * directory, for good; without such a user it does not go on, unless it is told to. docs/decisions/sandbox.md. */
#ifndef SELTZER_CLI_PRIVILEGES_H
#define SELTZER_CLI_PRIVILEGES_H

#include <sys/types.h>

#include "base/error.h"

#define PRIVILEGES_USER "seltzer" /* who it becomes when nobody is named and there is one of that name */

struct privileges {
    bool drop;     /* else: stay who we are */
    uid_t uid;     /* of the user to become, or of ours */
    gid_t gid;
    char user[256];
};

/* From --user (NULL: not given) and who we are. may_stay_root: nobody is named and there is no such user, go on all the same. */
must_use bool privileges_choose(const char *named, bool may_stay_root, struct privileges *ret, struct error *err);
/* The folder, made when it is missing, belongs to the user to become: to a user whom somebody else's files would shut out it is
 * refused, with the command that mends it. Nothing within it is touched, since that user may have put a link there. */
must_use bool privileges_make_folder(const struct privileges *p, const char *path, struct error *err);
/* For good: the next thing that needs root fails. Does nothing when there is nothing to drop. */
must_use bool privileges_drop(const struct privileges *p, struct error *err);

#endif
