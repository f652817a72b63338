"""Replace: PUT /resource/{4x4} (docs/wire/rows.md): all rows new, all or nothing, never empty in between."""

import threading

import pytest

from client import counts, refused, six


@pytest.fixture
def dataset(api):
    d = api.create({"k": "text", "a": "text", "n": "number"}, key="k")
    api.upsert_ok(d, [{"k": "1", "a": "x"}, {"k": "2", "a": "y"}])
    return d


@pytest.mark.parametrize("how", ["json", "csv", "csv display names"])
def test_replace_leaves_exactly_the_body(api, dataset, how):
    if how == "json":
        reply = api.replace(dataset, [{"k": "2", "n": 1}, {"k": "3"}])
    else:
        header = "k,n" if how == "csv" else "K,N"
        reply = api.send_csv("PUT", dataset, header + "\n2,1\n3,\n")
    assert six(reply) == counts(created=2)
    assert api.rows(dataset) == [{"k": "2", "n": "1"}, {"k": "3"}]


def test_every_row_gets_new_system_fields_even_with_the_same_key(api, dataset):
    before = {row["k"]: row for row in api.full(dataset)}
    assert six(api.replace(dataset, [{"k": "1", "a": "x"}, {"k": "2", "a": "y"}])) == counts(created=2)
    for row in api.full(dataset):
        old = before[row["k"]]
        assert row[":id"] not in {o[":id"] for o in before.values()}
        assert row[":version"] != old[":version"] and row[":created_at"] > old[":created_at"]
        assert row[":created_at"] == row[":updated_at"]


def test_an_empty_array_empties(api, dataset):
    before = api.version(dataset)
    assert six(api.replace(dataset, [])) == counts()
    assert api.rows(dataset) == [] and api.version(dataset) > before


def test_an_object_is_refused(api, dataset):
    refused(api.replace(dataset, {"k": "1"}), 400, "req.content.json.invalid")
    assert len(api.rows(dataset)) == 2


@pytest.mark.parametrize("row", ['{"k":null}', '{"a":"x"}', '{"k":"1",":deleted":true}', '["1"]', '{"k":"9","n":"abc"}',
                                 '{"k":"9","zzz":1}', '"x"', '{"k":"9"'])
def test_any_fault_of_a_row_is_400_and_keeps_the_old_rows(api, dataset, row):
    before, version = api.full(dataset), api.version(dataset)
    refused(api.replace(dataset, '[{"k":"7"},%s]' % row), 400)
    assert api.full(dataset) == before and api.version(dataset) == version


def test_row_errors_cannot_be_made_non_fatal(api, dataset):
    refused(api.replace(dataset, [{"k": None}], errorsAreFatal="false"), 400)
    assert len(api.rows(dataset)) == 2


def test_a_given_id_is_ignored(api, dataset):
    plain = api.create({"a": "text"})
    api.upsert_ok(plain, [{"a": "x"}])
    old = api.full(plain)[0]
    assert six(api.replace(plain, [{":id": old[":id"], "a": "y"}])) == counts(created=1)
    assert api.full(plain)[0][":id"] != old[":id"]


def test_the_same_key_twice_merges_the_later_into_the_earlier(api, dataset):
    reply = api.replace(dataset, [{"k": "1", "a": "x", "n": 1}, {"k": "2"}, {"k": "1", "a": "z"}])
    assert reply.status_code == 200, reply.text
    assert six(reply)["Errors"] == 0
    assert api.rows(dataset) == [{"k": "1", "a": "z", "n": "1"}, {"k": "2"}]
    body = six(reply)
    assert body["Rows Created"] + body["Rows Updated"] + body["Rows Deleted"] + body["Errors"] == 3


def test_the_other_options_are_ignored(api, dataset):
    reply = api.replace(dataset, [{"k": "5"}], truncate="false", mergeInsteadOfReplace="false")
    assert six(reply) == counts(created=1) and api.rows(dataset) == [{"k": "5"}]


def test_the_expected_version_counts(api, dataset):
    version = api.version(dataset)
    refused(api.replace(dataset, [{"k": "5"}], expectedDataVersion=str(version - 1)), 409, "soda.row.dataset-version-mismatch")
    assert api.replace(dataset, [{"k": "5"}], expectedDataVersion=str(version)).status_code == 200


def test_columns_and_row_identifier_survive(api, dataset):
    before = api.get(f"/api/views/{dataset}.json").json()
    api.replace(dataset, [{"k": "5"}])
    after = api.get(f"/api/views/{dataset}.json").json()
    assert after["columns"] == before["columns"] and after.get("rowIdentifierColumnId") == before.get("rowIdentifierColumnId")
    assert six(api.upsert(dataset, [{"k": "5", "a": "x"}])) == counts(updated=1, by_key=1)


def test_readers_see_the_old_or_the_new_rows_and_never_none(api, server):
    dataset = api.create({"k": "text", "a": "text"}, key="k")
    sets = {name: [{"k": str(i), "a": name} for i in range(200)] for name in ("old", "new")}
    api.replace(dataset, sets["old"])
    seen, wrong, stop = set(), [], threading.Event()

    def read():
        reader = server.api()
        while not stop.is_set():
            rows = reader.rows(dataset)
            kinds = {row["a"] for row in rows}
            seen.update(kinds)
            if len(rows) != 200 or len(kinds) != 1:
                wrong.append((len(rows), kinds))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for t in threads:
        t.start()
    try:
        for i in range(20):
            assert api.replace(dataset, sets["new" if i % 2 == 0 else "old"]).status_code == 200
            if i % 5 == 0:
                bad = sets["new"] + [{"k": "x", "nope": 1}]
                refused(api.replace(dataset, bad), 400)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not wrong, wrong[:3]
    assert seen == {"old", "new"}
