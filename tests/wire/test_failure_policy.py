"""onError=skip: bad rows are set aside, the others are written, and the report holds what was sent (docs/wire/rows.md, "Failure
policy"; docs/wire/bodies.md, "Rows that cannot be read")."""

import csv
import io
import json

import pytest

from client import refused

CSV, TSV, NDJSON, JSON = "text/csv", "text/tab-separated-values", "application/x-ndjson", "application/json"


def make(api, key="k"):
    return api.create({"k": "number", "t": "text"}, key=key)


def send(api, dataset, kind, body, policy="skip", **params):
    return api.post(f"/resource/{dataset}.json", data=body, headers={"Content-Type": kind}, params={"onError": policy, **params})


def report(api, reply):
    got = api.get(reply.json()["report"])
    assert got.status_code == 200 and got.headers["Content-Type"].startswith("text/csv"), got.text
    return list(csv.DictReader(io.StringIO(got.content.decode(), newline="")))


def keys(api, dataset):
    return sorted(int(r["k"]) for r in api.rows(dataset))


UNREADABLE = [
    ("too_few_cells", CSV, b"k,t\n1,a\n2\n3,c\n", {1, 3}, ["2"], "malformed-csv"),
    ("too_many_cells", CSV, b"k,t\r\n1,a\r\n2,b,x,\"y\"\"\r\n\"\r\n3,c\r\n", {1, 3}, ['2,b,x,"y""\r\n"'], "malformed-csv"),
    ("a_stray_quote", CSV, b'k,t\n1,a\n2,5" pipe\n3,c\n', {1, 3}, ['2,5" pipe'], "malformed-csv"),
    ("quotes_that_pair_up", CSV, b'k,t\n1,a\n2,"say "hi" now"\n3,c\n', {1, 3}, ['2,"say "hi" now"'], "malformed-csv"),
    ("an_empty_line", CSV, b"k,t\n1,a\n\n3,c\n", {1, 3}, ["\n"], "malformed-csv"),
    ("latin_1_in_csv", CSV, b"k,t\n1,a\n2,caf\xe9\n3,c\n", {1, 3}, ["2,caf\ufffd"], "malformed-text"),
    ("latin_1_in_tsv", TSV, b"k\tt\n1\ta\n2\tcaf\xe9\n3\tc", {1, 3}, ["2\tcaf\ufffd"], "malformed-text"),
    ("cut_lines", NDJSON, b'{"k":1}\n{"k":2,"t":"x\n{"k":3}\n{"k":', {1, 3}, ['{"k":2,"t":"x', '{"k":'], "malformed-json"),
    ("two_on_a_line", NDJSON, b'{"k":1}\n{"k":2} {"k":4}\n{"k":3}\n', {1, 3}, ['{"k":2} {"k":4}'], "malformed-json"),
    ("latin_1_in_json", JSON, b'[{"k":1},{"k":2,"t":"caf\xe9"},{"k":3}]', {1, 3}, ["caf\ufffd"], "malformed-json"),
    ("half_a_surrogate", JSON, b'[{"k":1},{"k":2,"t":"\\ud83d"},{"k":3}]', {1, 3}, ["\\ud83d"], "malformed-json"),
]


@pytest.mark.parametrize("kind, body, good, texts, code", [u[1:] for u in UNREADABLE], ids=[u[0] for u in UNREADABLE])
def test_a_row_that_cannot_be_read_is_set_aside_and_the_next_is_written(api, kind, body, good, texts, code):
    dataset = make(api)
    assert send(api, dataset, kind, body, "abort").status_code == 400 and keys(api, dataset) == []
    refused(send(api, dataset, kind, body, f"skip:{len(texts) - 1}"), 400)
    assert keys(api, dataset) == []
    reply = send(api, dataset, kind, body)
    assert reply.status_code == 200, reply.text
    said = reply.json()
    assert (said["Rows Created"], said["Errors"]) == (len(good), len(texts)) and set(keys(api, dataset)) == good
    assert [e["code"].split(".")[-1] for e in said["rowErrors"]] == [code] * len(texts), said
    rows = report(api, reply)
    assert [r[":text"] for r in rows] == texts
    assert [int(r[":line"]) for r in rows] == [e["line"] for e in said["rowErrors"]]
    assert all(r[":error"] == e["message"] for r, e in zip(rows, said["rowErrors"], strict=True))


