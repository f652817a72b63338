/* At start: files of DIR/datasets that no catalog pointer names. Generations beyond the pointer are unfinished builds and
 * go at once; former ones and folders of unknown datasets stay 15 days from their last change, for restore and for the
 * one who put an older catalog back (docs/storage.md, "What is kept"). Nothing goes before its history is in the catalog. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/sqlite/drain.h"

static bool remove_once(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT;
    for (struct dirent *e; (e = readdir(dir));) /* NOLINT(concurrency-mt-unsafe): one thread alone has dir */
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(dir), e->d_name, 0); /* one level deep: our folders hold files alone */
    closedir(dir);
    return rmdir(path) == 0;
}

/* A call that fails once must not leave a deleted dataset's rows on the disk for longer. */
enum { TRIES = 3 };

void remove_folder(const char *path)
{
    for (int i = 0; i < TRIES && !remove_once(path); i++)
        continue;
}

static bool is_old(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && time(NULL) - st.st_mtime > KEEP_SECONDS;
}

/* "rows-12.db" → 12 */
bool generation_number(const char *name, int64_t *ret)
{
    struct str s = str_from(name);
    uint64_t n;
    if (!str_starts(s, STR("rows-")) || !str_ends(s, STR(".db")) || s.n < 9 || !str_to_u64(str_make(s.p + 5, s.n - 8), &n) || n > INT64_MAX)
        return false;
    *ret = (int64_t)n;
    return true;
}

static void clean_folder(struct store *s, const char *path, const char *id, int64_t current)
{
    struct error why;
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) { /* NOLINT(concurrency-mt-unsafe): one thread alone has dir */
        int64_t number;
        char *file;
        if (str_starts(str_from(e->d_name), STR("ahead-")))
            unlinkat(dirfd(dir), e->d_name, 0); /* a build whose body did not end */
        if (!generation_number(e->d_name, &number) || number == current || asprintf(&file, "%s/%s", path, e->d_name) < 0)
            continue;
        bool goes = number > current || is_old(file);
        if (number > current || (goes && drain_file(s, id, file, &why)))
            remove_database(file);
        else if (goes)
            drain_warn(s, id, file, &why);
        free(file);
    }
    closedir(dir);
}

static void clean_dataset(struct store *s, const char *path, const char *id)
{
    struct error err;
    const struct dataset *d = catalog_dataset(s->catalog, str_from(id), &err);
    if (d)
        clean_folder(s, path, id, d->generation);
    else if (err.code == ERROR_DATASET_NOT_FOUND && is_old(path) && !drain_away(s, id, path, &err))
        drain_warn(s, id, path, &err);
    dataset_release(d);
}

/* ".abcd-efgh.gone" → "abcd-efgh" */
static bool is_gone(const char *name, char ret_id[DATASET_ID_LENGTH + 1])
{
    if (name[0] != '.' || strlen(name) != 1 + DATASET_ID_LENGTH + sizeof GONE - 1 || !str_ends(str_from(name), STR(GONE)))
        return false;
    memcpy(ret_id, name + 1, DATASET_ID_LENGTH);
    ret_id[DATASET_ID_LENGTH] = 0;
    return true;
}

void finish_gone(struct store *s, const char *id, const char *path, bool again)
{
    struct error why;
    for (int i = 0; i < TRIES; i++)
        if (drain_away(s, id, path, &why))
            return;
    atomic_store(&s->gone_left, true);
    if (!again)
        drain_warn(s, id, path, &why);
}

/* A deletion that did not end; any other dotted name is a creation that did not. */
static void clean_dotted(struct store *s, const char *path, const char *name)
{
    char id[DATASET_ID_LENGTH + 1];
    if (is_gone(name, id))
        finish_gone(s, id, path, false);
    else
        remove_folder(path);
}

/* The names in DIR/datasets, one after the other. */
static void each_folder(struct store *s, void (*visit)(struct store *s, const char *path, const char *name))
{
    char *datasets, *path;
    if (asprintf(&datasets, "%s/datasets", s->dir) < 0)
        return;
    DIR *dir = opendir(datasets);
    for (struct dirent *e; dir && (e = readdir(dir));) { /* NOLINT(concurrency-mt-unsafe): one thread alone has dir */
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || asprintf(&path, "%s/%s", datasets, e->d_name) < 0)
            continue;
        visit(s, path, e->d_name);
        free(path);
    }
    if (dir)
        closedir(dir);
    free(datasets);
}

static void clean_one(struct store *s, const char *path, const char *name)
{
    if (name[0] == '.')
        clean_dotted(s, path, name);
    else
        clean_dataset(s, path, name);
}

void clean_up(struct store *s)
{
    each_folder(s, clean_one);
}

/* Whoever has the table in hand is deleting it this moment. */
static void clean_one_gone(struct store *s, const char *path, const char *name)
{
    char id[DATASET_ID_LENGTH + 1];
    if (is_gone(name, id) && !table_is_known(s, id))
        finish_gone(s, id, path, true);
}

void clean_gone(struct store *s)
{
    if (atomic_exchange(&s->gone_left, false))
        each_folder(s, clean_one_gone);
}
