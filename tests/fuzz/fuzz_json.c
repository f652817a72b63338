/* JSON, the tree and the rows: the first byte says how the rest is cut; no cut may change what is said, whether broken
 * rows are taken or not. A tree that was
 * written is read and written the same. */
#include "../support/row_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_tree(struct str text)
{
    struct arena a = {0};
    struct buf once = {0}, twice = {0};
    struct json *tree;
    struct error err;
    if (json_parse(&a, text, &tree, &err)) {
        json_write(tree, &once);
        if (!json_parse(&a, buf_str(&once), &tree, &err))
            abort();
        json_write(tree, &twice);
        if (!str_eq(buf_str(&once), buf_str(&twice)))
            abort();
    }
    arena_free(&a);
    buf_free(&once);
    buf_free(&twice);
}

static void check_rows(enum reader_format format, struct str text, uint64_t cuts)
{
    for (int broken = 0; broken < 2; broken++) {
        struct row_log log = {.takes_broken = broken};
        char *whole = row_log_read_to(log, format, NULL, text, NULL, NULL);
        char *cut = row_log_read_to(log, format, NULL, text, cut_at_random, &cuts);
        if (strcmp(whole, cut) != 0)
            abort();
        free(whole);
        free(cut);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const enum reader_format formats[] = {READER_JSON, READER_NDJSON, READER_FORM};
    if (n < 2)
        return 0;
    uint64_t cuts = 0x9e3779b97f4a7c15u * (data[0] + 1u);
    enum reader_format format = formats[data[1] % 3];
    struct str text = str_make((const char *)data + 2, n - 2);
    check_rows(format, text, cuts);
    check_tree(text);
    return 0;
}
