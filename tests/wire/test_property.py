"""Random writes against a naive model (model.py): after each request the status, the counts, the reports, the data version and the
whole table are what the model says, byte for byte. SELTZER_SEED repeats a run; SELTZER_PROPERTY_STEPS sets its length."""

import csv
import json
import os
import random
import threading

import pytest

from client import ROW_ID, VERSION, refused, six
from model import ABSENT, COLUMNS, NULL, WITHOUT_ID, Maker, Op, RawConnection, Request, State, key_value, seeded, send

STEPS = int(os.environ.get("SELTZER_PROPERTY_STEPS", "900"))
KINDS = ["text", "number", "url", "date", None]


def make(api, kind):
    columns = dict({"k": kind} if kind else {}, **COLUMNS)
    dataset = api.create(columns, key="k" if kind else None)
    state = State(columns, "k" if kind else None)
    state.data_version = api.version(dataset)
    return dataset, state


def same_json(got, want_text):
    """Equal, numbers by their digits."""
    return json.loads(json.dumps(got)) == json.loads(want_text)


def check_row_errors(outcome, body, snake):
    errors = [(at, r) for at, r in enumerate(outcome.reports) if r.typ == "error"]
    listed = body.get("errors" if snake else "rowErrors", [])
    assert len(listed) == len(errors), body
    for (at, r), e in zip(errors, listed):
        assert e["input_index"] == at and e["code"] == r.err, (at, r.err, e)
        assert same_json(e.get("primary_key"), r.name[1] if r.name and r.err not in WITHOUT_ID else "null"), (at, r.name, e)


def check_reply(outcome, q, reply):
    """All of the reply but what needs the table: see check_learned."""
    if outcome.status != 200:
        refused(reply, outcome.status, outcome.error_code)
        return
    assert reply.status_code == 200, reply.text[:1500]
    if q.params.get("report") == "rows" and q.form != "object":
        return
    if outcome.row or (q.method == "DELETE" and q.row is not None and q.extension == ".json"):
        return
    body = reply.json()
    assert six(body) == outcome.counts, (body, outcome.counts)
    snake = q.params.get("$$version") == "2.0"
    check_row_errors(outcome, body, snake)
    assert bool(body.get("Warnings")) == outcome.warns, body
    if snake:
        n = outcome.counts
        assert (body["rows_created"], body["rows_updated"], body["rows_deleted"]) == (n["Rows Created"], n["Rows Updated"], n["Rows Deleted"])
        assert str(body["truth_data_version"]) == reply.headers["X-SODA2-Truth-Version"]


def check_report(state, r, said, dry, after):
    assert said["typ"] == r.typ and said.get("err") == r.err, said
    if r.err in WITHOUT_ID:
        assert "id" not in said, said
    elif r.name:
        assert same_json(said["id"], r.name[0]), (said, r.name)
    elif r.typ == "error":
        assert said["id"] is None, said
    else:
        assert ROW_ID.match(said["id"]), said
        if r.row in after:
            assert said["id"] == r.row.system[":id"], said
    if r.typ in ("insert", "update"):
        assert VERSION.match(said["ver"]), said
        if r.row in after:
            assert said["ver"] == r.row.system[":version"], said
    if r.err == "version_mismatch":
        assert said["actual"] == r.actual, said
        if r.expected is None:
            assert said["expected"] is None, said
        elif r.expected:
            assert said["expected"] == r.expected, said


def check_learned(state, outcome, q, reply):
    """What the reply says of system fields is what the table has."""
    if outcome.status != 200:
        return
    if q.row is not None and q.method == "DELETE" and q.extension == ".json":
        assert reply.text == '[{"typ":"delete","id":%s}]\n' % outcome.reports[0].name[0]
    elif outcome.row:
        assert reply.text == state.row_json(outcome.row) + "\n"
    elif q.params.get("report") == "rows" and q.form != "object":
        said = reply.json()
        assert len(said) == len(outcome.reports)
        after = set() if q.on("dryRun") else set(state.rows)
        for r, s in zip(outcome.reports, said):
            check_report(state, r, s, q.on("dryRun"), after)


