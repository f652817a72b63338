"""Readers beside writers, line by line of tests/robustness.md (E). Every row carries the stamp of the request that wrote it, every reply
the data version that it speaks of. When all is over, the writes in the order of their versions tell what the table was at each
version; whatever a reader was given must be exactly that, whole or as a page of it.

10 seconds, or 5 minutes with SELTZER_SOAK=1."""

import contextlib
import csv
import glob
import io
import json
import os
import ssl
import threading
import time

import pytest

from client import counts, refused, six
from rude import BASIC, CLOSE, MIB, SOAK, chunked, connect, get, own_server, post, read_reply, seeded, stream, whole

SECONDS = 300 if SOAK else 10
PARTS, PART_ROWS = 4, 60
KEYS = range(PARTS * PART_ROWS)
WORD = "x" * 40


@pytest.fixture
def own(tmp_path):
    with own_server(tmp_path) as s:
        yield s


class Client:
    """One connection, requests in turn."""

    def __init__(self, server, source=None):
        self.tls = connect(server, source, timeout=60)

    def ask(self, request):
        self.tls.sendall(request)
        reply = read_reply(self.tls)
        assert reply, "the connection was closed"
        return reply


def part(i):
    return range(i * PART_ROWS, (i + 1) * PART_ROWS)


def rows_of(keys, stamp):
    return json.dumps([{"k": k, "s": stamp, "w": WORD} for k in keys]).encode()


class House:
    """Writers and readers of one dataset, and what they were told."""

    def __init__(self, server):
        self.server, self.api = server, server.api()
        self.dataset = self.api.create({"k": "number", "s": "number", "w": "text"}, key="k")
        self.lock, self.over, self.failures = threading.Lock(), threading.Event(), []
        self.writes, self.seen, self.etags = [], [], {}
        self.stamp = 0
        self.write(Client(server), b"PUT", "replace", KEYS)

    def write(self, client, method, kind, keys):
        with self.lock:
            self.stamp += 1
            stamp = self.stamp
        body = rows_of(keys, stamp) if kind != "delete" else json.dumps([[k] for k in keys]).encode()
        status, headers, reply = client.ask(whole(self.dataset, body, method=method))
        assert status == 200, reply
        with self.lock:
            self.writes.append((int(headers["x-soda2-truth-version"]), kind, list(keys), stamp))

    def read(self, client, form, offset, limit):
        path = f"/resource/{self.dataset}.{form}?$select=k,s&$offset={offset}&$limit={limit}"
        status, headers, body = client.ask(get(path, auth=BASIC))
        assert status == 200, body
        if form == "json":
            rows = [(int(r["k"]), int(r["s"])) for r in json.loads(body)]
        else:
            rows = [(int(k), int(s)) for k, s in list(csv.reader(io.StringIO(body.decode())))[1:]]
        version = int(headers["x-soda2-truth-version"])
        with self.lock:
            self.seen.append((version, offset, limit, rows))
            assert self.etags.setdefault((path, headers["etag"]), version) == version, "one ETag for two versions"

    def thread(self, work):
        def run():
            client = Client(self.server)
            try:
                while not self.over.is_set() and not self.failures:
                    work(client)
            except Exception as e:  # noqa: BLE001: the test fails with it below
                self.failures.append(repr(e))
            client.tls.close()
        return threading.Thread(target=run)

    def run(self, works, seconds):
        threads = [self.thread(w) for w in works]
        for t in threads:
            t.start()
        self.over.wait(seconds)
        self.over.set()
        for t in threads:
            t.join()
        assert not self.failures, self.failures

    def check(self):
        """Every version once; every read what the table was at its version."""
        self.writes.sort()
        versions = [w[0] for w in self.writes]
        assert versions == list(range(versions[0], versions[0] + len(versions))), "versions are given once and none is left out"
        wanted, table, states = {v for v, *_ in self.seen}, {}, {}
        for version, kind, keys, stamp in self.writes:
            if kind == "replace":
                table = {}
            if kind == "delete":
                for k in keys:
                    table.pop(k, None)
            else:
                table.update((k, stamp) for k in keys)
            if version in wanted:
                states[version] = list(table.items())
        for version, offset, limit, rows in self.seen:
            assert version in states, f"version {version} was never acknowledged"
            assert rows == states[version][offset:offset + limit], (version, offset, limit, rows[:5], states[version][offset:offset + 5])
        last = [(int(r["k"]), int(r["s"])) for r in self.api.rows(self.dataset, **{"$select": "k,s"})]
        assert last == list(table.items())
        print(f"{len(self.writes)} writes, {len(self.seen)} reads of {len(wanted)} versions")


