"""The write path as tables: which row is meant, by which route, with what reply and what left (docs/wire/rows.md, "Which row"); several
operations on one row; row versions; all or nothing at 10,000 rows; system fields; conditional reads."""

import json
import re
import threading
import time
from email.utils import formatdate

import pytest

from client import ROW_ID, VERSION, counts, refused, six

# A table is told as a list of (k, a, n); plain datasets have no k.
START = [("1", "x", "1"), ("2", "y", None)]
MERGED = [("1", "z", "1"), ("2", "y", None)]
CLEARED = [("1", "z", None), ("2", "y", None)]
ADDED = START + [("9", "z", None)]
REST = [("2", "y", None)]
ONE, NINE = [("1", "z", None)], [("9", "z", None)]

NO_KEY, MALTYPED, GONE = "soda.row.primary-key-nonexistent-or-null", "soda.column.maltyped", "soda.row.not-found"
CONTRADICTS, NO_DELETE_KEY = "soda.row.key-contradicts-url", "soda.row.delete-without-primary-key"
STORED = "stored"    # 200, the reply is the row
DELETED = "deleted"  # 200, the reply is [{"typ":"delete","id":…}]


def failed(error):
    """200, and the one row is an error of that name."""
    return ("error", error)


KEYED = {  # (route, key): what comes, what is left
    ("POST array", "absent"): (failed("no_primary_key"), START), ("POST array", "null"): (failed("no_primary_key"), START),
    ("POST array", "existing"): (counts(updated=1, by_key=1), MERGED), ("POST array", "new"): (counts(created=1), ADDED),
    ("POST array", "malformed"): ((400, MALTYPED), START),
    ("POST object", "absent"): ((400, NO_KEY), START), ("POST object", "null"): ((400, NO_KEY), START),
    ("POST object", "existing"): (STORED, MERGED), ("POST object", "new"): (STORED, ADDED), ("POST object", "malformed"): ((400, MALTYPED), START),
    ("PUT", "absent"): ((400, NO_KEY), START), ("PUT", "null"): ((400, NO_KEY), START), ("PUT", "existing"): (counts(created=1), ONE),
    ("PUT", "new"): (counts(created=1), NINE), ("PUT", "malformed"): ((400, MALTYPED), START),
    ("row POST", "absent"): (STORED, MERGED), ("row POST", "null"): ((400, CONTRADICTS), START), ("row POST", "existing"): (STORED, MERGED),
    ("row POST", "new"): (STORED, ADDED), ("row POST", "malformed"): ((404, GONE), START), ("row POST", "other"): ((400, CONTRADICTS), START),
    ("row PUT", "absent"): (STORED, CLEARED), ("row PUT", "null"): ((400, CONTRADICTS), START), ("row PUT", "existing"): (STORED, CLEARED),
    ("row PUT", "new"): (STORED, ADDED), ("row PUT", "malformed"): ((404, GONE), START), ("row PUT", "other"): ((400, CONTRADICTS), START),
    ("DELETE", "absent"): ((404, GONE), START), ("DELETE", "existing"): (DELETED, REST), ("DELETE", "new"): ((404, GONE), START),
    ("DELETE", "malformed"): ((404, GONE), START),
    (":deleted", "absent"): (failed("no_primary_key"), START), (":deleted", "null"): (failed("no_such_row_to_delete"), START),
    (":deleted", "existing"): (counts(deleted=1, by_key=1), REST), (":deleted", "new"): (failed("no_such_row_to_delete"), START),
    (":deleted", "malformed"): ((400, MALTYPED), START),
    ("[id]", "null"): (failed("no_such_row_to_delete"), START), ("[id]", "existing"): (counts(deleted=1, by_key=1), REST),
    ("[id]", "new"): (failed("no_such_row_to_delete"), START), ("[id]", "malformed"): ((400, MALTYPED), START),
}

