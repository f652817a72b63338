"""Queries that a person can type and a server must stand: each is answered with its rows, or with 400, the place and a hint; never with
the store's own words. And small tables whose answers are known, where engines disagree about numbers that are kept as text."""

import re
import time

import pytest
from client import Server

ENGINE = re.compile(r"sqlite|storage code|SQL logic|parser stack|no such (column|table):|syntax error", re.I)


@pytest.fixture(scope="module")
def table(api):
    dataset = api.create({"k": "text", "n": "number", "m": "number", "t": "text", "b": "checkbox", "f": "calendar_date", "j": "json"}, key="k")
    api.upsert_ok(dataset, [
        {"k": "1", "n": "1", "m": "2", "t": "a", "b": True, "f": "2014-01-31T10:20:30.500", "j": {"json": [[1], 2]}},
        {"k": "2", "n": "1.0", "m": "10", "t": "b", "b": False, "f": "1969-12-31T23:59:59.999"},
        {"k": "3", "n": "1.00", "t": ""}, {"k": "4", "n": "9", "m": "-1"}, {"k": "5", "n": "10"}, {"k": "6"}])
    return dataset


def ask(api, dataset, query):
    return api.get(f"/resource/{dataset}.json", params={"$query": query})


def values(api, dataset, query):
    reply = ask(api, dataset, query)
    assert reply.status_code == 200, f"{query[:200]}: {reply.text[:600]}"
    return [list(row.values()) for row in reply.json()]


def check_refusal(reply, query):
    """400, with the place and without the store's words."""
    assert reply.status_code == 400, f"{query[:200]}: {reply.status_code} {reply.text[:600]}"
    body = reply.json()
    assert not ENGINE.search(body["message"].split(", in $query")[0]), body["message"]
    assert body["data"]["position"]["row"] >= 1, body
    return body


@pytest.mark.parametrize("query,expected", [
    ("SELECT k WHERE n::text = '1'", ["1"]),
    ("SELECT k WHERE '1.0' = n::text", ["2"]),
    ("SELECT k WHERE n::text IN ('1', '10')", ["1", "5"]),
    ("SELECT k WHERE n::text BETWEEN '1' AND '10'", ["1", "2", "3", "5"]),
    ("SELECT DISTINCT n::text AS x WHERE n IS NOT NULL", ["1", "1.0", "1.00", "9", "10"]),
    ("SELECT count(DISTINCT n::text)", ["5"]),
    ("SELECT n::text AS x WHERE n > 1 ORDER BY n::text", ["10", "9"]),
    ("SELECT max(n::text)", ["9"]),
    ("SELECT nullif(n::text, '1') AS x WHERE k = '2'", ["1.0"]),
    ("SELECT n::text AS x WHERE n = 1 MINUS SELECT '1' AS x", ["1.0", "1.00"]),
    ("SELECT count(*) WHERE n > 0 GROUP BY n::text", ["1"] * 5),
])
def test_a_number_cast_to_text_is_compared_as_text(api, table, query, expected):
    assert sorted(v for row in values(api, table, query) for v in row) == sorted(expected)


def test_texts_of_numbers_come_in_the_order_of_texts(api, table):
    assert values(api, table, "SELECT n::text AS x WHERE n > 1 ORDER BY n::text") == [["10"], ["9"]]
    assert values(api, table, "SELECT k, row_number() OVER (PARTITION BY n::text ORDER BY k) AS r WHERE n = 1") == [["1", "1"], ["2", "1"], ["3", "1"]]


@pytest.mark.parametrize("operands", [2, 10, 11, 30, 33, 100, 190])
def test_long_chains(api, table, operands):
    """SQLite's parser goes only some thirty calls deep."""
    chains = {" + ": str(operands), " * ": "1", " || ": "".join("1" for _ in range(operands))}
    for operator, expected in chains.items():
        assert values(api, table, f"SELECT {operator.join(['n'] * operands)} AS x WHERE k = '1'") == [[expected]]
    parts = " || ".join(f"'{i}.'" for i in range(operands))
    assert values(api, table, f"SELECT {parts} AS x WHERE k = '1'") == [["".join(f"{i}." for i in range(operands))]]


