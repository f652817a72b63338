"""The same request again under its Idempotency-Key gets the reply of then, whatever came between (docs/wire/rows.md, "Sending again")."""

import threading

import pytest

from client import Server, counts, six

HEADERS = ("X-SODA2-Truth-Version", "X-SODA2-Truth-Shape-Version", "Content-Type")


def send(api, method, path, key, params=None, **body):
    return api.request(method, path, params=params, headers={"Idempotency-Key": key, **body.pop("headers", {})}, **body)


def requests_of(dataset):
    """name, method, path, parameters, body"""
    whole, row = f"/resource/{dataset}.json", f"/resource/{dataset}/7.json"
    mixed = [{"k": 1, "t": "new"}, {"k": 9}, [5], {"k": 8, ":deleted": True}, {":id": "row-2222~2222~2222"}]
    return [
        ("counts", "POST", whole, {}, {"json": mixed}),
        ("rows", "POST", whole, {"report": "rows"}, {"json": mixed}),
        ("rows_of_csv", "POST", whole, {"report": "rows"}, {"data": b"k,t\n2,x\n2,y\n", "headers": {"Content-Type": "text/csv"}}),
        ("no_rows", "POST", whole, {"report": "rows"}, {"json": []}),
        ("version_2", "POST", whole, {"$$version": "2.0"}, {"json": mixed}),
        ("object", "POST", whole, {}, {"json": {"k": 3, "t": "one"}}),
        ("row_merge", "POST", row, {}, {"json": {"t": "merged"}}),
        ("row_put", "PUT", row, {}, {"json": {"t": "put"}}),
        ("row_delete", "DELETE", row, {}, {}),
        ("truncating", "POST", whole, {"truncate": "true", "report": "rows"}, {"json": [{"k": 1}, {"k": 7}]}),
        ("replace", "PUT", whole, {}, {"json": [{"k": 1}, {"k": 7}]}),
        ("replace_rows", "PUT", whole, {"report": "rows"}, {"json": [{"k": 1}, {"k": 7}]}),
    ]


def prepare(api):
    dataset = api.create({"k": "number", "t": "text"}, key="k")
    api.upsert_ok(dataset, [{"k": k, "t": "old"} for k in (1, 5, 7)])
    return dataset


def same(first, again):
    assert again.status_code == first.status_code == 200, (first.text, again.text)
    assert again.text == first.text
    assert [again.headers[h] for h in HEADERS] == [first.headers[h] for h in HEADERS]
    assert "Idempotency-Replayed" not in first.headers and again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("name", [r[0] for r in requests_of("x")])
def test_a_repetition_is_answered_as_the_first_was(api, name):
    dataset = prepare(api)
    _, method, path, params, body = next(r for r in requests_of(dataset) if r[0] == name)
    first = send(api, method, path, "key", params, **dict(body))
    api.upsert_ok(dataset, [{"k": 3, "t": "changed"}, {"k": 7, "t": "changed"}, {"k": 1, "t": "changed"}])
    before = api.full(dataset)
    same(first, send(api, method, path, "key", params, **dict(body)))
    assert api.full(dataset) == before


def test_replies_outlive_a_kill(tmp_path):
    server = Server(tmp_path / "data").start()
    api = server.api()
    said = []
    for n, name in enumerate(r[0] for r in requests_of("x")):
        dataset = prepare(api)
        _, method, path, params, body = requests_of(dataset)[n]
        said.append((method, path, params, body, send(api, method, path, "key", params, **dict(body)), name))
    server.process.kill()
    server.process.wait()
    server.close()
    server.start()
    api = server.api()
    for method, path, params, body, first, _ in said:
        same(first, send(api, method, path, "key", params, **dict(body)))
    assert server.stop() == 0
    server.check_clean()