PLAIN = {  # the same where :id is the key: new is well-formed and names no row
    ("POST array", "absent"): (counts(created=1), ADDED), ("POST array", "null"): (counts(created=1), ADDED),
    ("POST array", "existing"): (counts(updated=1, by_sid=1), MERGED), ("POST array", "new"): (failed("no_such_row_to_update"), START),
    ("POST array", "malformed"): ((400, MALTYPED), START),
    ("POST object", "absent"): (STORED, ADDED), ("POST object", "null"): (STORED, ADDED), ("POST object", "existing"): (STORED, MERGED),
    ("POST object", "new"): ((404, GONE), START), ("POST object", "malformed"): ((400, MALTYPED), START),
    ("PUT", "absent"): (counts(created=1), ONE), ("PUT", "null"): (counts(created=1), ONE), ("PUT", "existing"): (counts(created=1), ONE),
    ("PUT", "new"): (counts(created=1), ONE), ("PUT", "malformed"): (counts(created=1), ONE),
    ("row POST", "absent"): (STORED, MERGED), ("row POST", "null"): (STORED, MERGED), ("row POST", "existing"): (STORED, MERGED),
    ("row POST", "new"): ((404, GONE), START), ("row POST", "malformed"): ((404, GONE), START), ("row POST", "other"): ((400, CONTRADICTS), START),
    ("row PUT", "absent"): (STORED, CLEARED), ("row PUT", "null"): (STORED, CLEARED), ("row PUT", "existing"): (STORED, CLEARED),
    ("row PUT", "new"): ((404, GONE), START), ("row PUT", "malformed"): ((404, GONE), START), ("row PUT", "other"): ((400, CONTRADICTS), START),
    ("DELETE", "absent"): ((404, GONE), START), ("DELETE", "existing"): (DELETED, REST), ("DELETE", "new"): ((404, GONE), START),
    ("DELETE", "malformed"): ((404, GONE), START),
    (":deleted", "absent"): ((400, NO_DELETE_KEY), START), (":deleted", "null"): (failed("no_such_row_to_delete"), START),
    (":deleted", "existing"): (counts(deleted=1, by_sid=1), REST), (":deleted", "new"): (failed("no_such_row_to_delete"), START),
    (":deleted", "malformed"): ((400, MALTYPED), START),
    ("[id]", "null"): (failed("no_such_row_to_delete"), START), ("[id]", "existing"): (counts(deleted=1, by_sid=1), REST),
    ("[id]", "new"): (failed("no_such_row_to_delete"), START), ("[id]", "malformed"): ((400, MALTYPED), START),
}

FATAL = {"no_primary_key": (400, NO_KEY), "no_such_row_to_update": (404, GONE), "no_such_row_to_delete": (404, GONE)}


class World:
    """A dataset of that kind with the rows of START, and how keys are written there."""

    def __init__(self, api, kind):
        self.api, self.kind = api, kind
        self.name = "k" if kind != "none" else ":id"
        columns = {"a": "text", "n": "number"}
        self.dataset = api.create(columns if kind == "none" else dict({"k": kind}, **columns), key=None if kind == "none" else "k")
        first, second = {"a": "x", "n": 1}, {"a": "y"}
        if kind != "none":
            first["k"], second["k"] = (1, 2) if kind == "number" else ("1", "2")
        api.upsert_ok(self.dataset, [first, second, *([{"a": "gone"}] if kind == "none" else [])])
        if kind == "none":
            rows = api.full(self.dataset)
            self.first, self.second, self.gone = (r[":id"] for r in rows)
            api.upsert_ok(self.dataset, [[self.gone]])
            self.values = {"existing": self.first, "new": self.gone, "malformed": "row-nonsense", "other": self.second}
            self.paths = dict(self.values)
        elif kind == "text":
            self.values = {"existing": "1", "new": "9", "malformed": True, "other": "2"}
            self.paths = {"existing": "1", "new": "9", "malformed": "%FF"}
        else:
            self.values = {"existing": 1, "new": 9, "malformed": "nine", "other": 2}
            self.paths = {"existing": "1.0", "new": "9", "malformed": "nine"}

    def row(self, key, **more):
        if key == "absent":
            return more
        return {self.name: None if key == "null" else self.values[key], **more}

    def send(self, route, key, **params):
        """The request of a cell of the matrix. Row URLs: new and malformed stand in the URL, the others in the body of row 1's."""
        api, dataset = self.api, self.dataset
        if route.startswith("row "):
            path = self.paths[key] if key in ("new", "malformed") else self.paths["existing"]
            body = {"a": "z"} if key in ("new", "malformed") else self.row(key, a="z")
            return api.send_json(route[4:], dataset, body, path=f"/{path}.json", **params)
        if route == "DELETE":
            return api.request("DELETE", f"/resource/{dataset}/{self.paths.get(key, '')}.json", params=params)
        if route == "[id]":
            return api.upsert(dataset, [[None if key == "null" else self.values[key]]], **params)
        if route == ":deleted":
            return api.upsert(dataset, [self.row(key, **{":deleted": True})], **params)
        body = self.row(key, a="z")
        return api.send_json(route.split()[0], dataset, body if route == "POST object" else [body], **params)

    def table(self):
        return [(r.get("k"), r.get("a"), r.get("n")) for r in self.api.rows(self.dataset)]

    def wanted(self, table):
        if self.kind == "none":
            return [(None, a, n) for _, a, n in table]
        return table


