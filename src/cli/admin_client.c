/* The command line's side of administration (verb.h, admin.h): in the server when one runs on the directory, else here. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/random.h"
#include "base/secret.h"
#include "cli/admin.h"

enum { STARTING_MS = 5000, LOOK_MS = 50, SECRET_BYTES_MAX = 2048 };

/* ── the secret ── */

static bool read_line(const char *prompt, char *ret, size_t size)
{
    struct termios before, quiet;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        fprintf(stderr, "%s: ", prompt);
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    bool ok = fgets(ret, (int)size, stdin);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (ok)
        ret[strcspn(ret, "\r\n")] = 0;
    return ok;
}

static bool get_password(bool generate, char ret[SECRET_BYTES_MAX])
{
    enum { GENERATED = 20 };
    char again[SECRET_BYTES_MAX];
    if (generate) {
        random_text(ret, GENERATED, "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ");
        ret[GENERATED] = 0;
        return true;
    }
    if (!read_line("new password", ret, SECRET_BYTES_MAX)) {
        cli_say("no password was given");
        return false;
    }
    if (isatty(STDIN_FILENO) && (!read_line("once more", again, sizeof again) || strcmp(ret, again) != 0)) {
        cli_say("the two passwords differ; nothing was changed");
        return false;
    }
    return true;
}

/* ── in the server ── */

