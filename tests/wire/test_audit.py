"""The audit (docs/audit.md): whatever is done to a chain is found, and an export has what was done."""

import csv
import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time

import pytest

from client import Server

PASSWORD = "planted-password-Zq7"


def command(server, *words, stdin="", data=None):
    return subprocess.run([server.binary, *words, "--data", str(data or server.data)], input=stdin, capture_output=True, text=True, timeout=120)


def good(done):
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done


def verify(server, data=None, *more):
    return command(server, "audit", "verify", *more, data=data)


def lines(server, *words):
    return [json.loads(line) for line in good(command(server, "audit", "export", *words)).stdout.splitlines()]


class World:
    """A stopped data directory with two datasets whose chains have several records, in their files and in the catalog."""

    def __init__(self, folder):
        self.server = Server(folder / "data").start()
        api = self.server.api()
        good(command(self.server, "user", "add", "jane", stdin=PASSWORD + "\n"))
        self.a, self.b, self.gone = (api.create({"k": "text", "v": "number"}, key="k") for _ in range(3))
        for i in range(4):
            for d in (self.a, self.b, self.gone):
                api.upsert_ok(d, [{"k": str(i), "v": i}])
        for d in (self.a, self.b):
            assert api.request("PUT", f"/resource/{d}.json", json=[{"k": "x", "v": 1}]).status_code == 200  # drains what was before
        for i in range(3):
            for d in (self.a, self.b):
                api.upsert_ok(d, [{"k": str(i), "v": i}])
        assert api.request("DELETE", f"/api/views/{self.gone}").status_code == 200
        assert self.server.stop() == 0
        self.before = folder / "before"
        self.copy = folder / "copy"
        shutil.copytree(self.server.data, self.before)

    def fresh(self):
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.server.data, self.copy)
        return self.copy

    def file(self, data, dataset):
        folder = os.path.join(data, "datasets", dataset)
        return os.path.join(folder, max((n for n in os.listdir(folder) if n.endswith(".db")), key=lambda n: int(n[5:-3])))


def touch(path, script):
    """Who owns the file takes its triggers off and does what he likes."""
    db = sqlite3.connect(path)
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    db.executescript(script)
    db.commit()
    db.close()


def chain_anew(path, table, where, after=None):
    """Makes the hashes of a chain right again after its entries were changed, as an attacker would."""
    db = sqlite3.connect(path)
    before = bytes(32)
    for seq, entry in db.execute(f"SELECT seq, entry FROM {table} WHERE {where} ORDER BY seq").fetchall():
        before = hashlib.sha256(before + entry.encode()).digest()
        db.execute(f"UPDATE {table} SET hash=? WHERE seq=? AND {where}", (before, seq))
    db.commit()
    db.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = World(tmp_path_factory.mktemp("audit"))
    yield w
    w.server.check_clean()


def test_whole_chains_are_found_whole_stopped_and_live(world, tmp_path):
    data = world.fresh()
    done = good(verify(world.server, data))
    assert "4 chains" in done.stdout and "broken" not in done.stdout
    live = Server(data).start()
    try:
        assert "4 chains" in good(verify(live)).stdout
    finally:
        assert live.stop() == 0


CATALOG = [
    ("UPDATE audit SET entry=replace(entry,'command line','password') WHERE seq=2", "record 2 does not follow"),
    ("DELETE FROM audit WHERE seq=3", "record 3 is missing"),
    ("DELETE FROM audit WHERE seq=3; UPDATE audit SET seq=seq-1 WHERE seq>3", "record 3 does not follow"),
    ("UPDATE audit SET seq=seq+1000 WHERE seq>3; INSERT INTO audit SELECT 4, entry, hash FROM audit WHERE seq=3; UPDATE audit SET seq=seq-999 WHERE seq>1000", "record 4 does not follow"),
    ("UPDATE audit SET seq=9999 WHERE seq=2; UPDATE audit SET seq=2 WHERE seq=3; UPDATE audit SET seq=3 WHERE seq=9999", "record 2 does not follow"),
    ("DELETE FROM audit WHERE seq=(SELECT max(seq) FROM audit)", "its end was cut off"),
    ("DELETE FROM audit", "its end was cut off"),
    ("UPDATE audit SET entry='{' WHERE seq=1", "record 1 does not follow"),
]


