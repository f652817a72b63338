/* Rows that give different sets of columns: more sets than there is room for their statements (applier.c), and each row
 * changes what it gives and nothing else. */
#include "store_kit.h"

enum { COLUMNS = 8, KEYS = 40, WRITES = 30, ROWS_EACH = 40 };

struct model {
    int64_t sid[KEYS];
    int value[KEYS][COLUMNS]; /* 0: null */
};

static void make_dataset(struct kit *k)
{
    struct column_spec columns[1 + COLUMNS] = {{.name = STR("Id"), .field_name = STR("id"), .type_name = STR("text")}};
    static const char *const names[COLUMNS] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    for (int c = 0; c < COLUMNS; c++)
        columns[1 + c] = (struct column_spec){.name = str_from(names[c]), .field_name = str_from(names[c]), .type_name = STR("number")};
    struct dataset_spec spec = {.name = STR("Sets"), .columns = columns, .n_columns = 1 + COLUMNS, .row_identifier = STR("id"), .owner = "aaaa-aaaa"};
    GOOD(k->d = catalog_create_dataset(k->catalog, &actor_server, &spec, &err));
    GOOD(store_create(k->store, k->d, &err));
}

static void add_row(struct model *m, int64_t next_sid, uint64_t position, struct buf *text)
{
    int key = (int)(random_u64() % KEYS);
    bool fresh = !m->sid[key];
    if (fresh)
        m->sid[key] = next_sid + (int64_t)position;
    buf_printf(text, "id=k%d", key);
    uint64_t set = random_u64() % (1 << COLUMNS);
    for (int c = 0; c < COLUMNS; c++) {
        if (!(set >> c & 1))
            continue;
        m->value[key][c] = (int)(random_u64() % 5);
        if (m->value[key][c])
            buf_printf(text, " %c=%d", 'a' + c, m->value[key][c]);
        else
            buf_printf(text, " %c=null", 'a' + c);
    }
    buf_add_z(text, "; ");
}

static void is_the_table(struct kit *k, const struct model *m)
{
    for (int key = 0; key < KEYS; key++) {
        struct buf row = {0};
        if (!m->sid[key])
            continue;
        buf_printf(&row, "%lld:id=k%d", (long long)m->sid[key], key);
        for (int c = 0; c < COLUMNS; c++)
            if (m->value[key][c])
                buf_printf(&row, " %c=%d", 'a' + c, m->value[key][c]);
        buf_add(&row, "; ", 3); /* with its NUL */
        assert_true(buf_ok(&row));
        if (!strstr(kit_table(k), row.p))
            fail_msg("no %s in %s", row.p, k->table);
        buf_free(&row);
    }
}

static void each_row_changes_what_it_gives(void **state)
{
    struct kit *k = *state;
    static struct model m;
    int64_t next_sid = 1;
    make_dataset(k);
    for (int w = 0; w < WRITES; w++) {
        struct buf text = {0};
        for (uint64_t i = 0; i < ROWS_EACH; i++)
            add_row(&m, next_sid, i, &text);
        buf_add_byte(&text, 0);
        assert_true(buf_ok(&text));
        kit_write(k, text.p);
        next_sid += ROWS_EACH;
        is_the_table(k, &m);
        buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(each_row_changes_what_it_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
