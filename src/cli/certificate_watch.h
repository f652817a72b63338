/* Watches the certificate's two files while the server runs, and takes them when they change. Looked at once a second by stat(2),
 * through symbolic links, rather than by inotify: certbot swaps a link in another folder, Kubernetes one that is two steps away, NFS
 * tells nobody; and two calls a second cost nothing. Files that changed are left to settle for one look, since certificate and key are
 * seldom written at once; then they are tried, once for each state that they are found in. What cannot be used is refused with one
 * line in the log and the certificate before goes on (docs/wire/http.md). Also warns before the end, and renews the self-made one. */
#ifndef SELTZER_CLI_CERTIFICATE_WATCH_H
#define SELTZER_CLI_CERTIFICATE_WATCH_H

#include <sys/stat.h>

#include "cli/cli.h"
#include "http/http.h"

struct file_mark { /* what tells one state of a file from another */
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec written, changed;
    int missing; /* errno, 0 when it is there */
};

struct certificate_watch {
    struct http_server *http;
    const char *paths[2];               /* certificate, key */
    struct file_mark seen[2], tried[2]; /* at the last look; when it was last read */
    uint64_t next_ms, next_hour_ms;
    int warned_days;                    /* of the certificate in use; CERTIFICATE_UNWARNED at first */
    /* the self-made certificate; data_dir NULL when it is another */
    const char *data_dir, *const *hosts;
    size_t n_hosts;
};

enum { CERTIFICATE_UNWARNED = 1000 };

/* From the start of the server on, when it has just read the files. */
void certificate_watch_start(struct certificate_watch *w, struct http_server *http, const char *cert, const char *key);
/* At least once a second: does what is due. */
void certificate_watch_look(struct certificate_watch *w);
/* SIGHUP: reads the files now. */
void certificate_watch_read(struct certificate_watch *w);

/* The smallest of 30, 14, 3 and 0 days within which the certificate ends, 0 when it has ended; CERTIFICATE_UNWARNED: none. */
int certificate_days_left(int64_t ends_s, int64_t now_s);

#endif
