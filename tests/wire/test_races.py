"""Writes that begin together and name the same state: one of them is right, and every other one is told that it came too late
(docs/wire/rows.md, parameters and headers; RFC 9110 section 13). Conditions hold when the write is applied, not when its head was read."""

import threading

import pytest

WRITERS = 8


def race(server, write):
    """write(api, i) by all writers at once; the statuses, sorted, and who got 200."""
    barrier, replies = threading.Barrier(WRITERS), [None] * WRITERS

    def run(i):
        api = server.api()
        api.get("/api/version.json")  # the connection stands
        barrier.wait()
        replies[i] = write(api, i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(WRITERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return sorted(r.status_code for r in replies), [i for i, r in enumerate(replies) if r.status_code == 200]


@pytest.fixture
def dataset(api):
    d = api.create({"k": "text", "a": "text"}, key="k")
    api.upsert_ok(d, [{"k": "1", "a": "old"}])
    return d


def one_wins(server, write, lost):
    statuses, winners = race(server, write)
    assert statuses == [200] + [lost] * (WRITERS - 1)
    return str(winners[0])


def of_row(api, dataset, name):
    row = api.get(f"/resource/{dataset}/1.json")
    return row.headers["ETag"] if name == "ETag" else row.json()[name]


@pytest.mark.parametrize("turn", range(3))
def test_of_writes_that_expect_the_same_data_version_one_is_applied(server, api, dataset, turn):
    version = str(api.version(dataset))
    winner = one_wins(server, lambda a, i: a.upsert(dataset, [{"k": "1", "a": str(i)}], expectedDataVersion=version), 409)
    assert api.rows(dataset) == [{"k": "1", "a": winner}]


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_of_writes_under_one_validator_of_the_dataset_one_is_applied(server, api, dataset, method, turn):
    headers = {"If-Match": api.get(f"/resource/{dataset}.json").headers["ETag"]}
    winner = one_wins(server, lambda a, i: a.request(method, f"/resource/{dataset}.json", json=[{"k": "1", "a": str(i)}], headers=headers), 412)
    assert api.rows(dataset) == [{"k": "1", "a": winner}]


@pytest.mark.parametrize("turn", range(3))
def test_of_writes_that_give_the_same_row_version_one_is_applied(server, api, dataset, turn):
    version = of_row(api, dataset, ":version")
    winner = one_wins(server, lambda a, i: a.upsert(dataset, {"k": "1", "a": str(i), ":version": version}), 409)
    assert api.rows(dataset) == [{"k": "1", "a": winner}]


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_of_writes_under_one_validator_of_the_row_one_is_applied(server, api, dataset, method, turn):
    headers = {"If-Match": of_row(api, dataset, "ETag")}
    winner = one_wins(server, lambda a, i: a.request(method, f"/resource/{dataset}/1.json", json={"a": str(i)}, headers=headers), 412)
    assert api.rows(dataset) == [{"k": "1", "a": winner}]


@pytest.mark.parametrize("turn", range(5))
def test_a_row_is_not_deleted_under_a_validator_that_an_update_has_outdated(server, api, dataset, turn):
    headers = {"If-Match": of_row(api, dataset, "ETag")}
    winner = one_wins(server, lambda a, i: a.delete(f"/resource/{dataset}/1.json", headers=headers) if i % 2 else
                      a.post(f"/resource/{dataset}/1.json", json={"a": str(i)}, headers=headers), 412)
    assert api.rows(dataset) == ([] if int(winner) % 2 else [{"k": "1", "a": winner}])


@pytest.mark.parametrize("turn", range(3))
def test_of_writes_that_want_to_be_the_first_one_makes_the_row(server, api, dataset, turn):
    headers = {"If-None-Match": "*"}
    winner = one_wins(server, lambda a, i: a.put(f"/resource/{dataset}/new.json", json={"a": str(i)}, headers=headers), 412)
    assert api.rows(dataset)[1:] == [{"k": "new", "a": winner}]


def test_if_match_any_asks_only_that_there_is_a_row(server, api, dataset):
    headers = {"If-Match": "*"}
    statuses, _ = race(server, lambda a, i: a.post(f"/resource/{dataset}/1.json", json={"a": str(i)}, headers=headers))
    assert statuses == [200] * WRITERS
    assert api.post(f"/resource/{dataset}/none.json", json={"a": "x"}, headers=headers).status_code == 412
    statuses, _ = race(server, lambda a, i: a.upsert(dataset, [{"k": "1", "a": str(i)}]) if i else a.post(
        f"/resource/{dataset}.json", json=[{"k": "1", "a": "any"}], headers=headers))
    assert statuses == [200] * WRITERS


def test_many_deletes_of_one_row_delete_it_once(server, api, dataset):
    statuses, _ = race(server, lambda a, i: a.delete(f"/resource/{dataset}/1.json"))
    assert statuses == [200] + [404] * (WRITERS - 1)