class Walk:
    """A dataset, its state by the model, and its validator."""

    def __init__(self, server, rng, kind):
        self.api, self.rng = server.api(), rng
        self.raw = RawConnection(server, rng)
        self.dataset, self.state = make(self.api, kind)
        self.etag, self.steps = None, 0

    def url(self, extension):
        return f"/resource/{self.dataset}{extension}?$select=:*,*&$limit=100000"

    def check_table(self, changed):
        headers = {"If-None-Match": self.etag} if self.etag else {}
        reply = self.api.get(self.url(".json"), headers=headers)
        if self.etag and not changed:
            assert reply.status_code == 304, "nothing was written, but the validator changed"
            if self.rng.random() < 0.7:
                return
            reply = self.api.get(self.url(".json"))
        assert reply.status_code == 200, reply.text[:500] if reply.status_code != 304 else "written, but the validator did not change"
        assert int(reply.headers["X-SODA2-Truth-Version"]) == self.state.data_version
        self.etag = reply.headers["ETag"]
        wrong = self.state.learn(reply.json())
        assert not wrong, wrong
        self.check_text(reply.text, self.state.table_json())
        if self.steps % 5 == 0:
            self.check_text(self.api.get(self.url(".csv")).text, self.state.table_csv())

    def check_text(self, got, want):
        if got != want:
            a, b = got.split("\n"), want.split("\n")
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            raise AssertionError(f"line {at} of the table is\n{a[at:at + 1]}\nand should be\n{b[at:at + 1]}")

    def step(self, q):
        outcome, after = self.state.apply(q)
        changed = after is not self.state
        try:
            reply = send(self.api, self.raw, self.dataset, q, self.state.key)
            check_reply(outcome, q, reply)
            if outcome.status == 200:
                assert int(reply.headers["X-SODA2-Truth-Version"]) == after.data_version
            self.state = after
            self.check_table(changed)
            check_learned(self.state, outcome, q, reply)
        except Exception as e:
            raise AssertionError(f"step {self.steps}: {e}\n{q!r:.3000}\nthe model says {outcome.status} {outcome.counts}") from e
        self.steps += 1

    def close(self):
        self.raw.close()


@pytest.mark.parametrize("kind", KINDS)
def test_any_sequence_of_writes_leaves_what_the_model_says(server, kind):
    rng = seeded(f"sequence {kind}")
    walk = Walk(server, rng, kind)
    try:
        for _ in range(STEPS // len(KINDS)):
            walk.step(Maker(rng, walk.state).request())
    finally:
        walk.close()


def in_threads(jobs):
    """Runs them all; the first failure is raised."""
    failures = []

    def run(job):
        try:
            job()
        except BaseException as e:  # noqa: B036 - handed to the test's own thread
            failures.append(e)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]


class Writer:
    """One of several that write to the same dataset: remembers what it sent and what was answered. Sends nothing whose reply
    depends on what the others did before it came: no :id, no :version, no refusals. many: lists of rows alone."""

    def __init__(self, server, rng, dataset, state, keys, many):
        self.api, self.rng, self.dataset = server.api(), rng, dataset
        self.raw = RawConnection(server, rng)
        self.maker = Maker(rng, state, keys)
        self.key, self.many = state.key, many
        self.sent = []

    def request(self):
        r = self.rng.random()
        if self.many or r < 0.35:
            q = self.maker.dataset_upsert()
            if not self.many:
                q.ops = q.ops[:5]
        elif r < 0.65:
            q = self.maker.single_object()
        elif r < 0.90:
            q = Request(self.rng.choice(["POST", "PUT"]), [Op(self.maker.fields())], "object")
            q.url_key = self.maker.key()
            q.row = q.url_key.cell
        else:
            q = self.maker.dataset_replace()
            q.ops = q.ops[:5]
        for op in q.ops:
            op.row_id = op.row_version = ABSENT
            if not self.key:
                op.one, op.flag = False, ABSENT
            elif q.row is None and (self.key not in op.fields or not self.many and op.fields[self.key] is NULL):
                op.fields[self.key] = self.maker.key()
            if q.method == "PUT":
                op.flag = ABSENT
        q.params = {n: v for n, v in q.params.items() if n in ("mergeInsteadOfReplace", "$$version") or n == "truncate" and not self.many}
        q.fault = q.raw_row = None
        q.newline, q.quoting = "\n", csv.QUOTE_MINIMAL
        q.transport = self.rng.choice(["plain", "gzip", "slices"])
        return q

    def run(self, steps):
        for _ in range(steps):
            q = self.request()
            self.sent.append((q, send(self.api, self.raw, self.dataset, q, self.key)))
        self.raw.close()


