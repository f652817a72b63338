"""Queries over HTTP: clauses and $query, formats of computed columns, paging, the requests of known clients (docs/wire/reading.md,
docs/wire/soql.md). What each clause and function gives is in docs/soql.md and runs in test_soql_docs.py."""

import csv
import io
import json
import xml.etree.ElementTree as ElementTree

import pytest

from client import refused


@pytest.fixture(scope="module")
def dataset(api):
    d = api.create({"k": "text", "n": "number", "c": "checkbox", "t": "calendar_date", "p": "point", "note": "text"}, key="k", public=True)
    api.upsert_ok(d, [{"k": f"r{i}", "n": i, "c": i % 2 == 0, "t": f"2020-{i % 3 + 1:02}-01", "p": f"POINT ({i} {i}.5)"} for i in range(12)])
    api.upsert_ok(d, [{"k": "x", "note": "running <&>\"' \u0001 \u2028 \ud83d\ude00"}])
    return d


def ask(api, dataset, extension="json", **clauses):
    """Clauses without their $."""
    reply = api.get(f"/resource/{dataset}.{extension}", params={"$" + name: value for name, value in clauses.items()})
    assert reply.status_code == 200, reply.text
    return reply.json() if extension == "json" else reply


def keys(rows):
    return [row["k"] for row in rows]


# ── clauses ──

def test_each_clause_alone(api, dataset):
    assert keys(ask(api, dataset, where="n >= 10")) == ["r10", "r11"]
    assert ask(api, dataset, select="n*2 AS twice", limit="2", offset="3") == [{"twice": "6"}, {"twice": "8"}]
    assert ask(api, dataset, select="c, count(*)", group="c", order="c") == [
        {"c": False, "count": "6"}, {"c": True, "count": "6"}, {"count": "1"}]
    assert ask(api, dataset, select="t, sum(n) AS s", group="t", having="s > 18", order="t") == [
        {"t": "2020-02-01T00:00:00.000", "s": "22"}, {"t": "2020-03-01T00:00:00.000", "s": "26"}]
    assert keys(ask(api, dataset, order="n DESC NULLS LAST", limit="2")) == ["r11", "r10"]
    assert keys(ask(api, dataset, q="runs")) == ["x"]
    assert keys(ask(api, dataset, search="run")) == ["x"]
    assert ask(api, dataset, query="SELECT max(n) AS m WHERE c = true") == [{"m": "10"}]


def test_the_same_query_in_clauses_and_as_one_text(api, dataset):
    clauses = ask(api, dataset, select="t, count(*) AS n", where="c = true", group="t", having="count(*) > 1", order="t DESC", limit="2", offset="0")
    text = "SELECT t, count(*) AS n WHERE c = true GROUP BY t HAVING count(*) > 1 ORDER BY t DESC LIMIT 2 OFFSET 0"
    assert clauses == ask(api, dataset, query=text) and len(clauses) == 2


def test_simple_filters_are_demanded_beside_where(api, dataset):
    reply = api.get(f"/resource/{dataset}.json", params={"$where": "n < 5 OR n > 9", "c": "true", "$select": "k"})
    assert keys(reply.json()) == ["r0", "r2", "r4", "r10"]
    assert keys(api.get(f"/resource/{dataset}.json", params={"n": "3", "$where": "true"}).json()) == ["r3"]


@pytest.mark.parametrize("parameters", [
    {"$query": "SELECT k", "$where": "n = 1"}, {"$query": "SELECT k", "$limit": "1"}, {"$query": "SELECT k", "k": "x"},
    {"$q": "a", "$search": "b"}, {"$group": "c"}])
def test_parameters_that_do_not_go_together(api, dataset, parameters):
    refused(api.get(f"/resource/{dataset}.json", params=parameters), 400)


def test_a_repeated_parameter_is_refused(api, dataset):
    refused(api.get(f"/resource/{dataset}.json?$where=n=1&$where=n=2"), 400, says="$where")


def test_nothing_written_in_one_clause_reaches_another(api, dataset):
    for parameters in ({"$order": "k limit 1"}, {"$where": "n = 1 limit 1"}, {"$where": "n=1) or (n=2"}, {"$group": "c having true", "$select": "c"},
                       {"$select": "k where true"}, {"$where": "n = 1 -- and", "$order": "k -- \n limit 1"}):
        refused(api.get(f"/resource/{dataset}.json", params=parameters), 400)


def test_columns_may_be_called_like_words(api):
    d = api.create({"order": "text", "select": "number", "case": "number"})
    api.upsert_ok(d, [{"order": "a", "select": 1, "case": 2}])
    assert ask(api, d, select="`order`, `select` + case AS s", where="`order` = 'a'") == [{"order": "a", "s": "3"}]
    refused(api.get(f"/resource/{d}.json", params={"$select": "order"}), 400, says="`order`")


# ── paging ──