def test_a_reply_over_a_mebibyte_is_not_kept_and_its_counts_are(api):
    dataset = api.create({"k": "text"}, key="k")
    for rows, whole in ((900, True), (1200, False)):
        body = [{"k": f"{i:04}" + "x" * 900} for i in range(rows)]
        first = send(api, "PUT", f"/resource/{dataset}.json", f"{rows}", {"report": "rows"}, json=body)
        assert len(first.json()) == rows and (len(first.content) <= 1 << 20) == whole
        again = send(api, "PUT", f"/resource/{dataset}.json", f"{rows}", {"report": "rows"}, json=body)
        if whole:
            same(first, again)
        else:
            assert six(again) == counts(created=rows) and again.headers["Idempotency-Replayed"] == "true"
    for size, whole in ((1 << 19, True), (1 << 20, False)):
        row = {"k": f"{size}", "t": "y" * size}
        d = api.create({"k": "text", "t": "text"}, key="k")
        first = send(api, "POST", f"/resource/{d}.json", "key", json=row)
        api.upsert_ok(d, [{"k": f"{size}", "t": "later"}])
        again = send(api, "POST", f"/resource/{d}.json", "key", json=row)
        assert again.headers["Idempotency-Replayed"] == "true" and again.json()["t"] == (row["t"] if whole else "later")


def test_of_many_small_writes_at_once_each_keeps_its_own_reply(server, api):
    """They are applied together, each under its savepoint; rows that fail are listed in the kept reply as in the first."""
    dataset = prepare(api)
    said = {}

    def work(i):
        mine = server.api()
        for n in range(6):
            key, params = f"{i}-{n}", {"report": "rows"} if n % 2 else {}
            body = [{"k": 100 + i, "t": key}, [1000 + i], {"k": 200 + i, "t": key}]
            said[key] = (params, body, send(mine, "POST", f"/resource/{dataset}.json", key, params, json=body))
    threads = [threading.Thread(target=work, args=(i,)) for i in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(said) == 72
    for key, (params, body, first) in said.items():
        if not params:
            assert [e["primary_key"] for e in first.json()["rowErrors"]] == [str(body[1][0])] or [e["primary_key"] for e in first.json()["rowErrors"]] == body[1]
        same(first, send(api, "POST", f"/resource/{dataset}.json", key, params, json=body))


CONDITIONAL = [("upsert", "POST", "", [{"k": 1, "t": "new"}]), ("replace", "PUT", "", [{"k": 1, "t": "new"}]), ("merge", "POST", "/1", {"t": "new"}), ("delete", "DELETE", "/1", None)]


@pytest.mark.parametrize("method, tail, body", [c[1:] for c in CONDITIONAL], ids=[c[0] for c in CONDITIONAL])
def test_a_condition_that_the_write_itself_undid_does_not_keep_its_reply_back(api, method, tail, body):
    dataset = prepare(api)
    path = f"/resource/{dataset}{tail}.json"
    headers = {"If-Match": api.get(path).headers["ETag"]}
    first = send(api, method, path, "key", headers=headers, json=body)
    same(first, send(api, method, path, "key", headers=headers, json=body))
    assert send(api, method, path, "another", headers=headers, json=body).status_code in (404, 412)
    assert api.request(method, path, headers=headers, json=body).status_code in (404, 412)
    assert send(api, "PUT", f"/resource/{dataset}.json", "key", headers={"If-Match": '"x"'}, json=[]).status_code == 422


def test_a_row_that_is_gone_by_now_is_shown_as_it_was(api):
    dataset = api.create({"t": "text"})
    api.upsert_ok(dataset, [{"t": "old"}])
    path = f"/resource/{dataset}/{api.rows(dataset, **{'$select': ':id'})[0][':id']}.json"
    first = send(api, "PUT", path, "key", json={"t": "new"})
    assert api.delete(path).status_code == 200
    same(first, send(api, "PUT", path, "key", json={"t": "new"}))
    assert send(api, "PUT", path, "another", json={"t": "new"}).status_code == 404
    assert api.rows(dataset) == []


def test_what_is_wrong_first_is_told_first_with_a_key_or_without(api):
    dataset = api.create({"t": "text"})
    api.upsert_ok(dataset, [{"t": "old"}, {"t": "gone"}])
    ids = [r[":id"] for r in api.rows(dataset, **{"$select": ":id"})]
    assert api.delete(f"/resource/{dataset}/{ids[1]}.json").status_code == 200
    for key in ({}, {"Idempotency-Key": "key"}):
        assert api.put(f"/resource/{dataset}/{ids[1]}.json", json={":id": ids[0]}, headers=key).status_code == 404
        assert api.put(f"/resource/{dataset}/{ids[0]}.json", json={"nope": 1}, headers={**key, "If-Match": '"x"'}).status_code == 412
        assert api.post(f"/resource/{dataset}.json", data="[", headers={**key, "If-Match": '"x"', "Content-Type": "application/json"}).status_code == 412
