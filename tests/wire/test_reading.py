"""Reading back: formats, paging, order, simple filters, field headers, conditional requests (docs/wire/reading.md)."""

import csv
import email.utils
import io
import json
import time

import pytest

from client import refused


@pytest.fixture(scope="module")
def dataset(api):
    d = api.create({"k": "text", "n": "number", "c": "checkbox", "t": "calendar_date", "p": "point"}, key="k")
    api.upsert_ok(d, [{"k": f"r{i}", "n": i, "c": i % 2 == 0, "t": f"2020-01-{i + 1:02}", "p": f"POINT ({i} {i}.5)"} for i in range(20)])
    api.upsert_ok(d, [{"k": "nulls"}])
    return d


def test_json_is_rows_a_line_with_nulls_left_out(api, dataset):
    reply = api.get(f"/resource/{dataset}.json?$select=k,n,c&$limit=2")
    assert reply.text == '[{"k":"r0","n":"0","c":true}\n,{"k":"r1","n":"1","c":false}]\n'
    assert api.get(f"/resource/{dataset}.json?k=nulls").json() == [{"k": "nulls"}]
    assert api.get(f"/resource/{dataset}.json?$offset=1000").text == "[]\n"


def test_csv_quotes_every_cell_and_always_has_its_header(api, dataset):
    reply = api.get(f"/resource/{dataset}.csv?$select=k,n,c,t&$limit=1")
    assert reply.text == '"k","n","c","t"\n"r0","0","true","2020-01-01T00:00:00.000"\n'
    assert api.get(f"/resource/{dataset}.csv?$select=k,n&k=nulls").text == '"k","n"\n"nulls",\n'
    assert api.get(f"/resource/{dataset}.csv?$select=k&$offset=1000").text == '"k"\n'


def test_csv_tells_empty_text_from_null(api):
    d = api.create({"a": "text", "b": "text"})
    api.upsert_ok(d, [{"a": "", "b": None}, {"a": 'q"x,\n', "b": "="}])
    assert api.get(f"/resource/{d}.csv").text == '"a","b"\n"",\n"q""x,\n","="\n'


def test_geojson_keeps_nulls_and_takes_the_first_geometry(api, dataset):
    body = api.get(f"/resource/{dataset}.geojson?$limit=100").json()
    assert body["type"] == "FeatureCollection" and len(body["features"]) == 21
    assert body["crs"] == {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    first, last = body["features"][0], body["features"][-1]
    assert first["type"] == "Feature" and first["geometry"] == {"type": "Point", "coordinates": [0.0, 0.5]}
    assert first["properties"] == {"k": "r0", "n": "0", "c": True, "t": "2020-01-01T00:00:00.000"}
    assert last["geometry"] is None and last["properties"] == {"k": "nulls", "n": None, "c": None, "t": None}
    d = api.create({"a": "text"})
    api.upsert_ok(d, [{"a": "x"}])
    assert api.get(f"/resource/{d}.geojson").json()["features"][0]["geometry"] is None


@pytest.mark.parametrize("extension,accept,want", [
    (".json", "text/csv", "application/json"), (".csv", "application/json, text/xml, application/xml, */*", "text/csv"),
    ("", None, "application/json"), ("", "text/csv", "text/csv"), ("", "application/json", "application/json"),
    ("", "application/rdf+xml", "application/rdf+xml"), (".xml", None, "text/xml"), (".rdf", None, "application/rdf+xml"),
    ("", "text/xml", "text/xml"), ("", "text/xml, application/json", "application/json"), ("", "*/*", "application/json"), ("", "x/y;q=0", "application/json"),
    (".geojson", None, "application/vnd.geo+json"), ("", "application/vnd.geo+json", "application/vnd.geo+json")])
def test_the_extension_wins_then_accept_then_json(api, dataset, extension, accept, want):
    headers = {"Accept": accept} if accept else {}
    reply = api.get(f"/resource/{dataset}{extension}?$limit=1", headers=headers)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].lower().replace(" ", "") == want + ";charset=utf-8"


def test_the_default_limit_is_1000_and_there_is_no_maximum(api):
    d = api.create({"n": "number"})
    api.upsert_ok(d, [{"n": i} for i in range(2500)])
    assert [int(r["n"]) for r in api.rows(d)] == list(range(1000))
    assert [int(r["n"]) for r in api.rows(d, **{"$offset": "2000"})] == list(range(2000, 2500))
    assert len(api.rows(d, **{"$limit": "100000"})) == 2500
    assert len(api.get(f"/resource/{d}.json?$LIMIT=1001").json()) == 1001
    assert api.rows(d, **{"$limit": "0"}) == []


