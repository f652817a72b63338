/* The way between the command line and a running server: the Unix socket DIR/admin.sock, mode 0600, on which the server answers
 * root and its own user alone, as the kernel tells who connects (SO_PEERCRED, unix(7)).
 *
 *     command ─► one JSON object (verb_request.c), then its side is shut
 *     server  ─► frames: a letter and four bytes of length, big end first, then so many bytes
 *                o: for standard output   e: the error   x: the end; the length is the exit status, no bytes follow
 *
 * A connection that ends without an x tells nothing about what was done. */
#ifndef SELTZER_CLI_ADMIN_H
#define SELTZER_CLI_ADMIN_H

#include "cli/verb.h"

#define ADMIN_SOCKET "admin.sock"
enum { ADMIN_FRAME_HEAD_BYTES = 5, ADMIN_THREADS = 4, ADMIN_IDLE_S = 30 };

/* The socket's address in `dir`, however long its path is. *ret_dir_fd: open as long as the address is used; -1 for none. */
struct sockaddr_un;
must_use bool admin_address(const char *dir, struct sockaddr_un *ret, int *ret_dir_fd, struct error *err);

/* The server's side: ADMIN_THREADS threads, each with one command at a time. */
struct admin_server;
struct admin_server *admin_server_open(const struct verb_house *house, struct error *err);
void admin_server_close(struct admin_server *s); /* commands that run are waited for; NULL is fine */

#endif
