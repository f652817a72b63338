/* Landlock, seccomp and the process's own switches (sandbox.h). Kernel headers of Debian 12 are those of Linux 6.1: what is newer
 * has its numbers here, from include/uapi/linux/landlock.h. */
#include "cli/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/sanitized.h"

/* ── Landlock ── */

enum {
    ABI_LEAST = 2, /* before, no file could be moved from a folder to another */
    ABI_TRUNCATE = 3,
    ABI_NET = 4,
    ABI_IOCTL = 5,
    ABI_SCOPE = 6
};

#define FS_TRUNCATE (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define NET_TCP ((1ULL << 0) | (1ULL << 1)) /* bind, connect */
#define SCOPES ((1ULL << 0) | (1ULL << 1))  /* abstract sockets, signals */

struct ruleset { /* struct landlock_ruleset_attr of Linux 6.12 */
    uint64_t files, net, scopes;
};

static const uint64_t fs_read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t fs_all = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                               LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                               LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                               LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER;
static const uint64_t fs_never = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | FS_IOCTL_DEV;
/* What a rule on something that is no folder may give. */
static const uint64_t fs_of_files = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV;

/* What the C library, OpenSSL and the time zones read, at any time. Those that a system does not have are left out. */
static const struct sandbox_path of_libraries[] = {
    {"/usr", SANDBOX_READ}, {"/lib", SANDBOX_READ}, {"/lib64", SANDBOX_READ}, {"/etc/ld.so.cache", SANDBOX_READ}, {"/etc/ssl/openssl.cnf", SANDBOX_READ},
    {"/etc/localtime", SANDBOX_READ}, {"/etc/passwd", SANDBOX_READ}, {"/etc/nsswitch.conf", SANDBOX_READ}, /* names of those who give commands */
    {"/proc/self", SANDBOX_READ}, {"/proc/sys/vm/overcommit_memory", SANDBOX_READ}, {"/sys/devices/system/cpu", SANDBOX_READ},
    {"/dev/urandom", SANDBOX_READ}, {"/dev/random", SANDBOX_READ}, {"/dev/null", SANDBOX_WRITE},
};

static uint64_t handled(int abi)
{
    return fs_all | (abi >= ABI_TRUNCATE ? FS_TRUNCATE : 0) | (abi >= ABI_IOCTL ? FS_IOCTL_DEV : 0);
}

static uint64_t rights_of(enum sandbox_may may, int abi)
{
    switch (may) {
    case SANDBOX_READ:
        return fs_read | (SANITIZED ? LANDLOCK_ACCESS_FS_EXECUTE : 0);
    case SANDBOX_WRITE:
        return handled(abi) & ~fs_never;
    case SANDBOX_LOG:
        return (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | FS_TRUNCATE) & handled(abi);
    case SANDBOX_FILES:
        return (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | FS_TRUNCATE) & handled(abi);
    case SANDBOX_REMOVE_FOLDERS:
        return LANDLOCK_ACCESS_FS_REMOVE_DIR;
    }
    return 0;
}

static bool allow(int rules, int abi, const struct sandbox_path *p, bool may_be_missing, struct error *err)
{
    struct stat st;
    int fd = open(p->path, O_PATH | O_CLOEXEC);
    if (fd < 0 && may_be_missing)
        return true;
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    if (ok) {
        uint64_t rights = rights_of(p->may, abi) & (S_ISDIR(st.st_mode) ? ~0ULL : fs_of_files);
        struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
        ok = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    }
    int saved = errno;
    if (fd >= 0)
        close(fd);
    return ok || error_set(err, ERROR_INTERNAL, "cannot let the sandbox have %s: %s", p->path, strerrordesc_np(saved));
}

static bool allow_all(int rules, int abi, const struct sandbox_path *paths, size_t n, struct error *err)
{
    const size_t n_libraries = sizeof of_libraries / sizeof *of_libraries;
    for (size_t i = 0; i < n; i++)
        if (!allow(rules, abi, &paths[i], false, err))
            return false;
    for (size_t i = 0; i < n_libraries; i++)
        if (!allow(rules, abi, &of_libraries[i], true, err))
            return false;
    /* The lines of a sanitizer's report stand in the program's own file. */
    return !SANITIZED || allow(rules, abi, &(struct sandbox_path){"/proc/self/exe", SANDBOX_READ}, true, err);
}

