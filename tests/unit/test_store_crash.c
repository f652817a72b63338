/* kill -9 at the places where it hurts, and anywhere: what was acknowledged stands, what was not is there whole or not at
 * all. Each part of a case runs in a process of its own; the store of the test's process is never opened. */
#include <signal.h>
#include <time.h>

#include "store_kit.h"

static void expect(struct kit *k, const char *table)
{
    if (strcmp(kit_table(k), table) != 0) {
        printf("have \"%s\", want \"%s\"\n", k->table, table);
        fflush(NULL);
        _exit(4);
    }
    if (kit_ask(k, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'") != 1)
        _exit(5);
    if (kit_ask(k, "SELECT (SELECT count(*) FROM rows)=(SELECT rows FROM meta) AND (SELECT max(version) FROM versions)=(SELECT version FROM meta)") != 1)
        _exit(6);
}

static void prepare(struct kit *k)
{
    kit_dataset(k, "text", true);
    kit_write(k, "id=a n=1; id=b n=1");
}

static void upsert(struct kit *k)
{
    kit_find(k);
    kit_write(k, "id=b n=2; id=c n=2; -id=a");
}

static void replace(struct kit *k)
{
    kit_find(k);
    struct write w = {.replace = true};
    if (!kit_write_as(k, &w, "id=x n=3"))
        _exit(7);
}

static void identify(struct kit *k)
{
    kit_find(k);
    const struct dataset *d;
    GOOD(d = store_set_row_identifier(k->store, &actor_server, k->d, -1, &err));
    dataset_release(d);
}

/* Written, then idle until the checkpoint has come. */
static void upsert_and_wait(struct kit *k)
{
    upsert(k);
    struct timespec second = {5, 0};
    nanosleep(&second, NULL);
}

static void is_old(struct kit *k)
{
    kit_find(k);
    expect(k, "1:id=a n=1; 2:id=b n=1; ");
    kit_write(k, "id=d");
    char *beyond = path_of_generation(k->store, k->d->id, k->d->generation + 1);
    if (access(beyond, F_OK) == 0)
        _exit(8);
    free(beyond);
}

static void is_upserted(struct kit *k)
{
    kit_find(k);
    expect(k, "2:id=b n=2; 4:id=c n=2; ");
    kit_write(k, "id=d");
}

static void is_replaced(struct kit *k)
{
    kit_find(k);
    expect(k, "3:id=x n=3; ");
    kit_write(k, "id=d");
}

static void is_not_identified(struct kit *k)
{
    kit_find(k);
    if (k->d->columns.row_identifier != -1)
        _exit(9);
    expect(k, "1:id=a n=1; 2:id=b n=1; ");
    kit_write(k, "id=a");
    expect(k, "1:id=a n=1; 2:id=b n=1; 3:id=a; ");
}

static void new_folder(char *ret, size_t n)
{
    snprintf(ret, n, "/tmp/seltzer-crash-XXXXXX");
    assert_non_null(mkdtemp(ret));
}

static void a_kill_leaves_old_or_new(void **state)
{
    (void)state;
    static const struct {
        const char *stop;
        void (*part)(struct kit *k), (*then)(struct kit *k);
    } cases[] = {
        {"before_commit", upsert, is_old},
        {"after_commit", upsert, is_upserted},
        {"checkpointed", upsert_and_wait, is_upserted},
        {"replace_synced", replace, is_old},
        {"replace_flipped", replace, is_replaced},
        {"replace_synced", identify, is_old},
        {"replace_flipped", identify, is_not_identified},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char dir[64];
        new_folder(dir, sizeof dir);
        assert_int_equal(kit_run_apart(dir, NULL, prepare), 0);
        int how = kit_run_apart(dir, cases[i].stop, cases[i].part);
        if (how != SIGKILL)
            fail_msg("%s: ended with %d instead of the stop", cases[i].stop, how);
        how = kit_run_apart(dir, NULL, cases[i].then);
        if (how != 0)
            fail_msg("%s: what was found ended with %d", cases[i].stop, how);
        kit_remove(dir);
    }
}

/* ── anywhere: a ledger of what was acknowledged ── */

static int ledger_pipe[2];

static void write_until_killed(struct kit *k)
{
    kit_find(k);
    int64_t start = kit_ask(k, "SELECT coalesce(max(CAST(c3 AS INTEGER)),0) FROM rows");
    for (int i = (int)start + 1;; i++) {
        char text[128];
        struct write w = {.replace = i % 5 == 0};
        snprintf(text, sizeof text, "id=%d n=%d; id=shared n=%d", i, i, i);
        if (!kit_write_as(k, &w, text))
            _exit(7);
        if (write(ledger_pipe[1], &i, sizeof i) != sizeof i)
            _exit(8);
    }
}

static int last_acknowledged;

static void ledger_holds(struct kit *k)
{
    kit_find(k);
    /* Columns by physical number: id c1, n c3. */
    int64_t max = kit_ask(k, "SELECT max(CAST(c3 AS INTEGER)) FROM rows WHERE c1<>'shared'");
    int64_t shared = kit_ask(k, "SELECT CAST(c3 AS INTEGER) FROM rows WHERE c1='shared'");
    int64_t whole = kit_ask(k, "SELECT max(CAST(c3 AS INTEGER))-max(5*(max(CAST(c3 AS INTEGER))/5),1)+2 FROM rows");
    int64_t rows = kit_ask(k, "SELECT count(*) FROM rows");
    if (max < last_acknowledged || max > last_acknowledged + 1 || shared != max || whole != rows) {
        printf("acknowledged %d, rows up to %d, shared %d, %d rows of %d\n", last_acknowledged, (int)max, (int)shared, (int)rows, (int)whole);
        fflush(NULL);
        _exit(4);
    }
    if (kit_ask(k, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'") != 1)
        _exit(5);
}

static void prepare_ledger(struct kit *k)
{
    kit_dataset(k, "text", true);
}

static void kill_after(const char *dir, unsigned us)
{
    assert_int_equal(pipe(ledger_pipe), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ledger_pipe[0]);
        kit_live(dir, NULL, write_until_killed);
    }
    close(ledger_pipe[1]);
    int i;
    /* The first word says that it is at work; then a while. */
    if (read(ledger_pipe[0], &i, sizeof i) == sizeof i) {
        last_acknowledged = i;
        usleep(us);
    }
    kill(pid, SIGKILL);
    while (read(ledger_pipe[0], &i, sizeof i) == sizeof i)
        last_acknowledged = i;
    close(ledger_pipe[0]);
    waitpid(pid, NULL, 0);
}

static void a_kill_anywhere_loses_nothing_acknowledged(void **state)
{
    (void)state;
    const char *seed_text = getenv("SELTZER_SEED");
    unsigned seed = seed_text ? (unsigned)atoi(seed_text) : (unsigned)time(NULL);
    const char *rounds_text = getenv("SELTZER_KILLS");
    int rounds = rounds_text ? atoi(rounds_text) : 15;
    print_message("SELTZER_SEED=%u\n", seed);
    char dir[64];
    new_folder(dir, sizeof dir);
    assert_int_equal(kit_run_apart(dir, NULL, prepare_ledger), 0);
    for (int i = 0; i < rounds; i++) {
        kill_after(dir, (unsigned)rand_r(&seed) % 60000);
        int how = kit_run_apart(dir, NULL, ledger_holds);
        if (how != 0)
            fail_msg("round %d: ended with %d", i, how);
    }
    kit_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_leaves_old_or_new),
        cmocka_unit_test(a_kill_anywhere_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
