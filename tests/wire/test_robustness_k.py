"""Values, keys and names, line by line of tests/robustness.md (K): what test_types.py and test_upsert.py do not show already."""

import unicodedata
import json

import pytest

from client import counts, refused, six

WHEN = {"calendar_date": "floating", "date": "fixed"}
BAD_TIMES = ["2024-02-30", "2023-02-29", "25:61", "0000-01-01", "-300-01-01", "99999-01-01", "2024-01-01T24:00:00", "2024-01-01T23:59:60", "2024-00-10", "2024-13-01",
             "1900-02-29", "2024-01-01T12:60", "02/30/2024", "2024-01-01T25:00", "2024-06-31"]


@pytest.fixture(scope="module")
def dated(api):
    return api.create({"k": "text", "t": "calendar_date", "d": "date", "p": "point", "l": "line", "g": "polygon", "c": "checkbox", "u": "url", "o": "location"}, key="k")


@pytest.mark.parametrize("field", ["t", "d"])
@pytest.mark.parametrize("text", BAD_TIMES, ids=lambda t: "K1_" + t)
def test_times_that_never_were_are_refused_with_row_column_value_and_forms(api, dated, text, field):
    body = refused(api.upsert(dated, '[{"k":"a"},\n{"k":"b","%s":"%s"}]' % (field, text)), 400, "soda.column.maltyped", says=[text, field, "line 2"])
    error, = body["data"]["errors"]
    assert (error["input_index"], error["line"], error["field"], error["value"]) == (1, 2, field, text), error
    assert api.rows(dated) == []


def test_K2_offsets_belong_to_fixed_timestamps_only(api, dated):
    refused(api.upsert(dated, [{"k": "1", "t": "2014-10-13T05:06:07Z"}]), 400, "soda.column.maltyped", says="fixed")
    dataset = api.create({"k": "text", "d": "date"}, key="k")
    assert six(api.upsert(dataset, [{"k": "1", "d": "2014-10-13T05:06:07"}])) == counts(created=1)
    assert api.rows(dataset)[0]["d"] == "2014-10-13T05:06:07.000Z"


GEOMETRIES = [("K3_unclosed_ring", "g", "POLYGON ((0 0, 1 0, 1 1))", "close"), ("K3_open_ring_geojson", "g", {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [2, 2]]]}, "close"),
              ("K3_one_point_line", "l", "LINESTRING (1 2)", "2"), ("K3_comma_point", "p", "POINT(1,2)", ""), ("K3_nan", "p", "POINT (NaN 1)", ""),
              ("K3_inf", "p", "POINT (1 inf)", ""), ("K3_short_ring", "g", "POLYGON ((0 0, 1 1, 0 0))", "4"), ("K3_unbalanced", "g", "POLYGON ((0 0, 1 0, 1 1, 0 0)", ""),
              ("K5_collection", "g", {"type": "GeometryCollection", "geometries": []}, "polygon"), ("K5_wrong_type", "g", "POINT (1 2)", "polygon"),
              ("K5_feature", "p", {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}}, "point"),
              ("K5_feature_collection", "p", {"type": "FeatureCollection", "features": []}, "point"), ("K5_wkt_collection", "p", "GEOMETRYCOLLECTION (POINT (1 2))", "point"),
              ("K5_lower_type", "p", {"type": "point", "coordinates": [1, 2]}, "Point"), ("K5_array", "p", [1, 2], "")]


@pytest.mark.parametrize("field,value,says", [x[1:] for x in GEOMETRIES], ids=[x[0] for x in GEOMETRIES])
def test_geometries_that_are_none_are_refused_with_the_reason(api, dated, field, value, says):
    refused(api.upsert(dated, [{"k": "1", field: value}]), 400, "soda.column.maltyped", says=[field, says])
    assert api.rows(dated) == []


def test_K3_latitudes_beyond_90_are_stored_and_warned_about(api):
    dataset = api.create({"k": "text", "p": "point"}, key="k")
    body = api.upsert_ok(dataset, [{"k": "1", "p": "POINT (200 95)"}])
    assert body["Warnings"] and api.rows(dataset)[0]["p"]["coordinates"] == [200.0, 95.0]


