/* A loop: one thread, one epoll set, its connections and their deadlines. In each round it takes events, then what other
 * threads posted, then what has expired; connections that went are freed last, since an event may still name them. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/internal.h"

enum { EVENTS = 256, STOP_TICK_MS = 20 };

/* ── deadlines: a binary heap. An entry may be earlier than its connection's deadline, which moves back with every
 * request; it is put right when it comes up. So the steady state of a busy connection costs no heap operation. ── */

static void timer_put(struct loop *l, size_t i, struct timer t)
{
    l->timers[i] = t;
    t.c->heap_at = i;
}

static void timer_up(struct loop *l, size_t i, struct timer t)
{
    for (size_t parent; i > 0 && l->timers[parent = (i - 1) / 2].when_ms > t.when_ms; i = parent)
        timer_put(l, i, l->timers[parent]);
    timer_put(l, i, t);
}

static void timer_down(struct loop *l, size_t i, struct timer t)
{
    for (size_t child; (child = 2 * i + 1) < l->n_timers; i = child) {
        if (child + 1 < l->n_timers && l->timers[child + 1].when_ms < l->timers[child].when_ms)
            child++;
        if (l->timers[child].when_ms >= t.when_ms)
            break;
        timer_put(l, i, l->timers[child]);
    }
    timer_put(l, i, t);
}

static void timer_remove(struct loop *l, struct connection *c)
{
    size_t i = c->heap_at;
    struct timer last;

    if (i == SIZE_MAX)
        return;
    c->heap_at = SIZE_MAX;
    last = l->timers[--l->n_timers];
    if (last.c == c)
        return;
    if (i > 0 && l->timers[(i - 1) / 2].when_ms > last.when_ms)
        timer_up(l, i, last);
    else
        timer_down(l, i, last);
}

/* Room for one more connection's timer is made when it enters, so that setting one cannot fail. */
static bool timers_reserve(struct loop *l, size_t n)
{
    size_t cap = l->timers_cap ? l->timers_cap : 64;
    struct timer *p;

    if (n <= l->timers_cap)
        return true;
    while (cap < n)
        cap *= 2;
    p = realloc(l->timers, cap * sizeof(*p));
    if (!p)
        return false;
    l->timers = p;
    l->timers_cap = cap;
    return true;
}

void loop_set_deadline(struct connection *c, uint64_t when_ms)
{
    struct loop *l = c->loop;

    c->deadline_ms = when_ms;
    if (when_ms == UINT64_MAX)
        return;
    if (c->heap_at == SIZE_MAX)
        timer_up(l, l->n_timers++, (struct timer){when_ms, c});
    else if (when_ms < l->timers[c->heap_at].when_ms)
        timer_up(l, c->heap_at, (struct timer){when_ms, c});
}

static void expire(struct loop *l)
{
    while (l->n_timers > 0 && l->timers[0].when_ms <= l->now_ms) {
        struct connection *c = l->timers[0].c;
        if (c->deadline_ms == UINT64_MAX) {
            timer_remove(l, c);
        } else if (c->deadline_ms > l->now_ms) {
            timer_down(l, 0, (struct timer){c->deadline_ms, c});
        } else {
            timer_remove(l, c);
            c->deadline_ms = UINT64_MAX;
            connection_expired(c);
        }
    }
}

/* ── what other threads say ── */

void loop_wake(struct loop *l)
{
    uint64_t one = 1;

    while (write(l->wake, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void loop_post(struct connection *c, unsigned bits)
{
    struct loop *l = c->loop;

    pthread_mutex_lock(&l->lock);
    if (!c->posted) {
        c->next_posted = NULL;
        *l->posted_last = c;
        l->posted_last = &c->next_posted;
    }
    c->posted |= bits;
    if (l->asleep) { /* under the lock: after it the loop may end, and its descriptor with it */
        l->asleep = false;
        loop_wake(l);
    }
    pthread_mutex_unlock(&l->lock);
}

/* A connection from the accepting loop. False: it is gone. */
static bool enter(struct loop *l, struct connection *c)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};

    c->next = l->connections;
    if (c->next)
        c->next->previous = c;
    l->connections = c;
    l->n_connections++;
    c->writable = true;
    if (!c->dying && timers_reserve(l, l->n_connections) && epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e) == 0)
        return true;
    c->state = STATE_LINGER; /* as good as any: nothing was said yet */
    connection_stop(c, true);
    return false;
}

static void take_posted(struct loop *l)
{
    struct connection *c, *next;

    pthread_mutex_lock(&l->lock);
    c = l->posted;
    l->posted = NULL;
    l->posted_last = &l->posted;
    pthread_mutex_unlock(&l->lock);
    for (; c; c = next) {
        unsigned bits;
        pthread_mutex_lock(&l->lock);
        bits = c->posted;
        next = c->next_posted;
        c->posted = 0;
        pthread_mutex_unlock(&l->lock);
        if ((bits & POST_NEW) && !enter(l, c))
            continue;
        if (c->state != STATE_GONE)
            connection_posted(c, bits);
    }
}

