"""The random walk of test_property.py with all that may come between and around writes: repetitions under an Idempotency-Key,
X-Expect-Rows, failure policies, columns added, the row identifier set and unset, and the server stopped or killed and started again."""

import csv
import os

import pytest

from client import refused
from model import NULL, Maker, Op, Outcome, RawConnection, Request, Report, State, key_value, seeded
from rude import own_server
from test_property import Walk, check_reply, send

STEPS = int(os.environ.get("SELTZER_PROPERTY_STEPS", "900")) // 3
KINDS = ["text", "number"]
SKIPPED = {"value": "soda.column.maltyped", "unknown": "soda.row.column-not-found", "no key": "soda.row.delete-without-primary-key",
           "not a row": "soda.row.upsert-row-not-an-object"}


class FullMaker(Maker):
    def __init__(self, rng, state, kind):
        super().__init__(rng, state)
        self.kind = kind

    def fields(self):
        fields = super().fields()
        if "k" in fields and not self.state.key:
            fields["k"] = NULL if self.chance(0.02) else key_value(self.kind, self.rng.randrange(400), self.rng.randrange(5))
        return fields


class FullWalk(Walk):
    def __init__(self, server, rng, kind):
        super().__init__(server, rng, kind)
        self.server, self.kind = server, kind
        self.kept, self.keys, self.added, self.switches = [], 0, 0, 0

    # what a request carries besides

    def decorate(self, q):
        """Headers and policies; the request as the model is to see it (None: as it is), or the status that it must get."""
        policy = self.set_aside(q)
        if q.row is None and q.method != "DELETE" and self.rng.random() < 0.1:
            off = self.rng.random() < 0.3
            q.headers["X-Expect-Rows"] = str(len(q.ops) + off)
            if off:
                return policy, 400
        if self.rng.random() < 0.4:
            self.keys += 1
            q.headers["Idempotency-Key"] = f"key-{self.keys}"
        return policy, None

    def set_aside(self, q):
        """Under a policy the bad row alone is left out, where a bad name is not the header's."""
        if not q.fault or q.fault[0] not in SKIPPED or q.method != "POST" or self.rng.random() < 0.3:
            return None
        q.params.pop("report", None)
        bad, q.params["onError"] = 1, self.rng.choice(["skip", "skip:1", "skip:100%", "skip:0", "skip:0.01%"])
        return bad if q.params["onError"] not in ("skip:0", "skip:0.01%") else None

    def expected(self, q, policy, status):
        if status:
            return Outcome(status), self.state
        if not policy:
            return self.state.apply(q)
        fault, bad_op, raw = q.fault, q.ops.pop(q.fault_at), q.raw_row
        q.fault = q.raw_row = None
        outcome, after = self.state.apply(q)
        q.ops.insert(q.fault_at, bad_op)
        q.fault, q.raw_row = fault, raw
        if outcome.status == 200:
            outcome.reports.insert(q.fault_at, Report("error", err=SKIPPED[fault[0]]))
            outcome.warns = None
        return outcome, after

    def full_step(self):
        q = FullMaker(self.rng, self.state, self.kind).request()
        policy, status = self.decorate(q)
        outcome, after = self.expected(q, policy, status)
        try:
            reply = send(self.api, self.raw, self.dataset, q, self.state.key)
            if outcome.warns is None:
                outcome.warns = bool(reply.status_code == 200 and reply.json().get("Warnings"))
            check_reply(outcome, q, reply)
            changed = after is not self.state
            self.state = after
            self.check_table(changed)
            if changed and "Idempotency-Key" in q.headers:
                self.kept = [*self.kept[-7:], (q, self.state.key, reply.text, reply.headers["X-SODA2-Truth-Version"])]
            elif outcome.status == 200 and not q.on("dryRun"):
                assert changed
        except Exception as e:
            raise AssertionError(f"step {self.steps}: {e}\n{q!r:.3000} {q.headers} {q.params}\nthe model says {outcome.status} {outcome.counts}") from e
        self.steps += 1

    # what comes between

    def repeat(self):
        if not self.kept:
            return
        q, key, text, version = self.rng.choice(self.kept)
        reply = send(self.api, self.raw, self.dataset, q, key)
        assert reply.status_code == 200 and reply.headers.get("Idempotency-Replayed") == "true", (reply.status_code, reply.text[:500], q)
        assert reply.text == text and reply.headers["X-SODA2-Truth-Version"] == version, (reply.text[:500], text[:500], q)
        self.check_table(False)

    def add_column(self):
        if self.added == 3:
            return
        self.added += 1
        name = f"added_{self.added}"
        reply = self.api.post(f"/api/views/{self.dataset}/columns.json", json={"name": name, "fieldName": name, "dataTypeName": "text"})
        assert reply.status_code == 200, reply.text
        new = self.state.copy()
        new.columns = dict(new.columns, **{name: "text"})
        for r in new.rows:
            r.fields[name] = NULL
        new.data_version += 1
        self.state = new
        self.check_table(True)

    def switch_identifier(self):
        wanted = None if self.state.key else "k"
        reply = self.api.put(f"/api/views/{self.dataset}.json", json={"metadata": {"rowIdentifier": wanted or ""}})
        values = [r.fields["k"] for r in self.state.rows]
        nulls = wanted and NULL in values
        if nulls or wanted and len({v.norm for v in values}) < len(values):
            refused(reply, 400, "update.row-identifier.null-values" if nulls else "soda.column.not-unique")
            self.check_table(False)
            q = Request("PUT", [Op({"k": key_value(self.kind, i, 0)}) for i in range(10)])
            q.newline, q.quoting = "\n", csv.QUOTE_MINIMAL
            self.step(q)
            self.switch_identifier()
            return
        assert reply.status_code == 200, reply.text
        new = self.state.copy()
        new.key = wanted
        self.switches += 1
        self.kept = []  # their rows may now be refused before they are known for a repetition (docs/wire/rows.md)
        new.data_version += 1
        self.state = new
        self.check_table(True)

    def restart(self, how):
        self.raw.close()
        if how == "kill":
            self.server.kill()
        else:
            assert self.server.stop() == 0, self.server.said()[-3000:]
        self.server.start()
        self.api, self.raw = self.server.api(), RawConnection(self.server, self.rng)
        self.check_table(False)


def between(walk, rng):
    r = rng.random()
    if r < 0.15:
        walk.repeat()
    elif r < 0.165:
        walk.add_column()
    elif r < 0.205:
        walk.switch_identifier()
    elif r < 0.225:
        walk.restart(rng.choice(["kill", "stop"]))


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_comes_between_writes_the_table_is_what_the_model_says(tmp_path, kind):
    rng = seeded(f"more {kind}")
    with own_server(tmp_path) as server:
        walk = FullWalk(server, rng, kind)
        assert isinstance(walk.state, State)
        try:
            for _ in range(STEPS // len(KINDS)):
                walk.full_step()
                between(walk, rng)
            print(f"{walk.steps} steps, {walk.keys} keys, {walk.added} columns added, {walk.switches} row identifiers")
        finally:
            walk.raw.close()