class Reader:
    """Reads whole tables while others write."""

    def __init__(self, server, dataset):
        self.api, self.dataset, self.seen, self.done = server.api(), dataset, {}, threading.Event()

    def run(self):
        while not self.done.is_set():
            reply = self.api.get(f"/resource/{self.dataset}.json?$limit=100000")
            assert reply.status_code == 200, reply.text
            self.seen.setdefault(int(reply.headers["X-SODA2-Truth-Version"]), set()).add(reply.text)


def write_together(server, kind, all_keys, steps, many=True, n=4):
    rng = seeded(f"together {kind} {all_keys} {many}")
    dataset, state = make(server.api(), kind)
    reader = Reader(server, dataset)
    writers = [Writer(server, random.Random(rng.random()), dataset, state, all_keys or range(i * 25, i * 25 + 25), many) for i in range(n)]

    def write():
        try:
            in_threads([lambda w=w: w.run(steps) for w in writers])
        finally:
            reader.done.set()

    in_threads([write, reader.run])
    sent = [s for w in writers for s in w.sent]
    return dataset, replay(state, sent, reader.seen), writers, state


def user_json(row):
    return "{%s}" % ",".join(f'"{n}":{v.out}' for n, v in row.fields.items() if v is not NULL)


def check_stored(outcome, reply):
    """The stored row of a single-row write: as that write left it, whatever came after."""
    row = reply.json()
    system = [n for n in row if n.startswith(":")]
    assert system == [":id", ":created_at", ":updated_at", ":version"], row
    assert {n: v for n, v in row.items() if n not in system} == json.loads(user_json(outcome.row))


def replay(state, sent, seen):
    """The requests in the order of the versions that they made, one by one through the model; what readers saw of a version is
    the table of that version."""
    for q, reply in sent:
        assert reply.status_code == 200, (reply.text[:500], q)
    order = sorted(sent, key=lambda s: int(s[1].headers["X-SODA2-Truth-Version"]))
    for q, reply in order:
        outcome, state = state.apply(q)
        check_reply(outcome, q, reply)
        if outcome.row:
            check_stored(outcome, reply)
        assert int(reply.headers["X-SODA2-Truth-Version"]) == state.data_version
        for text in seen.pop(state.data_version, ()):
            assert text == "[%s]\n" % "\n,".join(user_json(r) for r in state.rows)
    assert set(seen) <= {order[0][1] and int(order[0][1].headers["X-SODA2-Truth-Version"]) - 1}, "a version that nobody made"
    return state


def check_final(server, dataset, state):
    api = server.api()
    assert api.rows(dataset, **{"$limit": "100000"}) == [json.loads(user_json(r)) for r in state.rows]
    assert api.version(dataset) == state.data_version


SHARE = max(4, STEPS // 45)


@pytest.mark.parametrize("kind", ["text", "number"])
def test_writers_of_the_same_keys_end_in_the_order_of_their_versions(server, kind):
    dataset, final, _, _ = write_together(server, kind, range(40), SHARE)
    check_final(server, dataset, final)


@pytest.mark.parametrize("keys", [2, 10])
def test_single_rows_replaces_and_lists_at_once_each_answer_for_their_own_version(server, keys):
    dataset, final, _, _ = write_together(server, "text", range(keys), 2 * SHARE, many=False, n=6)
    check_final(server, dataset, final)


def test_writers_of_disjoint_keys_each_see_only_their_own(server):
    dataset, final, writers, state = write_together(server, "text", None, SHARE)
    for w in writers:  # each alone gives its own counts, whatever the others did
        own = state
        for q, reply in w.sent:
            outcome, own = own.apply(q)
            check_reply(outcome, q, reply)
    check_final(server, dataset, final)


def test_rows_without_identifier_are_all_added_and_the_counts_add_up(server):
    dataset, final, writers, _ = write_together(server, None, range(0), SHARE)
    check_final(server, dataset, final)
    created = sum(six(reply)["Rows Created"] for w in writers for _, reply in w.sent)
    assert created == len(final.rows)


@pytest.mark.parametrize("kind", [k for k in KINDS if k])
def test_a_key_that_is_sent_in_every_spelling_is_one_row(server, kind):
    api = server.api()
    dataset, _ = make(api, kind)
    for spelling in range(5):
        api.upsert_ok(dataset, '[{"k":%s}]' % key_value(kind, 5, spelling).sent)
    assert len(api.rows(dataset)) == 1
