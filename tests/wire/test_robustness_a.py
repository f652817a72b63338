"""The process and its files, line by line of tests/robustness.md (A, B): signals, restarts, what others left lying about, files that
were damaged or changed behind its back. What crash, stop points and failing disks do stands in test_crash.py and test_torture.py."""

import glob
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
import requests

from client import ADMIN, Server, counts, refused, six
from rude import Healthy, chunked, connect, own_server, post, seeded, stream


@pytest.fixture
def own(tmp_path):
    with own_server(tmp_path) as s:
        yield s


def refuses_to_start(data, binary, *options, **environment):
    """What it says on standard error, and its status."""
    done = subprocess.run([binary, "serve", "--data", data, "--listen", "127.0.0.1:0", "--http-listen", "none", *options], capture_output=True, text=True, timeout=30,
                          env=dict(os.environ, SELTZER_ADMIN_PASSWORD=ADMIN[1], **environment))
    assert done.returncode in (1, 2), (done.returncode, done.stderr[-2000:])
    return done.returncode, done.stderr


def files_of(server, dataset):
    return sorted(glob.glob(os.path.join(server.data, "datasets", dataset, "rows-*.db")))


# ── A ──


def test_A9_sigterm_with_20_uploads_in_flight(own):
    """Each of them is finished and acknowledged, or told nothing and not there; nothing new is let in; status 0."""
    api = own.api()
    dataset = api.create({"k": "text"}, key="k")
    acknowledged, others, started = [], [], threading.Barrier(21)

    def upload(i):
        def pieces():
            yield b'[{"k":"%d first"}' % i
            started.wait()
            for n in range(i):
                time.sleep(0.05)
                yield b',{"k":"%d %d"}' % (i, n)
            yield b"]"
        try:
            reply, _ = stream(own, post(dataset, b"Transfer-Encoding: chunked\r\n"), chunked(pieces()))
        except OSError as e:
            reply = None
            others.append(repr(e))
        if reply and reply[0] == 200:
            acknowledged.append(i)
        else:
            others.append(reply)

    threads = [threading.Thread(target=upload, args=(i,)) for i in range(20)]
    for t in threads:
        t.start()
    started.wait()
    time.sleep(0.2)
    late = []
    own.process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    try:
        late.append(own.api().get("/api/version").status_code)
    except requests.ConnectionError:
        late.append("refused")
    status = own.process.wait(40)
    for t in threads:
        t.join()
    own.close()
    assert status == 0 and late[0] in ("refused", 503), late
    assert all(r is None or r[0] == 503 for r in others if not isinstance(r, str)), others
    assert len(acknowledged) >= 15, (acknowledged, others)
    own.start()
    rows = {r["k"] for r in own.api().rows(dataset)}
    assert rows == {f"{i} {n}" for i in acknowledged for n in ["first", *range(i)]}


def test_A9_a_client_that_never_ends_does_not_hold_it_for_ever(own):
    if not os.environ.get("SELTZER_SOAK"):
        pytest.skip("waits for the 30 s of grace; SELTZER_SOAK=1 runs it")
    dataset = own.api().create({"k": "text"}, key="k")
    with connect(own) as tls:
        tls.sendall(post(dataset, b"Content-Length: 1000000\r\n", b"["))
        started = time.monotonic()
        assert own.stop() == 0
        assert 25 < time.monotonic() - started < 38
    own.start()


def test_A9_a_second_sigterm_changes_nothing(own):
    for _ in range(20):
        own.process.send_signal(signal.SIGTERM)
        own.process.send_signal(signal.SIGINT)
    assert own.process.wait(20) == 0
    own.close()
    own.start()


def test_A11_a_storm_of_signals_under_load(own):
    rng, api = seeded(), own.api()
    dataset = api.create({"k": "text", "n": "number", "a": "text"}, key="k", public=True)
    signals = [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD, signal.SIGWINCH, signal.SIGCONT, signal.SIGURG]
    with Healthy(own, dataset, pause=0.005) as healthy:
        for _ in range(1500):
            own.process.send_signal(rng.choice(signals))
            time.sleep(0.001)
    assert own.alive() and healthy.writes > 0


def test_A11_of_a_closed_standard_output_it_does_not_die(own):
    own.process.stdout.close()
    own.process.send_signal(signal.SIGHUP)
    assert own.api().get("/api/version").status_code == 200
    own.process.stdout = open(os.devnull, "rb")


