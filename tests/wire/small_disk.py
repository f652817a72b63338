"""A server on a disk that is too small, from its start to the disk's growing. test_disk.py runs this file as a program, with "tmpfs" in a
mount namespace of its own:

    unshare --user --map-root-user --mount python small_disk.py KIND SIZE SEED FOLDER

KIND is "tmpfs", a file system of SIZE bytes, or "limit", a limit of SIZE bytes on each file. The last line that it prints is what
it counted, as JSON. Everything that should be is asserted here."""

import json
import os
import random
import resource
import subprocess
import sys
import time

from client import Server
from ledger import JSON
from talk import Talk

OPERATIONS = 24
LARGE = 64 << 20


class Tmpfs:
    """The data directory is a file system of its own."""

    def __init__(self, size, folder):
        self.path = os.path.join(folder, "disk")
        os.mkdir(self.path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", self.path], check=True)

    def took(self, server):
        pass

    def grow(self, server):
        subprocess.run(["mount", "-o", f"remount,size={LARGE}", self.path], check=True)

    def full(self):
        s = os.statvfs(self.path)
        return s.f_bavail * s.f_frsize < 64 << 10


class FileLimit:
    """No file of the server's may grow beyond the size."""

    def __init__(self, size, folder):
        self.path, self.size = os.path.join(folder, "disk"), size
        self.limit(0, size)

    def limit(self, pid, size):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    def took(self, server):
        """The server has it by inheritance; this process needs none, nor the next server."""
        self.limit(0, resource.getrlimit(resource.RLIMIT_FSIZE)[1])

    def grow(self, server):
        self.limit(0, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
        if server.alive():
            self.limit(server.process.pid, LARGE)

    def full(self):
        return False


class Publisher:
    """Operations on one dataset, and the table as it must be."""

    def __init__(self, server, numbers):
        self.talk, self.numbers = Talk(server), numbers
        self.dataset, self.table = None, {}
        self.statuses = {}

    def count(self, status, content):
        self.statuses[status] = self.statuses.get(status, 0) + 1
        assert status in (200, 507, 503), (status, content[:500])
        if status != 200:
            body = json.loads(content)
            assert body["error"] is True and body["message"], body
            assert status == 503 or body["errorCode"] == "disk-full", body
        return status == 200

    def create(self):
        columns = [{"name": n, "fieldName": n, "dataTypeName": t} for n, t in (("k", "number"), ("a", "text"))]
        document = {"name": "small", "columns": columns, "metadata": {"rowIdentifier": "k"}}
        status, content = self.talk.once("POST", "/api/views.json", json.dumps(document), JSON)
        if not self.count(status, content):
            return False
        dataset = json.loads(content)["id"]
        if not self.count(*self.talk.once("POST", f"/api/views/{dataset}/publication.json")):
            assert self.count(*self.talk.once("DELETE", f"/api/views/{dataset}.json")), "a dataset cannot be deleted on a full disk"
            return False
        self.dataset = dataset
        return True

    def rows(self, n):
        keys = self.numbers.sample(range(1000), n)
        return {k: "x" * self.numbers.choice([0, 10, 100, 100, 1000]) + str(self.numbers.random()) for k in keys}

    def operate(self):
        """One write; whether it was done. What was not done has changed nothing."""
        kind = self.numbers.choice(["upsert"] * 5 + ["one"] * 2 + ["replace"] * 3 + ["delete"])
        given = self.rows({"upsert": self.numbers.randint(2, 150), "one": 1, "replace": self.numbers.randint(0, 200), "delete": 1}[kind])
        if kind == "delete":
            keys = self.numbers.sample(sorted(self.table), min(len(self.table), 20))
            body, after = [{"k": k, ":deleted": True} for k in keys], {k: v for k, v in self.table.items() if k not in keys}
        else:
            body = [{"k": k, "a": v} for k, v in given.items()]
            after = given if kind == "replace" else {**self.table, **given}
        status, content = self.talk.once("PUT" if kind == "replace" else "POST", f"/resource/{self.dataset}.json", json.dumps(body), JSON)
        done = self.count(status, content)
        if done:
            self.table = after
        self.read()
        return done

    def read(self):
        """Reads go on, whatever the disk."""
        status, content = self.talk.once("GET", f"/resource/{self.dataset}.json?$limit=5000")
        assert status == 200, (status, content[:500])
        have = {int(r["k"]): r["a"] for r in json.loads(content)}
        assert have == self.table, f"{len(have)} rows instead of {len(self.table)}"


def start(server):
    """False: there is no room even for the start, and the server says so."""
    try:
        server.start()
        return True
    except AssertionError:
        said = server.said().lower()
        assert server.process.returncode == 1 and ("full" in said or "507" in said), (server.process.returncode, said[-2000:])
        return False


def until_done(what, seconds=5):
    """True within the time: no restart is needed once there is room."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "writes do not work again"
        time.sleep(0.1)


def live(kind, size, seed, folder):
    from test_crash import check_files
    numbers = random.Random(f"{seed} {kind} {size}")
    disk = {"tmpfs": Tmpfs, "limit": FileLimit}[kind](size, folder)
    server = Server(disk.path, extra=["--disk-reserve", "0"])
    started = start(server)
    disk.took(server)
    if not started:
        disk.grow(server)
        server.start()
    publisher = Publisher(server, numbers)
    refused = 0
    for _ in range(OPERATIONS):
        if publisher.dataset or publisher.create():
            refused += not publisher.operate()
        else:
            refused += 1
    was_full = disk.full()
    assert server.alive(), server.said()[-4000:]
    disk.grow(server)
    if not publisher.dataset:
        until_done(publisher.create)
    until_done(publisher.operate)
    for _ in range(6):
        assert publisher.operate()
    assert server.stop() == 0, server.said()[-4000:]
    server.check_clean()
    check_files(server.data)
    server.start()
    again = Publisher(server, numbers)
    again.dataset, again.table = publisher.dataset, publisher.table
    again.read()
    assert again.operate()
    assert server.stop() == 0
    server.check_clean()
    return {"size": size, "started": started, "refused": refused, "full": was_full, "statuses": publisher.statuses}


if __name__ == "__main__":
    print(json.dumps(live(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])))
