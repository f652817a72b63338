/* Becoming another user (privileges.h). */
#include "cli/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/sanitized.h"

static bool find_user(const char *name, struct privileges *ret)
{
    const struct passwd *user = getpwnam(name); /* NOLINT(concurrency-mt-unsafe): before the first thread */
    if (!user)
        return false;
    *ret = (struct privileges){.drop = user->pw_uid != geteuid(), .uid = user->pw_uid, .gid = user->pw_gid};
    snprintf(ret->user, sizeof ret->user, "%s", user->pw_name);
    return true;
}

static void ourselves(struct privileges *ret)
{
    *ret = (struct privileges){.uid = geteuid(), .gid = getegid()};
    if (ret->uid == 0)
        snprintf(ret->user, sizeof ret->user, "root");
    else
        snprintf(ret->user, sizeof ret->user, "uid %u", (unsigned)ret->uid);
}

bool privileges_choose(const char *named, bool may_stay_root, struct privileges *ret, struct error *err)
{
    struct privileges found;
    bool is_root = geteuid() == 0;
    ourselves(ret);
    if (named) {
        if (!find_user(named, &found))
            return error_set(err, ERROR_BAD_REQUEST, "--user: there is no user \"%s\" on this system", named);
        if (found.drop && !is_root)
            return error_set(err, ERROR_BAD_REQUEST, "--user: only root can become \"%s\"; leave it out to stay who you are", named);
        *ret = found;
        return true;
    }
    if (!is_root || may_stay_root)
        return true;
    if (find_user(PRIVILEGES_USER, ret))
        return true;
    return error_set(err, ERROR_BAD_REQUEST, "started as root, which a server on a network should not run as. Either make a user for it: useradd --system " PRIVILEGES_USER
                                             "; or name another: --user NAME; or start it as that user; or say --user root, in a container that is made for it");
}

bool privileges_make_folder(const struct privileges *p, const char *path, struct error *err)
{
    struct stat st;
    bool is_there = stat(path, &st) == 0;
    if (!data_dir_make(path, err))
        return false;
    if (!p->drop)
        return true;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (is_there ? 0 : O_NOFOLLOW));
    bool ok = fd >= 0 && (is_there || fchown(fd, p->uid, p->gid) == 0) && fstat(fd, &st) == 0;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    if (!ok)
        return error_from_errno(err, saved, path);
    return st.st_uid == p->uid || error_set(err, ERROR_BAD_REQUEST, "the data directory %s does not belong to %s, whom the server runs as: chown -R %s %s", path, p->user, p->user, path);
}

bool privileges_drop(const struct privileges *p, struct error *err)
{
    if (!p->drop)
        return true;
    if (initgroups(p->user, p->gid) != 0 || setresgid(p->gid, p->gid, p->gid) != 0 || setresuid(p->uid, p->uid, p->uid) != 0) {
        int saved = errno;
        return error_set(err, ERROR_INTERNAL, "cannot become the user %s: %s", p->user, strerrordesc_np(saved));
    }
    if (p->uid != 0 && setuid(0) == 0)
        return error_set(err, ERROR_INTERNAL, "cannot become the user %s: root's rights would still be at hand", p->user);
    if (SANITIZED && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) /* a change of user ends it */
        return error_from_errno(err, errno, "let the sanitizer trace the process");
    return true;
}