def test_E2_E3_every_response_is_one_version_and_the_one_that_it_names(own):
    rng, house = seeded(), House(own)
    choices = [rng.randrange(1 << 30) for _ in range(1000)]

    def replacer(client):
        house.write(client, b"PUT", "replace", KEYS)
        time.sleep(0.02)

    def upserter(i):
        return lambda client: house.write(client, b"POST", "upsert", part(i))

    def deleter(client):
        house.write(client, b"POST", "delete", part(3))
        house.write(client, b"POST", "upsert", part(3))

    def reader(i):
        turn = iter(range(1 << 30))

        def read(client):
            n = choices[(next(turn) * 7 + i * 131) % len(choices)]
            offset, limit = ((0, 1000), (0, 1000), (n % 200, n % 90 + 1), (n % 150, 60))[n % 4]
            house.read(client, ("json", "csv")[n % 2], offset, limit)
        return read

    house.run([replacer, upserter(0), upserter(1), upserter(2), deleter, *[reader(i) for i in range(4)]], SECONDS)
    house.check()
    assert len(house.seen) > 50 and len(house.writes) > 50


def test_E2_no_page_is_ever_empty_beside_a_replacer(own):
    house = House(own)

    def reader(client):
        for offset in range(0, len(KEYS), 50):
            house.read(client, "json", offset, 50)

    house.run([lambda client: house.write(client, b"PUT", "replace", KEYS), *[reader] * 4], SECONDS / 2)
    house.check()
    assert all(rows for _, _, _, rows in house.seen)


def test_a_304_is_only_said_of_the_same_version(own):
    house = House(own)
    said = []

    def reader(client):
        path = f"/resource/{house.dataset}.json?$select=s&$limit=1"
        _, first, _ = client.ask(get(path, auth=BASIC))
        status, second, _ = client.ask(get(path, auth=BASIC, headers=b"If-None-Match: " + first["etag"].encode() + b"\r\n"))
        said.append((status, first["etag"], second.get("etag"), first["x-soda2-truth-version"], second.get("x-soda2-truth-version")))

    house.run([lambda client: (house.write(client, b"POST", "upsert", part(0)), time.sleep(0.05)), reader, reader], SECONDS / 5)
    for status, etag, etag_2, version, version_2 in said:
        if status == 304:
            assert etag_2 in (None, etag) and version_2 in (None, version), said
        else:
            assert status == 200 and etag_2 != etag and int(version_2) > int(version)
    assert {s[0] for s in said} == {200, 304}, {s[0] for s in said}


def in_threads(n, work):
    failures, results = [], []

    def run(i):
        try:
            results.append(work(i))
        except Exception as e:  # noqa: BLE001
            failures.append(repr(e))
    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures[:3]
    return results


def test_E4_a_dataset_deleted_in_the_middle_of_an_upload_is_gone_for_it_too(own):
    api = own.api()
    for method in (b"POST", b"PUT"):
        dataset = api.create({"k": "number"}, key="k")
        with connect(own) as tls:
            tls.sendall(post(dataset, b"Transfer-Encoding: chunked\r\n", b"a\r\n[{\"k\":1},\n\r\n", method=method))
            time.sleep(0.2)
            assert api.delete(f"/api/views/{dataset}.json").status_code == 200
            tls.sendall(b"8\r\n{\"k\":2}]\r\n0\r\n\r\n")
            status, _, body = read_reply(tls)
            assert status in (404, 409), body
        refused(api.get(f"/resource/{dataset}.json"), 404)
        assert not glob.glob(os.path.join(own.data, "datasets", dataset, "*"))