CASES = [(kind, route, key) for kind in ("none", "text", "number") for route, key in (PLAIN if kind == "none" else KEYED)]


@pytest.mark.parametrize("kind,route,key", CASES, ids=[" ".join(c) for c in CASES])
def test_which_row_is_meant(api, kind, route, key):
    world = World(api, kind)
    expected, left = (PLAIN if kind == "none" else KEYED)[route, key]
    if kind == "text" and key == "malformed" and expected == (404, GONE):
        expected = (400, "invalid-request")  # no text is a malformed text key: only what is not UTF-8
    before = api.version(world.dataset)
    if isinstance(expected, tuple) and expected[0] == "error":
        refused(world.send(route, key, errorsAreFatal="true"), *FATAL[expected[1]])
        assert world.table() == world.wanted(START) and api.version(world.dataset) == before
    check_report(world, route, key, expected)
    assert world.table() == world.wanted(START) and api.version(world.dataset) == before, "a dry run changed something"
    reply = world.send(route, key)
    written = 1
    if expected == STORED:
        row = reply.json()
        assert reply.status_code == 200 and row["a"] == "z" and ROW_ID.match(row[":id"]) and VERSION.match(row[":version"]), row
        assert row in api.full(world.dataset)
    elif expected == DELETED:
        named = world.first if kind == "none" else "1" if kind == "text" else 1
        assert reply.status_code == 200 and reply.json() == [{"typ": "delete", "id": named}]
    elif isinstance(expected, dict):
        assert six(reply) == expected and "rowErrors" not in reply.json(), reply.text
    elif expected[0] == "error":
        assert six(reply) == counts(errors=1), reply.text
        error, = reply.json()["rowErrors"]
        assert error["code"] == expected[1] and error["input_index"] == 0 and error["line"] == 1
        assert error["primary_key"] == (None if key in ("absent", "null") else str(world.values[key]))
    else:
        refused(reply, *expected)
        written = 0
    assert world.table() == world.wanted(left)
    assert api.version(world.dataset) == before + written


def check_report(world, route, key, expected):
    """The same as a dry run with a report a row."""
    if route not in ("POST array", "PUT", ":deleted", "[id]") or not (isinstance(expected, dict) or expected[0] == "error"):
        return
    reply = world.send(route, key, dryRun="true", report="rows")
    assert reply.status_code == 200, reply.text
    report, = reply.json()
    if isinstance(expected, dict):
        typ = "insert" if expected["Rows Created"] else "update" if expected["Rows Updated"] else "delete"
        assert report["typ"] == typ, report
        assert ("ver" in report) == (typ != "delete")
        if world.kind != "none" or typ != "insert":
            assert report["id"] == world.values[key], report
    else:
        assert report["typ"] == "error" and report["err"] == expected[1], report
        named = {} if expected[1] == "no_primary_key" else {"id": None if key == "null" else world.values[key]}
        assert {n: v for n, v in report.items() if n == "id"} == named, report


# Several operations on one row

