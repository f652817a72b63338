"""Random writes against a naive model (model.py): after each request the status, the counts, the reports, the data version and the
whole table are what the model says, byte for byte. SELTZER_SEED repeats a run; SELTZER_PROPERTY_STEPS sets its length."""

import json
import os
import random
import threading

import pytest

from client import ROW_ID, VERSION, refused, six
from model import ABSENT, COLUMNS, NULL, WITHOUT_ID, Maker, RawConnection, State, key_value, seeded, send

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
    """One of several that write to the same dataset: remembers what it sent and what was answered."""

    def __init__(self, server, rng, dataset, state, keys):
        self.api, self.rng, self.dataset = server.api(), rng, dataset
        self.raw = RawConnection(server, rng)
        self.maker = Maker(rng, state, keys)
        self.sent = []

    def request(self):
        """Nothing that depends on what others do: no :id, no version, no refusal."""
        q = self.maker.dataset_upsert()
        while q.fault or "expectedDataVersion" in q.params or "truncate" in q.params:
            q = self.maker.dataset_upsert()
        q_key = self.maker.state.key
        q.params.pop("dryRun", None), q.params.pop("errorsAreFatal", None), q.params.pop("report", None)
        for op in q.ops:
            op.row_id = op.row_version = ABSENT
            if not q_key:
                op.one, op.flag = False, ABSENT
        q.newline, q.quoting = "\n", 0
        q.transport = self.rng.choice(["plain", "gzip", "slices"])
        return q

    def run(self, steps):
        for _ in range(steps):
            q = self.request()
            self.sent.append((q, send(self.api, self.raw, self.dataset, q, self.maker.state.key)))
        self.raw.close()


def write_together(server, kind, all_keys, steps):
    rng = seeded(f"together {kind} {all_keys}")
    dataset, state = make(server.api(), kind)
    writers = [Writer(server, random.Random(rng.random()), dataset, state, all_keys or range(i * 25, i * 25 + 25)) for i in range(4)]
    in_threads([lambda w=w: w.run(steps) for w in writers])
    return dataset, state, writers


def replay(state, sent):
    """The requests in the order of the versions that they made, one by one through the model."""
    for q, reply in sent:
        assert reply.status_code == 200, reply.text[:500]
    sent = sorted(sent, key=lambda s: int(s[1].headers["X-SODA2-Truth-Version"]))
    for q, reply in sent:
        outcome, state = state.apply(q)
        check_reply(outcome, q, reply)
        assert int(reply.headers["X-SODA2-Truth-Version"]) == state.data_version
    return state


def check_final(server, dataset, state, by_creation):
    api = server.api()
    rows = api.rows(dataset, **{"$limit": "100000"})
    want = [json.loads("{%s}" % ",".join(f'"{n}":{v.out}' for n, v in r.fields.items() if v is not NULL)) for r in state.rows]
    if not by_creation:
        rows, want = (sorted(x, key=lambda r: r["k"]) for x in (rows, want))
    assert rows == want
    assert api.version(dataset) == state.data_version


@pytest.mark.parametrize("kind", ["text", "number"])
def test_writers_of_the_same_keys_end_in_the_order_of_their_versions(server, kind):
    dataset, state, writers = write_together(server, kind, range(0, 40), max(4, STEPS // 30))
    state = replay(state, [s for w in writers for s in w.sent])
    check_final(server, dataset, state, True)


def test_writers_of_disjoint_keys_each_see_only_their_own(server):
    dataset, state, writers = write_together(server, "text", None, max(4, STEPS // 30))
    for w in writers:  # each alone gives its own counts, whatever the others did
        own = state
        for q, reply in w.sent:
            assert reply.status_code == 200, reply.text[:500]
            outcome, own = own.apply(q)
            check_reply(outcome, q, reply)
    final = replay(state, [s for w in writers for s in w.sent])
    check_final(server, dataset, final, True)


def test_rows_without_identifier_are_all_added_and_the_counts_add_up(server):
    dataset, state, writers = write_together(server, None, range(0), max(4, STEPS // 30))
    final = replay(state, [s for w in writers for s in w.sent])
    check_final(server, dataset, final, True)
    created = sum(six(reply)["Rows Created"] for w in writers for _, reply in w.sent)
    assert created == len(final.rows)


@pytest.mark.parametrize("kind", [k for k in KINDS if k])
def test_a_key_that_is_sent_in_every_spelling_is_one_row(server, kind):
    api = server.api()
    dataset, _ = make(api, kind)
    for spelling in range(5):
        api.upsert_ok(dataset, '[{"k":%s}]' % key_value(kind, 5, spelling).sent)
    assert len(api.rows(dataset)) == 1
