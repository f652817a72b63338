/* Bytes of one connection, plain or TLS. Sockets do not block and epoll tells edges only, so `readable` and `writable` hold
 * until a call says otherwise. */
#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/internal.h"

static enum io tls_result(struct connection *c, int rc)
{
    switch (SSL_get_error(c->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        c->readable = false;
        return IO_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        c->writable = false;
        return IO_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return IO_EOF;
    default:
        ERR_clear_error();
        return IO_ERROR;
    }
}

static void start_call(void)
{
    ERR_clear_error();
    errno = 0;
}

/* OpenSSL asks to wait when a signal interrupted the call, but no edge would come then. Only when it asks: it says goodbye to a
 * client that left by an alert, and the call that was interrupted may be the alert's, behind which nothing goes on. */
static bool was_interrupted(const struct connection *c, int rc)
{
    int reason;

    if (rc == 1 || errno != EINTR)
        return false;
    reason = SSL_get_error(c->ssl, rc);
    return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
}

enum io stream_handshake(struct connection *c)
{
    int rc;

    do {
        start_call();
        rc = SSL_do_handshake(c->ssl);
    } while (was_interrupted(c, rc));
    return rc == 1 ? IO_OK : tls_result(c, rc);
}

enum io stream_read(struct connection *c, char *p, size_t n, size_t *ret_n)
{
    ssize_t got;

    if (c->ssl) {
        int rc;
        do {
            start_call();
            rc = SSL_read_ex(c->ssl, p, n, ret_n);
        } while (was_interrupted(c, rc));
        return rc == 1 ? IO_OK : tls_result(c, rc);
    }
    do
        got = recv(c->fd, p, n, 0);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return IO_EOF;
    if (got > 0) {
        *ret_n = (size_t)got;
        /* A short read emptied the socket: what comes next is a new edge, unless it is the end that was told already. */
        if ((size_t)got < n && !c->hung_up)
            c->readable = false;
        return IO_OK;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return IO_ERROR;
    c->readable = false;
    return IO_AGAIN;
}

enum io stream_write(struct connection *c, const char *p, size_t n, size_t *ret_n)
{
    ssize_t got;

    if (c->ssl) {
        int rc;
        do {
            start_call();
            rc = SSL_write_ex(c->ssl, p, n, ret_n);
        } while (was_interrupted(c, rc));
        return rc == 1 ? IO_OK : tls_result(c, rc);
    }
    do
        got = send(c->fd, p, n, MSG_NOSIGNAL);
    while (got < 0 && errno == EINTR);
    if (got >= 0) {
        *ret_n = (size_t)got;
        return IO_OK;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return IO_ERROR;
    c->writable = false;
    return IO_AGAIN;
}

void stream_finish(struct connection *c)
{
    if (c->ssl && SSL_is_init_finished(c->ssl)) {
        ERR_clear_error();
        if (SSL_shutdown(c->ssl) < 0)
            ERR_clear_error();
    }
    shutdown(c->fd, SHUT_WR);
}

void stream_close(struct connection *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}