def test_A12_restarts_while_clients_try_again_and_again(own):
    """Clients that repeat with their key until they are answered: in the end each row is there once."""
    port = own.port
    dataset = own.api().create({"who": "number", "n": "number"})
    over, done = threading.Event(), []

    def client(i):
        for n in range(15):
            while not over.is_set():
                try:
                    reply = requests.post(f"https://127.0.0.1:{port}/resource/{dataset}.json", json=[{"who": i, "n": n}], auth=ADMIN, verify=own.ca, timeout=20,
                                          headers={"Idempotency-Key": f"{i}-{n}"})
                    if reply.status_code == 200:
                        done.append((i, n))
                        break
                    assert reply.status_code == 503, reply.text
                except (requests.ConnectionError, requests.Timeout):
                    time.sleep(0.05)
            time.sleep(0.05)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(12)]
    for t in threads:
        t.start()
    for turn in range(4):
        time.sleep(0.4)
        if turn % 2:
            own.kill()
        else:
            assert own.stop() == 0
        again(own, port)
    for t in threads:
        t.join(60)
    over.set()
    assert len(done) == 12 * 15
    rows = [(int(r["who"]), int(r["n"])) for r in own.api().rows(dataset)]
    assert sorted(rows) == [(i, n) for i in range(12) for n in range(15)]


def again(own, port):
    """Starts it on the port that it had."""
    own.log = open(own.log_path, "ab")
    own.process = subprocess.Popen([own.binary, "serve", "--data", own.data, "--listen", f"127.0.0.1:{port}", "--http-listen", "none"], stdout=subprocess.PIPE, stderr=own.log,
                                   env=dict(os.environ, SELTZER_ADMIN_PASSWORD=ADMIN[1]))
    assert b"ready https://" in own.process.stdout.readline()


def test_A13_what_was_left_in_scratch_is_removed_and_never_served(own):
    own.stop()
    scratch = os.path.join(own.data, "scratch")
    os.makedirs(os.path.join(scratch, "folder", "inner"), exist_ok=True)
    for name in ("spool-1", "folder/inner/x", ".hidden"):
        with open(os.path.join(scratch, name), "w") as f:
            f.write("old")
    os.symlink("/etc", os.path.join(scratch, "link"))
    os.makedirs(os.path.join(own.data, "datasets", ".abcd-efgh"))
    own.start()
    assert os.listdir(scratch) == [] and os.path.exists("/etc/passwd")
    assert not os.path.exists(os.path.join(own.data, "datasets", ".abcd-efgh"))
    assert own.api().get("/scratch/spool-1").status_code == 404


def test_A15_data_of_a_newer_version_is_refused_by_name(own):
    api = own.api()
    dataset, other = api.create({"k": "text"}, key="k"), api.create({"k": "text"}, key="k")
    own.stop()
    with sqlite3.connect(files_of(own, dataset)[0]) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    own.start()
    api = own.api()
    for reply in (api.get(f"/resource/{dataset}.json"), api.upsert(dataset, [{"k": "1"}])):
        refused(reply, 503, says="format")
    assert six(api.upsert(other, [{"k": "1"}])) == counts(created=1)
    own.stop()
    with sqlite3.connect(os.path.join(own.data, "catalog.db")) as db:
        kept = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute("PRAGMA user_version = 999")
    db.close()
    _, said = refuses_to_start(own.data, own.binary)
    assert "999" in said or "newer" in said, said
    with sqlite3.connect(os.path.join(own.data, "catalog.db")) as db:
        db.execute(f"PRAGMA user_version = {kept}")
    db.close()
    own.start()


# ── B ──


@pytest.fixture
def filled(own):
    api = own.api()
    own.main, own.other = api.create({"k": "number", "a": "text"}, key="k"), api.create({"k": "number"}, key="k")
    api.upsert_ok(own.main, [{"k": i, "a": "x" * 100} for i in range(3000)])
    api.upsert_ok(own.other, [{"k": 1}])
    return own