@pytest.mark.parametrize("parameter,value", [("$limit", "-1"), ("$limit", "x"), ("$offset", "-1"), ("$offset", "1.5"), ("$limit", "")])
def test_bad_limits_and_offsets_are_refused(api, dataset, parameter, value):
    refused(api.get(f"/resource/{dataset}.json", params={parameter: value}), 400)


@pytest.mark.parametrize("order,first", [
    ("n", "nulls last: r0"), ("n DESC", "r19"), ("n desc", "r19"), ("k", "nulls"), (":id", "r0"), ("c, n DESC", "r19"), ("t DESC", "r19")])
def test_order(api, dataset, order, first):
    rows = api.rows(dataset, **{"$order": order})
    keys = [r["k"] for r in rows]
    if "DESC" in order.upper() and "nulls" in keys[:1]:
        keys = keys[1:]
    assert keys[0] == first.split(": ")[-1], keys


def test_numbers_order_as_numbers(api):
    d = api.create({"n": "number"})
    values = ["10", "9", "-1", "1.50", "1.5000000000000000000001", "1e3", "-10", "0.1", "100"]
    api.upsert_ok(d, "[" + ",".join('{"n":%s}' % v for v in values) + "]")
    got = [float(r["n"]) for r in api.rows(d, **{"$order": "n"})]
    assert got == sorted(got)
    assert len(api.rows(d, n="1.5")) == 1


def test_select_names_columns_in_order_and_star_forms(api, dataset):
    reply = api.get(f"/resource/{dataset}.json?$select=n,k&$limit=1")
    assert list(reply.json()[0]) == ["n", "k"]
    row = api.get(f"/resource/{dataset}.json?$select=:*,*&$limit=1").json()[0]
    assert {":id", ":created_at", ":updated_at", ":version", "k", "n"} <= set(row)
    row = api.get(f"/resource/{dataset}.json?$select=:id,k&$limit=1").json()[0]
    assert list(row) == [":id", "k"]
    row = api.get(f"/resource/{dataset}.json?$limit=1").json()[0]
    assert not [name for name in row if name.startswith(":")]


@pytest.mark.parametrize("value,system", [("false", True), ("False", True), ("true", False), ("True", False)])
def test_exclude_system_fields(api, dataset, value, system):
    row = api.get(f"/resource/{dataset}.json", params={"$$exclude_system_fields": value, "$limit": 1}).json()[0]
    assert ({":id", ":created_at", ":updated_at"} <= set(row)) == system


@pytest.mark.parametrize("column,value,keys", [("k", "r3", ["r3"]), ("n", "3", ["r3"]), ("n", "3.0", ["r3"]), ("k", "x' OR '1'='1", []),
                                               ("t", "2020-01-04", ["r3"]), ("K", "r3", ["r3"])])
def test_simple_filters_compare_by_type(api, dataset, column, value, keys):
    assert [r["k"] for r in api.rows(dataset, **{column: value})] == keys


def test_checkbox_filters_and_several_at_once(api, dataset):
    assert len(api.rows(dataset, c="true")) == 10
    assert [r["k"] for r in api.rows(dataset, c="false", n="5")] == ["r5"]


@pytest.mark.parametrize("query", ["$paramthatdoesntexist=1", "$app_token=x", "nosuchcolumn=1", "n=abc", "$limit=1&$limit=2", "$order=nope",
                                   "$select=nope", "k=%00"])
def test_what_cannot_be_asked_is_refused(api, dataset, query):
    refused(api.get(f"/resource/{dataset}.json?{query}"), 400)


@pytest.mark.parametrize("query", ["$$app_token=x", "app_token=x", "nbe=true", "$$version=2.0", "$$anything=1", "&$limit=1", "", "&", "%24limit=1"])
def test_what_is_ignored(api, dataset, query):
    reply = api.get(f"/resource/{dataset}.json?{query}")
    assert reply.status_code == 200 and len(reply.json()) in (1, 21)


def test_unknown_arguments_are_named(api, dataset):
    refused(api.get(f"/resource/{dataset}.json?$frobnicate=1"), 400, says=["Unrecognized arguments", "$frobnicate"])


def test_fields_and_types_headers(api, dataset):
    for extension in ("json", "csv"):
        headers = api.get(f"/resource/{dataset}.{extension}?$limit=1").headers
        assert json.loads(headers["X-SODA2-Fields"]) == ["k", "n", "c", "t", "p"]
        assert json.loads(headers["X-SODA2-Types"]) == ["text", "number", "boolean", "floating_timestamp", "point"]