@pytest.mark.parametrize("script,message", CATALOG)
def test_tampering_with_the_catalogs_chain_is_found(world, script, message):
    data = world.fresh()
    touch(data / "catalog.db", script)
    done = verify(world.server, data)
    assert done.returncode == 1 and "broken: chain catalog" in done.stdout and message in done.stdout, done
    assert "1 of 4 chains are broken" in done.stderr or "broken" in done.stderr


def test_a_chain_that_was_made_anew_is_found_by_its_head(world):
    data = world.fresh()
    touch(data / "catalog.db", "UPDATE audit SET entry=replace(entry,'command line','password') WHERE seq=2")
    chain_anew(data / "catalog.db", "audit", "1")
    done = verify(world.server, data)
    assert done.returncode == 1 and "is another one than the head that was kept says" in done.stdout, done
    os.unlink(data / "audit-head")
    done = verify(world.server, data)
    assert done.returncode == 0 and "no head of the audit is kept at" in done.stdout
    with open(world.server.log_path, "rb") as f:
        logged = [line.split(b"audit head ")[1].split(b'"')[0].decode() for line in f if b"audit head " in line]
    done = verify(world.server, data, "--head", logged[-1])
    assert done.returncode == 1 and "is another one than the head that was kept says" in done.stdout, done
    assert verify(world.server, data, "--head", "7:abc").returncode == 1


DATASET = [
    ("UPDATE audit SET entry=replace(entry,'\"created\":1','\"created\":2') WHERE seq=(SELECT max(seq) FROM audit)", "does not follow"),
    ("DELETE FROM audit WHERE seq=(SELECT max(seq)-1 FROM audit)", "is missing"),
    ("UPDATE audit SET seq=9999 WHERE seq=(SELECT max(seq)-1 FROM audit); UPDATE audit SET seq=seq-1 WHERE seq=(SELECT max(seq)-1 FROM audit)", "is missing"),
    ("DELETE FROM audit WHERE seq=(SELECT max(seq) FROM audit)", "its end was cut off"),
    ("DELETE FROM audit WHERE seq=(SELECT min(seq) FROM audit)", ""),
    ("DELETE FROM audit WHERE seq=(SELECT max(seq) FROM audit); UPDATE meta SET version=version-1; DELETE FROM versions WHERE version=(SELECT max(version) FROM versions)", "was there once, says the catalog's chain"),
    ("DELETE FROM audit", ""),
]


@pytest.mark.parametrize("script,message", DATASET)
def test_tampering_with_a_datasets_file_is_found(world, script, message):
    data = world.fresh()
    first = "DELETE FROM audit WHERE seq=(SELECT min" in script
    touch(world.file(data, world.a), script)
    done = verify(world.server, data)
    if first:  # the file's copy of what the catalog has: nothing is lost without it
        assert done.returncode == 0, done
        return
    assert done.returncode == 1 and f"broken: chain {world.a}" in done.stdout and message in done.stdout, done
    assert f"chain {world.b}" not in done.stdout


def drained(script, message, chains="ab"):
    return script, message, chains


@pytest.mark.parametrize("script,message,chains", [
    drained("UPDATE dataset_audit SET entry=replace(entry,'upsert','delete') WHERE dataset='A' AND seq=2", "record 2 does not follow", "a"),
    drained("DELETE FROM dataset_audit WHERE dataset='A' AND seq=2", "record 2 is missing", "a"),
    drained("UPDATE dataset_audit SET dataset='xxxx-xxxx' WHERE dataset='A' AND seq=2; UPDATE dataset_audit SET dataset='A' WHERE dataset='B' AND seq=2;"
            "UPDATE dataset_audit SET dataset='B' WHERE dataset='xxxx-xxxx'", "does not follow"),
    drained("UPDATE dataset_audit SET dataset='xxxx-xxxx' WHERE dataset='A'; UPDATE dataset_audit SET dataset='A' WHERE dataset='B';"
            "UPDATE dataset_audit SET dataset='B' WHERE dataset='xxxx-xxxx'", "is of dataset"),
    drained("DELETE FROM dataset_audit WHERE dataset='A'", "", "a"),
    drained("DELETE FROM dataset_audit WHERE dataset='G' AND seq=(SELECT max(seq) FROM dataset_audit WHERE dataset='G')", "was there once, says the catalog's chain", "g"),
    drained("DELETE FROM dataset_audit WHERE dataset='G'", "was there once, says the catalog's chain", "g"),
])
def test_tampering_with_what_the_catalog_has_of_a_dataset_is_found(world, script, message, chains):
    data = world.fresh()
    ids = {"a": world.a, "b": world.b, "g": world.gone}
    for letter, dataset in ids.items():
        script = script.replace(f"'{letter.upper()}'", f"'{dataset}'")
    touch(data / "catalog.db", script)
    done = verify(world.server, data)
    assert done.returncode == 1 and message in done.stdout, done
    for letter, dataset in ids.items():
        assert (f"broken: chain {dataset}" in done.stdout) == (letter in chains), (letter, done.stdout)