def test_B12_flipped_bytes_never_crash_it_and_other_datasets_go_on(filled):
    """Every reply is rows, or 503 in words; never a crash, never an end that looks like an end."""
    rng, own = seeded(), filled
    assert own.stop() == 0
    path, = files_of(own, own.main)
    with open(path, "rb") as f:
        good = f.read()
    for turn in range(int(os.environ.get("SELTZER_SOAK") and 100 or 6)):
        bad = bytearray(good)
        for _ in range(1 + turn % 5):
            bad[rng.choice([rng.randrange(100), rng.randrange(8192), rng.randrange(len(bad)), rng.randrange(len(bad)) // 8192 * 8192 + rng.randrange(12)])] ^= 1 << rng.randrange(8)
        with open(path, "wb") as f:
            f.write(bad)
        for left in glob.glob(path + "-*"):
            os.unlink(left)
        own.start()
        api = own.api()
        for reply in (api.get(f"/resource/{own.main}.json?$limit=5000"), api.get(f"/resource/{own.main}/17.json"), api.upsert(own.main, [{"k": 17, "a": "y"}]),
                      api.get(f"/resource/{own.main}.csv?$order=a")):
            assert reply.status_code in (200, 404) or refused(reply, 503), (reply.request.method, reply.url, reply.text)
        assert six(api.upsert(own.other, [{"k": 1}])) == counts(updated=1, by_key=1)
        assert own.stop() == 0
        own.check_clean()
    with open(path, "wb") as f:
        f.write(good)
    own.start()


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"no database" * 1000, None], ids=["B13_empty", "B13_cut", "B13_text", "B13_missing"])
@pytest.mark.parametrize("which", ["catalog", "rows"])
def test_files_that_are_none_are_refused_and_left_alone(filled, which, content):
    own = filled
    assert own.stop() == 0
    path = os.path.join(own.data, "catalog.db") if which == "catalog" else files_of(own, own.main)[0]
    for left in glob.glob(path + "-*"):
        os.unlink(left)
    os.rename(path, path + ".kept")
    if content is not None:
        with open(path, "wb") as f:
            f.write(content)
    if which == "catalog":
        _, said = refuses_to_start(own.data, own.binary)
        assert "catalog.db" in said, said
        if content is not None:
            with open(path, "rb") as f:
                assert f.read() == content
    elif which == "rows":
        own.start()
        api = own.api()
        refused(api.get(f"/resource/{own.main}.json"), 503)
        refused(api.upsert(own.main, [{"k": 1}]), 503)
        assert six(api.upsert(own.other, [{"k": 1}])) == counts(updated=1, by_key=1)
        assert own.stop() == 0
        if content:
            with open(path, "rb") as f:
                assert f.read() == content
    for left in glob.glob(path) + glob.glob(path + "-*"):
        os.unlink(left)
    os.rename(path + ".kept", path)
    own.start()
    assert len(own.api().rows(own.main, **{"$limit": "5000"})) == 3000


@pytest.mark.parametrize("how", ["deleted", "stale", "text"], ids=lambda h: "B14_wal_" + h)
def test_a_wal_that_does_not_belong(filled, how):
    """After an orderly stop all is in the file itself; what lies beside it then is nobody's."""
    own = filled
    own.api().upsert_ok(own.main, [{"k": i, "a": "late"} for i in range(100)])
    path, = files_of(own, own.main)
    stale = b""
    if os.path.exists(path + "-wal"):
        with open(path + "-wal", "rb") as f:
            stale = f.read()
    assert own.stop() == 0
    for left in glob.glob(path + "-*"):
        os.unlink(left)
    if how != "deleted":
        with open(path + "-wal", "wb") as f:
            f.write(stale if how == "stale" else b"no log" * 1000)
    own.start()
    rows = own.api().rows(own.main, **{"$limit": "5000"})
    assert len(rows) == 3000 and all(r["a"] == "late" for r in rows if int(r["k"]) < 100)


def test_B16_a_folder_that_cannot_be_used_is_named(tmp_path):
    binary = os.environ.get("SELTZER", "build/asan/seltzer")
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "missing" / "data", tmp_path / "file" / "data"):
        _, said = refuses_to_start(str(path), binary)
        assert str(path) in said, said


def test_B16_keys_and_data_are_nobody_elses_to_read(own):
    for path in glob.glob(os.path.join(own.data, "**"), recursive=True):
        mode = os.stat(path).st_mode & 0o777
        if os.path.basename(path) in ("ca.pem", "server.pem", "tls", "cert.pem"):
            continue
        assert mode & 0o007 == 0 or os.path.dirname(path) != own.data and os.stat(own.data).st_mode & 0o077 == 0, (path, oct(mode))
    for key in glob.glob(os.path.join(own.data, "tls", "*key*")):
        assert os.stat(key).st_mode & 0o077 == 0, key


def test_B18_somebody_holds_the_file(filled):
    """sqlite3 in another window: writes wait, then are told to come again; reads go on; afterwards all is well."""
    own = filled
    path, = files_of(own, own.main)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    reply = own.api().upsert(own.main, [{"k": 1, "a": "waited"}])
    refused(reply, 503)
    assert int(reply.headers["Retry-After"]) > 0 and 3 < time.monotonic() - started < 20
    assert len(own.api().rows(own.main, **{"$limit": "5000"})) == 3000
    assert six(own.api().upsert(own.other, [{"k": 1}])) == counts(updated=1, by_key=1)
    db.execute("ROLLBACK")
    db.close()
    assert six(own.api().upsert(own.main, [{"k": 1, "a": "now"}])) == counts(updated=1, by_key=1)


def test_E10_a_second_server_is_told_whose_the_data_are(own):
    status, said = refuses_to_start(own.data, own.binary)
    assert status == 2 and f"in use by pid {own.process.pid}" in said, said
    linked = own.data + "-link"
    os.symlink(own.data, linked)
    status, said = refuses_to_start(linked, own.binary)
    assert status == 2 and str(own.process.pid) in said
    own.kill()
    other = Server(linked).start()
    assert other.stop() == 0
    own.start()


def test_a_copy_of_the_folder_serves_by_itself(filled, tmp_path):
    own = filled
    assert own.stop() == 0
    shutil.copytree(own.data, tmp_path / "copy")
    own.start()
    other = Server(tmp_path / "copy").start()
    assert len(other.api().rows(own.main, **{"$limit": "5000"})) == 3000
    assert other.stop() == 0
