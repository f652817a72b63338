/* The sandbox, tried from within, and the change of users. Each case runs in a process of its own, since neither can be undone. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/privileges.h"
#include "cli/sandbox.h"
#include "cli/sanitized.h"

static char base[] = "/tmp/seltzer-sandbox-XXXXXX";
static char inside[64], readable[64], outside[64];

/* ── the kernel, as older ones are ── */

static long oldest_abi = -1; /* what it says of Landlock; -1: the truth */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    va_list args;
    va_start(args, number);
    long a = va_arg(args, long), b = va_arg(args, long), c = va_arg(args, long), d = va_arg(args, long);
    va_end(args);
    if (number == SYS_landlock_create_ruleset && !a && oldest_abi >= 0) {
        errno = ENOSYS;
        return oldest_abi ? oldest_abi : -1;
    }
    return __real_syscall(number, a, b, c, d);
}

static int failing_option; /* of prctl */

int __real_prctl(int option, ...);
int __wrap_prctl(int option, ...);
int __wrap_prctl(int option, ...)
{
    va_list args;
    va_start(args, option);
    unsigned long a = va_arg(args, unsigned long), b = va_arg(args, unsigned long);
    va_end(args);
    if (option == failing_option) {
        errno = EINVAL;
        return -1;
    }
    return __real_prctl(option, a, b, 0, 0);
}

static long ask(long number, long a, long b)
{
    return __real_syscall(number, a, b, 0L, 0L);
}

static long true_abi(void)
{
    return __real_syscall(SYS_landlock_create_ruleset, 0L, 0L, 1L, 0L);
}

static bool kernel_has_landlock(void)
{
    return true_abi() >= 2;
}

static bool kernel_closes_tcp(void)
{
    return true_abi() >= 4;
}

/* ── cases ── */

