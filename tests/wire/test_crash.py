"""kill -9 at any moment: what was acknowledged is there, what was under way is there whole or not at all, every file is sound,
the server is ready at once. Moments are random (SELTZER_SEED), and chosen: stop points in the store, and every single write,
sync and rename of a request (the build of tests/fault).

SELTZER_KILLS: how many random kills (60; make soak: 1000)."""

import decimal
import json
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time

import pytest
import requests

from client import Server
from faults import KILL, FaultyServer
from ledger import JSON, Writer
from talk import Closed, Talk

KILLS = int(os.environ.get("SELTZER_KILLS", "60"))
SEED = int(os.environ.get("SELTZER_SEED", random.randrange(2 ** 32)))
SOAK = KILLS >= 1000


# ── the files ──

def compare_decimals(a, b):
    a, b = decimal.Decimal(a), decimal.Decimal(b)
    return (a > b) - (a < b)


def url_address(cell):
    return json.loads(cell).get("url") if cell else None


def open_copy(path, folder):
    """The copy of a database with its WAL: the server's own files stay as the kill left them."""
    os.makedirs(folder)
    for end in ("", "-wal"):
        if os.path.exists(path + end):
            shutil.copy(path + end, folder)
    db = sqlite3.connect(os.path.join(folder, os.path.basename(path)))
    db.create_collation("DECIMAL1", compare_decimals)
    db.create_function("url_address", 1, url_address, deterministic=True)
    return db


def current_files(data):
    """The files that count: catalog.db, and of each dataset the generation that the catalog names. Others are former ones, or
    unfinished ones that the next start removes."""
    copy = data + ".copy"
    db = open_copy(os.path.join(data, "catalog.db"), copy)
    named = db.execute("SELECT id, generation FROM dataset").fetchall()
    db.close()
    shutil.rmtree(copy)
    return [os.path.join(data, "catalog.db")] + [os.path.join(data, "datasets", i, f"rows-{g}.db") for i, g in named]


def check_files(data):
    """PRAGMA integrity_check on a copy of every file that counts; how many."""
    copy = data + ".copy"
    paths = current_files(data)
    for path in paths:
        db = open_copy(path, copy)
        said = db.execute("PRAGMA integrity_check").fetchall()
        foreign = db.execute("PRAGMA foreign_key_check").fetchall()
        db.close()
        shutil.rmtree(copy)
        assert said == [("ok",)] and not foreign, (path, said[:5], foreign[:5])
    check_audit(data)
    return len(paths)


def check_audit(data):
    """Every chain of records is whole. On a copy: whoever verifies opens the data, and what a kill left is not to be tidied away."""
    copy = data + ".copy"
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("admin.sock", "scratch"))
    verified = subprocess.run([os.environ.get("SELTZER", "build/asan/seltzer"), "audit", "verify", "--data", copy], capture_output=True, text=True, timeout=120)
    shutil.rmtree(copy)
    assert verified.returncode == 0 and "broken" not in verified.stdout, (verified.stdout[-3000:], verified.stderr[-3000:])


# ── the load ──

class Load(threading.Thread):
    """A writer's requests over one connection, until the server is gone."""

    def __init__(self, server, writer, failures):
        super().__init__()
        self.server, self.writer, self.failures = server, writer, failures

    def run(self):
        talk = Talk(self.server)
        try:
            while True:
                method, body = self.writer.next()
                status, content = talk.once(method, f"/resource/{self.writer.dataset}.json", body, JSON)
                if status != 200:
                    self.failures.append((status, content[:500]))
                    return
                self.writer.acknowledge()
        except Closed:
            pass
        except Exception as e:  # a thread's exception would go unseen
            self.failures.append(repr(e))
        finally:
            talk.close()


def start_timed(server):
    began = time.monotonic()
    server.start()
    return time.monotonic() - began


def kill_in_start(server, moment):
    """A kill while it recovers from the kill before."""
    timer = threading.Timer(moment, lambda: server.process and server.process.kill())
    timer.start()
    try:
        server.start()
    except AssertionError:
        return
    finally:
        timer.join()
    server.kill()


def rows_of(api, dataset):
    return api.rows(dataset, **{"$limit": "100000"})


def test_nothing_acknowledged_is_lost_and_nothing_is_partial(tmp_path):
    print(f"SELTZER_SEED={SEED}")
    numbers = random.Random(SEED)
    server = Server(tmp_path / "data").start()
    api = server.api()
    columns = {"k": "number", "a": "text", "request": "text"}
    shared = api.create(columns, key="k")
    own = [api.create(columns, key="k") for _ in range(2)]
    writers = [Writer(i, shared, SEED, False) for i in range(3)] + [Writer(3 + i, d, SEED, True) for i, d in enumerate(own)]
    versions = {d: 0 for d in [shared, *own]}
    slowest = files = 0
    failures = []
    for _ in range(KILLS):
        loads = [Load(server, w, failures) for w in writers]
        for load in loads:
            load.start()
        time.sleep(numbers.uniform(0.02, 0.35))
        assert server.alive(), server.said()[-6000:]
        server.kill()
        for load in loads:
            load.join()
        assert not failures, failures[:3]
        files += check_files(server.data)
        if numbers.random() < 0.2:
            kill_in_start(server, numbers.uniform(0.0, 0.15))
        slowest = max(slowest, start_timed(server))
        api = server.api()
        for dataset in versions:
            rows = rows_of(api, dataset)
            for w in writers:
                if w.dataset == dataset:
                    w.judge(rows)
            version = api.version(dataset)
            assert version >= versions[dataset], "a version went back"
            versions[dataset] = version
    done = sum(w.acknowledgements for w in writers)
    print(f"{KILLS} kills, {sum(w.requests for w in writers)} requests, {done} acknowledged, 0 lost, 0 partial, {files} files checked, slowest start {slowest:.2f} s")
    assert done > KILLS
    assert server.stop() == 0
    server.check_clean()
    assert check_files(server.data) >= 4
    assert slowest < 5