def test_the_default_limit_is_1000_after_everything_else(api):
    d = api.create({"n": "number"})
    api.upsert_ok(d, [{"n": i} for i in range(1500)])
    for query in ("SELECT n", "SELECT n WHERE n >= 0", "SELECT n |> SELECT n + 1 AS m", "SELECT n UNION ALL SELECT n", "SELECT n GROUP BY n"):
        assert len(ask(api, d, query=query)) == 1000
    assert len(ask(api, d, query="SELECT n LIMIT 1200 |> SELECT n LIMIT 5000")) == 1200
    assert ask(api, d, query="SELECT n |> SELECT count(*) AS c") == [{"c": "1500"}]
    assert len(ask(api, d, query="SELECT n LIMIT 1400")) == 1400


@pytest.mark.parametrize("clauses", [{}, {"order": "c"}, {"order": "t DESC"}, {"where": "n >= 0", "order": "c, t"}, {"query": "SELECT k, t ORDER BY t |> SELECT k"}])
def test_pages_fit_together(api, dataset, clauses):
    whole, pages = keys(ask(api, dataset, **clauses)), []
    for offset in range(0, 16, 3):
        if "query" in clauses:
            pages += keys(ask(api, dataset, query=f"{clauses['query']} LIMIT 3 OFFSET {offset}"))
        else:
            pages += keys(ask(api, dataset, limit="3", offset=str(offset), **clauses))
    assert pages == whole and len(set(whole)) == len(whole)


# ── formats ──

COMPUTED = "k || '!' AS loud, n / 4 AS quarter, n > 5 AS large, date_trunc_y(t) AS year, p, count(*) OVER () AS all_of_them, note"


def test_json_of_computed_columns(api, dataset):
    assert ask(api, dataset, select=COMPUTED, where="n = 6") == [
        {"loud": "r6!", "quarter": "1.5000000000000000", "large": True, "year": "2020-01-01T00:00:00.000",
         "p": {"type": "Point", "coordinates": [6.0, 6.5]}, "all_of_them": "1"}]


@pytest.mark.parametrize("extension,separator", [("csv", ","), ("tsv", "\t")])
def test_tables_of_computed_columns(api, dataset, extension, separator):
    reply = ask(api, dataset, extension, select=COMPUTED, where="n = 6 OR k = 'x'")
    rows = list(csv.reader(io.StringIO(reply.content.decode(), newline=""), delimiter=separator))
    assert rows == [["loud", "quarter", "large", "year", "p", "all_of_them", "note"],
                    ["r6!", "1.5000000000000000", "true", "2020-01-01T00:00:00.000", "POINT (6.0 6.5)", "2", ""],
                    ["x!", "", "", "", "", "2", "running <&>\"' \u0001 \u2028 \U0001f600"]]
    assert json.loads(reply.headers["X-SODA2-Fields"]) == rows[0]
    assert json.loads(reply.headers["X-SODA2-Types"]) == ["text", "number", "boolean", "floating_timestamp", "point", "number", "text"]
    marked = api.get(f"/resource/{dataset}.{extension}", params={"$select": "1 AS one", "$limit": "1", "$$bom": "true"})
    assert marked.content == b'\xef\xbb\xbf"one"\n"1"\n'