void loop_forget(struct connection *c)
{
    struct loop *l = c->loop;

    timer_remove(l, c);
    if (c->next)
        c->next->previous = c->previous;
    if (c->previous)
        c->previous->next = c->next;
    else
        l->connections = c->next;
    l->n_connections--;
    c->next = l->gone;
    l->gone = c;
}

static void bury(struct loop *l)
{
    for (struct connection *c = l->gone, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    l->gone = NULL;
}

/* ── the round ── */

/* A listener that the kernel cannot take up now is tried again: else nobody would ever get in any more. */
static void listen_again(struct loop *l, bool on)
{
    enum { AGAIN_MS = 100 };

    for (size_t i = 0; i < l->server->n_listeners; i++) {
        struct listener *listener = &l->server->listeners[i];
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = listener};
        if (epoll_ctl(l->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener->fd, &e) < 0 && on && errno != EEXIST)
            l->accept_again_ms = l->now_ms + AGAIN_MS;
    }
    l->listening = on;
}

static void take_event(struct loop *l, const struct epoll_event *e)
{
    struct connection *c;
    uint64_t ignored;

    switch (*(const enum source *)e->data.ptr) {
    case SOURCE_WAKE:
        while (read(l->wake, &ignored, sizeof(ignored)) < 0 && errno == EINTR)
            ;
        return;
    case SOURCE_LISTENER:
        server_accept(l, e->data.ptr);
        if (l->accept_again_ms > l->now_ms && l->listening)
            listen_again(l, false);
        return;
    case SOURCE_CONNECTION:
        c = e->data.ptr;
        if (e->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            c->readable = true;
        if (e->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            c->writable = true;
        if (e->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            c->hung_up = true;
        connection_step(c);
        return;
    }
}

static int timeout_ms(const struct loop *l, bool stopping)
{
    uint64_t until = l->n_timers ? l->timers[0].when_ms : UINT64_MAX;

    if (l->accept_again_ms && l->accept_again_ms < until)
        until = l->accept_again_ms;
    if (stopping && until > l->now_ms + STOP_TICK_MS)
        until = l->now_ms + STOP_TICK_MS;
    if (until == UINT64_MAX)
        return -1;
    if (until <= l->now_ms)
        return 0;
    return until - l->now_ms < 60000 ? (int)(until - l->now_ms) : 60000;
}

/* True when there is nothing left to wait for. */
static bool stop_round(struct loop *l)
{
    bool grace_is_over = l->now_ms >= atomic_load(&l->server->stop_at_ms);

    if (l->listening)
        listen_again(l, false);
    if (l->number == 0)
        atomic_store(&l->server->doors_shut, true);
    for (struct connection *c = l->connections, *next; c; c = next) {
        next = c->next;
        connection_stop(c, grace_is_over);
    }
    return !l->connections && atomic_load(&l->server->doors_shut);
}

static bool may_sleep(struct loop *l)
{
    bool may;

    pthread_mutex_lock(&l->lock);
    may = l->asleep = !l->posted;
    pthread_mutex_unlock(&l->lock);
    return may;
}

static bool has_posted(struct loop *l)
{
    bool has;

    pthread_mutex_lock(&l->lock);
    l->asleep = false;
    has = l->posted != NULL;
    pthread_mutex_unlock(&l->lock);
    return has;
}

void *loop_run(void *arg)
{
    struct loop *l = arg;
    struct epoll_event events[EVENTS];

    pthread_setname_np(pthread_self(), "http");
    l->now_ms = clock_mono_ms();
    if (l->number == 0)
        listen_again(l, true);
    for (;;) {
        bool stopping = atomic_load(&l->server->stopping);
        int timeout = may_sleep(l) ? timeout_ms(l, stopping) : 0;
        int n = epoll_wait(l->epoll, events, EVENTS, timeout);

        l->now_ms = clock_mono_ms();
        for (int i = 0; i < n; i++)
            take_event(l, &events[i]);
        if (has_posted(l))
            take_posted(l);
        expire(l);
        if (l->accept_again_ms && l->accept_again_ms <= l->now_ms && !stopping) {
            l->accept_again_ms = 0;
            listen_again(l, true);
        }
        bool over = stopping && stop_round(l);
        bury(l);
        if (over && !has_posted(l))
            return NULL;
    }
}

bool loop_init(struct loop *l, struct http_server *s, unsigned number, struct error *err)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = l};

    l->source = SOURCE_WAKE;
    l->server = s;
    l->number = number;
    l->posted_last = &l->posted;
    pthread_mutex_init(&l->lock, NULL);
    l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->wake < 0 || l->epoll < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &e) < 0)
        return error_from_errno(err, errno, "make an event loop");
    return true;
}

void loop_fini(struct loop *l)
{
    bury(l);
    if (l->epoll >= 0)
        close(l->epoll);
    if (l->wake >= 0)
        close(l->wake);
    free(l->timers);
    pthread_mutex_destroy(&l->lock);
}
