/* The server's side of DIR/admin.sock (admin.h). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "cli/admin.h"

enum { LOOK_S = 5 }; /* how often a thread looks whether the server stops, should nothing wake it */

struct admin_thread {
    struct admin_server *server;
    pthread_t thread;
    bool started;
    int fd; /* the connection that it serves, -1 for none; under the server's lock */
};

struct admin_server {
    const struct verb_house *house;
    int listener;
    char *path;
    pthread_mutex_t lock;
    bool stopping;
    struct admin_thread threads[ADMIN_THREADS];
};

bool admin_address(const char *dir, struct sockaddr_un *ret, int *ret_dir_fd, struct error *err)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    *ret_dir_fd = -1;
    if ((size_t)snprintf(ret->sun_path, sizeof ret->sun_path, "%s/" ADMIN_SOCKET, dir) < sizeof ret->sun_path)
        return true;
    /* Longer than a socket's address can be (unix(7)): the same folder by a shorter name. */
    *ret_dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret_dir_fd < 0)
        return error_from_errno(err, errno, dir);
    snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/" ADMIN_SOCKET, *ret_dir_fd);
    return true;
}

/* ── one command ── */

static bool send_all(int fd, const void *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t sent = send(fd, (const char *)p + at, n - at, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += (size_t)sent;
    }
    return true;
}

static bool send_frame(int fd, char kind, uint32_t length, struct str bytes)
{
    const unsigned char head[ADMIN_FRAME_HEAD_BYTES] = {(unsigned char)kind, (unsigned char)(length >> 24), (unsigned char)(length >> 16), (unsigned char)(length >> 8), (unsigned char)length};
    return send_all(fd, head, sizeof head) && send_all(fd, bytes.p, bytes.n);
}

static bool is_stopping(struct admin_server *s)
{
    pthread_mutex_lock(&s->lock);
    bool stopping = s->stopping;
    pthread_mutex_unlock(&s->lock);
    return stopping;
}

/* An export may be long: a server that stops does not wait for its end. */
static bool write_output(void *ctx, struct str bytes)
{
    struct admin_thread *t = ctx;
    return !is_stopping(t->server) && send_frame(t->fd, 'o', (uint32_t)bytes.n, bytes);
}

static void send_end(int fd, bool ok, const struct error *err)
{
    struct str said = str_from(err->message);
    if ((ok || send_frame(fd, 'e', (uint32_t)said.n, said)) && send_frame(fd, 'x', ok ? EXIT_DONE : EXIT_FAILED, STR_NONE))
        return;
    log_line(LOG_WARN, "a command on the administration's socket went away before it was told how it ended: %s", ok ? "done" : err->message);
}

/* All that comes until the other side is shut. */
static bool receive(int fd, struct buf *ret, struct error *err)
{
    for (;;) {
        char *room = buf_room(ret, 4096);
        if (!room)
            return error_no_memory(err);
        ssize_t n = recv(fd, room, 4096, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_from_errno(err, errno, "reading a command");
        if (n == 0)
            return true;
        ret->n += (size_t)n;
        if (ret->n > VERB_REQUEST_BYTES_MAX)
            return error_set(err, ERROR_LIMIT_EXCEEDED, "a command has over %d bytes", VERB_REQUEST_BYTES_MAX);
    }
}

static bool who_is_it(int fd, char *who, size_t size, struct error *err)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    struct passwd entry, *user = NULL;
    char room[4096];
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
        return error_from_errno(err, errno, "asking who connects");
    if (peer.uid != 0 && peer.uid != geteuid())
        return error_set(err, ERROR_PERMISSION_DENIED, "the server takes commands of root and of its own user (uid %u), not of uid %u", (unsigned)geteuid(), (unsigned)peer.uid);
    if (getpwuid_r(peer.uid, &entry, room, sizeof room, &user) == 0 && user)
        snprintf(who, size, "%s", user->pw_name);
    else
        snprintf(who, size, "uid %u", (unsigned)peer.uid);
    return true;
}