def test_E5_columns_change_while_rows_come(own):
    """Each upsert is wholly of the old or of the new columns, or told to come again."""
    api = own.api()
    dataset = api.create({"k": "number", "a": "text"}, key="k")
    over, statuses = threading.Event(), []

    def writer(i):
        mine, n = own.api(), 0
        while not over.is_set():
            reply = mine.upsert(dataset, [{"k": i * 100000 + n, "a": "x"} for n in range(n, n + 20)])
            statuses.append(reply.status_code)
            n += 20
            assert reply.status_code == 200 or refused(reply, 409, "soda.dataset.shape-changed")

    threads = [threading.Thread(target=writer, args=(i,)) for i in range(3)]
    for t in threads:
        t.start()
    for i in range(8):
        assert api.post(f"/api/views/{dataset}/columns.json", json={"name": f"New {i}", "fieldName": f"new_{i}", "dataTypeName": "text"}).status_code == 200
        assert api.post(f"/api/views/{dataset}/publication.json").status_code == 200
        time.sleep(0.05)
    over.set()
    for t in threads:
        t.join()
    assert set(statuses) <= {200, 409} and len(api.rows(dataset, **{"$limit": "1000000"})) == 20 * statuses.count(200)
    assert six(api.upsert(dataset, [{"k": -1, "new_7": "there"}])) == counts(created=1)


def test_E8_the_same_key_in_parallel_runs_once(own):
    api = own.api()
    dataset = api.create({"n": "number"})
    for turn in range(5):
        def send(_, turn=turn):
            return own.api().post(f"/resource/{dataset}.json", json=[{"n": turn}], headers={"Idempotency-Key": f"turn-{turn}"})
        replies = in_threads(8, send)
        assert {r.status_code for r in replies} == {200} and len({r.text for r in replies}) == 1, [(r.status_code, r.text) for r in replies]
        assert len(api.rows(dataset)) == turn + 1


@pytest.mark.parametrize("other", [{"json": [{"n": 2}]}, {"json": []}, {"data": b"n\n1\n", "headers": {"Content-Type": "text/csv"}}], ids=["E9_body", "E9_empty", "E9_form"])
def test_the_same_key_with_another_body_is_422(own, other):
    api = own.api()
    dataset = api.create({"n": "number"})
    assert api.post(f"/resource/{dataset}.json", json=[{"n": 1}], headers={"Idempotency-Key": "k"}).status_code == 200
    other = dict(other, headers=dict(other.get("headers", {}), **{"Idempotency-Key": "k"}))
    refused(api.post(f"/resource/{dataset}.json", **other), 422, "req.idempotency-mismatch")
    assert len(api.rows(dataset)) == 1


def test_a_key_is_its_users_own(own):
    api = own.api()
    dataset = api.create({"k": "text", "n": "number"}, key="k")
    own.add_user("colleague", "a password of hers", role="editor")
    assert api.request("PUT", f"/api/views/{dataset}.json?method=setPermission&value=public.read").status_code == 200
    for who, told in ((api, counts(created=1, by_key=0)), (own.api(("colleague", "a password of hers")), counts(updated=1, by_key=1))):
        for again in (False, True):
            reply = who.post(f"/resource/{dataset}.json", json=[{"k": "1", "n": 2}], headers={"Idempotency-Key": "monday"})
            assert six(reply) == told and ("Idempotency-Replayed" in reply.headers) == again