def test_geojson_of_computed_columns(api, dataset):
    body = ask(api, dataset, "geojson", select="n, p AS here, make_point(n, n) AS there", where="n = 6").json()
    feature, = body["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [6.0, 6.5]}
    assert feature["properties"] == {"n": "6", "there": {"type": "Point", "coordinates": [6.0, 6.0]}}


def test_xml_and_rdf_are_well_formed_whatever_stands_in_them(api, dataset):
    select = "k, note, note || ']]>' AS more, n + 1 AS `a-b`, count(*) OVER () AS ünï"
    rows = ElementTree.fromstring(ask(api, dataset, "xml", select=select, where="k = 'x'").content).find("rows")
    row, = rows
    assert row.find("note").text == "running <&>\"' \ufffd \u2028 \U0001f600"
    assert row.find("more").text.endswith("]]>") and row.find("_x00FC_n_x00EF_").text == "1"
    assert row.find("a-b") is None  # null is left out
    rdf = ElementTree.fromstring(ask(api, dataset, "rdf", select=":id, " + select, where="k = 'x'").content)
    about = rdf[0].attrib["{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"]
    assert f"/resource/{dataset}/row-" in about
    assert [e.text for e in rdf[0] if e.tag.endswith("}note")] == [row.find("note").text]


def test_no_rows_in_every_format(api, dataset):
    assert ask(api, dataset, "csv", select="n+1 AS m", where="false").text == '"m"\n'
    assert api.get(f"/resource/{dataset}.json", params={"$where": "false"}).text == "[]\n"
    assert ask(api, dataset, "geojson", where="false").json()["features"] == []
    assert len(ElementTree.fromstring(ask(api, dataset, "xml", where="false").content).find("rows")) == 0
    assert len(ElementTree.fromstring(ask(api, dataset, "rdf", where="false").content)) == 0


def test_types_that_only_queries_have(api, dataset):
    query = "SELECT n::double AS d, t.date, t.time, 'P1D'::interval AS i, n + 0.0 AS e WHERE n = 3"
    assert ask(api, dataset, query=query) == [{"d": 3.0, "t_date": "2020-01-01", "t_time": "00:00:00.000", "i": "P1D", "e": "3.0"}]
    types = ask(api, dataset, "csv", query=query).headers["X-SODA2-Types"]
    assert json.loads(types) == ["double", "date", "time", "interval", "number"]


def test_jsonp_is_off(api, dataset):
    for name in ("$jsonp", "jsonp", "callback", "$callback"):
        refused(api.get(f"/resource/{dataset}.json", params={name: "alert"}), 400, says="Unrecognized arguments")


# ── conditional requests ──

def test_the_tag_changes_with_the_query_and_with_the_rows(api):
    d = api.create({"n": "number"})
    api.upsert_ok(d, [{"n": 1}])
    params = {"$query": "SELECT sum(n) AS s"}
    first = api.get(f"/resource/{d}.json", params=params)
    tag = first.headers["ETag"]
    assert api.get(f"/resource/{d}.json", params=params, headers={"If-None-Match": tag}).status_code == 304
    assert api.get(f"/resource/{d}.json", params={"$query": "SELECT sum(n) AS t"}, headers={"If-None-Match": tag}).status_code == 200
    api.upsert_ok(d, [{"n": 2}])
    again = api.get(f"/resource/{d}.json", params=params, headers={"If-None-Match": tag})
    assert again.status_code == 200 and again.json() == [{"s": "3"}]


# ── known clients ──

def test_rsocrata_pages_with_an_order_and_hears_of_groups(api, dataset):
    reply = api.get(f"/resource/{dataset}.csv?$limit=5&$offset=5&$order=:id", headers={"Accept": "application/json"})
    assert len(reply.text.splitlines()) == 6
    body = refused(api.get(f"/resource/{dataset}.json?$select=c,count(*)&$group=c&$order=:id"), 400, "query.soql.column-not-in-group-bys", says="':id'")
    assert body["data"]["column"] == ":id"


def test_the_dollar_that_was_forgotten(api, dataset):
    refused(api.get(f"/resource/{dataset}.json?select=k&group=k"), 400, says=["Unrecognized arguments [select, group]", "$select"])
    refused(api.get(f"/resource/{dataset}.json?n>=4"), 400, says="Unrecognized arguments [n>]")


def test_percent_signs_are_encoded_once(api, dataset):
    assert len(ask(api, dataset, where="k LIKE 'r1%'")) == 3
    assert len(api.get(f"/resource/{dataset}.json?$where=k%20like%20%27r1%25%27").json()) == 3
    assert len(api.get(f"/resource/{dataset}.json?%24where=k+like+'r1%25'").json()) == 3


@pytest.mark.parametrize("path", ["/api/v3/views/{}/query.json", "/api/v3/views/{}/export.csv"])
def test_soda3_is_not_there(api, dataset, path):
    assert api.post(path.format(dataset), json={"query": "SELECT *"}).status_code == 404
    assert api.get(path.format(dataset)).status_code == 404


# ── queries that were asked before ──

def test_a_query_that_was_asked_before_knows_new_columns_and_names(api):
    d = api.create({"a": "text"})
    api.upsert_ok(d, [{"a": "x"}])
    everything, missing = {"$select": "*"}, {"$select": "b"}
    for _ in range(2):
        assert api.get(f"/resource/{d}.csv", params=everything).text == '"a"\n"x"\n'
        refused(api.get(f"/resource/{d}.json", params=missing), 400, "query.soql.no-such-column")
    assert api.post(f"/api/views/{d}/columns.json", json={"name": "B", "fieldName": "b", "dataTypeName": "number"}).status_code == 200
    api.upsert_ok(d, [{"a": "y", "b": 2}])
    for _ in range(2):
        assert api.get(f"/resource/{d}.csv", params=everything).text == '"a","b"\n"x",\n"y","2"\n'
        assert api.get(f"/resource/{d}.json", params=missing).json() == [{}, {"b": "2"}]


def test_ids_in_a_query_that_was_asked_before_are_those_of_now(api):
    """A replace makes new rows with new numbers; their ids must be written by the key that they have now."""
    d = api.create({"a": "text"}, key="a")
    api.upsert_ok(d, [{"a": "x"}])
    old, = api.rows(d, **{"$select": ":id"})
    ask_for = {"$select": "a", "$where": f":id = '{old[':id']}'"}
    assert api.rows(d, **ask_for) == api.rows(d, **ask_for) == [{"a": "x"}]
    assert api.replace(d, [{"a": "y"}, {"a": "z"}]).status_code == 200
    for row in api.full(d):
        assert api.rows(d, **{"$select": "a", "$where": f":id = '{row[':id']}'"}) == [{"a": row["a"]}]


def test_a_failure_in_a_query_that_was_asked_before_has_its_place(api, dataset):
    for _ in range(3):
        body = refused(api.get(f"/resource/{dataset}.json", params={"$select": "k, 1 / (n - n)", "$limit": "2"}), 400, says="in 1 / (n - n)")
        assert body["data"]["position"]["column"] == 4
