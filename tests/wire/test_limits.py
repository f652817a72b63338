"""Whatever the outside can make larger has a ceiling: one under passes, one over fails and names the limit (docs/wire/limits.md)."""

import gzip
import json

import pytest

from client import counts, refused, six

ROW_MAX = 70_000_000


@pytest.fixture
def dataset(api):
    return api.create({"k": "text", "a": "text"}, key="k")


@pytest.mark.parametrize("keys,status", [(1500, 200), (2001, 400)])
def test_keys_per_row(api, keys, status):
    wide = api.create({f"c{i}": "text" for i in range(1500)})
    row = {f"c{i}" if i < 1500 else f":x{i}": "v" for i in range(keys)}
    assert api.upsert(wide, [row]).status_code == status


def test_a_million_keys_are_refused_quickly(api, dataset):
    body = refused(api.upsert(dataset, "[{" + ",".join(f'"x{i}":1' for i in range(1_000_000)) + "}]"), 400)
    assert len(json.dumps(body)) < 100_000


@pytest.mark.parametrize("length", [1025, 100_000, 5_000_000])
def test_long_keys_are_refused(api, dataset, length):
    body = refused(api.upsert(dataset, json.dumps([{"k": "1", "x" * length: 1}])), 400)
    assert len(body["message"]) < 4000


@pytest.mark.slow
@pytest.mark.parametrize("how", ["json", "csv"])
def test_a_row_has_at_most_70_million_bytes(api, dataset, how):
    def send(size):
        if how == "json":
            return api.upsert(dataset, b'[{"k":"1","a":"' + b"x" * (size - 18) + b'"}]')
        return api.send_csv("POST", dataset, b"k,a\n1," + b"x" * (size - 3) + b"\n")
    body = refused(send(ROW_MAX + 100), 413, "req.body.too-large")
    assert body["data"]["limit"] == ROW_MAX, body
    assert api.rows(dataset) == []
    reply = send(ROW_MAX - 1000)
    assert six(reply) == counts(created=1), reply.text[:300]
    api.delete(f"/resource/{dataset}")


def test_a_gzip_bomb_is_413(api, dataset):
    bomb = gzip.compress(b"[" + b" " * 100_000_000 + b"]", 9)
    assert len(bomb) < 200_000
    reply = api.post(f"/resource/{dataset}.json", data=bomb, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    refused(reply, 413)


def test_gzip_of_gzip_and_lists_of_codings_are_refused(api, dataset):
    body = gzip.compress(gzip.compress(b"[]"))
    for coding, statuses in (("gzip", (400,)), ("gzip, gzip", (400, 415)), (", ".join(["gzip"] * 50), (400, 415))):
        reply = api.post(f"/resource/{dataset}.json", data=body, headers={"Content-Type": "application/json", "Content-Encoding": coding})
        assert reply.status_code in statuses, (coding, reply.status_code, reply.text)


@pytest.mark.parametrize("body", ['[{"k":"1","a":"%s"}]' % ("x" * 3_000_000), '[{"k":"1"},' + " " * 3_000_000 + '{"k":"2"}]'], ids=["long text", "blanks"])
def test_large_but_legal_bodies_pass(api, dataset, body):
    assert api.upsert(dataset, body).status_code == 200


def test_a_name_of_ten_thousand_bytes_is_refused(api):
    refused(api.post("/api/views.json", json={"name": "x", "columns": [{"name": "n" * 10_000, "dataTypeName": "text"}]}), 400)
    reply = api.post("/api/views.json", json={"name": "n" * 100_000, "columns": []})
    assert reply.status_code in (200, 400)


def test_a_view_document_has_a_limit(api):
    refused(api.post("/api/views.json", data=b'{"name":"x","description":"' + b"d" * 10_000_000 + b'"}', headers={"Content-Type": "application/json"}), 413)


def test_a_hundred_thousand_rows_land_in_one_request(api, dataset):
    body = "[" + ",".join('{"k":"%d","a":"some text of a row"}' % i for i in range(100_000)) + "]"
    assert six(api.upsert(dataset, body)) == counts(created=100_000)
    assert six(api.upsert(dataset, body)) == counts(updated=100_000, by_key=100_000)
    rows = api.rows(dataset, **{"$limit": "200000", "$select": "k"})
    assert [r["k"] for r in rows] == [str(i) for i in range(100_000)]
