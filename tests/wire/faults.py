"""A server whose calls can be made to fail: the build of tests/fault/faults.c, and the page that it shares with the test
(tests/fault/faults.h has the layout)."""

import errno
import mmap
import os
import re
import struct
import time

from client import Server

KINDS = ("malloc", "open", "read", "write", "sync", "size", "name", "map", "receive", "send", "accept", "epoll", "thread", "sql", "tls",
         "lock", "look", "close", "setup", "random", "wait", "crypt")
COUNT, FAIL, KILL, SHORT = range(4)
SQLITE_IOERR, SQLITE_NOMEM, SQLITE_FULL = 10, 7, 13

# What each kind of call says when it fails, as the system would.
WAYS = {
    "malloc": [errno.ENOMEM], "open": [errno.EMFILE, errno.ENOSPC], "read": [errno.EIO, errno.EINTR], "write": [errno.ENOSPC, errno.EIO],
    "sync": [errno.EIO, errno.ENOSPC], "size": [errno.EIO], "name": [errno.EIO, errno.ENOSPC], "map": [errno.ENOMEM],
    "receive": [errno.ECONNRESET, errno.EINTR], "send": [errno.EPIPE, errno.EINTR], "accept": [errno.EMFILE, errno.ECONNABORTED],
    "epoll": [errno.ENOMEM], "thread": [errno.EAGAIN], "sql": [SQLITE_IOERR, SQLITE_NOMEM, SQLITE_FULL], "tls": [errno.ECONNRESET],
    "lock": [errno.EIO, errno.ENOLCK], "look": [errno.EIO, errno.EACCES], "close": [errno.EIO], "setup": [errno.ENOBUFS], "random": [errno.EINTR],
    "wait": [errno.EINTR], "crypt": [errno.ENOMEM],
}


class Page:
    """armed, action, kind, first, times, number, fired, only_rows, then the calls seen of each kind."""

    def __init__(self, path):
        with open(path, "wb") as f:
            f.write(bytes(4096))
        self.path = str(path)
        self.file = open(path, "r+b")
        self.page = mmap.mmap(self.file.fileno(), 4096)

    def put(self, at, value):
        struct.pack_into("<I", self.page, at * 4, value)

    def get(self, at):
        return struct.unpack_from("<I", self.page, at * 4)[0]

    def arm(self, action=COUNT, kind="malloc", first=1, times=1, number=0, only_rows=False):
        self.put(0, 0)
        for i in range(len(KINDS)):
            self.put(8 + i, 0)
        for at, value in ((1, action), (2, KINDS.index(kind)), (3, first), (4, times), (5, number), (6, 0), (7, int(only_rows))):
            self.put(at, value)
        self.put(0, 1)

    def disarm(self):
        self.put(0, 0)

    @property
    def fired(self):
        return self.get(6)

    def seen(self):
        return {kind: self.get(8 + i) for i, kind in enumerate(KINDS)}

    def close(self):
        self.page.close()
        self.file.close()


class FaultyServer(Server):
    """The page lives beside the data. SELTZER_FAULTY names another build."""

    def __init__(self, data, extra=()):
        super().__init__(data, os.environ.get("SELTZER_FAULTY", "build/asan/fault/seltzer"), extra)
        self.faults = Page(self.data + ".faults")
        self.environment = {"SELTZER_FAULTS": self.faults.path}

    def descriptors(self):
        """What is open, apart from the databases (kept open between requests) and what the runtime makes for itself."""
        found = []
        folder = f"/proc/{self.process.pid}/fd"
        for fd in os.listdir(folder):
            try:
                found.append(re.sub(r"\d+", "#", os.readlink(f"{folder}/{fd}")))
            except OSError:
                pass
        return sorted(f for f in found if ".db" not in f)

    def databases_open(self):
        folder = f"/proc/{self.process.pid}/fd"
        n = 0
        for fd in os.listdir(folder):
            try:
                n += ".db" in os.readlink(f"{folder}/{fd}")
            except OSError:
                pass
        return n

    def scratch_files(self):
        return sorted(os.listdir(os.path.join(self.data, "scratch")))

    def leftovers(self):
        """Files that no pointer names: creations and generations that did not come to be, reports half written."""
        reports = os.path.join(self.data, "reports")
        found = [name for name in (os.listdir(reports) if os.path.isdir(reports) else []) if not name.endswith(".csv")]
        for folder in os.listdir(os.path.join(self.data, "datasets")):
            if folder.startswith("."):
                found.append(folder)
        return sorted(found)

    def settles(self, what, wanted, seconds=10):
        """Waits until what() is wanted; the last value."""
        deadline = time.monotonic() + seconds
        while True:
            got = what()
            if got == wanted or time.monotonic() > deadline:
                return got
            time.sleep(0.02)