UP, DEL = "upsert", "delete"
SEQUENCES = [  # operations on a row that is there (old) or is not (new): (op, n given or None); what is left of it: n, or None
    ("new", [(UP, 1), (UP, None)], "1"), ("new", [(UP, None), (UP, 2)], "2"), ("new", [(UP, 1), (DEL, None)], None), ("new", [(DEL, None), (UP, 3)], "3"),
    ("old", [(UP, None), (UP, None)], "7"), ("old", [(DEL, None), (UP, None)], "cleared"), ("old", [(UP, 1), (DEL, None), (UP, None)], "cleared"),
    ("old", [(DEL, None), (DEL, None)], None), ("old", [(UP, 5), (UP, None), (UP, 6), (DEL, None), (UP, 8), (UP, None)], "8"),
]


def spelled(kind, i):
    return ["5", "5", "5"][i % 3] if kind == "text" else [5, 5.0, "5.00"][i % 3]


@pytest.mark.parametrize("padding", [0, 40])  # few rows are applied as they come, many sorted by key
@pytest.mark.parametrize("kind", ["text", "number"])
@pytest.mark.parametrize("start,operations,left", SEQUENCES, ids=[f"{s} {' '.join(o for o, _ in ops)}" for s, ops, _ in SEQUENCES])
def test_one_payload_leaves_what_several_leave(api, kind, start, operations, left, padding):
    results = []
    for split in (False, True):
        dataset = api.create({"k": kind, "a": "text", "n": "number"}, key="k")
        old = api.upsert(dataset, {"k": 5, "a": "old", "n": 7}).json()[":id"] if start == "old" else None
        rows = []
        for i, (op, n) in enumerate(operations):
            row = {"k": spelled(kind, i), "a": str(i)}
            if op == DEL:
                row = [row["k"]] if i % 2 else {"k": row["k"], ":deleted": True}
            elif n is not None:
                row["n"] = n
            rows += [row, *({"k": 1000 - i * padding - j} for j in range(padding))]
        total = counts()
        for part in [[r] for r in rows] if split and not padding else [rows[i::1][:1] + rows[i + 1:i + 1 + padding] for i in range(0, len(rows), padding + 1)] if split else [rows]:
            for name, n in six(api.upsert(dataset, part)).items():
                total[name] += n
        row = [r for r in api.full(dataset) if r["k"] in ("5", "5.0", "5.00")]
        assert len(row) == (left is not None)
        if row:
            assert row[0].get("n") == (None if left == "cleared" else left) and row[0]["a"] == str(len(operations) - 1)
            assert (row[0][":id"] == old) == (start == "old" and DEL not in [o for o, _ in operations])
        user = sorted(((r["k"], r.get("a"), r.get("n")) for r in api.rows(dataset)))
        results.append((total, user))
    assert results[0] == results[1]


@pytest.mark.parametrize("split", [False, True])
def test_the_same_by_id_where_there_is_no_row_identifier(api, split):
    dataset = api.create({"a": "text", "n": "number"})
    api.upsert_ok(dataset, [{"a": "x", "n": 1}, {"a": "y"}])
    one, two = (r[":id"] for r in api.full(dataset))
    rows = [{":id": one, "a": "p"}, {":id": one, "n": 2}, [two], {":id": two, "a": "late"}, [two], {":id": one, ":deleted": False, "a": "q"}]
    total = counts()
    for part in [[r] for r in rows] if split else [rows]:
        for name, n in six(api.upsert(dataset, part)).items():
            total[name] += n
    assert total == counts(updated=3, deleted=1, by_sid=4, errors=2)
    row, = api.full(dataset)
    assert (row[":id"], row["a"], row["n"]) == (one, "q", "2")


# Row versions

EXPECTED_VERSIONS = [  # :version, row exists, error where there is a row identifier, error where there is none
    ("absent", True, None, None), ("absent", False, None, None), ("null", False, None, None), ("null", True, "version_mismatch", "version_mismatch"),
    ("stored", True, None, None), ("other", True, "version_mismatch", "version_mismatch"), ("other", False, "version_mismatch", "version_on_new_row"),
    ("malformed", True, 400, 400), ("malformed", False, 400, 400)]
VERSION_STATUS = {"version_mismatch": (409, "update.row-version-mismatch"), "version_on_new_row": (409, "update.version-on-new-row")}


