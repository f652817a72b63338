#include "cli/audit_head.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

void audit_head_path(const char *dir, const char *given, char ret[AUDIT_HEAD_PATH_MAX])
{
    if (given)
        snprintf(ret, AUDIT_HEAD_PATH_MAX, "%s", given);
    else
        snprintf(ret, AUDIT_HEAD_PATH_MAX, "%s/audit-head", dir);
}

void audit_head_print(const struct chain_head *head, char ret[96])
{
    char hex[2 * CHAIN_HASH_BYTES + 1];
    snprintf(ret, 96, "%lld:%s", (long long)head->seq, sodium_bin2hex(hex, sizeof hex, head->hash, CHAIN_HASH_BYTES));
}

bool audit_head_parse(struct str text, struct chain_head *ret)
{
    struct str number, hex;
    struct chain_head head;
    uint64_t seq;
    size_t n;
    text = str_trim(text);
    if (!str_cut(text, ':', &number, &hex) || !str_to_u64(number, &seq) || seq > INT64_MAX || hex.n != 2 * (size_t)CHAIN_HASH_BYTES ||
        sodium_hex2bin(head.hash, sizeof head.hash, hex.p, hex.n, NULL, &n, NULL) != 0 || n != CHAIN_HASH_BYTES)
        return false;
    head.seq = (int64_t)seq;
    *ret = head;
    return true;
}

/* ── the file ── */

/* In place: one write of less than a sector is whole or not at all, and the sandbox need not let the server rename files in a folder that
 * is not its own. */
bool audit_head_write(const char *path, const struct chain_head *head, struct error *err)
{
    char text[96];
    audit_head_print(head, text);
    size_t n = strlen(text);
    text[n++] = '\n';
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_from_errno(err, errno, path);
    ssize_t written = pwrite(fd, text, n, 0);
    bool ok = written == (ssize_t)n && ftruncate(fd, (off_t)n) == 0 && fsync(fd) == 0;
    if (!ok)
        error_from_errno(err, written >= 0 && written < (ssize_t)n ? ENOSPC : errno, path);
    close(fd);
    return ok;
}

bool audit_head_read(const char *path, struct chain_head *ret, bool *ret_found, struct error *err)
{
    char text[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *ret_found = fd >= 0;
    if (fd < 0)
        return errno == ENOENT || error_from_errno(err, errno, path);
    ssize_t n = read(fd, text, sizeof text);
    int saved = errno;
    close(fd);
    if (n < 0)
        return error_from_errno(err, saved, path);
    return audit_head_parse(str_make(text, (size_t)n), ret) || error_set(err, ERROR_STORE_UNAVAILABLE, "%s does not hold the head of an audit chain, a number, a colon and 64 hexadecimal digits", path);
}

/* ── the server's ── */

static bool anchor(struct audit_head_keeper *k, struct error *err)
{
    struct chain_anchor *v = NULL;
    size_t n = 0;
    if (!store_audit_moved(k->store, &v, &n, err))
        return false;
    bool ok = n == 0 || catalog_audit_anchor(k->catalog, &actor_server, v, n, err);
    if (ok && n)
        store_audit_anchored(k->store, v, n);
    free(v);
    return ok;
}

void audit_head_keep(struct audit_head_keeper *k, bool now)
{
    struct error err;
    struct chain_head head;
    char text[96];
    uint64_t at = clock_mono_ms();
    if (!now && k->kept_at_ms && at - k->kept_at_ms < AUDIT_HEAD_S * 1000)
        return;
    k->kept_at_ms = at;
    bool ok = anchor(k, &err) && catalog_audit_head(k->catalog, &head, &err);
    if (ok && head.seq == k->kept_seq)
        return;
    if (!ok || !audit_head_write(k->path, &head, &err)) {
        log_line(LOG_ERROR, "the head of the audit was not kept: %s", err.message);
        return;
    }
    k->kept_seq = head.seq;
    audit_head_print(&head, text);
    log_line(LOG_INFO, "audit head %s", text);
}