static void serve(struct admin_thread *t, int fd)
{
    struct arena a = {0};
    struct buf text = {0};
    struct error err = {0};
    struct verb_request request;
    char who[64];
    bool ok = who_is_it(fd, who, sizeof who, &err) && receive(fd, &text, &err) && verb_request_read(&a, buf_str(&text), &request, &err);
    if (ok) {
        struct verb_call call = {t->server->house, &request, {.user = "", .via = "command line", .peer = who}, &a, write_output, t};
        ok = verb_run(&call, &err);
        log_line(LOG_INFO, "%s on the command line: " FMT_STR " " FMT_STR "%s%s", who, ARG_STR(request.command), ARG_STR(request.verb), ok ? "" : ": ", ok ? "" : err.message);
        if (request.secret.n)
            secret_wipe((char *)(uintptr_t)request.secret.p, request.secret.n);
    }
    send_end(fd, ok, &err);
    if (text.p)
        secret_wipe(text.p, text.n);
    buf_free(&text);
    arena_free(&a);
}

/* ── the threads ── */

/* False: the server is stopping, and the connection is not to be served. */
static bool take(struct admin_thread *t, int fd)
{
    pthread_mutex_lock(&t->server->lock);
    bool wanted = !t->server->stopping;
    if (wanted)
        t->fd = fd;
    pthread_mutex_unlock(&t->server->lock);
    return wanted;
}

static void leave(struct admin_thread *t)
{
    pthread_mutex_lock(&t->server->lock);
    t->fd = -1;
    pthread_mutex_unlock(&t->server->lock);
}

static void *run(void *arg)
{
    struct admin_thread *t = arg;
    const struct timeval idle = {.tv_sec = ADMIN_IDLE_S};
    while (!is_stopping(t->server)) {
        int fd = accept4(t->server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR)
                usleep(100000); /* no room for a connection: it waits */
            continue;
        }
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle) == 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof idle) == 0 && take(t, fd)) {
            serve(t, fd);
            leave(t);
        }
        close(fd);
    }
    return NULL;
}

/* ── open and close ── */

/* Whoever holds the directory's lock owns the name: what lies there is a killed server's. */
static bool listen_at(struct admin_server *s, struct error *err)
{
    struct sockaddr_un address;
    int dir_fd;
    const struct timeval look = {.tv_sec = LOOK_S};
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0)
        return error_from_errno(err, errno, "making the administration's socket");
    if (asprintf(&s->path, "%s/" ADMIN_SOCKET, s->house->dir) < 0) {
        s->path = NULL;
        return error_no_memory(err);
    }
    if (!admin_address(s->house->dir, &address, &dir_fd, err))
        return false;
    /* The mode before the name, so that there is no moment in which others could connect. */
    bool ok = (unlink(s->path) == 0 || errno == ENOENT) && fchmod(s->listener, 0600) == 0 &&
              bind(s->listener, (const struct sockaddr *)&address, sizeof address) == 0 && chmod(s->path, 0600) == 0 &&
              setsockopt(s->listener, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof look) == 0 && listen(s->listener, 16) == 0;
    if (!ok)
        error_from_errno(err, errno, s->path);
    if (dir_fd >= 0)
        close(dir_fd);
    return ok;
}

struct admin_server *admin_server_open(const struct verb_house *house, struct error *err)
{
    struct admin_server *s = calloc(1, sizeof *s);
    if (!s) {
        error_no_memory(err);
        return NULL;
    }
    s->house = house;
    s->listener = -1;
    pthread_mutex_init(&s->lock, NULL);
    for (int i = 0; i < ADMIN_THREADS; i++)
        s->threads[i] = (struct admin_thread){.server = s, .fd = -1};
    bool ok = listen_at(s, err);
    for (int i = 0; ok && i < ADMIN_THREADS; i++) {
        int failed = pthread_create(&s->threads[i].thread, NULL, run, &s->threads[i]);
        s->threads[i].started = failed == 0;
        ok = failed == 0 || error_from_errno(err, failed, "starting a thread of the administration");
    }
    if (ok)
        return s;
    admin_server_close(s);
    return NULL;
}

void admin_server_close(struct admin_server *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    for (int i = 0; i < ADMIN_THREADS; i++)
        if (s->threads[i].fd >= 0)
            shutdown(s->threads[i].fd, SHUT_RD); /* who has not asked yet is not waited for */
    pthread_mutex_unlock(&s->lock);
    if (s->listener >= 0)
        shutdown(s->listener, SHUT_RDWR); /* wakes accept() */
    for (int i = 0; i < ADMIN_THREADS; i++)
        if (s->threads[i].started)
            pthread_join(s->threads[i].thread, NULL);
    if (s->listener >= 0) {
        close(s->listener);
        unlink(s->path);
    }
    free(s->path);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
