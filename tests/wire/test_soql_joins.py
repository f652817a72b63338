"""Queries over several datasets: who may see what, and which version a reply shows (docs/wire/soql.md, "Tables"); queries that take too
long (docs/wire/limits.md)."""

import statistics
import subprocess
import threading
import time

import pytest

from client import Server, refused


@pytest.fixture(scope="module")
def pair(api):
    first = api.create({"k": "text", "n": "number"}, key="k", public=True, resourceName="joined-first")
    second = api.create({"k": "text", "secret": "text"}, key="k", resourceName="joined-second")
    api.upsert_ok(first, [{"k": f"r{i}", "n": i} for i in range(5)])
    api.upsert_ok(second, [{"k": "r1", "secret": "hidden"}, {"k": "r3", "secret": "veiled"}])
    return first, second


JOIN = "SELECT n, @s.secret JOIN @{} AS s ON @s.k = k ORDER BY n"


def ask(api, dataset, text, **headers):
    return api.get(f"/resource/{dataset}.json", params={"$query": text}, headers=headers)


# ── rights ──

def test_who_may_read_both_sees_both(api, pair):
    first, second = pair
    for name in (second, "joined-second"):
        assert ask(api, first, JOIN.format(name)).json() == [{"n": "1", "secret": "hidden"}, {"n": "3", "secret": "veiled"}]


@pytest.mark.parametrize("text", [
    JOIN, "SELECT n JOIN @{} AS s ON @s.k = k", "SELECT k UNION SELECT secret FROM @{}", "SELECT secret FROM @{}", "SELECT n LEFT JOIN (SELECT k FROM @{}) AS s ON @s.k = k",
    "SELECT n |> SELECT n JOIN @{} AS s ON true", "SELECT @{}.k"])
def test_what_the_caller_may_not_read_is_not_there(api, stranger, anonymous, pair, text):
    """Word for word as of a dataset that does not exist."""
    first, second = pair
    for who in (anonymous, stranger):
        for name in (second, "joined-second"):
            hidden = refused(ask(who, first, text.format(name)), 400, "query.soql.no-such-table")
            missing = refused(ask(who, first, text.format("zzzz-zzzz" if name == second else "joined-secant")), 400, "query.soql.no-such-table")
            same = str(missing).replace("zzzz-zzzz", second).replace("joined-secant", "joined-second")
            assert str(hidden) == same
            assert "hidden" not in str(hidden)


def test_it_takes_as_long_as_for_one_that_is_not_there(anonymous, pair):
    first, second = pair

    def median_ms(name):
        times = []
        for _ in range(40):
            start = time.perf_counter()
            ask(anonymous, first, JOIN.format(name))
            times.append(time.perf_counter() - start)
        return statistics.median(times) * 1000

    median_ms(second)
    hidden, missing = median_ms(second), median_ms("zzzz-zzzz")
    assert abs(hidden - missing) < max(2.0, 0.5 * missing), (hidden, missing)


def test_scope_site_is_for_the_signed_in(api, stranger, anonymous, pair):
    first, _ = pair
    site = api.create({"k": "text", "secret": "text"})
    api.upsert_ok(site, [{"k": "r1", "secret": "ours"}])
    assert api.put(f"/api/views/{site}.json?method=setPermission&value=site").status_code == 200
    assert ask(stranger, first, JOIN.format(site)).json() == [{"n": "1", "secret": "ours"}]
    refused(ask(anonymous, first, JOIN.format(site)), 400, "query.soql.no-such-table")


def test_a_right_that_ends_ends_for_joins(api, anonymous, pair):
    first, _ = pair
    open_one = api.create({"k": "text", "secret": "text"}, public=True)
    api.upsert_ok(open_one, [{"k": "r1", "secret": "for now"}])
    text = JOIN.format(open_one)
    tag = ask(anonymous, first, text).headers["ETag"]
    assert api.put(f"/api/views/{open_one}.json?method=setPermission&value=private").status_code == 200
    refused(ask(anonymous, first, text, **{"If-None-Match": tag}), 400, "query.soql.no-such-table")
    assert api.delete(f"/api/views/{open_one}.json").status_code == 200
    refused(ask(api, first, text), 400, "query.soql.no-such-table")


# ── versions ──

def test_a_write_to_either_dataset_changes_the_tag(api, pair):
    first, second = pair
    text = JOIN.format(second)
    tags = [ask(api, first, text).headers["ETag"]]
    assert ask(api, first, text, **{"If-None-Match": tags[-1]}).status_code == 304
    for dataset, row in ((second, {"k": "r9", "secret": "x"}), (first, {"k": "r9", "n": 9}), (second, {"k": "r9", ":deleted": True})):
        api.upsert_ok(dataset, [row])
        reply = ask(api, first, text, **{"If-None-Match": tags[-1]})
        assert reply.status_code == 200 and reply.headers["ETag"] not in tags
        tags.append(reply.headers["ETag"])
        assert ask(api, first, text, **{"If-None-Match": tags[-1]}).status_code == 304
    assert ask(api, first, text).headers["Last-Modified"]