DEEP = {
    "sum from the right": lambda n: "SELECT " + "n + (" * n + "n" + ")" * n,
    "call": lambda n: "SELECT " + "upper(" * n + "t" + ")" * n,
    "minus": lambda n: "SELECT " + "- " * n + "n",
    "not": lambda n: "SELECT k WHERE " + "NOT " * n + "b",
    "power": lambda n: "SELECT " + " ^ ".join(["1"] * n),
    "case": lambda n: "SELECT " + "CASE WHEN b THEN " * n + "1" + " END" * n,
    "element": lambda n: "SELECT j" + "[0]" * n,
    "and or": lambda n: "SELECT k WHERE " + "(b AND (b OR " * n + "b" + "))" * n,
    "chain": lambda n: " |> ".join(["SELECT *"] * n),
    "chain of groups": lambda n: "SELECT k, n" + " |> SELECT k, max(n) AS n GROUP BY k" * n,
    "union": lambda n: " UNION ALL ".join(["SELECT n"] * n),
    "minus all": lambda n: " MINUS ALL ".join(["SELECT n"] * n),
    "join": lambda n: "SELECT n JOIN (" * n + "SELECT n" + "".join(f") AS q{i} ON true" for i in range(n)),
    "arguments": lambda n: "SELECT coalesce(" + ",".join(["n"] * 30 * n) + ")",
    "order": lambda n: "SELECT k ORDER BY " + ",".join(f"n+{i}" for i in range(40 * n)),
}


@pytest.mark.parametrize("kind", DEEP)
def test_depth_and_width_are_refused_with_the_place(api, table, kind):
    """Up to the limit rows, above it a refusal; whose limit it is, ours or the store's, makes no difference to who asks."""
    refused = False
    for n in (2, 5, 15, 30, 55, 90, 150, 210):
        query = DEEP[kind](n)
        if len(query) > 24000:
            break
        reply = ask(api, table, query)
        if reply.status_code != 200:
            assert check_refusal(reply, query)["errorCode"] in ("req.limit-exceeded", "query.soql.duplicate-alias"), reply.text
            refused = True
    assert refused or len(query) > 24000


@pytest.mark.parametrize("operator", ["+", "-"])
@pytest.mark.parametrize("interval", ["P999999999Y", "P999999999M", "P999999999D", "P142857142W", "PT999999999H",
                                      "P999999999Y11M999999999DT999999999H59M"])
def test_intervals_out_of_reach(api, table, operator, interval):
    query = f"SELECT f {operator} '{interval}'::interval AS x"
    assert "timestamp out of range" in check_refusal(ask(api, table, query), query)["message"]


@pytest.mark.parametrize("interval", ["P142857143W", "P999999999Y12M", "P142857142W999999999D", "PT999999999H60M", "-P1000000000D", "P-999999999Y-12M"])
def test_intervals_that_could_not_be_written(api, table, interval):
    query = f"SELECT f + '{interval}'::interval AS x"
    check_refusal(ask(api, table, query), query)


def test_a_query_of_the_present_time_is_never_not_modified(api, table):
    path, params = f"/resource/{table}.json", {}
    for query in ("SELECT get_utc_date() AS x LIMIT 1", "SELECT k WHERE get_utc_date() > '2020-01-01' LIMIT 1"):
        params["$query"] = query
        first = api.get(path, params=params)
        assert first.status_code == 200, first.text
        time.sleep(0.005)
        again = api.get(path, params=params, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 200 and again.headers["ETag"] != first.headers["ETag"]
        assert api.get(path, params=params, headers={"If-Modified-Since": "Fri, 01 Jan 2021 00:00:00 GMT"}).status_code == 200
    params["$query"] = "SELECT k LIMIT 1"
    assert api.get(path, params=params, headers={"If-None-Match": api.get(path, params=params).headers["ETag"]}).status_code == 304


def test_the_deadline_is_told_in_plain_words(tmp_path):
    server = Server(tmp_path / "data", extra=["--query-deadline", "1"]).start()
    try:
        api = server.api()
        dataset = api.create({"n": "number"}, public=True)
        api.upsert_ok(dataset, [{"n": i} for i in range(30)])
        reply = ask(api, dataset, "SELECT count(*) " + " ".join(f"JOIN @{dataset} AS x{i} ON true" for i in range(9)))
        assert reply.status_code == 408 and reply.json()["errorCode"] == "query.timeout", reply.text
        assert not ENGINE.search(reply.text), reply.text
        assert values(api, dataset, "SELECT count(*)") == [["30"]]
    finally:
        server.stop()
    server.check_clean()


def test_an_order_by_a_window_goes_through_a_pipe(api, table):
    assert values(api, table, "select k, rank() over (order by k desc) as r order by r limit 2 |> select k") == [["6"], ["5"]]
    assert values(api, table, "select k, lag(n) over (order by n groups 1 preceding) as p order by p, k desc limit 2 |> select k")
    assert ask(api, table, "select k, row_number() over (order by k) as r |> select distinct on (r) k order by r").status_code == 200


@pytest.mark.parametrize("query", ["select distinct on (rank() over (order by k)) k", "select distinct on (k) k order by k, rank() over (order by t)"])
def test_distinct_on_takes_no_windows_and_says_what_to_do(api, table, query):
    reply = ask(api, table, query)
    assert reply.status_code == 400 and "|>" in reply.json()["message"] and reply.json()["data"]["position"]["row"] == 1