@pytest.mark.parametrize("rows", [1_000_000 if SOAK else 20_000])
def test_ready_again_within_five_seconds(tmp_path, rows):
    """Killed in the middle of an upsert of a large table."""
    server = Server(tmp_path / "data").start()
    api = server.api()
    dataset = api.create({"k": "number", "a": "text"}, key="k")
    body = "k,a\n" + "".join(f"{i},row {i}\n" for i in range(rows))
    assert api.send_csv("PUT", dataset, body).status_code == 200
    timer = threading.Timer(rows / 200_000, server.process.kill)
    timer.start()
    with pytest.raises(requests.ConnectionError):
        while True:
            assert api.send_csv("POST", dataset, body).status_code == 200
    timer.join()
    server.process.wait()
    server.close()
    took = start_timed(server)
    began = time.monotonic()
    assert len(server.api().rows(dataset, **{"$limit": "10"})) == 10
    took += time.monotonic() - began
    print(f"ready and answering after {took:.2f} s with {rows} rows")
    assert took < 5
    assert server.stop() == 0
    server.check_clean()


# ── moments chosen ──

BEFORE = [{"k": str(i), "a": f"row {i}"} for i in range(20)]
UPSERTED = [dict(r, a="new") if r["k"] == "3" else r for r in BEFORE] + [{"k": "50", "a": "new"}]
REPLACED = [{"k": str(i), "a": "replaced"} for i in range(7)]
UPSERT = ("POST", json.dumps([{"k": 3, "a": "new"}, {"k": 50, "a": "new"}]), UPSERTED)
REPLACE = ("PUT", json.dumps(REPLACED), REPLACED)

STOPS = [("before_commit", UPSERT, False), ("after_commit", UPSERT, True), ("replace_synced", REPLACE, False), ("replace_flipped", REPLACE, True),
         ("checkpointed", UPSERT, True)]


def prepare(server):
    api = server.api()
    dataset = api.create({"k": "number", "a": "text"}, key="k")
    assert api.replace(dataset, BEFORE).status_code == 200
    return dataset


@pytest.mark.parametrize("stop,request_,is_new", STOPS, ids=[s[0] for s in STOPS])
def test_a_stop_point_leaves_exactly_the_old_or_the_new(tmp_path, stop, request_, is_new):
    server = Server(tmp_path / "data").start()
    dataset = prepare(server)
    assert server.stop() == 0
    server.environment = {"SELTZER_TEST_STOP": stop}
    server.start()
    method, body, after = request_
    talk = Talk(server)
    try:
        assert talk.once(method, f"/resource/{dataset}.json", body, JSON)[0] == 200
        assert stop == "checkpointed"
    except Closed:
        assert stop != "checkpointed"
    assert server.process.wait(10) == -9
    server.close()
    assert check_files(server.data) >= 2
    server.environment = {}
    server.start()
    assert rows_of(server.api(), dataset) == (after if is_new else BEFORE)
    assert server.api().upsert(dataset, [{"k": 99, "a": "after"}]).status_code == 200
    assert server.stop() == 0
    server.check_clean()


def kill_at(server, dataset, request_, kind, n, only_rows=False):
    """(the rows that are there after a kill before the n-th call of that kind; True when it was killed during the request)."""
    method, body, _ = request_
    talk = Talk(server)
    talk.open()
    server.faults.arm(KILL, kind, n, 1, 0, only_rows)
    try:
        answered = talk.once(method, f"/resource/{dataset}.json", body, JSON)[0] == 200
    except Closed:
        answered = False
    killed = server.faults.fired > 0
    if not killed and only_rows:  # in the checkpoint that follows when it is idle
        deadline = time.monotonic() + 3
        while not killed and time.monotonic() < deadline:
            time.sleep(0.02)
            killed = server.faults.fired > 0
    server.faults.disarm()
    talk.close()
    if killed:
        server.process.wait(10)
        server.close()
        assert check_files(server.data) >= 2
        server.start()
    return rows_of(server.api(), dataset), answered, killed


def sweep(tmp_path, request_, kinds, only_rows=False, step=1):
    server = FaultyServer(tmp_path / "data").start()
    dataset = prepare(server)
    kills = 0
    for kind in kinds:
        n = 1
        while True:
            rows, answered, killed = kill_at(server, dataset, request_, kind, n, only_rows)
            assert rows in (BEFORE, request_[2]) if not answered else rows == request_[2], (kind, n, rows)
            assert server.api().replace(dataset, BEFORE).status_code == 200
            if not killed:
                break
            kills += 1
            n += step
    assert server.stop() == 0
    server.check_clean()
    return kills


@pytest.mark.parametrize("name", ["upsert", "replace"])
def test_a_kill_at_any_write_sync_or_rename_leaves_the_old_or_the_new(tmp_path, name):
    kills = sweep(tmp_path, {"upsert": UPSERT, "replace": REPLACE}[name], ["write", "sync", "name", "open"], step=1 if SOAK else 2)
    print(f"{kills} kills")
    assert kills > 5


def test_a_kill_inside_a_checkpoint_loses_nothing(tmp_path):
    """Only a checkpoint writes to rows-*.db itself: a kill before each of its writes."""
    kills = sweep(tmp_path, UPSERT, ["write"], only_rows=True)
    print(f"{kills} kills")
    assert kills >= 2