/* *ret_abi: 0 when the kernel has none that will do. */
static bool enter_landlock(const struct sandbox_path *paths, size_t n, int *ret_abi, struct error *err)
{
    long abi = syscall(SYS_landlock_create_ruleset, (void *)NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    *ret_abi = 0;
    if (abi < ABI_LEAST)
        return true;
    struct ruleset attributes = {handled((int)abi), abi >= ABI_NET ? NET_TCP : 0, abi >= ABI_SCOPE ? SCOPES : 0};
    size_t bytes = abi >= ABI_SCOPE ? sizeof attributes : abi >= ABI_NET ? offsetof(struct ruleset, scopes) : offsetof(struct ruleset, net);
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes, bytes, 0);
    if (rules < 0)
        return error_from_errno(err, errno, "make the sandbox's rules for files");
    bool ok = allow_all(rules, (int)abi, paths, n, err);
    if (ok && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        ok = error_from_errno(err, errno, "enter the sandbox for files");
    close(rules);
    if (ok)
        *ret_abi = (int)abi;
    return ok;
}

/* ── seccomp ── */

#if defined __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

enum { X32_BIT = 0x40000000 };

/* A list of what is refused rather than of what is let through: libraries and the C library change what they call, and a server that
 * ends at an upgrade of Debian's would be the worse fault. */
static const unsigned refused[] = {
#if !SANITIZED
    SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv,
#endif
    SYS_process_vm_writev, SYS_kexec_load, SYS_kexec_file_load, SYS_init_module, SYS_finit_module, SYS_delete_module,
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_move_mount, SYS_open_tree, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr,
    SYS_setns, SYS_unshare, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
    SYS_add_key, SYS_request_key, SYS_keyctl, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl, SYS_open_by_handle_at, SYS_mknodat,
    SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname, SYS_setdomainname, SYS_vhangup, SYS_personality,
#if defined __x86_64__
    SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_mknod, SYS_uselib, SYS__sysctl,
#endif
};
enum { REFUSED = sizeof refused / sizeof *refused };

static const unsigned families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK /* getaddrinfo asks it for our addresses */};
enum { FAMILIES = sizeof families / sizeof *families };

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)

/* Calls of another machine's numbering are refused, then each on the list, then sockets of another family. False: not on this machine. */
static bool enter_seccomp(void)
{
    enum { HEAD = 5, MAX = HEAD + 2 * REFUSED + FAMILIES + 8 };
    struct sock_filter program[MAX];
    unsigned short n = 0;
    if (!ARCHITECTURE)
        return false;
#define ADD(...) program[n++] = (struct sock_filter)__VA_ARGS__
    ADD(LOAD(arch));
    ADD(IF_EQUAL(ARCHITECTURE, 1, 0));
    ADD(RETURN(SECCOMP_RET_ERRNO | EPERM));
    ADD(LOAD(nr));
#if defined __x86_64__
    ADD(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
    ADD(RETURN(SECCOMP_RET_ERRNO | EPERM));
#endif
    for (size_t i = 0; i < REFUSED; i++) {
        ADD(IF_EQUAL(refused[i], 0, 1));
        ADD(RETURN(SECCOMP_RET_ERRNO | EPERM));
    }
    ADD(IF_EQUAL(SYS_socket, 1, 0));
    ADD(RETURN(SECCOMP_RET_ALLOW));
    ADD(LOAD(args[0]));
    for (unsigned i = 0; i < FAMILIES; i++)
        ADD(IF_EQUAL(families[i], (unsigned char)(FAMILIES - i), 0));
    ADD(RETURN(SECCOMP_RET_ERRNO | EAFNOSUPPORT));
    ADD(RETURN(SECCOMP_RET_ALLOW));
#undef ADD
    struct sock_fprog filter = {n, program};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

/* ── all of it ── */

/* A service manager gives the right to bind port 443 to a user who is not root; it is used by now. Root without its own, which
 * somebody asked for, could not read files of others. */
static bool give_up_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};
    return geteuid() == 0 || syscall(SYS_capset, &header, none) == 0;
}

static bool close_process(struct error *err)
{
    const struct rlimit no_core = {0, 0};
    if (!give_up_capabilities())
        return error_from_errno(err, errno, "give up capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_from_errno(err, errno, "give up new privileges");
    if (!SANITIZED && (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &no_core) != 0))
        return error_from_errno(err, errno, "keep the memory out of core dumps");
    return true;
}

bool sandbox_enter(const struct sandbox_path *paths, size_t n, char ret_said[256], struct error *err)
{
    int abi;
    if (!close_process(err) || !enter_landlock(paths, n, &abi, err))
        return false;
    bool seccomp = enter_seccomp();
    snprintf(ret_said, 256, "files by Landlock%s%s, system calls %s, no new privileges%s",
             !abi ? ": not, this kernel has none that will do" : abi >= ABI_NET ? " and no new TCP sockets" : "", abi >= ABI_SCOPE ? ", signals within" : "",
             seccomp ? "by seccomp" : "not: this kernel has no seccomp for us", SANITIZED ? "" : ", no core dumps");
    return true;
}