def test_E11_small_writes_to_other_datasets_do_not_wait_for_a_large_one(own):
    """The large one is applied while its body comes, and its last byte comes only once the small ones are done."""
    api = own.api()
    large = api.create({"k": "number", "w": "text"}, key="k")
    small = [api.create({"k": "number"}, key="k") for _ in range(20)]
    sent, done, replies = threading.Event(), threading.Event(), []

    def body():
        yield b"[{\"k\":-1}"
        for i in range(1, 201):
            yield b"," + b",".join(b'{"k":%d,"w":"%s"}' % (n, b"y" * 100) for n in range(i * 500, i * 500 + 500))
        sent.set()
        assert done.wait(120), "small writes wait for the large one"
        yield b"]"

    thread = threading.Thread(target=lambda: replies.append(stream(own, post(large, b"Transfer-Encoding: chunked\r\n"), chunked(body()), timeout=300)[0]))
    thread.start()
    assert sent.wait(120)
    for turn in range(3):
        for d in small:
            assert api.upsert(d, [{"k": turn}]).status_code == 200
    done.set()
    thread.join()
    assert replies and replies[0][0] == 200, replies


def test_E12_exports_that_nobody_reads_do_not_keep_the_log_from_being_put_away(own):
    """A reply is made at once and kept aside; its snapshot goes, so checkpoints work and the WAL stays small."""
    api = own.api()
    dataset = api.create({"k": "number", "w": "text"}, key="k")
    for i in range(4):
        assert six(api.upsert(dataset, [{"k": k, "w": "z" * 400} for k in range(i * 5000, i * 5000 + 5000)])) == counts(created=5000)
    with contextlib.ExitStack() as held:
        context = ssl.create_default_context(cafile=own.ca)
        for _ in range(5):
            tls = held.enter_context(connect(own, None, context))
            tls.sendall(get(f"/resource/{dataset}.json?$limit=100000", auth=BASIC, headers=CLOSE))
            tls.recv(10)
        for turn in range(6):
            assert six(api.upsert(dataset, [{"k": k, "w": f"{turn}" * 400} for k in range(20000)])) == counts(updated=20000, by_key=20000)
        deadline = time.monotonic() + 15
        while (wal := sum(os.path.getsize(f) for f in glob.glob(os.path.join(own.data, "datasets", dataset, "*-wal")))) > 40 * MIB:
            assert time.monotonic() < deadline, f"the WAL has {wal / MIB:.0f} MiB"
            time.sleep(0.2)
        before = tls
        got = before.recv(65536)
        while chunk := before.recv(MIB):
            got = chunk
        assert got.endswith(b"]\n")


def test_E14_the_row_identifier_changes_during_writes(own):
    """Serial: every write is before or after; duplicates keep a column from becoming the row identifier, and are named."""
    api = own.api()
    dataset = api.create({"k": "text", "a": "text"}, key="k")
    columns = {c["fieldName"]: c["id"] for c in api.get(f"/api/views/{dataset}.json").json()["columns"]}
    over, replies = threading.Event(), []

    def writer(i):
        mine = own.api()
        while not over.is_set():
            replies.append(mine.upsert(dataset, [{"k": str(n), "a": f"{i} {n}"} for n in range(10)]))

    threads = [threading.Thread(target=writer, args=(i,)) for i in range(3)]
    for t in threads:
        t.start()
    changes = []
    for column in ["k", None, "k", None, "a", None] * 2:
        reply = api.put(f"/api/views/{dataset}.json", json={"rowIdentifierColumnId": columns[column] if column else None})
        changes.append(reply.status_code)
        assert reply.status_code == 200 or refused(reply, 400, "soda.column.not-unique") or reply.status_code == 409, reply.text
        time.sleep(0.05)
    over.set()
    for t in threads:
        t.join()
    assert {r.status_code for r in replies} <= {200, 409} and any(r.status_code == 200 for r in replies), {r.status_code: r.text for r in replies}
    rows = api.rows(dataset, **{"$limit": "1000000"})
    created = sum(r.json()["Rows Created"] for r in replies if r.status_code == 200)
    assert len(rows) == created, (len(rows), created, changes)


def test_E14_duplicates_are_named(own):
    api = own.api()
    dataset = api.create({"k": "text", "a": "text"})
    api.upsert_ok(dataset, [{"k": "one"}, {"k": "two"}, {"k": "one"}])
    column = api.get(f"/api/views/{dataset}.json").json()["columns"][0]["id"]
    refused(api.put(f"/api/views/{dataset}.json", json={"rowIdentifierColumnId": column}), 400, "soda.column.not-unique", says="one")