static bool receive_all(int fd, void *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = recv(fd, (char *)p + at, n - at, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    return true;
}

static bool copy_out(int fd, size_t n, FILE *to)
{
    char piece[4096];
    while (n) {
        size_t some = n < sizeof piece ? n : sizeof piece;
        if (!receive_all(fd, piece, some))
            return false;
        if (to && fwrite(piece, 1, some, to) != some) {
            cli_say("what was asked for cannot be written: %s", strerror(errno)); /* NOLINT(concurrency-mt-unsafe): one thread */
            return false;
        }
        n -= some;
    }
    return true;
}

static int read_reply(int fd)
{
    unsigned char head[ADMIN_FRAME_HEAD_BYTES];
    while (receive_all(fd, head, sizeof head)) {
        size_t n = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
        if (head[0] == 'x')
            return fflush(stdout) == 0 ? (int)n : EXIT_FAILED;
        if (head[0] == 'e')
            fputs("seltzer: ", stderr);
        if (!copy_out(fd, n, head[0] == 'e' ? stderr : stdout))
            break;
        if (head[0] == 'e')
            fputc('\n', stderr);
    }
    cli_say("the server went away in the middle: look whether it was done");
    return EXIT_FAILED;
}

static int connect_once(const char *dir, int *ret_why)
{
    struct sockaddr_un address;
    struct error unused;
    int dir_fd;
    if (!admin_address(dir, &address, &dir_fd, &unused)) {
        *ret_why = errno;
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    *ret_why = connected ? 0 : errno;
    if (dir_fd >= 0)
        close(dir_fd);
    if (!connected && fd >= 0)
        close(fd);
    return connected ? fd : -1;
}

static int run_there(int fd, const struct verb_request *request)
{
    struct buf text = {0};
    int status = EXIT_FAILED;
    verb_request_write(request, &text);
    /* A server that refuses may close before it has read all: its reply is there all the same. */
    bool sent = buf_ok(&text) && send(fd, text.p, text.n, MSG_NOSIGNAL) == (ssize_t)text.n && shutdown(fd, SHUT_WR) == 0;
    if (sent || (buf_ok(&text) && (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)))
        status = read_reply(fd);
    else
        cli_say("the command cannot be sent to the server");
    if (text.p)
        secret_wipe(text.p, text.n);
    buf_free(&text);
    return status;
}

/* ── here ── */

static bool write_here(void *ctx, struct str bytes)
{
    (void)ctx;
    return fwrite(bytes.p, 1, bytes.n, stdout) == bytes.n;
}

static int run_here(const char *dir, const struct verb *verb, const struct verb_request *request)
{
    struct error err = {0};
    struct arena a = {0};
    struct verb_house house = {.dir = dir};
    char who[64];
    bool ok = (house.catalog = catalog_open(dir, &err));
    if (ok && verb->with_store) {
        const struct store_config config = {.dir = dir, .catalog = house.catalog};
        ok = (house.store = store_open(&config, &err));
    }
    if (ok) {
        struct verb_call call = {&house, request, cli_actor(who, sizeof who), &a, write_here, NULL};
        ok = verb_run(&call, &err) && (fflush(stdout) == 0 || error_from_errno(&err, errno, "standard output"));
    }
    store_close(house.store);
    catalog_close(house.catalog);
    arena_free(&a);
    return ok ? EXIT_DONE : cli_fail(&err);
}

/* What root makes here must be the server's user's to use afterwards, so root acts as whom the directory belongs to. */
static bool act_as_owner(const char *dir, struct error *err)
{
    struct stat st;
    if (geteuid() != 0 || stat(dir, &st) != 0 || st.st_uid == 0)
        return true;
    return (setegid(st.st_gid) == 0 && seteuid(st.st_uid) == 0) || error_from_errno(err, errno, "acting as the directory's owner");
}

static bool act_as_oneself(struct error *err)
{
    return (seteuid(getuid()) == 0 && setegid(getgid()) == 0) || error_from_errno(err, errno, "acting as oneself again");
}

static int say_why_not(const char *path, int why, const struct error *in_use)
{
    const char *hint = why == EACCES || why == EPERM ? "it belongs to another user; run this as root or as the server's user"
                                                     : "the server has been starting or stopping for long, or it is another command that runs; try again";
    cli_say("%s, and %s/" ADMIN_SOCKET " does not answer (%s): %s", in_use->message, path, strerror(why), hint); /* NOLINT(concurrency-mt-unsafe): one thread */
    return EXIT_USAGE;
}

/* What looks at data must not make a directory that was mistyped, and call it whole. */
static bool has_data(const char *path, struct error *err)
{
    char file[4200];
    snprintf(file, sizeof file, "%.4000s/catalog.db", path);
    return access(file, F_OK) == 0 || error_from_errno(err, errno, file);
}

/* A server that starts has the lock a moment before it has the socket, and one that stops has it a moment longer; another command has the
 * lock and never a socket. All of that passes. */
static int run_anywhere(const char *path, const struct verb *verb, const struct verb_request *request)
{
    struct data_dir dir;
    struct error err = {0}, no_socket = {0};
    if (verb->with_store && !has_data(path, &err))
        return cli_fail(&err);
    for (int waited = 0;; waited += LOOK_MS) {
        if (!act_as_owner(path, &err))
            return cli_fail(&err);
        if (data_dir_open(path, true, &dir, &err)) {
            int status = run_here(path, verb, request);
            data_dir_close(&dir);
            return status;
        }
        if (err.code != ERROR_STORE_BUSY || !act_as_oneself(&no_socket))
            return cli_fail(&err);
        int why = 0, fd = connect_once(path, &why);
        if (fd >= 0) {
            int status = run_there(fd, request);
            close(fd);
            return status;
        }
        if ((why != ENOENT && why != ECONNREFUSED) || waited >= STARTING_MS)
            return say_why_not(path, why, &err);
        usleep(LOOK_MS * 1000);
    }
}

/* ── a command ── */

static bool add_options(const struct cli_option *options, size_t n, struct verb_request *r)
{
    for (size_t i = 0; i < n; i++) {
        const struct cli_option *o = &options[i];
        bool own = strcmp(o->name, "data") == 0 || strcmp(o->name, "generate") == 0;
        struct str value = o->flag ? (*o->flag ? STR("true") : STR_NONE) : str_from(*o->value);
        if (own || !value.p)
            continue;
        if (r->n_options == VERB_OPTIONS_MAX)
            return false;
        r->options[r->n_options++] = (struct verb_option){str_from(o->name), value};
    }
    return true;
}

static const char *value_of(const struct cli_option *options, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(options[i].name, name) == 0)
            return options[i].flag ? (*options[i].flag ? "true" : NULL) : *options[i].value;
    return NULL;
}

int cli_administer(const char *command, const struct cli_option *options, size_t n, int argc, char **argv)
{
    struct verb_request request = {.command = str_from(command)};
    char secret[SECRET_BYTES_MAX] = "";
    bool help;
    if (!cli_options(cli_find(command), options, n, &argc, argv, &help))
        return EXIT_USAGE;
    if (help)
        return EXIT_DONE;
    const struct verb *verb = argc >= 2 ? verb_find(request.command, str_from(argv[1])) : NULL;
    size_t words = argc >= 2 ? (size_t)argc - 2 : 0;
    if (!verb || words < verb->words_min || words > verb->words_max || !add_options(options, n, &request)) {
        cli_say("%s: what is to be done? See seltzer %s --help", command, command);
        return EXIT_USAGE;
    }
    request.verb = str_from(verb->name);
    while (request.n_words < words) {
        request.words[request.n_words] = str_from(argv[2 + request.n_words]);
        request.n_words++;
    }
    bool generate = value_of(options, n, "generate");
    if (!random_init() || (verb->secret == SECRET_PASSWORD && !get_password(generate, secret)))
        return EXIT_FAILED;
    request.secret = str_from(secret);
    int status = run_anywhere(value_of(options, n, "data"), verb, &request);
    if (status == EXIT_DONE && verb->secret == SECRET_PASSWORD && generate)
        printf("password: %s\n", secret);
    secret_wipe(secret, sizeof secret);
    return status;
}