def test_too_large_field_headers_are_dropped(api):
    d = api.create({f"column_with_a_rather_long_name_{i:03}": "text" for i in range(200)})
    reply = api.get(f"/resource/{d}.json")
    assert reply.status_code == 200 and "X-SODA2-Fields" not in reply.headers and "X-SODA2-Types" not in reply.headers


def test_conditional_reads(api):
    d = api.create({"k": "text"}, key="k")
    api.upsert_ok(d, [{"k": "1"}])
    first = api.get(f"/resource/{d}.json")
    tag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    assert email.utils.parsedate_to_datetime(modified).timestamp() <= time.time() + 2 and modified.endswith(" GMT")
    assert api.get(f"/resource/{d}.json").headers["ETag"] == tag
    for headers in ({"If-None-Match": tag}, {"If-Modified-Since": modified}, {"If-None-Match": '"x", ' + tag}, {"If-None-Match": "*"}):
        reply = api.get(f"/resource/{d}.json", headers=headers)
        assert reply.status_code == 304 and reply.text == "" and reply.headers["ETag"] == tag, headers
    assert api.get(f"/resource/{d}.json", headers={"If-None-Match": '"x"', "If-Modified-Since": modified}).status_code == 200
    refused(api.get(f"/resource/{d}.json", headers={"If-Match": '"x"'}), 412)
    api.upsert_ok(d, [{"k": "2"}])
    second = api.get(f"/resource/{d}.json", headers={"If-None-Match": tag})
    assert second.status_code == 200 and second.headers["ETag"] != tag and len(second.json()) == 2
    assert api.get(f"/resource/{d}.json?$limit=1").headers["ETag"] != second.headers["ETag"]
    assert api.get(f"/resource/{d}.csv").headers["ETag"] != second.headers["ETag"]
    before = second.headers["ETag"]
    api.upsert_ok(d, [])
    assert api.get(f"/resource/{d}.json").headers["ETag"] != before


def test_truth_headers_of_reads(api, dataset):
    headers = api.get(f"/resource/{dataset}.json").headers
    assert int(headers["X-SODA2-Truth-Version"]) > 0 and headers["X-SODA2-Truth-Last-Modified"].endswith("GMT")
    assert headers["X-SODA2-Data-Out-Of-Date"] == "false"


@pytest.mark.parametrize("path", ["/resource/{d}.json", "/resource/{d}.csv", "/resource/{d}", "/api/views/{d}.json"])
def test_head_is_get_without_a_body(api, dataset, path):
    path = path.format(d=dataset)
    head, get = api.request("HEAD", path), api.get(path)
    assert head.status_code == 200 and head.text == "" and head.headers["Content-Type"] == get.headers["Content-Type"]


def test_options_names_the_methods(api, dataset):
    reply = api.request("OPTIONS", f"/resource/{dataset}.json")
    assert reply.status_code in (200, 204)
    assert {m.strip() for m in reply.headers["Allow"].split(",")} >= {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}


def test_a_resource_name_stands_for_the_id(api):
    d = api.create({"k": "text"}, key="k", resourceName="a-name-for-it")
    api.upsert_ok("a-name-for-it", [{"k": "1"}])
    assert api.rows(d) == [{"k": "1"}] == api.rows("a-name-for-it")


def test_what_is_exported_loads_again(api):
    d = api.create({"k": "text", "n": "number", "t": "calendar_date", "u": "url", "p": "point", "c": "checkbox"}, key="k")
    api.upsert_ok(d, [{"k": 'q"uo,te\n', "n": "1.50", "t": "2020-02-29", "u": {"url": "http://x", "description": "a"}, "p": "POINT (1 2)",
                       "c": True}, {"k": "é"}])
    text, rows = api.get(f"/resource/{d}.json").text, api.full(d)
    reply = api.upsert(d, text)
    assert reply.status_code == 200 and reply.json()["Rows Updated"] == 2, reply.text
    assert api.get(f"/resource/{d}.json").text == text
    api.upsert_ok(d, [{k: v for k, v in row.items() if k != ":version"} for row in rows])
    exported = api.get(f"/resource/{d}.csv?$select=k,n,t,p,c").text
    reply = api.send_csv("PUT", d, exported)
    assert reply.status_code == 200 and api.get(f"/resource/{d}.csv?$select=k,n,t,p,c").text == exported
    assert len(list(csv.reader(io.StringIO(exported)))) == 3