def test_files_of_two_datasets_that_were_exchanged_are_found(world):
    data = world.fresh()
    a, b = world.file(data, world.a), world.file(data, world.b)
    os.rename(a, a + ".x")
    os.rename(b, a)
    os.rename(a + ".x", b)
    done = verify(world.server, data)
    assert done.returncode == 1, done
    for dataset in (world.a, world.b):
        assert f"broken: chain {dataset}" in done.stdout and "of another time or of another dataset" in done.stdout, done


def test_a_file_put_back_from_another_time_is_found(world, tmp_path):
    data = world.fresh()
    live = Server(data).start()
    live.api().upsert_ok(world.a, [{"k": "later", "v": 1}])
    assert live.stop() == 0
    shutil.copy(world.file(world.server.data, world.a), world.file(data, world.a))
    done = verify(world.server, data)
    assert done.returncode == 1 and f"broken: chain {world.a}" in done.stdout and "was there once" in done.stdout, done


# ── exports ──

def test_an_export_tells_what_was_done_by_whom(world):
    own = lines(world.server)
    by_chain = {}
    for line in own:
        by_chain.setdefault(line["chain"], []).append(line)
    assert set(by_chain) == {"catalog", world.a, world.b, world.gone}, "a deleted dataset keeps its history"
    for chain in by_chain.values():
        assert [line["seq"] for line in chain] == list(range(1, len(chain) + 1))
    actions = [line["entry"]["action"] for line in by_chain["catalog"]]
    assert actions[:2] == ["user.create", "user.create"] and "dataset.delete" in actions and actions[-1] == "rows.heads"
    rows = by_chain[world.a]
    assert [r["entry"]["action"] for r in rows] == ["create"] + ["upsert"] * 4 + ["replace"] + ["upsert"] * 3
    assert all(r["entry"]["dataset"] == world.a for r in rows)
    assert rows[1]["entry"]["via"] == "password" and rows[1]["entry"]["peer"] == "127.0.0.1" and rows[1]["entry"]["request_id"]
    assert [r["entry"]["action"] for r in by_chain[world.gone]] == ["create"] + ["upsert"] * 4
    me = next(line["entry"]["subject"]["user"] for line in own if line["entry"]["action"] == "user.create")
    assert rows[1]["entry"]["user"] == me


def test_an_export_can_be_verified_by_others(world):
    """With nothing but SHA-256 and the bytes of the lines."""
    before = {}
    for text in good(command(world.server, "audit", "export")).stdout.splitlines():
        line = json.loads(text)
        entry = text[text.index('"entry":') + len('"entry":'):-1]
        before[line["chain"]] = hashlib.sha256(before.get(line["chain"], bytes(32)) + entry.encode()).digest()
        assert before[line["chain"]].hex() == line["hash"]