@pytest.mark.parametrize("form", ["array", "object", "row URL"])
@pytest.mark.parametrize("keyed", [True, False], ids=["row identifier", "no row identifier"])
@pytest.mark.parametrize("version,exists,with_key,without_key", EXPECTED_VERSIONS, ids=[f"{v} {'old' if e else 'new'}" for v, e, _, _ in EXPECTED_VERSIONS])
def test_row_versions(api, keyed, form, version, exists, with_key, without_key):
    if form == "row URL" and not keyed and not exists:
        pytest.skip("a row-… that is not there is 404, whatever the version")
    world = World(api, "text" if keyed else "none")
    api.upsert_ok(world.dataset, [world.row("other", a="y")])
    stored, other = (r[":version"] for r in api.full(world.dataset))
    assert stored != other
    body = world.row("existing" if exists else "new" if keyed else "absent", a="z")
    if version != "absent":
        body[":version"] = {"null": None, "stored": stored, "other": other, "malformed": "rv-1"}[version]
    before, data_version = api.full(world.dataset), api.version(world.dataset)
    error = with_key if keyed else without_key

    def send(**params):
        if form == "row URL":
            path = world.paths["existing" if exists else "new"]
            return api.send_json("POST", world.dataset, body, path=f"/{path}.json", **params)
        return api.upsert(world.dataset, [body] if form == "array" else body, **params)

    if error == 400:
        refused(send(), 400, MALTYPED, says=":version")
    elif error and form == "array":
        report, = send(report="rows", dryRun="true").json()
        assert report["err"] == error
        if error == "version_mismatch":
            assert report["expected"] == (stored if exists else None) and report["actual"] == body[":version"]
        refused(send(errorsAreFatal="true"), *VERSION_STATUS[error])
        assert api.full(world.dataset) == before and api.version(world.dataset) == data_version
        reply = send()
        assert six(reply) == counts(errors=1) and reply.json()["rowErrors"][0]["code"] == error
    elif error:
        refused(send(), *VERSION_STATUS[error])
        assert api.version(world.dataset) == data_version
    else:
        reply = send()
        assert reply.status_code == 200, reply.text
        assert world.table() == world.wanted(MERGED if exists else ADDED)
        return
    assert api.full(world.dataset) == before


# All or nothing

MANY = 10000


@pytest.fixture(scope="module")
def full_house(api):
    """10,000 rows, and their whole reply."""
    dataset = api.create({"k": "text", "a": "text", "n": "number"}, key="k")
    api.upsert_ok(dataset, [{"k": str(i), "a": "old", "n": i} for i in range(MANY)])
    return dataset


def whole(api, dataset):
    reply = api.get(f"/resource/{dataset}.json?$select=:*,*&$limit=100000")
    assert reply.status_code == 200
    return reply


FAULTS = [("a value", '{"k":"bad","n":"abc"}', MALTYPED), ("an unknown column", '{"k":"bad","nope":1}', "soda.row.column-not-found"),
          ("no row", '"bad"', "soda.row.upsert-row-not-an-object"), ("malformed text", '{"k":"bad",}', "req.body.malformed-json"),
          ("a fatal row error", '["bad"]', GONE)]


