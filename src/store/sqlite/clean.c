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

/* A call that fails once must not leave a deleted dataset's rows on the disk until the next start, which tries again. */
void remove_folder(const char *path)
{
    enum { TRIES = 3 };
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
    struct error later;
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
        if (number > current || (is_old(file) && drain_file(s, id, file, &later)))
            remove_database(file);
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
    else if (err.code == ERROR_DATASET_NOT_FOUND && is_old(path) && drain_folder(s, id, path, &err))
        remove_folder(path);
    dataset_release(d);
}

/* ".abcd-efgh.gone" is a deletion that did not end; any other dotted name a creation. */
static void clean_dotted(struct store *s, const char *path, const char *name)
{
    struct error later;
    char id[DATASET_ID_LENGTH + 1] = "";
    if (str_ends(str_from(name), STR(GONE)) && strlen(name) == 1 + DATASET_ID_LENGTH + sizeof GONE - 1)
        memcpy(id, name + 1, DATASET_ID_LENGTH);
    if (!id[0] || drain_folder(s, id, path, &later))
        remove_folder(path);
}

void clean_up(struct store *s)
{
    char *datasets, *path;
    if (asprintf(&datasets, "%s/datasets", s->dir) < 0)
        return;
    DIR *dir = opendir(datasets);
    for (struct dirent *e; dir && (e = readdir(dir));) { /* NOLINT(concurrency-mt-unsafe): one thread alone has dir */
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || asprintf(&path, "%s/%s", datasets, e->d_name) < 0)
            continue;
        if (e->d_name[0] == '.')
            clean_dotted(s, path, e->d_name);
        else
            clean_dataset(s, path, e->d_name);
        free(path);
    }
    if (dir)
        closedir(dir);
    free(datasets);
}