def test_an_export_of_what_was_tampered_with_shows_what_is_left(world):
    data = world.fresh()
    touch(data / "catalog.db", f"UPDATE audit SET entry='{{\"seq\":' WHERE seq=2; DELETE FROM audit WHERE seq=3; DELETE FROM dataset_audit WHERE dataset='{world.a}'")
    own = [json.loads(line) for line in good(command(world.server, "audit", "export", "--user", "jane", data=data)).stdout.splitlines()]
    assert [(line["chain"], line["seq"], line["damaged"]) for line in own] == [("catalog", 2, '{"seq":')]
    whole = [json.loads(line) for line in good(command(world.server, "audit", "export", data=data)).stdout.splitlines()]
    assert [line["seq"] for line in whole if line["chain"] == "catalog"][:3] == [1, 2, 4]
    rest = [line["seq"] for line in whole if line["chain"] == world.a]
    assert rest and rest == list(range(rest[0], rest[0] + len(rest))) and rest[0] > 1
    table = list(csv.DictReader(io.StringIO(good(command(world.server, "audit", "export", "--format", "csv", data=data)).stdout)))
    assert table[1]["details"] == '{"seq":' and len(table) == len(whole)


def test_filters_choose(world):
    own = lines(world.server)
    of_a = lines(world.server, "--dataset", world.a)
    assert {line["chain"] for line in of_a} == {"catalog", world.a}
    assert all(line["chain"] == world.a or line["entry"]["subject"]["dataset"] == world.a for line in of_a)
    assert {line["chain"] for line in lines(world.server, "--dataset", world.gone)} == {"catalog", world.gone}
    jane = lines(world.server, "--user", "jane")
    assert [line["entry"]["action"] for line in jane] == ["user.create"]
    admin = lines(world.server, "--user", "ADMIN")
    assert len(admin) > 20
    middle = sorted(line["entry"]["at_ms"] for line in own)[len(own) // 2]
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(middle / 1000)) + f".{middle % 1000:03}Z"
    since, until = lines(world.server, "--since", moment), lines(world.server, "--until", moment)
    assert len(since) + len(until) == len(own) and all(line["entry"]["at_ms"] >= middle for line in since) and since and until
    for words, message in ((("--since", "yesterday"), "since"), (("--user", "nobody"), "no user"), (("--dataset", "nothing"), "no dataset"), (("--format", "xml"), "jsonl and csv")):
        refused = command(world.server, "audit", "export", *words)
        assert refused.returncode == 1 and message in refused.stderr, refused


def test_csv_has_a_line_a_record(world):
    rows = list(csv.DictReader(io.StringIO(good(command(world.server, "audit", "export", "--format", "csv")).stdout)))
    own = lines(world.server)
    assert len(rows) == len(own)
    for row, line in zip(rows, own):
        assert (row["chain"], int(row["seq"]), row["hash"], row["action"]) == (line["chain"], line["seq"], line["hash"], line["entry"]["action"])
        assert row["time"].endswith("Z") and json.loads(row["subject"]) and isinstance(json.loads(row["details"]), dict)


def test_a_long_export_comes_whole_and_nobody_waits_for_who_does_not_read_it(tmp_path):
    s = Server(tmp_path / "data").start()
    try:
        api = s.api()
        d = api.create({"k": "text"}, key="k")
        for i in range(1500):
            api.upsert_ok(d, [{"k": str(i % 7)}])
        slow = subprocess.Popen([s.binary, "audit", "export", "--data", s.data], stdout=subprocess.PIPE)
        api.upsert_ok(d, [{"k": "while somebody does not read"}])
        good(command(s, "user", "disable", "admin"))
        good(command(s, "user", "enable", "admin"))
        got = slow.stdout.read().splitlines()
        assert slow.wait(60) == 0
        own = [line for line in map(json.loads, got) if line["chain"] == d]
        assert len(own) >= 1501 and [line["seq"] for line in own] == list(range(1, len(own) + 1))
        assert "broken" not in good(verify(s)).stdout
    finally:
        assert s.stop() == 0
        s.check_clean()


# ── over the API ──