@pytest.mark.parametrize("place", [0, MANY // 2, MANY - 1], ids=["first", "middle", "last"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("fault,row,code", FAULTS, ids=[f[0] for f in FAULTS])
def test_one_bad_row_of_many_leaves_table_version_and_validator_alone(api, full_house, method, fault, row, code, place):
    before = whole(api, full_house)
    rows = [json.dumps({"k": str(i), "a": "new"}) for i in range(MANY)]
    rows[place] = row
    params = {"errorsAreFatal": "true"} if row == '["bad"]' else {}
    if method == "PUT" and row == '["bad"]':
        code = "soda.row.upsert-row-not-an-object"
    body = refused(api.send_json(method, full_house, "[%s]" % ",\n".join(rows), **params), 404 if code == GONE else 400, code)
    after = whole(api, full_house)
    assert after.text == before.text
    for name in ("ETag", "X-SODA2-Truth-Version", "Last-Modified"):
        assert after.headers[name] == before.headers[name]
    if fault in ("a value", "no row"):
        error, = body["data"]["errors"]
        assert error["input_index"] == place and error["line"] == place + 1 and body["data"]["total_errors"] == 1


def test_readers_see_the_old_rows_while_a_replace_is_refused_and_the_new_ones_when_it_is_not(api, server, full_house):
    old = whole(api, full_house).text
    bad = json.dumps([{"k": str(i), "a": "new"} for i in range(MANY - 1)] + [{"k": "x", "n": "abc"}])
    seen, stop = set(), threading.Event()

    def read():
        reader = server.api()
        while not stop.is_set():
            seen.add(whole(reader, full_house).text)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        for _ in range(5):
            refused(api.replace(full_house, bad), 400)
        refused_only = set(seen)
        assert six(api.replace(full_house, [{"k": str(i), "a": "new"} for i in range(MANY)])) == counts(created=MANY)
    finally:
        stop.set()
        for t in threads:
            t.join()
    new = whole(api, full_house).text
    assert refused_only == {old} and seen <= {old, new}


# System fields


def test_ids_have_their_form_and_are_never_given_twice(api):
    dataset = api.create({"k": "text"}, key="k")
    seen, versions = set(), set()
    for turn in range(4):
        rows = [{"k": str(i)} for i in range(200)]
        reply = api.replace(dataset, rows) if turn % 2 else api.upsert(dataset, rows, truncate="true")
        assert six(reply) == counts(created=200)
        now = api.full(dataset)
        assert all(ROW_ID.match(r[":id"]) and VERSION.match(r[":version"]) for r in now)
        ids = {r[":id"] for r in now}
        assert len(ids) == 200 and not ids & seen
        assert not {r[":version"] for r in now} & versions
        seen |= ids
        versions |= {r[":version"] for r in now}


def test_ids_are_read_with_each_of_the_four_separators(api):
    dataset = api.create({"a": "text"})
    api.upsert_ok(dataset, [{"a": "x"}])
    row_id = api.full(dataset)[0][":id"]
    for one in "-._~":
        for two in "-._~":
            spelled_id = row_id[:8] + one + row_id[9:13] + two + row_id[14:]
            assert six(api.upsert(dataset, [{":id": spelled_id, "a": one + two}])) == counts(updated=1, by_sid=1)
            assert api.get(f"/resource/{dataset}/{spelled_id}.json").json()["a"] == one + two
    for wrong in (row_id.upper(), row_id[:-1], row_id + "2", "row-" + "1" * 4 + row_id[8:], row_id.replace("~", "+"), "rv" + row_id[3:]):
        refused(api.upsert(dataset, [{":id": wrong, "a": "lost"}]), 400, MALTYPED)


def stamp(row):
    return row[":created_at"], row[":updated_at"]


@pytest.mark.parametrize("kind", ["none", "text"])
@pytest.mark.parametrize("route", ["POST array", "POST object", "row POST", "row PUT"])
def test_an_update_moves_version_and_updated_at_and_nothing_else(api, kind, route):
    world = World(api, kind)
    first, second = api.full(world.dataset)
    world.send(route, "existing")
    one, two = api.full(world.dataset)
    world.send(route, "existing")  # the same values once more
    again, three = api.full(world.dataset)
    assert first[":id"] == one[":id"] == again[":id"] and first[":created_at"] == one[":created_at"] == again[":created_at"]
    assert len({first[":version"], one[":version"], again[":version"]}) == 3
    assert first[":updated_at"] <= one[":updated_at"] <= again[":updated_at"] and first[":updated_at"] < again[":updated_at"]
    assert second == two == three


def test_all_rows_of_a_request_share_its_time_and_fall_within_it(api):
    dataset = api.create({"k": "text"}, key="k")
    before = time.time()
    api.upsert_ok(dataset, [{"k": str(i)} for i in range(3000)])
    after = time.time()
    stamps = {stamp(r) for r in api.rows(dataset, **{"$select": ":*", "$limit": "5000"})}
    (created, updated), = stamps
    assert created == updated and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created)
    utc = lambda t: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t))
    assert utc(before) <= created[:19] <= utc(after)


# Conditional reads