def test_K4_a_self_intersection_is_stored_as_it_came(api):
    dataset = api.create({"k": "text", "g": "polygon"}, key="k")
    ring = [[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]
    assert six(api.upsert(dataset, [{"k": "1", "g": {"type": "Polygon", "coordinates": [ring]}}])) == counts(created=1)
    assert api.rows(dataset)[0]["g"]["coordinates"] == [ring]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,<script>", "//x", "nonsense", "http://x/\u202e", "'\"><script>"], ids=lambda a: "K7_" + a[:12])
def test_urls_are_data(api, address):
    dataset = api.create({"k": "text", "u": "url"}, key="k")
    assert six(api.upsert(dataset, [{"k": "1", "u": {"url": address}}])) == counts(created=1)
    assert api.rows(dataset)[0]["u"] == {"url": address}


@pytest.mark.parametrize("value", ["5", "true", "[]", '{"url":5}', '{"url":["a"]}', '{"description":{}}', '{"url":"a","more":1}'], ids=lambda v: "K7_undecodable_" + v)
def test_urls_that_cannot_be_read_are_refused_or_kept_whole(api, dated, value):
    reply = api.upsert(dated, '[{"k":"1","u":%s}]' % value, dryRun="true")
    if reply.status_code == 200:
        assert "more" in value
    else:
        refused(reply, 400, "soda.column.maltyped", says="u")


KEYS = [("text", ["a", "A", " a", "a "], 4), ("text", ["e\u0301", "\u00e9"], 1), ("text", ["\ufb01", "fi"], 2), ("text", ["a\u0000", "a"], 1), ("number", ["1", "1.00", "01", "1e0", " 1 "], 1),
        ("number", ["0", "-0", "0.000"], 1), ("number", ["0.1", "0.10000000000000000001"], 2), ("number", ["1" + "0" * 400, "1e400"], 1),
        ("calendar_date", ["2024-01-01", "2024-01-01T00:00:00.000", "01/01/2024"], 1), ("checkbox", ["true", "1", "yes"], 1),
        ("text", ["1", "1.0"], 2), ("text", ["stra\u00dfe", "strasse", "STRASSE"], 3)]


@pytest.mark.parametrize("kind,keys,rows", KEYS, ids=[f"K8_{k[0]}_{k[1][0][:8]!r}" for k in KEYS])
def test_equal_keys_are_one_row_and_others_are_not(api, kind, keys, rows):
    for together in (True, False):
        dataset = api.create({"k": kind, "n": "number"}, key="k")
        requests = [[{"k": k, "n": i} for i, k in enumerate(keys)]] if together else [[{"k": k, "n": i}] for i, k in enumerate(keys)]
        for request in requests:
            assert api.upsert(dataset, request).status_code == 200
        got = api.rows(dataset)
        assert len(got) == rows and got[-1]["n"] == str(len(keys) - 1), got


@pytest.mark.parametrize("key,status", [("k" * 1024, 200), ("k" * 1025, 400), ("k" * 10240, 400), ("\u00e9" * 512, 200), ("\u00e9" * 513, 400)],
                         ids=["K8_1024", "K8_1025", "K8_10_KB", "K8_1024_in_512", "K8_1026_in_513"])
@pytest.mark.parametrize("how", ["json", "csv", "replace", "ndjson"])
def test_long_keys(api, key, status, how):
    dataset = api.create({"k": "text"}, key="k")
    if how == "csv":
        reply = api.send_csv("POST", dataset, f"k\n{key}\n")
    elif how == "ndjson":
        reply = api.post(f"/resource/{dataset}.json", data=json.dumps({"k": key}).encode(), headers={"Content-Type": "application/x-ndjson"})
    else:
        reply = api.send_json("PUT" if how == "replace" else "POST", dataset, [{"k": key}])
    assert reply.status_code == status, reply.text[:300]
    if status == 400:
        refused(reply, 400, says="1024 bytes")
    assert len(api.rows(dataset)) == (status == 200)


def test_K8_a_replace_merges_equal_keys_and_a_null_key_is_refused(api):
    dataset = api.create({"k": "number", "n": "number"}, key="k")
    assert api.replace(dataset, [{"k": "1", "n": 1}, {"k": "1.00", "n": 2}]).status_code == 200
    assert [r["n"] for r in api.rows(dataset)] == ["2"]
    refused(api.replace(dataset, [{"k": None}]), 400)
    assert [r["n"] for r in api.rows(dataset)] == ["2"]


NAMES = ["'; DROP TABLE rows; --", '"', "`x`", "select", "SELECT * FROM x", "rowid", "sid", "c1", "__proto__", "constructor", "\U0001f600", "\u202eabc", "a\u200bb", "%s%n", "../x",
         "CON", "null", "NaN", "<script>alert(1)</script>", "a" * 1024, "1", "-", "_", "  padded  ", "\u0130stanbul", "\u0645\u0631\u062d\u0628\u0627", "a b", "a.b", "a-b", "A", "order"]


@pytest.mark.parametrize("name", NAMES, ids=lambda n: "K9_" + ascii(n)[:24])
def test_any_display_name_gets_a_safe_field_name_that_works(api, name):
    reply = api.post("/api/views.json", json={"name": name, "columns": [{"name": "K", "fieldName": "k", "dataTypeName": "text"}, {"name": name, "dataTypeName": "text"}]})
    assert reply.status_code == 200, reply.text
    field = reply.json()["columns"][1]["fieldName"]
    assert field and all(c.isalnum() or c == "_" or unicodedata.category(c) == "Mn" for c in field) and field not in ("k",), field
    dataset = reply.json()["id"]
    assert api.upsert(dataset, [{"k": "1", field: "v"}]).status_code == 200
    assert api.rows(dataset, **{field: "v"}) == [{"k": "1", field: "v"}]
    assert api.get(f"/api/views/{dataset}.json").json()["columns"][1]["name"].strip() == reply.json()["columns"][1]["name"].strip()


@pytest.mark.parametrize("name", ["a" * 10240, "", " ", None, 5, ["x"], {"a": 1}], ids=lambda n: "K9_refused_" + str(n)[:8])
def test_a_name_that_cannot_be_is_refused(api, name):
    refused(api.post("/api/views.json", json={"name": "x", "columns": [{"name": name, "dataTypeName": "text"}]}), 400)


@pytest.mark.parametrize("field", [":id", ":x", "a b", "'; --", "a\u0000", "", "\U0001f600", "A" * 256, 5, [], "1a", "__proto__"], ids=lambda n: "K9_field_" + ascii(n)[:12])
def test_a_field_name_of_ones_own_is_safe_or_refused(api, field):
    reply = api.post("/api/views.json", json={"name": "x", "columns": [{"name": "X", "fieldName": field, "dataTypeName": "text"}]})
    if reply.status_code != 200:
        refused(reply, 400)
        return
    got = reply.json()["columns"][0]["fieldName"]
    assert got and all(c.isascii() and (c.isalnum() or c == "_") for c in got), got
    assert api.upsert(reply.json()["id"], [{got: "v"}]).status_code == 200


@pytest.mark.parametrize("name", ["", None, 5, "x" * 100000], ids=lambda n: "K9_view_" + str(n)[:8])
def test_odd_dataset_names(api, name):
    reply = api.post("/api/views.json", json={"name": name, "columns": []})
    assert reply.status_code == 200 or refused(reply, 400)


VIEWS = ["", "[]", "null", "5", '"x"', "{", '{"name":"x","columns":5}', '{"name":"x","columns":[5]}', '{"name":"x","columns":[{}]}', '{"name":"x","columns":[null]}',
         '{"name":"x","metadata":5}', '{"name":"x","metadata":{"rowIdentifier":[]}}', '{"name":"x","tags":5}', '{"name":"x","columns":[{"name":"a","dataTypeName":5}]}',
         '{"name":"x","columns":[{"name":"a","dataTypeName":"text","format":5}]}', '{"name":"x","metadata":{"rowIdentifier":"nope"}}', "[" * 100000, '{"a":' * 70,
         '{"name":"\\ud800"}', '{"name":"x","rowIdentifierColumnId":99999999999999999999}', '{"name":"x","id":"../../x"}', '{"name":"x","resourceName":"../x"}']


@pytest.mark.parametrize("text", VIEWS, ids=lambda v: "K9_view_document_" + v[:30])
@pytest.mark.parametrize("how", ["create", "update", "columns"])
def test_view_documents_of_any_shape_are_taken_or_refused_never_an_error_of_ours(api, text, how):
    if how == "create":
        reply = api.post("/api/views.json", data=text.encode(), headers={"Content-Type": "application/json"})
    else:
        dataset = api.create({"k": "text"})
        path = f"/api/views/{dataset}.json" if how == "update" else f"/api/views/{dataset}/columns.json"
        reply = api.request("PUT" if how == "update" else "POST", path, data=text.encode(), headers={"Content-Type": "application/json"})
        assert api.get(f"/api/views/{dataset}.json").json()["id"] == dataset
    assert reply.status_code == 200 or refused(reply, reply.status_code) and 400 <= reply.status_code < 500