def test_the_report_loads_once_it_is_mended_and_not_before(api):
    dataset = make(api)
    reply = send(api, dataset, CSV, 'k,t\n1,a\n2,b,x\n3\n4,"d\n,"\n'.encode())
    assert reply.json()["Errors"] == 2 and keys(api, dataset) == [1, 4]
    text = api.get(reply.json()["report"]).content
    again = send(api, dataset, CSV, text, "abort")
    assert ":text" in refused(again, 400)["message"] and keys(api, dataset) == [1, 4]
    assert send(api, dataset, CSV, text).json()["Errors"] == 2
    rows = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
    rows[0].update({"t": "b x", ":text": ""})
    rows[1].update({"t": "c", ":text": ""})
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    assert send(api, dataset, CSV, out.getvalue().encode(), "abort").json()["Rows Created"] == 2
    assert {int(r["k"]): r["t"] for r in api.rows(dataset)} == {1: "a", 2: "b x", 3: "c", 4: "d\n,"}


@pytest.mark.parametrize("kind, body", [
    (CSV, b'k,t\n1,a\n2,"b\n3,c\n'), (CSV, b'k,t\n2,"5" pipe"\n3,c\n'), (CSV, b"k,k\n1,2\n"), (CSV, b"k,\xff\n1,2\n"),
    (JSON, b'[{"k":1},{"k":x},{"k":3}]'), (JSON, b'[{"k":1},{"k\xff":2}]'), (JSON, b'[{"k":1}')],
    ids=["unclosed_quote", "odd_quotes", "header_twice", "header_not_utf_8", "json_word", "json_name", "json_cut"])
def test_where_no_end_of_the_row_is_in_sight_nothing_is_written(api, kind, body):
    dataset = make(api)
    refused(send(api, dataset, kind, body), 400)
    assert keys(api, dataset) == []


def test_unreadable_rows_count_for_the_policy_and_for_x_expect_rows(api):
    dataset = make(api)
    body = b"k,t\n" + b"".join(b"%d,x\n" % i for i in range(97)) + b"a\n\xff,1\nx,1\n"
    refused(send(api, dataset, CSV, body, "skip:2"), 400)
    refused(send(api, dataset, CSV, body, "skip:2.99%"), 400)
    assert send(api, dataset, CSV, body, "skip:3", dryRun="true").json()["Errors"] == 3
    for n, status in ((99, 400), (100, 200)):
        reply = api.post(f"/resource/{dataset}.json?onError=skip:3%25", data=body, headers={"Content-Type": CSV, "X-Expect-Rows": str(n)})
        assert reply.status_code == status, reply.text
    assert reply.json()["Errors"] == 3 and len(keys(api, dataset)) == 97


def test_a_replace_takes_the_policy_too(api):
    dataset = make(api)
    api.upsert_ok(dataset, [{"k": 9}])
    reply = api.put(f"/resource/{dataset}.json", data=b'{"k":1}\n{"k":\n{"k":3}\n', headers={"Content-Type": NDJSON}, params={"onError": "skip"})
    assert reply.json()["Errors"] == 1 and keys(api, dataset) == [1, 3]
    assert [r[":text"] for r in report(api, reply)] == ['{"k":']


def test_a_thousand_damaged_rows_are_counted_exactly(api):
    dataset = make(api)
    lines = [json.dumps({"k": i}) if i % 3 else '{"k":%d' % i for i in range(3600)]
    reply = send(api, dataset, NDJSON, "\n".join(lines).encode())
    assert reply.json()["Errors"] == 1200 and reply.json()["Rows Created"] == 2400 and len(reply.json()["rowErrors"]) == 1000
    assert [r[":text"] for r in report(api, reply)] == [x for x in lines if not x.endswith("}")]