def test_each_write_changes_the_validator_and_each_refusal_and_dry_run_does_not(api):
    dataset = api.create({"k": "text", "n": "number"}, key="k")
    url = f"/resource/{dataset}.json"
    writes = [lambda **p: api.upsert(dataset, [{"k": "1"}], **p), lambda **p: api.upsert(dataset, [{"k": "1"}], **p),
              lambda **p: api.upsert(dataset, {"k": "2"}, **p), lambda **p: api.send_json("POST", dataset, {"n": 1}, path="/1.json", **p),
              lambda **p: api.send_json("PUT", dataset, {}, path="/1.json", **p), lambda **p: api.request("DELETE", f"/resource/{dataset}/1.json", params=p),
              lambda **p: api.replace(dataset, [{"k": "3"}], **p), lambda **p: api.upsert(dataset, [], **p), lambda **p: api.replace(dataset, [], **p)]
    tags = set()
    for write in writes:
        tag = api.get(url).headers["ETag"]
        assert tag not in tags and not tag.startswith("W/")
        tags.add(tag)
        assert write(dryRun="true").status_code == 200
        refused(api.upsert(dataset, [{"k": "9", "n": "abc"}]), 400)
        reply = api.get(url, headers={"If-None-Match": tag})
        assert reply.status_code == 304 and reply.content == b"" and reply.headers["ETag"] == tag
        assert write().status_code == 200
        assert api.get(url, headers={"If-None-Match": tag}).status_code == 200
        refused(api.get(url, headers={"If-Match": tag}), 412)


def test_if_modified_since_counts_whole_seconds_and_only_alone(api):
    dataset = api.create({"k": "text"}, key="k")
    api.upsert_ok(dataset, [{"k": "1"}])
    url = f"/resource/{dataset}.json"
    first = api.get(url)
    modified = first.headers["Last-Modified"]
    assert api.get(url, headers={"If-Modified-Since": modified}).status_code == 304
    assert api.get(url, headers={"If-Modified-Since": formatdate(time.time() - 86400, usegmt=True)}).status_code == 200
    both = {"If-Modified-Since": modified, "If-None-Match": '"another"'}
    assert api.get(url, headers=both).status_code == 200, "If-None-Match decides where there is one"
    api.upsert_ok(dataset, [{"k": "2"}])
    second = api.get(url)
    assert second.headers["ETag"] != first.headers["ETag"]
    if second.headers["Last-Modified"] == modified:  # two writes in one second: only the ETag tells
        assert api.get(url, headers={"If-Modified-Since": modified}).status_code == 304
        assert api.get(url, headers={"If-Modified-Since": modified, "If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_write_under_if_match_goes_through_once(api, method):
    dataset = api.create({"k": "text"}, key="k")
    api.upsert_ok(dataset, [{"k": "1"}])
    tag = api.get(f"/resource/{dataset}.csv").headers["ETag"]
    headers = {"If-Match": tag}
    assert api.request(method, f"/resource/{dataset}.json", json=[{"k": "2"}], headers=headers).status_code == 200
    refused(api.request(method, f"/resource/{dataset}.json", json=[{"k": "3"}], headers=headers), 412)
    assert "3" not in [r["k"] for r in api.rows(dataset)]


# What random writes (test_property.py) found


@pytest.mark.parametrize("kind,stored,url,out", [("number", '"1.00"', "1", '"1.00"'), ("number", "1", "1.0", '"1"'),
                                                 ("url", '{"url":"http://x","description":"d"}', "http:%2F%2Fx", '{"url":"http://x","description":"d"}')])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_row_url_does_not_respell_the_stored_key(api, kind, stored, url, out, method):
    dataset = api.create({"k": kind, "a": "text"}, key="k")
    api.upsert_ok(dataset, '[{"k":%s}]' % stored)
    reply = api.send_json(method, dataset, {"a": "x"}, path=f"/{url}.json")
    assert reply.status_code == 200, reply.text
    assert api.get(f"/resource/{dataset}.json").text == '[{"k":%s,"a":"x"}]\n' % out


def test_a_url_key_is_deleted_by_its_object_too(api):
    dataset = api.create({"k": "url"}, key="k")
    api.upsert_ok(dataset, [{"k": "http://x"}, {"k": "http://y"}])
    assert six(api.upsert(dataset, [[{"url": "http://x", "description": "d"}], ["http://y"]])) == counts(deleted=2, by_key=2)