@pytest.fixture(scope="module")
def live(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    shutil.copytree(world.server.data, folder / "data")
    s = Server(folder / "data").start()
    yield s
    assert s.stop() == 0
    s.check_clean()


def test_administrators_read_the_audit_page_by_page(world, live):
    api = live.api()
    for chain in ("catalog", world.a, world.gone):
        whole = api.get(f"/seltzer/audit.json?chain={chain}").json()
        own = [line for line in lines(live) if line["chain"] == chain]
        assert whole == own[:len(whole)] and whole
        paged, after = [], 0
        while page := api.get(f"/seltzer/audit?chain={chain}&limit=2&after={after}").json():
            assert len(page) <= 2
            paged += page
            after = page[-1]["seq"]
        assert paged[:len(whole)] == whole
    reply = api.get("/seltzer/audit")
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8" and reply.headers["Cache-Control"] == "no-store"


def test_the_apis_filters_and_formats_are_those_of_exports(world, live):
    api = live.api()
    of_a = api.get(f"/seltzer/audit?dataset={world.a}").json()
    assert of_a and all(line["entry"]["subject"]["dataset"] == world.a for line in of_a)
    assert [line["entry"]["action"] for line in api.get("/seltzer/audit?user=jane").json()] == ["user.create"]
    assert api.get("/seltzer/audit?since=2100-01-01").json() == []
    assert api.get("/seltzer/audit?until=2001-01-01T00:00:00Z").json() == []
    reply = api.get("/seltzer/audit.csv?limit=3")
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert [row["seq"] for row in csv.DictReader(io.StringIO(reply.text))] == ["1", "2", "3"]
    for query, word in (("limit=0", "limit"), ("limit=10001", "limit"), ("after=-1", "after"), ("since=x", "since"), ("since=", "since"), ("chain=nothing", "dataset"), ("user=nobody", "user")):
        reply = api.get(f"/seltzer/audit?{query}")
        assert reply.status_code == 400 and word in reply.json()["message"], (query, reply.text)
    assert api.get("/seltzer/audit.xml").status_code == 404


def test_nobody_but_administrators_reads_the_audit(live):
    assert live.api(auth=None).get("/seltzer/audit").status_code == 403
    assert live.api(("jane", PASSWORD)).get("/seltzer/audit").status_code == 403


# ── through it all ──

def test_chains_are_whole_after_kills(tmp_path):
    s = Server(tmp_path / "data").start()
    dataset = s.api().create({"k": "text"}, key="k")

    def write(stop):
        api = s.api()
        n = 0
        while not stop.is_set():
            n += 1
            try:
                api.request("POST", f"/resource/{dataset}.json", json=[{"k": str(n % 50)}])
                api.request("PUT", f"/api/views/{dataset}", json={"description": f"number {n}"})
                if n % 5 == 0:
                    api.request("PUT", f"/resource/{dataset}.json", json=[{"k": str(n)}])
            except Exception:
                return

    for round in range(5):
        stop = threading.Event()
        writers = [threading.Thread(target=write, args=(stop,)) for _ in range(3)]
        for w in writers:
            w.start()
        time.sleep(0.4 + 0.2 * round)
        s.kill()
        stop.set()
        for w in writers:
            w.join(30)
        done = good(verify(s))
        assert "broken" not in done.stdout, (round, done.stdout)
        s.start()
    assert len(lines(s)) > 20
    assert s.stop() == 0
    good(verify(s))


def test_a_directory_without_data_is_refused_and_not_made(world, tmp_path):
    for folder in (tmp_path / "mistyped", tmp_path):
        for verb in ("verify", "export"):
            done = command(world.server, "audit", verb, data=folder)
            assert done.returncode == 1 and "catalog.db: No such file" in done.stderr and not done.stdout, done
    assert os.listdir(tmp_path) == []


def test_the_head_can_be_kept_elsewhere(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    s = Server(tmp_path / "data", extra=("--audit-head", str(elsewhere / "head"))).start()
    api = s.api()
    api.create({"k": "text"})
    good(verify(s))  # the server reads it where it is
    assert s.stop() == 0
    assert "was not kept" not in s.said()
    head = (elsewhere / "head").read_text()
    assert head.split(":")[0].isdigit() and len(head.strip().split(":")[1]) == 64
    touch(tmp_path / "data" / "catalog.db", "DELETE FROM audit WHERE seq=(SELECT max(seq) FROM audit)")
    assert verify(s).returncode == 0, "without the head nothing could be seen"
    done = verify(s, None, "--audit-head", str(elsewhere / "head"))
    assert done.returncode == 1 and "its end was cut off" in done.stdout
    (elsewhere / "head").write_text("nonsense")
    done = verify(s, None, "--audit-head", str(elsewhere / "head"))
    assert done.returncode == 1 and "does not hold the head" in done.stderr