/* In a child: a claim that does not hold is said, and ends it. */
#define HOLDS(claim)                                                                      \
    do {                                                                                  \
        if (!(claim)) {                                                                   \
            fprintf(stderr, "line %d: not so: %s (%s)\n", __LINE__, #claim, strerror(errno)); \
            _exit(1);                                                                     \
        }                                                                                 \
    } while (0)

static void in_a_child(void (*claims)(void))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        claims();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void enter(char said[256])
{
    const struct sandbox_path paths[] = {{inside, SANDBOX_WRITE}, {readable, SANDBOX_READ}};
    struct error err = {0};
    HOLDS(sandbox_enter(paths, 2, said, &err));
}

static const char *at(const char *folder, const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int opened(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd;
}

static bool is_refused(long rc, int number)
{
    return rc < 0 && errno == number;
}

static void files_claims(void)
{
    char said[256], other[128];
    enter(said);
    HOLDS(strstr(said, "files by Landlock"));
    HOLDS(opened(at(inside, "new"), O_RDWR | O_CREAT) >= 0);
    HOLDS(mkdir(at(inside, "folder"), 0700) == 0);
    snprintf(other, sizeof other, "%s", at(inside, "folder/moved"));
    HOLDS(rename(at(inside, "new"), other) == 0);
    HOLDS(truncate(other, 0) == 0 && unlink(other) == 0 && rmdir(at(inside, "folder")) == 0);
    HOLDS(opened(at(readable, "file"), O_RDONLY) >= 0);
    HOLDS(is_refused(opened(at(readable, "file"), O_WRONLY), EACCES));
    HOLDS(is_refused(opened(at(readable, "new"), O_WRONLY | O_CREAT), EACCES));
    HOLDS(is_refused(opened(at(outside, "file"), O_RDONLY), EACCES));
    HOLDS(is_refused(opened(at(outside, "new"), O_WRONLY | O_CREAT), EACCES));
    HOLDS(is_refused(unlink(at(outside, "file")), EACCES));
    HOLDS(is_refused(opened("/etc/group", O_RDONLY), EACCES));
    HOLDS(is_refused(opened(at(inside, "../outside/file"), O_RDONLY), EACCES));
    HOLDS(symlink(at(outside, "file"), "link-of-the-test") != 0);
    HOLDS(opened("/dev/null", O_RDWR) >= 0 && opened("/dev/urandom", O_RDONLY) >= 0 && opened("/proc/self/status", O_RDONLY) >= 0);
    HOLDS(is_refused(opened("/proc/1/status", O_RDONLY), EACCES));
}

static void files_only_claims(void)
{
    char said[256], logs[64], heads[64];
    struct error err = {0};
    snprintf(logs, sizeof logs, "%s", readable);
    snprintf(heads, sizeof heads, "%s", outside);
    const struct sandbox_path paths[] = {{logs, SANDBOX_LOG}, {heads, SANDBOX_FILES}};
    HOLDS(sandbox_enter(paths, 2, said, &err));
    const char *const both[] = {logs, heads};
    for (int i = 0; i < 2; i++) {
        int fd = open(at(both[i], "file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        HOLDS(fd >= 0 && write(fd, "a line\n", 7) == 7 && ftruncate(fd, 3) == 0 && close(fd) == 0);
        HOLDS(opened(at(both[i], "next"), O_WRONLY | O_APPEND | O_CREAT) >= 0);
        HOLDS(is_refused(unlink(at(both[i], "next")), EACCES) && is_refused(mkdir(at(both[i], "folder"), 0700), EACCES));
    }
    HOLDS(is_refused(opened(at(logs, "file"), O_RDONLY), EACCES));
    HOLDS(opened(at(heads, "file"), O_RDONLY) >= 0);
}

static void a_link_within_claims(void)
{
    char said[256], link[128];
    snprintf(link, sizeof link, "%s", at(inside, "link"));
    HOLDS(symlink(at(outside, "file"), link) == 0);
    enter(said);
    HOLDS(is_refused(opened(link, O_RDONLY), EACCES));
    HOLDS(unlink(link) == 0);
}

static void only_what_is_inside_is_within_reach(void **state)
{
    (void)state;
    if (!kernel_has_landlock())
        skip(); /* the kernel of whoever runs the tests has no Landlock: there are no walls to try */
    in_a_child(files_claims);
    in_a_child(a_link_within_claims);
    in_a_child(files_only_claims);
}

static void sockets_claims(void)
{
    char said[256];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof to;
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = socket(AF_INET, SOCK_STREAM, 0);
    HOLDS(bind(listener, (struct sockaddr *)&to, sizeof to) == 0 && getsockname(listener, (struct sockaddr *)&to, &n) == 0);
    enter(said);
    HOLDS(listen(listener, 1) == 0); /* bound before */
    HOLDS(is_refused(connect(one, (struct sockaddr *)&to, sizeof to), EACCES));
    to.sin_port = 0;
    HOLDS(is_refused(bind(one, (struct sockaddr *)&to, sizeof to), EACCES));
}

static void a_bound_port_listens_and_no_other_connection_is_made(void **state)
{
    (void)state;
    if (!kernel_closes_tcp())
        skip(); /* the kernel of whoever runs the tests is older than Linux 6.7 */
    in_a_child(sockets_claims);
}

static void calls_claims(void)
{
    char said[256];
    enter(said);
    HOLDS(strstr(said, "system calls by seccomp"));
    HOLDS(is_refused(ask(SYS_mount, (long)"x", (long)inside), EPERM));
    HOLDS(is_refused(ask(SYS_bpf, 0, 0), EPERM));
    HOLDS(is_refused(ask(SYS_unshare, 0, 0), EPERM));
    HOLDS(is_refused(ask(SYS_io_uring_setup, 1, 0), EPERM));
    HOLDS(is_refused(ask(SYS_keyctl, 0, 0), EPERM));
    HOLDS(is_refused(socket(AF_PACKET, SOCK_RAW, 0), EAFNOSUPPORT) && is_refused(socket(AF_VSOCK, SOCK_STREAM, 0), EAFNOSUPPORT));
    HOLDS(socket(AF_INET6, SOCK_STREAM, 0) >= 0 || errno == EAFNOSUPPORT);
    HOLDS(socket(AF_UNIX, SOCK_STREAM, 0) >= 0 && socket(AF_INET, SOCK_STREAM, 0) >= 0 && socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
    HOLDS(__real_prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
#if !SANITIZED
    struct rlimit core;
    HOLDS(__real_prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    HOLDS(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
    execl("/bin/true", "true", (char *)NULL);
    HOLDS(errno == EPERM || errno == EACCES);
#endif
}

static void calls_that_no_server_makes_fail(void **state)
{
    (void)state;
    in_a_child(calls_claims);
}

static void old_kernel_claims(void)
{
    char said[256];
    enter(said);
    HOLDS(strstr(said, "this kernel has none that will do"));
    HOLDS(opened(at(outside, "file"), O_RDONLY) >= 0);
    HOLDS(is_refused(ask(SYS_bpf, 0, 0), EPERM));
}

static void a_kernel_without_landlock_has_the_other_walls(void **state)
{
    (void)state;
    for (oldest_abi = 0; oldest_abi < 2; oldest_abi++)
        in_a_child(old_kernel_claims);
    oldest_abi = -1;
}

static void older_claims(void)
{
    char said[256];
    enter(said);
    HOLDS(is_refused(opened(at(outside, "file"), O_RDONLY), EACCES));
    HOLDS(opened(at(inside, "new"), O_RDWR | O_CREAT) >= 0);
    HOLDS((strstr(said, "TCP") != NULL) == (oldest_abi >= 4));
    HOLDS((strstr(said, "signals") != NULL) == (oldest_abi >= 6));
}

static void each_step_of_landlock_is_asked_for_what_it_has(void **state)
{
    (void)state;
    long have = true_abi();
    for (oldest_abi = 2; oldest_abi <= have; oldest_abi++)
        in_a_child(older_claims);
    oldest_abi = -1;
}

/* As systemd starts it: not root, with the one capability that binds low ports. */
static void capability_claims(void)
{
    enum { NET_BIND = 10, VERSION_3 = 0x20080522 };
    struct {
        uint32_t version;
        int pid;
    } header = {VERSION_3, 0};
    struct {
        uint32_t effective, permitted, inheritable;
    } data[2] = {{1 << NET_BIND, 1 << NET_BIND, 1 << NET_BIND}, {0, 0, 0}};
    char said[256];
    HOLDS(__real_prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setresuid(65534, 65534, 65534) == 0);
    HOLDS(ask(SYS_capset, (long)&header, (long)data) == 0);
    HOLDS(__real_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, NET_BIND, 0, 0) == 0);
    struct error err = {0};
    HOLDS(sandbox_enter(NULL, 0, said, &err));
    HOLDS(ask(SYS_capget, (long)&header, (long)data) == 0);
    HOLDS(data[0].effective == 0 && data[0].permitted == 0 && data[0].inheritable == 0);
    HOLDS(__real_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, NET_BIND, 0, 0) == 0);
}

static void the_right_to_bind_low_ports_is_given_up(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can hand a capability on */
    in_a_child(capability_claims);
}

static void no_seccomp_claims(void)
{
    char said[256];
    enter(said);
    HOLDS(strstr(said, "no seccomp for us"));
}

static void a_kernel_without_seccomp_is_said(void **state)
{
    (void)state;
    failing_option = PR_SET_SECCOMP;
    in_a_child(no_seccomp_claims);
    failing_option = 0;
}

static void failing_claims(void)
{
    char said[256];
    struct error err = {0};
    HOLDS(!sandbox_enter(NULL, 0, said, &err) && strstr(err.message, "privileges"));
}

static void missing_claims(void)
{
    char said[256];
    struct error err = {0};
    const struct sandbox_path paths[] = {{"/no/such folder", SANDBOX_WRITE}};
    HOLDS(!sandbox_enter(paths, 1, said, &err) && strstr(err.message, "/no/such folder"));
}

static void walls_that_cannot_be_put_up_are_errors(void **state)
{
    (void)state;
    failing_option = PR_SET_NO_NEW_PRIVS;
    in_a_child(failing_claims);
    failing_option = 0;
    if (kernel_has_landlock())
        in_a_child(missing_claims);
}

/* ── users ── */

static void no_such_user_is_named(void **state)
{
    struct privileges p;
    struct error err = {0};
    (void)state;
    assert_false(privileges_choose("nobody of that name", false, &p, &err));
    assert_non_null(strstr(err.message, "nobody of that name"));
}

static void become_nobody(struct privileges *ret)
{
    struct error err = {0};
    HOLDS(privileges_choose("nobody", false, ret, &err) && ret->drop);
    HOLDS(privileges_drop(ret, &err));
}

static void dropped_claims(void)
{
    struct privileges p;
    uid_t real, effective, saved;
    become_nobody(&p);
    HOLDS(getresuid(&real, &effective, &saved) == 0 && real == p.uid && effective == p.uid && saved == p.uid);
    HOLDS(getgid() == p.gid && getgroups(0, NULL) <= 1);
    HOLDS(is_refused(setuid(0), EPERM) && is_refused(setgid(0), EPERM));
    HOLDS(is_refused(opened(at(outside, "file"), O_RDONLY), EACCES));
    struct error err = {0};
    HOLDS(!privileges_choose("root", false, &p, &err) && strstr(err.message, "only root"));
    HOLDS(privileges_choose(NULL, false, &p, &err) && !p.drop); /* not root any more: as it is */
    HOLDS(privileges_choose("nobody", false, &p, &err) && !p.drop);
}

static void folder_claims(void)
{
    struct privileges p;
    struct error err = {0};
    struct stat st;
    HOLDS(chmod(base, 0755) == 0);
    HOLDS(privileges_choose("nobody", false, &p, &err));
    HOLDS(privileges_make_folder(&p, at(base, "fresh"), &err));
    HOLDS(stat(at(base, "fresh"), &st) == 0 && st.st_uid == p.uid && st.st_gid == p.gid && (st.st_mode & 0777) == 0700);
    HOLDS(privileges_make_folder(&p, at(base, "fresh"), &err)); /* again */
    HOLDS(!privileges_make_folder(&p, outside, &err) && strstr(err.message, "chown -R nobody"));
    HOLDS(rmdir(at(base, "fresh")) == 0);
}

static void root_claims(void)
{
    struct privileges p;
    struct error err = {0};
    HOLDS(privileges_choose("root", false, &p, &err) && !p.drop);
    HOLDS(privileges_choose(NULL, true, &p, &err) && !p.drop);
    if (getpwnam(PRIVILEGES_USER))
        HOLDS(privileges_choose(NULL, false, &p, &err) && p.drop);
    else
        HOLDS(!privileges_choose(NULL, false, &p, &err) && strstr(err.message, "useradd") && strstr(err.message, "--user root"));
}

static void root_becomes_another_for_good(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can become another */
    in_a_child(dropped_claims);
    in_a_child(folder_claims);
    in_a_child(root_claims);
}

static void set_up_folders(void)
{
    snprintf(inside, sizeof inside, "%s/inside", base);
    snprintf(readable, sizeof readable, "%s/readable", base);
    snprintf(outside, sizeof outside, "%s/outside", base);
    const char *const folders[] = {inside, readable, outside};
    for (int i = 0; i < 3; i++) {
        int fd = mkdir(folders[i], 0700) == 0 ? open(at(folders[i], "file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
        if (fd < 0)
            abort();
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_inside_is_within_reach),
        cmocka_unit_test(a_bound_port_listens_and_no_other_connection_is_made),
        cmocka_unit_test(calls_that_no_server_makes_fail),
        cmocka_unit_test(a_kernel_without_landlock_has_the_other_walls),
        cmocka_unit_test(each_step_of_landlock_is_asked_for_what_it_has),
        cmocka_unit_test(the_right_to_bind_low_ports_is_given_up),
        cmocka_unit_test(a_kernel_without_seccomp_is_said),
        cmocka_unit_test(walls_that_cannot_be_put_up_are_errors),
        cmocka_unit_test(no_such_user_is_named),
        cmocka_unit_test(root_becomes_another_for_good),
    };
    char command[64];
    if (!mkdtemp(base))
        return 1;
    set_up_folders();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -rf %s", base);
    return system(command) == 0 ? rc : 1; /* NOLINT(cert-env33-c): as the other tests do */
}
