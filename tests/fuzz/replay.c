/* Gives kept inputs to one fuzzer, each once, without libFuzzer: files, or folders of files. What the fuzzer's own checks
 * or the sanitizers of the build find ends the program; the name of the input stands on the last line before. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv); /* some fuzzers have one */

static size_t replayed;

static bool replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    bool ok = f && fstat(fileno(f), &st) == 0;
    /* To the byte: reading past the end is then seen by the sanitizer. */
    uint8_t *data = ok ? malloc((size_t)st.st_size) : NULL;
    ok = ok && (data || st.st_size == 0) && fread(data, 1, (size_t)st.st_size, f) == (size_t)st.st_size;
    if (ok) {
        printf("%s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
        replayed++;
    } else {
        perror(path);
    }
    free(data);
    if (f)
        fclose(f);
    return ok;
}

static bool replay_folder(const char *path)
{
    DIR *dir = opendir(path);
    bool ok = true;
    if (!dir) {
        perror(path);
        return false;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        char file[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        ok = replay_file(file) && ok;
    }
    closedir(dir);
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = argc > 1;
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        struct stat st;
        bool is_folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
        ok = (is_folder ? replay_folder(argv[i]) : replay_file(argv[i])) && ok;
    }
    printf("%zu inputs replayed\n", replayed);
    return ok && replayed ? 0 : 1;
}
