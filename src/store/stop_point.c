/* Stop points (stop_point.h). */
#include "store/stop_point.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/str.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct str wanted;
static atomic_ulong passes_left;

static void read_environment(void)
{
    struct str count = STR_NONE;
    uint64_t n = 1;
    wanted = str_from(getenv("SELTZER_TEST_STOP")); /* NOLINT(concurrency-mt-unsafe): nobody changes the environment */
    if (str_cut(wanted, ':', &wanted, &count) && !str_to_u64(count, &n))
        n = 1;
    atomic_store(&passes_left, n ? n : 1);
}

void stop_point(const char *name)
{
    pthread_once(&once, read_environment);
    if (wanted.n && str_eq(wanted, str_from(name)) && atomic_fetch_sub(&passes_left, 1) == 1)
        raise(SIGKILL);
}