def test_ids_of_a_joined_dataset_are_its_own(api, pair):
    first, second = pair
    row, = ask(api, first, "SELECT :id AS mine, @s.:id AS theirs, @s.:version AS v JOIN @joined-second AS s ON @s.k = k WHERE k = 'r1'").json()
    assert row["mine"] == api.rows(first, **{"$select": ":id", "k": "r1"})[0][":id"]
    assert row["theirs"] == api.rows(second, **{"$select": ":id", "k": "r1"})[0][":id"]
    assert row["v"] == api.rows(second, **{"$select": ":version", "k": "r1"})[0][":version"]
    found = ask(api, first, f"SELECT k JOIN @joined-second AS s ON @s.k = k WHERE @s.:id = '{row['theirs']}'").json()
    assert found == [{"k": "r1"}]
    refused(ask(api, first, "SELECT k JOIN @joined-second AS s ON @s.:id = :id"), 400, "query.soql.type-mismatch")


def test_a_reply_shows_each_dataset_at_one_version(api):
    """Beside a writer that changes both rows of a dataset at once, a self-join never sees one of them alone."""
    d = api.create({"k": "text", "n": "number"}, key="k")
    other = api.create({"k": "text"})
    api.upsert_ok(other, [{"k": "a"}])
    api.upsert_ok(d, [{"k": "a", "n": 0}, {"k": "b", "n": 0}])
    stop, failed = threading.Event(), []

    def write():
        n, writer = 0, api.server.api()
        while not stop.is_set():
            n += 1
            reply = writer.upsert(d, [{"k": "a", "n": n}, {"k": "b", "n": n}])
            if reply.status_code != 200:
                failed.append(reply.text)
                return

    thread = threading.Thread(target=write)
    thread.start()
    try:
        seen, reads, until = set(), 0, time.monotonic() + 60
        while reads < 60 or (len(seen) < 2 and time.monotonic() < until):  # on a busy machine the writer may be slow to begin
            reads += 1
            rows = ask(api, d, f"SELECT @x.n, @y.n AS m FROM @this AS x JOIN @{d} AS y ON @x.k = 'a' AND @y.k = 'b' JOIN @{other} AS o ON true").json()
            assert len(rows) == 1 and rows[0]["n"] == rows[0]["m"], rows
            seen.add(rows[0]["n"])
    finally:
        stop.set()
        thread.join()
    assert not failed and len(seen) > 1


# ── the deadline ──

HEAVY = "SELECT count(*) " + " ".join(f"JOIN @this AS t{i} ON @t{i}.n >= 0" for i in range(6))
LONG = "SELECT n, " + ", ".join(f"@t{i}.n AS n{i}" for i in range(6)) + " " + " ".join(f"JOIN @this AS t{i} ON @t{i}.n >= 0" for i in range(6)) + " LIMIT 1000000000"
SORTED = LONG.replace(" LIMIT 1000000000", " ORDER BY @t5.n + n LIMIT 10")


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("hasty") / "data", extra=["--query-deadline", "1"]).start()
    d = s.api().create({"n": "number"})
    s.api().upsert_ok(d, [{"n": i} for i in range(50)])
    yield s, d
    assert s.stop() == 0
    s.check_clean()


@pytest.mark.parametrize("text", [HEAVY, LONG, SORTED], ids=["none", "rows", "sorted"])
@pytest.mark.parametrize("extension", ["json", "csv", "xml"])
def test_a_query_past_its_deadline_is_408_whole(hasty, text, extension):
    """Also when rows had been written by then: nobody gets half a reply."""
    s, d = hasty
    start = time.monotonic()
    reply = s.api().get(f"/resource/{d}.{extension}", params={"$query": text})
    body = refused(reply, 408, "query.timeout", "query.timeout", says=["1 seconds", "$limit"])
    assert "ETag" not in reply.headers and "X-SODA2-Fields" not in reply.headers
    assert 0.9 < time.monotonic() - start < 10 and body["data"] == {}


def test_others_go_on_meanwhile(hasty):
    s, d = hasty
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(ask(s.api(), d, HEAVY))) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for i in range(10):
            assert ask(s.api(), d, "SELECT count(*) AS c").json()[0]["c"] >= "50"
            s.api().upsert_ok(d, [{"n": 1000 + i}])
    finally:
        for thread in threads:
            thread.join()
    assert [r.status_code for r in replies] == [408] * 4
    assert ask(s.api(), d, "SELECT max(n) AS m").json() == [{"m": "1009"}]


@pytest.mark.parametrize("given", ["0", "-1", "x", "1.5", "86401"])
def test_a_deadline_that_is_none_is_refused_at_the_start(tmp_path, given):
    s = Server(tmp_path / "data")
    got = subprocess.run([s.binary, "serve", "--data", s.data, "--query-deadline", given], capture_output=True, timeout=30)
    assert got.returncode == 2 and b"--query-deadline must be a number of seconds from 1 to 86400" in got.stderr
