/* Walls around the running server, put up before its first thread: what a fault in it could reach is what it needs.
 *
 *     Landlock   files: the folders given, and what libraries read; TCP: no new listeners and no connections (Linux 6.7);
 *                signals and abstract sockets: within (6.12). Needs Linux 5.19.
 *     seccomp    system calls that no server makes (mount, ptrace, bpf, execve, …) and sockets that are neither local nor IP fail
 *     process    no new privileges by exec; no core dumps, and nobody of the same user reads its memory
 *
 * What the kernel does not have is left out and said; what it has and refuses is an error. docs/decisions/sandbox.md. */
#ifndef SELTZER_CLI_SANDBOX_H
#define SELTZER_CLI_SANDBOX_H

#include "base/error.h"

enum sandbox_may {
    SANDBOX_READ,
    SANDBOX_WRITE, /* everything within */
    SANDBOX_LOG,   /* files are made and written, and none read */
    SANDBOX_FILES, /* files are made, written and read; none is renamed or removed */
    SANDBOX_REMOVE_FOLDERS
};

struct sandbox_path {
    const char *path;
    enum sandbox_may may;
};

/* *ret_said: what is in force, for people. */
must_use bool sandbox_enter(const struct sandbox_path *paths, size_t n, char ret_said[256], struct error *err);

#endif
