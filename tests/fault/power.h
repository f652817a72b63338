/* A disk whose power can be cut. Linked into a test, it stands in the place of the calls that change files (as faults.c does
 * for the server: SQLite's and ours alike), passes them on, and keeps apart what has been synced under the watched folder
 * and what has not: a file's writes and sizes until its fsync, a folder's names until the folder's own.
 *
 *     power_watch(folder, at_sync, ctx)      what is there now is on disk
 *     … the store works; at_sync is called before and after every sync, with all other changes waiting …
 *         power_image(POWER_TORN, &seed, to) in at_sync or power_cut: what a cut at this moment leaves, as files in `to`
 *     power_forget()
 *
 * The rules are the strict ones of POSIX, not those of one file system: a synced file whose folder was not synced may have
 * no name, a name may come without its bytes, and changes of different names and sectors reach the disk in any order. */
#ifndef SELTZER_TESTS_POWER_H
#define SELTZER_TESTS_POWER_H

enum power_loss {
    POWER_NOTHING,    /* all that was not synced is lost */
    POWER_SOME,       /* some of it is there, in any order; bytes between hold old dirt of the disk */
    POWER_TORN,       /* some of it is there, some of that only up to a sector */
    POWER_EVERYTHING, /* all of it had just reached the disk */
    POWER_KINDS
};

/* when: "before" or "after"; what: the synced file's or folder's name. */
typedef void power_at_sync(void *ctx, const char *when, const char *what);

void power_watch(const char *folder, power_at_sync *at_sync, void *ctx);
void power_forget(void);
/* Calls it with "between" and "": a cut now, while nothing is being synced. */
void power_cut(power_at_sync *now, void *ctx);
void power_image(enum power_loss how, unsigned *seed, const char *to); /* makes `to` */

#endif
